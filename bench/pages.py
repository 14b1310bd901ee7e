"""Pages over HTTP beside a bare Pyramid hello, and how their cost grows with the site."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench import sites
from bench.row import Row, ms

#: Rounds of a comparison; in each, every way takes so many requests in turn.
ROUNDS = 15
REQUESTS = 200


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[Server]:
    """Start ``python -m bench.server`` and stop it."""
    process = _start("bench.server", *arguments)
    try:
        port = process.stdout.readline() if process.stdout else ""
        if not port:
            raise SystemExit(f"no server for {arguments}")
        yield Server(int(port), process.pid)
    finally:
        _stop(process)


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _stop(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait(30)


class Client:
    """The load, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def seconds(self, server: Server, paths: Sequence[str], count: int) -> float:
        """What one request takes, as the mean of ``count``."""
        print(server.port, count, *paths, file=self._in, flush=True)
        return float(self._out.readline())


@contextlib.contextmanager
def client() -> Iterator[Client]:
    """Start the load's process and stop it."""
    process = _start("bench.load")
    try:
        yield Client(process)
    finally:
        _stop(process)


@dataclass(frozen=True)
class Way:
    """A server and what is asked of it."""

    server: Server
    paths: Sequence[str]
    count: int = REQUESTS


@dataclass(frozen=True)
class Cost:
    """What one request takes: on the clock (median of rounds), and of the server's processor."""

    wall: float
    cpu: float


def interleaved(load: Client, ways: Mapping[str, Way], rounds: int = ROUNDS) -> dict[str, Cost]:
    """Measure all ways in turn, round by round, after each was warmed up."""
    for way in ways.values():
        load.seconds(way.server, way.paths, max(way.count, 3 * len(way.paths)))
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            before = way.server.cpu()
            wall[name].append(load.seconds(way.server, way.paths, way.count))
            cpu[name].append((way.server.cpu() - before) / way.count)
    return {name: Cost(statistics.median(wall[name]), statistics.median(cpu[name])) for name in ways}


def against_hello() -> list[Row]:
    """The record page in its three ways of being answered."""
    home = sites.site(1_000)
    paths = sites.record_paths(home, 40)
    with (
        client() as load,
        server("hello") as hello,
        server("ours", str(home), "0", "0") as rendered,
        server("ours", str(home), "0", "24") as fragments,
        server("ours", str(home), "48", "24") as pages,
    ):
        cost = interleaved(
            load,
            {
                "hello": Way(hello, ["/hello"]),
                "rendered": Way(rendered, paths),
                "fragments": Way(fragments, paths),
                "pages": Way(pages, paths),
            },
        )
    anchor = cost["hello"]

    def row(figure: str, name: str, target: str, caches: str) -> Row:
        ours = cost[name]
        processor = f"; of the processor alone {anchor.cpu / ours.cpu:.2f}"
        return Row(
            figure, ms(ours.wall), f"hello {ms(anchor.wall)}", anchor.wall / ours.wall, target, "hot", caches,
            f"40 records of 1,000, one client{processor}",
        )

    return [
        row("record page, rendered", "rendered", ">= 0.35", "none"),
        row("record page, fragment cache", "fragments", ">= 0.75", "fragments"),
        row("record page, anonymous page cache", "pages", ">= 0.95", "all"),
    ]


def growth() -> list[Row]:
    """From 1,000 to 100,000 records: hot record pages, any record page, lists."""
    small, large = sites.site(1_000), sites.site(100_000)
    with (
        client() as load,
        server("ours", str(small), "0", "0") as few,
        server("ours", str(large), "0", "0") as many,
    ):
        ways: dict[str, Way] = {}
        for name, home, where in (("small", small, few), ("large", large, many)):
            ways[f"hot {name}"] = Way(where, sites.record_paths(home, 40))
            ways[f"list {name}"] = Way(where, sites.list_paths(home), 60)
        cost = interleaved(load, ways)
        anywhere = {
            name: Way(where, sites.record_paths(home, 600, seed=3), 600)
            for name, home, where in (("small", small, few), ("large", large, many))
        }
        # each address once in a round; no warming up by itself
        once = {n: load.seconds(w.server, w.paths, w.count) for n, w in anywhere.items()}
    made = []
    for figure, kind, target in (("hot record page", "hot", "<= 1.1"), ("list, narrowed or not", "list", "<= 1.3")):
        ours, anchor = cost[f"{kind} large"], cost[f"{kind} small"]
        made.append(
            Row(
                f"{figure}, 100,000 / 1,000 records", ms(ours.wall), ms(anchor.wall), ours.wall / anchor.wall, target,
                "hot", "none", f"one client; of the processor alone {ours.cpu / anchor.cpu:.2f}",
            )
        )
    made.append(
        Row(
            "any record page, 100,000 / 1,000 records", ms(once["large"]), ms(once["small"]),
            once["large"] / once["small"], "<= 1.5", "cold", "none", "600 addresses once each, files in the system's cache",
        )
    )
    return made


def rows() -> list[Row]:
    """All rows of this group."""
    return against_hello() + growth()
