"""Pasted tables: from Excel, with commas, with bars; ragged rows are named."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core.tables import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    Table,
    TableError,
    numeric_columns,
    parse_amount,
    parse_table,
    to_tsv,
)

LEDGER = Table("", ("日期", "摘要", "金额"), (("2026-01-08", "维修水泵", "2,860.00"), ("2026-02-06", "慰问", "")))


@pytest.mark.parametrize(
    "text",
    [
        "日期\t摘要\t金额\n2026-01-08\t维修水泵\t2,860.00\n2026-02-06\t慰问\t\n",
        "日期\t摘要\t金额\r\n2026-01-08\t维修水泵\t2,860.00\r\n\r\n2026-02-06\t慰问\t\r\n",
        '日期,摘要,金额\n2026-01-08,维修水泵,"2,860.00"\n2026-02-06,慰问,',
        "日期，摘要，金额\n2026-01-08，维修水泵，2,860.00\n2026-02-06，慰问，",
        "| 日期 | 摘要 | 金额 |\n|---|:---:|---:|\n| 2026-01-08 | 维修水泵 | 2,860.00 |\n| 2026-02-06 | 慰问 | |",
        "日期 | 摘要 | 金额\n2026-01-08 | 维修水泵 | 2,860.00\n2026-02-06 | 慰问 |",
        "日期｜摘要｜金额\n2026-01-08｜维修水泵｜2,860.00\n2026-02-06｜慰问｜",
        "日期\t摘要\t金额\t\n2026-01-08\t维修水泵\t2,860.00\t\t\n2026-02-06\t慰问\t\t",
    ],
)
def test_every_way_to_paste_gives_the_same_table(text: str) -> None:
    assert parse_table(text) == LEDGER


def test_a_title_row_above_becomes_the_caption() -> None:
    body = to_tsv(LEDGER)
    assert parse_table(f"第一季度收支\t\t\n{body}").caption == "第一季度收支"
    assert parse_table(f"第一季度收支\n{body}").caption == "第一季度收支"
    given_one = parse_table(f"第一季度收支\t\t\n{body}", caption="一季度")
    assert (given_one.caption, given_one.header) == ("一季度", LEDGER.header)


def test_a_short_row_is_named_and_never_filled_by_guessing() -> None:
    with pytest.raises(TableError) as raised:
        parse_table("日期\t摘要\t金额\n2026-01-08\t维修\t1.00\n慰问\t300.00")
    assert "表头下第2行（“慰问，300.00”）有2格，表头有3格，少1格" in raised.value.message


def test_a_row_that_trails_off_is_filled_up() -> None:
    assert parse_table("甲,乙,丙,丁\n1,2,3,4\n5,").rows[1] == ("5", "", "", "")


def test_a_sum_with_commas_is_no_silent_extra_column() -> None:
    with pytest.raises(TableError, match=r"表头下第1行.*多1格.*金额里有逗号"):
        parse_table("日期,金额\n2026-01-08,2,860.00")


def test_quotes_that_are_part_of_a_word_stay() -> None:
    assert parse_table('名称\t数\n"五好"家庭\t3').rows == (('"五好"家庭', "3"),)
    assert parse_table('名称\t数\n"两行\n一格"\t3').rows == (("两行\n一格", "3"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "是空的"),
        ("只有一列\n甲\n乙", "只看到一列"),
        ("日期\t金额", "只有表头"),
        ("日期\t\t金额\n1\t2\t3", "第2列没有列名"),
        ("日期\t金额\n1\t2\u202e3", "表头下第1行第2格"),
        ("日期\t金额\n1\t" + "长" * (MAX_CELL + 1), "最多2000个字"),
        ("\t".join("列" for _ in range(MAX_COLUMNS + 1)) + "\n" + "\t" * MAX_COLUMNS + "x", "最多60列"),
        ("甲\t乙\n" + "1\t2\n" * (MAX_ROWS + 1), "最多5000行"),
        ("甲\t乙\n" * 600_000, "太大"),
    ],
)
def test_what_is_no_table_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        parse_table(text)


@pytest.mark.parametrize("hostile", ['"' * 90_000, '"\t' * 90_000, '"a' * 90_000, ",\"" * 90_000, "|" * 90_000, "|-" * 90_000])
def test_hostile_text_is_refused_soon(hostile: str) -> None:
    with pytest.raises(TableError):
        parse_table(hostile)


cells = st.text(st.characters(blacklist_categories=["C", "M", "Z"]), min_size=1, max_size=8)
filled = st.one_of(cells, st.just(""), st.builds("{}\n{}".format, cells, cells), st.builds("{}\t{}".format, cells, cells))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(2, 6))
    header = tuple(draw(st.lists(cells, min_size=width, max_size=width)))
    row = st.lists(filled, min_size=width, max_size=width).map(tuple).filter(any)
    return Table("", header, tuple(draw(st.lists(row, min_size=1, max_size=6))))


@given(tables())
def test_a_table_comes_back_from_the_form(table: Table) -> None:
    again = parse_table(to_tsv(table))
    assert again == parse_table(to_tsv(again))
    assert len(again.rows) == len(table.rows)
    assert again == _normal(table)


def _normal(table: Table) -> Table:
    def nfc(row: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(unicodedata.normalize("NFC", cell) for cell in row)

    return Table("", nfc(table.header), tuple(nfc(row) for row in table.rows))


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    told = "。"
    rows: tuple[tuple[str, ...], ...] = ()
    width = 0
    try:
        table = parse_table(text)
        rows, width = table.rows, len(table.header)
    except TableError as refused:
        told = refused.message
    assert told.endswith("。")
    assert all(len(row) == width for row in rows)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.50", "1234.50"), ("１，２３４．５０", "1234.50"), ("¥36000.00", "36000.00"), ("-412", "-412"),
        ("−412.00 元", "-412.00"), ("0.5", "0.5"), ("12.5%", "12.5"), ("0", "0"),
    ],
)  # fmt: skip
def test_amounts_as_clerks_write_them(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "003", "记-003", "1,23.4", "2026-01-08", "202604100001234567", "1.2.3", "12 户", "1e5"])
def test_codes_and_dates_are_no_amounts(text: str) -> None:
    assert parse_amount(text) is None


def test_numeric_columns_are_found() -> None:
    assert numeric_columns(LEDGER.header, LEDGER.rows) == (False, False, True)
    assert numeric_columns(("甲",), (("",), ("—",))) == (False,)


@pytest.mark.shared
def test_the_quarter_ledger_comes_in_whole(shared: Path) -> None:
    text = (shared / "samples" / "99_synthetic_finance_and_privacy_traps.txt").read_text(encoding="utf-8")
    lines = text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith("序号"))
    table = parse_table("\n".join(lines[start : start + 8]))
    income, expense = table.header.index("收入(元)"), table.header.index("支出(元)")
    assert len(table.rows) == 7
    assert sum(parse_amount(row[income]) or Decimal(0) for row in table.rows) == Decimal("86000.00")
    booked = [row for row in table.rows if row[-1] != "退回"]
    assert sum(parse_amount(row[expense]) or Decimal(0) for row in booked) == Decimal("51272.00")
    numeric = numeric_columns(table.header, table.rows)
    assert numeric[income]
    assert numeric[expense]
    assert not numeric[2]


@pytest.mark.shared
@pytest.mark.parametrize(("sample", "width"), [("01.txt", 8), ("02.txt", 12)])
def test_catalogues_with_bars_come_in_and_their_cut_last_row_is_named(
    shared: Path, sample: str, width: int
) -> None:
    lines = (shared / "samples" / sample).read_text(encoding="utf-8").split("\n")
    rows = [line for line in lines if line[:1].isdigit() and " | " in line]
    header = " | ".join(f"列{number}" for number in range(1, width + 1))
    with pytest.raises(TableError, match=f"表头下第{len(rows)}行"):
        parse_table("\n".join([header, *rows]))
    table = parse_table("\n".join([header, *rows[:-1]]))
    assert [row[0] for row in table.rows] == [str(n) for n in range(1, len(rows))]
