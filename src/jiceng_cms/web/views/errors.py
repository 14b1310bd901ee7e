"""What is said when something is wrong: in plain words, with what to do next."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPGone, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config

from ...access.csrf import STALE_FORM, STALE_LOGIN
from ...access.origin import ForeignOrigin
from ...core.errors import Refused
from ...store import Busy, OutOfTries
from ..forms.controls import BadForm
from ..forms.kept import pack
from ..pages import Link, MessagePage, message
from ..security import StaleForm
from ..staff_pages import ExpiredPage, LoginPage
from ..theming import render_page
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
    """Nothing here, or nothing for this reader: the same answer."""
    return _message(request, 404)


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
    return _message(request, 403)


def _quoted(path: str) -> str:
    return quote(path, safe="/")


@exception_view_config(StaleForm)
def stale_form(error: StaleForm, request: Any) -> Response:
    """The session ended in the middle of a form: what was typed comes back after signing in."""
    if request.account is None and request.path not in ("/login", "/logout"):
        return _expired(request)
    if request.account is None:
        return form_page(request, LoginPage("/login", str(request.POST.get("login", ""))[:64], STALE_LOGIN), 403)
    page = MessagePage(403, "这张表单已经失效", STALE_FORM, (), (Link("返回工作台", "/staff"),))
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
        "这次提交不是从本网站的页面来的",
        "为了安全，系统没有接受，什么也没有改。",
        ("请从本网站的页面重新打开表单再提交。",),
    )
    return render_page(request, page, status=403)


@exception_view_config(BadForm)
def bad_form(error: BadForm, request: Any) -> Response:
    """A form that can't be read at all."""
    page = MessagePage(400, "这次提交看不懂", error.message, ("请返回上一页，刷新以后再提交一次。",))
    return render_page(request, page, status=400)


@exception_view_config(Refused)
def refused(error: Refused, request: Any) -> Response:
    """An action that may not or can't be done now, where no page of its own tells it."""
    if error.code == "not_found":
        return _message(request, 404)
    page = MessagePage(STATUS.get(error.code, 409), "这一步没有办成", error.message, (), (Link("返回工作台", "/staff"),))
    return render_page(request, page, status=page.status)


@exception_view_config(Busy)
@exception_view_config(OutOfTries)
def busy(error: Exception, request: Any) -> Response:
    """Too many write at one unit at this moment."""
    page = MessagePage(
        503, "现在办的人多，没有排上", "您这次提交没有保存，内容还在上一页。", ("请返回上一页，过几秒钟再提交一次。",)
    )
    return render_page(request, page, status=503)


@exception_view_config(OSError)
def no_room(error: OSError, request: Any) -> Response:
    """The disk is full, or another fault of the machine."""
    log.exception("request %s: %s %s", request.request_id, request.method, request.path)
    if error.errno == 28:
        page = MessagePage(
            507, "服务器的磁盘满了", "现在不能保存，查看不受影响。", ("请告诉系统管理员；您的内容请先复制留底。",)
        )
        return render_page(request, page, status=507)
    return _message(request, 500, reference=request.request_id)


@exception_view_config(Exception)
def failed(error: Exception, request: Any) -> Response:
    """A fault of ours."""
    log.exception("request %s: %s %s", request.request_id, request.method, request.path)
    return _message(request, 500, reference=request.request_id)


