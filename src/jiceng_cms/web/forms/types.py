"""Colander types for what people type: clean text, money, dates, lines, pasted tables.

Each refuses with a Chinese sentence that says what is wrong and how to write it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any, Final

import colander

from jiceng_cms.core.tables import Table, TableError, parse_table, to_tsv
from jiceng_cms.core.text import TextRefused, clean_line, clean_name, clean_text, lines
from jiceng_cms.web.forms import widgets

_DATE: Final = re.compile(
    r"(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2}) ?[日号]?\Z", re.ASCII
)
_DATE8: Final = re.compile(r"(\d{4})(\d{2})(\d{2})\Z", re.ASCII)
_MONEY: Final = re.compile(r"([-+]?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d*))?\Z", re.ASCII)

#: The greatest amount that a form takes, in yuan: more is a slip of the keyboard.
GREATEST_AMOUNT: Final = Decimal("999999999999.99")


def read_date(text: str) -> date:
    """A day as people write it: 2026-09-30, 2026/9/30, 2026年9月30日, 20260930, full width too.

    Raises ValueError with a Chinese sentence.
    """
    flat = unicodedata.normalize("NFKC", text).strip().replace("--", "-")
    match = _DATE.match(flat) or _DATE8.match(flat)
    if match is None:
        raise ValueError(f"看不懂“{_short(text)}”是哪一天。请写成 2026年9月30日 或 2026-09-30。")
    year, month, day = (int(part) for part in match.groups())
    if not 1949 <= year <= 2199:
        raise ValueError(f"年份写的是 {year}，请核对。请写四位数的年份，例如 2026。")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"{year}年{month}月没有{day}日，请核对。" if 1 <= month <= 12 else (
            f"一年只有 12 个月，写的是 {month} 月，请核对。"
        )) from None


def read_money(text: str) -> Decimal:
    """An amount in yuan with at most two decimals: 1,234.50, １２３４．５, 1234元, ￥1,234, -5.

    Raises ValueError with a Chinese sentence. Never a float on the way.
    """
    flat = unicodedata.normalize("NFKC", text).strip()
    flat = flat.replace("−", "-").replace("－", "-").replace("、", ",")
    flat = flat.removeprefix("¥").removesuffix("元").replace(" ", "")
    if "万" in flat or "亿" in flat:
        raise ValueError(f"“{_short(text)}”请写到元，不用“万”，例如 3.5 万写成 35,000.00。")
    match = _MONEY.match(flat)
    if match is None:
        if re.fullmatch(r"[-+]?[\d,]+(\.\d*)?", flat, re.ASCII):
            raise ValueError(
                f"“{_short(text)}”里逗号的位置不对，看不准是多少。每三位一个逗号，或者不写逗号。"
            )
        raise ValueError(f"看不懂“{_short(text)}”是多少钱。请只写数字，例如 1,234.50。")
    sign, whole, cents = match.groups()
    if cents is not None and len(cents.rstrip("0")) > 2:
        raise ValueError(f"金额最多写到分（两位小数），写的是 {_short(flat)}。请核对。")
    amount = Decimal(f"{whole.replace(',', '')}.{(cents or '0')[:2]}").quantize(Decimal("0.01"))
    if amount > GREATEST_AMOUNT:
        raise ValueError(f"金额超过 {GREATEST_AMOUNT:,}，请核对有没有多按几个零。")
    return -amount if sign == "-" and amount else amount


def _short(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "…"


class CleanString(colander.SchemaType):
    """A text without hidden characters, trimmed, NFC (``core.text``).

    ``multiline`` keeps line breaks; without it they become spaces, as a browser would have done.
    ``as_entered`` is for names of people, which are not normalised. ``limit`` is the greatest
    number of characters; one that is given is also told beside the field. An empty text counts
    as missing.
    """

    def __init__(
        self, *, multiline: bool = False, as_entered: bool = False, limit: int | None = None
    ) -> None:
        self.multiline = multiline
        self.as_entered = as_entered
        #: read by the templates for their counter
        self.limit = limit

    @property
    def widget_maker(self) -> Any:
        return widgets.TextArea if self.multiline else widgets.TextInput

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return colander.null if appstruct in (colander.null, None) else str(appstruct)

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct in (colander.null, None, ""):
            return colander.null
        label = f"“{node.title}”"
        try:
            if self.multiline:
                text = clean_text(cstruct, label, limit=self.limit or 100_000)
            else:
                clean = clean_name if self.as_entered else clean_line
                flat = re.sub(r"[\r\n\t]+", " ", cstruct)
                text = clean(flat, label, limit=self.limit or 120)
        except TextRefused as error:
            raise colander.Invalid(node, error.message) from error
        return text or colander.null


class Money(colander.SchemaType):
    """Decimal yuan with two places. ``negative`` allows sums below nought."""

    widget_maker = widgets.MoneyInput

    def __init__(self, *, negative: bool = False) -> None:
        self.negative = negative

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return colander.null if appstruct in (colander.null, None) else f"{appstruct:,.2f}"

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct in (colander.null, None) or not cstruct.strip():
            return colander.null
        try:
            amount = read_money(cstruct)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from error
        if amount < 0 and not self.negative:
            raise colander.Invalid(node, f"“{node.title}”不能是负数，写的是 {amount:,}。")
        return amount


class LocalDate(colander.SchemaType):
    """A calendar day at the place of the village, as ``datetime.date``."""

    widget_maker = widgets.DateInput

    def serialize(self, node: Any, appstruct: Any) -> Any:
        if appstruct in (colander.null, None):
            return colander.null
        return appstruct.isoformat() if isinstance(appstruct, date) else str(appstruct)

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct in (colander.null, None) or not cstruct.strip():
            return colander.null
        try:
            return read_date(cstruct)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from error


class Lines(colander.SchemaType):
    """A text area in which each line counts: paragraphs of a text, or the lines of a basis.

    Gives a tuple of clean texts; empty lines fall away.
    """

    widget_maker = widgets.TextArea

    def serialize(self, node: Any, appstruct: Any) -> Any:
        if appstruct in (colander.null, None):
            return colander.null
        return appstruct if isinstance(appstruct, str) else "\n".join(appstruct)

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        whole = CleanString(multiline=True).deserialize(node, cstruct)
        if whole is colander.null:
            return colander.null
        return lines(whole) or colander.null


class PastedTable(colander.SchemaType):
    """A table pasted from a spreadsheet; gives ``core.tables.Table`` (without a caption)."""

    widget_maker = widgets.PastedTableInput

    def serialize(self, node: Any, appstruct: Any) -> Any:
        if appstruct in (colander.null, None):
            return colander.null
        return to_tsv(appstruct) if isinstance(appstruct, Table) else str(appstruct)

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct in (colander.null, None) or not cstruct.strip():
            return colander.null
        try:
            return parse_table(cstruct)
        except TableError as error:
            raise colander.Invalid(node, str(error)) from error


class Upload(colander.SchemaType):
    """One uploaded file, handed on as the web library made it (``filename``, ``file``)."""

    widget_maker = widgets.FileInput
    #: read by ``controls.keep_known``: any other field takes text only
    takes_upload = True

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return colander.null

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        return cstruct if hasattr(cstruct, "filename") else colander.null
