"""How figures, dates and sizes are written for people: one way, everywhere.

Templates reach this module as ``fmt``. Nothing here escapes: templates do.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from jiceng_cms.core.clock import TZ


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
    return f"{it.year}年{it.month}月{it.day}日"


def moment(value: datetime | None) -> str:
    """``2026年9月30日 10:32`` in Asia/Shanghai; ``""`` for None."""
    if value is None:
        return ""
    local = value.astimezone(TZ)
    return f"{day(value)} {local.hour}:{local.minute:02}"


def iso_day(value: date | datetime | None) -> str:
    """``2026-09-30``, the day in Asia/Shanghai, for ``<time datetime>``; ``""`` for None."""
    return "" if value is None else _day(value).isoformat()


def period(start: date, end: date) -> str:
    """A span of days, saying year and month once where both ends share them."""
    if start == end:
        return day(start)
    if start.year != end.year:
        return f"{day(start)}至{day(end)}"
    if start.month != end.month:
        return f"{day(start)}至{end.month}月{end.day}日"
    return f"{day(start)}至{end.day}日"


def money(value: Decimal) -> str:
    """``163,134.50``: two decimals (half up), thousands separators, no unit."""
    return f"{value.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP):,f}"


def yuan(value: Decimal) -> str:
    """``163,134.50 元``."""
    return f"{money(value)} 元"


def number(value: int) -> str:
    """``1,234``."""
    return f"{value:,}"


def days(count: int) -> str:
    """``8 天``: natural days."""
    return f"{count} 天"


def work_days(count: int) -> str:
    """``5 个工作日``."""
    return f"{count} 个工作日"


def duration(span: timedelta) -> str:
    """The largest whole unit of a span: ``3 天``, ``5 小时``, ``12 分钟``, ``不到 1 分钟``."""
    seconds = int(abs(span).total_seconds())
    for size, name in ((86400, "天"), (3600, "小时"), (60, "分钟")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return "不到 1 分钟"


def file_size(size: int) -> str:
    """``340 KB``, ``1.2 MB``: steps of 1,024, at most one decimal, never ``0 KB``."""
    if size < 0:
        raise ValueError("a file has no negative size")
    if size < 1024:
        return f"{size} 字节"
    value = Decimal(size)
    for name in ("KB", "MB", "GB"):
        value /= 1024
        # 1023.96 KB would round to 1024.0 KB: it is 1 MB
        rounded = value.quantize(Decimal("0.1") if value < 10 else Decimal(1), ROUND_HALF_UP)
        if rounded < 1024 or name == "GB":
            text = f"{rounded:,f}"
            return f"{text.removesuffix('.0')} {name}"
    raise AssertionError("unreachable")
