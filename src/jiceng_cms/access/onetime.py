"""Links that work once: for the first administrator, and for a forgotten password.

Only a hash of the token is kept, with what it is for and until when. The page behind the link
asks before it does anything: chat programs fetch every link that is sent through them, and a GET
must not use it up.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from .sessions import TOKEN, RandomBytes, random_token


class LinkState(Enum):
    """What became of a link; each value is the sentence for the person who opened it."""

    GOOD = ""
    EXPIRED = "这个链接已经过期了，请找系统管理员重新要一个。"
    #: also for a link that was used: its record is gone, and nobody can tell the difference
    UNKNOWN = "这个链接已经用过了，或者没有复制完整。请从头到尾复制一遍再打开，还不行就重新要一个。"


@dataclass(frozen=True)
class OneTimeLink:
    """What the caller keeps of a link, and deletes in the transaction that uses it."""

    #: SHA-256 over purpose and token, 32 bytes
    digest: bytes
    purpose: str
    #: aware UTC
    expires: datetime


def issue(
    purpose: str,
    now: datetime,
    lifetime: timedelta,
    random: RandomBytes = secrets.token_bytes,
) -> tuple[str, OneTimeLink]:
    """A new token of 43 characters for the address, and what is to be kept of it.

    `purpose` is a fixed word of the caller's, like `first-administrator`: a token for one purpose
    does not open another. Raises ValueError for a lifetime that is not positive.
    """
    if lifetime <= timedelta(0):
        raise ValueError("a link needs time to be used")
    token = random_token(random)
    return token, OneTimeLink(digest(purpose, token), purpose, now + lifetime)


def digest(purpose: str, token: str) -> bytes:
    """What a token is kept and looked up by: 32 bytes."""
    return hashlib.sha256(f"jiceng link\0{purpose}\0{token}".encode("utf-8", "replace")).digest()


def check(link: OneTimeLink | None, purpose: str, token: str, now: datetime) -> LinkState:
    """What `token` is worth at `now` against what was kept; `link` is None when nothing was."""
    if link is None or not TOKEN.fullmatch(token):
        return LinkState.UNKNOWN
    if not hmac.compare_digest(link.digest, digest(purpose, token)):
        return LinkState.UNKNOWN
    return LinkState.GOOD if now < link.expires else LinkState.EXPIRED
