"""换届: one page that ends the old roles, fills the bodies anew, and prints the 移交清单."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ....core.errors import Invalid
from ....core.handover import Handover, Succession
from ....core.permissions import STAFF
from ....core.units import Unit
from ....locale import say
from ....web import format as fmt
from ....web.confirming import office_form, submit
from ....web.forms import widgets
from ....web.forms.types import Lines, LocalDate
from ....web.office_pages import Cell, HandoverSheet, Line, OfficePage, Part
from ....web.pages import Link
from ....web.request import role_title
from ....web.tables import Html
from ....web.traversal import UnitContext
from ....web.urls import record_url, unit_url
from ....web.views.office import (
    end_sessions_of,
    read_person,
    reason_node,
    status_of,
    text_node,
)
from ....web.views.staff import staff_page
from ..handover import BodyTerm, HandOver, present_grants, records_in_work
from .roles import may_look, relative_node
from .units import read_seats


@view_config(context=UnitContext, name="handover", request_method=("GET", "POST"), permission=STAFF)
def handover(context: UnitContext, request: Any) -> Response:
    """Changes of committee so far, and for the security administration the next one."""
    unit = context.unit
    if not may_look(request, unit) or (request.method == "GET" and request.subpath):
        raise HTTPNotFound()
    url = f"{unit_url(unit.code)}handover"
    parts, status = [_past(request, unit, url)], 200
    if request.acting_role == "security":
        form = _form(request, unit, url)
        if request.method == "POST":
            done, refusal = submit(request, form, lambda data, token: _carry_out(request, unit, data, token))
            if done:
                return HTTPSeeOther(f"{url}-list?n={done}")
            status = status_of(refusal)
        parts = [_in_work(request, unit), Part(say("这一次换届"), form_html=Html(form.render())), *parts]
    elif request.method == "POST":
        raise HTTPForbidden()
    page = OfficePage(
        say("换届交接"), tuple(parts), subject=unit.name,
        explain=(
            say("提交以后，列出的角色全部结束，马上生效；写了接任人的，由接任人从这一刻起担任。连任的也要写上本人。"),
            say("没有办完的草稿交给接任的人负责，原来是谁写的不变。"),
        ) if request.acting_role == "security" else (),
        back=Link(say("谁能在这里做什么"), f"{unit_url(unit.code)}roles"),
    )
    return staff_page(request, page, status)


def _grants(request: Any, unit: Unit) -> list[tuple[str, str]]:
    """(person, role) of the roles held now, each once, in the order of their grants."""
    return list(dict.fromkeys((g.person, g.role) for g in present_grants(unit, request)))


def _form(request: Any, unit: Unit, url: str) -> Any:
    nodes: list[Any] = [
        reason_node(say("例如选举结果公告的文号。")),
        colander.SchemaNode(LocalDate(), name="since", title=say("新一届从哪一天开始")),
        colander.SchemaNode(LocalDate(), name="until", title=say("任期到哪一天"), missing=None),
    ]
    for person, role in _grants(request, unit):
        nodes.append(
            text_node(
                _field(person, role),
                say("{role}{name}，由谁接任", role=role_title(role), name=request.site.person_name(person)),
                say("写姓名；连任写本人；暂时没有人就空着。"),
                missing="",
            )
        )
    for body in unit.bodies.values():
        nodes.append(
            colander.SchemaNode(
                Lines(), name=f"body_{_plain(body.id)}", title=say("{body}的新成员", body=body.name), missing=None,
                description=say("一行一个：职务、空格、姓名，例如“主任 张三”。空着就不换。"),
                widget=widgets.TextArea(rows=5),
            )
        )
    nodes.append(relative_node())
    return office_form(request, nodes, action=url, button=say("办理换届"), danger=True)


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)


def _field(person: str, role: str) -> str:
    return f"heir_{_plain(person)}_{role}"


def _carry_out(request: Any, unit: Unit, data: dict[str, Any], token: str) -> str:
    steps, faults = [], {}
    for person, role in _grants(request, unit):
        name = _field(person, role)
        try:
            heir = read_person(request.site, data[name]) if data.get(name) else ""
        except Invalid as wrong:
            faults[name] = wrong.message
            continue
        steps.append(Succession(person, role, heir))
    bodies = []
    for body in unit.bodies.values():
        name = f"body_{_plain(body.id)}"
        if not data.get(name):
            continue
        try:
            bodies.append(BodyTerm(body.id, read_seats(request.site, data[name])))
        except Invalid as wrong:
            faults[name] = wrong.message
    if faults:
        raise Invalid("有的姓名看不出是谁，请改好再提交。", fields=faults)
    action = HandOver(
        unit.code, data["since"], data["until"], data["reason"], tuple(steps), tuple(bodies),
        data.get("not_a_relative", False), token,
    )
    number = str(request.act(action, fresh=True))
    for person in {step.person for step in steps} - {step.successor for step in steps}:
        if all(where == unit.code for where, _ in request.site.grants.get(person, ())):
            end_sessions_of(request, person)
    return number


def _in_work(request: Any, unit: Unit) -> Part:
    services, site = request.services, request.site
    rows = tuple(
        Line(
            (
                Cell(record.title() or say("（还没有标题）")),
                Cell("、".join(site.person_name(p) for p in record.authors or (record.created_by,))),
                Cell(say("附件 {n} 个", n=len(record.draft.attachments))),
            )
        )
        for _, record in records_in_work(services.domain, site, unit)
    )
    return Part(
        say("没有办完的材料"), head=(say("标题"), say("谁写的"), say("附件")), rows=rows,
        empty=say("没有没办完的材料。"),
    )


def _past(request: Any, unit: Unit, url: str) -> Part:
    rows = tuple(
        Line((
            Cell(fmt.day(done.since), f"{url}-list?n={number}"),
            Cell(done.reason),
            Cell(fmt.day(done.due) if done.due else ""),
            Cell(request.site.person_name(done.by, done.at)),
        ))
        for number, done in reversed(list(enumerate(unit.handovers, 1)))
    )
    return Part(
        say("办过的换届"), head=(say("新一届开始"), say("依据"), say("移交办完的期限"), say("谁办的")), rows=rows,
        empty=say("还没有在这里办过换届。"),
    )


@view_config(context=UnitContext, name="handover-list", request_method="GET", permission=STAFF)
def sheet(context: UnitContext, request: Any) -> Response:
    """移交清单."""
    unit = context.unit
    number = str(request.GET.get("n", ""))
    if not may_look(request, unit) or not (number.isascii() and number.isdigit() and 0 < int(number) <= len(unit.handovers)):
        raise HTTPNotFound()
    done: Handover = unit.handovers[int(number) - 1]

    def named(person: str) -> str:
        return str(request.site.person_name(person, done.at)) if person else "（暂缺）"

    page = HandoverSheet(
        title="移交清单",
        unit=unit.name,
        reason=done.reason,
        since=done.since,
        due=done.due,
        why=done.why,
        roles=tuple((str(role_title(s.role)), named(s.person), named(s.successor)) for s in done.roles),
        seats=tuple((s.body, s.post, named(s.person)) for s in done.seats),
        records=tuple(
            (e.title or "（还没有标题）", record_url(unit.code, e.section, e.record, "work"), named(e.person), named(e.successor))
            for e in done.records
        ),
        back=Link("回到换届交接", f"{unit_url(unit.code)}handover"),
    )
    return staff_page(request, page)
