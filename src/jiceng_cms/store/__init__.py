"""The store: the only place that opens a database.

A :class:`Store` gives snapshots for reading, which can't be committed, and the
:class:`~.runner.Runner` for writing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import transaction
import zodburi
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from .guard import GuardedStorage, UnauditedChange
from .locks import Busy, LocalLocks
from .runner import OutOfTries, Runner

__all__ = ["Busy", "OutOfTries", "Snapshot", "Store", "UnauditedChange", "open_storage"]


class WroteWhileReading(AssertionError):
    """Code on a reader's path changed an object: a fault of ours, nothing was stored."""


class _Reading:
    """What a connection that only reads asks of a transaction manager: nothing, until something is
    changed, and then a transaction that is doomed. A whole one for each page would cost more than
    all that the page loads."""

    explicit = True

    def __init__(self) -> None:
        self._doomed: Any = None

    def registerSynch(self, synch: Any) -> None:
        """The snapshot itself begins and ends with it."""

    def unregisterSynch(self, synch: Any) -> None:
        """The same."""

    def get(self) -> Any:
        """What a changed object joins."""
        if self._doomed is None:
            manager = transaction.TransactionManager(explicit=True)
            self._doomed = manager.begin()
            self._doomed.doom()
        return self._doomed

    def commit(self) -> None:
        """Never: DoomedTransaction."""
        self.get().commit()

    def abort(self) -> None:
        """Forget what was changed."""
        if self._doomed is not None:
            self._doomed.abort()


class Snapshot:
    """A connection that reads one state of the database and can't commit."""

    def __init__(self, db: Any) -> None:
        self._manager = _Reading()
        self.connection = db.open(self._manager)
        self.connection.newTransaction(None)

    def root(self) -> Any:
        """The ZODB root."""
        return self.connection.root()

    def close(self) -> None:
        """Give the connection back; :class:`WroteWhileReading` where something was changed."""
        if self.connection is None:
            return
        changed = [repr(type(o)) for o in self.connection._registered_objects]
        connection, self.connection = self.connection, None
        self._manager.abort()
        connection.close()
        if changed:
            raise WroteWhileReading(", ".join(changed))


def open_storage(uri: str, *, read_only: bool = False) -> tuple[Any, dict[str, Any]]:
    """(storage, keywords for ``DB``) of a zodburi address.

    ``file://PATH?blobs=DIR`` is opened here, since zodburi has no way to say that a pack keeps
    no ``.old`` copy, which a sealing needs; every other scheme is zodburi's.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file":
        options = parse_qs(parts.query)
        path = Path(unquote(parts.path))
        blobs = Path(options.get("blobs", [str(path.parent / "blobs")])[0])
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        storage = FileStorage(
            str(path),
            blob_dir=str(blobs),
            pack_keep_old=False,
            read_only=read_only,
            create=False,
        )
        return storage, {}
    factory, keywords = zodburi.resolve_uri(uri)
    return factory(), keywords


class Store:
    """An open database: ``db``, snapshots for reading, ``runner`` for writing."""

    def __init__(self, storage: Any, *, pool_size: int = 32, cache_size: int = 20000, **options: Any) -> None:
        self.guard = GuardedStorage(storage)
        # each page asks, and the guard would look for it in three storages each time
        self._last_transaction = self.guard.lastTransaction
        options.pop("connection_pool_size", None)
        self.db = DB(self.guard, pool_size=pool_size, cache_size=cache_size, **options)
        self.locks = LocalLocks()
        self.runner = Runner(self.db, self.locks)

    @classmethod
    def open(cls, uri: str, *, read_only: bool = False, **options: Any) -> Store:
        """Open the database at a zodburi address."""
        storage, keywords = open_storage(uri, read_only=read_only)
        return cls(storage, **{**keywords, **options})

    def snapshot(self) -> Snapshot:
        """A snapshot for reading; the caller closes it."""
        return Snapshot(self.db)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Any]:
        """A connection that reads one state of the database."""
        snapshot = self.snapshot()
        try:
            yield snapshot.connection
        finally:
            snapshot.close()

    def transactions(self, start: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """(tid, metadata) of the committed transactions from ``start`` on."""
        return self.guard.transactions(start)

    def last_transaction(self) -> bytes:
        """The id of the last committed transaction."""
        tid: bytes = self._last_transaction()
        return tid

    def close(self) -> None:
        """Close the database; every connection must have been given back."""
        self.db.close()


