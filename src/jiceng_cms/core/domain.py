"""The domain as configured: what content types, workflows, checks, rules and calendar there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from persistent import Persistent

from .audit import audited
from .calendar import Calendar
from .clock import Clock
from .rules import RuleRegister
from .workflow.definition import Definition, Vocabulary, build

if TYPE_CHECKING:
    from .actions import Context
    from .records import Record
    from .units import Unit
    from .workflow.definition import Transition


@dataclass(frozen=True)
class Problem:
    """What a check found. ``stop`` bars the transition, ``warn`` is shown and does not.

    ``field`` is the form's field that it is about, or "".
    """

    text: str
    level: Literal["stop", "warn"] = "stop"
    field: str = ""


@dataclass(frozen=True)
class Moving:
    """A transition about to happen: what a check and an effect look at."""

    ctx: Context
    unit: Unit
    record: Record
    definition: Definition
    transition: Transition
    comment: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


#: A check gives its problems; it only looks.
Check = Callable[[Moving], Iterable[Problem]]


@dataclass(frozen=True)
class Happened:
    """What an effect did: the kind of the event and what it says."""

    kind: str
    details: Mapping[str, Any] = field(default_factory=dict)
    facts: Any = None


#: An effect changes the record; the last one that gives something names the event.
Effect = Callable[[Moving], Happened | None]


@dataclass(frozen=True)
class Snippet:
    """What of a record goes into lists and search."""

    body: str
    tables: str


@dataclass(frozen=True)
class ContentType:
    """A type of records. All callables are pure.

    ``schema(unit, kind)`` gives the Colander schema of its data; ``workflow(kind)`` the id of its
    definition; ``missing(data)`` the required elements that a draft still lacks, as problems;
    ``texts(data)`` every text by field, for the privacy gate; ``snippet(data)`` what search reads;
    ``audience(data)`` who an edition is for; ``changed(old, new)`` the names of changed fields;
    ``substantial(old, new)`` the names of those that no typing error explains.
    """

    name: str
    section: str
    title: Mapping[str, str]
    number_prefix: str
    kinds: tuple[str, ...]
    schema: Callable[[Any, str], Any]
    workflow: Callable[[str], str]
    missing: Callable[[Mapping[str, Any]], Iterable[Problem]]
    texts: Callable[[Mapping[str, Any]], Mapping[str, str]]
    snippet: Callable[[Mapping[str, Any]], Snippet]
    audience: Callable[[Mapping[str, Any]], str]
    changed: Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str, ...]]
    substantial: Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str, ...]]


@audited("frozen")
class StoredDefinition(Persistent):
    """A resolved workflow definition as it was first used; its name is its hash."""

    def __init__(self, hash: str, id: str, version: int, source: bytes) -> None:
        self.subject = f"definition:{hash}"
        self.hash = hash
        self.id = id
        self.version = version
        self.source = source


class UnknownDefinition(Exception):
    """A run is pinned to a definition that neither the files nor the database hold."""


class Domain:
    """Everything that actions need to know besides the database. Made once, at start-up."""

    def __init__(
        self,
        *,
        content_types: Iterable[ContentType],
        definitions: Mapping[str, Definition],
        vocabulary: Vocabulary,
        checks: Mapping[str, Check],
        effects: Mapping[str, Effect],
        schemas: Mapping[str, Callable[[], Any]],
        rules: RuleRegister,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.content_types = {t.name: t for t in content_types}
        self.sections = {t.section: t for t in self.content_types.values()}
        self.definitions = dict(definitions)
        self.vocabulary = vocabulary
        self.checks = dict(checks)
        self.effects = dict(effects)
        self.schemas = dict(schemas)
        self.rules = rules
        self.calendar = calendar
        self.clock = clock
        self._by_hash = {d.hash: d for d in definitions.values()}

    def definition(self, hash: str, stored: Mapping[str, StoredDefinition]) -> Definition:
        """The definition that a run is pinned to; ``stored`` is the site's folder of them."""
        found = self._by_hash.get(hash)
        if found is None:
            kept = stored.get(hash)
            if kept is None:
                raise UnknownDefinition(hash)
            found = build(json.loads(kept.source), self.vocabulary, f"{kept.id} {hash[:8]}")
            # immutable and named by its content: safe to share between threads
            self._by_hash[hash] = found
        return found

    def rule_value(self, rule: str, unit_kind: str, on: date) -> int:
        """The number that a rule gives for a kind of unit on a day."""
        return int(self.rules.resolve(rule, unit_kind, on).value)
