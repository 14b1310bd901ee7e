"""Actions on the second factor: confirm a phone, spend and renew recovery codes, reset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..core.actions import Context
from ..core.errors import Forbidden, Refused
from ..core.events import register
from .accounts import administers_accounts, asks_fresh, held_account, needs_reason, own_account
from .twofactor import SecondFactor

register("two_factor.enrolled", "绑定手机验证码", "Second factor set up")
register("two_factor.recovery_used", "用掉一个备用码", "Recovery code used")
register("two_factor.recovery_renewed", "换一组备用码", "Recovery codes renewed")
register("two_factor.reset", "解除手机验证码", "Second factor reset")
register("two_factor.failed", "验证码不对", "Wrong second factor")


@dataclass(frozen=True)
class EnrolTwoFactor:
    """Keep the secret of one's own phone; its first code was right. Never in an event."""

    name: ClassVar[str] = "two_factor.enrol"
    login: str
    sealed: bytes
    recovery: tuple[bytes, ...]
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        account = own_account(ctx, self.login)
        asks_fresh(ctx)
        if account.two_factor is not None:
            raise Refused("这个账号已经绑定了手机。换手机请先找系统管理员解除。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.two_factor = SecondFactor(self.sealed, self.recovery, ctx.now)
        ctx.log("two_factor.enrolled", account.subject, ctx.site.history, "", {})
        return self.login


@dataclass(frozen=True)
class SpendRecoveryCode:
    """Use one recovery code up, in place of a code from the phone."""

    name: ClassVar[str] = "two_factor.spend"
    login: str
    code: bytes
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        account = own_account(ctx, self.login)
        if account.two_factor is None or self.code not in account.two_factor.recovery:
            raise Refused("这个备用码不对，或者已经用过了。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        assert account.two_factor is not None, "checked"
        left = tuple(code for code in account.two_factor.recovery if code != self.code)
        account.two_factor = replace(account.two_factor, recovery=left)
        details = {"left": len(left)}
        ctx.log("two_factor.recovery_used", account.subject, ctx.site.history, "", details)
        return self.login


@dataclass(frozen=True)
class RenewRecoveryCodes:
    """New recovery codes in place of all former ones."""

    name: ClassVar[str] = "two_factor.renew"
    login: str
    recovery: tuple[bytes, ...]
    token: str = ""

    @property
    def lock(self) -> str:
        return f"account:{self.login}"

    def check(self, ctx: Context) -> None:
        account = own_account(ctx, self.login)
        asks_fresh(ctx)
        if account.two_factor is None:
            raise Refused("这个账号还没有绑定手机，请先绑定。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        assert account.two_factor is not None, "checked"
        account.two_factor = replace(account.two_factor, recovery=self.recovery)
        ctx.log("two_factor.recovery_renewed", account.subject, ctx.site.history, "", {})
        return self.login


@dataclass(frozen=True)
class ResetTwoFactor:
    """Forget a lost phone, by the system administration and with a reason."""

    name: ClassVar[str] = "two_factor.reset"
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
            raise Forbidden("不能给自己解除手机验证码，请由另一位系统管理员办理。")
        if account.two_factor is None:
            raise Refused("这个账号没有绑定手机，不用解除。")

    def execute(self, ctx: Context) -> str:
        account = held_account(ctx, self.login)
        account.two_factor = None
        details = {"comment": self.reason.strip()}
        ctx.log("two_factor.reset", account.subject, ctx.site.history, "", details)
        return self.login
