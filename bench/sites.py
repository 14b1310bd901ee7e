"""The sites that figures are taken from: made once by ``jiceng demo``, kept, used again."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jiceng_cms.core.catalog import class_of_edition
from jiceng_cms.core.site import site_of
from jiceng_cms.store import Store

#: records -> units
SIZES = {1_000: 20, 100_000: 300}

SECTION = "disclosures"


def folder() -> Path:
    """Where the sites are kept."""
    return Path(os.environ.get("JICENG_BENCH_HOME") or "build/bench").resolve()


def run_jiceng(home: Path, *arguments: str) -> None:
    """Run the command line on a site."""
    environment = {**os.environ, "JICENG_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    program = Path(sys.executable).with_name("jiceng")
    subprocess.run([str(program), *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)


def site(records: int) -> Path:
    """The home of a demo site with so many records; made now where it is missing."""
    home = folder() / f"site-{records}"
    done = home / "bench.done"
    if not done.exists():
        if home.exists():
            raise SystemExit(f"{home} is only half made: remove it, or wait for who is making it")
        print(f"making {home} with {records} records, once", file=sys.stderr)
        home.parent.mkdir(parents=True, exist_ok=True)
        run_jiceng(home, "init", "--demo")
        run_jiceng(home, "demo", "--units", str(SIZES[records]), "--records", str(records))
        done.touch()
    return home


def made(records: int) -> bool:
    """Whether a site stands ready."""
    return (folder() / f"site-{records}" / "bench.done").exists()


@contextlib.contextmanager
def opened(home: Path) -> Iterator[Store]:
    """The site's database, for reading only."""
    store = Store.open(f"file://{home}/Data.fs?blobs={home}/blobs", read_only=True)
    try:
        yield store
    finally:
        store.close()


def record_paths(home: Path, count: int, seed: int = 1) -> list[str]:
    """Addresses of published records, drawn evenly over units."""
    chance = random.Random(seed)
    found = []
    with opened(home) as store, store.reading() as connection:
        units = [(c, u.sections[SECTION]) for c, u in site_of(connection).units.items() if SECTION in u.sections]
        while len(found) < count:
            code, section = chance.choice(units)
            listing = section.listings.get(class_of_edition("public"))
            if listing is not None:
                row = chance.choice(listing.page(size=200))
                found.append(f"/u/{code}/{SECTION}/{row.id}")
    return found


def list_paths(home: Path) -> list[str]:
    """First pages of lists, all and narrowed, of ten units."""
    with opened(home) as store, store.reading() as connection:
        units = [c for c, u in site_of(connection).units.items() if SECTION in u.sections][:10]
    return [f"/u/{code}/{SECTION}/{query}" for code in units for query in ("", "?kind=finance", "?mark=late")]
