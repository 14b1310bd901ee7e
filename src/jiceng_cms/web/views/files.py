"""Attachments, QR codes and proofs: what is downloaded rather than read as a page."""

from __future__ import annotations

import io
from typing import Any

import segno
from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from ...core.commitments import b64
from ...core.ids import pointer
from ...core.permissions import PUBLIC
from ...core.visibility import audiences, sees_edition, sees_withdrawn, sees_work
from ...translog.log import inclusion_proof
from ...translog.lookup import find_index
from ..downloads import SANDBOX, download
from ..traversal import EditionContext, FileContext, RecordContext
from ..urls import record_url
from .public import open_edition


@view_config(context=FileContext, request_method="GET", permission=PUBLIC)
def attachment(context: FileContext, request: Any) -> Response:
    """An attachment, streamed, as a download; to whoever sees what it belongs to."""
    public = may_read(context, request)
    return download(request, context.parent.record.subject, context.attachment, public=public)


def may_read(context: FileContext, request: Any) -> bool:
    """Whether what the reader sees is public; HTTPNotFound or the 410 where it is not for them."""
    parent = context.parent
    record, unit, found = parent.record, parent.unit, context.attachment
    domain = request.services.domain
    readable = audiences(request.reader, unit)
    holding = [
        edition.audience
        for edition in record.editions.values()
        if any(f["id"] == found.id for f in edition.content()["attachments"])
    ]
    if sees_edition(request.reader, unit, record) and any(a in readable for a in holding):
        return "public" in holding
    if holding and found.id not in record.draft.attachments and not any(a in readable for a in holding):
        raise HTTPNotFound()  # it was for members only, also where a later edition is for everybody
    if sees_work(domain, request.site, request.reader, unit, record) or sees_withdrawn(request.reader, unit, record):
        return False
    open_edition(parent, request)  # the 410 of a withdrawn record, or nothing at all
    raise HTTPNotFound()


def qr_svg(text: str) -> Response:
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=4, border=2, xmldecl=False, nl=False, svgclass=None, lineclass=None)
    response = Response(body=out.getvalue(), content_type="image/svg+xml")
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cache-Control"] = "no-cache"
    return response


@view_config(context=RecordContext, name="qr", request_method="GET", permission=PUBLIC)
def page_qr(context: RecordContext, request: Any) -> Response:
    """The QR code that leads to the publication."""
    open_edition(context, request)
    return qr_svg(request.own_address + record_url(context.unit.code, context.type.section, context.record.id))


@view_config(context=EditionContext, name="qr", request_method="GET", permission=PUBLIC)
def proof_qr(context: EditionContext, request: Any) -> Response:
    """The QR code that leads from paper to what became of this edition: the page says whether it
    still holds, was corrected or withdrawn, and where it stands in the log."""
    parent = context.parent
    open_edition(parent, request)
    number = str(context.edition.number)
    url = record_url(parent.unit.code, parent.type.section, parent.record.id, "editions", number)
    return qr_svg(f"{request.own_address}{url}#proof")


@view_config(context=EditionContext, name="proof", request_method="GET", permission=PUBLIC, renderer="json")
def proof(context: EditionContext, request: Any) -> dict[str, Any]:
    """Everything that anyone needs to recompute an edition's commitment and its place in the log.

    ``commitment`` = base64url(SHA-256(salt || content)), with ``content`` the exact UTF-8 text.
    """
    parent = context.parent
    record, edition = parent.record, context.edition
    open_edition(parent, request)
    if edition.audience not in audiences(request.reader, parent.unit):
        raise HTTPNotFound()
    index = find_index(request.db, edition._p_serial, pointer(record.subject, edition.event))
    log = request.services.log
    size = log.size()
    told: dict[str, Any] = {
        "content": edition.body.decode("utf-8"),
        "salt": b64(edition.salt),
        "commitment": edition.commitment,
        "attachments": {id: b64(salt) for id, salt in edition.attachment_salts},
        "leaf": record.history[edition.event][2].decode("ascii"),
        "log": {"origin": log.verifier.name, "index": None, "checkpoint": None, "proof": None},
    }
    if index is not None and index < size:
        told["log"].update(
            index=index,
            checkpoint=log.note(),
            proof=[b64(node) for node in inclusion_proof(request.db, index, size)],
        )
    # an edition for members only is shown to some of those who are signed in
    request.response.headers["Cache-Control"] = "no-cache" if edition.audience == "public" else "private, no-store"
    request.response.headers["Content-Disposition"] = f'attachment; filename="proof-{record.id}-{edition.number}.json"'
    return told
