"""Tiles and entry bundles by the text of C2SP tlog-tiles: addresses and encodings.

A tile of level L holds up to 256 hashes, each the root over 256**L leaves; a bundle holds up
to 256 entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .merkle import HASH_SIZE, fold

#: Hashes of a full tile, entries of a full bundle.
WIDTH = 256

#: Levels of the tree that one tile spans: 2**HEIGHT == WIDTH.
HEIGHT = 8

MAX_LEVEL = 63

#: What the two bytes before each entry of a bundle can say.
MAX_ENTRY = 0xFFFF

_PATH = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class TilePathError(ValueError):
    """A path that names no tile."""


@dataclass(frozen=True)
class TileAddress:
    """Where a tile lies. ``level`` is None for a bundle of entries; ``width`` is 1 to 256."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def full(self) -> bool:
        """Whether all 256 hashes or entries are meant."""
        return self.width == WIDTH

    @property
    def path(self) -> str:
        """The path below ``tile/``, such as ``0/x001/x234/067.p/8``."""
        digits = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            digits = f"x{rest % 1000:03}/{digits}"
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{digits}" + ("" if self.full else f".p/{self.width}")

    @classmethod
    def parse(cls, path: str) -> TileAddress:
        """Read a path; TilePathError unless it is spelled as :attr:`path` spells it."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise TilePathError(path)
        level = None if match["level"] == "entries" else int(match["level"])
        index = int(match["index"].replace("x", "").replace("/", ""))
        width = int(match["width"]) if match["width"] else WIDTH
        address = cls(level, index, width)
        # nothing has a second name: no .p/256, no leading x000
        if (level or 0) > MAX_LEVEL or width > WIDTH or address.path != path:
            raise TilePathError(path)
        return address

    def exists(self, size: int) -> bool:
        """Whether a tree of ``size`` leaves has all that this address names."""
        leaves = 1 << HEIGHT * (self.level or 0)
        return (self.index * WIDTH + self.width) * leaves <= size


def widths(size: int) -> list[int]:
    """Width of the partial tile of each level in a tree of ``size`` leaves, 0 where none is."""
    found = []
    while size:
        found.append(size % WIDTH)
        size //= WIDTH
    return found


def join(hashes: Iterable[bytes]) -> bytes:
    """The data of a tile with these hashes."""
    return b"".join(hashes)


def split(data: bytes) -> list[bytes]:
    """The hashes of a tile; ValueError when one is cut short."""
    if len(data) % HASH_SIZE:
        raise ValueError("a tile ends within a hash")
    return [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]


def hash_in(data: bytes, level: int, index: int) -> bytes:
    """Root over ``2**level`` hashes of a tile (level 0 to 8), the ``index``-th of its kind.

    ValueError when the tile is too short to hold it.
    """
    span = HASH_SIZE << level
    part = data[index * span : (index + 1) * span]
    if len(part) != span:
        raise ValueError("the tile is too short")
    return fold(split(part))


def encode_bundle(leaves: Iterable[bytes]) -> bytes:
    """Entries as a bundle: each behind its length in two bytes, big end first.

    ValueError when an entry is longer than ``MAX_ENTRY``.
    """
    parts = []
    for leaf in leaves:
        if len(leaf) > MAX_ENTRY:
            raise ValueError(f"an entry of {len(leaf)} bytes doesn't fit into a bundle")
        parts += [len(leaf).to_bytes(2, "big"), leaf]
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; ValueError when it is cut short."""
    leaves, at = [], 0
    while at < len(data):
        start = at + 2
        end = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or end > len(data):
            raise ValueError("the bundle is cut short")
        leaves.append(data[start:end])
        at = end
    return leaves
