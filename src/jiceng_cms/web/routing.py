"""Routes by the first name in their address: most requests then look at few of them, or none.

Pyramid tries each route's expression in turn; with some sixty routes, the pages under ``/u/``,
which none of them matches, would wait for all.
"""

from __future__ import annotations

from typing import Any

from pyramid.exceptions import URLDecodeError
from pyramid.interfaces import IRoutesMapper
from pyramid.urldispatch import RoutesMapper


def first_name(pattern: str) -> str | None:
    """The first name of every address that a route's pattern fits; None where they differ.

    >>> first_name("/static/*subpath"), first_name("/{page}")
    ('static', None)
    """
    name = pattern.lstrip("/").partition("/")[0]
    return None if set("{}*:") & set(name) else name


class RoutesByName(RoutesMapper):
    """Finds the route that Pyramid's own mapper finds, among those that can fit."""

    def __init__(self) -> None:
        super().__init__()
        self._by_name: dict[str | None, list[Any]] = {}

    def connect(self, *args: Any, **options: Any) -> Any:
        """See Pyramid's."""
        route = super().connect(*args, **options)
        names = {None, *(first_name(known.pattern) for known in self.routelist)}
        self._by_name = {
            name: [known for known in self.routelist if first_name(known.pattern) in (None, name)] for name in names
        }
        return route

    def __call__(self, request: Any) -> dict[str, Any]:
        """``route`` and ``match`` of a request, None where there is none."""
        try:
            path = request.path_info or "/"
        except KeyError:
            path = "/"
        except UnicodeDecodeError as error:
            raise URLDecodeError(error.encoding, error.object, error.start, error.end, error.reason) from error
        named = self._by_name.get(path.lstrip("/").partition("/")[0])
        for route in self._by_name.get(None, ()) if named is None else named:
            match = route.match(path)
            if match is None:
                continue
            found = {"match": match, "route": route}
            if all(predicate(found, request) for predicate in route.predicates):
                return found
        return {"route": None, "match": None}


def includeme(config: Any) -> None:
    """Before the first route is added."""
    config.registry.registerUtility(RoutesByName(), IRoutesMapper)
