"""Search at 10,000 made documents beside its anchors; see :mod:`bench.search`."""

from __future__ import annotations

from bench import search
from bench.row import Row, ms

DOCUMENTS, ROUNDS = 10_000, 5

TARGETS = {"scan in memory": "<= 0.067", "stock Whoosh phrase": "<= 0.5"}


def rows() -> list[Row]:
    """The rows of ``python -m bench.search`` for the common table."""
    made = []
    for row in search.measure(search.made_documents(DOCUMENTS), list(search._QUERIES), ROUNDS):
        figure, _, anchor = row.name.partition(" / ")
        what, _, heat = figure.partition(", ")
        made.append(
            Row(
                f"search, {what}", ms(row.ours / 1000), f"{anchor} {ms(row.anchor / 1000)}", row.ratio, TARGETS[anchor],
                heat, "the engine's", f"{DOCUMENTS:,} made documents, {len(search._QUERIES)} queries",
            )
        )
    return made
