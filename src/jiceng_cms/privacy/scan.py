"""Scan fields, table cells and file names with every detector."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from ..core.tables import Table
from .detectors import default_detectors
from .findings import Detector, Finding

#: No number of the kinds looked for has fewer digits.
_LEAST_DIGITS = 11
_DIGIT = re.compile(r"\d")
_ORDER = {"resident_id": 0, "bank_card": 1, "mobile": 2}


def scan_fields(
    fields: Mapping[str, str],
    *,
    allowed_numbers: Iterable[str] = (),
    detectors: Sequence[Detector] | None = None,
) -> tuple[Finding, ...]:
    """All findings in ``fields`` (name -> text), in the order of fields and places.

    ``allowed_numbers`` are offices' numbers that may be published. ``detectors`` replaces the
    default ones. Of findings that overlap the surer and more telling one is kept.
    """
    used = default_detectors(allowed_numbers) if detectors is None else detectors
    findings: list[Finding] = []
    for field, text in fields.items():
        if _worth_scanning(text):
            found = [finding for detector in used for finding in detector.scan(field, text)]
            findings.extend(_without_overlaps(found))
    return tuple(findings)


def table_fields(name: str, table: Table) -> dict[str, str]:
    """A table as fields for :func:`scan_fields`: ``表1：第3行「摘要」`` -> the cell.

    Neighbouring cells are never read as one number.
    """
    fields = {f"{name}：标题": table.caption} if table.caption else {}
    for column, cell in enumerate(table.header, 1):
        fields[f"{name}：表头第{column}格"] = cell
    for number, row in enumerate(table.rows, 1):
        for column, cell in enumerate(row):
            if len(cell) >= _LEAST_DIGITS:
                key = f"{name}：第{number}行「{table.header[column]}」"
                while key in fields:  # two columns of one name
                    key += f"（第{column + 1}列）"
                fields[key] = cell
    return fields


def _worth_scanning(text: str) -> bool:
    """Cheap: whether there are digits enough. Rare forms (circled, raised) count as digits too."""
    if len(text) < _LEAST_DIGITS:
        return False
    if text.isascii():
        return len(_DIGIT.findall(text)) >= _LEAST_DIGITS
    return sum(character.isdigit() for character in text) >= _LEAST_DIGITS


def _without_overlaps(findings: list[Finding]) -> list[Finding]:
    """Sure before asking, then by kind, then the longer one; sorted by place."""
    kept: list[Finding] = []  # by place and apart, so only the two neighbours can overlap
    for finding in sorted(findings, key=_rank):
        at = bisect_left(kept, finding.start, key=lambda other: other.start)
        after_ok = at == len(kept) or finding.end <= kept[at].start
        before_ok = at == 0 or kept[at - 1].end <= finding.start
        if after_ok and before_ok:
            kept.insert(at, finding)
    return kept


def _rank(finding: Finding) -> tuple[bool, int, int]:
    size = finding.end - finding.start
    return (finding.certainty != "sure", _ORDER.get(finding.kind, len(_ORDER)), -size)
