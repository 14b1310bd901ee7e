"""What a running site is made of: opened once, handed to views, worker and commands."""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from ..access.csrf import LoginTokens
from ..access.oidc import OidcClient
from ..access.passwords import PasswordChecker, Passwords
from ..access.rates import LoginRates
from ..access.second_step import SecondSteps
from ..access.sessions import Cookie, SessionStore
from ..access.twofactor import TwoFactorPolicy, TwoFactors
from ..core.actions import ActionService
from ..core.domain import Domain
from ..search.interface import SearchEngine
from ..store import Store
from ..translog.service import LogService
from .board import Board
from .pages import Footer
from .theming import Theme


class SettingsError(Exception):
    """A setting is missing or wrong; says which and what to write."""


@dataclass(frozen=True)
class Settings:
    """The settings of a site; ``raw`` are all of them as the file has them."""

    home: Path
    database: str
    title: str
    #: the first of ``access.origins``, like https://example.org: what addresses on paper begin with
    url: str
    secure: bool
    footer: Footer
    theme_folders: tuple[Path, ...]
    workflow_folders: tuple[Path, ...]
    rule_files: tuple[Path, ...]
    reload: bool
    raw: Mapping[str, str] = field(repr=False)

    @property
    def state_file(self) -> Path:
        """What the sequencer signed last."""
        return self.home / "log-state.json"

    @property
    def key_file(self) -> Path:
        """The log's signing key."""
        return self.home / "keys" / "log.key"

    @property
    def secret_file(self) -> Path:
        """The site's secret for login forms and rate counters."""
        return self.home / "keys" / "site.secret"

    @property
    def index_folder(self) -> Path:
        """The search index."""
        return self.home / "index"

    @property
    def socket_file(self) -> Path:
        """Where a running server takes commands."""
        return self.home / "run" / "jiceng.sock"


def read_settings(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an ini file (section ``[app:main]``); defaults where there is none.

    ``$JICENG_HOME`` wins over ``jiceng.home``.
    """
    raw: dict[str, str] = {}
    here = Path.cwd()
    if path is not None:
        if not path.is_file():
            raise SettingsError(f"没有配置文件 {path}。请用 -c 指定，或者设置 JICENG_CONFIG。")
        here = path.resolve().parent
        parser = configparser.ConfigParser(
            defaults={"here": str(here)}, interpolation=configparser.BasicInterpolation()
        )
        parser.read(path, encoding="utf-8")
        if not parser.has_section("app:main"):
            raise SettingsError(f"{path} 里没有 [app:main] 一节。")
        raw = dict(parser.items("app:main"))
    return settings_from(raw, here, environment)


def settings_from(raw: Mapping[str, str], here: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from plain values; relative paths are seen from ``here``."""

    def paths(name: str) -> tuple[Path, ...]:
        return tuple(here / p for p in raw.get(name, "").split() if p)

    home = Path(environment.get("JICENG_HOME") or raw.get("jiceng.home") or "var").resolve()
    return Settings(
        home=home,
        database=raw.get("jiceng.database") or f"file://{home}/Data.fs?blobs={home}/blobs",
        title=raw.get("jiceng.title", "基层公开平台"),
        url=next(iter(raw.get("access.origins", "").replace(",", " ").split()), "").rstrip("/"),
        secure=raw.get("session.secure", "true").lower() in ("true", "1", "yes", "on"),
        footer=Footer(
            organiser=raw.get("footer.organiser", ""),
            icp=raw.get("footer.icp", ""),
            icp_url=raw.get("footer.icp_url", ""),
            police=raw.get("footer.police", ""),
            police_url=raw.get("footer.police_url", ""),
            privacy_url=raw.get("footer.privacy_url", "/privacy"),
            complaint=raw.get("footer.complaint", ""),
        ),
        theme_folders=paths("theme.folders"),
        workflow_folders=paths("workflow.folders"),
        rule_files=paths("rules.files"),
        reload=raw.get("theme.reload", "false").lower() == "true",
        raw=dict(raw),
    )


@dataclass
class Services:
    """An open site."""

    settings: Settings
    store: Store
    domain: Domain
    actions: ActionService
    sessions: SessionStore
    passwords: Passwords
    password_checker: PasswordChecker
    rates: LoginRates
    login_tokens: LoginTokens
    two_factors: TwoFactors
    two_factor_policy: TwoFactorPolicy
    second_steps: SecondSteps
    cookie: Cookie
    theme: Theme
    engine: SearchEngine
    log: LogService
    board: Board
    #: signing in through a provider elsewhere; None where the site has none
    oidc: OidcClient | None = None
    #: what the worker says of itself, by part, empty while all is well; None where none runs here
    troubles: Callable[[], Mapping[str, str]] | None = None
    #: set after each commit: the worker has something to do
    bell: Event = field(default_factory=Event)

    def close(self) -> None:
        """Close files and database; the worker must have stopped."""
        self.engine.close()
        self.sessions.close()
        self.second_steps.close()
        self.rates.close()
        self.store.close()
