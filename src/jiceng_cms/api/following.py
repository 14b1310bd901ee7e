"""What changed after an entry of the log: how another system keeps a copy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..core.ids import key_of_pointer
from ..translog.log import Entry, log_size, read_entries
from .shapes import View, context_of, view_of

#: So many entries are looked at for one answer.
MOST_ENTRIES = 5000


@dataclass(frozen=True)
class Changes:
    """``views`` are (index of the last entry about it, record), in the log's order, each record
    once; ``next`` is the entry to go on from, ``size`` how many entries are signed."""

    views: tuple[tuple[int, View], ...]
    next: int
    size: int


def follow(request: Any, since: int, limit: int, units: set[str] | None, type: str) -> Changes:
    """At most ``limit`` records with an entry from ``since`` on, as this reader sees them today.

    Only entries that the public log itself tells about count for readers who do not work on a
    record: that something is being drafted must not show.
    """
    size = min(log_size(request.db), request.services.log.size())
    found: dict[str, tuple[int, View]] = {}
    seen: dict[str, View | None] = {}
    at = since
    for entry in read_entries(request.db, since, min(MOST_ENTRIES, max(0, size - since))):
        key = key_of_pointer(entry.pointer)
        if key is not None:
            if key not in seen:
                seen[key] = _view(request, key, units, type)
            view = seen[key]
            if view is not None and (view.work or _told(entry)):
                if key not in found and len(found) == limit:
                    break
                found.pop(key, None)
                found[key] = (entry.index, view)
        at = entry.index + 1
    return Changes(tuple(found.values()), max(at, since), size)


def _told(entry: Entry) -> bool:
    """Whether the leaf names its record: a publication, correction or withdrawal."""
    return "r" in json.loads(entry.leaf)


def _view(request: Any, key: str, units: set[str] | None, type: str) -> View | None:
    """The record of a key for this reader, or None; what was withdrawn is a stub."""
    code, _, id = key.partition("/")
    unit = request.site.units.get(code)
    if unit is None or (units is not None and code not in units):
        return None
    for section in unit.sections:
        if type and request.services.domain.sections[section].name != type:
            continue
        context = context_of(request, unit, section, id)
        if context is not None:
            view = view_of(context, request)
            return view if view.any else None
    return None
