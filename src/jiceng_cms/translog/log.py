"""The entry log: the journal of record, kept in the database in immutable blocks.

Only the sequencer appends. Entries wait in small *batches*, one per commit, until 256 of them
make a *bundle*; then batches are dropped, and the bundle and its tile are written once and never
again. Partial tiles are computed when asked for. What changes with each append is one small
:class:`LogState`, so that two sequencers conflict there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from BTrees.LOBTree import LOBTree, LOBucket
from persistent import Persistent
from ZODB.utils import z64

from ..core.audit import audited
from . import merkle
from .merkle import HASH_SIZE, Frontier, HashReader
from .tiles import HEIGHT, MAX_ENTRY, WIDTH, TileAddress, encode_bundle, hash_in, join

#: Where the log lies in the database's root.
ROOT_KEY = "log"

#: (leaf, pointer, tid) of an entry; its index follows from where it lies.
Row = tuple[bytes, str, bytes]


class LogError(Exception):
    """The log holds, or was given, what it can't hold. Says what and where."""


class NotInLog(LookupError):
    """An index, tile or size that the log has not reached."""


@dataclass(frozen=True)
class Entry:
    """One entry: ``leaf`` is public, ``pointer`` (``SUBJECT#N``) and ``tid`` are not."""

    index: int
    leaf: bytes
    pointer: str
    tid: bytes


@audited("exempt")
class LogBucket(LOBucket):
    """A leaf of :class:`LogTree`: a class of its own, so that the guard can tell it apart."""


@audited("exempt")
class LogTree(LOBTree):
    """A BTree of the log."""

    _bucket_type = LogBucket


@audited("exempt")
class Block(Persistent):
    """Entries that follow each other: a batch or a full bundle. Never changes."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows: tuple[Row, ...] = tuple(rows)


@audited("exempt")
class Tile(Persistent):
    """A full tile: 256 hashes. Never changes."""

    def __init__(self, data: bytes) -> None:
        self.data = data


@audited("exempt")
class Edge(Persistent):
    """The hashes of a level (1 and up) that make no full tile yet; grows once in 256 entries
    of the level below, so that a proof needn't read 255 tiles."""

    def __init__(self) -> None:
        self.data = b""


@audited("exempt")
class LogState(Persistent):
    """How far the log has come."""

    def __init__(self) -> None:
        #: Number of entries.
        self.size = 0
        #: Roots of the complete subtrees, largest first.
        self.frontier: Frontier = ()
        #: The storage was followed up to this transaction.
        self.tid: bytes = z64
        #: The size last signed before this commit, None when nothing was.
        self.signed: int | None = None

    @property
    def root(self) -> bytes:
        """Root of the tree over all entries."""
        return merkle.root_of(self.frontier)


@audited("exempt")
class Log(Persistent):
    """The log's parts. Keys: a bundle's number, a batch's first index, :func:`tile_key`, level."""

    def __init__(self) -> None:
        self.state = LogState()
        self.bundles = LogTree()
        self.batches = LogTree()
        self.tiles = LogTree()
        self.edges = LogTree()


def tile_key(level: int, index: int) -> int:
    """Key of a full tile: 48 bits for the index are enough for 2**56 entries."""
    return (level << 48) | index


def create_log(root: Any) -> Log:
    """Make the empty log in a database root; LogError where there is one."""
    if ROOT_KEY in root:
        raise LogError("the database already has a log")
    log = root[ROOT_KEY] = Log()
    return log


def log_of(connection: Any) -> Log:
    """The log of a ZODB connection; LogError where `init` has made none."""
    log = connection.root().get(ROOT_KEY)
    if not isinstance(log, Log):
        raise LogError("the database has no log")
    return log


def append(log: Log, rows: Sequence[Row], tid: bytes) -> int:
    """Append entries and move the cursor to transaction ``tid``; gives the new size.

    The caller commits. LogError when a row is not what an entry can be, or when the entries
    that wait for their bundle are not all there.
    """
    for leaf, pointer, _ in rows:
        if not isinstance(leaf, bytes) or not isinstance(pointer, str) or len(leaf) > MAX_ENTRY:
            raise LogError(f"not an entry: {str(pointer)[:80]}")
    state = log.state
    size, frontier = state.size, state.frontier
    taken = 0
    while taken < len(rows):
        number, offset = divmod(size, WIDTH)
        part = rows[taken : taken + WIDTH - offset]
        if offset + len(part) == WIDTH:
            waiting = _waiting(log, number)
            if len(waiting) != offset:
                raise LogError(f"bundle {number} has {len(waiting)} of {offset} entries")
            bundle = Block([*waiting, *part])
            log.bundles[number] = bundle
            for key in list(log.batches.keys(number * WIDTH, size)):
                del log.batches[key]
            _complete_tile(log, number, [merkle.leaf_hash(row[0]) for row in bundle.rows])
        else:
            log.batches[size] = Block(part)
        for leaf, _, _ in part:
            frontier = merkle.push(frontier, size, merkle.leaf_hash(leaf))
            size += 1
        taken += len(part)
    state.size, state.frontier, state.tid = size, frontier, tid
    return size


def _complete_tile(log: Log, index: int, hashes: list[bytes]) -> None:
    """Write a full tile of level 0, and those above that become full with it."""
    data, level = join(hashes), 0
    while len(data) == WIDTH * HASH_SIZE:
        log.tiles[tile_key(level, index)] = Tile(data)
        root = hash_in(data, HEIGHT, 0)
        level, index = level + 1, index // WIDTH
        edge = log.edges.get(level)
        if edge is None:
            edge = log.edges[level] = Edge()
        data = edge.data + root
        edge.data = data if len(data) < WIDTH * HASH_SIZE else b""


def _waiting(log: Log, number: int) -> list[Row]:
    """The rows of a bundle that is not full yet."""
    first = number * WIDTH
    return [row for block in log.batches.values(first, first + WIDTH - 1) for row in block.rows]


def rows_of(log: Log, number: int) -> Sequence[Row]:
    """The rows of bundle ``number``, full or not."""
    bundle = log.bundles.get(number)
    return bundle.rows if bundle is not None else _waiting(log, number)


# ------------------------------------------------------------------------------- reading


def log_size(connection: Any) -> int:
    """Number of entries."""
    return log_of(connection).state.size


def read_entries(connection: Any, start: int, limit: int) -> Iterator[Entry]:
    """At most ``limit`` entries from index ``start`` on, in order."""
    log = log_of(connection)
    end = min(log.state.size, start + limit)
    index = start
    while 0 <= index < end:
        number, offset = divmod(index, WIDTH)
        rows = rows_of(log, number)[offset : offset + end - index]
        if not rows:
            raise LogError(f"entry {index} is missing")
        for leaf, pointer, tid in rows:
            yield Entry(index, leaf, pointer, tid)
            index += 1
        if index % WIDTH == 0:  # who reads a million entries needn't have them all in memory
            log.bundles[number]._p_deactivate()


def read_entry(connection: Any, index: int) -> Entry:
    """One entry; NotInLog when the log has not reached it."""
    for found in read_entries(connection, index, 1):
        return found
    raise NotInLog(index)


def tile_data(connection: Any, address: TileAddress) -> bytes:
    """The hashes of a tile, ``32 * width`` bytes; NotInLog when they are not all there.

    Any width up to what the log has reached is answered, also of a tile that is full by now.
    """
    log = log_of(connection)
    if address.level is None or not address.exists(log.state.size):
        raise NotInLog(address.path)
    return _hashes(log, address.level, address.index)[: address.width * HASH_SIZE]


def _hashes(log: Log, level: int, index: int) -> bytes:
    """All hashes that tile ``index`` of ``level`` has by now; b"" where there is none."""
    tile = log.tiles.get(tile_key(level, index))
    if tile is not None:
        return bytes(tile.data)
    if level == 0:
        return join(merkle.leaf_hash(row[0]) for row in _waiting(log, index))
    edge = log.edges.get(level)
    if edge is None or index != log.state.size >> HEIGHT * (level + 1):
        return b""
    return bytes(edge.data)


def bundle_data(connection: Any, address: TileAddress) -> bytes:
    """The leaves of a bundle as it is served; NotInLog when they are not all there."""
    log = log_of(connection)
    if address.level is not None or not address.exists(log.state.size):
        raise NotInLog(address.path)
    rows = rows_of(log, address.index)[: address.width]
    if len(rows) != address.width:
        raise LogError(f"bundle {address.index} has {len(rows)} of {address.width} entries")
    return encode_bundle(row[0] for row in rows)


def hash_reader(connection: Any) -> HashReader:
    """Reads hashes of the tree, for :mod:`.merkle`; each tile is loaded once."""
    log = log_of(connection)
    seen: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        tile_level, within = divmod(level, HEIGHT)
        first = index << within
        key = (tile_level, first // WIDTH)
        if key not in seen:
            seen[key] = _hashes(log, *key)
        try:
            return hash_in(seen[key], within, first % WIDTH >> within)
        except ValueError as error:
            raise NotInLog(f"level {level}, index {index}") from error

    return read


def root_hash(connection: Any, size: int | None = None) -> bytes:
    """Root of the tree, of today or of the time when it had ``size`` leaves.

    NotInLog when it never had so many.
    """
    state = log_of(connection).state
    if size is None or size == state.size:
        return state.root
    if not 0 <= size <= state.size:
        raise NotInLog(size)
    return merkle.root(size, hash_reader(connection))


def inclusion_proof(connection: Any, index: int, size: int) -> list[bytes]:
    """The audit path of entry ``index`` in the tree of ``size`` leaves; NotInLog."""
    if not 0 <= index < size <= log_size(connection):
        raise NotInLog(f"{index} in {size}")
    return merkle.inclusion_proof(index, size, hash_reader(connection))


def consistency_proof(connection: Any, old: int, new: int) -> list[bytes]:
    """That the tree of ``new`` leaves begins with that of ``old``; NotInLog."""
    if not 0 < old <= new <= log_size(connection):
        raise NotInLog(f"{old} to {new}")
    return merkle.consistency_proof(old, new, hash_reader(connection))
