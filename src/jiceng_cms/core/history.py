"""The histories in which full events are kept, beside the things that they are about."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from BTrees.IOBTree import IOBTree, IOBucket
from BTrees.LOBTree import LOBTree, LOBucket

from .audit import audited
from .events import Stored


class Kept(NamedTuple):
    """An event as it was kept: ``number`` in its history, salt, canonical bytes, leaf."""

    number: int
    salt: bytes
    body: bytes
    leaf: bytes

    def event(self) -> dict[str, Any]:
        """The event's JSON data (see :meth:`jiceng_cms.core.events.Event.body`)."""
        data: dict[str, Any] = json.loads(self.body)
        return data


@audited("structure")
class HistoryBucket(IOBucket):
    """A leaf node of :class:`History`."""


@audited("structure")
class History(IOBTree):
    """The events of one subject that only one transaction at a time changes: 0, 1, 2 ..."""

    _bucket_type = HistoryBucket

    def append(self, stored: Stored) -> int:
        """Keep an event; gives its number."""
        number: int = self.maxKey() + 1 if self else 0
        self[number] = stored.pack()
        return number


@audited("structure")
class SharedBucket(LOBucket):
    """A leaf node of :class:`SharedHistory`."""


@audited("structure")
class SharedHistory(LOBTree):
    """The events of a subject that many write at once: numbered by time, so that no two
    writers fight for the next number."""

    _bucket_type = SharedBucket

    def append(self, stored: Stored) -> int:
        """Keep an event under the present nanosecond, or the next free one."""
        number = time.time_ns()
        while number in self:
            number += 1
        self[number] = stored.pack()
        return number


def kept(history: Any, *, newest_first: bool = False) -> Iterator[Kept]:
    """Every event of a history, in order."""
    items = reversed(list(history.items())) if newest_first else history.items()
    for number, (salt, body, leaf) in items:
        yield Kept(number, salt, body, leaf)
