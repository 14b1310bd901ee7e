"""Time: passed in everywhere, so that a test or the demo can say what day it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

#: The legal time of the country; every date that a person reads is in it.
TZ = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands until it is set; moves forward only."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def set(self, moment: datetime) -> None:
        """Move to ``moment``; ValueError when that lies in the past."""
        if moment < self.moment:
            raise ValueError(f"the clock stands at {self.moment}, {moment} is earlier")
        self.moment = moment

    def advance(self, **units: float) -> None:
        """Move forward by a ``timedelta`` of these units."""
        self.set(self.moment + timedelta(**units))


def local_date(moment: datetime) -> date:
    """The day in Asia/Shanghai on which an aware ``moment`` falls."""
    return moment.astimezone(TZ).date()


def iso(moment: datetime) -> str:
    """An aware moment as ``2026-09-30T01:02:03Z``, to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_iso(text: str) -> datetime:
    """The aware moment that :func:`iso` wrote; ValueError for anything else."""
    if len(text) != 20 or text[10] != "T" or text[19] != "Z":
        raise ValueError(f"no moment: {text!r}")
    return datetime.fromisoformat(text)
