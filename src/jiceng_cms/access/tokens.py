"""Tokens with which programs act for an account: scoped, expiring, kept as a hash only."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from persistent import Persistent

from ..core.actions import Context
from ..core.audit import audited
from ..core.errors import Forbidden, Invalid, NeedsReauthentication, NotFound
from ..core.events import register
from ..core.ids import new_id
from ..core.permissions import ROLES
from ..core.site import Folder, Site
from ..core.text import TextRefused, clean_line
from ..core.workflow.definition import Definition, Transition
from .accounts import Account, account_of

register("token.created", "开出接口令牌", "API token created")
register("token.revoked", "作废接口令牌", "API token revoked")

#: scope -> what it opens, in the words of the page on which a token is made
SCOPES: dict[str, tuple[str, str]] = {
    "read": ("查看这个身份能看到的材料", "Read what the role may see"),
    "draft": ("起草、修改、放附件", "Write drafts and attach files"),
    "submit": ("提交、退回、更正、作废、答复", "Submit, return, correct, discard, answer"),
    "signoff": ("提监督意见、回避、核对附件", "Give verdicts, recuse, clear files"),
    "publish": ("公布、撤回等最后一步", "Publish, withdraw and other last steps"),
}

#: A token lives at most so long, and so long where nothing is said.
LONGEST_LIFE = timedelta(days=366)
USUAL_LIFE = timedelta(days=90)

#: Tokens of one account that are neither over nor revoked, where a person makes them.
MOST_TOKENS = 20

#: Roles in which verdicts are given (see :class:`jiceng_cms.core.signing.GiveVerdict`).
_SIGNERS = frozenset({"supervisor", "member", "approver", "approver_party"})
#: Roles in which a named stand-in approves.
_STAND_INS = frozenset({"member", "subdistrict", "approver", "approver_party"})

_TEXT = re.compile(r"jct_([2-9a-hjkmnp-z]{10})_([A-Za-z0-9_-]{43})")


@audited("subject")
class Token(Persistent):
    """A token of an account; ``digest`` is SHA-256 over the secret part, which nobody keeps."""

    def __init__(
        self,
        id: str,
        login: str,
        role: str,
        scopes: tuple[str, ...],
        digest: bytes,
        title: str,
        created_at: datetime,
        expires_at: datetime,
        created_by: str,
    ) -> None:
        self.subject = f"token:{id}"
        self.id = id
        self.login = login
        self.role = role
        self.scopes = scopes
        self.digest = digest
        self.title = title
        self.created_at = created_at
        self.expires_at = expires_at
        self.created_by = created_by
        self.revoked_at: datetime | None = None

    def good(self, now: datetime) -> bool:
        """Whether it is neither revoked nor over."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class NewToken:
    """A token that was just made: ``text`` is told once, ``digest`` is kept."""

    id: str
    text: str
    digest: bytes


def new_token() -> NewToken:
    """A random token of 256 bits; no search through hashes finds it."""
    id, secret = new_id(10), secrets.token_urlsafe(32)
    return NewToken(id, f"jct_{id}_{secret}", _digest(secret))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(b"jiceng token\0" + secret.encode("ascii")).digest()


def tokens_of(site: Site) -> Mapping[str, Token]:
    """id -> Token; the folder comes into being with the first token."""
    found: Mapping[str, Token] = getattr(site, "tokens", None) or {}
    return found


def tokens_of_account(site: Site, login: str) -> list[Token]:
    """Every token of an account, newest first."""
    mine = [token for token in tokens_of(site).values() if token.login == login]
    return sorted(mine, key=lambda token: token.created_at, reverse=True)


def find_token(site: Site, text: str, now: datetime) -> tuple[Token, Account] | None:
    """The good token behind ``text`` and the account that it acts for, or None.

    None too where the account was disabled. The work is the same whether the id exists or not.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    token = tokens_of(site).get(match.group(1))
    same = hmac.compare_digest(token.digest if token is not None else b"\0" * 32, _digest(match.group(2)))
    if token is None or not same or not token.good(now):
        return None
    account = account_of(site, token.login)
    return (token, account) if account is not None else None


def scope_of(transition: Transition) -> str:
    """The scope that a transition asks for: what is done last, and with the password again, is
    ``publish``; every other step is ``submit``."""
    return "publish" if transition.approves or transition.reauthenticate else "submit"


def scopes_of_role(definitions: Mapping[str, Definition], role: str) -> tuple[str, ...]:
    """The scopes with which a token of ``role`` could do anything at all."""
    found = {"read"}
    for definition in definitions.values():
        for state in definition.states.values():
            if role in state.allow.get("edit", ()):
                found.add("draft")
            if role in state.allow.get("clear_attachments", ()) or role in state.allow.get("record_paper", ()):
                found.add("signoff")
        for transition in definition.transitions.values():
            if role in transition.by:
                found.add(scope_of(transition))
            if transition.approves and role in _STAND_INS:
                found.add("publish")
    if role in _SIGNERS:
        found.add("signoff")
    return tuple(scope for scope in SCOPES if scope in found)


@dataclass(frozen=True)
class CreateToken:
    """Keep a new token of an account, acting in ``role``.

    The account's own person does it, or the operator of the machine. The scope ``publish`` asks
    of a person that the password, and the second factor, were given just now: the token will
    stand for them.
    """

    name: ClassVar[str] = "token.create"
    login: str
    role: str
    scopes: tuple[str, ...]
    id: str
    digest: bytes
    title: str = ""
    days: int = USUAL_LIFE.days
    second_factor: bool = False
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        account = account_of(ctx.site, self.login)
        own = account is not None and account.person == ctx.actor.person
        if not own and ctx.actor.role != "operator":
            raise Forbidden("令牌只能由本人开出，或者由运维人员在服务器上开出。")
        if account is None:
            raise NotFound("没有这个账号，或者账号已经停用。")
        ctx.hold(account)
        self._check_role(ctx, account)
        self._check_scopes(ctx)
        if not 1 <= self.days <= LONGEST_LIFE.days:
            raise Invalid("有效期要在 1 天到 366 天之间。", fields={"days": "请填 1 到 366。"})
        try:
            clean_line(self.title, "用途", limit=60) if self.title else ""
        except TextRefused as error:
            raise Invalid(error.message, fields={"title": error.message}) from error
        held = sum(t.good(ctx.now) for t in tokens_of_account(ctx.site, self.login))
        if ctx.actor.role != "operator" and held >= MOST_TOKENS:
            raise Invalid(f"一个账号最多同时有 {MOST_TOKENS} 个令牌，请先作废不用的。")

    def _check_role(self, ctx: Context, account: Account) -> None:
        grants = ctx.site.grants.get(account.person, ())
        for unit, role in grants:
            place = ctx.site.units.get(unit) if unit != "site" else None
            roles = place.roles if place is not None else ctx.site.roles
            ctx.hold(roles)
            if role == self.role and role in roles.of(account.person, ctx.now):
                return
        title = ROLES[self.role].zh_CN if self.role in ROLES else self.role
        raise Invalid(f"这个账号现在没有“{title}”这个身份。", fields={"role": "请选这个账号现在有的身份。"})

    def _check_scopes(self, ctx: Context) -> None:
        unknown = [scope for scope in self.scopes if scope not in SCOPES]
        if unknown or not self.scopes:
            raise Invalid("请至少选一项权限。可选的有：" + "、".join(SCOPES) + "。", fields={"scopes": "请重新选择。"})
        open_to_role = scopes_of_role(ctx.domain.definitions, self.role)
        beyond = [scope for scope in self.scopes if scope not in open_to_role]
        if beyond:
            raise Invalid(
                f"{ROLES[self.role].zh_CN}用不上这些权限：{'、'.join(beyond)}。可以选：{'、'.join(open_to_role)}。",
                fields={"scopes": "请去掉用不上的权限。"},
            )
        if "publish" in self.scopes and ctx.actor.role != "operator" and not (ctx.actor.fresh and self.second_factor):
            raise NeedsReauthentication("能公布、撤回的令牌，要绑定手机验证码，刚输过密码和验证码才能开出。没有绑定的，请先到“我的账号”里绑定。")

    def execute(self, ctx: Context) -> str:
        if getattr(ctx.site, "tokens", None) is None:
            ctx.site.tokens = Folder()
            ctx.journal.covers(ctx.site.subject)
        scopes = tuple(scope for scope in SCOPES if scope in self.scopes)
        expires = ctx.now + timedelta(days=self.days)
        made = Token(
            self.id, self.login, self.role, scopes, self.digest, self.title.strip(), ctx.now, expires, ctx.actor.person
        )
        ctx.site.tokens[self.id] = made
        details = {"login": self.login, "role": self.role, "scopes": list(scopes), "days": self.days}
        ctx.log("token.created", made.subject, ctx.site.history, "", details)
        return self.id


@dataclass(frozen=True)
class RevokeToken:
    """End a token at once: by its own person, by security administration, or by the operator."""

    name: ClassVar[str] = "token.revoke"
    login: str
    id: str
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        found = tokens_of(ctx.site).get(self.id)
        account: Account | None = ctx.site.accounts.get(self.login)
        if account is None or found is None or found.login != self.login:
            raise NotFound("没有这个令牌，可能已经作废。请刷新页面。")
        ctx.hold(found)
        if ctx.actor.role != "operator" and account.person != ctx.actor.person:
            ctx.require(None, ("security", "system"), "作废别人的令牌")

    def execute(self, ctx: Context) -> str:
        found = tokens_of(ctx.site)[self.id]
        if found.revoked_at is None:
            found.revoked_at = ctx.now
            ctx.log("token.revoked", found.subject, ctx.site.history, "", {"login": self.login})
        return self.id
