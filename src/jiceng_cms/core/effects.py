"""What transitions do to a record beside changing its state: freeze, publish, correct, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import colander

from .clock import iso, local_date
from .commitments import b64, canonical, commit, new_salt
from .domain import Effect, Happened, Moving
from .events import PublicFacts, register
from .moving import new_round
from .placing import link_matter, next_number
from .records import Correction, Edition, Record, Revision, Withdrawal
from .workflow.engine import signoffs_of, status

register("record.submitted", "提交审查", "Submitted", public=True)
register("record.returned", "退回修改", "Returned", public=True)
register("record.published", "公布", "Published", open=True, public=True)
register("record.corrected", "更正公布", "Correction published", open=True, public=True)
register("record.correcting", "开始更正", "Correction opened")
register("record.correction_dropped", "放弃更正", "Correction dropped")
register("record.withdrawn", "撤回", "Withdrawn", open=True, public=True)
register("record.reopened", "重新起草", "Drafted again")
register("record.discarded", "作废", "Discarded")

#: The closed list of reasons for a withdrawal.
WITHDRAWAL_REASONS: dict[str, tuple[str, str]] = {
    "privacy": ("含有不该公开的个人信息", "Personal information that must not be public"),
    "wrong": ("内容有重大差错，更正说不清楚", "Wrong in a way that no correction can explain"),
    "duplicate": ("重复公布", "Published twice"),
    "not_disclosable": ("依法不得公开", "May not be disclosed by law"),
    "ordered": ("上级机关依法责令撤回", "Ordered by an authority under law"),
}

CORRECTION_KINDS: dict[str, tuple[str, str]] = {
    "substance": ("金额、决定、日期、姓名、附件等内容有变", "A sum, decision, date, name or file changes"),
    "typo": ("只改错别字，意思不变", "Only a typing error, the meaning stays"),
}


def correction_schema() -> colander.SchemaNode:
    """What opening a correction asks: its kind and its reason."""
    node = colander.SchemaNode(colander.Mapping(unknown="raise"))
    node.add(
        colander.SchemaNode(
            colander.String(),
            name="kind",
            title="更正的是什么",
            validator=colander.OneOf(tuple(CORRECTION_KINDS), "请选一种。"),
            missing_msg="请选一种。",
        )
    )
    node.add(_reason("reason", "更正的理由（会公开）"))
    return node


def withdrawal_schema() -> colander.SchemaNode:
    """What a withdrawal asks: a reason from the closed list and a public note."""
    node = colander.SchemaNode(colander.Mapping(unknown="raise"))
    node.add(
        colander.SchemaNode(
            colander.String(),
            name="reason",
            title="撤回的理由",
            validator=colander.OneOf(tuple(WITHDRAWAL_REASONS), "请从列出的理由里选一个。"),
            missing_msg="请选一个理由。",
        )
    )
    node.add(_reason("note", "给居民的说明（会公开，不要写个人信息）"))
    return node


def _reason(name: str, title: str) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=title,
        validator=colander.Length(min=2, max=500, min_err="请写清楚一点。", max_err="请压缩到 500 字以内。"),
        missing_msg="请写明理由。",
    )


SCHEMAS = {"correction": correction_schema, "withdrawal": withdrawal_schema}


def freeze(m: Moving) -> Happened:
    """Freeze the draft as a revision; whatever was signed before is void."""
    record, draft = m.record, m.record.draft
    if m.ctx.actor.person not in record.authors:
        # who hands a text in answers for it like whoever wrote it, so can't approve it afterwards
        record.authors = (*record.authors, m.ctx.actor.person)
    number = (record.revisions.maxKey() if record.revisions else 0) + 1
    body = canonical({"v": 1, "data": draft.data, "attachments": list(draft.attachments)})
    salt = new_salt()
    digest = b64(commit(salt, body))
    record.revisions[number] = Revision(
        record.subject, number, canonical(draft.data), salt, digest, draft.attachments,
        record.authors, m.ctx.now,
    )
    record.run = replace(new_round(record.run, number), steps=(("submit", m.ctx.actor.person),))
    return Happened("record.submitted", {"digest": digest})


def thaw(m: Moving) -> Happened:
    """Let the draft be edited again: verdicts on the revision are void."""
    kind = "record.returned" if m.transition.name == "return" else "record.moved"
    m.record.run = new_round(m.record.run, m.record.run.revision)
    return Happened(kind)


def publish(m: Moving) -> Happened:
    """Make the next edition of the revision that was signed."""
    record, ctx = m.record, m.ctx
    revision = record.revision()
    assert revision is not None, "publish stands behind freeze"
    type = ctx.domain.content_types[record.type]
    data = revision.data()
    last = record.edition()
    first = not record.editions
    number = len(record.editions) + 1
    if not record.number:
        section = m.unit.sections[type.section]
        record.number = next_number(section, type.number_prefix, ctx.today.year)
    until, display = _display(m, data, last)
    salts, files = [], []
    for id in revision.attachments:
        attachment = record.attachments[id]
        salt = new_salt()
        salts.append((id, salt))
        files.append(
            {
                "id": id,
                "filename": attachment.filename,
                "media_type": attachment.media_type,
                "size": attachment.size,
                "c": b64(commit(salt, bytes.fromhex(attachment.sha256))),
            }
        )
    due = data.get("due_date") or ""
    late = max(0, (ctx.today - date.fromisoformat(due)).days) if due and (first or _again(record)) else _late(last)
    correction = record.correction
    content: dict[str, Any] = {
        "v": 1,
        "unit": m.unit.code,
        "unit_name": m.unit.name,
        "record": record.id,
        "type": record.type,
        "kind": record.kind,
        "edition": number,
        "number": record.number,
        "audience": type.audience(data),
        "published_at": iso(ctx.now),
        "display_until": until.isoformat(),
        "display": display,
        "late_days": late,
        "correction": {"kind": correction.kind, "reason": correction.reason} if correction else None,
        "data": data,
        "attachments": files,
        "signoffs": _signoffs(m),
        "stand_in": _stand_in(m),
    }
    body = canonical(content)
    salt = new_salt()
    commitment = b64(commit(salt, body))
    event = record.history.maxKey() + 1 if record.history else 0
    record.editions[number] = Edition(
        record.subject, number, content["audience"], body, salt, commitment, tuple(salts),
        ctx.now, until, event,
    )
    record.standing = "published"
    record.withdrawal = None
    record.correction = None
    record.authors = ()
    # the edition holds the text now; a correction starts from it
    record.draft.data = _stub(data)
    record.draft.attachments = ()
    record.draft.version += 1
    link_matter(m.unit.sections[type.section], record, data.get("matter", ""))
    facts = PublicFacts(record.id, number, commitment) if content["audience"] == "public" else None
    kind = "record.published" if first else "record.corrected"
    details = {"edition": number, "late_days": late, "display_until": until.isoformat(), "c": commitment}
    return Happened(kind, details, facts)


def _stub(data: Mapping[str, Any]) -> dict[str, Any]:
    """What stays in a draft that is not being written: enough for the lists of staff, and who
    may see it there."""
    return {name: data[name] for name in ("title", "audience") if name in data}


def _again(record: Record) -> bool:
    return record.standing == "withdrawn"


def _late(last: Edition | None) -> int:
    return int(last.content()["late_days"]) if last is not None else 0


def _display(m: Moving, data: Mapping[str, Any], last: Edition | None) -> tuple[date, dict[str, Any]]:
    """The last day of the display period, and the rule that says so.

    A typing error does not restart the period; anything else does.
    """
    ctx = m.ctx
    if last is not None and m.record.correction is not None and m.record.correction.kind == "typo":
        return last.display_until, last.content()["display"]
    rule_id = m.definition.states[m.transition.target].display_rule
    rule = ctx.domain.rules.resolve(rule_id, m.unit.kind, ctx.today)
    days = max(int(rule.value), int(data.get("display_days") or 0))
    basis = rule.basis
    return ctx.today + timedelta(days=days), {
        "rule": rule.id,
        "days": days,
        "basis": f"{basis.law}第{basis.article}条" if basis else "",
        "from": local_date(ctx.now).isoformat(),
    }


def _signoffs(m: Moving) -> list[dict[str, Any]]:
    """Counts, offices and reasons; a member's name only where that member chose 署名."""
    state = m.definition.states[m.record.run.state]
    audience = m.ctx.domain.content_types[m.record.type].audience(m.record.draft.data)
    found = []
    for signoff in signoffs_of(state, audience):
        got = status(m.record.run, signoff)
        roster = m.record.run.roster(signoff.name)
        if roster is None:
            continue
        posts = {x.person: x.post for x in roster.members}
        answers = {a.person: a.text for a in m.record.run.answers if a.signoff == signoff.name}
        found.append(
            {
                "title": signoff.title["zh_CN"],
                "body": roster.body,
                "members": got.members,
                "recused": got.recused,
                "given": got.given,
                "agree": got.agree,
                "reserve": got.reserve,
                "object": got.object,
                "lapsed": got.lapsed,
                "reasons": [
                    {
                        "verdict": v.verdict,
                        "reason": v.reason,
                        "name": m.ctx.site.person_name(v.person) if v.signed else "",
                        "post": posts.get(v.person, "") if v.signed else "",
                        "paper_by": v.paper_post,
                        "answer": answers.get(v.person, ""),
                    }
                    for v in m.record.run.given(signoff.name)
                    if v.verdict != "agree" or v.signed or v.paper_post
                ],
            }
        )
    return found


def _stand_in(m: Moving) -> str:
    """What the public is told where another approved: "" | committee | subdistrict."""
    named = m.record.run.stand_in
    return named.level if named is not None and named.person == m.ctx.actor.person else ""


def open_correction(m: Moving) -> Happened:
    """Start the next draft from the last edition, which stays public meanwhile."""
    _draft_from_edition(m.record)
    m.record.correction = Correction(m.data["kind"], m.data["reason"].strip())
    # who takes up the old text answers for it, also where not a word of it changes
    m.record.authors = (m.ctx.actor.person,)
    return Happened("record.correcting", {"kind": m.data["kind"]})


def drop_correction(m: Moving) -> Happened:
    """Throw the correction away; the last edition stands."""
    last = m.record.edition()
    assert last is not None, "a correction stands on an edition"
    m.record.draft.data = _stub(last.data())
    m.record.draft.attachments = ()
    m.record.draft.version += 1
    m.record.correction = None
    m.record.authors = ()
    return Happened("record.correction_dropped")


def withdraw(m: Moving) -> Happened:
    """Take the record from the public; a stub with the reason stays."""
    record = m.record
    last = record.edition()
    assert last is not None, "what is public has an edition"
    record.standing = "withdrawn"
    record.withdrawal = Withdrawal(m.ctx.now, m.data["reason"], m.data["note"].strip(), m.ctx.actor.role)
    record.correction = None
    record.draft.data = _stub(last.data())
    record.draft.attachments = ()
    record.draft.version += 1
    facts = PublicFacts(record.id, last.number, last.commitment) if last.audience == "public" else None
    # the note stands on a public page, so what happened tells it too
    told = {"edition": last.number, "reason": m.data["reason"], "note": record.withdrawal.note}
    return Happened("record.withdrawn", told, facts)


def reopen(m: Moving) -> Happened:
    """Draft again what was withdrawn."""
    _draft_from_edition(m.record)
    m.record.authors = (m.ctx.actor.person,)
    last = m.record.edition()
    assert last is not None, "what was withdrawn has an edition"
    m.record.correction = Correction("substance", "撤回后重新公布")
    return Happened("record.reopened", {"edition": last.number})


def discard(m: Moving) -> Happened:
    """The draft is no longer used."""
    return Happened("record.discarded")


def _draft_from_edition(record: Record) -> None:
    last = record.edition()
    assert last is not None, "only what was published is drafted again"
    content = last.content()
    record.draft.data = dict(content["data"])
    record.draft.attachments = tuple(f["id"] for f in content["attachments"])
    record.draft.version += 1


EFFECTS: dict[str, Effect] = {
    "freeze": freeze,
    "thaw": thaw,
    "publish": publish,
    "open_correction": open_correction,
    "drop_correction": drop_correction,
    "withdraw": withdraw,
    "reopen": reopen,
    "discard": discard,
}
