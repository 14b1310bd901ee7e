"""What is kept of pages between requests: whole answers to anonymous readers, and fragments.

A kept thing is shown again only while nothing that it shows has changed, so that a publication,
a correction or a withdrawal is seen by the very next request:

- *scope*: the unit (``"990101100201"``) or the one record (``"990101100201/k7m2q9xw"``) whose
  events it depends on; a change of units, bodies or persons makes everything out of date;
- the local day (公开中 6/15 日);
- the published checkpoint, where a page says 待存证;
- the board of newest publications, where a page spans units.

Revisions come from the journal's outbox in the metadata of transactions, not from projections
that lag. Rules, definitions and the theme are fixed while a process runs, and everything here
lives and ends with it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

from ZODB.POSException import POSError
from ZODB.utils import p64, u64

from ..core.clock import Clock, local_date
from ..core.events import JOURNAL_KEY
from ..core.ids import parse_pointer
from ..store import Store
from ..translog.state import checkpoint_file
from .board import Board

V = TypeVar("V")

#: After so many transactions without a look at them, everything counts as changed: walking
#: them would take longer than drawing pages again.
MOST_TRANSACTIONS = 500

#: How many changed units and records are told apart.
MOST_SCOPES = 50_000

#: Longer addresses are not kept: they are nobody's links.
LONGEST_ADDRESS = 300

#: What a kept answer takes beside its body, roughly, in bytes.
OVERHEAD = 2500

MEGABYTE = 1024 * 1024


class Revisions:
    """When each unit and record changed last, by transaction id: follows the storage when asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._reached = store.last_transaction()
        #: what is not in ``_changed`` changed last then, or before
        self._everything = self._reached
        self._changed: dict[str, bytes] = {}

    def follow(self, tid: bytes) -> bool:
        """Take in what was committed up to ``tid``; False where that can't be told now."""
        if self._reached >= tid:
            return True
        with self._lock:
            if self._reached >= tid:
                return True
            try:
                self._walk(tid)
            except (POSError, OSError, ValueError):
                return False  # beside a commit or a pack: the next request sees it
            return self._reached >= tid

    def _walk(self, tid: bytes) -> None:
        walk = self._store.transactions(p64(u64(self._reached) + 1))
        try:
            for count, (reached, extension) in enumerate(walk):
                if count >= MOST_TRANSACTIONS:
                    # the walk may have gone past ``tid``: what it noted there goes with the rest
                    self._forget(max(tid, reached))
                    return
                for _, where in extension.get(JOURNAL_KEY, ()):
                    self._note(where, reached)
                self._reached = reached
        finally:
            getattr(walk, "close", lambda: None)()

    def _note(self, where: str, tid: bytes) -> None:
        subject, _ = parse_pointer(where)
        kind, _, name = subject.partition(":")
        if kind == "record":
            self._changed[name] = self._changed[name.partition("/")[0]] = tid
        elif kind not in ("account", "roles"):  # which no public page shows
            self._forget(tid)
        if len(self._changed) > MOST_SCOPES:
            self._forget(tid)

    def _forget(self, tid: bytes) -> None:
        self._everything = tid
        self._changed.clear()
        self._reached = max(self._reached, tid)

    def of(self, scope: str) -> bytes:
        """The last transaction, of those followed, that changed a scope ("": units and persons)."""
        return max(self._everything, self._changed.get(scope, self._everything))


class Shelf(Generic[V]):
    """Keeps values up to so many bytes; what was not used for longest goes first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """The value under a key."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value of ``size`` bytes; one that would fill a tenth of all is not kept."""
        with self._lock:
            old = self._kept.pop(key, None)
            if old is not None:
                self.used -= old[1]
            if size * 10 > self.limit:
                return
            self._kept[key] = (value, size)
            self.used += size
            while self.used > self.limit:
                _, (_, gone) = self._kept.popitem(last=False)
                self.used -= gone

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(frozen=True)
class Moment:
    """What stood before a page was drawn: its snapshot holds all of it, or more."""

    #: the last transaction before the snapshot
    tid: bytes
    day: date
    checkpoint: Hashable
    board: Hashable


@dataclass
class Needs:
    """What a page depends on; filled while it is drawn. Without a scope it is not kept."""

    scope: str | None = None
    #: it says 待存证, or shows the checkpoint
    checkpoint: bool = False
    board: bool = False


@dataclass
class Stamp:
    """Until when a kept thing is true."""

    moment: Moment
    scope: str
    checkpoint: bool
    board: bool
    #: the last transaction up to which it was found true
    checked: bytes


class Sources:
    """What pages are drawn from, as far as it changes while a process runs."""

    def __init__(self, store: Store, clock: Clock, board: Board, state_file: Path) -> None:
        self._store = store
        self._clock = clock
        self._board = board
        self._files = (str(state_file), str(checkpoint_file(state_file)))
        self.revisions = Revisions(store)

    def moment(self, tid: bytes) -> Moment:
        """Now, before a page is drawn from a snapshot that was taken after ``tid``."""
        return Moment(tid, self._day(), self._checkpoint(), self._board_state())

    def stamp(self, moment: Moment, needs: Needs) -> Stamp:
        """The stamp of something that was drawn after ``moment``."""
        assert needs.scope is not None, "only what names its scope is kept"
        return Stamp(moment, needs.scope, needs.checkpoint, needs.board, moment.tid)

    def holds(self, stamp: Stamp) -> bool:
        """Whether what carries the stamp is still true at this moment."""
        moment = stamp.moment
        if moment.day != self._day():
            return False
        tid = self._store.last_transaction()
        if stamp.checkpoint and (tid != moment.tid or moment.checkpoint != self._checkpoint()):
            # also after any commit: the snapshot may have been older than the checkpoint
            return False
        if stamp.board and moment.board != self._board_state():
            return False
        if tid == stamp.checked:
            return True
        if not self.revisions.follow(tid) or self.revisions.of(stamp.scope) > moment.tid:
            return False
        stamp.checked = tid
        return True

    def _day(self) -> date:
        return local_date(self._clock.now())

    def _checkpoint(self) -> Hashable:
        """Changes with every checkpoint: its files are replaced, never written over."""
        return tuple(_file_state(name) for name in self._files)

    def _board_state(self) -> Hashable:
        # the page tells the minute up to which it was made
        as_of = self._board.as_of
        return (self._board.version, as_of.replace(second=0, microsecond=0) if as_of is not None else None)


def _file_state(name: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


class Answer:
    """A kept answer: what a WSGI server needs, nothing that a request could change."""

    __slots__ = ("_body", "_etag", "_headers", "_short", "_status", "stamp")

    def __init__(self, response: Any, stamp: Stamp) -> None:
        self.stamp = stamp
        self._status: str = response.status
        self._body: bytes = response.body
        self._headers: list[tuple[str, str]] = list(response.headerlist)
        self._short = [(n, v) for n, v in self._headers if not n.lower().startswith("content-")]
        self._short += [(n, v) for n, v in self._headers if n.lower() == "content-security-policy"]
        self._etag: str = response.headers.get("ETag", "")

    @property
    def size(self) -> int:
        """Bytes that it takes, roughly."""
        return len(self._body) + OVERHEAD

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_IF_NONE_MATCH")
        if given and self._etag and _names(given, self._etag):
            start_response("304 Not Modified", list(self._short))
            return []
        start_response(self._status, list(self._headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self._body]


def _names(given: str, etag: str) -> bool:
    """Whether ``If-None-Match`` names the tag (compared weakly, RFC 9110 13.1.2)."""
    return given.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in given.split(","))


class PageCache:
    """Whole pages for anonymous readers, and drawn fragments for everybody, of one process."""

    def __init__(self, sources: Sources, *, session_cookie: str, pages: int, fragments: int) -> None:
        self.sources = sources
        self._cookie = session_cookie
        self._indexes: Shelf[int] = Shelf(4 * MEGABYTE)
        self.pages: Shelf[Answer] = Shelf(pages)
        self.fragments: Shelf[tuple[Stamp, Any]] = Shelf(fragments)

    def entry_index(self, where: tuple[bytes, str], find: Callable[[], int | None]) -> int | None:
        """The index of a log's entry: what once stands there stays there, so it is found once."""
        found = self._indexes.get(where)
        if found is None:
            found = find()
            if found is not None:
                self._indexes.put(where, found, 300)
        return found

    def key(self, request: Any) -> Hashable | None:
        """Under what the answer to a request may be kept; None where somebody may be signed in."""
        environ = request.environ
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if len(path) + len(query) > LONGEST_ADDRESS:
            return None
        host = environ.get("HTTP_HOST", "")
        if "HTTP_COOKIE" not in environ:
            return (path, query, host, environ["wsgi.url_scheme"])
        if self._cookie in request.cookies:
            return None
        shape = (request.elder, request.interface_locale)
        return (path, query, host, environ["wsgi.url_scheme"], *(shape if shape != PLAIN else ()))

    def find(self, key: Hashable) -> Answer | None:
        """The kept answer, where it is still true."""
        found = self.pages.get(key)
        return found if found is not None and self.sources.holds(found.stamp) else None

    def keep(self, key: Hashable, request: Any, response: Any) -> None:
        """Keep an answer that its view allowed to be kept."""
        needs: Needs = request.needs
        if needs.scope is None or response.status_int != 200 or "Set-Cookie" in response.headers:
            return
        answer = Answer(response, self.sources.stamp(request.moment, needs))
        self.pages.put(key, answer, answer.size)

    def fragment(self, key: Hashable, request: Any, draw: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """What ``draw()`` gives, or what it gave before where that is still true.

        ``draw`` fills ``request.needs``; ``size(value)`` is its size in bytes.
        """
        key = (key, request.elder, request.interface_locale)
        needs: Needs = request.needs
        found = self.fragments.get(key)
        if found is not None and self.sources.holds(found[0]):
            stamp, value = found
            needs.checkpoint = needs.checkpoint or stamp.checkpoint
            needs.scope = stamp.scope
            return value
        request.moment  # noqa: B018  taken before anything is drawn
        value = draw()
        if needs.scope is not None and self.fragments.limit:
            self.fragments.put(key, (self.sources.stamp(request.moment, needs), value), size(value) + OVERHEAD)
        return value


#: (elder mode, language) of a reader who chose nothing.
PLAIN = (False, "zh_CN")


def page_cache_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Answer from what is kept, else keep what is answered."""
    cache: PageCache = registry.page_cache
    if not cache.pages.limit:
        return handler

    def tween(request: Any) -> Any:
        key = cache.key(request)
        if key is None:
            return handler(request)
        found = cache.find(key)
        if found is not None:
            return found
        request.moment  # noqa: B018  taken before anything is drawn
        response = handler(request)
        cache.keep(key, request, response)
        return response

    return tween


def includeme(config: Any) -> None:
    """Settings: ``cache.pages`` and ``cache.fragments`` in megabytes, 0 for none.

    While templates are being worked on (``theme.reload``), nothing is kept.
    """
    services = config.registry.services
    settings = services.settings

    def limit(name: str, usual: int) -> int:
        return 0 if settings.reload else int(float(settings.raw.get(name, usual)) * MEGABYTE)

    config.registry.page_cache = PageCache(
        Sources(services.store, services.domain.clock, services.board, settings.state_file),
        session_cookie=services.cookie.name,
        pages=limit("cache.pages", 48),
        fragments=limit("cache.fragments", 24),
    )
    # outside of what sets headers, so that they are kept with the answer
    config.add_tween(
        "jiceng_cms.web.cache.page_cache_tween", over="jiceng_cms.web.security.headers_tween"
    )
