"""kill -9 of a site 25 times during publishing: what was acknowledged stays, everything agrees."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.affairs.units.actions import GrantRole, SaveBody, SavePerson, SaveUnit
from jiceng_cms.app import open_services
from jiceng_cms.core.people import Seat
from jiceng_cms.core.site import site_of
from jiceng_cms.ops.setup import install_site, operator
from jiceng_cms.ops.verifying import verify
from jiceng_cms.ops.worker import Worker
from jiceng_cms.store import Store
from jiceng_cms.web.services import Settings, settings_from

VICTIM = Path(__file__).with_name("kill_victim.py")
KILLS = 25
VILLAGES = ("990101100201", "990101100202")
ROLES = {"clerk": "clerk", "approver": "approver", "s1": "supervisor", "s2": "supervisor"}


def prepare(settings: Settings) -> None:
    install_site(settings, make_domain(), title="试", origin="demo/kill")
    services = open_services(settings)
    actions, actor = services.actions, operator()
    for person in ROLES:
        actions.perform(SavePerson(person, person), actor)
    for village in VILLAGES:
        actions.perform(SaveUnit(village, "village", "石塝村"), actor)
        seats = tuple(Seat(p, "委员", date(2024, 1, 1)) for p in ("s1", "s2"))
        actions.perform(SaveBody(village, "supervision", "村务监督委员会", seats), actor)
        for person, role in ROLES.items():
            actions.perform(GrantRole(village, person, role, "任职"), actor)
    services.close()


def kill_during_publishing(home: Path, seconds: float) -> list[str]:
    """Start the victim, kill it ``seconds`` after its first word; the keys it acknowledged."""
    victim = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(VICTIM), str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert victim.stdout is not None
    first = victim.stdout.readline()  # it has begun to publish
    time.sleep(seconds)
    victim.kill()
    out, err = victim.communicate()
    assert victim.returncode == -9, err.decode()
    whole = (first + out).decode()
    return whole[: whole.rfind("\n") + 1].split()


@contextlib.contextmanager
def read_only(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings.database, read_only=True)
    try:
        yield store
    finally:
        store.close()


def check(settings: Settings, acknowledged: list[str]) -> None:
    """Before anything is repaired the records agree; after a round of the worker all has caught up."""
    raw = verify(lambda: read_only(settings), settings, make_domain())
    assert raw.problems == ()
    services = open_services(settings)
    worker = Worker(services)
    try:
        assert worker.step_all(), worker.status()
        assert worker.status().waiting == 0
        with services.store.reading() as connection:
            units = site_of(connection).units
            for key in acknowledged:
                village, id = key.split("/")
                assert units[village].sections["disclosures"].records[id].standing == "published", key
            published = {
                record.key
                for village in VILLAGES
                for record in units[village].sections["disclosures"].records.values()
                if record.standing == "published"
            }
        assert set(acknowledged) <= published
        assert services.engine.keys() == published
    finally:
        worker.stop()
        services.close()
    again = verify(lambda: read_only(settings), settings, make_domain())
    assert again.problems == ()
    assert again.waiting == 0


@pytest.mark.slow
def test_twenty_five_kills_during_publishing(tmp_path: Path) -> None:
    settings = settings_from({}, tmp_path, {"JICENG_HOME": str(tmp_path / "var")})
    prepare(settings)
    dice, acknowledged = random.Random(20261123), []
    for number in range(KILLS):
        acknowledged += kill_during_publishing(settings.home, dice.random() * 0.3)
        if number % 5 == 4:
            check(settings, acknowledged)
    assert len(acknowledged) > KILLS
    assert len(set(acknowledged)) == len(acknowledged)
