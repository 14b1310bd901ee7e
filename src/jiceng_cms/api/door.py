"""The API's door: cookies are left outside, tokens come in, every answer is JSON.

A request below ``/api/`` loses its cookies before anyone looks at it, so that a browser's session
means nothing here and a foreign page has nothing to use; in turn it needs no form token. Who
acts is told by the bearer token alone, and only views of the API look at it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pyramid.response import Response

from ..access.origin import COOKIELESS
from ..access.rates import network_of
from ..access.tokens import find_token
from ..core.actions import Actor
from .problems import Problem, no_such_thing, problem_of, problem_response, unauthorised

#: Bad tokens from one network: so many at once, then one more each minute.
BAD_TOKENS = 30
_GAP = timedelta(minutes=1)
_MOST_NETWORKS = 10_000


class BadTokens:
    """Counts bad tokens by network, in memory: a token can't be guessed, so this only keeps a
    program with an old one from asking without end. Good tokens are never counted."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str | None, now: datetime) -> timedelta:
        """Count one; how long to wait before the next, zero while there is room."""
        network = network_of(address)
        with self._lock:
            used = max(self._until.pop(network, now), now)
            over = used + _GAP - (now + BAD_TOKENS * _GAP)
            self._until[network] = used if over > timedelta(0) else used + _GAP
            while len(self._until) > _MOST_NETWORKS:
                self._until.popitem(last=False)
        return max(over, timedelta(0))


def is_api(path: str) -> bool:
    """Whether an address belongs to the API."""
    return path.startswith("/api/") or path == "/api"


def door_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Take the cookies away and turn every fault into a problem document."""

    def tween(request: Any) -> Any:
        if not is_api(request.path_info):
            return handler(request)
        request.environ.pop("HTTP_COOKIE", None)
        request.environ[COOKIELESS] = True
        request.login_session = None
        request.account = None
        try:
            # traversal would follow dots out of the API, to views that know nothing of scopes
            if any(part in ("", ".", "..") for part in request.path_info.split("/")[1:]):
                raise no_such_thing()
            response = handler(request)
        except Exception as error:
            response = problem_response(request, problem_of(request, error))
        response.headers["Vary"] = "Authorization"
        response.headers.setdefault("Cache-Control", "no-store" if request.account else "no-cache")
        return response

    return tween


def bearer(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """A view deriver: let in whoever the token names, if its scope says so.

    Views of the API name their ``scope``. Reading is open to everyone for what is public; a token
    that is given must be good even there, since its bearer expects to see more.
    """
    scope = info.options.get("scope")
    if scope is None:
        return view

    def guarded(context: Any, request: Any) -> Any:
        identify(request)
        held = request.environ.get("jiceng.scopes")
        if held is None and scope != "read":
            raise unauthorised()
        if held is not None and scope not in ("", *held):
            raise insufficient(scope)
        return view(context, request)

    return guarded


bearer.options = ("scope",)  # type: ignore[attr-defined]


def insufficient(scope: str) -> Problem:
    """The token's scopes do not open this."""
    header = f'Bearer realm="jiceng", error="insufficient_scope", scope="{scope}"'
    return Problem("insufficient_scope", f"这一步要有“{scope}”权限的令牌。请另开一个令牌。", headers={"WWW-Authenticate": header}, scope=scope)


def identify(request: Any) -> None:
    """Make the request act for the account behind its bearer token, in the token's role."""
    header = request.headers.get("Authorization")
    if header is None:
        return
    kind, _, text = header.partition(" ")
    found = find_token(request.site, text.strip(), request.now) if kind.lower() == "bearer" else None
    if found is None:
        wait = request.registry.bad_tokens.wait(request.client_addr, request.now)
        if wait:
            seconds = str(int(wait.total_seconds()) + 1)
            raise Problem("too_many_requests", f"用不了的令牌试得太多，请 {seconds} 秒以后再试。", headers={"Retry-After": seconds})
        raise unauthorised("令牌不对、过期了、已经作废，或者账号已经停用。请另开一个令牌。", "invalid_token")
    token, account = found
    request.account = account
    request.acting_role = token.role
    # whoever made the token had signed in whole, or held the machine; it ends by its own date
    request.unfinished = ""
    # the journal tells from the request's id that a token acted, and which
    request.request_id = f"api-{token.id}-{request.request_id}"
    request.actor = Actor(account.person, token.role, request.request_id, "publish" in token.scopes)
    request.environ["jiceng.token"] = token.id
    request.environ["jiceng.scopes"] = token.scopes


def scopes(request: Any) -> tuple[str, ...]:
    """The scopes of the request's token; none without one."""
    held: tuple[str, ...] = request.environ.get("jiceng.scopes") or ()
    return held


def broken_promise(error: Any, request: Any) -> Response:
    """An answer of ours that the document does not allow: a fault of ours."""
    return problem_response(request, problem_of(request, error))
