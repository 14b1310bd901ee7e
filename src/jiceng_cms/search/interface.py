"""What a search engine promises: documents in, batches with a cursor, queries, hits and counts.

Every engine passes the same suite (``tests/contracts/test_search_engines.py``) against an oracle
that scans all texts: nothing missing, nothing extra, nothing stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

#: A query longer than this, after trimming, is refused (bounded cost, DESIGN 4.5).
MAX_QUERY_CHARS = 100
#: A query of more words and phrases than this is refused.
MAX_QUERY_TERMS = 12
#: The most hits on one page of results.
MAX_PER_PAGE = 100

#: The facets that every engine counts, in the order in which pages show them.
FACETS = ("unit", "kind", "year", "state")

SORT_RELEVANCE = "relevance"
SORT_DATE = "date"

#: Parts of a text: (text, does it match). Joined they give the raw text; templates escape each.
Parts = tuple[tuple[str, bool], ...]


class SearchError(Exception):
    """Search can't answer; the rest of the site can."""


class QueryTooLong(SearchError):
    """The query has too many characters or words; the message says so to the reader."""


class StaleBatch(SearchError):
    """A batch came whose cursor lies before what the index holds: two writers, or a lost order."""


class IndexBusy(SearchError):
    """Another process is writing to this index."""


class IndexDamaged(SearchError):
    """The files of the index can't be read; it has to be rebuilt from the journal."""


@dataclass(frozen=True)
class SearchDocument:
    """One record as the public finds it: its current public edition.

    ``key`` is ``UNIT/RECORD`` and unique in an index. ``kind`` is ``party``, ``affairs`` or
    ``finance``; ``state`` a free word that pages count by. ``title``, ``body``, ``table`` (cells
    separated by white space), ``attachments``, ``unit_name`` and ``number`` (索引号) are searched,
    each by itself: a phrase never reaches from one into the next. ``published_at`` is aware.
    """

    key: str
    unit: str
    unit_name: str
    type: str
    kind: str
    state: str
    title: str
    body: str
    table: str
    attachments: str
    number: str
    published_at: datetime
    year: int
    url: str

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("a search document needs a key")
        if self.published_at.tzinfo is None:
            raise ValueError(f"published_at of {self.key} has no time zone")


@dataclass(frozen=True)
class Batch:
    """Changes that become visible together, with the journal index that they reach.

    ``cursor`` is the index of the next journal entry to read, so 0 for an empty index. A batch
    with an equal cursor is welcome (a state that changes with the day, such as 已满公示期, has
    no entry of its own); a smaller one raises StaleBatch. Each key occurs once.
    """

    upserts: tuple[SearchDocument, ...] = ()
    deletes: tuple[str, ...] = ()
    cursor: int = 0

    def __post_init__(self) -> None:
        keys = [document.key for document in self.upserts]
        keys.extend(self.deletes)
        if len(set(keys)) != len(keys):
            raise ValueError("a key occurs twice in one batch")
        if self.cursor < 0:
            raise ValueError("a cursor counts from 0")


@dataclass(frozen=True)
class SearchQuery:
    """What a reader asks: words, filters (empty or None means all), order, page from 1.

    ``since`` and ``until`` are days in Asia/Shanghai, both included.
    """

    text: str
    units: frozenset[str] = frozenset()
    kind: str | None = None
    year: int | None = None
    state: str | None = None
    since: date | None = None
    until: date | None = None
    sort: str = SORT_RELEVANCE
    page: int = 1
    per_page: int = 20

    def __post_init__(self) -> None:
        if self.sort not in (SORT_RELEVANCE, SORT_DATE):
            raise ValueError(f"unknown order {self.sort!r}")
        if self.page < 1 or not 1 <= self.per_page <= MAX_PER_PAGE:
            raise ValueError(f"page from 1, per_page from 1 to {MAX_PER_PAGE}")


@dataclass(frozen=True)
class SearchHit:
    """One document found. ``title_parts`` and ``snippet`` mark what matched."""

    key: str
    unit: str
    unit_name: str
    type: str
    kind: str
    state: str
    title: str
    number: str
    published_at: datetime
    year: int
    url: str
    title_parts: Parts
    snippet: Parts


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many documents a filter would leave, were it set to ``value``."""

    value: str
    count: int


@dataclass(frozen=True)
class SearchResults:
    """One page of hits, and what there is in all.

    ``facets`` maps each name of FACETS to its counts, most first (years newest first); each
    respects the words and all filters but its own. ``hint`` is a sentence in Chinese for a query
    without any word to look for, else empty. ``terms`` are the words searched, for highlighting
    (``jiceng_cms.search.highlight``).
    """

    total: int
    hits: tuple[SearchHit, ...]
    page: int
    per_page: int
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)
    hint: str = ""
    terms: tuple[str, ...] = ()

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.per_page)


class SearchEngine(Protocol):
    """An index of SearchDocuments. One thread applies, any number search at the same time."""

    def apply(self, batch: Batch) -> None:
        """Make the batch and its cursor visible and durable together; all or nothing.

        Raises StaleBatch, IndexBusy, or OSError (disk full): then nothing has changed.
        """
        ...

    def search(self, query: SearchQuery) -> SearchResults:
        """Raises QueryTooLong, or IndexDamaged when the files can't be read."""
        ...

    def cursor(self) -> int:
        """The index of the next journal entry to read; 0 for an empty index."""
        ...

    def count(self) -> int:
        """How many documents can be found."""
        ...

    def keys(self) -> set[str]:
        """The keys of all documents that can be found."""
        ...

    def clear(self) -> None:
        """Forget all documents and set the cursor to 0."""
        ...

    def optimise(self) -> None:
        """Merge what updates left behind; deleted texts leave the disk. For quiet hours."""
        ...

    def close(self) -> None:
        """Let go of files; the engine can't be used afterwards."""
        ...
