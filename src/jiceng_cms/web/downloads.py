"""Sends a file: in full or a range of it, never holding it in memory, never as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response

from ..core.records import Attachment

#: A download that a browser opened all the same could still do nothing.
SANDBOX: Final = "default-src 'none'; sandbox"
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_BLOCK: Final = 1 << 16


class _Slice:
    """``length`` bytes of an open file from where it stands, in blocks; closes it at the end."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (data := self._file.read(min(_BLOCK, self._left))):
            self._left -= len(data)
            yield data

    def close(self) -> None:
        self._file.close()


def disposition(filename: str) -> str:
    """``Content-Disposition`` of a download by RFC 6266, with an ASCII name for old programs."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)[-80:]
    return f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(filename, safe='')}"


def open_blob(attachment: Attachment) -> BinaryIO:
    """The bytes of an attachment, readable after the database's snapshot has been given back.

    HTTPNotFound where the disk has lost them: ``jiceng journal verify`` names such a file.
    """
    try:
        return Path(attachment.blob.committed()).open("rb")
    except (KeyError, OSError):  # POSKeyError is a KeyError
        raise HTTPNotFound() from None


def download(request: Any, subject: str, attachment: Attachment, *, public: bool) -> Response:
    """An attachment of the record ``subject`` as a download (RFC 9110 13 and 14).

    One range is served as 206, a range beyond the end is 416; several at once get the whole.
    """
    etag = request.registry.files.etag(subject, attachment)
    size = attachment.size
    response = Response(content_type=attachment.media_type)
    response.charset = None
    headers = response.headers
    headers["Content-Disposition"] = disposition(attachment.filename)
    headers["Content-Security-Policy"] = SANDBOX
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cache-Control"] = "no-cache" if public else "private, no-cache"
    headers["Accept-Ranges"] = "bytes"
    response.etag = etag
    if request.if_none_match and etag in request.if_none_match:
        response.status_int = 304
        del response.content_type
        response.content_length = None
        return response
    first, last = 0, size - 1
    asked = _asked(request, etag, size)
    if asked is not None:
        first, last = asked
        if first > last:
            response.status_int = 416
            headers["Content-Range"] = f"bytes */{size}"
            response.content_length = 0
            return response
        response.status_int = 206
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    length = last - first + 1
    file = open_blob(attachment)
    if request.method == "HEAD":
        file.close()
        response.app_iter = ()
    else:
        file.seek(first)
        wrapper = request.environ.get("wsgi.file_wrapper")
        # the server's own way sends from the file without keeping a thread; it reads as much as
        # the length says
        response.app_iter = wrapper(file, _BLOCK) if wrapper is not None else _Slice(file, length)
    response.content_length = length
    return response


def _asked(request: Any, etag: str, size: int) -> tuple[int, int] | None:
    """(first, last) byte of the one range asked for, first > last where there is none such in the
    file; None where the whole is to be sent."""
    text = request.headers.get("Range", "")
    condition = request.headers.get("If-Range")
    if not text or request.method != "GET" or (condition is not None and condition.strip() != f'"{etag}"'):
        return None
    found = _RANGE.fullmatch(text.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:  # the last n bytes
        count = int(found[2])
        return (max(0, size - count), size - 1) if count else (1, 0)
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return None  # no range at all: RFC 9110 14.1.1
    return (first, last) if first < size else (1, 0)
