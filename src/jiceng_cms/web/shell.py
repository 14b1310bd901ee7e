"""What surrounds every page: title, account, footer, elder mode."""

from __future__ import annotations

from typing import Any

from ..locale import say
from .pages import Account, Link, Shell
from .request import role_title
from .urls import with_query


def shell_for(request: Any) -> Shell:
    """The frame of the page that answers ``request``."""
    settings = request.services.settings
    address = request.path_qs
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
    return Shell(
        site_title=settings.title,
        footer=settings.footer,
        locale=request.interface_locale,
        demo=request.site.is_demo,
        elder=request.elder,
        elder_url=with_query("/elder", on="" if request.elder else "1", next=address[:500]),
        account=account,
        csrf_token=request.login_session.csrf if request.login_session else getattr(request, "page_token", ""),
        language=_other_language(request.interface_locale, address),
        query=str(request.GET.get("q", ""))[:200] if address.startswith("/search?") else "",
    )


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
    config.registry.shell_for = shell_for
