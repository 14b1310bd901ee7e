"""What several pages build from the database: marks, lists, contacts, proofs, timelines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from ...core.calendar import display_progress
from ...core.catalog import Row
from ...core.clock import from_iso, local_date
from ...core.effects import WITHDRAWAL_REASONS
from ...core.ids import pointer
from ...core.people import Body
from ...core.permissions import ROLES
from ...core.records import Edition, Record
from ...core.units import UNIT_KINDS, Unit, ancestors
from ...locale import both, joined, say
from ...translog.lookup import find_index
from .. import format as fmt
from ..pages import (
    Contact,
    EditionLine,
    File,
    Listed,
    Mark,
    Proof,
    Responsible,
    Sibling,
    Step,
    mark_corrected,
    mark_display_over,
    mark_on_display,
    mark_published_late,
)
from ..presenting import Presented, presenter_of
from ..request import role_title
from ..tables import Block, Paragraph
from ..uploads import kind_title
from ..urls import record_url, unit_url

#: The bodies of editions and events never change, so what they say is read from each once. It is
#: shared by all requests: whoever gets it only looks at it.
_read_edition = lru_cache(maxsize=256)(json.loads)
_read_event = lru_cache(maxsize=4096)(json.loads)


def content_of(edition: Edition) -> dict[str, Any]:
    """An edition's whole snapshot, to be looked at and never changed."""
    found: dict[str, Any] = _read_edition(edition.body)
    return found


def _events(record: Record) -> list[dict[str, Any]]:
    """What a record's history tells, in order."""
    return [_read_event(body) for _, body, _ in record.history.values()]


def display_mark(published: date, until: date, today: date) -> Mark:
    """公开中 6/15 日, or 已满公示期."""
    progress = display_progress(published, until, today)
    return mark_display_over() if progress.over else mark_on_display(progress.day, progress.total)


def marks_of(row: Row, today: date) -> tuple[Mark, ...]:
    """The marks of a published line."""
    marks = [display_mark(row.day, row.until, today)] if row.until else []
    if row.late:
        marks.append(mark_published_late(row.late))
    if "corrected" in row.marks:
        marks.append(mark_corrected())
    return tuple(marks)


def listed(request: Any, unit: Unit, section: str, rows: Iterable[Row], *, name_unit: bool = False) -> tuple[Listed, ...]:
    """Rows of a unit's list as lines of a page."""
    type = request.services.domain.sections[section]
    presenter = presenter_of(request, type.name)
    return tuple(
        Listed(
            title=row.title,
            url=record_url(unit.code, section, row.id),
            kind=presenter.kind_title(row.kind, unit.kind),
            day=row.day,
            unit=unit.name if name_unit else "",
            unit_url=unit_url(unit.code) if name_unit else "",
            marks=marks_of(row, request.today),
        )
        for row in rows
    )


def contact_of(request: Any, unit: Unit) -> Contact:
    """Whom residents ask."""
    above = next(iter(_above(request, unit)), None)
    committee = unit.body_of_kind("committee")
    return Contact(
        office=committee.name if committee else unit.name,
        phone=unit.about.phone,
        hours=unit.about.hours,
        address=unit.about.office,
        on_paper=unit.about.ask_on_paper,
        object_to=_office(above),
    )


def _office(above: Unit | None) -> str:
    """Where an objection goes: the unit above, with its telephone."""
    if above is None:
        return ""
    phone = above.about.phone
    return say("{unit}，电话 {phone}", unit=above.name, phone=phone) if phone else above.name


def _above(request: Any, unit: Unit) -> Iterator[Unit]:
    return ancestors(request.site.units, unit.code, request.today)


def responsible(request: Any, unit: Unit) -> tuple[Responsible, ...]:
    """Who answers for what."""
    told = [Responsible(d.tasks, f"{d.post} {d.holder}".strip()) for d in unit.about.duties]
    if not told:
        bodies: list[Body] = list(unit.bodies.values())
        for body in bodies:
            for seat in body.members(request.today):
                told.append(Responsible(body.name, f"{seat.post} {request.site.person_name(seat.person)}"))
    return tuple(told)


def proof_of(request: Any, record: Record, section: str, edition: Edition) -> Proof:
    """Whether the edition stands in the log, and where."""
    where = (edition._p_serial, pointer(record.subject, edition.event))
    index = request.registry.page_cache.entry_index(where, lambda: find_index(request.db, *where))
    url = record_url(record.unit, section, record.id, "editions", str(edition.number), "proof")
    if index is None or index >= request.services.log.size():
        request.needs.checkpoint = True
        return Proof("waiting", digest=edition.commitment, proof_url=url)
    return Proof("recorded", index, edition.published_at, edition.commitment, url)


def files_of(record: Record, section: str, edition: Edition) -> tuple[File, ...]:
    """The attachments of an edition."""
    return tuple(
        File(
            f["filename"],
            record_url(record.unit, section, record.id, "files", f["id"]),
            f["size"],
            kind_title(f["media_type"]),
            view_url=record_url(record.unit, section, record.id, "files", f["id"], "view"),
        )
        for f in content_of(edition)["attachments"]
    )


def count_words(signoff: dict[str, Any]) -> str:
    """3人中2人同意，1人反对."""
    given = [
        ("{n}人同意", signoff["agree"]), ("{n}人保留意见", signoff["reserve"]), ("{n}人反对", signoff["object"]),
    ]
    parts = [say(text, n=number) for text, number in given if number]
    voting = signoff["members"] - signoff["recused"]
    silent = voting - signoff["given"]
    if silent > 0:
        parts.append(say("{n}人没有提意见", n=silent))
    if signoff["recused"]:
        parts.append(say("{n}人回避", n=signoff["recused"]))
    return say("{members}人中{given}", members=signoff["members"], given=joined("，", parts)) if parts else ""


def signoff_steps(signoffs: Iterable[dict[str, Any]], when: date) -> Iterator[Step]:
    """What a body said, by offices and counts; a name only where the member chose so."""
    for signoff in signoffs:
        if not signoff["members"]:
            yield Step(say(signoff["title"]), when, why=say("本单位当时没有登记这个机构的成员。"))
            continue
        lapsed = say("未在规定期限内提出意见") if signoff["lapsed"] else ""
        yield Step(say(signoff["title"]), when, signoff["body"], count_words(signoff), lapsed)
        for reason in signoff["reasons"]:
            word = {"agree": say("同意"), "reserve": say("保留意见"), "object": say("反对意见")}[reason["verdict"]]
            who: str = f"{reason['post']} {reason['name']}".strip() if reason["name"] else say("一位成员")
            if reason["paper_by"]:
                who = say("{who}（纸质签署，由{clerk}代录）", who=who, clerk=reason["paper_by"])
            yield Step(word, None, who, why=reason["reason"])
            if reason["answer"]:
                yield Step(say("对这条意见的答复"), None, why=reason["answer"])


def steps_of(record: Record) -> tuple[Step, ...]:
    """这份公开是怎么来的: the public part of the record's history, by office, count and reason."""
    steps: list[Step] = []
    for body in _events(record):
        when = from_iso(body["at"])
        who = role_title(body["role"]) if body["role"] in ROLES else ""
        kind, details = body["kind"], body["details"]
        if kind == "record.created":
            steps.append(Step(say("开始起草"), local_date(when), who))
        elif kind == "record.submitted":
            steps.append(Step(say("提交审查"), local_date(when), who))
        elif kind == "record.correcting":
            steps.append(Step(say("开始更正"), local_date(when), who))
        elif kind == "record.correction_dropped":
            steps.append(Step(say("放弃更正"), local_date(when), who))
        elif kind == "record.returned":
            steps.append(Step(say("退回修改"), local_date(when), who))
        elif kind == "record.moved" and details.get("transition") == "pass":
            steps.append(Step(say("保密审查通过"), local_date(when), who))
        elif kind in ("record.published", "record.corrected"):
            edition = record.editions.get(details["edition"])
            if edition is None:
                continue
            content = content_of(edition)
            steps += signoff_steps(content["signoffs"], local_date(when))
            stand_in = {
                "committee": say("因审批人都要回避，由“两委”另一位成员代为审批"),
                "subdistrict": say("因回避由街道代为审核"),
                "": "",
            }[content["stand_in"]]
            correction = content["correction"]
            first = kind == "record.published"
            steps.append(
                Step(
                    say("公布") if first else say("公布更正（第{n}版）", n=edition.number),
                    when,
                    who,
                    why=joined("；", [correction["reason"] if correction else "", stand_in]),
                )
            )
        elif kind == "record.withdrawn":
            steps.append(Step(say("撤回"), when, who, why=both(*WITHDRAWAL_REASONS[details["reason"]])))
    if steps:
        last = steps[-1]
        steps[-1] = Step(last.what, last.when, last.who, last.count, last.why, now=True)
    return tuple(steps)


def editions_of(record: Record, section: str, here: int) -> tuple[EditionLine, ...]:
    """Every edition of a record, newest first; empty where there is only one."""
    if len(record.editions) < 2:
        return ()
    found = []
    for number in sorted(record.editions.keys(), reverse=True):
        edition = record.editions[number]
        correction = content_of(edition)["correction"]
        base = record_url(record.unit, section, record.id, "editions", str(number))
        found.append(
            EditionLine(
                number,
                local_date(edition.published_at),
                base,
                correction["reason"] if correction else "",
                f"{base}/difference" if number > 1 else "",
                here=number == here,
            )
        )
    return tuple(found)


def siblings_of(request: Any, unit: Unit, record: Record, section: str, data: dict[str, Any]) -> tuple[Sibling, ...]:
    """The public records of the same matter: before, during, after."""
    matter = data.get("matter", "")
    place = unit.sections[section]
    if not matter or matter not in place.matters:
        return ()
    presenter = presenter_of(request, record.type)
    found = []
    for id in place.matters[matter]:
        other: Record = place.records[id]
        edition = other.edition()
        if edition is None or other.standing != "published" or edition.audience != "public":
            continue
        told = content_of(edition)["data"]
        found.append(
            Sibling(
                presenter.stage_title(told.get("stage", "")),
                told["title"],
                record_url(unit.code, section, id),
                local_date(edition.published_at),
                here=id == record.id,
            )
        )
    order = {"事前": 0, "事中": 1, "事后": 2}
    found.sort(key=lambda s: (order.get(s.stage, 3), s.day or date.min))
    return tuple(found) if len(found) > 1 else ()


def with_summary(shown: Presented) -> tuple[Block, ...]:
    """The two sentences and then the thing itself, where a page has no place of its own for them."""
    return (*(Paragraph(line) for line in shown.summary), *shown.body)


def answering(record: Record) -> Edition | None:
    """The edition that answered the duty to publish: the first one, or the first after a
    withdrawal. A correction is no publication that could be early or late."""
    found = None
    for body in _events(record):
        if body["kind"] == "record.withdrawn":
            found = None
        elif body["kind"] in ("record.published", "record.corrected") and found is None:
            found = record.editions.get(body["details"]["edition"])
    return found


def late_sentence(content: dict[str, Any]) -> str:
    """应于……前公布，实于……公布，晚 8 天: a fact, not a reproach; of the edition that
    :func:`answering` finds."""
    due = content["data"].get("due_date")
    if not due:
        return ""
    published = local_date(from_iso(content["published_at"]))
    days = {"due": fmt.day(date.fromisoformat(due)), "published": fmt.day(published)}
    late = content["late_days"]
    if late:
        return say("应于{due}前公布，实于{published}公布，晚 {n} 天。", n=late, **days)
    return say("应于{due}前公布，实于{published}公布，没有逾期。", **days)


def unit_kind_title(unit: Unit) -> str:
    """村, 社区, 街道, 乡镇, 区县."""
    return both(*UNIT_KINDS[unit.kind][:2])
