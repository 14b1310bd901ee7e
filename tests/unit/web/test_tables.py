"""Published tables: nothing lost, sums readable, text never markup."""

import re
from decimal import Decimal
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.web.charts import Bar, bars
from jiceng_cms.web.tables import (
    LONG,
    BulletList,
    Heading,
    Paragraph,
    TableBlock,
    number_columns,
    parse_number,
    render_blocks,
    render_table,
)

HEAD = ("序号", "摘要", "收入（元）", "面积", "电话", "凭证号")
ROWS = (
    ("1", "水泥", "1234.5", "62.5", "0000-881", "001"),
    ("2", "砂石", "86000", "1200", "0000-882", "002"),
    ("", "合计", "87,234.50", "", "", ""),
)


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in = False

    def handle_data(self, data: str) -> None:
        if self._in:
            self.rows[-1][-1] += data


def cells(html: str) -> _Cells:
    parser = _Cells()
    parser.feed(html)
    return parser


def test_sums_are_grouped_and_figures_that_name_things_are_left_alone() -> None:
    rows = cells(render_table(TableBlock("明细", HEAD, ROWS))).rows
    assert rows[1] == ["1", "水泥", "1,234.50", "62.5", "0000-881", "001"]
    assert rows[2][2:4] == ["86,000.00", "1,200"]
    assert number_columns(HEAD, ROWS) == ["", "", "money", "number", "", ""]


def test_no_digit_of_a_sum_is_rounded_away() -> None:
    table = TableBlock("", ("单价（元）",), (("0.125",), ("12",)))
    assert cells(render_table(table)).rows[1:] == [["0.125"], ["12.00"]]


def test_a_column_with_one_word_in_it_stays_text() -> None:
    assert number_columns(("金额",), [("12",), ("面议",)]) == [""]
    assert number_columns(("金额",), [("12",), ("—",), ("",)]) == ["money"]


def test_each_cell_carries_its_columns_name_for_phones() -> None:
    html = render_table(TableBlock("明细", HEAD, ROWS))
    assert 'data-label="收入（元）" class="num"' in html
    assert '<th scope="row" data-label="摘要"' in html
    assert "<caption>明细</caption>" in html
    assert html.count('scope="col"') == len(HEAD)


def test_totals_of_a_long_table_stand_above_it_too() -> None:
    many = (*(ROWS[:2] * LONG), ROWS[2])
    html = render_table(TableBlock("明细", HEAD, many))
    above, table = html.split("<table", 1)
    assert "合计：收入 87,234.50 元" in above
    assert 'class="total"' in table
    assert 'tabindex="0"' in above
    assert "合计：" not in render_table(TableBlock("明细", HEAD, ROWS))


def test_a_row_shorter_or_longer_than_the_head_keeps_the_columns() -> None:
    rows = cells(render_table(TableBlock("", ("甲", "乙"), (("一",), ("一", "二", "三"))))).rows
    assert [len(row) for row in rows] == [2, 2, 2]


@given(
    st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=5),
    st.text(max_size=10),
)
def test_text_never_becomes_markup(rows: list[list[str]], caption: str) -> None:
    table = TableBlock(caption, ("<b>", "a&b\"'", "乙"), tuple(tuple(row) for row in rows))
    html = render_blocks([Paragraph(caption), table, Heading(caption), BulletList((caption,))])
    allowed = {"div", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "br"}
    assert cells(str(html)).tags <= allowed | {"h3", "ul", "li"}
    assert not re.search(r"<[^>]*\s(style|on\w+)=", str(html))


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.booleans())
def test_a_number_is_read_in_every_way_that_clerks_write_it(value: Decimal, wide: bool) -> None:
    text = f"{value:,f}"
    if wide:
        text = text.translate(str.maketrans("0123456789,.-", "０１２３４５６７８９，．－"))
    assert parse_number(text) == value
    assert parse_number(f"¥{abs(value)}") == abs(value)


def test_what_only_looks_like_a_number_is_none() -> None:
    for text in ("", "1,23", "1.2.3", "12元", "2026-07-01", "—", "½", "٣"):
        assert parse_number(text) is None


def test_a_chart_says_its_figures_and_scales_to_the_largest() -> None:
    svg = bars("收支", (Bar("收入", Decimal(200)), Bar("支出<", Decimal(50), "out")))
    assert 'aria-label="收支：收入 200.00 元；支出&lt; 50.00 元"' in svg
    assert re.findall(r'width="(\d+)"', svg) == ["400", "100"]
    assert "style=" not in svg
