"""The embedded search engine: Whoosh 2.7.4 as storage, membership by pairs of characters.

A query becomes sets of index terms that a document must have (existence-only postings), then a
literal check on the stored normalised text of what is left; filters, order and counts run over
arrays in memory. Fit for some 30,000 documents. One thread applies; readers work on an
immutable view that is replaced as a whole, so nobody sees half a batch or two versions.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.index import EmptyIndexError, FileIndex
from whoosh.index import LockError as WhooshLockError

from ..core.clock import TZ
from .analysis import (
    FIELD_MARK,
    NO_WORDS_HINT,
    RUN_MARK,
    Term,
    grams,
    mark,
    normalise,
    parse_query,
)
from .highlight import highlight, snippet
from .interface import (
    FACETS,
    SORT_RELEVANCE,
    Batch,
    FacetCount,
    IndexBusy,
    IndexDamaged,
    QueryTooLong,
    SearchDocument,
    SearchHit,
    SearchQuery,
    SearchResults,
    StaleBatch,
)
from .whoosh_files import (
    FORMAT,
    META,
    SHOWN,
    TEXT,
    IndexSchema,
    SegmentReader,
    Storage,
    Writer,
)

log = logging.getLogger(__name__)

#: With so many segments the smallest are merged, so that a day without a quiet hour stays fast.
MAX_SEGMENTS = 24
#: How many of the smallest then become one.
MERGED_AT_ONCE = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Mask = NDArray[np.bool_]


class _Names:
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


@dataclass(frozen=True)
class _Loaded:
    """A segment with the facts of its documents as arrays."""

    reader: SegmentReader
    keys: list[str]
    published: NDArray[np.int64]
    title_ends: list[int]
    facets: dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class _View:
    """What readers see: segments, which of their documents live, and the cursor."""

    generation: int
    cursor: int
    segments: tuple[_Loaded, ...]
    bases: tuple[int, ...]
    live: Mask
    published: NDArray[np.int64]
    facets: dict[str, NDArray[np.int64]]
    keys: list[str]
    places: dict[str, tuple[str, int]]

    @property
    def size(self) -> int:
        return len(self.keys)

    def place(self, docnum: int) -> tuple[_Loaded, int]:
        """The segment of a document number of this view, and its number there."""
        at = bisect_right(self.bases, docnum) - 1
        return self.segments[at], docnum - self.bases[at]


class WhooshEngine:
    """SearchEngine in a folder (see ``interface.SearchEngine`` for what each method promises).

    An index that is missing, torn or of another format begins anew with cursor 0, so that the
    indexer fills it again; ``damage`` then says what was found. With ``readonly`` nothing is
    written and such an index raises IndexDamaged.
    """

    def __init__(self, folder: Path | str, *, readonly: bool = False) -> None:
        self._folder = Path(folder)
        self._readonly = readonly
        self._write_lock = threading.Lock()
        self._names = {facet: _Names() for facet in FACETS}
        self._loaded: dict[str, _Loaded] = {}
        #: Why the index had to begin anew when it was opened; empty if it had not.
        self.damage = ""
        if not readonly:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._storage = Storage(str(self._folder))
        self._index, self._view = self._open()

    # -- reading ------------------------------------------------------------------------------

    def search(self, query: SearchQuery) -> SearchResults:
        """See SearchEngine.search."""
        terms = parse_query(query.text)
        if not terms:
            return SearchResults(0, (), query.page, query.per_page, hint=NO_WORDS_HINT)
        view = self._view
        try:
            return self._answer(view, query, terms)
        except (MemoryError, QueryTooLong):
            raise
        except Exception as error:
            raise IndexDamaged(f"the search index can't be read: {error!r}") from error

    def _answer(self, view: _View, query: SearchQuery, terms: tuple[Term, ...]) -> SearchResults:
        within, filters = self._filters(view, query)
        # A facet's counts ignore its own filter: what fails this one alone still counts there.
        failed = np.zeros(view.size, dtype=np.int8)
        for mask in filters.values():
            failed += ~mask
        found = within & _gathered(view, [s.reader.matching(terms) for s in view.segments])
        passed = found & (failed == 0)
        chosen = np.flatnonzero(passed)
        facets = {
            facet: self._counts(
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

    def _filters(self, view: _View, query: SearchQuery) -> tuple[Mask, dict[str, Mask]]:
        """What lives within the dates, and a mask for each facet that is filtered by."""
        within = view.live
        if query.since is not None:
            within = within & (view.published >= _microseconds(_midnight(query.since)))
        if query.until is not None:
            after = query.until + timedelta(days=1)
            within = within & (view.published < _microseconds(_midnight(after)))
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
            facet: np.isin(view.facets[facet], [self._names[facet].find(v) for v in values])
            for facet, values in wanted.items()
        }

    def _counts(self, view: _View, facet: str, mask: Mask) -> tuple[FacetCount, ...]:
        values = self._names[facet].values
        counts = np.bincount(view.facets[facet][mask])
        pairs = [FacetCount(values[i], int(counts[i])) for i in np.flatnonzero(counts).tolist()]
        if facet == "year":
            pairs.sort(key=lambda pair: -int(pair.value))
        else:
            pairs.sort(key=lambda pair: (-pair.count, pair.value))
        return tuple(pairs)

    def cursor(self) -> int:
        """See SearchEngine.cursor."""
        return self._view.cursor

    def count(self) -> int:
        """See SearchEngine.count."""
        return int(self._view.live.sum())

    def keys(self) -> set[str]:
        """See SearchEngine.keys."""
        return set(self._view.places)

    # -- writing ------------------------------------------------------------------------------

    def apply(self, batch: Batch) -> None:
        """See SearchEngine.apply."""
        with self._write_lock:
            self._check_writable()
            if batch.cursor < self._view.cursor:
                raise StaleBatch(f"batch reaches {batch.cursor}, index {self._view.cursor}")
            gone = [
                self._view.places[key]
                for key in (*batch.deletes, *(document.key for document in batch.upserts))
                if key in self._view.places
            ]
            self._commit(batch.cursor, batch.upserts, gone)

    def clear(self) -> None:
        """See SearchEngine.clear."""
        with self._write_lock:
            self._check_writable()
            self._commit(0, (), (), keep=False)

    def optimise(self) -> None:
        """See SearchEngine.optimise."""
        with self._write_lock:
            self._check_writable()
            view = self._view
            if len(view.segments) > 1 or not view.live.all():
                self._commit(
                    view.cursor, (), (), merge=frozenset(s.reader.id for s in view.segments)
                )

    def close(self) -> None:
        """See SearchEngine.close."""
        with self._write_lock:
            # Searches that still run keep their view; the maps go with the last of them.
            self._view = _view(-1, 0, (), ())
            self._loaded.clear()
            self._readonly = True

    def _check_writable(self) -> None:
        if self._readonly:
            raise IndexBusy("this index is open for reading only, or closed")

    def _commit(
        self,
        cursor: int,
        upserts: Iterable[SearchDocument],
        gone: Iterable[tuple[str, int]],
        *,
        merge: frozenset[str] | None = None,
        keep: bool = True,
    ) -> None:
        try:
            writer = Writer(self._index)
        except WhooshLockError:
            raise IndexBusy("another process is writing to the search index") from None
        try:
            self._storage.sweep()
            self._check_generation(writer)
            before = {segment.segment_id(): segment for segment in writer.segments}
            for segment_id, docnum in gone:
                before[segment_id].delete_document(docnum)
            # A segment without a living document is dropped: nothing in it may be found again.
            living = [
                segment
                for segment in writer.segments
                if keep and segment.deleted_count() < segment.doc_count_all()
            ]
            for document in upserts:
                _add(writer, document)
            if merge is None:
                merge = _smallest(living)
            for segment in living:
                if segment.segment_id() in merge:
                    _copy_living(writer, self._loaded[segment.segment_id()].reader, segment)
            writer.schema.cursor = cursor
            writer.finish([s for s in living if s.segment_id() not in merge])
        except BaseException:
            writer.abandon(self._storage)
            raise
        self._view = self._load()

    def _check_generation(self, writer: Writer) -> None:
        # Another process has written since: our document numbers are not those on disk.
        if writer.generation != self._view.generation + 1:
            self._view = self._load()
            raise IndexBusy("another process has written to the search index; try again")

    # -- opening ------------------------------------------------------------------------------

    def _open(self) -> tuple[FileIndex, _View]:
        try:
            self._index = FileIndex(self._storage)
            return self._index, self._load()
        except EmptyIndexError as error:
            if self._readonly:
                raise IndexDamaged("there is no search index yet") from error
        except FileNotFoundError as error:
            self._found_damaged(error)
        except (OSError, MemoryError):
            # Not the index's fault: rights, open files, memory. Nothing is thrown away.
            raise
        except Exception as error:
            # Whatever a torn file makes the unpickler, numpy or Whoosh stumble over.
            self._found_damaged(error)
        self._remove_files()
        self._index = FileIndex.create(self._storage, IndexSchema())
        return self._index, self._load()

    def _found_damaged(self, error: Exception) -> None:
        if self._readonly:
            raise IndexDamaged(f"the search index can't be read: {error!r}") from error
        self.damage = f"{type(error).__name__}: {error}"
        log.warning("search index in %s begins anew: %s", self._folder, self.damage)

    def _remove_files(self) -> None:
        for path in self._folder.glob("*MAIN_*"):
            if path.is_file() and not path.name.endswith("LOCK"):
                path.unlink()

    def _load(self) -> _View:
        """The present state of the folder, opening only segments that are new."""
        for attempt in range(5):
            try:
                return self._load_once()
            except FileNotFoundError:
                # A writer in another process removed what this table of contents names.
                if attempt == 4:
                    raise
        raise AssertionError("unreachable")

    def _load_once(self) -> _View:
        contents = self._index._read_toc()
        schema = contents.schema
        if getattr(schema, "format_number", None) != FORMAT:
            raise IndexDamaged("the index was made by another version of the program")
        loaded: dict[str, _Loaded] = {}
        for segment in contents.segments:
            name = segment.segment_id()
            loaded[name] = self._loaded.get(name) or self._load_segment(segment)
        self._loaded = loaded
        return _view(
            contents.generation,
            schema.cursor,
            tuple(loaded.values()),
            [list(segment.deleted_docs()) for segment in contents.segments],
        )

    def _load_segment(self, segment: Any) -> _Loaded:
        reader = SegmentReader(self._storage, segment)
        rows = [json.loads(row) for row in reader.column(META)]
        keys, units, kinds, years, states, published, title_bytes = (
            (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 7
        )
        columns = dict(zip(FACETS, (units, kinds, map(str, years), states), strict=True))
        return _Loaded(
            reader=reader,
            keys=keys,
            published=np.array(published, dtype=np.int64),
            title_ends=reader.title_ends(title_bytes),
            facets={
                facet: np.array([self._names[facet].number(v) for v in values], dtype=np.int64)
                for facet, values in columns.items()
            },
        )


def _view(
    generation: int, cursor: int, segments: tuple[_Loaded, ...], deleted: Sequence[list[int]]
) -> _View:
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
    return _View(
        generation=generation,
        cursor=cursor,
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


def _gathered(view: _View, found: Sequence[NDArray[np.int64]]) -> Mask:
    """One mask of a whole view from the numbers found in each segment (none for no list)."""
    mask = np.zeros(view.size, dtype=np.bool_)
    for base, ids in zip(view.bases, found, strict=False):
        mask[base + ids] = True
    return mask


def _window(
    view: _View, chosen: NDArray[np.int64], titled: Mask, first: int, last: int
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


def _hit(view: _View, docnum: int, words: tuple[str, ...]) -> SearchHit:
    segment, number = view.place(docnum)
    packed = zlib.decompress(segment.reader.value(SHOWN, number))
    shown = json.loads(packed.decode("utf-8", "surrogatepass"))
    # Normalised long ago: the marked text without its marks.
    title, body, table, attachments, _, doc_number = _fields(segment.reader.value(TEXT, number))
    key, unit, kind, year, state, published, _ = json.loads(segment.reader.value(META, number))
    return SearchHit(
        key=key,
        unit=unit,
        unit_name=shown["unit_name"],
        type=shown["type"],
        kind=kind,
        state=state,
        title=shown["title"],
        number=shown["number"],
        published_at=_EPOCH + published * _MICROSECOND,
        year=year,
        url=shown["url"],
        title_parts=highlight(shown["title"], words, title),
        snippet=snippet(
            [
                (shown["body"], body),
                (shown["table"], table),
                (shown["attachments"], attachments),
                (shown["number"], doc_number),
            ],
            words,
        ),
    )


def _add(writer: Writer, document: SearchDocument) -> None:
    fields = [
        normalise(text)
        for text in (
            document.title,
            document.body,
            document.table,
            document.attachments,
            document.unit_name,
            document.number,
        )
    ]
    marked = [mark(field) for field in fields]
    facts = [
        document.key,
        document.unit,
        document.kind,
        document.year,
        document.state,
        _microseconds(document.published_at),
        len(marked[0].encode()),
    ]
    shown = {
        name: getattr(document, name)
        for name in ("unit_name", "type", "title", "body", "table", "attachments", "number", "url")
    }
    writer.add(
        meta=json.dumps(facts).encode(),
        text=FIELD_MARK.join(marked).encode(),
        # A stray surrogate in old data must not stop the index.
        shown=zlib.compress(
            json.dumps(shown, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1
        ),
        grams=set().union(*map(grams, fields)),
        title=grams(fields[0]),
    )


def _fields(text: bytes) -> list[str]:
    """The normalised fields in a stored text, in the order in which ``_add`` joins them."""
    return text.decode().replace(RUN_MARK, "").split(FIELD_MARK)


def _copy_living(writer: Writer, reader: SegmentReader, segment: Any) -> None:
    """Write the living documents of a segment anew, with postings made again from the text."""
    for docnum in range(reader.size):
        if segment.is_deleted(docnum):
            continue
        text = reader.value(TEXT, docnum)
        fields = _fields(text)
        writer.add(
            meta=reader.value(META, docnum),
            text=text,
            shown=reader.value(SHOWN, docnum),
            grams=set().union(*map(grams, fields)),
            title=grams(fields[0]),
        )


def _smallest(segments: Sequence[Any]) -> frozenset[str]:
    """The names of segments to merge on the way, if there are many."""
    if len(segments) < MAX_SEGMENTS:
        return frozenset()
    by_size = sorted(segments, key=lambda s: s.doc_count_all() - s.deleted_count())
    return frozenset(segment.segment_id() for segment in by_size[:MERGED_AT_ONCE])


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _midnight(day: date) -> datetime:
    """The beginning of a day as the law counts it."""
    return datetime.combine(day, time.min, TZ)
