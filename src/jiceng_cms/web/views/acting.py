"""Every act on a record: transitions, verdicts, answers, recusals, stand-ins, attachments."""

from __future__ import annotations

import re
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...core.drafting import AttachFile, ClearAttachment, RemoveAttachment
from ...core.errors import NeedsReauthentication, Refused
from ...core.moving import MoveRecord
from ...core.permissions import STAFF
from ...core.records import Record
from ...core.signing import AnswerObjection, GiveVerdict, NameStandIn, Recuse
from ...locale import say, titled
from .. import format as fmt
from ..confirming import confirm
from ..forms import Posted, parse_controls
from ..pages import Link
from ..staff_pages import (
    DonePage,
)
from ..traversal import FileContext, RecordContext
from ..urls import record_url
from .errors import STATUS
from .staff import staff_page, worked_on
from .work import Sent, definition_of, due_day, work_page


@view_config(context=RecordContext, name="work", request_method="GET", permission=STAFF)
def work(context: RecordContext, request: Any) -> Response:
    """The record's working page."""
    worked_on(context, request)
    notice = say("草稿已经保存。请看检查结果，没有要改的就可以提交。") if request.GET.get("saved") else ""
    return staff_page(request, work_page(context, request, notice=notice))


def again(
    context: RecordContext, request: Any, action: str, refusal: Refused, fields: dict[str, Any], status: int = 0
) -> Response:
    """The page with the refusal beside its form and what was typed still in it."""
    sent = Sent(action, refusal.message, fields, refusal.fields)
    return staff_page(request, work_page(context, request, sent), status or STATUS.get(refusal.code, 409))


def restored(context: RecordContext, request: Any, action: str, posted: Posted) -> Response | None:
    """After signing in again: the page with what was typed in it. Nothing is done by itself."""
    if posted.button != "restore":
        return None
    fields = {n: v for n, v in posted.fields.items() if n != "password"}
    return again(context, request, action, Refused(say("您刚才填的都在这里，还没有提交。请看过以后再提交。")), fields, 200)


def done(context: RecordContext, request: Any, title: str, after: Any = None) -> Response:
    """What happens next and when, as the record stands after the act."""
    unit, section, id = context.unit, context.type.section, context.record.id
    snapshot = request.services.store.snapshot()
    try:
        site = snapshot.root()["site"]
        record: Record = site.units[unit.code].sections[section].records[id]
        definition = request.services.domain.definition(record.run.definition, site.definitions)
        state = definition.states[record.run.state]
        lines = [say("现在是“{step}”。{about}", step=titled(state.title), about=titled(state.description))]
        if state.published and record.standing == "published":
            edition = record.edition()
            assert edition is not None, "a published record has an edition"
            lines = [
                say("已经公布，编号 {number}，公示到{day}。", number=record.number, day=fmt.day(edition.display_until)),
                say("几秒钟以后会记进公开的存证日志，页面上写“已存证”。公布以后只能更正或者撤回。"),
            ]
        links = [Link(say("回到这一份"), record_url(unit.code, section, id, "work")), Link(say("回到工作台"), "/staff")]
        if record.standing == "published":
            links.insert(0, Link(say("看居民看到的页面"), record_url(unit.code, section, id)))
            links.insert(1, Link(say("打印上墙"), record_url(unit.code, section, id, "print")))
        due = due_day(record.run.due, say("{step}的期限", step=titled(state.title)), request.today)
        page = DonePage(title, tuple(lines), tuple(links), due, draft_key=record.key)
    finally:
        snapshot.close()
    return staff_page(request, page)


@view_config(context=RecordContext, name="do", request_method="POST", permission=STAFF)
def do(context: RecordContext, request: Any) -> Response:
    """Do a transition."""
    record = worked_on(context, request)
    name = "/".join(request.subpath)
    transition = definition_of(request, record).transitions.get(name)
    if transition is None:
        raise HTTPNotFound()
    posted = parse_controls(request.POST.items())
    if (page := restored(context, request, name, posted)) is not None:
        return page
    fields = dict(posted.fields)
    password = str(fields.pop("password", ""))
    comment = str(fields.pop("comment", ""))
    shown = {**fields, "comment": comment}
    code = str(fields.pop("code", ""))
    fresh = False
    if transition.reauthenticate:
        try:
            confirm(request, password, code)
        except NeedsReauthentication as wrong:
            return again(context, request, name, wrong, shown)
        fresh = True
    action = MoveRecord(
        context.unit.code, context.type.section, record.id, name, posted.version, comment,
        {n: v for n, v in fields.items() if isinstance(v, str)}, posted.idempotency,
    )
    try:
        request.act(action, fresh=fresh)
    except Refused as refusal:
        return again(context, request, name, refusal, shown)
    if "open_correction" in transition.effects or "reopen" in transition.effects:
        return HTTPSeeOther(record_url(context.unit.code, context.type.section, record.id, "edit"))
    return done(context, request, say("已办理：{step}", step=titled(transition.title)))


@view_config(context=RecordContext, name="signoff", request_method="POST", permission=STAFF)
def signoff(context: RecordContext, request: Any) -> Response:
    """A member's verdict."""
    record = worked_on(context, request)
    posted = parse_controls(request.POST.items())
    name = "/".join(request.subpath)
    if (page := restored(context, request, f"signoff-{name}", posted)) is not None:
        return page
    action = GiveVerdict(
        context.unit.code, context.type.section, record.id, name,
        posted.version,
        str(posted.fields.get("verdict", "")), str(posted.fields.get("comment", "")),
        signed=posted.fields.get("signed") == "true",
        token=posted.idempotency,
    )
    try:
        request.act(action)
    except Refused as refusal:
        return again(context, request, f"signoff-{name}", refusal, dict(posted.fields))
    return done(context, request, say("您的意见已经记下"))


@view_config(context=RecordContext, name="answer", request_method="POST", permission=STAFF)
def answer(context: RecordContext, request: Any) -> Response:
    """The written answer to an objection."""
    record = worked_on(context, request)
    posted = parse_controls(request.POST.items())
    number = "/".join(request.subpath)
    if (page := restored(context, request, f"answer-{number}", posted)) is not None:
        return page
    if not re.fullmatch(r"[0-9]{1,4}", number) or int(number) >= len(record.run.verdicts):
        raise HTTPNotFound()
    verdict = record.run.verdicts[int(number)]
    action = AnswerObjection(
        context.unit.code, context.type.section, record.id, verdict.signoff, verdict.person,
        str(posted.fields.get("comment", "")), posted.idempotency,
    )
    try:
        request.act(action)
    except Refused as refusal:
        return again(context, request, f"answer-{number}", refusal, dict(posted.fields))
    return done(context, request, say("答复已经记下"))


@view_config(context=RecordContext, name="recuse", request_method="POST", permission=STAFF)
def recuse(context: RecordContext, request: Any) -> Response:
    """Step aside."""
    record = worked_on(context, request)
    posted = parse_controls(request.POST.items())
    if (page := restored(context, request, "recuse", posted)) is not None:
        return page
    reason = str(posted.fields.get("comment", ""))
    try:
        request.act(Recuse(context.unit.code, context.type.section, record.id, reason, posted.idempotency))
    except Refused as refusal:
        return again(context, request, "recuse", refusal, dict(posted.fields))
    return done(context, request, say("已经回避"))


@view_config(context=RecordContext, name="stand-in", request_method="POST", permission=STAFF)
def stand_in(context: RecordContext, request: Any) -> Response:
    """Name who approves in the approvers' place."""
    record = worked_on(context, request)
    posted = parse_controls(request.POST.items())
    if (page := restored(context, request, "stand-in", posted)) is not None:
        return page
    action = NameStandIn(
        context.unit.code, context.type.section, record.id, str(posted.fields.get("person", "")),
        str(posted.fields.get("comment", "")), posted.idempotency,
    )
    try:
        request.act(action)
    except Refused as refusal:
        return again(context, request, "stand-in", refusal, dict(posted.fields))
    return done(context, request, say("代为审批的人已经指定"))


@view_config(context=RecordContext, name="attach", request_method="POST", permission=STAFF)
def attach(context: RecordContext, request: Any) -> Response:
    """Add an attachment."""
    record = worked_on(context, request)
    # several files stand under one name; those that came in pieces are named by their upload
    posted = parse_controls((n, v) for n, v in request.POST.items() if n not in ("upload", "uploaded"))
    uploads, pieces = request.POST.getall("upload"), [u for u in request.POST.getall("uploaded") if isinstance(u, str) and u]
    try:
        with request.registry.files.taking(uploads, pieces, request.reader.person, record.subject) as files:
            for number, file in enumerate(files):
                token = f"{posted.idempotency}-{number}" if number and posted.idempotency else posted.idempotency
                request.act(AttachFile(context.unit.code, context.type.section, record.id, file, token))
    except Refused as refusal:
        return again(context, request, "attach", refusal, {})
    return HTTPSeeOther(record_url(context.unit.code, context.type.section, record.id, "work") + "#files")


@view_config(context=FileContext, name="clear", request_method="POST", permission=STAFF)
def clear(context: FileContext, request: Any) -> Response:
    """已核对无个人信息."""
    return _on_file(context, request, ClearAttachment)


@view_config(context=FileContext, name="remove", request_method="POST", permission=STAFF)
def remove(context: FileContext, request: Any) -> Response:
    """Take an attachment off the draft."""
    return _on_file(context, request, RemoveAttachment)


def _on_file(context: FileContext, request: Any, make: type[ClearAttachment] | type[RemoveAttachment]) -> Response:
    parent = context.parent
    record = worked_on(parent, request)
    posted = parse_controls(request.POST.items())
    action = make(parent.unit.code, parent.type.section, record.id, context.attachment.id, posted.idempotency)
    try:
        request.act(action)
    except Refused as refusal:
        return again(parent, request, "attach", refusal, {})
    return HTTPSeeOther(record_url(parent.unit.code, parent.type.section, record.id, "work") + "#files")
