"""The body of a publication as HTML: paragraphs, headings, lists and, above all, tables.

Built as one string of escaped cells, because a template's time goes into table rows. Sums stand
to the right with two decimals and thousands separators; a long table says its totals above,
too; each cell carries its column's name, from which phones make a list of cards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from jiceng_cms.web import format as fmt


class Html(str):
    """Text that is HTML already; templates put it out as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_SPECIAL = re.compile("[&<>\"']").search


def escape(text: str) -> str:
    """``text`` for an element or a quoted attribute."""
    return text.translate(_ESCAPES) if _SPECIAL(text) else text


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; line ends within it are kept."""

    text: str
    wide = False


@dataclass(frozen=True)
class Heading:
    """A heading within the body."""

    text: str
    wide = False


@dataclass(frozen=True)
class BulletList:
    """Points, numbered where their order matters."""

    items: tuple[str, ...]
    numbered: bool = False
    wide = False


@dataclass(frozen=True)
class TableBlock:
    """A table as published: texts as they were entered, each row as long as the head."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def wide(self) -> bool:
        """Whether the table needs more than a column of text."""
        return len(self.head) > 6


Block = Paragraph | Heading | BulletList | TableBlock

_NUMBER = re.compile(r"[-+]?¥?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", re.ASCII)
_MONEY = re.compile(r"元|金额|收入|支出|余额|单价|总价|合计|小计|工资|补助|补贴|标准")
# Figures that name something: no sums, so neither grouped nor put to the right.
_NAMES = re.compile(
    r"序号|编号|号码|证号|凭证|电话|手机|年份|年度|日期|时间|代码|账号|届|组别|楼|栋|室|月份|户号|单元"
)
_TOTAL = re.compile(r"(?:本[年季月期])?(?:合\s*计|总\s*计|小\s*计|共\s*计|总和|累计)[:：]?")
_UNIT = re.compile(r"[（(][^）)]*元[）)]")
#: Columns whose text names the row, best first.
_NAMING = re.compile(r"摘要|项目|事项|名称|姓名|户主|内容|科目")
#: A number of a voucher or the like: it keeps its line, also on paper.
_CODE = re.compile(r"\S{0,3}[-—－]?\d{1,8}")
_DATE = re.compile(r"\d{4}[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?)?月?")
#: From this many rows on, a table scrolls in its box and tells its totals above.
LONG = 14


def parse_number(text: str) -> Decimal | None:
    """The number that a cell holds (full width, ¥ and separators allowed), or None."""
    plain = text.strip()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain).replace("\u2212", "-").replace("￥", "¥")
    if " " in plain:
        plain = plain.replace(" ", "")
    if not _NUMBER.fullmatch(plain):
        return None
    return Decimal(plain.replace("¥", "").replace(",", ""))


def number_columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """For each column ``"money"``, ``"number"`` or ``""`` (text).

    A column counts when its name does not say that its figures are names (编号, 电话) and
    every cell that is not empty holds a number or a dash.
    """
    table = list(rows)
    return [
        _figures(name, [row[index].strip() for row in table if index < len(row)])[0] for index, name in enumerate(head)
    ]


def _figures(name: str, cells: Iterable[str]) -> tuple[str, dict[str, Decimal]]:
    """The kind of a column, and what its trimmed cells are as numbers where it has one."""
    values: dict[str, Decimal] = {}
    if _NAMES.search(name):
        return "", values
    for cell in cells:
        if not cell or cell in "-—－/／" or cell in values:
            continue
        value = parse_number(cell)
        if value is None or _leading_zero(cell):
            return "", values
        values[cell] = value
    if not values:
        return "", values
    return ("money" if "万" not in name and _MONEY.search(name) else "number"), values


def _leading_zero(cell: str) -> bool:
    plain = cell if cell.isascii() else unicodedata.normalize("NFKC", cell)
    return len(plain) > 1 and plain[0] == "0" and plain[1].isdigit()


def _figure(value: Decimal, kind: str) -> str:
    """A number as shown: digits are grouped, and nothing is ever rounded away."""
    exponent = value.as_tuple().exponent
    if kind == "money" and isinstance(exponent, int) and exponent >= -2:
        return fmt.money(value)
    return f"{value:,f}"


def _column_class(kind: str, cells: Sequence[str]) -> str:
    if kind:
        return "num"
    longest = max(map(len, cells), default=0)
    if longest <= 4 or all(_DATE.fullmatch(cell) or _CODE.fullmatch(cell) for cell in cells if cell):
        return "nowrap"
    return "wide" if longest > 12 else "mid" if longest > 6 else ""


def _total_word(row: Iterable[str]) -> str:
    """The word by which a row says that it sums up others, or ""."""
    for cell in row:
        # every such word has one of the two
        if ("计" in cell or "和" in cell) and _TOTAL.fullmatch(cell):
            return cell
    return ""


def render_table(block: TableBlock) -> str:
    """A ``<table>`` in its box, head sticky, cells escaped."""
    head = [name.strip() for name in block.head]
    width = len(head)
    rows = [[cell.strip() for cell in row[:width]] + [""] * (width - len(row)) for row in block.rows]
    columns = [[row[i] for row in rows] for i in range(width)]
    figures = [_figures(head[i], columns[i]) for i in range(width)]
    kinds = [kind for kind, _ in figures]
    texts = [i for i in range(width) if not kinds[i]]
    title = next(
        (i for i in texts if _NAMING.search(head[i])),
        next((i for i in texts if not _NAMES.search(head[i])), texts[0] if texts else -1),
    )
    # The widest text decides whether a column keeps its line, wraps, or must be given room.
    classes = [_column_class(kinds[i], columns[i]) for i in range(width)]
    labels = [escape(name) for name in head]
    opens = [
        f'data-label="{labels[i]}"' + (f' class="{classes[i]}"' if classes[i] else "")
        for i in range(width)
    ]
    blanks = [f'<td class="blank" data-label="{label}"></td>' for label in labels]
    starts = [f'<th scope="row" {opens[i]}><span>' if i == title else f"<td {opens[i]}><span>" for i in range(width)]
    ends = ["</span></th>" if i == title else "</span></td>" for i in range(width)]
    out: list[str] = []
    totals: list[str] = []
    for row in rows:
        word = _total_word(row)
        total = bool(word)
        out.append('<tr class="total">' if total else "<tr>")
        sums: list[str] = []
        for i, text in enumerate(row):
            if not text:
                out.append(blanks[i])
                continue
            kind, numbers = figures[i]
            if kind and text in numbers:
                shown = _figure(numbers[text], kind)
            else:
                shown = escape(text).replace("\n", "<br>")
            if total and kinds[i] == "money":
                sums.append(f"{escape(_UNIT.sub('', head[i]))} {shown} 元")
            if total and text == word:
                # 合计 stands in whichever column comes first: on a phone that column's name would mislead
                out.append(f'<th scope="row" data-label=""><span>{shown}</span></th>')
            else:
                out.append(f"{starts[i]}{shown}{ends[i]}")
        out.append("</tr>")
        if total and sums:
            name = escape(word.rstrip(":："))
            totals.append(f"<span>{name}：{'，'.join(sums)}</span>")
    long = len(rows) >= LONG
    caption = escape(block.caption.strip())
    keep = width <= 3
    heads = "".join(
        f'<th scope="col" class="num">{labels[i]}</th>'
        if kinds[i]
        else f'<th scope="col" class="nowrap">{labels[i]}</th>'
        if len(head[i]) <= 5
        else f'<th scope="col">{labels[i]}</th>'
        for i in range(width)
    )
    above = f'<p class="table__sum">{"".join(totals[-1:])}</p>' if long and totals else ""
    # A box that scrolls must be reachable by keyboard, and then needs a name.
    box = (
        f' tabindex="0" role="region" aria-label="{caption or "表格"}"'
        if long or block.wide
        else ""
    )
    return (
        f'{above}<div class="tablebox{" tablebox--long" if long else ""}"{box}>'
        f'<table class="table {"table--keep" if keep else "table--cards"}'
        f'{" table--wide" if block.wide else ""}">'
        f"{f'<caption>{caption}</caption>' if caption else ''}"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(out)}</tbody></table></div>"
    )


def render_blocks(blocks: Iterable[Block]) -> Html:
    """The body of a publication; texts stand in ``.prose``, tables have the whole width."""
    out: list[str] = []
    in_prose = False
    for block in blocks:
        prose = not isinstance(block, TableBlock)
        if prose != in_prose:
            out.append('<div class="prose">' if prose else "</div>")
            in_prose = prose
        if isinstance(block, TableBlock):
            out.append(render_table(block))
        elif isinstance(block, Paragraph):
            out.append(f"<p>{escape(block.text).replace(chr(10), '<br>')}</p>")
        elif isinstance(block, Heading):
            out.append(f"<h3>{escape(block.text)}</h3>")
        else:
            tag = "ol" if block.numbered else "ul"
            items = "".join(f"<li>{escape(item)}</li>" for item in block.items)
            out.append(f"<{tag}>{items}</{tag}>")
    if in_prose:
        out.append("</div>")
    return Html("".join(out))
