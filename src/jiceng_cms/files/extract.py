"""The limited process that looks into files: ``python -m jiceng_cms.files.extract WORK ...``.

Standard input is the file, standard output a row of frames: a letter, four bytes of length, and
that many bytes. ``look NAME SIZE`` answers ``L`` (JSON: ``media_type``, or ``refused`` with the
reason) and then ``T`` (JSON: ``status``, ``pages``, ``parts``); ``draw FAMILY FIRST LAST`` a
``P`` for each page; ``photos FD ...`` reads those descriptors and answers ``B`` or ``L``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from ..locale import Text
from .confine import confine
from .kinds import Unfit


def _frame(letter: bytes, data: bytes) -> None:
    out = sys.stdout.buffer
    out.write(letter + len(data).to_bytes(4, "big") + data)
    out.flush()


def _say(letter: bytes, value: Any) -> None:
    _frame(letter, json.dumps(value, ensure_ascii=False).encode())


def _refuse(unfit: Unfit) -> None:
    """The words as their pattern and values, so that they can be said in another language."""
    message = unfit.message
    if isinstance(message, Text):
        values = {name: str(value) for name, value in message.values.items()}
        _say(b"L", {"refused": message.source, "values": values})
    else:
        _say(b"L", {"refused": message, "values": {}})


def _look(file: BinaryIO, name: str, size: int) -> None:
    from .looking import look
    from .reading import UNREADABLE, read

    try:
        media_type = look(file, name, size)
    except Unfit as unfit:
        _refuse(unfit)
        return
    _say(b"L", {"media_type": media_type})
    try:
        found = read(file, media_type, size)
    except Unfit:
        _say(b"T", {"status": UNREADABLE, "pages": 0, "parts": []})
        return
    _say(b"T", {"status": found.status, "pages": found.pages, "parts": found.parts})


def _draw(file: BinaryIO, family: str, first: int, last: int) -> None:
    from .drawing import draw

    for picture in draw(file, family, first, last):
        _frame(b"P", picture)


def _photos(descriptors: list[int]) -> None:
    from .drawing import photos_to_pdf

    files = [os.fdopen(descriptor, "rb") for descriptor in descriptors]
    try:
        _frame(b"B", photos_to_pdf(files))
    except Unfit as unfit:
        _refuse(unfit)


def main(arguments: list[str]) -> None:
    """``MEMORY SECONDS WORK ...``: limit this process, then work."""
    memory, seconds, work, *rest = arguments
    confine(memory=int(memory), seconds=int(seconds))
    file = sys.stdin.buffer.raw if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer
    with os.fdopen(os.dup(file.fileno()), "rb") as source:
        if work == "look":
            _look(source, rest[0], int(rest[1]))
        elif work == "draw":
            _draw(source, rest[0], int(rest[1]), int(rest[2]))
        elif work == "photos":
            _photos([int(descriptor) for descriptor in rest])
        else:
            raise SystemExit(f"no such work: {work}")


if __name__ == "__main__":
    main(sys.argv[1:])
