"""Rows of the Whoosh index: how a document is written, copied, and shown again as a hit."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from .analysis import FIELD_MARK, RUN_MARK, grams, mark, normalise
from .highlight import highlight, snippet
from .interface import SearchDocument, SearchHit
from .whoosh_files import META, SHOWN, TEXT, SegmentReader, Writer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def write_document(writer: Writer, document: SearchDocument) -> None:
    """Add ``document`` to the segment that is being written."""
    fields = [
        normalise(text)
        for text in (
            document.title,
            document.body,
            document.table,
            document.attachments,
            document.unit_name,
            document.number,
        )
    ]
    marked = [mark(field) for field in fields]
    facts = [
        document.key,
        document.unit,
        document.kind,
        document.year,
        document.state,
        microseconds(document.published_at),
        len(marked[0].encode()),
    ]
    shown = {
        name: getattr(document, name)
        for name in ("unit_name", "type", "title", "body", "table", "attachments", "number", "url")
    }
    writer.add(
        meta=json.dumps(facts).encode(),
        text=FIELD_MARK.join(marked).encode(),
        # A stray surrogate in old data must not stop the index.
        shown=zlib.compress(
            json.dumps(shown, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1
        ),
        grams=set().union(*map(grams, fields)),
        title=grams(fields[0]),
    )


def _fields(text: bytes) -> list[str]:
    """The normalised fields in a stored text, in the order in which ``write_document`` joins them."""
    return text.decode().replace(RUN_MARK, "").split(FIELD_MARK)


def copy_living(writer: Writer, reader: SegmentReader, segment: Any) -> None:
    """Write the living documents of a segment anew, with postings made again from the text."""
    for docnum in range(reader.size):
        if segment.is_deleted(docnum):
            continue
        text = reader.value(TEXT, docnum)
        fields = _fields(text)
        writer.add(
            meta=reader.value(META, docnum),
            text=text,
            shown=reader.value(SHOWN, docnum),
            grams=set().union(*map(grams, fields)),
            title=grams(fields[0]),
        )


def read_hit(reader: SegmentReader, number: int, words: tuple[str, ...]) -> SearchHit:
    """Document ``number`` of a segment, with ``words`` marked in its title and snippet."""
    packed = zlib.decompress(reader.value(SHOWN, number))
    shown = json.loads(packed.decode("utf-8", "surrogatepass"))
    # Normalised long ago: the marked text without its marks.
    title, body, table, attachments, _, doc_number = _fields(reader.value(TEXT, number))
    key, unit, kind, year, state, published, _ = json.loads(reader.value(META, number))
    return SearchHit(
        key=key,
        unit=unit,
        unit_name=shown["unit_name"],
        type=shown["type"],
        kind=kind,
        state=state,
        title=shown["title"],
        number=shown["number"],
        published_at=_EPOCH + published * _MICROSECOND,
        year=year,
        url=shown["url"],
        title_parts=highlight(shown["title"], words, title),
        snippet=snippet(
            [
                (shown["body"], body),
                (shown["table"], table),
                (shown["attachments"], attachments),
                (shown["number"], doc_number),
            ],
            words,
        ),
    )


def microseconds(moment: datetime) -> int:
    """Since 1970 in UTC: a moment as the index stores and compares it."""
    return (moment - _EPOCH) // _MICROSECOND
