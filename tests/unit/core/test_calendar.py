"""Work days of the notices, deadlines and their explanations, display periods, majorities."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core.calendar import (
    Calendar,
    CalendarError,
    CalendarMissing,
    Deadline,
    at_least,
    compute_deadline,
    default_calendar,
    display_progress,
    display_until,
    is_majority,
)
from jiceng_cms.core.rules import Rule, default_register

CALENDAR = default_calendar()
NATURAL = default_register().resolve("disclosure.supervision_days", "village", date(2026, 1, 1))
WORKING = default_register().resolve("party.review_days", "village", date(2026, 1, 1))
FLOOR = default_register().resolve("disclosure.min_display_days", "village", date(2026, 1, 1))


def days(rule: Rule, number: int) -> Rule:
    """The same rule with another number of days."""
    return replace(rule, value=number)


@pytest.mark.parametrize(
    ("day", "off"),
    [
        ("2024-02-09", None),  # 除夕 of 2024 was recommended, not given
        ("2024-02-10", "春节放假"),
        ("2024-02-18", None),  # a Sunday worked
        ("2024-12-31", None),
        ("2025-01-26", None),
        ("2025-10-06", "国庆节、中秋节放假"),
        ("2025-10-11", None),
        ("2026-01-04", None),
        ("2026-02-23", "春节放假"),
        ("2026-02-28", None),
        ("2026-05-09", None),
        ("2026-08-08", "星期六"),
        ("2026-09-27", "中秋节放假"),
        ("2026-10-08", None),
        ("2026-10-10", None),
        ("2026-10-11", "星期日"),
    ],
)
def test_days_off_are_those_of_the_notices(day: str, off: str | None) -> None:
    when = date.fromisoformat(day)
    assert CALENDAR.why_off(when) == off
    assert CALENDAR.is_working_day(when) is (off is None)


@pytest.mark.parametrize(("year", "working"), [(2024, 251), (2025, 248), (2026, 248)])
def test_the_number_of_work_days_in_a_year(year: int, working: int) -> None:
    # Legal holidays: 11 in 2024, 13 from 2025 on; what is taken off beyond them is worked
    # elsewhere, so that work days = days - weekend days - legal holidays.
    first, length = date(year, 1, 1), 366 if year == 2024 else 365
    every = [first + timedelta(days=n) for n in range(length)]
    assert sum(CALENDAR.is_working_day(day) for day in every) == working


def test_a_year_without_a_table_says_which_file_to_add() -> None:
    with pytest.raises(CalendarMissing, match=r"2031年.*config/calendar/2031\.toml"):
        CALENDAR.is_working_day(date(2031, 1, 1))
    with pytest.raises(CalendarMissing):
        compute_deadline(NATURAL, date(2026, 12, 30), CALENDAR)


def test_a_last_day_on_a_weekend_moves_and_says_so() -> None:
    found = compute_deadline(NATURAL, date(2026, 8, 3), CALENDAR)
    assert (found.last, found.due) == (date(2026, 8, 8), date(2026, 8, 10))
    counting, source = found.explain()
    assert counting == "从2026年8月3日的次日起算5天，8月8日是星期六，8月9日是星期日，顺延到8月10日（星期一）。"
    assert "第十六条" in source
    assert not re.search("[A-Za-z]", counting + source)
    assert "2026-08-10 (Monday)" in found.explain("en")[0]


def test_weekends_on_the_way_count_where_the_last_day_is_a_work_day() -> None:
    found = compute_deadline(NATURAL, date(2026, 8, 5), CALENDAR)
    assert found.due == date(2026, 8, 10)
    assert found.explain()[0] == "从2026年8月5日的次日起算5天，到8月10日（星期一）为止。"


def test_a_long_holiday_is_told_as_one() -> None:
    found = compute_deadline(NATURAL, date(2026, 9, 28), CALENDAR)
    assert found.due == date(2026, 10, 8)
    assert "10月3日到10月7日是国庆节放假" in found.explain()[0]
    working = compute_deadline(WORKING, date(2026, 9, 29), CALENDAR)
    assert working.due == date(2026, 10, 9)
    assert "10月1日到10月7日是国庆节放假，不算" in working.explain()[0]


def test_a_worked_sunday_counts() -> None:
    # Friday 18 September 2026, then Saturday off, Sunday worked for the national holiday
    assert compute_deadline(days(WORKING, 1), date(2026, 9, 18), CALENDAR).due == date(2026, 9, 20)
    assert compute_deadline(days(NATURAL, 2), date(2026, 9, 18), CALENDAR).due == date(2026, 9, 20)


def test_a_deadline_over_new_year_names_both_years_and_tables() -> None:
    found = compute_deadline(WORKING, date(2025, 12, 30), CALENDAR)
    assert found.due == date(2026, 1, 5)
    assert "从2025年12月30日" in found.explain()[0]
    assert "2026年1月5日" in found.explain()[0]
    assert "国办发明电〔2024〕12号" in found.calendar_version
    assert "国办发明电〔2025〕7号" in found.calendar_version


@given(
    anchor=st.dates(date(2024, 1, 1), date(2026, 9, 30)),
    number=st.integers(0, 40),
    working=st.booleans(),
)
def test_every_deadline_keeps_the_law(anchor: date, number: int, working: bool) -> None:
    rule = days(WORKING if working else NATURAL, number)
    found = compute_deadline(rule, anchor, CALENDAR)
    skipped = [skip.day for skip in found.skipped]
    between = [anchor + timedelta(days=n) for n in range(1, (found.due - anchor).days + 1)]
    if working:
        assert sum(CALENDAR.is_working_day(day) for day in between) == number
        assert skipped == [day for day in between if not CALENDAR.is_working_day(day)]
    else:
        assert found.last == anchor + timedelta(days=number)
        assert CALENDAR.is_working_day(found.due)
        assert all(not CALENDAR.is_working_day(day) for day in skipped)
        assert len(skipped) == (found.due - found.last).days
    assert not found.is_past(found.due)
    assert found.is_past(found.due + timedelta(days=1))
    assert found.days_late(found.due + timedelta(days=8)) == 8
    assert Deadline.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert (found.rule_id, found.rule_digest) == (rule.id, rule.digest)


def test_a_moment_is_refused_where_a_day_is_meant() -> None:
    with pytest.raises(TypeError):
        compute_deadline(NATURAL, datetime(2026, 8, 3, 20, tzinfo=UTC), CALENDAR)
    with pytest.raises(TypeError):
        display_until(FLOOR, datetime(2026, 8, 3, 20, tzinfo=UTC))


def test_a_rule_without_days_has_no_deadline() -> None:
    period = default_register().resolve("disclosure.general.frequency", "village", date(2026, 1, 1))
    with pytest.raises(ValueError, match="period"):
        compute_deadline(period, date(2026, 8, 3), CALENDAR)
    with pytest.raises(ValueError, match="natural"):
        display_until(WORKING, date(2026, 8, 3))


def test_display_counts_from_the_next_day_and_never_moves() -> None:
    published = date(2026, 9, 18)
    until = display_until(FLOOR, published)
    assert until == date(2026, 10, 3)  # within the national holiday, and stays there
    seen = [display_progress(published, until, published + timedelta(days=n)) for n in range(18)]
    assert [progress.day for progress in seen[:16]] == list(range(16))
    assert seen[6].text() == "公开中 6/15 日"
    assert not seen[15].over
    assert seen[16].over
    assert seen[16].text() == "已满公示期"
    with pytest.raises(ValueError, match="before"):
        display_progress(published, until, published - timedelta(days=1))


@given(of=st.integers(0, 500), data=st.data())
def test_majorities_at_their_edges(of: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, of))
    assert is_majority(number, of) == (number > of / 2)
    assert not is_majority(of // 2, of)
    assert is_majority(of // 2 + 1, of) if of else not is_majority(0, 0)
    two_thirds = Fraction(2, 3)
    assert at_least(number, of, two_thirds) == (of > 0 and 3 * number >= 2 * of)
    with pytest.raises(ValueError):
        is_majority(of + 1, of)


def table(folder: Path, text: str, year: int = 2030) -> Path:
    path = folder / f"{year}.toml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = """
year = 2030
notice = "某号"
workdays = [2030-02-09]
[[holidays]]
name = "元旦"
since = 2030-01-01
until = 2030-01-01
"""


def test_a_county_may_add_a_year(tmp_path: Path) -> None:
    found = default_calendar([table(tmp_path, GOOD)])
    assert found.years[-1] == 2030
    assert found.is_working_day(date(2030, 2, 9))
    with pytest.raises(CalendarError, match="两份"):
        Calendar.load([tmp_path, tmp_path / "2030.toml"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2030-02-09", "2030-02-08", "不是周末"),
        ("2030-02-09", "2031-02-08", "不是2030年"),
        ("until = 2030-01-01", "until = 2029-12-31", "不是2030年"),
        ("year = 2030", "year = 2031", "同一年"),
        ('notice = "某号"', "", "文号"),
        ("since = 2030-01-01", 'since = "元旦"', "不是2030年"),
        ("workdays", "workday", "workday"),
        ("[[holidays]]", "[[holidays", "读不出来"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(CalendarError, match=words):
        Calendar.load([table(tmp_path, GOOD.replace(old, new, 1))])


def test_the_version_changes_with_the_days(tmp_path: Path) -> None:
    before = Calendar.load([table(tmp_path, GOOD)]).table(2030).version
    after = Calendar.load([table(tmp_path, GOOD.replace("02-09", "02-10"))]).table(2030).version
    assert before != after
    assert before.startswith("2030 某号 ")
