"""Puts the application together: the table of contents of the whole program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyramid.config import Configurator

from .access.csrf import LoginTokens
from .access.oidc import OidcClient, OidcSettings
from .access.origin import OriginCheck
from .access.passwords import PasswordChecker, PasswordRules, Passwords
from .access.rates import LoginLimits, LoginRates
from .access.second_step import SecondSteps
from .access.sessions import Cookie, SessionLimits, SessionStore
from .access.twofactor import TwoFactorPolicy, TwoFactors
from .affairs.domain import make_domain
from .core.actions import ActionService
from .core.clock import Clock, SystemClock
from .core.site import Site, site_of
from .locale import translator
from .search.whoosh_engine import WhooshEngine
from .store import Store
from .store.evolution import PendingEvolution, pending
from .translog.service import ILogService, LogService
from .translog.state import load_or_create_key
from .web.board import Board
from .web.services import Services, Settings, SettingsError, settings_from
from .web.theming import Theme, shared_theme


def open_services(settings: Settings, *, clock: Clock | None = None, store: Store | None = None) -> Services:
    """Open a site that ``jiceng init`` has made.

    Raises SettingsError where there is none, PendingEvolution where its database is older than
    the program.
    """
    clock = clock or SystemClock()
    domain = make_domain(clock=clock, workflow_folders=settings.workflow_folders, rule_files=settings.rule_files)
    if not settings.secret_file.exists():
        raise SettingsError(f"{settings.home} 里还没有站点。请先运行 jiceng init。")
    secret = settings.secret_file.read_text(encoding="ascii").strip().encode()
    oidc = OidcSettings.from_settings(settings.raw)
    store = store or Store.open(settings.database, pool_size=64)
    try:
        with store.reading() as connection:
            site = _installed(connection, settings)
            origin = site.origin
            left = pending(site.evolution)
    except BaseException:
        store.close()
        raise
    if left:
        store.close()
        raise PendingEvolution("；".join(f"{step.name}（{step.title}）" for step in left))
    signer = load_or_create_key(settings.key_file, origin)
    services = Services(
        settings=settings,
        store=store,
        domain=domain,
        actions=ActionService(store.runner, domain),
        sessions=SessionStore(settings.home / "sessions.sqlite", SessionLimits.from_settings(settings.raw)),
        passwords=Passwords(),
        password_checker=PasswordChecker(PasswordRules.from_settings(settings.raw)),
        rates=LoginRates(settings.home / "rates.sqlite", secret, LoginLimits.from_settings(settings.raw)),
        login_tokens=LoginTokens(secret),
        two_factors=TwoFactors(secret),
        two_factor_policy=TwoFactorPolicy.from_settings(settings.raw),
        second_steps=SecondSteps(settings.home / "sessions.sqlite"),
        cookie=Cookie(secure=settings.secure),
        theme=Theme(settings.theme_folders, reload=True, translator=translator)
        if settings.reload
        else shared_theme(settings.theme_folders, translator),
        engine=WhooshEngine(settings.index_folder),
        log=LogService(signer.verifier, settings.state_file),
        board=Board(clock),
        oidc=OidcClient(oidc, secret) if oidc is not None else None,
    )
    store.runner.after = services.bell.set
    return services


def _installed(connection: Any, settings: Settings) -> Site:
    try:
        return site_of(connection)
    except KeyError:
        raise SettingsError(f"{settings.home} 里还没有站点。请先运行 jiceng init。") from None


def make_app(services: Services) -> Any:
    """The WSGI application over an open site."""
    config = Configurator(settings=dict(services.settings.raw))
    config.registry.services = services
    config.registry.theme = services.theme
    config.registry.registerUtility(services.log, ILogService)
    config.registry.origin_check = OriginCheck.from_settings(services.settings.raw)

    # Which route an address has; before the first of them.
    config.include("jiceng_cms.web.routing")
    # What a request is: its snapshot of the database, who reads, who acts. First, since every
    # line below looks at a request.
    config.include("jiceng_cms.web.request")
    # Every view names its permission, or the start fails; unsafe methods need Origin and token.
    config.include("jiceng_cms.web.security")
    # What is kept of pages between requests.
    config.include("jiceng_cms.web.cache")
    # Templates, static files and what surrounds a page.
    config.include("jiceng_cms.web.theming")
    config.include("jiceng_cms.web.shell")
    # The tree of addresses under /u/.
    config.include("jiceng_cms.web.traversal")
    # The transparency log under /log/.
    config.include("jiceng_cms.translog")
    # Pages: public ones, sign-in, the back office, errors last, since they catch the rest.
    config.include("jiceng_cms.web.views")
    # The domain's own: how a disclosure is drawn and written.
    config.registry.presenters = {}
    config.include("jiceng_cms.affairs.disclosures")
    # Units, people and roles: the pages of the administrations.
    config.include("jiceng_cms.affairs.units.pages")
    # Doors for programs: the API under /api/v1, health under /-/.
    config.include("jiceng_cms.api")
    return config.make_wsgi_app()


def main(global_config: Any, **raw: str) -> Any:
    """The application for a WSGI server that reads ini files; it runs no worker."""
    here = Path(global_config.get("here", ".")) if global_config else Path(".")
    return make_app(open_services(settings_from(raw, here)))
