"""What is left of a withdrawn publication: 410 with a stub and the reason."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPException, HTTPGone

from ...core.effects import WITHDRAWAL_REASONS
from ...core.visibility import ANYONE, sees_withdrawn, sees_work
from ...locale import both, joined, say
from ..pages import WithdrawnPage
from ..presenting import presenter_of
from ..request import role_title
from ..theming import render_page
from ..traversal import RecordContext
from ..urls import record_url, unit_url
from .common import contact_of, proof_of


def withdrawn_response(request: Any, context: RecordContext) -> HTTPException:
    """The 410 answer for a record that was withdrawn or sealed; it never repeats the title."""
    unit, record, section = context.unit, context.record, context.type.section
    edition, withdrawal = record.edition(), record.withdrawal
    assert edition is not None, "only what was published is withdrawn"
    assert withdrawal is not None, "a withdrawn record tells why"
    presenter = presenter_of(request, record.type)
    staff = sees_withdrawn(request.reader, unit, record) or sees_work(
        request.services.domain, request.site, request.reader, unit, record
    )
    reason = both(*WITHDRAWAL_REASONS[withdrawal.reason])
    page = WithdrawnPage(
        title=say("这份公开内容已经撤回"),
        unit=unit.name,
        unit_url=unit_url(unit.code),
        kind=presenter.kind_title(record.kind, unit.kind),
        published=edition.published_at,
        withdrawn=withdrawal.at,
        reason=joined("。", [reason, withdrawal.note]),
        by=role_title(withdrawal.role),
        number=record.number,
        again=say("这件事仍然要公开，改好以后会在这个地址重新公布。"),
        proof=proof_of(request, record, section, edition),
        contact=contact_of(request, unit),
        staff_url=record_url(unit.code, section, record.id, "work") if staff else "",
    )
    rendered = render_page(request, page, status=410)
    gone = HTTPGone()
    gone.body, gone.content_type, gone.charset = rendered.body, "text/html", "utf-8"
    gone.headers["Cache-Control"] = "no-cache" if request.reader is ANYONE else "no-store"
    gone.vary = ("Cookie",)
    return gone
