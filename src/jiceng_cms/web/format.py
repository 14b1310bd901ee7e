"""How figures, dates and sizes are written for people: one way, everywhere.

Templates reach this module as ``fmt``. Nothing here escapes: templates do. Words are Texts: an
English page writes ``30 September 2026`` where a Chinese one writes ``2026年9月30日``.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from jiceng_cms.core.clock import TZ
from jiceng_cms.locale import Text, both, say

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


@lru_cache(maxsize=12)
def _month(number: int) -> Text:
    return both(str(number), _MONTHS[number - 1])


@lru_cache(maxsize=2048)
def _named(year: int, month: int, day: int) -> Text:
    return say("{year}年{month}月{day}日", year=year, month=_month(month), day=day)


def _day(value: date | datetime) -> date:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone names no day")
        return value.astimezone(TZ).date()
    return value


def day(value: date | datetime | None) -> str:
    """``2026年9月30日``; an aware moment is taken to Asia/Shanghai first; ``""`` for None."""
    if value is None:
        return ""
    it = _day(value)
    return _named(it.year, it.month, it.day)


def moment(value: datetime | None) -> str:
    """``2026年9月30日 10:32`` in Asia/Shanghai; ``""`` for None."""
    if value is None:
        return ""
    local = value.astimezone(TZ)
    return say("{day} {time}", day=day(value), time=f"{local.hour}:{local.minute:02}")


def iso_day(value: date | datetime | None) -> str:
    """``2026-09-30``, the day in Asia/Shanghai, for ``<time datetime>``; ``""`` for None."""
    return "" if value is None else _day(value).isoformat()


def period(start: date, end: date) -> str:
    """A span of days, saying year and month once where both ends share them."""
    if start == end:
        return day(start)
    if start.year != end.year:
        return say("{start}至{end}", start=day(start), end=day(end))
    parts = {"year": start.year, "month": _month(start.month), "first": start.day, "last": end.day}
    if start.month != end.month:
        return say("{year}年{month}月{first}日至{until}月{last}日", until=_month(end.month), **parts)
    return say("{year}年{month}月{first}日至{last}日", **parts)


def money(value: Decimal) -> str:
    """``163,134.50``: two decimals (half up), thousands separators, no unit."""
    return f"{value.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP):,f}"


def yuan(value: Decimal) -> str:
    """``163,134.50 元``."""
    return say("{sum} 元", sum=money(value))


def number(value: int) -> str:
    """``1,234``."""
    return f"{value:,}"


def days(count: int) -> Text:
    """``8 天``: natural days."""
    return say("{n} 天", n=count)


def work_days(count: int) -> Text:
    """``5 个工作日``."""
    return say("{n} 个工作日", n=count)


def duration(span: timedelta) -> str:
    """The largest whole unit of a span: ``3 天``, ``5 小时``, ``12 分钟``, ``不到 1 分钟``."""
    seconds = int(abs(span).total_seconds())
    for size, name in ((86400, "{n} 天"), (3600, "{n} 小时"), (60, "{n} 分钟")):
        if seconds >= size:
            return say(name, n=seconds // size)
    return say("不到 1 分钟")


def file_size(size: int) -> str:
    """``340 KB``, ``1.2 MB``: steps of 1,024, at most one decimal, never ``0 KB``."""
    if size < 0:
        raise ValueError("a file has no negative size")
    if size < 1024:
        return say("{n} 字节", n=size)
    value = Decimal(size)
    for name in ("KB", "MB", "GB"):
        value /= 1024
        # 1023.96 KB would round to 1024.0 KB: it is 1 MB
        rounded = value.quantize(Decimal("0.1") if value < 10 else Decimal(1), ROUND_HALF_UP)
        if rounded < 1024 or name == "GB":
            text = f"{rounded:,f}"
            return f"{text.removesuffix('.0')} {name}"
    raise AssertionError("unreachable")
