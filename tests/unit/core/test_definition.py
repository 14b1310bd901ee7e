"""Workflow files: the shipped ones load, each fault is named by its path, the hash is the content."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.domain import default_workflows, make_domain
from jiceng_cms.core.domain import StoredDefinition, UnknownDefinition
from jiceng_cms.core.workflow.definition import (
    Definition,
    DefinitionError,
    Vocabulary,
    build,
    load,
    merge,
    read_files,
    resolve,
)

WORDS = make_domain().vocabulary
RAW = read_files([default_workflows()])
IDS = ("disclosure", "disclosure-party")


def table(id: str = "disclosure") -> dict[str, Any]:
    """A shipped definition, resolved, to be spoiled."""
    return copy.deepcopy(resolve(RAW, id))


def spoiled(path: str, value: Any, id: str = "disclosure") -> tuple[str, ...]:
    """The faults of a shipped definition with one value changed; ``None`` takes it out."""
    changed = table(id)
    *way, last = path.split(".")
    place: Any = changed
    for name in way:
        place = place.setdefault(name, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(DefinitionError) as caught:
        build(changed, WORDS)
    return caught.value.faults


class TestShipped:
    def test_both_files_load(self) -> None:
        found = load([default_workflows()], WORDS)
        assert set(found) == set(IDS)
        assert found["disclosure"].line == ("draft", "review", "published")
        assert found["disclosure-party"].line == ("draft", "examine", "approve", "published")

    @pytest.mark.parametrize("id", IDS)
    def test_no_timer_leads_to_a_published_state_and_everyone_sees_only_what_is_published(self, id: str) -> None:
        found = build(table(id), WORDS)
        for transition in found.transitions.values():
            assert transition.by, "a transition without people would be automatic"
            if "publish" in transition.effects:
                assert transition.approves
                assert transition.reauthenticate
        for state in found.states.values():
            assert ("everyone" in state.allow.get("view", ())) == state.published

    def test_the_party_way_has_no_review_and_keeps_what_it_extends(self) -> None:
        party = build(table("disclosure-party"), WORDS)
        assert "review" not in party.states
        assert party.transitions["withdraw"].data == "withdrawal"
        assert party.transitions["publish"].by == ("approver_party",)
        assert party.transitions["pass"].not_author


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("title.en", None, "title.en: Required"),
        ("version", "zwei", 'version: "zwei" is not a number'),
        ("initial", "nowhere", "initial: there is no state 'nowhere'"),
        ("line", ["draft", "nowhere"], "line: there is no state 'nowhere'"),
        ("states", ["draft"], "states: must be a table"),
        ("transitions", 3, "transitions: must be a table"),
        ("states.draft", "x", "states.draft: must be a table"),
        ("states.draft.title.en", None, "states.draft.title.en: Required"),
        ("states.draft.title.zh_CN", None, "states.draft.title.zh_CN: Required"),
        ("states.draft.published", "yes", "states.draft.published: must be true or false"),
        ("states.draft.allow", ["clerk"], "states.draft.allow: must be a table"),
        ("states.draft.allow.edit", ["clerk", "mayor"], "states.draft.allow.edit: unknown role 'mayor'"),
        ("states.draft.allow.edit", "clerk", "states.draft.allow.edit: must be a list of roles"),
        ("states.draft.allow.delete", ["clerk"], "states.draft.allow: unknown permission 'delete'"),
        ("states.review.deadline.rule", "no.such", "states.review.deadline.rule: unknown rule 'no.such'"),
        ("states.published.display.rule", "no.such", "states.published.display.rule: unknown rule 'no.such'"),
        ("states.review.signoffs", "supervision", "states.review.signoffs: must be a table"),
        ("states.review.signoffs.supervision.verdicts", ["agree", "veto"], "states.review.signoffs.supervision.verdicts: unknown verdict 'veto'"),
        ("states.review.signoffs.supervision.reason_required_for", ["veto"], "states.review.signoffs.supervision: asks a reason for a verdict that it has not"),
        ("transitions.submit.title.en", None, "transitions.submit.title.en: Required"),
        ("transitions.submit.to", "nowhere", "transitions.submit: there is no state 'nowhere'"),
        ("transitions.submit.from", ["nowhere"], "transitions.submit: there is no state 'nowhere'"),
        ("transitions.submit.from", "draft", 'transitions.submit.from: "draft" is not iterable'),
        ("transitions.submit.by", ["mayor"], "transitions.submit.by: unknown role 'mayor'"),
        ("transitions.submit.by", ["everyone"], "transitions.submit.by: unknown role 'everyone'"),
        ("transitions.submit.checks", ["looks_nice"], "transitions.submit.checks: unknown check 'looks_nice'"),
        ("transitions.submit.effects", ["freeze", "explode"], "transitions.submit.effects: unknown effect 'explode'"),
        ("transitions.correct.data", "nothing", "transitions.correct.data: unknown schema 'nothing'"),
        ("transitions.publish.approves", False, "transitions.publish: publishes, so a person must approve it (approves = true)"),
        ("transitions.publish.by", [], "transitions.publish: publishes, so a person must approve it (approves = true)"),
        ("transitions.publish.to", "withdrawn", "transitions.publish: publishes, and 'withdrawn' is not a published state"),
        ("transitions.publish.checks", ["privacy_clear"], "transitions.publish: publishes without waiting for the sign-offs of 'review' (signoffs_complete)"),
        ("transitions.submit.to", "published", "transitions.submit: leads to a published state and publishes nothing (effects)"),
        ("states.draft.allow.view", ["everyone"], "states.draft: everyone may see it, and it is not a published state"),
        ("states.withdrawn.final", True, "states.withdrawn: is final and has a way out"),
        ("transitions.discard", None, "states.discarded: can't be reached from 'draft'"),
        ("transitions.redraft", None, "states.withdrawn: no way leads from it to an end"),
    ],
)
def test_a_fault_is_named_with_its_path(path: str, value: Any, fault: str) -> None:
    assert fault in spoiled(path, value)


@pytest.mark.parametrize(
    "path",
    [
        "colour",
        "title.fr",
        "states.draft.colour",
        "states.draft.title.fr",
        "states.review.deadline.colour",
        "states.review.signoffs.supervision.colour",
        "transitions.submit.colour",
    ],
)
def test_an_unknown_key_is_a_fault_where_it_stands(path: str) -> None:
    assert spoiled(path, "red") == (f"{path}: unknown key",)


@pytest.mark.parametrize("quorum", [0, -1, True, "most", 1.5])
def test_a_quorum_is_a_word_or_a_positive_number(quorum: Any) -> None:
    faults = spoiled("states.review.signoffs.supervision.quorum", quorum)
    assert faults == (
        "states.review.signoffs.supervision.quorum: must be one of all, any, majority or a positive number",
    )


def test_every_fault_is_told_at_once() -> None:
    bad = table()
    bad["states"]["draft"]["allow"]["edit"] = ["mayor"]
    bad["transitions"]["submit"]["checks"] = ["looks_nice"]
    del bad["title"]["en"]
    with pytest.raises(DefinitionError) as caught:
        build(bad, WORDS, "disclosure.toml")
    assert len(caught.value.faults) == 3
    assert str(caught.value).startswith("disclosure.toml: ")


class TestExtending:
    def test_tables_merge_deeply_and_false_takes_one_out(self) -> None:
        base = {"a": {"x": 1, "y": {"p": [1], "q": 2}}, "b": {"c": 3}, "keep": 1}
        change = {"a": {"y": {"p": [9]}}, "b": False, "new": {"z": 1}}
        assert merge(base, change) == {"a": {"x": 1, "y": {"p": [9], "q": 2}}, "keep": 1, "new": {"z": 1}}
        assert base["a"]["y"]["p"] == [1], "the base is left as it was"

    @given(st.recursive(st.integers(), lambda t: st.dictionaries(st.sampled_from("abc"), t, max_size=3)).filter(lambda t: isinstance(t, dict)))
    def test_merging_nothing_and_merging_twice_change_nothing(self, tree: dict[str, Any]) -> None:
        assert merge(tree, {}) == tree
        assert merge(tree, tree) == tree
        assert merge({}, tree) == tree

    def test_false_is_a_plain_value_where_no_table_stands(self) -> None:
        assert merge({"final": True}, {"final": False}) == {"final": False}

    def test_to_remove_what_is_not_there_is_a_fault(self) -> None:
        assert "states.nowhere: must be a table" in spoiled("states.nowhere", False)

    @pytest.mark.parametrize("ring", [["a"], ["a", "b"], ["a", "b", "c"]])
    def test_a_circle_is_named(self, ring: list[str]) -> None:
        raw = {id: {"id": id, "extends": ring[(n + 1) % len(ring)]} for n, id in enumerate(ring)}
        with pytest.raises(DefinitionError, match="circle") as caught:
            resolve(raw, "a")
        assert " > ".join([*ring, "a"]) in caught.value.faults[0]

    def test_what_is_extended_must_exist(self) -> None:
        with pytest.raises(DefinitionError, match="extends: there is no workflow 'b'"):
            resolve({"a": {"id": "a", "extends": "b"}}, "a")

    def test_a_site_lays_its_own_file_over_the_shipped_one(self, tmp_path: Path) -> None:
        text = (default_workflows() / "disclosure.toml").read_text(encoding="utf-8")
        (tmp_path / "disclosure.toml").write_text(text.replace("majority", "all"), encoding="utf-8")
        found = load([default_workflows(), tmp_path], WORDS)
        assert found["disclosure"].states["review"].signoffs["supervision"].quorum == "all"
        assert found["disclosure-party"].states["approve"].signoffs["supervision"].quorum == "majority"

    @pytest.mark.parametrize(
        ("name", "text", "fault"),
        [("x.toml", 'id = "y"', "id: must be 'x', like the file"), ("x.toml", "id =", "Invalid value")],
    )
    def test_a_file_that_is_no_definition(self, tmp_path: Path, name: str, text: str, fault: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(DefinitionError, match=fault) as caught:
            read_files([tmp_path])
        assert caught.value.source == name


def shuffled(value: Any, draw: Any) -> Any:
    """The same tables with their keys in another order."""
    if isinstance(value, dict):
        return {k: shuffled(value[k], draw) for k in draw(st.permutations(list(value)))}
    return value


class TestHash:
    @given(st.data())
    def test_the_order_of_keys_does_not_matter(self, data: st.DataObject) -> None:
        assert build(shuffled(table(), data.draw), WORDS).hash == build(table(), WORDS).hash

    @pytest.mark.parametrize("id", IDS)
    def test_comments_and_blank_lines_do_not_matter(self, id: str, tmp_path: Path) -> None:
        for name in IDS:
            text = (default_workflows() / f"{name}.toml").read_text(encoding="utf-8")
            spaced = "# 别的说明\n\n" + text.replace("\n", "\n\n").replace(" = ", "  =  ")
            assert tomllib.loads(spaced) == tomllib.loads(text)
            (tmp_path / f"{name}.toml").write_text(spaced, encoding="utf-8")
        assert load([tmp_path], WORDS)[id].hash == build(table(id), WORDS).hash

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("version", 2),
            ("title.en", "Notice"),
            ("states.review.signoffs.supervision.quorum", "all"),
            ("states.draft.allow.edit", ["clerk"]),
            ("states.draft.allow.edit", ["bookkeeper", "clerk"]),
            ("transitions.submit.comment", "required"),
        ],
    )
    def test_any_change_of_content_changes_it(self, path: str, value: Any) -> None:
        changed = table()
        *way, last = path.split(".")
        place = changed
        for name in way:
            place = place[name]
        place[last] = value
        assert build(changed, WORDS).hash != build(table(), WORDS).hash


class TestPinning:
    def kept(self, definition: Definition) -> dict[str, StoredDefinition]:
        stored = StoredDefinition(definition.hash, definition.id, definition.version, definition.source)
        return {definition.hash: stored}

    def test_an_old_definition_is_read_back_from_the_database(self) -> None:
        old = table()
        old["version"] = 0
        old["states"]["review"]["signoffs"]["supervision"]["quorum"] = "all"
        was = build(old, WORDS)
        again = make_domain().definition(was.hash, self.kept(was))
        assert again == was
        assert again.hash == was.hash
        assert json.loads(again.source)["version"] == 0

    def test_one_that_nobody_has_is_an_error_and_not_a_guess(self) -> None:
        with pytest.raises(UnknownDefinition):
            make_domain().definition("0" * 64, {})


def test_words_that_a_file_may_not_use_are_those_that_nothing_registered() -> None:
    with pytest.raises(DefinitionError) as caught:
        build(table(), Vocabulary())
    assert "transitions.submit.effects: unknown effect 'freeze'" in caught.value.faults
    assert "states.review.deadline.rule: unknown rule 'disclosure.supervision_days'" in caught.value.faults
