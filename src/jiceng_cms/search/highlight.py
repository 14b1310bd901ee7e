"""Marks what matched, in the raw text as it was written.

Normalising keeps the length, so an offset found in the normalised text is valid in the raw one:
``村務公開`` is marked as it stands when somebody searched ``村务公开``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .analysis import is_run_char, normalise
from .interface import Parts


def spans(raw: str, terms: Sequence[str]) -> list[tuple[int, int]]:
    """Where ``terms`` (normalised, as in ``SearchResults.terms``) stand in ``raw``.

    Pairs (start, end) in order, overlapping ones merged. Letters and digits match whole runs.
    """
    text = normalise(raw)
    found: list[tuple[int, int]] = []
    for term in terms:
        if not term:
            continue
        whole_start, whole_end = is_run_char(term[0]), is_run_char(term[-1])
        for match in re.finditer(f"(?={re.escape(term)})", text):
            start, end = match.start(), match.start() + len(term)
            if whole_start and start and is_run_char(text[start - 1]):
                continue
            if whole_end and end < len(text) and is_run_char(text[end]):
                continue
            found.append((start, end))
    found.sort()
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def highlight(raw: str, terms: Sequence[str]) -> Parts:
    """``raw`` in parts (text, does it match); joined they give ``raw`` again.

    The parts are raw text: the template escapes each and puts ``<mark>`` around those that match.
    """
    return _cut(raw, spans(raw, terms), 0, len(raw))


def snippet(fields: Iterable[str], terms: Sequence[str], width: int = 80) -> Parts:
    """About ``width`` characters of the first of ``fields`` where a term stands.

    Without a match (only the title matched) the beginning of the first field with text. White
    space is pressed to single spaces; ``…`` says that text was left out.
    """
    opening: Parts = ()
    for raw in fields:
        if not raw.strip():
            continue
        found = spans(raw, terms)
        if found:
            start = max(0, found[0][0] - width // 3)
            end = min(len(raw), max(start + width, found[0][1]))
            return _pressed(raw, found, start, end)
        if not opening:
            opening = _pressed(raw, [], 0, min(len(raw), width))
    return opening


def _cut(raw: str, found: list[tuple[int, int]], start: int, end: int) -> Parts:
    parts: list[tuple[str, bool]] = []
    at = start
    for first, last in found:
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        if first > at:
            parts.append((raw[at:first], False))
        parts.append((raw[first:last], True))
        at = last
    if at < end:
        parts.append((raw[at:end], False))
    return tuple(parts)


def _pressed(raw: str, found: list[tuple[int, int]], start: int, end: int) -> Parts:
    parts = [(re.sub(r"\s+", " ", text), hit) for text, hit in _cut(raw, found, start, end)]
    if start > 0:
        parts.insert(0, ("…", False))
    if end < len(raw):
        parts.append(("…", False))
    return tuple(parts)
