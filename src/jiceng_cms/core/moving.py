"""The action that moves a record through its workflow, and the separation of duties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import colander

from .actions import Context
from .calendar import CalendarMissing
from .domain import Happened, Moving, Problem
from .errors import (
    ChecksFailed,
    Forbidden,
    Invalid,
    NeedsReauthentication,
    NotFound,
    NotNow,
    Refused,
    SeparationOfDuties,
    Stale,
)
from .events import register
from .placing import relist
from .records import Record
from .rules import RuleMissing
from .units import UNIT_KINDS, Unit
from .visibility import Reader, sees_work
from .workflow.definition import Definition, Transition
from .workflow.engine import due_of, freeze_rosters, settle
from .workflow.run import Due, Roster, Run

register("record.moved", "办理", "Moved", public=True)
register("signoff.lapsed", "监督意见期限已过", "Sign-off lapsed", public=True)


def settled(ctx: Context, unit: Unit, record: Record) -> None:
    """Bring the run up to what time alone has done to it, with an event for each lapse."""
    definition = ctx.domain.definition(record.run.definition, ctx.site.definitions)
    audience = ctx.domain.content_types[record.type].audience(record.draft.data)
    run = settle(definition, record.run, ctx.today, audience)
    if run is record.run:
        return
    lapsed = [s for s in run.lapsed if s not in record.run.lapsed]
    record.run = run
    for signoff in lapsed:
        ctx.log("signoff.lapsed", record.subject, record.history, unit.code, {"signoff": signoff})


def conflicted(record: Record, definition: Definition, person: str) -> str:
    """Why a person may not approve the present revision, or "": author, signer, recorder, examiner, recused."""
    if person in record.authors:
        return "您写过或者提交过这份材料"
    if person in record.run.signers():
        return "您已经在监督意见里签过字"
    if person in record.run.recorders():
        return "您代录过这份材料的纸质意见"
    if person in record.run.recused():
        return "您已经申请回避"
    examined = {n for n, t in definition.transitions.items() if t.not_author}
    if record.run.did(person) & examined:
        return "您已经审核过这份材料"
    return ""


def two_committees(ctx: Context, unit: Unit) -> tuple[str, ...]:
    """The members of 村（居）委会 and 党支部委员会 today, held until the commit."""
    bodies = [body for body in unit.bodies.values() if body.kind in ("committee", "branch")]
    ctx.hold(*bodies)
    return tuple(dict.fromkeys(seat.person for body in bodies for seat in body.members(ctx.today)))


def standing_in(ctx: Context, unit: Unit, record: Record, transition: Transition) -> bool:
    """Whether the actor was named to approve this record in the approvers' place, and still
    holds the office that he was named for."""
    named, person = record.run.stand_in, ctx.actor.person
    if not transition.approves or named is None or named.person != person:
        return False
    if named.level == "committee":
        return person in two_committees(ctx, unit)
    return "subdistrict" in ctx.roles(unit, person)


def may_move(
    ctx: Context, unit: Unit, record: Record, definition: Definition, transition: Transition
) -> None:
    """Refuse where the actor's role or part in the revision bars the transition."""
    if not standing_in(ctx, unit, record, transition) and not ctx.acts_as(unit, transition.by):
        title = transition.title["zh_CN"]
        raise Forbidden(f"您现在的身份不能办理“{title}”。请在页面上方切换身份；没有合适的身份，请找本单位审批人。")
    if transition.approves:
        why = conflicted(record, definition, ctx.actor.person)
        if why:
            raise SeparationOfDuties(
                f"{why}，不能再由您审批。请由另一位审批人办理；没有别人时，可以按规定指定代为审批的人。"
            )
    if transition.not_author and ctx.actor.person in record.authors:
        raise SeparationOfDuties("您写过这份材料，要由另一个人审核。")


def problems_of(moving: Moving) -> tuple[Problem, ...]:
    """What the transition's checks find, in the file's order."""
    return tuple(
        problem
        for name in moving.transition.checks
        for problem in moving.ctx.domain.checks[name](moving)
    )


@dataclass(frozen=True)
class MoveRecord:
    """Do a transition. ``version`` is the draft's version that the person saw."""

    name: ClassVar[str] = "record.move"
    unit: str
    section: str
    record: str
    transition: str
    version: int
    comment: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def _moving(self, ctx: Context) -> Moving:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        ctx.hold(record.draft)
        definition = ctx.domain.definition(record.run.definition, ctx.site.definitions)
        transition = definition.transitions.get(self.transition)
        if transition is None:
            raise NotFound("没有这一步。请刷新页面，再看现在可以办什么。")
        return Moving(ctx, unit, record, definition, transition, self.comment.strip(), self.data)

    def check(self, ctx: Context) -> None:
        moving = self._moving(ctx)
        record, transition = moving.record, moving.transition
        reader = Reader(ctx.actor.person, ctx.actor.role, lambda unit: ctx.roles(unit))
        if not sees_work(ctx.domain, ctx.site, reader, moving.unit, record):
            raise NotFound("没有这份材料，或者您现在的身份看不到它。")
        if record.run.state not in transition.sources:
            title = moving.definition.states[record.run.state].title["zh_CN"]
            raise NotNow(f"这份材料现在是“{title}”，不能办理“{transition.title['zh_CN']}”。可能别人刚办过，请刷新页面。")
        may_move(ctx, moving.unit, record, moving.definition, transition)
        if self.version != record.draft.version:
            editor = ctx.site.person_name(record.draft.edited_by)
            raise Stale(f"{editor}在您打开之后改过内容。请重新看一遍再办理。", record.draft.data, editor)
        if moving.unit.closed_on is not None and transition.forward and not record.editions:
            raise NotNow(f"{moving.unit.name}已经撤销，不能再新公布。")
        if transition.comment == "required" and not moving.comment:
            raise Invalid("请写明意见：要改什么，或者为什么这样办。", fields={"comment": "请写明意见。"})
        if len(moving.comment) > 2000:
            raise Invalid("意见太长，请压缩到 2000 字以内。", fields={"comment": "请压缩到 2000 字以内。"})
        self._check_data(ctx, transition)
        if transition.reauthenticate and not ctx.actor.fresh:
            raise NeedsReauthentication("这一步要再输一次密码，确认是您本人在办。")
        entry_of(ctx, moving.unit, record, moving.definition, transition)
        settled(ctx, moving.unit, record)
        stops = tuple(p.text for p in problems_of(moving) if p.level == "stop")
        if stops:
            raise ChecksFailed(stops)

    def _check_data(self, ctx: Context, transition: Transition) -> None:
        if not transition.data:
            if self.data:
                raise Invalid("这一步不需要另外填写内容，请刷新页面再办。")
            return
        schema = ctx.domain.schemas[transition.data]()
        try:
            schema.deserialize(dict(self.data))
        except colander.Invalid as error:
            told = error.asdict(translate=str)
            told.pop("", None)  # a field that no form of ours has
            fields = {name.rpartition(".")[2]: text for name, text in told.items()}
            raise Invalid("请把要求填的内容填完整。", fields=fields) from error

    def execute(self, ctx: Context) -> str:
        moving = self._moving(ctx)
        record, transition, definition = moving.record, moving.transition, moving.definition
        before = record.run.state
        done = (*record.run.steps, (transition.name, ctx.actor.person))
        happened: Happened | None = None
        record.run = replace(record.run, steps=done)
        for name in transition.effects:
            happened = ctx.domain.effects[name](moving) or happened
        enter_state(ctx, moving.unit, record, definition, transition, moving.comment)
        relist(ctx.domain, moving.unit, record)
        happened = happened or Happened("record.moved")
        details: dict[str, Any] = {
            "transition": transition.name,
            "from": before,
            "to": transition.target,
            "revision": record.run.revision,
            **happened.details,
        }
        if moving.comment:
            details["comment"] = moving.comment
        ctx.log(happened.kind, record.subject, record.history, moving.unit.code, details, happened.facts)
        return record.id


def entry_of(
    ctx: Context, unit: Unit, record: Record, definition: Definition, transition: Transition
) -> tuple[tuple[Roster, ...], Due | None]:
    """The frozen rosters and the deadline with which the transition's target is entered.

    A kind of unit that has no committees of its own is asked for no sign-off. Refused where the
    calendar of the year or a rule for this kind of unit is missing.
    """
    state = definition.states[transition.target]
    domain = ctx.domain
    audience = ctx.domain.content_types[record.type].audience(record.draft.data)
    names = {id: p.name for b in unit.bodies.values() for s in b.seats if (p := ctx.site.persons.get(id := s.person))}
    ctx.hold(*unit.bodies.values())
    rosters = freeze_rosters(state, audience, unit.bodies.values(), names, ctx.today)
    try:
        if state.display_rule:
            domain.rules.resolve(state.display_rule, unit.kind, ctx.today)
        if not UNIT_KINDS[unit.kind][3] and not any(roster.members for roster in rosters):
            lapses = state.deadline_then == "lapse"
            return (), None if lapses else due_of(state, domain.rules, domain.calendar, unit.kind, ctx.today)
        return rosters, due_of(state, domain.rules, domain.calendar, unit.kind, ctx.today)
    except (CalendarMissing, RuleMissing) as missing:
        raise Refused(f"算不出这一步的期限：{missing}") from missing


def enter_state(
    ctx: Context, unit: Unit, record: Record, definition: Definition, transition: Transition, comment: str
) -> None:
    """Put the run in the transition's target: rosters frozen, deadline computed."""
    rosters, due = entry_of(ctx, unit, record, definition, transition)
    record.run = record.run.enter(
        transition.target,
        ctx.now,
        rosters=rosters,
        due=due,
        remark=comment if transition.back else "",
    )


def new_round(run: Run, revision: int) -> Run:
    """The run with a new revision: whatever was signed about the one before is void."""
    return replace(
        run, revision=revision, verdicts=(), answers=(), recusals=(), lapsed=(), stand_in=None
    )
