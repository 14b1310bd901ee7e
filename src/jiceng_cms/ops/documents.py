"""A record's present public edition as search takes it in."""

from __future__ import annotations

from typing import Any

from ..core.clock import TZ
from ..core.domain import Domain
from ..core.file_texts import text_of
from ..core.records import Record
from ..core.site import site_of
from ..search.interface import SearchDocument

#: What search takes of the files of one record, and of one of them, in characters.
MOST_TEXT, MOST_OF_ONE = 200_000, 60_000


def find_record(connection: Any, key: str) -> tuple[str, Record] | None:
    """(section, record) of a key ``UNIT/RECORD``, or None."""
    code, _, id = key.partition("/")
    unit = site_of(connection).units.get(code)
    if unit is None:
        return None
    for name, section in unit.sections.items():
        record = section.records.get(id)
        if record is not None:
            return name, record
    return None


def _attachments(record: Record, content: dict[str, Any]) -> str:
    """Names and texts of an edition's files."""
    pieces: list[str] = []
    room = MOST_TEXT
    for file in content["attachments"]:
        pieces.append(file["filename"])
        text = text_of(record, file["id"])
        if text is not None and room > 0:
            pieces.append(text.plain(min(room, MOST_OF_ONE)).replace("┃", "　"))
            room -= len(pieces[-1])
    return "\n".join(pieces)


def read_document(connection: Any, domain: Domain, key: str) -> SearchDocument | None:
    """What search holds of a record now; None where the public has nothing to find.

    Only a published edition for the public counts; a correction that is still being drafted
    changes nothing.
    """
    found = find_record(connection, key)
    if found is None:
        return None
    section, record = found
    edition = record.edition()
    if edition is None or record.standing != "published" or edition.audience != "public":
        return None
    content = edition.content()
    text = domain.content_types[record.type].snippet(content["data"])
    return SearchDocument(
        key=record.key,
        unit=record.unit,
        unit_name=content["unit_name"],
        type=record.type,
        kind=record.kind,
        state="corrected" if edition.number > 1 else "published",
        title=content["data"]["title"],
        body=text.body,
        table=text.tables,
        attachments=_attachments(record, content),
        number=content["number"],
        published_at=edition.published_at,
        year=edition.published_at.astimezone(TZ).year,
        url=f"/u/{record.unit}/{section}/{record.id}",
    )
