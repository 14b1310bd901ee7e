"""A unit's lists against a plain list of everything that was added and removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from BTrees.OOBTree import OOBTree
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.units import actions as _kinds  # noqa: F401  registers person.saved
from jiceng_cms.core.catalog import (
    FACETS,
    Listing,
    Row,
    class_of_edition,
    class_of_run,
    facet_key,
    place,
    sort_key,
)
from jiceng_cms.core.clock import FixedClock, from_iso
from jiceng_cms.core.events import Event, Journal
from jiceng_cms.core.ids import ALPHABET
from jiceng_cms.core.installing import install
from jiceng_cms.core.site import site_of
from jiceng_cms.store import Store
from jiceng_cms.store.locks import LocalLocks
from jiceng_cms.store.runner import Runner

KINDS = ("affairs", "finance", "party")
MARKS = ("late", "corrected", "withdrawn")
FIRST = date(2024, 12, 30)
START = from_iso("2026-09-01T02:00:00Z")

rows = st.builds(
    Row,
    id=st.text(ALPHABET, min_size=8, max_size=8),
    title=st.text(max_size=20),
    kind=st.sampled_from(KINDS),
    day=st.integers(0, 5).map(lambda n: FIRST + timedelta(days=n)),
    until=st.none() | st.just(date(2025, 3, 1)),
    number=st.sampled_from(["", "GK-2025-0007"]),
    edition=st.integers(0, 3),
    marks=st.sets(st.sampled_from(MARKS)).map(lambda s: tuple(sorted(s))),
    late=st.integers(0, 3),
    state=st.sampled_from(["", "draft"]),
)
steps = st.lists(st.tuples(st.sampled_from(["add", "add", "remove"]), rows, st.integers(0, 99)), max_size=40)


def fits(row: Row, chosen: Mapping[str, str]) -> bool:
    """Whether a row stands under the chosen facets, said as plainly as can be."""
    return (
        chosen.get("kind", row.kind) == row.kind
        and chosen.get("year", str(row.day.year)) == str(row.day.year)
        and ("mark" not in chosen or chosen["mark"] in row.marks)
    )


def every_choice() -> list[dict[str, str]]:
    values = [("", *KINDS), ("", "2024", "2025", "1999"), ("", *MARKS)]
    return [{n: v for n, v in zip(FACETS, chosen, strict=True) if v} for chosen in product(*values)]


def newest_first(found: Mapping[str, Row]) -> list[Row]:
    return sorted(found.values(), key=lambda r: (-r.day.toordinal(), r.id))


def filled(done: list[tuple[str, Row, int]]) -> tuple[Listing, dict[str, Row]]:
    """A listing and the plain truth after the same steps."""
    listing, truth = Listing(), {}
    for what, row, number in done:
        if what == "add":
            key = sort_key(row.day, row.id)
            if key not in truth:
                listing.add(key, row)
                truth[key] = row
        elif truth:
            key = sorted(truth)[number % len(truth)]
            assert listing.remove(key) == truth.pop(key)
    return listing, truth


@given(steps)
def test_every_combination_of_facets_gives_what_a_plain_search_gives(done: list[tuple[str, Row, int]]) -> None:
    listing, truth = filled(done)
    for chosen in every_choice():
        wanted = newest_first({k: r for k, r in truth.items() if fits(r, chosen)})
        assert listing.total(chosen) == len(wanted)
        assert listing.page(chosen, 0, 99) == wanted


@given(steps)
def test_the_counts_beside_a_choice_say_what_choosing_would_give(done: list[tuple[str, Row, int]]) -> None:
    listing, truth = filled(done)
    for chosen in every_choice():
        for name in FACETS:
            others = {n: v for n, v in chosen.items() if n != name}
            counts = dict(listing.facets(name, chosen))
            for value in {"kind": KINDS, "year": ("2024", "2025"), "mark": MARKS}[name]:
                wanted = sum(fits(r, {**others, name: value}) for r in truth.values())
                assert counts.get(value, 0) == wanted
            assert 0 not in counts.values(), "an empty choice is not offered"


@given(steps, st.integers(0, 45), st.integers(1, 10))
def test_pages_cut_one_list_that_does_not_depend_on_the_order_of_adding(
    done: list[tuple[str, Row, int]], start: int, size: int
) -> None:
    listing, truth = filled(done)
    again = Listing()
    for key in reversed(list(truth)):
        again.add(key, truth[key])
    assert again.page(size=99) == listing.page(size=99)
    assert listing.page({}, start, size) == newest_first(truth)[start : start + size]


@given(steps)
def test_all_removed_leaves_nothing_to_count(done: list[tuple[str, Row, int]]) -> None:
    listing, truth = filled(done)
    for key in list(truth):
        listing.remove(key)
    assert all(listing.total(chosen) == 0 for chosen in every_choice())
    assert listing.remove("0000000nothere2") is None


@given(rows)
def test_a_row_survives_being_kept(row: Row) -> None:
    assert Row.unpack(row.pack()) == row
    assert isinstance(row.pack(), bytes)


def test_facets_are_named_in_one_order() -> None:
    assert facet_key({"year": "2026", "kind": "finance"}) == facet_key({"kind": "finance", "year": "2026"})
    assert facet_key({"kind": "", "mark": ""}) == ""


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([class_of_edition("public"), class_of_edition("branch"), class_of_run("h", "draft", "public")]),
            rows,
        ),
        max_size=8,
    )
)
def test_a_record_stands_exactly_where_it_was_last_placed(moves: list[dict[str, Row]]) -> None:
    """Whatever it was before: no list keeps a row of a record that went elsewhere."""
    section = SimpleNamespace(listings=OOBTree())
    record = SimpleNamespace(id="k7m2q9xw", placed=())
    for wanted in moves:
        place(section, record, wanted.items())
        shown = {name: listing.page(size=9) for name, listing in section.listings.items()}
        assert {name: found for name, found in shown.items() if found} == {n: [r] for n, r in wanted.items()}
        assert all(section.listings[name].total() == len(found) for name, found in shown.items())


class TestTwoWriters:
    """Two connections add at the same moment: both rows and all counts are there."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        clock = FixedClock(START)
        opened = Store.open(f"file://{tmp_path}/Data.fs")

        def make(connection: Any, journal: Journal) -> None:
            install(connection, journal, title="试", origin="demo/t", clock=clock, evolution=())
            connection.root()["listing"] = Listing()

        opened.runner.run("site", make)
        yield opened
        opened.close()

    @pytest.mark.parametrize("already", [0, 5, 200])
    @pytest.mark.parametrize("same_facets", [True, False])
    def test_both_are_listed(self, store: Store, already: int, same_facets: bool) -> None:
        other = Runner(store.db, LocalLocks())

        def adder(numbers: range, kind: str, meanwhile: Any = None) -> Any:
            def work(connection: Any, journal: Journal) -> None:
                nonlocal meanwhile
                listing = connection.root()["listing"]
                listing.total()  # the snapshot is taken before the other commits
                if meanwhile is not None:
                    other.run("other", meanwhile)
                    meanwhile = None
                for number in numbers:
                    row = Row(f"{number:08d}", "题", kind, FIRST + timedelta(days=number % 4), None, "", 1, ())
                    listing.add(sort_key(row.day, row.id), row)
                site = site_of(connection)
                journal.add(Event("person.saved", "site", START, "", "o", "operator", "t"), site.history)

            return work

        if already:
            store.runner.run("site", adder(range(already), "affairs"))
        second = adder(range(1000, 1002), "affairs" if same_facets else "finance")
        store.runner.run("site", adder(range(2000, 2003), "affairs", second))
        with store.reading() as connection:
            listing = connection.root()["listing"]
            found = listing.page(size=999)
            assert len(found) == listing.total() == already + 5
            for chosen in every_choice():
                assert listing.total(chosen) == sum(fits(r, chosen) for r in found)
