"""What the demo site consists of, as plain values: places, people, publications.

Nothing here touches a database. :func:`.plan.base_plan` makes the small site that people look
at, :func:`.plan.bulk_plan` streams a large one for benchmarks; whoever runs a plan performs it
through the real actions, in the order of ``drafted_at`` and ``publish_at``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from jiceng_cms.core.units import Duty

Kind = Literal["party", "affairs", "finance"]
Stage = Literal["事前", "事中", "事后", ""]
Audience = Literal["public", "branch"]
Verdict = Literal["agree", "reserve", "object"]
CorrectionKind = Literal["typo", "substance"]
WithdrawalCode = Literal["wrong", "duplicate"]


@dataclass(frozen=True)
class EntitySpec:
    """The collective economic organisation of a village."""

    name: str
    uscc: str


@dataclass(frozen=True)
class PlaceSpec:
    """A unit with its 12-digit ``code`` and its office; ``facts`` name a road, river, hill, pond."""

    code: str
    kind: Literal["district", "subdistrict", "township", "community", "village"]
    name: str
    #: Syllables with a space between them; ``initials`` their first letters.
    pinyin: str
    initials: str
    parent: str | None
    office: str
    phone: str
    hours: str
    ask_on_paper: str
    uscc: str
    parts: tuple[str, ...] = ()
    entity: EntitySpec | None = None
    duties: tuple[Duty, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PersonSpec:
    """An office-holder; ``id`` is unique in the plan, ``name`` is invented."""

    id: str
    name: str


@dataclass(frozen=True)
class SeatSpec:
    """A seat held by the person with id ``person`` from ``since`` up to and with ``until``."""

    person: str
    post: str
    since: date
    until: date


@dataclass(frozen=True)
class BodySpec:
    """A body of a unit; ``kind`` is a key of ``core.people.BODY_KINDS``, ``term`` the present one."""

    unit: str
    id: str
    kind: Literal["committee", "supervision", "branch", "assembly"]
    name: str
    term: tuple[date, date]
    seats: tuple[SeatSpec, ...]


@dataclass(frozen=True)
class AccountSpec:
    """A login of a person; ``grants`` are pairs (role, unit code).

    ``shown`` accounts are those whose names ``jiceng demo`` prints; the others exist so that
    the remaining villages and communities have a clerk and approvers of their own.
    """

    login: str
    person: str
    grants: tuple[tuple[str, str], ...]
    shown: bool = True


@dataclass(frozen=True)
class TableSpec:
    """A table of strings; every row is as long as ``header``."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class LedgerSpec:
    """What a sheet of income and expense adds up to, in yuan, over whole months."""

    since: date
    until: date
    opening: Decimal
    income: Decimal
    expense: Decimal
    closing: Decimal


@dataclass(frozen=True)
class Change:
    """The new value of one of ``title``, ``summary``, ``body``, ``tables``."""

    field: Literal["title", "summary", "body", "tables"]
    value: str | tuple[str, ...] | tuple[TableSpec, ...]


@dataclass(frozen=True)
class CorrectionSpec:
    """A new edition, published at ``when`` (aware, UTC)."""

    when: datetime
    kind: CorrectionKind
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class WithdrawalSpec:
    """Withdrawn at ``when`` (aware, UTC); ``code`` is a key of core.effects.WITHDRAWAL_REASONS.

    The note is public.
    """

    when: datetime
    code: WithdrawalCode
    note: str


@dataclass(frozen=True)
class SignoffSpec:
    """The verdict of supervisor 1, 2 or 3 of the unit's roster."""

    supervisor: Literal[1, 2, 3]
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True)
class PublicationSpec:
    """One publication from draft to what became of it.

    ``publish_at`` is when the simulated clock publishes it; it may be later than ``due_date``.
    Fewer than two ``signoffs`` on a public one mean that the supervision committee let its
    deadline lapse: ``drafted_at`` is then early enough for that. An ``audience`` of ``branch``
    has no sign-offs.
    """

    key: str
    unit: str
    kind: Kind
    title: str
    item: str
    subject: str
    part: str
    event_date: date
    due_date: date
    due_basis: str
    drafted_at: datetime
    publish_at: datetime
    summary: str
    body: tuple[str, ...]
    tables: tuple[TableSpec, ...]
    basis: tuple[str, ...]
    matter: str
    stage: Stage
    audience: Audience
    signoffs: tuple[SignoffSpec, ...]
    correction: CorrectionSpec | None = None
    withdrawal: WithdrawalSpec | None = None
    attachments: tuple[tuple[str, Literal["pdf", "docx", "xlsx"]], ...] = ()
    ledger: LedgerSpec | None = None


@dataclass(frozen=True)
class DemoPlan:
    """The whole small site; ``publications`` in the order of ``publish_at``."""

    places: tuple[PlaceSpec, ...]
    persons: tuple[PersonSpec, ...]
    bodies: tuple[BodySpec, ...]
    accounts: tuple[AccountSpec, ...]
    publications: tuple[PublicationSpec, ...]
