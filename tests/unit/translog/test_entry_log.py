"""The entry log in a real database: entries, tiles, bundles and proofs against the plain tree."""

import pytest
import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage

from jiceng_cms.translog import log as entry_log
from jiceng_cms.translog import merkle
from jiceng_cms.translog.log import Entry, LogError, NotInLog
from jiceng_cms.translog.tiles import WIDTH, TileAddress, decode_bundle, widths


@pytest.fixture
def connection():
    db = DB(MappingStorage())
    manager = transaction.TransactionManager(explicit=True)
    connection = db.open(manager)
    manager.begin()
    yield connection
    manager.abort()
    connection.close()
    db.close()


def fill(connection, sizes):
    """A fresh log that grew by these many entries at a time."""
    connection.root().pop("log", None)
    log = entry_log.create_log(connection.root())
    leaves = []
    for number, count in enumerate(sizes, 1):
        new = [b"%d" % i for i in range(len(leaves), len(leaves) + count)]
        tid = number.to_bytes(8, "big")
        rows = [(leaf, f"record:x#{leaf.decode()}", tid) for leaf in new]
        leaves += new
        assert entry_log.append(log, rows, tid) == len(leaves)
    connection.transaction_manager.commit()
    connection.transaction_manager.begin()
    return leaves


def plain(leaves):
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    return lambda level, index: merkle.fold(hashes[index << level : (index + 1) << level])


growth = st.lists(st.integers(0, 60) | st.sampled_from([255, 256, 257, 600]), max_size=8)
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


@once
@given(growth)
def test_entries_come_back_in_order_however_they_came(connection, sizes):
    leaves = fill(connection, sizes)
    entries = list(entry_log.read_entries(connection, 0, 10**9))
    assert [(e.index, e.leaf) for e in entries] == list(enumerate(leaves))
    assert all(e.pointer == f"record:x#{e.leaf.decode()}" for e in entries)
    assert entry_log.log_size(connection) == len(leaves)
    assert entry_log.root_hash(connection) == merkle.root(len(leaves), plain(leaves))


@once
@given(growth, st.data())
def test_any_stretch_can_be_read(connection, sizes, data):
    leaves = fill(connection, sizes)
    start = data.draw(st.integers(0, len(leaves) + 3))
    limit = data.draw(st.integers(0, len(leaves) + 3))
    found = [e.leaf for e in entry_log.read_entries(connection, start, limit)]
    assert found == leaves[start : start + limit]


@once
@given(growth, st.data())
def test_every_tile_and_bundle_of_every_tree_on_the_way(connection, sizes, data):
    leaves = fill(connection, sizes)
    size = data.draw(st.integers(0, len(leaves)))
    read = plain(leaves)
    for level, last in enumerate(widths(size)):
        count = size // WIDTH ** (level + 1)
        for index, width in [*((i, WIDTH) for i in range(count)), *([(count, last)] if last else [])]:
            address = TileAddress(level, index, width)
            expected = [read(8 * level, index * WIDTH + i) for i in range(width)]
            assert entry_log.tile_data(connection, address) == b"".join(expected)
            if level == 0:
                bundle = entry_log.bundle_data(connection, TileAddress(None, index, width))
                assert decode_bundle(bundle) == leaves[index * WIDTH :][:width]


@once
@given(growth, st.data())
def test_proofs_are_those_of_the_plain_tree(connection, sizes, data):
    leaves = fill(connection, [1, *sizes])
    new = data.draw(st.integers(1, len(leaves)))
    index, old = data.draw(st.integers(0, new - 1)), data.draw(st.integers(1, new))
    read = plain(leaves)
    assert entry_log.root_hash(connection, new) == merkle.root(new, read)
    proof = entry_log.inclusion_proof(connection, index, new)
    assert proof == merkle.inclusion_proof(index, new, read)
    proof = entry_log.consistency_proof(connection, old, new)
    assert proof == merkle.consistency_proof(old, new, read)


def test_tree_of_three_levels(connection):
    leaves = fill(connection, [70_000])
    assert widths(70_000) == [112, 17, 1]
    index = 66_001
    proof = entry_log.inclusion_proof(connection, index, 70_000)
    root = entry_log.root_hash(connection)
    merkle.check_inclusion(index, 70_000, merkle.leaf_hash(leaves[index]), proof, root)
    assert len(entry_log.tile_data(connection, TileAddress(2, 0, 1))) == 32
    assert entry_log.read_entry(connection, index).leaf == leaves[index]


def test_what_is_full_is_written_once(connection):
    fill(connection, [300])
    log = entry_log.log_of(connection)
    before = (log.bundles[0]._p_serial, log.tiles[0]._p_serial)
    rows = [(b"x%d" % i, "record:x#1", b"\0" * 7 + b"\x09") for i in range(400)]
    entry_log.append(log, rows, b"\0" * 7 + b"\x09")
    connection.transaction_manager.commit()
    connection.transaction_manager.begin()
    assert (log.bundles[0]._p_serial, log.tiles[0]._p_serial) == before
    assert list(log.batches.keys()) == [512]


def test_small_append_writes_little(connection):
    fill(connection, [5_000])
    log = entry_log.log_of(connection)
    entry_log.append(log, [(b"x" * 100, "record:x#1", b"\0" * 7 + b"\x09")], b"\0" * 7 + b"\x09")
    written = {type(o).__name__ for o in connection._registered_objects}
    assert "Tile" not in written
    assert "Edge" not in written
    assert "LogState" in written


def test_what_the_log_has_not_reached(connection):
    fill(connection, [300])
    for address in [TileAddress(0, 1), TileAddress(0, 1, 45), TileAddress(1, 0, 2), TileAddress(2, 0, 1)]:
        with pytest.raises(NotInLog):
            entry_log.tile_data(connection, address)
    with pytest.raises(NotInLog):
        entry_log.bundle_data(connection, TileAddress(None, 1, 45))
    for index in (300, -1):
        with pytest.raises(NotInLog):
            entry_log.read_entry(connection, index)
        with pytest.raises(NotInLog):
            entry_log.inclusion_proof(connection, index, 300)
    for old, new in [(0, 5), (5, 301), (6, 5)]:
        with pytest.raises(NotInLog):
            entry_log.consistency_proof(connection, old, new)
    for size in (301, -1):
        with pytest.raises(NotInLog):
            entry_log.root_hash(connection, size)
    # the other kind of address
    with pytest.raises(NotInLog):
        entry_log.tile_data(connection, TileAddress(None, 0))
    with pytest.raises(NotInLog):
        entry_log.bundle_data(connection, TileAddress(0, 0))


def test_missing_entries_are_no_bundle(connection):
    fill(connection, [100, 100])
    log = entry_log.log_of(connection)
    del log.batches[100]
    with pytest.raises(LogError, match="100 of 200"):
        entry_log.append(log, [(b"x", "record:x#1", b"\0" * 8)] * 60, b"\0" * 8)
    with pytest.raises(LogError, match="entry 100 is missing"):
        list(entry_log.read_entries(connection, 0, 200))
    with pytest.raises(LogError):
        entry_log.bundle_data(connection, TileAddress(None, 0, 150))


@pytest.mark.parametrize("row", [("text", "p", b""), (b"x", None, b""), (b"x" * 65536, "p", b"")])
def test_what_can_not_be_an_entry(connection, row):
    log = entry_log.create_log(connection.root())
    with pytest.raises(LogError):
        entry_log.append(log, [row], b"\0" * 8)
    assert log.state.size == 0


def test_log_is_made_once_and_missed_by_name(connection):
    with pytest.raises(LogError, match="no log"):
        entry_log.log_size(connection)
    entry_log.create_log(connection.root())
    assert list(entry_log.read_entries(connection, 0, 5)) == []
    assert entry_log.root_hash(connection) == merkle.EMPTY_ROOT
    with pytest.raises(LogError, match="already"):
        entry_log.create_log(connection.root())


def test_entry_is_a_value():
    assert Entry(1, b"a", "site#1", b"t") == Entry(1, b"a", "site#1", b"t")
