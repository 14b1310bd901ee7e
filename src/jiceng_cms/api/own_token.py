"""The token in use: what it may do, and its end."""

from __future__ import annotations

from typing import Any

from pyramid.response import Response

from ..access.tokens import RevokeToken, Token, tokens_of
from ..core.clock import iso
from ..core.permissions import STAFF
from .routing import api_view
from .shapes import answer


def _own(request: Any) -> Token:
    return tokens_of(request.site)[request.environ["jiceng.token"]]


@api_view("token", "GET", permission=STAFF, scope="")
def show(request: Any) -> Response:
    """Whose token it is, in which role and where it acts, and until when."""
    token = _own(request)
    units = [unit for unit, role in request.grants if role == token.role]
    name = request.site.person_name(request.account.person)
    told = {"id": token.id, "login": token.login, "name": name, "role": token.role, "scopes": list(token.scopes)}
    return answer({**told, "units": units, "expires_at": iso(token.expires_at)})


@api_view("token", "DELETE", permission=STAFF, scope="")
def revoke(request: Any) -> Response:
    """End the token: for a program that is taken out of service, or whose secret got out."""
    token = _own(request)
    request.act(RevokeToken(token.login, token.id))
    return Response(status=204)
