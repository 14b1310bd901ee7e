"""One transaction for one piece of work: locks, conflicts, tries, what is never stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ZODB.POSException import ReadConflictError

from jiceng_cms.affairs.units.actions import register as _kinds  # noqa: F401  registers person.saved
from jiceng_cms.core.events import Journal
from jiceng_cms.core.people import Person
from jiceng_cms.core.site import site_of
from jiceng_cms.store import Busy, OutOfTries, Store, UnauditedChange
from jiceng_cms.store.locks import LocalLocks
from jiceng_cms.store.runner import Runner

from .conftest import event, read, write


@pytest.fixture
def person(store: Store) -> str:
    write(store, lambda root, j: root["site"].persons.__setitem__("a", Person("a", "")), "person:a")
    return "a"


def append(text: str) -> Any:
    """Work that reads the name and writes it longer: a lost update would show."""

    def work(connection: Any, journal: Journal) -> str:
        found = site_of(connection).persons["a"]
        found.name += text
        journal.add(event("person:a"), site_of(connection).history)
        return str(found.name)

    return work


def name(store: Store) -> str:
    return str(read(store, lambda site: site.persons["a"].name))


class TestCommits:
    def test_the_result_comes_back_and_the_bell_rings_after_the_commit(self, store: Store, person: str) -> None:
        heard: list[str] = []
        store.runner.after = lambda: heard.append(name(store))
        assert store.runner.run("site", append("一")) == "一"
        assert heard == ["一"]

    def test_work_that_changes_nothing_stores_nothing(self, store: Store, person: str) -> None:
        before = store.last_transaction()
        assert store.runner.run("site", lambda c, j: site_of(c).persons["a"].id) == "a"
        assert store.last_transaction() == before

    def test_a_change_without_an_event_is_an_error_and_not_a_silent_loss(self, store: Store, person: str) -> None:
        def work(connection: Any, journal: Journal) -> None:
            site_of(connection).persons["a"].name = "悄悄改的"

        with pytest.raises(UnauditedChange, match="person:a"):
            store.runner.run("site", work)
        assert name(store) == ""
        assert store.runner.run("site", append("一")) == "一", "the connection went back clean"

    def test_an_error_of_the_work_undoes_its_change_and_its_event(self, store: Store, person: str) -> None:
        before, size = store.last_transaction(), read(store, lambda site: len(site.history))

        def work(connection: Any, journal: Journal) -> None:
            append("一")(connection, journal)
            raise ValueError("refused")

        with pytest.raises(ValueError, match="refused"):
            store.runner.run("site", work)
        assert store.last_transaction() == before
        assert read(store, lambda site: len(site.history)) == size
        assert name(store) == ""


class TestConflicts:
    """Another process is another runner with locks of its own."""

    @pytest.fixture
    def other(self, store: Store) -> Runner:
        return Runner(store.db, LocalLocks())

    def test_a_conflict_is_tried_again_on_a_fresh_snapshot(self, store: Store, person: str, other: Runner) -> None:
        tries: list[str] = []

        def work(connection: Any, journal: Journal) -> str:
            if not tries:
                other.run("site", append("乙"))
            tries.append(site_of(connection).persons["a"].name)
            return str(append("甲")(connection, journal))

        assert store.runner.run("site", work) == "乙甲"
        assert tries == ["", "乙"]
        assert store.runner.conflicts == 1

    def test_what_was_only_read_is_held_too(self, store: Store, person: str, other: Runner) -> None:
        """A check that relied on an object fails where that object changed meanwhile."""
        write(store, lambda root, j: root["site"].persons.__setitem__("b", Person("b", "")), "person:b")
        seen: list[str] = []

        def work(connection: Any, journal: Journal) -> None:
            site = site_of(connection)
            seen.append(site.persons["a"].name)
            connection.readCurrent(site.persons["a"])
            if len(seen) == 1:
                other.run("site", append("变"))
            site.persons["b"].name = f"看到{seen[-1]}"
            journal.add(event("person:b"), site.history)

        store.runner.run("site", work)
        assert seen == ["", "变"]
        assert read(store, lambda site: site.persons["b"].name) == "看到变"

    def test_conflicts_at_every_try_end_in_an_error_and_nothing_stored(
        self, store: Store, person: str, other: Runner
    ) -> None:
        runner = Runner(store.db, LocalLocks(), tries=3)
        count = 0

        def work(connection: Any, journal: Journal) -> None:
            nonlocal count
            count += 1
            site_of(connection).persons["a"].name  # noqa: B018  the snapshot is taken
            other.run("site", append("乙"))
            append("甲")(connection, journal)

        with pytest.raises(OutOfTries):
            runner.run("site", work)
        assert count == 3
        assert name(store) == "乙乙乙"

    def test_an_error_that_is_no_conflict_is_never_tried_again(self, store: Store, person: str) -> None:
        tries = 0

        def work(connection: Any, journal: Journal) -> None:
            nonlocal tries
            tries += 1
            raise OSError("the disk is full")

        with pytest.raises(OSError, match="disk"):
            store.runner.run("site", work)
        assert tries == 1

    def test_a_conflict_while_reading_is_tried_again(self, store: Store, person: str) -> None:
        tries = 0

        def work(connection: Any, journal: Journal) -> str:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise ReadConflictError
            return str(append("一")(connection, journal))

        assert store.runner.run("site", work) == "一"


class TestLocks:
    """First come, first served, unit by unit."""

    def waiting(self, locks: LocalLocks, unit: str) -> int:
        return len(locks._queues.get(unit, ()))

    def in_line(self, locks: LocalLocks, count: int, order: list[int]) -> Iterator[threading.Thread]:
        """Threads that queue one after the other and note when their turn comes."""

        def take(number: int) -> None:
            with locks.hold("u"):
                order.append(number)

        for number in range(count):
            thread = threading.Thread(target=take, args=(number,))
            thread.start()
            while self.waiting(locks, "u") < number + 2:
                pass
            yield thread

    def test_who_waited_longest_goes_first(self) -> None:
        locks, order = LocalLocks(), []
        with locks.hold("u"):
            threads = list(self.in_line(locks, 12, order))
        for thread in threads:
            thread.join(10)
        assert order == list(range(12))

    def test_the_holder_can_not_take_the_lock_again_before_those_who_wait(self) -> None:
        locks, order = LocalLocks(), []
        with locks.hold("u"):
            threads = list(self.in_line(locks, 3, order))
        with locks.hold("u"):
            order.append(99)
        for thread in threads:
            thread.join(10)
        assert order == [0, 1, 2, 99]

    def test_other_units_do_not_wait(self) -> None:
        locks = LocalLocks()
        with locks.hold("u"), locks.hold("v", timeout=0.01):
            assert self.waiting(locks, "v") == 1

    def test_whoever_waits_too_long_is_told_and_leaves_the_line(self) -> None:
        locks, order = LocalLocks(), []
        with locks.hold("u"):
            threads = list(self.in_line(locks, 1, order))
            with pytest.raises(Busy), locks.hold("u", timeout=0.01):
                pytest.fail("two held one lock")
        for thread in threads:
            thread.join(10)
        with locks.hold("u", timeout=1):
            order.append(1)
        assert order == [0, 1]
        assert locks._queues == {}, "nothing is kept of units that nobody writes at"

    def test_an_error_inside_gives_the_lock_back(self) -> None:
        locks = LocalLocks()
        with pytest.raises(KeyError), locks.hold("u"):
            raise KeyError
        with locks.hold("u", timeout=0.01):
            assert self.waiting(locks, "u") == 1
