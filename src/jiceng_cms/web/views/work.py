"""What a record's working page shows: steps, checks, sign-offs, and what the person may do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ...core.actions import Looking
from ...core.clock import local_date
from ...core.domain import Moving, Problem
from ...core.errors import Forbidden
from ...core.events import Journal
from ...core.file_texts import text_of
from ...core.ids import new_id
from ...core.moving import may_move, problems_of
from ...core.records import Record
from ...core.signing import VERDICT_TITLES, approvers_left, committee_left
from ...core.units import ancestors
from ...core.visibility import allowed, audiences, sees_edition, sees_withdrawn, sees_work
from ...core.workflow.definition import Definition, State, Transition
from ...core.workflow.engine import settle, signoffs_of, status
from ...core.workflow.run import Due, Run
from ...locale import both, joined, say, titled
from .. import format as fmt
from ..confirming import confirm_link, confirms_elsewhere
from ..forms import make_form
from ..pages import Link, Mark, mark_overdue, mark_withdrawn
from ..presenting import presenter_of
from ..request import role_title
from ..staff_pages import (
    ActionForm,
    Attachment,
    Check,
    DueDay,
    RecordStaffPage,
    SignoffRow,
    SignoffTable,
    Stage,
    UploadForm,
)
from ..tables import BulletList, Heading, Html, Paragraph, render_blocks
from ..traversal import RecordContext
from ..uploads import ACCEPT, kind_title
from ..urls import record_url, unit_url
from .reading import reading_note


@dataclass(frozen=True)
class Sent:
    """What was sent and refused, to be shown again: by the name of the action."""

    action: str
    error: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def looking(request: Any) -> Looking:
    """A context over the request's snapshot, as who is signed in."""
    return Looking(request.db, Journal(), request.actor, request.services.domain)


def definition_of(request: Any, record: Record) -> Definition:
    """The definition that the record's run is pinned to."""
    found: Definition = request.services.domain.definition(record.run.definition, request.site.definitions)
    return found


def due_day(due: Due | None, what: str, today: Any) -> DueDay | None:
    """A run's deadline, with why it is that day."""
    if due is None:
        return None
    return DueDay(what, due.on, due.explanation, max(0, (today - due.on).days))


def audience_of(request: Any, record: Record) -> str:
    """Who the draft is for."""
    return str(request.services.domain.content_types[record.type].audience(record.draft.data))


def work_page(context: RecordContext, request: Any, sent: Sent | None = None, notice: str = "") -> RecordStaffPage:
    """The page; the caller has made sure that the person may see the work."""
    unit, record, section = context.unit, context.record, context.type.section
    definition = definition_of(request, record)
    state = definition.states[record.run.state]
    presenter = presenter_of(request, record.type)
    editing = bool(definition.roles_allowed(state.name, "edit"))
    data = record.draft.data
    edition = record.edition()
    if state.published or (record.standing == "withdrawn" and not editing):
        data = edition.data() if edition is not None else data
    shown = presenter.present(data, unit.kind)
    run = settle(definition, record.run, request.today, audience_of(request, record))
    may_edit = allowed(request.services.domain, request.site, request.reader, unit, record, "edit")
    reads_text = sees_work(request.services.domain, request.site, request.reader, unit, record) or sees_withdrawn(
        request.reader, unit, record
    )
    assert reads_text, "the caller asked whether the person may see this"
    actions = tuple(_actions(context, request, definition, run, sent))
    base = record_url(unit.code, section, record.id)
    return RecordStaffPage(
        title=data.get("title") or say("（还没有标题）"),
        unit=unit.name,
        unit_url=unit_url(unit.code),
        kind=presenter.kind_title(record.kind, unit.kind),
        stages=_stages(definition, record),
        body_html=_body(shown.summary, shown.body, shown.basis),
        marks=tuple(_marks(request, record)),
        facts=(*shown.facts, *_run_facts(request, record)),
        notice=notice or _left_over(sent, actions, may_edit),
        lateness=_lateness(request, record),
        due=due_day(run.due, say("{step}的期限", step=titled(state.title)), request.today),
        checks=tuple(_checks(context, request, definition)),
        attachments=tuple(_attachments(context, request, may_edit)),
        upload=UploadForm(f"{base}/attach", ACCEPT, request.registry.files.rules(), str(record.draft.version), new_id(16), _error(sent, "attach"))
        if may_edit
        else None,
        signoffs=tuple(_signoffs(context, request, definition, state, run)),
        actions=actions,
        no_action="" if actions else _waits_for(definition, run, record),
        edit_url=f"{base}/edit" if may_edit else "",
        history_url=f"{base}/history",
        public_url=base if sees_edition(request.reader, unit, record) else "",
        links=tuple(_links(context, request, definition)),
    )


def _left_over(sent: Sent | None, actions: tuple[ActionForm, ...], uploads: bool) -> str:
    """What is to be said of an act whose form is no longer on the page, and what was typed in it."""
    if sent is None or any(a.name == sent.action for a in actions) or (sent.action == "attach" and uploads):
        return ""
    typed = joined("；", (v for n, v in sent.fields.items() if n != "verdict" and isinstance(v, str) and v.strip()))
    return say("{error}您刚才写的是：{typed}", error=say(sent.error), typed=typed) if typed else sent.error


def _error(sent: Sent | None, action: str) -> str:
    return sent.error if sent is not None and sent.action == action else ""


def _body(summary: tuple[str, ...], body: Any, basis: tuple[str, ...]) -> Html:
    blocks: list[Any] = [Paragraph(line) for line in summary]
    blocks += body
    if basis:
        blocks += [Heading(say("公开依据")), BulletList(basis)]
    return render_blocks(blocks)


def _stages(definition: Definition, record: Record) -> tuple[Stage, ...]:
    line = definition.line
    here = record.run.state
    if here not in line:
        return (Stage(titled(definition.states[here].title), "now"),)
    place = line.index(here)
    stages = []
    for number, name in enumerate(line):
        title = titled(definition.states[name].title)
        when = "past" if number < place else "now" if number == place else "next"
        stages.append(Stage(title, when))  # type: ignore[arg-type]
    return tuple(stages)


def _marks(request: Any, record: Record) -> Iterator[Mark]:
    if record.standing == "published" and record.run.state != "published":
        yield Mark(say("更正起草中，原来的内容仍然公开"), "wait")
    if record.standing == "withdrawn":
        yield mark_withdrawn()
        yield Mark(say("要重新公布"), "late")
    days = _overdue(request, record)
    if days:
        yield mark_overdue(days)


def _overdue(request: Any, record: Record) -> int:
    """Days since it was due, where it is not public."""
    due = record.draft.data.get("due_date")
    if not due or record.standing == "published" or record.run.state == "discarded":
        return 0
    return max(0, (request.today - date.fromisoformat(due)).days)


def _lateness(request: Any, record: Record) -> str:
    due = record.draft.data.get("due_date")
    days = _overdue(request, record)
    if not days or not due:
        return ""
    return say("应于{due}前公布，到今天已逾期 {days} 天。", due=fmt.day(date.fromisoformat(due)), days=days)


def _run_facts(request: Any, record: Record) -> Iterator[tuple[str, str]]:
    if record.run.remark:
        yield say("退回意见"), record.run.remark
    if record.correction is not None:
        kind = {"typo": say("只改错别字"), "substance": say("内容有变")}[record.correction.kind]
        yield say("更正"), joined("：", [kind, record.correction.reason])
    if record.run.stand_in is not None:
        yield say("代为审批"), say("{who}（{decision}）", who=request.site.person_name(record.run.stand_in.person), decision=record.run.stand_in.decision)
    if record.draft.edited_at is not None:
        name = request.site.person_name(record.draft.edited_by)
        yield say("最近修改"), joined("，", [name, fmt.moment(record.draft.edited_at)])


def _checks(context: RecordContext, request: Any, definition: Definition) -> Iterator[Check]:
    """What the checks of the way forward find now."""
    record = context.record
    forward = [t for t in definition.transitions_from(record.run.state) if t.forward]
    seen: set[str] = set()
    edit_url = record_url(context.unit.code, context.type.section, record.id, "edit")
    editing = allowed(request.services.domain, request.site, request.reader, context.unit, record, "edit")
    for transition in forward:
        moving = Moving(looking(request), context.unit, record, definition, transition)
        for problem in problems_of(moving):
            if problem.text not in seen:
                seen.add(problem.text)
                url = f"{edit_url}#at-{problem.field}" if problem.field and editing else ""
                yield Check(problem.level, say(problem.text), url)
    if forward and not seen:
        yield Check("ok", say("内容完整，没有发现个人信息。"))


def _attachments(context: RecordContext, request: Any, may_edit: bool) -> Iterator[Attachment]:
    unit, record, section = context.unit, context.record, context.type.section
    clears = allowed(request.services.domain, request.site, request.reader, unit, record, "clear_attachments")
    cleared = {c.attachment: c for c in record.clearances}
    ids = record.draft.attachments
    if not ids and record.run.state == "published":
        edition = record.edition()
        ids = tuple(f["id"] for f in edition.content()["attachments"]) if edition else ()
    for id in ids:
        found = record.attachments[id]
        url = record_url(unit.code, section, record.id, "files", id)
        word = cleared.get(id)
        own = found.added_by == request.reader.person
        waiting = "" if word else (say("是您上传的，要由另一个人核对。") if own else say("请打开看过，再点下面的按钮。") if clears else say("等另一个人核对。"))
        yield Attachment(
            name=found.filename,
            url=url,
            size=found.size,
            kind=kind_title(found.media_type),
            view_url=f"{url}/view",
            note=reading_note(text_of(record, id)),
            cleared=joined("，", [request.site.person_name(word.person), fmt.moment(word.at)]) if word else "",
            waiting=waiting,
            clear=ActionForm("clear", say("已核对无个人信息"), f"{url}/clear", say("表示您打开看过，里面没有个人信息。"), idempotency=new_id(16))
            if clears and not own and not word
            else None,
            remove=ActionForm("remove", say("移除这个附件"), f"{url}/remove", "", danger=True, idempotency=new_id(16))
            if may_edit
            else None,
        )


def _signoffs(
    context: RecordContext, request: Any, definition: Definition, state: State, run: Run
) -> Iterator[SignoffTable]:
    unit, record, section = context.unit, context.record, context.type.section
    base = record_url(unit.code, section, record.id)
    paper = allowed(request.services.domain, request.site, request.reader, unit, record, "record_paper")
    for signoff in signoffs_of(state, audience_of(request, record)):
        roster = run.roster(signoff.name)
        got = status(run, signoff)
        rows = []
        given = {v.person: v for v in run.given(signoff.name)}
        for member in roster.members if roster else ():
            office = f"{member.post} {member.name}"
            verdict = given.get(member.person)
            if verdict is not None:
                note = say("纸质签署，由{post}代录", post=verdict.paper_post) if verdict.paper_post else ""
                rows.append(SignoffRow(office, both(*VERDICT_TITLES[verdict.verdict]), verdict.at, verdict.reason, note))
            elif member.person in run.recused():
                rows.append(SignoffRow(office, say("回避")))
            else:
                rows.append(SignoffRow(office, say("没有提意见") if got.lapsed else say("还没有提意见")))
        if not got.asked:
            continue
        if not got.lapsed and got.members == got.recused:
            summary = say("没有能提意见的成员（没有登记，或者都回避了），要等期限过后才能公布。")
        elif got.lapsed:
            summary = say("期限已过，{members}人中{given}人提了意见，可以公布。", members=got.members, given=got.given)
        else:
            summary = say("{members}人中要有{needed}人提意见，现在有{given}人。", members=got.members - got.recused, needed=got.needed, given=got.given)
        yield SignoffTable(
            titled(signoff.title),
            summary,
            tuple(rows),
            due_day(run.due, say("提意见的期限"), request.today),
            paper_url=f"{base}/paper" if paper and not got.lapsed else "",
            sheet_url=f"{base}/sheet" if paper else "",
        )


def _actions(
    context: RecordContext, request: Any, definition: Definition, run: Run, sent: Sent | None
) -> Iterator[ActionForm]:
    yield from _verdict_form(context, request, definition, run, sent)
    yield from _answer_forms(context, request, run, sent)
    ctx = looking(request)
    transitions = sorted(definition.transitions_from(run.state), key=lambda t: (not t.forward, t.back, "withdraw" in t.effects))
    for transition in transitions:
        form = _transition_form(context, request, ctx, definition, transition, sent)
        if form is not None:
            yield form
    yield from _stand_in_form(context, request, ctx, definition, sent)


def _transition_form(
    context: RecordContext, request: Any, ctx: Looking, definition: Definition, transition: Transition, sent: Sent | None
) -> ActionForm | None:
    unit, record = context.unit, context.record
    blocked = ""
    try:
        may_move(ctx, unit, record, definition, transition)
    except Forbidden as refusal:
        if refusal.code == "forbidden":
            return None
        blocked = say(refusal.message)
    moving = Moving(ctx, unit, record, definition, transition)
    problems: list[Problem] = [p for p in problems_of(moving) if p.level == "stop"]
    quiet = {"is_public", "correction_open", "never_published"}
    if problems and quiet & set(transition.checks):
        return None  # a way that does not exist here, rather than one that is barred
    if problems and not blocked:
        blocked = say("还不能办：{why}", why=joined("", (say(p.text) for p in problems)))
    mine = sent if sent is not None and sent.action == transition.name else None
    elsewhere = confirms_elsewhere(request)
    confirm = None
    if transition.reauthenticate and elsewhere and not request.actor.fresh and not blocked:
        work = record_url(unit.code, context.type.section, record.id, "work")
        confirm = confirm_link(request, f"{work}#do-{transition.name}")
        blocked = say("还没有确认是您本人。")
    return ActionForm(
        name=transition.name,
        title=titled(transition.title),
        url=record_url(unit.code, context.type.section, record.id, "do", transition.name),
        what_happens=titled(transition.outcome),
        comment=transition.comment,  # type: ignore[arg-type]
        comment_title=say("为什么作废") if "discard" in transition.effects else say("修改意见") if transition.back else say("说明"),
        reauthenticate=transition.reauthenticate and not elsewhere,
        confirm=confirm,
        fields_html=_data_fields(request, transition, mine),
        danger="withdraw" in transition.effects or "discard" in transition.effects,
        etag=str(record.draft.version),
        idempotency=new_id(16),
        blocked=blocked,
        error=mine.error if mine else "",
        typed=str(mine.fields.get("comment", "")) if mine else "",
    )


def _data_fields(request: Any, transition: Transition, sent: Sent | None) -> Html:
    if not transition.data:
        return Html("")
    schema = request.registry.transition_forms[transition.data]()
    form = make_form(schema, action="", buttons=(), csrf_token="", locale=request.interface_locale, formid=f"f-{transition.name}")
    if sent is not None:
        names = {child.name for child in schema.children}
        typed = {n: v for n, v in sent.fields.items() if n in names and isinstance(v, str)}
        form = make_form(
            schema, action="", buttons=(), csrf_token="", locale=request.interface_locale, formid=f"f-{transition.name}", appstruct=typed or None, errors=dict(sent.faults)
        )
    return Html(form.render_fields())


def _verdict_form(
    context: RecordContext, request: Any, definition: Definition, run: Run, sent: Sent | None
) -> Iterator[ActionForm]:
    record, person = context.record, request.reader.person
    state = definition.states[run.state]
    if request.acting_role not in ("supervisor", "member"):
        return
    for signoff in signoffs_of(state, audience_of(request, record)):
        roster = run.roster(signoff.name)
        if roster is None or all(m.person != person for m in roster.members):
            continue
        if any(v.person == person for v in run.given(signoff.name)) or person in run.recused():
            continue
        blocked = ""
        if signoff.name in run.lapsed:
            blocked = say("提意见的期限已经过了。")
        elif person in record.authors:
            blocked = say("您写过这份材料，不能再对它提意见。")
        mine = sent if sent is not None and sent.action == f"signoff-{signoff.name}" else None
        base = record_url(context.unit.code, context.type.section, record.id)
        yield ActionForm(
            name=f"signoff-{signoff.name}",
            title=say("提交我的意见"),
            url=f"{base}/signoff/{signoff.name}",
            what_happens=say("提交以后不能改。公布时居民看到的是人数、意见和理由，不写您的名字，除非您选署名。"),
            comment="optional",
            comment_title=say("理由（选保留意见或者反对时必填，会公开）"),
            verdicts=tuple((v, both(*VERDICT_TITLES[v])) for v in signoff.verdicts),
            etag=str(run.revision),
            idempotency=new_id(16),
            blocked=blocked,
            error=mine.error if mine else "",
            typed=str(mine.fields.get("comment", "")) if mine else "",
            verdict=str(mine.fields.get("verdict", "")) if mine else "",
            signed=mine is not None and mine.fields.get("signed") == "true",
        )
        if not blocked:
            mine = sent if sent is not None and sent.action == "recuse" else None
            yield ActionForm(
                "recuse", say("我要回避"), f"{base}/recuse", say("您或者近亲属与这件事有利害关系时，请回避，不计入人数。"),
                comment="required", comment_title=say("为什么回避"), idempotency=new_id(16),
                error=mine.error if mine else "", typed=str(mine.fields.get("comment", "")) if mine else "",
            )


def _answer_forms(context: RecordContext, request: Any, run: Run, sent: Sent | None) -> Iterator[ActionForm]:
    if request.acting_role not in ("clerk", "approver", "approver_party"):
        return
    if request.acting_role not in request.reader.roles(context.unit):
        return
    answered = {(a.signoff, a.person) for a in run.answers}
    base = record_url(context.unit.code, context.type.section, context.record.id)
    for number, verdict in enumerate(run.verdicts):
        if verdict.verdict != "object" or (verdict.signoff, verdict.person) in answered:
            continue
        name = f"answer-{number}"
        mine = sent if sent is not None and sent.action == name else None
        yield ActionForm(
            name, say("答复这条反对意见"), f"{base}/answer/{number}", say("反对的理由：{reason}。意见和答复会一起公开。", reason=verdict.reason),
            comment="required", comment_title=say("书面答复"), idempotency=new_id(16),
            error=mine.error if mine else "", typed=str(mine.fields.get("comment", "")) if mine else "",
        )


def _stand_in_form(
    context: RecordContext, request: Any, ctx: Looking, definition: Definition, sent: Sent | None
) -> Iterator[ActionForm]:
    """Where every approver is barred: name who approves in their place."""
    unit, record = context.unit, context.record
    if not any(t.approves for t in definition.transitions_from(record.run.state)) or record.run.stand_in is not None:
        return
    role = request.acting_role
    if role not in ("clerk", "approver", "approver_party", "subdistrict") or role not in request.reader.roles(unit):
        return
    if approvers_left(ctx, unit, record, definition):
        return
    people = committee_left(ctx, unit, record, definition)
    if not people:
        people = tuple(
            person
            for above in _above_units(request, unit)
            for person in above.roles.holders("subdistrict", request.now)
        )
    if not people:
        return
    mine = sent if sent is not None and sent.action == "stand-in" else None
    schema = request.registry.transition_forms["stand_in"](
        [(person, request.site.person_name(person)) for person in dict.fromkeys(people)]
    )
    fields = make_form(schema, action="", buttons=(), csrf_token="", locale=request.interface_locale, formid="f-stand-in").render_fields()
    yield ActionForm(
        "stand-in", say("指定代为审批的人"), record_url(unit.code, context.type.section, record.id, "stand-in"),
        say("审批人写过、签过或者要回避时，由“两委”决定另一位成员代为审批；没有别人时由街道（乡镇）代为审核，并向居民说明。"),
        comment="required", comment_title=say("作出这个决定的会议和日期"), fields_html=Html(fields), idempotency=new_id(16),
        error=mine.error if mine else "", typed=str(mine.fields.get("comment", "")) if mine else "",
    )


def _above_units(request: Any, unit: Any) -> Iterator[Any]:
    yield from ancestors(request.site.units, unit.code, request.today)


def _waits_for(definition: Definition, run: Run, record: Record) -> str:
    state = definition.states[run.state]
    if state.final:
        return say("已经办完，没有下一步。")
    if state.published:
        return say("已经公布。要改动，请切换到经办人身份办理更正。")
    roles = list(dict.fromkeys(r for t in definition.transitions_from(run.state) if t.forward for r in t.by))
    waiting = [titled(s.title) for s in state.signoffs.values() if (r := run.roster(s.name)) and not status(run, s).opens and r.members]
    who = joined("、", [*waiting, *(role_title(r) for r in roles)])
    return say("以您现在的身份，这一步没有要办的。正在等：{who}。", who=who) if who else ""


def _links(context: RecordContext, request: Any, definition: Definition) -> Iterator[Link]:
    record = context.record
    base = record_url(context.unit.code, context.type.section, record.id)
    if sees_withdrawn(request.reader, context.unit, record) or allowed(
        request.services.domain, request.site, request.reader, context.unit, record, "view"
    ):
        readable = audiences(request.reader, context.unit)
        for number in sorted(record.editions.keys(), reverse=True):
            edition = record.editions[number]
            if edition.audience not in readable:
                continue
            yield Link(say("第{n}版（{day}公布）", n=number, day=fmt.day(local_date(edition.published_at))), f"{base}/work-edition?n={number}")

