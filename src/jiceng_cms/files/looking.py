"""What a file is, by its content, and whether it may be attached. Runs in the limited process."""

from __future__ import annotations

import codecs
import io
import re
import warnings
import zipfile
import zlib
from typing import Any, BinaryIO, Final

import pypdfium2
from pypdfium2 import raw as pdfium

from ..locale import say
from . import kinds
from .archives import BROKEN, office_type, old_type, open_zip
from .kinds import KINDS, LISTED, Unfit, ending_of

#: Pictures: the longer side, and the whole, in pixels.
MAX_SIDE: Final = 16_000
MAX_PIXELS: Final = 80_000_000
MAX_PAGES: Final = 3000

#: What every scanner for viruses takes for one, by agreement.
_TEST_VIRUS = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"
#: What a PDF could do beyond being read; the names are too long to stand by chance in packed data.
_ACTIVE = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFile|RichMedia|SubmitForm|ImportData)\b")
_LOCK = re.compile(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)")
_OBJECTS = re.compile(rb"/ObjStm\b[^\0]{0,400}?stream\r?\n")
_WEB = re.compile(rb"\s*(?:<\?xml|<!doctype|<html|<script|<svg|<\?php|#!)", re.IGNORECASE)
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

_ACTIVE_TOLD = say("这个 PDF 里带有程序或者别的文件，不能公开。请打印成新的 PDF 再上传。")
_LOCKED_PDF = say("这个 PDF 加了密码或者限制，有的人打不开。请去掉密码再上传。")
_OTHER = say("这种文件不能公开。请换成{kinds}。", kinds=say(LISTED))
_HIDDEN = say("这个文件里还藏着另一个文件，没有接收。请用原来的程序另存一份再上传。")


def look(file: BinaryIO, name: str, size: int) -> str:
    """The media type of ``file``; Unfit where it may not be attached. It must fit ``name``."""
    file.seek(0)
    head = file.read(4096)
    ending = ending_of(name)
    if _TEST_VIRUS in head:
        raise Unfit(say("这个文件被认作病毒，没有接收。请用杀毒软件检查这台电脑。"))
    if b"%PDF-" in head[1:1100]:  # where readers of PDF still look for its beginning
        raise Unfit(_HIDDEN)
    if head.startswith(b"%PDF-"):
        found = _pdf(file)
    elif head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (head[4:8] == b"ftyp" and head[8:12] in _HEIC):
        found = _image(file)
    elif head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        found = old_type(_whole(file), ending)
    elif head.startswith(b"PK\x03\x04"):
        with open_zip(file, size) as archive:
            found = office_type(archive, ending)
    else:
        found = _text(file, ending)
    if KINDS[found].family in ("pdf", "image", "text") and _is_archive_too(file, size):
        raise Unfit(_HIDDEN)
    if ending not in KINDS[found].endings:
        raise Unfit(say("文件的内容和名字的结尾“{suffix}”对不上。请用原来的程序另存一份再上传。", suffix=ending or say("（没有）")))
    return found


def _whole(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return io.BytesIO(file.read())


def _is_archive_too(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 66_000))
    if b"PK\x05\x06" not in file.read():
        return False
    file.seek(0)
    try:
        return zipfile.is_zipfile(file)
    except Exception:  # what looks so much like an archive that it breaks its reader
        return True


# ------------------------------------------------------------------------------- PDF


def open_pdf(file: BinaryIO) -> Any:
    """The document; Unfit where it is locked or damaged."""
    file.seek(0)
    try:
        pdf = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        raise Unfit(_LOCKED_PDF if "password" in str(error).lower() else BROKEN) from error
    return pdf


def _pdf(file: BinaryIO) -> str:
    pdf = open_pdf(file)
    try:
        if pdfium.FPDF_GetSecurityHandlerRevision(pdf) >= 0:
            raise Unfit(_LOCKED_PDF)
        if pdfium.FPDFDoc_GetJavaScriptActionCount(pdf) > 0 or pdfium.FPDFDoc_GetAttachmentCount(pdf) > 0:
            raise Unfit(_ACTIVE_TOLD)
        if pdfium.FPDF_GetFormType(pdf) in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
            raise Unfit(_ACTIVE_TOLD)
        if not len(pdf):
            raise Unfit(BROKEN)
        if len(pdf) > MAX_PAGES:
            raise Unfit(say("这个 PDF 有 {n} 页，最多 {most} 页。请拆成几个文件再上传。", n=len(pdf), most=MAX_PAGES))
    finally:
        pdf.close()
    _active(file)
    return kinds.PDF


def _active(file: BinaryIO) -> None:
    """Refuse what acts, also where it stands in packed objects."""
    file.seek(0)
    before = b""
    while piece := file.read(1 << 20):
        window = before + piece
        if _ACTIVE.search(window):
            raise Unfit(_ACTIVE_TOLD)
        if _LOCK.search(window):  # readers differ on which of several trailers counts
            raise Unfit(_LOCKED_PDF)
        for found in _OBJECTS.finditer(window):
            packed = window[found.end() : found.end() + (1 << 20)]
            try:
                objects = zlib.decompressobj().decompress(packed, 4 << 20)
            except zlib.error:
                continue
            if _ACTIVE.search(objects):
                raise Unfit(_ACTIVE_TOLD)
        before = window[-(1 << 16) :]


# ------------------------------------------------------------------------------- pictures


def open_image(file: BinaryIO) -> Any:
    """The picture, its size looked at before a pixel is unpacked; Unfit else."""
    from PIL import Image, UnidentifiedImageError
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = None  # the bound is ours, below
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(file, formats=("JPEG", "PNG", "HEIF"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        raise Unfit(say("这张图片打不开，可能没有传完整。请重新选择。")) from error
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Unfit(say("这张图片有 {width}×{height} 点，太大了。请缩小以后再上传，长边 4000 点就很清楚。", width=width, height=height))
    return picture


def _image(file: BinaryIO) -> str:
    with open_image(file) as picture:
        kind = picture.format
        try:
            picture.load()
        except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
            raise Unfit(say("这张图片打不开，可能没有传完整。请重新选择。")) from error
    return {"JPEG": kinds.JPEG, "MPO": kinds.JPEG, "PNG": kinds.PNG}.get(kind, kinds.HEIC)


# ------------------------------------------------------------------------------- text


def encoding_of(file: BinaryIO) -> str | None:
    """UTF-16 by its mark, else UTF-8, else GB18030; None where it is no text."""
    file.seek(0)
    head = file.read(4)
    # anything of even length reads as UTF-16, so only where its mark says so
    marked = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while piece := file.read(1 << 18):
                if not marked and b"\0" in piece:
                    return None
                decoder.decode(piece)
            decoder.decode(b"", True)
        except UnicodeError:
            continue
        return encoding
    return None


def _text(file: BinaryIO, ending: str) -> str:
    if encoding_of(file) is None:
        raise Unfit(_OTHER)
    file.seek(0)
    if _WEB.match(file.read(200).removeprefix(b"\xef\xbb\xbf")):
        raise Unfit(_OTHER)
    return kinds.CSV if ending == ".csv" else kinds.TXT
