"""Signing in and out, one-time links, and forms that outlived their session."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...access.accounts import SET_PASSWORD, NoteLogin, SetPassword, account_of
from ...access.onetime import LinkState, check
from ...access.passwords import HashingBusy
from ...access.rates import LOGIN_FAILED
from ...core.actions import Actor
from ...core.errors import Refused
from ...core.permissions import PUBLIC, STAFF
from ..forms.controls import BadForm
from ..forms.kept import unpack
from ..security import form_token
from ..staff_pages import ExpiredPage, LoginPage, ResumePage, SetPasswordPage
from ..theming import render_page
from ..urls import own_path

_HELP = "忘记了密码，请找本单位或者街道（乡镇）的系统管理员，要一个重设链接。"


def form_page(request: Any, page: Any, status: int = 200) -> Response:
    """A page with a form for somebody who may not be signed in: never kept by caches."""
    request.page_token = form_token(request)
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
        return again(str(busy), 503)
    if not good or account is None:
        if account is not None:
            _note(request, "login.failed", name, account.person)
        return again(LOGIN_FAILED, 403)
    services.rates.succeeded(name, request.client_addr)
    _note(request, "login.succeeded", name, account.person)
    # a new id at each login: nobody can plant one
    services.sessions.revoke(services.cookie.read(request.cookies))
    id, session = services.sessions.create(name, request.now)
    response: Response
    if kept:
        try:
            fields = unpack(kept)
        except BadForm as bad:
            return again(bad.message, 400)
        request.login_session, request.account = session, account
        page = ResumePage(next_path, fields)
        request.page_token = session.csrf
        response = render_page(request, page)
    else:
        response = HTTPSeeOther(next_path)
    response.headers.add(*services.cookie.header(id))
    response.headers["Cache-Control"] = "no-store"
    return response


def _note(request: Any, kind: str, login: str, person: str) -> None:
    actor = Actor(person, "account", request.request_id)
    request.services.actions.perform(NoteLogin(kind, login), actor)


@view_config(route_name="logout", request_method="POST", permission=STAFF)
def logout(request: Any) -> Response:
    """End the session."""
    services = request.services
    _note(request, "login.ended", request.account.login, request.account.person)
    services.sessions.revoke(services.cookie.read(request.cookies))
    response = HTTPSeeOther("/")
    response.headers.add(*services.cookie.clearing_header())
    return response


def _rules(request: Any) -> tuple[str, ...]:
    least = request.services.password_checker.rules.min_length
    return (
        f"至少 {least} 个字，可以用一句只有自己知道的话。",
        "不要用姓名、村名、电话、生日，也不要用别处用过的密码。",
    )


@view_config(route_name="set_password", request_method="GET", permission=PUBLIC)
def password_form(request: Any) -> Response:
    """Behind a one-time link."""
    login, token = request.matchdict["login"], request.matchdict["token"]
    account = account_of(request.site, login)
    state = check(account.link if account else None, SET_PASSWORD, token, request.now)
    page = SetPasswordPage(
        request.path,
        login,
        _rules(request),
        until=account.link.expires if account and account.link and state is LinkState.GOOD else None,
        error=state.value,
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
        return form_page(request, SetPasswordPage(request.path, login, _rules(request), error=error), status)

    account = account_of(request.site, login)
    state = check(account.link if account else None, SET_PASSWORD, token, request.now)
    if account is None or state is not LinkState.GOOD:
        return again(state.value, 410)
    if first != second:
        return again("两次输入的密码不一样，请重新输入。")
    name = request.site.person_name(account.person)
    problems = services.password_checker.problems(first, (login, name))
    if problems:
        return again("".join(problems))
    try:
        hashed = services.passwords.hash(first)
        actor = Actor(account.person, "account", request.request_id)
        services.actions.perform(SetPassword(login, token, hashed), actor)
    except (HashingBusy, Refused) as error:
        return again(str(error), 409)
    services.sessions.revoke_all(login)
    return HTTPSeeOther("/login")
