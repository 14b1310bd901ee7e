"""My account: password, phone, the places where I am signed in."""

from __future__ import annotations

import io
from typing import Any

import segno
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...access.accounts import ChangePassword
from ...access.two_factor_actions import EnrolTwoFactor, RenewRecoveryCodes
from ...core.errors import Invalid, NotNow
from ...core.permissions import STAFF
from ...locale import say
from .. import format as fmt
from ..confirming import (
    WRONG_CODE,
    code_node,
    confirms_elsewhere,
    note_login,
    office_form,
    password_node,
    submit,
)
from ..office_pages import Cell, EnrolPage, Line, OfficePage, Part, Press, RecoveryPage
from ..pages import Link
from ..request import role_title
from ..staff_pages import FormPage
from ..tables import Html
from .office import status_of
from .signin import password_rules
from .staff import staff_page

ACCOUNT, PASSWORD_PAGE, PHONE = "/staff/account", "/staff/account/password", "/staff/account/two-factor"


def _back(request: Any) -> Link:
    return Link(say("我的账号"), ACCOUNT)


@view_config(route_name="account", request_method="GET", permission=STAFF, unfinished=True)
def account(request: Any) -> Response:
    """Who I am here, what protects the account, and where it is open."""
    mine, site = request.account, request.site
    where = {"site": say("全站")}
    roles = tuple(
        Line((Cell(role_title(role)), Cell(where.get(unit) or site.units[unit].name)))
        for unit, role in request.grants
    )
    phone = mine.two_factor
    facts: list[tuple[str, str | Cell]] = [
        (say("姓名"), site.person_name(mine.person)),
        (say("账号"), Cell(mine.login, code=True)),
        (say("密码"), say("{day}设的", day=fmt.day(mine.password_at)) if mine.password_at else say("还没有设")),
        (
            say("手机验证码"),
            say("{day}绑定，还有 {n} 个备用码", day=fmt.day(phone.since), n=len(phone.recovery)) if phone else say("没有绑定"),
        ),
    ]
    parts = (
        Part(
            facts=tuple(facts),
            links=(
                *(() if confirms_elsewhere(request) else (Link(say("改密码"), PASSWORD_PAGE),)),
                Link(say("手机验证码和备用码"), PHONE),
                Link(say("我的操作记录"), "/staff/activity"),
                Link(say("程序用的令牌"), f"{ACCOUNT}/tokens"),
            ),
        ),
        Part(say("我的角色"), head=(say("角色"), say("在哪里")), rows=roles, empty=say("现在没有角色。请问本单位的安全管理员。")),
        _sessions(request),
    )
    return staff_page(request, OfficePage(say("我的账号"), parts, notice=_notice(request)))


def _notice(request: Any) -> str:
    told = {
        "password": say("密码已经改好，别处的登录都已经结束。"),
        "ended": say("那一处的登录已经结束。"),
        "phone": say("手机已经绑定。以后登录时，输完密码还要输手机上的六位数字。"),
    }
    return told.get(str(request.GET.get("done", "")), "")


def _sessions(request: Any) -> Part:
    """您在这些地方登录着: the one at hand is named, the others have a button."""
    here = request.login_session.key
    rows = [
        Line(
            (
                Cell(session.place or say("没有记下"), note=say("就是现在这一处") if session.key == here else ""),
                Cell(fmt.moment(session.created)),
                Cell(fmt.moment(session.last_seen)),
            ),
            None if session.key == here else Press("/staff/account/sessions", say("结束这一处"), (("key", session.key),)),
        )
        for session in request.services.sessions.list(request.account.login, request.now)
    ]
    form = Html("")
    if len(rows) > 1:
        made = office_form(
            request, (), action="/staff/account/sessions", button=say("结束别处所有的登录"), confirming=False, danger=True
        )
        form = Html(made.render())
    return Part(
        say("您在这些地方登录着"),
        lines=(say("有不认识的，马上结束那一处，再改密码。"),),
        head=(say("哪里"), say("登录时间"), say("上次用")),
        rows=tuple(rows),
        form_html=form,
    )


@view_config(route_name="account_sessions", request_method="POST", permission=STAFF, unfinished=True)
def end_sessions(request: Any) -> Response:
    """End one other session of mine, or all others."""
    services, login = request.services, request.account.login
    key = str(request.POST.get("key", ""))
    if key:
        ended = int(services.sessions.revoke_key(key, login))
    else:
        ended = services.sessions.revoke_all(login, keep=services.cookie.read(request.cookies))
    if ended:
        note_login(request, "login.revoked", request.account)
    return HTTPSeeOther(f"{ACCOUNT}?done=ended")


# ------------------------------------------------------------------------------ password


@view_config(route_name="account_password", request_method=("GET", "POST"), permission=STAFF, unfinished=True)
def change_password(request: Any) -> Response:
    """The old password, the new one twice."""
    if confirms_elsewhere(request):  # nothing to give first; a way in that nobody decided on
        raise HTTPNotFound()
    nodes = [password_node("new", say("新密码")), password_node("again", say("再输一次新密码"))]
    form = _password_form(request, nodes)
    status = 200
    if request.method == "POST":
        done, refusal = submit(request, form, lambda data, token: _change(request, data))
        if done:
            return HTTPSeeOther(f"{ACCOUNT}?done=password")
        status = status_of(refusal)
    due = request.unfinished == "password"
    page = FormPage(
        title=say("改密码"),
        form_html=Html(form.render()),
        explain=(say("这个密码用得太久了，要换一个新的才能继续办事。"),) if due else (),
        back=_back(request),
        notes=password_rules(request),
        notes_title=say("新密码的要求"),
    )
    return staff_page(request, page, status)


def _password_form(request: Any, nodes: list[Any]) -> Any:
    # the old password is asked however recently it was given: somebody may sit at an open desk
    first = [password_node("password", say("现在的密码"))]
    if request.account.two_factor is not None:
        first.append(code_node())
    return office_form(
        request, [*first, *nodes], action=PASSWORD_PAGE, button=say("改密码"), confirming=False
    )


def _change(request: Any, data: dict[str, Any]) -> str:
    services, mine = request.services, request.account
    if data["new"] != data["again"]:
        raise Invalid("两次输入的新密码不一样，请重新输入。", fields={"again": "和上面的不一样。"})
    about = (mine.login, request.site.person_name(mine.person))
    problems = services.password_checker.problems(data["new"], about)
    if not problems and services.passwords.verify(mine.password, data["new"]):
        problems = ["新密码和现在的一样，请换一个。"]
    if problems:
        raise Invalid("新密码还不能用。", fields={"new": "".join(problems)})
    result = request.act(ChangePassword(mine.login, services.passwords.hash(data["new"])), fresh=True)
    services.sessions.revoke_all(mine.login, keep=services.cookie.read(request.cookies))
    return str(result)


# ------------------------------------------------------------------------------ phone


def _kept_secret(request: Any) -> str | None:
    sealed = request.services.second_steps.kept_secret(request.login_session.key, request.now)
    return request.services.two_factors.open(request.account.login, sealed) if sealed is not None else None


@view_config(route_name="account_phone", request_method="GET", permission=STAFF, unfinished=True)
def phone(request: Any) -> Response:
    """Bind a phone, or see that one is bound."""
    mine = request.account
    if mine.two_factor is not None:
        return _bound(request)
    secret = _kept_secret(request)
    if secret is not None:
        return _enrol_page(request, secret, _confirm_form(request))
    form = office_form(request, (), action=f"{PHONE}/begin", button=say("开始绑定"))
    required = request.unfinished == "two_factor"
    page = FormPage(
        title=say("绑定手机验证码"),
        form_html=Html(form.render()),
        explain=(
            *((say("您的角色登录时要有手机验证码，绑定以后才能继续办事。"),) if required else ()),
            say("先在手机上装一个验证码程序（在应用商店里搜“动态口令”，不用联网），再点下面的按钮。"),
        ),
        back=_back(request),
    )
    return staff_page(request, page)


def _bound(request: Any, form: Any = None, status: int = 200) -> Response:
    mine = request.account.two_factor
    form = form or _renew_form(request)
    part = Part(
        say("备用码"),
        lines=(
            say("还有 {n} 个备用码没有用。手机不在身边时，用一个备用码代替手机上的数字，每个只能用一次。", n=len(mine.recovery)),
            say("换一组新的以后，旧的全部作废。"),
        ),
        form_html=Html(form.render()),
    )
    about = Part(
        lines=(
            say("手机是 {day} 绑定的。换手机或者手机丢了，请找系统管理员解除，再重新绑定。", day=fmt.day(mine.since)),
        )
    )
    return staff_page(request, OfficePage(say("手机验证码"), (about, part), back=_back(request)), status)


def _renew_form(request: Any) -> Any:
    return office_form(request, (), action=f"{PHONE}/codes", button=say("换一组备用码"))


@view_config(route_name="account_phone_codes", request_method="POST", permission=STAFF)
def renew_codes(request: Any) -> Response:
    """New recovery codes, shown this once."""
    if request.account.two_factor is None:
        raise HTTPNotFound()
    form = _renew_form(request)
    services, login = request.services, request.account.login
    codes = services.two_factors.recovery_codes()
    hashes = tuple(services.two_factors.recovery_hash(login, code) for code in codes)
    done, refusal = submit(
        request, form, lambda data, token: request.act(RenewRecoveryCodes(login, hashes), fresh=True)
    )
    if not done:
        return _bound(request, form, status_of(refusal))
    return staff_page(request, RecoveryPage(codes, login, request.now, _back(request)))


@view_config(route_name="account_phone_begin", request_method="POST", permission=STAFF, unfinished=True)
def begin_phone(request: Any) -> Response:
    """Make a secret for this session; it waits for its first code."""
    if request.account.two_factor is not None:
        return HTTPSeeOther(PHONE)
    form = office_form(request, (), action=f"{PHONE}/begin", button=say("开始绑定"))
    services, login = request.services, request.account.login

    def make(data: dict[str, Any], token: str) -> str:
        sealed = services.two_factors.seal(login, services.two_factors.new_secret())
        services.second_steps.keep_secret(request.login_session.key, sealed, request.now)
        return "made"

    done, refusal = submit(request, form, make)
    if not done:
        page = FormPage(say("绑定手机验证码"), Html(form.render()), back=_back(request))
        return staff_page(request, page, status_of(refusal))
    return HTTPSeeOther(PHONE)


def _confirm_form(request: Any) -> Any:
    return office_form(
        request, [code_node(say("手机上显示的六位数字"))], action=f"{PHONE}/confirm", button=say("绑定这部手机"),
        confirming=False,
    )


def _enrol_page(request: Any, secret: str, form: Any, status: int = 200) -> Response:
    page = EnrolPage(
        qr_url=f"{PHONE}.svg",
        groups=tuple(secret[i : i + 4] for i in range(0, len(secret), 4)),
        account=request.account.login,
        form_html=Html(form.render()),
    )
    return staff_page(request, page, status)


@view_config(route_name="account_phone_qr", request_method="GET", permission=STAFF, unfinished=True)
def qr(request: Any) -> Response:
    """The picture to scan, while the secret waits; kept nowhere."""
    secret = _kept_secret(request) if request.account.two_factor is None else None
    if secret is None:
        raise HTTPNotFound()
    text = request.services.two_factors.address(secret, request.account.login, request.services.settings.title)
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", scale=5, border=4, svgclass=None, lineclass=None)
    response = Response(out.getvalue(), content_type="image/svg+xml")
    response.headers["Cache-Control"] = "no-store"
    return response


@view_config(route_name="account_phone_confirm", request_method="POST", permission=STAFF, unfinished=True)
def confirm_phone(request: Any) -> Response:
    """The first code: the phone is bound, and the recovery codes are shown this once."""
    services, mine = request.services, request.account
    secret = _kept_secret(request)
    if secret is None or mine.two_factor is not None:
        return HTTPSeeOther(PHONE)
    form = _confirm_form(request)
    codes = services.two_factors.recovery_codes()

    def bind(data: dict[str, Any], token: str) -> str:
        if not request.actor.fresh:
            raise NotNow("等得太久了，请回到上一页，从“开始绑定”重新来一次。")
        attempt = services.rates.attempt(mine.login, request.client_addr, request.now)
        if not attempt.open:
            raise Invalid(attempt.message)
        step = services.two_factors.step(secret, data["code"], request.now)
        if step is None or not services.second_steps.use(mine.login, step):
            raise Invalid(WRONG_CODE, fields={"code": "请核对手机上的时间是不是自动的。"})
        services.rates.succeeded(mine.login, request.client_addr)
        hashes = tuple(services.two_factors.recovery_hash(mine.login, code) for code in codes)
        sealed = services.two_factors.seal(mine.login, secret)
        return str(request.act(EnrolTwoFactor(mine.login, sealed, hashes)))

    done, refusal = submit(request, form, bind)
    if not done:
        return _enrol_page(request, secret, form, status_of(refusal))
    id = services.cookie.read(request.cookies)
    services.second_steps.drop_secret(request.login_session.key)
    services.sessions.mark_two_factor(id, request.now)
    services.sessions.revoke_all(mine.login, keep=id)
    return staff_page(request, RecoveryPage(codes, mine.login, request.now, _back(request)))


def includeme(config: Any) -> None:
    """Routes of the pages here."""
    config.add_route("account", ACCOUNT)
    config.add_route("account_sessions", f"{ACCOUNT}/sessions")
    config.add_route("account_password", PASSWORD_PAGE)
    config.add_route("account_phone", PHONE)
    config.add_route("account_phone_qr", f"{PHONE}.svg")
    config.add_route("account_phone_begin", f"{PHONE}/begin")
    config.add_route("account_phone_confirm", f"{PHONE}/confirm")
    config.add_route("account_phone_codes", f"{PHONE}/codes")
