"""The site's secrets: required, long, distinct and no example, or the server does not start."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping

#: shortest secret taken, in characters
MIN_LENGTH = 32
#: a random one of that length has more different characters than this in all but freak cases
MIN_DIFFERENT = 10

_EXAMPLE = re.compile(
    r"change.?me|example|secret|password|replace|your|default|sample|insert|xxxx|todo|示例|请修改|密钥",
    re.IGNORECASE,
)


class BadSecret(Exception):
    """A secret is missing or not fit for use; says which setting and how to make a good one."""


def new_secret() -> str:
    """A good secret: 64 characters of 0-9 and a-f."""
    return secrets.token_hex(32)


def require_secrets(settings: Mapping[str, str], names: Iterable[str]) -> dict[str, bytes]:
    """The secrets of these names as bytes; raises BadSecret for the first that is not fit."""
    found: dict[str, bytes] = {}
    for name in names:
        value = str(settings.get(name, "")).strip()
        fault = _fault(value)
        if fault is None and value.encode() in found.values():
            fault = "is the same as another secret"
        if fault is not None:
            raise BadSecret(
                f"{name} {fault}. Put a new one there, made by: "
                "python3 -c 'import secrets; print(secrets.token_hex(32))'"
            )
        found[name] = value.encode()
    return found


def _fault(value: str) -> str | None:
    if not value:
        return "is missing"
    if _EXAMPLE.search(value):
        return "looks like an example"
    if len(value) < MIN_LENGTH:
        return f"has {len(value)} characters and needs {MIN_LENGTH}"
    if len(set(value)) < MIN_DIFFERENT:
        return "repeats a few characters"
    return None
