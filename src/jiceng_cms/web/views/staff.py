"""The back office: what waits for me, drafts, and every act on a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...core.catalog import Row, class_of_edition
from ...core.clock import from_iso
from ...core.drafting import AttachFile, ClearAttachment, CreateRecord, RemoveAttachment, SaveDraft
from ...core.errors import NeedsReauthentication, Refused, Stale
from ...core.events import KINDS
from ...core.handover import heir_of
from ...core.history import kept
from ...core.ids import new_id, pointer
from ...core.moving import MoveRecord
from ...core.permissions import STAFF
from ...core.records import Record
from ...core.signing import VERDICT_TITLES, AnswerObjection, GiveVerdict, NameStandIn, Recuse
from ...core.units import UNIT_KINDS, Unit
from ...core.visibility import allowed, audiences, sees_withdrawn, sees_work, work_listings
from ...core.workflow.engine import settle, signoffs_of, status
from ...locale import both, joined, say, titled
from ...translog.lookup import find_index
from .. import format as fmt
from ..confirming import confirm
from ..forms import Button, FormInvalid, Posted, make_form, parse_controls
from ..forms.staff import create_schema, paper_signoff_schema
from ..pages import EditionPage, Link, Listed
from ..presenting import presenter_of
from ..request import role_title
from ..staff_pages import (
    ConflictField,
    ConflictPage,
    CreateRecordPage,
    DonePage,
    DraftLine,
    EditRecordPage,
    HistoryPage,
    HistoryRow,
    PaperSignoffPage,
    RoleChoice,
    StaffHome,
    WaitingItem,
)
from ..tables import Html
from ..theming import render_page
from ..traversal import FileContext, RecordContext, SectionContext
from ..urls import record_url, section_url, unit_url
from .common import editions_of, files_of, listed, proof_of, with_summary
from .errors import STATUS
from .work import Sent, audience_of, definition_of, due_day, work_page

#: How many lines of each unit's working lists a desk looks at.
MOST = 300


def staff_page(request: Any, page: Any, status: int = 200) -> Response:
    """A page of the back office: never kept."""
    response = render_page(request, page, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


# ------------------------------------------------------------------------ the desk


def my_units(request: Any) -> Iterator[Unit]:
    """The units at which the person holds the role acted in, and, where its reach says so, below."""
    site = request.site
    granted = [unit for unit, role in request.grants if role == request.acting_role and unit != "site"]
    seen: set[str] = set()
    for code in granted:
        unit = site.units[code]
        if code not in seen:
            seen.add(code)
            yield unit
        if UNIT_KINDS[unit.kind][3]:
            continue
        for other in site.units.values():
            if other.code not in seen and request.acting_role in request.reader.roles(other):
                seen.add(other.code)
                yield other


@view_config(route_name="staff", request_method="GET", permission=STAFF)
def home(request: Any) -> Response:
    """等我办的, 我的草稿, 本单位最近公布."""
    waiting: list[WaitingItem] = []
    drafts: list[DraftLine] = []
    newest: list[Listed] = []
    units = list(my_units(request))
    again = 0
    for unit in units:
        for name, section in unit.sections.items():
            for row, record, state in _working(request, unit, section):
                again += record.standing == "withdrawn"
                item = _waiting(request, unit, name, row, record, state)
                if item is not None:
                    waiting.append(item)
                mine = person_wrote(request, record) or heir_of(unit, record) == request.reader.person
                if mine and definition_of(request, record).roles_allowed(state, "edit"):
                    drafts.append(_draft_line(request, unit, name, record))
            listing = section.listings.get(class_of_edition("public"))
            if listing is not None:
                newest += listed(request, unit, name, listing.page(size=8), name_unit=len(units) > 1)
    waiting.sort(key=lambda w: (w.due or date.max, w.since))
    drafts.sort(key=lambda d: d.changed, reverse=True)
    newest.sort(key=lambda item: item.day, reverse=True)
    first = next((u for u in units if UNIT_KINDS[u.kind][3]), units[0] if units else None)
    drafting = [unit for unit in units if _may_create(request, unit)][:12]
    roles = tuple(dict.fromkeys(role for _, role in request.grants))
    page = StaffHome(
        title=say("工作台"),
        unit=(say("{unit}等{n}个单位", unit=first.name, n=len(units)) if len(units) > 1 else first.name)
        if first
        else say("全站"),
        waiting=tuple(waiting[:100]),
        drafts=tuple(drafts[:50]),
        newest=tuple(newest[:10]),
        roles=tuple(RoleChoice(r, role_title(r), r == request.acting_role) for r in roles) if len(roles) > 1 else (),
        switch_url="/staff/role",
        create_url=_create_url(drafting[0]) if drafting else "",
        create_more=tuple(Link(say("给{unit}起草", unit=unit.name), _create_url(unit)) for unit in drafting[1:]),
        all_url=section_url(first.code, "disclosures") if first is not None else "",
        owed=say("有 {n} 份撤回以后还没有重新公布。", n=again) if again else "",
        owed_late=bool(again),
        links=_offices(request, first),
    )
    return staff_page(request, page)


def _offices(request: Any, unit: Unit | None) -> tuple[Link, ...]:
    """The other pages of somebody who acts in this role."""
    by_role = {
        "system": (Link(say("人员和账号"), "/staff/people"), Link(say("单位和机构"), "/staff/units")),
        "security": (
            Link(say("各单位的角色"), "/staff/units"), Link(say("全站的三类管理员"), "/staff/roles"),
            Link(say("人员和账号"), "/staff/people"),
        ),
        "audit": (Link(say("全站的操作记录"), "/staff/journal"), Link(say("各单位的角色"), "/staff/units")),
    }  # fmt: skip
    found = by_role.get(request.acting_role, ())
    if unit is not None and not found:
        found = (Link(say("谁能在这里做什么"), f"{unit_url(unit.code)}roles"),)
    return (*found, Link(say("我的账号"), "/staff/account"))


def person_wrote(request: Any, record: Record) -> bool:
    """Whether the person wrote in the present draft, or began it."""
    person = request.reader.person
    return person in record.authors or (record.created_by == person and not record.editions)


def _working(request: Any, unit: Unit, section: Any) -> Iterator[tuple[Row, Record, str]]:
    for _, state, listing in work_listings(request.services.domain, request.site, request.reader, unit, section):
        if state == "discarded":
            continue
        for row in listing.page(size=MOST):
            yield row, section.records[row.id], state


def _waiting(request: Any, unit: Unit, section: str, row: Row, record: Record, state: str) -> WaitingItem | None:
    """The record as something that waits for this person, or None."""
    definition = definition_of(request, record)
    run = settle(definition, record.run, request.today, audience_of(request, record))
    what = ""
    person, role = request.reader.person, request.acting_role
    if role in ("supervisor", "member"):
        for signoff in signoffs_of(definition.states[state], audience_of(request, record)):
            roster = run.roster(signoff.name)
            on_it = roster is not None and any(m.person == person for m in roster.members)
            given = any(v.person == person for v in run.given(signoff.name)) or person in run.recused()
            if on_it and not given and signoff.name not in run.lapsed:
                what = titled(signoff.title)
    if not what:
        for transition in definition.transitions_from(state):
            mine = role in transition.by or (record.run.stand_in and record.run.stand_in.person == person)
            if not transition.forward and not (record.standing == "withdrawn" and "reopen" in transition.effects):
                continue
            if not mine or (state == definition.initial and not record.run.remark and record.standing != "withdrawn"):
                continue
            if transition.approves and not all(
                status(run, s).opens for s in signoffs_of(definition.states[state], audience_of(request, record))
            ):
                continue
            what = titled(transition.title) if not record.run.remark else say("修改后再提交")
    clears = role in definition.roles_allowed(state, "clear_attachments")
    if not what and clears and any(record.attachments[a].added_by != person for a in record.uncleared()):
        what = say("核对附件")
    if not what:
        return None
    due = run.due.on if run.due else None
    return WaitingItem(
        title=row.title or say("（还没有标题）"),
        url=record_url(unit.code, section, record.id, "work"),
        what=what,
        unit=unit.name,
        since=row.day,
        due=due,
        late_days=max(0, (request.today - due).days) if due else 0,
    )


def _draft_line(request: Any, unit: Unit, section: str, record: Record) -> DraftLine:
    presenter = presenter_of(request, record.type)
    return DraftLine(
        title=record.title() or say("（还没有标题）"),
        url=record_url(unit.code, section, record.id, "work"),
        kind=f"{unit.name} {presenter.kind_title(record.kind, unit.kind)}",
        changed=record.draft.edited_at or record.created_at,
        note=say("退回修改：{remark}", remark=record.run.remark) if record.run.remark else "",
    )


@view_config(route_name="staff_role", request_method="POST", permission=STAFF)
def switch_role(request: Any) -> Response:
    """Act in another of one's roles from now on."""
    role = str(request.POST.get("role", ""))
    if role in {r for _, r in request.grants}:
        id = request.services.cookie.read(request.cookies)
        request.services.sessions.act_as(id, role, request.now)
    return HTTPSeeOther("/staff")


# ------------------------------------------------------------------------ drafting


def _create_url(unit: Unit) -> str:
    return f"{section_url(unit.code, 'disclosures')}new"


def _may_create(request: Any, unit: Unit) -> bool:
    definitions = request.services.domain.definitions.values()
    role = request.reader.acts_at(unit)
    return any(role in d.roles_allowed(d.initial, "edit") for d in definitions) if role else False


@view_config(context=SectionContext, name="new", request_method=("GET", "POST"), permission=STAFF)
def create(context: SectionContext, request: Any) -> Response:
    """Choose what to publish; the draft begins with a title."""
    unit, type = context.unit, context.type
    if not _may_create(request, unit):
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
        return staff_page(request, _with_form(page, form), 422)
    return staff_page(request, _with_form(page, form))


def _with_form(page: Any, form: Any) -> Any:
    return replace(page, form_html=Html(form.render()))


def _worker(context: RecordContext, request: Any) -> Record:
    """The record for somebody who may see the work; HTTPNotFound else."""
    unit, record = context.unit, context.record
    if sees_work(request.services.domain, request.site, request.reader, unit, record) or sees_withdrawn(
        request.reader, unit, record
    ):
        return record
    raise HTTPNotFound()


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


def _editor(context: RecordContext, request: Any) -> Record:
    record = _worker(context, request)
    if not allowed(request.services.domain, request.site, request.reader, context.unit, record, "edit"):
        raise HTTPSeeOther(record_url(context.unit.code, context.type.section, record.id, "work"))
    return record


@view_config(context=RecordContext, name="edit", request_method="GET", permission=STAFF)
def edit_form(context: RecordContext, request: Any) -> Response:
    """The draft's form."""
    record = _editor(context, request)
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
    record = _worker(context, request)
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
    record = _worker(context, request)
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


# ------------------------------------------------------------------------ acting


@view_config(context=RecordContext, name="work", request_method="GET", permission=STAFF)
def work(context: RecordContext, request: Any) -> Response:
    """The record's working page."""
    _worker(context, request)
    notice = say("草稿已经保存。请看检查结果，没有要改的就可以提交。") if request.GET.get("saved") else ""
    return staff_page(request, work_page(context, request, notice=notice))


def _again(
    context: RecordContext, request: Any, action: str, refusal: Refused, fields: dict[str, Any], status: int = 0
) -> Response:
    """The page with the refusal beside its form and what was typed still in it."""
    sent = Sent(action, refusal.message, fields, refusal.fields)
    return staff_page(request, work_page(context, request, sent), status or STATUS.get(refusal.code, 409))


def _restored(context: RecordContext, request: Any, action: str, posted: Posted) -> Response | None:
    """After signing in again: the page with what was typed in it. Nothing is done by itself."""
    if posted.button != "restore":
        return None
    fields = {n: v for n, v in posted.fields.items() if n != "password"}
    return _again(context, request, action, Refused(say("您刚才填的都在这里，还没有提交。请看过以后再提交。")), fields, 200)


def _done(context: RecordContext, request: Any, title: str, after: Any = None) -> Response:
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
    record = _worker(context, request)
    name = "/".join(request.subpath)
    transition = definition_of(request, record).transitions.get(name)
    if transition is None:
        raise HTTPNotFound()
    posted = parse_controls(request.POST.items())
    if (restored := _restored(context, request, name, posted)) is not None:
        return restored
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
            return _again(context, request, name, wrong, shown)
        fresh = True
    action = MoveRecord(
        context.unit.code, context.type.section, record.id, name, posted.version, comment,
        {n: v for n, v in fields.items() if isinstance(v, str)}, posted.idempotency,
    )
    try:
        request.act(action, fresh=fresh)
    except Refused as refusal:
        return _again(context, request, name, refusal, shown)
    if "open_correction" in transition.effects or "reopen" in transition.effects:
        return HTTPSeeOther(record_url(context.unit.code, context.type.section, record.id, "edit"))
    return _done(context, request, say("已办理：{step}", step=titled(transition.title)))


@view_config(context=RecordContext, name="signoff", request_method="POST", permission=STAFF)
def signoff(context: RecordContext, request: Any) -> Response:
    """A member's verdict."""
    record = _worker(context, request)
    posted = parse_controls(request.POST.items())
    name = "/".join(request.subpath)
    if (restored := _restored(context, request, f"signoff-{name}", posted)) is not None:
        return restored
    action = GiveVerdict(
        context.unit.code, context.type.section, record.id, name,
        posted.version,
        str(posted.fields.get("verdict", "")), str(posted.fields.get("comment", "")),
        token=posted.idempotency,
    )
    try:
        request.act(action)
    except Refused as refusal:
        return _again(context, request, f"signoff-{name}", refusal, dict(posted.fields))
    return _done(context, request, say("您的意见已经记下"))


@view_config(context=RecordContext, name="answer", request_method="POST", permission=STAFF)
def answer(context: RecordContext, request: Any) -> Response:
    """The written answer to an objection."""
    record = _worker(context, request)
    posted = parse_controls(request.POST.items())
    number = "/".join(request.subpath)
    if (restored := _restored(context, request, f"answer-{number}", posted)) is not None:
        return restored
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
        return _again(context, request, f"answer-{number}", refusal, dict(posted.fields))
    return _done(context, request, say("答复已经记下"))


@view_config(context=RecordContext, name="recuse", request_method="POST", permission=STAFF)
def recuse(context: RecordContext, request: Any) -> Response:
    """Step aside."""
    record = _worker(context, request)
    posted = parse_controls(request.POST.items())
    if (restored := _restored(context, request, "recuse", posted)) is not None:
        return restored
    reason = str(posted.fields.get("comment", ""))
    try:
        request.act(Recuse(context.unit.code, context.type.section, record.id, reason, posted.idempotency))
    except Refused as refusal:
        return _again(context, request, "recuse", refusal, dict(posted.fields))
    return _done(context, request, say("已经回避"))


@view_config(context=RecordContext, name="stand-in", request_method="POST", permission=STAFF)
def stand_in(context: RecordContext, request: Any) -> Response:
    """Name who approves in the approvers' place."""
    record = _worker(context, request)
    posted = parse_controls(request.POST.items())
    if (restored := _restored(context, request, "stand-in", posted)) is not None:
        return restored
    action = NameStandIn(
        context.unit.code, context.type.section, record.id, str(posted.fields.get("person", "")),
        str(posted.fields.get("comment", "")), posted.idempotency,
    )
    try:
        request.act(action)
    except Refused as refusal:
        return _again(context, request, "stand-in", refusal, dict(posted.fields))
    return _done(context, request, say("代为审批的人已经指定"))


# ------------------------------------------------------------------------ attachments


@view_config(context=RecordContext, name="attach", request_method="POST", permission=STAFF)
def attach(context: RecordContext, request: Any) -> Response:
    """Add an attachment."""
    record = _worker(context, request)
    # several files stand under one name; those that came in pieces are named by their upload
    posted = parse_controls((n, v) for n, v in request.POST.items() if n not in ("upload", "uploaded"))
    uploads, pieces = request.POST.getall("upload"), [u for u in request.POST.getall("uploaded") if isinstance(u, str) and u]
    try:
        with request.registry.files.taking(uploads, pieces, request.reader.person, record.subject) as files:
            for number, file in enumerate(files):
                token = f"{posted.idempotency}-{number}" if number and posted.idempotency else posted.idempotency
                request.act(AttachFile(context.unit.code, context.type.section, record.id, file, token))
    except Refused as refusal:
        return _again(context, request, "attach", refusal, {})
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
    record = _worker(parent, request)
    posted = parse_controls(request.POST.items())
    action = make(parent.unit.code, parent.type.section, record.id, context.attachment.id, posted.idempotency)
    try:
        request.act(action)
    except Refused as refusal:
        return _again(parent, request, "attach", refusal, {})
    return HTTPSeeOther(record_url(parent.unit.code, parent.type.section, record.id, "work") + "#files")


# ------------------------------------------------------------------------ paper, history, old editions


def sheet_code(record: Record) -> str:
    """The code on a printed sheet: of the revision that is on it."""
    revision = record.revision()
    return revision.digest[:8].upper().replace("-", "A").replace("_", "B") if revision is not None else ""


@view_config(context=RecordContext, name="paper", request_method=("GET", "POST"), permission=STAFF)
def paper(context: RecordContext, request: Any) -> Response:
    """Enter a sheet that a member signed on paper."""
    record = _worker(context, request)
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
        return staff_page(request, _with_form(page, form))
    posted = parse_controls(request.POST.items())
    if form.redraw(posted):
        return staff_page(request, _with_form(page, form))
    try:
        data = form.validate(posted)
        if data["code"].strip().upper() != sheet_code(record):
            raise Refused(say("纸上的校验码和现在这一稿对不上。请核对，或者重新打印签署单请成员再签。"), fields={"code": say("和这一稿对不上。")})
        request.act(
            GiveVerdict(
                context.unit.code, context.type.section, record.id, signoff.name,
                posted.version, data["verdict"], data.get("reason", ""),
                paper_for=data["member"], token=posted.idempotency,
            )
        )
    except FormInvalid:
        return staff_page(request, _with_form(page, form), 422)
    except Refused as refusal:
        form.add_errors({**refusal.fields, "": refusal.message})
        return staff_page(request, _with_form(page, form), STATUS.get(refusal.code, 409))
    return _done(context, request, say("纸质意见已经录入"))


@view_config(context=RecordContext, name="history", request_method="GET", permission=STAFF)
def history(context: RecordContext, request: Any) -> Response:
    """Who did what and when."""
    record = _worker(context, request)
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
    record = _worker(context, request)
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


