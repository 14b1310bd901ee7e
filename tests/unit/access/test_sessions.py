"""Sessions: who is logged in, for how long, and how it ends."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jiceng_cms.access.localdb import LocalDatabase, to_moment, to_number
from jiceng_cms.access.sessions import Cookie, Session, SessionLimits, SessionStore

NOON = datetime(2026, 9, 30, 4, 0, tzinfo=UTC)
LIMITS = SessionLimits(
    idle=timedelta(minutes=60), absolute=timedelta(hours=12), fresh=timedelta(minutes=10)
)


def after(**units: float) -> datetime:
    return NOON + timedelta(**units)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "sessions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SessionStore]:
    opened = SessionStore(path, LIMITS)
    yield opened
    opened.close()


def test_a_login_is_remembered(store: SessionStore) -> None:
    session_id, session = store.create("clerk", NOON, "clerk@990101100201")
    assert store.get(session_id, after(minutes=5)) == session
    assert session.login == "clerk"
    assert session.acting_role == "clerk@990101100201"
    assert session.created == session.last_seen == session.fresh_at == NOON


def test_each_login_has_an_id_and_a_token_of_its_own(store: SessionStore) -> None:
    made = [store.create("clerk", NOON) for _ in range(50)]
    assert len({session_id for session_id, _ in made}) == 50
    assert len({session.csrf for _, session in made}) == 50
    assert not {session_id for session_id, _ in made} & {session.csrf for _, session in made}
    assert all(len(session_id) == 43 for session_id, _ in made)


@pytest.mark.parametrize(
    "given_id", [None, "", "x", "x" * 43, "长" * 43, "\ud800" * 43, "a" * 1_000_000, "' OR 1=1 --"]
)
def test_what_nobody_was_given_opens_nothing(store: SessionStore, given_id: str | None) -> None:
    store.create("clerk", NOON)
    assert store.get(given_id, NOON) is None
    assert not store.revoke(given_id)


def test_a_stolen_file_opens_nothing(store: SessionStore, path: Path) -> None:
    session_id, session = store.create("clerk", NOON)
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert session_id.encode() not in kept
    assert session.login.encode() in kept, "the search of the file must be able to find something"
    assert store.get(session.key, NOON) is None
    assert store.get(session.key[:43], NOON) is None


def test_only_the_owner_of_the_site_reads_the_file(store: SessionStore, path: Path) -> None:
    store.create("clerk", NOON)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}


def test_unused_for_too_long_it_ends(store: SessionStore) -> None:
    session_id, _ = store.create("clerk", NOON)
    assert store.get(session_id, after(minutes=59, seconds=59)) is not None
    assert store.get(session_id, after(minutes=60)) is None


def test_use_prolongs_it_up_to_the_absolute_limit(store: SessionStore) -> None:
    session_id, _ = store.create("clerk", NOON)
    for minutes in range(30, 12 * 60, 30):
        assert store.touch(session_id, after(minutes=minutes))
    assert store.get(session_id, after(hours=11, minutes=59)) is not None
    assert store.get(session_id, after(hours=12)) is None


def test_touch_writes_once_a_minute(store: SessionStore) -> None:
    session_id, _ = store.create("clerk", NOON)
    assert not store.touch(session_id, after(seconds=59))
    assert store.touch(session_id, after(seconds=60))
    assert not store.touch(session_id, after(seconds=119))
    assert store.touch(session_id, after(seconds=120))
    session = store.get(session_id, after(seconds=120))
    assert session is not None
    assert session.last_seen == after(seconds=120)


def test_an_ended_session_is_not_revived(store: SessionStore) -> None:
    session_id, _ = store.create("clerk", NOON)
    late = after(minutes=61)
    assert not store.touch(session_id, late)
    assert not store.mark_fresh(session_id, late)
    assert not store.act_as(session_id, "approver@990101100201", late)
    assert store.get(session_id, late) is None


def test_a_clock_that_is_set_back_lengthens_nothing(store: SessionStore) -> None:
    session_id, _ = store.create("clerk", NOON)
    assert store.get(session_id, after(seconds=-30)) is not None
    assert store.get(session_id, after(hours=-2)) is None
    assert not store.is_fresh(store.create("clerk", NOON)[1], after(hours=-2))


def test_a_touch_that_can_not_be_written_loses_the_note_and_not_the_page(
    store: SessionStore, path: Path
) -> None:
    session_id, _ = store.create("clerk", NOON)
    with sqlite3.connect(path) as other:
        # another process hangs in the middle of a write; a full disk raises the same error
        other.execute("BEGIN IMMEDIATE")
        store._db._connection.execute("PRAGMA busy_timeout = 10")
        assert not store.touch(session_id, after(minutes=5))
        assert store.get(session_id, after(minutes=5)) is not None
        other.rollback()
    other.close()
    assert store.touch(session_id, after(minutes=5))


def test_recent_authentication(store: SessionStore) -> None:
    session_id, session = store.create("approver", NOON)
    assert store.fresh_until(session) == after(minutes=10)
    assert store.is_fresh(session, after(minutes=9, seconds=59))
    assert not store.is_fresh(session, after(minutes=10))
    assert store.mark_fresh(session_id, after(minutes=20))
    again = store.get(session_id, after(minutes=20))
    assert again is not None
    assert store.is_fresh(again, after(minutes=29))
    assert again.csrf == session.csrf, "forms in other tabs stay good"


def test_a_touch_does_not_make_it_fresh(store: SessionStore) -> None:
    session_id, _ = store.create("approver", NOON)
    store.touch(session_id, after(minutes=15))
    session = store.get(session_id, after(minutes=15))
    assert session is not None
    assert not store.is_fresh(session, after(minutes=15))


def test_acting_in_another_role(store: SessionStore) -> None:
    session_id, _ = store.create("lin", NOON)
    assert store.act_as(session_id, "supervisor@990101100201", NOON)
    session = store.get(session_id, NOON)
    assert session is not None
    assert session.acting_role == "supervisor@990101100201"


def test_logout_ends_it_at_once_and_no_other(store: SessionStore) -> None:
    here, _ = store.create("clerk", NOON)
    there, _ = store.create("clerk", NOON)
    assert store.revoke(here)
    assert store.get(here, NOON) is None
    assert store.get(there, NOON) is not None
    assert not store.revoke(here)


def test_a_new_password_ends_all_others(store: SessionStore) -> None:
    kept, _ = store.create("clerk", NOON)
    lost = [store.create("clerk", NOON)[0] for _ in range(3)]
    other, _ = store.create("approver", NOON)
    assert store.revoke_all("clerk", keep=kept) == 3
    assert store.get(kept, NOON) is not None
    assert store.get(other, NOON) is not None
    assert all(store.get(session_id, NOON) is None for session_id in lost)
    assert store.revoke_all("clerk") == 1


def test_one_sees_and_ends_ones_own_sessions_only(store: SessionStore) -> None:
    _, old = store.create("clerk", NOON)
    _, new = store.create("clerk", after(minutes=50))
    store.create("approver", NOON)
    assert store.list("clerk", after(minutes=55)) == (new, old)
    assert store.list("clerk", after(minutes=65)) == (new,)
    assert not store.revoke_key(new.key, login="approver")
    assert store.revoke_key(new.key, login="clerk")
    assert store.list("clerk", after(minutes=55)) == (old,)


def test_ended_sessions_are_cleared_away(store: SessionStore) -> None:
    store.create("clerk", NOON)
    living, _ = store.create("clerk", after(minutes=30))
    assert store.purge(after(minutes=61)) == 1
    assert store.get(living, after(minutes=61)) is not None


def test_sessions_outlive_a_restart(store: SessionStore, path: Path) -> None:
    session_id, session = store.create("clerk", NOON)
    second = SessionStore(path, LIMITS)
    try:
        assert second.get(session_id, NOON) == session
        assert second.revoke(session_id)
        assert store.get(session_id, NOON) is None
    finally:
        second.close()


def test_a_file_that_is_torn_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all " * 500)
    store = SessionStore(path, LIMITS)
    try:
        session_id, _ = store.create("clerk", NOON)
        assert store.get(session_id, NOON) is not None
    finally:
        store.close()
    assert path.with_name("sessions.sqlite.damaged").read_bytes().startswith(b"no database")


def test_threads_do_not_disturb_each_other(store: SessionStore) -> None:
    made: dict[str, list[str]] = {}
    errors: list[BaseException] = []

    def person(login: str) -> None:
        try:
            mine = made.setdefault(login, [])
            for step in range(20):
                session_id, _ = store.create(login, NOON)
                mine.append(session_id)
                found = store.get(session_id, NOON)
                assert found is not None
                assert found.login == login
                if step % 2:
                    assert store.revoke(mine.pop(0))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=person, args=(f"p{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for login, mine in made.items():
        assert {s.key for s in store.list(login, NOON)} == {
            s.key for one in mine if (s := store.get(one, NOON)) is not None
        }
        assert len(mine) == 10


def test_a_naive_time_is_refused(store: SessionStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        store.create("clerk", datetime(2026, 9, 30))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_times_come_back_as_they_were(moment: datetime) -> None:
    assert to_moment(to_number(moment)) == moment


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    db = LocalDatabase(tmp_path / "x.sqlite", "CREATE TABLE IF NOT EXISTS t (v INTEGER)")

    def half_done() -> None:
        with db.writing() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            connection.execute("INSERT INTO nowhere VALUES (2)")

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        half_done()
    with db.reading() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    db.close()


def test_settings() -> None:
    limits = SessionLimits.from_settings({"access.session.idle_minutes": "30"})
    assert limits.idle == timedelta(minutes=30)
    assert limits.absolute == SessionLimits().absolute
    with pytest.raises(ValueError, match="idle_minutes is longer"):
        SessionLimits.from_settings({"access.session.idle_minutes": "721"})
    for bad in ("0", "1", "ten", "10081"):
        with pytest.raises(ValueError, match="fresh_minutes"):
            SessionLimits.from_settings({"access.session.fresh_minutes": bad})


class SessionsLive(RuleBasedStateMachine):
    """The store against a plain dictionary, under any order of calls as time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.store = SessionStore(_fresh_folder() / "sessions.sqlite", LIMITS)
        self.now = NOON
        self.model: dict[str, list[datetime]] = {}  # id -> [created, last seen]

    def teardown(self) -> None:
        self.store.close()

    def alive(self, session_id: str) -> bool:
        created, seen = self.model[session_id]
        return self.now - seen < LIMITS.idle and self.now - created < LIMITS.absolute

    @rule(minutes=st.integers(0, 90))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def login(self) -> None:
        session_id, _ = self.store.create("clerk", self.now)
        self.model[session_id] = [self.now, self.now]

    @precondition(lambda self: bool(self.model))
    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        session_id = data.draw(st.sampled_from(sorted(self.model)))
        expected = self.alive(session_id) and self.now > self.model[session_id][1]
        assert self.store.touch(session_id, self.now) is expected
        if expected:
            self.model[session_id][1] = self.now

    @precondition(lambda self: bool(self.model))
    @rule(data=st.data())
    def logout(self, data: st.DataObject) -> None:
        session_id = data.draw(st.sampled_from(sorted(self.model)))
        self.store.revoke(session_id)
        del self.model[session_id]

    @rule()
    def clear_away(self) -> None:
        dead = {session_id for session_id in self.model if not self.alive(session_id)}
        assert self.store.purge(self.now) == len(dead)
        for session_id in dead:
            del self.model[session_id]

    @invariant()
    def agree(self) -> None:
        for session_id in self.model:
            assert (self.store.get(session_id, self.now) is not None) is self.alive(session_id)
        living = sum(map(self.alive, self.model))
        assert len(self.store.list("clerk", self.now)) == living


_folders: list[Path] = []


def _fresh_folder() -> Path:
    folder = _folders[0] / str(len(_folders))
    _folders.append(folder)
    return folder


def test_any_order_of_calls(tmp_path: Path) -> None:
    from hypothesis import settings
    from hypothesis.stateful import run_state_machine_as_test

    _folders[:] = [tmp_path]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        SessionsLive, settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )


def test_the_cookie_over_tls() -> None:
    cookie = Cookie(secure=True)
    assert cookie.name == "__Host-jiceng"
    name, value = cookie.header("abc-_1")
    assert name == "Set-Cookie"
    head, *attributes = value.split("; ")
    assert head == "__Host-jiceng=abc-_1"
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert not any(part.startswith("Domain") for part in attributes)


def test_the_cookie_on_a_try_out_without_tls() -> None:
    cookie = Cookie(secure=False)
    assert cookie.name == "jiceng"
    assert "Secure" not in cookie.header("abc")[1]
    assert "HttpOnly" in cookie.header("abc")[1]


def test_a_site_that_says_nothing_is_behind_tls() -> None:
    assert Cookie.from_settings({}).secure
    assert not Cookie.from_settings({"access.secure": "False"}).secure
    assert Cookie.from_settings({}, base="jiceng-login").name == "__Host-jiceng-login"
    with pytest.raises(ValueError, match=r"access\.secure"):
        Cookie.from_settings({"access.secure": "no"})


def test_clearing_the_cookie_matches_setting_it() -> None:
    cookie = Cookie(secure=True)
    _, value = cookie.clearing_header()
    assert value.startswith("__Host-jiceng=; Max-Age=0")
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
        assert attribute in value.split("; ")


@pytest.mark.parametrize("value", ["", "a;b", "a b", "a\r\nSet-Cookie: x=y", "长", "a" * 201])
def test_nothing_else_gets_into_the_cookie(value: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        Cookie(secure=True).header(value)


def test_over_tls_the_unprotected_name_is_not_read() -> None:
    assert Cookie(secure=True).read({"jiceng": "planted"}) is None
    assert Cookie(secure=True).read({"__Host-jiceng": "ours"}) == "ours"


def test_a_session_can_not_be_changed_by_its_reader(store: SessionStore) -> None:
    _, session = store.create("clerk", NOON)
    with pytest.raises(AttributeError):
        session.login = "approver"  # type: ignore[misc]
    assert isinstance(session, Session)
