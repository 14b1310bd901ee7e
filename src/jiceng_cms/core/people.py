"""Persons who hold an office or an account, the roles granted to them, and bodies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from persistent import Persistent

from .audit import audited
from .permissions import ROLES


@audited("subject")
class Person(Persistent):
    """An office-holder, never a resident. ``name`` is stored as it was entered."""

    def __init__(self, id: str, name: str) -> None:
        self.subject = f"person:{id}"
        self.id = id
        self.name = name

    #: (name, until): what the person was called up to a moment, oldest first
    former: tuple[tuple[str, datetime], ...] = ()

    def rename(self, name: str, at: datetime) -> None:
        """Bear another name from ``at`` on."""
        if name != self.name:
            self.former = (*self.former, (self.name, at))
            self.name = name

    def name_at(self, at: datetime) -> str:
        """What the person was called at a moment: a deed stays under the name of its time."""
        return next((name for name, until in self.former if at < until), self.name)


@dataclass(frozen=True)
class Grant:
    """A role given to a person at a unit, from ``since`` until ``until`` (both aware, UTC)."""

    person: str
    role: str
    since: datetime
    reason: str
    by: str
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at ``at``."""
        return self.since <= at and (self.until is None or at < self.until)


@audited("subject")
class LocalRoles(Persistent):
    """Who holds which role at one unit: a single object, so that one look at it can be held."""

    def __init__(self, unit: str) -> None:
        self.subject = f"roles:{unit}"
        self.unit = unit
        self.grants: tuple[Grant, ...] = ()

    def of(self, person: str, at: datetime, *, from_below: bool = False) -> frozenset[str]:
        """The roles that ``person`` holds at ``at``: here, or, ``from_below``, for a unit below."""
        return frozenset(
            grant.role
            for grant in self.grants
            if grant.person == person
            and grant.holds(at)
            and (not from_below or ROLES[grant.role].reach == "below")
        )

    def holders(self, role: str, at: datetime) -> tuple[str, ...]:
        """The persons who hold ``role`` here at ``at``, in the order of their grants."""
        return tuple(
            dict.fromkeys(g.person for g in self.grants if g.role == role and g.holds(at))
        )


@dataclass(frozen=True)
class Seat:
    """A seat of a body, held by ``person`` from ``since`` until ``until``."""

    person: str
    post: str
    since: date
    until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it is held on that day."""
        return self.since <= on and (self.until is None or on <= self.until)


@dataclass(frozen=True)
class Member:
    """A member in a frozen roster."""

    person: str
    name: str
    post: str


#: Kinds of bodies that a workflow's sign-off may name, with their titles.
BODY_KINDS: dict[str, tuple[str, str]] = {
    "committee": ("村（居）民委员会", "Committee"),
    "supervision": ("监督委员会", "Supervision committee"),
    "branch": ("党支部委员会", "Branch committee"),
    "assembly": ("村（居）民代表会议", "Representatives' assembly"),
    "panel": ("联审组", "Review panel"),
    "sub": ("下属委员会", "Sub-committee"),
}


@audited("subject")
class Body(Persistent):
    """Who holds an office of a unit: seats with terms. ``parent`` is set on a sub-committee."""

    def __init__(self, unit: str, id: str, kind: str, name: str) -> None:
        if kind not in BODY_KINDS:
            raise ValueError(f"unknown kind of body {kind!r}")
        self.subject = f"body:{unit}/{id}"
        self.unit = unit
        self.id = id
        self.kind = kind
        self.name = name
        self.parent: str | None = None
        self.term: tuple[date, date | None] | None = None
        self.seats: tuple[Seat, ...] = ()

    def members(self, on: date) -> tuple[Seat, ...]:
        """The seats that are held on that day."""
        return tuple(seat for seat in self.seats if seat.holds(on))


def find_body(bodies: Iterable[Body], kind: str) -> Body | None:
    """The first body of a kind."""
    return next((body for body in bodies if body.kind == kind), None)
