"""What the sequencer takes in, signs, and refuses to sign."""

import os
import shutil
import stat
import threading

import pytest

from jiceng_cms.translog import merkle
from jiceng_cms.translog import sequencer as sequencer_module
from jiceng_cms.translog.checkpoint import Checkpoint
from jiceng_cms.translog.log import Block, log_size, read_entries, root_hash
from jiceng_cms.translog.note import Signer
from jiceng_cms.translog.sequencer import LogDiverged, Sequencer
from jiceng_cms.translog.state import (
    KeyFileError,
    SequencerBusy,
    SignedState,
    StateUnreadable,
    checkpoint_file,
    load_or_create_key,
    read_checkpoint,
    read_signed,
    write_atomically,
)


def shown(site):
    return Checkpoint.open(read_checkpoint(site.state_file), site.signer.verifier)


def leaves_in(site):
    with site.store.reading() as connection:
        return [e.leaf for e in read_entries(connection, 0, 10**9)]


def test_leaves_come_in_the_order_of_their_commits(site):
    site.sequence()
    first = len(leaves_in(site))
    leaves = site.commit_many(130)
    site.sequence()
    assert leaves_in(site)[first:] == leaves
    with site.store.reading() as connection:
        tids = [e.tid for e in read_entries(connection, 0, 10**9)]
    assert tids == sorted(tids)


def test_step_tells_the_new_size_and_nothing_when_nothing_came(site):
    sequencer = site.sequencer()
    before = sequencer.step()
    assert sequencer.step() is None
    site.commit(b"one", b"two")
    assert sequencer.step() == before + 2
    assert sequencer.step() is None
    assert sequencer.status.kind == "running"
    assert sequencer.status.signed_size == before + 2
    sequencer.close()


def test_checkpoint_is_that_of_the_log(site):
    site.commit_many(300)
    site.sequence()
    checkpoint = shown(site)
    with site.store.reading() as connection:
        assert checkpoint.size == log_size(connection)
        assert checkpoint.root == root_hash(connection)
    assert checkpoint.origin == site.signer.name
    recorded = read_signed(site.state_file)
    assert (recorded.size, recorded.root) == (checkpoint.size, checkpoint.root)
    assert recorded.time == site.clock.now()


def test_restart_serves_the_same_checkpoint_and_goes_on(site):
    site.commit_many(10)
    site.sequence()
    note = read_checkpoint(site.state_file)
    site.later(hours=1)
    site.sequence()
    assert read_checkpoint(site.state_file) == note
    site.commit(b"more")
    site.sequence()
    assert shown(site).size == Checkpoint.parse(note.split("\n\n")[0] + "\n").size + 1


def test_steps_are_bounded_and_go_on_where_they_stopped(site, monkeypatch):
    monkeypatch.setattr(sequencer_module, "LEAVES_PER_STEP", 100)
    site.sequence()
    before = len(leaves_in(site))
    leaves = site.commit_many(270)
    sequencer = site.sequencer()
    assert [sequencer.step() for _ in range(4)] == [before + 100, before + 200, before + 270, None]
    sequencer.close()
    assert leaves_in(site)[before:] == leaves


def test_transactions_without_leaves_are_passed(site, monkeypatch):
    monkeypatch.setattr(sequencer_module, "TRANSACTIONS_PER_STEP", 3)
    sequencer = site.sequencer()
    before = sequencer.step()
    for _ in range(10):  # the log's own transactions carry no leaf
        site.tamper(lambda log: setattr(log.state, "note", os.urandom(4)))
    site.commit(b"after them")
    sizes = [sequencer.step() for _ in range(6)]
    assert before + 1 in sizes
    assert len(leaves_in(site)) == before + 1
    sequencer.close()


def test_without_a_signer_entries_come_in_and_nothing_is_signed(site):
    sequencer = site.sequencer(signer=None)
    site.commit(b"one")
    assert sequencer.step() == len(leaves_in(site))
    sequencer.close()
    assert read_signed(site.state_file) is None
    assert read_checkpoint(site.state_file) is None
    site.sequence()  # a key came later
    assert shown(site).size == len(leaves_in(site))


def test_second_sequencer_is_told_and_may_take_over(site):
    first, second = site.sequencer(), site.sequencer()
    first.step()
    with pytest.raises(SequencerBusy):
        second.step()
    first.close()
    site.commit(b"one")
    assert second.step() == len(leaves_in(site))
    second.close()


def test_two_sequencers_that_race_write_no_entry_twice(site, tmp_path_factory):
    racing = [
        Sequencer(site.store, None, tmp_path_factory.mktemp("other") / "state", site.clock)
        for _ in range(2)
    ]
    done = threading.Event()

    def follow(sequencer):
        while not done.is_set():
            sequencer.step()

    threads = [threading.Thread(target=follow, args=(s,)) for s in racing]
    for thread in threads:
        thread.start()
    leaves = site.commit_many(300, each=2)
    done.set()
    for thread in threads:
        thread.join()
    racing[0].step()
    for sequencer in racing:
        sequencer.close()
    assert leaves_in(site)[-300:] == leaves
    site.sequence()
    assert site.verify(outbox=True).problems == ()


def test_clock_that_went_back_pauses_signing_not_the_log(site):
    sequencer = site.sequencer()
    sequencer.step()
    signed = shown(site).size
    site.set_back(days=1)
    site.commit(b"one")
    assert sequencer.step() == signed + 1
    assert shown(site).size == signed
    assert sequencer.status.kind == "paused"
    assert "2026-09-30 08:00:00" in sequencer.status.reason
    site.later(days=1)
    sequencer.step()
    assert shown(site).size == signed + 1
    assert sequencer.status.kind == "running"
    sequencer.close()


def test_lost_checkpoint_is_signed_again_to_the_same_bytes_whatever_the_clock_says(site):
    site.sequence()
    note = read_checkpoint(site.state_file)
    checkpoint_file(site.state_file).unlink()
    site.set_back(days=1)
    site.sequence()
    assert read_checkpoint(site.state_file) == note


# ------------------------------------------------------------ dying between any two things


def dies_at(monkeypatch, name, count=1):
    """Let the process end at the count-th write of the file ``name``, before it happens."""
    seen = []

    def write(path, data):
        if path.name == name:
            seen.append(path)
            if len(seen) == count:
                raise KeyboardInterrupt
        write_atomically(path, data)

    monkeypatch.setattr(sequencer_module, "write_atomically", write)


@pytest.mark.parametrize("name", ["log-state.json", "checkpoint"])
def test_dying_before_a_file_is_written(site, monkeypatch, name):
    site.commit_many(5)
    site.sequence()
    site.commit_many(5)
    with monkeypatch.context() as patch:
        dies_at(patch, name)
        with pytest.raises(KeyboardInterrupt):
            site.sequence()
    site.commit_many(5)
    site.sequence()
    assert shown(site).size == len(leaves_in(site))
    assert site.verify(outbox=True).problems == ()


def test_disk_that_was_full_for_a_while(site, monkeypatch):
    sequencer = site.sequencer()
    sequencer.step()
    site.commit(b"one")
    with monkeypatch.context() as patch:
        def full(path, data):
            raise OSError(28, "No space left on device")

        patch.setattr(sequencer_module, "write_atomically", full)
        with pytest.raises(OSError, match="No space"):
            sequencer.step()
    assert sequencer.step() is None
    assert shown(site).size == len(leaves_in(site))
    sequencer.close()


# --------------------------------------------------------------- what was signed must come out


def refused(site):
    """Every start refuses with one code, signs nothing and appends nothing."""
    files = [site.state_file, checkpoint_file(site.state_file)]
    before = [f.read_bytes() if f.exists() else None for f in files]
    entries = len(leaves_in(site))
    site.commit(b"meanwhile")
    sequencer = site.sequencer()
    codes = set()
    for _ in range(2):
        with pytest.raises(LogDiverged) as caught:
            sequencer.step()
        codes.add(caught.value.code)
    assert sequencer.status.kind == "diverged"
    assert caught.value.text in sequencer.status.reason
    sequencer.close()
    assert [f.read_bytes() if f.exists() else None for f in files] == before
    assert len(leaves_in(site)) == entries
    (code,) = codes
    return code


def copy_of_database(site, folder):
    site.close()
    shutil.copytree(site.home, folder)
    site.open()


def put_back(site, folder):
    """An older Data.fs comes back, the files beside it stay."""
    site.close()
    for name in ("Data.fs", "Data.fs.index"):
        if (folder / name).exists():
            shutil.copy(folder / name, site.home / name)
    site.open()


def test_older_database_put_back(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "home"
    site.commit_many(20)
    site.sequence()
    copy_of_database(site, folder)
    site.commit_many(20)
    site.sequence()
    put_back(site, folder)
    assert refused(site) == "database-older"


def test_older_database_with_other_work_on_top(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "home"
    site.commit_many(20)
    site.sequence()
    copy_of_database(site, folder)
    site.commit_many(20)
    site.sequence()
    put_back(site, folder)
    site.commit_many(60)
    assert refused(site) == "database-older"


def test_other_history_of_the_same_length(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "home"
    site.commit_many(20)
    site.sequence()
    copy_of_database(site, folder)
    site.commit_many(30)
    site.sequence()
    put_back(site, folder)
    site.commit_many(40)
    sequencer = site.sequencer(signer=None)
    sequencer.step()
    sequencer.close()
    assert refused(site) == "root-differs"


def test_database_that_only_lost_appends_leads_to_what_was_signed(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup") / "home"
    site.commit_many(20)
    site.sequence()
    site.commit_many(300)
    copy_of_database(site, folder)
    site.sequence()
    note = read_checkpoint(site.state_file)
    put_back(site, folder)
    site.commit(b"later")
    site.sequence()
    assert shown(site).size == Checkpoint.parse(note.split("\n\n")[0] + "\n").size + 1
    assert site.verify(outbox=True).problems == ()


def test_record_of_what_was_signed_is_gone(site):
    site.sequence()
    site.state_file.unlink()
    assert refused(site) == "state-missing"


def test_record_and_checkpoint_are_gone(site):
    site.sequence()
    site.commit(b"one")
    site.sequence()
    site.state_file.unlink()
    checkpoint_file(site.state_file).unlink()
    assert refused(site) == "state-missing"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"origin": "o", "size": -1, "root": "", "time": "2026-01-01T00:00:00Z"}'],
)
def test_record_is_torn(site, data):
    site.sequence()
    site.state_file.write_bytes(data)
    assert refused(site) == "state-unreadable"


def test_older_files_put_back_beside_the_database(site):
    site.commit(b"one")
    site.sequence()
    old = site.state_file.read_bytes(), checkpoint_file(site.state_file).read_bytes()
    for leaf in (b"two", b"three"):
        site.commit(leaf)
        site.sequence()
    site.state_file.write_bytes(old[0])
    assert refused(site) == "state-older"
    checkpoint_file(site.state_file).write_bytes(old[1])
    assert refused(site) == "state-older"


def test_origin_or_key_changed(site):
    site.sequence()
    own = site.signer
    site.signer = Signer(own.name, b"z" * 32)
    assert refused(site) == "key-changed"
    checkpoint_file(site.state_file).unlink()
    site.signer = Signer("another.example", own.seed)
    assert refused(site) == "origin-changed"


def change_tail(log):
    key = log.batches.maxKey()
    leaf, pointer, tid = log.batches[key].rows[0]
    log.batches[key] = Block([(leaf + b"!", pointer, tid), *log.batches[key].rows[1:]])


def change_frontier(log):
    log.state.frontier = (b"x" * 32, *log.state.frontier[1:])


def lose_hashes(log):
    log.edges[1].data = b""


def rewrite_consistently(log):
    """Forge an entry of the tail, and the frontier to fit."""
    change_tail(log)
    rows = [row for block in [*log.bundles.values(), *log.batches.values()] for row in block.rows]
    log.state.frontier = merkle.tree_of(merkle.leaf_hash(row[0]) for row in rows)


@pytest.mark.parametrize("change", [change_tail, change_frontier, lose_hashes, rewrite_consistently])
def test_log_changed_while_nobody_ran(site, change):
    site.commit_many(300)
    site.sequence()
    site.tamper(change)
    assert refused(site) == "root-differs"


# ---------------------------------------------------------------------------------- files


def test_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "keys" / "log.key"
    signer = load_or_create_key(path, "demo/x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path, "demo/x") == signer
    assert list(path.parent.iterdir()) == [path]


def test_key_that_can_not_be_used(tmp_path):
    path = tmp_path / "log.key"
    load_or_create_key(path, "demo/x")
    with pytest.raises(KeyFileError, match="属于日志 demo/x"):
        load_or_create_key(path, "demo/y")
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_or_create_key(path, "demo/x")
    path.chmod(0o600)
    path.write_bytes(b"\xff")
    with pytest.raises(KeyFileError, match="损坏"):
        load_or_create_key(path, "demo/x")


def test_threads_that_make_the_key_at_once_get_the_same(tmp_path):
    path, found = tmp_path / "log.key", []
    threads = [
        threading.Thread(target=lambda: found.append(load_or_create_key(path, "demo/x")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({s.seed for s in found}) == 1


def test_state_survives_its_file(site):
    state = SignedState("日志/x", 7, b"r" * 32, site.clock.now())
    assert SignedState.decode(state.encode()) == state
    with pytest.raises(StateUnreadable):
        SignedState.decode(state.encode().replace(b"+00:00", b""))


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    write_atomically(path, b"old")

    def fail(*_):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
