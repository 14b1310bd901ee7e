"""Pictures of pages, made when they are first asked for and kept in a folder that may be deleted.

The folder is a projection: it holds nothing that can't be drawn again, is bounded, and is never
read without the same question of permission as the file itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from .sandbox import Sandbox

#: How many pages of a file can be read in place.
MOST_PAGES: Final = 50
#: Pages that are drawn together: starting a process costs more than a page.
_TOGETHER: Final = 5
#: For how long a page that could not be drawn is not tried again, in seconds.
_GIVE_UP: Final = 3600


class Pictures:
    """Pictures of pages in ``folder``, at most ``most`` bytes of them.

    ``secret`` keys the names of the files, so that the folder tells nothing by them.
    """

    def __init__(self, folder: Path, secret: bytes, sandbox: Sandbox, *, most: int = 512 << 20) -> None:
        self._folder = folder
        self._secret = secret
        self._sandbox = sandbox
        self._most = most
        self._locks = [threading.Lock() for _ in range(16)]
        self._written = 0

    def page(self, subject: str, id: str, family: str, number: int, open_file: Callable[[], BinaryIO]) -> bytes | None:
        """The WebP picture of page ``number`` (from 1) of an attachment; None where there is none.

        ``open_file`` is called where it has to be drawn. Raises :class:`.sandbox.Busy`.
        """
        if not 1 <= number <= MOST_PAGES:
            return None
        path = self._path(subject, id, number)
        found = self._kept(path)
        if found is None:
            with self._locks[hash((subject, id)) % len(self._locks)]:
                found = self._kept(path)
                if found is None:
                    self._draw(subject, id, family, number, open_file)
                    found = self._kept(path)
        return found or None

    def forget(self, subject: str) -> None:
        """Remove every picture of a record's files: it was withdrawn or sealed."""
        shutil.rmtree(self._record(subject), ignore_errors=True)

    def _draw(self, subject: str, id: str, family: str, number: int, open_file: Callable[[], BinaryIO]) -> None:
        first = (number - 1) // _TOGETHER * _TOGETHER + 1
        last = min(first + _TOGETHER - 1, MOST_PAGES)
        with open_file() as file:
            drawn = self._sandbox.draw(file, family, first, last)
        for at, data in enumerate(drawn, first):
            self._keep(self._path(subject, id, at), data)
        if number >= first + len(drawn):
            self._keep(self._path(subject, id, number), b"")  # not again for a while

    def _record(self, subject: str) -> Path:
        return self._folder / self._name(subject)

    def _path(self, subject: str, id: str, number: int) -> Path:
        return self._record(subject) / f"{self._name(f'{subject}/{id}')}-{number}.webp"

    def _name(self, text: str) -> str:
        return hmac.new(self._secret, f"pictures:{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def _kept(self, path: Path) -> bytes | None:
        """What is kept of a page: b"" for one that can't be drawn, None for one not tried."""
        try:
            data = path.read_bytes()
            if not data and time.time() - path.stat().st_mtime > _GIVE_UP:
                return None
            if data:  # a mark of failure must age
                with contextlib.suppress(OSError):
                    os.utime(path)  # the least wanted goes first
            return data
        except FileNotFoundError:
            return None

    def _keep(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        new.write_bytes(data)
        new.replace(path)
        self._written += len(data)
        if self._written > self._most // 8:
            self._written = 0
            self._shrink()

    def _shrink(self) -> None:
        """Remove what was not asked for the longest, until an eighth of the room is free."""
        found = []
        for path in self._folder.glob("*/*.webp"):
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most * 7 // 8:
                return
            path.unlink(missing_ok=True)
            total -= size
