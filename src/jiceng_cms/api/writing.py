"""What programs do: the same actions as the forms, one view for each."""

from __future__ import annotations

from typing import Any

from pyramid.response import Response

from ..access.tokens import scope_of
from ..core.actions import Action
from ..core.drafting import AttachFile, ClearAttachment, CreateRecord, RemoveAttachment, SaveDraft
from ..core.moving import MoveRecord
from ..core.permissions import STAFF
from ..core.records import Record
from ..core.signing import AnswerObjection, GiveVerdict, NameStandIn, Recuse
from ..core.site import site_of
from ..core.text import TextRefused, clean_text
from ..core.visibility import sees_withdrawn, sees_work
from ..web.traversal import RecordContext
from .bodies import begun, content_of
from .document import PREFIX
from .door import insufficient, scopes
from .problems import Problem, no_such_thing
from .reading import record_in, seen, unit_in
from .routing import api_view
from .shapes import answer, context_of, record_shape, tag_of, view_of
from .state import Unchanged, action_token, done_before, last_event, require_match, work_tag

#: What a multipart form takes beside its file, in bytes.
_ENVELOPE = 64 * 1024


def _worked_on(request: Any) -> RecordContext:
    """The record of the address for somebody who may see the work; 404 else, 410 where what
    was public was withdrawn."""
    context = record_in(request, unit_in(request))
    unit, record = context.unit, context.record
    if sees_work(request.services.domain, request.site, request.reader, unit, record) or sees_withdrawn(
        request.reader, unit, record
    ):
        return context
    seen(request)
    raise Problem("forbidden", "这个令牌的身份不办理这份材料，只能看已经公布的内容。")


def _perform(request: Any, context: RecordContext, action: Any) -> None:
    """Do an action on the state of the record that the caller has read."""
    record = context.record
    if done_before(request, context.unit.code, action.token) is not None:
        return
    require_match(request, work_tag(request, record))
    request.act(Unchanged(action, context.type.section, record.id, last_event(record)))


def _after(request: Any, unit: str, section: str, id: str, status: int = 200) -> Response:
    """The record as it stands after the act, in a new snapshot."""
    snapshot = request.services.store.snapshot()
    request.add_finished_callback(lambda _: snapshot.close())
    for name in ("grants", "reader"):
        request.__dict__.pop(name, None)
    request.db, request.site = snapshot.connection, site_of(snapshot.connection)
    context = context_of(request, request.site.units[unit], section, id)
    assert context is not None, "what was just changed is there"
    view = view_of(context, request)
    if not view.any or view.stub:
        # whoever may end a record's life may lose sight of it by that
        return Response(status=204)
    response = answer(record_shape(request, view), status=status, tag=tag_of(request, view))
    if status == 201:
        response.headers["Location"] = f"{PREFIX}/units/{unit}/records/{id}"
    return response


def _text(request: Any, name: str, what: str, limit: int = 2000) -> str:
    """A text of the body without hidden characters, trimmed; "" where there is none."""
    text: str = request.sent.get(name) or ""
    try:
        return clean_text(text, what, limit=limit) if text else ""
    except TextRefused as error:
        raise Problem("invalid", error.message, fields={name: error.message}) from error


@api_view("unit_records", "POST", permission=STAFF, scope="draft")
def create(request: Any) -> Response:
    """Start a draft."""
    unit = unit_in(request)
    type = request.services.domain.content_types[request.sent["type"]]
    sent = begun(request.sent["data"])
    kind = sent.pop("kind")
    data = content_of(request, type, unit, kind, sent)
    token = action_token(request, unit.code)
    id = done_before(request, unit.code, token) or request.act(CreateRecord(unit.code, type.name, kind, data, token))
    return _after(request, unit.code, type.section, id, 201)


@api_view("record", "PUT", permission=STAFF, scope="draft")
def save(request: Any) -> Response:
    """Put the draft's whole content in place of the present one."""
    context = _worked_on(request)
    unit, record = context.unit, context.record
    require_match(request, work_tag(request, record))
    sent = dict(request.sent["data"])
    if sent.pop("kind", record.kind) != record.kind:
        raise Problem("invalid", "类别定了就不能改。请另起草一份。", fields={"data.kind": "不能改"})
    data = content_of(request, context.type, unit, record.kind, sent)
    _perform(request, context, SaveDraft(unit.code, context.type.section, record.id, record.draft.version, data))
    return _after(request, unit.code, context.type.section, record.id)


@api_view("transition", "POST", permission=STAFF, scope="")
def move(request: Any) -> Response:
    """Do a transition; its scope follows from what it does."""
    context = _worked_on(request)
    unit, record = context.unit, context.record
    definition = request.services.domain.definition(record.run.definition, request.site.definitions)
    transition = definition.transitions.get(request.matchdict["name"])
    if transition is None:
        raise no_such_thing()
    if scope_of(transition) not in scopes(request):
        raise insufficient(scope_of(transition))
    token = action_token(request, unit.code)
    comment = _text(request, "comment", "说明")
    action = MoveRecord(
        unit.code, context.type.section, record.id, transition.name, record.draft.version, comment,
        dict(request.sent.get("data") or {}), token,
    )
    _perform(request, context, action)
    return _after(request, unit.code, context.type.section, record.id)


@api_view("signoffs", "POST", permission=STAFF, scope="signoff")
def sign(request: Any) -> Response:
    """A verdict on the present revision; with ``paper_for`` one that was given on paper."""
    context = _worked_on(request)
    unit, record, sent = context.unit, context.record, request.sent
    action = GiveVerdict(
        unit.code, context.type.section, record.id, sent["name"], record.run.revision, sent["verdict"],
        _text(request, "reason", "理由", 1000), bool(sent.get("signed", False)), sent.get("paper_for", ""),
        action_token(request, unit.code),
    )
    _perform(request, context, action)
    return _after(request, unit.code, context.type.section, record.id)


@api_view("answers", "POST", permission=STAFF, scope="submit")
def reply(request: Any) -> Response:
    """The written answer to an objection."""
    context = _worked_on(request)
    text = _text(request, "text", "答复", 1000)
    return _simple(request, context, AnswerObjection, request.sent["name"], request.sent["person"], text)


@api_view("recusals", "POST", permission=STAFF, scope="signoff")
def recuse(request: Any) -> Response:
    """Step aside from this record."""
    return _simple(request, _worked_on(request), Recuse, _text(request, "reason", "回避的理由", 300))


@api_view("stand_ins", "POST", permission=STAFF, scope="submit")
def name_stand_in(request: Any) -> Response:
    """Name who approves where every approver is barred."""
    text = _text(request, "decision", "决定", 300)
    return _simple(request, _worked_on(request), NameStandIn, request.sent["person"], text)


def _simple(request: Any, context: RecordContext, make: Any, *fields: str) -> Response:
    unit, section, id = context.unit.code, context.type.section, context.record.id
    action: Action = make(unit, section, id, *fields, token=action_token(request, unit))
    _perform(request, context, action)
    return _after(request, unit, section, id)


# ------------------------------------------------------------------------ files


@api_view("attachments", "POST", permission=STAFF, scope="draft", openapi=False)
def attach(request: Any) -> Response:
    """Attach the file in the field ``file`` of a multipart form.

    The form is not handed to the validator, which would hold the whole file in memory.
    """
    context = _worked_on(request)
    unit, record = context.unit.code, context.record
    if request.content_type != "multipart/form-data":
        raise Problem("unsupported_media_type", "附件要用 multipart/form-data 送来，文件放在 file 一栏。")
    most = request.registry.files.bounds.plain
    if request.content_length is not None and request.content_length > most + _ENVELOPE:
        raise Problem("too_large", f"文件超过 {most >> 20} MB。扫描件可以降低清晰度，或者拆成几个文件。")
    upload = _upload(request)
    file = None
    try:
        file = request.registry.files.receive(upload)
        request.environ["jiceng.body"] = file.sha256
        token = action_token(request, unit)
        _attach(request, context, AttachFile(unit, context.type.section, record.id, file, token))
    finally:
        if file is not None:
            file.path.unlink(missing_ok=True)
    return _after(request, unit, context.type.section, record.id, 201)


def _upload(request: Any) -> Any:
    try:
        posted = request.POST
    except (UnicodeError, LookupError, ValueError):
        raise Problem("bad_request", "送来的表单看不懂。请核对分隔线和编码。") from None
    strange = sorted(name for name in posted if name != "file")
    if strange or len(posted.getall("file")) != 1:
        raise Problem("invalid", "请把一个文件放在 file 一栏，不要有别的栏目。", fields={"file": "要一个文件"})
    return posted["file"]


def _attach(request: Any, context: RecordContext, action: AttachFile) -> None:
    """Files may follow each other without a look in between: a tag is checked where one is given."""
    if request.headers.get("If-Match"):
        _perform(request, context, action)
    elif done_before(request, context.unit.code, action.token) is None:
        request.act(action)


@api_view("attachment", "DELETE", permission=STAFF, scope="draft")
def detach(request: Any) -> Response:
    """Take a file off the draft."""
    return _on_file(request, RemoveAttachment)


@api_view("clearance", "POST", permission=STAFF, scope="signoff")
def clear(request: Any) -> Response:
    """已核对无个人信息."""
    return _on_file(request, ClearAttachment)


def _on_file(request: Any, make: type[RemoveAttachment] | type[ClearAttachment]) -> Response:
    context = _worked_on(request)
    record: Record = context.record
    id = request.matchdict["file"]
    if id not in record.attachments:
        raise no_such_thing()
    unit = context.unit.code
    token = action_token(request, unit) if request.method == "POST" else ""
    if done_before(request, unit, token) is None:
        request.act(make(unit, context.type.section, record.id, id, token))
    return _after(request, context.unit.code, context.type.section, record.id)
