"""Where a record stands in its unit's lists: kept true by every action that changes it."""

from __future__ import annotations

from collections.abc import Iterator

from BTrees.OOBTree import OOTreeSet

from .catalog import Row, class_of_edition, class_of_run, place
from .clock import local_date
from .domain import Domain
from .records import Record
from .units import Section, Unit


def rows_of(domain: Domain, record: Record) -> Iterator[tuple[str, Row]]:
    """The (visibility class, row) under which a record is listed now."""
    edition = record.edition()
    type = domain.content_types[record.type]
    if edition is not None and record.standing == "published":
        content = edition.content()
        marks = []
        if content["late_days"]:
            marks.append("late")
        if edition.number > 1:
            marks.append("corrected")
        yield class_of_edition(edition.audience), Row(
            id=record.id,
            title=content["data"]["title"],
            kind=record.kind,
            day=local_date(edition.published_at),
            until=edition.display_until,
            number=record.number,
            edition=edition.number,
            marks=tuple(marks),
            late=content["late_days"],
        )
    if record.run.state != "published":
        audience = type.audience(record.draft.data) if record.draft.data else "public"
        yield class_of_run(record.run.definition, record.run.state, audience), Row(
            id=record.id,
            title=record.title(),
            kind=record.kind,
            day=local_date(record.run.entered_at),
            until=None,
            number=record.number,
            edition=len(record.editions),
            marks=("withdrawn",) if record.standing == "withdrawn" else (),
            state=record.run.state,
        )


def relist(domain: Domain, unit: Unit, record: Record) -> None:
    """Make the unit's lists say what is true of the record now."""
    section = unit.sections[domain.content_types[record.type].section]
    place(section, record, rows_of(domain, record))


def next_number(section: Section, prefix: str, year: int) -> str:
    """The next document number of a section: ``GK-2026-0007``."""
    last: int = section.numbers.get(str(year), 0) + 1
    section.numbers[str(year)] = last
    return f"{prefix}-{year}-{last:04d}"


def link_matter(section: Section, record: Record, matter: str) -> None:
    """List a record under its matter (事前、事中、事后 of one thing)."""
    if not matter:
        return
    if matter not in section.matters:
        section.matters[matter] = OOTreeSet()
    section.matters[matter].insert(record.id)
