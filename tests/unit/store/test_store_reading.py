"""Reading: snapshots that can't write, the walk over transactions beside commits, evolution."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from transaction.interfaces import DoomedTransaction
from ZODB.POSException import ReadOnlyError
from ZODB.utils import p64, u64

from jiceng_cms.affairs.units.actions import register as _kinds  # noqa: F401  registers person.saved
from jiceng_cms.core.events import JOURNAL_KEY
from jiceng_cms.core.people import Person
from jiceng_cms.core.site import site_of
from jiceng_cms.store import Store, WroteWhileReading, evolution
from jiceng_cms.store.evolution import Step, pending

from .conftest import read, write


def add(store: Store, id: str) -> None:
    write(store, lambda root, j: root["site"].persons.__setitem__(id, Person(id, id)), f"person:{id}")


class TestSnapshots:
    def test_a_snapshot_can_not_commit(self, store: Store) -> None:
        add(store, "a")
        before = store.last_transaction()
        snapshot = store.snapshot()
        snapshot.root()["site"].persons["a"].name = "改"
        with pytest.raises(DoomedTransaction):
            snapshot._manager.commit()
        with pytest.raises(WroteWhileReading, match="Person"):
            snapshot.close()
        assert store.last_transaction() == before
        assert read(store, lambda site: site.persons["a"].name) == "a"

    def test_a_write_on_a_readers_path_is_told_when_it_closes(self, store: Store) -> None:
        with pytest.raises(WroteWhileReading, match="Folder"), store.reading() as connection:
            site_of(connection).persons["a"] = Person("a", "a")
        assert read(store, lambda site: len(site.persons)) == 0

    def test_a_snapshot_stays_where_it_was_taken(self, store: Store) -> None:
        with store.reading() as connection:
            assert "a" not in site_of(connection).persons
            add(store, "a")
            assert "a" not in site_of(connection).persons
        assert read(store, lambda site: "a" in site.persons)

    def test_closing_twice_is_fine(self, store: Store) -> None:
        snapshot = store.snapshot()
        snapshot.close()
        snapshot.close()


class TestTransactions:
    def test_the_walk_gives_what_was_committed_in_order_from_a_start(self, store: Store) -> None:
        for id in "abc":
            add(store, id)
        everything = list(store.transactions(b"\0" * 8))
        tids = [tid for tid, _ in everything]
        assert tids == sorted(set(tids))
        assert tids[-1] == store.last_transaction()
        assert list(store.transactions(tids[-2])) == everything[-2:]
        assert list(store.transactions(p64(u64(tids[-1]) + 1))) == []

    @pytest.mark.slow
    def test_the_walk_stands_beside_commits(self, store: Store) -> None:
        """Polled while another thread commits, each transaction is seen once and in order."""
        stop, count = threading.Event(), 0

        def commit() -> None:
            nonlocal count
            while not stop.is_set() and count < 400:
                add(store, f"p{count}")
                count += 1
            stop.set()

        start = store.last_transaction()
        seen: list[str] = []
        thread = threading.Thread(target=commit)
        thread.start()
        try:
            while True:
                ended = stop.is_set()
                for tid, extension in store.transactions(p64(u64(start) + 1)):
                    assert tid > start
                    start = tid
                    seen += [where for _, where in extension.get(JOURNAL_KEY, ())]
                if ended:
                    break
        finally:
            stop.set()
            thread.join()
        assert [where.partition("#")[0] for where in seen] == [f"person:p{n}" for n in range(count)]


class TestEvolution:
    @pytest.fixture
    def steps(self, monkeypatch: pytest.MonkeyPatch) -> list[Step]:
        made = [Step(name, name, lambda root, journal: None) for name in ("2026-01-a", "2026-02-b", "2026-03-c")]
        monkeypatch.setattr(evolution, "STEPS", made)
        return made

    @pytest.mark.parametrize(
        ("done", "left"),
        [((), (0, 1, 2)), (("2026-01-a",), (1, 2)), (("2026-02-b",), (0, 2)), (("2026-03-c", "2026-02-b", "2026-01-a"), ())],
    )
    def test_what_was_not_done_is_pending_in_its_order(
        self, steps: list[Step], done: tuple[str, ...], left: tuple[int, ...]
    ) -> None:
        assert pending(done) == [steps[n] for n in left]

    def test_a_step_that_a_later_program_did_is_no_hindrance(self, steps: list[Step]) -> None:
        assert pending(("2027-09-z", *(s.name for s in steps))) == []


def test_a_read_only_store_refuses_to_write(store: Store, tmp_path: Path) -> None:
    add(store, "a")
    second: Any = Store.open(f"file://{tmp_path}/Data.fs", read_only=True)
    try:
        assert read(second, lambda site: "a" in site.persons)
        with pytest.raises(ReadOnlyError):
            add(second, "b")
    finally:
        second.close()
    assert read(store, lambda site: "b" not in site.persons)
