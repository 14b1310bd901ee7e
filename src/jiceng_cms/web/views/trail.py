"""What a record's work leaves behind: signed sheets, the history, editions as they were published."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from ...core.clock import from_iso
from ...core.errors import Refused
from ...core.events import KINDS
from ...core.history import kept
from ...core.ids import new_id, pointer
from ...core.permissions import STAFF
from ...core.records import Record
from ...core.signing import VERDICT_TITLES, GiveVerdict
from ...core.visibility import allowed, audiences
from ...core.workflow.engine import signoffs_of
from ...locale import both, joined, say, titled
from ...translog.lookup import find_index
from ..forms import Button, FormInvalid, make_form, parse_controls
from ..forms.staff import paper_signoff_schema
from ..pages import EditionPage, Link
from ..presenting import presenter_of
from ..request import role_title
from ..staff_pages import (
    HistoryPage,
    HistoryRow,
    PaperSignoffPage,
)
from ..tables import Html
from ..traversal import RecordContext
from ..urls import record_url, unit_url
from .acting import done
from .common import editions_of, files_of, proof_of, with_summary
from .errors import STATUS
from .staff import staff_page, with_form, worked_on
from .work import audience_of, definition_of


def sheet_code(record: Record) -> str:
    """The code on a printed sheet: of the revision that is on it."""
    revision = record.revision()
    return revision.digest[:8].upper().replace("-", "A").replace("_", "B") if revision is not None else ""


@view_config(context=RecordContext, name="paper", request_method=("GET", "POST"), permission=STAFF)
def paper(context: RecordContext, request: Any) -> Response:
    """Enter a sheet that a member signed on paper."""
    record = worked_on(context, request)
    definition = definition_of(request, record)
    state = definition.states[record.run.state]
    if not allowed(request.services.domain, request.site, request.reader, context.unit, record, "record_paper"):
        raise HTTPNotFound()
    signoff = next(iter(signoffs_of(state, audience_of(request, record))), None)
    roster = record.run.roster(signoff.name) if signoff is not None else None
    if signoff is None or roster is None:
        raise HTTPNotFound()
    given = {v.person for v in record.run.given(signoff.name)}
    members = [(m.person, f"{m.post} {m.name}") for m in roster.members if m.person not in given]
    form = make_form(
        paper_signoff_schema(members, [(v, both(*VERDICT_TITLES[v])) for v in signoff.verdicts]),
        action=request.path,
        buttons=(Button("record", say("录入这张签署单")),),
        csrf_token=request.login_session.csrf,
        locale=request.interface_locale,
        etag=str(record.run.revision),
        idempotency=new_id(16),
    )
    base = record_url(context.unit.code, context.type.section, record.id)
    page = PaperSignoffPage(
        title=say("录入纸质签署单"),
        form_html=Html(""),
        explain=(say("照纸上的原文录入。公布时会写明“纸质签署，由×职务代录”，签署人可以对录入提出异议。"),),
        subject=record.title(),
        back=Link(say("返回这一份"), f"{base}/work"),
    )
    if request.method != "POST":
        return staff_page(request, with_form(page, form))
    posted = parse_controls(request.POST.items())
    if form.redraw(posted):
        return staff_page(request, with_form(page, form))
    try:
        data = form.validate(posted)
        if data["code"].strip().upper() != sheet_code(record):
            raise Refused(say("纸上的校验码和现在这一稿对不上。请核对，或者重新打印签署单请成员再签。"), fields={"code": say("和这一稿对不上。")})
        request.act(
            GiveVerdict(
                context.unit.code, context.type.section, record.id, signoff.name,
                posted.version, data["verdict"], data.get("reason", ""),
                signed=data["named"] == "yes", paper_for=data["member"], token=posted.idempotency,
            )
        )
    except FormInvalid:
        return staff_page(request, with_form(page, form), 422)
    except Refused as refusal:
        form.add_errors({**refusal.fields, "": refusal.message})
        return staff_page(request, with_form(page, form), STATUS.get(refusal.code, 409))
    return done(context, request, say("纸质意见已经录入"))


@view_config(context=RecordContext, name="history", request_method="GET", permission=STAFF)
def history(context: RecordContext, request: Any) -> Response:
    """Who did what and when."""
    record = worked_on(context, request)
    definition = definition_of(request, record)
    rows = []
    size = request.services.log.size()
    for event in kept(record.history):
        body = event.event()
        details = body["details"]
        rows.append(
            HistoryRow(
                at=from_iso(body["at"]),
                what=both(KINDS[body["kind"]].zh_CN, KINDS[body["kind"]].en) if body["kind"] in KINDS else body["kind"],
                who=say("系统") if body["actor"] == "system" else request.site.person_name(body["actor"], from_iso(body["at"])),
                role=role_title(body["role"]) if body["role"] != "timer" else say("到期自动"),
                detail=_detail(definition, details),
                reason=_reason(record, body["kind"], details),
            )
        )
    edition = record.edition()
    proven = ""
    if edition is not None:
        index = find_index(request.db, edition._p_serial, pointer(record.subject, edition.event))
        if index is not None and index < size:
            proven = say("第{n}版的公布已存证，编号 {index}。每一行都在存证日志里有一条，改动任何一行都会被核对出来。", n=edition.number, index=index)
    page = HistoryPage(
        title=say("谁在什么时候办了什么"),
        record_title=record.title() or (edition.data()["title"] if edition else ""),
        record_url=record_url(context.unit.code, context.type.section, record.id, "work"),
        rows=tuple(rows),
        proven=proven,
    )
    return staff_page(request, page)


_FIELD_WORDS = {
    "title": say("标题"), "item": say("公开事项"), "audience": say("公开范围"), "part": say("涉及的小组"), "event_date": say("发生日期"),
    "due_date": say("应当公布的日期"), "due_basis": say("为什么是这一天"), "summary": say("两句话说明"), "body": say("正文"), "tables": say("表格"),
    "basis": say("公开依据"), "subject": say("公开主体"), "channels": say("公开渠道"), "matter": say("同一件事的名称"), "stage": say("阶段"),
    "display_days": say("公示天数"),
}


def _reason(record: Record, kind: str, details: dict[str, Any]) -> str:
    """Why it was done: the comment, or what a correction or a withdrawal told the residents."""
    if kind == "record.corrected" and (edition := record.editions.get(details["edition"])) is not None:
        correction = edition.content()["correction"]
        return str(correction["reason"]) if correction else ""
    if kind == "record.withdrawn" and record.withdrawal is not None:
        return record.withdrawal.note
    return str(details.get("comment", ""))


def _detail(definition: Any, details: dict[str, Any]) -> str:
    parts: list[str] = []
    if "from" in details and "to" in details:
        titles = [titled(definition.states[s].title) if s in definition.states else s for s in (details["from"], details["to"])]
        parts.append(joined(" → ", titles))
    if "fields" in details:
        parts.append(say("改了{fields}", fields=joined("、", (_FIELD_WORDS.get(f, f) for f in details["fields"]))))
    if "verdict" in details:
        parts.append(both(*VERDICT_TITLES[details["verdict"]]))
    if details.get("paper_for"):
        parts.append(say("代录纸质签署"))
    if "edition" in details:
        parts.append(say("第{n}版", n=details["edition"]))
    if details.get("late_days"):
        parts.append(say("晚 {n} 天", n=details["late_days"]))
    return joined("，", parts)


@view_config(context=RecordContext, name="work-edition", request_method="GET", permission=STAFF)
def work_edition(context: RecordContext, request: Any) -> Response:
    """An edition as it was published, also of what was withdrawn, for those who oversee."""
    record = worked_on(context, request)
    number = str(request.GET.get("n", ""))
    edition = record.editions.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 6 else None
    if edition is None or edition.audience not in audiences(request.reader, context.unit):
        raise HTTPNotFound()
    unit, section = context.unit, context.type.section
    presenter = presenter_of(request, record.type)
    last = record.edition()
    assert last is not None, "there is at least the one that is shown"
    following = record.editions.get(edition.number + 1)
    ended: datetime = following.published_at if following else (record.withdrawal.at if record.withdrawal else request.now)
    reason = record.withdrawal.note if record.withdrawal and not following else ""
    data = edition.data()
    page = EditionPage(
        title=data["title"],
        unit=unit.name,
        unit_url=unit_url(unit.code),
        kind=presenter.kind_title(record.kind, unit.kind),
        edition=edition.number,
        current=last.number,
        current_url=record_url(unit.code, section, record.id, "work"),
        published=edition.published_at,
        superseded=ended,
        reason=reason,
        body=with_summary(presenter.present(data, unit.kind)),
        files=files_of(record, section, edition),
        proof=proof_of(request, record, section, edition),
        editions=editions_of(record, section, edition.number),
    )
    return staff_page(request, page)
