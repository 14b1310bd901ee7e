"""Guessing passwords gets slow, and nobody can lock another out from elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jiceng_cms.access.rates import (
    Attempt,
    Limit,
    LoginLimits,
    LoginRates,
    network_of,
)

NOON = datetime(2026, 9, 30, 4, 0, tzinfo=UTC)
SECRET = bytes(range(32))
LIMITS = LoginLimits(
    pair=Limit(3, timedelta(minutes=15)),
    account=Limit(8, timedelta(hours=1)),
    network=Limit(10, timedelta(minutes=15)),
)
HERE, THERE = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def rates(tmp_path: Path) -> Iterator[LoginRates]:
    opened = LoginRates(tmp_path / "rates.sqlite", SECRET, LIMITS)
    yield opened
    opened.close()


def tries(rates: LoginRates, login: str, address: str, now: datetime = NOON) -> int:
    """How many tries are open at one instant."""
    count = 0
    while rates.attempt(login, address, now).open:
        count += 1
    return count


def test_so_many_tries_from_one_place(rates: LoginRates) -> None:
    assert tries(rates, "clerk", HERE) == 3
    refused = rates.attempt("clerk", HERE, NOON)
    assert refused == Attempt(False, timedelta(minutes=5))
    assert "5 分钟" in refused.message


def test_waiting_as_told_helps(rates: LoginRates) -> None:
    tries(rates, "clerk", HERE)
    wait = rates.attempt("clerk", HERE, NOON).retry_after
    assert not rates.attempt("clerk", HERE, NOON + wait - timedelta(seconds=1)).open
    assert rates.attempt("clerk", HERE, NOON + wait).open


def test_a_stranger_does_not_lock_the_owner_out(rates: LoginRates) -> None:
    assert tries(rates, "clerk", THERE) == 3
    for minute in range(60):
        rates.attempt("clerk", THERE, NOON + timedelta(minutes=minute))
    assert rates.attempt("clerk", HERE, NOON + timedelta(minutes=60)).open


def test_many_places_together_meet_the_limit_of_the_account(rates: LoginRates) -> None:
    total = sum(tries(rates, "clerk", f"203.0.{n}.1") for n in range(20))
    assert total == 8


def test_many_names_from_one_network_meet_its_limit(rates: LoginRates) -> None:
    total = sum(tries(rates, f"nobody{n}", f"192.0.2.{n}") for n in range(20))
    assert total == 10


def test_the_next_house_is_another_network(rates: LoginRates) -> None:
    assert sum(tries(rates, f"nobody{n}", "2001:db8:0:1::5") for n in range(9)) == 10
    assert not rates.attempt("approver", "2001:db8:0:1:ffff::9", NOON).open
    assert rates.attempt("approver", "2001:db8:0:2::5", NOON).open


def test_a_right_password_gives_the_try_back(rates: LoginRates) -> None:
    for _ in range(50):
        assert rates.attempt("clerk", HERE, NOON).open
        rates.succeeded("clerk", HERE)
    assert tries(rates, "clerk", HERE) == 3


def test_a_right_password_does_not_clear_the_network(rates: LoginRates) -> None:
    for n in range(9):
        assert rates.attempt(f"nobody{n}", HERE, NOON).open
    assert rates.attempt("own", HERE, NOON).open
    rates.succeeded("own", HERE)
    assert rates.attempt("nobody99", HERE, NOON).open
    assert not rates.attempt("nobody100", HERE, NOON).open


@pytest.mark.parametrize("spelling", ["CLERK", " clerk ", "ｃｌｅｒｋ"])
def test_spelling_a_login_otherwise_gains_nothing(rates: LoginRates, spelling: str) -> None:
    tries(rates, "clerk", HERE)
    assert not rates.attempt(spelling, HERE, NOON).open


def test_a_login_that_does_not_exist_is_treated_alike(rates: LoginRates) -> None:
    assert tries(rates, "no such person", HERE) == tries(rates, "clerk", THERE)


def test_a_clock_that_was_ahead_shuts_nobody_out_for_long(rates: LoginRates) -> None:
    tries(rates, "clerk", HERE, NOON + timedelta(days=365))
    assert rates.attempt("clerk", HERE, NOON).retry_after <= timedelta(minutes=15)


def test_a_hundred_at_the_same_instant_count_as_a_hundred(tmp_path: Path) -> None:
    # two stores on one file, as two processes have
    stores = [LoginRates(tmp_path / "rates.sqlite", SECRET, LIMITS) for _ in range(2)]
    granted: list[bool] = []

    def guess(store: LoginRates) -> None:
        for _ in range(5):
            granted.append(store.attempt("clerk", HERE, NOON).open)

    threads = [threading.Thread(target=guess, args=(stores[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert len(granted) == 40
    assert sum(granted) == 3


def test_what_has_run_out_is_forgotten(rates: LoginRates) -> None:
    tries(rates, "clerk", HERE)
    rates.attempt("approver", THERE, NOON + timedelta(hours=2))
    with rates._db.reading() as db:
        assert db.execute("SELECT count(*) FROM rate").fetchone() == (3,)


def test_the_file_names_nobody(rates: LoginRates, tmp_path: Path) -> None:
    rates.attempt("approver-of-the-village", HERE, NOON)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"rate" in kept
    assert b"approver" not in kept
    assert b"192.0.2" not in kept


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(gaps=st.lists(st.integers(0, 400), max_size=40), data=st.data())
def test_never_more_than_the_limit_and_what_has_grown_back(
    tmp_path: Path, gaps: list[int], data: st.DataObject
) -> None:
    path = tmp_path / f"{data.draw(st.uuids())}.sqlite"
    rates = LoginRates(path, SECRET, LIMITS)
    now, granted = NOON, []
    try:
        for gap in gaps:
            now += timedelta(seconds=gap)
            if rates.attempt("clerk", HERE, now).open:
                granted.append(now)
    finally:
        rates.close()
    limit = LIMITS.pair
    for begin in granted:
        for end in granted:
            if end >= begin:
                inside = sum(begin <= moment <= end for moment in granted)
                assert inside <= limit.tries + (end - begin) // limit.gap + 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        (" 192.0.2.77 ", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("unix:", "unknown"),
        ("192.0.2.1, 198.51.100.1", "unknown"),
    ],
)
def test_networks(address: str | None, network: str) -> None:
    assert network_of(address) == network


@given(st.ip_addresses())
def test_an_address_lies_in_its_network(address: object) -> None:
    assert network_of(str(address)) != "unknown"


def test_settings() -> None:
    limits = LoginLimits.from_settings({"access.rate.pair": "7 per 30 minutes"})
    assert limits.pair == Limit(7, timedelta(minutes=30))
    assert limits.account == LoginLimits().account
    for bad in ("7", "0 per 5 minutes", "7 per 0 minutes", "7 pro 5 Minuten", "x per y minutes"):
        with pytest.raises(ValueError, match=r"access\.rate\.account"):
            LoginLimits.from_settings({"access.rate.account": bad})


def test_the_pair_is_narrower_than_the_account() -> None:
    limits = LoginLimits()
    hourly = limits.pair.tries + timedelta(hours=1) / limits.pair.gap
    assert limits.pair.tries < limits.account.tries
    assert limits.account.tries + timedelta(hours=1) / limits.account.gap > hourly


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        LoginRates(tmp_path / "rates.sqlite", b"short")


def test_an_open_try_has_nothing_to_say() -> None:
    assert Attempt(True).message == ""
