"""Which state of a record a program has seen: ETags, ``If-Match`` and ``Idempotency-Key``."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from ..core.actions import Action, Context
from ..core.commitments import b64
from ..core.errors import Stale
from ..core.records import Record
from .problems import Problem

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,200})"?')


def etag_key(secret: bytes) -> bytes:
    """The key of this site's ETags."""
    return hashlib.sha256(b"jiceng etag\0" + secret).digest()


def _tag(request: Any, *parts: object) -> str:
    """Opaque and keyed: nothing can be recomputed from a text that somebody guesses."""
    text = "\0".join(str(part) for part in parts).encode()
    return b64(hmac.new(request.registry.etag_key, text, hashlib.sha256).digest()[:18])


def last_event(record: Record) -> int:
    """The number of the record's last event: everything that changes a record is one."""
    return int(record.history.maxKey()) if record.history else -1


def work_tag(request: Any, record: Record) -> str:
    """The record as those see it who work on it; the same for each of them."""
    return _tag(request, "work", record.key, last_event(record))


def public_tag(request: Any, record: Record, log_index: int | None) -> str:
    """The record as everyone sees it: it must not tell that something is being drafted."""
    edition = record.edition()
    return _tag(request, "public", record.key, edition.commitment if edition else "", record.standing, log_index)


def require_match(request: Any, tag: str) -> None:
    """428 without ``If-Match``, 412 where it names another state.

    A tag that a proxy made weak while compressing is taken: it names a state, not bytes.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given or given == "*":
        raise Problem("precondition_required", "请先读取这份材料，把回答里的 ETag 写进请求头 If-Match，再办理。")
    if tag not in _TAG.findall(given):
        raise Problem("stale", "内容已经变了：有人在您读取之后办理过。请重新读取，看过以后再办。")


@dataclass(frozen=True)
class Unchanged:
    """An action that is done only while the record's last event is ``seen``, in one transaction."""

    name: ClassVar[str] = "api.unchanged"
    action: Action
    section: str
    record: str
    seen: int

    @property
    def lock(self) -> str:
        return self.action.lock

    @property
    def token(self) -> str:
        return self.action.token

    def check(self, ctx: Context) -> None:
        record = ctx.record(ctx.unit(self.action.lock), self.section, self.record)
        if last_event(record) != self.seen:
            raise Stale("内容已经变了，请重新读取。", {}, "")
        self.action.check(ctx)

    def execute(self, ctx: Context) -> str:
        return self.action.execute(ctx)


def action_token(request: Any, unit: str) -> str:
    """The action's token for the ``Idempotency-Key`` of the request, or "".

    It is bound to the person, the address and the content: another content under the same key
    is refused, and nobody can hit upon somebody else's.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    match = _KEY.fullmatch(given.strip())
    if match is None:
        raise Problem("bad_request", "请求头 Idempotency-Key 要是 1 到 200 个字母、数字或符号，中间没有空格。")
    who = request.account.person
    key = "api-" + _tag(request, "key", who, request.path, match.group(1))
    token = f"{key}.{_tag(request, 'body', request.environ.get('jiceng.body', ''))}"
    done = request.site.units[unit].requests
    for other in done.keys(key, key + "\uffff"):
        if other != token:
            raise Problem("idempotency_key_reused", "这个幂等键已经用在另一个内容上了。换了内容，请也换一个键。")
    return token


def done_before(request: Any, unit: str, token: str) -> str | None:
    """What the action with this token gave when it was done; then it is answered again, whatever
    the record has become since."""
    done = request.site.units[unit].requests.get(token) if token else None
    return str(done[1]) if done is not None else None
