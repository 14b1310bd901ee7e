"""The worker: everything that is committed reaches log, board and search; time lets sign-offs lapse."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jiceng_cms.ops import worker as worker_module
from jiceng_cms.ops.documents import read_document
from jiceng_cms.search.interface import SearchQuery

from .conftest import SECTION, VILLAGE, Small, build


def found(site: Small, words: str) -> list[str]:
    return [hit.key for hit in site.services.engine.search(SearchQuery(words)).hits]


def test_a_round_brings_everything_up_to_date(small: Small) -> None:
    id = small.publish("亓彧翀家门口的路修好了")
    assert small.worker.status().waiting > 0
    assert small.worker.step_all()
    status = small.worker.status()
    assert status.waiting == 0
    assert status.log_size == status.index_cursor == status.board_cursor > 0
    assert status.sequencer.signed_size == status.log_size
    assert found(small, "彧翀") == [f"{VILLAGE}/{id}"]
    assert [p.row.id for p in small.services.board.newest(5)] == [id]


def test_the_thread_is_up_to_date_soon_after_a_commit_and_stops(small: Small) -> None:
    small.worker.start()
    small.publish("路灯修好了")
    deadline = time.monotonic() + 20
    while small.worker.status().waiting or not found(small, "路灯"):
        assert time.monotonic() < deadline, small.worker.status()
        time.sleep(0.02)
    assert small.worker.status().alive
    small.worker.stop()
    assert not small.worker.status().alive


def test_what_is_withdrawn_leaves_the_index(small: Small) -> None:
    id = small.publish("重复的一份")
    small.worker.step_all()
    small.move("approver", id, "withdraw", reason="duplicate", note="公布了两次")
    small.worker.step_all()
    assert found(small, "重复") == []


def test_a_document_says_what_the_public_reads(small: Small) -> None:
    id = small.publish(
        "收支明细", file=b"%PDF-1.4",
        tables=[{"caption": "总数", "header": ["收入"], "rows": [["86,000.00"]]}],
    )
    draft = small.draft("还没公布")
    with small.services.store.reading() as connection:
        document = read_document(connection, small.services.domain, f"{VILLAGE}/{id}")
        assert read_document(connection, small.services.domain, f"{VILLAGE}/{draft}") is None
        assert read_document(connection, small.services.domain, "990101100299/k7m2q9xw") is None
    assert document is not None
    assert (document.title, document.unit_name, document.state, document.year) == (
        "收支明细", "石塝村", "published", 2026,
    )
    assert "86,000.00" in document.table
    assert document.attachments.splitlines()[0] == "图纸.pdf"
    assert document.url == f"/u/{VILLAGE}/{SECTION}/{id}"
    assert document.number == "GK-2026-0001"


def test_the_year_of_a_document_is_that_of_the_office(tmp_path: Path) -> None:
    site = build(tmp_path, start=datetime(2025, 12, 31, 17, 0, tzinfo=UTC))  # 1 January at the office
    id = site.publish("新年值班安排", event_date="2025-12-31", due_date="2026-01-05")
    with site.services.store.reading() as connection:
        document = read_document(connection, site.services.domain, f"{VILLAGE}/{id}")
    site.close()
    assert document is not None
    assert document.year == 2026


def test_sign_offs_lapse_when_their_last_day_is_over_and_only_then(small: Small) -> None:
    id = small.draft("没有人提意见")
    small.move("clerk", id, "submit")

    def lapsed() -> Any:
        small.worker.step_all()
        with small.services.store.reading() as connection:
            return small.record(connection, id).run.lapsed

    with small.services.store.reading() as connection:
        due = small.record(connection, id).run.due.on
    small.clock.set(datetime(due.year, due.month, due.day, 15, 59, tzinfo=UTC))
    assert lapsed() == ()
    small.clock.advance(minutes=2)  # past midnight at the office
    assert lapsed() == ("supervision",)
    assert small.worker.status().waiting == 0
    small.move("approver", id, "publish")


def test_a_part_that_fails_is_told_keeps_no_other_and_recovers(
    small: Small, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    id = small.publish("坏盘那天公布的")

    def full(batch: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(small.services.engine, "apply", full)
        assert not small.worker.step_all()
        assert not small.worker.step_all()
        status = small.worker.status()
    assert [t.part for t in status.troubles] == ["search"]
    assert "No space left" in status.troubles[0].text
    assert status.waiting == 0
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    assert small.worker.step_all()
    assert small.worker.status().troubles == ()
    assert found(small, "坏盘") == [f"{VILLAGE}/{id}"]


def test_an_index_far_behind_ends_the_same(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [small.publish(f"第{n}件事") for n in range(6)]
    small.move("approver", ids[0], "withdraw", reason="wrong", note="写错了")
    small.worker.step_all()
    slow = small.services.engine.keys()
    monkeypatch.setattr(worker_module, "FAR_BEHIND", 3)
    monkeypatch.setattr(worker_module, "MANY", 7)
    heard: list[tuple[int, int]] = []
    small.worker.rebuild_index(lambda done, total: heard.append((done, total)))
    assert small.services.engine.keys() == slow == {f"{VILLAGE}/{id}" for id in ids[1:]}
    assert heard[-1][0] == heard[-1][1] == small.services.engine.cursor()


def test_at_night_the_index_is_tidied_once(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(small.services.engine, "optimise", lambda: calls.append("optimise"))
    small.worker.step_all()
    assert calls == []
    small.clock.set(datetime(2026, 9, 1, 19, 0, tzinfo=UTC))  # three at night
    small.worker.step_all()
    small.worker.step_all()
    assert calls == ["optimise"]
