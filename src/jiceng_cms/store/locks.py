"""One writer at a unit at a time, first come, first served.

Plain ``threading.Lock`` lets the holder take it again and starves the others. The lock is
throughput, not safety: safety is the storage's conflict detection.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Protocol


class Busy(Exception):
    """The unit's lock could not be had in time."""


class UnitLocks(Protocol):
    """Gives the lock of a unit."""

    def hold(self, unit: str, timeout: float = 30) -> contextlib.AbstractContextManager[None]:
        """Hold the unit's lock; :class:`Busy` after ``timeout`` seconds."""
        ...


class LocalLocks:
    """The locks of one process."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queues: dict[str, deque[threading.Lock]] = {}

    @contextlib.contextmanager
    def hold(self, unit: str, timeout: float = 30) -> Iterator[None]:
        """Wait in the queue of ``unit``; :class:`Busy` after ``timeout`` seconds."""
        gate = threading.Lock()
        gate.acquire()
        with self._mutex:
            queue = self._queues.setdefault(unit, deque())
            queue.append(gate)
            if queue[0] is gate:
                gate.release()
        if not gate.acquire(timeout=timeout):
            with self._mutex:
                if queue[0] is not gate:  # else it was handed over just now
                    queue.remove(gate)
                    raise Busy(unit)
        try:
            yield
        finally:
            with self._mutex:
                queue.popleft()
                if queue:
                    queue[0].release()
                else:
                    self._queues.pop(unit, None)
