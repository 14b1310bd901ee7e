"""Sheets for paper: a unit's lists and earlier editions for the board, and the sheet to sign."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from ...core.catalog import Row, class_of_edition
from ...core.permissions import PUBLIC, STAFF
from ...core.signing import VERDICT_TITLES
from ...core.visibility import allowed, audiences
from .. import format as fmt
from ..pages import Link, PrintPage
from ..presenting import presenter_of
from ..tables import BulletList, Heading, Paragraph, TableBlock
from ..traversal import EditionContext, RecordContext, SectionContext, UnitContext
from ..urls import record_url, section_url, unit_url, with_query
from .common import contact_of, files_of, proof_of, with_summary
from .files import qr_svg
from .public import open_edition, public_page
from .staff import staff_page
from .trail import sheet_code
from .work import audience_of, definition_of

#: How many lines a sheet of a list has.
LINES = 60


def paper_of(request: Any, url: str) -> tuple[str, Link]:
    """The paper asked for, and the link to the other one."""
    if request.GET.get("paper") == "a3":
        return "a3", Link("A4 纸", url)
    return "a4", Link("A3 纸", with_query(url, paper="a3"))


def _list_sheet(request: Any, context: UnitContext | SectionContext, title: str, rows: list[tuple[str, Row]], url: str) -> Response:
    unit = context.unit
    paper, other = paper_of(request, f"{url}print")
    lines = tuple(
        (fmt.day(row.day), kind, row.title, f"晚 {row.late} 天" if row.late else "按时", row.number) for kind, row in rows
    )
    table = TableBlock("", ("公布日期", "类别", "标题", "是否按时", "索引号"), lines)
    body: tuple[Any, ...] = (table,) if lines else (Paragraph("还没有公布过内容。"),)
    page = PrintPage(
        title=title,
        unit=unit.name,
        kind="内容",
        published=request.now,
        body=body,
        page_url=request.own_address + url,
        qr_url=f"{unit_url(unit.code)}qr",
        contact=contact_of(request, unit),
        paper=paper,  # type: ignore[arg-type]
        other_paper=other,
        back_url=url,
    )
    return public_page(request, page)


def _rows(request: Any, context: UnitContext | SectionContext, name: str, since: date | None) -> list[tuple[str, Row]]:
    section = context.unit.sections.get(name)
    listing = section.listings.get(class_of_edition("public")) if section is not None else None
    if listing is None:
        return []
    presenter = presenter_of(request, request.services.domain.sections[name].name)
    found = [row for row in listing.page(size=LINES) if since is None or row.day >= since]
    return [(presenter.kind_title(row.kind, context.unit.kind), row) for row in found]


@view_config(context=UnitContext, name="print", request_method="GET", permission=PUBLIC)
def unit_sheet(context: UnitContext, request: Any) -> Response:
    """What the unit published this quarter."""
    today = request.today
    start = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    rows = [row for name in request.services.domain.sections for row in _rows(request, context, name, start)]
    title = f"{today.year}年第{'一二三四'[(today.month - 1) // 3]}季度公布的内容"
    return _list_sheet(request, context, title, rows, unit_url(context.unit.code))


@view_config(context=SectionContext, name="print", request_method="GET", permission=PUBLIC)
def section_sheet(context: SectionContext, request: Any) -> Response:
    """The newest lines of the unit's list."""
    rows = _rows(request, context, context.type.section, None)
    return _list_sheet(request, context, "最近公布的内容", rows, section_url(context.unit.code, context.type.section))


@view_config(context=UnitContext, name="qr", request_method="GET", permission=PUBLIC)
def unit_qr(context: UnitContext, request: Any) -> Response:
    """The QR code that leads to the unit's page."""
    return qr_svg(request.own_address + unit_url(context.unit.code))


@view_config(context=EditionContext, name="print", request_method="GET", permission=PUBLIC)
def edition_sheet(context: EditionContext, request: Any) -> Response:
    """An earlier edition on paper, marked as such."""
    parent, edition = context.parent, context.edition
    unit, record, section = parent.unit, parent.record, parent.type.section
    last = open_edition(parent, request)
    if edition.audience not in audiences(request.reader, unit):
        raise HTTPNotFound()
    content = edition.content()
    presenter = presenter_of(request, record.type)
    shown = presenter.present(content["data"], unit.kind)
    url = record_url(unit.code, section, record.id, "editions", str(edition.number))
    paper, other = paper_of(request, f"{url}/print")
    old = f"这是第 {edition.number} 版，已经被第 {last.number} 版更正。" if edition.number < last.number else ""
    page = PrintPage(
        title=content["data"]["title"],
        unit=unit.name,
        kind=presenter.kind_title(record.kind, unit.kind),
        published=edition.published_at,
        body=(*((Paragraph(old),) if old else ()), *with_summary(shown)),
        page_url=request.own_address + url,
        qr_url=f"{record_url(unit.code, section, record.id)}/qr",
        proof_qr_url=f"{url}/qr",
        proof=proof_of(request, record, section, edition),
        number=record.number,
        edition=edition.number,
        reason=content["correction"]["reason"] if content["correction"] else "",
        contact=contact_of(request, unit),
        files=files_of(record, section, edition),
        paper=paper,  # type: ignore[arg-type]
        other_paper=other,
        back_url=url,
        landscape=any(block.wide for block in shown.body),
    )
    return public_page(request, page)


@view_config(context=RecordContext, name="sheet", request_method="GET", permission=STAFF)
def signing_sheet(context: RecordContext, request: Any) -> Response:
    """The sheet that members without a telephone sign: it carries the revision's code."""
    unit, record, section = context.unit, context.record, context.type.section
    if not allowed(request.services.domain, request.site, request.reader, unit, record, "record_paper"):
        raise HTTPNotFound()
    revision = record.revision()
    if revision is None:
        raise HTTPNotFound()
    state = definition_of(request, record).states[record.run.state]
    presenter = presenter_of(request, record.type)
    shown = presenter.present(revision.data(), unit.kind)
    verdicts = "　".join(f"□ {titles[0]}" for titles in VERDICT_TITLES.values())
    body: list[Any] = [Paragraph(f"校验码：{sheet_code(record)}　第 {revision.number} 稿"), *with_summary(shown)]
    for roster in record.run.rosters:
        signoff = state.signoffs[roster.signoff]
        if signoff.audience in ("", audience_of(request, record)):
            lines = tuple((f"{m.post} {m.name}", verdicts, "", "") for m in roster.members)
            body += [Heading(signoff.title["zh_CN"]), TableBlock("", ("成员", "意见（打勾）", "理由", "签名和日期"), lines)]
    body.append(BulletList(("选保留意见或者反对，请写理由；意见和理由会公开，不写姓名，除非您要求署名。", "录入的人会给您一张回执，录得不对可以提出。")))
    body.append(Heading("回执（撕下交签署人）"))
    body.append(
        Paragraph(
            f"“{shown.title}”第 {revision.number} 稿，校验码：{sheet_code(record)}。录入的意见：　　　　录入人：　　　　日期：　　　　"
            "。和您签的不一样，请凭这张回执向监督委员会主任或者上级街道（乡镇）提出。"
        )
    )
    url = record_url(unit.code, section, record.id, "work")
    page = PrintPage(
        title=f"签署单：{shown.title}",
        unit=unit.name,
        kind=presenter.kind_title(record.kind, unit.kind),
        published=request.now,
        body=tuple(body),
        page_url=request.own_address + url,
        qr_url=f"{unit_url(unit.code)}qr",
        back_url=url,
    )
    return staff_page(request, page)
