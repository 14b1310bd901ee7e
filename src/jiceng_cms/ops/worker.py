"""The worker: one thread that follows the journal and does what time alone brings about.

It appends and signs the log, brings the board and the search index up to it, lets sign-offs
lapse, and tidies up at night. Whatever fails is logged and told in :meth:`Worker.status`; the
next round tries again, and no part keeps another from its work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from persistent.timestamp import TimeStamp
from ZODB.utils import p64, u64

from ..core.actions import timer
from ..core.clock import TZ, local_date
from ..core.events import JOURNAL_KEY
from ..core.signing import SettleRun
from ..core.site import site_of
from ..core.workflow.engine import settle
from ..search.indexer import Indexer, record_key
from ..search.interface import Batch
from ..translog.log import log_of, read_entries
from ..translog.sequencer import Sequencer, SequencerStatus
from ..translog.state import load_or_create_key
from ..web.services import Services
from .documents import read_document

log = logging.getLogger(__name__)

#: The longest wait without a bell, in seconds; an entry is in the log within twice that.
PAUSE = 0.4

#: How often deadlines are looked at, in seconds.
SETTLE_EVERY = 60.0

#: The hours (Asia/Shanghai) in which the index is tidied, once a night.
NIGHT = range(2, 5)

#: Waiting leaves are counted up to here.
COUNTED = 1000

#: An index that lacks more entries than this is fed in large batches of MANY entries.
FAR_BEHIND = 1000
MANY = 5000

#: heard(done, total)
Heard = Callable[[int, int], None]


def _nobody(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Trouble:
    """A part of the worker that fails now, since when and why."""

    part: str
    since: datetime
    text: str


@dataclass(frozen=True)
class WorkerStatus:
    """Is work moving? ``waiting`` leaves are committed and not in the log (at most COUNTED are
    counted), ``oldest`` is when the first of them was committed."""

    alive: bool
    sequencer: SequencerStatus
    log_size: int
    waiting: int
    oldest: datetime | None
    index_cursor: int
    board_cursor: int
    last_round: datetime | None
    troubles: tuple[Trouble, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing is amiss."""
        return self.alive and not self.troubles and self.sequencer.kind in ("starting", "running")


class Worker:
    """Follows one open site. ``start`` and ``stop`` its thread, or call :meth:`step_all`."""

    def __init__(self, services: Services) -> None:
        self.services = services
        with services.store.reading() as connection:
            origin = site_of(connection).origin
        signer = load_or_create_key(services.settings.key_file, origin)
        self.sequencer = Sequencer(
            services.store, signer, services.settings.state_file, services.domain.clock
        )
        self._turn = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._troubles: dict[str, Trouble] = {}
        self._last_round: datetime | None = None
        self._settled_on: date | None = None
        self._next_settle = 0.0
        self._tidied_on: date | None = None

    # ------------------------------------------------------------------------- thread

    def start(self) -> None:
        """Begin to work in a thread of its own."""
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)
        self._thread.start()

    def troubles(self) -> dict[str, str]:
        """What is amiss now, by part; for the health page."""
        status = self.status()
        found = {trouble.part: trouble.text for trouble in status.troubles}
        if status.sequencer.kind in ("paused", "diverged"):
            found["sequencer"] = status.sequencer.reason
        if not status.alive:
            found["worker"] = "没有在运行。"
        return found

    def stop(self) -> None:
        """End after the present step and give the log's lock back."""
        self._stopping.set()
        self.services.bell.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
            self._thread = None
        self.sequencer.close()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self.services.bell.wait(PAUSE)
            self.services.bell.clear()
            if not self._stopping.is_set():
                self.step_all(stop=self._stopping.is_set)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing of the worker runs meanwhile: for a rebuild of the index."""
        with self._turn:
            yield

    # ------------------------------------------------------------------------- a round

    def step_all(self, stop: Callable[[], bool] = lambda: False, heard: Heard = _nobody) -> bool:
        """Do whatever there is to do, once, to its end; True where no part failed.

        What a deadline brings about is journalled, so the log is followed once more after it.
        ``heard(done, total)`` is told how many entries the search index has taken in.
        """
        with self._turn:
            self._guarded("sequencer", lambda: self._sequence(stop))
            self._guarded("board", lambda: self._board(stop))
            self._guarded("search", lambda: self._index(stop, heard))
            if self._guarded("deadlines", self._settle_when_due):
                self._guarded("sequencer", lambda: self._sequence(stop))
            self._guarded("night", self._tidy_at_night)
            self._last_round = self.services.domain.clock.now()
            return not self._troubles

    def _guarded(self, part: str, work: Callable[[], object]) -> object:
        try:
            done = work()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            known = self._troubles.get(part)
            if known is None or known.text != text:
                # told once, not twice a second for as long as a disk is full
                log.error("worker: %s fails: %s", part, text, exc_info=True)
                since = known.since if known else self.services.domain.clock.now()
                self._troubles[part] = Trouble(part, since, text)
            return None
        if self._troubles.pop(part, None) is not None:
            log.warning("worker: %s works again", part)
        return done

    def _sequence(self, stop: Callable[[], bool]) -> None:
        while not stop() and self.sequencer.step() is not None:
            pass

    def _board(self, stop: Callable[[], bool]) -> None:
        while not stop():
            with self.services.store.reading() as connection:
                if not self.services.board.step(connection):
                    return

    def _index(self, stop: Callable[[], bool], heard: Heard) -> int:
        """Bring the index up to the log, each batch from one snapshot: entries and records of
        the same moment. Gives how many entries were read."""
        services, done = self.services, 0
        while not stop():
            with services.store.reading() as connection:
                total, cursor = log_of(connection).state.size, services.engine.cursor()
                if total - cursor > FAR_BEHIND:
                    taken = self._index_many(connection, cursor)
                else:
                    taken = Indexer(
                        services.engine,
                        lambda start, limit, c=connection: list(read_entries(c, start, limit)),  # type: ignore[misc]
                        lambda key, c=connection: read_document(c, services.domain, key),  # type: ignore[misc]
                    ).step()
            if not taken:
                break
            done += taken
            heard(cursor + taken, total)
        return done

    def _index_many(self, connection: Any, cursor: int) -> int:
        """A large batch for an index that is far behind: a record that changed ten times is read
        once, and the engine commits once for all."""
        entries = list(read_entries(connection, cursor, MANY))
        keys = dict.fromkeys(key for entry in entries if (key := record_key(entry.pointer)))
        upserts, deletes = [], []
        for key in keys:
            document = read_document(connection, self.services.domain, key)
            if document is None:
                deletes.append(key)
            else:
                upserts.append(document)
        self.services.engine.apply(Batch(tuple(upserts), tuple(deletes), cursor + len(entries)))
        return len(entries)

    def rebuild_index(self, heard: Heard = _nobody) -> int:
        """Throw the search index away and make it again; gives the number of entries read.

        ``heard(done, total)`` hears after each batch. Killed on the way, it goes on at the next
        start.
        """
        with self._turn:
            self.services.engine.clear()
            done = self._index(lambda: False, heard)
            self.services.engine.optimise()
            return done

    # ------------------------------------------------------------------------- time

    def _settle_when_due(self) -> int:
        """Let sign-offs lapse whose last day is over.

        Deadlines are days, so a day is looked through once; where one run could not be settled,
        all are looked at again a minute later.
        """
        now = self.services.domain.clock.now()
        today = local_date(now)
        if self._settled_on == today or now.timestamp() < self._next_settle:
            return 0
        self._next_settle = now.timestamp() + SETTLE_EVERY
        overdue = self._overdue(today)
        for action in overdue:
            self.services.actions.perform(action, timer())
        self._settled_on = today
        return len(overdue)

    def _overdue(self, today: date) -> list[SettleRun]:
        domain = self.services.domain
        found = []
        with self.services.store.reading() as connection:
            site = site_of(connection)
            for code, unit in site.units.items():
                for name, section in unit.sections.items():
                    for key in section.listings.keys("run|", "run|\uffff"):
                        _, hash, state, audience = key.split("|")
                        definition = domain.definition(hash, site.definitions)
                        if definition.states[state].deadline_then != "lapse":
                            continue
                        for row in section.listings[key].page(size=2**31):
                            run = section.records[row.id].run
                            if settle(definition, run, today, audience) is not run:
                                found.append(SettleRun(code, name, row.id))
        return found

    def _tidy_at_night(self) -> None:
        now = self.services.domain.clock.now()
        local = now.astimezone(TZ)
        if self._tidied_on == local.date() or local.hour not in NIGHT:
            return
        self._tidied_on = local.date()
        self.services.engine.optimise()
        self.services.sessions.purge(now)

    # ------------------------------------------------------------------------- health

    def status(self) -> WorkerStatus:
        """Where everything stands, read afresh; from any thread."""
        services = self.services
        with services.store.reading() as connection:
            state = log_of(connection).state
            size, reached = state.size, state.tid
        waiting, oldest = 0, None
        walk = services.store.transactions(p64(u64(reached) + 1))
        try:
            for tid, extension in walk:
                leaves = len(extension.get(JOURNAL_KEY, ()))
                if leaves and oldest is None:
                    oldest = datetime.fromtimestamp(TimeStamp(tid).timeTime(), UTC)
                waiting += leaves
                if waiting >= COUNTED:
                    break
        finally:
            getattr(walk, "close", lambda: None)()
        return WorkerStatus(
            alive=self._thread is not None and self._thread.is_alive(),
            sequencer=self.sequencer.status,
            log_size=size,
            waiting=min(waiting, COUNTED),
            oldest=oldest,
            index_cursor=services.engine.cursor(),
            board_cursor=services.board.cursor,
            last_round=self._last_round,
            troubles=tuple(self._troubles.values()),
        )
