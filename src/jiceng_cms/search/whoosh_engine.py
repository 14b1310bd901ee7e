"""The embedded search engine: Whoosh 2.7.4 as storage, membership by pairs of characters.

A query becomes sets of index terms that a document must have (existence-only postings), then a
literal check on the stored normalised text of what is left; filters, order and counts run over
arrays in memory. Fit for some 30,000 documents. One thread applies; readers work on an
immutable view that is replaced as a whole, so nobody sees half a batch or two versions.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whoosh.index import EmptyIndexError, FileIndex
from whoosh.index import LockError as WhooshLockError

from .analysis import NO_WORDS_HINT, parse_query
from .interface import (
    FACETS,
    Batch,
    IndexBusy,
    IndexDamaged,
    SearchDocument,
    SearchError,
    SearchQuery,
    SearchResults,
    StaleBatch,
)
from .whoosh_files import FORMAT, IndexSchema, Storage, Writer
from .whoosh_rows import copy_living, write_document
from .whoosh_view import Loaded, Names, View, answer, load_segment, make_view

log = logging.getLogger(__name__)

#: With so many segments the smallest are merged, so that a day without a quiet hour stays fast.
MAX_SEGMENTS = 24
#: How many of the smallest then become one.
MERGED_AT_ONCE = 16


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
        self._names = {facet: Names() for facet in FACETS}
        self._loaded: dict[str, Loaded] = {}
        #: Why the index had to begin anew when it was opened; empty if it had not.
        self.damage = ""
        if not readonly:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._storage = Storage(str(self._folder))
        self._index, self._view = self._open()

    # -- reading ------------------------------------------------------------------------------

    def search(self, query: SearchQuery) -> SearchResults:
        """See SearchEngine.search."""
        terms, view = parse_query(query.text), self._view
        if view.generation < 0:
            raise SearchError("this search engine is closed")
        if not terms:
            return SearchResults(0, (), query.page, query.per_page, hint=NO_WORDS_HINT)
        try:
            return answer(view, query, terms)
        except MemoryError:
            raise
        except Exception as error:
            raise IndexDamaged(f"the search index can't be read: {error!r}") from error

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
            self._view = make_view(-1, 0, self._names)
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
                write_document(writer, document)
            if merge is None:
                merge = _smallest(living)
            for segment in living:
                if segment.segment_id() in merge:
                    copy_living(writer, self._loaded[segment.segment_id()].reader, segment)
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

    def _open(self) -> tuple[FileIndex, View]:
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

    def _load(self) -> View:
        """The present state of the folder, opening only segments that are new."""
        for attempt in range(5):
            try:
                return self._load_once()
            except FileNotFoundError:
                # A writer in another process removed what this table of contents names.
                if attempt == 4:
                    raise
        raise AssertionError("unreachable")

    def _load_once(self) -> View:
        contents = self._index._read_toc()
        schema = contents.schema
        if getattr(schema, "format_number", None) != FORMAT:
            raise IndexDamaged("the index was made by another version of the program")
        loaded: dict[str, Loaded] = {}
        for segment in contents.segments:
            name = segment.segment_id()
            loaded[name] = self._loaded.get(name) or load_segment(
                self._storage, segment, self._names
            )
        self._loaded = loaded
        return make_view(
            contents.generation,
            schema.cursor,
            self._names,
            tuple(loaded.values()),
            [list(segment.deleted_docs()) for segment in contents.segments],
        )


def _smallest(segments: Sequence[Any]) -> frozenset[str]:
    """The names of segments to merge on the way, if there are many."""
    if len(segments) < MAX_SEGMENTS:
        return frozenset()
    by_size = sorted(segments, key=lambda s: s.doc_count_all() - s.deleted_count())
    return frozenset(segment.segment_id() for segment in by_size[:MERGED_AT_ONCE])
