"""A unit's own lists and counts, kept in the same transaction as what they list.

A section keeps one :class:`Listing` per *visibility class*: published editions by audience,
working records by definition and state. A reader's roles select classes, so a list or a count
costs its own length and nothing that is not visible is ever counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, islice
from typing import Any

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree, OOTreeSet
from persistent import Persistent

from .audit import audited

#: What a list can be narrowed by. Every combination has a set and a count of its own.
FACETS = ("kind", "year", "mark")

#: Where :meth:`Row.pack` puts the last day of the display period, "" where there is none.
_UNTIL = 4

_LATEST = date(9999, 12, 31).toordinal()


def sort_key(day: date, id: str) -> str:
    """A key under which newer days come first and records of a day are told apart."""
    return f"{_LATEST - day.toordinal():07d}{id}"


@dataclass(frozen=True)
class Row:
    """A line of a list: enough to show it without loading the record."""

    id: str
    title: str
    kind: str
    day: date
    #: last day of the display period; None on working lists
    until: date | None
    number: str
    edition: int
    #: late | corrected | withdrawn
    marks: tuple[str, ...]
    #: days late at publication, 0 when in time
    late: int = 0
    state: str = ""

    def pack(self) -> bytes:
        """As a value of a BTree."""
        return json.dumps(
            [
                self.id, self.title, self.kind, self.day.isoformat(),
                self.until.isoformat() if self.until else "", self.number, self.edition,
                list(self.marks), self.late, self.state,
            ],
            ensure_ascii=False, separators=(",", ":"),
        ).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Row:
        """The row that :meth:`pack` wrote."""
        id, title, kind, day, until, number, edition, marks, late, state = json.loads(data)
        return cls(
            id, title, kind, date.fromisoformat(day), date.fromisoformat(until) if until else None,
            number, edition, tuple(marks), late, state,
        )

    def keys(self) -> Iterator[str]:
        """The facet sets in which it stands: every combination of its values."""
        base = [("kind", self.kind), ("year", str(self.day.year))]
        for mark in ("", *self.marks):
            values = [*base, ("mark", mark)] if mark else base
            for size in range(1, len(values) + 1):
                for chosen in combinations(values, size):
                    yield facet_key(dict(chosen))


def facet_key(chosen: Mapping[str, str]) -> str:
    """``kind=finance&year=2026``: the name of a facet set."""
    return "&".join(f"{name}={chosen[name]}" for name in FACETS if chosen.get(name))


@audited("structure")
class Listing(Persistent):
    """A list, newest first, with its narrowed lists and counts."""

    #: the longest display period of any row ever listed, in days; a list that was stored before
    #: this was kept walks through ten years
    longest = 3660

    def __init__(self) -> None:
        self.longest = 0
        #: sort key -> packed row
        self.rows = OOBTree()
        self.count = Length()
        #: facet key -> OOTreeSet of sort keys
        self.narrowed = OOBTree()
        #: facet key -> Length
        self.counts = OOBTree()

    def add(self, key: str, row: Row) -> None:
        """List a row under a sort key that is not taken."""
        self.rows[key] = row.pack()
        self.count.change(1)
        if row.until is not None and (row.until - row.day).days > self.longest:
            self.longest = (row.until - row.day).days
        for facet in set(row.keys()):
            if facet not in self.narrowed:
                self.narrowed[facet] = OOTreeSet()
                self.counts[facet] = Length()
            self.narrowed[facet].insert(key)
            self.counts[facet].change(1)

    def remove(self, key: str) -> Row | None:
        """Take a row out; gives what stood there."""
        data = self.rows.pop(key, None)
        if data is None:
            return None
        row = Row.unpack(data)
        self.count.change(-1)
        for facet in set(row.keys()):
            if facet in self.narrowed and key in self.narrowed[facet]:
                self.narrowed[facet].remove(key)
                self.counts[facet].change(-1)
        return row

    def get(self, key: str) -> Row | None:
        """The row under a sort key."""
        data = self.rows.get(key)
        return Row.unpack(data) if data is not None else None

    def total(self, chosen: Mapping[str, str] | None = None) -> int:
        """How many rows there are under the chosen facets."""
        facet = facet_key(chosen or {})
        if not facet:
            return int(self.count())
        length = self.counts.get(facet)
        return int(length()) if length is not None else 0

    def page(
        self, chosen: Mapping[str, str] | None = None, start: int = 0, size: int = 20
    ) -> list[Row]:
        """``size`` rows from ``start`` on, newest first."""
        facet = facet_key(chosen or {})
        keys: Iterable[Any] = self.rows.keys() if not facet else self.narrowed.get(facet, ())
        return [Row.unpack(self.rows[key]) for key in islice(iter(keys), start, start + size)]

    def current(self, chosen: Mapping[str, str] | None, today: date) -> list[Row]:
        """The rows whose display period is not over on ``today``, newest first.

        No row's period was longer than :attr:`longest`, so the walk ends there; only what is
        found is unpacked whole.
        """
        facet = facet_key(chosen or {})
        keys: Iterable[Any] = self.rows.keys() if not facet else self.narrowed.get(facet, ())
        day, last = today.isoformat(), sort_key(today - timedelta(days=self.longest), "~")
        found = []
        for key in keys:
            if key > last:
                break
            data = self.rows[key]
            if json.loads(data)[_UNTIL] >= day:
                found.append(Row.unpack(data))
        return found

    def facets(self, name: str, chosen: Mapping[str, str]) -> list[tuple[str, int]]:
        """(value, count) for each value of a facet, given what is chosen of the others."""
        others = {n: v for n, v in chosen.items() if n != name}
        found = []
        for value in self.values(name):
            count = self.total({**others, name: value})
            if count:
                found.append((value, count))
        return found

    def values(self, name: str) -> list[str]:
        """Every value that a facet has had here."""
        prefix = f"{name}="
        return [
            key[len(prefix):]
            for key in self.narrowed.keys(prefix, prefix + "\uffff")
            if "&" not in key
        ]


def class_of_edition(audience: str) -> str:
    """The visibility class of published editions for an audience."""
    return f"edition|{audience}"


def class_of_run(definition: str, state: str, audience: str) -> str:
    """The visibility class of working records."""
    return f"run|{definition}|{state}|{audience}"


def place(section: Any, record: Any, rows: Iterable[tuple[str, Row]]) -> None:
    """Make the section's lists hold ``record`` under exactly these (class, row)."""
    for name, key in record.placed:
        listing = section.listings.get(name)
        if listing is not None:
            listing.remove(key)
    placed = []
    for name, row in rows:
        listing = section.listings.get(name)
        if listing is None:
            listing = section.listings[name] = Listing()
        key = sort_key(row.day, record.id)
        listing.add(key, row)
        placed.append((name, key))
    record.placed = tuple(placed)
