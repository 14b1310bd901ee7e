"""Is it alive, is it ready, is work moving."""

from __future__ import annotations

from typing import Any

from pyramid.view import view_config

from ..core.permissions import PUBLIC
from ..translog.log import log_size


@view_config(route_name="live", request_method="GET", permission=PUBLIC, renderer="string")
def live(request: Any) -> str:
    """The process answers."""
    return "ok\n"


@view_config(route_name="ready", request_method="GET", permission=PUBLIC, renderer="json")
def ready(request: Any) -> dict[str, Any]:
    """Whether pages are complete: 503 until what is in memory has been made."""
    good = request.services.board.cursor >= 0
    if not good:
        request.response.status_int = 503
    return {"ready": good}


@view_config(route_name="health", request_method="GET", permission=PUBLIC, renderer="json")
def health(request: Any) -> dict[str, Any]:
    """How far each projection lags behind the journal, in entries, and what is amiss."""
    services = request.services
    size = log_size(request.db)
    checkpoint = services.log.checkpoint()
    behind = {
        "signed": size - (checkpoint.size if checkpoint else 0),
        "search": size - services.engine.cursor(),
        "board": size - max(services.board.cursor, 0),
    }
    troubles = dict(services.troubles()) if services.troubles is not None else {}
    if services.log.damaged():
        troubles["checkpoint"] = "已公布的检查点读不出来，请从备份中找回，或者运行 jiceng journal verify 看看。"
    moving = max(behind.values()) < 1000 and not troubles
    if not moving:
        request.response.status_int = 503
    return {"entries": size, "behind": behind, "troubles": troubles, "moving": moving}
