"""Marks what matched, in the raw text as it was written.

Normalising keeps the length, so an offset found in the normalised text is valid in the raw one:
``村務公開`` is marked as it stands when somebody searched ``村务公开``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from .analysis import is_run_char, normalise
from .interface import Parts


def spans(
    raw: str,
    terms: Sequence[str],
    normal: str | None = None,
    start: int = 0,
    end: int | None = None,
) -> list[tuple[int, int]]:
    """Where ``terms`` (normalised, as in ``SearchResults.terms``) stand in ``raw[start:end]``.

    Pairs (start, end) in order, those that overlap or touch merged. Letters and digits match
    whole runs. ``normal`` is ``normalise(raw)`` for those who have it already.
    """
    text = normalise(raw) if normal is None else normal
    found = sorted(
        (at, at + len(term))
        for term in terms
        for at in _occurrences(text, term, start, len(text) if end is None else end)
    )
    merged: list[tuple[int, int]] = []
    for first, last in found:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def highlight(raw: str, terms: Sequence[str], normal: str | None = None) -> Parts:
    """``raw`` in parts (text, does it match); joined they give ``raw`` again.

    The parts are raw text: the template escapes each and puts ``<mark>`` around those that match.
    """
    return _cut(raw, spans(raw, terms, normal), 0, len(raw))


def snippet(
    fields: Iterable[tuple[str, str | None]], terms: Sequence[str], width: int = 80
) -> Parts:
    """About ``width`` characters of the first of ``fields`` where a term stands.

    A field is a pair of raw and normalised text (None: not known yet). Without a match (only
    the title matched) the beginning of the first field with text. White space is pressed to
    single spaces; ``…`` says that text was left out.
    """
    opening: Parts = ()
    for raw, known in fields:
        if not raw.strip():
            continue
        text = normalise(raw) if known is None else known
        firsts = [
            (at, at + len(term))
            for term in terms
            for at in islice(_occurrences(text, term, 0, len(text)), 1)
        ]
        if firsts:
            first, last = min(firsts)
            start = max(0, first - width // 3)
            end = min(len(raw), max(start + width, last))
            return _pressed(raw, spans(raw, terms, text, start, end), start, end)
        if not opening:
            opening = _pressed(raw, [], 0, min(len(raw), width))
    return opening


def _occurrences(text: str, term: str, start: int, end: int) -> Iterator[int]:
    if not term:
        return
    whole_start, whole_end = is_run_char(term[0]), is_run_char(term[-1])
    at = text.find(term, start, end)
    while at >= 0:
        after = at + len(term)
        if not (
            (whole_start and at and is_run_char(text[at - 1]))
            or (whole_end and after < len(text) and is_run_char(text[after]))
        ):
            yield at
        at = text.find(term, at + 1, end)


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
