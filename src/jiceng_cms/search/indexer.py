"""Feeds a search engine from the journal: follows by index, in batches, safe to kill.

An entry says only that a record changed. What goes into the index is the record's **present**
public state, read when the batch is made; so a batch may be repeated, and an old entry can
never bring back what was withdrawn since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .interface import Batch, SearchDocument, SearchEngine

#: The most entries that one commit of the engine takes in (DESIGN 4.5).
MAX_BATCH = 100


class Entry(Protocol):
    """What the indexer needs of a journal entry."""

    @property
    def index(self) -> int:
        """Its place in the journal, from 0."""
        ...

    @property
    def pointer(self) -> str:
        """``SUBJECT#N``, such as ``record:990101100201/k7m2q9xw#5``."""
        ...


def record_key(pointer: str) -> str | None:
    """The key of the record that a pointer speaks of, or None for another subject."""
    subject, _, _ = pointer.rpartition("#")
    kind, _, key = subject.partition(":")
    return key if kind == "record" and key else None


class Indexer:
    """Brings ``engine`` up to the journal.

    ``read_entries(start, limit)`` gives entries from index ``start`` on, in order, without a
    gap, at most ``limit``; ``read_document(key)`` the record's present public edition, or None
    where it has none (then it leaves the index). One thread at a time.
    """

    def __init__(
        self,
        engine: SearchEngine,
        read_entries: Callable[[int, int], Sequence[Entry]],
        read_document: Callable[[str], SearchDocument | None],
    ) -> None:
        self._engine = engine
        self._read_entries = read_entries
        self._read_document = read_document

    def step(self, limit: int = MAX_BATCH) -> int:
        """Take in the next entries, at most ``limit`` and never more than MAX_BATCH.

        Returns how many; 0 when the index has caught up. Raises what the engine's ``apply``
        raises, and ValueError for a journal with a gap; then nothing has moved.
        """
        start = self._engine.cursor()
        entries = self._read_entries(start, min(limit, MAX_BATCH))
        for expected, entry in enumerate(entries, start):
            if entry.index != expected:
                raise ValueError(f"journal entry {expected} is missing, found {entry.index}")
        if not entries:
            return 0
        keys = dict.fromkeys(record_key(entry.pointer) for entry in entries)
        self._apply([key for key in keys if key is not None], start + len(entries))
        return len(entries)

    def refresh(self, keys: Sequence[str]) -> None:
        """Read records again that changed without an entry (the day ended a display period)."""
        distinct = list(dict.fromkeys(keys))
        for at in range(0, len(distinct), MAX_BATCH):
            self._apply(distinct[at : at + MAX_BATCH], self._engine.cursor())

    def rebuild(self, progress: Callable[[int], None] = lambda done: None) -> int:
        """Throw the index away and make it again from the first entry.

        ``progress`` hears how many entries are done, after each batch. Returns how many there
        were. A rebuild that is killed goes on with the next ``step``.
        """
        self._engine.clear()
        done = 0
        while taken := self.step():
            done += taken
            progress(done)
        self._engine.optimise()
        return done

    def _apply(self, keys: Sequence[str], cursor: int) -> None:
        upserts: list[SearchDocument] = []
        deletes: list[str] = []
        for key in keys:
            document = self._read_document(key)
            if document is None:
                deletes.append(key)
            elif document.key != key:
                raise ValueError(f"asked for {key}, got {document.key}")
            else:
                upserts.append(document)
        self._engine.apply(Batch(tuple(upserts), tuple(deletes), cursor))
