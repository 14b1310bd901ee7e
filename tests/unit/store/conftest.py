"""An empty site in a database of its own, and a short way to commit with an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.events import Event, Journal
from jiceng_cms.core.installing import install
from jiceng_cms.core.site import site_of
from jiceng_cms.store import Store

NOW = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with an empty site."""
    opened = Store.open(f"file://{tmp_path}/Data.fs")
    opened.runner.run(
        "site",
        lambda c, j: install(c, j, title="试", origin="demo/t", clock=FixedClock(NOW), evolution=()),
    )
    yield opened
    opened.close()


def event(subject: str, kind: str = "person.saved") -> Event:
    """Something that happened to a subject."""
    return Event(kind, subject, NOW, "", "operator", "operator", "test")


def write(store: Store, change: Callable[[Any, Journal], Any], *subjects: str, unit: str = "site") -> Any:
    """Run ``change(root, journal)`` with an event about each of ``subjects``, kept with the site."""

    def work(connection: Any, journal: Journal) -> Any:
        for subject in subjects:
            journal.add(event(subject), site_of(connection).history)
        return change(connection.root(), journal)

    return store.runner.run(unit, work)


def read(store: Store, look: Callable[[Any], Any]) -> Any:
    """What ``look(site)`` sees in a fresh snapshot."""
    with store.reading() as connection:
        return look(site_of(connection))
