"""Refuses requests that change something and come from a page that is not ours.

Runs before authentication, so that a foreign page can neither use a login nor make one. It looks
at what only the browser can set: `Origin`, `Sec-Fetch-Site`, and `Referer` for old browsers.

The pages' own `Referrer-Policy` must not be `no-referrer`: browsers then send `Origin: null` with
our own forms. `same-origin` is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPForbidden

#: Methods that never change anything (RFC 9110, 9.2.1) and so need no proof of origin.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: A key of the environment (no header can set it): the request's cookies were taken away before
#: anyone looked at them, so there is nothing that a foreign page could make use of.
COOKIELESS = "jiceng.cookieless"

_PORTS = {"http": 80, "https": 443}

MESSAGE = (
    "这次提交不是从本网站的页面发出的，为了安全没有办理，也没有改动任何内容。"
    "请回到本网站，刷新页面后再提交一次。"
)


class ForeignOrigin(HTTPForbidden):
    """A request that would change something does not come from a page of this site (403)."""

    def __init__(self, reason: str) -> None:
        super().__init__(detail=MESSAGE)
        #: for the log of the operator, in English; never holds more than what was compared
        self.reason = reason


def origin_of(address: str) -> str | None:
    """`scheme://host[:port]` of an http(s) address in its one spelling, or None.

    >>> origin_of("https://Example.org:443/a?b")
    'https://example.org'
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or parts.username is not None:
        return None
    host = f"[{host}]" if ":" in host else host
    if port is None or port == _PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


class OriginCheck:
    """Decides whether a request may change something.

    `allowed` are the origins under which the site is reached (`access.origins` in the settings,
    separated by spaces); without any it is the scheme and host of the request itself. Raises
    ValueError for an entry that is not an origin.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        origins = set()
        for entry in allowed:
            origin = origin_of(entry)
            if origin is None or urlsplit(entry).path not in ("", "/"):
                raise ValueError(f"access.origins: {entry} is not like https://example.org")
            origins.add(origin)
        self.allowed = frozenset(origins)

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> OriginCheck:
        """Read `access.origins`."""
        return cls(str(settings.get("access.origins", "")).split())

    def problem(self, method: str, headers: Mapping[str, str], host_url: str) -> str | None:
        """Why the request is refused, in English for the log; None when it may go on.

        `headers` answers names in any case; `host_url` is `scheme://host[:port]` as the server
        sees it. All that the browser says must agree: one header that fits does not outweigh
        another that does not. A request that says nothing is refused.
        """
        if method.upper() in SAFE_METHODS:
            return None
        site = headers.get("Sec-Fetch-Site")
        if site is not None and site.strip().lower() != "same-origin":
            return "Sec-Fetch-Site is not same-origin"
        if (origin := headers.get("Origin")) is not None:
            return None if self._ours(origin, host_url) else "Origin is not ours"
        if site is not None:
            return None
        if (referer := headers.get("Referer")) is not None:
            return None if self._ours(referer, host_url) else "Referer is not ours"
        return "neither Origin nor Sec-Fetch-Site nor Referer"

    def _ours(self, address: str, host_url: str) -> bool:
        origin = origin_of(address.strip())
        if origin is None:
            return False
        if self.allowed:
            return origin in self.allowed
        return origin == origin_of(host_url)


def origin_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """A Pyramid tween; to be placed under `pyramid.tweens.EXCVIEW`, so that a page is rendered.

    Raises ForeignOrigin before the router looks for a view or anyone asks who is logged in.
    """
    check = OriginCheck.from_settings(registry.settings or {})

    def tween(request: Any) -> Any:
        if request.environ.get(COOKIELESS):
            return handler(request)
        reason = check.problem(request.method, request.headers, request.host_url)
        if reason is not None:
            raise ForeignOrigin(reason)
        return handler(request)

    return tween
