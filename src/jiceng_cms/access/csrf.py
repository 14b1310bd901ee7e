"""The token in every form that changes something.

Within a session it is the session's own. The login form comes before any session: there a signed
cookie and a field of the form belong together (double submit), and neither can be made without
the site's secret.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from .sessions import RandomBytes, Session, random_token

#: the form's field and, for scripts, the request header
FIELD, HEADER = "csrf_token", "X-CSRF-Token"

#: for a form whose token is missing or wrong, within a session
STALE_FORM = (
    "这张表单已经失效，可能是在别的窗口重新登录过。内容还没有提交，"
    "请刷新页面，核对填写的内容后再提交。"
)
#: for a login form that stood open too long
STALE_LOGIN = "登录页面打开得太久了，请重新输入用户名和密码。"


def same(one: str | None, other: str | None) -> bool:
    """Whether two tokens are equal, in a time that does not tell where they differ."""
    if not one or not other:
        return False
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def session_token_ok(session: Session | None, given: str | None) -> bool:
    """Whether a form of this session carried the session's token."""
    return session is not None and same(session.csrf, given)


@dataclass(frozen=True)
class LoginPair:
    """What the login page sends: a cookie, and the field that goes with it and no other."""

    cookie: str
    field: str


class LoginTokens:
    """Makes and checks the pairs of the login form; keeps nothing on the server.

    `secret` is at least 32 bytes and known to the site alone (ValueError otherwise).
    """

    def __init__(
        self,
        secret: bytes,
        lifetime: timedelta = timedelta(hours=2),
        random: RandomBytes = secrets.token_bytes,
    ) -> None:
        if len(secret) < 32:
            raise ValueError("the secret for login forms is shorter than 32 bytes")
        # a key of its own for each purpose: a cookie can't be passed off as a field
        self._cookie_key = _derive(secret, b"jiceng login cookie")
        self._field_key = _derive(secret, b"jiceng login field")
        self._lifetime = lifetime
        self._random = random

    def issue(self, now: datetime, cookie: str | None = None) -> LoginPair:
        """A pair for a login page that is shown at `now`.

        A cookie that the browser still holds is kept while it is good for half its time, so that
        the login page in another tab stays usable.
        """
        if cookie is None or not self._alive(cookie, now + self._lifetime / 2):
            body = f"{random_token(self._random)}.{int(now.timestamp())}"
            cookie = f"{body}.{_mac(self._cookie_key, body)}"
        return LoginPair(cookie, _mac(self._field_key, cookie))

    def ok(self, cookie: str | None, field: str | None, now: datetime) -> bool:
        """Whether cookie and field are a pair of ours that is not too old at `now`."""
        if not cookie or not field or not self._alive(cookie, now):
            return False
        return same(_mac(self._field_key, cookie), field)

    def _alive(self, cookie: str, now: datetime) -> bool:
        body, _, mac = cookie.rpartition(".")
        if not same(_mac(self._cookie_key, body), mac):
            return False
        # signed by us, so it has our form; a minute's slack for a clock that is set back
        age = now.timestamp() - int(body.rpartition(".")[2])
        return -60 <= age < self._lifetime.total_seconds()


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose, hashlib.sha256)


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
