"""Actions on drafts: create, save, attach, clear."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ZODB.blob import Blob

from .actions import Context
from .domain import StoredDefinition
from .errors import Forbidden, Invalid, NotFound, NotNow, Refused, SeparationOfDuties, Stale
from .events import register
from .file_texts import FileText, drop_text, keep_text
from .ids import new_id, record_subject
from .placing import relist
from .records import Attachment, Clearance, Draft, Record
from .units import UNIT_KINDS, Section, Unit
from .workflow.definition import Definition
from .workflow.run import Run

register("record.created", "新建草稿", "Draft created")
register("record.edited", "修改草稿", "Draft edited")
register("record.attached", "添加附件", "File attached")
register("record.detached", "移除附件", "File removed")
register("record.cleared", "核对附件无个人信息", "File checked for personal data", public=True)
register("definition.stored", "启用流程", "Workflow definition stored")

#: Attachments of one record.
MAX_ATTACHMENTS = 60


def open_unit(unit: Unit) -> None:
    """NotNow where a unit was closed: only correcting, withdrawing and sealing go on there."""
    if unit.closed_on is not None:
        raise NotNow(f"{unit.name}已于{unit.closed_on:%Y年%m月%d日}撤销，不能再新增内容。请到承接的单位办理。")


def pinned(ctx: Context, id: str) -> Definition:
    """The present definition ``id``, stored under its hash the first time that it is used."""
    definition = ctx.domain.definitions[id]
    if definition.hash not in ctx.site.definitions:
        stored = StoredDefinition(definition.hash, id, definition.version, definition.source)
        ctx.site.definitions[definition.hash] = stored
        details = {"id": id, "version": definition.version, "hash": definition.hash}
        ctx.log("definition.stored", stored.subject, ctx.site.history, "", details)
    return definition


def may_edit(ctx: Context, unit: Unit, record: Record) -> None:
    """Refuse where the actor may not write in the record's draft now."""
    definition = ctx.domain.definition(record.run.definition, ctx.site.definitions)
    roles = definition.roles_allowed(record.run.state, "edit")
    if not record.editions:  # what was published before the unit was closed may be corrected
        open_unit(unit)
    if not roles:
        title = definition.states[record.run.state].title["zh_CN"]
        raise NotNow(f"这份材料现在是“{title}”，不能直接改。要改内容，请先取回、退回或者办理更正。")
    if ctx.acts_as(unit, roles):
        return
    if ctx.actor.role in ("approver", "approver_party"):
        raise SeparationOfDuties("审批人不直接改内容。请用“退回并附修改意见”，由经办人来改。")
    raise Forbidden("您现在的身份不能修改这份草稿。请在页面上方切换到经办人身份，或者请本单位经办人修改。")


def check_version(ctx: Context, record: Record, version: int) -> None:
    """Stale where somebody saved the draft after ``version`` was read."""
    if version != record.draft.version:
        editor = ctx.site.person_name(record.draft.edited_by)
        raise Stale(
            f"{editor}在您打开之后改过这份草稿。您刚才填的还在下面，请对照后再保存。",
            record.draft.data,
            editor,
        )


def _touch(ctx: Context, record: Record) -> None:
    draft = record.draft
    draft.version += 1
    draft.edited_by = ctx.actor.person
    draft.edited_at = ctx.now
    if ctx.actor.person not in record.authors:
        record.authors = (*record.authors, ctx.actor.person)


@dataclass(frozen=True)
class CreateRecord:
    """Start a draft of a content type at a unit. ``data`` passed the type's schema."""

    name: ClassVar[str] = "record.create"
    unit: str
    type: str
    kind: str
    data: Mapping[str, Any]
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit = ctx.unit(self.unit)
        type = ctx.domain.content_types.get(self.type)
        if type is None or self.kind not in type.kinds:
            raise Invalid("没有这种公开类别。请从党务、村（居）务、财务中选一种。")
        if not UNIT_KINDS[unit.kind][3] and self.kind == "affairs":
            raise Invalid("村务、居务由村和社区公布。街道（乡镇）请选党务或财务。")
        open_unit(unit)
        definition = ctx.domain.definitions[type.workflow(self.kind)]
        ctx.require(unit, definition.roles_allowed(definition.initial, "edit"), "在这里起草")

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        type = ctx.domain.content_types[self.type]
        definition = pinned(ctx, type.workflow(self.kind))
        section = unit.sections.get(type.section)
        if section is None:
            section = unit.sections[type.section] = Section(unit.code, type.section)
            ctx.journal.covers(unit.subject)
        id = new_id()
        while id in section.records:
            id = new_id()
        run = Run(definition.hash, definition.initial, ctx.now)
        draft = Draft(record_subject(unit.code, id), self.data)
        record = Record(unit.code, id, self.type, self.kind, run, draft, ctx.now, ctx.actor.person)
        draft.edited_by, draft.edited_at = ctx.actor.person, ctx.now
        record.authors = (ctx.actor.person,)
        section.records[id] = record
        relist(ctx.domain, unit, record)
        ctx.log("record.created", record.subject, record.history, unit.code, {"type": self.type, "kind": self.kind})
        return id


@dataclass(frozen=True)
class SaveDraft:
    """Save what was written. ``version`` is the draft's version that the writer had read."""

    name: ClassVar[str] = "record.edit"
    unit: str
    section: str
    record: str
    version: int
    data: Mapping[str, Any]
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        ctx.hold(record.draft)
        may_edit(ctx, unit, record)
        check_version(ctx, record, self.version)

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        type = ctx.domain.content_types[record.type]
        changed = type.changed(record.draft.data, self.data)
        if not changed:
            return record.id
        retitled = record.draft.data.get("title") != self.data.get("title") or type.audience(
            record.draft.data
        ) != type.audience(self.data)
        record.draft.data = dict(self.data)
        _touch(ctx, record)
        if retitled:
            relist(ctx.domain, unit, record)
        ctx.log(
            "record.edited", record.subject, record.history, unit.code,
            {"fields": list(changed), "version": record.draft.version},
        )
        return record.id


@dataclass(frozen=True)
class IncomingFile:
    """A file that was received and looked at: ``path`` holds its bytes until the commit."""

    path: Path = field(repr=False)  # another at each upload of the same file
    filename: str
    media_type: str
    size: int
    sha256: str
    #: what was read out of it before; None where nobody has tried
    text: FileText | None = field(default=None, repr=False)


def _fill(blob: Blob, path: Path) -> None:
    """Give a blob the bytes at ``path``, which stays: the commit may have to be tried again.

    By a second name for the same bytes where the disk knows such, so that a large file does not
    hold the unit's lock while it is copied.
    """
    twin = path.with_name(f"{path.name}.{new_id(12)}")
    try:
        os.link(path, twin)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, twin)
    try:
        blob.consumeFile(str(twin))
    finally:
        twin.unlink(missing_ok=True)


@dataclass(frozen=True)
class AttachFile:
    """Attach a file to a draft."""

    name: ClassVar[str] = "record.attach"
    unit: str
    section: str
    record: str
    file: IncomingFile
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        ctx.hold(record.draft)
        may_edit(ctx, unit, record)
        if len(record.draft.attachments) >= MAX_ATTACHMENTS:
            raise Refused(f"一份材料最多放 {MAX_ATTACHMENTS} 个附件。请把几个文件合成一个再上传。")
        for id in record.draft.attachments:
            if record.attachments[id].sha256 == self.file.sha256:
                raise Refused(f"这个文件已经在附件里了（{record.attachments[id].filename}），不用再传。")

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        id = new_id(6)
        blob = Blob()
        _fill(blob, self.file.path)
        record.attachments[id] = Attachment(
            record.subject, id, self.file.filename, self.file.media_type, self.file.size,
            self.file.sha256, blob, ctx.actor.person, ctx.now,
        )
        record.draft.attachments = (*record.draft.attachments, id)
        _touch(ctx, record)
        details = {"attachment": id, "size": self.file.size, "media_type": self.file.media_type}
        if self.file.text is not None:
            # in the same commit: nobody ever sees a file that search and the checks don't know
            details["text"] = self.file.text.status
            details["text_c"] = keep_text(record, id, self.file.text, ctx.now)
        ctx.log("record.attached", record.subject, record.history, unit.code, details)
        return id


@dataclass(frozen=True)
class RemoveAttachment:
    """Take a file off a draft; editions that hold it keep it."""

    name: ClassVar[str] = "record.detach"
    unit: str
    section: str
    record: str
    attachment: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        ctx.hold(record.draft)
        may_edit(ctx, unit, record)
        if self.attachment not in record.draft.attachments:
            raise NotFound("这个附件已经不在草稿里了，请刷新页面。")

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        draft = record.draft
        draft.attachments = tuple(a for a in draft.attachments if a != self.attachment)
        if not any(self.attachment in e for e in _editions_attachments(record)):
            del record.attachments[self.attachment]
            drop_text(record, self.attachment)
        _touch(ctx, record)
        ctx.log("record.detached", record.subject, record.history, unit.code, {"attachment": self.attachment})
        return self.attachment


def _editions_attachments(record: Record) -> list[tuple[str, ...]]:
    return [r.attachments for r in record.revisions.values()]


@dataclass(frozen=True)
class ClearAttachment:
    """已核对无个人信息: the word of a second person, not of whoever attached the file."""

    name: ClassVar[str] = "record.clear"
    unit: str
    section: str
    record: str
    attachment: str
    token: str = ""

    @property
    def lock(self) -> str:
        return self.unit

    def check(self, ctx: Context) -> None:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        ctx.hold(record.draft)
        definition = ctx.domain.definition(record.run.definition, ctx.site.definitions)
        roles = definition.roles_allowed(record.run.state, "clear_attachments")
        ctx.require(unit, roles, "核对附件")
        attachment = record.attachments.get(self.attachment)
        if attachment is None or self.attachment not in record.draft.attachments:
            raise NotFound("这个附件已经不在草稿里了，请刷新页面。")
        if attachment.added_by == ctx.actor.person:
            raise SeparationOfDuties("附件是您自己上传的，要由另一个人核对有没有个人信息。")

    def execute(self, ctx: Context) -> str:
        unit = ctx.unit(self.unit)
        record = ctx.record(unit, self.section, self.record)
        others = tuple(c for c in record.clearances if c.attachment != self.attachment)
        record.clearances = (*others, Clearance(self.attachment, ctx.actor.person, ctx.now))
        ctx.log("record.cleared", record.subject, record.history, unit.code, {"attachment": self.attachment})
        return self.attachment
