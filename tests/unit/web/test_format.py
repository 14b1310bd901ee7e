"""Dates, sums and sizes as people read them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.web import format as fmt


def test_a_moment_late_in_the_utc_day_is_the_next_day_in_shanghai() -> None:
    moment = datetime(2026, 9, 30, 16, 5, tzinfo=UTC)
    assert fmt.day(moment) == "2026年10月1日"
    assert fmt.moment(moment) == "2026年10月1日 0:05"
    assert fmt.iso_day(moment) == "2026-10-01"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError):
        fmt.day(datetime(2026, 9, 30))


def test_nothing_is_written_for_no_date() -> None:
    assert fmt.day(None) == fmt.moment(None) == fmt.iso_day(None) == ""


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (date(2026, 7, 1), date(2026, 7, 1), "2026年7月1日"),
        (date(2026, 7, 1), date(2026, 7, 9), "2026年7月1日至9日"),
        (date(2026, 7, 1), date(2026, 9, 30), "2026年7月1日至9月30日"),
        (date(2025, 12, 1), date(2026, 2, 8), "2025年12月1日至2026年2月8日"),
    ],
)
def test_a_period_says_year_and_month_once(start: date, end: date, text: str) -> None:
    assert fmt.period(start, end) == text


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_loses_nothing_and_has_two_decimals(value: Decimal) -> None:
    text = fmt.money(value)
    assert Decimal(text.replace(",", "")) == value
    assert text[-3] == "."
    assert all(len(group) == 3 for group in text[:-3].lstrip("-").split(",")[1:])


def test_money_rounds_half_up() -> None:
    assert fmt.yuan(Decimal("163134.505")) == "163,134.51 元"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 字节"),
        (1023, "1023 字节"),
        (1024, "1 KB"),
        (34816, "34 KB"),
        (1048575, "1 MB"),
        (1258291, "1.2 MB"),
        (5 * 1024**4, "5,120 GB"),
    ],
)
def test_file_sizes(size: int, text: str) -> None:
    assert fmt.file_size(size) == text


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_never_reads_as_nothing_or_as_a_thousand(size: int) -> None:
    figure = fmt.file_size(size).split(" ")[0].replace(",", "")
    assert Decimal(figure) < 1024 or fmt.file_size(size).endswith("GB")
    assert size == 0 or Decimal(figure) > 0


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=20), "不到 1 分钟"),
        (timedelta(minutes=59, seconds=59), "59 分钟"),
        (timedelta(hours=26), "1 天"),
        (timedelta(hours=5), "5 小时"),
    ],
)
def test_durations(span: timedelta, text: str) -> None:
    assert fmt.duration(span) == text
    assert fmt.duration(-span) == text
