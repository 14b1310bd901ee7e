"""Lists of records across units: merged from the units' own lists, newest first, with counts.

Costs a few objects for each unit asked about, and walks only to the page that is wanted.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any

from ..core.catalog import Listing, Row, facet_key
from ..core.units import UNIT_KINDS, Section, Unit, ancestors
from ..core.visibility import edition_listings, sees_edition, work_listings
from ..web.presenting import Presenter, presenter_of

PAGE_SIZE = 20

#: Pages beyond are for followers (``since=``), which cost the same however far they are.
LAST_PAGE = 500

#: The state under which published editions are listed.
PUBLISHED = "published"


@dataclass(frozen=True)
class Source:
    """One list of one unit: its rows are in one state. ``hidden`` are sort keys that another
    source shows already."""

    unit: Unit
    section: str
    state: str
    listing: Listing
    hidden: frozenset[str] = frozenset()

    def keys(self, chosen: Mapping[str, str]) -> Iterator[str]:
        """The sort keys under the chosen facets, newest first."""
        facet = facet_key(chosen)
        found: Iterable[str] = self.listing.rows.keys() if not facet else self.listing.narrowed.get(facet, ())
        return (key for key in found if key not in self.hidden)

    def total(self, chosen: Mapping[str, str]) -> int:
        """How many rows there are under the chosen facets."""
        hidden = 0
        for key in self.hidden:
            row = self.listing.get(key)
            hidden += row is not None and _fits(row, chosen)
        return self.listing.total(chosen) - hidden

    def facets(self, name: str, chosen: Mapping[str, str]) -> Iterator[tuple[str, int]]:
        """(value, count) for each value of a facet."""
        others = {n: v for n, v in chosen.items() if n != name}
        for value in self.listing.values(name):
            count = self.total({**others, name: value})
            if count:
                yield value, count


def _fits(row: Row, chosen: Mapping[str, str]) -> bool:
    return all(str(row.day.year) == value if name == "year" else row.kind == value for name, value in chosen.items())


def units_below(request: Any, unit: Unit) -> list[Unit]:
    """A unit, and where it is no village or community, every unit below it."""
    if UNIT_KINDS[unit.kind][3]:
        return [unit]
    units, today = request.site.units, request.today
    return [unit, *(u for u in units.values() if any(a.code == unit.code for a in ancestors(units, u.code, today)))]


def sources_of(request: Any, units: Iterable[Unit], type: str, state: str) -> list[Source]:
    """The lists that hold what this reader may see."""
    domain = request.services.domain
    found: list[Source] = []
    for unit in units:
        for name, section in unit.sections.items():
            if type and domain.sections[name].name != type:
                continue
            if state in ("", PUBLISHED):
                found += [Source(unit, name, PUBLISHED, listing) for listing in edition_listings(request.reader, unit, section)]
            if state == PUBLISHED:
                continue
            for hash, there, listing in work_listings(domain, request.site, request.reader, unit, section):
                if state not in ("", there):
                    continue
                final = domain.definition(hash, request.site.definitions).states[there].final
                hidden = _listed_twice(request, unit, section, listing) if not state and not final else frozenset()
                found.append(Source(unit, name, there, listing, hidden))
    return found


def _listed_twice(request: Any, unit: Unit, section: Section, listing: Listing) -> frozenset[str]:
    """Working rows of records whose last edition this reader sees listed: corrections in the making.

    Work in progress is little, so its rows can be looked at.
    """
    found = []
    for key, data in listing.rows.items():
        row = Row.unpack(data)
        if row.edition and "withdrawn" not in row.marks and sees_edition(request.reader, unit, section.records[row.id]):
            found.append(key)
    return frozenset(found)


def page_of(sources: list[Source], chosen: Mapping[str, str], number: int) -> tuple[list[tuple[Source, str]], int]:
    """((source, record id) of a page, newest first; how many there are in all)."""
    total = sum(source.total(chosen) for source in sources)
    start = (number - 1) * PAGE_SIZE
    if start >= total:
        return [], total
    # a sort key is unique within a source; the number of the source decides between equal ones
    merged = heapq.merge(*(zip(source.keys(chosen), repeat(at)) for at, source in enumerate(sources)))
    found = []
    for key, at in islice(merged, start, start + PAGE_SIZE):
        row = sources[at].listing.get(key)
        assert row is not None, "lists and their narrowed lists agree"
        found.append((sources[at], row.id))
    return found, total


def facets_of(request: Any, sources: list[Source], chosen: Mapping[str, str], type: str) -> dict[str, list[dict[str, Any]]]:
    """Counts by unit, category, year and state, each under the other choices."""
    by_unit: Counter[str] = Counter()
    by_state: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    by_year: Counter[str] = Counter()
    for source in sources:
        count = source.total(chosen)
        by_unit[source.unit.code] += count
        by_state[source.state] += count
        by_kind.update(dict(source.facets("kind", chosen)))
        by_year.update(dict(source.facets("year", chosen)))
    units = request.site.units
    kinds = {source.unit.kind for source in sources}
    unit_kind = kinds.pop() if len(kinds) == 1 else ""
    presenter = presenter_of(request, type or next(iter(request.services.domain.content_types)))
    return {
        "unit": _counted(by_unit, lambda code: units[code].name),
        "category": _counted(by_kind, lambda kind: _kind_title(presenter, kind, unit_kind)),
        "year": _counted(by_year, lambda year: f"{year}年", by_value=True),
        "state": _counted(by_state, lambda state: _state_title(request, state)),
    }


def _kind_title(presenter: Presenter, kind: str, unit_kind: str) -> str:
    """The kind's name; where villages and communities stand together, both words."""
    return "村务（居务）" if kind == "affairs" and not unit_kind else presenter.kind_title(kind, unit_kind)


def _state_title(request: Any, state: str) -> str:
    for definition in request.services.domain.definitions.values():
        if state in definition.states:
            return str(definition.states[state].title["zh_CN"])
    return state


def _counted(counts: Counter[str], title: Any, *, by_value: bool = False) -> list[dict[str, Any]]:
    items = sorted(counts.items(), reverse=True) if by_value else sorted(counts.items(), key=lambda i: (-i[1], i[0]))
    return [{"value": value, "title": title(value), "count": count} for value, count in items if count]
