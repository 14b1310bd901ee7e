"""A file of 1 GB sent in pieces and fetched again, over HTTP, with the server's memory watched.

``python -m bench files`` (``JICENG_BENCH_FILE_MB`` for another size). The server runs as it does
for a site, worker and all; the client is this process. What counts is the server's resident
memory at its peak beside what it was before: a file that is held anywhere shows at once. The
limited process that looks into the file has its own bound and is not counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from bench import sites
from bench.row import Row

_PIECE = 8 << 20


class Memory:
    """Watches the resident memory of a process, in bytes."""

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/statm")
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def now(self) -> int:
        return int(self._path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.peak = max(self.peak, self.now())

    def __enter__(self) -> Memory:
        self.peak = self.now()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Clerk:
    """Signed in, over one connection."""

    def __init__(self, port: int, password: str) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._cookies: dict[str, str] = {}
        page = self.page("/login")
        self.form("/login", {"csrf_token": _value(page, "csrf_token"), "login": "clerk", "password": password})
        self.token = _value(self.page("/staff"), "csrf_token")

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """The answer, its body not read yet."""
        told = {
            "Cookie": "; ".join(f"{n}={v}" for n, v in self._cookies.items()),
            "Origin": f"http://127.0.0.1:{self._port}",
            **(headers or {}),
        }
        self._connection.request(method, path, body, told)  # type: ignore[arg-type]
        answer = self._connection.getresponse()
        for header in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = header.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def page(self, path: str) -> str:
        answer = self.ask("GET", path)
        text = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
        return text

    def form(self, path: str, fields: dict[str, str]) -> str:
        """Send a form; where it leads."""
        answer = self.ask("POST", path, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
        text = answer.read().decode()
        if answer.status != 303:
            raise SystemExit(f"{path}: {answer.status} {re.sub('<[^>]*>|[ ]+', ' ', text)[:2000]}")
        return str(answer.headers["Location"])

    def send(self, record: str, size: int) -> str:
        """Send a text of ``size`` bytes in pieces; its digest."""
        headers = {"X-CSRF-Token": self.token, "Content-Type": "application/x-www-form-urlencoded"}
        answer = self.ask("POST", f"{record}/uploads", urlencode({"name": "大.txt", "size": str(size)}), headers)
        told = answer.read()
        if answer.status != 201:
            raise SystemExit(f"uploads: {answer.status} {told.decode()[:300]}")
        place = "/u/" + answer.headers["Location"].partition("/u/")[2]
        digest, line, at = hashlib.sha256(), secrets.token_hex(511).encode() + b"\n", 0
        block = line * (_PIECE // len(line) + 1)
        while at < size:
            data = block[: min(_PIECE, size - at)]
            digest.update(data)
            headers = {"X-CSRF-Token": self.token, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
            answer = self.ask("PATCH", place, data, headers)
            answer.read()
            if answer.status != 204:
                raise SystemExit(f"piece at {at}: {answer.status}")
            at = int(answer.headers["Upload-Offset"])
        fields = {"csrf_token": self.token, "uploaded": place.rpartition("/")[2], "idempotency": secrets.token_hex(8)}
        self.form(f"{record}/attach", fields)
        return digest.hexdigest()

    def fetch(self, path: str) -> tuple[str, int]:
        """(digest, size) of a download, read in small blocks."""
        answer = self.ask("GET", path)
        digest, size = hashlib.sha256(), 0
        while data := answer.read(1 << 18):
            digest.update(data)
            size += len(data)
        return digest.hexdigest(), size


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    if found is None:
        raise SystemExit(f"no field {name}")
    return found[1]


@contextlib.contextmanager
def serving(megabytes: int) -> Iterator[tuple[int, int, str]]:
    """(process, port, password) of a server over a new small site."""
    sites.folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=sites.folder()) as folder:
        home, ini, password = Path(folder) / "site", Path(folder) / "site.ini", secrets.token_urlsafe(16)
        ini.write_text(
            f"[app:main]\njiceng.home = {home}\nsession.secure = false\nfiles.max_size = {megabytes + 1}\n"
            "files.seconds = 300\nfiles.wall = 400\n"
        )
        os.environ["JICENG_DEMO_PASSWORD"] = password
        for command in (("init", "--demo"), ("demo", "--units", "2", "--records", "10")):
            sites.run_jiceng(home, "-c", str(ini), *command)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        program = Path(sys.executable).with_name("jiceng")
        environment = {**os.environ, "JICENG_HOME": str(home), "PYTHONWARNINGS": "ignore"}
        command = [str(program), "-c", str(ini), "serve", "--listen", f"127.0.0.1:{port}"]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield server.pid, port, password
        finally:
            server.terminate()
            server.wait(30)


def rows() -> list[Row]:
    """What the server's memory did while the file came and went."""
    megabytes = int(os.environ.get("JICENG_BENCH_FILE_MB", "1024"))
    size = megabytes << 20
    with serving(megabytes) as (pid, port, password):
        clerk = Clerk(port, password)
        record = _new_record(clerk)
        clerk.page(f"{record}/work")
        began = time.perf_counter()
        before = Memory(pid).now()
        with Memory(pid) as memory:
            digest = clerk.send(record, size)
        sent = time.perf_counter() - began
        up = Row(
            f"memory of the server, {megabytes} MB in", _mib(memory.peak), f"{_mib(before)} before", memory.peak / before,
            "1.5", "hot", "all", f"pieces of 8 MB, looked at, attached, in {sent:.0f} s",
        )  # fmt: skip
        path = re.search(rf"{record}/files/\w+", clerk.page(f"{record}/work"))
        assert path is not None, "it was attached"
        began = time.perf_counter()
        before = Memory(pid).now()
        with Memory(pid) as memory:
            got = clerk.fetch(path[0])
        fetched = time.perf_counter() - began
        if got != (digest, size):
            raise SystemExit("what came back is not what was sent")
        down = Row(
            f"memory of the server, {megabytes} MB out", _mib(memory.peak), f"{_mib(before)} before", memory.peak / before,
            "1.5", "hot", "all", f"one download, in {fetched:.0f} s, every byte compared",
        )  # fmt: skip
    return [up, down]


def _new_record(clerk: Clerk) -> str:
    link = re.search(r'"(/u/\d{12}/disclosures)/new"', clerk.page("/staff"))
    if link is None:
        raise SystemExit("the clerk may draft nowhere")
    page = clerk.page(f"{link[1]}/new")
    body = {
        "csrf_token": clerk.token, "idempotency": _value(page, "idempotency"), "__start__": "kind:rename",
        "kind": "affairs", "__end__": "kind:rename", "title": "大文件", "part": "", "button": "create",
    }  # fmt: skip
    place = clerk.form(f"{link[1]}/new", body)
    found = re.search(rf"{link[1]}/\w{{8}}", place)
    assert found is not None, "a new record has an address"
    return found[0]


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
