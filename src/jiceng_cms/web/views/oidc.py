"""Signing in through the provider elsewhere, and showing there again who one is."""

from __future__ import annotations

import logging
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...access.accounts import Account, account_by_identity
from ...access.oidc import PATIENCE, Journey, OidcClient, OidcError
from ...core.permissions import PUBLIC
from ...locale import say
from ..confirming import note_login
from ..office_pages import CodePage
from ..pages import Link, MessagePage
from ..theming import render_page
from ..urls import own_path, with_query
from .signin import LOST_PHONE, begin_session, form_page

log = logging.getLogger(__name__)

THERE, BACK = "/login/oidc", "/login/oidc/back"

_OTHER_PERSON = say("统一身份认证认出来的不是现在登录的这个账号，没有办理。请由本人确认；换人请先退出登录。")


def _client(request: Any) -> OidcClient:
    found: OidcClient | None = request.services.oidc
    if found is None:
        raise HTTPNotFound()
    return found


def _cookie_name(request: Any) -> str:
    return f"{request.services.cookie.name}-oidc"


def _set_cookie(request: Any, response: Response, value: str | None) -> None:
    # Lax: the browser comes back from another site, by a link
    response.set_cookie(
        _cookie_name(request), value, max_age=int(PATIENCE.total_seconds()) if value else 0, httponly=True,
        secure=request.services.cookie.secure, samesite="Lax", path="/",
    )  # fmt: skip


def _not_done(request: Any, status: int, what: str, next_path: str = "/staff", *advice: str) -> Response:
    """What went wrong and what to do, with a way to try again."""
    links = [Link(say("回到登录页"), with_query("/login", next=next_path))]
    if request.account is not None:
        links = [Link(say("回到刚才那一页"), next_path)]
    page = MessagePage(status, say("没有登录成功"), what, tuple(advice), tuple(links))
    response: Response = render_page(request, page, status=status)
    _set_cookie(request, response, None)
    response.headers["Cache-Control"] = "no-store"
    return response


def _failed(request: Any, error: OidcError, next_path: str) -> Response:
    log.warning("request %s: oidc: %s", request.request_id, error.reason)
    return _not_done(request, 503 if error.kind == "away" else 403, say(error.message), next_path)


@view_config(route_name="oidc", request_method="GET", permission=PUBLIC)
def there(request: Any) -> Response:
    """Send the browser to the provider; ``confirm=1``: for somebody signed in, to log in again there."""
    client = _client(request)
    next_path = own_path(str(request.GET.get("next", "")), "/staff")
    account: Account | None = request.account
    confirms = ""
    if account is not None:
        if request.GET.get("confirm") != "1" or account.oidc_issuer != client.settings.issuer:
            return HTTPSeeOther(next_path)
        confirms = account.login
    try:
        url, cookie = client.begin(request.now, request.host_url, BACK, next_path, confirms)
    except OidcError as error:
        return _failed(request, error, next_path)
    response: Response = HTTPSeeOther(url)
    _set_cookie(request, response, cookie)
    response.headers["Cache-Control"] = "no-store"
    return response


@view_config(route_name="oidc_back", request_method="GET", permission=PUBLIC)
def back(request: Any) -> Response:
    """The way back: the code becomes an identity, the identity an account, the account a session."""
    client, services = _client(request), request.services
    state = str(request.GET.get("state", ""))[:100]
    journey = client.journey(request.cookies.get(_cookie_name(request)), state, request.now)
    if journey is None:
        return _not_done(request, 403, say("这一步等得太久，或者在别的窗口重新开始过。请从登录页重新来一次。"))
    # each journey is a name of its own: only the network's limit counts, nobody locks anybody out
    attempt = services.rates.attempt(state, request.client_addr, request.now)
    if not attempt.open:
        return _not_done(request, 429, say(attempt.message), journey.next_path)
    try:
        response = _arrived(request, client, journey, state)
    except OidcError as error:
        return _failed(request, error, journey.next_path)
    _set_cookie(request, response, None)
    return response


def _arrived(request: Any, client: OidcClient, journey: Journey, state: str) -> Response:
    services = request.services
    if (told := str(request.GET.get("error", ""))[:40]) or not request.GET.get("code"):
        log.info("request %s: oidc: the provider said %r", request.request_id, told)
        return _not_done(request, 403, say("您在统一身份认证那边没有登录，或者点了取消。"), journey.next_path)
    if request.GET.get("iss", client.settings.issuer) != client.settings.issuer:  # RFC 9207
        return _not_done(request, 403, say("这个回答不是我们的统一身份认证送来的，没有登录。请从登录页重新来一次。"), journey.next_path)
    proof = client.finish(journey, str(request.GET["code"])[:2000], request.now)
    account = account_by_identity(request.site, client.settings.issuer, proof.subject)
    if account is None:
        return _not_done(
            request, 403, say("{title}认出您了，但是您的身份还没有关联到这里的账号。", title=client.settings.title), journey.next_path,
            say("请把这个身份编号交给系统管理员，由他核对本人以后关联：{subject}", subject=proof.subject),
        )  # fmt: skip
    services.rates.succeeded(state, request.client_addr)
    if account.disabled:
        note_login(request, "login.failed", account)
        return _not_done(request, 403, say("您的账号已经停用。需要恢复，请找系统管理员。"))
    if journey.confirms and (account.login != journey.confirms or request.account is None or request.account.login != account.login):
        note_login(request, "login.failed", account)
        return _not_done(request, 403, _OTHER_PERSON, journey.next_path)
    # where the provider does not say when it asked, or asked long ago, grave steps ask again
    at = proof.at or request.now - services.sessions.limits.fresh
    next_path = own_path(journey.next_path, "/staff")
    if account.two_factor is not None and not proof.second_factor:
        half = services.second_steps.begin(account.login, request.now, at)
        return form_page(request, CodePage("/login/code", half, next_path, help=LOST_PHONE))
    return begin_session(request, account, next_path, two_factor=proof.second_factor, fresh_at=at)


def includeme(config: Any) -> None:
    """Routes of the pages here."""
    config.add_route("oidc", THERE)
    config.add_route("oidc_back", BACK)
