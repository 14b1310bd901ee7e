"""My tokens for programs: make one, see them, end one."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ..access.tokens import (
    LONGEST_LIFE,
    SCOPES,
    USUAL_LIFE,
    CreateToken,
    RevokeToken,
    Token,
    new_token,
    tokens_of_account,
)
from ..core.clock import local_date
from ..core.permissions import STAFF
from ..locale import both, joined, say
from ..web import format as fmt
from ..web.confirming import office_form, submit
from ..web.forms import widgets
from ..web.forms.types import CleanString
from ..web.office_pages import Cell, Line, OfficePage, OneTimePage, Part, Press
from ..web.pages import Link
from ..web.request import role_title
from ..web.tables import Html
from ..web.views.office import status_of
from ..web.views.staff import staff_page

TOKENS = "/staff/account/tokens"


def _form(request: Any) -> Any:
    roles = [(role, role_title(role)) for role in dict.fromkeys(role for _, role in request.grants)]
    scopes = [(scope, both(*words)) for scope, words in SCOPES.items()]
    nodes = [
        colander.SchemaNode(CleanString(limit=60), name="title", title=say("做什么用"), description=say("例如：镇里的报账软件。")),
        colander.SchemaNode(
            colander.String(), name="role", title=say("以哪个身份办理"), widget=widgets.Radios(values=roles),
            validator=colander.OneOf([role for role, _ in roles]), default=request.acting_role,
        ),
        colander.SchemaNode(
            colander.Set(), name="scopes", title=say("权限"), widget=widgets.Checkboxes(values=scopes),
            validator=colander.All(colander.Length(min=1, min_err=say("请至少选一项。")), colander.ContainsOnly(list(SCOPES))),
        ),
        colander.SchemaNode(
            colander.Integer(), name="days", title=say("有效多少天"), default=USUAL_LIFE.days,
            validator=colander.Range(min=1, max=LONGEST_LIFE.days),
        ),
    ]
    return office_form(request, nodes, action=TOKENS, button=say("开出令牌"))


def _page(request: Any, form: Any, status: int = 200) -> Response:
    rows = tuple(_line(request, token) for token in tokens_of_account(request.site, request.account.login))
    parts = (
        Part(
            say("您的令牌"),
            lines=(say("程序带着令牌，替您办令牌权限以内的事，都记在您的名下。不用的请马上作废。"),),
            head=(say("做什么用"), say("身份和权限"), say("到哪一天")),
            rows=rows,
            empty=say("还没有令牌。"),
        ),
        Part(say("开一个新的"), form_html=Html(form.render())) if request.grants else Part(),
    )
    page = OfficePage(say("程序用的令牌"), parts, back=Link(say("我的账号"), "/staff/account"))
    return staff_page(request, page, status)


def _line(request: Any, token: Token) -> Line:
    good = token.good(request.now)
    ended = "" if good else say("已作废") if token.revoked_at else say("已过期")
    return Line(
        (
            Cell(token.title or token.id, note=token.id if token.title else ""),
            Cell(role_title(token.role), note=joined("；", [both(*SCOPES[scope]) for scope in token.scopes])),
            Cell(fmt.day(local_date(token.expires_at)), note=ended),
        ),
        Press(f"{TOKENS}/revoke", say("作废"), (("id", token.id),), danger=True) if good else None,
    )


@view_config(route_name="account_tokens", request_method="GET", permission=STAFF)
def tokens(request: Any) -> Response:
    """The list, and the form for another."""
    return _page(request, _form(request))


@view_config(route_name="account_tokens", request_method="POST", permission=STAFF)
def create(request: Any) -> Response:
    """Make a token; it is shown this once."""
    form, mine, made = _form(request), request.account, new_token()
    second = mine.two_factor is not None and bool(request.login_session.two_factor)

    def make(data: dict[str, Any], token: str) -> str:
        action = CreateToken(
            mine.login, data["role"], tuple(sorted(data["scopes"])), made.id, made.digest, data["title"], data["days"], second
        )
        return str(request.act(action, fresh=True))

    done, refusal = submit(request, form, make)
    if not done:
        return _page(request, form, status_of(refusal))
    page = OneTimePage(
        title=say("令牌已经开好"),
        what=say("请把下面这一行交给要用它的程序。"),
        address=made.text,
        rules=(
            say("令牌只显示这一次，系统里查不到。"),
            say("谁拿到它，谁就能替您办事。不要发在群里，也不要写进别人看得到的文件。"),
        ),
        back=Link(say("程序用的令牌"), TOKENS),
    )
    return staff_page(request, page)


@view_config(route_name="account_tokens_revoke", request_method="POST", permission=STAFF)
def revoke(request: Any) -> Response:
    """End one of mine at once."""
    request.act(RevokeToken(request.account.login, str(request.POST.get("id", ""))[:20]))
    return HTTPSeeOther(TOKENS)
