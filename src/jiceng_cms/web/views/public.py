"""The pages that residents read: no account, no script, nothing that writes."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...core.catalog import class_of_edition, sort_key
from ...core.clock import local_date
from ...core.permissions import PUBLIC
from ...core.records import Edition
from ...core.site import Site
from ...core.units import UNIT_KINDS, Unit, ancestors, children
from ...core.visibility import ANYONE, audiences, sees_edition, sees_work, stub_is_public
from ...locale import say
from ...translog.state import StateUnreadable, read_signed
from .. import format as fmt
from ..board import Posted
from ..cache import PageCache
from ..differences import difference as compare
from ..pages import (
    Choice,
    DifferencePage,
    EditionLine,
    EditionPage,
    Filter,
    HomePage,
    KindCount,
    Link,
    Listed,
    ListPage,
    Mark,
    Pager,
    PrintPage,
    PrivacyPage,
    RecordPage,
    UnitGroup,
    UnitPage,
    UnitsPage,
    VerifyPage,
    mark_corrected,
    mark_published_late,
)
from ..presenting import Presented, presenter_of
from ..request import ELDER_COOKIE, LOCALE_COOKIE, LOCALES
from ..theming import Drawn, html_response, render_page
from ..traversal import EditionContext, RecordContext, SectionContext, UnitContext
from ..urls import own_path, record_url, section_url, unit_url, with_query
from .common import (
    answering,
    contact_of,
    content_of,
    display_mark,
    editions_of,
    files_of,
    late_sentence,
    listed,
    proof_of,
    responsible,
    siblings_of,
    steps_of,
    with_summary,
)
from .gone import withdrawn_response

PAGE_SIZE = 20

MARK_TITLES = {
    "current": say("公开中"), "expired": say("已满公示期"), "late": say("逾期公布"), "corrected": say("已更正"),
}


def groups_of(request: Any, query: str = "") -> tuple[UnitGroup, ...]:
    """The units by what is above them; ``query`` narrows by name, pinyin or initials."""
    site: Site = request.site
    words = query.strip().lower()

    def wanted(unit: Unit) -> bool:
        return not words or words in unit.name.lower() or words in unit.pinyin.replace(" ", "") or words in unit.initials

    found: dict[str, list[Link]] = {}
    names: dict[str, tuple[str, str]] = {}
    for unit in site.units.values():
        if not UNIT_KINDS[unit.kind][3] or not wanted(unit):
            continue
        above = unit.parent(request.today) or ""
        parent = site.units.get(above)
        names[above] = (parent.name, unit_url(above)) if parent is not None else (say("其他"), "")
        note = say("已撤销") if unit.closed_on else ""
        found.setdefault(above, []).append(Link(unit.name, unit_url(unit.code), note))
    return tuple(UnitGroup(names[code][0], tuple(links), names[code][1]) for code, links in sorted(found.items()))


@view_config(route_name="home", request_method="GET", permission=PUBLIC)
def home(request: Any) -> Response:
    """The first page of a county."""
    board = request.services.board
    request.needs.scope, request.needs.board = "", True
    site: Site = request.site
    newest: list[Listed] = []
    for posted in board.newest(12):
        unit = site.units[posted.unit]
        if not _still_listed(unit, posted):  # withdrawn since the board looked
            continue
        newest += listed(request, unit, posted.section, [posted.row], name_unit=True)
    total = board.total()
    late = sum(board.totals(code).late for code in site.units)
    owed = (
        say(
            "到现在一共公布了 {total} 件，其中 {late} 件是逾期以后才公布的。",
            total=fmt.number(total), late=fmt.number(late),
        )
        if total
        else say("还没有公布过内容。")
    )
    page = HomePage(
        title=request.services.settings.title,
        newest=tuple(newest),
        groups=groups_of(request) if len(site.units) <= 60 else (),
        owed=owed,
        as_of=board.as_of,
    )
    return public_page(request, page)


def _still_listed(unit: Unit, posted: Posted) -> bool:
    """Whether the unit's own list, in this request's snapshot, holds what the board knows of."""
    listing = unit.sections[posted.section].listings.get(class_of_edition("public"))
    return listing is not None and sort_key(posted.row.day, posted.row.id) in listing.rows


@view_config(route_name="units", request_method="GET", permission=PUBLIC)
def units(request: Any) -> Response:
    """找我的村（社区）."""
    query = str(request.GET.get("q", ""))[:60]
    request.needs.scope = ""
    return public_page(request, UnitsPage(say("找我的村（社区）"), query, groups_of(request, query)))


@view_config(context=UnitContext, request_method="GET", permission=PUBLIC)
def unit(context: UnitContext, request: Any) -> Response:
    """A unit's page."""
    unit = context.unit
    if not request.path.endswith("/"):
        raise HTTPSeeOther(unit_url(unit.code))
    kinds: list[KindCount] = []
    newest: list[Listed] = []
    all_url = ""
    for name, type in request.services.domain.sections.items():
        section = unit.sections.get(name)
        listing = section.listings.get(class_of_edition("public")) if section is not None else None
        presenter = presenter_of(request, type.name)
        for kind in ("party", "affairs", "finance"):
            if kind not in type.kinds or (kind == "affairs" and not UNIT_KINDS[unit.kind][3]):
                continue
            first = listing.page({"kind": kind}, size=1) if listing is not None else []
            kinds.append(
                KindCount(
                    presenter.kind_title(kind, unit.kind),
                    section_url(unit.code, name, kind=kind),
                    listing.total({"kind": kind}) if listing is not None else 0,
                    first[0].day if first else None,
                )
            )
        if listing is not None:
            newest += listed(request, unit, name, listing.page(size=8))
        all_url = all_url or section_url(unit.code, name)
    page = UnitPage(
        title=unit.name,
        code=unit.code,
        kinds=tuple(kinds),
        newest=tuple(newest),
        all_url=all_url,
        above=_above(request, unit),
        contact=contact_of(request, unit),
        answers=responsible(request, unit),
        quarter=_quarter(request, unit),
        closed=say("{unit}已于{day}撤销，以前公布的内容仍可查看。", unit=unit.name, day=fmt.day(unit.closed_on))
        if unit.closed_on
        else "",
        successors=tuple(Link(request.site.units[c].name, unit_url(c)) for c in unit.successors if c in request.site.units),
        more=_below(request, unit) + _entities(request, unit),
        search_url=with_query("/search", unit=unit.code),
    )
    return public_page(request, page)


def _above(request: Any, unit: Unit) -> tuple[Link, ...]:
    found = [Link(u.name, unit_url(u.code)) for u in ancestors(request.site.units, unit.code, request.today)]
    return tuple(reversed(found))


def _below(request: Any, unit: Unit) -> tuple[Link, ...]:
    if UNIT_KINDS[unit.kind][3]:
        return ()
    return tuple(Link(u.name, unit_url(u.code)) for u in children(request.site.units, unit.code, request.today))


def _entities(request: Any, unit: Unit) -> tuple[Link, ...]:
    return tuple(
        Link(entity.name, unit_url(unit.code), say("统一社会信用代码 {code}", code=entity.uscc) if entity.uscc else "")
        for entity in request.site.entities.values()
        if any(span.code == unit.code for span in entity.units)
    )


def _quarter(request: Any, unit: Unit) -> str:
    """This quarter in one line, from what was published since it began."""
    today = request.today
    start = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    count = late = 0
    for section in unit.sections.values():
        listing = section.listings.get(class_of_edition("public"))
        if listing is None:
            continue
        for row in listing.page({"year": str(today.year)}, size=500):
            if row.day < start:
                break
            count += 1
            late += row.late > 0
    if not count:
        return say("本季度还没有公布内容。")
    if late:
        return say("本季度已公布 {n} 项，其中 {late} 项是逾期以后公布的。", n=count, late=late)
    return say("本季度已公布 {n} 项，没有逾期。", n=count)


@view_config(context=SectionContext, request_method="GET", permission=PUBLIC)
def section(context: SectionContext, request: Any) -> Response:
    """A unit's list by kind, year and state, with counts."""
    unit, type = context.unit, context.type
    if not request.path.endswith("/"):
        raise HTTPSeeOther(with_query(section_url(unit.code, type.section), **dict(request.GET)))
    presenter = presenter_of(request, type.name)
    listing = context.section.listings.get(class_of_edition("public")) if context.section is not None else None
    chosen = {n: v for n in ("kind", "year", "mark") if (v := str(request.GET.get(n, ""))[:20])}
    kinds = {k: presenter.kind_title(k, unit.kind) for k in type.kinds}
    if chosen.get("kind", "party") not in kinds or not chosen.get("year", "1").isdigit():
        raise HTTPNotFound()
    if chosen.get("mark", "late") not in MARK_TITLES:
        raise HTTPNotFound()
    number = page_number(request)
    rows, total = _narrowed(listing, chosen, request.today, (number - 1) * PAGE_SIZE)
    base = section_url(unit.code, type.section)

    def choices(name: str, titles: Mapping[str, str], counts: dict[str, int]) -> Filter:
        others = {n: v for n, v in chosen.items() if n != name}
        label = {"kind": say("类别"), "year": say("年份"), "mark": say("状态")}[name]
        found = [Choice(say("全部"), with_query(base, **others), on=name not in chosen)]
        for value, title in titles.items():
            if counts.get(value) or chosen.get(name) == value:
                found.append(
                    Choice(title, with_query(base, **others, **{name: value}), counts.get(value, 0), chosen.get(name) == value)
                )
        return Filter(label, tuple(found))

    plain = {n: v for n, v in chosen.items() if n != "mark" or v not in ("current", "expired")}
    filters: tuple[Filter, ...] = ()
    if listing is not None:
        years = sorted(listing.values("year"), reverse=True)
        filters = (
            choices("kind", kinds, dict(listing.facets("kind", plain))),
            choices("year", {y: say("{year}年", year=y) for y in years}, dict(listing.facets("year", plain))),
            choices("mark", MARK_TITLES, _mark_counts(listing, chosen, request.today)),
        )
    pages = max(1, math.ceil(total / PAGE_SIZE))
    if number > pages:
        raise HTTPNotFound()
    page = ListPage(
        title=say("{unit}公布的内容", unit=unit.name),
        items=listed(request, unit, type.section, rows),
        filters=filters,
        pager=Pager(
            number,
            pages,
            total,
            with_query(base, **chosen, page=number - 1) if number > 1 else None,
            with_query(base, **chosen, page=number + 1) if number < pages else None,
        ),
        crumbs=(*_above(request, unit), Link(unit.name, unit_url(unit.code))),
        clear_url=base if chosen else "",
    )
    return public_page(request, page)


def _current(listing: Any, chosen: dict[str, str], today: Any) -> list[Any]:
    """The rows still in their period of display."""
    found: list[Any] = listing.current({n: v for n, v in chosen.items() if n != "mark"}, today)
    return found


def _narrowed(listing: Any, chosen: dict[str, str], today: Any, start: int) -> tuple[list[Any], int]:
    if listing is None:
        return [], 0
    mark = chosen.get("mark", "")
    if mark == "current":
        rows = _current(listing, chosen, today)
        return rows[start : start + PAGE_SIZE], len(rows)
    if mark == "expired":
        plain = {n: v for n, v in chosen.items() if n != "mark"}
        current = {row.id for row in _current(listing, chosen, today)}
        total = listing.total(plain) - len(current)
        # what is still on display stands near the top: read so many more and leave it out
        rows = [r for r in listing.page(plain, 0, start + PAGE_SIZE + len(current)) if r.id not in current]
        return rows[start : start + PAGE_SIZE], total
    return listing.page(chosen, start, PAGE_SIZE), listing.total(chosen)


def _mark_counts(listing: Any, chosen: dict[str, str], today: Any) -> dict[str, int]:
    plain = {n: v for n, v in chosen.items() if n != "mark"}
    counts = dict(listing.facets("mark", plain))
    counts["current"] = len(_current(listing, chosen, today))
    counts["expired"] = listing.total(plain) - counts["current"]
    return counts


def page_number(request: Any) -> int:
    """The page asked for, from 1; HTTPNotFound for anything that is none."""
    text = str(request.GET.get("page", "1"))
    if not (text.isascii() and text.isdigit() and len(text) < 7) or not 1 <= int(text) <= 100_000:
        raise HTTPNotFound()
    return int(text)


def open_edition(context: RecordContext, request: Any) -> Edition:
    """The record's last edition for this reader.

    Raises HTTPNotFound where there is nothing for this reader, the 410 stub where it was withdrawn.
    """
    record = context.record
    if sees_edition(request.reader, context.unit, record):
        edition = record.edition()
        assert edition is not None, "what is seen has an edition"
        return edition
    if stub_is_public(record):
        raise withdrawn_response(request, context)
    raise HTTPNotFound()


@view_config(context=RecordContext, request_method="GET", permission=PUBLIC)
def record(context: RecordContext, request: Any) -> Response:
    """A publication, in its current edition."""
    unit, record, section = context.unit, context.record, context.type.section
    staff_url = record_url(unit.code, section, record.id, "work")
    sees_the_work = sees_work(request.services.domain, request.site, request.reader, unit, record)
    if record.standing == "unpublished" and sees_the_work:
        raise HTTPSeeOther(staff_url)
    edition = open_edition(context, request)
    staff_url = staff_url if sees_the_work else ""
    return kept_page(
        request, (record.subject, staff_url), lambda: _record_page(context, request, edition, staff_url)
    )


def _record_page(context: RecordContext, request: Any, edition: Edition, staff_url: str) -> RecordPage:
    unit, record, section = context.unit, context.record, context.type.section
    content = content_of(edition)
    data = content["data"]
    # beside its own record, a page of a matter tells of the others of it
    request.needs.scope = unit.code if data.get("matter") else record.key
    presenter = presenter_of(request, record.type)
    shown = presenter.present(data, unit.kind)
    published = local_date(edition.published_at)
    marks = [display_mark(published, edition.display_until, request.today)]
    if content["late_days"]:
        marks.append(mark_published_late(content["late_days"]))
    if edition.number > 1:
        marks.append(mark_corrected())
    if edition.audience != "public":
        marks.append(Mark(say("只在党内公开"), "wait"))
    if content["stand_in"] == "subdistrict":
        marks.append(Mark(say("因回避由街道代为审核"), "wait"))
    return RecordPage(
        title=data["title"],
        unit=unit.name,
        unit_url=unit_url(unit.code),
        kind=presenter.kind_title(record.kind, unit.kind),
        kind_url=section_url(unit.code, section, kind=record.kind),
        published=edition.published_at,
        body=shown.body,
        marks=tuple(marks),
        number=record.number,
        event_day=datetime.fromisoformat(data["event_date"]).date() if data.get("event_date") else None,
        due_sentence=late_sentence(content_of(answering(record) or edition)),
        display=say("公示至{day}", day=fmt.day(edition.display_until)),
        summary=shown.summary,
        files=files_of(record, section, edition),
        steps=steps_of(record),
        proof=proof_of(request, record, section, edition),
        matter=siblings_of(request, unit, record, section, data),
        contact=contact_of(request, unit),
        basis=shown.basis,
        editions=editions_of(record, section, edition.number),
        print_url=record_url(unit.code, section, record.id, "print"),
        staff_url=staff_url,
    )


@view_config(context=EditionContext, request_method="GET", permission=PUBLIC)
def edition(context: EditionContext, request: Any) -> Response:
    """An edition at its own address; the last one leads to the record."""
    parent = context.parent
    record, section, unit = parent.record, parent.type.section, parent.unit
    last = open_edition(parent, request)
    edition = context.edition
    url = record_url(unit.code, section, record.id)
    if edition.number == last.number:
        raise HTTPSeeOther(url)
    if edition.audience not in audiences(request.reader, unit):
        raise HTTPNotFound()
    following: Edition = record.editions[edition.number + 1]
    correction = following.content()["correction"]
    presenter = presenter_of(request, record.type)
    data = edition.data()
    page = EditionPage(
        title=data["title"],
        unit=unit.name,
        unit_url=unit_url(unit.code),
        kind=presenter.kind_title(record.kind, unit.kind),
        edition=edition.number,
        current=last.number,
        current_url=url,
        published=edition.published_at,
        superseded=following.published_at,
        reason=correction["reason"] if correction else "",
        body=with_summary(presenter.present(data, unit.kind)),
        files=files_of(record, section, edition),
        proof=proof_of(request, record, section, edition),
        difference_url=record_url(unit.code, section, record.id, "editions", str(edition.number + 1), "difference"),
        editions=editions_of(record, section, edition.number),
    )
    return public_page(request, page)


@view_config(context=EditionContext, name="difference", request_method="GET", permission=PUBLIC)
def difference(context: EditionContext, request: Any) -> Response:
    """What an edition changed of the one before."""
    parent = context.parent
    record, section, unit = parent.record, parent.type.section, parent.unit
    open_edition(parent, request)
    new = context.edition
    old = record.editions.get(new.number - 1)
    readable = audiences(request.reader, unit)
    if old is None or old.audience not in readable or new.audience not in readable:
        raise HTTPNotFound()
    presenter = presenter_of(request, record.type)
    before, after = presenter.present(old.data(), unit.kind), presenter.present(new.data(), unit.kind)
    rows = compare(_fields(before, old), _fields(after, new), before.body, after.body)
    two = request.GET.get("view") != "one"
    here = record_url(unit.code, section, record.id, "editions", str(new.number), "difference")
    lines = {line.number: line for line in editions_of(record, section, new.number)}
    page = DifferencePage(
        title=say("第{old}版和第{new}版有什么不同", old=old.number, new=new.number),
        record_title=new.data()["title"],
        record_url=record_url(unit.code, section, record.id),
        unit=unit.name,
        unit_url=unit_url(unit.code),
        old=lines.get(old.number) or EditionLine(old.number, local_date(old.published_at), ""),
        new=lines.get(new.number) or EditionLine(new.number, local_date(new.published_at), ""),
        rows=rows,
        two=two,
        other_url=with_query(here, view="one" if two else ""),
    )
    return public_page(request, page)


def _fields(shown: Presented, edition: Edition) -> tuple[tuple[str, str], ...]:
    """What stands around the body: title, summary, facts, basis, names of attachments."""
    names = "\n".join(f["filename"] for f in edition.content()["attachments"])
    return (
        (say("标题"), shown.title),
        (say("两句话说明"), "\n".join(shown.summary)),
        *shown.facts,
        (say("公开依据"), "\n".join(shown.basis)),
        (say("附件"), names),
    )


@view_config(context=RecordContext, name="print", request_method="GET", permission=PUBLIC)
def print_record(context: RecordContext, request: Any) -> Response:
    """The sheet for the board on the wall."""
    unit, record, section = context.unit, context.record, context.type.section
    edition = open_edition(context, request)
    content = edition.content()
    presenter = presenter_of(request, record.type)
    shown = presenter.present(content["data"], unit.kind)
    url = record_url(unit.code, section, record.id)
    paper = "a3" if request.GET.get("paper") == "a3" else "a4"
    page = PrintPage(
        title=content["data"]["title"],
        unit=unit.name,
        kind=presenter.kind_title(record.kind, unit.kind),
        published=edition.published_at,
        body=with_summary(shown),
        page_url=request.own_address + url,
        qr_url=f"{url}/qr",
        proof_qr_url=f"{url}/editions/{edition.number}/qr",
        proof=proof_of(request, record, section, edition),
        number=record.number,
        edition=edition.number,
        reason=content["correction"]["reason"] if content["correction"] else "",
        display=say("公示至{day}", day=fmt.day(edition.display_until)),
        contact=contact_of(request, unit),
        files=files_of(record, section, edition),
        paper=paper,  # type: ignore[arg-type]
        other_paper=Link("A4 纸" if paper == "a3" else "A3 纸", with_query(f"{url}/print", paper="" if paper == "a3" else "a3")),
        back_url=url,
        landscape=any(block.wide for block in shown.body),
    )
    return public_page(request, page)


@view_config(route_name="verify", request_method="GET", permission=PUBLIC)
def verify(request: Any) -> Response:
    """怎样核对真伪."""
    log = request.services.log
    request.needs.scope, request.needs.checkpoint = "", True
    checkpoint = log.checkpoint()
    page = VerifyPage(
        size=checkpoint.size if checkpoint else 0,
        root=_b64(checkpoint.root) if checkpoint else "",
        signed=_signed_at(request.services.settings.state_file),
        origin=log.verifier.name,
        key=log.verifier.encode(),
    )
    return public_page(request, page)


@view_config(route_name="privacy", request_method="GET", permission=PUBLIC)
def privacy(request: Any) -> Response:
    """个人信息怎样保护."""
    return public_page(request, PrivacyPage())


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signed_at(state_file: Path) -> datetime | None:
    try:
        recorded = read_signed(state_file)
    except StateUnreadable:  # the health page and `jiceng journal verify` tell of it
        return None
    return recorded.time if recorded is not None else None


@view_config(route_name="elder", request_method="GET", permission=PUBLIC)
def elder(request: Any) -> Response:
    """Switch the elder mode; only a cookie changes."""
    response = HTTPSeeOther(own_path(str(request.GET.get("next", "/"))))
    _remember(request, response, ELDER_COOKIE, "1" if request.GET.get("on") == "1" else "")
    return response


@view_config(route_name="language", request_method="GET", permission=PUBLIC)
def language(request: Any) -> Response:
    """Switch the language of the interface; only a cookie changes."""
    response = HTTPSeeOther(own_path(str(request.GET.get("next", "/"))))
    wanted = str(request.GET.get("to", ""))
    _remember(request, response, LOCALE_COOKIE, wanted if wanted in LOCALES[1:] else "")
    return response


def _remember(request: Any, response: Response, name: str, value: str) -> None:
    secure = request.services.settings.secure
    if value:
        response.set_cookie(name, value, max_age=31536000, secure=secure, httponly=True, samesite="Lax", path="/")
    else:
        response.delete_cookie(name, path="/")


def public_page(request: Any, page: Any) -> Response:
    """A page's answer; anonymous ones may be kept, and are asked for again each time."""
    response = render_page(request, page)
    if request.needs.scope is None:
        request.needs.scope = _unit_in(request.path_info)
    if request.reader is ANYONE:
        response.etag = hashlib.sha256(response.body).hexdigest()[:32]
        response.conditional_response = True
    return _headed(request, response)


def kept_page(request: Any, key: Hashable, make: Callable[[], Any]) -> Response:
    """Like :func:`public_page`, where all but the top of the page may be kept for others too.

    ``make`` gives the page and names its scope; ``key`` tells apart what it may depend on
    beside that, the language and the elder mode.
    """
    cache: PageCache = request.registry.page_cache
    if not cache.fragments.limit:
        return public_page(request, make())
    theme, shell = request.registry.theme, request.registry.shell_for(request)

    def draw() -> Drawn:
        page = make()
        return theme.draw(page.template, page, shell)

    drawn = cache.fragment((key, shell.account is None), request, draw, len)
    return _headed(request, html_response(*theme.finish(drawn, shell)))


def _headed(request: Any, response: Response) -> Response:
    response.headers["Cache-Control"] = "no-cache" if request.reader is ANYONE else "no-store"
    if request.reader is ANYONE:
        # nginx may answer a rush for one second without asking; it keeps this header to itself
        response.headers["X-Accel-Expires"] = "1"
    response.vary = ("Cookie",)
    return response


def _unit_in(path: str) -> str | None:
    """The unit under whose address a page stands; None for others, which are not kept."""
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "u" else None


