"""Half a login, codes that count once, secrets that wait: short-lived, counted, shared by threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jiceng_cms.access.second_step import ENROLMENT, PATIENCE, TRIES, SecondSteps
from jiceng_cms.access.sessions import SessionStore

NOON = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[SecondSteps]:
    made = SecondSteps(tmp_path / "sessions.sqlite")
    yield made
    made.close()


def test_half_a_login_names_its_account_for_a_few_tries(steps: SecondSteps) -> None:
    token = steps.begin("clerk", NOON)
    left = [steps.attempt(token, NOON) for _ in range(TRIES)]
    assert [half.left for half in left if half] == list(range(TRIES - 1, -1, -1))
    assert {half.login for half in left if half} == {"clerk"}
    assert steps.attempt(token, NOON) is None


def test_half_a_login_ends_with_time_and_with_use(steps: SecondSteps) -> None:
    token = steps.begin("clerk", NOON)
    assert steps.attempt(token, NOON + PATIENCE - timedelta(seconds=1)) is not None
    assert steps.attempt(token, NOON + PATIENCE) is None
    other = steps.begin("clerk", NOON)
    assert steps.finish(other)
    assert not steps.finish(other)
    assert steps.attempt(other, NOON) is None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 10_000])
def test_what_was_never_given_opens_nothing(steps: SecondSteps, token: str) -> None:
    steps.begin("clerk", NOON)
    assert steps.attempt(token, NOON) is None


def test_a_step_counts_once_and_never_backwards(steps: SecondSteps) -> None:
    assert steps.use("clerk", 100)
    assert not steps.use("clerk", 100)
    assert not steps.use("clerk", 99)
    assert steps.use("clerk", 101)
    assert steps.use("approver", 100), "each account has its own"


def test_of_many_at_once_one_wins(steps: SecondSteps) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: steps.use("clerk", 7), range(32)))
    assert won.count(True) == 1


def test_a_secret_waits_for_its_session_and_not_for_ever(steps: SecondSteps) -> None:
    steps.keep_secret("one", b"sealed", NOON)
    assert steps.kept_secret("one", NOON) == b"sealed"
    assert steps.kept_secret("two", NOON) is None
    assert steps.kept_secret("one", NOON + ENROLMENT) is None
    steps.keep_secret("one", b"another", NOON)
    assert steps.kept_secret("one", NOON) == b"another"
    steps.drop_secret("one")
    assert steps.kept_secret("one", NOON) is None


def test_the_file_is_shared_with_the_sessions(tmp_path: Path) -> None:
    sessions = SessionStore(tmp_path / "sessions.sqlite")
    steps = SecondSteps(tmp_path / "sessions.sqlite")
    id, session = sessions.create("clerk", NOON, two_factor=True, place="Linux 电脑")
    assert steps.use("clerk", 1)
    assert (session.two_factor, session.place) == (True, "Linux 电脑")
    assert sessions.get(id, NOON) == session
    plain, _ = sessions.create("clerk", NOON)
    assert not sessions.get(plain, NOON).two_factor  # type: ignore[union-attr]
    assert sessions.mark_two_factor(plain, NOON)
    assert sessions.get(plain, NOON).two_factor  # type: ignore[union-attr]
    sessions.close()
    steps.close()
