"""谁能在这里做什么，为什么: the roles at a unit as a table, and granting and taking them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import colander
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ....core.people import Grant, LocalRoles
from ....core.permissions import ROLES, STAFF
from ....core.units import Unit, ancestors
from ....locale import say
from ....web import format as fmt
from ....web.confirming import office_form, submit
from ....web.forms.types import LocalDate
from ....web.office_pages import Cell, Line, OfficePage, Part
from ....web.pages import Link
from ....web.request import role_title
from ....web.tables import Html
from ....web.traversal import UnitContext
from ....web.urls import unit_url
from ....web.views.office import (
    choice_node,
    end_sessions_of,
    read_person,
    reason_node,
    require_role,
    status_of,
    text_node,
)
from ....web.views.staff import staff_page
from ..actions import EndRole, GrantRole

#: Ended roles that a page lists, the last ones first.
MOST_ENDED = 50


def may_look(request: Any, unit: Unit) -> bool:
    """Staff of the unit, who oversees it, and the administrations that keep the list."""
    return bool(request.reader.acts_at(unit)) or request.acting_role in ("security", "audit", "system")


def _named(request: Any, person: str, at: Any = None) -> str:
    return "命令行" if person == "operator" else str(request.site.person_name(person, at))


def _line(request: Any, grant: Grant, *, above: str = "", url: str = "") -> Line:
    until = say("到{day}", day=fmt.day(grant.until)) if grant.until is not None else ""
    return Line(
        (
            Cell(request.site.person_name(grant.person), note=above),
            Cell(role_title(grant.role)),
            Cell(fmt.day(grant.since), note=until),
            Cell(grant.reason),
            Cell(_named(request, grant.by, grant.since)),
            *((Cell(say("收回"), url),) if url else ()),
        )
    )


def _head(acts: bool) -> tuple[str, ...]:
    head = (say("谁"), say("什么角色"), say("从哪天起"), say("依据"), say("谁授予的"))
    return (*head, say("办理")) if acts else head


def _reaching(request: Any, unit: Unit) -> Iterator[Line]:
    """Roles granted above that hold here."""
    for above in ancestors(request.site.units, unit.code, request.today):
        for grant in above.roles.grants:
            if grant.holds(request.now) and ROLES[grant.role].reach == "below":
                yield _line(request, grant, above=say("在{unit}授予，管到这里", unit=above.name))


@view_config(context=UnitContext, name="roles", request_method=("GET", "POST"), permission=STAFF)
def roles(context: UnitContext, request: Any) -> Response:
    """The table, and for the security administration the form that grants."""
    unit = context.unit
    if not may_look(request, unit):
        raise HTTPNotFound()
    url = f"{unit_url(unit.code)}roles"
    form, done, status = None, "", 200
    if request.acting_role == "security":
        form = _grant_form(request, url, [r for r in ROLES.values() if r.reach != "site"])
        done, status = _granted(request, form, unit.code)
    elif request.method == "POST":
        require_role(request, "security")
    if done:
        return HTTPSeeOther(f"{url}?done=granted")
    here = _table(request, unit.roles, say("在本单位授予的"), f"/staff/roles/{unit.code}")
    above = Part(say("从上级管下来的"), head=_head(False), rows=tuple(_reaching(request, unit)), empty=say("没有。"))
    parts = [here, above, _ended(request, unit.roles)]
    if form is not None:
        parts.insert(1, Part(say("授予角色"), form_html=Html(form.render())))
    links = [Link(say("换届交接"), f"{unit_url(unit.code)}handover")] if form is not None or unit.handovers else []
    page = OfficePage(
        say("谁能在这里做什么，为什么"), (*parts, Part(links=tuple(links))), subject=unit.name,
        notice=_notice(request), back=Link(unit.name, unit_url(unit.code)),
    )
    return staff_page(request, page, status)


@view_config(route_name="site_roles", request_method=("GET", "POST"), permission=STAFF)
def site_roles(request: Any) -> Response:
    """The three administrations of the whole site."""
    require_role(request, "security", "audit", "system")
    form, done, status = None, "", 200
    if request.acting_role == "security":
        form = _grant_form(request, "/staff/roles", [r for r in ROLES.values() if r.reach == "site"])
        done, status = _granted(request, form, "site")
    elif request.method == "POST":
        require_role(request, "security")
    if done:
        return HTTPSeeOther("/staff/roles?done=granted")
    parts = [_table(request, request.site.roles, say("现在的管理员"), "/staff/roles/site")]
    if form is not None:
        parts.append(Part(say("授予角色"), form_html=Html(form.render())))
    parts.append(_ended(request, request.site.roles))
    page = OfficePage(
        say("全站的三类管理员"), tuple(parts), notice=_notice(request),
        explain=(
            say("系统管理员管单位、人员和账号，安全管理员管角色，审计管理员看记录。三样不能由一个人担任，谁也不能给自己授权。"),
        ),
        back=Link(say("各单位的角色"), "/staff/units"),
    )
    return staff_page(request, page, status)


def _notice(request: Any) -> str:
    told = {"granted": say("角色已经授予，马上生效。"), "ended": say("角色已经收回，马上生效。")}
    return told.get(str(request.GET.get("done", "")), "")


def _table(request: Any, roles: LocalRoles, title: str, end_url: str) -> Part:
    acts = request.acting_role == "security"
    rows = tuple(
        _line(request, grant, url=f"{end_url}/{grant.person}/{grant.role}" if acts else "")
        for grant in roles.grants
        if grant.holds(request.now)
    )
    return Part(title, head=_head(acts), rows=rows, empty=say("这里还没有授予过角色。"))


def _ended(request: Any, roles: LocalRoles) -> Part:
    over = [g for g in roles.grants if g.until is not None and g.until <= request.now]
    rows = tuple(_line(request, grant) for grant in reversed(over[-MOST_ENDED:]))
    return Part(say("以前的"), head=_head(False), rows=rows, empty=say("没有结束的角色。"))


def _grant_form(request: Any, url: str, offered: list[Any]) -> Any:
    nodes = [
        text_node("person", say("授给谁"), say("写姓名；有同名的写成“姓名（编号）”。")),
        choice_node("role", say("什么角色"), [("", say("请选择")), *((r.name, role_title(r.name)) for r in offered)]),
        reason_node(say("例如任职文件的文号。大家看得到。")),
        colander.SchemaNode(
            LocalDate(), name="until", title=say("到哪一天为止"), missing=None,
            description=say("不写就一直有效，直到收回。"),
        ),
    ]
    if any(role.name == "supervisor" for role in offered):
        nodes.append(relative_node())
    return office_form(request, nodes, action=url, button=say("授予角色"))


def relative_node() -> Any:
    """The declaration that the law asks of supervisors; no family is stored."""
    return colander.SchemaNode(
        colander.Boolean(), name="not_a_relative", missing=False,
        title=say("本人已经声明：不是村（居）民委员会成员和经办、报账、审批人员的近亲属"),
        description=say("只有授予监督委员会成员时要勾选。依据村民委员会组织法第三十七条。"),
    )


def _granted(request: Any, form: Any, unit: str) -> tuple[Any, int]:
    if request.method != "POST":
        return "", 200

    def grant(data: dict[str, Any], token: str) -> str:
        person = read_person(request.site, data["person"])
        action = GrantRole(
            unit, person, data["role"], data["reason"], data["until"], data.get("not_a_relative", False), token
        )
        return str(request.act(action, fresh=True))

    done, refusal = submit(request, form, grant)
    return done, 200 if done else status_of(refusal)


@view_config(route_name="end_role", request_method=("GET", "POST"), permission=STAFF)
def end_role(request: Any) -> Response:
    """Take one role back, with a reason; access ends this minute."""
    require_role(request, "security")
    unit, person, role = (request.matchdict[name] for name in ("unit", "person", "role"))
    found = request.site.units.get(unit)
    roles = request.site.roles if unit == "site" else found.roles if found is not None else None
    if roles is None or role not in roles.of(person, request.now):
        raise HTTPNotFound()
    form = office_form(
        request, [reason_node(say("例如离任、调整分工。"))],
        action=f"/staff/roles/{unit}/{person}/{role}", button=say("收回角色"), danger=True,
    )
    back = Link(say("谁能在这里做什么"), "/staff/roles" if unit == "site" else f"{unit_url(unit)}roles")
    status = 200
    if request.method == "POST":
        done, refusal = submit(
            request, form, lambda data, token: request.act(EndRole(unit, person, role, data["reason"], token), fresh=True)
        )
        if done:
            if not [g for g in request.site.grants.get(person, ()) if g != (unit, role)]:
                end_sessions_of(request, person)
            return HTTPSeeOther(f"{back.url}?done=ended")
        status = status_of(refusal)
    name = request.site.person_name(person)
    part = Part(
        lines=(say("收回以后马上生效。做过的事都还在他名下，查得到。"),), form_html=Html(form.render())
    )
    page = OfficePage(
        say("收回{name}的“{role}”", name=name, role=role_title(role)), (part,),
        subject=found.name if found is not None else say("全站"), back=back,
    )
    return staff_page(request, page, status)


def includeme(config: Any) -> None:
    """Routes of the pages here."""
    config.add_route("site_roles", "/staff/roles")
    config.add_route("end_role", "/staff/roles/{unit}/{person}/{role}")
