"""Actions of the three administrations on units, bodies, persons and roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from ...core.actions import Context
from ...core.clock import TZ, iso
from ...core.errors import (
    Invalid,
    NeedsReauthentication,
    NotFound,
    NotNow,
    Refused,
    SeparationOfDuties,
)
from ...core.events import register
from ...core.ids import is_unit_code, new_id
from ...core.people import BODY_KINDS, Body, Grant, Person, Seat
from ...core.permissions import ROLES
from ...core.units import UNIT_KINDS, About, Entity, ParentSpan, Unit, ancestors

register("unit.saved", "登记单位", "Unit saved")
register("unit.closed", "撤销单位", "Unit closed")
register("body.saved", "登记机构成员", "Body saved")
register("person.saved", "登记人员", "Person saved")
register("entity.saved", "登记集体经济组织", "Collective organisation saved")
register("role.granted", "授予角色", "Role granted")
register("role.ended", "收回角色", "Role ended")

#: The roles in which an administrator acts; ``operator`` is the command line of the machine.
SYSTEM = ("system", "operator")
SECURITY = ("security", "operator")

#: A supervisor is none of these at the same unit (村民委员会组织法 37).
NOT_WITH_SUPERVISOR = frozenset({"clerk", "bookkeeper", "approver", "approver_party"})


def administers(ctx: Context, roles: tuple[str, ...], what: str, *, fresh: bool = False) -> None:
    """Refuse unless the actor is that administration, or the machine's operator.

    ``fresh`` asks that the person gave the password just now (ENGINEERING S8).
    """
    if ctx.actor.role == "operator" and "operator" in roles:
        return
    ctx.require(None, roles, what)
    if fresh and not ctx.actor.fresh:
        raise NeedsReauthentication("这一步要再输一次密码，确认是您本人在办。")


@dataclass(frozen=True)
class SaveUnit:
    """Register a unit or change what is known of it. ``parents`` replace those that stand."""

    name: ClassVar[str] = "unit.save"
    code: str
    kind: str
    title: str
    pinyin: str = ""
    initials: str = ""
    about: About = field(default_factory=About)
    parts: tuple[str, ...] = ()
    parents: tuple[ParentSpan, ...] = ()
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers(ctx, SYSTEM, "登记单位")
        if not is_unit_code(self.code):
            raise Invalid("单位代码是 12 位数字，请核对。", fields={"code": "要 12 位数字。"})
        if self.kind not in UNIT_KINDS:
            raise Invalid("没有这种单位。请从村、社区、街道、乡镇、区县里选。", fields={"kind": "请重选。"})
        if not self.title.strip():
            raise Invalid("请填单位名称。", fields={"title": "请填名称。"})
        for span in self.parents:
            if span.code == self.code or span.code not in ctx.site.units:
                raise Invalid(f"上级单位 {span.code} 还没有登记，请先登记上级。", fields={"parent": "请先登记上级。"})
            if self.code in (above.code for above in ancestors(ctx.site.units, span.code, ctx.today)):
                name = ctx.site.units[span.code].name
                raise Invalid(f"{name}现在归{self.title.strip()}管，不能反过来做它的上级，请核对上级代码。", fields={"parent": "请重选上级。"})

    def execute(self, ctx: Context) -> str:
        unit: Unit | None = ctx.site.units.get(self.code)
        if unit is None:
            unit = ctx.site.units[self.code] = Unit(self.code, self.kind, self.title.strip())
            ctx.journal.covers(unit.roles.subject)
        unit.name = self.title.strip()
        unit.pinyin, unit.initials = self.pinyin, self.initials
        unit.about, unit.parts = self.about, self.parts
        unit.parents = self.parents
        ctx.log("unit.saved", unit.subject, unit.history, unit.code, {"kind": self.kind})
        return unit.code


@dataclass(frozen=True)
class CloseUnit:
    """Close a unit that was merged or abolished; old addresses go on answering."""

    name: ClassVar[str] = "unit.close"
    code: str
    on: date
    successors: tuple[str, ...]
    token: str = ""

    @property
    def lock(self) -> str:
        return self.code

    def check(self, ctx: Context) -> None:
        administers(ctx, SYSTEM, "撤销单位")
        unit = ctx.unit(self.code)
        if unit.closed_on is not None:
            raise NotNow(f"{unit.name}已经撤销了。")
        if self.on > ctx.today:
            raise Invalid(f"撤销的日期（{self.on:%Y年%m月%d日}）还没有到，请到那一天再办。", fields={"on": "不能晚于今天。"})
        for code in self.successors:
            if code == self.code or code not in ctx.site.units:
                raise Invalid(f"承接单位 {code} 还没有登记。")

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.code)
        unit.closed_on, unit.successors = self.on, self.successors
        ctx.log("unit.closed", unit.subject, unit.history, unit.code, {"successors": list(self.successors)})
        return unit.code


@dataclass(frozen=True)
class SavePerson:
    """Register an office-holder; ``id`` is made where none is given."""

    name: ClassVar[str] = "person.save"
    title: str
    id: str = ""
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers(ctx, (*SYSTEM, "security"), "登记人员")
        if not self.title.strip():
            raise Invalid("请填姓名。", fields={"title": "请填姓名。"})

    def execute(self, ctx: Context) -> str:
        id = self.id or new_id(6)
        person = ctx.site.persons.get(id)
        if person is None:
            person = ctx.site.persons[id] = Person(id, self.title)
        person.rename(self.title, ctx.now)
        ctx.log("person.saved", person.subject, ctx.site.history, "", {})
        return id


@dataclass(frozen=True)
class SaveBody:
    """Register a body of a unit with its seats."""

    name: ClassVar[str] = "body.save"
    unit: str
    kind: str
    title: str
    seats: tuple[Seat, ...]
    id: str = ""
    parent: str | None = None
    term: tuple[date, date | None] | None = None
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        administers(ctx, SYSTEM, "登记机构成员")
        unit = ctx.unit(self.unit)
        if self.kind not in BODY_KINDS:
            raise Invalid("没有这种机构。", fields={"kind": "请重选。"})
        stands = unit.bodies.get(self.id or self.kind)
        if stands is not None and stands.kind != self.kind:
            raise Invalid("机构登记以后不能改成另一种。请另外登记。", fields={"kind": "不能改。"})
        if self.kind == "sub" and self.parent not in unit.bodies:
            raise Invalid("下属委员会要写明属于哪个委员会。", fields={"parent": "请选上级机构。"})
        for seat in self.seats:
            if seat.person not in ctx.site.persons:
                raise NotFound("成员还没有登记，请先登记人员。")
            if seat.until is not None and seat.until < seat.since:
                raise Invalid("任期的结束早于开始，请核对日期。")
        other = {"supervision": "committee", "committee": "supervision"}.get(self.kind)
        for body in unit.bodies.values():
            if body.kind != other:
                continue
            ctx.hold(body)
            for seat in self.seats:
                if any(seat.person == s.person and _overlap(seat, s) for s in body.seats):
                    name = ctx.site.person_name(seat.person)
                    raise SeparationOfDuties(f"{name}不能同时在村（居）民委员会和监督委员会任职，请核对名单和任期。")
        if self.kind == "supervision":
            for person in {s.person for s in self.seats if s.until is None or s.until >= ctx.today}:
                _refuse_clash(ctx, person, ctx.roles(unit, person) & NOT_WITH_SUPERVISOR)

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        id = self.id or self.kind
        body = unit.bodies.get(id)
        if body is None:
            body = unit.bodies[id] = Body(unit.code, id, self.kind, self.title)
        body.name, body.parent, body.term, body.seats = self.title, self.parent, self.term, self.seats
        ctx.log("body.saved", body.subject, unit.history, unit.code, {"seats": len(self.seats)})
        return id


@dataclass(frozen=True)
class SaveEntity:
    """Register a collective economic organisation and the units that it belonged to."""

    name: ClassVar[str] = "entity.save"
    id: str
    title: str
    uscc: str
    units: tuple[ParentSpan, ...]
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers(ctx, SYSTEM, "登记集体经济组织")
        if not self.units or any(span.code not in ctx.site.units for span in self.units):
            raise Invalid("请写明它属于哪个村或者社区。")

    def execute(self, ctx: Context) -> str:
        entity = ctx.site.entities.get(self.id)
        if entity is None:
            entity = ctx.site.entities[self.id] = Entity(self.id, self.title, self.uscc)
        entity.name, entity.uscc, entity.units = self.title, self.uscc, self.units
        ctx.log("entity.saved", entity.subject, ctx.site.history, "", {})
        return self.id


def _overlap(one: Seat, other: Seat) -> bool:
    """Whether two seats are held on some same day."""
    return one.since <= (other.until or date.max) and other.since <= (one.until or date.max)


def supervises(ctx: Context, code: str, person: str, and_below: bool) -> bool:
    """Whether a person sits on the supervision of a unit, by role or by seat, or of one below."""
    units, here = ctx.site.units, ctx.unit(code)
    reached = [here]
    if and_below and not UNIT_KINDS[here.kind][3]:  # nothing stands below a village or a community
        reached += [u for u in units.values() if any(a.code == code for a in ancestors(units, u.code, ctx.today))]
    for unit in reached:
        bodies = [b for b in unit.bodies.values() if b.kind == "supervision"]
        ctx.hold(unit.roles, *bodies)
        if "supervisor" in unit.roles.of(person, ctx.now):
            return True
        if any(s.person == person for b in bodies for s in b.members(ctx.today)):
            return True
    return False


def _refuse_clash(ctx: Context, person: str, clash: Collection[str]) -> None:
    if clash:
        names = "、".join(ROLES[r].zh_CN for r in sorted(clash))
        raise SeparationOfDuties(
            f"监督委员会成员不能同时担任经办、报账或者审批；{ctx.site.person_name(person)}现在是{names}。请先收回。"
        )


def _roles_object(ctx: Context, unit: str) -> tuple[Any, Any]:
    """(LocalRoles, history) of a unit, or of the site where ``unit`` is ``site``."""
    if unit == "site":
        ctx.hold(ctx.site.roles)
        return ctx.site.roles, ctx.site.history
    found = ctx.unit(unit)
    ctx.hold(found.roles)
    return found.roles, found.history


def end_of(day: date) -> datetime:
    """The moment at which ``day`` is over in Asia/Shanghai: until then inclusive."""
    return datetime.combine(day + timedelta(days=1), time(), TZ).astimezone(UTC)


def refuse_grant(ctx: Context, unit: str, person: str, role: str) -> None:
    """Raise SeparationOfDuties where ``person`` may not hold ``role`` at ``unit`` now."""
    if person == ctx.actor.person:
        raise SeparationOfDuties("不能给自己授权，请由另一位安全管理员办理。")
    if role == "supervisor":
        found = ctx.unit(unit)
        _refuse_clash(ctx, person, ctx.roles(found, person) & NOT_WITH_SUPERVISOR)
        for body in found.bodies.values():
            ctx.hold(body)
            if body.kind == "committee" and any(s.person == person for s in body.members(ctx.today)):
                raise SeparationOfDuties(f"{ctx.site.person_name(person)}是村（居）民委员会成员，不能进监督委员会。")
    elif role in NOT_WITH_SUPERVISOR and supervises(ctx, unit, person, ROLES[role].reach == "below"):
        _refuse_clash(ctx, person, {"supervisor"})


@dataclass(frozen=True)
class GrantRole:
    """Give a role to a person at a unit (``site`` for the administrations).

    ``until`` is the last day on which it holds. ``not_a_relative``: a supervisor has declared to
    be no near relative of the committee, its clerks and approvers (村民委员会组织法 37); the
    declaration is noted with the reason, no family is stored. Lists that the operator imports
    were declared on paper.
    """

    name: ClassVar[str] = "role.grant"
    unit: str
    person: str
    role: str
    reason: str
    until: date | None = None
    not_a_relative: bool = False
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        administers(ctx, SECURITY, "授予角色", fresh=True)
        role = ROLES.get(self.role)
        if role is None:
            raise Invalid("没有这个角色。")
        if (role.reach == "site") != (self.unit == "site"):
            raise Invalid("三类管理员授在全站，其他角色授在具体单位。")
        if self.person not in ctx.site.persons:
            raise NotFound("这个人还没有登记，请先登记人员。")
        if not self.reason.strip():
            raise Invalid("请写明为什么授予，例如任职文件。", fields={"reason": "请写明依据。"})
        if self.until is not None and self.until < ctx.today:
            raise Invalid("结束的日期已经过了，请核对。", fields={"until": "要在今天或者以后。"})
        if self.role == "supervisor" and not self.not_a_relative and ctx.actor.role != "operator":
            raise Invalid(
                "监督委员会成员要先声明不是村（居）民委员会成员和经办、报账、审批人员的近亲属。",
                fields={"not_a_relative": "请先请本人声明，再勾选。"},
            )
        roles, _ = _roles_object(ctx, self.unit)
        held = roles.of(self.person, ctx.now)
        if self.role in held:
            raise Refused("这个人已经有这个角色了，不用再授。")
        refuse_grant(ctx, self.unit, self.person, self.role)
        if self.unit == "site" and held:
            raise SeparationOfDuties("系统、安全、审计三类管理员不能由同一个人担任。")

    def execute(self, ctx: Context) -> str:
        declared = f"{self.reason.strip()}（{DECLARED}）" if self.not_a_relative else self.reason.strip()
        add_grant(ctx, self.unit, self.person, self.role, declared, self.until)
        return self.person


DECLARED = "已声明不是村（居）民委员会成员和经办、报账、审批人员的近亲属"


def add_grant(ctx: Context, unit: str, person: str, role: str, reason: str, until: date | None) -> None:
    """Grant, with its event; checked by the caller."""
    roles, history = _roles_object(ctx, unit)
    end = end_of(until) if until is not None else None
    roles.grants = (*roles.grants, Grant(person, role, ctx.now, reason, ctx.actor.person, end))
    ctx.site.note_grant(person, unit, role, held=True)
    details = {"person": person, "role": role} | ({"until": iso(end)} if end is not None else {})
    ctx.log("role.granted", roles.subject, history, unit, details)


def end_grant(ctx: Context, unit: str, person: str, role: str, reason: str) -> None:
    """Take a role back at this moment, with its event; checked by the caller."""
    roles, history = _roles_object(ctx, unit)
    roles.grants = tuple(
        replace(g, until=ctx.now) if g.person == person and g.role == role and g.holds(ctx.now) else g
        for g in roles.grants
    )
    ctx.site.note_grant(person, unit, role, held=False)
    details = {"person": person, "role": role, "comment": reason}
    ctx.log("role.ended", roles.subject, history, unit, details)


@dataclass(frozen=True)
class EndRole:
    """Take a role back; it ends at once, what was done in it stays."""

    name: ClassVar[str] = "role.end"
    unit: str
    person: str
    role: str
    reason: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        administers(ctx, SECURITY, "收回角色", fresh=True)
        roles, _ = _roles_object(ctx, self.unit)
        if self.role not in roles.of(self.person, ctx.now):
            raise NotFound("这个人现在没有这个角色。")
        if not self.reason.strip():
            raise Invalid("请写明为什么收回。", fields={"reason": "请写明理由。"})

    def execute(self, ctx: Context) -> str:
        end_grant(ctx, self.unit, self.person, self.role, self.reason.strip())
        return self.person


def first_kind(titles: Mapping[str, tuple[str, str]], title: str) -> str | None:
    """The name whose Chinese title is ``title``."""
    return next((name for name, pair in titles.items() if title in (name, *pair)), None)
