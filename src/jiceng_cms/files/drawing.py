"""Pictures of pages for reading in place, and one PDF of several photos. In the limited process."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

import pypdfium2

from .looking import open_image, open_pdf

#: Width of a picture of a page, in pixels: fine print stays readable on a phone that zooms.
WIDTH: Final = 1100
MAX_HEIGHT: Final = 4000
#: The longer side of a photo in the PDF: 200 dots to the inch on A4.
PHOTO_SIDE: Final = 2300
#: A4 in points.
_PAGE = (595.0, 842.0)


def draw(file: BinaryIO, family: str, first: int, last: int) -> Iterator[bytes]:
    """WebP pictures of the pages ``first`` to ``last`` (from 1; a photo has one)."""
    if family == "image":
        yield _webp(_upright(file, WIDTH + 500))
        return
    pdf = open_pdf(file)
    for number in range(first - 1, min(last, len(pdf))):
        page = pdf[number]
        width, height = page.get_size()
        scale = min(WIDTH / max(width, 1.0), MAX_HEIGHT / max(height, 1.0))
        yield _webp(page.render(scale=scale, rev_byteorder=True).to_pil())
        page.close()


def _upright(file: BinaryIO, side: int) -> Any:
    """A photo as it is to be seen, without anything that it tells of camera and place."""
    from PIL import Image, ImageOps

    picture = open_image(file)
    picture.draft("RGB", (side, side))
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((side, side))
    if picture.mode in ("RGBA", "LA", "P"):
        picture = picture.convert("RGBA")
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        return paper
    return picture.convert("RGB")


def _webp(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "WEBP", quality=72, method=3)
    return out.getvalue()


def photos_to_pdf(files: Sequence[BinaryIO]) -> bytes:
    """One PDF with a page for each photo, in order, upright or lying as the photo is."""
    pdf = pypdfium2.PdfDocument.new()
    for file in files:
        picture = _upright(file, PHOTO_SIDE)
        jpeg = io.BytesIO()
        picture.save(jpeg, "JPEG", quality=82)
        wide, high = _PAGE if picture.height >= picture.width else _PAGE[::-1]
        scale = min(wide / picture.width, high / picture.height)
        size = (picture.width * scale, picture.height * scale)
        image = pypdfium2.PdfImage.new(pdf)
        jpeg.seek(0)
        image.load_jpeg(jpeg, inline=True)
        image.set_matrix(
            pypdfium2.PdfMatrix().scale(*size).translate((wide - size[0]) / 2, (high - size[1]) / 2)
        )
        page = pdf.new_page(wide, high)
        page.insert_obj(image)
        page.gen_content()
        page.close()
    out = io.BytesIO()
    pdf.save(out)
    return _timeless(out.getvalue())


#: What differs each time: the same photos sent twice must make the same file.
_MOMENT = re.compile(rb"/(?:CreationDate|ModDate)\s*\(D:(\d{14})|/ID\s*\[\s*<([0-9A-F]{32})>\s*<([0-9A-F]{32})>")


def _timeless(data: bytes) -> bytes:
    def blank(found: re.Match[bytes]) -> bytes:
        whole = found[0]
        for part in found.groups():
            if part is not None:
                whole = whole.replace(part, b"20000101000000" if len(part) == 14 else b"0" * len(part))
        return whole

    return _MOMENT.sub(blank, data)
