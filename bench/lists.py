"""The catalog's part of a narrowed list and of facet counts, in processor time."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench import sites
from bench.row import Row, ms
from jiceng_cms.core.catalog import FACETS, class_of_edition
from jiceng_cms.core.catalog import Row as Line
from jiceng_cms.core.site import site_of

ROUNDS = 200


def _taken(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median processor seconds of each, asked in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.thread_time_ns()
            way()
            taken[name].append((time.thread_time_ns() - began) / 1e9)
    return {name: statistics.median(values) for name, values in taken.items()}


def _every(listing: Any, kind: str = "") -> list[Line]:
    """The anchor: all rows read from their bytes, and those of one kind kept."""
    return [row for row in listing.page(size=listing.total()) if kind in ("", row.kind)]


def _scan(lines: list[Line]) -> Counter[tuple[str, str]]:
    """The anchor: every line counted, as a program without counters does."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        counts["kind", line.kind] += 1
        counts["year", str(line.day.year)] += 1
        for mark in line.marks:
            counts["mark", mark] += 1
    return counts


def _facets(listing: Any) -> None:
    for name in FACETS:
        listing.facets(name, {})


def rows() -> list[Row]:
    """At both sizes: the fullest unit's list of sheets, first page, and its counts."""
    made = []
    for records in sites.SIZES:
        with sites.opened(sites.site(records)) as store, store.reading() as connection:
            listings = [
                found
                for unit in site_of(connection).units.values()
                for section in unit.sections.values()
                if (found := section.listings.get(class_of_edition("public"))) is not None
            ]
            listing = max(listings, key=lambda x: x.total())
            lines = listing.page(size=listing.total())
            finance = [line for line in lines if line.kind == "finance"]
            taken = _taken(
                {
                    "list": lambda listing=listing: (listing.page({"kind": "finance"}), listing.total({"kind": "finance"})),
                    "list scan": lambda listing=listing: _every(listing, "finance")[:20],
                    "facets": lambda listing=listing: _facets(listing),
                    "facets scan": lambda listing=listing: _scan(_every(listing)),
                }
            )
            workload = f"unit of {len(lines):,} (finance {len(finance):,}) among {records:,}"
        for figure, name, target in (
            ("narrowed list, catalog part", "list", "0.02 ms"),
            ("facet counts of a unit", "facets", "0.05 ms"),
        ):
            ours, anchor = taken[name], taken[f"{name} scan"]
            made.append(
                Row(figure, ms(ours), f"scan of all {ms(anchor)}", ours / anchor, target, "hot", "ZODB's", workload)
            )
    return made
