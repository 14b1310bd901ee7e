"""What readers of the Whoosh engine see at one moment, and how a query is answered from it."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clock import TZ
from .analysis import Term
from .interface import (
    FACETS,
    SORT_RELEVANCE,
    FacetCount,
    SearchHit,
    SearchQuery,
    SearchResults,
)
from .whoosh_files import META, SegmentReader, Storage
from .whoosh_rows import microseconds, read_hit

Mask = NDArray[np.bool_]


class Names:
    """Facet values by number; only ever grows, so that readers may look on while it does."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: str) -> int:
        found = self._numbers.get(value)
        if found is None:
            self.values.append(value)
            found = self._numbers[value] = len(self.values) - 1
        return found

    def find(self, value: str) -> int:
        """The number of ``value``, or -1."""
        return self._numbers.get(value, -1)


#: The Names of each facet.
AllNames = Mapping[str, Names]


@dataclass(frozen=True)
class Loaded:
    """A segment with the facts of its documents as arrays."""

    reader: SegmentReader
    keys: list[str]
    published: NDArray[np.int64]
    title_ends: list[int]
    facets: dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class View:
    """What readers see: segments, which of their documents live, and the cursor."""

    generation: int
    cursor: int
    names: AllNames
    segments: tuple[Loaded, ...]
    bases: tuple[int, ...]
    live: Mask
    published: NDArray[np.int64]
    facets: dict[str, NDArray[np.int64]]
    keys: list[str]
    places: dict[str, tuple[str, int]]

    @property
    def size(self) -> int:
        return len(self.keys)

    def place(self, docnum: int) -> tuple[Loaded, int]:
        """The segment of a document number of this view, and its number there."""
        at = bisect_right(self.bases, docnum) - 1
        return self.segments[at], docnum - self.bases[at]


def load_segment(storage: Storage, segment: Any, names: AllNames) -> Loaded:
    """Open a segment and read its facts."""
    reader = SegmentReader(storage, segment)
    # read as one: a large site has as many as records
    rows = json.loads(b"[%b]" % b",".join(reader.column(META)))
    keys, units, kinds, years, states, published, title_bytes = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 7
    )
    columns = dict(zip(FACETS, (units, kinds, map(str, years), states), strict=True))
    return Loaded(
        reader=reader,
        keys=keys,
        published=np.array(published, dtype=np.int64),
        title_ends=reader.title_ends(title_bytes),
        facets={
            facet: np.array([names[facet].number(v) for v in values], dtype=np.int64)
            for facet, values in columns.items()
        },
    )


def make_view(
    generation: int,
    cursor: int,
    names: AllNames,
    segments: tuple[Loaded, ...] = (),
    deleted: Sequence[list[int]] = (),
) -> View:
    """A view of ``segments`` without their ``deleted`` documents (a list for each segment)."""
    sizes = [segment.reader.size for segment in segments]
    bases = tuple(int(base) for base in np.cumsum([0, *sizes])[:-1]) if sizes else ()
    live = np.ones(sum(sizes), dtype=np.bool_)
    keys: list[str] = []
    places: dict[str, tuple[str, int]] = {}
    for segment, base, dead in zip(segments, bases, deleted, strict=True):
        live[[base + docnum for docnum in dead]] = False
        keys.extend(segment.keys)
        for docnum in np.flatnonzero(live[base : base + segment.reader.size]).tolist():
            places[segment.keys[docnum]] = segment.reader.id, docnum
    none = np.empty(0, dtype=np.int64)
    return View(
        generation=generation,
        cursor=cursor,
        names=names,
        segments=segments,
        bases=bases,
        live=live,
        published=np.concatenate([none, *(segment.published for segment in segments)]),
        facets={
            facet: np.concatenate([none, *(segment.facets[facet] for segment in segments)])
            for facet in FACETS
        },
        keys=keys,
        places=places,
    )


def _gathered(view: View, found: Sequence[NDArray[np.int64]]) -> Mask:
    """One mask of a whole view from the numbers found in each segment (none for no list)."""
    mask = np.zeros(view.size, dtype=np.bool_)
    for base, ids in zip(view.bases, found, strict=False):
        mask[base + ids] = True
    return mask


def _window(
    view: View, chosen: NDArray[np.int64], titled: Mask, first: int, last: int
) -> list[int]:
    """Ranks ``first`` to ``last`` of ``chosen``: title hits, then newer ones, then by key.

    Keys are text and slow to compare, so only the documents that share title mark and moment
    with one of the page are put in the order of their keys.
    """
    if first >= len(chosen):
        return []
    moments, marks = view.published[chosen], titled[chosen]
    order = np.lexsort((-moments, ~marks))
    ranked, moments, marks = chosen[order], moments[order], marks[order]
    last = min(last, len(ranked))
    same = (moments[1:] == moments[:-1]) & (marks[1:] == marks[:-1])
    starts = np.flatnonzero(~np.concatenate([[False], same])).tolist()  # of groups of equals
    begin = starts[bisect_right(starts, first) - 1]
    after = bisect_left(starts, last)
    end = starts[after] if after < len(starts) else len(ranked)
    group: list[int] = ranked[begin:end].tolist()
    group.sort(
        key=lambda docnum: (not titled[docnum], -int(view.published[docnum]), view.keys[docnum])
    )
    return group[first - begin : last - begin]


def answer(view: View, query: SearchQuery, terms: tuple[Term, ...]) -> SearchResults:
    """The page of hits and the counts for ``terms``, which are those of ``query``."""
    within, filters = _filters(view, query)
    # A facet's counts ignore its own filter: what fails this one alone still counts there.
    failed = np.zeros(view.size, dtype=np.int8)
    for mask in filters.values():
        failed += ~mask
    found = within & _gathered(view, [s.reader.matching(terms) for s in view.segments])
    passed = found & (failed == 0)
    chosen = np.flatnonzero(passed)
    facets = {
        facet: _counts(
            view, facet, found & (failed == ~filters[facet]) if facet in filters else passed
        )
        for facet in FACETS
    }
    if query.sort == SORT_RELEVANCE:
        titles = [s.reader.titled(terms, s.title_ends) for s in view.segments]
    else:
        titles = []
    titled = _gathered(view, titles)
    first = (query.page - 1) * query.per_page
    page = _window(view, chosen, titled, first, first + query.per_page)
    words = tuple(term.text for term in terms)
    return SearchResults(
        total=len(chosen),
        hits=tuple(_hit(view, docnum, words) for docnum in page),
        page=query.page,
        per_page=query.per_page,
        facets=facets,
        terms=words,
    )


def _filters(view: View, query: SearchQuery) -> tuple[Mask, dict[str, Mask]]:
    """What lives within the dates, and a mask for each facet that is filtered by."""
    within = view.live
    if query.since is not None:
        within = within & (view.published >= microseconds(_midnight(query.since)))
    if query.until is not None and query.until < date.max:
        after = query.until + timedelta(days=1)
        within = within & (view.published < microseconds(_midnight(after)))
    wanted: dict[str, list[str]] = {}
    if query.units:
        wanted["unit"] = sorted(query.units)
    if query.kind is not None:
        wanted["kind"] = [query.kind]
    if query.year is not None:
        wanted["year"] = [str(query.year)]
    if query.state is not None:
        wanted["state"] = [query.state]
    return within, {
        facet: np.isin(view.facets[facet], [view.names[facet].find(v) for v in values])
        for facet, values in wanted.items()
    }


def _counts(view: View, facet: str, mask: Mask) -> tuple[FacetCount, ...]:
    values = view.names[facet].values
    counts = np.bincount(view.facets[facet][mask])
    pairs = [FacetCount(values[i], int(counts[i])) for i in np.flatnonzero(counts).tolist()]
    if facet == "year":
        pairs.sort(key=lambda pair: -int(pair.value))
    else:
        pairs.sort(key=lambda pair: (-pair.count, pair.value))
    return tuple(pairs)


def _hit(view: View, docnum: int, words: tuple[str, ...]) -> SearchHit:
    segment, number = view.place(docnum)
    return read_hit(segment.reader, number, words)


def _midnight(day: date) -> datetime:
    """The beginning of a day as the law counts it."""
    return datetime.combine(day, time.min, TZ)
