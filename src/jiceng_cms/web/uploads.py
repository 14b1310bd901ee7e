"""Looking at an uploaded file before anything keeps it: type by content, size, no macros."""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from ..core.drafting import IncomingFile
from ..core.errors import Invalid
from ..core.text import TextRefused, clean_name
from ..locale import say

#: The greatest size of one file, in bytes.
MAX_SIZE = 20 * 1024 * 1024
#: What an office file may unpack to, and how many parts it may have.
MAX_UNPACKED = 200 * 1024 * 1024
MAX_PARTS = 5000
MAX_RATIO = 200

ACCEPT = ".pdf,.docx,.xlsx,.jpg,.jpeg,.png,.txt,.csv"
RULES = say("可以放 PDF、DOCX、XLSX、JPG、PNG、TXT、CSV，每个不超过 {n} MB。里面不能有身份证号、手机号、银行卡号；要由另一个人核对。", n=MAX_SIZE // 1024 // 1024)

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SUFFIXES = {
    "application/pdf": (".pdf",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    _DOCX: (".docx",),
    _XLSX: (".xlsx",),
    "text/plain": (".txt",),
    "text/csv": (".csv",),
}


def _refuse(text: str) -> Invalid:
    return Invalid(text, fields={"upload": text})


def receive(upload: Any, folder: Path) -> IncomingFile:
    """Copy an upload to a temporary file in ``folder`` and look at it; the caller removes it.

    Invalid, with what to do, for a file that may not be attached.
    """
    if not hasattr(upload, "filename") or not upload.filename:
        raise _refuse(say("还没有选文件。请先点“选择文件”。"))
    name = _clean_filename(str(upload.filename))
    folder.mkdir(parents=True, exist_ok=True)
    handle = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115 - the caller removes it
    path = Path(handle.name)
    try:
        with handle:
            digest, size = _copy(upload.file, handle)
        media_type = _look(path, name, size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return IncomingFile(path, name, media_type, size, digest)


def _clean_filename(raw: str) -> str:
    name = raw.replace("\\", "/").rpartition("/")[2].strip()
    try:
        name = clean_name(name, "文件名", limit=120)
    except TextRefused as error:
        raise _refuse(say("{message}请把文件改个名字再上传。", message=error.message)) from error
    if not name or name.startswith("."):
        raise _refuse(say("这个文件没有名字。请改个名字再上传。"))
    return name


def _copy(source: BinaryIO, target: Any) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    source.seek(0)
    while chunk := source.read(1 << 16):
        size += len(chunk)
        if size > MAX_SIZE:
            raise _refuse(say("文件超过 {n} MB。扫描件可以降低清晰度，或者拆成几个文件。", n=MAX_SIZE // 1024 // 1024))
        digest.update(chunk)
        target.write(chunk)
    if not size:
        raise _refuse(say("这个文件是空的。请检查后重新选择。"))
    return digest.hexdigest(), size


def _look(path: Path, name: str, size: int) -> str:
    """The type by content; it must agree with the name's ending."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"%PDF-"):
        found = _pdf(path)
    elif head.startswith(b"\xff\xd8\xff"):
        found = "image/jpeg"
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        found = "image/png"
    elif head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _refuse(say("这是旧格式的文档，或者加了密码，别人可能打不开。请去掉密码，另存为 DOCX 或者 XLSX 再上传。"))
    elif head.startswith(b"PK\x03\x04"):
        found = _office(path, size)
    else:
        found = _text(path, name)
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIXES[found]:
        raise _refuse(say("文件的内容和名字的结尾“{end}”对不上。请用原来的程序另存一份再上传。", end=suffix or say("（没有）")))
    return found


#: How a PDF names the way in which it is locked: a reference or a dictionary in its trailer.
_LOCKED_PDF = re.compile(rb"/Encrypt\s*(\d+\s+\d+\s+R|<<)")
#: What a PDF could do beyond being read.
_ACTIVE_PDF = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b")


def _pdf(path: Path) -> str:
    data = path.read_bytes()
    if _LOCKED_PDF.search(data):
        raise _refuse(say("这个 PDF 加了密码或者限制，有的人打不开。请去掉密码再上传。"))
    if _ACTIVE_PDF.search(data):
        raise _refuse(say("这个 PDF 里带有程序或者别的文件，不能公开。请打印成新的 PDF 再上传。"))
    return "application/pdf"


def _office(path: Path, size: int) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _refuse(say("这个文件打不开，可能没有传完整。请重新选择。")) from error
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(size, 4096):
        raise _refuse(say("这个文件展开以后太大，不像是普通的文档，没有接收。请另存一份再上传。"))
    names = {part.filename for part in parts}
    if any("vbaProject" in n or (n.endswith(".bin") and "macro" in n.lower()) for n in names):
        raise _refuse(say("这个文件带有宏，不能公开。请另存为不带宏的格式再上传。"))
    if any(part.flag_bits & 1 for part in parts):
        raise _refuse(say("这个文件加了密码，别人打不开。请去掉密码再上传。"))
    if "[Content_Types].xml" in names and any(n.startswith("word/") for n in names):
        return _DOCX
    if "[Content_Types].xml" in names and any(n.startswith("xl/") for n in names):
        return _XLSX
    raise _refuse(say("不能放压缩包。请把里面的文件逐个上传。"))


def _text(path: Path, name: str) -> str:
    data = path.read_bytes()
    if b"\0" not in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        # anything of even length reads as UTF-16, so only where its mark says so
        marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
            try:
                data.decode(encoding)
            except UnicodeDecodeError:
                continue
            return "text/csv" if name.lower().endswith(".csv") else "text/plain"
    raise _refuse(say("这种文件不能公开。请换成 PDF、DOCX、XLSX、JPG、PNG、TXT 或者 CSV。"))
