"""The change of committee as one action: roles end and pass on, seats are filled, drafts get heirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar

from ...core.actions import Context
from ...core.calendar import CalendarMissing, compute_deadline
from ...core.errors import Invalid, NotFound, NotNow, Refused, SeparationOfDuties
from ...core.events import register
from ...core.handover import Entrusted, Handover, NewSeat, Succession
from ...core.people import Grant, Seat
from ...core.rules import RuleMissing
from ...core.units import Unit
from .actions import DECLARED, SECURITY, add_grant, administers, end_grant, refuse_grant

register("unit.handed_over", "换届交接", "Handed over to a new committee")

#: So many roles and seats one change may touch: each role is an event of one transaction.
MOST_ROLES = 22


def present_grants(unit: Unit, ctx: Any) -> tuple[Grant, ...]:
    """The roles that are held at the unit now, in the order of their grants."""
    return tuple(grant for grant in unit.roles.grants if grant.holds(ctx.now))


def records_in_work(domain: Any, site: Any, unit: Unit) -> Iterator[tuple[str, Any]]:
    """(section, record) of every record of a unit that is being worked on."""
    for name, section in unit.sections.items():
        for key in section.listings.keys("run|", "run|\uffff"):
            _, hash, state, _ = key.split("|")
            where = domain.definition(hash, site.definitions).states[state]
            if where.final or where.published:
                continue
            for row in section.listings[key].page(size=1000):
                yield name, section.records[row.id]


def entrusted(domain: Any, site: Any, unit: Unit, roles: Iterable[Succession]) -> tuple[Entrusted, ...]:
    """The records in work whose writers leave a role, each with who takes the writer's place.

    Drafts go where the writer's work of drafting went; another role counts where there is none.
    """
    order = ("clerk", "bookkeeper", "importer")
    heirs: dict[str, str] = {}
    for step in sorted(roles, key=lambda s: order.index(s.role) if s.role in order else len(order)):
        if not heirs.get(step.person):
            heirs[step.person] = step.successor
    found = []
    for section, record in records_in_work(domain, site, unit):
        writers = record.authors or (record.created_by,)
        leaving = next((p for p in reversed(writers) if p in heirs and heirs[p] != p), None)
        if leaving is not None:
            found.append(Entrusted(section, record.id, record.title(), leaving, heirs[leaving]))
    return tuple(found)


@dataclass(frozen=True)
class BodyTerm:
    """A body's seats in the new term: (post, person) in order."""

    body: str
    seats: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HandOver:
    """End every role at a unit, fill the bodies anew, pass roles and drafts on to successors.

    ``roles`` names each role that is held now, once, with its successor or "". Raises Invalid,
    Refused where the list is not that of today, SeparationOfDuties where the new people clash.
    """

    name: ClassVar[str] = "unit.hand_over"
    unit: str
    since: date
    until: date | None
    reason: str
    roles: tuple[Succession, ...]
    bodies: tuple[BodyTerm, ...]
    not_a_relative: bool = False
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        administers(ctx, SECURITY, "办理换届", fresh=True)
        unit = ctx.unit(self.unit)
        if unit.closed_on is not None:
            raise NotNow(f"{unit.name}已经撤销了。")
        if not self.reason.strip():
            raise Invalid("请写明依据，例如选举结果公告的文号。", fields={"reason": "请写明依据。"})
        if self.since > ctx.today:
            raise Invalid("新一届还没有开始，请到那一天再办。", fields={"since": "不能晚于今天。"})
        if self.until is not None and self.until <= self.since:
            raise Invalid("任期的结束早于开始，请核对日期。", fields={"until": "要晚于开始。"})
        ctx.hold(unit.roles)
        held = sorted((g.person, g.role) for g in present_grants(unit, ctx))
        if held != sorted((s.person, s.role) for s in self.roles):
            raise Refused("这个单位的角色刚刚有人改过，请刷新页面，核对名单以后再办。")
        if len(self.roles) > MOST_ROLES:
            raise Refused(f"一次最多交接 {MOST_ROLES} 个角色，请先在角色页收回几个。")
        if any(s.role == "supervisor" and s.successor for s in self.roles) and not self.not_a_relative:
            raise Invalid(
                "监督委员会成员要先声明不是村（居）民委员会成员和经办、报账、审批人员的近亲属。",
                fields={"not_a_relative": "请先请本人声明，再勾选。"},
            )
        people = [s.successor for s in self.roles if s.successor]
        people += [person for term in self.bodies for _, person in term.seats]
        if any(person not in ctx.site.persons for person in people):
            raise NotFound("接任的人还没有登记，请先请系统管理员登记人员。")
        self._check_bodies(ctx, unit)

    def _check_bodies(self, ctx: Context, unit: Unit) -> None:
        sits: dict[str, set[str]] = {"committee": set(), "supervision": set()}
        given = {term.body: {person for _, person in term.seats} for term in self.bodies}
        if unknown := given.keys() - set(unit.bodies.keys()):
            raise NotFound(f"这个单位没有登记机构 {'、'.join(sorted(unknown))}。")
        for id, body in unit.bodies.items():
            ctx.hold(body)
            if body.kind in sits:
                present = {seat.person for seat in body.members(ctx.today)}
                sits[body.kind] |= given.get(id, present)
        for person in sorted(sits["committee"] & sits["supervision"]):
            name = ctx.site.person_name(person)
            raise SeparationOfDuties(f"{name}不能同时在村（居）民委员会和监督委员会任职，请核对名单。")

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        reason = f"换届：{self.reason.strip()}"
        ended: set[tuple[str, str]] = set()
        for step in self.roles:
            if (step.person, step.role) not in ended:
                end_grant(ctx, unit.code, step.person, step.role, reason)
                ended.add((step.person, step.role))
        seats = self._fill(ctx, unit)
        granted: set[tuple[str, str]] = set()
        for step in self.roles:
            if not step.successor or (step.successor, step.role) in granted:
                continue
            refuse_grant(ctx, unit.code, step.successor, step.role)
            declared = f"{reason}（{DECLARED}）" if step.role == "supervisor" else reason
            add_grant(ctx, unit.code, step.successor, step.role, declared, None)
            granted.add((step.successor, step.role))
        due, why = self._due(ctx, unit)
        records = entrusted(ctx.domain, ctx.site, unit, self.roles)
        unit.handovers = (
            *unit.handovers,
            Handover(ctx.now, ctx.actor.person, self.reason.strip(), self.since, self.roles, seats, records, due, why),
        )
        details = {
            "comment": self.reason.strip(),
            "roles": [[s.person, s.role, s.successor] for s in self.roles],
            "bodies": [term.body for term in self.bodies],
            "records": [[e.record, e.person, e.successor] for e in records],
        }
        ctx.log("unit.handed_over", unit.subject, unit.history, unit.code, details)
        return str(len(unit.handovers))

    def _fill(self, ctx: Context, unit: Unit) -> tuple[NewSeat, ...]:
        """The new seats; those of before end on the eve of the new term."""
        made = []
        for term in self.bodies:
            body = unit.bodies[term.body]
            body.seats = next_seats(body.seats, term.seats, self.since, self.until)
            body.term = (self.since, self.until)
            ctx.log("body.saved", body.subject, unit.history, unit.code, {"seats": len(term.seats)})
            made += [NewSeat(body.name, post, person) for post, person in term.seats]
        return tuple(made)

    def _due(self, ctx: Context, unit: Unit) -> tuple[date | None, tuple[str, ...]]:
        try:
            rule = ctx.domain.rules.resolve("handover.days", unit.kind, self.since)
            deadline = compute_deadline(rule, self.since, ctx.domain.calendar)
        except (RuleMissing, CalendarMissing):
            return None, ()
        return deadline.due, tuple(deadline.explain())


def next_seats(
    seats: Iterable[Seat], new: Iterable[tuple[str, str]], since: date, until: date | None
) -> tuple[Seat, ...]:
    """The seats of a body with a new term: former ones end on the eve of ``since``."""
    eve = since - timedelta(days=1)
    kept = tuple(
        replace(seat, until=eve) if seat.until is None or seat.until > eve else seat
        for seat in seats
        if seat.since <= eve
    )
    return (*kept, *(Seat(person, post, since, until) for post, person in new))
