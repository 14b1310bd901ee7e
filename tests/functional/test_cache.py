"""Kept pages: the next anonymous request shows every change; readers never get each other's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.units.actions import SaveBody, SavePerson, SaveUnit
from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.units import About
from jiceng_cms.web.cache import OVERHEAD, PageCache, Shelf
from support.village import (
    OPERATOR,
    OTHER_VILLAGE,
    SECTION,
    TOWNSHIP,
    VILLAGE,
    Village,
    open_village,
    url,
)

LIST = f"/u/{VILLAGE}/{SECTION}/"
UNIT = f"/u/{VILLAGE}/"


def cache_of(village: Village) -> PageCache:
    cache: PageCache = village.app.registry.page_cache
    return cache


def kept(village: Village, path: str) -> bool:
    """Whether the next request for ``path`` is answered without drawing or reading anything."""
    snapshots = []
    real = village.services.store.snapshot
    village.services.store.snapshot = lambda: snapshots.append(1) or real()  # type: ignore
    try:
        village.client().get(path)
    finally:
        del village.services.store.snapshot  # type: ignore[method-assign]
    return not snapshots


def test_a_page_asked_for_again_is_not_drawn_again(village: Village) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    for path in (url(id), LIST, UNIT, "/", "/units", "/verify", url(id, "print")):
        first = resident.get(path)
        assert kept(village, path), path
        again = village.client().get(path)
        assert again.body == first.body
        assert again.headerlist == first.headerlist
        assert again.headers["Cache-Control"] == "no-cache"


def test_search_and_sign_in_are_never_kept(village: Village) -> None:
    for path in ("/search?q=1", "/login"):
        village.client().get(path)
    assert len(cache_of(village).pages) == 0


def test_publication_correction_and_withdrawal_are_seen_at_once(village: Village) -> None:
    resident = village.client()
    for path in (LIST, UNIT):
        assert "二组水渠维修" not in resident.get(path).words
    id = village.published()
    for path in (LIST, UNIT):
        assert "二组水渠维修" in resident.get(path).words
        resident.get(path)
    assert "三千元" in resident.get(url(id)).words
    assert "开始更正" not in resident.get(url(id)).words
    village.move(id, "correct", "clerk", kind="substance", reason="金额写少了。")
    assert "开始更正" in resident.get(url(id)).words
    village.edit(id, title="二组水渠大修", summary="一共花了三千二百元。")
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2")
    assert "三千二百元" not in resident.get(url(id)).words
    village.move(id, "publish", "approver")
    assert "三千二百元" in resident.get(url(id)).words
    assert "二组水渠大修" in resident.get(LIST).words
    assert "大修" in resident.get(UNIT).words
    assert "三千元" in resident.get(url(id, "editions", "1")).words
    village.move(id, "withdraw", "approver", reason="wrong", note="金额抄错了。")
    assert "金额抄错了" in resident.get(url(id), status=410).words
    resident.get(url(id, "editions", "1"), status=410)
    resident.get(url(id, "print"), status=410)
    assert "大修" not in resident.get(LIST).words
    assert "大修" not in resident.get(UNIT).words


def test_what_a_page_says_of_units_bodies_and_persons_is_seen_at_once(village: Village) -> None:
    id = village.published()
    resident = village.client()
    assert "0999-5550101" in resident.get(url(id)).words
    with village.reading() as site:
        unit = site.units[VILLAGE]
        bodies = {b.kind: (b.id, b.seats) for b in unit.bodies.values()}
        parents = unit.parents
    act = village.services.actions.perform
    act(SaveUnit(VILLAGE, "village", "石桥新村", about=About(phone="0999-5550999"), parents=parents), OPERATOR)
    page = resident.get(url(id))
    assert "0999-5550999" in page.words
    assert "石桥新村" in page.words
    committee, seats = bodies["committee"]
    act(SaveBody(VILLAGE, "committee", "石桥新村村委会", seats, committee), OPERATOR)
    assert "石桥新村村委会" in resident.get(url(id)).words
    assert "李审批" in resident.get(UNIT).words
    act(SavePerson("李新名", village.people["approver"]), OPERATOR)
    assert "李新名" in resident.get(UNIT).words
    # the township, of which the village's page speaks
    act(SaveUnit(TOWNSHIP, "township", "柳溪新镇"), OPERATOR)
    assert "柳溪新镇" in resident.get(url(id)).words
    assert "柳溪新镇" in resident.get("/units").words


def test_the_other_records_of_a_matter_are_seen_at_once(village: Village) -> None:
    first = village.published(matter="shuiqu", stage="before", title="水渠要修")
    resident = village.client()
    assert "水渠修完" not in resident.get(url(first)).words
    village.published(matter="shuiqu", stage="after", title="水渠修完")
    assert "水渠修完" in resident.get(url(first)).words


def test_another_records_publication_leaves_a_record_kept(village: Village) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    resident.get(url(id))
    village.published(title="另一件事")
    village.catch_up()
    assert kept(village, url(id)), "drawn again though nothing of it changed"
    resident.get(LIST)
    with village.reading() as site:
        parents = site.units[OTHER_VILLAGE].parents
    village.services.actions.perform(SaveUnit(OTHER_VILLAGE, "village", "杨树洼新村", parents=parents), OPERATOR)
    assert not kept(village, url(id)), "a unit's own data may stand on any page"


def test_the_proof_appears_after_the_checkpoint(village: Village) -> None:
    id = village.published()
    resident = village.client()
    for _ in range(2):
        assert "待存证" in resident.get(url(id)).words
    assert kept(village, url(id))
    village.catch_up()
    for path in (url(id), url(id, "print")):
        assert "待存证" not in resident.get(path).words
    assert "已存证" in resident.get(url(id)).words
    before = resident.get("/verify").words
    village.published(title="另一件事")
    village.catch_up()
    assert resident.get("/verify").words != before


def test_the_first_page_follows_the_board(village: Village) -> None:
    resident = village.client()
    village.catch_up()
    assert "还没有公布过内容" in resident.get("/").words
    village.published()
    village.catch_up()
    assert "二组水渠维修" in resident.get("/").words
    village.clock.advance(minutes=3)
    village.catch_up()
    assert "10:03" in resident.get("/").words


def test_the_day_changes_at_midnight_in_shanghai(village: Village) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    assert "今日公布，共 15 日" in resident.get(url(id)).words
    village.clock.set(datetime(2026, 9, 1, 15, 59, 59, tzinfo=UTC))
    assert kept(village, url(id))
    village.clock.set(datetime(2026, 9, 1, 16, 0, 0, tzinfo=UTC))
    for path in (url(id), LIST, UNIT):
        assert "公开中 1/15 日" in resident.get(path).words, path
    village.clock.set(datetime(2026, 9, 16, 16, 0, 0, tzinfo=UTC))
    assert "已满公示期" in resident.get(url(id)).words


def test_readers_never_get_each_others_page(village: Village) -> None:
    id = village.published()
    village.catch_up()
    plain, elder, english, both = (village.client() for _ in range(4))
    clerk = village.client("clerk")
    elder.get("/elder?on=1&next=/")
    english.get("/language?to=en&next=/")
    both.get("/elder?on=1&next=/")
    both.get("/language?to=en&next=/")
    readers = {"plain": plain, "elder": elder, "english": english, "both": both, "clerk": clerk}

    def shapes() -> dict[str, tuple[bool, str, bool]]:
        found = {}
        for name, reader in readers.items():
            html = reader.get(url(id)).text
            lang = re.search('<html[^>]* lang="([^"]+)"', html)
            assert lang
            found[name] = ('class="elder"' in html, lang[1], "陈经办" in html)
        return found

    wanted = {
        "plain": (False, "zh-CN", False),
        "elder": (True, "zh-CN", False),
        "english": (False, "en", False),
        "both": (True, "en", False),
        "clerk": (False, "zh-CN", True),
    }
    for _ in range(3):
        assert shapes() == wanted
        readers = dict(reversed(readers.items()))
    answer = clerk.get(url(id))
    assert answer.headers["Cache-Control"] == "no-store"
    assert "办理这一份" in answer.words
    assert "办理这一份" not in plain.get(url(id)).words
    assert clerk.get(url(id)).text.count('name="csrf_token"') == 1
    assert 'name="csrf_token"' not in plain.get(url(id)).text


def test_two_people_never_share_a_token_or_a_name(village: Village) -> None:
    id = village.published()
    clerk, approver = village.client("clerk"), village.client("approver")
    pages = [reader.get(url(id)) for reader in (clerk, approver, clerk)]
    tokens = [page.forms[0]["csrf_token"].value for page in pages]
    assert tokens[0] == tokens[2] != tokens[1]
    assert "李审批" not in pages[2].words


def test_a_forged_session_cookie_gets_a_page_of_its_own(village: Village) -> None:
    id = village.published()
    village.client().get(url(id))
    before = len(cache_of(village).pages)
    stranger = village.client()
    stranger.set_cookie(village.services.cookie.name, "0" * 43)
    page = stranger.get(url(id))
    assert "二组水渠维修" in page.words
    assert len(cache_of(village).pages) == before


def test_a_kept_page_does_not_open_sessions(village: Village) -> None:
    id = village.published()
    village.client().get(url(id))
    village.services.sessions.close()
    assert "二组水渠维修" in village.client().get(url(id)).words
    village.clock.advance(days=1)  # drawn again, and still without
    assert "公开中 1/15 日" in village.client().get(url(id)).words


def test_conditional_requests(village: Village) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    first = resident.get(url(id))
    for sent in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}', "*"):
        same = resident.get(url(id), headers={"If-None-Match": sent}, status=304)
        assert same.body == b""
        assert same.headers["ETag"] == first.headers["ETag"]
        assert same.headers["Vary"] == "Cookie"
        assert "Content-Length" not in same.headers
    assert resident.get(url(id), headers={"If-None-Match": '"other"'}).body == first.body
    head = resident.head(url(id))
    assert head.body == b""
    assert head.headers["Content-Length"] == str(len(first.body))
    village.clock.advance(days=1)
    changed = resident.get(url(id), headers={"If-None-Match": first.headers["ETag"]}, status=200)
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_addresses_and_hosts_have_pages_of_their_own(village: Village) -> None:
    id = village.published()
    resident = village.client()
    assert "paper=a3" in resident.get(url(id, "print")).text
    assert "paper=a3" not in resident.get(f"{url(id, 'print')}?paper=a3").text
    one = resident.get(url(id, "print"), extra_environ={"HTTP_HOST": "one.test"})
    two = resident.get(url(id, "print"), extra_environ={"HTTP_HOST": "two.test"})
    assert "one.test" in one.text
    assert "two.test" in two.text
    assert "one.test" not in two.text
    long = f"{LIST}?x={'1' * 400}"
    resident.get(long)
    assert not kept(village, long)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Village]:
    """A village whose pages may take 60 KB in all."""
    made = open_village(tmp_path / "home", **{"cache.pages": "0.25", "cache.fragments": "0.25"})
    yield made
    made.close()


def test_memory_is_bounded_whatever_is_asked_for(small: Village) -> None:
    id = small.published()
    resident = small.client()
    cache = cache_of(small)
    for number in range(60):
        resident.get(f"{LIST}?x={number}")
        resident.get(f"{url(id)}?x={number}")
    assert 0 < cache.pages.used <= cache.pages.limit
    assert cache.fragments.used <= cache.fragments.limit
    assert len(cache.pages) < 60
    assert kept(small, f"{LIST}?x=59")
    assert not kept(small, f"{LIST}?x=0")


@pytest.mark.parametrize("megabytes", ["0", "8"])
def test_fragments_are_the_same_page(tmp_path: Path, megabytes: str) -> None:
    clock = FixedClock(datetime(2026, 9, 1, 2, 0, tzinfo=UTC))
    made = open_village(tmp_path / "home", clock=clock, **{"cache.pages": "0", "cache.fragments": megabytes})
    try:
        id = made.published()
        pages = [made.client().get(url(id)) for _ in range(2)]
        for reader in ("clerk", "clerk"):
            assert "陈经办" in made.client(reader).get(url(id)).words
        assert pages[0].body == pages[1].body
        text = pages[0].text
        assert text.startswith("<!DOCTYPE html>")
        assert text.count("<header") == text.count("<main") == text.count("</html>") == 1
        assert text.index("<header") < text.index("<main")
        assert len(cache_of(made).pages) == 0
        assert (len(cache_of(made).fragments) > 0) == (megabytes != "0")
    finally:
        made.close()


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40), st.booleans())))
def test_a_shelf_never_holds_more_than_it_may(steps: list[tuple[int, int, bool]]) -> None:
    shelf: Shelf[Any] = Shelf(100)
    sizes: dict[int, int] = {}
    for number, (key, size, read) in enumerate(steps):
        if read:
            found = shelf.get(key)
            assert found is None or found[0] == key
            continue
        shelf.put(key, (key, number), size)
        sizes[key] = size
        assert shelf.used <= 100
        if size * 10 <= 100:
            assert shelf.get(key) == (key, number)
        else:
            assert shelf.get(key) is None, "an old value under the key would be a stale one"
    assert shelf.used == sum(sizes[key] for key in sizes if shelf.get(key) is not None)
    assert len(shelf) == sum(shelf.get(key) is not None for key in sizes)


def test_what_was_used_last_stays() -> None:
    shelf: Shelf[str] = Shelf(100)
    for key in range(10):
        shelf.put(key, "x", 10)
    shelf.get(0)
    shelf.put(10, "x", 10)
    assert shelf.get(0) == "x"
    assert shelf.get(1) is None
    assert OVERHEAD > 0
