"""Between password and session: half a login, steps that were used, secrets not confirmed yet.

All of it is short-lived, changes at each login and is worth nothing afterwards, so it lies with
the sessions outside the ZODB.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .localdb import LocalDatabase, to_moment, to_number
from .sessions import TOKEN, RandomBytes, random_token

#: How long the code may take after the password, and how often it may be wrong.
PATIENCE, TRIES = timedelta(minutes=5), 5
#: How long a new secret waits for its first code.
ENROLMENT = timedelta(minutes=15)

# half a login of an older shape ends: its person begins again
_SCHEMA = """
DROP TABLE IF EXISTS half_login;
CREATE TABLE IF NOT EXISTS first_step (
    key TEXT PRIMARY KEY, login TEXT NOT NULL, until INTEGER NOT NULL, tries INTEGER NOT NULL,
    elsewhere INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used_step (login TEXT PRIMARY KEY, step INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS enrolment (
    session TEXT PRIMARY KEY, sealed BLOB NOT NULL, until INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class HalfLogin:
    """Somebody whose password was right, or whom a provider knows, and whose code is awaited."""

    login: str
    #: wrong codes that are still allowed
    left: int
    #: when a provider elsewhere last asked who it is; None after a password
    elsewhere: datetime | None = None


class SecondSteps:
    """In the file of the sessions; safe to use from any thread."""

    def __init__(self, path: Path, random: RandomBytes = secrets.token_bytes) -> None:
        self._random = random
        self._db = LocalDatabase(path, _SCHEMA)

    # ---- half a login

    def begin(self, login: str, now: datetime, elsewhere: datetime | None = None) -> str:
        """The first step is done: a token for the page that asks for the code."""
        token = random_token(self._random)
        with self._db.writing() as db:
            db.execute("DELETE FROM first_step WHERE until <= ?", (to_number(now),))
            db.execute(
                "INSERT INTO first_step VALUES (?, ?, ?, 0, ?)",
                (
                    _key(token), login, to_number(now + PATIENCE),
                    to_number(elsewhere) if elsewhere is not None else None,
                ),
            )
        return token

    def attempt(self, token: str, now: datetime) -> HalfLogin | None:
        """Count one try with this token; None when it is spent, too old or was never given."""
        if not TOKEN.fullmatch(token):
            return None
        with self._db.writing() as db:
            row = db.execute(
                "UPDATE first_step SET tries = tries + 1 WHERE key = ? AND until > ? AND tries < ?"
                " RETURNING login, tries, elsewhere",
                (_key(token), to_number(now), TRIES),
            ).fetchone()
        if row is None:
            return None
        return HalfLogin(row[0], TRIES - row[1], None if row[2] is None else to_moment(row[2]))

    def finish(self, token: str) -> bool:
        """The code was right: the token is spent; False when another request was faster."""
        with self._db.writing() as db:
            return db.execute("DELETE FROM first_step WHERE key = ?", (_key(token),)).rowcount == 1

    # ---- codes count once

    def use(self, login: str, step: int) -> bool:
        """Take a step's code; False where it, or a later one, was taken before."""
        with self._db.writing() as db:
            done = db.execute(
                "INSERT INTO used_step VALUES (?, ?) ON CONFLICT (login) DO UPDATE"
                " SET step = excluded.step WHERE excluded.step > used_step.step",
                (login, step),
            )
        return done.rowcount == 1

    # ---- secrets that wait for their first code

    def keep_secret(self, session: str, sealed: bytes, now: datetime) -> None:
        """Keep the sealed secret that this session is shown."""
        with self._db.writing() as db:
            db.execute("DELETE FROM enrolment WHERE until <= ?", (to_number(now),))
            db.execute(
                "INSERT OR REPLACE INTO enrolment VALUES (?, ?, ?)",
                (session, sealed, to_number(now + ENROLMENT)),
            )

    def kept_secret(self, session: str, now: datetime) -> bytes | None:
        """The sealed secret that this session was shown, while it waits."""
        with self._db.reading() as db:
            row = db.execute(
                "SELECT sealed FROM enrolment WHERE session = ? AND until > ?", (session, to_number(now))
            ).fetchone()
        return None if row is None else bytes(row[0])

    def drop_secret(self, session: str) -> None:
        """The secret was confirmed, or is not wanted any more."""
        with self._db.writing() as db:
            db.execute("DELETE FROM enrolment WHERE session = ?", (session,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _key(token: str) -> str:
    return hashlib.sha256(b"jiceng half login\0" + token.encode("utf-8", "replace")).hexdigest()
