"""The system administration: units, their bodies, and who sits in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import colander
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ....core.errors import Invalid
from ....core.ids import is_unit_code
from ....core.people import BODY_KINDS
from ....core.permissions import STAFF
from ....core.units import UNIT_KINDS, About, ParentSpan, Unit
from ....locale import both, say
from ....web.confirming import office_form, submit
from ....web.forms import widgets
from ....web.forms.types import Lines, LocalDate
from ....web.office_pages import Cell, Finder, Line, OfficePage, Part
from ....web.pages import Link
from ....web.tables import Html
from ....web.views.office import (
    MOST,
    choice_node,
    read_person,
    require_role,
    status_of,
    text_node,
    write_person,
)
from ....web.views.staff import staff_page
from ..actions import SaveBody, SaveUnit
from ..handover import next_seats

UNITS = "/staff/units"


@view_config(route_name="units_admin", request_method="GET", permission=STAFF)
def units(request: Any) -> Response:
    """Every unit, narrowed by name or code."""
    require_role(request, "system", "security", "audit")
    wanted = str(request.GET.get("q", ""))[:60].strip()
    every: list[Unit] = [
        unit
        for unit in request.site.units.values()
        if not wanted or wanted in unit.name or unit.code.startswith(wanted) or unit.initials == wanted.lower()
    ]
    system = request.acting_role == "system"
    rows = tuple(
        Line((Cell(u.name, f"{UNITS}/{u.code}" if system else f"/u/{u.code}/roles"), Cell(u.code), Cell(_kind(u.kind))))
        for u in every[:MOST]
    )
    part = Part(
        lines=(say("共 {n} 个，这里列出 {shown} 个。", n=len(every), shown=len(rows)),),
        finder=Finder(UNITS, say("名称或者代码"), wanted),
        head=(say("名称"), say("代码"), say("类别")),
        rows=rows,
        empty=say("没有找到。"),
        links=(Link(say("登记新单位"), f"{UNITS}/new"),) if system else (Link(say("全站的三类管理员"), "/staff/roles"),),
    )
    title = say("单位和机构") if system else say("各单位的角色")
    return staff_page(request, OfficePage(title, (part,)))


def _kind(kind: str) -> str:
    return both(UNIT_KINDS[kind][0], UNIT_KINDS[kind][1])


def _unit_nodes(new: bool) -> list[Any]:
    first = [text_node("code", say("单位代码"), say("12 位数字，统计用的区划代码。"), 12)] if new else []
    return [
        *first,
        choice_node("kind", say("类别"), [(kind, _kind(kind)) for kind in UNIT_KINDS]),
        text_node("title", say("名称")),
        text_node("parent", say("上级单位的代码"), "", 12, missing=""),
        text_node("pinyin", say("名称的拼音"), say("搜索用，全用小写字母，中间不空格。"), missing=""),
        text_node("initials", say("拼音首字母"), "", 12, missing=""),
        text_node("office", say("办公地点"), missing=""),
        text_node("phone", say("电话"), missing=""),
        text_node("hours", say("办公时间"), missing=""),
        text_node("ask_on_paper", say("不上网怎么提意见"), missing="", limit=200),
        colander.SchemaNode(
            Lines(), name="parts", title=say("村民小组、居民小组"), description=say("一行一个。"), missing=(),
            widget=widgets.TextArea(rows=4),
        ),
    ]


@view_config(route_name="unit_admin", request_method=("GET", "POST"), permission=STAFF)
def unit(request: Any) -> Response:
    """Register or change a unit; its bodies are listed below."""
    require_role(request, "system")
    code = request.matchdict["code"]
    new = code == "new"
    found: Unit | None = request.site.units.get(code) if is_unit_code(code) else None
    if found is None and not new:
        raise HTTPNotFound()
    form = office_form(
        request, _unit_nodes(new), action=f"{UNITS}/{code}", button=say("保存单位"), confirming=False,
        appstruct=_unit_values(request, found) if found is not None else None,
    )
    status = 200
    if request.method == "POST":
        done, refusal = submit(request, form, lambda data, token: request.act(_save_unit(request, found, data)))
        if done:
            return HTTPSeeOther(f"{UNITS}/{done}?done=saved")
        status = status_of(refusal)
    parts = [Part(form_html=Html(form.render()))]
    if found is not None:
        rows = tuple(
            Line(
                (
                    Cell(body.name, f"{UNITS}/{code}/bodies/{body.id}"),
                    Cell(both(*BODY_KINDS[body.kind])),
                    Cell("、".join(f"{s.post} {request.site.person_name(s.person)}" for s in body.members(request.today))),
                )
            )
            for body in found.bodies.values()
        )
        parts.insert(
            0,
            Part(
                say("机构和成员"),
                head=(say("机构"), say("类别"), say("现任")),
                rows=rows,
                empty=say("还没有登记机构。"),
                links=(
                    Link(say("登记一个机构"), f"{UNITS}/{code}/bodies/new"),
                    Link(say("谁能在这里做什么"), f"/u/{code}/roles"),
                ),
            ),
        )
    title = found.name if found is not None else say("登记新单位")
    notice = say("已经保存。") if request.GET.get("done") else ""
    page = OfficePage(title, tuple(parts), notice=notice, back=Link(say("单位和机构"), UNITS))
    return staff_page(request, page, status)


def _unit_values(request: Any, unit: Unit) -> dict[str, Any]:
    about = unit.about
    return {
        "kind": unit.kind, "title": unit.name, "parent": unit.parent(request.today) or "", "pinyin": unit.pinyin,
        "initials": unit.initials, "office": about.office, "phone": about.phone, "hours": about.hours,
        "ask_on_paper": about.ask_on_paper, "parts": unit.parts,
    }  # fmt: skip


def _save_unit(request: Any, unit: Unit | None, data: dict[str, Any]) -> SaveUnit:
    """The action; another parent counts from today, the former one until yesterday."""
    today: date = request.today
    spans = unit.parents if unit is not None else ()
    present = unit.parent(today) if unit is not None else None
    if data["parent"] != (present or ""):
        eve = today - timedelta(days=1)
        spans = tuple(
            ParentSpan(s.code, s.since, eve) if s.holds(today) else s for s in spans if s.since <= eve
        )
        if data["parent"]:
            spans = (*spans, ParentSpan(data["parent"], today))
    about = unit.about if unit is not None else About()
    return SaveUnit(
        unit.code if unit is not None else data["code"], data["kind"], data["title"], data["pinyin"], data["initials"],
        About(data["office"], data["phone"], data["hours"], data["ask_on_paper"], about.uscc, about.duties),
        tuple(data["parts"]), spans,
    )  # fmt: skip


def read_seats(site: Any, lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(post, person) of each line ``主任 张三``; Invalid names the line that can't be read."""
    seats = []
    for line in lines:
        post, _, name = line.strip().partition(" ")
        if not name.strip():
            raise Invalid(f"“{line[:30]}”看不出职务和姓名，请写成“主任 张三”，中间空一格。")
        seats.append((post, read_person(site, name.strip())))
    return tuple(seats)


@view_config(route_name="body_admin", request_method=("GET", "POST"), permission=STAFF)
def body(request: Any) -> Response:
    """A body of a unit and who sits in it."""
    require_role(request, "system")
    code, id = request.matchdict["code"], request.matchdict["body"]
    unit = request.site.units.get(code) if is_unit_code(code) else None
    found = unit.bodies.get(id) if unit is not None else None
    if unit is None or (found is None and id != "new"):
        raise HTTPNotFound()
    kinds = [(kind, both(*title)) for kind, title in BODY_KINDS.items() if kind != "sub"]
    nodes = [
        *([] if found is not None else [choice_node("kind", say("类别"), kinds)]),
        text_node("title", say("名称")),
        colander.SchemaNode(
            Lines(), name="seats", title=say("现任成员"), widget=widgets.TextArea(rows=8), missing=(),
            description=say("一行一个：职务、空格、姓名，例如“主任 张三”。只登记任职的人，不登记居民。"),
        ),
        colander.SchemaNode(LocalDate(), name="since", title=say("从哪一天起任职"), description=say("原来的成员任职到前一天。")),
        colander.SchemaNode(LocalDate(), name="until", title=say("任期到哪一天"), missing=None),
    ]
    values = None
    if found is not None:
        present = tuple(f"{s.post} {write_person(request.site, s.person)}" for s in found.members(request.today))
        values = {"title": found.name, "seats": present}
    form = office_form(request, nodes, action=f"{UNITS}/{code}/bodies/{id}", button=say("保存机构"), appstruct=values)
    status = 200
    if request.method == "POST":

        def save(data: dict[str, Any], token: str) -> str:
            new = read_seats(request.site, data["seats"])
            kind = found.kind if found is not None else data["kind"]
            body_id = found.id if found is not None else _free_id(unit, kind)
            seats = next_seats(found.seats if found is not None else (), new, data["since"], data["until"])
            parent = found.parent if found is not None else None
            action = SaveBody(
                code, kind, data["title"], seats, body_id, parent, (data["since"], data["until"]), token
            )
            return str(request.act(action, fresh=True))

        done, refusal = submit(request, form, save)
        if done:
            return HTTPSeeOther(f"{UNITS}/{code}?done=saved")
        status = status_of(refusal)
    page = OfficePage(
        found.name if found is not None else say("登记一个机构"),
        (Part(form_html=Html(form.render())),),
        subject=unit.name,
        back=Link(unit.name, f"{UNITS}/{code}"),
    )
    return staff_page(request, page, status)


def _free_id(unit: Unit, kind: str) -> str:
    """``committee``, or ``panel2`` where there is one already."""
    id, number = kind, 1
    while id in unit.bodies:
        number += 1
        id = f"{kind}{number}"
    return id


def includeme(config: Any) -> None:
    """Routes of the pages here."""
    config.add_route("units_admin", UNITS)
    config.add_route("unit_admin", UNITS + "/{code}")
    config.add_route("body_admin", UNITS + "/{code}/bodies/{body}")
