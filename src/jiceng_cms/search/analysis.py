"""Analysis of Chinese text: normalising without moving a character, runs, grams, queries.

Membership is decided by overlapping pairs of characters and a literal check, never by words of
a dictionary: a dictionary misses the names of people and villages (DESIGN 4.5).
"""

from __future__ import annotations

import operator
import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..locale import say
from .interface import MAX_QUERY_CHARS, MAX_QUERY_TERMS, QueryTooLong

# Ideographs: the iteration and zero marks, Suzhou numerals, the base block, its extensions (A in
# the first plane; B to H and the compatibility supplement in the second and third).
_HAN = (
    "\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufad9"
    "\U00020000-\U0002fa1d\U00030000-\U000323af"
)
_RUN = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+")
_WORD_RUN = re.compile(f"[^\\W_{_HAN}]+")
_IDEOGRAPH = re.compile(f"[{_HAN}]")
_EDGES = re.compile(f"^[^{_HAN}\\w]+|[^{_HAN}\\w]+$")

#: Stands around each run of letters and digits in marked text, so that a plain substring search
#: finds whole runs only. Never in normalised text: control characters become spaces there.
RUN_MARK = "\x01"
#: Stands between the fields of a document in marked text.
FIELD_MARK = "\x1f"

NO_WORDS_HINT = "请输入要查的字词，例如人名、村名、事项或年份；只有标点符号时查不到内容。"


class _Folding(dict[int, int]):
    """Code point to code point, filled as characters are met (for ``str.translate``)."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._converter: Any = None

    def __missing__(self, code: int) -> int:
        char = chr(code)
        # A few chains take two steps (薴, 苧, 苎): go on until nothing changes.
        for _ in range(4):
            folded = self._fold(char)
            if folded == char:
                break
            char = folded
        self[code] = ord(char)
        return self[code]

    def _fold(self, char: str) -> str:
        if char.isspace() or unicodedata.category(char) in ("Cc", "Cs"):
            return " "
        # Full width, compatibility ideographs and radicals, where one character stays one.
        for candidate in (unicodedata.normalize("NFKC", char), char.lower()):
            if len(candidate) == 1 and candidate != char:
                return candidate
        if _IDEOGRAPH.match(char):
            simplified = self._simplify(char)
            if len(simplified) == 1:
                return simplified
        return char

    def _simplify(self, char: str) -> str:
        with self._lock:
            if self._converter is None:
                # Not at import: pages that never search need not read its dictionaries.
                import opencc

                self._converter = opencc.OpenCC("t2s")
            return str(self._converter.convert(char))


_FOLDING = _Folding()


def normalise(text: str) -> str:
    """``text`` in half width, lower case and simplified characters, **of the same length**.

    Character ``i`` of the answer stands for character ``i`` of ``text``, so offsets found in the
    one are valid in the other. White space and control characters become spaces.
    """
    return text.translate(_FOLDING)


def runs(text: str) -> Iterator[str]:
    """The runs of a normalised text: maximal sequences of ideographs, or of letters and digits."""
    return (match.group() for match in _RUN.finditer(text))


def is_ideograph(char: str) -> bool:
    """Whether ``char`` is a Chinese character."""
    return _IDEOGRAPH.match(char) is not None


def is_run_char(char: str) -> bool:
    """Whether ``char`` belongs to a run of letters and digits."""
    return _WORD_RUN.match(char) is not None


def grams(text: str) -> set[str]:
    """The index terms of a normalised text: what may be asked about its existence.

    Each ideograph, each pair of neighbouring ideographs, each whole run of letters and digits
    that fits into a query. The single ideographs answer queries of one character, and those
    such as ``2023年`` whose ideograph has a number for its only neighbour.
    """
    found: set[str] = set()
    for run in runs(text):
        if _IDEOGRAPH.match(run):
            found.update(run)
            found.update(map(operator.add, run, run[1:]))
        elif len(run) <= MAX_QUERY_CHARS:
            found.add(run)
    return found


def mark(text: str) -> str:
    """A normalised text with RUN_MARK around each run of letters and digits."""
    return _WORD_RUN.sub(f"{RUN_MARK}\\g<0>{RUN_MARK}", text)


@dataclass(frozen=True)
class Term:
    """A word or quoted phrase to be found literally.

    ``text`` is normalised; ``needle`` is what stands in marked text (UTF-8); ``grams`` are index
    terms that a document must have; ``exact`` says that having them is already the answer.
    """

    text: str
    needle: bytes
    grams: tuple[str, ...]
    exact: bool

    @classmethod
    def of(cls, text: str) -> Term:
        """The term for a normalised text that has at least one run."""
        needed: dict[str, None] = {}
        for run in runs(text):
            if not _IDEOGRAPH.match(run) or len(run) == 1:
                needed[run] = None
            else:
                needed.update(dict.fromkeys(map(operator.add, run, run[1:])))
        names = tuple(needed)
        return cls(text, mark(text).encode(), names, names == (text,))


# Quotation marks that people type around a phrase, all read as one kind.
_QUOTES = {ord(c): '"' for c in "“”„‟＂«»「」『』〝〞〟"}
# What people put between words instead of a space. Only full-width marks: 1,234.50 is one word.
_SEPARATORS = {ord(c): " " for c in "，、；。？！：｜"}
_TOKEN = re.compile(r'"([^"]*)"|([^\s"]+)')


def parse_query(text: str) -> tuple[Term, ...]:
    """The words and quoted phrases of a query, each once, in order; all of them are required.

    Words are separated by white space or by the full-width ``，、；。？！：｜`` and lose the
    punctuation at their ends (``《条例》`` looks for ``条例``); a phrase in quotation marks of
    any kind stays as it is. An empty answer means that there is nothing to look for.
    Raises QueryTooLong with a message for the reader.
    """
    # Invisible marks come along when a name is copied from a document.
    visible = "".join(c for c in text.strip() if unicodedata.category(c) != "Cf").strip()
    if len(visible) > MAX_QUERY_CHARS:
        raise QueryTooLong(
            say(
                "要查的内容最多 {most} 个字，现在有 {n} 个字。请只留下最要紧的几个词再查。",
                most=MAX_QUERY_CHARS,
                n=len(visible),
            )
        )
    terms: dict[str, Term] = {}
    for phrase, words in _TOKEN.findall(visible.translate(_QUOTES)):
        if phrase:
            candidates = [normalise(phrase).strip()]
        else:
            candidates = [
                _EDGES.sub("", word) for word in normalise(words.translate(_SEPARATORS)).split()
            ]
        for candidate in candidates:
            if candidate and _RUN.search(candidate):
                terms.setdefault(candidate, Term.of(candidate))
    if len(terms) > MAX_QUERY_TERMS:
        raise QueryTooLong(
            say(
                "一次最多查 {most} 个词，现在有 {n} 个词。请只留下最要紧的几个词再查。",
                most=MAX_QUERY_TERMS,
                n=len(terms),
            )
        )
    return tuple(terms.values())
