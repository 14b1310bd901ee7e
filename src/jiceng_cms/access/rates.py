"""How often a password may be tried: per account, per network, and per account from one network.

Counted before the password is looked at and given back when it was right, so that a hundred tries
at the same instant count as a hundred. Logins that don't exist are counted like those that do.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .localdb import LocalDatabase, to_number

#: What a failed login says, whatever was wrong: it must not tell which logins exist.
LOGIN_FAILED = (
    "用户名或密码不对。请检查输入法和大小写；忘记了密码，请找本单位的系统管理员要一个重设链接。"
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rate (key TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rate_until ON rate (until);
"""


@dataclass(frozen=True)
class Limit:
    """At most `tries` at once; afterwards one more each `per / tries`."""

    tries: int
    per: timedelta

    @property
    def gap(self) -> timedelta:
        """The time after which one more try is open."""
        return self.per / self.tries


@dataclass(frozen=True)
class LoginLimits:
    """The numbers.

    The pair is the narrowest: someone who tries from one place spends that place's share of an
    account and can't lock its owner out elsewhere. The network's is wide, since a whole village
    may stand behind one address of a telephone company.
    """

    pair: Limit = Limit(5, timedelta(minutes=15))
    account: Limit = Limit(20, timedelta(hours=1))
    network: Limit = Limit(100, timedelta(minutes=15))

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> LoginLimits:
        """Read `access.rate.pair`, `.account` and `.network`, each like `5 per 15 minutes`.

        Raises ValueError that names the setting when one reads otherwise.
        """

        def limit(name: str, default: Limit) -> Limit:
            text = settings.get(name)
            if text is None:
                return default
            match str(text).split():
                case [tries, "per", minutes, "minutes"] if (
                    tries.isdecimal()
                    and minutes.isdecimal()
                    and 1 <= int(tries) <= 100_000
                    and 1 <= int(minutes) <= 24 * 60
                ):
                    return Limit(int(tries), timedelta(minutes=int(minutes)))
            raise ValueError(f"{name} = {text}: expected like 5 per 15 minutes")

        return cls(
            pair=limit("access.rate.pair", cls.pair),
            account=limit("access.rate.account", cls.account),
            network=limit("access.rate.network", cls.network),
        )


@dataclass(frozen=True)
class Attempt:
    """Whether a try is open, and if not, when the next one is."""

    open: bool
    retry_after: timedelta = timedelta(0)

    @property
    def message(self) -> str:
        """What to tell the person; empty when the try is open."""
        if self.open:
            return ""
        minutes = max(1, math.ceil(self.retry_after / timedelta(minutes=1)))
        return (
            f"试的次数太多，为了账号安全先停一停，请过 {minutes} 分钟再登录。"
            "忘记了密码，请找本单位的系统管理员要一个重设链接。"
        )


def network_of(address: str | None) -> str:
    """The network that an address counts for: /24 of IPv4, /64 of IPv6.

    Whatever is no address shares one name, `unknown`, and so one counter.
    """
    try:
        parsed = ipaddress.ip_address((address or "").strip().partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 24), strict=False))


class LoginRates:
    """Counts tries to log in, in one SQLite file; safe from any thread and any process.

    Each counter is one number: the moment until which it is used up, moved on by one gap for each
    try (the generic cell rate algorithm). Counters that have run out are deleted on the way.
    `secret` hides the logins and addresses in the file.
    """

    def __init__(self, path: Path, secret: bytes, limits: LoginLimits | None = None) -> None:
        if len(secret) < 32:
            raise ValueError("the secret for counting tries is shorter than 32 bytes")
        self.limits = limits or LoginLimits()
        self._secret = hashlib.sha256(b"jiceng rates\0" + secret).digest()
        self._db = LocalDatabase(path, _SCHEMA)

    def attempt(self, login: str, address: str | None, now: datetime) -> Attempt:
        """Take one try of `login` from `address`, unless one of its limits is used up.

        A try that is refused takes nothing, so waiting for `retry_after` always helps.
        """
        moment = to_number(now)
        with self._db.writing() as db:
            db.execute("DELETE FROM rate WHERE until <= ?", (moment,))
            moved: list[tuple[str, int]] = []
            wait = 0
            for key, limit in self._counters(login, address):
                row = db.execute("SELECT until FROM rate WHERE key = ?", (key,)).fetchone()
                gap, per = _number(limit.gap), _number(limit.per)
                # a clock that was set back must not shut anyone out for longer than `per`
                used = min(max(row[0] if row else moment, moment), moment + per)
                wait = max(wait, used + gap - per - moment)
                moved.append((key, used + gap))
            if wait > 0:
                return Attempt(False, timedelta(microseconds=wait))
            db.executemany("INSERT OR REPLACE INTO rate (key, until) VALUES (?, ?)", moved)
        return Attempt(True)

    def succeeded(self, login: str, address: str | None) -> None:
        """The password was right: the try is given back, and the pair begins anew."""
        pair, *others = self._counters(login, address)
        with self._db.writing() as db:
            db.execute("DELETE FROM rate WHERE key = ?", (pair[0],))
            for key, limit in others:
                db.execute(
                    "UPDATE rate SET until = until - ? WHERE key = ?", (_number(limit.gap), key)
                )

    def _counters(self, login: str, address: str | None) -> tuple[tuple[str, Limit], ...]:
        name = unicodedata.normalize("NFKC", login).strip().casefold()
        network = network_of(address)
        return (
            (self._key("pair", name, network), self.limits.pair),
            (self._key("account", name), self.limits.account),
            (self._key("network", network), self.limits.network),
        )

    def _key(self, *parts: str) -> str:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._secret, digest_size=20).hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _number(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
