"""Histories: full events beside what they are about, in order, by one or by many writers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.units import actions as _kinds  # noqa: F401  registers person.saved
from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.events import Event, Journal, Stored
from jiceng_cms.core.history import History, SharedHistory, kept
from jiceng_cms.core.installing import install
from jiceng_cms.core.site import site_of
from jiceng_cms.store import Store
from jiceng_cms.store.locks import LocalLocks
from jiceng_cms.store.runner import Runner

NOW = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)


def stored(number: int) -> Stored:
    return Stored(bytes([number % 256]) * 16, b'{"n":%d}' % number, b"leaf %d" % number)


@given(st.integers(0, 150))
def test_events_are_numbered_from_nought_and_read_in_order(count: int) -> None:
    history = History()
    assert [history.append(stored(n)) for n in range(count)] == list(range(count))
    read = list(kept(history))
    assert [(k.number, k.event()["n"], k.leaf) for k in read] == [(n, n, b"leaf %d" % n) for n in range(count)]
    assert list(kept(history, newest_first=True)) == read[::-1]


@given(st.integers(0, 150))
def test_a_shared_history_keeps_the_order_of_writing_and_every_event(count: int) -> None:
    history = SharedHistory()
    numbers = [history.append(stored(n)) for n in range(count)]
    assert numbers == sorted(set(numbers))
    assert [k.event()["n"] for k in kept(history)] == list(range(count))


def test_two_events_of_one_nanosecond_are_both_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 7)
    history = SharedHistory()
    assert [history.append(stored(n)) for n in range(3)] == [7, 8, 9]


@pytest.mark.parametrize("already", [0, 3, 300])
def test_two_writers_of_a_shared_history_do_not_wait_for_each_other(tmp_path: Path, already: int) -> None:
    store = Store.open(f"file://{tmp_path}/Data.fs")
    store.runner.run(
        "site", lambda c, j: install(c, j, title="试", origin="demo/t", clock=FixedClock(NOW), evolution=())
    )
    other = Runner(store.db, LocalLocks())

    def note(request: str, meanwhile: Any = None) -> Any:
        def work(connection: Any, journal: Journal) -> None:
            nonlocal meanwhile
            site = site_of(connection)
            len(site.history)
            if meanwhile is not None:
                other.run("other", meanwhile)
                meanwhile = None
            journal.add(Event("person.saved", "site", NOW, "", "o", "operator", request), site.history)

        return work

    for start in range(0, already, 50):
        store.runner.run("site", lambda c, j, start=start: [note(str(start + n))(c, j) for n in range(50)])
    store.runner.run("site", note("first", note("second")))
    with store.reading() as connection:
        requests = [k.event()["request"] for k in kept(site_of(connection).history)]
    assert requests[-2:] in (["first", "second"], ["second", "first"])
    assert len(requests) == len(set(requests))
    if already >= 300:
        assert store.runner.conflicts == 0, "in a grown history both commits are merged"
    store.close()
