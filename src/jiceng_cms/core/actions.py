"""Actions: the one way in which anything changes.

Each operation is a small class with ``check(ctx)``, which looks and may refuse, and
``execute(ctx)``, which changes and journals. Web views, commands, imports and timed jobs call
the same :class:`ActionService`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Protocol, TypeVar

from .clock import iso, local_date
from .domain import Domain
from .errors import Forbidden, NotFound
from .events import Event, Journal, PublicFacts, register
from .ids import new_id
from .records import Record
from .site import Site, site_of
from .units import Unit

T = TypeVar("T")

#: How many of a unit's latest idempotency tokens are kept.
KEPT_REQUESTS = 500

ACTION_REFUSED = register("action.refused", "被拒绝的操作", "Refused action")


@dataclass(frozen=True)
class Actor:
    """Who acts, in which one role. ``fresh``: the password was given again just now."""

    person: str
    role: str
    request_id: str
    fresh: bool = False


def timer() -> Actor:
    """The platform itself, when a deadline passes. It decides nothing about a person."""
    return Actor("system", "timer", f"timer-{new_id()}")


class Runs(Protocol):
    """What of the store's runner actions need."""

    def run(self, unit: str, work: Callable[[Any, Journal], T]) -> T:
        """See :meth:`jiceng_cms.store.runner.Runner.run`."""
        ...


class Context:
    """What one try of an action works with: a snapshot, the journal, who, when."""

    def __init__(self, connection: Any, journal: Journal, actor: Actor, domain: Domain) -> None:
        self.connection = connection
        self.journal = journal
        self.actor = actor
        self.domain = domain
        self.site: Site = site_of(connection)
        self.now: datetime = domain.clock.now()
        self.today: date = local_date(self.now)

    def hold(self, *objects: Any) -> None:
        """Let the commit fail where one of these has changed meanwhile."""
        for found in objects:
            if found._p_jar is not None:
                # a ghost has no serial, or one that is out of date: it must be loaded to be held
                found._p_activate()
                self.connection.readCurrent(found)

    def unit(self, code: str) -> Unit:
        """A unit, held; NotFound."""
        unit: Unit | None = self.site.units.get(code)
        if unit is None:
            raise NotFound("没有这个单位。请从首页的单位名单里重新选择。")
        self.hold(unit)
        return unit

    def record(self, unit: Unit, section: str, id: str) -> Record:
        """A record of a section of a unit, held; NotFound."""
        place = unit.sections.get(section)
        record: Record | None = place.records.get(id) if place is not None else None
        if record is None:
            raise NotFound("没有这份材料，或者您现在的身份看不到它。")
        self.hold(record)
        return record

    def roles(self, unit: Unit | None, person: str | None = None) -> frozenset[str]:
        """The roles of a person (the actor by default) at a unit, held until the commit."""
        held: list[Any] = []
        found = self.site.roles_of(person or self.actor.person, unit, self.now, held)
        self.hold(*held)
        return found

    def acts_as(self, unit: Unit | None, roles: tuple[str, ...] | frozenset[str]) -> bool:
        """Whether the actor acts in one of ``roles`` and really holds it at ``unit``."""
        return self.actor.role in roles and self.actor.role in self.roles(unit)

    def require(self, unit: Unit | None, roles: tuple[str, ...], what: str) -> None:
        """Forbidden unless :meth:`acts_as`; ``what`` completes 您现在的身份不能…"""
        if not self.acts_as(unit, roles):
            raise Forbidden(f"您现在的身份不能{what}。如果您还有别的身份，请先在页面上方切换；如果角色刚被收回，请问本单位管理员。")

    def log(
        self,
        kind: str,
        subject: str,
        history: Any,
        unit: str,
        details: Mapping[str, Any] | None = None,
        facts: PublicFacts | None = None,
    ) -> int:
        """Journal an event about ``subject`` and keep it in ``history``; gives its number."""
        event = Event(
            kind, subject, self.now, unit, self.actor.person, self.actor.role,
            self.actor.request_id, details or {}, facts,
        )
        return self.journal.add(event, history)


class Looking(Context):
    """A context over a snapshot, for pages that tell what could be done: it holds nothing."""

    def hold(self, *objects: Any) -> None:
        """Nothing will be committed."""


class Action(Protocol):
    """An operation. ``lock`` is the unit whose lock it takes; ``token`` makes it happen once."""

    name: ClassVar[str]

    @property
    def lock(self) -> str:
        """The code of the unit, or ``site``."""
        ...

    @property
    def token(self) -> str:
        """Idempotency token of the form or request, or ""."""
        ...

    def check(self, ctx: Context) -> None:
        """Raise :class:`~.errors.Refused` where it may not be done now."""
        ...

    def execute(self, ctx: Context) -> str:
        """Do it; gives the id of what it made or changed."""
        ...


class ActionService:
    """Performs actions through the runner."""

    def __init__(self, runner: Runs, domain: Domain) -> None:
        self._runner = runner
        self.domain = domain

    def perform(self, action: Action, actor: Actor) -> str:
        """Do ``action`` as ``actor``; gives its result, also where the same form came twice.

        A refusal of somebody who is signed in is journalled too, in a second transaction, since
        the first one is aborted.
        """

        def work(connection: Any, journal: Journal) -> str:
            ctx = Context(connection, journal, actor, self.domain)
            return perform_in(ctx, action)

        try:
            return self._runner.run(action.lock, work)
        except Forbidden as refusal:
            self._note_refusal(action, actor, refusal)
            raise

    def perform_many(self, lock: str, steps: Callable[[Context], T], actor: Actor) -> T:
        """Several actions in one commit: ``steps(ctx)`` calls :func:`perform_in` for each."""
        return self._runner.run(
            lock, lambda connection, journal: steps(Context(connection, journal, actor, self.domain))
        )

    def _note_refusal(self, action: Action, actor: Actor, refusal: Forbidden) -> None:
        def work(connection: Any, journal: Journal) -> None:
            ctx = Context(connection, journal, actor, self.domain)
            details = {"action": action.name, "code": refusal.code, "where": action.lock}
            ctx.log("action.refused", "site", ctx.site.history, "", details)

        self._runner.run("site", work)


def perform_in(ctx: Context, action: Action) -> str:
    """Check and execute an action in an open transaction, once per token.

    A token that comes again with other content is a form that was gone back to and changed: it
    is an action of its own, so that what was written the second time is not taken for done.
    """
    unit = ctx.site.units.get(action.lock) if action.token else None
    said = _digest(action)
    if unit is not None:
        done = unit.requests.get(action.token)
        if done is not None:
            person, result, _, before_said = done
            if person != ctx.actor.person:
                raise Forbidden("这张表单不是您打开的，请重新打开页面再办。")
            if before_said == said:
                return str(result)
    action.check(ctx)
    before = len(ctx.journal)
    result = action.execute(ctx)
    # an action that found nothing to change leaves no event, so it may leave no trace at all
    if unit is not None and len(ctx.journal) > before:
        if len(unit.requests) >= 2 * KEPT_REQUESTS:
            _forget(unit)
        unit.requests[action.token] = (ctx.actor.person, result, iso(ctx.now), said)
    return result


def _digest(action: Action) -> str:
    """Equal for actions that say the same."""
    return hashlib.sha256(repr(action).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _forget(unit: Unit) -> None:
    """Drop the older half of a unit's idempotency tokens."""
    by_age = sorted(unit.requests.items(), key=lambda item: item[1][2])
    for token, _ in by_age[:-KEPT_REQUESTS]:
        del unit.requests[token]
