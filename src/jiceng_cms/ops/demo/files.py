"""Small real files for the demo's attachments: PDF, DOCX and XLSX, written by hand.

The same content gives the same bytes. No library is needed for files as plain as these.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

MEDIA_TYPES: dict[str, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

#: Characters in a line and lines on a page of A4 at 12 points.
_WIDTH, _LINES = 38, 40

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_VND = "application/vnd.openxmlformats-officedocument"


def make_file(kind: str, title: str, paragraphs: Sequence[str], table: Sequence[Sequence[str]]) -> bytes:
    """A file of a kind of MEDIA_TYPES with a title, paragraphs and one table (or none)."""
    if kind == "xlsx":
        return make_xlsx(table or [[line] for line in (title, *paragraphs)])
    lines = [title, *paragraphs, *("　".join(filter(None, row)) for row in table)]
    return make_pdf(lines) if kind == "pdf" else make_docx(title, paragraphs, table)


# ------------------------------------------------------------------------------- PDF


def make_pdf(lines: Iterable[str]) -> bytes:
    """Plain lines on A4 pages, in the Song typeface that every PDF reader brings for Chinese.

    The encoding reaches the basic plane only: a rarer character is drawn as □.
    """
    wrapped = [line[at : at + _WIDTH] for line in lines for at in range(0, max(1, len(line)), _WIDTH)]
    pages = [wrapped[at : at + _LINES] for at in range(0, len(wrapped), _LINES)] or [[]]
    first = 6
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H"
        b" /DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 5 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /DW 1000 >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880]"
        b" /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>",
    ]
    for number, page in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {first + 2 * number + 1} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        shown = "\n".join(f"<{_ucs2(line)}> Tj T*" for line in page)
        stream = f"BT /F1 12 Tf 18 TL 70 770 Td\n{shown}\nET".encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out = io.BytesIO(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def _ucs2(line: str) -> str:
    return "".join(c if ord(c) < 0x10000 else "□" for c in line).encode("utf-16-be").hex()


# ------------------------------------------------------------------------------- Office


def _zip(parts: Iterable[tuple[str, str]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts:
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, _XML + text)
    return out.getvalue()


def _types(path: str, type: str, *more: tuple[str, str]) -> tuple[str, str]:
    overrides = "".join(f'<Override PartName="{p}" ContentType="{t}"/>' for p, t in ((path, type), *more))
    return (
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
    )


def _relation(where: str, type: str, target: str) -> tuple[str, str]:
    return (
        where,
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/{type}" Target="{target}"/></Relationships>',
    )


def make_docx(title: str, paragraphs: Sequence[str], table: Sequence[Sequence[str]]) -> bytes:
    """A Word document: a bold title, paragraphs, one table."""

    def paragraph(text: str, style: str = "") -> str:
        return f'<w:p><w:r>{style}<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'

    body = paragraph(title, '<w:rPr><w:b/><w:sz w:val="32"/></w:rPr>') + "".join(map(paragraph, paragraphs))
    if table:
        rows = "".join(
            "<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in table
        )
        grid = "<w:gridCol/>" * len(table[0])
        body += f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl><w:p/>"
    return _zip(
        (
            _types("/word/document.xml", f"{_VND}.wordprocessingml.document.main+xml"),
            _relation("_rels/.rels", "officeDocument", "word/document.xml"),
            (
                "word/document.xml",
                f'<w:document xmlns:w="{_WORD}"><w:body>{body}<w:sectPr/></w:body></w:document>',
            ),
        )
    )


def make_xlsx(table: Sequence[Sequence[str]]) -> bytes:
    """A workbook of one sheet; every cell is text, so nothing is ever taken for a formula."""
    rows = "".join(
        "<row>"
        + "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>' for cell in row)
        + "</row>"
        for row in table
    )
    sheet = ("/xl/worksheets/sheet1.xml", f"{_VND}.spreadsheetml.worksheet+xml")
    return _zip(
        (
            _types("/xl/workbook.xml", f"{_VND}.spreadsheetml.sheet.main+xml", sheet),
            _relation("_rels/.rels", "officeDocument", "xl/workbook.xml"),
            _relation("xl/_rels/workbook.xml.rels", "worksheet", "worksheets/sheet1.xml"),
            (
                "xl/workbook.xml",
                f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
                '<sheet name="明细" sheetId="1" r:id="rId1"/></sheets></workbook>',
            ),
            (
                "xl/worksheets/sheet1.xml",
                f'<worksheet xmlns="{_SHEET}"><sheetData>{rows}</sheetData></worksheet>',
            ),
        )
    )
