"""The site: the root of everything in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from BTrees.OOBTree import OOBTree, OOBucket
from persistent import Persistent

from .audit import audited
from .clock import local_date
from .history import SharedHistory
from .people import LocalRoles, Person
from .units import Unit, roles_at


@audited("structure")
class FolderBucket(OOBucket):
    """A leaf node of :class:`Folder`."""


@audited("structure")
class Folder(OOBTree):
    """A container of audited objects by name."""

    _bucket_type = FolderBucket


@audited("subject")
class Site(Persistent):
    """One installation."""



    def __init__(self, title: str, origin: str, created_at: datetime) -> None:
        self.subject = "site"
        self.title = title
        #: the log's origin line; begins with ``demo/`` on a demo site
        self.origin = origin
        self.created_at = created_at
        #: names of the evolution steps that are done
        self.evolution: tuple[str, ...] = ()
        #: code -> Unit
        self.units = Folder()
        #: id -> Person
        self.persons = Folder()
        #: login -> Account (see access.accounts)
        self.accounts = Folder()
        #: hash -> StoredDefinition
        self.definitions = Folder()
        #: id -> Entity
        self.entities = Folder()
        #: person id -> ((unit, role), ...): where to look for a person's grants; gives no right
        self.grants = Folder()
        #: roles of the whole site: the three administrations
        self.roles = LocalRoles("site")
        self.history = SharedHistory()

    @property
    def is_demo(self) -> bool:
        """Whether this site was made by ``jiceng demo``."""
        return self.origin.startswith("demo/")

    def person_name(self, person: str, at: datetime | None = None) -> str:
        """The name of a person, now or at a moment, or the id where there is none."""
        found: Person | None = self.persons.get(person)
        if found is None:
            return person
        return found.name if at is None else found.name_at(at)

    def note_grant(self, person: str, unit: str, role: str, *, held: bool) -> None:
        """Keep :attr:`grants` in step with a role that was given or taken."""
        others = tuple(g for g in self.grants.get(person, ()) if g != (unit, role))
        self.grants[person] = (*others, (unit, role)) if held else others

    def roles_of(self, person: str, unit: Unit | None, at: datetime, held: list[Any]) -> frozenset[str]:
        """The roles of ``person`` at ``unit`` (None: of the site alone) at ``at``.

        What was looked at is appended to ``held``.
        """
        held.append(self.roles)
        found = self.roles.of(person, at)
        if unit is not None:
            found |= roles_at(self.units, unit, person, at, local_date(at), held)
        return found


def site_of(connection: Any) -> Site:
    """The site in an open connection; KeyError where ``jiceng init`` has not been run."""
    site: Site = connection.root()["site"]
    return site

