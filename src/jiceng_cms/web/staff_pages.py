"""View models of the back office: what a staff page shows, without database objects.

Views fill these, templates ``staff_*.pt`` draw them. A form of an action carries the CSRF token
of the shell, ``etag`` (the revision that the person saw) and ``idempotency`` (a token made for
this page, so that a double submit counts once); it posts ``comment``, ``verdict``, ``password``
where it asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from jiceng_cms.locale import say
from jiceng_cms.web.pages import Link, Listed, Mark, Pager
from jiceng_cms.web.tables import Html

NO_HTML: Final = Html("")

# --- small values ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ActionForm:
    """One thing that the person may do now, as a form with one button.

    ``title`` is the button and names the act (提交监督审查), ``what_happens`` says what follows
    and when. ``comment`` asks for a reason. ``verdicts`` are pairs of value and words to choose
    from, for a sign-off. ``fields_html`` are further fields, drawn by ``web.forms``. ``blocked``
    says why the button does not work yet. ``error``, ``typed`` and ``verdict`` bring back what
    was sent when it was refused.
    """

    name: str
    title: str
    url: str
    what_happens: str
    comment: Literal["none", "optional", "required"] = "none"
    comment_title: str = say("说明")
    reauthenticate: bool = False
    confirm: Link | None = None  # where somebody without a password shows first who they are
    fields_html: Html = NO_HTML
    danger: bool = False
    etag: str = ""
    idempotency: str = ""
    verdicts: tuple[tuple[str, str], ...] = ()
    blocked: str = ""
    error: str = ""
    typed: str = ""
    verdict: str = ""
    signed: bool = False

    @property
    def button(self) -> str:
        """The classes of its button."""
        return "button button--danger" if self.danger else "button"


@dataclass(frozen=True)
class Stage:
    """A step of a record's way, in words."""

    title: str
    when: Literal["past", "now", "next"]


@dataclass(frozen=True)
class Check:
    """What the system found: ``ok``, ``warn`` (may go on) or ``stop`` (must be mended)."""

    level: Literal["ok", "warn", "stop"]
    text: str
    url: str = ""  # where to mend it


@dataclass(frozen=True)
class FoundPrivacy:
    """A finding of the privacy check. ``masked`` never holds the whole number."""

    field: str
    kind: str
    masked: str
    what_to_do: str
    url: str = ""


@dataclass(frozen=True)
class DueDay:
    """A day by which something is due, and the reckoning: why this day."""

    what: str  # 监督审查期限
    day: date
    why: tuple[str, ...] = ()
    late_days: int = 0


@dataclass(frozen=True)
class Attachment:
    """A file of a draft. ``cleared`` tells who looked through it for personal data and when."""

    name: str
    url: str
    size: int  # bytes
    kind: str = ""
    view_url: str = ""  # where it can be read without a download
    note: str = ""  # how far its text could be read
    cleared: str = ""
    waiting: str = ""  # why the person can't clear it: 是您上传的，要由另一个人核对
    clear: ActionForm | None = None
    remove: ActionForm | None = None


@dataclass(frozen=True)
class UploadForm:
    """The field for one more attachment."""

    url: str
    accept: str  # of the input: .pdf,.docx,.xlsx
    rules: str  # in words: kinds and the greatest size
    etag: str = ""
    idempotency: str = ""
    error: str = ""


@dataclass(frozen=True)
class SignoffRow:
    """One member's verdict. ``note`` says how it came: 纸质签署，由××代录."""

    office: str
    verdict: str
    at: datetime | None = None
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class SignoffTable:
    """A sign-off with its count: 3人中2人同意，1人反对."""

    title: str
    summary: str
    rows: tuple[SignoffRow, ...]
    due: DueDay | None = None
    paper_url: str = ""  # enter a signed sheet
    sheet_url: str = ""  # print the sheet to be signed


@dataclass(frozen=True)
class RoleChoice:
    """A role in which the person may act. ``value`` is what the form sends back."""

    value: str
    title: str
    on: bool = False


@dataclass(frozen=True)
class WaitingItem:
    """One thing that waits for the person."""

    title: str
    url: str
    what: str  # 监督审查
    unit: str
    since: date
    due: date | None = None
    late_days: int = 0


@dataclass(frozen=True)
class DraftLine:
    """A draft of the person's own."""

    title: str
    url: str
    kind: str
    changed: datetime
    note: str = ""  # 退回修改：……


@dataclass(frozen=True)
class HistoryRow:
    """An event: who did what in which role, and why."""

    at: datetime
    what: str
    who: str
    role: str
    detail: str = ""  # from which state to which, names of the changed fields
    reason: str = ""
    log: str = ""  # 存证第 123 号


@dataclass(frozen=True)
class ConflictField:
    """A field that two people changed: their text, already saved, and the person's own."""

    title: str
    theirs: str
    mine: str


# --- pages ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class StaffHome:
    """The desk: what waits, what was published last, drafts, in which role one acts."""

    title: str
    unit: str
    waiting: tuple[WaitingItem, ...]
    drafts: tuple[DraftLine, ...]
    newest: tuple[Listed, ...]
    roles: tuple[RoleChoice, ...] = ()
    switch_url: str = ""
    create_url: str = ""
    all_url: str = ""
    owed: str = ""  # 本季度应公开 12 项，已公开 10 项，逾期 1 项
    owed_late: bool = False
    links: tuple[Link, ...] = ()  # the other pages of the office
    create_more: tuple[Link, ...] = ()  # drafting at the other units where one may
    template: str = "staff_home.pt"


@dataclass(frozen=True)
class RecordStaffPage:
    """A record as those see it who work on it."""

    title: str
    unit: str
    unit_url: str
    kind: str
    stages: tuple[Stage, ...]
    body_html: Html
    marks: tuple[Mark, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    notice: str = ""  # what was just done, or what stands in the way
    lateness: str = ""  # 应于 4 月 10 日前公布，已逾期 8 天
    due: DueDay | None = None
    checks: tuple[Check, ...] = ()
    findings: tuple[FoundPrivacy, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    upload: UploadForm | None = None
    signoffs: tuple[SignoffTable, ...] = ()
    actions: tuple[ActionForm, ...] = ()
    no_action: str = ""  # whom it waits for, when the person can do nothing
    edit_url: str = ""
    history_url: str = ""
    public_url: str = ""
    links: tuple[Link, ...] = ()
    template: str = "staff_record.pt"


@dataclass(frozen=True)
class EditRecordPage:
    """The form of a draft with the results of the checks beside it."""

    title: str
    unit: str
    unit_url: str
    record_url: str
    form_html: Html
    checks: tuple[Check, ...] = ()
    findings: tuple[FoundPrivacy, ...] = ()
    due: DueDay | None = None
    warning: str = ""  # 涉密和工作秘密不得录入
    returned: str = ""  # the opinion with which it came back
    template: str = "staff_edit.pt"


@dataclass(frozen=True)
class ConflictPage:
    """Another person changed the draft meanwhile. The form holds what the person typed and the
    present ``etag``, so that saving it again is a decision and not an accident."""

    title: str
    editor: str
    at: datetime
    fields: tuple[ConflictField, ...]
    form_html: Html
    theirs_url: str
    template: str = "staff_conflict.pt"


@dataclass(frozen=True)
class DonePage:
    """After an action: what was done, what happens next and when."""

    title: str  # 已提交监督审查
    what_next: tuple[str, ...]
    links: tuple[Link, ...]
    due: DueDay | None = None
    draft_key: str = ""  # the copy on this computer is not needed any more
    template: str = "staff_done.pt"


@dataclass(frozen=True)
class HistoryPage:
    """Who did what and when, newest last, for those who supervise."""

    title: str
    record_title: str
    record_url: str
    rows: tuple[HistoryRow, ...]
    proven: str = ""  # how far the log vouches for it
    pager: Pager | None = None
    template: str = "staff_history.pt"


@dataclass(frozen=True)
class LoginPage:
    """Name and password. ``error`` never tells which of the two was wrong."""

    url: str
    name: str = ""
    error: str = ""
    next_path: str = ""
    help: str = ""  # whom to ask for a new password
    elsewhere: Link | None = None  # a provider that knows the staff
    title: str = say("工作人员登录")
    template: str = "staff_login.pt"


@dataclass(frozen=True)
class ExpiredPage:
    """The session ended in the middle of a form: log in, and what was typed comes back.

    ``kept`` is the posted form, packed by ``web.forms.kept.pack``; after the login the view
    unpacks it and shows :class:`ResumePage`.
    """

    url: str
    next_path: str
    kept: str
    name: str = ""
    error: str = ""
    help: str = ""
    elsewhere: Link | None = None
    title: str = say("登录已经过期，您填的内容还在")
    template: str = "staff_login.pt"


@dataclass(frozen=True)
class ResumePage:
    """After the login: one button (``restore``) that opens the form with all that was typed.

    ``fields`` are what ``web.forms.kept.unpack`` gave, the old ``etag`` among them: it tells
    whether somebody changed the draft meanwhile.
    """

    url: str
    fields: tuple[tuple[str, str], ...]
    title: str = say("您刚才填的内容都在")
    template: str = "staff_resume.pt"


@dataclass(frozen=True)
class SetPasswordPage:
    """Behind a one-time link: choose a password."""

    url: str
    login: str
    rules: tuple[str, ...]
    until: datetime | None = None
    error: str = ""
    title: str = say("设置密码")
    template: str = "staff_password.pt"


@dataclass(frozen=True)
class FormPage:
    """A form with a few words of explanation: the shape of the small pages below."""

    title: str
    form_html: Html
    explain: tuple[str, ...] = ()
    subject: str = ""  # the record's title
    back: Link | None = None
    notes: tuple[str, ...] = ()  # beside the form
    notes_title: str = ""
    template: str = "staff_form.pt"


@dataclass(frozen=True)
class CreateRecordPage(FormPage):
    """Choose the kind of publication and the part of the village that it concerns."""


@dataclass(frozen=True)
class CorrectionStartPage(FormPage):
    """Begin a correction: typing error or substance, and why."""


@dataclass(frozen=True)
class WithdrawPage(FormPage):
    """Withdraw: a reason from the closed list, and a note that the public reads."""


@dataclass(frozen=True)
class PaperSignoffPage(FormPage):
    """Enter a signed paper sheet. The revision's code is typed from the sheet, never shown here:
    so nobody enters an opinion on a draft that was not on the paper."""
