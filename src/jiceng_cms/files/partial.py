"""Files that come in pieces: how much of each has arrived, whose it is, when it is given up.

The core of the tus protocol 1.0 without its headers: begin, append at an offset, ask for the
offset. A piece that breaks off counts as far as it came; nothing is held in memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..locale import say
from .kinds import Unfit

_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_MIB: Final = 1 << 20
#: Room on the disk that uploads leave to the rest of the site, bytes.
_SPARE: Final = 512 * _MIB


class NotThere(Exception):
    """No such upload, or not this person's, or given up: the three look the same."""


class Elsewhere(Exception):
    """The piece does not begin where the last one ended; ``offset`` is where that is."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclass(frozen=True)
class Bounds:
    """Sizes in bytes. ``plain``: one file in a form; ``most``: one file in pieces; ``piece``: one
    piece; ``own``: all that a person has on the way; ``all``: everybody; ``keep``: for how long a
    file waits for its next piece."""

    plain: int = 20 * _MIB
    most: int = 200 * _MIB
    piece: int = 8 * _MIB
    own: int = 1024 * _MIB
    all: int = 8192 * _MIB
    keep: timedelta = timedelta(hours=24)

    @classmethod
    def from_settings(cls, raw: Mapping[str, str]) -> Bounds:
        """``files.max_size``, ``files.max_plain``, ``files.piece``, ``files.quota``,
        ``files.quota_all`` in MiB, ``files.keep_hours``."""

        def mib(name: str, default: int) -> int:
            return int(raw[name]) * _MIB if name in raw else default

        most = mib("files.max_size", cls.most)
        return cls(
            min(mib("files.max_plain", cls.plain), most),
            most,
            mib("files.piece", cls.piece),
            max(mib("files.quota", cls.own), most),
            max(mib("files.quota_all", cls.all), most),
            timedelta(hours=int(raw["files.keep_hours"])) if "files.keep_hours" in raw else cls.keep,
        )


@dataclass(frozen=True)
class Coming:
    """An upload on its way. ``owner`` is a person, ``where`` the subject that it is for."""

    id: str
    owner: str
    where: str
    name: str
    size: int


class PartialUploads:
    """The uploads in a folder: ``ID.json`` says what it is, ``ID.part`` is what has arrived."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        self.folder = folder
        self.bounds = bounds or Bounds()

    def begin(self, owner: str, where: str, name: str, size: int, now: datetime) -> Coming:
        """Make room for a file; Unfit where it is too large or too much is on its way."""
        bounds = self.bounds
        if size <= 0:
            raise Unfit(say("这个文件是空的。请检查后重新选择。"))
        if size > bounds.most:
            raise Unfit(too_large(bounds.most))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sweep(now)
        others = list(self._all())
        if sum(c.size for c in others if c.owner == owner) + size > bounds.own:
            raise Unfit(say("您还有没传完的文件，占满了地方。请先传完，或者明天再传。"))
        if sum(c.size for c in others) + size > bounds.all or shutil.disk_usage(self.folder).free < size + _SPARE:
            raise Unfit(say("服务器现在放不下这么大的文件。请过一会儿再传，或者告诉管理员。"))
        coming = Coming(secrets.token_urlsafe(16), owner, where, name, size)
        self._part(coming.id).touch(0o600)
        self._note(coming.id).write_text(json.dumps(asdict(coming)), encoding="utf-8")
        return coming

    def find(self, id: str, owner: str, where: str) -> Coming:
        """The upload of this person for this place; :class:`NotThere` else."""
        coming = self._read(id) if _ID.fullmatch(id) else None
        if coming is None or (coming.owner, coming.where) != (owner, where):
            raise NotThere
        return coming

    def offset(self, coming: Coming) -> int:
        """How many bytes have arrived."""
        try:
            return self._part(coming.id).stat().st_size
        except FileNotFoundError:
            raise NotThere from None

    def append(self, coming: Coming, offset: int, piece: BinaryIO) -> int:
        """Add a piece that begins at ``offset``; gives the offset of the next.

        Raises :class:`Elsewhere` for another offset, or while another piece is being written;
        Unfit for more than was announced. What came before a connection broke is kept.
        """
        try:
            part = self._part(coming.id).open("r+b")
        except FileNotFoundError:
            raise NotThere from None
        with part:
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Elsewhere(self.offset(coming)) from None
            at = part.seek(0, os.SEEK_END)
            if at != offset:
                raise Elsewhere(at)
            left = coming.size - at
            taken = 0
            try:
                while data := piece.read(1 << 16):
                    taken += len(data)
                    if taken > left or taken > self.bounds.piece:
                        part.truncate(at)
                        raise Unfit(say("传来的内容比说好的多，没有接收。请重新选择文件。"))
                    part.write(data)
            finally:
                part.flush()
                os.fsync(part.fileno())
            return min(at + taken, coming.size)

    def take(self, coming: Coming) -> Path:
        """The file, all of it; Unfit where a piece is missing. :meth:`drop` removes it."""
        if self.offset(coming) != coming.size:
            raise Unfit(say("这个文件还没有传完。请等它传完，或者重新选择。"))
        return self._part(coming.id)

    def drop(self, coming: Coming) -> None:
        """Give an upload up, or be done with it."""
        self._part(coming.id).unlink(missing_ok=True)
        self._note(coming.id).unlink(missing_ok=True)

    def sweep(self, now: datetime) -> int:
        """Remove what has waited too long, and what a broken process left; gives how many files."""
        before = (now - self.bounds.keep).timestamp()
        removed = 0
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < before:
                    # a note is as old as its upload's beginning: it goes with its part
                    part = path.with_suffix(".part")
                    if path.suffix == ".json" and part.exists() and part.stat().st_mtime >= before:
                        continue
                    path.unlink()
                    removed += 1
        return removed

    def _all(self) -> Iterator[Coming]:
        for path in self.folder.glob("*.json"):
            coming = self._read(path.stem)
            if coming is not None:
                yield coming

    def _read(self, id: str) -> Coming | None:
        try:
            told: dict[str, Any] = json.loads(self._note(id).read_text(encoding="utf-8"))
            return Coming(**told)
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _part(self, id: str) -> Path:
        return self.folder / f"{id}.part"

    def _note(self, id: str) -> Path:
        return self.folder / f"{id}.json"


def too_large(most: int) -> str:
    """What is said of a file beyond ``most`` bytes."""
    return say("文件超过 {n} MB。扫描件可以降低清晰度，或者拆成几个文件。", n=most // _MIB)
