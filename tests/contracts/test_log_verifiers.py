"""Verifiers that we did not write agree with the served log, and disagree with a changed one.

Go's golang.org/x/mod/sumdb (note and tlog), as Debian packages it: no module is downloaded.
"""

import base64
import os
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import transaction
from BTrees.OOBTree import OOBTree
from pyramid.config import Configurator
from webtest import TestApp

from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.events import JOURNAL_KEY, EventBatch
from jiceng_cms.store import Store
from jiceng_cms.translog import merkle
from jiceng_cms.translog.checkpoint import Checkpoint
from jiceng_cms.translog.log import (
    consistency_proof,
    create_log,
    inclusion_proof,
    read_entry,
    root_hash,
)
from jiceng_cms.translog.note import Signer
from jiceng_cms.translog.sequencer import Sequencer
from jiceng_cms.translog.service import ILogService, LogService
from jiceng_cms.translog.state import read_checkpoint

pytestmark = pytest.mark.go

SOURCE = Path(__file__).with_name("go") / "main.go"


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    """The compiled verifier; the compiler's own cache is kept, since net/http takes a minute."""
    binary = tmp_path_factory.mktemp("go") / "verifier"
    # neither modules nor network: the sources are those of Debian's package
    offline = {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    built = subprocess.run(
        ["go", "build", "-o", str(binary), str(SOURCE)],
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr

    def run(*arguments, text=None):
        return subprocess.run(
            [str(binary), *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class ServedLog:
    """A log, served on a port of its own; ``lies`` maps paths to what is told instead."""

    def __init__(self, home):
        self.store = Store.open(f"file://{home}/Data.fs")
        self.signer = Signer("demo/log.example", b"k" * 32)
        self.state_file = home / "log-state.json"
        clock = FixedClock(datetime(2026, 9, 30, tzinfo=UTC))
        self.sequencer = Sequencer(self.store, self.signer, self.state_file, clock)
        self.lies = {}
        self.count = 0
        self.add(1, lambda root: (create_log(root), root.update(scratch=OOBTree())))
        config = Configurator()
        config.include("jiceng_cms.translog")
        service = LogService(self.signer.verifier, self.state_file)
        config.registry.registerUtility(service, ILogService)
        config.add_request_method(self._db, "db", reify=True)
        self.app = config.make_wsgi_app()
        self.server = make_server("127.0.0.1", 0, self._serve, handler_class=Quiet)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def _db(self, request):
        snapshot = self.store.snapshot()
        request.add_finished_callback(lambda _: snapshot.close())
        return snapshot.connection

    def _serve(self, environ, start_response):
        lie = self.lies.get(environ["PATH_INFO"].removeprefix("/log/"))
        if lie is None:
            return self.app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [lie]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def add(self, count, work=lambda root: root["scratch"].update({"x": os.urandom(4)})):
        """Commit ``count`` leaves, 400 to a transaction, and sign."""
        while count:
            batch = [
                ("site", b'{"c":"%043d","v":1}' % (self.count + i), self.count + i + 1)
                for i in range(min(count, 400))
            ]
            manager = transaction.TransactionManager(explicit=True)
            connection = self.store.db.open(manager)
            manager.begin().setExtendedInfo(JOURNAL_KEY, EventBatch(batch))
            work(connection.root())
            manager.commit()
            connection.close()
            self.count += len(batch)
            count -= len(batch)
        while self.sequencer.step() is not None:
            pass

    def grow_to(self, size):
        self.add(size - self.count)
        return self

    def checkpoint(self):
        return Checkpoint.open(read_checkpoint(self.state_file), self.signer.verifier)

    def fetch(self, path):
        """The true bytes at a path."""
        return TestApp(self.app).get(f"/log/{urlsplit(path).path}").body

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.sequencer.close()
        self.store.close()


@pytest.fixture
def log(tmp_path):
    log = ServedLog(tmp_path)
    yield log
    log.close()


def agrees(verifier, log, *old):
    answer = verifier(log.url, log.signer.verifier.encode(), *old)
    assert answer.returncode == 0, answer.stderr
    return int(answer.stdout)


def test_trees_on_the_way_to_three_levels(log, verifier):
    old = log.checkpoint()
    # around full tiles of level 0, and beyond the first full tile of level 1
    for size in (1, 2, 3, 255, 256, 257, 511, 700, 65_536, 65_537, 66_100):
        log.grow_to(size)
        root = base64.b64encode(old.root).decode()
        assert agrees(verifier, log, old.size, root) == size
        old = log.checkpoint()


def test_proofs_that_we_make(log, verifier):
    size = log.grow_to(700).count
    lines = []
    with log.store.reading() as connection:

        def line(kind, new, old, value, proof):
            root = root_hash(connection, new)
            hashes = [base64.b64encode(h).decode() for h in (root, value, *proof)]
            return " ".join([kind, str(new), hashes[0], str(old), *hashes[1:]])

        for new in (1, 2, 255, 256, 257, 600, size):
            for index in {0, new // 3, new // 2, new - 1}:
                leaf = merkle.leaf_hash(read_entry(connection, index).leaf)
                lines.append(
                    line("record", new, index, leaf, inclusion_proof(connection, index, new))
                )
            for old in {1, new // 3 + 1, new // 2 + 1, new}:
                proof = consistency_proof(connection, old, new)
                lines.append(line("tree", new, old, root_hash(connection, old), proof))
    answer = verifier("-", text="\n".join(lines))
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) == len(lines)
    wrong = lines[-1].replace(lines[-1].split()[-1], base64.b64encode(b"x" * 32).decode())
    assert verifier("-", text=wrong).returncode == 1


@pytest.mark.parametrize(
    ("path", "at", "complaint"),
    [
        ("tile/0/000", 40, "is not what the entries say"),
        ("tile/0/002.p/88", 40, "is not what the entries say"),
        ("tile/1/000.p/2", 40, "is not what the entries say"),
        ("tile/entries/000", 40, "don't lead to the signed root"),
        ("tile/entries/002.p/88", 40, "don't lead to the signed root"),
        ("checkpoint", 3, "invalid signature"),
        ("checkpoint", 20, "malformed note"),
        ("checkpoint", -5, "invalid signature"),
        ("key", 5, "another key"),
    ],
)
def test_one_changed_byte_anywhere_is_noticed(log, verifier, path, at, complaint):
    log.grow_to(600)
    assert agrees(verifier, log) == 600
    lie = bytearray(log.fetch(path))
    lie[at] ^= 1
    log.lies[path] = bytes(lie)
    answer = verifier(log.url, log.signer.verifier.encode())
    assert answer.returncode == 1
    assert complaint in answer.stderr


def test_rewritten_history_is_noticed_by_who_kept_a_checkpoint(log, verifier):
    log.grow_to(600)
    answer = verifier(
        log.url, log.signer.verifier.encode(), 300, base64.b64encode(b"x" * 32).decode()
    )
    assert answer.returncode == 1
    assert "is not where this one began" in answer.stderr
