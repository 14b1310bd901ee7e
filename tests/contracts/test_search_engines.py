"""What every search engine must do, against an oracle that reads every text."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jiceng_cms.search.interface import (
    Batch,
    IndexBusy,
    IndexDamaged,
    QueryTooLong,
    SearchDocument,
    SearchEngine,
    SearchError,
    SearchQuery,
    SearchResults,
    StaleBatch,
)
from jiceng_cms.search.whoosh_engine import WhooshEngine

ENGINES: dict[str, Callable[[Path], SearchEngine]] = {"whoosh": WhooshEngine}


@pytest.fixture(params=sorted(ENGINES))
def make(request: pytest.FixtureRequest) -> Callable[[Path], SearchEngine]:
    """Opens an engine of one kind in a folder."""
    return ENGINES[request.param]


@pytest.fixture
def engine(make: Callable[[Path], SearchEngine], tmp_path: Path) -> Iterator[SearchEngine]:
    opened = make(tmp_path / "index")
    yield opened
    opened.close()


def document(key: str = "990101100201/k7m2q9xw", **changes: object) -> SearchDocument:
    base = SearchDocument(
        key=key,
        unit=key.partition("/")[0],
        unit_name="槐树湾村",
        type="disclosure",
        kind="affairs",
        state="current",
        title="机耕路维修情况公布",
        body="",
        table="",
        attachments="",
        number="",
        published_at=datetime(2026, 3, 5, 2, 0, tzinfo=UTC),
        year=2026,
        url=f"/u/{key}",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def keys(results: SearchResults) -> list[str]:
    return [hit.key for hit in results.hits]


def finds(engine: SearchEngine, text: str) -> list[str]:
    return keys(engine.search(SearchQuery(text)))


def all_pages(engine: SearchEngine, query: SearchQuery, per_page: int = 7) -> list[str]:
    found: list[str] = []
    page = 1
    while True:
        results = engine.search(replace(query, page=page, per_page=per_page))
        found += keys(results)
        if page >= results.pages:
            assert results.total == len(found)
            return found
        page += 1


def counts(results: SearchResults) -> dict[str, dict[str, int]]:
    return {
        facet: {pair.value: pair.count for pair in pairs} for facet, pairs in results.facets.items()
    }


# -- finding ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "郦昱蓁",  # a name that no dictionary has
        "昱蓁",  # its last two characters
        "槐树湾",  # the village
        "機耕路維修",  # traditional characters
        "機耕路维修",  # mixed
        "2023年",
        "2023年第三季度",
        "年",  # one character between a number and others
        "度",  # the last character of a run
        "ＫＱ－2024－19208",  # full width
        "kq-2024",
        "19208",
        "1,234.50",
        "“第三季度 收支”",
        "挖机 砂石",
        "合计",
        "《机耕路维修》",
        "挖机、砂石",
        "吉",
        "\U00020bb7野",  # Extension B
        "\u200b郦昱\u200b蓁",  # copied with invisible marks
    ],
)
def test_what_stands_there_is_found(engine: SearchEngine, text: str) -> None:
    engine.apply(
        Batch(
            (
                document(
                    body="经办：郦昱蓁。2023年第三季度 收支见表；\U00020bb7野，吉",
                    table="挖机台班\t1,234.50\n砂石料\t860.00",
                    attachments="合計壹張",
                    number="KQ-2024-19208",
                ),
                document("990101100202/aaaaaaaa", unit_name="别的村", title="无关", body="无"),
            ),
            cursor=1,
        )
    )
    assert finds(engine, text) == ["990101100201/k7m2q9xw"]


@pytest.mark.parametrize(
    "text",
    [
        "23年",  # not the whole run of digits
        "9208",
        "KQ-2024-1920",
        "村庄",
        "维修公布",  # both pairs stand there, but not together
        "公布路面",  # the end of the title and the beginning of the body
        "路面 沥青",  # one of two words
        "“路面 硬化”",
    ],
)
def test_what_does_not_stand_there_is_not_found(engine: SearchEngine, text: str) -> None:
    engine.apply(
        Batch(
            (
                document(
                    title="道路维修情况和公布",
                    body="路面情况，维修了。2023年硬化路面公",
                    number="KQ-2024-19208",
                ),
            ),
            cursor=1,
        )
    )
    assert finds(engine, text) == []


@pytest.mark.parametrize("text", ["", "   ", "*", "。，！", '""', "“”", "\u200b", "_", "- -"])
def test_a_query_without_words_gets_a_hint(engine: SearchEngine, text: str) -> None:
    engine.apply(Batch((document(),), cursor=1))
    results = engine.search(SearchQuery(text))
    assert results.total == 0
    assert "请输入" in results.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [("村" * 101, "101 个字"), (" ".join("甲乙丙丁戊己庚辛壬癸子丑寅"), "13 个词")],
)
def test_a_query_without_end_is_refused_with_advice(
    engine: SearchEngine, text: str, says: str
) -> None:
    with pytest.raises(QueryTooLong, match=says) as refused:
        engine.search(SearchQuery(text))
    assert "请只留下" in str(refused.value)


def test_the_longest_allowed_query_is_answered(engine: SearchEngine) -> None:
    long = "".join(chr(0x4E00 + i) for i in range(100))
    engine.apply(Batch((document(body=f"前{long}后"),), cursor=1))
    assert len(finds(engine, f"  {long} ")) == 1
    assert finds(engine, long[:99] + "水") == []


def test_title_hits_come_first_then_newer_ones_then_by_key(engine: SearchEngine) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    batch = Batch(
        (
            document("u/old-title", title="低保名单", published_at=day),
            document(
                "u/new-body", title="名单", body="低保名单", published_at=day.replace(month=6)
            ),
            document("u/b", title="甲", body="低保", published_at=day.replace(month=2)),
            document("u/a", title="乙", body="低保", published_at=day.replace(month=2)),
        ),
        cursor=4,
    )
    engine.apply(batch)
    assert finds(engine, "低保") == ["u/old-title", "u/new-body", "u/a", "u/b"]
    by_date = engine.search(SearchQuery("低保", sort="date"))
    assert keys(by_date) == ["u/new-body", "u/a", "u/b", "u/old-title"]


def test_dates_are_days_of_china(engine: SearchEngine) -> None:
    # 16:30 UTC on the last of June is half past midnight of 1 July in Shanghai.
    engine.apply(
        Batch((document(published_at=datetime(2026, 6, 30, 16, 30, tzinfo=UTC)),), cursor=1)
    )
    first, last = date(2026, 7, 1), date(2026, 6, 30)
    assert engine.search(SearchQuery("机耕路", since=first, until=first)).total == 1
    assert engine.search(SearchQuery("机耕路", until=last)).total == 0
    # The ends of the calendar, which a form lets through, are no trouble.
    assert engine.search(SearchQuery("机耕路", since=date.min, until=date.max)).total == 1


def test_pages_beyond_the_last_are_empty_but_know_the_total(engine: SearchEngine) -> None:
    engine.apply(Batch(tuple(document(f"u/{i}") for i in range(5)), cursor=5))
    results = engine.search(SearchQuery("机耕路", page=10**9, per_page=2))
    assert (results.hits, results.total, results.pages) == ((), 5, 3)
    assert keys(engine.search(SearchQuery("机耕路", page=3, per_page=2))) == ["u/4"]


def test_a_hit_carries_what_a_page_shows(engine: SearchEngine) -> None:
    shown = document(title="<b>機耕路</b>", body="甲" * 60 + "\n\n機耕路已修好" + "乙" * 200)
    engine.apply(Batch((shown,), cursor=1))
    results = engine.search(SearchQuery("机耕路"))
    (hit,) = results.hits
    assert hit.title_parts == (("<b>", False), ("機耕路", True), ("</b>", False))
    assert ("機耕路", True) in hit.snippet
    assert 60 < sum(len(text) for text, _ in hit.snippet) < 100
    for name in ("key", "unit", "unit_name", "type", "kind", "state", "title", "number", "url"):
        assert getattr(hit, name) == getattr(shown, name)
    assert hit.published_at == shown.published_at
    assert hit.year == 2026
    assert results.terms == ("机耕路",)


def test_odd_characters_do_not_stop_the_index(engine: SearchEngine) -> None:
    odd = document(body="前\x00\x01\x1f后\ud800乱\u2028码", title="\x1f" * 3, table="A" * 500)
    engine.apply(Batch((odd, document("u/2", body="")), cursor=2))
    assert finds(engine, "乱") == [odd.key]
    assert finds(engine, "前后") == []
    engine.optimise()
    assert finds(engine, "乱") == [odd.key]


# -- changing ---------------------------------------------------------------------------------


def test_an_update_leaves_no_old_version(engine: SearchEngine) -> None:
    engine.apply(Batch((document(body="账上写错了"),), cursor=1))
    engine.apply(Batch((document(body="账已更正"),), cursor=2))
    assert finds(engine, "写错") == []
    assert len(finds(engine, "更正")) == 1
    assert (engine.count(), engine.cursor()) == (1, 2)


def test_a_withdrawn_document_is_gone_also_after_a_restart_and_a_merge(
    make: Callable[[Path], SearchEngine], tmp_path: Path
) -> None:
    engine = make(tmp_path)
    engine.apply(Batch((document("u/1", body="甲"), document("u/2", body="乙")), cursor=2))
    engine.apply(Batch(deletes=("u/1", "u/never-there"), cursor=3))
    for _ in range(2):
        assert engine.keys() == {"u/2"}
        assert finds(engine, "机耕路") == ["u/2"]
        engine.close()
        engine = make(tmp_path)
        assert engine.cursor() == 3
        engine.optimise()
    engine.close()


def test_a_deleted_text_leaves_the_disk_when_merged(
    make: Callable[[Path], SearchEngine], tmp_path: Path
) -> None:
    engine = make(tmp_path)
    sealed = document("u/1", body="要封存的名字：郦昱蓁")
    engine.apply(Batch((sealed, document("u/2", body="留下的")), cursor=1))
    engine.apply(Batch(deletes=("u/1",), cursor=2))
    engine.optimise()
    engine.close()
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert "郦昱".encode() not in on_disk
    assert "留下".encode() in on_disk


def test_deleting_everything_leaves_an_index_that_works(engine: SearchEngine) -> None:
    engine.apply(Batch((document("u/1"), document("u/2")), cursor=2))
    engine.apply(Batch(deletes=("u/1", "u/2"), cursor=4))
    engine.optimise()
    assert (engine.count(), engine.keys(), engine.cursor()) == (0, set(), 4)
    assert finds(engine, "机耕路") == []
    engine.apply(Batch((document("u/1"),), cursor=5))
    assert finds(engine, "机耕路") == ["u/1"]


def test_clear_begins_anew(engine: SearchEngine) -> None:
    engine.apply(Batch((document(),), cursor=9))
    engine.clear()
    assert (engine.count(), engine.cursor(), finds(engine, "机耕路")) == (0, 0, [])
    engine.apply(Batch((document(),), cursor=1))
    assert engine.count() == 1


def test_a_batch_from_the_past_is_refused_and_changes_nothing(engine: SearchEngine) -> None:
    engine.apply(Batch((document(body="新"),), cursor=7))
    with pytest.raises(StaleBatch):
        engine.apply(Batch((document(body="旧"),), cursor=6))
    assert (finds(engine, "旧"), len(finds(engine, "新")), engine.cursor()) == ([], 1, 7)
    # The same index again is fine: the day ended a display period, without an entry.
    engine.apply(Batch((document(state="expired"),), cursor=7))
    assert engine.search(SearchQuery("机耕路")).hits[0].state == "expired"


def test_a_batch_moves_the_cursor_without_documents(engine: SearchEngine) -> None:
    engine.apply(Batch(cursor=3))
    assert (engine.cursor(), engine.count()) == (3, 0)


def test_a_key_twice_in_a_batch_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="twice"):
        Batch((document("u/1"),), ("u/1",), 1)


def test_many_small_batches_stay_few_segments(
    make: Callable[[Path], SearchEngine], tmp_path: Path
) -> None:
    engine = make(tmp_path)
    for i in range(70):
        engine.apply(Batch((document(f"u/{i % 40}", body=f"第{i}号"),), cursor=i + 1))
    assert engine.keys() == {f"u/{i}" for i in range(40)}
    assert finds(engine, "第69号") == ["u/29"]
    assert finds(engine, "第29号") == []
    assert len(list(tmp_path.glob("*.seg"))) < 30
    engine.close()


# -- against the oracle -----------------------------------------------------------------------

# Few characters, so that random texts and queries meet: simplified, traditional, wide, rare.
ALPHABET = "村務务公开開账a1Ａ2　 ,。-“年\n\U00020bb7é_"
texts = st.text(ALPHABET, max_size=12)
documents = st.builds(
    lambda key, unit, kind, state, title, body, table, attachments, number, day, year: document(
        f"{unit}/{key}",
        unit=unit,
        kind=kind,
        state=state,
        title=title,
        body=body,
        table=table,
        attachments=attachments,
        number=number,
        published_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=8 * day),
        year=year,
        unit_name="村公",
    ),
    st.sampled_from("pqrs"),
    st.sampled_from(["990101100201", "990101100202"]),
    st.sampled_from(["party", "affairs", "finance"]),
    st.sampled_from(["current", "expired"]),
    texts,
    texts,
    texts,
    texts,
    texts,
    st.integers(0, 4),
    st.sampled_from([2024, 2025, 2026]),
)
queries = st.builds(
    SearchQuery,
    text=st.one_of(
        texts,
        st.text(ALPHABET, min_size=1, max_size=3),
        st.sampled_from(["村", "务公", "公开", "村公", "a", "1", "1年", "村 务", '"务 公"']),
    ),
    units=st.frozensets(st.sampled_from(["990101100201", "990101100202", "none"]), max_size=2),
    kind=st.sampled_from([None, None, "party", "affairs"]),
    year=st.sampled_from([None, None, 2025, 1999]),
    state=st.sampled_from([None, None, "current"]),
    since=st.sampled_from([None, None, date(2026, 1, 1), date(2026, 1, 2)]),
    until=st.sampled_from([None, None, date(2026, 1, 1), date(2026, 1, 2)]),
    sort=st.sampled_from(["relevance", "date"]),
)


@st.composite
def batches(draw: st.DrawFn) -> tuple[tuple[SearchDocument, ...], tuple[str, ...]]:
    chosen = {d.key: d for d in draw(st.lists(documents, max_size=6))}
    present = ["990101100201/p", "990101100202/p", "990101100201/q", "990101100202/r"]
    gone = draw(st.sets(st.sampled_from(present), max_size=2)) - chosen.keys()
    return tuple(chosen.values()), tuple(sorted(gone))


steps = st.lists(
    st.one_of(
        batches(),
        queries,
        queries,
        st.sampled_from(["restart", "optimise", "clear"]),
    ),
    min_size=3,
    max_size=14,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps, last=st.lists(queries, min_size=2, max_size=4))
def test_any_history_answers_as_the_oracle(
    make: Callable[[Path], SearchEngine],
    new_oracle: Callable[[], object],
    steps: list[object],
    last: list[SearchQuery],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine, oracle = make(Path(folder)), new_oracle()
        for step in [*steps, *last]:
            if isinstance(step, tuple):
                batch = Batch(*step, cursor=oracle.cursor + 1)
                engine.apply(batch)
                oracle.apply(batch)
            elif isinstance(step, SearchQuery):
                expected, facets = oracle.search(step)
                assert all_pages(engine, step, per_page=3) == expected
                assert counts(engine.search(step)) == facets
            elif step == "restart":
                engine.close()
                engine = make(Path(folder))
            elif step == "optimise":
                engine.optimise()
            else:
                engine.clear()
                oracle.documents.clear()
                oracle.cursor = 0
            assert engine.keys() == oracle.documents.keys()
            assert engine.cursor() == oracle.cursor
        engine.close()


def test_readers_never_see_half_a_batch(engine: SearchEngine) -> None:
    """Each batch writes one word into all documents; a reader finds all of them or none."""
    stop = threading.Event()
    seen: list[set[str]] = []
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            try:
                results = engine.search(SearchQuery("机耕路", per_page=20))
                versions = {parts[0][0] for parts in (hit.snippet for hit in results.hits)}
                if len(versions) > 1 or results.total not in (0, 10):
                    wrong.append((versions, results.total))
                seen.append(versions)
            except Exception as error:
                wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for version in range(30):
        engine.apply(
            Batch(
                tuple(document(f"u/{i}", body=f"第{version}版") for i in range(10)),
                cursor=version + 1,
            )
        )
        if version % 10 == 9:
            engine.optimise()
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len({version for versions in seen for version in versions}) > 1


# -- killed, torn, full -----------------------------------------------------------------------

_APPLIER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from jiceng_cms.search.interface import Batch, SearchDocument
from jiceng_cms.search.whoosh_engine import WhooshEngine

def document(number, version):
    return SearchDocument(
        key=f"u/{number}", unit="u", unit_name="村", type="disclosure", kind="affairs",
        state="current", title="公布", body=f"版本{version}号", table="", attachments="", number="",
        published_at=datetime(2026, 1, 1, tzinfo=UTC), year=2026, url="/")

engine = WhooshEngine(Path(sys.argv[1]))
print("open", engine.cursor(), engine.damage, flush=True)
while True:
    at = engine.cursor()
    # Entry n writes document n % 7, and takes document n % 5 away every third time.
    gone = (f"u/{at % 5}",) if at % 3 == 0 and at % 5 != at % 7 else ()
    engine.apply(Batch((document(at % 7, at),), gone, at + 1))
    if at % 40 == 39:
        engine.optimise()
    print("done", at + 1, flush=True)
"""


def _expected(cursor: int) -> dict[str, str]:
    held: dict[str, str] = {}
    for at in range(cursor):
        if at % 3 == 0 and at % 5 != at % 7:
            held.pop(f"u/{at % 5}", None)
        held[f"u/{at % 7}"] = f"版本{at}号"
    return held


@pytest.mark.slow
def test_killed_at_any_instant_documents_and_cursor_agree(tmp_path: Path) -> None:
    chance = random.Random(20260305)
    reached = 0
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _APPLIER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert process.stdout is not None
        opened = process.stdout.readline().split()
        assert opened == ["open", str(reached)], "the index was damaged or went back"
        time.sleep(chance.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        acknowledged = [int(line.split()[1]) for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()

        engine = WhooshEngine(tmp_path)
        assert engine.damage == ""
        before, reached = reached, engine.cursor()
        assert reached >= max(acknowledged, default=before)
        held = _expected(reached)
        assert engine.keys() == held.keys()
        for key, body in held.items():
            assert finds(engine, body) == [key]
        assert engine.search(SearchQuery("版本")).total == len(held)
        engine.close()
    assert reached > 8


@pytest.mark.parametrize("victim", ["*.toc", "*.seg"])
@pytest.mark.parametrize("harm", ["empty", "half", "noise", "gone"])
def test_a_torn_index_is_recognised_and_begins_anew(tmp_path: Path, victim: str, harm: str) -> None:
    engine = WhooshEngine(tmp_path)
    engine.apply(Batch(tuple(document(f"u/{i}") for i in range(5)), cursor=5))
    engine.close()
    (path,) = tmp_path.glob(victim)
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"empty": b"", "half": content[: len(content) // 2], "noise": b"\0" * len(content)}[
                harm
            ]
        )
    with pytest.raises(IndexDamaged):
        WhooshEngine(tmp_path, readonly=True)
    engine = WhooshEngine(tmp_path)
    assert (engine.cursor(), engine.count()) == (0, 0)
    assert engine.damage or (victim, harm) == ("*.toc", "gone")
    engine.apply(Batch((document(),), cursor=1))
    assert len(finds(engine, "机耕路")) == 1
    engine.close()


def test_a_full_disk_changes_nothing_and_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WhooshEngine(tmp_path)
    engine.apply(Batch((document("u/1"),), cursor=1))
    real, room = engine._storage.create_file, 0

    def create_file(name: str, *args: object, **kwargs: object) -> object:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(28, "No space left on device")
        return real(name, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(engine._storage, "create_file", create_file)
        for allowed in range(6):
            room = allowed
            try:
                engine.apply(Batch((document("u/2"),), ("u/1",), 2))
            except OSError:
                assert (engine.cursor(), finds(engine, "机耕路")) == (1, ["u/1"])
            else:
                break
        assert allowed > 1, "the disk was never full"
    engine.apply(Batch((document("u/2"),), ("u/1",), 2))
    assert (engine.cursor(), finds(engine, "机耕路")) == (2, ["u/2"])
    engine.close()


def test_two_writers_are_told_apart(tmp_path: Path) -> None:
    first, second = WhooshEngine(tmp_path), WhooshEngine(tmp_path)
    first.apply(Batch((document("u/1"),), cursor=1))
    with pytest.raises(IndexBusy):
        second.apply(Batch((document("u/2"),), cursor=1))
    # It has looked again meanwhile, and goes on from there.
    assert second.keys() == {"u/1"}
    second.apply(Batch((document("u/2"),), cursor=2))
    assert second.keys() == {"u/1", "u/2"}
    first.close()
    second.close()


def test_reading_only_and_closed_engines_refuse_to_write(tmp_path: Path) -> None:
    engine = WhooshEngine(tmp_path)
    engine.apply(Batch((document(),), cursor=1))
    reader = WhooshEngine(tmp_path, readonly=True)
    assert len(finds(reader, "机耕路")) == 1
    engine.close()
    for closed in (reader, engine):
        with pytest.raises(IndexBusy):
            closed.apply(Batch(cursor=2))
    with pytest.raises(SearchError):
        engine.search(SearchQuery("机耕路"))
    reader.close()


# -- real texts -------------------------------------------------------------------------------

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"


def _corpus(limit: int) -> list[SearchDocument]:
    loaded = []
    with gzip.open(CORPUS / "docs10k.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(limit), strict=False):
            row = json.loads(line)
            loaded.append(
                document(
                    f"{row['unit']}/{row['id']}",
                    unit=row["unit"],
                    unit_name=row["unit_name"],
                    kind=row["category"],
                    state=row["state"],
                    title=row["title"],
                    body=row["body"],
                    table=row["table"],
                    attachments=row["attach"],
                    number=row["code"],
                    year=row["year"],
                    published_at=datetime.fromisoformat(f"{row['date']}T04:00:00+00:00"),
                )
            )
    return loaded


def _day(number: int | None) -> date | None:
    return None if number is None else datetime.strptime(str(number), "%Y%m%d").date()


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.exists(), reason="the folder of real texts is not here")
def test_real_texts_nothing_missing_nothing_extra(
    make: Callable[[Path], SearchEngine], tmp_path: Path, new_oracle: Callable[[], object]
) -> None:
    engine, oracle = make(tmp_path), new_oracle()
    held = _corpus(2000)
    for at in range(0, len(held), 100):
        batch = Batch(tuple(held[at : at + 100]), (), at + 100)
        engine.apply(batch)
        oracle.apply(batch)
    asked = json.loads((CORPUS / "queries.json").read_text(encoding="utf-8"))
    assert len(asked) == 60
    found = 0
    for row in asked:
        query = SearchQuery(
            row["q"],
            units=frozenset([row["unit"]] if "unit" in row else []),
            kind=row.get("category"),
            year=row.get("year"),
            state=row.get("state"),
            since=_day(row.get("d0")),
            until=_day(row.get("d1")),
            sort="date" if row["sort"] == "date" else "relevance",
            per_page=100,
        )
        expected, facets = oracle.search(query)
        assert all_pages(engine, query, per_page=100) == expected, row
        assert counts(engine.search(query)) == facets, row
        found += bool(expected)
    assert found > 30
    engine.close()
