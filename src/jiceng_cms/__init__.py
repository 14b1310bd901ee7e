"""jiceng_cms: disclosures, conventions, powers and reviews of communities and villages,
with an audit trail that anyone can verify."""

from __future__ import annotations

from typing import Any


def main(global_config: Any, **settings: str) -> Any:
    """The WSGI application, for servers that read ini files."""
    from .app import main as make

    return make(global_config, **settings)
