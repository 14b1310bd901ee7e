"""What happened: events, their kinds, and the leaves that the log commits to.

A leaf is RFC 8785 JSON of at most 1 KiB in one of two forms. *Closed*: ``{"v", "c"}``, a
salted commitment to the full event. *Open*, only for kinds registered so and only on a record
with a public edition: time, kind, unit, record, edition and a role, never a person, beside
commitments to the event and to the edition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import commitments
from .clock import iso
from .ids import pointer

#: Key of the transaction's metadata under which the leaves travel to the sequencer.
JOURNAL_KEY = "jiceng.journal"

MAX_LEAF = 1024
MAX_LEAVES = 50
MAX_METADATA = 60 * 1024


class JournalError(Exception):
    """An event that breaks its registration, or a batch over its limits: a fault of ours."""


@dataclass(frozen=True)
class Kind:
    """A registered kind of event. ``open`` kinds may have open leaves; ``public`` ones are
    told to residents under 这份公开是怎么来的, by office and count."""

    name: str
    zh_CN: str
    en: str
    open: bool = False
    public: bool = False


KINDS: dict[str, Kind] = {}


def register(name: str, zh_CN: str, en: str, *, open: bool = False, public: bool = False) -> Kind:
    """Register a kind; JournalError when the name is taken by another."""
    kind = Kind(name, zh_CN, en, open, public)
    if KINDS.setdefault(name, kind) != kind:
        raise JournalError(f"event kind {name} is registered twice")
    return kind


@dataclass(frozen=True)
class PublicFacts:
    """What an open leaf says: the edition it is about and the commitment to it."""

    record: str
    edition: int
    edition_commitment: str


@dataclass(frozen=True)
class Event:
    """One thing that happened. ``details`` names fields, revisions and counts, never values."""

    kind: str
    subject: str
    at: datetime
    unit: str
    actor: str
    role: str
    request_id: str
    details: Mapping[str, Any] = field(default_factory=dict)
    facts: PublicFacts | None = None

    def body(self) -> dict[str, Any]:
        """The event as JSON data: what its commitment covers."""
        body: dict[str, Any] = {
            "v": 1,
            "kind": self.kind,
            "subject": self.subject,
            "at": iso(self.at),
            "unit": self.unit,
            "actor": self.actor,
            "role": self.role,
            "request": self.request_id,
            "details": dict(self.details),
        }
        if self.facts is not None:
            body["edition"] = {"number": self.facts.edition, "c": self.facts.edition_commitment}
        return body


@dataclass(frozen=True)
class Stored:
    """An event as it is kept with its subject: its bytes, its salt, its leaf."""

    salt: bytes
    body: bytes
    leaf: bytes

    def pack(self) -> tuple[bytes, bytes, bytes]:
        """For a BTree's value: a tuple of bytes, which conflict resolution can compare."""
        return (self.salt, self.body, self.leaf)


def seal(event: Event) -> Stored:
    """Commit to an event: its canonical bytes, a fresh salt and the leaf for the log."""
    kind = KINDS.get(event.kind)
    if kind is None:
        raise JournalError(f"event kind {event.kind!r} is not registered")
    body = commitments.canonical(event.body())
    salt = commitments.new_salt()
    commitment = commitments.b64(commitments.commit(salt, body))
    if event.facts is None:
        leaf: dict[str, Any] = {"v": 1, "c": commitment}
    elif not kind.open:
        raise JournalError(f"event kind {event.kind} may not have an open leaf")
    else:
        leaf = {
            "v": 1,
            "t": iso(event.at),
            "k": event.kind,
            "u": event.unit,
            "r": event.facts.record,
            "n": event.facts.edition,
            "o": event.role,
            "c": commitment,
            "e": event.facts.edition_commitment,
        }
    data = commitments.canonical(leaf)
    if len(data) > MAX_LEAF:
        raise JournalError(f"the leaf of {event.kind} has {len(data)} bytes, {MAX_LEAF} are allowed")
    return Stored(salt, body, data)


class EventBatch(list[tuple[bytes, str]]):
    """(leaf, pointer) of each event of one transaction, in order.

    ``subjects`` lives in memory for the guard; pickled, a batch is a plain list.
    """

    subjects: frozenset[str]

    def __init__(self, items: Iterable[tuple[str, bytes, int]] = ()) -> None:
        items = list(items)
        super().__init__((leaf, pointer(subject, number)) for subject, leaf, number in items)
        self.subjects = frozenset(subject for subject, _, _ in items)

    def __reduce__(self) -> Any:
        return list, (list(self),)


class Journal:
    """Collects the events of one transaction and stores each with its subject."""

    def __init__(self) -> None:
        self._items: list[tuple[str, bytes, int]] = []
        self.also: set[str] = set()

    def add(self, event: Event, history: Any) -> int:
        """Store ``event`` in ``history`` (see :mod:`.history`); gives its number there."""
        stored = seal(event)
        number: int = history.append(stored)
        self._items.append((event.subject, stored.leaf, number))
        return number

    def covers(self, subject: str) -> None:
        """Let an event of this transaction stand for a change of ``subject`` too."""
        self.also.add(subject)

    def batch(self) -> EventBatch:
        """All events as the transaction carries them; JournalError over the limits."""
        batch = EventBatch(self._items)
        if self._items:
            batch.subjects = batch.subjects | self.also
        size = sum(len(leaf) + len(where) + 16 for leaf, where in batch)
        if len(batch) > MAX_LEAVES or size > MAX_METADATA:
            raise JournalError(f"{len(batch)} events of {size} bytes are too many for one commit")
        return batch

    def __len__(self) -> int:
        return len(self._items)
