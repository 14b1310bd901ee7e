"""The runner: the only way in which anything is written."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import transaction
from transaction.interfaces import TransientError
from ZODB.POSException import ConflictError

from ..core.events import JOURNAL_KEY, Journal
from .locks import UnitLocks

T = TypeVar("T")


class OutOfTries(Exception):
    """Conflicts at every try; the change was not made."""


class Runner:
    """Runs a piece of work in a transaction of its own, under its unit's lock.

    ``after`` is called after each commit (the sequencer's bell), outside the lock.
    """

    def __init__(
        self,
        db: Any,
        locks: UnitLocks,
        *,
        tries: int = 5,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._locks = locks
        self._tries = tries
        self.after = after
        self.conflicts = 0

    def run(self, unit: str, work: Callable[[Any, Journal], T]) -> T:
        """Call ``work(connection, journal)`` and commit what it did and the events it added.

        The lock is taken before the snapshot, so that whoever waited sees what the one before
        wrote. ``work`` may be called again after a conflict, so it has no other effect than
        on the connection. Raises what ``work`` raises, :class:`OutOfTries`,
        :class:`~.locks.Busy`, or :class:`~.guard.UnauditedChange` where ``work`` changed
        something and added no event about it. An error at the very commit that is no conflict leaves the outcome
        unknown: it is raised as it is and never tried again.
        """
        with self._locks.hold(unit):
            for attempt in range(self._tries):
                manager = transaction.TransactionManager(explicit=True)
                connection = self._db.open(manager)
                try:
                    manager.begin()
                    journal = Journal()
                    result = work(connection, journal)
                    if len(journal):
                        manager.get().setExtendedInfo(JOURNAL_KEY, journal.batch())
                    # without an event too: where nothing changed this stores nothing, and what
                    # did change is refused aloud by the guard and not lost in silence
                    manager.commit()
                    break
                except (TransientError, ConflictError) as error:
                    self.conflicts += 1
                    manager.abort()
                    if attempt + 1 == self._tries:
                        raise OutOfTries(unit) from error
                    time.sleep(random.random() * 0.01 * 2**attempt)
                except BaseException:
                    manager.abort()
                    raise
                finally:
                    connection.close()
        self.after()
        return result
