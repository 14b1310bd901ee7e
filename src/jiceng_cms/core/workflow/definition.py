"""Workflow definitions: read from TOML, merged, validated, checked, hashed.

A definition is data: there is no expression language. ``checks`` and ``effects`` name functions
that domain packages register; rules are named without a kind of unit and resolved by the rule
register.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..commitments import canonical
from ..permissions import EVERYONE, ROLES
from .file_schema import SIGNOFF, STATE, TOP, TRANSITION, read_table

#: Permissions that a state may allow.
PERMISSIONS = ("view", "edit", "clear_attachments", "record_paper")
VERDICTS = ("agree", "reserve", "object")


class DefinitionError(Exception):
    """A workflow file that can't be used; ``faults`` are ``path: what is wrong``."""

    def __init__(self, source: str, faults: Iterable[str]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.faults))


@dataclass(frozen=True)
class Vocabulary:
    """The names that files may use: registered checks, effects, schemas, and known rules."""

    checks: frozenset[str] = frozenset()
    effects: frozenset[str] = frozenset()
    schemas: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Signoff:
    """A body's sign-off in a state. ``quorum`` of verdicts given completes it."""

    name: str
    title: Mapping[str, str]
    body: str
    quorum: str | int
    verdicts: tuple[str, ...]
    reason_required_for: tuple[str, ...]
    #: "" always, or the audience for which it is asked
    audience: str = ""


@dataclass(frozen=True)
class State:
    """A state: who may do what in it, its sign-offs and its deadline."""

    name: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    allow: Mapping[str, tuple[str, ...]]
    signoffs: Mapping[str, Signoff]
    published: bool
    final: bool
    deadline_rule: str
    deadline_then: str
    remind: bool
    display_rule: str


@dataclass(frozen=True)
class Transition:
    """A way from some states to another, by roles, under checks."""

    name: str
    title: Mapping[str, str]
    sources: tuple[str, ...]
    target: str
    by: tuple[str, ...]
    checks: tuple[str, ...]
    effects: tuple[str, ...]
    comment: str
    reauthenticate: bool
    back: bool
    forward: bool
    #: done by whoever approves: may be neither author nor signer, and stand-ins may do it
    approves: bool
    #: may not be done by an author of the revision
    not_author: bool
    #: name of a registered schema for what is asked beside the comment
    data: str
    #: what the button says will happen
    outcome: Mapping[str, str]


@dataclass(frozen=True)
class Definition:
    """A resolved workflow; ``hash`` is over its canonical JSON."""

    id: str
    version: int
    title: Mapping[str, str]
    initial: str
    states: Mapping[str, State]
    transitions: Mapping[str, Transition]
    #: the order in which a person sees the states of the main way
    line: tuple[str, ...]
    hash: str = field(compare=False)
    source: bytes = field(compare=False, repr=False)

    def roles_allowed(self, state: str, permission: str) -> tuple[str, ...]:
        """The roles that hold a permission in a state."""
        return self.states[state].allow.get(permission, ())

    def transitions_from(self, state: str) -> tuple[Transition, ...]:
        """The transitions that start in a state, in the file's order."""
        return tuple(t for t in self.transitions.values() if state in t.sources)


# --------------------------------------------------------------------- merging


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` laid over it, tables deeply, by name; ``false`` removes a table."""
    result = dict(base)
    for name, value in change.items():
        if value is False and isinstance(result.get(name), Mapping):
            del result[name]
        elif isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merge(result[name], value)
        else:
            result[name] = value
    return result


def resolve(raw: Mapping[str, Mapping[str, Any]], id: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The table of definition ``id`` with what it extends merged in."""
    if id in seen:
        raise DefinitionError(id, [f"extends: {' > '.join((*seen, id))} goes round in a circle"])
    table = dict(raw[id])
    base = table.pop("extends", None)
    if base is None:
        return table
    if base not in raw:
        raise DefinitionError(id, [f"extends: there is no workflow {base!r}"])
    return merge(resolve(raw, base, (*seen, id)), table)


# --------------------------------------------------------------------- building


def build(table: Mapping[str, Any], words: Vocabulary, source: str = "") -> Definition:
    """A checked definition from a resolved table; DefinitionError names every fault."""
    faults: list[str] = []
    name = source or str(table.get("id", "?"))
    top = {k: v for k, v in table.items() if k not in ("states", "transitions")}
    head = read_table(TOP, top, "", faults)
    states = {
        n: _state(n, value, words, faults)
        for n, value in _table(table.get("states", {}), "states", faults).items()
    }
    transitions = {
        n: _transition(n, value, words, faults)
        for n, value in _table(table.get("transitions", {}), "transitions", faults).items()
    }
    if faults:
        raise DefinitionError(name, faults)
    body = canonical(dict(table))
    definition = Definition(
        id=head["id"],
        version=head["version"],
        title=head["title"],
        initial=head["initial"],
        states={n: s for n, s in states.items() if s is not None},
        transitions={n: t for n, t in transitions.items() if t is not None},
        line=tuple(head["line"]),
        hash=hashlib.sha256(body).hexdigest(),
        source=body,
    )
    faults = list(inspect(definition))
    if faults:
        raise DefinitionError(name, faults)
    return definition


def _table(value: Any, path: str, faults: list[str]) -> Mapping[str, Any]:
    """A table of tables; anything else is a fault and empty."""
    if isinstance(value, Mapping):
        return value
    faults.append(f"{path}: must be a table")
    return {}


def _unknown(kind: str, names: Iterable[str], known: Iterable[str], path: str, faults: list[str]) -> None:
    known = set(known)
    for n in names:
        if n not in known:
            faults.append(f"{path}: unknown {kind} {n!r}")


def _state(name: str, value: Any, words: Vocabulary, faults: list[str]) -> State | None:
    path = f"states.{name}"
    if not isinstance(value, Mapping):
        faults.append(f"{path}: must be a table")
        return None
    plain = {k: v for k, v in value.items() if k not in ("allow", "signoffs")}
    read = read_table(STATE, plain, path, faults)
    allow = _table(value.get("allow", {}), f"{path}.allow", faults)
    _unknown("permission", allow, PERMISSIONS, f"{path}.allow", faults)
    for permission, roles in allow.items():
        if not isinstance(roles, list):
            faults.append(f"{path}.allow.{permission}: must be a list of roles")
            continue
        _unknown("role", roles, {*ROLES, EVERYONE}, f"{path}.allow.{permission}", faults)
    signoffs: dict[str, Signoff] = {}
    for n, s in _table(value.get("signoffs", {}), f"{path}.signoffs", faults).items():
        got = read_table(SIGNOFF, s, f"{path}.signoffs.{n}", faults)
        if not got:
            continue
        _unknown("verdict", got["verdicts"], VERDICTS, f"{path}.signoffs.{n}.verdicts", faults)
        signoffs[n] = Signoff(
            n, got["title"], got["body"], got["quorum"], tuple(got["verdicts"]),
            tuple(got["reason_required_for"]), got["audience"],
        )
    if not read:
        return None
    for key in ("deadline", "display"):
        if read[key]:
            _unknown("rule", [read[key]["rule"]], words.rules, f"{path}.{key}.rule", faults)
    deadline = read["deadline"] or {"rule": "", "then": "overdue", "remind": False}
    return State(
        name=name,
        title=read["title"],
        description=read["description"] or {"zh_CN": "", "en": ""},
        allow={p: tuple(r) for p, r in allow.items() if isinstance(r, list)},
        signoffs=signoffs,
        published=read["published"],
        final=read["final"],
        deadline_rule=deadline["rule"],
        deadline_then=deadline["then"],
        remind=deadline["remind"],
        display_rule=(read["display"] or {"rule": ""})["rule"],
    )


def _transition(name: str, value: Any, words: Vocabulary, faults: list[str]) -> Transition | None:
    path = f"transitions.{name}"
    read = read_table(TRANSITION, value, path, faults)
    if not read:
        return None
    _unknown("role", read["by"], ROLES, f"{path}.by", faults)
    _unknown("check", read["checks"], words.checks, f"{path}.checks", faults)
    _unknown("effect", read["effects"], words.effects, f"{path}.effects", faults)
    if read["data"]:
        _unknown("schema", [read["data"]], words.schemas, f"{path}.data", faults)
    return Transition(
        name=name,
        title=read["title"],
        sources=tuple(read["from"]),
        target=read["to"],
        by=tuple(read["by"]),
        checks=tuple(read["checks"]),
        effects=tuple(read["effects"]),
        comment=read["comment"],
        reauthenticate=read["reauthenticate"],
        back=read["back"],
        forward=read["forward"],
        approves=read["approves"],
        not_author=read["not_author"],
        data=read["data"],
        outcome=read["outcome"] or {"zh_CN": "", "en": ""},
    )


# --------------------------------------------------------------------- inspection


def inspect(d: Definition) -> Iterable[str]:
    """What is wrong with a definition as a whole."""
    if d.initial not in d.states:
        yield f"initial: there is no state {d.initial!r}"
        return
    for t in d.transitions.values():
        for s in (*t.sources, t.target):
            if s not in d.states:
                yield f"transitions.{t.name}: there is no state {s!r}"
                return
    for s in d.line:
        if s not in d.states:
            yield f"line: there is no state {s!r}"
    reached = _reach(d, [d.initial], lambda t: t.sources, lambda t: (t.target,))
    for name in d.states:
        if name not in reached:
            yield f"states.{name}: can't be reached from {d.initial!r}"
    finals = [n for n, s in d.states.items() if s.final or s.published]
    if not finals:
        yield "states: none is final or published"
    home = _reach(d, finals, lambda t: (t.target,), lambda t: t.sources)
    for name, state in d.states.items():
        if state.final and d.transitions_from(name):
            yield f"states.{name}: is final and has a way out"
        if name not in home:
            yield f"states.{name}: no way leads from it to an end"
        if not state.published and EVERYONE in state.allow.get("view", ()):
            yield f"states.{name}: everyone may see it, and it is not a published state"
        for signoff in state.signoffs.values():
            if not set(signoff.reason_required_for) <= set(signoff.verdicts):
                yield f"states.{name}.signoffs.{signoff.name}: asks a reason for a verdict that it has not"
        if state.signoffs and not any(
            "signoffs_complete" in t.checks for t in d.transitions_from(name) if not t.back
        ):
            yield f"states.{name}: has sign-offs, and no way on waits for them (signoffs_complete)"
    for t in d.transitions.values():
        yield from _inspect_publishing(d, t)


def _inspect_publishing(d: Definition, t: Transition) -> Iterable[str]:
    """Only a person's approval makes an edition, and only an edition leads to a published state."""
    path = f"transitions.{t.name}"
    if "publish" not in t.effects:
        if d.states[t.target].published and "drop_correction" not in t.effects:
            yield f"{path}: leads to a published state and publishes nothing (effects)"
        return
    if not (t.approves and t.by):
        yield f"{path}: publishes, so a person must approve it (approves = true)"
    if not d.states[t.target].published:
        yield f"{path}: publishes, and {t.target!r} is not a published state"
    for name in t.sources:
        if d.states[name].signoffs and "signoffs_complete" not in t.checks:
            yield f"{path}: publishes without waiting for the sign-offs of {name!r} (signoffs_complete)"


def _reach(d: Definition, start: Iterable[str], sources: Any, targets: Any) -> set[str]:
    found, todo = set(start), list(start)
    while todo:
        state = todo.pop()
        for t in d.transitions.values():
            if state in sources(t):
                for other in targets(t):
                    if other not in found:
                        found.add(other)
                        todo.append(other)
    return found


# --------------------------------------------------------------------- loading


def read_files(folders: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """The raw tables of every ``*.toml`` in the folders by id; a later folder overrides."""
    raw: dict[str, dict[str, Any]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                table = tomllib.loads(path.read_text(encoding="utf-8"))
            except tomllib.TOMLDecodeError as error:
                raise DefinitionError(path.name, [str(error)]) from error
            if table.get("id") != path.stem:
                raise DefinitionError(path.name, [f"id: must be {path.stem!r}, like the file"])
            raw[path.stem] = table
    return raw


def load(folders: Iterable[Path], words: Vocabulary) -> dict[str, Definition]:
    """Every definition of the folders by id, resolved and checked."""
    raw = read_files(folders)
    return {id: build(resolve(raw, id), words, f"{id}.toml") for id in raw}
