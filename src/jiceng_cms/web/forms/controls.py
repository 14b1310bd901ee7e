"""Reads a posted form into nested data, within limits, before anything else looks at it.

peppercorn rebuilds nesting from markers in a flat list of fields. It drops duplicates without a
word and goes as deep as it is told, so the list is checked here first (ENGINEERING S10).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import colander
import peppercorn

START: Final = "__start__"
END: Final = "__end__"

#: Fields of our own that travel beside the data. No schema may use these names.
ENVELOPE: Final = frozenset({"button", "csrf_token", "etag", "idempotency"})

_KINDS: Final = frozenset({"mapping", "sequence", "rename"})
_NUMBER: Final = re.compile(r"\d{1,9}\Z", re.ASCII)
_ROW_BUTTON: Final = re.compile(r"(add|remove|up|down):([A-Za-z_][\w.]*)\Z", re.ASCII)


class BadForm(ValueError):
    """The posted form cannot be read at all. ``message`` is for the person who sent it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Limits:
    """How much one form may bring: numbers of fields, levels, characters."""

    fields: int = 5_000
    depth: int = 8
    name: int = 200
    value: int = 1_000_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True)
class Posted:
    """A form as it arrived.

    ``fields``: nested dicts, lists and texts as peppercorn gives them (an upload stays the
    object that the web library made). ``envelope``: ``csrf_token``, ``etag`` (the revision that
    the person saw), ``idempotency`` (against a double submit). ``button``: which one was
    pressed, ``""`` when the browser did not say.
    """

    fields: dict[str, Any]
    envelope: Mapping[str, str]

    @property
    def button(self) -> str:
        return self.envelope.get("button", "")

    @property
    def etag(self) -> str:
        return self.envelope.get("etag", "")

    @property
    def version(self) -> int:
        """The number that ``etag`` holds, -1 where it holds none."""
        return int(self.etag) if _NUMBER.match(self.etag) else -1

    @property
    def idempotency(self) -> str:
        return self.envelope.get("idempotency", "")


@dataclass
class _Level:
    """One open ``__start__`` marker; used while reading only."""

    marker: str
    kind: str
    seen: set[str] = field(default_factory=set)

    def take(self, key: str) -> None:
        if self.kind == "sequence":
            return
        # a rename holds one value, whatever its name
        key = "" if self.kind == "rename" else key
        if key in self.seen:
            raise BadForm(
                f"表单里同一个栏目{_quoted(key)}送来了两次，不知道以哪一个为准，所以没有保存。"
                "请返回上一页，刷新以后再提交。"
            )
        self.seen.add(key)


def _quoted(name: str) -> str:
    """A name that a stranger chose, fit for a sentence: short, one line, printable."""
    shown = "".join(c for c in name if c.isprintable())[:40]
    return f"“{shown}”" if shown else ""


_TORN: Final = (
    "表单没有完整送到，多半是网络中途断了，所以没有保存。"
    "请返回上一页，您填的内容还在那里，再提交一次。"
)


def parse_controls(
    items: Iterable[tuple[str, object]], limits: Limits = DEFAULT_LIMITS
) -> Posted:
    """The posted pairs, in document order, as nested data.

    Raises BadForm: too many fields, too deep, a value too long, markers that do not match, the
    same field twice at one place, something that is neither text nor an upload.
    """
    root = _Level("", "mapping")
    stack: list[_Level] = [root]
    envelope: dict[str, str] = {}
    tokens: list[tuple[str, object]] = []
    for number, (key, value) in enumerate(items):
        if number >= limits.fields:
            raise BadForm(
                f"这张表单的格子超过 {limits.fields:,} 个，一次收不下，所以没有保存。"
                "请把内容分成几份填写，大的表格请粘贴到“表格”栏里。"
            )
        if len(key) > limits.name:
            raise BadForm(_TORN)
        if value == b"":  # a file field in which no file was chosen
            continue
        if isinstance(value, str):
            if len(value) > limits.value:
                raise BadForm(
                    f"有一栏的文字超过 {limits.value:,} 个字，一次收不下，所以没有保存。"
                    "请把它拆开，或者作为附件上传。"
                )
        elif key in ENVELOPE or key in (START, END) or not hasattr(value, "filename"):
            raise BadForm(_TORN)
        if key in ENVELOPE:
            if key in envelope:
                raise BadForm(_TORN)
            envelope[key] = str(value)
            continue
        if key == START:
            marker = str(value)
            name, colon, kind = marker.rpartition(":")
            if not colon or kind not in _KINDS:
                raise BadForm(_TORN)
            stack[-1].take(name)
            stack.append(_Level(marker, kind))
            if len(stack) - 1 > limits.depth:
                raise BadForm("表单的层次太多，不是本系统的页面送来的，所以没有保存。")
        elif key == END:
            if len(stack) == 1 or stack[-1].marker != value:
                raise BadForm(_TORN)
            stack.pop()
        else:
            stack[-1].take(key)
        tokens.append((key, value))
    if len(stack) > 1:
        raise BadForm(_TORN)
    return Posted(fields=peppercorn.parse(tokens), envelope=MappingProxyType(envelope))


def keep_known(schema: Any, fields: object) -> tuple[Any, tuple[str, ...]]:
    """``fields`` cut to what ``schema`` knows, and a sentence for each thing left out.

    deform would drop unknown fields without a word and stumble over a text where it wants a
    list. Here both are named, and the rest of what was typed is kept.
    """
    problems: list[str] = []
    return _known(schema, fields, problems), tuple(problems)


def _known(node: Any, value: Any, problems: list[str]) -> Any:
    typ = node.typ
    if isinstance(typ, colander.Mapping):
        if not isinstance(value, dict):
            return _strange(node, problems, {})
        children = {child.name: child for child in node.children}
        problems.extend(
            f"送来的表单里有一个这里没有的栏目{_quoted(str(name))}，没有保存。"
            "请刷新页面，核对内容后再提交；如果又出现，请告诉系统管理员。"
            for name in value
            if name not in children
        )
        return {
            name: _known(child, value[name], problems)
            for name, child in children.items()
            if name in value
        }
    if isinstance(typ, colander.Sequence):
        if not isinstance(value, list):
            return _strange(node, problems, [])
        return [_known(node.children[0], item, problems) for item in value]
    if isinstance(typ, colander.Set | colander.List):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        return _strange(node, problems, [])
    if isinstance(value, str) or getattr(typ, "takes_upload", False):
        return value
    return _strange(node, problems, "")


def _strange(node: Any, problems: list[str], empty: Any) -> Any:
    problems.append(f"“{node.title}”这一栏送来的样子不对，没有保存。请刷新页面后重新填写这一栏。")
    return empty


def change_rows(schema: Any, fields: dict[str, Any], button: str) -> tuple[str, int] | None:
    """Add, remove or move a row in ``fields`` (changed in place) as ``button`` says.

    ``add:PATH``, ``remove:PATH.N``, ``up:PATH.N``, ``down:PATH.N``, where a path names fields
    and row numbers from 0, for example ``tables.0.notes``. Gives the path of the rows and the
    number of the row to look at next, or None when it is not such a button. Raises BadForm when
    there is no such row.
    """
    match = _ROW_BUTTON.match(button)
    if match is None:
        return None
    verb, path = match.groups()
    parts = path.split(".")
    index = -1
    if verb != "add":
        index = _row_number(parts.pop())
    node, rows = _find_rows(schema, fields, parts)
    if verb == "add":
        most = getattr(getattr(node, "widget", None), "max_len", None)
        if most is None or len(rows) < most:
            child = node.children[0]
            rows.append({} if isinstance(child.typ, colander.Mapping) else "")
        return ".".join(parts), len(rows) - 1
    if index >= len(rows):
        raise BadForm(_GONE)
    if verb == "remove":
        del rows[index]
        return ".".join(parts), min(index, len(rows) - 1)
    other = index - 1 if verb == "up" else index + 1
    if 0 <= other < len(rows):
        rows[index], rows[other] = rows[other], rows[index]
        index = other
    return ".".join(parts), index


_GONE: Final = "要移动或删除的那一行已经不在了。请返回上一页，刷新以后再试。"


def _row_number(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise BadForm(_GONE)
    return int(text)


def _find_rows(schema: Any, fields: Any, parts: list[str]) -> tuple[Any, list[Any]]:
    node, value = schema, fields
    for part in parts:
        if isinstance(node.typ, colander.Mapping) and isinstance(value, dict):
            node = node.get(part)
            if node is None:
                raise BadForm(_GONE)
            # an empty list of rows sends no marker in some browsers' restored pages
            empty: Any = [] if isinstance(node.typ, colander.Sequence) else {}
            value = value.setdefault(part, empty)
        elif isinstance(node.typ, colander.Sequence) and isinstance(value, list):
            number = _row_number(part)
            if number >= len(value):
                raise BadForm(_GONE)
            node, value = node.children[0], value[number]
        else:
            raise BadForm(_GONE)
    if not isinstance(node.typ, colander.Sequence) or not isinstance(value, list):
        raise BadForm(_GONE)
    return node, value
