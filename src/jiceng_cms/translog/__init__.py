"""The transparency log: entries in commit order, a Merkle tree over them, signed and served.

The application registers a :class:`~.service.LogService` under ``ILogService``.
"""

from __future__ import annotations

from typing import Any


def includeme(config: Any) -> None:
    """Serve the log under ``/log/``."""
    from .views import add_views  # the worker and the command line do without Pyramid

    add_views(config)
