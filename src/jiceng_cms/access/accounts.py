"""Accounts: who may sign in, as a person; and the actions on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from persistent import Persistent

from ..core.actions import Context
from ..core.audit import audited
from ..core.errors import Forbidden, Invalid, NeedsReauthentication, NotFound, Refused
from ..core.events import register
from .onetime import LinkState, OneTimeLink, check
from .twofactor import SecondFactor

register("account.created", "开设账号", "Account created")
register("account.link_issued", "发出登录链接", "Sign-in link issued")
register("account.password_set", "设置密码", "Password set")
register("account.password_changed", "自己改密码", "Own password changed")
register("account.hash_upgraded", "密码改用新的存法", "Password hash upgraded")
register("account.disabled", "停用账号", "Account disabled")
register("account.enabled", "恢复账号", "Account opened again")
register("account.identity_linked", "关联统一身份", "Identity linked")
register("account.identity_unlinked", "解除统一身份", "Identity unlinked")
register("login.succeeded", "登录", "Signed in")
register("login.failed", "登录失败", "Failed sign-in")
register("login.ended", "退出登录", "Signed out")
register("login.revoked", "结束别处的登录", "Session ended from elsewhere")

#: Purpose of the links that set a password.
SET_PASSWORD = "set-password"  # noqa: S105 - a purpose, not a secret

_LOGIN = re.compile(r"[a-z][a-z0-9._-]{1,31}")


@audited("subject")
class Account(Persistent):
    """A login that belongs to a person. ``password`` is an argon2id hash or ""."""

    def __init__(self, login: str, person: str, created_at: datetime) -> None:
        self.subject = f"account:{login}"
        self.login = login
        self.person = person
        self.created_at = created_at
        self.password = ""
        self.password_at: datetime | None = None
        self.disabled = False
        self.link: OneTimeLink | None = None

    #: the phone; in the class for accounts that were stored before there was any
    two_factor: SecondFactor | None = None
    #: who this is to an OpenID Connect provider, and to which; a subject says nothing elsewhere
    oidc_subject = ""
    oidc_issuer = ""


def administers_accounts(ctx: Context) -> None:
    """Refuse unless system administration or the machine's operator acts."""
    if ctx.actor.role != "operator":
        ctx.require(None, ("system",), "管理账号")


def asks_fresh(ctx: Context) -> None:
    """Refuse a person who did not give the password just now (ENGINEERING S8)."""
    if ctx.actor.role != "operator" and not ctx.actor.fresh:
        raise NeedsReauthentication("这一步要再输一次密码，确认是您本人在办。")


def needs_reason(reason: str) -> str:
    """The reason without blanks around it; Invalid where there is none."""
    if not reason.strip():
        raise Invalid("请写明理由，以后查得到为什么。", fields={"reason": "请写明理由。"})
    return reason.strip()


@dataclass(frozen=True)
class CreateAccount:
    """Open an account for a person; ``link`` lets that person set a password once."""

    name: ClassVar[str] = "account.create"
    login: str
    person: str
    link: OneTimeLink | None = None
    password: str = ""
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers_accounts(ctx)
        asks_fresh(ctx)
        if _LOGIN.fullmatch(self.login) is None:
            raise Invalid(
                "登录名用小写字母开头，2 到 32 个小写字母、数字、点、横线。",
                fields={"login": "请换一个登录名。"},
            )
        if self.login in ctx.site.accounts:
            raise Refused(f"登录名 {self.login} 已经有人用了，请换一个。")
        if self.person not in ctx.site.persons:
            raise NotFound("这个人还没有登记，请先登记人员。")
        # a second account would let whoever opens it act as that person without the person's notice
        other = next((a.login for a in accounts_of(ctx.site, self.person) if not a.disabled), "")
        if other and ctx.actor.role != "operator":
            raise Refused(f"这个人已经有账号 {other} 了。忘了密码，请给那个账号发重设链接；要换登录名，请先停用旧的。")

    def execute(self, ctx: Context) -> str:
        account = Account(self.login, self.person, ctx.now)
        account.link, account.password = self.link, self.password
        account.password_at = ctx.now if self.password else None
        ctx.site.accounts[self.login] = account
        ctx.log("account.created", account.subject, ctx.site.history, "", {"person": self.person})
        return self.login


def held_account(ctx: Context, login: str) -> Account:
    """An account, held until the commit; NotFound."""
    account: Account | None = ctx.site.accounts.get(login)
    if account is None:
        raise NotFound("没有这个账号。")
    ctx.hold(account)
    return account


@dataclass(frozen=True)
class IssueLink:
    """Give an account a new one-time link; the former one is void."""

    name: ClassVar[str] = "account.link"
    login: str
    link: OneTimeLink
    reason: str
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers_accounts(ctx)
        asks_fresh(ctx)
        needs_reason(self.reason)
        if held_account(ctx, self.login).disabled:
            raise Refused("这个账号已经停用，请先恢复。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.link = self.link
        details = {"comment": self.reason.strip()}
        ctx.log("account.link_issued", account.subject, ctx.site.history, "", details)
        return self.login


@dataclass(frozen=True)
class SetPassword:
    """Set a password by a one-time link (``link_token``); the link is used up."""

    name: ClassVar[str] = "account.password"
    login: str
    link_token: str
    password: str
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        account = ctx.site.accounts.get(self.login)
        state = check(account.link if account else None, SET_PASSWORD, self.link_token, ctx.now)
        if state is not LinkState.GOOD:
            raise Refused(state.value)

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.link = None
        account.password, account.password_at = self.password, ctx.now
        ctx.log("account.password_set", account.subject, ctx.site.history, "", {})
        return self.login


@dataclass(frozen=True)
class ChangePassword:
    """Change one's own password; the old one was given just now (``actor.fresh``)."""

    name: ClassVar[str] = "account.change_password"
    login: str
    password: str
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        own_account(ctx, self.login)
        asks_fresh(ctx)

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.password, account.password_at = self.password, ctx.now
        account.link = None
        ctx.log("account.password_changed", account.subject, ctx.site.history, "", {})
        return self.login


@dataclass(frozen=True)
class UpgradeHash:
    """Keep the same password under today's costs; ``before`` is the hash that was looked at."""

    name: ClassVar[str] = "account.upgrade_hash"
    login: str
    before: str
    password: str
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        own_account(ctx, self.login)

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        if account.password == self.before:
            account.password = self.password
            ctx.log("account.hash_upgraded", account.subject, ctx.site.history, "", {})
        return self.login


@dataclass(frozen=True)
class DisableAccount:
    """Close an account: access ends at once, what was done stays under the name."""

    name: ClassVar[str] = "account.disable"
    login: str
    reason: str
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers_accounts(ctx)
        asks_fresh(ctx)
        needs_reason(self.reason)
        account = held_account(ctx, self.login)
        if account.person == ctx.actor.person:
            raise Forbidden("不能停用自己的账号，请由另一位管理员办理。")
        if account.disabled:
            raise Refused("这个账号已经停用了。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.disabled = True
        account.password, account.link = "", None
        account.two_factor = None
        account.oidc_subject = account.oidc_issuer = ""
        details = {"comment": self.reason.strip()}
        ctx.log("account.disabled", account.subject, ctx.site.history, "", details)
        return self.login


@dataclass(frozen=True)
class EnableAccount:
    """Open a closed account again; its person sets a new password by the link."""

    name: ClassVar[str] = "account.enable"
    login: str
    link: OneTimeLink
    reason: str
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers_accounts(ctx)
        asks_fresh(ctx)
        needs_reason(self.reason)
        if not held_account(ctx, self.login).disabled:
            raise Refused("这个账号没有停用。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.disabled, account.link = False, self.link
        details = {"comment": self.reason.strip()}
        ctx.log("account.enabled", account.subject, ctx.site.history, "", details)
        return self.login


@dataclass(frozen=True)
class LinkIdentity:
    """Say who an account's person is to a provider; an empty ``subject`` takes the link away.

    ``issuer`` is the provider's. The subject stands in no event: it may be an identity number.
    """

    name: ClassVar[str] = "account.link_identity"
    login: str
    issuer: str
    subject: str
    reason: str
    token: str = ""

    @property
    def lock(self) -> str:
        return "site"

    def check(self, ctx: Context) -> None:
        administers_accounts(ctx)
        asks_fresh(ctx)
        needs_reason(self.reason)
        account = held_account(ctx, self.login)
        if account.disabled:
            raise Refused("这个账号已经停用，请先恢复。")
        if not self.subject:
            if not account.oidc_subject:
                raise Refused("这个账号没有关联统一身份，不用解除。")
            return
        if len(self.subject) > 255 or not self.subject.isprintable():
            raise Invalid("身份编号不能超过 255 个字。", fields={"subject": "请核对身份编号。"})
        other = account_by_identity(ctx.site, self.issuer, self.subject)
        if other is not None and other.login != self.login:
            raise Refused(f"这个身份已经关联了账号 {other.login}，一个身份只能关联一个账号。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.oidc_subject = self.subject
        account.oidc_issuer = self.issuer if self.subject else ""
        kind = "account.identity_linked" if self.subject else "account.identity_unlinked"
        ctx.log(kind, account.subject, ctx.site.history, "", {"comment": self.reason.strip()})
        return self.login


@dataclass(frozen=True)
class NoteLogin:
    """Journal a sign-in, a failure of a known account, a sign-out, a session ended elsewhere."""

    name: ClassVar[str] = "login.note"
    kind: str
    login: str
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        held_account(ctx, self.login)

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        ctx.log(self.kind, account.subject, ctx.site.history, "", {})
        return self.login


def own_account(ctx: Context, login: str) -> Account:
    """The actor's own open account, held; Forbidden for anybody else's."""
    account = held_account(ctx, login)
    if account.person != ctx.actor.person or account.disabled:
        raise Forbidden("这是别人的账号，只有本人能办这一步。")
    return account


def accounts_of(site: Any, person: str) -> tuple[Account, ...]:
    """The accounts of a person, closed ones too."""
    return tuple(account for account in site.accounts.values() if account.person == person)


def account_by_identity(site: Any, issuer: str, subject: str) -> Account | None:
    """The account that this person of this provider was linked to, a closed one too, or None."""
    found = (a for a in site.accounts.values() if a.oidc_subject == subject and a.oidc_issuer == issuer)
    return next(found, None) if subject else None


def account_of(site: Any, login: str) -> Account | None:
    """The account behind a login that is not disabled, or None."""
    account: Account | None = site.accounts.get(login)
    return account if account is not None and not account.disabled else None
