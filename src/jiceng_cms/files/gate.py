"""What the detectors of personal data find in the text of attachments, named by file and page."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from ..core.file_texts import AttachmentText, plain_part, text_of
from ..core.records import Record
from ..locale import say
from ..privacy import scan_fields

#: What is told of one file at the most: whoever sees so many looks at the whole file.
TOLD: Final = 5
_KEPT: Final = 512

_Found = tuple[str, ...]


class _Kept:
    """Findings of texts, which never change: a working page asks at each visit."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, ...], _Found] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: AttachmentText, allowed: tuple[str, ...]) -> _Found:
        key = (text.subject, text.id, str(text._p_serial), text.at.isoformat(), *allowed)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = tuple(_scan(text, allowed))
        with self._lock:
            self._found[key] = found
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return found


_kept = _Kept()


def file_findings(record: Record, allowed: tuple[str, ...] = ()) -> Iterator[str]:
    """What was found in the texts of the draft's attachments, a sentence each, masked.

    ``allowed`` are numbers of offices.
    """
    for id in record.draft.attachments:
        text = text_of(record, id)
        if text is None:
            continue
        name = short(record.attachments[id].filename)
        found = _kept.get(text, allowed)
        for where in found[:TOLD]:
            yield say("附件“{name}”{found}", name=name, found=where)
        if len(found) > TOLD:
            yield say("附件“{name}”里这样的地方一共有 {n} 处。", name=name, n=len(found))


def short(name: str) -> str:
    """A file's name for a sentence."""
    return name if len(name) <= 20 else name[:20] + "…"


def _scan(text: AttachmentText, allowed: tuple[str, ...]) -> Iterator[str]:
    for part in text.parts():
        whole = plain_part(part)
        for finding in scan_fields({part["label"]: whole}, allowed_numbers=allowed):
            place = part["label"]
            if "rows" in part:
                place = say("{sheet}第{n}行", sheet=place, n=whole.count("\n", 0, finding.start) + 1)
            yield say("{place}：{reason}（{masked}）", place=place, reason=finding.reason, masked=finding.excerpt_masked)
