"""The text that was read out of an attachment: kept with it, written once, never by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from ..locale import say
from .actions import Context
from .audit import audited
from .commitments import b64, canonical, commit, new_salt
from .errors import Forbidden, NotFound
from .events import register
from .records import Record

register("record.text_noted", "读出附件的文字", "Text of a file taken out")


@dataclass(frozen=True)
class FileText:
    """What a reader found. ``status``: ``read``; ``partial``, more than is kept or pages without
    text among others; ``scan``, no text at all; ``unreadable``, a format that is not read;
    ``ended``, it took too long or too much. ``pages``: pictures that can be drawn of it.
    ``body``: JSON, a list of ``{"label", "text"}`` and ``{"label", "rows"}``.
    """

    status: str
    pages: int = 0
    body: bytes = field(default=b"[]", repr=False)


@audited("frozen")
class AttachmentText(Persistent):
    """The text of the attachment ``id``; see :class:`FileText`.

    Residents read it in the file's place, so the event that kept it commits to it.
    """

    #: of the commitment in the event; empty in one that was kept before there was any
    salt = b""

    def __init__(self, subject: str, id: str, found: FileText, at: datetime) -> None:
        self.subject = subject
        self.id = id
        self.status = found.status
        self.pages = found.pages
        self.body = found.body
        self.at = at
        self.salt = new_salt()

    def committed(self) -> bytes:
        """The bytes that its event commits to."""
        return canonical([self.id, self.status, self.pages]) + b"\n" + self.body

    def parts(self) -> list[dict[str, Any]]:
        """The parts, in order: each has a ``label`` and ``text`` or ``rows``."""
        parts: list[dict[str, Any]] = json.loads(self.body)
        return parts

    def plain(self, most: int) -> str:
        """All of it as text, at most ``most`` characters."""
        pieces: list[str] = []
        for part in self.parts():
            pieces.append(plain_part(part))
            most -= len(pieces[-1]) + 1
            if most <= 0:
                break
        text = "\n".join(pieces)
        return text if most >= 0 else text[:most]


def plain_part(part: Mapping[str, Any]) -> str:
    """A part as text: a row of a table on a line, its cells apart so that no number of one
    cell is read on into the next."""
    if "rows" in part:
        return "\n".join("┃".join(row) for row in part["rows"])
    text: str = part["text"]
    return text


def text_of(record: Record, id: str) -> AttachmentText | None:
    """The text of an attachment; None where nobody has tried to read it yet."""
    found: AttachmentText | None = record.texts.get(id) if record.texts is not None else None
    return found


def keep_text(record: Record, id: str, found: FileText, at: datetime) -> str:
    """Keep the text of an attachment, once; gives the commitment to it (base64url), which the
    transaction's event about the record names as ``text_c``."""
    if record.texts is None:  # a record of before there were texts
        record.texts = OOBTree()
    kept = record.texts[id] = AttachmentText(record.subject, id, found, at)
    return b64(commit(kept.salt, kept.committed()))


def drop_text(record: Record, id: str) -> None:
    """Forget the text of an attachment that goes."""
    if record.texts is not None and id in record.texts:
        del record.texts[id]


@dataclass(frozen=True)
class NoteText:
    """Keep what was read out of an attachment that came without its text (by an import, or from
    before texts were kept). For the program itself: nobody writes a file's text by hand."""

    name: ClassVar[str] = "record.note_text"
    unit: str
    section: str
    record: str
    attachment: str
    text: FileText
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        if ctx.actor.role not in ("timer", "operator"):
            raise Forbidden(say("附件的文字由系统读出，不能手工填写。"))
        record = ctx.record(ctx.unit(self.unit), self.section, self.record)
        if self.attachment not in record.attachments:
            raise NotFound(say("这个附件已经不在了。"))

    def execute(self, ctx: Context) -> str:
        record = ctx.record(ctx.unit(self.unit), self.section, self.record)
        if text_of(record, self.attachment) is None:
            commitment = keep_text(record, self.attachment, self.text, ctx.now)
            details = {"attachment": self.attachment, "status": self.text.status, "pages": self.text.pages}
            ctx.log(
                "record.text_noted", record.subject, record.history, self.unit, {**details, "text_c": commitment}
            )
        return self.attachment
