"""What is said when something is wrong: in plain words, with what to do next."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPGone, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config

from ...access.csrf import STALE_FORM, STALE_LOGIN
from ...access.origin import ForeignOrigin
from ...core.errors import Refused
from ...core.ids import is_record_id, is_unit_code
from ...core.permissions import STAFF
from ...locale import say
from ...store import Busy, OutOfTries
from ..forms.controls import BadForm
from ..forms.kept import pack, unpack
from ..pages import Link, MessagePage, message
from ..security import StaleForm
from ..staff_pages import ExpiredPage, LoginPage, ResumePage
from ..theming import render_page
from ..traversal import RecordContext
from ..urls import own_path
from .signin import form_page

log = logging.getLogger(__name__)

#: HTTP status of each refusal.
STATUS = {
    "forbidden": 403, "separation_of_duties": 403, "not_found": 404, "not_now": 409, "stale": 409,
    "invalid": 422, "needs_reauthentication": 403, "checks_failed": 422, "refused": 409,
}


def _message(request: Any, status: int, **more: Any) -> Response:
    response = render_page(request, message(status, **more), status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


@notfound_view_config()
def not_found(request: Any) -> Response:
    """Nothing here, or nothing for this reader: the same answer.

    Strangers are asked to sign in wherever a record's staff pages would lie, whether or not
    there is a record: the question must not tell what exists.
    """
    if request.account is None and (request.method == "POST" or asks_for_staff_page(request)):
        return forbidden(request)
    return lost(request, 404)


def asks_for_staff_page(request: Any) -> bool:
    """Whether the address has the form of a page that only staff may open."""
    if request.method not in ("GET", "HEAD"):
        return False
    match request.path_info.split("/"):
        case ["", "u", code, section, id, name, *_]:
            sections = request.services.domain.sections
            well_formed = is_unit_code(code) and section in sections and is_record_id(id)
            return well_formed and name in staff_pages(request.registry)
    return False


def staff_pages(registry: Any) -> frozenset[str]:
    """Names of the pages of a record that only staff may open, from the views themselves."""
    found: frozenset[str] | None = getattr(registry, "staff_page_names", None)
    if found is None:
        views = [entry["introspectable"] for entry in registry.introspector.get_category("views")]
        found = registry.staff_page_names = frozenset(
            view["name"]
            for view in views
            if view["context"] is RecordContext
            and "GET" in (view["request_methods"] or ())
            and any(p["value"] == STAFF for p in registry.introspector.related(view) if p.category_name == "permissions")
        )
    return found


def lost(request: Any, status: int) -> Response:
    """The usual words for a status; what was posted is shown, so that nobody types it twice."""
    typed = typed_texts(request) if request.account is not None and request.method == "POST" else ()
    page = message(status)
    if typed:
        told = "您刚才填的内容没有保存，都在下面，可以复制下来留用。角色或者这份材料可能刚被别人改动过。"
        page = replace(page, advice=(told, *page.advice), typed=typed)
    response = render_page(request, page, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def typed_texts(request: Any) -> tuple[str, ...]:
    """The texts of a posted form that a person may have typed, longest part of the work first."""
    try:
        pairs = unpack(pack(request.POST.items()))
    except BadForm:
        return ()
    hidden = ("etag", "__start__", "__end__", "_charset_", "__formid__")
    return tuple(value for name, value in pairs if name not in hidden and value.strip())


@exception_view_config(HTTPGone)
def gone(error: HTTPGone, request: Any) -> Response:
    """The stub of something withdrawn, made by whoever raised it."""
    return error


@forbidden_view_config()
def forbidden(request: Any) -> Response:
    """Staff pages ask to sign in first and come back."""
    if request.account is None and request.method in ("GET", "HEAD"):
        raise_to = own_path(request.path_qs)
        return HTTPSeeOther(f"/login?next={_quoted(raise_to)}")
    if request.account is None and request.method == "POST":
        return _expired(request)
    return lost(request, 403)


def _quoted(path: str) -> str:
    return quote(path, safe="/")


@exception_view_config(StaleForm)
def stale_form(error: StaleForm, request: Any) -> Response:
    """The session ended in the middle of a form: what was typed comes back after signing in."""
    if request.account is None and request.path not in ("/login", "/logout"):
        return _expired(request)
    if request.account is None:
        return form_page(request, LoginPage("/login", str(request.POST.get("login", ""))[:64], say(STALE_LOGIN)), 403)
    if request.path == "/login" and (kept := str(request.POST.get("kept", ""))):
        # signed in elsewhere while this page kept what was typed
        back = own_path(str(request.POST.get("next", "")), "/staff")
        return form_page(request, ResumePage(back, unpack(kept)))
    if request.path not in ("/login", "/logout") and typed_texts(request):
        # signed in again in another window: the form goes on under the new session
        resume = ResumePage(own_path(request.path), unpack(pack(request.POST.items())), "登录换过了，您填的内容都在")
        return form_page(request, resume, 403)
    page = MessagePage(403, say("这张表单已经失效"), say(STALE_FORM), (), (Link(say("返回工作台"), "/staff"),))
    return render_page(request, page, status=403)


def _expired(request: Any) -> Response:
    """Ask to sign in, keeping the posted form."""
    page = ExpiredPage("/login", own_path(request.path), pack(request.POST.items()))
    return form_page(request, page, 403)


@exception_view_config(ForeignOrigin)
def foreign_origin(error: ForeignOrigin, request: Any) -> Response:
    """A form that another site sent."""
    page = MessagePage(
        403,
        say("这次提交不是从本网站的页面来的"),
        say("为了安全，系统没有接受，什么也没有改。"),
        (say("请从本网站的页面重新打开表单再提交。"),),
    )
    return render_page(request, page, status=403)


@exception_view_config(BadForm)
def bad_form(error: BadForm, request: Any) -> Response:
    """A form that can't be read at all."""
    page = MessagePage(
        400, say("这次提交看不懂"), say(error.message), (say("请返回上一页，刷新以后再提交一次。"),)
    )
    return render_page(request, page, status=400)


@exception_view_config(Refused)
def refused(error: Refused, request: Any) -> Response:
    """An action that may not or can't be done now, where no page of its own tells it."""
    if error.code == "not_found":
        return _message(request, 404)
    page = MessagePage(STATUS.get(error.code, 409), say("这一步没有办成"), say(error.message), (), (Link(say("返回工作台"), "/staff"),))
    return render_page(request, page, status=page.status)


@exception_view_config(Busy)
@exception_view_config(OutOfTries)
def busy(error: Exception, request: Any) -> Response:
    """Too many write at one unit at this moment."""
    page = MessagePage(
        503, say("现在办的人多，没有排上"), say("您这次提交没有保存，内容还在上一页。"),
        (say("请返回上一页，过几秒钟再提交一次。"),),
    )
    return render_page(request, page, status=503)


@exception_view_config(OSError)
def no_room(error: OSError, request: Any) -> Response:
    """The disk is full, or another fault of the machine."""
    log.exception("request %s: %s %s", request.request_id, request.method, request.path)
    if error.errno == 28:
        page = MessagePage(
            507, say("服务器的磁盘满了"), say("现在不能保存，查看不受影响。"),
            (say("请告诉系统管理员；您的内容请先复制留底。"),),
        )
        return render_page(request, page, status=507)
    return _message(request, 500, reference=request.request_id)


@exception_view_config(Exception)
def failed(error: Exception, request: Any) -> Response:
    """A fault of ours."""
    log.exception("request %s: %s %s", request.request_id, request.method, request.path)
    return _message(request, 500, reference=request.request_id)


