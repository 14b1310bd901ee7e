"""What writing costs: one clerk's action, an import, and how soon an entry is under a checkpoint."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench import sites
from bench.row import Row, ms
from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.app import open_services
from jiceng_cms.core.actions import Actor
from jiceng_cms.core.clock import SystemClock
from jiceng_cms.core.drafting import CreateRecord
from jiceng_cms.core.site import site_of
from jiceng_cms.ops.demo.run import run_demo
from jiceng_cms.ops.worker import Worker
from jiceng_cms.web.services import Services, settings_from

#: Records of the import, and units that they go to.
IMPORTED, UNITS = 400, 6

#: Commits a second while checkpoints are timed, and for how long.
RATE, SECONDS = 50, 6

DATA = {"title": "二组水渠维修", "summary": "修了二组的水渠。", "event_date": "2026-08-28", "body": "水渠修好了，可以放水。"}


@contextlib.contextmanager
def fresh() -> Iterator[tuple[Services, float]]:
    """A new site with a few records, opened without a worker; and seconds for each record."""
    sites.folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=sites.folder()) as folder:
        home = Path(folder) / "site"
        sites.run_jiceng(home, "init", "--demo")
        services = open_services(settings_from({}, home, {"JICENG_HOME": str(home)}))
        try:
            began = time.perf_counter()
            run_demo(
                services.store, lambda clock: make_domain(clock=clock), services.passwords,
                password="bench-bench-bench", now=SystemClock().now(), units=UNITS, records=IMPORTED,
            )  # fmt: skip
            yield services, (time.perf_counter() - began) / IMPORTED
        finally:
            services.close()


class Clerk:
    """Drafts at the first unit that has one."""

    def __init__(self, services: Services) -> None:
        self._actions = services.actions
        with services.store.reading() as connection:
            units = site_of(connection).units
            self._unit = next(u.code for u in units.values() if u.sections)
        self._actor = Actor("clerk", "clerk", "bench")

    def draft(self) -> None:
        """One action, one commit."""
        self._actions.perform(CreateRecord(self._unit, "disclosure", "affairs", DATA), self._actor)


def _sync(folder: Path) -> float:
    """What it takes to append four kilobytes and see them on the disk."""
    with (folder / "fsync").open("ab", buffering=0) as file:
        began = time.perf_counter()
        file.write(b"x" * 4096)
        os.fsync(file.fileno())
        return time.perf_counter() - began


def action(services: Services) -> Row:
    """One clerk's action beside one fsync, in turn."""
    clerk = Clerk(services)
    ours, anchor = [], []
    for number in range(120):
        synced = _sync(services.settings.home)
        began = time.perf_counter()
        clerk.draft()
        if number >= 20:
            ours.append(time.perf_counter() - began)
            anchor.append(synced)
    mine, sync = statistics.median(ours), statistics.median(anchor)
    void = "" if sync >= 0.0002 else "; void: the disk does not sync"
    return Row("one clerk's action / one fsync", ms(mine), f"fsync {ms(sync)}", mine / sync, "<= 2", "hot", "-", f"draft, 100 in turn{void}")


def checkpoints(services: Services) -> Row:
    """From a commit to the checkpoint that covers it, while commits come steadily."""
    clerk, worker = Clerk(services), Worker(services)
    worker.step_all()
    first = services.log.size()
    committed: list[float] = []
    covered: list[float] = []
    done = threading.Event()

    def commit() -> None:
        start = time.perf_counter()
        for number in range(RATE * SECONDS):
            time.sleep(max(0.0, start + number / RATE - time.perf_counter()))
            clerk.draft()
            committed.append(time.perf_counter())
        done.set()

    worker.start()
    writer = threading.Thread(target=commit)
    writer.start()
    end = time.perf_counter() + SECONDS * 3
    try:
        while len(covered) < RATE * SECONDS and time.perf_counter() < end:
            covered += [time.perf_counter()] * (services.log.size() - first - len(covered))
            time.sleep(0.002)
    finally:
        writer.join()
        worker.stop()
    if len(covered) < len(committed):
        raise SystemExit("the sequencer fell behind")
    waits = sorted(max(0.0, b - a) for a, b in zip(committed, covered, strict=False))
    rate = len(committed) / (committed[-1] - committed[0])
    p99 = waits[int(len(waits) * 0.99) - 1]
    return Row(
        "journal entry to checkpoint, p99", ms(p99), f"p50 {ms(statistics.median(waits))}", None, "<= 1 s", "hot", "-",
        f"{rate:.0f} commits/s, with search and board",
    )


def rows() -> list[Row]:
    """All rows of this group, from one small site that is thrown away."""
    with fresh() as (services, each):
        return [
            Row(
                "import through the real actions", f"{1 / each:.0f} records/s", "-", None, ">= 500/s", "hot", "-",
                f"{IMPORTED} publications, five events each, up to 50 to a commit",
            ),
            action(services),
            checkpoints(services),
        ]
