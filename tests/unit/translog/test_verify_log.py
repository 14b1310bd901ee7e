"""Whatever is changed in the log is detected and named: which entry, which tile, the state."""

import pytest

from jiceng_cms.translog import merkle
from jiceng_cms.translog.checkpoint import Checkpoint
from jiceng_cms.translog.differences import differences
from jiceng_cms.translog.log import Block, _complete_tile
from jiceng_cms.translog.note import Signer
from jiceng_cms.translog.report import NAMED
from jiceng_cms.translog.state import checkpoint_file
from jiceng_cms.translog.verify import Claim, verify_log

#: 3 full bundles and a tail of 46 (the first entry is `init`'s).
COUNT = 3 * 256 + 45


@pytest.fixture
def logged(site):
    site.sequence()
    site.commit_many(COUNT)
    site.sequence()
    site.commit(b'{"c":"last","v":1}')
    site.sequence()
    return site


def codes(report):
    return {problem.code for problem in report.problems}


def named(report, code):
    return {problem.index for problem in report.problems if problem.code == code}


def pointer_of(site, index):
    with site.store.reading() as connection:
        log = connection.root()["log"]
        rows = [r for b in [*log.bundles.values(), *log.batches.values()] for r in b.rows]
        return rows[index][1]


def edit_bundle(number, change):
    """A change of a bundle's rows."""

    def tamper(log):
        rows = list(log.bundles[number].rows)
        change(rows)
        log.bundles[number].rows = tuple(rows)

    return tamper


def flip(position):
    def change(rows):
        leaf, pointer, tid = rows[position]
        rows[position] = (leaf[:-1] + bytes([leaf[-1] ^ 1]), pointer, tid)

    return change


def test_log_as_it_should_be(logged):
    report = logged.verify(outbox=True)
    assert report.ok
    assert report.size == COUNT + 2
    with logged.store.reading() as connection:
        assert report.root == connection.root()["log"].state.root


def test_empty_log(site):
    assert site.verify(outbox=True).ok
    assert site.verify().root == merkle.EMPTY_ROOT


def test_altered_entry_is_named_with_its_pointer(logged):
    pointer = pointer_of(logged, 256 + 17)
    logged.tamper(edit_bundle(1, flip(17)))
    report = logged.verify()
    assert named(report, "entry-altered") == {256 + 17}
    (problem,) = [p for p in report.problems if p.code == "entry-altered"]
    assert problem.pointer == pointer
    assert "编号 273 " in problem.text
    assert "root-differs" in codes(report)
    assert "tile-altered" not in codes(report), "the tile is not what is wrong"


def test_dropped_entry(logged):
    pointer = pointer_of(logged, 256 + 17)
    logged.tamper(edit_bundle(1, lambda rows: rows.pop(17)))
    report = logged.verify(outbox=True)
    assert named(report, "entry-missing") >= {256 + 17}
    assert pointer in {p.pointer for p in report.problems if p.code == "entry-missing"}
    assert codes(report) == {"entry-missing", "root-differs"}


def test_inserted_entry(logged):
    logged.tamper(edit_bundle(2, lambda rows: rows.insert(5, (b"forged", "record:z#1", rows[5][2]))))
    assert 2 * 256 + 5 in named(logged.verify(), "entry-inserted")


def test_reordered_entries(logged):
    def swap(rows):
        rows[3], rows[100] = rows[100], rows[3]

    logged.tamper(edit_bundle(1, swap))
    report = logged.verify()
    assert named(report, "entry-moved") <= {256 + 3, 256 + 100}
    assert named(report, "entry-moved")
    assert codes(report) & {"entry-altered", "entry-missing", "entry-inserted"} == set()


def test_bundle_gone(logged):
    logged.tamper(lambda log: log.bundles.pop(1))
    assert 256 in named(logged.verify(), "entry-missing")


def test_rows_that_are_none(logged):
    def spoil(rows):
        rows[4] = "nothing"

    logged.tamper(edit_bundle(0, spoil))
    assert named(logged.verify(), "entry-malformed") == {4}


def test_entry_without_a_tile_is_named_by_range_then_exactly(logged):
    def tail(log):
        key = log.batches.minKey()
        rows = list(log.batches[key].rows)
        flip(2)(rows)
        log.batches[key].rows = tuple(rows)

    logged.tamper(tail)
    (first,) = named(logged.verify(), "entries-differ")
    assert first <= 768 + 2 < first + 32
    exact = logged.verify(outbox=True)
    assert named(exact, "entry-altered") == {768 + 2}
    assert [p.pointer for p in exact.problems if p.code == "entry-altered"] == [pointer_of(logged, 770)]


def test_last_entry_dropped(logged):
    def drop(log):
        del log.batches[log.batches.maxKey()]

    logged.tamper(drop)
    report = logged.verify(outbox=True)
    assert codes(report) >= {"log-shorter", "size-differs", "entry-missing"}
    assert {p.pointer for p in report.problems if p.code == "entry-missing"}


def test_batch_in_the_middle_dropped(logged):
    logged.tamper(lambda log: log.batches.pop(log.batches.minKey()))
    assert 768 in named(logged.verify(), "entry-missing")


def test_batch_added(logged):
    logged.tamper(lambda log: log.batches.update({770: Block([(b"x", "record:z#1", b"\0" * 8)])}))
    assert 770 in named(logged.verify(), "entry-inserted")


def test_altered_tile(logged):
    def change(log):
        data = log.tiles[1].data
        log.tiles[1].data = data[:320] + b"x" * 32 + data[352:]

    logged.tamper(change)
    report = logged.verify(outbox=True)
    assert codes(report) == {"tile-altered"}
    assert [p.text for p in report.problems] == ["哈希块 0/1 的第 10 个哈希和编号 266 到 266 的条目对不上。"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda log: log.tiles.pop(2), "tile-missing"),
        (lambda log: log.edges.pop(1), "tile-missing"),
        (lambda log: setattr(log.tiles[0], "data", None), "tile-missing"),
        (lambda log: setattr(log.edges[1], "data", b"x" * 96), "tile-altered"),
        (lambda log: setattr(log.edges[1], "data", log.edges[1].data + b"x" * 32), "tile-altered"),
        (lambda log: log.tiles.update({7: log.tiles[0]}), "tile-unexpected"),
    ],
)
def test_other_damage_to_tiles(logged, change, code):
    logged.tamper(change)
    assert codes(logged.verify(outbox=True)) == {code}


def test_altered_state_is_told_from_altered_entries_by_what_was_signed(logged):
    logged.tamper(lambda log: setattr(log.state, "frontier", (b"x" * 32, *log.state.frontier[1:])))
    assert codes(logged.verify(outbox=True)) == {"state-altered"}
    with logged.store.reading() as connection:
        assert not verify_log(connection).ok


@pytest.mark.parametrize("size", [0, 5, 256, 100_000])
def test_altered_size(logged, size):
    logged.tamper(lambda log: setattr(log.state, "size", size))
    assert "state-altered" in codes(logged.verify()) or "size-differs" in codes(logged.verify())


def test_everything_rewritten_in_itself_is_caught_by_what_was_signed(logged):
    def forge(log):
        edit_bundle(0, flip(7))(log)
        hashes = [merkle.leaf_hash(row[0]) for row in log.bundles[0].rows]
        keep = log.edges[1].data
        log.edges[1].data = b""
        _complete_tile(log, 0, hashes)
        log.edges[1].data += keep[32:]
        rows = [r for b in [*log.bundles.values(), *log.batches.values()] for r in b.rows]
        log.state.frontier = merkle.tree_of(merkle.leaf_hash(r[0]) for r in rows)

    logged.tamper(forge)
    with logged.store.reading() as connection:
        assert verify_log(connection).ok, "the log alone can't know"
    assert codes(logged.verify()) == {"root-differs"}
    exact = logged.verify(outbox=True)
    assert named(exact, "entry-altered") == {7}


def test_altered_pointer(logged):
    def point_elsewhere(rows):
        leaf, _, tid = rows[9]
        rows[9] = (leaf, "record:z#1", tid)

    pointer = pointer_of(logged, 9)
    logged.tamper(edit_bundle(0, point_elsewhere))
    report = logged.verify(outbox=True)
    assert [(p.code, p.index, p.pointer) for p in report.problems] == [("pointer-altered", 9, pointer)]


def test_altered_order_of_transactions(logged):
    def age(rows):
        leaf, pointer, _ = rows[100]
        rows[100] = (leaf, pointer, b"\0" * 7 + b"\1")

    logged.tamper(edit_bundle(0, age))
    assert 100 in named(logged.verify(), "order")


def test_checkpoint_that_was_edited_or_signed_by_another(logged):
    path = checkpoint_file(logged.state_file)
    note = path.read_text()
    path.write_text(note.replace(str(COUNT), str(COUNT + 1), 1) if str(COUNT) in note else "x" + note)
    assert codes(logged.verify()) == {"checkpoint-invalid"}
    path.write_text(note)
    logged.signer = Signer(logged.signer.name, b"z" * 32)
    assert codes(logged.verify()) == {"checkpoint-invalid"}


def test_checkpoint_of_another_log_by_the_same_key(logged):
    other = Checkpoint("other.example", 1, b"r" * 32).sign(logged.signer)
    checkpoint_file(logged.state_file).write_text(other)
    assert codes(logged.verify()) == {"checkpoint-invalid", "root-differs"}


def test_entries_that_wait_for_the_sequencer_are_no_problem(logged):
    logged.commit(b"waiting")
    assert logged.verify(outbox=True).ok


def test_claims_of_the_records(logged):
    right = pointer_of(logged, 300)
    report = logged.verify(
        claims=[
            Claim(right, 300),
            Claim("record:a#999999", 300),
            Claim("record:b#1", 10**6),
            Claim("record:c#1", None, "正文和公布时不一样。"),
            Claim("record:d#1", None),
        ]
    )
    assert [(p.code, p.pointer) for p in report.problems] == [
        ("pointer", "record:a#999999"),
        ("pointer", "record:b#1"),
        ("record", "record:c#1"),
    ]


def test_many_problems_are_counted_not_listed(logged):
    report = logged.verify(claims=[Claim(f"record:x#{i}", None, "不符") for i in range(NAMED + 5)])
    assert len(report.problems) == NAMED
    assert report.more == {"record": 5}
    assert not report.ok


def test_no_log_and_a_torn_log_are_reported_not_raised(site):
    site.tamper(lambda log: log.__dict__.pop("bundles"))
    assert codes(site.verify()) == {"log-unreadable"}
    with site.writing("site") as root:
        del root["log"]
    assert codes(site.verify()) == {"log-missing"}


def test_differences_tell_what_happened():
    a, b, c, d = b"a", b"b", b"c", b"d"
    assert differences([a, b, c], [a, b, c]) == []
    assert differences([a, b, c], [a, d, c]) == [("entry-altered", 1)]
    assert differences([a, b, c], [a, c]) == [("entry-missing", 1)]
    assert differences([a, b], [a, c, b]) == [("entry-inserted", 1)]
    assert {code for code, _ in differences([a, b, c], [c, b, a])} == {"entry-moved"}
