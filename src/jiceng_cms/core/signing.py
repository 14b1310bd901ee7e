"""Actions of signers: verdicts, answers to objections, recusal, stand-ins, lapse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .actions import Context
from .errors import Forbidden, Invalid, NotFound, NotNow, Refused, SeparationOfDuties, Stale
from .events import register
from .moving import conflicted, settled, two_committees
from .people import Member
from .records import Record
from .units import Unit
from .workflow.definition import Definition, Signoff
from .workflow.run import Answer, Recusal, StandIn, Verdict

register("signoff.given", "监督意见", "Verdict given", public=True)
register("signoff.answered", "答复监督意见", "Objection answered", public=True)
register("signoff.recused", "回避", "Member recused", public=True)
register("approval.stand_in", "指定代为审批", "Stand-in named", public=True)

VERDICT_TITLES: dict[str, tuple[str, str]] = {
    "agree": ("同意", "Agree"),
    "reserve": ("保留意见", "Reserve"),
    "object": ("反对", "Object"),
}


def _record(ctx: Context, unit_code: str, section: str, id: str) -> tuple[Unit, Record, Definition]:
    unit = ctx.unit(unit_code)
    record = ctx.record(unit, section, id)
    return unit, record, ctx.domain.definition(record.run.definition, ctx.site.definitions)


def _signoff(record: Record, definition: Definition, name: str) -> Signoff:
    signoff = definition.states[record.run.state].signoffs.get(name)
    if signoff is None or record.run.roster(name) is None:
        raise NotNow("现在不在征求监督意见的阶段，可能材料刚被退回或者已经公布。请刷新页面。")
    return signoff


def _member(record: Record, signoff: str, person: str) -> Member | None:
    roster = record.run.roster(signoff)
    return next((m for m in roster.members if m.person == person), None) if roster else None


def _text(text: str, field: str, what: str, longest: int = 1000) -> None:
    if not text.strip():
        raise Invalid(f"请写明{what}。", fields={field: f"请写明{what}。"})
    if len(text) > longest:
        raise Invalid(f"{what}太长，请压缩到 {longest} 字以内。", fields={field: f"请压缩到 {longest} 字以内。"})


@dataclass(frozen=True)
class GiveVerdict:
    """A member's verdict on the present revision; given once, by whoever sits on the roster.

    With ``paper_for`` a recorder enters the sheet that the member ``paper_for`` signed on paper.
    """

    name: ClassVar[str] = "signoff.give"
    unit: str
    section: str
    record: str
    signoff: str
    revision: int
    verdict: str
    reason: str = ""
    signed: bool = False
    paper_for: str = ""
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit, record, definition = _record(ctx, self.unit, self.section, self.record)
        signer = self.paper_for or ctx.actor.person
        if self.paper_for:
            self._check_recorder(ctx, unit, record, definition)
        elif ctx.actor.role not in ("supervisor", "member", "approver_party", "approver"):
            raise Forbidden("请先在页面上方切换到监督委员会成员身份，再提意见。")
        signoff = _signoff(record, definition, self.signoff)
        if _member(record, self.signoff, signer) is None:
            raise Forbidden("您不在这次提意见的名单里。名单是提交审查那天定下的。")
        if not self.paper_for:
            ctx.require(unit, (ctx.actor.role,), "在这里提意见")
        if self.revision != record.run.revision:
            raise Stale("材料改过了，您看到的是前一稿。请看过新的一稿再提意见。", {}, "")
        if signer in record.authors:
            raise SeparationOfDuties("您写过这份材料，不能再对它提监督意见。")
        if signer in record.run.recused():
            raise NotNow("您已经回避，不再提意见。")
        if any(v.person == signer for v in record.run.given(self.signoff)):
            raise NotNow("这份材料您已经提过意见了，不用再提。")
        if self.verdict not in signoff.verdicts:
            raise Invalid("请选一种意见：同意、保留意见或者反对。", fields={"verdict": "请选一种。"})
        if self.verdict in signoff.reason_required_for:
            _text(self.reason, "reason", "理由")
        if len(self.reason) > 1000:
            raise Invalid("理由太长。", fields={"reason": "请压缩到 1000 字以内。"})
        settled(ctx, unit, record)
        if self.signoff in record.run.lapsed:
            due = record.run.due
            assert due is not None, "only a deadline lapses"
            raise NotNow(f"提意见的期限（{due.on:%Y年%m月%d日}）已经过了。您仍可以在公布后向居务（村务）监督委员会提出异议。")

    def _check_recorder(self, ctx: Context, unit: Unit, record: Record, definition: Definition) -> None:
        roles = definition.roles_allowed(record.run.state, "record_paper")
        ctx.require(unit, roles, "代录纸质意见")
        if ctx.actor.person in record.authors:
            raise SeparationOfDuties("您写过这份材料，纸质意见要由另一个人代录。")
        if ctx.actor.person == self.paper_for:
            raise SeparationOfDuties("本人的意见请直接提交，不用代录。")

    def execute(self, ctx: Context) -> str:
        unit, record, _ = _record(ctx, self.unit, self.section, self.record)
        signer = self.paper_for or ctx.actor.person
        post = _recorder_post(ctx, unit) if self.paper_for else ""
        given = Verdict(
            self.signoff, signer, self.verdict, self.reason.strip(), ctx.now, self.signed,
            post, ctx.actor.person if self.paper_for else "",
        )
        record.run = replace(record.run, verdicts=(*record.run.verdicts, given))
        details: dict[str, Any] = {
            "signoff": self.signoff, "verdict": self.verdict, "revision": self.revision,
        }
        if self.paper_for:
            details["paper_for"] = self.paper_for
        ctx.log("signoff.given", record.subject, record.history, unit.code, details)
        return record.id


def _recorder_post(ctx: Context, unit: Unit) -> str:
    """The office of who enters a paper sheet, as the public reads it."""
    from .permissions import ROLES

    for body in unit.bodies.values():
        for seat in body.members(ctx.today):
            if seat.person == ctx.actor.person:
                return str(seat.post)
    return ROLES[ctx.actor.role].zh_CN


@dataclass(frozen=True)
class AnswerObjection:
    """The committee's written answer to a member's objection; both are published."""

    name: ClassVar[str] = "signoff.answer"
    unit: str
    section: str
    record: str
    signoff: str
    person: str
    text: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit, record, definition = _record(ctx, self.unit, self.section, self.record)
        _signoff(record, definition, self.signoff)
        ctx.require(unit, ("clerk", "approver", "approver_party"), "答复监督意见")
        verdict = next((v for v in record.run.given(self.signoff) if v.person == self.person), None)
        if verdict is None or verdict.verdict != "object":
            raise NotFound("没有找到要答复的反对意见，请刷新页面。")
        if any(a.signoff == self.signoff and a.person == self.person for a in record.run.answers):
            raise NotNow("这条意见已经答复过了。")
        _text(self.text, "text", "答复")

    def execute(self, ctx: Context) -> str:
        unit, record, _ = _record(ctx, self.unit, self.section, self.record)
        answer = Answer(self.signoff, self.person, self.text.strip(), ctx.actor.person, ctx.now)
        record.run = replace(record.run, answers=(*record.run.answers, answer))
        ctx.log(
            "signoff.answered", record.subject, record.history, unit.code,
            {"signoff": self.signoff, "revision": record.run.revision},
        )
        return record.id


@dataclass(frozen=True)
class Recuse:
    """Step aside from one's sign-off or approval of this revision, with a reason."""

    name: ClassVar[str] = "signoff.recuse"
    unit: str
    section: str
    record: str
    reason: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit, record, definition = _record(ctx, self.unit, self.section, self.record)
        person = ctx.actor.person
        on_roster = any(m.person == person for r in record.run.rosters for m in r.members)
        if not on_roster and not ctx.acts_as(unit, ("approver", "approver_party")):
            raise Forbidden("您不参与这份材料的意见或者审批，不用回避。")
        approval = any(t.approves for t in definition.transitions_from(record.run.state))
        if not record.run.rosters and not approval:
            raise NotNow("现在不在征求意见或者审批的阶段，不用回避。")
        if person in record.run.recused():
            raise NotNow("您已经回避了。")
        if person in record.run.signers():
            raise NotNow("您已经提过意见，不能再回避。请告诉审批人退回重走。")
        _text(self.reason, "reason", "回避的理由", 300)

    def execute(self, ctx: Context) -> str:
        unit, record, _ = _record(ctx, self.unit, self.section, self.record)
        recusal = Recusal(ctx.actor.person, self.reason.strip(), ctx.now)
        record.run = replace(record.run, recusals=(*record.run.recusals, recusal))
        ctx.log("signoff.recused", record.subject, record.history, unit.code, {"revision": record.run.revision})
        return record.id


def approvers_left(ctx: Context, unit: Unit, record: Record, definition: Definition) -> tuple[str, ...]:
    """The unit's approvers who may approve the present revision."""
    roles = {r for t in definition.transitions.values() if t.approves for r in t.by}
    ctx.hold(unit.roles)
    holders = dict.fromkeys(p for role in sorted(roles) for p in unit.roles.holders(role, ctx.now))
    return tuple(p for p in holders if not conflicted(record, definition, p))


def committee_left(ctx: Context, unit: Unit, record: Record, definition: Definition) -> tuple[str, ...]:
    """Members of the two committees who may stand in for the approvers."""
    return tuple(p for p in two_committees(ctx, unit) if not conflicted(record, definition, p))


@dataclass(frozen=True)
class NameStandIn:
    """Name who approves this record where every approver is author, signer or conflicted.

    First another member of the two committees, by a recorded decision; where none is left, a
    reviewer of the subdistrict, for this record only, shown as 因回避由街道代为审核.
    """

    name: ClassVar[str] = "approval.stand_in"
    unit: str
    section: str
    record: str
    person: str
    decision: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def _level(self, ctx: Context) -> str:
        unit, record, definition = _record(ctx, self.unit, self.section, self.record)
        committee = committee_left(ctx, unit, record, definition)
        if self.person in committee:
            return "committee"
        if committee:
            raise Refused("“两委”里还有人可以代为审批，请先从他们中间指定。")
        if "subdistrict" not in ctx.roles(unit, self.person):
            raise Refused("代为审核的人要是本单位上级街道（乡镇）的干部。请核对人选。")
        return "subdistrict"

    def check(self, ctx: Context) -> None:
        unit, record, definition = _record(ctx, self.unit, self.section, self.record)
        if not any(t.approves for t in definition.transitions_from(record.run.state)):
            raise NotNow("现在不到审批的时候。")
        ctx.require(unit, ("clerk", "approver", "approver_party", "subdistrict"), "指定代为审批的人")
        left = approvers_left(ctx, unit, record, definition)
        if left:
            names = "、".join(ctx.site.person_name(p) for p in left)
            raise Refused(f"{names}可以审批，不用另外指定。")
        if self.person == ctx.actor.person:
            raise SeparationOfDuties("不能指定自己代为审批，请由别人按“两委”的决定来办。")
        if conflicted(record, definition, self.person):
            raise SeparationOfDuties("这个人写过、签过或者回避了这份材料，不能代为审批。")
        _text(self.decision, "decision", "“两委”作出这个决定的会议和日期", 300)
        self._level(ctx)

    def execute(self, ctx: Context) -> str:
        unit, record, _ = _record(ctx, self.unit, self.section, self.record)
        level = self._level(ctx)
        named = StandIn(self.person, level, self.decision.strip(), ctx.actor.person, ctx.now)
        record.run = replace(record.run, stand_in=named)
        ctx.log("approval.stand_in", record.subject, record.history, unit.code, {"level": level, "person": self.person})
        return record.id


@dataclass(frozen=True)
class SettleRun:
    """What time alone brings about in a run: done by the worker when a deadline is over."""

    name: ClassVar[str] = "run.settle"
    unit: str
    section: str
    record: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        if ctx.actor.role != "timer":
            raise Forbidden("这一步由系统到期自动办理。")
        _record(ctx, self.unit, self.section, self.record)

    def execute(self, ctx: Context) -> str:
        unit, record, _ = _record(ctx, self.unit, self.section, self.record)
        settled(ctx, unit, record)
        return record.id
