"""Units: communities, villages and what is above them, as dated data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from .audit import audited
from .handover import Handover
from .history import History
from .people import Body, LocalRoles

#: kind -> (title, English, name of its affairs disclosure, has a committee of its own)
UNIT_KINDS: dict[str, tuple[str, str, str, bool]] = {
    "village": ("村", "Village", "村务", True),
    "community": ("社区", "Community", "居务", True),
    "subdistrict": ("街道", "Subdistrict", "政务", False),
    "township": ("乡镇", "Township", "政务", False),
    "district": ("区县", "District", "政务", False),
}

#: How many levels a tree may have; a cycle in bad data ends there.
MAX_DEPTH = 16


@dataclass(frozen=True)
class ParentSpan:
    """``code`` is the unit above from ``since`` up to and with ``until``."""

    code: str
    since: date
    until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it holds on that day."""
        return self.since <= on and (self.until is None or on <= self.until)


@dataclass(frozen=True)
class Duty:
    """Who answers for what: printed on the unit's page."""

    post: str
    holder: str
    tasks: str


@dataclass(frozen=True)
class About:
    """What a unit's page says about its office."""

    office: str = ""
    phone: str = ""
    hours: str = ""
    ask_on_paper: str = ""
    uscc: str = ""
    duties: tuple[Duty, ...] = ()


@audited("subject")
class Section(Persistent):
    """The records of one content type at a unit, and their lists."""

    def __init__(self, unit: str, name: str) -> None:
        self.subject = f"unit:{unit}"
        self.unit = unit
        self.name = name
        #: record id -> Record
        self.records = OOBTree()
        #: visibility class -> Listing, see :mod:`.catalog`
        self.listings = OOBTree()
        #: ``matter`` -> OOTreeSet of record ids
        self.matters = OOBTree()
        #: year -> last number given
        self.numbers = OOBTree()


@audited("subject")
class Unit(Persistent):
    """A unit; it never moves: what is above it is data with dates."""

    def __init__(self, code: str, kind: str, name: str) -> None:
        if kind not in UNIT_KINDS:
            raise ValueError(f"unknown kind of unit {kind!r}")
        self.subject = f"unit:{code}"
        self.code = code
        self.kind = kind
        self.name = name
        self.pinyin = ""
        self.initials = ""
        self.about = About()
        self.parts: tuple[str, ...] = ()
        self.parents: tuple[ParentSpan, ...] = ()
        self.successors: tuple[str, ...] = ()
        self.closed_on: date | None = None
        self.roles = LocalRoles(code)
        #: id -> Body
        self.bodies = OOBTree()
        #: name -> Section
        self.sections = OOBTree()
        self.history = History()
        #: idempotency token -> (subject, number) of what it did
        self.requests = OOBTree()

    #: changes of committee, oldest first; in the class for units stored before there were any
    handovers: tuple[Handover, ...] = ()

    def parent(self, on: date) -> str | None:
        """The code of the unit above on that day."""
        return next((span.code for span in self.parents if span.holds(on)), None)

    def affairs_name(self) -> str:
        """村务 or 居务."""
        return UNIT_KINDS[self.kind][2]

    def body_of_kind(self, kind: str) -> Body | None:
        """The unit's body of a kind, or None."""
        return next((body for body in self.bodies.values() if body.kind == kind), None)


@audited("subject")
class Entity(Persistent):
    """A collective economic organisation: it outlives its unit (撤村不撤社)."""

    def __init__(self, id: str, name: str, uscc: str) -> None:
        self.subject = f"entity:{id}"
        self.id = id
        self.name = name
        self.uscc = uscc
        #: the units that it belonged to, with dates
        self.units: tuple[ParentSpan, ...] = ()


def ancestors(units: Mapping[str, Unit], code: str, on: date) -> Iterator[Unit]:
    """The units above ``code`` on that day, nearest first; stops at a cycle."""
    seen = {code}
    unit = units.get(code)
    while unit is not None and len(seen) <= MAX_DEPTH:
        above = unit.parent(on)
        if above is None or above in seen:
            return
        seen.add(above)
        unit = units.get(above)
        if unit is not None:
            yield unit


def children(units: Mapping[str, Unit], code: str, on: date) -> Iterator[Unit]:
    """The units whose parent on that day is ``code``."""
    for unit in units.values():
        if unit.parent(on) == code:
            yield unit


def roles_at(
    units: Mapping[str, Unit], unit: Unit, person: str, at: datetime, on: date, held: list[Any]
) -> frozenset[str]:
    """Every role that ``person`` has at ``unit``: granted there, or above with reach below.

    At a closed unit those hold too that the person has at the units that succeeded it.

    Each object that was looked at is appended to ``held``, for the caller to hold until commit.
    """
    found: frozenset[str] = frozenset()
    for here in (unit, *_successors(units, unit)):
        held.extend((here, here.roles))
        found |= here.roles.of(person, at)
        for above in ancestors(units, here.code, on):
            held.extend((above, above.roles))
            found |= above.roles.of(person, at, from_below=True)
    return found


def _successors(units: Mapping[str, Unit], unit: Unit) -> Iterator[Unit]:
    """The units that took over from a closed one, and from them where they were closed too."""
    seen, todo = {unit.code}, [unit]
    while todo:
        here = todo.pop()
        for code in here.successors if here.closed_on is not None else ():
            after = units.get(code)
            if after is not None and code not in seen:
                seen.add(code)
                todo.append(after)
                yield after
