"""What programs read: units, records, editions, history, files, search."""

from __future__ import annotations

import math
from typing import Any

from pyramid.response import Response

from ..core.permissions import PUBLIC
from ..core.records import Edition
from ..core.units import Unit
from ..core.visibility import audiences
from ..search.interface import QueryTooLong, SearchError, SearchQuery
from ..web.downloads import download
from ..web.traversal import FileContext, RecordContext
from ..web.views.files import may_read
from ..web.views.search import still_true
from .following import follow
from .listing import LAST_PAGE, PAGE_SIZE, facets_of, page_of, sources_of, units_below
from .problems import Problem, no_such_thing
from .routing import api_view
from .shapes import (
    View,
    answer,
    context_of,
    edition_shape,
    gone,
    history_shapes,
    log_index,
    record_shape,
    tag_of,
    unit_shape,
    view_of,
)
from .state import public_tag


def unit_in(request: Any) -> Unit:
    """The unit of the address; 404."""
    unit: Unit | None = request.site.units.get(request.matchdict["code"])
    if unit is None:
        raise no_such_thing()
    return unit


def record_in(request: Any, unit: Unit) -> RecordContext:
    """The record of the address, whatever its section; 404."""
    for section in unit.sections:
        found = context_of(request, unit, section, request.matchdict["id"])
        if found is not None:
            return found
    raise no_such_thing()


def seen(request: Any) -> View:
    """The record of the address as this reader sees it: 404 where there is nothing for this
    reader, 410 where it was withdrawn."""
    view = view_of(record_in(request, unit_in(request)), request)
    if not view.any:
        raise no_such_thing()
    if view.stub:
        raise gone(view.context.record)
    return view


def number_of(text: str | None, otherwise: int) -> int:
    """A number that the document's schema has let pass."""
    return int(text) if text is not None else otherwise


@api_view("units", "GET", permission=PUBLIC, scope="read")
def units(request: Any) -> Response:
    """Every unit, or those below one."""
    above = request.GET.get("parent")
    words = str(request.GET.get("q", "")).strip().lower()
    found = []
    for unit in request.site.units.values():
        if above and unit.parent(request.today) != above:
            continue
        if words and words not in unit.name.lower() and words not in unit.pinyin.replace(" ", "") and words not in unit.initials:
            continue
        found.append(unit_shape(request, unit))
    return answer({"total": len(found), "items": found})


@api_view("unit", "GET", permission=PUBLIC, scope="read")
def unit(request: Any) -> Response:
    """A unit."""
    return answer(unit_shape(request, unit_in(request)))


@api_view("records", "GET", permission=PUBLIC, scope="read")
def records(request: Any) -> Response:
    """A page of records with counts, or, with ``since``, what changed after an entry of the log."""
    asked = request.GET
    code = asked.get("unit")
    chosen_unit = request.site.units.get(code) if code else None
    if code and chosen_unit is None:
        raise no_such_thing()
    units = units_below(request, chosen_unit) if chosen_unit is not None else list(request.site.units.values())
    if "since" in asked:
        return _changes(request, {u.code for u in units} if chosen_unit is not None else None)
    if "limit" in asked:
        raise Problem("bad_request", "limit 只和 since 一起用；列表用 page 翻页。", fields={"limit": "只和 since 一起用"})
    number = number_of(asked.get("page"), 1)
    if number > LAST_PAGE:
        raise Problem("bad_request", f"列表最多翻到第 {LAST_PAGE} 页。要读全部，请用 since 按存证编号读。", fields={"page": "太大"})
    chosen = {n: v for n, v in (("kind", asked.get("category", "")), ("year", asked.get("year", ""))) if v}
    sources = sources_of(request, units, asked.get("type", ""), asked.get("state", ""))
    found, total = page_of(sources, chosen, number)
    items = []
    for source, id in found:
        context = context_of(request, source.unit, source.section, id)
        assert context is not None, "lists hold what there is"
        items.append(record_shape(request, view_of(context, request)))
    facets = facets_of(request, sources, chosen, asked.get("type", ""))
    pages = max(1, math.ceil(total / PAGE_SIZE))
    return answer({"total": total, "page": number, "pages": pages, "items": items, "facets": facets})


def _changes(request: Any, units: set[str] | None) -> Response:
    for name in ("page", "state", "category", "year"):
        if name in request.GET:
            raise Problem("bad_request", f"since 不和 {name} 一起用。可以和 unit、type 一起用。", fields={name: "不和 since 一起用"})
    since, limit = number_of(request.GET.get("since"), 0), number_of(request.GET.get("limit"), 100)
    changes = follow(request, since, limit, units, request.GET.get("type", ""))
    items = [{**record_shape(request, view), "index": index} for index, view in changes.views]
    return answer({"since": since, "next": changes.next, "size": changes.size, "items": items})


@api_view("record", "GET", permission=PUBLIC, scope="read")
def record(request: Any) -> Response:
    """A record as this reader sees it; anonymous readers may ask whether it changed."""
    view = seen(request)
    tag = tag_of(request, view)
    if not view.work and request.account is None and f'"{tag}"' in request.headers.get("If-None-Match", ""):
        return Response(status=304, headerlist=[("ETag", f'"{tag}"')])
    return answer(record_shape(request, view), tag=tag)


@api_view("history", "GET", permission=PUBLIC, scope="read")
def history(request: Any) -> Response:
    """What happened to a record."""
    found = list(history_shapes(request, seen(request)))
    return answer({"total": len(found), "items": found})


def readable_edition(request: Any, view: View) -> Edition:
    """The edition of the address; 404 where it is for others."""
    number = int(request.matchdict["n"])
    edition: Edition | None = view.context.record.editions.get(number)
    if edition is None or edition.audience not in audiences(request.reader, view.context.unit):
        raise no_such_thing()
    return edition


@api_view("edition", "GET", permission=PUBLIC, scope="read")
def edition(request: Any) -> Response:
    """An edition with its salts, so that anyone can recompute what the log holds."""
    view = seen(request)
    found = readable_edition(request, view)
    record = view.context.record
    tag = public_tag(request, record, log_index(request, record, found))
    return answer(edition_shape(request, view.context, found), tag=f"{found.number}-{tag}")


@api_view("attachment", "GET", permission=PUBLIC, scope="read", openapi=False)
def attachment(request: Any) -> Response:
    """A file, streamed, whole or in ranges, to whoever sees what it belongs to."""
    view = seen(request)
    record = view.context.record
    found = record.attachments.get(request.matchdict["file"])
    if found is None:
        raise no_such_thing()
    public = may_read(FileContext(request, view.context, found), request)
    return download(request, record.subject, found, public=public)


@api_view("search", "GET", permission=PUBLIC, scope="read")
def search(request: Any) -> Response:
    """Words in everything that is public."""
    asked = request.GET
    code = asked.get("unit")
    chosen = request.site.units.get(code) if code else None
    if code and chosen is None:
        raise no_such_thing()
    number = number_of(asked.get("page"), 1)
    query = SearchQuery(
        asked["q"],
        units=frozenset(u.code for u in units_below(request, chosen)) if chosen is not None else frozenset(),
        kind=asked.get("category"),
        year=int(asked["year"]) if "year" in asked else None,
        sort=asked.get("sort", "relevance"),
        page=number,
    )
    try:
        found = request.services.engine.search(query)
    except QueryTooLong as error:
        raise Problem("bad_request", str(error), fields={"q": str(error)}) from error
    except SearchError as error:
        raise Problem("search_unavailable", "搜索正在整理，请过几分钟再试。", headers={"Retry-After": "60"}) from error
    hits = [
        {
            "unit": hit.unit, "id": hit.key.rpartition("/")[2], "type": hit.type, "kind": hit.kind, "title": hit.title,
            "url": hit.url, "number": hit.number, "published_at": hit.published_at.isoformat().replace("+00:00", "Z"),
            "snippet": "".join(text for text, _ in hit.snippet),
        }
        for hit in still_true(request, found.hits)
    ]
    names = {"unit": "unit", "kind": "category", "year": "year"}
    facets = {
        names[name]: [{"value": c.value, "count": c.count} for c in counts] for name, counts in found.facets.items() if name in names
    }
    told = {"total": found.total, "page": found.page, "pages": max(1, found.pages), "items": hits, "facets": facets}
    return answer({**told, "hint": found.hint})
