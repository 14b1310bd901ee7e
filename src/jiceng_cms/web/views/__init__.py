"""The pages: public ones, sign-in, the back office, and what is said when something is wrong."""

from __future__ import annotations

from typing import Any

from ...core.effects import WITHDRAWAL_REASONS
from ..forms.staff import correction_schema, stand_in_schema, withdrawal_schema


def includeme(config: Any) -> None:
    """Routes, the forms of transitions, and the view modules."""
    config.registry.transition_forms = {
        "correction": correction_schema,
        "withdrawal": lambda: withdrawal_schema([(r, t[0]) for r, t in WITHDRAWAL_REASONS.items()]),
        "stand_in": stand_in_schema,
    }
    config.include("jiceng_cms.web.uploads")
    config.add_route("home", "/")
    config.add_route("units", "/units")
    config.add_route("search", "/search")
    config.add_route("verify", "/verify")
    config.add_route("privacy", "/privacy")
    config.add_route("elder", "/elder")
    config.add_route("language", "/language")
    config.add_route("login", "/login")
    config.add_route("logout", "/logout")
    config.add_route("set_password", "/set-password/{login}/{token}")
    config.add_route("staff", "/staff")
    config.add_route("staff_role", "/staff/role")
    config.add_route("login_code", "/login/code")
    # A person's own account, the journal and the provider's login bring their own.
    for name in ("account", "journal", "oidc"):
        config.include(f"jiceng_cms.web.views.{name}")
    config.scan("jiceng_cms.web.views")
