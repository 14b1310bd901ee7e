"""The newest publications across units: a projection in memory that lags a second or two."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.catalog import Row, class_of_edition
from ..core.clock import Clock
from ..core.ids import parse_pointer
from ..core.site import site_of
from ..translog.log import log_size, read_entries

#: How many of each unit's newest are kept.
KEPT = 30


@dataclass(frozen=True)
class Posted:
    """A publication and where it stands."""

    unit: str
    section: str
    row: Row


@dataclass(frozen=True)
class UnitTotals:
    """What a unit has published: by kind, and how many late."""

    kinds: tuple[tuple[str, int], ...]
    total: int
    late: int


class Board:
    """Newest publications of all units, and each unit's totals.

    It reads a unit's own lists whenever the journal names the unit, so applying an entry twice is
    harmless, and a new one is full at once: no replay. One thread steps; any thread reads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest: dict[str, tuple[Posted, ...]] = {}
        self._totals: dict[str, UnitTotals] = {}
        self._merged: tuple[Posted, ...] = ()
        self.cursor = -1
        #: changes whenever what is told here has changed, and after it
        self.version = 0
        self.as_of: datetime | None = None

    def step(self, connection: Any, limit: int = 1000) -> int:
        """Follow the journal; gives how many entries were taken in."""
        site = site_of(connection)
        size = log_size(connection)
        if self.cursor < 0:
            for code in site.units:
                self._read(site, code)
            taken, self.cursor = size, size
        else:
            touched = set()
            taken = 0
            for entry in read_entries(connection, self.cursor, min(limit, size - self.cursor)):
                subject, _ = parse_pointer(entry.pointer)
                kind, _, rest = subject.partition(":")
                if kind in ("record", "unit"):
                    touched.add(rest.partition("/")[0])
                taken += 1
            for code in touched:
                self._read(site, code)
            self.cursor += taken
            if not taken:
                self.as_of = self._clock.now()
                return 0
        self._merged = tuple(
            heapq.nsmallest(KEPT, _all(self._newest.values()), key=lambda p: (-p.row.day.toordinal(), p.unit, p.row.id))
        )
        self.as_of = self._clock.now()
        self.version += 1
        return taken

    def _read(self, site: Any, code: str) -> None:
        unit = site.units.get(code)
        if unit is None:
            return
        newest: list[Posted] = []
        kinds: Counter[str] = Counter()
        total = late = 0
        for name, section in unit.sections.items():
            listing = section.listings.get(class_of_edition("public"))
            if listing is None:
                continue
            newest += [Posted(code, name, row) for row in listing.page(size=KEPT)]
            kinds.update(dict(listing.facets("kind", {})))
            total += listing.total()
            late += listing.total({"mark": "late"})
        self._newest[code] = tuple(newest)
        self._totals[code] = UnitTotals(tuple(sorted(kinds.items())), total, late)

    def newest(self, count: int) -> tuple[Posted, ...]:
        """The newest publications of all units, newest first."""
        return self._merged[:count]

    def totals(self, unit: str) -> UnitTotals:
        """What a unit has published."""
        return self._totals.get(unit, UnitTotals((), 0, 0))

    def total(self) -> int:
        """How many publications there are in all."""
        return sum(t.total for t in list(self._totals.values()))


def _all(groups: Iterable[tuple[Posted, ...]]) -> Iterable[Posted]:
    for group in groups:
        yield from group
