"""The tree built anew from the entries, and its comparison with everything stored beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import merkle
from .differences import Difference, differences
from .log import Log, Row, tile_key
from .merkle import HASH_SIZE
from .report import Findings
from .tiles import HEIGHT, WIDTH, hash_in, split

_TILE = WIDTH * HASH_SIZE


class Recomputed:
    """The tree built anew from the entries, and its comparison with what is stored."""

    def __init__(self, log: Log, findings: Findings) -> None:
        self._log, self._add = log, findings.add
        self._state_size, self._frontier = log.state.size, tuple(log.state.frontier)
        self._bundles, self._batches = list(log.bundles.keys()), list(log.batches.keys())
        #: By level of tiles, every hash of that level in one string.
        self._levels = self._build(self._hash_entries())
        self.size = len(self._levels[0]) // HASH_SIZE
        self.frontier = merkle.frontier_of(self.size, self._read)
        self.root = merkle.root_of(self.frontier)

    # ---------------------------------------------------------------------------- reading

    def rows(self) -> Iterator[tuple[int, Row]]:
        """(index, row) of each entry that can be read, in order."""
        for first, rows in self._blocks(lambda *_: None):
            for index, row in enumerate(rows, first):
                if row is not None:
                    yield index, row

    def row(self, index: int) -> Row | None:
        """One row, None where it can't be read."""
        if not 0 <= index < self.size:
            return None
        number = index // WIDTH
        block, first = self._log.bundles.get(number), number * WIDTH
        if block is None:
            first = next((key for key in reversed(self._batches) if key <= index), -1)
            block = self._log.batches.get(first)
        found = self._load_rows(lambda: block.rows, first, lambda *_: None)
        return found[index - first] if index - first < len(found) else None

    def _blocks(self, add: Any) -> Iterator[tuple[int, list[Row | None]]]:
        """(first index, rows) without gaps between them; a row is None where it is missing."""
        at = 0
        for number in range(max(self._state_size // WIDTH, max(self._bundles, default=-1) + 1)):
            if number not in self._log.bundles:
                if any(at <= key < at + WIDTH for key in self._batches):
                    break  # its entries still wait in batches: then the state is what is wrong
                add("entry-missing", f"编号 {at} 到 {at + WIDTH - 1} 的条目不见了。", at)
                yield at, [None] * WIDTH
                at += WIDTH
                continue
            block = self._log.bundles[number]
            rows = self._load_rows(lambda block=block: block.rows, at, add)
            block._p_deactivate()  # a million entries needn't be in memory at once
            if len(rows) > WIDTH:
                add("entry-inserted", f"编号 {at} 起的一包条目多出 {len(rows) - WIDTH} 条。", at)
            yield at, [*rows, *[None] * (WIDTH - len(rows))][:WIDTH]
            at += WIDTH
        for key in self._batches:
            if key > at:
                add("entry-missing", f"编号 {at} 到 {key - 1} 的条目不见了。", at)
                yield at, [None] * (key - at)
            elif key < at:
                add("entry-inserted", f"编号 {key} 的位置上多出一批条目。", key)
                continue
            rows = self._load_rows(lambda key=key: self._log.batches[key].rows, key, add)
            yield key, rows
            at = key + len(rows)

    def _load_rows(self, load: Any, first: int, add: Any) -> list[Row | None]:
        try:
            rows = list(load())
        except Exception as error:  # torn bytes raise whatever they happen to spell
            add("entry-missing", f"编号 {first} 起的条目读不出来（{type(error).__name__}）。", first)
            return []
        for offset, row in enumerate(rows):
            if not _is_row(row):
                add("entry-malformed", f"编号 {first + offset} 的条目不成样子。", first + offset)
                rows[offset] = None
        return rows

    def _hash_entries(self) -> bytes:
        """The leaf hashes in one string; names what is missing or out of order on the way."""
        gap, tid, hashes = bytes(HASH_SIZE), b"", []
        for first, rows in self._blocks(self._add):
            for index, row in enumerate(rows, first):
                hashes.append(gap if row is None else merkle.leaf_hash(row[0]))
                if row is not None and row[2] < tid:
                    self._add("order", f"编号 {index} 的条目不在它该在的先后位置上。", index, row[1])
                elif row is not None:
                    tid = row[2]
        return b"".join(hashes)

    def _build(self, level: bytes) -> list[bytes]:
        levels = [level]
        while len(level) >= _TILE:
            level = b"".join(hash_in(level, HEIGHT, i) for i in range(len(level) // _TILE))
            levels.append(level)
        return levels

    def _read(self, level: int, index: int) -> bytes:
        tile_level, within = divmod(level, HEIGHT)
        return hash_in(self._levels[tile_level], within, index)

    # -------------------------------------------------------------------------- comparing

    def run(self, signed: Sequence[tuple[str, int, bytes]]) -> None:
        """Compare with state, tiles and what was signed."""
        proven = False
        for where, size, root in signed:
            if size > self.size:
                self._add("log-shorter", f"{where}有 {size} 条，日志里只有 {self.size} 条：少了后面的条目。")
            elif merkle.root(size, self._read) != root:
                self._add("root-differs", f"{where}（{size} 条）和日志里的条目对不上：签名之后有条目被改过。")
            else:
                proven = proven or size == self.size
        fits = self.size == self._state_size and self.frontier == self._frontier
        if not fits and proven:
            self._add("state-altered", "日志的进度记录被改过：条目和签名相符，进度和条目不符。")
        suspect = not (fits or proven)
        named = self._compare_tiles(suspect)
        if suspect:
            self._compare_tail(named)

    def _compare_tiles(self, suspect: bool) -> bool:
        """Compare every stored tile; whether something was named. ``suspect`` says that the
        entries may be what is wrong, not the tile."""
        named = False
        differing: set[int] = set()
        expected = set()
        for level, data in enumerate(self._levels):
            below, differing = differing, set()
            for index in range(len(data) // _TILE):
                key = tile_key(level, index)
                expected.add(key)
                built = data[index * _TILE : (index + 1) * _TILE]
                stored = self._load(lambda key=key: self._log.tiles[key].data)
                if stored == built:
                    continue
                named = True
                differing.add(index)
                if stored is None or len(stored) != _TILE:
                    self._add("tile-missing", f"哈希块 {level}/{index} 不见了或读不出来。")
                elif level == 0 and suspect and self._stored_parent(index) == hash_in(stored, HEIGHT, 0):
                    self._name_entries(index, stored)
                else:
                    self._name_hashes(level, index, stored, built, below if suspect else set())
            if level:
                self._compare_edge(level, data, below if suspect else set())
        for key in self._log.tiles.keys():  # noqa: SIM118 - a BTree
            if key not in expected:
                named = True
                self._add("tile-unexpected", f"多出一个哈希块 {key >> 48}/{key & (1 << 48) - 1}。")
        return named

    def _compare_edge(self, level: int, data: bytes, explained: set[int]) -> None:
        full = len(data) // _TILE
        stored = self._load(lambda: self._log.edges[level].data)
        if stored is None:
            self._add("tile-missing", f"哈希块 {level}/{full}（未满）不见了或读不出来。")
        elif stored != data[full * _TILE :]:
            self._name_hashes(level, full, stored, data[full * _TILE :], explained)

    def _load(self, load: Any) -> bytes | None:
        try:
            data = load()
        except Exception:  # as in _load_rows
            return None
        return data if isinstance(data, bytes) else None

    def _stored_parent(self, index: int) -> bytes | None:
        """The stored hash over tile ``index`` of level 0."""
        parent, offset = divmod(index, WIDTH)
        data = self._load(lambda: self._log.tiles[tile_key(1, parent)].data)
        if data is None:
            data = self._load(lambda: self._log.edges[1].data) or b""
        return data[offset * HASH_SIZE : (offset + 1) * HASH_SIZE] or None

    def _name_entries(self, number: int, stored: bytes) -> None:
        """The tile fits the tree, the entries don't fit the tile."""
        first = number * WIDTH
        rows = self._load_rows(lambda: self._log.bundles[number].rows, first, self._add)
        found = [merkle.leaf_hash(row[0]) for row in rows if row is not None]
        texts: dict[Difference, str] = {
            "entry-altered": "编号 {} 的条目被改过。",
            "entry-missing": "编号 {} 的条目不见了。",
            "entry-inserted": "编号 {} 的位置上多出一条。",
            "entry-moved": "编号 {} 的条目被换了位置。",
        }
        for code, offset in differences(split(stored), found):
            row = rows[offset] if code != "entry-missing" else None
            self._add(code, texts[code].format(first + offset), first + offset, row[1] if row else None)

    def _name_hashes(
        self, level: int, index: int, stored: bytes, built: bytes, explained: set[int]
    ) -> None:
        """Hashes of a tile that don't fit what lies below; ``explained`` tiles were named there."""
        span = WIDTH**level
        for offset in range(max(len(stored), len(built)) // HASH_SIZE + 1):
            part = slice(offset * HASH_SIZE, (offset + 1) * HASH_SIZE)
            position = index * WIDTH + offset
            if stored[part] != built[part] and position not in explained:
                first = position * span
                self._add(
                    "tile-altered",
                    f"哈希块 {level}/{index} 的第 {offset} 个哈希和编号 {first} 到 {first + span - 1} 的条目对不上。",
                )

    def _compare_tail(self, named: bool) -> None:
        """Entries without a stored tile: the state's frontier still tells which part differs."""
        at, parts = 0, []
        if self.size == self._state_size and len(self.frontier) == len(self._frontier):
            for built, stored in zip(self.frontier, self._frontier, strict=True):
                width = 1 << (self.size - at).bit_length() - 1
                if built != stored and (width < WIDTH or not named):
                    parts.append((at, at + width - 1))
                at += width
            for first, last in parts:
                self._add("entries-differ", f"编号 {first} 到 {last} 的条目里有被改过的。", first)
        elif self.size != self._state_size:
            self._add("size-differs", f"进度记录说有 {self._state_size} 条，实际有 {self.size} 条。")
        if not named and not parts:
            self._add("state-altered", "日志的进度记录和条目对不上。")


def _is_row(row: object) -> bool:
    return (
        isinstance(row, tuple)
        and len(row) == 3
        and isinstance(row[0], bytes)
        and isinstance(row[1], str)
        and isinstance(row[2], bytes)
    )
