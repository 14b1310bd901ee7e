"""kill -9 at any instant: no acknowledged leaf is lost, none is written twice or out of order."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from jiceng_cms.core.events import JOURNAL_KEY
from jiceng_cms.translog import merkle
from jiceng_cms.translog.checkpoint import Checkpoint
from jiceng_cms.translog.log import consistency_proof, read_entries, root_hash
from jiceng_cms.translog.state import load_or_create_key, read_checkpoint

VICTIM = Path(__file__).with_name("victim.py")
KILLS = 20


@pytest.mark.slow
def test_twenty_kills_beside_concurrent_commits(site):
    site.signer = load_or_create_key(site.home / "log.key", "demo/kill")
    site.close()
    dice, acknowledged, seen = random.Random(6962), [], []
    for _ in range(KILLS):
        victim = subprocess.Popen(
            [sys.executable, str(VICTIM), str(site.home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        first = victim.stdout.readline()  # it has begun to commit
        time.sleep(dice.random() * 0.25)
        victim.kill()
        out, err = victim.communicate()
        assert victim.returncode == -9, err.decode()
        whole = (first + out).decode()
        acknowledged += whole[: whole.rfind("\n") + 1].split()
        note = read_checkpoint(site.state_file)
        if note is not None:
            seen.append(Checkpoint.open(note, site.signer.verifier))
    site.open()
    site.clock.moment = site.clock.moment.replace(year=2200)  # the victims used the real time
    site.sequence()
    with site.store.reading() as connection:
        entries = list(read_entries(connection, 0, 10**9))
        pointers = Counter(e.pointer for e in entries)
        assert len(acknowledged) > KILLS
        assert set(acknowledged) <= set(pointers)
        assert set(pointers.values()) == {1}
        # the log is the storage's own order of leaves, no more and no less
        outbox = [
            (leaf, pointer, tid)
            for tid, extension in site.store.transactions(b"\0" * 8)
            for leaf, pointer in extension.get(JOURNAL_KEY, ())
        ]
        assert [(e.leaf, e.pointer, e.tid) for e in entries] == outbox
        # whatever anybody was shown is still the beginning of the log
        assert len({c.size for c in seen}) > 1
        for checkpoint in seen:
            proof = consistency_proof(connection, checkpoint.size, len(entries))
            root = root_hash(connection)
            merkle.check_consistency(checkpoint.size, checkpoint.root, len(entries), root, proof)
    assert site.verify(outbox=True).problems == ()
