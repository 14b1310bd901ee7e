"""Writing: a new draft, its form, autosave, and two who write at once."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...core.drafting import CreateRecord, SaveDraft
from ...core.errors import Refused, Stale
from ...core.ids import new_id
from ...core.permissions import STAFF
from ...core.records import Record
from ...core.units import UNIT_KINDS
from ...locale import say
from ..forms import Button, FormInvalid, make_form, parse_controls
from ..forms.staff import create_schema
from ..pages import Link
from ..presenting import presenter_of
from ..staff_pages import (
    ConflictField,
    ConflictPage,
    CreateRecordPage,
    EditRecordPage,
)
from ..tables import Html
from ..traversal import RecordContext, SectionContext
from ..urls import record_url, unit_url
from .errors import STATUS
from .staff import editable, may_create, staff_page, with_form, worked_on
from .work import work_page


@view_config(context=SectionContext, name="new", request_method=("GET", "POST"), permission=STAFF)
def create(context: SectionContext, request: Any) -> Response:
    """Choose what to publish; the draft begins with a title."""
    unit, type = context.unit, context.type
    if not may_create(request, unit):
        raise HTTPNotFound()
    presenter = presenter_of(request, type.name)
    kinds = [
        (k, presenter.kind_title(k, unit.kind)) for k in ("affairs", "finance", "party") if k != "affairs" or UNIT_KINDS[unit.kind][3]
    ]
    form = make_form(
        create_schema(kinds, [(part, part) for part in unit.parts]),
        action=request.path,
        buttons=(Button("create", say("开始填写")),),
        csrf_token=request.login_session.csrf,
        locale=request.interface_locale,
        idempotency=new_id(16),
    )
    page = CreateRecordPage(
        title=say("起草一份公开"),
        form_html=Html(""),
        subject=unit.name,
        back=Link(say("返回工作台"), "/staff"),
        notes=(say("先选类别、写标题，下一页再填内容。草稿随时可以放下，回来接着写。"),),
        notes_title=say("怎么填"),
    )
    if request.method == "POST":
        posted = parse_controls(request.POST.items())
        if not form.redraw(posted):
            try:
                data = form.validate(posted)
                record_id = request.act(
                    CreateRecord(unit.code, type.name, data.pop("kind"), presenter.to_json(data), posted.idempotency)
                )
            except FormInvalid:
                pass
            except Refused as refusal:
                form.add_errors({**refusal.fields, "": refusal.message})
            else:
                return HTTPSeeOther(record_url(unit.code, type.section, record_id, "edit"))
        return staff_page(request, with_form(page, form), 422)
    return staff_page(request, with_form(page, form))


def _draft_form(context: RecordContext, request: Any, *, etag: str, appstruct: Any = None) -> Any:
    record, unit = context.record, context.unit
    base = record_url(unit.code, context.type.section, record.id)
    return make_form(
        context.type.schema(unit, record.kind),
        action=f"{base}/edit",
        buttons=(Button("save", say("保存草稿"), quiet=True), Button("done", say("保存并去提交"))),
        csrf_token=request.login_session.csrf,
        locale=request.interface_locale,
        appstruct=appstruct,
        etag=etag,
        idempotency=new_id(16),
        autosave_url=f"{base}/autosave",
        draft_key=record.key,
    )


def _edit_page(context: RecordContext, request: Any, form: Any) -> EditRecordPage:
    record, unit = context.record, context.unit
    presenter = presenter_of(request, record.type)
    work = work_page(context, request)
    return EditRecordPage(
        title=record.title() or say("起草"),
        unit=f"{unit.name} {presenter.kind_title(record.kind, unit.kind)}",
        unit_url=unit_url(unit.code),
        record_url=record_url(unit.code, context.type.section, record.id, "work"),
        form_html=Html(form.render()),
        checks=work.checks,
        due=work.due,
        warning=presenter.warning(record.kind),
        returned=record.run.remark,
    )


@view_config(context=RecordContext, name="edit", request_method="GET", permission=STAFF)
def edit_form(context: RecordContext, request: Any) -> Response:
    """The draft's form."""
    record = editable(context, request)
    presenter = presenter_of(request, record.type)
    form = _draft_form(
        context, request, etag=str(record.draft.version), appstruct=presenter.from_json(record.draft.data)
    )
    return staff_page(request, _edit_page(context, request, form))


@view_config(context=RecordContext, name="edit", request_method="POST", permission=STAFF)
def edit(context: RecordContext, request: Any) -> Response:
    """Save the draft; a second editor is told, not overwritten.

    Whoever may no longer write here is told by the action and keeps what was typed.
    """
    record = worked_on(context, request)
    posted = parse_controls(request.POST.items())
    form = _draft_form(context, request, etag=posted.etag or str(record.draft.version))
    if form.redraw(posted):
        return staff_page(request, _edit_page(context, request, form))
    presenter = presenter_of(request, record.type)
    try:
        data = presenter.to_json(form.validate(posted, draft=True))
        request.act(SaveDraft(context.unit.code, context.type.section, record.id, posted.version, data, posted.idempotency))
    except FormInvalid:
        return staff_page(request, _edit_page(context, request, form), 422)
    except Stale as stale:
        return staff_page(request, _conflict(context, request, stale, data), 409)
    except Refused as refusal:
        form.add_errors({**refusal.fields, "": refusal.message})
        return staff_page(request, _edit_page(context, request, form), STATUS.get(refusal.code, 409))
    where = "work" if posted.button == "done" else "edit"
    return HTTPSeeOther(record_url(context.unit.code, context.type.section, record.id, where) + ("?saved=1" if where == "work" else ""))


def _conflict(context: RecordContext, request: Any, stale: Stale, mine: dict[str, Any]) -> ConflictPage:
    """Both texts beside each other; saving again is a decision."""
    unit, record = context.unit, context.record
    presenter = presenter_of(request, record.type)
    theirs = dict(presenter.present(stale.current, unit.kind).fields)
    typed = dict(presenter.present(mine, unit.kind).fields)
    fields = tuple(
        ConflictField(name, "\n".join(theirs.get(name, ())), "\n".join(typed.get(name, ())))
        for name in dict.fromkeys((*theirs, *typed))
        if theirs.get(name, ()) != typed.get(name, ())
    )
    snapshot = request.services.store.snapshot()
    try:
        fresh: Record = snapshot.root()["site"].units[unit.code].sections[context.type.section].records[record.id]
        version, edited = fresh.draft.version, fresh.draft.edited_at
    finally:
        snapshot.close()
    form = _draft_form(context, request, etag=str(version), appstruct=presenter.from_json(mine))
    return ConflictPage(
        title=say("别人刚改过这份草稿"),
        editor=stale.editor,
        at=edited or request.now,
        fields=fields,
        form_html=Html(form.render()),
        theirs_url=record_url(unit.code, context.type.section, record.id, "edit"),
    )


@view_config(context=RecordContext, name="autosave", request_method="POST", permission=STAFF, renderer="json")
def autosave(context: RecordContext, request: Any) -> dict[str, str]:
    """Save what is being written, from the page's script."""
    record = worked_on(context, request)
    posted = parse_controls(request.POST.items())
    form = _draft_form(context, request, etag=posted.etag)
    presenter = presenter_of(request, record.type)
    try:
        data = presenter.to_json(form.validate(posted, draft=True))
        request.act(SaveDraft(context.unit.code, context.type.section, record.id, posted.version, data))
    except FormInvalid as invalid:
        request.response.status_int = 422
        return {"message": invalid.form.problems[0].message}
    except Refused as refusal:
        request.response.status_int = STATUS.get(refusal.code, 409)
        return {"message": refusal.message}
    snapshot = request.services.store.snapshot()
    try:
        fresh = snapshot.root()["site"].units[context.unit.code].sections[context.type.section].records[record.id]
        return {"etag": str(fresh.draft.version)}
    finally:
        snapshot.close()
