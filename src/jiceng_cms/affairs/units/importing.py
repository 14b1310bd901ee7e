"""Reading units from a CSV file: every fault by row before anything is saved."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from ...core.codes import check_unit_code, check_uscc, plain
from ...core.text import TextRefused, clean_line
from ...core.units import UNIT_KINDS, About, ParentSpan
from .actions import SaveUnit

#: The columns by their Chinese headings; those marked are required.
COLUMNS = ("代码", "名称", "类型", "上级代码", "起始日期", "拼音", "首字母", "办公地点", "电话", "办公时间", "统一社会信用代码", "小组")
REQUIRED = ("代码", "名称", "类型")

_KIND_WORDS = {titles[0]: kind for kind, titles in UNIT_KINDS.items()} | {
    "乡": "township", "镇": "township", "乡镇": "township", "区": "district", "县": "district", "居委会": "community", "村委会": "village",
}


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in a row (2 is the first under the headings); a warning does not stop."""

    row: int
    text: str
    stop: bool = True


@dataclass(frozen=True)
class UnitImport:
    """What a file holds: the actions in an order in which each finds its parent, and problems."""

    units: tuple[SaveUnit, ...]
    problems: tuple[RowProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether it may be saved."""
        return not any(p.stop for p in self.problems)


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or GB18030; ValueError where it is none of them."""
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("文件的编码认不出来。请在电子表格里另存为“CSV UTF-8”再试。")


def read_units(text: str, known: Collection[str], today: date) -> UnitImport:
    """Read a CSV file with the headings of ``COLUMNS``; ``known`` are codes already registered.

    Rows are counted as a spreadsheet counts them; empty ones are passed over.
    """
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return UnitImport((), (RowProblem(1, "文件读不懂，可能引号没有成对。请在电子表格里另存为“CSV UTF-8”再试。"),))
    headings = [name.strip() for name in lines[0]] if lines else []
    while headings and not headings[-1]:
        headings.pop()
    problems = list(_heading_problems(headings))
    rows = [(number, cells) for number, cells in enumerate(lines[1:], 2) if any(c.strip() for c in cells)]
    if problems or not rows:
        return UnitImport((), tuple(problems) or (RowProblem(1, "文件里没有单位。"),))
    codes: dict[str, int] = {}
    found: dict[str, SaveUnit] = {}
    for number, cells in rows:
        if any(c.strip() for c in cells[len(headings):]):
            problems.append(RowProblem(number, "这一行的格子比栏目多，可能内容里的逗号没有加引号。"))
            continue
        unit = _read(number, dict(zip(headings, cells, strict=False)), codes, problems, today)
        if unit is not None:
            found[unit.code] = unit
    for unit in found.values():
        for span in unit.parents:
            if span.code not in codes and span.code not in known:
                problems.append(RowProblem(codes[unit.code], f"上级代码 {span.code} 不在文件里，也没有登记过。"))
    return UnitImport(tuple(_parents_first(found, codes, problems)), tuple(sorted(problems, key=lambda p: p.row)))


def _heading_problems(headings: list[str]) -> Iterator[RowProblem]:
    for name in REQUIRED:
        if name not in headings:
            yield RowProblem(1, f"缺少“{name}”这一栏。第一行要写栏目名称：{'、'.join(COLUMNS)}。")
    for name in dict.fromkeys(headings):
        if name not in COLUMNS:
            yield RowProblem(1, f"认不得“{name}”这一栏。可用的栏目：{'、'.join(COLUMNS)}。")
        elif headings.count(name) > 1:
            yield RowProblem(1, f"“{name}”这一栏写了两次，请留一栏。")


def _read(
    number: int, row: dict[str, str], codes: dict[str, int], problems: list[RowProblem], today: date
) -> SaveUnit | None:
    before = len([p for p in problems if p.stop])

    def stop(text: str) -> None:
        problems.append(RowProblem(number, text))

    value = {name: (row.get(name) or "").strip() for name in COLUMNS}
    kind = _KIND_WORDS.get(value["类型"], value["类型"])
    if kind not in UNIT_KINDS:
        stop(f"类型“{value['类型']}”认不得。请写村、社区、街道、乡镇或者区县。")
        kind = ""
    code = check_unit_code(value["代码"], kind or None)
    for text in code.errors:
        stop(text)
    for text in code.warnings:
        problems.append(RowProblem(number, text, stop=False))
    if code.code in codes:
        stop(f"代码 {code.code} 与第 {codes[code.code]} 行重复。")
    if code.code:
        codes.setdefault(code.code, number)
    try:
        name = clean_line(value["名称"], "名称", limit=60)
    except TextRefused as error:
        stop(error.message)
        name = ""
    if not name:
        stop("没有写名称。")
    since = today
    if value["起始日期"]:
        try:
            since = date.fromisoformat(value["起始日期"])
        except ValueError:
            stop(f"起始日期“{value['起始日期']}”看不懂，请写成 2026-09-30 这样。")
    if value["统一社会信用代码"]:
        uscc = check_uscc(value["统一社会信用代码"], kind or None)
        for text in uscc.errors:
            stop(text)
        for text in uscc.warnings:
            problems.append(RowProblem(number, text, stop=False))
    if len([p for p in problems if p.stop]) > before:
        return None
    return SaveUnit(
        code=code.code,
        kind=kind,
        title=name,
        pinyin=value["拼音"].lower(),
        initials=value["首字母"].lower(),
        about=About(
            office=value["办公地点"], phone=value["电话"], hours=value["办公时间"], uscc=value["统一社会信用代码"]
        ),
        parts=tuple(filter(None, value["小组"].replace("、", ";").replace("；", ";").split(";"))),
        parents=(ParentSpan(plain(value["上级代码"]), since),) if value["上级代码"] else (),
    )


def _parents_first(
    found: dict[str, SaveUnit], codes: dict[str, int], problems: list[RowProblem]
) -> list[SaveUnit]:
    """In an order in which each unit comes after its parent; a circle is a problem."""
    order: list[SaveUnit] = []
    done: set[str] = set()
    left = dict(found)
    while left:
        ready = [u for u in left.values() if all(s.code in done or s.code not in found for s in u.parents)]
        if not ready:
            for code in left:
                problems.append(RowProblem(codes[code], "上级关系绕成了一圈，请核对上级代码。"))
            return []
        for unit in ready:
            order.append(unit)
            done.add(unit.code)
            del left[unit.code]
    return order
