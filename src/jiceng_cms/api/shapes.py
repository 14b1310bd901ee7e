"""The shapes that programs read: records, editions, units, events, as JSON data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyramid.response import Response

from ..core.clock import iso
from ..core.commitments import b64
from ..core.effects import WITHDRAWAL_REASONS
from ..core.events import KINDS
from ..core.history import kept
from ..core.ids import pointer
from ..core.people import Member
from ..core.permissions import ROLES
from ..core.records import Edition, Record
from ..core.units import UNIT_KINDS, Unit
from ..core.visibility import audiences, sees_edition, sees_withdrawn, sees_work, stub_is_public
from ..core.workflow.definition import Definition, State
from ..core.workflow.engine import settle, signoffs_of, status
from ..translog.lookup import find_index
from ..web.presenting import presenter_of
from ..web.traversal import RecordContext
from ..web.urls import record_url, unit_url
from .acting import possible
from .document import PREFIX
from .problems import Problem
from .state import public_tag, work_tag


def answer(data: Any, *, status: int = 200, tag: str = "") -> Response:
    """``data`` as a JSON response."""
    response = Response(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), status=status)
    response.content_type, response.charset = "application/json", None
    if tag:
        response.headers["ETag"] = f'"{tag}"'
    return response


@dataclass(frozen=True)
class View:
    """What of a record this reader sees: the work, the published edition, or a stub."""

    context: RecordContext
    work: bool
    edition: bool
    #: withdrawn, and the reader is not among those who oversee
    stub: bool

    @property
    def any(self) -> bool:
        """Whether there is anything for this reader."""
        return self.work or self.edition or self.stub


def view_of(context: RecordContext, request: Any) -> View:
    """How this reader sees a record; the same functions as the pages."""
    unit, record = context.unit, context.record
    work = sees_work(request.services.domain, request.site, request.reader, unit, record)
    work = work or sees_withdrawn(request.reader, unit, record)
    edition = sees_edition(request.reader, unit, record)
    return View(context, work, edition, not work and not edition and stub_is_public(record))


def context_of(request: Any, unit: Unit, section: str, id: str) -> RecordContext | None:
    """A record of a section, or None."""
    place = unit.sections.get(section)
    record = place.records.get(id) if place is not None else None
    return RecordContext(request, unit, request.services.domain.sections[section], record) if record is not None else None


def log_index(request: Any, record: Record, edition: Edition) -> int | None:
    """Where the publication of an edition stands in the signed log; None while it waits."""
    index = find_index(request.db, edition._p_serial, pointer(record.subject, edition.event))
    return index if index is not None and index < request.services.log.size() else None


def edition_line(request: Any, context: RecordContext, edition: Edition) -> dict[str, Any]:
    """An edition as a record lists it."""
    unit, record = context.unit, context.record
    return {
        "number": edition.number,
        "published_at": iso(edition.published_at),
        "digest": edition.commitment,
        "url": record_url(unit.code, context.type.section, record.id, "editions", str(edition.number)),
        "log_index": log_index(request, record, edition),
    }


def _editions(request: Any, context: RecordContext) -> list[dict[str, Any]]:
    readable = audiences(request.reader, context.unit)
    found = context.record.editions.values()
    return [edition_line(request, context, edition) for edition in found if edition.audience in readable]


def record_shape(request: Any, view: View) -> dict[str, Any]:
    """A record: what it says, where it stands, its editions, and what the caller may do now.

    To readers who only see what was published, a correction that is being drafted does not show.
    """
    context = view.context
    unit, record = context.unit, context.record
    definition = request.services.domain.definition(record.run.definition, request.site.definitions)
    state = _state(definition, record, view)
    edition = record.edition() if record.editions else None
    data, files = _data(definition, record, view)
    shape: dict[str, Any] = {
        "id": record.id,
        "unit": unit.code,
        "type": record.type,
        "kind": record.kind,
        "kind_title": presenter_of(request, record.type).kind_title(record.kind, unit.kind),
        "title": str(data.get("title", "")),
        "number": record.number,
        "state": state.name,
        "state_title": state.title["zh_CN"],
        "standing": record.standing,
        "audience": _audience(request, record, view),
        "url": record_url(unit.code, context.type.section, record.id),
        "data": data,
        "attachments": [_file(context, *file) for file in files],
        "editions": [] if view.stub else _editions(request, context),
        "display_until": edition.display_until.isoformat() if edition is not None and view.edition else None,
        "withdrawal": withdrawal_of(record) if record.standing in ("withdrawn", "sealed") else None,
        "actions": [],
        "blocked": [],
        "work": None,
    }
    if view.work and request.account is not None:
        shape["actions"], shape["blocked"] = possible(request, context, definition)
        shape["work"] = _work(request, context, definition)
    return shape


def _state(definition: Definition, record: Record, view: View) -> State:
    if view.work:
        return definition.states[record.run.state]
    wanted = "publish" if view.edition else "withdraw"
    target = next(t.target for t in definition.transitions.values() if wanted in t.effects)
    return definition.states[target]


def _audience(request: Any, record: Record, view: View) -> str:
    edition = record.edition()
    if edition is not None and not view.work:
        return edition.audience
    return str(request.services.domain.content_types[record.type].audience(record.draft.data))


def _data(definition: Definition, record: Record, view: View) -> tuple[dict[str, Any], list[tuple[str, str, str, int]]]:
    """The content that this reader is shown, and its files: the draft, or the last edition."""
    if view.stub:
        return {}, []
    edition = record.edition()
    editing = bool(definition.roles_allowed(record.run.state, "edit"))
    settled = definition.states[record.run.state].published or (record.standing == "withdrawn" and not editing)
    if edition is not None and (settled or not view.work):
        content = edition.content()
        files = [(f["id"], f["filename"], f["media_type"], f["size"]) for f in content["attachments"]]
        return {"kind": record.kind, **content["data"]}, files
    found = [record.attachments[id] for id in record.draft.attachments]
    return {"kind": record.kind, **record.draft.data}, [(a.id, a.filename, a.media_type, a.size) for a in found]


def _file(context: RecordContext, id: str, filename: str, media_type: str, size: int) -> dict[str, Any]:
    url = f"{PREFIX}/units/{context.unit.code}/records/{context.record.id}/attachments/{id}"
    cleared = any(c.attachment == id for c in context.record.clearances)
    return {"id": id, "filename": filename, "media_type": media_type, "size": size, "cleared": cleared, "url": url}


def withdrawal_of(record: Record) -> dict[str, Any] | None:
    """Why a publication is gone, as the public stub tells it."""
    found = record.withdrawal
    if found is None:
        return None
    return {"at": iso(found.at), "reason": found.reason, "reason_title": WITHDRAWAL_REASONS[found.reason][0], "note": found.note}


def _work(request: Any, context: RecordContext, definition: Definition) -> dict[str, Any]:
    """What only those see who work on the record."""
    record = context.record
    audience = request.services.domain.content_types[record.type].audience(record.draft.data)
    run = settle(definition, record.run, request.today, audience)
    signoffs = []
    for signoff in signoffs_of(definition.states[run.state], audience):
        got = status(run, signoff)
        roster = run.roster(signoff.name)
        given = {v.person: v for v in run.given(signoff.name)}
        signoffs.append(
            {
                "name": signoff.name, "title": signoff.title["zh_CN"], "members": got.members, "recused": got.recused,
                "needed": got.needed, "given": got.given, "agree": got.agree, "reserve": got.reserve, "object": got.object,
                "lapsed": got.lapsed, "verdicts": list(signoff.verdicts),
                "roster": [_member(m, given, run.recused()) for m in (roster.members if roster else ())],
            }
        )
    edited = record.draft.edited_at or record.created_at
    return {
        "revision": run.revision,
        "due": run.due.on.isoformat() if run.due else None,
        "due_because": list(run.due.explanation) if run.due else [],
        "remark": run.remark,
        "correction": {"kind": record.correction.kind, "reason": record.correction.reason} if record.correction else None,
        "edited_at": iso(edited),
        "edited_by": request.site.person_name(record.draft.edited_by or record.created_by),
        "signoffs": signoffs,
    }


def _member(member: Member, given: dict[str, Any], recused: Any) -> dict[str, Any]:
    verdict = given.get(member.person)
    return {
        "person": member.person, "name": member.name, "post": member.post, "recused": member.person in recused,
        "verdict": verdict.verdict if verdict else None, "reason": verdict.reason if verdict else "",
    }


def tag_of(request: Any, view: View) -> str:
    """The ETag of a record as this reader sees it."""
    record = view.context.record
    if view.work:
        return work_tag(request, record)
    edition = record.edition()
    return public_tag(request, record, log_index(request, record, edition) if edition is not None else None)


def gone(record: Record) -> Problem:
    """410: it was public and was withdrawn; the stub never repeats the title."""
    told = withdrawal_of(record)
    edition = record.edition()
    reason = f"{told['reason_title']}。{told['note']}" if told else ""
    return Problem(
        "withdrawn", f"这份公开内容已经撤回。{reason}", withdrawal=told,
        published_at=iso(edition.published_at) if edition is not None else None,
    )


def edition_shape(request: Any, context: RecordContext, edition: Edition) -> dict[str, Any]:
    """An edition whole, with what anyone needs to recompute its digest:
    ``digest`` = base64url(SHA-256(salt || content)), ``content`` being the exact text."""
    content = edition.content()
    salts = dict(edition.attachment_salts)
    files = []
    for f in content["attachments"]:
        told = _file(context, f["id"], f["filename"], f["media_type"], f["size"])
        del told["cleared"]
        files.append({**told, "digest": f["c"], "salt": b64(salts[f["id"]])})
    return {
        **edition_line(request, context, edition),
        "unit": context.unit.code,
        "record": context.record.id,
        "audience": edition.audience,
        "title": content["data"]["title"],
        "data": {"kind": content["kind"], **content["data"]},
        "attachments": files,
        "correction": content["correction"],
        "display_until": edition.display_until.isoformat(),
        "late_days": content["late_days"],
        "signoffs": content["signoffs"],
        "salt": b64(edition.salt),
        "content": edition.body.decode("utf-8"),
    }


def unit_shape(request: Any, unit: Unit) -> dict[str, Any]:
    """A unit."""
    about = unit.about
    totals = request.services.board.totals(unit.code)
    return {
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "kind_title": UNIT_KINDS[unit.kind][0],
        "parent": unit.parent(request.today),
        "closed_on": unit.closed_on.isoformat() if unit.closed_on else None,
        "successors": list(unit.successors),
        "parts": list(unit.parts),
        "url": unit_url(unit.code),
        "office": about.office,
        "phone": about.phone,
        "hours": about.hours,
        "published": totals.total,
    }


def history_shapes(request: Any, view: View) -> Iterator[dict[str, Any]]:
    """What happened to a record. Everyone reads what the public log says too: publications,
    corrections, withdrawals, by role; who works on the record reads every event with its person."""
    record = view.context.record
    for event in kept(record.history):
        body = event.event()
        kind = KINDS.get(body["kind"])
        if not view.work and (kind is None or not kind.open or "edition" not in body):
            continue
        role = body["role"]
        told: dict[str, Any] = {
            "number": event.number if view.work else None,
            "at": body["at"],
            "kind": body["kind"],
            "title": kind.zh_CN if kind is not None else body["kind"],
            "role": role,
            "role_title": ROLES[role].zh_CN if role in ROLES else "到期自动",
            "edition": body.get("edition", {}).get("number"),
            "person": None,
            "details": {},
        }
        if view.work:
            told["person"] = "系统" if body["actor"] == "system" else request.site.person_name(body["actor"])
            told["details"] = body["details"]
        yield told
