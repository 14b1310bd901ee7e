"""The table of views, roles and states in docs/ is the one that the program has."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationExecutionError

from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.ops.access_table import TABLE, render, site_registry, view_rows

ROOT = Path(__file__).resolve().parents[2]


def test_the_kept_table_is_true() -> None:
    kept = (ROOT / TABLE).read_text(encoding="utf-8")
    assert kept == render(site_registry(), make_domain()), "run: .venv/bin/python -m jiceng_cms.ops.access_table"


def test_every_view_names_its_permission_and_what_changes_anything_asks_for_more_than_reading() -> None:
    rows = view_rows(site_registry())
    assert len(rows) > 30
    for where, name, methods, permission in rows:
        assert permission not in ("", "none"), (where, name)
        if "POST" in methods or "any" in methods:
            public = where in ("/login", "/login/code", "/set-password/{login}/{token}") or where.startswith("__static")
            assert permission != "public" or public, f"{where} {name} changes something for anyone"


def test_a_view_without_permission_stops_the_start() -> None:
    config = Configurator()
    config.include("jiceng_cms.web.security")
    config.add_route("open", "/open")
    config.add_view(lambda request: None, route_name="open", renderer="string")
    with pytest.raises(ConfigurationExecutionError, match="names no permission"):
        config.commit()
