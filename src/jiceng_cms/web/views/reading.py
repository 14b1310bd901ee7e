"""An attachment read in place: pictures of its pages, its text, its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPServiceUnavailable
from pyramid.response import Response
from pyramid.view import view_config

from ...core.file_texts import AttachmentText, text_of
from ...core.permissions import PUBLIC
from ...core.visibility import ANYONE
from ...files.kinds import KINDS
from ...files.pictures import MOST_PAGES
from ...files.sandbox import Busy
from ...locale import say
from ..downloads import SANDBOX, open_blob
from ..pages import Link
from ..tables import Block, Heading, Html, Paragraph, TableBlock, render_blocks
from ..theming import render_page
from ..traversal import FileContext
from ..uploads import kind_title
from ..urls import record_url, unit_url
from .files import may_read

#: Rows of one table that are shown; the others are in the download.
MOST_ROWS = 500

#: What is said of a file whose text was not read, or not all of it.
NOTES = {
    "partial": "只读出了一部分文字，其余的请看原件。",
    "scan": "这个文件里没有文字，多半是扫描件或者照片。系统没有办法自动检查里面的个人信息。",
    "unreadable": "这种格式读不出文字，请下载以后看。系统没有办法自动检查里面的个人信息。",
    "ended": "读这个文件花的时间太长，已经停下，没有读出文字。系统没有办法自动检查里面的个人信息。",
    "": "这个文件的文字还没有读。系统没有办法自动检查里面的个人信息。",
}

NO_HTML = Html("")


@dataclass(frozen=True)
class PageView:
    """A page: its picture and, beneath, its text."""

    number: int
    picture: str
    text: tuple[str, ...]


@dataclass(frozen=True)
class FilePage:
    """An attachment in place. ``preview`` is all that a link preview may say: title and unit."""

    title: str
    record: Link
    unit: Link
    preview: str
    kind: str
    size: int
    download_url: str
    public: bool
    note: str = ""
    more: str = ""
    pages: tuple[PageView, ...] = ()
    body_html: Html = NO_HTML
    template: str = "file.pt"


def reading_note(text: AttachmentText | None) -> str:
    """What is to be said of how far the text could be read; "" where all of it was."""
    note = NOTES.get(text.status if text is not None else "", "")
    return say(note) if note else ""


@view_config(context=FileContext, name="view", request_method="GET", permission=PUBLIC)
def view(context: FileContext, request: Any) -> Response:
    """The attachment, to be read without a download."""
    public = may_read(context, request)
    parent, found = context.parent, context.attachment
    record, unit = parent.record, parent.unit
    base = record_url(unit.code, parent.type.section, record.id)
    here = f"{base}/files/{found.id}"
    text = text_of(record, found.id)
    count = drawable(found.media_type, text)
    pages = tuple(_pages(here, min(count, MOST_PAGES), text))
    edition = record.edition()
    title = edition.data()["title"] if public and edition is not None else record.title()
    page = FilePage(
        title=found.filename,
        record=Link(title, base if record.editions else f"{base}/work"),
        unit=Link(unit.name, unit_url(unit.code)),
        preview=title,
        kind=kind_title(found.media_type),
        size=found.size,
        download_url=here,
        public=public,
        # of a photo everybody sees that it is one
        note="" if text is not None and text.status == "scan" and public else reading_note(text),
        more=say("这里只有前 {n} 页，一共 {all} 页，其余的请下载以后看。", n=MOST_PAGES, all=count) if count > MOST_PAGES else "",
        pages=pages,
        body_html=NO_HTML if pages or text is None else render_blocks(_blocks(text)),
    )
    response = render_page(request, page)
    # the frame of a public file's page names whoever is signed in
    response.headers["Cache-Control"] = "no-cache" if public and request.reader is ANYONE else "private, no-store"
    response.vary = ("Cookie",)
    return response


def drawable(media_type: str, text: AttachmentText | None) -> int:
    """How many pages of a file can be drawn: all of a PDF, a photo; 0 of what is only read."""
    family = KINDS[media_type].family if media_type in KINDS else ""
    if family == "image":
        return 1
    if family == "pdf":
        return text.pages if text is not None and text.pages else 1
    return 0


def _pages(here: str, count: int, text: AttachmentText | None) -> Iterator[PageView]:
    texts = {part["label"]: part.get("text", "") for part in text.parts()} if text is not None else {}
    for number in range(1, count + 1):
        lines = tuple(line for line in texts.get(f"第{number}页", "").split("\n") if line.strip())
        yield PageView(number, f"{here}/page/{number}", lines)


def _blocks(text: AttachmentText) -> Iterator[Block]:
    for part in text.parts():
        if "rows" in part:
            rows = [tuple(row) for row in part["rows"]]
            yield TableBlock(part["label"], rows[0], tuple(rows[1 : MOST_ROWS + 1]))
            if len(rows) > MOST_ROWS + 1:
                yield Paragraph(say("后面还有 {n} 行，请下载以后看。", n=len(rows) - MOST_ROWS - 1))
        else:
            yield Heading(part["label"])
            yield from (Paragraph(line) for line in part["text"].split("\n") if line.strip())


@view_config(context=FileContext, name="page", request_method="GET", permission=PUBLIC)
def page(context: FileContext, request: Any) -> Response:
    """The picture of a page; made when it is first asked for, outside the database."""
    public = may_read(context, request)
    record, found = context.parent.record, context.attachment
    number = request.subpath[0] if len(request.subpath) == 1 else ""
    text = text_of(record, found.id)
    if not (number.isascii() and number.isdigit() and len(number) < 4 and not number.startswith("0")):
        raise HTTPNotFound()
    if int(number) > min(drawable(found.media_type, text), MOST_PAGES):
        raise HTTPNotFound()
    response = Response(content_type="image/webp")
    response.etag = f"{request.registry.files.etag(record.subject, found)}-{number}"
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cache-Control"] = "no-cache" if public else "private, no-cache"
    if request.if_none_match and response.etag in request.if_none_match:
        response.status_int = 304
        del response.content_type
        return response
    family = KINDS[found.media_type].family
    try:
        data = request.registry.files.pictures.page(
            record.subject, found.id, family, int(number), lambda: open_blob(found)
        )
    except Busy:
        raise HTTPServiceUnavailable(headers={"Retry-After": "10"}) from None
    if data is None:
        raise HTTPNotFound()
    response.body = data
    return response
