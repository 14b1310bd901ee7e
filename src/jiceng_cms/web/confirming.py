"""Is it really you: the password and the phone's code, at signing in and before grave steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import colander
import deform

from ..access.accounts import Account, NoteLogin
from ..access.passwords import HashingBusy
from ..access.rates import network_of
from ..access.two_factor_actions import SpendRecoveryCode
from ..core.actions import Actor
from ..core.errors import NeedsReauthentication, Refused
from ..core.ids import new_id
from ..locale import say
from .forms import Button, Form, FormInvalid, make_form, parse_controls
from .forms.types import CleanString
from .pages import Link
from .urls import own_path, with_query

WRONG_PASSWORD = "密码不对，请再输一次。"  # noqa: S105 - words
NO_PASSWORD = "这一步要输密码，确认是您本人在办。"  # noqa: S105 - words
NOT_CONFIRMED = "这一步要先确认是您本人。请点“确认是本人”的链接，回来以后再办一次。"
WRONG_CODE = "验证码不对，或者已经用过了。请等手机上换成下一个，再输入。"


def note_login(request: Any, kind: str, account: Account) -> None:
    """Journal what happened at the door of an account."""
    actor = Actor(account.person, "account", request.request_id)
    request.services.actions.perform(NoteLogin(kind, account.login), actor)


def code_right(request: Any, account: Account, code: str) -> bool:
    """Whether ``code`` is the phone's, or a recovery code; either counts once."""
    services, second = request.services, account.two_factor
    if second is None:
        return False
    secret = services.two_factors.open(account.login, second.sealed)
    step = services.two_factors.step(secret, code, request.now) if secret is not None else None
    if step is not None:
        return bool(services.second_steps.use(account.login, step))
    hashed = services.two_factors.recovery_hash(account.login, code)
    if hashed not in second.recovery:
        return False
    try:
        actor = Actor(account.person, "account", request.request_id)
        services.actions.perform(SpendRecoveryCode(account.login, hashed), actor)
    except Refused:  # another request was faster
        return False
    return True


def confirms_elsewhere(request: Any) -> bool:
    """Whether this person has no password here and shows who they are to the provider."""
    oidc, account = request.services.oidc, request.account
    return oidc is not None and not account.password and account.oidc_issuer == oidc.settings.issuer


def confirm_link(request: Any, back: str) -> Link:
    """The way to the provider, and back to a page of ours."""
    title = say("到{title}确认是本人", title=request.services.oidc.settings.title)
    return Link(title, with_query("/login/oidc", confirm=1, next=back))


def confirm(request: Any, password: str, code: str = "") -> None:
    """Take the password, and the code where the account has a phone, as given just now.

    Raises NeedsReauthentication with the field at fault. It counts as a try to sign in.
    """
    services, account = request.services, request.account
    if confirms_elsewhere(request):
        if request.actor.fresh:
            return
        raise NeedsReauthentication(NOT_CONFIRMED)
    if not password:
        raise NeedsReauthentication(NO_PASSWORD, fields={"password": "请输入密码。"})
    attempt = services.rates.attempt(account.login, request.client_addr, request.now)
    if not attempt.open:
        raise NeedsReauthentication(attempt.message)
    try:
        good = services.passwords.verify(account.password or None, password)
    except HashingBusy as busy:
        raise NeedsReauthentication(str(busy)) from None
    if not good:
        note_login(request, "login.failed", account)
        raise NeedsReauthentication(WRONG_PASSWORD, fields={"password": "请再输一次。"})
    if account.two_factor is not None and not code_right(request, account, code):
        note_login(request, "two_factor.failed", account)
        raise NeedsReauthentication(WRONG_CODE, fields={"code": "请换下一个再输。"})
    services.rates.succeeded(account.login, request.client_addr)
    services.sessions.mark_fresh(services.cookie.read(request.cookies), request.now)


# ------------------------------------------------------------------------------ forms


def password_node(name: str = "password", title: str = say("您的登录密码"), description: str = "") -> Any:
    """A field for a password; what was typed is never shown again."""
    which = "current-password" if name == "password" else "new-password"
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=title,
        description=description,
        widget=deform.widget.PasswordWidget(attributes={"autocomplete": which}),
    )


def code_node(title: str = say("手机上的验证码")) -> Any:
    """A field for a code."""
    return colander.SchemaNode(
        CleanString(limit=40),
        name="code",
        title=title,
        description=say("打开手机上的验证码程序，抄下现在的六位数字。手机不在身边就用一个备用码。"),
        widget=deform.widget.TextInputWidget(attributes={"autocomplete": "one-time-code"}),
    )


def office_form(
    request: Any,
    nodes: Sequence[Any],
    *,
    action: str,
    button: str,
    number: int = 0,
    danger: bool = False,
    appstruct: dict[str, Any] | None = None,
    confirming: bool = True,
    etag: str = "",
) -> Form:
    """A form of these fields; it asks for password and code where they were not given just now.

    ``number`` tells the forms of one page apart.
    """
    fields = list(nodes)
    posted = request.POST if request.method == "POST" else {}
    if confirming and confirms_elsewhere(request):
        if not request.actor.fresh:
            fields.insert(0, _confirm_node(request))
    elif confirming and (not request.actor.fresh or "password" in posted):
        fields.append(password_node(description=say("这一步办了就会记下来，所以再确认一次是您本人。")))
        if request.account.two_factor is not None:
            fields.append(code_node())
    return make_form(
        colander.SchemaNode(colander.Mapping(), *fields),
        action=action,
        buttons=(Button("go", button, danger=danger),),
        csrf_token=request.login_session.csrf,
        idempotency=new_id(16),
        appstruct=appstruct,
        formid=f"form{number}" if number else "form",
        first_field=1 + 100 * number,
        etag=etag,
    )


def _confirm_node(request: Any) -> Any:
    """In place of a password: the link to the provider. ``submit`` refuses while it stands there."""
    here = request.path_qs if request.method == "GET" else urlsplit(request.referer or "").path
    link = confirm_link(request, own_path(here, "/staff"))
    return colander.SchemaNode(
        colander.String(),
        name="password",
        title=say("确认是您本人"),
        description=say("这一步办了就会记下来，所以先确认一次是您本人，再填下面的内容。"),
        widget=ConfirmLink(url=link.url, words=link.title),
    )


class ConfirmLink(deform.widget.Widget):
    """Draws a link, and reads what is no password."""

    template = "confirmlink"
    url: str
    words: Any  # a Text: the template says it in the page's language

    def serialize(self, field: Any, cstruct: Any, **kw: Any) -> str:
        return str(field.renderer(self.template, **self.get_template_values(field, cstruct, kw)))

    def deserialize(self, field: Any, pstruct: Any) -> str:
        return "-"


def submit(request: Any, form: Form, do: Callable[[dict[str, Any], str], Any]) -> tuple[Any, Refused | None]:
    """``(what do(data, token) gave, None)``, or ``(None, why not)`` with the form telling it;
    ``(None, None)`` where the form is only to be drawn again, as after a new login.

    Password and code are taken out of the data and checked first.
    """
    posted = parse_controls(request.POST.items())
    if form.redraw(posted):
        return None, None
    try:
        data = form.validate(posted)
        if "password" in data:
            confirm(request, data.pop("password"), data.pop("code", ""))
        return do(data, posted.idempotency), None
    except FormInvalid:
        return None, Refused("")
    except Refused as refusal:
        form.add_errors({**refusal.fields, "": refusal.message})
        return None, refusal


def place_of(request: Any) -> str:
    """Where a session begins, for its owner's eyes: device, program, network."""
    agent = str(request.user_agent or "")
    device = next((name for mark, name in _DEVICES if mark in agent), "")
    program = next((name for mark, name in _PROGRAMS if mark in agent), "")
    network = f"网络 {network_of(request.client_addr)}" if request.client_addr else ""
    return "，".join(filter(None, (device, program, network)))


_DEVICES = (
    ("HarmonyOS", "鸿蒙设备"), ("iPhone", "苹果手机"), ("iPad", "苹果平板"), ("Android", "安卓手机"),
    ("Windows", "Windows 电脑"), ("Macintosh", "苹果电脑"), ("Linux", "Linux 电脑"),
)  # fmt: skip
_PROGRAMS = (
    ("MicroMessenger", "微信"), ("DingTalk", "钉钉"), ("Edg", "Edge 浏览器"), ("Firefox", "火狐浏览器"),
    ("Chrome", "Chrome 浏览器"), ("Safari", "Safari 浏览器"),
)  # fmt: skip
