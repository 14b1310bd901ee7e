"""Passwords: what is refused and why, and that hashing tells strangers nothing."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.access.passwords import (
    MAX_LENGTH,
    HashingBusy,
    PasswordChecker,
    PasswordRules,
    Passwords,
    load_common,
)


@pytest.fixture(scope="module")
def checker() -> PasswordChecker:
    return PasswordChecker(PasswordRules())


def cheap() -> argon2.PasswordHasher:
    """As good as free, so that tests take no time."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.mark.parametrize(
    "password",
    [
        "shuidian-tuolaji-7",
        "旧桥边第三棵柿子树今年结果了",
        "correct horse battery staple",
        "xK9#mPq2$vLw",
        "村东头老李家的牛跑了两回",
    ],
)
def test_a_good_password_is_taken(checker: PasswordChecker, password: str) -> None:
    assert checker.problems(password) == []


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password2026!",
        "PASSWORDpassword1",
        "p@ssw0rd1234",
        "qwertyuiop123",
        "1qaz2wsx3edc",
        "woaini1314520",
        "woaizuguo1949",
        "admin@123456",
        "admin123admin",
        "cunweihui2026",
        "Cunweihui123456",
        "ｐａｓｓｗｏｒｄ１２３４",
        "123456789012",
        "19491001 2026",
    ],
)
def test_what_many_use_is_refused(checker: PasswordChecker, password: str) -> None:
    (problem,) = checker.problems(password)
    assert "很容易猜到" in problem


@pytest.mark.parametrize(
    "password",
    ["aaaaaaaaaaaa", "abababababab", "abcdefghijklm", "zyxwvutsrqponm", "xk7qxk7qxk7qxk7"],
)
def test_a_monotonous_password_is_refused(checker: PasswordChecker, password: str) -> None:
    (problem,) = checker.problems(password)
    assert "重复或者连着" in problem


@given(st.text("abcdefghxyz0123456789", min_size=1, max_size=6), st.integers(12, 40))
def test_a_short_piece_over_and_over_is_always_refused(piece: str, length: int) -> None:
    password = (piece * length)[:length]
    assert PasswordChecker(PasswordRules()).problems(password)


def test_a_short_password_is_told_its_length_and_what_to_do(checker: PasswordChecker) -> None:
    (problem,) = checker.problems("xK9#mPq2")
    assert "只有 8 个字符" in problem
    assert "至少要 12 个" in problem
    assert "几个不相干的词" in problem


def test_length_is_counted_in_characters_as_typed(checker: PasswordChecker) -> None:
    assert checker.problems("𠮷野家门前的石磨盘是谁搬走的") == []


@pytest.mark.parametrize("password", ["a1" * 200, "ﷺ" * 20, "é" * 257])
def test_a_password_without_end_is_refused(checker: PasswordChecker, password: str) -> None:
    assert any(f"最多 {MAX_LENGTH} 个" in problem for problem in checker.problems(password))


def test_line_breaks_and_zero_bytes_are_refused(checker: PasswordChecker) -> None:
    for bad in ("shuidian\ntuolaji-7", "shuidian\x00tuolaji-7"):
        assert any("控制字符" in problem for problem in checker.problems(bad))


@pytest.mark.parametrize(
    ("password", "about"),
    [
        ("linxiaohe1985", ["linxiaohe"]),
        ("LinXiaoHe@2026", ["linxiaohe", "林小禾"]),
        ("09995550123ab", ["09995550123"]),
        ("林小禾林小禾林小禾林小禾", ["林小禾"]),
        ("clerk123456clerk", ["clerk"]),
        ("linxiaohelin", ["linxiaohe", "lin"]),
    ],
)
def test_ones_own_name_or_number_is_refused(
    checker: PasswordChecker, password: str, about: list[str]
) -> None:
    assert checker.problems(password, about)


def test_ones_name_may_stand_in_a_long_sentence(checker: PasswordChecker) -> None:
    assert checker.problems("林小禾每天骑车过石桥去上班", ["林小禾", "lin"]) == []


def test_the_strict_profile_counts_kinds() -> None:
    strict = PasswordChecker(PasswordRules(composition=3))
    (problem,) = strict.problems("shuidian-tuolaji-qiao")
    assert "种类太少" in problem
    assert strict.problems("Shuidian-tuolaji-qiao") == []


def test_rotation_only_where_a_site_asks_for_it() -> None:
    now = datetime(2026, 9, 30, tzinfo=UTC)
    long_ago = now - timedelta(days=4000)
    assert not PasswordRules().must_change(long_ago, now)
    yearly = PasswordRules(max_age_days=90)
    assert yearly.must_change(now - timedelta(days=91), now)
    assert not yearly.must_change(now - timedelta(days=90), now)


def test_settings() -> None:
    rules = PasswordRules.from_settings(
        {"access.password.min_length": "14", "access.password.max_age_days": "90"}
    )
    assert rules == PasswordRules(min_length=14, composition=0, max_age_days=90)
    assert PasswordRules.from_settings({}) == PasswordRules()


@pytest.mark.parametrize("value", ["3", "-1", "twelve", "", "１２００"])
def test_a_senseless_setting_is_named(value: str) -> None:
    with pytest.raises(ValueError, match=r"access\.password\.min_length"):
        PasswordRules.from_settings({"access.password.min_length": value})


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=4))
def test_the_checker_has_an_answer_for_anything(password: str, about: list[str]) -> None:
    assert all(p.endswith("。") for p in PasswordChecker(PasswordRules()).problems(password, about))


def test_the_list_is_clean() -> None:
    words = load_common()
    assert len(words) >= 300
    assert {"password", "qwerty", "woaini", "123456"} <= words
    assert all(word == word.casefold() and len(word) >= 4 for word in words)


@given(st.text(min_size=1, max_size=MAX_LENGTH))
def test_what_was_hashed_is_recognised_and_nothing_else(password: str) -> None:
    passwords = Passwords(hasher=cheap())
    stored = passwords.hash(password)
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, password)
    assert not passwords.verify(stored, password + "x")


def test_full_width_typing_makes_no_difference() -> None:
    passwords = Passwords(hasher=cheap())
    assert passwords.verify(passwords.hash("shuidian-7"), "ｓｈｕｉｄｉａｎ－７")


@pytest.mark.parametrize("password", ["", "x", "\ud800", "a\x00b", "长" * 1000])
def test_nobody_matches_nothing(password: str) -> None:
    passwords = Passwords(hasher=cheap(), token=lambda size: "x")
    assert not passwords.verify(None, password)
    assert not passwords.verify("", password)
    assert not passwords.verify("not a hash", password)


def test_an_overlong_password_does_not_match_its_beginning() -> None:
    passwords = Passwords(hasher=cheap())
    long = "柿" * (MAX_LENGTH + 1)
    assert not passwords.verify(passwords.hash(long), long + "x")
    assert not passwords.verify(passwords.hash(long), long)


class CountingHasher(argon2.PasswordHasher):
    """Counts verifications and notes how many ran at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.calls = 0
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.pause = 0.0

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        with self.lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            time.sleep(self.pause)
            return super().verify(hash, password)
        finally:
            with self.lock:
                self.now -= 1


def test_an_unknown_login_costs_one_verification_as_a_known_one_does() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher=hasher)
    stored = passwords.hash("shuidian-tuolaji")
    for given_hash in (stored, None):
        before = hasher.calls
        assert not passwords.verify(given_hash, "something else")
        assert hasher.calls == before + 1


def test_at_most_so_many_at_once() -> None:
    hasher = CountingHasher()
    hasher.pause = 0.01
    passwords = Passwords(hasher=hasher, parallel=4, patience=60)
    threads = [threading.Thread(target=passwords.verify, args=(None, "x")) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hasher.calls == 16
    assert 1 < hasher.most <= 4


def test_who_waits_too_long_is_told_so_and_the_place_comes_back() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher=hasher, parallel=1, patience=0.01)
    hasher.pause = 0.3
    other = threading.Thread(target=passwords.verify, args=(None, "x"))
    other.start()
    while not hasher.now:
        time.sleep(0.001)
    with pytest.raises(HashingBusy, match="请过半分钟再试"):
        passwords.verify(None, "y")
    other.join()
    assert not passwords.verify(None, "y")


def test_hashes_of_other_costs_are_renewed() -> None:
    today = Passwords(hasher=cheap())
    older = Passwords(hasher=argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert not today.needs_rehash(today.hash("x"))
    assert today.needs_rehash(older.hash("x"))
    assert today.needs_rehash("not a hash")


def test_the_default_costs_are_above_the_published_minimum() -> None:
    stored = Passwords().hash("shuidian-tuolaji")
    costs = argon2.extract_parameters(stored)
    assert costs.type is argon2.Type.ID
    assert costs.memory_cost >= 19 * 1024
    assert costs.time_cost >= 2


def test_profiles_are_named_and_single_numbers_win_over_them() -> None:
    name = "access.password.profile"
    assert PasswordRules.from_settings({name: "asvs"}) == PasswordRules()
    graded = PasswordRules.from_settings({name: "dengbao"})
    assert (graded.composition, graded.max_age_days) == (3, 90)
    assert graded.min_length >= 8
    own = PasswordRules.from_settings({name: "dengbao", "access.password.max_age_days": "60"})
    assert own == PasswordRules(graded.min_length, 3, 60)
    with pytest.raises(ValueError, match="asvs or dengbao"):
        PasswordRules.from_settings({name: "strict"})
