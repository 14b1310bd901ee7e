"""Work days, deadlines that can explain themselves, display periods, majorities.

Holidays come from ``config/calendar/YEAR.toml``, one file for each notice of the State Council.
A year without a table is an error that names the missing file: nothing is guessed.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple, NoReturn

from .commitments import canonical
from .rules import Rule

_WEEKDAYS = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ONE = timedelta(days=1)


class CalendarMissing(LookupError):
    """No holiday table for a year that a deadline falls in."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"还没有{year}年的放假安排表，算不出期限。请按国务院办公厅的放假通知补上 config/calendar/{year}.toml。"
        )
        self.year = year


class CalendarError(Exception):
    """A holiday table that can't be used; the message names file and fault."""


@dataclass(frozen=True)
class Holiday:
    """Days off in a row, both ends included, weekends among them too."""

    name: str
    since: date
    until: date


@dataclass(frozen=True)
class YearTable:
    """The holidays and make-up work days of one year, and the notice that sets them."""

    year: int
    notice: str
    holidays: tuple[Holiday, ...]
    workdays: frozenset[date]
    checked: str = ""

    @property
    def version(self) -> str:
        """``2026 国办发明电〔2025〕7号 1a2b3c4d``: year, notice, first digits of the digest."""
        days = {
            "holidays": [[h.name, h.since.isoformat(), h.until.isoformat()] for h in self.holidays],
            "workdays": sorted(day.isoformat() for day in self.workdays),
        }
        digest = hashlib.sha256(canonical(days)).hexdigest()
        return f"{self.year} {self.notice} {digest[:8]}"


class Calendar:
    """The work days of the years whose tables are loaded."""

    def __init__(self, tables: Iterable[YearTable]) -> None:
        self._tables: dict[int, YearTable] = {}
        for table in tables:
            if table.year in self._tables:
                raise CalendarError(f"{table.year}年的放假安排表有两份，请只留一份。")
            self._tables[table.year] = table

    @classmethod
    def load(cls, paths: Iterable[Traversable]) -> Calendar:
        """Read tables from TOML files; a folder stands for all its ``.toml`` files."""
        files: list[Traversable] = []
        for path in paths:
            if path.is_dir():
                inside = [item for item in path.iterdir() if item.name.endswith(".toml")]
                files.extend(sorted(inside, key=lambda item: item.name))
            else:
                files.append(path)
        return cls([_read(file) for file in files])

    @property
    def years(self) -> tuple[int, ...]:
        """The years that can be answered for, in order."""
        return tuple(sorted(self._tables))

    def table(self, year: int) -> YearTable:
        """The table of a year; CalendarMissing without one."""
        try:
            return self._tables[year]
        except KeyError:
            raise CalendarMissing(year) from None

    def why_off(self, day: date, locale: str = "zh_CN") -> str | None:
        """Why nobody works on that day (``星期六``, ``国庆节放假``), or None on a work day."""
        table = self.table(day.year)
        english = locale == "en"
        for holiday in table.holidays:
            if holiday.since <= day <= holiday.until:
                return f"holiday ({holiday.name})" if english else f"{holiday.name}放假"
        if day.weekday() >= 5 and day not in table.workdays:
            return weekday(day, locale)
        return None

    def is_working_day(self, day: date) -> bool:
        """Whether offices are open on that day; CalendarMissing without a table."""
        return self.why_off(day) is None

    def next_working_day(self, day: date) -> date:
        """The day itself if it is a work day, else the first one after it."""
        while not self.is_working_day(day):
            day += _ONE
        return day


def default_calendar(extra: Iterable[Traversable] = ()) -> Calendar:
    """The tables that come with the software, and those given."""
    shipped = importlib.resources.files("jiceng_cms.default_config") / "calendar"
    return Calendar.load([shipped, *extra])


def weekday(day: date, locale: str = "zh_CN") -> str:
    """``星期六``."""
    return _WEEKDAYS_EN[day.weekday()] if locale == "en" else f"星期{_WEEKDAYS[day.weekday()]}"


# -- deadlines ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Skipped:
    """A day that does not count, or to which a deadline can't fall, and why."""

    day: date
    why_zh: str
    why_en: str


@dataclass(frozen=True)
class Deadline:
    """The last day for something, with all that it was computed from.

    ``last`` is where plain counting ends; ``due`` is ``last`` or the work day to which it moved.
    ``calendar_version`` names the holiday tables that were asked, empty where none was.
    The day ``due`` itself is still in time.
    """

    due: date
    anchor: date
    last: date
    length: int
    unit: str
    rule_id: str
    rule_version: int
    rule_digest: str
    calendar_version: str
    skipped: tuple[Skipped, ...]
    source_zh: str
    source_en: str

    def is_past(self, today: date) -> bool:
        """Whether the time is over: from the day after ``due``."""
        return today > self.due

    def days_late(self, today: date) -> int:
        """How many days ``today`` lies behind ``due``; 0 while it is in time."""
        return max(0, (today - self.due).days)

    def explain(self, locale: str = "zh_CN") -> list[str]:
        """Why it is this day, in sentences for people: the counting, then the rule's source."""
        if locale == "en":
            return [self._counting_en(), self.source_en]
        return [self._counting_zh(), self.source_zh]

    def _counting_zh(self) -> str:
        start = f"从{_zh(self.anchor)}的次日起算{self.length}"
        if self.unit == "working_day":
            middle = f"，其中{_skipped_zh(self.skipped, self.due)}，不算" if self.skipped else ""
            return f"{start}个工作日{middle}，到{_zh(self.due, self.anchor)}（{weekday(self.due)}）为止。"
        if self.skipped:
            return f"{start}天，{_skipped_zh(self.skipped, self.due)}，顺延到{_zh(self.due, self.anchor)}（{weekday(self.due)}）。"
        return f"{start}天，到{_zh(self.due, self.anchor)}（{weekday(self.due)}）为止。"

    def _counting_en(self) -> str:
        kind = "working days" if self.unit == "working_day" else "days"
        start = f"{self.length} {kind}, counted from the day after {self.anchor:%Y-%m-%d}"
        end = f"{self.due:%Y-%m-%d} ({weekday(self.due, 'en')})"
        if not self.skipped:
            return f"{start}, end on {end}."
        days = ", ".join(f"{skip.day:%Y-%m-%d} ({skip.why_en})" for skip in self.skipped)
        if self.unit == "working_day":
            return f"{start}, leaving out {days}, end on {end}."
        return f"{start}; nobody works on {days}, so the last day moves to {end}."

    def as_dict(self) -> dict[str, Any]:
        """JSON values; :meth:`from_dict` reads them again."""
        return {
            "due": self.due.isoformat(),
            "anchor": self.anchor.isoformat(),
            "last": self.last.isoformat(),
            "length": self.length,
            "unit": self.unit,
            "rule": {"id": self.rule_id, "version": self.rule_version, "digest": self.rule_digest},
            "calendar": self.calendar_version,
            "skipped": [[s.day.isoformat(), s.why_zh, s.why_en] for s in self.skipped],
            "source": {"zh_CN": self.source_zh, "en": self.source_en},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Deadline:
        """What :meth:`as_dict` wrote."""
        return cls(
            due=date.fromisoformat(data["due"]),
            anchor=date.fromisoformat(data["anchor"]),
            last=date.fromisoformat(data["last"]),
            length=data["length"],
            unit=data["unit"],
            rule_id=data["rule"]["id"],
            rule_version=data["rule"]["version"],
            rule_digest=data["rule"]["digest"],
            calendar_version=data["calendar"],
            skipped=tuple(Skipped(date.fromisoformat(d), zh, en) for d, zh, en in data["skipped"]),
            source_zh=data["source"]["zh_CN"],
            source_en=data["source"]["en"],
        )


def compute_deadline(rule: Rule, anchor: date, calendar: Calendar) -> Deadline:
    """The last day of ``rule`` counted from ``anchor``, a day in Asia/Shanghai.

    The day of the anchor does not count (民法典 art 201); a last day on which nobody works moves
    to the next work day (art 203). ValueError if the rule counts no days, CalendarMissing if a
    table is wanting. A least time on display is no deadline: see :func:`display_until`.
    """
    _only_date(anchor)
    length = rule.days
    skipped: list[Skipped] = []
    asked: set[int] = set()

    def off(day: date) -> bool:
        asked.add(day.year)
        why = calendar.why_off(day)
        if why is None:
            return False
        skipped.append(Skipped(day, why, calendar.why_off(day, "en") or ""))
        return True

    if rule.unit == "working_day":
        due, left = anchor, length
        while left:
            due += _ONE
            if not off(due):
                left -= 1
        last = due
    else:
        due = last = anchor + timedelta(days=length)
        while off(due):
            due += _ONE
    return Deadline(
        due=due,
        anchor=anchor,
        last=last,
        length=length,
        unit=rule.unit,
        rule_id=rule.id,
        rule_version=rule.version,
        rule_digest=rule.digest,
        calendar_version="; ".join(calendar.table(year).version for year in sorted(asked)),
        skipped=tuple(skipped),
        source_zh=rule.source(),
        source_en=rule.source("en"),
    )


def display_until(rule: Rule, published_on: date) -> date:
    """The last day on display: day 1 is the day after publication, day N the last.

    A floor, not a deadline: it never moves because of a holiday. ValueError unless the rule is
    in natural days.
    """
    _only_date(published_on)
    if rule.unit != "natural_day":
        raise ValueError(f"rule {rule.id} is in {rule.unit}, a display period is in natural days")
    return published_on + timedelta(days=rule.days)


class DisplayProgress(NamedTuple):
    """Where a publication stands in its time on display: ``day`` of ``total``, or over.

    Day 0 is the day of publication itself, which does not count.
    """

    day: int
    total: int
    over: bool

    def text(self) -> str:
        """``公开中 6/15 日``, ``已满公示期``."""
        return "已满公示期" if self.over else f"公开中 {self.day}/{self.total} 日"


def display_progress(published_on: date, until: date, today: date) -> DisplayProgress:
    """Where the display stands on ``today``; over from the day after ``until``."""
    for day in (published_on, until, today):
        _only_date(day)
    total = (until - published_on).days
    passed = (today - published_on).days
    if passed < 0:
        raise ValueError(f"{today} lies before the publication on {published_on}")
    return DisplayProgress(min(passed, total), total, passed > total)


# -- majorities -----------------------------------------------------------------------------


def is_majority(number: int, of: int) -> bool:
    """过半数: more than half; exactly half is none (民法典 art 1259). False where ``of`` is 0."""
    return 2 * _share(number, of) > of


def at_least(number: int, of: int, share: Fraction) -> bool:
    """以上: ``share`` of ``of`` or more, the share itself included. False where ``of`` is 0."""
    return of > 0 and Fraction(_share(number, of)) >= share * of


def _share(number: int, of: int) -> int:
    if not 0 <= number <= of:
        raise ValueError(f"{number} of {of} is no share")
    return number


# -- reading and words ----------------------------------------------------------------------


def _only_date(day: date) -> None:
    # A datetime is a date to Python; in UTC it may be the day before.
    if isinstance(day, datetime):
        raise TypeError("give the local date, not a moment (core.clock.local_date)")


def _zh(day: date, beside: date | None = None) -> str:
    """``8月3日``, with its year where the other day named in the sentence has another."""
    year = f"{day.year}年" if beside is None or day.year != beside.year else ""
    return f"{year}{day.month}月{day.day}日"


def _skipped_zh(skipped: tuple[Skipped, ...], due: date) -> str:
    """Runs of days with one reason are told as one: ``10月1日到10月7日是国庆节放假``."""
    runs: list[list[Skipped]] = []
    for skip in skipped:
        if runs and runs[-1][-1].why_zh == skip.why_zh and skip.day - runs[-1][-1].day == _ONE:
            runs[-1].append(skip)
        else:
            runs.append([skip])
    told = []
    for run in runs:
        first, last = run[0].day, run[-1].day
        span = _zh(first, due) if first == last else f"{_zh(first, due)}到{_zh(last, due)}"
        told.append(f"{span}是{run[0].why_zh}")
    return "，".join(told)


def _read(path: Traversable) -> YearTable:
    def fail(why: str) -> NoReturn:
        raise CalendarError(f"{path.name}：{why}")

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fail(f"读不出来：{error}。请对照往年的文件改正。")
    unknown = sorted(set(data) - {"year", "notice", "issued", "checked", "workdays", "holidays"})
    if unknown:
        fail(f"不认识的项：{'、'.join(unknown)}。")
    year, notice = data.get("year"), data.get("notice")
    if type(year) is not int or path.name != f"{year}.toml":
        fail("year 要和文件名是同一年。")
    if not isinstance(notice, str) or not notice:
        fail("notice 要写放假通知的文号。")
    entries, made_up = data.get("holidays", []), data.get("workdays", [])
    if not isinstance(entries, list) or not isinstance(made_up, list) or not entries:
        fail("holidays 要写成 [[holidays]] 段，workdays 要写成日期的列表。")
    holidays: list[Holiday] = []
    off: set[date] = set()
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != {"name", "since", "until"}:
            fail("每个 [[holidays]] 要有 name、since、until。")
        since, until = entry["since"], entry["until"]
        for day in (since, until):
            _own_day(day, year, fail)
        if until < since or not isinstance(entry["name"], str) or not entry["name"]:
            fail(f"{entry['name']}：没有名称，或者 until 早于 since。")
        days = {since + timedelta(days=n) for n in range((until - since).days + 1)}
        if days & off:
            fail(f"{entry['name']}和前面的节日重叠。")
        off |= days
        holidays.append(Holiday(entry["name"], since, until))
    for day in made_up:
        _own_day(day, year, fail)
        if day.weekday() < 5 or day in off:
            fail(f"调休上班日 {day} 不是周末，或者在假期里，请核对。")
    return YearTable(year, notice, tuple(holidays), frozenset(made_up), str(data.get("checked", "")))


def _own_day(day: object, year: int, fail: Any) -> None:
    if not isinstance(day, date) or isinstance(day, datetime) or day.year != year:
        fail(f"{day} 不是{year}年的日期（写法如 {year}-01-01，不加引号）。")
