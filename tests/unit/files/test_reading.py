"""Text out of files: what stands in them is found, also where it is hidden, within bounds."""

from __future__ import annotations

import io
from typing import Any

import docx
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from jiceng_cms.files import kinds
from jiceng_cms.files.looking import look
from jiceng_cms.files.reading import MAX_CHARACTERS, MAX_ROWS, Extract, read
from jiceng_cms.ops.demo.files import make_docx, make_pdf, make_xlsx
from support.uploads import zipped


def reading(name: str, data: bytes) -> Extract:
    file = io.BytesIO(data)
    return read(file, look(file, name, len(data)), len(data))


def words(found: Extract) -> str:
    return "\n".join(part["text"] if "text" in part else "\n".join("|".join(row) for row in part["rows"]) for part in found.parts)


def test_pages_of_a_pdf() -> None:
    found = reading("a.pdf", make_pdf(["第一行"] * 40 + ["第二页在这里"]))
    assert found.pages == 2
    assert [part["label"] for part in found.parts] == ["第1页", "第2页"]
    assert found.parts[1]["text"] == "第二页在这里"
    assert found.status == "read"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "gbk"])
def test_encodings(encoding: str) -> None:
    assert words(reading("a.txt", "石桥村水渠三千元".encode(encoding))) == "石桥村水渠三千元"


def test_rare_names_in_gb18030() -> None:
    assert words(reading("a.txt", "亓𠮷𬭩𰻝".encode("gb18030"))) == "亓𠮷𬭩𰻝"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_csv(separator: str) -> None:
    text = separator.join(["项目", "金额"]) + "\r\n" + separator.join(['"水泥\n五十袋"', "3000"])
    found = reading("a.csv", text.encode("gb18030"))
    assert found.parts == [{"label": "表格", "rows": [["项目", "金额"], ["水泥\n五十袋", "3000"]]}]


def test_a_document_with_everything_that_is_not_seen_at_once() -> None:
    document = docx.Document()
    document.add_paragraph("正文第一段")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "项目", "金额"
    document.sections[0].header.paragraphs[0].text = "页眉里的话"
    document.add_paragraph("表后一段")
    out = io.BytesIO()
    document.save(out)
    found = reading("a.docx", out.getvalue())
    assert [part["label"] for part in found.parts] == ["正文", "正文里的表格", "正文", "页眉"]
    assert found.parts[1]["rows"] == [["项目", "金额"]]
    assert "页眉里的话" in words(found)
    assert words(found).index("正文第一段") < words(found).index("项目") < words(found).index("表后一段")


def test_a_workbook_with_hidden_sheets_notes_and_numbers() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("明细")
        sheet.write_row(0, 0, ["项目", "号码"])
        sheet.write_number(1, 1, 13800000000)
        sheet.write_comment(1, 0, "批注里的话")
        hidden = book.add_worksheet("藏")
        hidden.write(0, 0, "藏着的话")
        hidden.hide()
    found = reading("a.xlsx", out.getvalue())
    assert "13800000000" in words(found)
    assert "13800000000.0" not in words(found)
    assert "藏着的话" in words(found)
    assert "批注里的话" in words(found)
    assert any("隐藏的" in part["label"] for part in found.parts)


def test_ods_and_ofd() -> None:
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        '<office:body><office:spreadsheet><table:table table:name="一季度"><table:table-row>'
        '<table:table-cell office:value-type="string"><text:p>水泥</text:p></table:table-cell>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    ods = zipped({"mimetype": kinds.ODS.encode(), "META-INF/manifest.xml": manifest, "content.xml": content.encode()})
    found = reading("a.ods", ods)
    assert found.parts == [{"label": "工作表“一季度”", "rows": [["水泥"]]}]
    page = '<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content><ofd:TextObject><ofd:TextCode X="0">{}</ofd:TextCode></ofd:TextObject></ofd:Content></ofd:Page>'
    ofd = zipped(
        {"OFD.xml": b"<ofd/>", "Doc_0/Pages/Page_10/Content.xml": page.format("第十一").encode(), "Doc_0/Pages/Page_2/Content.xml": page.format("第三").encode()}
    )
    found = reading("通知.ofd", ofd)
    assert words(found) == "第三\n第十一"


def test_what_can_not_be_read_says_so() -> None:
    empty = make_docx("", [], [])
    assert reading("a.docx", empty).status == "scan"
    assert reading("a.pdf", make_pdf([])).status == "scan"


def test_more_than_is_kept_says_so() -> None:
    found = reading("a.txt", "字".encode() * (MAX_CHARACTERS + 5))
    assert found.status == "partial"
    assert len(words(found)) == MAX_CHARACTERS
    found = reading("a.xlsx", make_xlsx([[str(n)] for n in range(MAX_ROWS + 10)]))
    assert found.status == "partial"
    assert len(found.parts[0]["rows"]) == MAX_ROWS
    found = reading("a.csv", b"a,b\n" * (MAX_ROWS + 10))
    assert found.status == "partial"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Zs", "Zl", "Zp", "Cf", "Cn")), min_size=1, max_size=8), min_size=1, max_size=4), min_size=1, max_size=6))
def test_every_cell_comes_out_of_a_workbook_and_a_document(rows: list[list[str]]) -> None:
    width = max(map(len, rows))
    table: list[list[str]] = [row + ["空"] * (width - len(row)) for row in rows]
    cells: list[Any] = reading("a.xlsx", make_xlsx(table)).parts[0]["rows"]
    assert cells == table
    assert reading("a.docx", make_docx("题", [], table)).parts[1]["rows"] == table


@given(st.text(max_size=200))
@settings(max_examples=80, deadline=None)
def test_nothing_that_a_page_or_json_can_not_hold_comes_out(text: str) -> None:
    found = Extract()
    found.add_text("全文", text)
    for part in found.parts:
        part["text"].encode("utf-8")
        assert not any(ord(c) < 32 and c != "\n" and c != "\t" for c in part["text"])
