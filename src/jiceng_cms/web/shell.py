"""What surrounds every page: title, account, footer, elder mode."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from webob import BaseRequest

from ..locale import say
from .pages import Account, Link, Shell
from .request import role_title
from .services import Settings
from .urls import with_query


def shell_for(request: Any) -> Shell:
    """The frame of the page that answers ``request``."""
    settings = request.services.settings
    environ = request.environ
    address = _address(environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""))
    locale, demo, elder = request.interface_locale, request.site.is_demo, request.elder
    token = request.login_session.csrf if request.login_session else getattr(request, "page_token", "")
    if request.account is None and not token and not address.startswith("/search?"):
        frame: Shell = request.registry.plain_frame(locale, demo, elder, address)
        return frame
    account = None
    if request.account is not None:
        units = [unit for unit, role in request.grants if role == request.acting_role and unit != "site"]
        found = request.site.units.get(units[0]) if units else None
        account = Account(
            name=request.site.person_name(request.account.person),
            role=role_title(request.acting_role) if request.acting_role else say("没有角色"),
            unit=_where(found.name if found else "", len(units)),
            home_url="/staff",
            logout_url="/logout",
            switch_url="/staff#roles" if len({role for _, role in request.grants}) > 1 else "",
            two_factor=request.account.two_factor is not None,
        )
    return replace(
        _plain_frame(settings, locale, demo, elder, address),
        account=account,
        csrf_token=token,
        query=str(request.GET.get("q", ""))[:200] if address.startswith("/search?") else "",
    )


def _plain_frame(settings: Settings, locale: str, demo: bool, elder: bool, address: str) -> Shell:
    """What everybody sees around the page at ``address``."""
    return Shell(
        site_title=settings.title,
        footer=settings.footer,
        locale=locale,
        demo=demo,
        elder=elder,
        elder_url=with_query("/elder", on="" if elder else "1", next=address[:500]),
        language=_other_language(locale, address),
    )


@lru_cache(maxsize=4096)
def _address(script: str, path: str, query: str) -> str:
    """``request.path_qs``, from what the server says of a request."""
    return str(BaseRequest({"SCRIPT_NAME": script, "PATH_INFO": path, "QUERY_STRING": query}).path_qs)


def _where(name: str, count: int) -> str:
    if not name:
        return say("全站")
    return say("{unit}等{n}处", unit=name, n=count) if count > 1 else name


def _other_language(locale: str, address: str) -> Link:
    """Named in its own language: who needs it can't read this one."""
    title, to = ("English", "en") if locale == "zh_CN" else ("中文", "zh_CN")
    return Link(title, with_query("/language", to=to, next=address[:500]))


def includeme(config: Any) -> None:
    """Templates find it as ``registry.shell_for``."""
    config.registry.plain_frame = lru_cache(maxsize=1024)(partial(_plain_frame, config.registry.services.settings))
    config.registry.shell_for = shell_for
