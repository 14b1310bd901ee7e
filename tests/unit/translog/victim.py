"""Commits from three threads beside a sequencer until it is killed; see test_sequencer_kill.

Each acknowledged pointer goes to standard output, one write each, after its commit came back.
"""

import os
import sys
import threading
import uuid
from pathlib import Path

import transaction

from jiceng_cms.core.clock import SystemClock
from jiceng_cms.core.events import JOURNAL_KEY, EventBatch
from jiceng_cms.store import Store
from jiceng_cms.translog.sequencer import Sequencer
from jiceng_cms.translog.state import load_or_create_key

home = Path(sys.argv[1])


def commit_forever(store: Store) -> None:
    while True:
        manager = transaction.TransactionManager(explicit=True)
        connection = store.db.open(manager)
        manager.begin()
        name = f"record:{uuid.uuid4().hex}"
        connection.root()["scratch"][name] = b"x"
        batch = EventBatch([(name, os.urandom(40), 1), (name, os.urandom(40), 2)])
        manager.get().setExtendedInfo(JOURNAL_KEY, batch)
        try:
            manager.commit()
        except transaction.interfaces.TransientError:
            manager.abort()
            continue
        finally:
            connection.close()
        os.write(1, "".join(f"{pointer}\n" for _, pointer in batch).encode())


def main() -> None:
    store = Store.open(f"file://{home}/Data.fs")
    signer = load_or_create_key(home / "log.key", "demo/kill")
    sequencer = Sequencer(store, signer, home / "log-state.json", SystemClock())
    for _ in range(3):
        threading.Thread(target=commit_forever, args=(store,), daemon=True).start()
    while True:
        sequencer.step()


main()
