"""Small charts as SVG, made on the server: bars with their words and sums written on them.

No colour carries meaning alone, no script, no style attribute; each chart has a text that says
the same for who can't see it, and prints black on white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from jiceng_cms.web import format as fmt
from jiceng_cms.web.tables import Html, escape


@dataclass(frozen=True)
class Bar:
    """One bar: its words, a sum in yuan that is not negative, and which way money went."""

    label: str
    value: Decimal
    way: Literal["in", "out"] = "in"


_WIDTH, _ROW, _BAR = 400, 58, 22


def bars(title: str, values: Sequence[Bar]) -> Html:
    """Bars under their labels, to one scale; ValueError for a negative sum."""
    if any(bar.value < 0 for bar in values):
        raise ValueError("a bar can't show a negative sum")
    largest = max((bar.value for bar in values), default=Decimal(0))
    said = "；".join(f"{bar.label} {fmt.yuan(bar.value)}" for bar in values)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_ROW * len(values) + 2}" role="img" '
        f'aria-label="{escape(title)}：{escape(said)}">'
    ]
    for index, bar in enumerate(values):
        top = index * _ROW
        length = int(_WIDTH * bar.value / largest) if largest else 0
        parts.append(
            f'<text class="chart__label" x="0" y="{top + 20}">{escape(bar.label)}</text>'
            f'<text class="chart__value" x="{_WIDTH}" y="{top + 20}" text-anchor="end">'
            f"{escape(fmt.yuan(bar.value))}</text>"
            f'<rect class="chart__bar{" chart__bar--out" if bar.way == "out" else ""}" x="0" '
            f'y="{top + 28}" width="{max(length, 1)}" height="{_BAR}"></rect>'
        )
    parts.append("</svg>")
    return Html("".join(parts))
