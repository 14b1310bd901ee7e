"""Tables that a clerk pastes: from Excel, as CSV with either comma, or with upright bars.

What comes in is taken as it stands or refused with the row named; no cell is ever guessed into
another column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .text import check_characters, excerpt, length, normalise_newlines

MAX_COLUMNS = 60
MAX_ROWS = 5_000
MAX_CELL = 2_000
#: Of the whole pasted text, in characters.
MAX_TEXT = 2_000_000

_SHOWN = 5
_RULE_LINE = re.compile(r"\s*\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?\|?\s*")
_AMOUNT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,14})(?:\.\d+)?")
_MINUS = str.maketrans("−–—", "---")


class TableError(ValueError):
    """A pasted text that is no table; ``message`` says which rows, why, and what to do."""

    def __init__(self, *problems: str) -> None:
        told = list(problems[:_SHOWN])
        if len(problems) > _SHOWN:
            told.append(f"这样的行一共有{len(problems)}行。")
        self.message = "".join(told)
        self.problems = problems
        super().__init__(self.message)


@dataclass(frozen=True)
class Table:
    """A table: each row has as many cells as the header; cells are trimmed text."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError("a row has another number of cells than the header")


def parse_table(text: str, caption: str = "") -> Table:
    """Read a pasted table; TableError names what is wrong.

    A first line with one cell only becomes the caption where none is given. A row that trails
    off in empty cells is filled up, cells beyond the header are dropped if empty; any other row
    of a different length is an error.
    """
    text = normalise_newlines(text)
    if not text.strip():
        raise TableError("表格是空的。请从 Excel 里选中整张表（连同表头）复制，再粘贴到这里。")
    if len(text) > MAX_TEXT:
        raise TableError(f"表格太大，有{len(text)}个字符，最多{MAX_TEXT}个。请分成几张表，或者作为附件上传。")
    best: list[list[str]] = []
    for separators in _separators(text):
        rows = [row for row in _split(text, separators) if any(row)]
        if separators == "|｜":
            rows = [row for row in rows if not all(re.fullmatch(":?-{2,}:?", cell) for cell in row if cell)]
        found, rows = _caption(rows)
        if rows and len(rows[0]) > 1 and not _ragged(rows):
            return _table(rows, caption or found)
        if not best or len(rows[0] if rows else []) > len(best[0]):
            best = rows
    if not best or len(best[0]) < 2:
        raise TableError(
            "没有认出表格，只看到一列。请从 Excel 里整块复制，或者每行用逗号把各格隔开，第一行写列名。"
        )
    raise TableError(*_ragged(best))


def _separators(text: str) -> Iterator[str]:
    """Which separators to try, the surest first."""
    filled = [line for line in text.split("\n") if line.strip()]
    head = "\n".join(filled[:3])
    if "\t" in head:
        yield "\t"
        return
    if sum("|" in line or "｜" in line for line in filled) * 2 > len(filled):
        yield "|｜"
        return
    # A comma inside a sentence is usually of the kind that does not separate.
    half, full = head.count(","), head.count("，")
    yield from ((",", "，", ",，") if half >= full else ("，", ",", ",，"))


def _split(text: str, separators: str) -> Iterator[list[str]]:
    """Rows of trimmed cells. A cell in quotes may hold separators and line breaks.

    Quotes count only if they close right before a separator or the line's end, so that
    ``"五好"家庭`` stays as it is.
    """
    if separators == "|｜":
        for line in text.split("\n"):
            if not _RULE_LINE.fullmatch(line):
                plain = line.strip().replace("｜", "|")
                plain = plain.removeprefix("|")
                if plain.endswith("|") and line.strip()[0] in "|｜":
                    plain = plain.removesuffix("|")
                yield [cell.strip() for cell in plain.split("|")]
        return
    stop = f"[{re.escape(separators)}\n]"
    # Bounded and atomic: a hostile text can't make it look far ahead again and again.
    quoted = re.compile(rf'[ \u3000]*"((?>(?:[^"]|""){{0,{2 * MAX_CELL}}}))"[ \u3000]*(?={stop}|\Z)')
    bare = re.compile(rf"[^{re.escape(separators)}\n]*")
    row: list[str] = []
    position = 0
    while True:
        match = quoted.match(text, position)
        if match is not None:
            row.append(match[1].replace('""', '"').strip())
        else:
            match = bare.match(text, position)
            assert match is not None  # the pattern matches the empty text
            row.append(match[0].strip())
        position = match.end()
        ended = position >= len(text)
        if ended or text[position] == "\n":
            yield row
            row = []
        if ended:
            return
        position += 1


def _caption(rows: list[list[str]]) -> tuple[str, list[list[str]]]:
    """A title above the header: one filled cell, and more than one in the line below."""
    if len(rows) > 1:
        first, second = rows[0], rows[1]
        if first[0] and not any(first[1:]) and sum(map(bool, second)) > 1:
            return first[0], rows[1:]
    return "", rows


def _ragged(rows: list[list[str]]) -> list[str]:
    """What is wrong with the lengths of rows, in words; fits rows that only trail off."""
    header = rows[0]
    while header and not header[-1]:
        header.pop()
    width = len(header)
    problems = []
    for number, row in enumerate(rows[1:], 1):
        while len(row) > width and not row[-1]:
            row.pop()
        if len(row) < width and not row[-1]:
            row.extend([""] * (width - len(row)))
        if len(row) != width:
            more = len(row) - width
            fault = f"多{more}格" if more > 0 else f"少{-more}格"
            advice = (
                "如果金额里有逗号（如 1,234.50），请给它加上英文引号，或者直接从 Excel 复制。"
                if more > 0
                else "空着的格也要留出位置。"
            )
            begins = excerpt("，".join(row), 16)
            problems.append(
                f"表头下第{number}行（“{begins}”）有{len(row)}格，表头有{width}格，{fault}。{advice}"
            )
    return problems


def _table(rows: list[list[str]], caption: str) -> Table:
    header, body = rows[0], rows[1:]
    if len(header) > MAX_COLUMNS:
        raise TableError(f"表格有{len(header)}列，最多{MAX_COLUMNS}列。请拆成几张表，或者作为附件上传。")
    if len(body) > MAX_ROWS:
        raise TableError(f"表格有{len(body)}行，最多{MAX_ROWS}行。请拆成几张表，或者作为附件上传。")
    problems = [
        f"第{number}列没有列名，请在表头里补上。" for number, cell in enumerate(header, 1) if not cell
    ]
    # A column's name stands on one line: it labels the cells on a phone.
    header = ["".join(cell.split("\n")) for cell in header]
    if not body:
        problems.append("表格只有表头，没有内容。请把下面的行也一起复制过来。")
    for number, row in enumerate([header, *body]):
        place = f"表头下第{number}行" if number else "表头"
        for column, cell in enumerate(row, 1):
            label = f"{place}第{column}格"
            if len(cell) > MAX_CELL and length(cell) > MAX_CELL:
                problems.append(f"{label}有{length(cell)}个字，最多{MAX_CELL}个字，请缩短。")
            elif not (cell.isascii() and cell.isprintable()):
                faults = check_characters(cell, label, multiline=True)
                problems.extend(fault.message for fault in faults[:1])
    if problems:
        raise TableError(*problems)
    normal = [tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in (header, *body)]
    return Table(unicodedata.normalize("NFC", caption.strip()), normal[0], tuple(normal[1:]))


def to_tsv(table: Table) -> str:
    """The table as it would be pasted from Excel; :func:`parse_table` reads it back."""
    return "\n".join("\t".join(map(_tsv_cell, row)) for row in (table.header, *table.rows))


def _tsv_cell(cell: str) -> str:
    if cell.startswith('"') or any(character in cell for character in "\t\n"):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def parse_amount(text: str) -> Decimal | None:
    """A number as clerks write it (``1,234.50``, full width, ``¥``, ``元``, ``%``) or None.

    Numbers with a leading zero and those of more than 14 digits are codes, not amounts.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_MINUS).strip()
    plain = plain.removeprefix("¥").strip()
    for suffix in ("元", "%"):
        plain = plain.removesuffix(suffix).rstrip()
    if not plain.isascii() or _AMOUNT.fullmatch(plain) is None:
        return None
    digits = plain.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        return None
    return Decimal(plain.replace(",", ""))


def numeric_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """For each column whether all its filled cells are numbers, so that it is aligned right.

    Dashes and slashes that mean "none" do not count.
    """
    found = []
    for column in range(len(header)):
        filled = [row[column] for row in rows if row[column] not in ("", "-", "—", "——", "/", "无")]
        found.append(bool(filled) and all(parse_amount(cell) is not None for cell in filled))
    return tuple(found)
