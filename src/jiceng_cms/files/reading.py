"""Takes the text out of a file, page by page or sheet by sheet. Runs in the limited process.

The text serves search, the check for personal data and people who read in place; it need not
look like the file. Hidden sheets, notes, headers and footers are read too: what nobody sees on
the screen is public all the same.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from . import kinds
from .archives import ENTITIES, open_zip, read_part
from .kinds import KINDS, Unfit
from .looking import encoding_of, open_pdf

#: What is taken out of one file at the most.
MAX_CHARACTERS: Final = 400_000
MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 200
_MAX_XML: Final = 64 << 20

#: What became of the reading.
READ: Final = "read"
PARTIAL: Final = "partial"  # more than is taken out, or pages without text among others
SCAN: Final = "scan"  # pictures of text, or no text at all
UNREADABLE: Final = "unreadable"  # a format whose text we can't take out


@dataclass
class Extract:
    """The text of a file: ``parts`` are ``{"label", "text"}`` or ``{"label", "rows"}``.

    ``pages`` is how many pictures of it can be drawn: pages of a PDF, 1 for a photo, else 0.
    """

    status: str = READ
    pages: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    room: int = MAX_CHARACTERS

    def add_text(self, label: str, text: str) -> bool:
        """Take in a text; False when there is no more room."""
        text = _clean(text)
        if text:
            self.parts.append({"label": label, "text": text[: self.room]})
        return self._spend(len(text))

    def add_rows(self, label: str, rows: list[list[str]]) -> bool:
        """Take in a table; False when there is no more room."""
        kept = [row for row in rows if any(row)]
        if kept:
            width = max(len(row) for row in kept)
            self.parts.append({"label": label, "rows": [row + [""] * (width - len(row)) for row in kept]})
        return self._spend(sum(len(cell) + 1 for row in kept for cell in row))

    def _spend(self, count: int) -> bool:
        self.room -= count
        if self.room <= 0:
            self.room, self.status = 0, PARTIAL
        return self.room > 0


def _clean(text: str) -> str:
    """Plain line ends; no control characters, no half of a pair."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "ignore").decode()
    return re.sub(r"[^\S\n]+\n", "\n", re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]", "", text)).strip("\n")


def read(file: BinaryIO, media_type: str, size: int) -> Extract:
    """The text of a file that :func:`.looking.look` has passed."""
    found = Extract()
    family = KINDS[media_type].family
    if family == "pdf":
        _pdf(file, found)
    elif family == "image":
        found.status, found.pages = SCAN, 1
    elif family == "text":
        _text(file, media_type, found)
    elif family == "sheet":
        _sheets(file, media_type, size, found)
    elif media_type in (kinds.DOCX, kinds.WPS) and _is_zip(file):
        _document(file, size, found)
    elif family == "ofd":
        _ofd(file, size, found)
    else:
        found.status = UNREADABLE
    if found.status == READ and not found.parts:
        found.status = SCAN
    return found


def _is_zip(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4) == b"PK\x03\x04"


def _pdf(file: BinaryIO, found: Extract) -> None:
    pdf = open_pdf(file)
    found.pages = len(pdf)
    bare = 0
    for number in range(len(pdf)):
        page = pdf[number]
        textpage = page.get_textpage()
        count = textpage.count_chars()
        text = textpage.get_text_range(0, min(count, found.room + 1)) if count > 0 else ""
        textpage.close()
        page.close()
        bare += not text.strip()
        if not found.add_text(f"第{number + 1}页", text):
            return
    if bare:
        found.status = PARTIAL if bare < found.pages else SCAN


def _text(file: BinaryIO, media_type: str, found: Extract) -> None:
    encoding = encoding_of(file) or "utf-8"
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    whole = file.read(4 * MAX_CHARACTERS)
    text = decoder.decode(whole, len(whole) < 4 * MAX_CHARACTERS)
    if media_type == kinds.CSV:
        rows = _csv_rows(text[:MAX_CHARACTERS])
        found.add_rows("表格", rows[:MAX_ROWS])
        if len(rows) > MAX_ROWS or len(text) > MAX_CHARACTERS:
            found.status = PARTIAL
    else:
        found.add_text("全文", text)
    if file.read(1):
        found.status = PARTIAL


def _csv_rows(text: str) -> list[list[str]]:
    head = text[:4000]
    separator = max(",\t;，", key=head.count)
    csv.field_size_limit(MAX_CHARACTERS)
    rows = []
    try:
        for row in csv.reader(io.StringIO(_clean(text)), delimiter=separator):
            rows.append([cell.strip() for cell in row[:MAX_COLUMNS]])
            if len(rows) > MAX_ROWS:
                break
    except csv.Error:
        return [[line] for line in text.splitlines()[: MAX_ROWS + 1]]
    return rows


# ------------------------------------------------------------------------------- sheets


def _sheets(file: BinaryIO, media_type: str, size: int, found: Extract) -> None:
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    file.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(file.read()))
        names = list(book.sheet_names)
        shown = {m.name for m in book.sheets_metadata if m.visible == SheetVisibleEnum.Visible}
        for name in names[:200]:
            label = f"工作表“{name}”" + ("" if name in shown else "（隐藏的）")
            rows = _sheet_rows(book.get_sheet_by_name(name), found)
            if not found.add_rows(label, rows):
                return
        if len(names) > 200:
            found.status = PARTIAL
    except (CalamineError, ValueError, OSError, EOFError, KeyError):
        found.status = UNREADABLE if not found.parts else PARTIAL
        return
    if _is_zip(file):
        with open_zip(file, size) as archive:
            for name in sorted(archive.namelist()):
                if re.fullmatch(r"xl/(comments\d*|threadedComments/.+|drawings/drawing\d+)\.xml", name):
                    _parts_of(archive, name, "批注和文本框", found)


def _sheet_rows(sheet: Any, found: Extract) -> list[list[str]]:
    rows: list[list[str]] = []
    room = found.room
    for row in sheet.iter_rows():
        cells = [_cell(value) for value in row[:MAX_COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        room -= sum(map(len, cells)) + len(cells)
        if len(rows) >= MAX_ROWS or room <= 0 or len(row) > MAX_COLUMNS:
            found.status = PARTIAL
        if len(rows) >= MAX_ROWS or room <= 0:
            break
        rows.append(cells)
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        return str(int(value))  # an ID number typed as a number
    if isinstance(value, bool):
        return "是" if value else "否"
    return _clean(str(value)).replace("\n", " ").strip()


# ------------------------------------------------------------------------------- documents


def _document(file: BinaryIO, size: int, found: Extract) -> None:
    with open_zip(file, size) as archive:
        names = set(archive.namelist())
        _parts_of(archive, "word/document.xml", "正文", found)
        for name in sorted(names):
            more = re.fullmatch(r"word/(header|footer|footnotes|endnotes|comments)\d*\.xml", name)
            if more:
                label = {"header": "页眉", "footer": "页脚", "comments": "批注"}.get(more[1], "脚注")
                _parts_of(archive, name, label, found)


def _parts_of(archive: zipfile.ZipFile, name: str, label: str, found: Extract) -> None:
    if name not in archive.namelist() or found.room <= 0:
        return
    reader = _OfficeText(label, found)
    try:
        reader.parse(read_part(archive, name, _MAX_XML))
    except (expat.ExpatError, _Full):
        found.status = PARTIAL
    reader.end()


class _Full(Exception):
    """No more room."""


class _OfficeText:
    """Paragraphs and tables of WordprocessingML, texts of DrawingML, by their local names."""

    def __init__(self, label: str, found: Extract) -> None:
        self.label, self.found = label, found
        self.lines: list[str] = []
        self.line: list[str] = []
        self.rows: list[list[str]] = []
        self.depth = 0
        self.taking = False
        self.room = found.room

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator="|")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.buffer_text = True
        parser.Parse(data, True)

    def _doctype(self, *_: Any) -> None:
        raise Unfit(ENTITIES)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition("|")[2]
        if local in ("t", "delText", "instrText"):
            self.taking = True
        elif local == "tab":
            self.line.append(" ")
        elif local == "br":
            self.line.append("\n")
        elif local == "tbl":
            self.depth += 1
            if self.depth == 1:
                self._flush()
        elif local == "tr" and self.depth == 1:
            self.rows.append([])
        elif local == "tc" and self.depth == 1:
            self.line = []

    def _end(self, name: str) -> None:
        local = name.rpartition("|")[2]
        if local in ("t", "delText", "instrText"):
            self.taking = False
        elif local in ("p", "si", "comment"):
            if self.depth:
                self.line.append(" ")
            else:
                self.lines.append("".join(self.line))
                self.line = []
        elif local == "tc" and self.depth == 1 and self.rows:
            self.rows[-1].append(_clean("".join(self.line)).strip())
            self.line = []
        elif local == "tbl":
            self.depth -= 1
            if not self.depth:
                self.found.add_rows(f"{self.label}里的表格", self.rows)
                self.rows = []

    def _characters(self, text: str) -> None:
        if self.taking:
            self.room -= len(text)
            self.line.append(text)
            if self.room < 0:
                raise _Full

    def _flush(self) -> None:
        text, self.lines = "\n".join(self.lines), []
        if text.strip():
            self.found.add_text(self.label, text)

    def end(self) -> None:
        """Take in what is left, also of a part that broke off."""
        self.lines.append("".join(self.line))
        self._flush()
        if self.rows:
            self.found.add_rows(f"{self.label}里的表格", self.rows)


def _ofd(file: BinaryIO, size: int, found: Extract) -> None:
    """GB/T 33190: the text of a page stands in its TextCode elements."""
    with open_zip(file, size) as archive:
        pages = [n for n in archive.namelist() if re.search(r"(Pages|Tpls|Annots)/.*\.xml$", n)]
        for number, name in enumerate(sorted(pages, key=_natural), 1):
            text = "\n".join(_text_codes(read_part(archive, name, _MAX_XML)))
            if not found.add_text(f"第{number}页", text):
                return


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(digits or 0), other) for digits, other in re.findall(r"(\d+)|(\D+)", name)]


def _text_codes(data: bytes) -> Iterator[str]:
    texts: list[str] = []
    taking: list[str] | None = None

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal taking
        taking = [] if name.rpartition("|")[2] == "TextCode" else taking

    def end(name: str) -> None:
        nonlocal taking
        if name.rpartition("|")[2] == "TextCode" and taking is not None:
            texts.append("".join(taking))
            taking = None

    def characters(text: str) -> None:
        if taking is not None:
            taking.append(text)

    parser = expat.ParserCreate(namespace_separator="|")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        pass  # what stood before the fault is read
    yield from texts
