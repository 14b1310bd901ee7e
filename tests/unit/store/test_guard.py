"""Nothing is committed that no event names."""

from __future__ import annotations

from base64 import encodebytes
from typing import Any

import pytest
import transaction
from BTrees.OOBTree import OOBTree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from persistent import Persistent
from persistent.list import PersistentList
from ZODB.blob import Blob
from ZODB.POSException import ReadOnlyError

from jiceng_cms.affairs.units.actions import register as _kinds  # noqa: F401  registers person.saved
from jiceng_cms.core.domain import StoredDefinition
from jiceng_cms.core.events import JOURNAL_KEY, EventBatch, Journal
from jiceng_cms.core.people import Person
from jiceng_cms.core.site import site_of
from jiceng_cms.core.units import Entity
from jiceng_cms.store import Store, UnauditedChange

from .conftest import event, read, write


def named(root: Any, id: str) -> Any:
    return root["site"].persons[id]


def add_person(store: Store, id: str) -> None:
    write(store, lambda root, j: root["site"].persons.__setitem__(id, Person(id, "原名")), f"person:{id}")


def rename(id: str, name: str) -> Any:
    return lambda root, journal: setattr(named(root, id), "name", name)


def test_a_change_without_any_event_is_refused_aloud(store: Store) -> None:
    add_person(store, "a")
    with pytest.raises(UnauditedChange, match="person:a"):
        write(store, rename("a", "改名"))
    assert read(store, lambda site: site.persons["a"].name) == "原名"


def test_an_event_about_somebody_else_does_not_cover_a_change(store: Store) -> None:
    add_person(store, "a")
    add_person(store, "b")
    with pytest.raises(UnauditedChange, match="person:a"):
        write(store, rename("a", "改名"), "person:b")
    write(store, rename("a", "改名"), "person:a")
    assert read(store, lambda site: site.persons["a"].name) == "改名"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changed=st.sets(st.sampled_from("abcd"), min_size=1), told=st.sets(st.sampled_from("abcd")))
def test_a_commit_passes_exactly_when_each_changed_object_is_named(
    store: Store, changed: set[str], told: set[str]
) -> None:
    if not read(store, lambda site: len(site.persons)):
        for id in "abcd":
            add_person(store, id)
    before = read(store, lambda site: {id: p.name for id, p in site.persons.items()})

    def change(root: Any, journal: Journal) -> None:
        for id in changed:
            named(root, id).name = before[id] + "又"

    subjects = [f"person:{id}" for id in told]
    if changed <= told:
        write(store, change, *subjects)
        expected = {id: name + "又" if id in changed else name for id, name in before.items()}
    else:
        with pytest.raises(UnauditedChange):
            write(store, change, *subjects)
        expected = before
    assert read(store, lambda site: {id: p.name for id, p in site.persons.items()}) == expected


def test_what_is_frozen_is_written_once(store: Store) -> None:
    subject = "definition:abc"

    def add(root: Any, journal: Journal) -> None:
        root["site"].definitions["abc"] = StoredDefinition("abc", "disclosure", 1, b"{}")

    def rewrite(root: Any, journal: Journal) -> None:
        root["site"].definitions["abc"].source = b'{"other":1}'

    with pytest.raises(UnauditedChange, match=subject):
        write(store, add, "site")
    write(store, add, subject)
    with pytest.raises(UnauditedChange, match="written once"):
        write(store, rewrite, subject)
    assert read(store, lambda site: site.definitions["abc"].source) == b"{}"


class Undeclared(Persistent):
    """A class whose author forgot to say how it is audited."""


@pytest.mark.parametrize("make", [Undeclared, PersistentList])
def test_a_class_without_a_policy_is_refused_whatever_the_events_say(store: Store, make: type) -> None:
    with pytest.raises(UnauditedChange, match="has no audit policy"):
        write(store, lambda root, j: root["site"].persons.__setitem__("x", make()), "person:x", "site")
    assert read(store, lambda site: "x" not in site.persons)


def test_a_changed_container_needs_some_event(store: Store) -> None:
    add_person(store, "a")
    with pytest.raises(UnauditedChange, match="changed without an event"):
        write(store, lambda root, j: root["site"].persons.pop("a"))
    assert read(store, lambda site: "a" in site.persons)


@pytest.mark.parametrize("tell", [(), ("person:a",)])
def test_a_savepoint_hides_nothing(store: Store, tell: tuple[str, ...]) -> None:
    add_person(store, "a")
    add_person(store, "b")

    def work(connection: Any, journal: Journal) -> None:
        root = connection.root()
        named(root, "b").name = "藏在保存点里"
        connection.transaction_manager.savepoint()
        for subject in tell:
            journal.add(event(subject), site_of(connection).history)
            named(root, "a").name = "说过的"

    with pytest.raises(UnauditedChange, match="person:b"):
        store.runner.run("site", work)
    assert read(store, lambda site: site.persons["b"].name) == "原名"


def test_the_root_changes_only_with_an_event_about_the_site(store: Store) -> None:
    def put(root: Any, journal: Journal) -> None:
        root["more"] = OOBTree()

    for subjects in ((), ("person:a",)):
        with pytest.raises(UnauditedChange, match="root"):
            write(store, put, *subjects)
    with pytest.raises(UnauditedChange):
        write(store, lambda root, j: root.pop("site"))
    write(store, put, "site")
    with store.reading() as connection:
        assert set(connection.root()) == {"site", "more"}


def test_a_forged_list_of_leaves_names_nothing(store: Store) -> None:
    """The names come from the batch that the journal made, in memory; a plain list has none."""
    add_person(store, "a")
    manager = transaction.TransactionManager(explicit=True)
    connection = store.db.open(manager)
    manager.begin().setExtendedInfo(JOURNAL_KEY, [(b"{}", "person:a#1")])
    connection.root()["site"].persons["a"].name = "改名"
    with pytest.raises(UnauditedChange):
        manager.commit()
    manager.abort()
    connection.close()


def test_the_metadata_hold_leaves_and_pointers_and_no_more(store: Store) -> None:
    add_person(store, "a")
    leaves = [extension[JOURNAL_KEY] for _, extension in store.transactions(b"\0" * 8) if JOURNAL_KEY in extension]
    assert all(type(batch) is list for batch in leaves)
    (leaf, where) = leaves[-1][0]
    assert leaf.startswith(b'{"c":"')
    assert where.startswith("person:a#")
    assert isinstance(EventBatch(), list)


class TestBlobs:
    """A file's bytes are written once."""

    def put(self, data: bytes) -> Any:
        def change(root: Any, journal: Journal) -> None:
            blob = Blob()
            with blob.open("w") as file:
                file.write(data)
            entity = root["site"].entities["e"] = Entity("e", "合作社", "")
            entity.file = blob

        return change

    def test_a_blob_needs_an_event_and_is_never_rewritten(self, store: Store) -> None:
        with pytest.raises(UnauditedChange):
            write(store, self.put("一".encode()))
        write(store, self.put("一".encode()), "entity:e")

        def rewrite(root: Any, journal: Journal) -> None:
            with root["site"].entities["e"].file.open("w") as file:
                file.write("二".encode())

        with pytest.raises(UnauditedChange, match="written once"):
            write(store, rewrite, "entity:e")
        with store.reading() as connection, site_of(connection).entities["e"].file.open("r") as file:
            assert file.read().decode() == "一"


class TestNoWayAround:
    """Undo, restore and the storage's own doors are shut."""

    def test_undo_is_off(self, store: Store) -> None:
        add_person(store, "a")
        assert not store.guard.supportsUndo()
        manager = transaction.TransactionManager(explicit=True)
        manager.begin()
        with pytest.raises(NotImplementedError):
            store.db.undo(encodebytes(store.last_transaction()), manager.get())
        manager.abort()
        assert read(store, lambda site: "a" in site.persons)

    @pytest.mark.parametrize("name", ["undo", "restore", "restoreBlob", "deleteObject", "copyTransactionsFrom"])
    def test_neither_the_storage_nor_a_connection_offers_it(self, store: Store, name: str) -> None:
        assert not hasattr(store.guard, name)
        with store.reading() as connection, pytest.raises(ReadOnlyError):
            getattr(connection._storage, name)

    @pytest.mark.parametrize("name", ["store", "storeBlob", "tpc_begin", "tpc_finish"])
    def test_the_shared_storage_takes_no_writes(self, store: Store, name: str) -> None:
        assert not hasattr(store.guard, name)
        with pytest.raises(ReadOnlyError):
            store.guard.tpc_vote(None)
