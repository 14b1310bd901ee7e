"""A line of the table, and how the table is printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure of ours beside its anchor. ``ratio`` is what the target is about."""

    figure: str
    ours: str
    anchor: str
    ratio: float | None
    target: str
    heat: str  # hot | cold
    caches: str  # what of ours is on
    workload: str


HEAD = ("figure", "ours", "anchor", "ratio", "target", "heat", "caches", "workload")


def table(rows: Iterable[Row]) -> str:
    """The rows as text in columns."""
    lines = [HEAD]
    for r in rows:
        ratio = "" if r.ratio is None else f"{r.ratio:.3g}"
        lines.append((r.figure, r.ours, r.anchor, ratio, r.target, r.heat, r.caches, r.workload))
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def ms(seconds: float) -> str:
    """Milliseconds with three figures that matter."""
    return f"{seconds * 1000:.3g} ms"
