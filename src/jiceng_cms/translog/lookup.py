"""Where in the log an event stands: found by its transaction, without an index of its own."""

from __future__ import annotations

from typing import Any

from .log import log_size, read_entries, read_entry


def find_index(connection: Any, tid: bytes, pointer: str) -> int | None:
    """The index of the entry with this transaction id and pointer, or None while it waits.

    Entries stand in the order of their transactions, so that about twenty entries are looked at
    in a log of a million.
    """
    low, high = 0, log_size(connection)
    size = high
    while low < high:
        middle = (low + high) // 2
        if read_entry(connection, middle).tid < tid:
            low = middle + 1
        else:
            high = middle
    while low < size:
        for entry in read_entries(connection, low, min(64, size - low)):
            if entry.tid != tid:
                return None
            if entry.pointer == pointer:
                return entry.index
            low = entry.index + 1
    return None
