"""What every public page shows: frozen values without database or request objects.

Views build one of these and name its template; templates read it as ``page``. Moments are
aware (templates show them in Asia/Shanghai), days are ``date``, addresses are paths of our
own. Texts are plain: templates escape them. Only :class:`~jiceng_cms.web.tables.Html` goes
out as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from jiceng_cms.locale import say
from jiceng_cms.web.page_values import (
    Account,
    Choice,
    Contact,
    EditionLine,
    File,
    Filter,
    Footer,
    Link,
    Listed,
    Mark,
    MarkStyle,
    Pager,
    Proof,
    Shell,
    Sibling,
    Span,
    Step,
    UnitGroup,
    mark_corrected,
    mark_display_over,
    mark_on_display,
    mark_overdue,
    mark_published_late,
    mark_withdrawn,
)
from jiceng_cms.web.tables import Block, Html, render_blocks

__all__ = [
    "Account",
    "Choice",
    "Contact",
    "DifferencePage",
    "DifferenceRow",
    "EditionLine",
    "EditionPage",
    "File",
    "Filter",
    "Footer",
    "Hit",
    "HomePage",
    "KindCount",
    "Link",
    "ListPage",
    "Listed",
    "Mark",
    "MarkStyle",
    "MessagePage",
    "MoneySummary",
    "Pager",
    "Part",
    "PrintPage",
    "PrivacyPage",
    "Proof",
    "RecordPage",
    "Responsible",
    "SearchPage",
    "Shell",
    "Sibling",
    "Span",
    "Step",
    "TextPage",
    "UnitGroup",
    "UnitPage",
    "UnitsPage",
    "VerifyPage",
    "WithdrawnPage",
    "mark_corrected",
    "mark_display_over",
    "mark_on_display",
    "mark_overdue",
    "mark_published_late",
    "mark_withdrawn",
    "message",
]

# --- pages ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class HomePage:
    """The first page of a county or of one village."""

    title: str
    newest: tuple[Listed, ...]
    groups: tuple[UnitGroup, ...] = ()
    all_url: str = ""
    owed: str = ""  # one honest sentence
    owed_url: str = ""
    find_url: str = "/units"
    as_of: datetime | None = None  # when the list across units was made
    verify_url: str = "/verify"
    template: str = "home.pt"
    owns_search: ClassVar[bool] = True  # its own search field stands in the page


@dataclass(frozen=True)
class UnitsPage:
    """找我的村（社区）: the answer to a name or its pinyin, or all of them."""

    title: str
    query: str
    groups: tuple[UnitGroup, ...]
    find_url: str = "/units"
    template: str = "units.pt"


@dataclass(frozen=True)
class Responsible:
    """Who answers for what in a unit: an office, or the holder of an office by name."""

    matter: str
    who: str
    phone: str = ""


@dataclass(frozen=True)
class KindCount:
    """A kind of publication as a plain link with its count."""

    title: str
    url: str
    count: int
    newest: date | None = None


@dataclass(frozen=True)
class MoneySummary:
    """Money in two sentences and a small chart, for one period."""

    period: str
    sentences: tuple[str, ...]
    chart: Html
    url: str = ""


@dataclass(frozen=True)
class UnitPage:
    """A community or village."""

    title: str
    code: str
    kinds: tuple[KindCount, ...]
    newest: tuple[Listed, ...]
    all_url: str
    above: tuple[Link, ...] = ()  # township, district
    contact: Contact | None = None
    answers: tuple[Responsible, ...] = ()
    quarter: str = ""  # 本季应公开 12 项，已公开 10 项，逾期 1 项
    quarter_late: bool = False
    overdue: tuple[Listed, ...] = ()
    money: MoneySummary | None = None
    closed: str = ""  # 已于……并入…… ; with successors
    successors: tuple[Link, ...] = ()
    more: tuple[Link, ...] = ()
    search_url: str = ""
    template: str = "unit.pt"


@dataclass(frozen=True)
class ListPage:
    """Publications of a unit or of all units, by kind, year and state."""

    title: str
    items: tuple[Listed, ...]
    filters: tuple[Filter, ...]
    pager: Pager
    crumbs: tuple[Link, ...] = ()
    lede: str = ""
    clear_url: str = ""  # shown when a filter is on and nothing is left
    downloads: tuple[Link, ...] = ()
    as_of: datetime | None = None
    template: str = "list.pt"


@dataclass(frozen=True)
class RecordPage:
    """A publication, in its current edition."""

    title: str
    unit: str
    unit_url: str
    kind: str
    kind_url: str
    published: datetime
    body: tuple[Block, ...]
    marks: tuple[Mark, ...]
    number: str = ""  # 索引号
    event_day: date | None = None
    due_sentence: str = ""  # 应于 4 月 10 日前公布，实于 4 月 18 日公布，晚 8 天
    display: str = ""  # 公示至2026年10月15日
    summary: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    steps: tuple[Step, ...] = ()
    proof: Proof | None = None
    matter: tuple[Sibling, ...] = ()
    contact: Contact | None = None
    basis: tuple[str, ...] = ()
    editions: tuple[EditionLine, ...] = ()
    print_url: str = ""
    data_links: tuple[Link, ...] = ()
    staff_url: str = ""  # for who may do something with it
    rendered: Html | None = None  # the body, where it was kept by the edition's digest
    template: str = "record.pt"

    @property
    def wide(self) -> bool:
        """Whether a table needs the whole width, the side column then lying below."""
        return any(block.wide for block in self.body)

    @property
    def body_html(self) -> Html:
        """The thing itself."""
        return render_blocks(self.body) if self.rendered is None else self.rendered


@dataclass(frozen=True)
class EditionPage:
    """An earlier edition, which stays readable under a banner that says so."""

    title: str
    unit: str
    unit_url: str
    kind: str
    edition: int
    current: int
    current_url: str
    published: datetime
    superseded: datetime
    reason: str
    body: tuple[Block, ...]
    files: tuple[File, ...] = ()
    proof: Proof | None = None
    difference_url: str = ""
    editions: tuple[EditionLine, ...] = ()
    template: str = "edition.pt"

    @property
    def wide(self) -> bool:
        """Whether a table needs the whole width."""
        return any(block.wide for block in self.body)

    @property
    def body_html(self) -> Html:
        """The thing itself, as it was."""
        return render_blocks(self.body)


@dataclass(frozen=True)
class Part:
    """A piece of a difference."""

    text: str
    kind: Literal["same", "ins", "del"] = "same"


@dataclass(frozen=True)
class DifferenceRow:
    """One place (a field, a paragraph, a row of a table) in both editions."""

    name: str
    parts: tuple[Part, ...]

    @property
    def old(self) -> tuple[Part, ...]:
        """What the earlier edition says here."""
        return tuple(part for part in self.parts if part.kind != "ins")

    @property
    def new(self) -> tuple[Part, ...]:
        """What the later edition says here."""
        return tuple(part for part in self.parts if part.kind != "del")


@dataclass(frozen=True)
class DifferencePage:
    """What changed between two editions; rows without a change are left out."""

    title: str
    record_title: str
    record_url: str
    unit: str
    unit_url: str
    old: EditionLine
    new: EditionLine
    rows: tuple[DifferenceRow, ...]
    two: bool = True  # side by side where the screen is wide
    other_url: str = ""  # the same in the other arrangement
    template: str = "difference.pt"


@dataclass(frozen=True)
class WithdrawnPage:
    """What is left of a withdrawn publication (410)."""

    title: str
    unit: str
    unit_url: str
    kind: str
    published: datetime
    withdrawn: datetime
    reason: str
    by: str  # the office
    number: str = ""
    again: str = ""  # 这一事项仍应公布，……
    proof: Proof | None = None
    contact: Contact | None = None
    staff_url: str = ""  # for who may still read it
    template: str = "withdrawn.pt"


@dataclass(frozen=True)
class Hit:
    """A search result: the words in their sentence."""

    title: tuple[Span, ...]
    url: str
    unit: str
    kind: str
    day: date
    text: tuple[Span, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class SearchPage:
    """Search: the field keeps the words, whatever comes of them."""

    query: str
    hits: tuple[Hit, ...] = ()
    filters: tuple[Filter, ...] = ()
    pager: Pager | None = None
    error: str = ""  # what is wrong with the words, why, what to do
    keep: tuple[tuple[str, str], ...] = ()  # hidden fields: the filters in force
    advice: tuple[Link, ...] = ()  # beyond the usual advice
    scope: str = ""  # 石桥村 when only one unit is searched
    scope_all_url: str = ""
    template: str = "search.pt"
    owns_search: ClassVar[bool] = True

    @property
    def title(self) -> str:
        """The page's title, with the words cut where they are long."""
        words = self.query if len(self.query) <= 20 else self.query[:20] + "…"
        return say("搜索“{words}”", words=words) if words else say("搜索")


@dataclass(frozen=True)
class MessagePage:
    """Something is not there, not allowed or went wrong: what, and what to do."""

    status: int
    title: str
    what: str
    advice: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    reference: str = ""  # the request's id, to tell the office on the phone
    typed: tuple[str, ...] = ()  # what was posted and not saved
    template: str = "message.pt"


_MESSAGES: dict[int, tuple[str, str, tuple[str, ...]]] = {
    400: (
        say("这次提交看不懂"),
        say("浏览器送来的内容不完整，或者在路上被改动过，所以没有保存任何东西。"),
        (say("请返回上一页，刷新以后再提交一次。"),),
    ),
    403: (
        say("这一页您现在不能看"),
        say("这一页只给负责办理的人员看。您可能还没有登录，或者现在的身份办不了这件事。"),
        (
            say("工作人员请先登录，或者换一个身份再试。"),
            say("居民要看的公开内容都不需要登录，可以从首页找。"),
        ),
    ),
    404: (
        say("这里没有您要找的那一页"),
        say("网址可能抄漏了字，或者链接已经失效。公布过的内容不会悄悄删掉：撤回的也会留下说明。"),
        (say("请核对网址，字母和数字不要漏。"), say("在上面的搜索框里输入村名或者事情的名称，例如“修路”。")),
    ),
    405: (
        say("这个地址不能这样打开"),
        say("这个地址只接收表单，不能直接打开。"),
        (say("请返回上一页，从页面上的按钮办理。"),),
    ),
    413: (
        say("送来的内容太大"),
        say("文件或者文字超过了允许的大小，所以没有保存。"),
        (say("扫描件可以降低清晰度，或者拆成几个文件分别上传。"),),
    ),
    429: (
        say("来得太快了"),
        say("短时间内打开的次数太多，系统请您稍等一下。"),
        (say("请过一分钟再试。"),),
    ),
    500: (
        say("系统出了毛病，这不是您的错"),
        say("您要的页面没有做出来，毛病已经记下。已经保存的内容都在。"),
        (say("请过几分钟再打开一次。"), say("还是不行，请打村（社区）办公室的电话，报上下面的编号。")),
    ),
    503: (
        say("系统正在准备"),
        say("刚刚启动，正在把公开内容整理好，一般不到一分钟。"),
        (say("请过一会儿再打开。"),),
    ),
}


def message(status: int, *, reference: str = "", links: tuple[Link, ...] = ()) -> MessagePage:
    """The usual words for an HTTP ``status``; an unknown one gets those of 404 or 500."""
    known = status if status in _MESSAGES else (404 if status < 500 else 500)
    title, what, advice = _MESSAGES[known]
    return MessagePage(status, title, what, advice, links, reference)


@dataclass(frozen=True)
class VerifyPage:
    """怎样核对真伪: how anyone checks that nothing was changed in silence."""

    size: int  # entries in the log
    root: str
    signed: datetime | None
    origin: str
    key: str  # the verifier key, one line
    checkpoint_url: str = "/log/checkpoint"
    key_url: str = "/log/key"
    title: str = say("怎样核对真伪")
    template: str = "verify.pt"


@dataclass(frozen=True)
class PrivacyPage:
    """个人信息怎样保护: what is known of readers, what is published, whom to tell.

    A site says it in its own words with a template of the same name in its theme, or leads
    elsewhere with ``footer.privacy_url``.
    """

    title: str = say("个人信息怎样保护")
    template: str = "privacy.pt"


@dataclass(frozen=True)
class TextPage:
    """A page of plain paragraphs: about, help."""

    title: str
    body: tuple[Block, ...]
    lede: str = ""
    template: str = "text.pt"

    @property
    def body_html(self) -> Html:
        """The paragraphs."""
        return render_blocks(self.body)


@dataclass(frozen=True)
class PrintPage:
    """A sheet for the board on the wall: A4 or A3, large print, two QR codes."""

    title: str
    unit: str
    kind: str
    published: datetime
    body: tuple[Block, ...]
    page_url: str  # absolute: it is read from paper
    qr_url: str  # an SVG image of our own leading to the page
    proof_qr_url: str = ""
    proof: Proof | None = None
    number: str = ""
    edition: int = 1
    reason: str = ""  # of the correction, from the second edition on
    display: str = ""
    contact: Contact | None = None
    files: tuple[File, ...] = ()
    paper: Literal["a4", "a3"] = "a4"
    other_paper: Link | None = None
    back_url: str = ""
    landscape: bool = False
    template: str = "print.pt"
    locale: ClassVar[str] = "zh_CN"  # it hangs on the wall of a village

    @property
    def body_html(self) -> Html:
        """The thing itself, for paper."""
        return render_blocks(self.body)
