"""Search: the field keeps the words, whatever comes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from ...core.catalog import class_of_edition
from ...core.clock import local_date
from ...core.ids import is_unit_code
from ...core.permissions import PUBLIC
from ...core.units import UNIT_KINDS, ancestors
from ...core.visibility import ANYONE, sees_edition
from ...locale import say
from ...search.interface import QueryTooLong, SearchError, SearchHit, SearchQuery, SearchResults
from ..pages import Choice, Filter, Hit, Mark, Pager, SearchPage, Span, mark_corrected
from ..presenting import presenter_of
from ..urls import with_query
from .common import display_mark
from .public import page_number, public_page

STATE_TITLES = {"published": say("没有改过"), "corrected": say("已更正")}


@view_config(route_name="search", request_method="GET", permission=PUBLIC)
def search(request: Any) -> Response:
    """Look for words in everything that is public."""
    words = str(request.GET.get("q", ""))
    chosen = {n: str(request.GET.get(n, ""))[:20] for n in ("unit", "kind", "year", "state", "sort")}
    chosen = {n: v for n, v in chosen.items() if v}
    if not is_unit_code(chosen.get("unit", "0" * 12)) or re.fullmatch("[0-9]{1,4}", chosen.get("year", "1")) is None:
        chosen = {n: v for n, v in chosen.items() if n not in ("unit", "year")}
    unit = request.site.units.get(chosen.get("unit", ""))
    page = SearchPage(
        query=words[:2000],
        keep=tuple((n, v) for n, v in chosen.items()),
        scope=unit.name if unit is not None else "",
        scope_all_url=with_query("/search", q=words[:200]) if unit is not None else "",
    )
    if not words.strip():
        return public_page(request, page)
    query = SearchQuery(
        words,
        units=frozenset(_with_below(request, unit)) if unit is not None else frozenset(),
        kind=chosen.get("kind"),
        year=int(chosen["year"]) if "year" in chosen else None,
        state=chosen.get("state"),
        sort="date" if chosen.get("sort") == "date" else "relevance",
        page=page_number(request),
    )
    try:
        results = request.services.engine.search(query)
    except QueryTooLong as error:
        response = public_page(request, replace(page, error=say(error.args[0])))
        response.status_int = 400
        return response
    except SearchError:
        response = public_page(request, replace(page, error=say("搜索正在整理，暂时用不了，别的页面都正常。请过几分钟再试，或者从村（社区）的名单里找。")))
        response.status_int = 503
        return response
    return public_page(
        request,
        replace(
            page,
            hits=tuple(_hit(request, hit) for hit in still_true(request, results.hits)),
            filters=_filters(request, words, chosen, results),
            pager=_pager(words, chosen, results),
            error=say(results.hint) if results.hint else "",
        ),
    )


def still_true(request: Any, hits: Iterable[SearchHit]) -> Iterator[SearchHit]:
    """The hits as the records stand in this request's snapshot.

    The index lags a moment, and longer where it is in trouble: what was withdrawn since is left
    out, and of what was corrected since only the present title is told, no word of the old text.
    """
    for hit in hits:
        record = _record_of(request, hit)
        if record is None or not sees_edition(ANYONE, request.site.units[hit.unit], record):
            continue
        edition = record.edition()
        if edition.published_at == hit.published_at:
            yield hit
            continue
        title = edition.data()["title"]
        yield replace(
            hit, title=title, title_parts=((title, False),), snippet=(), published_at=edition.published_at
        )


def _record_of(request: Any, hit: SearchHit) -> Any:
    unit = request.site.units.get(hit.unit)
    id = hit.key.rpartition("/")[2]
    places = unit.sections.values() if unit is not None else ()
    return next((place.records[id] for place in places if id in place.records), None)


def _with_below(request: Any, unit: Any) -> list[str]:
    if UNIT_KINDS[unit.kind][3]:
        return [unit.code]
    today, units = request.today, request.site.units
    return [unit.code, *(u.code for u in units.values() if any(a.code == unit.code for a in ancestors(units, u.code, today)))]


def _hit(request: Any, hit: SearchHit) -> Hit:
    unit = request.site.units.get(hit.unit)
    kind = presenter_of(request, hit.type).kind_title(hit.kind, unit.kind if unit is not None else "")
    marks: list[Mark] = []
    until = _until(unit, hit)
    if until is not None:
        marks.append(display_mark(local_date(hit.published_at), until, request.today))
    if hit.state == "corrected":
        marks.append(mark_corrected())
    return Hit(
        title=tuple(Span(text, on) for text, on in hit.title_parts),
        url=hit.url,
        unit=hit.unit_name,
        kind=kind,
        day=local_date(hit.published_at),
        text=tuple(Span(text, on) for text, on in hit.snippet),
        marks=tuple(marks),
    )


def _until(unit: Any, hit: SearchHit) -> Any:
    """The last day of display, from the unit's own list: the index has no notion of days."""
    if unit is None:
        return None
    for section in unit.sections.values():
        record = section.records.get(hit.key.rpartition("/")[2])
        if record is not None:
            for name, key in record.placed:
                if name == class_of_edition("public"):
                    row = section.listings[name].get(key)
                    return row.until if row is not None else None
    return None


def _filters(request: Any, words: str, chosen: dict[str, str], results: SearchResults) -> tuple[Filter, ...]:
    kinds = {"party": say("党务"), "affairs": say("村务（居务）"), "finance": say("财务")}

    def title(name: str, value: str) -> str:
        if name == "unit":
            unit = request.site.units.get(value)
            return unit.name if unit is not None else value
        if name == "kind":
            return kinds.get(value, value)
        if name == "year":
            return say("{year}年", year=value)
        return STATE_TITLES.get(value, value)

    found = []
    for name, label in (
        ("unit", say("单位")), ("kind", say("类别")), ("year", say("年份")), ("state", say("状态")),
    ):
        others = {n: v for n, v in chosen.items() if n != name}
        counts = results.facets.get(name, ())
        if len(counts) < 2 and name not in chosen:
            continue
        choices = [Choice(say("全部"), with_query("/search", q=words, **others), on=name not in chosen)]
        choices += [
            Choice(title(name, c.value), with_query("/search", q=words, **others, **{name: c.value}), c.count, chosen.get(name) == c.value)
            for c in counts[:12]
        ]
        found.append(Filter(label, tuple(choices)))
    others = {n: v for n, v in chosen.items() if n != "sort"}
    by_date = chosen.get("sort") == "date"
    found.append(
        Filter(
            say("排列"),
            (
                Choice(say("最相关的在前"), with_query("/search", q=words, **others), on=not by_date),
                Choice(say("最新的在前"), with_query("/search", q=words, **others, sort="date"), on=by_date),
            ),
        )
    )
    return tuple(found)


def _pager(words: str, chosen: dict[str, str], results: SearchResults) -> Pager:
    number, pages = results.page, max(1, results.pages)
    return Pager(
        number,
        pages,
        results.total,
        with_query("/search", q=words, **chosen, page=number - 1) if number > 1 else None,
        with_query("/search", q=words, **chosen, page=number + 1) if number < pages else None,
    )


