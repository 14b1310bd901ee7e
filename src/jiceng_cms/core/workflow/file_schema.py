"""The schema of a workflow file: which keys there are, and each fault with its exact path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from ..people import BODY_KINDS

QUORUMS = ("all", "any", "majority")


class _Names(colander.SequenceSchema):
    name = colander.SchemaNode(colander.String())


def _title() -> colander.SchemaNode:
    node = colander.SchemaNode(colander.Mapping(), name="title")
    node.add(colander.SchemaNode(colander.String(), name="zh_CN"))
    node.add(colander.SchemaNode(colander.String(), name="en"))
    return node


def _optional(node: colander.SchemaNode, name: str, missing: Any) -> colander.SchemaNode:
    node.name = name
    node.missing = missing
    return node


class _Number(colander.SchemaType):
    """A quorum: a word or a positive number."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if isinstance(cstruct, int) and not isinstance(cstruct, bool) and cstruct > 0:
            return cstruct
        if cstruct in QUORUMS:
            return cstruct
        raise colander.Invalid(node, f"must be one of {', '.join(QUORUMS)} or a positive number")


class _Flag(colander.SchemaType):
    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return colander.null
        if not isinstance(cstruct, bool):
            raise colander.Invalid(node, "must be true or false")
        return cstruct


def _mapping(*nodes: colander.SchemaNode) -> colander.SchemaNode:
    node = colander.SchemaNode(colander.Mapping())
    for child in nodes:
        node.add(child)
    return node


def _string(name: str, missing: Any = colander.required, choices: tuple[str, ...] = ()) -> Any:
    validator = colander.OneOf(choices) if choices else None
    return colander.SchemaNode(colander.String(), name=name, missing=missing, validator=validator)


def _flag(name: str) -> colander.SchemaNode:
    return colander.SchemaNode(_Flag(), name=name, missing=False)


def _names(name: str, missing: Any = colander.required) -> colander.SchemaNode:
    return _optional(_Names(), name, missing)


SIGNOFF = _mapping(
    _title(),
    _string("body", choices=tuple(BODY_KINDS)),
    colander.SchemaNode(_Number(), name="quorum"),
    _names("verdicts"),
    _names("reason_required_for", ()),
    _string("audience", ""),
)
STATE = _mapping(
    _title(),
    _optional(_title(), "description", None),
    _flag("published"),
    _flag("final"),
    _optional(
        _mapping(_string("rule"), _flag("remind"), _string("then", "overdue", ("overdue", "lapse"))),
        "deadline",
        None,
    ),
    _optional(_mapping(_string("rule")), "display", None),
)
TRANSITION = _mapping(
    _title(),
    _names("from"),
    _string("to"),
    _names("by"),
    _names("checks", ()),
    _names("effects", ()),
    _string("comment", "none", ("none", "optional", "required")),
    _flag("reauthenticate"),
    _flag("back"),
    _flag("forward"),
    _flag("approves"),
    _flag("not_author"),
    _string("data", ""),
    _optional(_title(), "outcome", None),
)
TOP = _mapping(
    _string("id"),
    _title(),
    colander.SchemaNode(colander.Integer(), name="version"),
    _string("initial"),
    _names("line", ()),
)


def read_table(schema: colander.SchemaNode, value: Any, path: str, faults: list[str]) -> dict[str, Any]:
    """Deserialize; each fault goes to ``faults`` with its exact path."""
    if not isinstance(value, Mapping):
        faults.append(f"{path}: must be a table")
        return {}
    before = len(faults)
    _unknown_keys(schema, value, path, faults)
    try:
        result: dict[str, Any] = schema.deserialize(dict(value))
    except colander.Invalid as error:
        for where, message in error.asdict(translate=_plain).items():
            faults.append(f"{_join(path, where)}: {message}")
    return result if len(faults) == before else {}


def _plain(message: Any) -> str:
    """A message of colander with its values put in."""
    return str(message.interpolate() if hasattr(message, "interpolate") else message)


def _join(path: str, name: str) -> str:
    return ".".join(filter(None, (path, name)))


def _unknown_keys(schema: colander.SchemaNode, value: Mapping[str, Any], path: str, faults: list[str]) -> None:
    known = {child.name: child for child in schema.children}
    for name, inner in value.items():
        if name not in known:
            faults.append(f"{_join(path, name)}: unknown key")
        elif isinstance(known[name].typ, colander.Mapping) and isinstance(inner, Mapping):
            _unknown_keys(known[name], inner, _join(path, name), faults)
