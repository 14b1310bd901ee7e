"""The kinds of files that may be attached: by content, each with the name endings that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: How a file is read and shown.
Family = Literal["pdf", "image", "sheet", "document", "ofd", "text"]

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
HEIC: Final = "image/heic"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOC: Final = "application/msword"
XLS: Final = "application/vnd.ms-excel"
WPS: Final = "application/wps-office.wps"
ET: Final = "application/wps-office.et"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
OFD: Final = "application/ofd"
TXT: Final = "text/plain"
CSV: Final = "text/csv"


@dataclass(frozen=True)
class Kind:
    """A kind of file. ``title`` is what people call it; ``endings`` are lower case, with dot."""

    media_type: str
    title: str
    family: Family
    endings: tuple[str, ...]


KINDS: Final[dict[str, Kind]] = {
    kind.media_type: kind
    for kind in (
        Kind(PDF, "PDF", "pdf", (".pdf",)),
        Kind(DOCX, "文档", "document", (".docx",)),
        Kind(DOC, "文档", "document", (".doc",)),
        Kind(WPS, "文档", "document", (".wps",)),
        Kind(XLSX, "表格", "sheet", (".xlsx",)),
        Kind(XLS, "表格", "sheet", (".xls",)),
        Kind(ET, "表格", "sheet", (".et",)),
        Kind(ODS, "表格", "sheet", (".ods",)),
        Kind(OFD, "版式文件", "ofd", (".ofd",)),
        Kind(CSV, "表格", "text", (".csv",)),
        Kind(TXT, "文字", "text", (".txt",)),
        Kind(JPEG, "图片", "image", (".jpg", ".jpeg")),
        Kind(PNG, "图片", "image", (".png",)),
        Kind(HEIC, "图片", "image", (".heic", ".heif")),
    )
}

#: For the input's ``accept``. Without media types: phones then offer the camera's own files.
ACCEPT: Final = ",".join(ending for kind in KINDS.values() for ending in kind.endings)

#: In words.
LISTED: Final = "PDF、OFD、DOCX、DOC、WPS、XLSX、XLS、ET、ODS、CSV、TXT 和照片（JPG、PNG、HEIC）"


def ending_of(name: str) -> str:
    """``.pdf`` of ``Plan.PDF``, "" of a name without."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""


class Unfit(Exception):
    """A file that can't be attached; the message is for the person: what is wrong, what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
