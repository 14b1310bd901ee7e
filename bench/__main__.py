"""Prints our figures beside their anchors: ``python -m bench [GROUP ...]``, all groups by default.

Both sides of a row are measured in one run and in turn, and medians are taken; what counts is
the ratio. Groups: pages (over HTTP beside a bare Pyramid hello), growth (1,000 to 100,000
records), lists (catalog), writing (action, import, checkpoints), starting (time and memory),
search, files (1 GB in and out, the server's memory). Sites are made once under ``$JICENG_BENCH_HOME`` (``build/bench``), which takes a quarter
of an hour and some 3 GB, and used again.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from collections.abc import Callable, Sequence

from bench.row import Row, table


def _pages() -> list[Row]:
    from bench import pages

    return pages.against_hello()


def _growth() -> list[Row]:
    from bench import pages

    return pages.growth()


def _lists() -> list[Row]:
    from bench import lists

    return lists.rows()


def _writing() -> list[Row]:
    from bench import writing

    return writing.rows()


def _starting() -> list[Row]:
    from bench import starting

    return starting.rows()


def _search() -> list[Row]:
    from bench import finding

    return finding.rows()


def _files() -> list[Row]:
    from bench import files

    return files.rows()


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "pages": _pages, "lists": _lists, "writing": _writing, "search": _search, "starting": _starting, "growth": _growth, "files": _files,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the chosen groups and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="all by default: " + " ".join(GROUPS))
    chosen = parser.parse_args(arguments).groups or list(GROUPS)
    if unknown := [name for name in chosen if name not in GROUPS]:
        parser.error(f"no group {unknown[0]}; there are {', '.join(GROUPS)}")
    warnings.simplefilter("ignore")
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    rows: list[Row] = []
    for name in chosen:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        rows += GROUPS[name]()
    print(table(rows))


if __name__ == "__main__":
    main()
