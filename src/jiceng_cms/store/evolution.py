"""Named steps that bring an older database to the present shape, each done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.events import Journal


@dataclass(frozen=True)
class Step:
    """A step: its name never changes once released.

    ``run(root, journal)`` works on the ZODB root; for each audited object that it changes it calls
    ``journal.covers(subject)``, since the one event of a step is about the site.
    """

    name: str
    title: str
    run: Callable[[Any, Journal], None]


#: In the order in which they are done. A new site starts with all of them done.
STEPS: list[Step] = []


class PendingEvolution(Exception):
    """The database is older than the program; run ``jiceng evolve`` first."""


def pending(done: tuple[str, ...]) -> list[Step]:
    """The steps that a site which has done ``done`` still needs, in order."""
    return [step for step in STEPS if step.name not in done]
