"""Making a new site on disk: home, keys, database, the first administrator's link."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..access.accounts import SET_PASSWORD, CreateAccount
from ..access.onetime import OneTimeLink, issue
from ..access.secret import new_secret
from ..affairs.units.actions import GrantRole, SavePerson
from ..core.actions import ActionService, Actor, Context, perform_in
from ..core.clock import Clock, SystemClock
from ..core.domain import Domain
from ..core.events import Event, Journal, register
from ..core.ids import new_id
from ..core.installing import AlreadyInstalled, install
from ..core.site import site_of
from ..store import Store
from ..store.evolution import STEPS, Step, pending
from ..translog.log import create_log
from ..translog.state import load_or_create_key
from ..web.services import Settings

register("site.evolved", "升级数据库", "Database evolved")

#: How long the link of the first administrator, and of any account made here, is good.
LINK_LIFETIME = timedelta(days=7)

FIRST_LOGIN = "admin"


class SiteExists(Exception):
    """There is a site in this home already; nothing was touched."""


@dataclass(frozen=True)
class Issued:
    """A login and the path of the page on which its owner sets a password, once."""

    login: str
    path: str


def operator() -> Actor:
    """Whoever holds the machine: acts on the command line, outside any unit."""
    return Actor("operator", "operator", f"cli-{new_id()}")


def new_origin(demo: bool) -> str:
    """A name for the log that no other log has; ``demo/…`` marks a demo site for ever."""
    return ("demo/" if demo else "jiceng/") + secrets.token_hex(6)


def link_path(login: str, token: str) -> str:
    """Where the owner of an account sets the password."""
    return f"/set-password/{login}/{token}"


def new_link(login: str, clock: Clock) -> tuple[Issued, OneTimeLink]:
    """What is told once, and what is kept of it: a hash."""
    token, link = issue(SET_PASSWORD, clock.now(), LINK_LIFETIME)
    return Issued(login, link_path(login, token)), link


def make_home(home: Path) -> None:
    """The folders of a site, readable by their owner only."""
    for folder in (home, home / "keys", home / "run"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)


def write_secret(path: Path) -> None:
    """A new secret in a file of mode 0600, on disk before this returns; an old one stays."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(new_secret() + "\n")
        file.flush()
        os.fsync(file.fileno())


def install_site(settings: Settings, domain: Domain, *, title: str, origin: str) -> Issued:
    """Make the site in ``settings.home``; gives the first administrator's login and link.

    Raises :class:`SiteExists` where there is one. There is no default password: only the hash
    of the link's token is stored. A try that was killed may be repeated.
    """
    make_home(settings.home)
    store = Store.open(settings.database)
    try:
        clock = domain.clock
        steps = tuple(step.name for step in STEPS)

        def found(connection: Any, journal: Journal) -> None:
            install(connection, journal, title=title, origin=origin, clock=clock, evolution=steps)
            create_log(connection.root())

        try:
            store.runner.run("site", found)
        except AlreadyInstalled:
            with store.reading() as connection:
                site = site_of(connection)
                if len(site.accounts) or len(site.units):
                    raise SiteExists(str(settings.home)) from None
                origin = site.origin  # killed before the administrator was made: go on there
        write_secret(settings.secret_file)
        load_or_create_key(settings.key_file, origin)
        return add_user(
            ActionService(store.runner, domain), FIRST_LOGIN, "首位安全管理员",
            (("security", "site"),), "建立站点时开设",
        )
    finally:
        store.close()


def add_user(
    actions: ActionService, login: str, name: str, roles: tuple[tuple[str, str], ...], reason: str
) -> Issued:
    """Register a person, open an account and grant roles (role, unit code or ``site``).

    All in one transaction: a role that may not be granted leaves no half-made account.
    """
    issued, link = new_link(login, actions.domain.clock)

    def steps(ctx: Context) -> None:
        person = perform_in(ctx, SavePerson(name))
        perform_in(ctx, CreateAccount(login, person, link))
        for role, unit in roles:
            perform_in(ctx, GrantRole(unit, person, role, reason))

    actions.perform_many("site", steps, operator())
    return issued


def evolve(store: Store, clock: Clock | None = None) -> list[Step]:
    """Do the pending evolution steps in order, each in a transaction of its own; gives them."""
    clock = clock or SystemClock()
    with store.reading() as connection:
        todo = pending(site_of(connection).evolution)
    for step in todo:

        def work(connection: Any, journal: Journal, step: Step = step) -> None:
            site = site_of(connection)
            step.run(connection.root(), journal)
            site.evolution = (*site.evolution, step.name)
            event = Event(
                "site.evolved", "site", clock.now(), "", "operator", "operator", "evolve",
                {"step": step.name},
            )
            journal.add(event, site.history)

        store.runner.run("site", work)
    return todo
