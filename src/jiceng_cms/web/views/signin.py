"""Signing in and out, one-time links, and forms that outlived their session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...access.accounts import SET_PASSWORD, Account, SetPassword, UpgradeHash, account_of
from ...access.onetime import LinkState, check
from ...access.passwords import HashingBusy
from ...access.rates import LOGIN_FAILED
from ...core.actions import Actor
from ...core.errors import Refused
from ...core.permissions import PUBLIC, STAFF
from ...locale import joined, say
from ..confirming import WRONG_CODE, code_right, note_login, place_of
from ..forms.controls import BadForm
from ..forms.kept import unpack
from ..office_pages import CodePage
from ..pages import Link
from ..security import form_token
from ..staff_pages import ExpiredPage, LoginPage, ResumePage, SetPasswordPage
from ..theming import render_page
from ..urls import own_path, with_query

_HELP = say("忘记了密码，请找本单位或者街道（乡镇）的系统管理员，要一个重设链接。")


LOST_PHONE = say("手机丢了又没有备用码，请找系统管理员解除绑定。")


def form_page(request: Any, page: Any, status: int = 200) -> Response:
    """A page with a form for somebody who may not be signed in: never kept by caches."""
    request.page_token = form_token(request)
    oidc = request.services.oidc
    if oidc is not None and isinstance(page, LoginPage | ExpiredPage):
        to = with_query("/login/oidc", next=page.next_path)
        page = replace(page, elsewhere=Link(say("用{title}登录", title=oidc.settings.title), to))
    response = render_page(request, page, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


@view_config(route_name="login", request_method="GET", permission=PUBLIC)
def login_form(request: Any) -> Response:
    """Name and password."""
    next_path = own_path(str(request.GET.get("next", "")), "/staff")
    if request.account is not None:
        raise HTTPSeeOther(next_path)
    return form_page(request, LoginPage("/login", next_path=next_path, help=_HELP))


@view_config(route_name="login", request_method="POST", permission=PUBLIC)
def login(request: Any) -> Response:
    """Check name and password; the same answer and the same work whoever it is."""
    name = str(request.POST.get("login", "")).strip().lower()[:64]
    password = str(request.POST.get("password", ""))[:1000]
    next_path = own_path(str(request.POST.get("next", "")), "/staff")
    kept = str(request.POST.get("kept", ""))

    def again(error: str, status: int) -> Response:
        page: LoginPage | ExpiredPage = LoginPage("/login", name, error, next_path, _HELP)
        if kept:
            page = ExpiredPage("/login", next_path, kept, name, error, _HELP)
        return form_page(request, page, status)

    services = request.services
    attempt = services.rates.attempt(name, request.client_addr, request.now)
    if not attempt.open:
        return again(attempt.message, 429)
    account = account_of(request.site, name)
    try:
        good = services.passwords.verify(account.password or None if account else None, password)
    except HashingBusy as busy:
        return again(say(str(busy)), 503)
    if not good or account is None:
        if account is not None:
            note_login(request, "login.failed", account)
        return again(say(LOGIN_FAILED), 403)
    if services.passwords.needs_rehash(account.password):
        upgraded = UpgradeHash(name, account.password, services.passwords.hash(password))
        services.actions.perform(upgraded, Actor(account.person, "account", request.request_id))
    if account.two_factor is not None:
        half = services.second_steps.begin(name, request.now)
        return form_page(request, CodePage("/login/code", half, next_path, kept, help=LOST_PHONE))
    services.rates.succeeded(name, request.client_addr)
    return begin_session(request, account, next_path, kept, two_factor=False)


@view_config(route_name="login_code", request_method="POST", permission=PUBLIC)
def login_code(request: Any) -> Response:
    """The second step: a code from the phone, or a recovery code; each counts once."""
    half = str(request.POST.get("second", ""))[:64]
    code = str(request.POST.get("code", ""))[:64]
    next_path = own_path(str(request.POST.get("next", "")), "/staff")
    kept = str(request.POST.get("kept", ""))
    services = request.services
    found = services.second_steps.attempt(half, request.now)
    account = account_of(request.site, found.login) if found is not None else None
    if found is None or account is None:
        again = say("这一步等得太久，或者错的次数太多了。请从账号和密码重新开始。")
        page: LoginPage | ExpiredPage = LoginPage("/login", "", again, next_path, _HELP)
        if kept:
            page = ExpiredPage("/login", next_path, kept, "", again, _HELP)
        return form_page(request, page, 403)
    attempt = services.rates.attempt(found.login, request.client_addr, request.now)
    if not attempt.open:
        return form_page(request, CodePage("/login/code", half, next_path, kept, say(attempt.message), LOST_PHONE), 429)
    if not code_right(request, account, code):
        note_login(request, "two_factor.failed", account)
        return form_page(request, CodePage("/login/code", half, next_path, kept, say(WRONG_CODE), LOST_PHONE), 403)
    services.rates.succeeded(found.login, request.client_addr)
    if found.elsewhere is None:
        services.rates.succeeded(found.login, request.client_addr)  # the try that the password took
    services.second_steps.finish(half)
    return begin_session(request, account, next_path, kept, two_factor=True, fresh_at=found.elsewhere)


def begin_session(
    request: Any, account: Account, next_path: str, kept: str = "", *, two_factor: bool, fresh_at: datetime | None = None
) -> Response:
    """A session for somebody who showed all that the account asks for, at ``fresh_at`` or just now."""
    services, before = request.services, request.login_session
    note_login(request, "login.succeeded", account)
    # a new id at each login: nobody can plant one
    services.sessions.revoke(services.cookie.read(request.cookies))
    id, session = services.sessions.create(
        account.login, request.now,
        # whoever only shows again who they are goes on in the same role
        before.acting_role if before is not None and before.login == account.login else None,
        two_factor=two_factor, place=place_of(request), fresh_at=fresh_at,
    )
    response: Response
    if kept:
        try:
            fields = unpack(kept)
        except BadForm as bad:
            return form_page(request, LoginPage("/login", account.login, say(bad.message), next_path, _HELP), 400)
        request.login_session, request.account = session, account
        page = ResumePage(next_path, fields)
        request.page_token = session.csrf
        response = render_page(request, page)
    else:
        response = HTTPSeeOther(next_path)
    response.headers.add(*services.cookie.header(id))
    response.headers["Cache-Control"] = "no-store"
    return response


@view_config(route_name="logout", request_method="POST", permission=STAFF, unfinished=True)
def logout(request: Any) -> Response:
    """End the session."""
    services = request.services
    note_login(request, "login.ended", request.account)
    services.sessions.revoke(services.cookie.read(request.cookies))
    response = HTTPSeeOther("/")
    response.headers.add(*services.cookie.clearing_header())
    return response


def password_rules(request: Any) -> tuple[str, ...]:
    """What a new password must keep, in words."""
    rules = request.services.password_checker.rules
    told = [
        say("至少 {least} 个字，可以用一句只有自己知道的话。", least=rules.min_length),
        say("不要用姓名、村名、电话、生日，也不要用别处用过的密码。"),
    ]
    if rules.composition:
        told.append(say("小写字母、大写字母、数字、其他符号（包括汉字），至少要有其中 {n} 种。", n=rules.composition))
    if rules.max_age_days:
        told.append(say("每 {n} 天要换一次。", n=rules.max_age_days))
    return tuple(told)


@view_config(route_name="set_password", request_method="GET", permission=PUBLIC)
def password_form(request: Any) -> Response:
    """Behind a one-time link."""
    login, token = request.matchdict["login"], request.matchdict["token"]
    account = account_of(request.site, login)
    state = check(account.link if account else None, SET_PASSWORD, token, request.now)
    page = SetPasswordPage(
        request.path,
        login,
        password_rules(request),
        until=account.link.expires if account and account.link and state is LinkState.GOOD else None,
        error=say(state.value) if state.value else "",
    )
    return form_page(request, page, 200 if state is LinkState.GOOD else 410)


@view_config(route_name="set_password", request_method="POST", permission=PUBLIC)
def set_password(request: Any) -> Response:
    """Set the password; the link is used up."""
    login, token = request.matchdict["login"], request.matchdict["token"]
    first = str(request.POST.get("password", ""))
    second = str(request.POST.get("password2", ""))
    services = request.services

    def again(error: str, status: int = 400) -> Response:
        return form_page(request, SetPasswordPage(request.path, login, password_rules(request), error=error), status)

    account = account_of(request.site, login)
    state = check(account.link if account else None, SET_PASSWORD, token, request.now)
    if account is None or state is not LinkState.GOOD:
        return again(say(state.value), 410)
    if first != second:
        return again(say("两次输入的密码不一样，请重新输入。"))
    name = request.site.person_name(account.person)
    problems = services.password_checker.problems(first, (login, name))
    if problems:
        return again(joined("", (say(p) for p in problems)))
    try:
        hashed = services.passwords.hash(first)
        actor = Actor(account.person, "account", request.request_id)
        services.actions.perform(SetPassword(login, token, hashed), actor)
    except (HashingBusy, Refused) as error:
        return again(say(error.args[0]), 409)
    services.sessions.revoke_all(login)
    return HTTPSeeOther("/login")
