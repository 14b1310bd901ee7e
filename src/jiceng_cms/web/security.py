"""The safe thing by default: permission on every view, Origin and token on every change, headers.

A view without a permission stops the start. A POST without our Origin and token is refused
before the view and before anyone asks who is signed in.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from pyramid.exceptions import ConfigurationError
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.request import RequestLocalCache
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED, Allowed, Denied
from pyramid.tweens import EXCVIEW, INGRESS

from ..access.csrf import FIELD, HEADER, session_token_ok
from ..access.origin import COOKIELESS, SAFE_METHODS
from ..core.permissions import PUBLIC, STAFF
from ..core.visibility import Reader
from .forms.controls import BadForm

PERMISSIONS = (PUBLIC, STAFF)

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = tuple(
    (name.lower(), (name, value))
    for name, value in (
        ("Content-Security-Policy", _CSP),
        ("X-Content-Type-Options", "nosniff"),
        # `no-referrer` would make browsers send `Origin: null` with our own forms
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    )
)


class StaleForm(HTTPForbidden):
    """A form without the token of this session: the session ended, or a stranger sent it."""


class SecurityPolicy:
    """Pyramid's view of access; what a role may do at a unit is decided by core."""

    def __init__(self) -> None:
        self._cache = RequestLocalCache(lambda request: request.reader)

    def identity(self, request: Any) -> Reader:
        """The reader."""
        found: Reader = self._cache.get_or_create(request)
        return found

    def authenticated_userid(self, request: Any) -> str | None:
        """The person's id, or None."""
        return self.identity(request).person

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        """Whether this kind of view is open: public ones always, staff ones after signing in."""
        if permission == PUBLIC:
            return Allowed("public")
        if permission == STAFF and request.reader.person is not None:
            return Allowed("signed in")
        return Denied("sign in first")

    def remember(self, request: Any, userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Sessions are begun by the sign-in view."""
        return []

    def forget(self, request: Any, **kw: Any) -> list[tuple[str, str]]:
        """Sessions are ended by the sign-out view."""
        return []


def names_permission(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """Refuse, at the start, a view that does not say who may open it."""
    permission = info.options.get("permission")
    if not info.exception_only and permission not in (*PERMISSIONS, NO_PERMISSION_REQUIRED):
        raise ConfigurationError(f"view {info.original_view} names no permission ({permission!r})")
    return view


#: Where the pages are on which somebody mends what `request.unfinished` names.
MENDED_AT = {"password": "/staff/account/password", "two_factor": "/staff/account/two-factor"}


def finished_first(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """Lead whoever must change a password or set up a second factor there, before anything else.

    Views that are needed for that say ``unfinished=True``.
    """
    if info.options.get("permission") != STAFF or info.options.get("unfinished"):
        return view

    def finished(context: Any, request: Any) -> Any:
        if not request.unfinished:
            return view(context, request)
        if request.method in SAFE_METHODS:
            return HTTPSeeOther(MENDED_AT[request.unfinished])
        raise HTTPForbidden()

    return finished


finished_first.options = ("unfinished",)  # type: ignore[attr-defined]


def token_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Check the form's token on every unsafe method.

    Before any address is looked up: whether a form is refused for its token must not tell
    whether there is anything at its address.
    """

    def tween(request: Any) -> Any:
        if request.method not in SAFE_METHODS:
            request.add_finished_callback(_close_body)
        if request.method not in SAFE_METHODS and not request.environ.get(COOKIELESS):
            given = request.headers.get(HEADER) or _posted(request).get(FIELD)
            if not _token_ok(request, given if isinstance(given, str) else None):
                raise StaleForm()
        return handler(request)

    return tween


def _close_body(request: Any) -> None:
    """Give back the file into which a long body was read."""
    body = request.environ.get("wsgi.input")
    if isinstance(body, io.BufferedRandom):
        body.close()


def _posted(request: Any) -> Any:
    """The posted form; BadForm where its bytes are no text in the encoding that they claim."""
    try:
        return request.POST
    except (UnicodeError, LookupError, ValueError, DeprecationWarning):  # the last: WebOb on charsets
        raise BadForm("送来的表单里有认不出来的字符，没有保存任何东西。") from None


def _token_ok(request: Any, given: str | None) -> bool:
    if request.login_session is not None:
        return session_token_ok(request.login_session, given)
    cookie = request.cookies.get(login_cookie_name(request))
    return bool(request.services.login_tokens.ok(cookie, given, request.now))


def login_cookie_name(request: Any) -> str:
    """The cookie that goes with a form of somebody who is not signed in yet."""
    return f"{request.services.cookie.name}-form"


def form_token(request: Any) -> str:
    """The token that a form on this page must carry; sets the cookie that goes with it."""
    if request.login_session is not None:
        token: str = request.login_session.csrf
        return token
    name = login_cookie_name(request)
    pair = request.services.login_tokens.issue(request.now, request.cookies.get(name))
    secure = request.services.cookie.secure

    def set_cookie(request: Any, response: Any) -> None:
        response.set_cookie(name, pair.cookie, httponly=True, secure=secure, samesite="Lax", path="/")

    request.add_response_callback(set_cookie)
    return str(pair.field)


def _readable(request: Any) -> bool:
    """Whether path and query are text at all."""
    try:
        # what is not there needs no reading
        return request.path_info is not None and (not request.query_string or request.GET is not None)
    except UnicodeError:
        return False


def _unreadable(request: Any) -> Response:
    """A page that needs nothing of the request but where it wanted to go; programs get theirs."""
    if str(request.environ.get("PATH_INFO", "")).startswith("/api/"):
        told = {
            "type": "urn:jiceng:problem:bad_request", "title": "请求看不懂", "status": 400, "code": "bad_request",
            "detail": "地址或者参数里有认不出来的字符，请用 UTF-8 编码。", "request": request.request_id,
        }
        answer = Response(json.dumps(told, ensure_ascii=False).encode(), status=400)
        answer.content_type, answer.charset = "application/problem+json", None
        return answer
    body = (
        "<!DOCTYPE html><html lang='zh-CN'><meta charset='utf-8'><title>网址不完整</title>"
        "<h1>网址不完整</h1><p>网址里有认不出来的字符，可能是抄漏了。请核对以后重新打开，或者<a href='/'>回到首页</a>。</p></html>"
    )
    return Response(body, status=400, content_type="text/html", charset="utf-8")


def headers_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Security headers on every answer."""
    strict = registry.services.settings.secure and registry.settings.get("hsts", "false") == "true"

    def tween(request: Any) -> Any:
        response = handler(request) if _readable(request) else _unreadable(request)
        headers = response.headers
        told = {name.lower() for name, _ in response.headerlist}
        response.headerlist.extend(header for name, header in _HEADERS if name not in told)
        if strict:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.cookies.get(request.services.cookie.name) and "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        return response

    return tween


def includeme(config: Any) -> None:
    """Policy, derivers and tweens."""
    config.set_security_policy(SecurityPolicy())
    config.add_view_deriver(names_permission, name="names_permission")
    config.add_view_deriver(finished_first, name="finished_first")
    for permission in PERMISSIONS:
        config.add_permission(permission)
    # outermost: also redirects and pages that tell of a fault carry the headers
    config.add_tween("jiceng_cms.web.security.headers_tween", under=INGRESS, over=EXCVIEW)
    config.add_tween("jiceng_cms.access.origin.origin_tween_factory", under=EXCVIEW)
    config.add_tween(
        "jiceng_cms.web.security.token_tween", under="jiceng_cms.access.origin.origin_tween_factory"
    )
