"""A publication of the plan as steps in time: who does which action when."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ...core.actions import Action, Actor, Context, perform_in
from ...core.clock import TZ, local_date
from ...core.drafting import AttachFile, ClearAttachment, CreateRecord, IncomingFile, SaveDraft
from ...core.file_texts import FileText
from ...core.moving import MoveRecord
from ...core.records import Record
from ...core.signing import AnswerObjection, GiveVerdict
from ...files.reading import read
from . import CorrectionSpec, PublicationSpec, SignoffSpec, TableSpec
from .files import MEDIA_TYPES, make_file
from .waiting import WaitingSpec

SECTION = "disclosures"

_STAGES = {"事前": "before", "事中": "during", "事后": "after"}
#: Codes of the plan that core spells in another way.
_REASONS = {"wrong_facts": "wrong"}
#: What a matter is called where people read it; the plan has a word for each.
MATTERS = {
    "road": "道路硬化工程", "lift": "老楼加装电梯", "charging": "电动车充电棚建设", "oldstreet": "老街雨棚整理",
    "orchard": "集体果园发包", "dam": "水库坝坡除险", "rules": "村规民约修订", "oldschool": "旧校舍改建养老用房",
}  # fmt: skip
_ANSWERS = (
    "委员会当面听了意见，把单据一张张翻给提意见的委员看过。单据放在办公室，谁都可以来查。",
    "提得对的地方，下一次公布时单列一行说明。这一次的数字核对过，没有变。",
    "已请经办人把来龙去脉写进正文后面，今后遇到同样的事，先征求意见再定。",
)


@dataclass(frozen=True)
class Step:
    """Something that one person does at ``moment``: ``do(ctx)`` with a context of that moment."""

    moment: datetime
    actor: Actor
    do: Callable[[Context], object]


@dataclass(frozen=True)
class Staff:
    """Who does what at a unit, by person id; ``supervisors`` in the order of the plan."""

    clerk: str
    #: "" where the clerk keeps the books
    bookkeeper: str
    approver: str
    party: str
    confidentiality: str
    supervisors: tuple[str, ...]


@dataclass
class Piece:
    """One record while its story is told: its id is known once the first step is done."""

    unit: str
    party: bool
    staff: Staff
    id: str = ""

    def record(self, ctx: Context) -> Record:
        """The record as it stands now."""
        found: Record = ctx.site.units[self.unit].sections[SECTION].records[self.id]
        return found

    def move(
        self, name: str, comment: str = "", data: Mapping[str, Any] | None = None
    ) -> Callable[[Context], object]:
        """A transition."""
        return lambda ctx: perform_in(
            ctx,
            MoveRecord(
                self.unit, SECTION, self.id, name, self.record(ctx).draft.version, comment, data or {}
            ),
        )

    def verdict(self, signoff: SignoffSpec) -> Callable[[Context], object]:
        """A supervisor's verdict on the present revision."""
        return lambda ctx: perform_in(
            ctx,
            GiveVerdict(
                self.unit, SECTION, self.id, "supervision", self.record(ctx).run.revision,
                signoff.verdict, signoff.reason,
            ),
        )

    def answer(self, person: str) -> Callable[[Context], object]:
        """The committee's answer to an objection."""

        def do(ctx: Context) -> object:
            text = _ANSWERS[sum(map(ord, self.id)) % len(_ANSWERS)]
            return perform_in(ctx, AnswerObjection(self.unit, SECTION, self.id, "supervision", person, text))

        return do

    def act(self, role: str, person: str, moment: datetime, do: Callable[[Context], object]) -> Step:
        """A step."""
        return Step(moment, actor(person, role), do)


def actor(person: str, role: str) -> Actor:
    """Somebody of the demo, the password given just now."""
    return Actor(person, role, f"demo-{person}", fresh=True)


def office_time(moment: datetime) -> datetime:
    """That moment, or the nearest of the same day at which an office is open."""
    local = moment.astimezone(TZ)
    opens, closes = time(8, 40), time(17, 30)
    if local.time() < opens:
        local = datetime.combine(local.date(), opens, TZ) + timedelta(minutes=local.minute // 2)
    elif local.time() > closes:
        local = datetime.combine(local.date(), time(17), TZ) + timedelta(minutes=local.minute // 2)
    return local.astimezone(moment.tzinfo)


class _Times:
    """Moments between two, at office hours, each after the one before."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self.first, self.last, self.now = first, last, first

    def at(self, share: float) -> datetime:
        """The moment at a share of the whole, never before the one given last."""
        wanted = office_time(self.first + (self.last - self.first) * share)
        room = (self.last - self.now) / 8
        self.now = min(max(wanted, self.now + min(timedelta(minutes=7), room)), self.last - room)
        return self.now


def data_of(spec: PublicationSpec) -> dict[str, Any]:
    """The draft's data, as the form would give it."""
    matter = spec.matter.removeprefix(f"{spec.unit}-")
    data: dict[str, Any] = {
        "title": spec.title,
        "item": spec.item,
        "part": spec.part,
        "event_date": spec.event_date.isoformat(),
        "due_date": spec.due_date.isoformat(),
        "due_basis": spec.due_basis,
        "summary": spec.summary,
        "body": "\n".join(spec.body),
        "tables": [_table(t) for t in spec.tables],
        "basis": list(spec.basis),
        "subject": spec.subject,
        "channels": ["board", "web"],
        "matter": MATTERS.get(matter, matter),
        "stage": _STAGES.get(spec.stage, ""),
    }
    if spec.kind == "party":
        data["audience"] = spec.audience
    return {name: value for name, value in data.items() if value not in ("", [])}


def _table(table: TableSpec) -> dict[str, Any]:
    return {"caption": table.caption, "header": list(table.header), "rows": [list(r) for r in table.rows]}


def story(spec: PublicationSpec, staff: Staff, files: Path) -> Iterator[Step]:
    """Everything that happens to one publication, in order, each step with its moment.

    ``files`` is a folder for attachments until their commit.
    """
    piece = Piece(spec.unit, spec.kind == "party", staff)
    times = _Times(spec.drafted_at, spec.publish_at)
    keeps_books = spec.kind == "finance" and staff.bookkeeper
    author = (staff.bookkeeper, "bookkeeper") if keeps_books else (staff.clerk, "clerk")
    yield piece.act(author[1], author[0], spec.drafted_at, _create(piece, spec.kind, data_of(spec)))
    for filename, kind in spec.attachments:
        yield piece.act(author[1], author[0], times.at(0), _attach(piece, spec, filename, kind, files))
    if spec.attachments:
        yield piece.act(*_second(piece), times.at(0.01), _clear_all(piece))
    yield from _review(piece, author, spec.audience, spec.signoffs, times)
    if spec.correction:
        yield from _correct(piece, author, spec, spec.correction)
    if spec.withdrawal:
        code = _REASONS.get(spec.withdrawal.code, spec.withdrawal.code)
        said = {"reason": code, "note": spec.withdrawal.note}
        yield piece.act(*_approver(piece), spec.withdrawal.when, piece.move("withdraw", data=said))


def quick_story(spec: PublicationSpec, staff: Staff) -> Iterator[Step]:
    """The shortest way through the same workflow, all at the moment of publication."""
    piece = Piece(spec.unit, spec.kind == "party", staff)
    clerk = ("clerk", staff.clerk, spec.publish_at)
    yield piece.act(*clerk, _create(piece, spec.kind, data_of(spec)))
    yield piece.act(*clerk, piece.move("submit"))
    if piece.party:
        yield piece.act("confidentiality", staff.confidentiality, spec.publish_at, piece.move("pass", "不涉密，可以公开。"))
    for signoff in spec.signoffs[:2]:
        person = staff.supervisors[signoff.supervisor - 1]
        yield piece.act("supervisor", person, spec.publish_at, piece.verdict(signoff))
        if signoff.verdict == "object":
            yield piece.act(*clerk[:2], spec.publish_at, piece.answer(person))
    yield piece.act(*_approver(piece), spec.publish_at, piece.move("publish"))


def _approver(piece: Piece) -> tuple[str, str]:
    staff = piece.staff
    return ("approver_party", staff.party) if piece.party else ("approver", staff.approver)


def _second(piece: Piece) -> tuple[str, str]:
    """Who looks at attachments: not who attached them."""
    return ("confidentiality", piece.staff.confidentiality) if piece.party else ("approver", piece.staff.approver)


def _create(piece: Piece, kind: str, data: Mapping[str, Any]) -> Callable[[Context], object]:
    def do(ctx: Context) -> object:
        piece.id = perform_in(ctx, CreateRecord(piece.unit, "disclosure", kind, data))
        return piece.id

    return do


def _attach(
    piece: Piece, spec: PublicationSpec, filename: str, kind: str, files: Path
) -> Callable[[Context], object]:
    def do(ctx: Context) -> object:
        rows = [row for t in spec.tables[-1:] for row in (t.header, *t.rows)]
        data = make_file(kind, filename.rpartition(".")[0], (spec.title, spec.summary, *spec.body), rows)
        digest = hashlib.sha256(data).hexdigest()
        path = files / digest
        path.write_bytes(data)
        # our own file of a moment ago needs no process of its own
        found = read(io.BytesIO(data), MEDIA_TYPES[kind], len(data))
        text = FileText(found.status, found.pages, json.dumps(found.parts, ensure_ascii=False).encode())
        file = IncomingFile(path, filename, MEDIA_TYPES[kind], len(data), digest, text)
        try:
            return perform_in(ctx, AttachFile(piece.unit, SECTION, piece.id, file))
        finally:
            path.unlink()

    return do


def _clear_all(piece: Piece) -> Callable[[Context], object]:
    def do(ctx: Context) -> object:
        actions: list[Action] = [
            ClearAttachment(piece.unit, SECTION, piece.id, a) for a in piece.record(ctx).uncleared()
        ]
        return [perform_in(ctx, action) for action in actions]

    return do


def _review(
    piece: Piece, author: tuple[str, str], audience: str, signoffs: tuple[SignoffSpec, ...], times: _Times
) -> Iterator[Step]:
    """From the submission to the publication at ``times.last``."""
    staff = piece.staff
    yield piece.act(author[1], author[0], times.at(0.02), piece.move("submit"))
    if piece.party:
        comment = "已作保密审查：不涉密，内容必要、准确。"
        yield piece.act("confidentiality", staff.confidentiality, times.at(0.2), piece.move("pass", comment))
    if audience == "public":
        for number, signoff in enumerate(signoffs):
            person = staff.supervisors[signoff.supervisor - 1]
            yield piece.act("supervisor", person, times.at(0.3 + 0.15 * number), piece.verdict(signoff))
        for signoff in signoffs:
            if signoff.verdict == "object":
                person = staff.supervisors[signoff.supervisor - 1]
                yield piece.act("clerk", staff.clerk, times.at(0.8), piece.answer(person))
    yield piece.act(*_approver(piece), times.last, piece.move("publish"))


def _correct(
    piece: Piece, author: tuple[str, str], spec: PublicationSpec, correction: CorrectionSpec
) -> Iterator[Step]:
    begun = max(spec.publish_at + timedelta(hours=1), correction.when - timedelta(days=3))
    times = _Times(begun, correction.when)
    said = {"kind": correction.kind, "reason": correction.reason}
    yield piece.act(author[1], author[0], begun, piece.move("correct", data=said))
    put_right = data_of(replace(spec, **{c.field: c.value for c in correction.changes}))  # type: ignore[arg-type]

    def save(ctx: Context) -> object:
        version = piece.record(ctx).draft.version
        return perform_in(ctx, SaveDraft(piece.unit, SECTION, piece.id, version, put_right))

    yield piece.act(author[1], author[0], times.at(0.01), save)
    everyone = tuple(SignoffSpec(n, "agree") for n in (1, 2, 3))
    yield from _review(piece, author, spec.audience, everyone, times)


# ------------------------------------------------------------------ what still waits


def waiting_story(spec: WaitingSpec, staff: Staff, now: datetime) -> Iterator[Step]:
    """A piece of work that is left to the people who try the demo."""
    piece = Piece(spec.unit, spec.kind == "party", staff)
    begun = office_time(now - timedelta(days=spec.days))
    times = _Times(begun, now)
    today: date = local_date(now)
    due = today + timedelta(days=spec.due_in)
    data = {
        "title": spec.title,
        "item": spec.item,
        "event_date": (today - timedelta(days=spec.days + 1)).isoformat(),
        "due_date": due.isoformat(),
        "due_basis": "事项形成之日起10天内",
        "summary": spec.summary,
        "body": spec.body,
        **({"tables": [_table(t) for t in spec.tables]} if spec.tables else {}),
        "basis": ["《中华人民共和国村民委员会组织法》" if spec.unit[6] == "1" else "《中华人民共和国城市居民委员会组织法》"],
        "channels": ["board", "web"],
    }
    if piece.party:
        data["audience"] = "branch"
    yield piece.act("clerk", staff.clerk, begun, _create(piece, spec.kind, data))
    if spec.progress == "draft":
        return
    yield piece.act("clerk", staff.clerk, times.at(0.05), piece.move("submit"))
    if spec.progress == "returned":
        yield piece.act(*_approver(piece), times.at(0.5), piece.move("return", spec.remark))
        return
    verdicts = {
        "one": (SignoffSpec(1, "agree"),),
        "ready": (SignoffSpec(1, "agree"), SignoffSpec(2, "agree")),
        "objected": (
            SignoffSpec(1, "agree"),
            SignoffSpec(2, "object", "外村收费的办法没有先问过代表，建议先在代表会议上议一次再试行。"),
        ),
    }.get(spec.progress, ())
    for number, signoff in enumerate(verdicts):
        person = staff.supervisors[signoff.supervisor - 1]
        yield piece.act("supervisor", person, times.at(0.3 + 0.2 * number), piece.verdict(signoff))
