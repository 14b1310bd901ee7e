"""Where a projection lags, a file is torn or a cookie is broken: pages stay up and tell no old text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ZODB.utils import p64

from jiceng_cms.core.events import JOURNAL_KEY
from jiceng_cms.translog.state import checkpoint_file
from jiceng_cms.web.cache import MOST_TRANSACTIONS, Revisions
from support.village import VILLAGE, Village, url

WORDS = {"q": "水渠".encode()}
API = "/api/v1/search"


def test_what_was_withdrawn_is_not_told_by_a_search_that_has_not_heard(village: Village) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    assert url(id) in resident.get("/search", WORDS).text
    assert resident.get(API, WORDS).json["items"]
    village.move(id, "withdraw", "approver", reason="privacy", note="写了别人的号码。")
    page = resident.get("/search", WORDS)
    assert url(id) not in page.text
    assert "可以放水" not in page.words
    assert resident.get(API, WORDS).json["items"] == []


def test_of_what_was_corrected_a_search_that_has_not_heard_tells_no_old_word(village: Village) -> None:
    id = village.published(title="二组水渠维修，找张三丰")
    village.catch_up()
    village.clock.advance(hours=1)
    village.move(id, "correct", "clerk", kind="substance", reason="写错了人。")
    village.edit(id, title="二组水渠大修", body="已经修好了。")
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2")
    village.move(id, "publish", "approver")
    page = village.client().get("/search", WORDS)
    assert url(id) in page.text
    assert "二组水渠大修" in page.words
    assert "张三丰" not in page.words
    assert "可以放水" not in page.words
    assert village.client().get(API, WORDS).json["items"][0]["snippet"] == ""


@pytest.mark.parametrize("torn", [b"", b"\xff\xfe", b"demo/test\n12"])
def test_a_torn_checkpoint_takes_no_page_down_and_is_named(village: Village, torn: bytes) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    assert "待存证" not in resident.get(url(id)).words
    file = checkpoint_file(village.services.settings.state_file)
    file.unlink()
    file.write_bytes(torn)
    for path in (url(id, "print"), url(id, "editions", "1", "proof"), "/verify", f"/api/v1/units/{VILLAGE}/records/{id}"):
        resident.get(path, status=200)
    assert "checkpoint" in resident.get("/-/health", status=503).json["troubles"]
    village.services.settings.state_file.write_bytes(b"{")
    assert "签名时间" not in resident.get("/verify").words


def test_a_cookie_that_is_no_text_bars_nobody(village: Village) -> None:
    id = village.published()
    for path in (url(id), "/", "/login", "/search?q=1"):
        village.client().get(path, headers={"Cookie": 'lang="\\377"; elder=1'}, status=200)


def test_what_names_whoever_is_signed_in_is_stored_by_no_cache(village: Village) -> None:
    id = village.published()
    village.move(id, "withdraw", "approver", reason="wrong", note="金额抄错了。")
    page = village.client("supervisor").get(url(id), status=410)
    assert "亓彧翀" in page.words
    assert page.headers["Cache-Control"] == "no-store"
    assert village.client().get(url(id), status=410).headers["Cache-Control"] == "no-cache"


class Busy:
    """A storage to which more was committed while it was walked."""

    def __init__(self) -> None:
        self.commits: list[tuple[bytes, dict[str, Any]]] = []

    def commit(self, tid: int) -> None:
        self.commits.append((p64(tid), {JOURNAL_KEY: [(b"", f"record:{VILLAGE}/abcdefgh#0")]}))

    def last_transaction(self) -> bytes:
        return self.commits[-1][0] if self.commits else p64(1)

    def transactions(self, start: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
        return iter([c for c in self.commits if c[0] >= start])


def test_what_was_committed_during_a_long_walk_is_not_taken_for_old() -> None:
    storage = Busy()
    revisions = Revisions(storage)  # type: ignore[arg-type]
    for tid in range(2, 12 + MOST_TRANSACTIONS):
        storage.commit(tid)
    asked, newest = p64(10), storage.last_transaction()
    assert revisions.follow(asked)
    assert revisions.follow(newest)
    assert revisions.of(f"{VILLAGE}/abcdefgh") >= p64(1 + MOST_TRANSACTIONS)
