"""A database with a log, people who commit, and a clock that can be set."""

import itertools
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import transaction
from BTrees.OOBTree import OOBTree

from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.events import JOURNAL_KEY, EventBatch
from jiceng_cms.store import Store
from jiceng_cms.translog.log import create_log
from jiceng_cms.translog.note import Signer
from jiceng_cms.translog.sequencer import Sequencer
from jiceng_cms.translog.state import read_checkpoint, read_signed
from jiceng_cms.translog.verify import verify_log

ORIGIN = "demo/log.example"


@dataclass
class LoggedSite:
    """A site's database in a folder, as the sequencer and the verifier see it."""

    home: object
    clock: FixedClock = field(default_factory=lambda: FixedClock(datetime(2026, 9, 30, tzinfo=UTC)))
    signer: Signer = field(default_factory=lambda: Signer(ORIGIN, b"k" * 32))

    def __post_init__(self):
        self.numbers = itertools.count(1)
        self.state_file = self.home / "log-state.json"
        self.open()
        with self.writing("site") as root:
            create_log(root)
            root["scratch"] = OOBTree()

    def open(self):
        self.store = Store.open(f"file://{self.home}/Data.fs")

    def close(self):
        self.store.close()

    def writing(self, subject, leaves=()):
        return _Writing(self.store, [(subject, leaf, next(self.numbers)) for leaf in leaves] or [
            (subject, os.urandom(24), next(self.numbers))
        ])

    def commit(self, *leaves):
        """One transaction with these leaves."""
        with self.writing("record:a", leaves) as root:
            root["scratch"]["x"] = os.urandom(4)

    def commit_many(self, count, each=50):
        """``count`` different leaves, 50 to a transaction."""
        leaves = [b'{"c":"%043d","v":1}' % next(self.numbers) for _ in range(count)]
        for start in range(0, count, each):
            self.commit(*leaves[start : start + each])
        return leaves

    def sequencer(self, signer="own"):
        return Sequencer(
            self.store, self.signer if signer == "own" else signer, self.state_file, self.clock
        )

    def sequence(self):
        """Take in whatever waits, as the worker does, and stop."""
        sequencer = self.sequencer()
        try:
            while sequencer.step() is not None:
                pass
        finally:
            sequencer.close()
        return sequencer

    def tamper(self, change):
        """Change the log behind everybody's back: ``change(log)``."""
        manager = transaction.TransactionManager(explicit=True)
        connection = self.store.db.open(manager)
        manager.begin()
        try:
            change(connection.root()["log"])
            manager.commit()
        finally:
            connection.close()

    def verify(self, *, outbox=False, **kwargs):
        note, recorded = read_checkpoint(self.state_file), read_signed(self.state_file)
        with self.store.reading() as connection:
            return verify_log(
                connection,
                verifier=self.signer.verifier,
                note=note,
                recorded=recorded,
                outbox=self.store.transactions(b"\0" * 8) if outbox else None,
                **kwargs,
            )

    def later(self, **units):
        self.clock.advance(**units)

    def set_back(self, **units):
        self.clock.moment -= timedelta(**units)


class _Writing:
    def __init__(self, store, items):
        self.manager = transaction.TransactionManager(explicit=True)
        self.connection = store.db.open(self.manager)
        self.items = items

    def __enter__(self):
        self.manager.begin().setExtendedInfo(JOURNAL_KEY, EventBatch(self.items))
        return self.connection.root()

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.manager.commit()
        else:
            self.manager.abort()
        self.connection.close()


@pytest.fixture
def site(tmp_path):
    site = LoggedSite(tmp_path)
    yield site
    site.close()
