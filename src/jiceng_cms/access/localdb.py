"""A small SQLite file beside the ZODB, for what must not be in the journal: sessions, counters.

One connection behind a lock serves all threads of a process; other processes (the command line)
open the same file and wait their turn. What lies in such a file can be thrown away: people log in
again. So a file that can't be read is set aside and begun anew, and the site stays up.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: how long one process waits for another that is writing, in seconds
BUSY_SECONDS = 5.0


def to_number(moment: datetime) -> int:
    """An aware moment as microseconds since 1970; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return (moment - _EPOCH) // _MICROSECOND


def to_moment(number: int) -> datetime:
    """The aware UTC moment that `to_number` was given."""
    return _EPOCH + number * _MICROSECOND


class LocalDatabase:
    """An SQLite file with `schema` (statements that may be run again), readable by its owner only."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._open(schema)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # locked, no room, no permission: nothing is wrong with the file
            self._set_aside(error)
            self._connection = self._open(schema)

    def _open(self, schema: str) -> sqlite3.Connection:
        # made by us before SQLite does, so that nobody else can read it for an instant; the -wal
        # and -shm files take over its mode
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # a logout that was answered stays a logout, also after a power cut
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(schema)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_name(self.path.name + ".damaged")
        log.error("%s can't be read (%s): kept as %s, a new one begins", self.path, error, aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.replace(aside)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that only read."""
        with self._lock:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection inside one transaction that no other writer can come between."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; using it afterwards raises sqlite3.ProgrammingError."""
        with self._lock:
            self._connection.close()
