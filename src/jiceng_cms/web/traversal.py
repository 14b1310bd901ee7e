"""The tree of addresses: small contexts over what the database holds.

``/u/990101100201/disclosures/k7m2q9xw/editions/2``. Only names of the expected shape are looked
up; anything else is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ..core.domain import ContentType
from ..core.ids import is_record_id, is_unit_code
from ..core.records import Attachment, Edition, Record
from ..core.units import Section, Unit

#: No address of ours is deeper.
MAX_DEPTH = 32


@dataclass(frozen=True)
class Root:
    """``/``"""

    request: Any

    def __getitem__(self, name: str) -> Units:
        if name == "u":
            return Units(self.request)
        raise KeyError(name)


@dataclass(frozen=True)
class Units:
    """``/u/``"""

    request: Any

    def __getitem__(self, name: str) -> UnitContext:
        unit = self.request.site.units.get(name) if is_unit_code(name) else None
        if unit is None:
            raise KeyError(name)
        return UnitContext(self.request, unit)


@dataclass(frozen=True)
class UnitContext:
    """``/u/990101100201/``"""

    request: Any
    unit: Unit

    def __getitem__(self, name: str) -> SectionContext:
        type = self.request.services.domain.sections.get(name)
        if type is None:
            raise KeyError(name)
        return SectionContext(self.request, self.unit, type, self.unit.sections.get(name))


@dataclass(frozen=True)
class SectionContext:
    """``/u/990101100201/disclosures/``; ``section`` is None while the unit has no record."""

    request: Any
    unit: Unit
    type: ContentType
    section: Section | None

    def __getitem__(self, name: str) -> RecordContext:
        record = self.section.records.get(name) if self.section is not None and is_record_id(name) else None
        if record is None:
            raise KeyError(name)
        return RecordContext(self.request, self.unit, self.type, record)


@dataclass(frozen=True)
class RecordContext:
    """``/u/990101100201/disclosures/k7m2q9xw``"""

    request: Any
    unit: Unit
    type: ContentType
    record: Record

    def __getitem__(self, name: str) -> EditionsContext | FilesContext:
        if name == "editions":
            return EditionsContext(self.request, self)
        if name == "files":
            return FilesContext(self.request, self)
        raise KeyError(name)


@dataclass(frozen=True)
class EditionsContext:
    """``.../editions``"""

    request: Any
    parent: RecordContext

    def __getitem__(self, name: str) -> EditionContext:
        edition = (
            self.parent.record.editions.get(int(name))
            if name.isascii() and name.isdigit() and len(name) < 6 and not name.startswith("0")
            else None
        )
        if edition is None:
            raise KeyError(name)
        return EditionContext(self.request, self.parent, edition)


@dataclass(frozen=True)
class EditionContext:
    """``.../editions/2``"""

    request: Any
    parent: RecordContext
    edition: Edition


@dataclass(frozen=True)
class FilesContext:
    """``.../files``"""

    request: Any
    parent: RecordContext

    def __getitem__(self, name: str) -> FileContext:
        attachment = self.parent.record.attachments.get(name) if name.isascii() and name.isalnum() else None
        if attachment is None:
            raise KeyError(name)
        return FileContext(self.request, self.parent, attachment)


@dataclass(frozen=True)
class FileContext:
    """``.../files/3kq9wz``"""

    request: Any
    parent: RecordContext
    attachment: Attachment


def root_factory(request: Any) -> Root:
    """The root; addresses that are too deep, or that a program's insides could have, lead nowhere."""
    names = request.path_info.split("/")
    if len(names) > MAX_DEPTH + 1:
        raise HTTPNotFound()
    # below /u/ alone: a one-time link's token may begin with any letter
    if names[1] == "u" and any(name.startswith(("_", ".", "@")) for name in names):
        raise HTTPNotFound()
    return Root(request)


def includeme(config: Any) -> None:
    """Traverse from :class:`Root`."""
    config.set_root_factory(root_factory)
