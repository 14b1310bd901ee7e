"""Who sees what: one answer for pages, lists, counts, search, feeds and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .catalog import class_of_edition
from .domain import Domain
from .permissions import EVERYONE, ROLES
from .records import Record
from .site import Site
from .units import Unit

#: Audiences of an edition that are not public: the branch committee's accounts read them.
PARTY_AUDIENCES = ("branch", "party")
PARTY_READERS = ("approver_party", "confidentiality", "clerk", "inspector")


@dataclass(frozen=True)
class Reader:
    """Who reads: ``person`` is None for a resident without an account. ``roles`` gives the
    roles that the person holds at a unit; only ``role``, the one acted in, counts."""

    person: str | None = None
    role: str = ""
    roles: Callable[[Unit], frozenset[str]] = lambda unit: frozenset()

    def acts_at(self, unit: Unit) -> str:
        """The role acted in, where it is really held at ``unit``, else ""."""
        return self.role if self.role and self.role in self.roles(unit) else ""


ANYONE = Reader()


def audiences(reader: Reader, unit: Unit) -> tuple[str, ...]:
    """The audiences whose editions the reader may see at a unit."""
    if reader.acts_at(unit) in PARTY_READERS:
        return ("public", *PARTY_AUDIENCES)
    return ("public",)


def allowed(domain: Domain, site: Site, reader: Reader, unit: Unit, record: Record, permission: str) -> bool:
    """Whether the state of the record's run gives the reader a permission."""
    definition = domain.definition(record.run.definition, site.definitions)
    roles = definition.roles_allowed(record.run.state, permission)
    return reader.acts_at(unit) in roles and bool(reader.person)


def sees_work(domain: Domain, site: Site, reader: Reader, unit: Unit, record: Record) -> bool:
    """Whether the reader sees the record's working side: draft, sign-offs, steps."""
    if not reader.person:
        return False
    if working_audience(domain, record) not in audiences(reader, unit):
        return _is_stand_in(reader, record)
    if allowed(domain, site, reader, unit, record, "view"):
        return True
    role = reader.acts_at(unit)
    if not role:
        return _is_stand_in(reader, record)
    definition = domain.definition(record.run.definition, site.definitions)
    if EVERYONE in definition.roles_allowed(record.run.state, "view"):
        # published: staff of the states before keep their look at how it came about
        return any(role in s.allow.get("view", ()) for s in definition.states.values())
    return _is_stand_in(reader, record)


def working_audience(domain: Domain, record: Record) -> str:
    """Who the draft is for: a Party item for members only is so from its first word."""
    return domain.content_types[record.type].audience(record.draft.data)


def _is_stand_in(reader: Reader, record: Record) -> bool:
    return record.run.stand_in is not None and record.run.stand_in.person == reader.person


def sees_edition(reader: Reader, unit: Unit, record: Record) -> bool:
    """Whether the reader may open the record's published editions."""
    edition = record.edition()
    if edition is None or record.standing != "published":
        return False
    return edition.audience in audiences(reader, unit)


def sees_withdrawn(reader: Reader, unit: Unit, record: Record) -> bool:
    """Whether the reader may read what was withdrawn: supervisors, inspectors, subdistrict.

    What was for Party members stays so.
    """
    role, last = reader.acts_at(unit), record.edition()
    if not role or last is None or record.standing != "withdrawn":
        return False
    return ROLES[role].oversees and last.audience in audiences(reader, unit)


def visible(domain: Domain, site: Site, reader: Reader, unit: Unit, record: Record) -> bool:
    """Whether there is anything of the record for this reader, a stub included."""
    if sees_edition(reader, unit, record) or sees_work(domain, site, reader, unit, record):
        return True
    return stub_is_public(record) or sees_withdrawn(reader, unit, record)


def stub_is_public(record: Record) -> bool:
    """Whether everyone is told that something was withdrawn here: it once was public."""
    return record.standing in ("withdrawn", "sealed") and any(
        edition.audience == "public" for edition in record.editions.values()
    )


def edition_listings(reader: Reader, unit: Unit, section: Any) -> Iterator[Any]:
    """The lists of published editions that the reader may see in a section."""
    for audience in audiences(reader, unit):
        listing = section.listings.get(class_of_edition(audience))
        if listing is not None:
            yield listing


def work_listings(
    domain: Domain, site: Site, reader: Reader, unit: Unit, section: Any
) -> Iterator[tuple[str, str, Any]]:
    """(definition hash, state, list) of the working records that the reader may see."""
    role = reader.acts_at(unit)
    if not role:
        return
    for name in section.listings.keys("run|", "run|\uffff"):
        _, hash, state, audience = name.split("|")
        if audience not in audiences(reader, unit):
            continue
        definition = domain.definition(hash, site.definitions)
        if role in definition.roles_allowed(state, "view"):
            yield hash, state, section.listings[name]
