"""Sessions of those who logged in: on the server, outside the ZODB, behind an opaque id.

The browser holds 32 random bytes; the file holds only their hash, so that a stolen copy of it
opens nothing. Readers without an account have no session and get no cookie.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .localdb import LocalDatabase, to_moment, to_number

RandomBytes = Callable[[int], bytes]

#: 32 bytes as base64url without padding
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

# sessions of an older shape end: their people sign in again
_SCHEMA = """
DROP TABLE IF EXISTS session;
CREATE TABLE IF NOT EXISTS login_session (
    key TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    csrf TEXT NOT NULL,
    acting_role TEXT,
    fresh_at INTEGER NOT NULL,
    two_factor INTEGER NOT NULL,
    place TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS login_session_login ON login_session (login);
"""
_COLUMNS = "key, login, created, last_seen, csrf, acting_role, fresh_at, two_factor, place"


def random_token(random: RandomBytes = secrets.token_bytes) -> str:
    """32 random bytes as 43 characters that may stand in a cookie, a form and an address."""
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode("ascii")


def _key(session_id: str) -> str:
    return hashlib.sha256(b"jiceng session\0" + session_id.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Session:
    """What the server remembers of one login; times are aware UTC."""

    #: names the session in lists and for revoking; opens nothing
    key: str
    login: str
    created: datetime
    last_seen: datetime
    #: the token that each form of this session carries
    csrf: str
    #: the role and place that the person chose to act in, or None before a choice
    acting_role: str | None
    #: when the password was last given
    fresh_at: datetime
    #: whether a code from the phone, or a recovery code, was given too
    two_factor: bool = False
    #: where it was begun, in words for its owner: device, program, network
    place: str = ""


@dataclass(frozen=True)
class SessionLimits:
    """How long a session lives."""

    #: unused for so long, it ends
    idle: timedelta = timedelta(minutes=60)
    #: so long after the login it ends in any case
    absolute: timedelta = timedelta(hours=12)
    #: for so long after the password was given no action asks for it again
    fresh: timedelta = timedelta(minutes=10)
    #: `touch` writes at most once in this time
    touch_every: timedelta = timedelta(minutes=1)

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> SessionLimits:
        """Read `access.session.idle_minutes`, `.absolute_minutes` and `.fresh_minutes`.

        Raises ValueError that names the setting when one is not a whole number of minutes from 2
        to 10,080 (a week), or idle is longer than absolute.
        """

        def minutes(name: str, default: timedelta) -> timedelta:
            text = str(settings.get(name, int(default.total_seconds()) // 60)).strip()
            if not text.isdecimal() or not 2 <= int(text) <= 7 * 24 * 60:
                raise ValueError(f"{name} = {text}: expected whole minutes from 2 to 10080")
            return timedelta(minutes=int(text))

        limits = cls(
            idle=minutes("access.session.idle_minutes", cls.idle),
            absolute=minutes("access.session.absolute_minutes", cls.absolute),
            fresh=minutes("access.session.fresh_minutes", cls.fresh),
        )
        if limits.idle > limits.absolute:
            raise ValueError("access.session.idle_minutes is longer than absolute_minutes")
        return limits


class SessionStore:
    """The sessions of a site, in one SQLite file; safe to use from any thread.

    Every method that takes `session_id` takes what the browser sent, whatever it is.
    """

    def __init__(
        self,
        path: Path,
        limits: SessionLimits | None = None,
        random: RandomBytes = secrets.token_bytes,
    ) -> None:
        self.limits = limits or SessionLimits()
        self._random = random
        self._db = LocalDatabase(path, _SCHEMA)

    def create(
        self,
        login: str,
        now: datetime,
        acting_role: str | None = None,
        *,
        two_factor: bool = False,
        place: str = "",
        fresh_at: datetime | None = None,
    ) -> tuple[str, Session]:
        """Begin a session after a login: the new id for the cookie, and the session.

        ``fresh_at`` is when the person showed who they are, where that was not just now.
        Ids are never reused and never taken from the browser, so nobody can plant one.
        """
        session_id = random_token(self._random)
        session = Session(
            _key(session_id), login, now, now, random_token(self._random), acting_role,
            fresh_at or now, two_factor, place[:200],
        )
        moment = to_number(now)
        with self._db.writing() as db:
            db.execute(
                f"INSERT INTO login_session ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    session.key, login, moment, moment, session.csrf, acting_role,
                    to_number(session.fresh_at), int(two_factor), session.place,
                ),
            )
        return session_id, session

    def get(self, session_id: str | None, now: datetime) -> Session | None:
        """The session behind an id, or None when there is none or it has ended. Never writes."""
        if session_id is None or not TOKEN.fullmatch(session_id):
            return None
        with self._db.reading() as db:
            row = db.execute(
                f"SELECT {_COLUMNS} FROM login_session WHERE key = ?",  # noqa: S608
                (_key(session_id),),
            ).fetchone()
        if row is None:
            return None
        session = _session(row)
        return session if self._lives(session, now) else None

    def _lives(self, session: Session, now: datetime) -> bool:
        # a clock that was set back must not lengthen a session: one from the future is over
        slack = self.limits.touch_every
        return (
            now - session.last_seen < self.limits.idle
            and now - session.created < self.limits.absolute
            and session.created <= now + slack
        )

    def touch(self, session_id: str, now: datetime) -> bool:
        """Note that the session is in use; True when that was written.

        Writes at most once a minute. A disk without room or a file that another process holds
        loses the note and not the page: reading goes on.
        """
        session = self.get(session_id, now)
        if session is None or now - session.last_seen < self.limits.touch_every:
            return False
        try:
            return self._update(session.key, "last_seen = max(last_seen, ?)", to_number(now))
        except sqlite3.OperationalError:
            return False

    def mark_fresh(self, session_id: str, now: datetime) -> bool:
        """Note that the password was just given again; False when the session has ended."""
        session = self.get(session_id, now)
        return session is not None and self._update(session.key, "fresh_at = ?", to_number(now))

    def mark_two_factor(self, session_id: str, now: datetime) -> bool:
        """Note that the person showed a second factor; False when the session has ended."""
        session = self.get(session_id, now)
        return session is not None and self._update(session.key, "two_factor = ?", 1)

    def act_as(self, session_id: str, role: str | None, now: datetime) -> bool:
        """Remember the role that the person acts in; False when the session has ended."""
        session = self.get(session_id, now)
        return session is not None and self._update(session.key, "acting_role = ?", role)

    def _update(self, key: str, change: str, value: int | str | None) -> bool:
        with self._db.writing() as db:
            done = db.execute(f"UPDATE login_session SET {change} WHERE key = ?", (value, key))  # noqa: S608
        return done.rowcount == 1

    def fresh_until(self, session: Session) -> datetime:
        """Until when no action of this session needs the password again."""
        return session.fresh_at + self.limits.fresh

    def is_fresh(self, session: Session, now: datetime) -> bool:
        """Whether the password was given recently enough for publishing, withdrawing, granting."""
        return session.fresh_at - self.limits.touch_every <= now < self.fresh_until(session)

    def list(self, login: str, now: datetime) -> tuple[Session, ...]:
        """The living sessions of an account, the one used last first."""
        with self._db.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM login_session WHERE login = ? "  # noqa: S608
                "ORDER BY last_seen DESC, key",
                (login,),
            ).fetchall()
        sessions = (_session(row) for row in rows)
        return tuple(session for session in sessions if self._lives(session, now))

    def revoke(self, session_id: str | None) -> bool:
        """End a session at once (logout); False when there was none."""
        return session_id is not None and self.revoke_key(_key(session_id))

    def revoke_key(self, key: str, login: str | None = None) -> bool:
        """End the session that a list names by `key`; with `login` only if it is that account's."""
        with self._db.writing() as db:
            done = db.execute(
                "DELETE FROM login_session WHERE key = ? AND login = coalesce(?, login)", (key, login)
            )
        return done.rowcount == 1

    def revoke_all(self, login: str, keep: str | None = None) -> int:
        """End every session of an account but the one with the id `keep`; how many ended.

        For a new password, a lost telephone, an account that is closed.
        """
        kept = "" if keep is None else _key(keep)
        with self._db.writing() as db:
            done = db.execute("DELETE FROM login_session WHERE login = ? AND key <> ?", (login, kept))
        return done.rowcount

    def purge(self, now: datetime) -> int:
        """Delete sessions that have ended by themselves; how many. For the worker, now and then."""
        with self._db.writing() as db:
            done = db.execute(
                "DELETE FROM login_session WHERE last_seen <= ? OR created <= ? OR created > ?",
                (
                    to_number(now - self.limits.idle),
                    to_number(now - self.limits.absolute),
                    to_number(now + self.limits.touch_every),
                ),
            )
        return done.rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _session(row: tuple[str, str, int, int, str, str | None, int, int, str]) -> Session:
    key, login, created, last_seen, csrf, role, fresh_at, two_factor, place = row
    return Session(
        key, login, to_moment(created), to_moment(last_seen), csrf, role, to_moment(fresh_at),
        bool(two_factor), place,
    )


@dataclass(frozen=True)
class Cookie:
    """A cookie of this site: what it is called and how it is set.

    With `secure` the name begins with `__Host-`: browsers then take it only over TLS, only from
    this host and only for the whole of it. Without (a try-out on 127.0.0.1) the prefix is left off,
    since browsers would refuse it.
    """

    secure: bool
    base: str = "jiceng"

    @classmethod
    def from_settings(cls, settings: Mapping[str, str], base: str = "jiceng") -> Cookie:
        """Read `access.secure`, `true` unless the site says `false`; ValueError for other words."""
        text = str(settings.get("access.secure", "true")).strip().lower()
        if text not in ("true", "false"):
            raise ValueError(f"access.secure = {text}: expected true or false")
        return cls(text == "true", base)

    @property
    def name(self) -> str:
        """`__Host-jiceng`, or `jiceng` without TLS."""
        return f"__Host-{self.base}" if self.secure else self.base

    def read(self, cookies: Mapping[str, str]) -> str | None:
        """The value that the browser sent, or None."""
        return cookies.get(self.name)

    def header(self, value: str) -> tuple[str, str]:
        """The response header that sets the cookie until the browser closes.

        Raises ValueError for a value with characters that have no place in a cookie.
        """
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", value):
            raise ValueError("not a value for a cookie")
        return "Set-Cookie", f"{self.name}={value}{self._attributes}"

    def clearing_header(self) -> tuple[str, str]:
        """The response header that removes the cookie."""
        return "Set-Cookie", f"{self.name}=; Max-Age=0{self._attributes}"

    @property
    def _attributes(self) -> str:
        return "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")
