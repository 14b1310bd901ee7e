"""Runs the demo's plan through the real actions, under a clock that moves forward to now.

Only on an empty site whose log's origin begins with ``demo/``. Several steps share a commit, up
to the most leaves that a commit may carry; nobody else writes meanwhile.
"""

from __future__ import annotations

import itertools
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ...access.accounts import CreateAccount
from ...access.passwords import Passwords
from ...affairs.units.actions import GrantRole, SaveBody, SaveEntity, SavePerson, SaveUnit
from ...core.actions import Action, ActionService, Actor, Context, perform_in
from ...core.clock import FixedClock, local_date
from ...core.domain import Domain
from ...core.events import MAX_LEAVES
from ...core.people import Seat
from ...core.permissions import ROLES
from ...core.site import site_of
from ...core.units import About, ParentSpan
from ...store import Store
from ..setup import operator
from . import AccountSpec, BodySpec, PersonSpec, PlaceSpec, PublicationSpec
from .bulk import bulk_plan
from .people import OFFICE_ROLES, demo_accounts, demo_persons
from .places import DISTRICT, places
from .plan import base_plan
from .steps import Staff, Step, quick_story, story, waiting_story
from .waiting import WAITING

#: A step adds at most so many leaves: a commit is closed while it still has room for one.
_LEAVES_PER_STEP = 6

#: Since when the units of the demo stand.
_FOUNDED = datetime(2024, 1, 1, 0, 30, tzinfo=UTC)

#: Syllables of a password that is read aloud and typed without looking twice.
_SYLLABLES = tuple(a + b for a in "bpmdtnlghk" for b in "aeiou")

#: progress(done, total, what is being done)
Progress = Callable[[int, int, str], None]


class NotForDemo(Exception):
    """This site may not get demo data; says why and what to do."""


@dataclass(frozen=True)
class DemoResult:
    """What was made: the accounts to try (login, what it is) and how many records."""

    accounts: tuple[tuple[str, str], ...]
    units: int
    records: int


def new_password() -> str:
    """A random readable password: four words of three syllables, 67 bits."""
    return "-".join("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(4))


def run_demo(
    store: Store,
    domain_at: Callable[[FixedClock], Domain],
    passwords: Passwords,
    *,
    password: str,
    now: datetime,
    units: int | None = None,
    records: int = 0,
    seed: int = 1,
    progress: Progress = lambda done, total, what: None,
) -> DemoResult:
    """Fill the site: the small demo, or a large one of ``units`` and ``records``.

    ``domain_at(clock)`` makes the domain whose actions run by that clock. Raises
    :class:`NotForDemo` on a site that is not empty or not made for it.
    """
    with store.reading() as connection:
        site = site_of(connection)
        if not site.is_demo:
            raise NotForDemo(
                "这个站点不是演示站点，不能放演示数据。请换一个空的 JICENG_HOME，用 jiceng init --demo 重新建站。"
            )
        if len(site.units):
            raise NotForDemo("这个站点里已经有单位了，演示数据只能放进空站点。要重来，请换一个空的 JICENG_HOME 再建站。")
    clock = FixedClock(_FOUNDED)
    player = _Player(ActionService(store.runner, domain_at(clock)), clock)
    hashed = passwords.hash(password)
    with tempfile.TemporaryDirectory(prefix="jiceng-demo-") as folder:
        if units is None:
            return _small(player, hashed, now, Path(folder), progress)
        return _large(player, hashed, now, units, records, seed, progress)


class _Player:
    """Plays steps in order, many to a commit."""

    def __init__(self, actions: ActionService, clock: FixedClock) -> None:
        self._actions, self._clock = actions, clock

    @property
    def now(self) -> datetime:
        return self._clock.now()

    def play(self, steps: Iterable[Step], heard: Callable[[int], None] = lambda done: None) -> int:
        """Do all steps; ``heard`` gets how many are done, after each commit."""
        queue = iter(steps)
        done = 0
        while taken := self._actions.perform_many("site", lambda ctx: self._some(ctx, queue), operator()):
            done += taken
            heard(done)
        return done

    def _some(self, ctx: Context, queue: Iterator[Step]) -> int:
        taken = 0
        while len(ctx.journal) + _LEAVES_PER_STEP <= MAX_LEAVES:
            step = next(queue, None)
            if step is None:
                break
            self._clock.set(max(step.moment, self._clock.now()))
            step.do(Context(ctx.connection, ctx.journal, step.actor, ctx.domain))
            taken += 1
        return taken


def _small(player: _Player, hashed: str, now: datetime, files: Path, progress: Progress) -> DemoResult:
    plan = base_plan(local_date(now))
    player.play(_founding(player, plan.places, plan.persons, plan.bodies, plan.accounts, hashed))
    staff = {p.code: staff_of(plan.accounts, p.code) for p in plan.places if p.kind in ("village", "community")}
    stories = [story(p, staff[p.unit], files) for p in plan.publications]
    stories += [waiting_story(w, staff[w.unit], now) for w in WAITING]
    steps = [step for one in stories for step in one]
    # each story is in order already, and the sort keeps that
    steps.sort(key=lambda step: step.moment)
    player.play(steps, lambda done: progress(done, len(steps), "按时间顺序办理公开事项"))
    shown = tuple((a.login, _told(a)) for a in plan.accounts if a.shown)
    return DemoResult(shown, len(plan.places), len(stories))


def _large(
    player: _Player, hashed: str, now: datetime, units: int, records: int, seed: int, progress: Progress
) -> DemoResult:
    last = local_date(now) - timedelta(days=2)
    plan = bulk_plan(units, records, seed, until=last)
    accounts = demo_accounts()
    district = [p for p in places() if p.code == DISTRICT]
    player.play(_founding(player, district, demo_persons(), (), accounts, hashed))
    ahead: list[PublicationSpec] = []

    def founding() -> Iterator[Step]:
        for spec in plan:
            if isinstance(spec, PublicationSpec):
                ahead.append(spec)
                return
            yield from _found(player, spec, accounts)

    player.play(founding(), lambda done: progress(done, 0, "登记单位"))
    staff = bulk_staff()
    made = 0

    def publishing() -> Iterator[Step]:
        nonlocal made
        for spec in itertools.chain(ahead, plan):
            assert isinstance(spec, PublicationSpec), "records follow the units"
            yield from quick_story(spec, staff)
            made += 1

    player.play(publishing(), lambda done: progress(made, records, "公布公开事项"))
    return DemoResult(tuple((a.login, _told(a)) for a in accounts), units, made)


def _told(account: AccountSpec) -> str:
    return "、".join(dict.fromkeys(ROLES[role].zh_CN for role, _ in account.grants))


# ------------------------------------------------------------------ who is who


def _step(player: _Player, action: Action) -> Step:
    return Step(player.now, Actor("operator", "operator", "demo"), lambda ctx: perform_in(ctx, action))


def _founding(
    player: _Player,
    all_places: Iterable[PlaceSpec],
    persons: Iterable[PersonSpec],
    bodies: Iterable[BodySpec],
    accounts: Iterable[AccountSpec],
    hashed: str,
) -> Iterator[Step]:
    codes = set()
    for place in all_places:
        codes.add(place.code)
        yield from _found(player, place, ())
    for person in persons:
        yield _step(player, SavePerson(person.name, person.id))
    for body in bodies:
        yield _step(player, _body(body))
    for account in accounts:
        yield _step(player, CreateAccount(account.login, account.person, password=hashed))
        for where in _grants(account, codes):
            yield _step(player, where)


def _grants(account: AccountSpec, codes: set[str]) -> Iterator[GrantRole]:
    for role, unit in account.grants:
        site = ROLES[role].reach == "site"
        if site or unit in codes:
            yield GrantRole("site" if site else unit, account.person, role, "演示站点任职名单")


def _found(player: _Player, spec: PlaceSpec | BodySpec, accounts: Iterable[AccountSpec]) -> Iterator[Step]:
    """A unit with what belongs to it, or a body."""
    if isinstance(spec, BodySpec):
        yield _step(player, _body(spec))
        return
    about = About(spec.office, spec.phone, spec.hours, spec.ask_on_paper, spec.uscc, spec.duties)
    since = _FOUNDED.date().replace(year=2018)
    parents = (ParentSpan(spec.parent, since),) if spec.parent else ()
    yield _step(
        player,
        SaveUnit(spec.code, spec.kind, spec.name, spec.pinyin, spec.initials, about, spec.parts, parents),
    )
    if spec.entity:
        held = (ParentSpan(spec.code, since),)
        yield _step(player, SaveEntity(f"e{spec.code}", spec.entity.name, spec.entity.uscc, held))
    if spec.kind in ("village", "community"):
        for account in accounts:
            role = OFFICE_ROLES.get(account.login)
            if role:
                yield _step(player, GrantRole(spec.code, account.person, role, "演示站点任职名单"))


def _body(spec: BodySpec) -> SaveBody:
    seats = tuple(Seat(s.person, s.post, s.since, s.until) for s in spec.seats)
    return SaveBody(spec.unit, spec.kind, spec.name, seats, spec.id, term=spec.term)


def staff_of(accounts: Iterable[AccountSpec], unit: str) -> Staff:
    """Who does what at a unit, by the accounts' grants."""
    by_role: dict[str, list[str]] = {}
    for account in accounts:
        for role, where in account.grants:
            if where == unit:
                by_role.setdefault(role, []).append(account.person)
    clerk = by_role["clerk"][0]
    return Staff(
        clerk=clerk,
        bookkeeper=by_role.get("bookkeeper", [""])[0],
        approver=by_role["approver"][0],
        party=by_role["approver_party"][0],
        confidentiality=by_role["confidentiality"][0],
        supervisors=tuple(by_role["supervisor"]),
    )


def bulk_staff() -> Staff:
    """The demo people, who hold every office of a large site."""
    return Staff(
        "clerk", "", "approver", "party", "party2", ("supervisor", "supervisor2", "supervisor3")
    )
