"""The addresses of our own pages, as paths."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote, urlencode


def unit_url(code: str) -> str:
    """A unit's page."""
    return f"/u/{code}/"


def section_url(code: str, section: str, /, **query: str | int) -> str:
    """A unit's list of records of one type, narrowed by ``query``."""
    return with_query(f"/u/{code}/{section}/", **query)


def record_url(code: str, section: str, record: str, *tail: str) -> str:
    """A record's page, or what lies below it."""
    return "/".join(["", "u", code, section, record, *[_quoted(part) for part in tail]])


@lru_cache(maxsize=4096)
def _quoted(part: str) -> str:
    return quote(part, safe="")


@lru_cache(maxsize=4096, typed=True)
def with_query(path: str, /, **query: str | int) -> str:
    """``path`` with the values that are not empty."""
    pairs = {name: value for name, value in query.items() if value not in ("", 0)}
    return f"{path}?{urlencode(pairs)}" if pairs else path


def own_path(text: str, otherwise: str = "/") -> str:
    """``text`` where it is a path of our own to which a redirect may lead, else ``otherwise``."""
    if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text:
        return text
    return otherwise
