"""Looks at office files before anything is unpacked: parts, sizes, macros, locks, what is within.

Runs in the limited process. Everything refuses with :class:`.kinds.Unfit`.
"""

from __future__ import annotations

import re
import struct
import zipfile
from typing import Any, BinaryIO, Final
from xml.parsers import expat

import olefile

from ..locale import say
from . import kinds
from .kinds import Unfit

#: What an office file may unpack to in all, bytes; its parts; how much larger than packed.
MAX_UNPACKED: Final = 200 << 20
MAX_PARTS: Final = 5000
MAX_RATIO: Final = 200

LOCKED: Final = say("这个文件加了密码，别人打不开。请去掉密码再上传。")
MACROS: Final = say("这个文件带有宏，不能公开。请另存为不带宏的格式再上传。")
BROKEN: Final = say("这个文件打不开，可能没有传完整。请重新选择。")
TOO_LARGE: Final = say("这个文件展开以后太大，不像是普通的文档，没有接收。请另存一份再上传。")
NESTED: Final = say("这个文件里面还嵌着别的文件。请把里面的内容改成文字或者图片，或者另存为 PDF 再上传。")
ENTITIES: Final = say("这个文件里有引用外部内容的写法，不像是办公软件正常存出来的，没有接收。请另存一份再上传。")
ARCHIVE: Final = say("不能放压缩包。请把里面的文件逐个上传。")

#: How files begin that may not be inside another one.
_CONTAINERS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b\x08", b"MZ", b"\x7fELF", b"%PDF-")
#: Where the first element of an XML part must stand, in bytes.
HEAD: Final = 1 << 16
_XML = (".xml", ".rels", ".vml")
#: Relations of office files that fetch what stands elsewhere when the file is opened.
_FETCHING = re.compile(r"/(attachedTemplate|oleObject|subDocument|frame|externalLinkPath|package|control)$")


class _Enough(Exception):
    """The beginning says all."""


def open_zip(file: BinaryIO, size: int) -> zipfile.ZipFile:
    """The archive, after a look at what it says of itself; nothing is unpacked."""
    _directory_bounds(file, size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unfit(BROKEN) from error
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(size, 4096):
        raise Unfit(TOO_LARGE)
    if any(part.flag_bits & 1 for part in parts):
        raise Unfit(LOCKED)
    names = [part.filename for part in parts]
    if len(set(names)) != len(names) or any(".." in n.split("/") or n.startswith("/") or "\\" in n for n in names):
        raise Unfit(BROKEN)
    return archive


def _directory_bounds(file: BinaryIO, size: int) -> None:
    """Before the list of parts is read: how many does it claim, how long is it?"""
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise Unfit(BROKEN)
    parts, length = struct.unpack_from("<HI", tail, at + 10)
    if parts > MAX_PARTS or length > 4 << 20:  # 0xFFFF too: only archives beyond 4 GB need it
        raise Unfit(TOO_LARGE)
    file.seek(0)


def office_type(archive: zipfile.ZipFile, ending: str) -> str:
    """The media type of an office file in a ZIP; looks at each part's beginning."""
    names = {part.filename for part in archive.infolist()}
    lower = {name.lower() for name in names}
    if any("vbaproject" in n or n.startswith(("basic/", "scripts/")) or (n.endswith(".bin") and "macro" in n) for n in lower):
        raise Unfit(MACROS)
    found = _named_type(archive, names, ending)
    for part in archive.infolist():
        if not part.is_dir():
            _look_inside(archive, part)
    return found


def _named_type(archive: zipfile.ZipFile, names: set[str], ending: str) -> str:
    if "[Content_Types].xml" in names:
        if b"macroEnabled" in read_part(archive, "[Content_Types].xml", 1 << 20):
            raise Unfit(MACROS)
        if any(n.startswith("word/") for n in names):
            return kinds.WPS if ending == ".wps" else kinds.DOCX
        if any(n.startswith("xl/") for n in names):
            return kinds.ET if ending == ".et" else kinds.XLSX
    if "mimetype" in names and read_part(archive, "mimetype", 200).strip() == kinds.ODS.encode():
        if "META-INF/manifest.xml" in names and b"encryption-data" in read_part(archive, "META-INF/manifest.xml", 4 << 20):
            raise Unfit(LOCKED)
        return kinds.ODS
    if "OFD.xml" in names:
        return kinds.OFD
    raise Unfit(ARCHIVE)


def read_part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A part's bytes, at most ``most``; Unfit where it is damaged."""
    try:
        with archive.open(name) as part:
            return part.read(most)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError, ValueError, KeyError) as error:
        raise Unfit(BROKEN) from error
    except Exception as error:  # zlib.error, lzma errors: each decompressor has its own
        raise Unfit(BROKEN) from error


def _look_inside(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    name = part.filename.lower()
    if name.endswith(_XML):
        head = read_part(archive, part.filename, HEAD)
        refuse_doctype(head)
        if name.endswith(".rels"):
            _relations(read_part(archive, part.filename, 4 << 20))
        return
    head = read_part(archive, part.filename, 8)
    # a setting of the printer is the one harmless thing in a binary part of its own form
    if head.startswith(_CONTAINERS) or "embeddings/" in name or "activex" in name:
        raise Unfit(NESTED)


def refuse_doctype(head: bytes) -> None:
    """Refuse XML with a document type: entities stand nowhere else. ``head`` is its beginning."""
    parser = expat.ParserCreate()

    def doctype(*_: Any) -> None:
        raise Unfit(ENTITIES)

    def element(*_: Any) -> None:
        raise _Enough

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        parser.Parse(head, False)
    except _Enough:
        return
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unfit(BROKEN) from error
    if len(head) >= HEAD:  # so long before its first element: nobody writes that by accident
        raise Unfit(ENTITIES)


def _relations(data: bytes) -> None:
    parser = expat.ParserCreate(namespace_separator="|")

    def element(name: str, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") == "External" and _FETCHING.search(attributes.get("Type", "")):
            raise Unfit(ENTITIES)

    parser.StartElementHandler = element
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Unfit(BROKEN) from error


# ------------------------------------------------------------------------------- old formats


def old_type(file: BinaryIO, ending: str) -> str:
    """The media type of a DOC, XLS, WPS or ET: a compound file, told by its streams."""
    try:
        with olefile.OleFileIO(file) as ole:
            streams = {"/".join(entry) for entry in ole.listdir(streams=True, storages=True)}
            return _old_type(ole, streams, ending)
    except Unfit:
        raise
    except Exception as error:  # a damaged directory ends in whatever error the library has
        raise Unfit(BROKEN) from error


def _old_type(ole: Any, streams: set[str], ending: str) -> str:
    lower = {s.lower() for s in streams}
    if "EncryptedPackage" in streams or "EncryptionInfo" in streams:
        raise Unfit(LOCKED)
    if any(s.split("/")[0] in ("macros", "_vba_project_cur", "vba") or "_vba_project" in s for s in lower):
        raise Unfit(MACROS)
    if any("\x01ole10native" in s or s.endswith("/package") for s in lower):
        raise Unfit(NESTED)
    if "WordDocument" in streams:
        with ole.openstream("WordDocument") as stream:
            head = stream.read(12)
        # FibBase: the bit fEncrypted of the flags behind lid and pnNext ([MS-DOC] 2.5.2)
        if len(head) < 12 or head[11] & 1:
            raise Unfit(LOCKED if len(head) == 12 else BROKEN)
        return kinds.WPS if ending == ".wps" else kinds.DOC
    book = next((s for s in ("Workbook", "Book") if s in streams), "")
    if book:
        if _sheet_locked(ole.openstream(book)):
            raise Unfit(LOCKED)
        return kinds.ET if ending == ".et" else kinds.XLS
    raise Unfit(say("这种文件不能公开。请另存为 PDF、DOCX 或者 XLSX 再上传。"))


def _sheet_locked(stream: BinaryIO) -> bool:
    """Whether a FilePass record stands among the globals ([MS-XLS] 2.4.117)."""
    for _ in range(200):
        head = stream.read(4)
        if len(head) < 4:
            return False
        kind, length = struct.unpack("<HH", head)
        if kind == 0x002F:
            return True
        if kind == 0x000A:  # the globals end
            return False
        stream.seek(length, 1)
    return False
