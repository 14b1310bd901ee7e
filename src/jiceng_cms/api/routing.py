"""The routes of the API, one for each path of the document, and how its views are declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyramid.view import view_config

from .document import PREFIX

_RECORD = "/units/{code}/records/{id}"

#: route -> path, as the document writes it
ROUTES: dict[str, str] = {
    "units": "/units",
    "unit": "/units/{code}",
    "records": "/records",
    "unit_records": "/units/{code}/records",
    "record": _RECORD,
    "attachments": _RECORD + "/attachments",
    "attachment": _RECORD + "/attachments/{file}",
    "clearance": _RECORD + "/attachments/{file}/clearance",
    "transition": _RECORD + "/transitions/{name}",
    "signoffs": _RECORD + "/signoffs",
    "answers": _RECORD + "/answers",
    "recusals": _RECORD + "/recusals",
    "stand_ins": _RECORD + "/stand-ins",
    "edition": _RECORD + "/editions/{n}",
    "history": _RECORD + "/history",
    "search": "/search",
    "token": "/token",
}


def api_view(
    route: str, method: str, *, permission: str, scope: str, openapi: bool = True
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a view of the API: its route, method, permission and the scope that it asks for."""

    def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        declared: Callable[[Any], Any] = view_config(
            route_name=f"api.{route}", request_method=method, permission=permission, scope=scope, openapi=openapi,
            _depth=1,  # the scan looks for what was declared in the module that called us
        )(function)
        return declared

    return declare


def add_routes(config: Any) -> None:
    """Every route of the document."""
    for name, path in ROUTES.items():
        config.add_route(f"api.{name}", PREFIX + path)
