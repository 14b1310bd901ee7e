"""Sheets of income and expense that add up and follow on from one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from . import LedgerSpec, SignoffSpec, TableSpec
from .texts import Setting, fill, quarter_name

HEADER = ("序号", "日期", "凭证号", "类别", "摘要", "收入（元）", "支出（元）")


@dataclass(frozen=True)
class Sheet:
    """One sheet: what it adds up to and how it is told."""

    title: str
    span: str
    sums: LedgerSpec
    summary: str
    body: tuple[str, ...]
    tables: tuple[TableSpec, ...]
    signoffs: tuple[SignoffSpec, ...]


def yuan(amount: Decimal) -> str:
    """1,234.50."""
    return f"{amount:,.2f}"


def periods(first: date, monthly_from: date | None, today: date) -> Iterator[tuple[date, date]]:
    """Quarters from ``first`` on, months from ``monthly_from`` on, all over before ``today``."""
    start = first
    while True:
        months = 1 if monthly_from is not None and start >= monthly_from else 3
        after = start
        for _ in range(months):
            after = (after + timedelta(days=32)).replace(day=1)
        if after > today:
            return
        yield start, after - timedelta(days=1)
        start = after


def make_sheet(
    data: Mapping[str, Any],
    setting: Setting,
    since: date,
    until: date,
    opening: Decimal,
    rng: Random,
) -> Sheet:
    """The sheet of the months ``since`` to ``until`` (both included) that begins with ``opening``.

    ``data`` is ``ledger.toml``. Income, expense and balance are exact.
    """
    words = setting.words(until)
    entries: list[tuple[date, str, str, str, Decimal]] = []
    month = since
    while month <= until:
        entries += _entries(data, setting, words, month, rng)
        month = (month + timedelta(days=32)).replace(day=1)
    rows = []
    voucher: dict[int, int] = {}
    for number, (day, way, category, what, amount) in enumerate(entries, start=1):
        voucher[day.month] = voucher.get(day.month, 0) + 1
        both = (yuan(amount), "") if way == "in" else ("", yuan(amount))
        rows.append(
            (str(number), day.isoformat(), f"记-{voucher[day.month]:03d}", category, what, *both)
        )
    income = sum((e[4] for e in entries if e[1] == "in"), Decimal(0))
    expense = sum((e[4] for e in entries if e[1] == "out"), Decimal(0))
    sums = LedgerSpec(since, until, opening, income, expense, opening + income - expense)
    span = quarter_name(until) if since.month != until.month else f"{until.year}年{until.month}月"
    words |= {
        "span": span,
        "n": str(len(entries)),
        "open": yuan(opening),
        "inc": yuan(income),
        "exp": yuan(expense),
        "close": yuan(sums.closing),
        "top_in": _largest(entries, "in"),
        "top_out": _largest(entries, "out"),
    }
    told = rng.choice(data["words"])
    return Sheet(
        title=f"{span}财务收支明细",
        span=span,
        sums=sums,
        summary=fill(told["summary"], words, until),
        body=tuple(fill(paragraph, words, until) for paragraph in told["body"]),
        tables=(
            TableSpec(
                "总数（单位：元）",
                ("期初余额", "收入", "支出", "期末余额"),
                ((yuan(opening), yuan(income), yuan(expense), yuan(sums.closing)),),
            ),
            TableSpec(
                "逐笔明细", HEADER, (*rows, ("合计", "", "", "", "", yuan(income), yuan(expense)))
            ),
        ),
        signoffs=_verdicts(data, rng),
    )


def recategorised(table: TableSpec, wrong: str) -> tuple[TableSpec, str]:
    """The table as it stood with its last expense filed under ``wrong``, and what that entry was."""
    rows = list(table.rows)
    index = max(n for n, row in enumerate(rows[:-1]) if row[6] and row[3] != wrong)
    row = rows[index]
    rows[index] = (*row[:3], wrong, *row[4:])
    return TableSpec(table.caption, table.header, tuple(rows)), row[4]


def _entries(
    data: Mapping[str, Any], setting: Setting, words: Mapping[str, str], month: date, rng: Random
) -> list[tuple[date, str, str, str, Decimal]]:
    scope = "V" if setting.place.kind == "village" else "C"
    tail = setting.place.code[-3:]
    # Lines that name units belong to the six places whose story they tell.
    told = setting.place.code[6:9] in ("001", "100")
    found = []
    for line in data["line"]:
        if line["for"] != scope or (line["months"] and month.month not in line["months"]):
            continue
        if "units" in line and not (told and tail in line["units"]):
            continue
        first = (line.get("from", 0), line.get("from_month", 1))
        if not first <= (month.year, month.month) or month.year > line.get("to", 9999):
            continue
        day = month + timedelta(days=rng.randrange(2, 27))
        found.append(
            (
                day,
                line["way"],
                line["category"],
                fill(line["summary"], words, day),
                _amount(line, rng),
            )
        )
    return sorted(found)


def _amount(line: Mapping[str, Any], rng: Random) -> Decimal:
    if line.get("cents"):
        return Decimal(rng.randrange(line["low"] * 100, line["high"] * 100)) / 100
    return Decimal(rng.randrange(line["low"], line["high"] + 1, 20 if line["low"] >= 1000 else 5))


def _largest(entries: list[tuple[date, str, str, str, Decimal]], way: str) -> str:
    best = max((e for e in entries if e[1] == way), key=lambda e: e[4], default=None)
    return f"{best[3]}{yuan(best[4])}元" if best else "没有发生"


def _verdicts(data: Mapping[str, Any], rng: Random) -> tuple[SignoffSpec, ...]:
    """Mostly agreement; in every fifth sheet one of the three has a doubt and says why."""
    doubter = rng.choice((1, 2, 3)) if rng.random() < 0.2 else 0
    doubt = rng.choice(data["doubts"])
    return tuple(
        SignoffSpec(n, doubt["verdict"], doubt["reason"])
        if n == doubter
        else SignoffSpec(n, "agree")
        for n in (1, 2, 3)
    )
