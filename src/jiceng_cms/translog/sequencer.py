"""The sequencer: follows the storage, appends to the entry log, signs and publishes.

One step does, in this order: build, commit batch and cursor, record (origin, size, root) outside
the database, sign, publish. A process may die between any two of them: the next start goes on
from what it finds. On start what was last signed must come out again; if it doesn't (an older
database was put back), nothing is signed and nothing appended until an operator reconciles.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import transaction
from transaction.interfaces import TransientError
from ZODB.utils import p64, u64, z64

from ..core.clock import TZ, Clock
from ..core.events import JOURNAL_KEY
from . import merkle
from .checkpoint import Checkpoint, CheckpointError
from .log import Log, Row, append, hash_reader, log_of
from .note import NoteError, Signer
from .state import (
    SignedState,
    StateUnreadable,
    checkpoint_file,
    exclusive,
    read_checkpoint,
    read_signed,
    write_atomically,
)

#: A step takes whole transactions until it has this many leaves ...
LEAVES_PER_STEP = 1000

#: ... or has looked at this many transactions.
TRANSACTIONS_PER_STEP = 5000


class FollowedStore(Protocol):
    """What the sequencer needs of :class:`jiceng_cms.store.Store`."""

    @property
    def db(self) -> Any:
        """The ``ZODB.DB``."""

    def transactions(self, start: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """(tid, metadata) of the committed transactions from ``start`` on."""

    def last_transaction(self) -> bytes:
        """The id of the last committed transaction."""


Fault = Literal[
    "state-missing",
    "state-unreadable",
    "state-older",
    "origin-changed",
    "key-changed",
    "database-older",
    "root-differs",
]

_FAULTS: dict[Fault, str] = {
    "state-missing": "数据库里的日志曾经签过名，但“上次签名”的记录不见了",
    "state-unreadable": "“上次签名”的记录已损坏，读不出来",
    "state-older": "“上次签名”的记录比数据库和检查点旧，像是从备份里放回来的",
    "origin-changed": "现在设置的日志名称和上次签名时不一样",
    "key-changed": "已公布的检查点不是用现在这把密钥签的",
    "database-older": "数据库里的日志比上次签名时短，像是放回了旧的备份",
    "root-differs": "数据库里的日志和上次签名时的内容对不上，有人改过或放回了别的备份",
}


class LogDiverged(Exception):
    """What was last signed can't be reproduced: nothing may be signed. ``code`` names why."""

    def __init__(self, code: Fault, detail: str = "") -> None:
        self.code = code
        self.text = _FAULTS[code] + (f"（{detail}）" if detail else "")
        super().__init__(f"{self.text}。存证已停，请先核对数据，再由管理员处理。")


@dataclass(frozen=True)
class SequencerStatus:
    """For health pages. ``reason`` is for people, empty while all is well."""

    kind: Literal["starting", "running", "paused", "diverged"]
    reason: str
    size: int
    #: The size of the published checkpoint, None before the first.
    signed_size: int | None


class Sequencer:
    """Appends the leaves of committed transactions to the log, one step at a time.

    ``signer.name`` is the log's origin; without a signer entries are appended and nothing is
    signed. ``state_file`` is where what was last signed is kept, the file ``checkpoint`` lies
    beside it. A second sequencer on the same file gets ``SequencerBusy``.
    """

    def __init__(
        self, store: FollowedStore, signer: Signer | None, state_file: Path, clock: Clock
    ) -> None:
        self._store, self._signer, self._clock = store, signer, clock
        self._state_file = state_file
        self._mutex = threading.Lock()
        self._resources = contextlib.ExitStack()
        self._manager = transaction.TransactionManager(explicit=True)
        self._connection: Any = None
        #: The storage was followed up to here by this object; may be ahead of ``LogState.tid``.
        self._position: bytes | None = None
        self._size, self._root = 0, merkle.EMPTY_ROOT
        self._recorded: SignedState | None = None
        self._published: int | None = None
        self._diverged: LogDiverged | None = None
        self._paused = ""

    @property
    def status(self) -> SequencerStatus:
        """Where the sequencer stands."""
        if self._diverged is not None:
            return SequencerStatus("diverged", str(self._diverged), self._size, self._published)
        kind: Literal["starting", "running", "paused"] = "running"
        if self._connection is None:
            kind = "starting"
        elif self._paused:
            kind = "paused"
        return SequencerStatus(kind, self._paused, self._size, self._published)

    def step(self) -> int | None:
        """Append what was committed since, then sign it; the new size, None if nothing came.

        LogDiverged when what was last signed doesn't come out again, at this and every later
        call; SequencerBusy while another one is at work; OSError when the disk is full (a later
        step goes on).
        """
        with self._mutex:
            if self._diverged is not None:
                raise self._diverged
            if self._connection is None:
                self._start()
            size = self._append()
            self._publish()
            return size

    def close(self) -> None:
        """Give connection and lock back."""
        with self._mutex:
            self._resources.close()
            self._connection = None

    # ------------------------------------------------------------------------------ start

    def _start(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(exclusive(self._state_file))
            connection = self._store.db.open(self._manager)
            stack.callback(connection.close)
            self._manager.begin()
            try:
                log = log_of(connection)
                self._size, self._root = log.state.size, log.state.root
                self._check_frontier(connection, log)
                if self._signer is not None:
                    self._recorded = self._reproduced(connection, log, self._signer)
            except LogDiverged as error:
                self._diverged = error
                raise
            finally:
                self._manager.abort()
            self._resources = stack.pop_all()
            self._connection = connection

    def _reproduced(self, connection: Any, log: Log, signer: Signer) -> SignedState | None:
        """What was last signed, once the database has been seen to lead to it."""
        try:
            recorded = read_signed(self._state_file)
            note = read_checkpoint(self._state_file)
        except StateUnreadable as error:
            raise LogDiverged("state-unreadable") from error
        shown = self._shown(note, signer)
        if recorded is None:
            if log.state.signed is not None or shown is not None:
                raise LogDiverged("state-missing")
            return None
        if recorded.origin != signer.name:
            raise LogDiverged("origin-changed", f"{recorded.origin} → {signer.name}")
        if recorded.size < max(log.state.signed or 0, shown.size if shown else 0):
            raise LogDiverged("state-older")
        if shown is not None and shown.size == recorded.size and shown.root != recorded.root:
            raise LogDiverged("root-differs", f"第 {recorded.size} 条为止")
        self._check_root(connection, log, recorded.size, recorded.root)
        if shown is not None and 0 < shown.size < recorded.size:
            self._check_root(connection, log, shown.size, shown.root)
        self._published = shown.size if shown else None
        return recorded

    def _shown(self, note: str | None, signer: Signer) -> Checkpoint | None:
        """The published checkpoint."""
        if note is None:
            return None
        try:
            shown = Checkpoint.open(note, signer.verifier)
        except NoteError as error:
            raise LogDiverged("key-changed") from error
        except CheckpointError as error:
            raise LogDiverged("state-unreadable") from error
        if shown.origin != signer.name:
            raise LogDiverged("origin-changed", f"{shown.origin} → {signer.name}")
        return shown

    def _check_frontier(self, connection: Any, log: Log) -> None:
        """LogDiverged unless tiles and state agree: every later root grows from the frontier."""
        size = log.state.size
        try:
            found = merkle.frontier_of(size, hash_reader(connection))
        except LookupError as error:  # a tile is missing
            raise LogDiverged("root-differs", f"第 {size} 条为止") from error
        if found != log.state.frontier:
            raise LogDiverged("root-differs", f"第 {size} 条为止")

    def _check_root(self, connection: Any, log: Log, size: int, root: bytes) -> None:
        """LogDiverged unless the log has this root at this size, or the storage leads to it.

        A database may lack appends of ours and still hold every transaction that they came
        from; they are only tried out here, since an entry that is once appended stays.
        """
        state = log.state
        try:
            if state.size >= size:
                found = merkle.root(size, hash_reader(connection))
            else:
                frontier, count = state.frontier, state.size
                for leaf in self._pending(state.tid):
                    if count == size:
                        break
                    frontier = merkle.push(frontier, count, merkle.leaf_hash(leaf))
                    count += 1
                if count < size:
                    raise LogDiverged("database-older", f"上次 {size} 条，现在 {count} 条")
                found = merkle.root_of(frontier)
        except LookupError as error:  # a tile is missing
            raise LogDiverged("root-differs", f"第 {size} 条为止") from error
        if found != root:
            older = state.size < size
            raise LogDiverged("database-older" if older else "root-differs", f"第 {size} 条为止")

    @contextlib.contextmanager
    def _walk(self, tid: bytes) -> Iterator[Iterator[tuple[bytes, dict[str, Any]]]]:
        """The transactions after ``tid``; the storage's own iterator is closed at the end."""
        walk = self._store.transactions(p64(u64(tid) + 1))
        try:
            yield walk
        finally:
            close = getattr(walk, "close", None)
            if close is not None:
                close()

    def _pending(self, tid: bytes) -> Iterator[bytes]:
        """The leaves committed after ``tid``."""
        with self._walk(tid) as walk:
            for _, extension in walk:
                for leaf, _ in extension.get(JOURNAL_KEY, ()):
                    yield leaf

    # ----------------------------------------------------------------------------- append

    def _append(self) -> int | None:
        last = self._store.last_transaction()
        if self._position is not None and last <= self._position:
            return None
        self._manager.begin()
        committed = False
        try:
            log = log_of(self._connection)
            # whichever is further: our own position alone would append another one's entries
            # again, the log's alone would read long stretches without leaves at each step
            followed = max(self._position or z64, log.state.tid)
            rows, reached = self._collect(followed)
            if not rows:
                self._position = reached
                return None
            size = append(log, rows, reached)
            root = log.state.root
            if self._recorded is not None:
                log.state.signed = self._recorded.size
            self._manager.get().note("sequencer")
            self._manager.commit()
            committed = True
        except TransientError:  # another sequencer was faster: look again at the next step
            return None
        finally:
            if not committed:
                self._manager.abort()
        self._position, self._size, self._root = reached, size, root
        return size

    def _collect(self, followed: bytes) -> tuple[list[Row], bytes]:
        """The next rows of whole transactions after ``followed``, and how far they reach."""
        rows: list[Row] = []
        reached = followed
        with self._walk(followed) as walk:
            for seen, (tid, extension) in enumerate(walk, 1):
                rows += [(leaf, pointer, tid) for leaf, pointer in extension.get(JOURNAL_KEY, ())]
                reached = tid
                if len(rows) >= LEAVES_PER_STEP or seen >= TRANSACTIONS_PER_STEP:
                    break
        return rows, reached

    # ---------------------------------------------------------------------------- publish

    def _publish(self) -> None:
        """Record, sign and publish the size reached, unless that was done."""
        recorded = self._recorded
        if self._signer is None or self._published == self._size:
            return
        if recorded is not None and self._size < recorded.size:
            return  # the storage leads there, the appends still have to come
        if recorded is None or self._size > recorded.size:
            now = self._clock.now()
            if recorded is not None and now < recorded.time:
                then = f"{recorded.time.astimezone(TZ):%Y-%m-%d %H:%M:%S}"
                self._paused = f"服务器时间倒退了：上次签名在 {then}，请校准时间，之后会自动继续存证。"
                return
            recorded = SignedState(self._signer.name, self._size, self._root, now)
            # recorded before it is signed: what may have been seen outside is always known
            write_atomically(self._state_file, recorded.encode())
            self._recorded = recorded
        self._paused = ""
        checkpoint = Checkpoint(recorded.origin, recorded.size, recorded.root)
        note = checkpoint.sign(self._signer)
        write_atomically(checkpoint_file(self._state_file), note.encode())
        self._published = recorded.size
