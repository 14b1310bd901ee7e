"""Numbers in a text however they are spaced: full width, with blanks, hyphens, hidden marks.

A candidate is made of whole groups of digits, so that a part of a longer number is never taken
for a number of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

#: Between the digits of one number; a line break or tab only where a check digit agrees.
_HYPHENS = frozenset("-‐‑‒–—―−－_~.·•")
_BREAKS = frozenset("\n\t\r")
#: How the last place of an ID number is written by hand and by other alphabets.
_TENS = frozenset("Xx×ХхΧχ")
#: Separators in a row that still belong to one number.
_MAX_GAP = 3


@dataclass(frozen=True)
class Candidate:
    """Digits that may be one number. ``shape`` has the sizes of its groups.

    ``start`` and ``end`` are offsets in the raw text; ``broken`` says that a line break or a tab
    lies within; ``letter_before`` and ``letter_after`` that a Latin letter touches it;
    ``decimals`` that it goes on like a sum of money; ``spelled`` that it stands digit by digit
    and is no part of a longer row of single digits.
    """

    digits: str
    shape: tuple[int, ...]
    start: int
    end: int
    broken: bool
    letter_before: bool
    letter_after: bool
    decimals: bool
    spelled: bool

    @property
    def separated(self) -> bool:
        """Whether anything stands between its digits."""
        return len(self.shape) > 1

    @property
    def tidy(self) -> bool:
        """In one piece, in at most four groups, or digit by digit: as people write one number."""
        return len(self.shape) <= 4 or self.spelled


class Folded:
    """A text with full-width and other digits made plain and hidden marks left out.

    ``text[i]`` comes from ``raw[origin[i]]``.
    """

    def __init__(self, raw: str) -> None:
        characters: list[str] = []
        origin: list[int] = []
        for index, character in enumerate(raw):
            for plain in _fold(character):
                characters.append(plain)
                origin.append(index)
        self.raw = raw
        self.text = "".join(characters)
        self.origin = origin
        self._groups = self._find_groups()
        #: Where the gap behind each group joins it to the next: "" no, " " yes, "\n" by a break.
        self._joins = [self._join(index) for index in range(len(self._groups))]

    def _join(self, index: int) -> str:
        if index + 1 == len(self._groups):
            return ""
        gap = self.text[self._groups[index][1] : self._groups[index + 1][0]]
        if not _is_gap(gap):
            return ""
        return "\n" if any(character in _BREAKS for character in gap) else " "

    def _single(self, index: int) -> bool:
        start, end = self._groups[index]
        return end - start == 1

    def _spelled(self, first: int, last: int) -> bool:
        """Of groups that are single digits: whether their neighbours are none."""
        before = first > 0 and self._joins[first - 1] != "" and self._single(first - 1)
        after = self._joins[last] != "" and self._single(last + 1)
        return not (before or after)

    def _find_groups(self) -> list[tuple[int, int]]:
        groups = []
        start: int | None = None
        for index, character in enumerate(self.text):
            if "0" <= character <= "9":
                if start is None:
                    start = index
            elif start is not None:
                groups.append((start, index))
                start = None
        if start is not None:
            groups.append((start, len(self.text)))
        return groups

    def candidates(
        self, lengths: Collection[int], *, with_x: bool = False, most_groups: int = 18
    ) -> Iterator[Candidate]:
        """Every run of whole groups with one of these numbers of digits.

        Of runs with more than ``most_groups`` groups only those spelled digit by digit.
        ``with_x``: one digit fewer and an X at the end are a candidate too, with ``X`` as its
        last character.
        """
        longest, shortest = max(lengths), min(lengths) - with_x
        for first, (start, _) in enumerate(self._groups):
            digits = ""
            shape: list[int] = []
            broken = False
            for position in range(first, len(self._groups)):
                begin, end = self._groups[position]
                if position > first:
                    join = self._joins[position - 1]
                    if not join:
                        break
                    broken = broken or join == "\n"
                digits += self.text[begin:end]
                shape.append(end - begin)
                if len(digits) > longest or (len(shape) > most_groups and len(digits) > len(shape)):
                    break
                if len(digits) < shortest:
                    continue
                spelled = len(shape) == len(digits) and self._spelled(first, position)
                if len(shape) > most_groups and not spelled:
                    continue
                if with_x and len(digits) + 1 in lengths:
                    ten = self._ten_after(end)
                    if ten is not None:
                        yield self._candidate(digits + "X", shape, start, ten + 1, broken, spelled)
                if len(digits) in lengths:
                    yield self._candidate(digits, shape, start, end, broken, spelled)

    def windows(self, size: int) -> Iterator[tuple[int, str]]:
        """(place in the folded text, ``size`` digits) inside every longer group.

        Text taken out of files often glues a number to its neighbour.
        """
        for start, end in self._groups:
            if end - start > size:
                for place in range(start, end - size + 1):
                    yield place, self.text[place : place + size]

    def window(self, place: int, digits: str) -> Candidate:
        """The candidate for one of :meth:`windows`."""
        return self._candidate(digits, [len(digits)], place, place + len(digits), False, False)

    def _ten_after(self, end: int) -> int | None:
        """Where the X stands that ends a number, at most a gap behind ``end``."""
        for index in range(end, min(end + _MAX_GAP + 1, len(self.text))):
            character = self.text[index]
            if character in _TENS:
                after = self.text[index + 1 : index + 2]
                return None if _is_latin(after) or after.isdecimal() else index
            if not _is_gap(character) or character in _BREAKS:
                return None
        return None

    def _candidate(
        self, digits: str, shape: list[int], start: int, end: int, broken: bool, spelled: bool
    ) -> Candidate:
        return Candidate(
            digits=digits,
            shape=tuple(shape),
            start=self.origin[start],
            end=self.origin[end - 1] + 1,
            broken=broken,
            letter_before=_is_latin(self.text[start - 1 : start] if start else ""),
            letter_after=_is_latin(self.text[end : end + 1]),
            decimals=self._decimals(end),
            spelled=spelled,
        )

    def _decimals(self, end: int) -> bool:
        """``.00`` behind it, which is no day, month or hour."""
        tail = self.text[end : end + 4]
        if len(tail) < 3 or tail[0] != "." or not tail[1:3].isdecimal():
            return False
        return not (tail[3:].isdecimal() or tail[3:] in tuple("年月日号点时"))

    def words_before(self, start: int, count: int) -> str:
        """Up to ``count`` characters of the raw text before ``start``, on the same line."""
        return self.raw[max(0, start - count) : start].rpartition("\n")[2]


def _fold(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me"):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Zs":
        return " "
    return unicodedata.normalize("NFKC", character)


def _is_gap(text: str) -> bool:
    return len(text) <= _MAX_GAP and all(
        character == " " or character in _HYPHENS or character in _BREAKS for character in text
    )


def _is_latin(text: str) -> bool:
    return text.isascii() and text.isalpha()
