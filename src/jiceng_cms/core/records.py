"""Records, their drafts, revisions, attachments and editions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from BTrees.IOBTree import IOBTree
from BTrees.OOBTree import OOBTree
from persistent import Persistent

from .audit import audited
from .history import History
from .ids import record_key, record_subject
from .workflow.run import Run


@audited("subject")
class Draft(Persistent):
    """What is being written: edited in place, each save with the next version."""

    def __init__(self, subject: str, data: Mapping[str, Any]) -> None:
        self.subject = subject
        #: JSON data by the content type's schema
        self.data: dict[str, Any] = dict(data)
        self.version = 1
        self.attachments: tuple[str, ...] = ()
        self.edited_by = ""
        self.edited_at: datetime | None = None


@audited("frozen")
class Attachment(Persistent):
    """A file of one record; ``blob`` holds its bytes, ``sha256`` (hex) is private."""

    def __init__(
        self,
        subject: str,
        id: str,
        filename: str,
        media_type: str,
        size: int,
        sha256: str,
        blob: Any,
        added_by: str,
        added_at: datetime,
    ) -> None:
        self.subject = subject
        self.id = id
        self.filename = filename
        self.media_type = media_type
        self.size = size
        self.sha256 = sha256
        self.blob = blob
        self.added_by = added_by
        self.added_at = added_at


@dataclass(frozen=True)
class Clearance:
    """A second person's word that an attachment holds no personal information."""

    attachment: str
    person: str
    at: datetime


@audited("frozen")
class Revision(Persistent):
    """A draft frozen when it was submitted; ``digest`` is its salted commitment (base64url)."""

    def __init__(
        self,
        subject: str,
        number: int,
        body: bytes,
        salt: bytes,
        digest: str,
        attachments: tuple[str, ...],
        authors: tuple[str, ...],
        at: datetime,
    ) -> None:
        self.subject = subject
        self.number = number
        self.body = body
        self.salt = salt
        self.digest = digest
        self.attachments = attachments
        self.authors = authors
        self.at = at

    def data(self) -> dict[str, Any]:
        """The JSON data."""
        data: dict[str, Any] = json.loads(self.body)
        return data


@audited("frozen")
class Edition(Persistent):
    """What was published. ``body`` is canonical JSON, ``commitment`` is over salt and body."""

    def __init__(
        self,
        subject: str,
        number: int,
        audience: str,
        body: bytes,
        salt: bytes,
        commitment: str,
        attachment_salts: tuple[tuple[str, bytes], ...],
        published_at: datetime,
        display_until: date,
        event: int,
    ) -> None:
        self.subject = subject
        self.number = number
        self.audience = audience
        self.body = body
        self.salt = salt
        self.commitment = commitment
        self.attachment_salts = attachment_salts
        self.published_at = published_at
        self.display_until = display_until
        #: the number, in the record's history, of the event that published it
        self.event = event

    def content(self) -> dict[str, Any]:
        """The whole snapshot."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    def data(self) -> dict[str, Any]:
        """The record's data as published."""
        data: dict[str, Any] = self.content()["data"]
        return data


@dataclass(frozen=True)
class Withdrawal:
    """Why a published record was withdrawn: ``reason`` from a closed list, ``note`` public."""

    at: datetime
    reason: str
    note: str
    role: str


@dataclass(frozen=True)
class Correction:
    """The correction that is being drafted: ``kind`` is ``typo`` or ``substance``."""

    kind: str
    reason: str


#: Standing of a record towards its audience, apart from where its run is.
STANDINGS = ("unpublished", "published", "withdrawn", "sealed")


@audited("subject")
class Record(Persistent):
    """A document with a life. Its run says where it stands in its workflow, its *standing*
    what readers see: a correction is drafted while the last edition stays public."""

    #: id -> AttachmentText (:mod:`.file_texts`); None until the first one
    texts: Any = None

    def __init__(
        self, unit: str, id: str, type: str, kind: str, run: Run, draft: Draft, at: datetime, by: str
    ) -> None:
        self.subject = record_subject(unit, id)
        self.unit = unit
        self.id = id
        self.type = type
        #: what its lists tell apart: party, affairs, finance for disclosures
        self.kind = kind
        self.run = run
        self.draft = draft
        self.created_at = at
        self.created_by = by
        #: everyone who wrote since the last edition
        self.authors: tuple[str, ...] = ()
        #: id -> Attachment
        self.attachments = OOBTree()
        self.clearances: tuple[Clearance, ...] = ()
        #: number -> Revision, number -> Edition
        self.revisions = IOBTree()
        self.editions = IOBTree()
        self.standing = "unpublished"
        self.withdrawal: Withdrawal | None = None
        self.correction: Correction | None = None
        #: the document number, given at first publication
        self.number = ""
        #: (visibility class, sort key) under which the unit's lists hold it
        self.placed: tuple[tuple[str, str], ...] = ()
        self.history = History()

    @property
    def key(self) -> str:
        """``unit/id``."""
        return record_key(self.unit, self.id)

    def edition(self, number: int | None = None) -> Edition | None:
        """An edition, the last by default."""
        if not self.editions:
            return None
        found: Edition | None = self.editions.get(number or self.editions.maxKey())
        return found

    def revision(self) -> Revision | None:
        """The last revision."""
        if not self.revisions:
            return None
        found: Revision = self.revisions[self.revisions.maxKey()]
        return found

    def title(self) -> str:
        """The draft's title."""
        return str(self.draft.data.get("title", ""))

    def uncleared(self) -> tuple[str, ...]:
        """The draft's attachments that no second person has cleared."""
        cleared = {c.attachment for c in self.clearances}
        return tuple(a for a in self.draft.attachments if a not in cleared)
