"""Doors for programs: health under ``/-/``; ``/api/v1`` comes with the next release."""

from __future__ import annotations

from typing import Any


def includeme(config: Any) -> None:
    """Health views."""
    config.add_route("live", "/-/live")
    config.add_route("ready", "/-/ready")
    config.add_route("health", "/-/health")
    config.scan("jiceng_cms.api")
