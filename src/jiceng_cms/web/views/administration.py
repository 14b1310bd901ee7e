"""The system administration: people and their accounts, units and their bodies. It grants nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import colander
from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...access.accounts import (
    SET_PASSWORD,
    Account,
    CreateAccount,
    DisableAccount,
    EnableAccount,
    IssueLink,
    accounts_of,
)
from ...access.onetime import OneTimeLink, issue
from ...access.two_factor_actions import ResetTwoFactor
from ...affairs.units.actions import SaveBody, SavePerson, SaveUnit
from ...affairs.units.handover import next_seats
from ...core.actions import Context, perform_in
from ...core.errors import Invalid
from ...core.ids import is_unit_code
from ...core.people import BODY_KINDS
from ...core.permissions import STAFF
from ...core.units import UNIT_KINDS, About, ParentSpan, Unit
from ...locale import both, say
from .. import format as fmt
from ..confirming import office_form, submit
from ..forms import widgets
from ..forms.types import CleanString, Lines, LocalDate
from ..office_pages import Cell, Finder, Line, OfficePage, OneTimePage, Part
from ..pages import Link
from ..request import role_title
from ..tables import Html
from .errors import STATUS
from .staff import staff_page

#: How long a link for setting a password is good.
LINK_LIFETIME = timedelta(days=3)
#: So many lines a list shows; the field above it narrows.
MOST = 100

PEOPLE, UNITS = "/staff/people", "/staff/units"


def require_role(request: Any, *roles: str) -> None:
    """Refuse a page to whoever acts in another role."""
    if request.acting_role not in roles:
        raise HTTPForbidden()


def text_node(name: str, title: str, description: str = "", limit: int = 120, **kw: Any) -> Any:
    """One line of text."""
    return colander.SchemaNode(CleanString(limit=limit), name=name, title=title, description=description, **kw)


def reason_node(description: str = "") -> Any:
    """Why it is done: kept for whoever asks later."""
    return text_node("reason", say("理由"), description, 200)


def choice_node(name: str, title: str, choices: Iterable[tuple[str, str]], **kw: Any) -> Any:
    """One of some choices, from a list."""
    values = tuple(choices)
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=title,
        widget=widgets.Select(values=values),
        validator=colander.OneOf([value for value, _ in values if value]),
        **kw,
    )


def status_of(refusal: Any) -> int:
    """The HTTP status of a form that was not done."""
    return STATUS.get(refusal.code, 409) if refusal is not None and refusal.message else 422


def end_sessions_of(request: Any, person: str) -> None:
    """End every session of a person's accounts: access ends this minute."""
    for account in accounts_of(request.site, person):
        request.services.sessions.revoke_all(account.login)


# ------------------------------------------------------------------------------ people


@view_config(route_name="people", request_method="GET", permission=STAFF)
def people(request: Any) -> Response:
    """Everyone who holds an office or an account."""
    require_role(request, "system", "security")
    wanted = str(request.GET.get("q", ""))[:100].strip()
    logins: dict[str, list[Account]] = {}
    for account in request.site.accounts.values():
        logins.setdefault(account.person, []).append(account)
    found = [
        person
        for person in request.site.persons.values()
        if not wanted or wanted in person.name or any(wanted in a.login for a in logins.get(person.id, ()))
    ]
    rows = tuple(
        Line(
            (
                Cell(person.name, f"{PEOPLE}/{person.id}"),
                Cell("、".join(a.login + ("（已停用）" if a.disabled else "") for a in logins.get(person.id, ()))),
                Cell("、".join(_roles_of(request, person.id))),
            )
        )
        for person in sorted(found, key=lambda p: (p.name, p.id))[:MOST]
    )
    links = (Link(say("登记人员并开账号"), f"{PEOPLE}/new"),) if request.acting_role == "system" else ()
    part = Part(
        lines=(say("共 {n} 人，这里列出 {shown} 人。", n=len(found), shown=len(rows)),),
        finder=Finder(PEOPLE, say("姓名或者账号"), wanted),
        head=(say("姓名"), say("账号"), say("角色")),
        rows=rows,
        empty=say("没有找到。"),
        links=links,
    )
    return staff_page(request, OfficePage(say("人员和账号"), (part,)))


def _roles_of(request: Any, person: str) -> list[str]:
    told = []
    for unit, role in request.site.grants.get(person, ()):
        roles = request.site.roles if unit == "site" else request.site.units[unit].roles
        if role in roles.of(person, request.now):
            where = "" if unit == "site" else request.site.units[unit].name
            told.append(f"{where}{role_title(role)}")
    return told


def _link(request: Any, login: str) -> tuple[str, OneTimeLink]:
    token, link = issue(SET_PASSWORD, request.now, LINK_LIFETIME)
    return f"{request.host_url}/set-password/{login}/{token}", link


def _hand_over_link(request: Any, name: str, login: str, address: str) -> Response:
    page = OneTimePage(
        title=say("登录链接已经生成"),
        what=say("请把下面的链接当面或者用可靠的办法交给{name}（账号 {login}），由本人打开设置密码。", name=name, login=login),
        address=address,
        rules=(
            say("链接只显示这一次，3 天内有效，只能用一次。"),
            say("不要发在群里。交错了人，马上回到这个人的页面再发一个新的，旧的就作废了。"),
        ),
        back=Link(say("人员和账号"), PEOPLE),
    )
    return staff_page(request, page)


@view_config(route_name="person_new", request_method=("GET", "POST"), permission=STAFF)
def invite(request: Any) -> Response:
    """Register a person, open an account, show the link once."""
    require_role(request, "system")
    nodes = [
        colander.SchemaNode(CleanString(as_entered=True, limit=60), name="title", title=say("姓名")),
        text_node("login", say("登录名"), say("小写字母开头，可以有数字、点、横线，例如 zhang.san。"), 32),
    ]
    form = office_form(request, nodes, action=f"{PEOPLE}/new", button=say("开账号，生成登录链接"))
    status = 200
    if request.method == "POST":

        def make(data: dict[str, Any], token: str) -> tuple[str, str, str]:
            login = data["login"].lower()
            address, link = _link(request, login)

            def steps(ctx: Context) -> None:
                person = perform_in(ctx, SavePerson(data["title"]))
                perform_in(ctx, CreateAccount(login, person, link))

            request.services.actions.perform_many("site", steps, fresh_actor(request))
            return data["title"], login, address

        done, refusal = submit(request, form, make)
        if done:
            return _hand_over_link(request, *done)
        status = status_of(refusal)
    part = Part(
        lines=(say("角色不在这里给：开好账号以后，由安全管理员在单位的角色页授予。"),), form_html=Html(form.render())
    )
    page = OfficePage(say("登记人员并开账号"), (part,), back=Link(say("人员和账号"), PEOPLE))
    return staff_page(request, page, status)


def fresh_actor(request: Any) -> Any:
    """The actor, whose password was given just now (checked by ``submit``)."""
    return replace(request.actor, fresh=True)


@view_config(route_name="person", request_method=("GET", "POST"), permission=STAFF)
def person(request: Any) -> Response:
    """One person: names, accounts, roles; what the system administration may do."""
    require_role(request, "system", "security")
    found = request.site.persons.get(request.matchdict["person"])
    if found is None:
        raise HTTPNotFound()
    acts = request.acting_role == "system"
    mine = accounts_of(request.site, found.id)
    forms = _person_forms(request, found, mine) if acts else []
    status, notice = 200, {"saved": say("已经改好。"), "done": say("已经办好。")}.get(str(request.GET.get("done", "")), "")
    if request.method == "POST":
        wanted = str(request.GET.get("do", ""))
        chosen = next(((form, do) for name, _, form, do in forms if name == wanted), None)
        if chosen is None:
            raise HTTPForbidden() if not acts else HTTPNotFound()
        done, refusal = submit(request, chosen[0], chosen[1])
        if isinstance(done, Response):
            return done
        if done:
            return HTTPSeeOther(f"{PEOPLE}/{found.id}?done=done")
        status = status_of(refusal)
    former = "、".join(say("{name}（到{day}）", name=name, day=fmt.day(until)) for name, until in found.former)
    facts = [(say("姓名"), found.name)]
    if former:
        facts.append((say("曾用名"), former))
    for account in mine:
        state = say("已停用") if account.disabled else (say("已绑定手机") if account.two_factor else say("没有绑定手机"))
        when = say("{day}设的密码", day=fmt.day(account.password_at)) if account.password else say("还没有设密码")
        facts.append((say("账号"), say("{login}，{state}，{when}", login=account.login, state=state, when=when)))
    facts.append((say("角色"), "、".join(_roles_of(request, found.id)) or say("没有")))
    parts = [Part(facts=tuple(facts))]
    parts += [Part(title, form_html=Html(form.render())) for _, title, form, _ in forms]
    page = OfficePage(found.name, tuple(parts), notice=notice, back=Link(say("人员和账号"), PEOPLE))
    return staff_page(request, page, status)


def _person_forms(request: Any, person: Any, mine: Iterable[Account]) -> list[tuple[str, str, Any, Any]]:
    """(name, title, form, what it does) of each thing that may be done with a person."""
    forms: list[tuple[str, str, Any, Any]] = []

    def add(name: str, title: str, nodes: list[Any], do: Any, *, danger: bool = False, **kw: Any) -> None:
        action = f"{PEOPLE}/{person.id}?do={name}"
        form = office_form(request, nodes, action=action, button=title, number=len(forms) + 1, danger=danger, **kw)
        forms.append((name, title, form, do))

    def act(action: Any) -> str:
        return str(request.act(action, fresh=True))

    for account in mine:
        login = account.login

        def relink(data: dict[str, Any], token: str, login: str = login, make: Any = IssueLink) -> Response:
            address, link = _link(request, login)
            act(make(login, link, data["reason"]))
            request.services.sessions.revoke_all(login)
            return _hand_over_link(request, person.name, login, address)

        def reopen(data: dict[str, Any], token: str, login: str = login) -> Response:
            return relink(data, token, login, EnableAccount)

        def disable(data: dict[str, Any], token: str, login: str = login) -> str:
            done = act(DisableAccount(login, data["reason"]))
            request.services.sessions.revoke_all(login)
            return done

        def reset(data: dict[str, Any], token: str, login: str = login) -> str:
            done = act(ResetTwoFactor(login, data["reason"]))
            request.services.sessions.revoke_all(login)
            return done

        if account.disabled:
            add(f"enable-{login}", say("恢复账号 {login}", login=login), [reason_node()], reopen)
            continue
        add(f"link-{login}", say("给 {login} 发新的登录链接", login=login), [reason_node(say("例如忘记密码，本人到场核对过。"))], relink)
        if account.two_factor is not None:
            add(f"reset-{login}", say("解除 {login} 的手机验证码", login=login), [reason_node(say("例如手机丢失，本人到场核对过。"))], reset)
        add(f"disable-{login}", say("停用账号 {login}", login=login), [reason_node(say("例如离任。马上生效，做过的事都还在他名下。"))], disable, danger=True)
    name_node = colander.SchemaNode(CleanString(as_entered=True, limit=60), name="title", title=say("姓名"))
    add(
        "rename", say("改姓名"), [name_node],
        lambda data, token: act(SavePerson(data["title"], person.id)),
        appstruct={"title": person.name}, confirming=False,
    )
    return forms


# ------------------------------------------------------------------------------ units


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
        text_node("pinyin", say("名称的拼音"), say("搜索用，例如 shiqiao。"), missing=""),
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


def read_person(site: Any, text: str) -> str:
    """The id of the person meant by a name, an id, or ``姓名（编号）`` where a name is borne twice.

    Raises Invalid that says what to write.
    """
    name, _, id = text.replace("(", "（").replace(")", "）").rstrip("）").partition("（")
    name, id = name.strip(), id.strip()
    if id in site.persons or name in site.persons:
        return id if id in site.persons else name
    same = [person.id for person in site.persons.values() if person.name == name]
    if len(same) == 1:
        return str(same[0])
    if not same:
        raise Invalid(f"没有登记叫“{name[:20]}”的人，请先请系统管理员登记，或者核对姓名。")
    told = "、".join(f"{name}（{id}）" for id in same)
    raise Invalid(f"叫“{name[:20]}”的不止一个人，请写成其中一个：{told}。")


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
        present = tuple(f"{s.post} {request.site.person_name(s.person)}（{s.person}）" for s in found.members(request.today))
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
    config.add_route("people", PEOPLE)
    config.add_route("person_new", f"{PEOPLE}/new")
    config.add_route("person", PEOPLE + "/{person}")
    config.add_route("units_admin", UNITS)
    config.add_route("unit_admin", UNITS + "/{code}")
    config.add_route("body_admin", UNITS + "/{code}/bodies/{body}")
