"""A one-time link opens one thing, for a while, and says why it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.access.onetime import LinkState, check, digest, issue

NOON = datetime(2026, 9, 30, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_link_opens_what_it_is_for() -> None:
    token, link = issue("password", NOON, DAY)
    assert check(link, "password", token, NOON) is LinkState.GOOD
    assert link.digest == digest("password", token)
    assert len(token) == 43


def test_what_is_kept_does_not_open_it() -> None:
    token, link = issue("password", NOON, DAY)
    assert token.encode() not in link.digest
    assert check(link, "password", link.digest.hex()[:43], NOON) is LinkState.UNKNOWN


def test_it_ends() -> None:
    token, link = issue("password", NOON, DAY)
    assert check(link, "password", token, NOON + DAY - timedelta(seconds=1)) is LinkState.GOOD
    assert check(link, "password", token, NOON + DAY) is LinkState.EXPIRED


def test_only_who_holds_the_link_learns_that_it_has_expired() -> None:
    _, link = issue("password", NOON, DAY)
    assert check(link, "password", "x" * 43, NOON + 2 * DAY) is LinkState.UNKNOWN


def test_a_used_link_is_like_none() -> None:
    token, _ = issue("password", NOON, DAY)
    assert check(None, "password", token, NOON) is LinkState.UNKNOWN


def test_a_link_for_one_thing_does_not_open_another() -> None:
    token, link = issue("password", NOON, DAY)
    assert check(link, "first-administrator", token, NOON) is LinkState.UNKNOWN


@given(st.text(max_size=60))
def test_anything_else_is_unknown(token: str) -> None:
    _, link = issue("password", NOON, DAY)
    assert check(link, "password", token, NOON) is LinkState.UNKNOWN


def test_each_link_is_new() -> None:
    assert len({issue("password", NOON, DAY)[0] for _ in range(100)}) == 100


def test_a_link_without_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time"):
        issue("password", NOON, timedelta(0))


def test_each_refusal_says_what_to_do() -> None:
    for state in (LinkState.EXPIRED, LinkState.UNKNOWN):
        assert "重新要一个" in state.value
