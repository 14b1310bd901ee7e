"""A run: where one record stands in its workflow. Immutable values; a change makes a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from ..people import Member


@dataclass(frozen=True)
class Due:
    """A deadline as it was computed: the last day, and why it is that day."""

    on: date
    rule: str
    explanation: tuple[str, ...]
    #: versions of the rule register and the calendar that it was computed with
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A sign-off given: of whatever kind, it counts as given."""

    signoff: str
    person: str
    verdict: str
    reason: str
    at: datetime
    #: shown with the member's name only if the member chose so (署名)
    signed: bool = False
    #: the post of who entered a paper sheet, and that person
    paper_post: str = ""
    paper_person: str = ""


@dataclass(frozen=True)
class Answer:
    """The written answer to an objection."""

    signoff: str
    person: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Recusal:
    """A member who steps aside, with the reason; leaves the denominator."""

    person: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class StandIn:
    """Who approves this revision where every approver is author, signer or conflicted."""

    person: str
    level: str  # committee | subdistrict
    decision: str
    named_by: str
    at: datetime


@dataclass(frozen=True)
class Roster:
    """Who may sign, frozen when the state was entered: the denominator."""

    signoff: str
    body: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Run:
    """Where a record stands. ``definition`` is the hash that it is pinned to."""

    definition: str
    state: str
    entered_at: datetime
    revision: int = 0
    rosters: tuple[Roster, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    answers: tuple[Answer, ...] = ()
    recusals: tuple[Recusal, ...] = ()
    lapsed: tuple[str, ...] = ()
    due: Due | None = None
    stand_in: StandIn | None = None
    #: the words of the last return, for whoever has to mend the draft
    remark: str = ""
    #: who did the transitions of this round, by transition: (name, person)
    steps: tuple[tuple[str, str], ...] = ()

    def enter(self, state: str, at: datetime, **changes: object) -> Run:
        """The run in another state; what belonged to the state that it left is gone."""
        fresh: dict[str, object] = {
            "state": state,
            "entered_at": at,
            "rosters": (),
            "lapsed": (),
            "due": None,
            "remark": "",
        }
        fresh.update(changes)
        return replace(self, **fresh)  # type: ignore[arg-type]

    def roster(self, signoff: str) -> Roster | None:
        """The roster of a sign-off in the present state."""
        return next((r for r in self.rosters if r.signoff == signoff), None)

    def given(self, signoff: str) -> tuple[Verdict, ...]:
        """The verdicts given for a sign-off on the present revision."""
        return tuple(v for v in self.verdicts if v.signoff == signoff)

    def signers(self) -> frozenset[str]:
        """Everyone who gave a verdict on the present revision."""
        return frozenset(v.person for v in self.verdicts)

    def recorders(self) -> frozenset[str]:
        """Everyone who entered a paper sheet about the present revision."""
        return frozenset(v.paper_person for v in self.verdicts if v.paper_person)

    def recused(self) -> frozenset[str]:
        """Everyone who stepped aside."""
        return frozenset(r.person for r in self.recusals)

    def did(self, person: str) -> frozenset[str]:
        """The transitions of this round that a person did."""
        return frozenset(name for name, who in self.steps if who == person)
