"""How soon a site that was just started answers, and what memory its process takes."""

from __future__ import annotations

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import sites
from bench.row import Row, ms

ROUNDS = 3


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def start(home: Path, paths: list[str]) -> tuple[float, float, float]:
    """(seconds to the first page, to ready; megabytes after reading ``paths``) of ``jiceng serve``."""
    port = _free_port()
    environment = {**os.environ, "JICENG_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    program = str(Path(sys.executable).with_name("jiceng"))
    began = time.perf_counter()
    process = subprocess.Popen(
        [program, "serve", "--listen", f"127.0.0.1:{port}"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        first = _until(port, paths[0], began)
        ready = _until(port, "/-/ready", began)
        for path in paths:
            _get(port, path)
        return first, ready, _megabytes(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _until(port: int, path: str, began: float) -> float:
    while time.perf_counter() - began < 120:
        try:
            if _get(port, path) == 200:
                return time.perf_counter() - began
        except OSError:
            pass
        time.sleep(0.01)
    raise SystemExit(f"{path} did not come in two minutes")


def rows() -> list[Row]:
    """At both sizes, in turn."""
    found: dict[int, list[tuple[float, float, float]]] = {records: [] for records in sites.SIZES}
    homes = {records: sites.site(records) for records in sites.SIZES}
    paths = {records: sites.record_paths(home, 300) for records, home in homes.items()}
    for _ in range(ROUNDS):
        for records, home in homes.items():
            found[records].append(start(home, paths[records]))
    made = []
    for records, measured in found.items():
        first, ready, memory = (statistics.median(values) for values in zip(*measured, strict=True))
        workload = f"{records:,} records, jiceng serve"
        made.append(Row("start to first page", ms(first), f"ready {ms(ready)}", None, "<= 3 s", "cold", "-", workload))
        made.append(
            Row("memory of the process", f"{memory:.0f} MiB", "-", None, "<= 700 MiB", "hot", "all", f"{workload}, 300 pages read")
        )
    return made
