"""The indexer follows the journal, and only the present state of a record counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiceng_cms.search.indexer import Indexer, record_key
from jiceng_cms.search.interface import (
    Batch,
    SearchDocument,
    SearchQuery,
    SearchResults,
    StaleBatch,
)
from jiceng_cms.search.whoosh_engine import WhooshEngine


@dataclass(frozen=True)
class Entry:
    index: int
    pointer: str


def public(key: str, body: str) -> SearchDocument:
    return SearchDocument(
        key=key,
        unit="990101100201",
        unit_name="槐树湾村",
        type="disclosure",
        kind="affairs",
        state="current",
        title="公布",
        body=body,
        table="",
        attachments="",
        number="",
        published_at=datetime(2026, 3, 5, tzinfo=UTC),
        year=2026,
        url="/",
    )


@dataclass
class Site:
    """A journal and what its records say now."""

    entries: list[Entry] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)

    def write(self, key: str, body: str | None) -> None:
        self.entries.append(Entry(len(self.entries), f"record:{key}#{len(self.entries)}"))
        if body is None:
            self.bodies.pop(key, None)
        else:
            self.bodies[key] = body

    def read_entries(self, start: int, limit: int) -> Sequence[Entry]:
        return self.entries[start : start + limit]

    def read_document(self, key: str) -> SearchDocument | None:
        return public(key, self.bodies[key]) if key in self.bodies else None


class MemoryEngine:
    """A SearchEngine of dicts that remembers its batches; can fail once."""

    def __init__(self) -> None:
        self.held: dict[str, SearchDocument] = {}
        self.at = 0
        self.batches: list[Batch] = []
        self.fail_next = False
        self.optimised = 0

    def apply(self, batch: Batch) -> None:
        if self.fail_next:
            self.fail_next = False
            raise OSError(28, "No space left on device")
        if batch.cursor < self.at:
            raise StaleBatch
        for key in batch.deletes:
            self.held.pop(key, None)
        self.held.update({document.key: document for document in batch.upserts})
        self.at = batch.cursor
        self.batches.append(batch)

    def search(self, query: SearchQuery) -> SearchResults:
        raise NotImplementedError

    def cursor(self) -> int:
        return self.at

    def count(self) -> int:
        return len(self.held)

    def keys(self) -> set[str]:
        return set(self.held)

    def clear(self) -> None:
        self.held.clear()
        self.at = 0

    def optimise(self) -> None:
        self.optimised += 1

    def close(self) -> None:
        pass


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture
def indexer(site: Site, engine: MemoryEngine) -> Indexer:
    return Indexer(engine, site.read_entries, site.read_document)


@pytest.mark.parametrize(
    ("pointer", "key"),
    [
        ("record:990101100201/k7m2q9xw#5", "990101100201/k7m2q9xw"),
        ("unit:990101100201#2", None),
        ("site#1", None),
        ("record:#1", None),
        ("", None),
    ],
)
def test_pointers(pointer: str, key: str | None) -> None:
    assert record_key(pointer) == key


def test_a_step_takes_the_next_entries_and_says_how_many(
    site: Site, engine: MemoryEngine, indexer: Indexer
) -> None:
    for i in range(230):
        site.write(f"u/{i}", "甲")
    assert [indexer.step() for _ in range(4)] == [100, 100, 30, 0]
    assert indexer.step(limit=10_000) == 0
    assert (engine.cursor(), engine.count(), len(engine.batches)) == (230, 230, 3)
    site.entries.append(Entry(230, "account:someone#0"))
    assert indexer.step() == 1
    assert (engine.cursor(), engine.count()) == (231, 230)


def test_a_record_changed_often_is_read_once_and_as_it_is_now(
    site: Site, engine: MemoryEngine, indexer: Indexer
) -> None:
    for i in range(5):
        site.write("u/1", f"第{i}稿")
    assert indexer.step(limit=2) == 2
    assert [len(batch.upserts) for batch in engine.batches] == [1]
    assert engine.held["u/1"].body == "第4稿"


def test_what_was_withdrawn_never_comes_back(
    site: Site, engine: MemoryEngine, indexer: Indexer
) -> None:
    site.write("u/1", "公开过")
    site.write("u/1", None)
    assert indexer.step(limit=1) == 1
    assert engine.keys() == set()
    assert indexer.step() == 1
    assert engine.keys() == set()


def test_a_failed_batch_is_taken_again(site: Site, engine: MemoryEngine, indexer: Indexer) -> None:
    site.write("u/1", "甲")
    engine.fail_next = True
    with pytest.raises(OSError, match="space"):
        indexer.step()
    assert engine.cursor() == 0
    assert indexer.step() == 1
    assert engine.keys() == {"u/1"}


def test_a_gap_in_the_journal_stops_the_index(
    site: Site, engine: MemoryEngine, indexer: Indexer
) -> None:
    site.write("u/1", "甲")
    site.entries.append(Entry(2, "record:u/2#0"))
    with pytest.raises(ValueError, match="entry 1 is missing, found 2"):
        indexer.step()
    assert engine.cursor() == 0


def test_refresh_reads_again_without_moving_the_cursor(
    site: Site, engine: MemoryEngine, indexer: Indexer
) -> None:
    site.write("u/1", "公示中")
    site.write("u/2", "公示中")
    indexer.step()
    site.bodies.update({"u/1": "已满公示期"})
    del site.bodies["u/2"]
    indexer.refresh(["u/1", "u/2", "u/1"])
    assert engine.held["u/1"].body == "已满公示期"
    assert (engine.keys(), engine.cursor()) == ({"u/1"}, 2)


def test_rebuild_forgets_what_the_journal_does_not_know(
    site: Site, engine: MemoryEngine, indexer: Indexer
) -> None:
    for i in range(150):
        site.write(f"u/{i}", "甲")
    engine.apply(Batch((public("u/stranger", "不该在这里"),), (), 700))
    heard: list[int] = []
    assert indexer.rebuild(heard.append) == 150
    assert heard == [100, 150]
    assert engine.keys() == {f"u/{i}" for i in range(150)}
    assert (engine.cursor(), engine.optimised) == (150, 1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("pqr"), st.sampled_from(["甲村", "乙村", None])),
            st.integers(1, 4),
            st.just("restart"),
        ),
        max_size=15,
    )
)
def test_any_interleaving_ends_in_the_present_state(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | None] | int | str]
) -> None:
    folder: Path = tmp_path_factory.mktemp("index")
    site, engine = Site(), WhooshEngine(folder)
    indexer = Indexer(engine, site.read_entries, site.read_document)
    for step in steps:
        if isinstance(step, tuple):
            site.write(*step)
        elif isinstance(step, int):
            indexer.step(limit=step)
        else:
            engine.close()
            engine = WhooshEngine(folder)
            indexer = Indexer(engine, site.read_entries, site.read_document)
    while indexer.step():
        pass
    assert engine.cursor() == len(site.entries)
    assert engine.keys() == site.bodies.keys()
    for body in ("甲村", "乙村"):
        found = {hit.key for hit in engine.search(SearchQuery(body)).hits}
        assert found == {key for key, said in site.bodies.items() if said == body}
    engine.close()
