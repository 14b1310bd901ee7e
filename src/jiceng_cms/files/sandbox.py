"""Starts the limited process, waits no longer than allowed, ends it cleanly, keeps its answer."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from ..core.file_texts import FileText
from ..locale import say
from .kinds import Unfit

#: What one answer may hold, bytes.
_MOST = 128 << 20

#: How a work went: to its end, over its time, or down (no memory left, a crash, a fault).
Ended = Literal["done", "time", "down"]


@dataclass(frozen=True)
class Limits:
    """``memory`` in MiB; ``seconds`` of processor time, and of time on the wall."""

    memory: int = 1024
    seconds: int = 25
    wall: float = 40.0

    @classmethod
    def from_settings(cls, raw: Mapping[str, str]) -> Limits:
        """``files.memory`` (MiB), ``files.seconds`` and ``files.wall`` of the ini file."""
        return cls(
            int(raw.get("files.memory", cls.memory)),
            int(raw.get("files.seconds", cls.seconds)),
            float(raw.get("files.wall", cls.wall)),
        )


class Busy(Exception):
    """Too many files are being looked at just now."""


class Sandbox:
    """Runs works in limited processes, ``slots`` at a time."""

    def __init__(self, limits: Limits | None = None, *, slots: int = 2, module: str = "jiceng_cms.files.extract") -> None:
        self.limits = limits or Limits()
        self._module = module
        self._slots = threading.BoundedSemaphore(slots)

    def look(self, path: Path, name: str) -> tuple[str, FileText]:
        """(media type, text) of a file; Unfit where it may not be attached.

        A file that breaks its reader before anything is known of it is refused; one whose text
        takes too long or too much is taken, and says so.
        """
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            frames, ended = self.run(["look", name, str(size)], file)
        told = _json(frames, b"L")
        if told is None:
            raise Unfit(
                say("查看这个文件花的时间太长，已经停下，没有接收。请拆成小一点的文件，或者另存一份再上传。")
                if ended == "time"
                else say("这个文件打不开，或者展开以后太大，没有接收。请用原来的程序另存一份再上传。")
            )
        if "refused" in told:
            raise Unfit(say(told["refused"], **told["values"]))
        text = _json(frames, b"T")
        if text is None:
            return str(told["media_type"]), FileText("ended")
        body = json.dumps(text["parts"], ensure_ascii=False, separators=(",", ":")).encode()
        return str(told["media_type"]), FileText(str(text["status"]), int(text["pages"]), body)

    def draw(self, file: BinaryIO, family: str, first: int, last: int) -> list[bytes]:
        """WebP pictures of pages; fewer than asked for where a page can't be drawn."""
        frames, _ = self.run(["draw", family, str(first), str(last)], file)
        return [data for letter, data in frames if letter == b"P"]

    def join_photos(self, paths: Sequence[Path]) -> bytes:
        """One PDF of several photos; Unfit where one of them is none."""
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in paths]
            descriptors = [file.fileno() for file in files]
            frames, _ = self.run(["photos", *map(str, descriptors)], None, descriptors)
        for letter, data in frames:
            if letter == b"B":
                return data
        told = _json(frames, b"L")
        if told is not None:
            raise Unfit(say(told["refused"], **told["values"]))
        raise Unfit(say("这些照片合在一起太大，没有合成。请分几次上传，一次少选几张。"))

    def run(
        self, arguments: Sequence[str], file: BinaryIO | None, descriptors: Sequence[int] = ()
    ) -> tuple[list[tuple[bytes, bytes]], Ended]:
        """The frames that the process wrote before its end, and how it ended.

        Raises :class:`Busy` where no slot comes free within the time on the wall.
        """
        if not self._slots.acquire(timeout=self.limits.wall):
            raise Busy
        try:
            return self._run(arguments, file, descriptors)
        finally:
            self._slots.release()

    def _run(
        self, arguments: Sequence[str], file: BinaryIO | None, descriptors: Sequence[int]
    ) -> tuple[list[tuple[bytes, bytes]], Ended]:
        if file is not None:
            os.lseek(file.fileno(), 0, os.SEEK_SET)
        command = [sys.executable, "-I", "-B", "-m", self._module]
        command += [str(self.limits.memory), str(self.limits.seconds), *arguments]
        process = subprocess.Popen(
            command,
            stdin=file if file is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=tuple(descriptors),
            start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"},
            cwd="/",
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(self.limits.wall, end)
        timer.start()
        frames: list[tuple[bytes, bytes]] = []
        try:
            assert process.stdout is not None
            with process.stdout as answer:
                frames.extend(_frames(answer))
            code = process.wait()
        finally:
            timer.cancel()
            _kill(process)
            process.wait()
        if late.is_set() or code == -signal.SIGXCPU:
            return frames, "time"
        return frames, "done" if code == 0 else "down"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started; nothing to do where it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _frames(answer: Any) -> Iterator[tuple[bytes, bytes]]:
    """Whole frames; the rest of a frame that broke off is dropped."""
    left = _MOST
    while len(head := answer.read(5)) == 5:
        length = int.from_bytes(head[1:], "big")
        left -= length
        if left < 0:
            return
        data = answer.read(length)
        if len(data) < length:
            return
        yield head[:1], data


def _json(frames: Sequence[tuple[bytes, bytes]], letter: bytes) -> dict[str, Any] | None:
    for found, data in frames:
        if found == letter:
            value: dict[str, Any] = json.loads(data)
            return value
    return None
