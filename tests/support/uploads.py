"""Files that people attach, good and bad, and the way in which a browser sends them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from webtest import Upload

from jiceng_cms.ops.demo.files import make_docx, make_pdf, make_xlsx

PDF = make_pdf(["二组水渠维修决算"])
DOCX = make_docx("决算", ["一共三千元。"], [["项目", "金额"], ["水泥", "3000"]])
XLSX = make_xlsx([["项目", "金额"], ["水泥", "3000"]])


def make_png(width: int = 3, height: int = 2) -> bytes:
    """A grey picture; its size may be huge, its bytes are few."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(b"\0" + b"\x80" * width) for _ in range(height)), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PNG = make_png()


def zipped(parts: Mapping[str, bytes], *, base: bytes = b"") -> bytes:
    """A ZIP file with ``parts``, added to those of ``base``."""
    out = io.BytesIO(base)
    with zipfile.ZipFile(out, "a" if base else "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def locked(data: bytes) -> bytes:
    """A ZIP file whose parts are marked as encrypted."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(signature, at + 4)
    return bytes(changed)


def send(browser: Any, work: Any, name: str, data: bytes, **kw: Any) -> Any:
    """Send a file by the upload form of a record's working page."""
    form = work.form_with("upload")
    form["upload"] = [Upload(name, data)]
    return form.submit(**kw)
