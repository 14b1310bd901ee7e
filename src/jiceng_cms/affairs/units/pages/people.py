"""The system administration: people and their accounts. It grants nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import colander
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ....access.accounts import (
    SET_PASSWORD,
    Account,
    CreateAccount,
    DisableAccount,
    EnableAccount,
    IssueLink,
    LinkIdentity,
    accounts_of,
)
from ....access.onetime import OneTimeLink, issue
from ....access.two_factor_actions import ResetTwoFactor
from ....core.actions import Context, perform_in
from ....core.permissions import STAFF
from ....locale import say
from ....web import format as fmt
from ....web.confirming import office_form, submit
from ....web.forms.types import CleanString
from ....web.office_pages import Cell, Finder, Line, OfficePage, OneTimePage, Part
from ....web.pages import Link
from ....web.request import role_title
from ....web.tables import Html
from ....web.views.office import (
    MOST,
    fresh_actor,
    reason_node,
    require_role,
    status_of,
    text_node,
)
from ....web.views.staff import staff_page
from ..actions import SavePerson

#: How long a link for setting a password is good.
LINK_LIFETIME = timedelta(days=3)

PEOPLE = "/staff/people"


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
                Cell("、".join(a.login for a in logins.get(person.id, ()) if not a.disabled), code=True),
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
    return f"{request.own_address}/set-password/{login}/{token}", link


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
        text_node("login", say("登录名"), say("小写字母开头，可以有数字、点、横线，最好用姓名的拼音。"), 32),
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


def _held_person(request: Any) -> Any:
    found = request.site.persons.get(request.matchdict["person"])
    if found is None:
        raise HTTPNotFound()
    return found


@view_config(route_name="person", request_method="GET", permission=STAFF)
def person(request: Any) -> Response:
    """One person: names, accounts, roles, and what the system administration may do."""
    require_role(request, "system", "security")
    found = _held_person(request)
    mine = accounts_of(request.site, found.id)
    former = "、".join(say("{name}（到{day}）", name=name, day=fmt.day(until)) for name, until in found.former)
    facts: list[tuple[str, str | Cell]] = [(say("姓名"), found.name)]
    if former:
        facts.append((say("曾用名"), former))
    facts.append((say("角色"), "、".join(_roles_of(request, found.id)) or say("没有")))
    links: tuple[Link, ...] = ()
    if request.acting_role == "system":
        links = tuple(
            Link(title, f"{PEOPLE}/{found.id}/{name}") for name, title, _, _ in _person_forms(request, found, mine)
        )
    rows = tuple(Line((Cell(account.login, code=True), *_states(account))) for account in mine)
    parts = (
        Part(facts=tuple(facts)),
        Part(
            say("账号"), head=(say("账号"), say("状态"), say("密码"), say("手机验证码")), rows=rows,
            empty=say("没有账号。"), links=links,
        ),
    )
    notice = say("已经办好。") if request.GET.get("done") else ""
    page = OfficePage(found.name, parts, notice=notice, back=Link(say("人员和账号"), PEOPLE))
    return staff_page(request, page)


def _states(account: Account) -> tuple[Cell, ...]:
    """Whether an account is open, has a password, has a phone."""
    return (
        Cell(say("已停用") if account.disabled else say("可以登录"), note=say("已关联统一身份") if account.oidc_subject else ""),
        Cell(say("{day}设的", day=fmt.day(account.password_at)) if account.password else say("还没有设")),
        Cell(say("已绑定手机") if account.two_factor is not None else say("没有绑定")),
    )


@view_config(route_name="person_do", request_method=("GET", "POST"), permission=STAFF)
def person_do(request: Any) -> Response:
    """Do one thing with a person or an account."""
    require_role(request, "system")
    found = _held_person(request)
    forms = _person_forms(request, found, accounts_of(request.site, found.id))
    wanted = next((entry for entry in forms if entry[0] == request.matchdict["do"]), None)
    if wanted is None:
        raise HTTPNotFound()
    _, title, form, do = wanted
    status = 200
    if request.method == "POST":
        done, refusal = submit(request, form, do)
        if isinstance(done, Response):
            return done
        if done:
            return HTTPSeeOther(f"{PEOPLE}/{found.id}?done=1")
        status = status_of(refusal)
    part = Part(form_html=Html(form.render()))
    page = OfficePage(title, (part,), subject=found.name, back=Link(found.name, f"{PEOPLE}/{found.id}"))
    return staff_page(request, page, status)


def _identity_nodes() -> list[Any]:
    told = say("本人用统一身份登录一次，页面上会显示这个编号，请照抄。空着就是解除关联。")
    return [text_node("subject", say("身份编号"), told, 255, missing=""), reason_node(say("例如本人到场核对过。"))]


def _person_forms(request: Any, person: Any, mine: Iterable[Account]) -> list[tuple[str, str, Any, Any]]:
    """(name, title, form, what it does) of each thing that may be done with a person."""
    forms: list[tuple[str, str, Any, Any]] = []

    def add(name: str, title: str, nodes: list[Any], do: Any, *, danger: bool = False, **kw: Any) -> None:
        action = f"{PEOPLE}/{person.id}/{name}"
        form = office_form(request, nodes, action=action, button=title, danger=danger, **kw)
        forms.append((name, title, form, do))

    def act(action: Any) -> str:
        return str(request.act(action, fresh=True))

    several = len(tuple(mine)) > 1
    for account in mine:
        login = account.login

        def called(what: str, login: str = login) -> str:
            return say("{what}（{login}）", what=what, login=login) if several else what

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

        def link_identity(data: dict[str, Any], token: str, login: str = login) -> str:
            issuer = request.services.oidc.settings.issuer
            done = act(LinkIdentity(login, issuer, data["subject"], data["reason"]))
            request.services.sessions.revoke_all(login)
            return done

        if account.disabled:
            add(f"enable-{login}", called(say("恢复账号")), [reason_node()], reopen)
            continue
        add(f"link-{login}", called(say("发新的登录链接")), [reason_node(say("例如忘记密码，本人到场核对过。"))], relink)
        if account.two_factor is not None:
            add(f"reset-{login}", called(say("解除手机验证码")), [reason_node(say("例如手机丢失，本人到场核对过。"))], reset)
        if request.services.oidc is not None:
            add(f"identity-{login}", called(say("关联统一身份")), _identity_nodes(), link_identity)
        add(f"disable-{login}", called(say("停用账号")), [reason_node(say("例如离任。马上生效，做过的事都还在他名下。"))], disable, danger=True)
    name_node = colander.SchemaNode(CleanString(as_entered=True, limit=60), name="title", title=say("姓名"))
    add(
        "rename", say("改姓名"), [name_node],
        lambda data, token: act(SavePerson(data["title"], person.id)),
        appstruct={"title": person.name}, confirming=False,
    )
    return forms


def includeme(config: Any) -> None:
    """Routes of the pages here."""
    config.add_route("people", PEOPLE)
    config.add_route("person_new", f"{PEOPLE}/new")
    config.add_route("person", PEOPLE + "/{person}")
    config.add_route("person_do", PEOPLE + "/{person}/{do}")
