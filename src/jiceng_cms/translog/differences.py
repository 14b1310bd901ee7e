"""Tells how a row of entries came to differ from the hashes that it should have."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

Difference = Literal["entry-altered", "entry-missing", "entry-inserted", "entry-moved"]


def differences(expected: Sequence[bytes], found: Sequence[bytes]) -> list[tuple[Difference, int]]:
    """(what happened, position) for each entry that is not where and what it should be.

    Positions of missing entries count in ``expected``, all others in ``found``. An entry that
    both have, at places that don't fit, was moved; it is named once, at its present place.
    """
    here, there = set(found), set(expected)
    named: list[tuple[Difference, int]] = []
    for tag, e0, e1, f0, f1 in SequenceMatcher(None, expected, found, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        lost = [e for e in range(e0, e1) if expected[e] not in here]
        new = [f for f in range(f0, f1) if found[f] not in there]
        named += [("entry-moved", f) for f in range(f0, f1) if found[f] in there]
        both = min(len(lost), len(new))
        named += [("entry-altered", f) for f in new[:both]]
        named += [("entry-missing", e) for e in lost[both:]]
        named += [("entry-inserted", f) for f in new[both:]]
    return named
