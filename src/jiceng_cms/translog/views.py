"""``/log/``: checkpoint, tiles, entries and key by the text of C2SP tlog-tiles.

Only what the published checkpoint covers is served: an entry that nothing has signed yet could
still be lost with a disk, and caches would keep its tile for a year.
"""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response

from ..core.permissions import PUBLIC
from .log import NotInLog, bundle_data, tile_data
from .service import ILogService, LogService
from .tiles import TileAddress, TilePathError

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"

#: A full tile never changes.
_FOR_GOOD = "public, max-age=31536000, immutable"

#: Nor does a partial one; but soon nobody asks for it any more.
_FOR_AN_HOUR = "public, max-age=3600, immutable"


def _service(request: Any) -> LogService:
    service: LogService | None = request.registry.queryUtility(ILogService)
    if service is None:
        raise HTTPNotFound()
    return service


def _answer(body: bytes, kind: str, cache: str) -> Response:
    headers = [
        ("Content-Type", kind),
        ("Cache-Control", cache),
        ("X-Content-Type-Options", "nosniff"),
        # public bytes, without cookies: a verifier may run in a page of another site
        ("Access-Control-Allow-Origin", "*"),
    ]
    return Response(body=body, headerlist=headers)


def checkpoint(request: Any) -> Response:
    """The signed checkpoint."""
    note = _service(request).note()
    if note is None:
        raise HTTPNotFound()
    return _answer(note.encode(), _TEXT, "no-cache")


def key(request: Any) -> Response:
    """The verifier key; who checks in earnest has it from somewhere else."""
    text = _service(request).verifier.encode() + "\n"
    return _answer(text.encode(), _TEXT, "public, max-age=3600")


def tile(request: Any) -> Response:
    """A tile of hashes or a bundle of entries."""
    try:
        address = TileAddress.parse(request.matchdict["path"])
    except TilePathError:
        raise HTTPNotFound() from None
    if not address.exists(_service(request).size()):
        raise HTTPNotFound()
    read = bundle_data if address.level is None else tile_data
    try:
        data = read(request.db, address)
    except NotInLog:  # this node's database lags behind the checkpoint
        raise HTTPNotFound() from None
    return _answer(data, _BYTES, _FOR_GOOD if address.full else _FOR_AN_HOUR)


def add_views(config: Any) -> None:
    """Routes and views of ``/log/``."""
    for name, pattern, view in (
        ("log.checkpoint", "/log/checkpoint", checkpoint),
        ("log.key", "/log/key", key),
        ("log.tile", "/log/tile/{path:.+}", tile),
    ):
        config.add_route(name, pattern)
        config.add_view(view, route_name=name, request_method="GET", permission=PUBLIC)
