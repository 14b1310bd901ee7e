"""View models of accounts, roles and administration: pages made of titled parts.

A part holds what it needs of: words, facts, a table whose lines may have a button, a form, codes
to be written down. One template draws them all, so each page reads and works the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from jiceng_cms.locale import say
from jiceng_cms.web.pages import Link
from jiceng_cms.web.tables import Html

NO_HTML = Html("")


@dataclass(frozen=True)
class Cell:
    """A field of a table: words, where they lead, a smaller second line.

    ``code``: no words of a language but what is typed as it stands, like a login.
    """

    text: str
    url: str = ""
    note: str = ""
    code: bool = False


@dataclass(frozen=True)
class Press:
    """A form that is one button; ``fields`` travel hidden."""

    url: str
    title: str
    fields: tuple[tuple[str, str], ...] = ()
    danger: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a table, and what can be done with it."""

    cells: tuple[Cell, ...]
    press: Press | None = None


@dataclass(frozen=True)
class Finder:
    """A field that narrows a table; it is a GET."""

    url: str
    label: str
    value: str = ""
    #: further narrowing: (name, label, choices as (value, words), chosen)
    choices: tuple[tuple[str, str, tuple[tuple[str, str], ...], str], ...] = ()


@dataclass(frozen=True)
class Part:
    """A section of a page. ``empty`` stands where a table has no rows."""

    title: str = ""
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str | Cell], ...] = ()
    finder: Finder | None = None
    head: tuple[str, ...] = ()
    rows: tuple[Line, ...] = ()
    empty: str = ""
    form_html: Html = NO_HTML
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class OfficePage:
    """A page of the account, of roles or of an administration."""

    title: str
    parts: tuple[Part, ...]
    subject: str = ""
    explain: tuple[str, ...] = ()
    notice: str = ""
    bad: bool = False  # the notice tells of something that did not work
    back: Link | None = None
    template: str = "staff_people.pt"


@dataclass(frozen=True)
class OneTimePage:
    """A link or a password that is shown this once."""

    title: str
    what: str
    address: str
    rules: tuple[str, ...]
    back: Link
    template: str = "staff_people_link.pt"


@dataclass(frozen=True)
class CodePage:
    """The second step of signing in: a code from the phone."""

    url: str
    second: str  # the half login
    next_path: str = ""
    kept: str = ""
    error: str = ""
    help: str = ""
    title: str = say("输入手机验证码")
    template: str = "staff_totp_login.pt"


@dataclass(frozen=True)
class EnrolPage:
    """Bind a phone: a picture to scan, the same in letters, and a field for the first code."""

    qr_url: str
    groups: tuple[str, ...]
    account: str
    form_html: Html
    title: str = say("绑定手机验证码")
    template: str = "staff_totp.pt"


@dataclass(frozen=True)
class RecoveryPage:
    """Ten codes for the day on which the phone is lost, shown this once."""

    codes: tuple[str, ...]
    login: str
    at: datetime
    back: Link
    title: str = say("请抄下备用码")
    template: str = "staff_totp_codes.pt"


@dataclass(frozen=True)
class HandoverSheet:
    """移交清单, to be printed and signed."""

    title: str
    unit: str
    reason: str
    since: date
    due: date | None
    why: tuple[str, ...]
    #: (role, from, to)
    roles: tuple[tuple[str, str, str], ...]
    #: (body, post, person)
    seats: tuple[tuple[str, str, str], ...]
    #: (title, address, from, to)
    records: tuple[tuple[str, str, str, str], ...]
    back: Link
    template: str = "staff_handover.pt"
    locale: ClassVar[str] = "zh_CN"  # signed on paper
