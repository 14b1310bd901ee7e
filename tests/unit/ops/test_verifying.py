"""Whatever is changed in the database behind the actions' back is named by a verification."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import transaction
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.affairs.units.actions import GrantRole
from jiceng_cms.core.actions import Actor
from jiceng_cms.core.commitments import b64, canonical, commit, new_salt
from jiceng_cms.core.drafting import SaveDraft
from jiceng_cms.core.events import Event, Journal
from jiceng_cms.core.history import Kept
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.people import Grant
from jiceng_cms.core.site import site_of
from jiceng_cms.core.workflow.run import Verdict
from jiceng_cms.ops.setup import operator
from jiceng_cms.ops.verifying import Outcome, verify

from .conftest import SECTION, VILLAGE, build, read_only, settings_of

PDF = b"%PDF-1.4 some bytes"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A closed site: a record with a file and a correction, one withdrawn, one in review."""
    home = tmp_path_factory.mktemp("original")
    site = build(home)
    ids = {"corrected": site.publish("二组道路硬化", file=PDF), "withdrawn": site.publish("水渠清淤用工")}
    id = ids["corrected"]
    site.clock.advance(days=2)
    site.move("clerk", id, "correct", kind="substance", reason="金额写错了")
    with site.services.store.reading() as connection:
        draft = site.record(connection, id).draft
        data, version = dict(draft.data), draft.version
    site.perform("clerk", SaveDraft(VILLAGE, SECTION, id, version, data | {"body": "金额改为 120.00 元。"}))
    site.review(id)
    site.move("approver", id, "publish")
    site.move("approver", ids["withdrawn"], "withdraw", reason="duplicate", note="公布了两次")
    ids["review"] = site.draft("路灯更换")
    site.review(ids["review"])
    assert site.worker.step_all()
    site.close()
    return home / "var", ids


@pytest.fixture
def copy(original: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    shutil.copytree(original[0], tmp_path / "var")
    return tmp_path / "var"


@pytest.fixture
def ids(original: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return original[1]


class Tampering:
    """The database opened without our storage, guard and runner."""

    def __init__(self, home: Path) -> None:
        self._db = DB(FileStorage(str(home / "Data.fs"), blob_dir=str(home / "blobs")))
        self._manager = transaction.TransactionManager()
        self.connection = self._db.open(self._manager)
        self.site = site_of(self.connection)
        self.unit = self.site.units[VILLAGE]
        self.section = self.unit.sections[SECTION]

    def record(self, id: str) -> Any:
        return self.section.records[id]

    def close(self) -> None:
        self._manager.commit()
        self.connection.close()
        self._db.close()


@pytest.fixture
def tampering(copy: Path) -> Callable[[], Tampering]:
    return lambda: Tampering(copy)


def verified(home: Path) -> Outcome:
    settings = settings_of(home)
    return verify(lambda: read_only(settings), settings, make_domain())


def test_an_untouched_site_fits(copy: Path) -> None:
    found = verified(copy)
    assert found.problems == ()
    assert (found.records, found.editions, found.files, found.waiting) == (3, 3, 2, 0)


def edition_body(t: Tampering, ids: dict[str, str]) -> None:
    edition = t.record(ids["corrected"]).editions[1]
    edition.body = edition.body.replace("二组".encode(), "三组".encode())


def edition_and_commitment(t: Tampering, ids: dict[str, str]) -> None:
    edition_body(t, ids)
    edition = t.record(ids["corrected"]).editions[1]
    edition.salt = new_salt()
    edition.commitment = b64(commit(edition.salt, edition.body))


def edition_and_event(t: Tampering, ids: dict[str, str]) -> None:
    """Everything about the edition is forged so that it fits again, but for the log."""
    edition_and_commitment(t, ids)
    record = t.record(ids["corrected"])
    edition = record.editions[1]
    kept = Kept(edition.event, *record.history[edition.event])
    event, leaf = kept.event(), json.loads(kept.leaf)
    event["edition"]["c"] = leaf["e"] = edition.commitment
    body = canonical(event)
    leaf["c"] = b64(commit(kept.salt, body))
    record.history[edition.event] = (kept.salt, body, canonical(leaf))


def published_at(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["corrected"]).editions[1].published_at -= timedelta(days=9)


def display_until(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["corrected"]).editions[2].display_until -= timedelta(days=5)


def audience(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["corrected"]).editions[2].audience = "branch"


def blob_bytes(t: Tampering, ids: dict[str, str]) -> None:
    attachment = next(iter(t.record(ids["corrected"]).attachments.values()))
    with attachment.blob.open("w") as file:
        file.write(PDF.replace(b"some", b"fine"))


def file_name(t: Tampering, ids: dict[str, str]) -> None:
    next(iter(t.record(ids["corrected"]).attachments.values())).filename = "另一份.pdf"


def attachment_gone(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["corrected"]).attachments.clear()


def standing(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["withdrawn"]).standing = "published"


def reason(t: Tampering, ids: dict[str, str]) -> None:
    record = t.record(ids["withdrawn"])
    record.withdrawal = replace(record.withdrawal, reason="privacy")


def state(t: Tampering, ids: dict[str, str]) -> None:
    record = t.record(ids["review"])
    record.run = replace(record.run, state="published")


def revision(t: Tampering, ids: dict[str, str]) -> None:
    found = t.record(ids["review"]).revisions[1]
    found.body = found.body.replace("路灯".encode(), "电灯".encode())


def edition_gone(t: Tampering, ids: dict[str, str]) -> None:
    del t.record(ids["corrected"]).editions[2]


def event_gone(t: Tampering, ids: dict[str, str]) -> None:
    del t.record(ids["corrected"]).history[3]


def event_changed(t: Tampering, ids: dict[str, str]) -> None:
    history = t.record(ids["review"]).history
    salt, body, leaf = history[2]
    history[2] = (salt, body.replace(b'"agree"', b'"object"'), leaf)


def event_added(t: Tampering, ids: dict[str, str]) -> None:
    history = t.record(ids["review"]).history
    history[history.maxKey() + 1] = history[1]


def record_gone(t: Tampering, ids: dict[str, str]) -> None:
    del t.section.records[ids["corrected"]]


def unit_gone(t: Tampering, ids: dict[str, str]) -> None:
    del t.site.units[VILLAGE]


def list_row(t: Tampering, ids: dict[str, str]) -> None:
    listing = t.section.listings["edition|public"]
    key, row = next(iter(listing.rows.items()))
    listing.rows[key] = row.replace("二组".encode(), "九组".encode())


def ghost_row(t: Tampering, ids: dict[str, str]) -> None:
    listing = t.section.listings["edition|public"]
    key, row = next(iter(listing.rows.items()))
    listing.rows["0" + key] = row


def number(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["corrected"]).number = "GK-2026-0099"


def role(t: Tampering, ids: dict[str, str]) -> None:
    roles = t.unit.roles
    since = roles.grants[0].since
    roles.grants = (*roles.grants, Grant("s1", "approver", since, "", "operator"))


def role_gone(t: Tampering, ids: dict[str, str]) -> None:
    t.unit.roles.grants = t.unit.roles.grants[1:]


def note(t: Tampering, ids: dict[str, str]) -> None:
    record = t.record(ids["withdrawn"])
    record.withdrawal = replace(record.withdrawal, note="居民要求撤回")


def withdrawn_at(t: Tampering, ids: dict[str, str]) -> None:
    record = t.record(ids["withdrawn"])
    record.withdrawal = replace(record.withdrawal, at=record.withdrawal.at - timedelta(days=3))


def file_text(t: Tampering, ids: dict[str, str]) -> None:
    text = next(iter(t.record(ids["corrected"]).texts.values()))
    text.body = text.body.replace(b"3000", b"2000")


def file_text_gone(t: Tampering, ids: dict[str, str]) -> None:
    t.record(ids["corrected"]).texts.clear()


def narrowed_list(t: Tampering, ids: dict[str, str]) -> None:
    keys = t.section.listings["edition|public"].narrowed["kind=affairs"]
    keys.remove(next(iter(keys)))


def narrowed_count(t: Tampering, ids: dict[str, str]) -> None:
    t.section.listings["edition|public"].counts["kind=affairs"].change(4)


def definition(t: Tampering, ids: dict[str, str]) -> None:
    stored = next(iter(t.site.definitions.values()))
    stored.source = stored.source.replace(b'"majority"', b'"any"')


@pytest.mark.parametrize(
    ("tamper", "about", "said"),
    [
        (edition_body, "corrected", "第 1 版的内容被改过"),
        (edition_and_commitment, "corrected", "第 1 版的指纹和公布时存证的不一样"),
        (edition_and_event, "corrected", "事件的存证和编号 .* 的条目不一样"),
        (published_at, "corrected", "第 1 版的公布时间被改过"),
        (display_until, "corrected", "第 2 版的公示截止日被改过"),
        (audience, "corrected", "第 2 版的公开范围"),
        (blob_bytes, "corrected", "第 1 版的附件“图纸.pdf”的文件内容被换过"),
        (file_name, "corrected", "附件“图纸.pdf”的名称"),
        (attachment_gone, "corrected", "附件“图纸.pdf”不见了"),
        (standing, "withdrawn", "现在标为“公布”，按发生过的事应当是“撤回”"),
        (reason, "withdrawn", "撤回理由被改过"),
        (state, "review", "流程状态被改过"),
        (revision, "review", "第 1 稿被改过"),
        (edition_gone, "corrected", "公布过的第 2 版不见了"),
        (event_gone, "corrected", "第 3 个事件不见了"),
        (event_changed, "review", "第 2 个事件的内容被改过"),
        (event_added, "review", "没有存证，日志里没有它"),
        (record_gone, "corrected", "不见了，编号 .* 的条目说它存在过"),
        (unit_gone, "", "不见了，编号 .* 的条目说它存在过"),
        (list_row, "corrected", "本单位清单里的一行被改过：写着“九组道路硬化”"),
        (ghost_row, "", "有 1 行没有对应的材料"),
        (number, "corrected", "索引号是 GK-2026-0099"),
        (role, "", "s1 的 approver 没有授予过"),
        (role_gone, "", "clerk 的 clerk 授予过又不见了"),
        (definition, "", "和它的指纹不符"),
        (note, "withdrawn", "撤回说明（时间、由谁、说明文字）被改过"),
        (withdrawn_at, "withdrawn", "撤回说明（时间、由谁、说明文字）被改过"),
        (file_text, "corrected", "附件“图纸.pdf”读出的文字被改过"),
        (file_text_gone, "corrected", "附件“图纸.pdf”读出的文字不见了"),
        (narrowed_list, "corrected", "没有列在本单位按类别、年份或者状态分的清单里"),
        (narrowed_count, "", "kind=affairs）合计写着 5，实际 1 行"),
    ],
)
def test_a_change_behind_the_actions_back_is_named(
    tampering: Callable[[], Tampering],
    copy: Path,
    ids: dict[str, str],
    tamper: Callable[[Tampering, dict[str, str]], None],
    about: str,
    said: str,
) -> None:
    opened = tampering()
    tamper(opened, ids)
    opened.close()
    found = verified(copy)
    assert not found.ok
    named = [p for p in found.problems if re.search(said, p)]
    assert named, found.problems
    assert all(VILLAGE in p or not about for p in named)
    assert all(ids[about] in p for p in named if about), named


def test_only_what_was_touched_is_named(
    tampering: Callable[[], Tampering], copy: Path, ids: dict[str, str]
) -> None:
    opened = tampering()
    published_at(opened, ids)
    opened.close()
    assert len(verified(copy).problems) == 1


def test_an_object_that_cannot_be_read_is_a_finding_and_no_crash(
    tampering: Callable[[], Tampering], copy: Path, ids: dict[str, str]
) -> None:
    opened = tampering()
    opened.record(ids["corrected"]).editions[1].body = b"{"
    opened.record(ids["withdrawn"]).history[0] = (b"", b"x", b"y")
    opened.close()
    problems = verified(copy).problems
    assert any(ids["corrected"] in p for p in problems)
    assert any(ids["withdrawn"] in p for p in problems)


def test_verdicts_that_nobody_gave_are_named(tmp_path: Path) -> None:
    """Whoever holds the machine can put words into a run before it is published; the journal tells."""
    site = build(tmp_path)
    id = site.draft("路灯更换")
    site.move("clerk", id, "submit")

    def forge(connection: Any, journal: Journal) -> None:
        record = site.record(connection, id)
        record.run = replace(
            record.run, verdicts=tuple(Verdict("supervision", s, "agree", "", site.clock.now()) for s in ("s1", "s2"))
        )
        record.authors = ()
        journal.covers(record.subject)
        root = site_of(connection)
        journal.add(Event("site.evolved", "site", site.clock.now(), "", "operator", "operator", "x"), root.history)

    site.services.store.runner.run(VILLAGE, forge)
    site.move("approver", id, "publish")
    honest = site.draft("水渠清淤")
    site.review(honest)
    site.move("approver", honest, "publish")
    assert site.worker.step_all()
    site.close()
    problems = verified(tmp_path / "var").problems
    assert len(problems) == 1, problems
    assert re.search(f"{id}的第 1 版写的监督意见有 2 条，记下来的是 0 条", problems[0])


def test_a_publisher_who_wrote_is_named(tmp_path: Path) -> None:
    site = build(tmp_path)
    id = site.draft("路灯更换")
    site.services.actions.perform(GrantRole(VILLAGE, "clerk", "approver", "任职"), operator())
    site.review(id)

    def forget(connection: Any, journal: Journal) -> None:
        site.record(connection, id).authors = ()
        journal.covers(site.record(connection, id).subject)
        event = Event("site.evolved", "site", site.clock.now(), "", "operator", "operator", "x")
        journal.add(event, site_of(connection).history)

    site.services.store.runner.run(VILLAGE, forget)
    with site.services.store.reading() as connection:
        version = site.record(connection, id).draft.version
    publish = MoveRecord(VILLAGE, SECTION, id, "publish", version)
    site.services.actions.perform(publish, Actor("clerk", "approver", "x", fresh=True))
    assert site.worker.step_all()
    site.close()
    problems = verified(tmp_path / "var").problems
    assert len(problems) == 1, problems
    assert f"{id}的第 1 版由写过或者签过它的人公布" in problems[0]


def test_leaves_that_wait_for_the_log_are_no_problem(tmp_path: Path) -> None:
    site = build(tmp_path)
    site.publish("还没存证的一份")
    site.close()
    found = verified(site.settings.home)
    assert found.problems == ()
    assert found.waiting > 5


def test_a_set_back_database_is_named(copy: Path, tmp_path: Path) -> None:
    state = copy / "log-state.json"
    value = json.loads(state.read_text())
    value["size"] += 3
    state.write_text(json.dumps(value))
    assert any("上次签名" in p for p in verified(copy).problems)
