"""What is still on display, against a look at every row."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core.catalog import Listing, Row, sort_key

DAY = date(2026, 9, 1)

published = st.tuples(
    st.integers(0, 800), st.integers(0, 3650), st.sampled_from(["affairs", "finance"])
)


@given(st.lists(published, max_size=30), st.integers(0, 4600), st.sampled_from(["", "affairs", "party"]))
def test_rows_on_display_are_those_whose_last_day_is_not_over(
    rows: list[tuple[int, int, str]], passed: int, kind: str
) -> None:
    listing = Listing()
    for number, (after, days, of) in enumerate(rows):
        day = DAY + timedelta(days=after)
        row = Row(f"id{number:06d}", "题", of, day, day + timedelta(days=days), "", 1, ())
        listing.add(sort_key(day, row.id), row)
    today = DAY + timedelta(days=passed)
    chosen = {"kind": kind} if kind else {}
    every = listing.page(chosen, 0, 100)
    assert listing.current(chosen, today) == [r for r in every if r.until is not None and r.until >= today]


def test_a_row_without_a_period_is_not_on_display() -> None:
    listing = Listing()
    listing.add(sort_key(DAY, "a" * 8), Row("a" * 8, "题", "affairs", DAY, None, "", 0, ()))
    assert listing.current({}, DAY) == []
