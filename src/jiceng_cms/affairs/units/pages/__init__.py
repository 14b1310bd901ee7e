"""The pages of the administrations: people, units, roles, and a change of committee."""

from __future__ import annotations

from typing import Any


def includeme(config: Any) -> None:
    """Routes and views."""
    for name in ("people", "units", "roles"):
        config.include(f"jiceng_cms.affairs.units.pages.{name}")
    config.scan("jiceng_cms.affairs.units.pages")
