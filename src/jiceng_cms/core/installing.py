"""Making a new, empty site: the only change that no action does."""

from __future__ import annotations

from typing import Any

from .clock import Clock
from .events import Event, Journal, register
from .site import Site

register("site.created", "建立站点", "Site created")


class AlreadyInstalled(Exception):
    """There is a site in this database already."""


def install(connection: Any, journal: Journal, *, title: str, origin: str, clock: Clock, evolution: tuple[str, ...]) -> Site:
    """Put a new site in the database's root; ``evolution`` are the steps that it needs not.

    AlreadyInstalled where there is one.
    """
    root = connection.root()
    if "site" in root:
        raise AlreadyInstalled
    site = root["site"] = Site(title, origin, clock.now())
    site.evolution = evolution
    journal.covers(site.roles.subject)
    journal.add(
        Event("site.created", "site", clock.now(), "", "operator", "operator", "init", {"origin": origin}),
        site.history,
    )
    return site
