"""What a request knows: its snapshot of the database, who reads, who acts.

The snapshot can't be committed, so nothing on a reader's path can write; changes go through
``request.act``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from pyramid.request import Request

from ..access.accounts import Account, account_of
from ..access.sessions import Session
from ..core.actions import Action, Actor
from ..core.clock import local_date
from ..core.ids import new_id
from ..core.permissions import ROLES
from ..core.site import Site, site_of
from ..core.units import Unit
from ..core.visibility import ANYONE, Reader
from ..locale import both
from .cache import Moment, Needs
from .services import Services

ELDER_COOKIE = "elder"
LOCALE_COOKIE = "lang"
LOCALES = ("zh_CN", "en")

_NO_COOKIES: Mapping[str, str] = MappingProxyType({})


def services(request: Any) -> Services:
    """The open site."""
    found: Services = request.registry.services
    return found


def db(request: Any) -> Any:
    """A connection that reads one state of the database; given back at the end."""
    request.tid  # noqa: B018  what is kept of this page may not claim to be newer
    snapshot = request.services.store.snapshot()
    request.add_finished_callback(lambda _: snapshot.close())
    return snapshot.connection


def site(request: Any) -> Site:
    """The site, in this request's snapshot."""
    return site_of(request.db)


def now(request: Any) -> datetime:
    """The moment of this request."""
    moment: datetime = request.services.domain.clock.now()
    return moment


def tid(request: Any) -> bytes:
    """The last transaction before the snapshot was taken."""
    return bytes(request.services.store.last_transaction())


def moment(request: Any) -> Moment:
    """What stood before the page was drawn: the stamp of what is kept of it."""
    found: Moment = request.registry.page_cache.sources.moment(request.tid)
    return found


def needs(request: Any) -> Needs:
    """What the page depends on, told by who draws it."""
    return Needs()


def today(request: Any) -> date:
    """The day of this request in Asia/Shanghai."""
    return local_date(request.now)


def login_session(request: Any) -> Session | None:
    """The session behind the cookie; none for residents."""
    services: Services = request.services
    id = services.cookie.read(request.cookies)
    if id is None:
        return None
    session = services.sessions.get(id, request.now)
    if session is not None:
        services.sessions.touch(id, request.now)
    return session


def account(request: Any) -> Account | None:
    """The account that is signed in and not disabled; a phone's code was given where it has one."""
    session: Session | None = request.login_session
    found = account_of(request.site, session.login) if session is not None else None
    if found is not None and session is not None and found.two_factor is not None and not session.two_factor:
        return None
    return found


def unfinished(request: Any) -> str:
    """What must be mended before the person acts in any role: "", ``password``, ``two_factor``."""
    account, services = request.account, request.services
    if account is None:
        return ""
    if account.password_at is not None and services.password_checker.rules.must_change(account.password_at, request.now):
        return "password"
    # a session can only have a second factor without a phone where a provider elsewhere saw to it
    lacking = account.two_factor is None and not request.login_session.two_factor
    if lacking and services.two_factor_policy.asks(role for _, role in request.grants):
        return "two_factor"
    return ""


def grants(request: Any) -> tuple[tuple[str, str], ...]:
    """(unit, role) of every role that the person holds now."""
    if request.account is None:
        return ()
    site: Site = request.site
    found = []
    for unit, role in site.grants.get(request.account.person, ()):
        roles = site.roles if unit == "site" else site.units[unit].roles
        if role in roles.of(request.account.person, request.now):
            found.append((unit, role))
    return tuple(found)


def acting_role(request: Any) -> str:
    """The one role in which this request acts: chosen by the person, else the first held."""
    if request.unfinished:
        return ""
    held = list(dict.fromkeys(role for _, role in request.grants))
    chosen = request.login_session.acting_role if request.login_session else None
    if chosen in held:
        return str(chosen)
    return held[0] if held else ""


def reader(request: Any) -> Reader:
    """Who reads."""
    if request.account is None:
        return ANYONE
    person = request.account.person
    site: Site = request.site
    if request.unfinished:
        return Reader(person)

    def roles(unit: Unit) -> frozenset[str]:
        return site.roles_of(person, unit, request.now, [])

    return Reader(person, request.acting_role, roles)


def actor(request: Any) -> Actor:
    """Who acts; only for somebody who is signed in."""
    assert request.account is not None, "views that act ask for the permission STAFF"
    fresh = request.services.sessions.is_fresh(request.login_session, request.now)
    return Actor(request.account.person, request.acting_role, request.request_id, fresh)


def act(request: Any, action: Action, *, fresh: bool = False) -> str:
    """Perform an action as who is signed in; ``fresh``: the password was given just now."""
    who: Actor = request.actor
    if fresh:
        who = Actor(who.person, who.role, who.request_id, True)
    return str(request.services.actions.perform(action, who))


def interface_locale(request: Any) -> str:
    """The language of the interface."""
    chosen = request.cookies.get(LOCALE_COOKIE, "")
    return chosen if chosen in LOCALES else LOCALES[0]


def elder(request: Any) -> bool:
    """Whether the page is for old eyes: one column, large."""
    return bool(request.cookies.get(ELDER_COOKIE) == "1")


def own_address(request: Any) -> str:
    """What addresses on paper begin with: the setting, so that no visitor's Host header gets into
    a QR code or a link that is handed over; without a setting what the browser asked for."""
    return str(request.services.settings.url or request.host_url)


def request_id(request: Any) -> str:
    """Names this request in the journal and on error pages."""
    return new_id(12)


def role_title(role: str) -> str:
    """The office's name of a role."""
    return both(ROLES[role].zh_CN, ROLES[role].en) if role in ROLES else role


class _Once:
    """Computes a property when it is asked for first; setting it replaces it. Pyramid's own goes
    through the request's ``__setattr__``, and a page has a dozen of them."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, request: Any, owner: Any) -> Any:
        if request is None:
            return self
        found = request.__dict__[self._name] = self._make(request)
        return found


class SiteRequest(Request):
    """Pyramid's request with ours, each computed once.

    They stand in the class: with ``add_request_method`` Pyramid makes a new class for each
    request, which costs more than answering from the cache.
    """

    @property
    def cookies(self) -> Any:
        """The cookies; none where their bytes are no text, so that a broken one bars nobody."""
        if "HTTP_COOKIE" not in self.environ:
            return _NO_COOKIES  # most readers have none, and every layer asks
        try:
            len(found := super().cookies)
        except UnicodeError:
            del self.environ["HTTP_COOKIE"]
            return _NO_COOKIES
        return found


for _function in (
    services, db, site, now, tid, moment, needs, today, login_session, account, unfinished, grants, acting_role, reader, actor,
    interface_locale, elder, own_address, request_id,
):
    setattr(SiteRequest, _function.__name__, _Once(_function))
SiteRequest.act = act


def includeme(config: Any) -> None:
    """Requests are of our class."""
    config.set_request_factory(SiteRequest)
