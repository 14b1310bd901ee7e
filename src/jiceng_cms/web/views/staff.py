"""What the pages of the back office share: who may work on a record, and their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response

from ...core.records import Record
from ...core.units import Unit
from ...core.visibility import allowed, sees_withdrawn, sees_work
from ..tables import Html
from ..theming import render_page
from ..traversal import RecordContext
from ..urls import record_url, section_url


def staff_page(request: Any, page: Any, status: int = 200) -> Response:
    """A page of the back office: never kept."""
    response = render_page(request, page, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def create_url(unit: Unit) -> str:
    return f"{section_url(unit.code, 'disclosures')}new"


def may_create(request: Any, unit: Unit) -> bool:
    definitions = request.services.domain.definitions.values()
    role = request.reader.acts_at(unit)
    return any(role in d.roles_allowed(d.initial, "edit") for d in definitions) if role else False


def with_form(page: Any, form: Any) -> Any:
    return replace(page, form_html=Html(form.render()))


def worked_on(context: RecordContext, request: Any) -> Record:
    """The record for somebody who may see the work; HTTPNotFound else."""
    unit, record = context.unit, context.record
    if sees_work(request.services.domain, request.site, request.reader, unit, record) or sees_withdrawn(
        request.reader, unit, record
    ):
        return record
    raise HTTPNotFound()


def editable(context: RecordContext, request: Any) -> Record:
    record = worked_on(context, request)
    if not allowed(request.services.domain, request.site, request.reader, context.unit, record, "edit"):
        raise HTTPSeeOther(record_url(context.unit.code, context.type.section, record.id, "work"))
    return record
