"""Files that come in pieces, with script: begin, ask how far, send on, give up.

The core of tus 1.0 in plain words. ``POST …/uploads`` with ``name`` and ``size`` begins and gives
``Location`` and the size of a piece; ``HEAD`` there tells ``Upload-Offset``; ``PATCH`` with
``Upload-Offset`` sends the next piece; ``DELETE`` gives up. The form of the attachments then names
the upload in its field ``uploaded``. Without script the form carries the file itself.
"""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from ...core.permissions import STAFF
from ...core.visibility import allowed
from ...files.kinds import Unfit
from ...files.partial import Coming, Elsewhere, NotThere
from ...locale import say
from ..traversal import RecordContext
from ..uploads import FileDesk, clean_filename
from ..urls import record_url

PIECE = "application/offset+octet-stream"


def _answer(status: int, text: str = "", **headers: str) -> Response:
    response = Response(text, status=status, content_type="text/plain", charset="utf-8")
    if status == 204:
        del response.content_type
        response.content_length = None
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def _writer(context: RecordContext, request: Any) -> FileDesk:
    """The desk, for somebody who may write in the draft."""
    domain, record = request.services.domain, context.record
    if not allowed(domain, request.site, request.reader, context.unit, record, "edit"):
        raise HTTPNotFound()
    desk: FileDesk = request.registry.files
    return desk


def _coming(context: RecordContext, request: Any, desk: FileDesk) -> Coming:
    if len(request.subpath) != 1:
        raise HTTPNotFound()
    return desk.partial.find(request.subpath[0], request.reader.person, context.record.subject)


@view_config(context=RecordContext, name="uploads", request_method="POST", permission=STAFF)
def begin(context: RecordContext, request: Any) -> Response:
    """Make room for a file."""
    desk = _writer(context, request)
    if request.subpath:
        raise HTTPNotFound()
    size = request.POST.get("size", "")
    if not (isinstance(size, str) and size.isascii() and size.isdigit() and len(size) < 16):
        return _answer(400, say("没有说文件有多大。请重新选择文件。"))
    name = clean_filename(str(request.POST.get("name", "")))
    try:
        coming = desk.partial.begin(request.reader.person, context.record.subject, name, int(size), request.now)
    except Unfit as unfit:
        return _answer(413, unfit.message)
    url = record_url(context.unit.code, context.type.section, context.record.id, "uploads", coming.id)
    return _answer(201, coming.id, Location=url, Upload_Offset="0", Upload_Piece=str(desk.bounds.piece))


@view_config(context=RecordContext, name="uploads", request_method=("HEAD", "PATCH", "DELETE"), permission=STAFF)
def go_on(context: RecordContext, request: Any) -> Response:
    """How far it is, the next piece, or the end of it."""
    desk = _writer(context, request)
    try:
        coming = _coming(context, request, desk)
        if request.method == "DELETE":
            desk.partial.drop(coming)
            return _answer(204)
        if request.method == "HEAD":
            offset = str(desk.partial.offset(coming))
            return _answer(200, Upload_Offset=offset, Upload_Length=str(coming.size), Upload_Piece=str(desk.bounds.piece))
        return _piece(desk, coming, request)
    except NotThere:
        return _answer(404, say("这个文件已经不在服务器上了（没传完的文件只留一天）。请重新选择。"))


def _piece(desk: FileDesk, coming: Coming, request: Any) -> Response:
    if request.content_type != PIECE:
        return _answer(415, say("这一段文件没有送对。请刷新页面再传。"))
    offset = request.headers.get("Upload-Offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 16):
        return _answer(400, say("这一段文件没有送对。请刷新页面再传。"))
    try:
        reached = desk.partial.append(coming, int(offset), request.body_file)
    except Elsewhere as elsewhere:
        return _answer(409, Upload_Offset=str(elsewhere.offset))
    except Unfit as unfit:
        return _answer(413, unfit.message)
    return _answer(204, Upload_Offset=str(reached))
