"""The guard: nothing is committed that no event names.

It stands between ``ZODB.DB`` and the MVCC storage, where every ``store()`` and ``storeBlob()``
passes, also those of a savepoint, and refuses in ``tpc_vote``.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from typing import Any

import zope.interface
from ZODB.FileStorage.FileStorage import CorruptedDataError
from ZODB.interfaces import IBlobStorage, IMVCCStorage
from ZODB.mvccadapter import MVCCAdapter
from ZODB.POSException import POSError, ReadOnlyError
from ZODB.utils import get_pickle_metadata, u64, z64

from ..core.audit import POLICIES
from ..core.events import JOURNAL_KEY

_ROOT_CLASS = ("persistent.mapping", "PersistentMapping")


class UnauditedChange(POSError):
    """An object of an audited class changed and no event of the transaction names it."""


class _Stub:
    """Stands for any class while a state is read without importing it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Peek(pickle.Unpickler):
    """Reads a record's state without running any code of its classes."""

    def find_class(self, module: str, name: str) -> Any:
        return _Stub

    def persistent_load(self, ref: object) -> Any:
        return None


def subject_of(data: bytes) -> str | None:
    """The attribute ``subject`` in the state of a stored object, or None."""
    unpickler = _Peek(io.BytesIO(data))
    unpickler.load()
    state = unpickler.load()
    subject = state.get("subject") if isinstance(state, dict) else None
    return subject if isinstance(subject, str) else None


def fault_of(data: bytes, oid: bytes, new: bool, subjects: frozenset[str]) -> str | None:
    """Why an object may not be stored in a transaction whose events name ``subjects``."""
    cls = get_pickle_metadata(data)
    if oid == z64:
        # the database's own root mapping: made once by the DB, then filled by `init` and `evolve`
        if cls == _ROOT_CLASS and (new or "site" in subjects):
            return None
        return "the root changed without an event about 'site'"
    policy = POLICIES.get(cls)
    name = f"{cls[0]}.{cls[1]} {u64(oid):x}"
    if policy is None:
        return f"{name} has no audit policy"
    if policy == "exempt":
        return None
    if policy in ("blob", "frozen") and not new:
        return f"{name} is written once"
    if policy in ("structure", "blob"):
        return None if subjects else f"{name} changed without an event"
    subject = subject_of(data)
    if subject is None or subject not in subjects:
        return f"{name} changed without an event about {subject!r}"
    return None


@zope.interface.implementer(IMVCCStorage)
class GuardedStorage:
    """Wraps a storage for ``ZODB.DB``; hands out :class:`GuardedInstance` to connections."""

    _refused = frozenset(
        ["undo", "restore", "restoreBlob", "deleteObject", "copyTransactionsFrom", "store", "storeBlob", "tpc_begin", "tpc_finish"]
    )

    def __init__(self, storage: Any) -> None:
        self.raw = storage
        if not IMVCCStorage.providedBy(storage):
            storage = MVCCAdapter(storage)
        self._base = storage
        if IBlobStorage.providedBy(storage):
            zope.interface.alsoProvides(self, IBlobStorage)

    def __getattr__(self, name: str) -> Any:
        if name in self._refused:
            raise AttributeError(name)
        base = self._base
        try:
            return getattr(base, name)
        except AttributeError:
            if isinstance(base, MVCCAdapter):  # which hides iterator, undoLog and more
                return getattr(base._storage, name)
            raise

    def __len__(self) -> int:
        return len(self._base)

    def tpc_vote(self, transaction: object) -> None:
        """``DB.__init__`` asks that it exists; writing goes through a connection."""
        raise ReadOnlyError("write through a connection")

    def undo_instance(self) -> Any:
        """Undo is off: it would change records without an event."""
        raise ReadOnlyError("undo is off")

    def supportsUndo(self) -> bool:
        """Never."""
        return False

    def new_instance(self) -> GuardedInstance:
        """The storage of one connection."""
        return GuardedInstance(self._base.new_instance())

    def before_instance(self, before: bytes) -> Any:
        """A read-only storage of the past."""
        return self._base.before_instance(before)

    def transactions(self, start: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """(tid, metadata) of committed transactions from ``start`` on, safe beside commits.

        FileStorage's iterator opened beside a commit raises AttributeError or ValueError: it is
        opened under the storage's lock. A tail that was overwritten ends the walk; the next
        call sees the rest. (`yield from` an iterator of RelStorage crashes the interpreter.)
        """
        raw = getattr(self._base, "_storage", None)
        if raw is None:
            walk = self._base.iterator(start)
        else:
            with raw._lock:
                walk = raw.iterator(start)
        try:
            for record in walk:
                yield record.tid, record.extension
        except CorruptedDataError:
            return
        finally:
            walk.close()


class GuardedInstance:
    """The storage of one connection: sees every object that is really stored."""

    _refused = frozenset(["undo", "restore", "restoreBlob", "deleteObject", "copyTransactionsFrom"])

    def __init__(self, base: Any) -> None:
        self._base = base
        self._faults: list[str] = []
        self._subjects: frozenset[str] = frozenset()
        if IBlobStorage.providedBy(base):
            zope.interface.alsoProvides(self, IBlobStorage)

    def __getattr__(self, name: str) -> Any:
        if name in self._refused:
            raise ReadOnlyError(name)
        return getattr(self._base, name)

    def tpc_begin(self, transaction: Any, *args: Any, **kwargs: Any) -> Any:
        """Start a commit: which subjects do its events name?"""
        self._faults = []
        batch = transaction.extension.get(JOURNAL_KEY)
        self._subjects = getattr(batch, "subjects", frozenset())
        return self._base.tpc_begin(transaction, *args, **kwargs)

    def _see(self, oid: bytes, serial: bytes | None, data: bytes) -> None:
        fault = fault_of(data, oid, serial in (None, z64), self._subjects)
        if fault is not None:
            self._faults.append(fault)

    def store(self, oid: bytes, serial: bytes, data: bytes, version: str, transaction: Any) -> Any:
        """Store an object, after a look at it."""
        self._see(oid, serial, data)
        return self._base.store(oid, serial, data, version, transaction)

    def storeBlob(
        self, oid: bytes, serial: bytes, data: bytes, filename: str, version: str, transaction: Any
    ) -> Any:
        """Store a blob, after a look at it."""
        self._see(oid, serial, data)
        return self._base.storeBlob(oid, serial, data, filename, version, transaction)

    def tpc_vote(self, transaction: Any) -> Any:
        """Refuse the commit where an object changed that no event names."""
        if self._faults:
            raise UnauditedChange("; ".join(self._faults))
        return self._base.tpc_vote(transaction)
