"""A change of committee (换届): what was handed over, from whom, to whom, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .records import Record


@dataclass(frozen=True)
class Succession:
    """A role that ended, and the person who has it now: the same after a re-election, "" nobody."""

    person: str
    role: str
    successor: str


@dataclass(frozen=True)
class Entrusted:
    """A record in work whose writer left, and who answers for it now ("" nobody yet)."""

    section: str
    record: str
    title: str
    person: str
    successor: str


@dataclass(frozen=True)
class NewSeat:
    """A seat of a body in the new term."""

    body: str
    post: str
    person: str


@dataclass(frozen=True)
class Handover:
    """One change of committee as it was carried out. ``since`` is the new term's first day;
    ``due`` the last day for handing over seals, books and files, with ``why``."""

    at: datetime
    by: str
    reason: str
    since: date
    roles: tuple[Succession, ...]
    seats: tuple[NewSeat, ...]
    records: tuple[Entrusted, ...]
    due: date | None = None
    why: tuple[str, ...] = ()


def heir_of(unit: Any, record: Record) -> str:
    """Who took over a record in the latest change of committee that named it, or ""."""
    for handover in reversed(unit.handovers):
        for entrusted in handover.records:
            if entrusted.record == record.id:
                return str(entrusted.successor)
    return ""
