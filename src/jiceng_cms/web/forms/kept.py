"""Keeps a posted form through a login, and gives it back to be looked at, never saved by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from jiceng_cms.web.forms.controls import DEFAULT_LIMITS, BadForm, Limits, parse_controls

#: What must not travel through another page: tokens of the old session, secrets.
_LEFT_OUT: Final = frozenset({"csrf_token", "idempotency", "button", "password", "password2"})
_MOST: Final = 4_000_000


def pack(items: Iterable[tuple[str, object]]) -> str:
    """The texts of a posted form in one text, in order; files, tokens and passwords left out."""
    pairs = [
        [name, value]
        for name, value in items
        if isinstance(value, str) and name not in _LEFT_OUT
    ]
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def unpack(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[tuple[str, str], ...]:
    """The pairs of :func:`pack`. Raises BadForm for anything else: it came from a browser."""
    broken = BadForm("您刚才填的内容没有完整送到。请返回上一页再登录一次，内容还在那里。")
    if len(text) > _MOST:
        raise broken
    try:
        pairs = json.loads(text)
    except (ValueError, RecursionError):
        raise broken from None
    if not isinstance(pairs, list):
        raise broken
    checked: list[tuple[str, str]] = []
    for pair in pairs:
        match pair:
            case [str(name), str(value)] if name not in _LEFT_OUT:
                checked.append((name, value))
            case _:
                raise broken
    parse_controls(checked, limits)  # refuses what could not be posted either
    return tuple(checked)
