"""The frame of every page and the small values that pages are made of.

:mod:`jiceng_cms.web.pages` gives them on, so that views need only one import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from jiceng_cms.locale import say

MarkStyle = Literal["now", "done", "fixed", "late", "gone", "wait"]


# --- the frame ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A title that leads somewhere; ``note`` is one short remark behind it."""

    title: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Account:
    """Who is signed in, and in which role at which unit; logging out is a POST."""

    name: str
    role: str
    unit: str
    home_url: str
    logout_url: str
    waiting: int = 0  # what waits for this person
    account_url: str = "/staff/account"
    switch_url: str = ""  # where another of several roles is chosen
    two_factor: bool = False  # confirming asks for a code from the phone too


@dataclass(frozen=True)
class Footer:
    """What the law and the settings put under every page; empty texts are left out."""

    organiser: str = ""  # 主办单位
    icp: str = ""  # ICP备案号
    icp_url: str = ""
    police: str = ""  # 公安备案号
    police_url: str = ""
    privacy_url: str = ""
    complaint: str = ""  # whom to tell about this system itself
    verify_url: str = "/verify"
    login_url: str = "/login"


@dataclass(frozen=True)
class Shell:
    """What surrounds every page, computed from the request by ``registry.shell_for``."""

    site_title: str
    footer: Footer = Footer()
    locale: str = "zh_CN"
    demo: bool = False  # says 演示数据 on every page
    elder: bool = False
    elder_url: str = ""  # switches the elder mode on or off and comes back
    account: Account | None = None
    csrf_token: str = ""  # only where the page has a form that changes something
    language: Link | None = None  # leads to the other language, in its own words
    home_url: str = "/"
    search_url: str = "/search"
    query: str = ""

    @property
    def content(self) -> str | None:
        """The ``lang`` of what people wrote, where the page speaks another language."""
        return None if self.locale == "zh_CN" else "zh-CN"


# --- small values ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """A state in words, framed by style; the words alone must suffice."""

    text: str
    style: MarkStyle


def mark_on_display(day: int, of: int) -> Mark:
    """公开中: day ``day`` of ``of``; day 1 is the day after publication, 0 the day itself."""
    if day <= 0:
        return Mark(say("公开中 今日公布，共 {of} 日", of=of), "now")
    return Mark(say("公开中 {day}/{of} 日", day=day, of=of), "now")


def mark_display_over() -> Mark:
    """The period of display is over; the edition stays where it is."""
    return Mark(say("已满公示期"), "done")


def mark_corrected() -> Mark:
    """A later edition replaced an earlier one."""
    return Mark(say("已更正"), "fixed")


def mark_published_late(days: int) -> Mark:
    """It was published ``days`` days after it was due: a fact, not a reproach."""
    return Mark(say("逾期 {days} 天公布", days=days), "late")


def mark_overdue(days: int) -> Mark:
    """It is due since ``days`` days and not published."""
    return Mark(say("逾期 {days} 天未公布", days=days), "late")


def mark_withdrawn() -> Mark:
    """The text is no longer shown; stub and reason are."""
    return Mark(say("已撤回"), "gone")


@dataclass(frozen=True)
class Span:
    """A piece of text; ``hit`` where the words that were looked for stand."""

    text: str
    hit: bool = False


@dataclass(frozen=True)
class Listed:
    """One publication in a list."""

    title: str
    url: str
    kind: str
    day: date
    unit: str = ""  # empty where the list is of one unit
    unit_url: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One value of a filter, as a link; ``on`` is the one in force."""

    title: str
    url: str
    count: int | None = None
    on: bool = False


@dataclass(frozen=True)
class Filter:
    """A filter as words: 类别, 年份, 状态."""

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Pager:
    """Where in a long list this page stands; pages count from 1."""

    page: int
    pages: int
    total: int
    previous_url: str | None = None
    next_url: str | None = None


@dataclass(frozen=True)
class UnitGroup:
    """The units below one subdistrict or township."""

    title: str
    units: tuple[Link, ...]
    url: str = ""


@dataclass(frozen=True)
class Contact:
    """Whom to ask or to tell that something is wrong; empty texts are left out."""

    office: str
    person: str = ""
    phone: str = ""
    hours: str = ""
    address: str = ""
    on_paper: str = ""  # how to do it without a screen
    object_to: str = ""  # where an objection goes if the office does not answer


@dataclass(frozen=True)
class Step:
    """A line of 这份公开是怎么来的: when, what, which office, how many, why."""

    what: str
    when: date | datetime | None = None  # a datetime is shown with its time
    who: str = ""  # an office or role, never a person
    count: str = ""  # 3人中2人同意，1人反对
    why: str = ""
    now: bool = False


@dataclass(frozen=True)
class Proof:
    """Whether the edition is in the public log, and how anyone checks that."""

    state: Literal["recorded", "waiting"]
    number: int | None = None  # the entry's index in the log
    at: datetime | None = None
    digest: str = ""  # the salted commitment to this edition
    proof_url: str = ""  # the material to recompute it with
    verify_url: str = "/verify"


@dataclass(frozen=True)
class File:
    """An attachment; ``text`` is what could be read from it, to be read in place."""

    name: str
    url: str
    size: int  # bytes
    kind: str = ""  # PDF, 表格, 图片
    note: str = ""
    text: str = ""
    view_url: str = ""  # where it can be read without a download


@dataclass(frozen=True)
class Sibling:
    """A record of the same matter: before, during, after."""

    stage: str  # 事前, 事中, 事后
    title: str
    url: str
    day: date | None = None
    here: bool = False


@dataclass(frozen=True)
class EditionLine:
    """One edition of a record."""

    number: int
    day: date
    url: str
    reason: str = ""
    difference_url: str = ""
    here: bool = False
