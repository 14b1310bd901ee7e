"""Many at once: nothing lost, nobody told to come back, and the log agrees."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.affairs.units.actions import GrantRole, SaveBody
from jiceng_cms.core.actions import ActionService
from jiceng_cms.core.drafting import CreateRecord, SaveDraft
from jiceng_cms.core.errors import Stale
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.people import Seat
from jiceng_cms.core.records import Record
from jiceng_cms.core.signing import GiveVerdict
from jiceng_cms.ops.verifying import verify
from jiceng_cms.store import OutOfTries, Store
from jiceng_cms.store.locks import LocalLocks
from jiceng_cms.store.runner import Runner
from support.village import (
    COMMUNITY,
    DISCLOSURE,
    OPERATOR,
    OTHER_VILLAGE,
    SECTION,
    VILLAGE,
    Village,
)

CLIENTS = 64


def everybody(count: int, job: Callable[[int], object]) -> list[object]:
    """Run ``job(0) ... job(count - 1)`` in as many threads that begin together; raises what they raise."""
    start = threading.Barrier(count)

    def wait_and_go(number: int) -> object:
        start.wait(30)
        return job(number)

    with ThreadPoolExecutor(count) as pool:
        return [future.result(120) for future in [pool.submit(wait_and_go, n) for n in range(count)]]


def record(village: Village, id: str, unit: str = VILLAGE) -> Record:
    with village.reading() as site:
        found: Record = site.units[unit].sections[SECTION].records[id]
        found.draft._p_activate()
        return found


def agree(village: Village) -> None:
    """Everything follows, and the verification of log and records finds nothing amiss."""
    village.catch_up()

    @contextlib.contextmanager
    def again() -> Iterator[Store]:
        store = Store.open(village.services.settings.database, read_only=True)
        try:
            yield store
        finally:
            store.close()

    report = verify(again, village.services.settings, make_domain())
    assert report.problems == ()
    assert report.waiting == 0


def add_line(village: Village, id: str, line: str, dice: random.Random) -> int:
    """Add a line to a draft that others write too, like a person who is told and tries again."""
    for tries in range(10_000):
        with village.reading() as site:
            draft = site.units[VILLAGE].sections[SECTION].records[id].draft
            data, version = dict(draft.data), draft.version
        data["body"] += "\n" + line
        try:
            village.do(SaveDraft(VILLAGE, SECTION, id, version, data), dice.choice(["clerk", "clerk2"]))
        except Stale:
            continue
        return tries
    raise AssertionError("never got through")


@pytest.mark.slow
def test_sixty_four_clients_write_at_one_village(village: Village) -> None:
    shared = village.draft()

    def client(number: int) -> list[str]:
        dice, mine = random.Random(number), []
        for turn in range(2):
            id = village.draft(dice.choice(["clerk", "clerk2"]), title=f"第{number}人第{turn}件")
            village.edit(id, body=f"{number}-{turn}")
            mine.append(id)
        add_line(village, shared, f"<{number}>", dice)
        return mine

    made = everybody(CLIENTS, client)
    with village.reading() as site:
        section = site.units[VILLAGE].sections[SECTION]
        lines = section.records[shared].draft.data["body"].split("\n")
        assert sorted(lines[1:]) == sorted(f"<{n}>" for n in range(CLIENTS)), "every acknowledged line is there, once"
        assert section.records[shared].draft.version == 1 + CLIENTS
        for number, ids in enumerate(made):
            for turn, id in enumerate(ids):  # type: ignore[arg-type]
                draft = section.records[id].draft
                assert (draft.data["title"], draft.data["body"]) == (f"第{number}人第{turn}件", f"{number}-{turn}")
        listed = [row.id for name in section.listings for row in section.listings[name].page(size=999)]
        assert sorted(listed) == sorted(section.records.keys())
    assert village.services.store.runner.conflicts == 0, "the unit's lock spares the work of trying again"
    agree(village)


@pytest.mark.slow
def test_eight_writers_publish_at_several_units(village: Village) -> None:
    units = (VILLAGE, COMMUNITY, OTHER_VILLAGE)
    act = village.services.actions.perform
    signers = ("supervisor", "supervisor2")
    for login, role in (("clerk", "clerk"), ("approver", "approver"), *((s, "supervisor") for s in signers)):
        act(GrantRole(OTHER_VILLAGE, village.people[login], role, "任职"), OPERATOR)
    seats = tuple(Seat(village.people[s], "委员", date(2024, 1, 1)) for s in signers)
    act(SaveBody(OTHER_VILLAGE, "supervision", "监督委员会", seats), OPERATOR)

    def writer(number: int) -> list[tuple[str, str]]:
        unit, done = units[number % len(units)], []
        for turn in range(4):
            id = village.draft(unit=unit, title=f"第{number}人第{turn}件")
            village.move(id, "submit", "clerk", unit)
            for login in signers:
                village.sign(id, login, unit=unit)
            village.move(id, "publish", "approver", unit)
            done.append((unit, id))
        return done

    published = [pair for done in everybody(8, writer) for pair in done]  # type: ignore[attr-defined]
    with village.reading() as site:
        for unit in units:
            records = [site.units[unit].sections[SECTION].records[id] for u, id in published if u == unit]
            assert all(r.standing == "published" for r in records)
            numbers = sorted(r.number for r in records)
            assert numbers == [f"GK-2026-{n:04d}" for n in range(1, len(records) + 1)], "no number twice, none left out"
    agree(village)
    assert village.services.engine.keys() == {f"{unit}/{id}" for unit, id in published}


@pytest.mark.slow
def test_a_whole_committee_signs_at_one_moment(village: Village) -> None:
    ids = [village.draft(title=f"第{n}件") for n in range(5)]
    for id in ids:
        village.move(id, "submit", "clerk")
    people = ("supervisor", "supervisor2", "supervisor3")

    def sign(number: int) -> None:
        village.sign(ids[number % 5], people[number // 5])

    everybody(15, sign)
    for id in ids:
        assert len(record(village, id).run.verdicts) == 3
        village.move(id, "publish", "approver")
    agree(village)


@pytest.mark.slow
def test_without_a_common_lock_safety_stays_and_only_speed_is_lost(village: Village) -> None:
    """As from several processes: who is out of tries is told so, and has changed nothing."""
    store, domain = village.services.store, village.services.domain
    services = [ActionService(Runner(store.db, LocalLocks(), tries=50), domain) for _ in range(6)]

    def writer(number: int) -> list[str]:
        made = []
        for turn in range(4):
            action = CreateRecord(VILLAGE, "disclosure", "affairs", {**DISCLOSURE, "title": f"{number}-{turn}"})
            with contextlib.suppress(OutOfTries):
                made.append(services[number].perform(action, village.as_("clerk")))
        return made

    made = [id for ids in everybody(6, writer) for id in ids]  # type: ignore[attr-defined]
    assert len(made) > 6
    with village.reading() as site:
        section = site.units[VILLAGE].sections[SECTION]
        assert sorted(section.records.keys()) == sorted(made)
        (listing,) = section.listings.values()
        assert sorted(row.id for row in listing.page(size=99)) == sorted(made)
        assert listing.total() == listing.total({"kind": "affairs"}) == len(made)
    agree(village)


@pytest.mark.slow
def test_a_double_click_and_two_approvers_publish_once(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    for login in ("supervisor", "supervisor2"):
        village.sign(id, login)
    action = MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id), token="t-publish-once")
    assert everybody(8, lambda n: village.do(action, "approver")) == [id] * 8
    found = record(village, id)
    assert len(found.editions) == 1
    verdict = GiveVerdict(VILLAGE, SECTION, village.draft(), "supervision", 0, "agree", token="t-x")
    with pytest.raises(Exception, match="征求"):
        village.do(verdict, "supervisor")
    agree(village)
