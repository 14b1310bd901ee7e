"""The engine: what may happen next in a run, and what entering a state means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from ..calendar import Calendar, compute_deadline
from ..people import Body, Member, find_body
from ..rules import RuleRegister
from .definition import Definition, Signoff, State
from .run import Due, Roster, Run


@dataclass(frozen=True)
class SignoffStatus:
    """How a sign-off stands: verdicts given against what its quorum asks."""

    signoff: Signoff
    members: int
    recused: int
    needed: int
    given: int
    agree: int
    reserve: int
    object: int
    lapsed: bool
    #: whether this kind of unit has such a body at all
    asked: bool = True

    @property
    def complete(self) -> bool:
        """Whether as many verdicts were given as are needed.

        Where nobody is left to give one (no member, or all have stepped aside) it is not complete:
        it waits for its deadline, so that an empty committee is no way round the committee.
        """
        return not self.asked or 0 < self.needed <= self.given

    @property
    def opens(self) -> bool:
        """Whether it no longer bars the way: complete, or the deadline has passed."""
        return self.complete or self.lapsed


def needed_of(quorum: str | int, members: int) -> int:
    """How many verdicts a quorum asks of ``members``; a majority excludes exactly half."""
    if quorum == "all":
        return members
    if quorum == "any":
        return min(1, members)
    if quorum == "majority":
        return members // 2 + 1 if members else 0
    return min(int(quorum), members)


def signoffs_of(state: State, audience: str) -> tuple[Signoff, ...]:
    """The sign-offs that a state asks of a record with this audience."""
    return tuple(s for s in state.signoffs.values() if s.audience in ("", audience))


def status(run: Run, signoff: Signoff) -> SignoffStatus:
    """How a sign-off of the present state stands."""
    roster = run.roster(signoff.name)
    members = {m.person for m in roster.members} if roster else set()
    away = members & run.recused()
    given = [v for v in run.given(signoff.name) if v.person not in away]
    return SignoffStatus(
        signoff=signoff,
        members=len(members),
        recused=len(away),
        needed=needed_of(signoff.quorum, len(members) - len(away)),
        given=len(given),
        agree=sum(v.verdict == "agree" for v in given),
        reserve=sum(v.verdict == "reserve" for v in given),
        object=sum(v.verdict == "object" for v in given),
        lapsed=signoff.name in run.lapsed,
        asked=roster is not None,
    )


def freeze_rosters(
    state: State, audience: str, bodies: Iterable[Body], names: Mapping[str, str], on: date
) -> tuple[Roster, ...]:
    """The rosters of a state's sign-offs on the day that it is entered.

    A body that does not exist or has no member gives an empty roster: its sign-off waits for the
    deadline, and the page says that the unit has registered no such body.
    """
    bodies = list(bodies)
    rosters = []
    for signoff in signoffs_of(state, audience):
        body = find_body(bodies, signoff.body)
        members = tuple(
            Member(seat.person, names.get(seat.person, seat.person), seat.post)
            for seat in (body.members(on) if body else ())
        )
        rosters.append(Roster(signoff.name, body.name if body else "", members))
    return tuple(rosters)


def due_of(
    state: State, rules: RuleRegister, calendar: Calendar, unit_kind: str, on: date
) -> Due | None:
    """The deadline of a state entered on ``on``, or None where it has none."""
    if not state.deadline_rule:
        return None
    rule = rules.resolve(state.deadline_rule, unit_kind, on)
    deadline = compute_deadline(rule, on, calendar)
    return Due(
        on=deadline.due,
        rule=rule.id,
        explanation=tuple(deadline.explain("zh_CN")),
        versions=(("rules", rules.digest[:16]), ("calendar", deadline.calendar_version)),
    )


def settle(definition: Definition, run: Run, today: date, audience: str) -> Run:
    """The run after what time alone brings about: sign-offs lapse when their last day is over.

    It only opens a way; nothing is published and no one is judged by it.
    """
    state = definition.states[run.state]
    if state.deadline_then != "lapse" or run.due is None or today <= run.due.on:
        return run
    open_still = tuple(
        s.name
        for s in signoffs_of(state, audience)
        if s.name not in run.lapsed and not status(run, s).complete
    )
    return replace(run, lapsed=run.lapsed + open_still) if open_still else run
