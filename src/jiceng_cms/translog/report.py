"""What a verification of the log says: problems with a code, a text and the entry they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Problems of one kind that are named one by one; the rest is counted.
NAMED = 100


@dataclass(frozen=True)
class Problem:
    """Something that doesn't fit. ``code`` is stable, ``text`` is for people; ``index`` and
    ``pointer`` name the entry where it is known."""

    code: str
    text: str
    index: int | None = None
    pointer: str | None = None


@dataclass(frozen=True)
class Claim:
    """What a walk through the records found about one event.

    ``leaf_index`` says which entry should be the event's; ``problem`` is empty where the record
    fits its commitments.
    """

    pointer: str
    leaf_index: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Report:
    """What a verification found; ``root`` is recomputed from the ``size`` entries there are."""

    size: int
    root: bytes
    problems: tuple[Problem, ...]
    #: How many more problems of a code there are than are named.
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything fits."""
        return not self.problems


class Findings:
    """Collects problems: names each once, and no more than :data:`NAMED` of a kind."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.more: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._seen: set[tuple[str, int]] = set()

    def add(self, code: str, text: str, index: int | None = None, pointer: str | None = None) -> None:
        """Name a problem, unless it was named for this entry before."""
        if index is not None:
            if (code, index) in self._seen:
                return
            self._seen.add((code, index))
        self._counts[code] += 1
        if self._counts[code] > NAMED:
            self.more[code] += 1
        else:
            self.problems.append(Problem(code, text, index, pointer))
