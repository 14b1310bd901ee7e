"""A form without its token, or with that of another, changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.access.csrf import LoginPair, LoginTokens, same, session_token_ok
from jiceng_cms.access.sessions import Cookie, Session

NOON = datetime(2026, 9, 30, 4, 0, tzinfo=UTC)
SECRET = bytes(range(32))


def session(csrf: str) -> Session:
    return Session("key", "clerk", NOON, NOON, csrf, None, NOON)


def test_the_token_of_the_session() -> None:
    assert session_token_ok(session("abc"), "abc")
    assert not session_token_ok(session("abc"), "abd")
    assert not session_token_ok(session("abc"), "")
    assert not session_token_ok(session("abc"), None)
    assert not session_token_ok(None, "abc")


def test_an_empty_token_never_fits_an_empty_one() -> None:
    assert not session_token_ok(session(""), "")


@given(st.text(min_size=1), st.text(min_size=1))
def test_same_is_equality(one: str, other: str) -> None:
    assert same(one, one)
    assert same(one, other) is (one == other)


@pytest.fixture
def tokens() -> LoginTokens:
    return LoginTokens(SECRET, lifetime=timedelta(hours=2))


def test_the_pair_of_a_login_page(tokens: LoginTokens) -> None:
    pair = tokens.issue(NOON)
    assert tokens.ok(pair.cookie, pair.field, NOON)
    assert pair.cookie != pair.field


def test_cookie_and_field_of_two_pages_do_not_fit(tokens: LoginTokens) -> None:
    one, other = tokens.issue(NOON), tokens.issue(NOON)
    assert not tokens.ok(one.cookie, other.field, NOON)
    assert not tokens.ok(other.cookie, one.field, NOON)


@pytest.mark.parametrize(
    "pair",
    [
        LoginPair("", ""),
        LoginPair("x", "x"),
        LoginPair("nonce.1790000000.mac", "nonce.1790000000.mac"),
        LoginPair("..", ".."),
        LoginPair("\ud800.1.x", "长"),
    ],
)
def test_a_planted_pair_is_refused(tokens: LoginTokens, pair: LoginPair) -> None:
    assert not tokens.ok(pair.cookie, pair.field, NOON)
    assert not tokens.ok(pair.cookie, pair.cookie, NOON)


def test_the_cookie_alone_does_not_give_the_field(tokens: LoginTokens) -> None:
    pair = tokens.issue(NOON)
    assert not tokens.ok(pair.cookie, pair.cookie, NOON)
    assert not tokens.ok(pair.cookie, pair.cookie.rpartition(".")[2], NOON)
    assert not tokens.ok(None, pair.field, NOON)
    assert not tokens.ok(pair.cookie, None, NOON)


def test_another_site_s_pair_is_refused(tokens: LoginTokens) -> None:
    pair = LoginTokens(bytes(32)).issue(NOON)
    assert not tokens.ok(pair.cookie, pair.field, NOON)


def test_it_is_good_for_two_hours(tokens: LoginTokens) -> None:
    pair = tokens.issue(NOON)
    assert tokens.ok(pair.cookie, pair.field, NOON + timedelta(hours=1, minutes=59))
    assert not tokens.ok(pair.cookie, pair.field, NOON + timedelta(hours=2))
    assert not tokens.ok(pair.cookie, pair.field, NOON - timedelta(hours=1))


def test_an_older_tab_stays_good_while_its_cookie_is_young(tokens: LoginTokens) -> None:
    first = tokens.issue(NOON)
    second = tokens.issue(NOON + timedelta(minutes=30), first.cookie)
    assert second == first
    third = tokens.issue(NOON + timedelta(minutes=90), first.cookie)
    assert third.cookie != first.cookie
    assert tokens.ok(third.cookie, third.field, NOON + timedelta(hours=3))


def test_a_planted_cookie_is_replaced(tokens: LoginTokens) -> None:
    assert tokens.issue(NOON, "planted").cookie != "planted"


@given(st.integers(0, 200), st.characters(max_codepoint=126, min_codepoint=33))
def test_a_changed_character_is_noticed(place: int, char: str) -> None:
    tokens = LoginTokens(SECRET)
    pair = tokens.issue(NOON)
    at = place % len(pair.cookie)
    changed = pair.cookie[:at] + char + pair.cookie[at + 1 :]
    assert tokens.ok(changed, pair.field, NOON) is (changed == pair.cookie)


def test_it_fits_into_a_cookie(tokens: LoginTokens) -> None:
    assert Cookie(secure=True, base="jiceng-login").header(tokens.issue(NOON).cookie)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        LoginTokens(b"short")
