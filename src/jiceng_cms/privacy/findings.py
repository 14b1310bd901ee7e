"""What a detector reports: where something like a personal number stands, never the number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

#: ``sure``: checks agree, it must go. ``asks``: it looks like one, a person decides.
Certainty = Literal["sure", "asks"]

#: What stands in for each character of a number. No digit is left: a part still identifies.
MASK = "●"


@dataclass(frozen=True)
class Finding:
    """One place in one field. ``start`` and ``end`` are offsets in the text as it was entered.

    ``excerpt_masked`` has no digit of the number, so a page or a log can show it whole.
    ``reason`` says in Chinese what it looks like and what to do.
    """

    kind: str
    field: str
    start: int
    end: int
    excerpt_masked: str
    reason: str
    certainty: Certainty = "sure"


class Detector(Protocol):
    """Looks for one kind of personal data in a text."""

    kind: str

    def scan(self, field: str, text: str) -> Iterable[Finding]:
        """Everything of this kind in ``text``; never raises, whatever the text."""
        ...
