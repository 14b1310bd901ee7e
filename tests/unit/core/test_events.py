"""Events, their leaves and what of them anyone may read."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core import commitments
from jiceng_cms.core.effects import EFFECTS as _kinds  # noqa: F401  registers record.published
from jiceng_cms.core.events import (
    KINDS,
    MAX_LEAF,
    MAX_LEAVES,
    Event,
    EventBatch,
    Journal,
    JournalError,
    PublicFacts,
    register,
    seal,
)
from jiceng_cms.core.history import History
from jiceng_cms.core.ids import parse_pointer

NOW = datetime(2026, 9, 1, 2, 3, 4, tzinfo=UTC)
FACTS = PublicFacts("k7m2q9xw", 2, "c" * 43)
EVENT = Event("record.published", "record:990101100201/k7m2q9xw", NOW, "990101100201", "p-secret", "approver", "req-1", {"edition": 2})

texts = st.text(st.characters(codec="utf-8"), max_size=30)


def leaf_of(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(seal(event).leaf)
    return told


class TestLeaves:
    def test_a_closed_leaf_tells_nothing_but_a_commitment(self) -> None:
        assert set(leaf_of(EVENT)) == {"v", "c"}

    def test_an_open_leaf_tells_what_is_public_and_never_a_person(self) -> None:
        told = leaf_of(replace(EVENT, facts=FACTS))
        assert set(told) == {"v", "t", "k", "u", "r", "n", "o", "c", "e"}
        assert (told["t"], told["k"], told["u"], told["r"], told["n"], told["o"], told["e"]) == (
            "2026-09-01T02:03:04Z", "record.published", "990101100201", "k7m2q9xw", 2, "approver", "c" * 43,
        )
        assert "p-secret" not in json.dumps(told)

    @given(details=st.dictionaries(texts, texts | st.integers(-10**6, 10**6), max_size=5), request=texts)
    def test_anyone_with_salt_and_body_recomputes_the_leaf(self, details: dict[str, Any], request: str) -> None:
        stored = seal(replace(EVENT, details=details, request_id=request, facts=FACTS))
        told = json.loads(stored.leaf)
        assert told["c"] == commitments.b64(commitments.commit(stored.salt, stored.body))
        assert commitments.canonical(told) == stored.leaf
        body = json.loads(stored.body)
        assert (body["details"], body["request"], body["edition"]["number"]) == (details, request, 2)

    def test_the_same_event_twice_gives_leaves_that_nobody_can_tell_apart_or_together(self) -> None:
        one, two = seal(EVENT), seal(EVENT)
        assert one.body == two.body
        assert one.salt != two.salt
        assert one.leaf != two.leaf

    def test_a_kind_that_is_not_open_never_gets_an_open_leaf(self) -> None:
        with pytest.raises(JournalError, match="may not have an open leaf"):
            seal(replace(EVENT, kind="record.submitted", facts=FACTS))

    def test_only_what_makes_or_ends_a_public_edition_is_open(self) -> None:
        assert {k.name for k in KINDS.values() if k.open} == {"record.published", "record.corrected", "record.withdrawn"}

    def test_an_unknown_kind_and_a_leaf_that_is_too_long_are_faults_of_ours(self) -> None:
        with pytest.raises(JournalError, match="not registered"):
            seal(replace(EVENT, kind="record.exploded"))
        with pytest.raises(JournalError, match=str(MAX_LEAF)):
            seal(replace(EVENT, role="r" * MAX_LEAF, facts=FACTS))

    def test_a_kind_means_one_thing(self) -> None:
        kind = KINDS["record.published"]
        assert register(kind.name, kind.zh_CN, kind.en, open=True, public=True) is not None
        with pytest.raises(JournalError, match="twice"):
            register("record.published", "公布", "Published", open=False)


class TestJournal:
    def filled(self, count: int) -> tuple[Journal, History]:
        journal, history = Journal(), History()
        for number in range(count):
            assert journal.add(replace(EVENT, request_id=str(number)), history) == number
        return journal, history

    @given(st.integers(0, MAX_LEAVES))
    def test_the_batch_holds_each_leaf_in_order_with_the_place_of_its_event(self, count: int) -> None:
        journal, history = self.filled(count)
        batch = journal.batch()
        assert len(batch) == len(journal) == count
        for number, (leaf, where) in enumerate(batch):
            subject, kept = parse_pointer(where)
            assert (subject, kept) == (EVENT.subject, number)
            assert history[kept][2] == leaf

    def test_too_many_for_one_commit_is_refused_before_the_storage_sees_it(self) -> None:
        journal, _ = self.filled(MAX_LEAVES + 1)
        with pytest.raises(JournalError, match="too many"):
            journal.batch()

    def test_subjects_live_in_memory_only(self) -> None:
        journal, _ = self.filled(1)
        journal.covers("roles:990101100201")
        batch = journal.batch()
        assert batch.subjects == {EVENT.subject, "roles:990101100201"}
        again = pickle.loads(pickle.dumps(batch))
        assert type(again) is list
        assert again == list(batch)

    def test_covering_needs_an_event_to_stand_behind_it(self) -> None:
        journal = Journal()
        journal.covers("roles:site")
        assert journal.batch().subjects == frozenset()
        assert EventBatch().subjects == frozenset()
