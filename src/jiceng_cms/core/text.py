"""Checks on what people type: no invisible characters, one form of each character, lengths.

Text is stored in NFC; names of people and places are stored as entered; NFKC serves only keys
for matching.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

#: Names for those invisible characters that really turn up in pasted text.
_NAMES: Mapping[int, str] = {
    0x00: "空字符",
    0x09: "制表符",
    0x0A: "换行",
    0x0D: "换行",
    0x7F: "删除符",
    0xAD: "软连字符",
    0x61C: "文字方向控制符",
    0x180E: "零宽分隔符",
    0x200B: "零宽空格",
    0x200C: "零宽不连字",
    0x200D: "零宽连字",
    0x200E: "文字方向控制符",
    0x200F: "文字方向控制符",
    0x202A: "文字方向控制符",
    0x202B: "文字方向控制符",
    0x202C: "文字方向控制符",
    0x202D: "文字方向控制符",
    0x202E: "文字方向控制符",
    0x2060: "零宽连接符",
    0x2066: "文字方向控制符",
    0x2067: "文字方向控制符",
    0x2068: "文字方向控制符",
    0x2069: "文字方向控制符",
    0xFEFF: "零宽空格",
}
#: Letters that show as nothing: Hangul fillers, the blank Braille cell.
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
#: What other programs end a line with: Word's soft break, Mac, Unicode.
_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SHOWN = 5


class TextRefused(ValueError):
    """Text that can't be taken; the message tells what is wrong, where, and what to do."""

    def __init__(self, problems: tuple[TextProblem, ...]) -> None:
        told = [problem.message for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            told.append(f"这样的地方一共有{len(problems)}处。")
        self.message = "".join(told)
        self.problems = problems
        super().__init__(self.message)


@dataclass(frozen=True)
class TextProblem:
    """One fault; ``position`` counts characters from 1, 0 where the whole text is meant."""

    message: str
    position: int = 0
    character: str = ""


def check_characters(text: str, label: str = "文字", *, multiline: bool = False) -> tuple[TextProblem, ...]:
    """The characters of ``text`` that may not be stored, each with its place.

    Refused are bidi controls, zero-width and other control characters, blank letters, private
    characters that another machine can't show, and broken ones. Line breaks and tabs pass where
    ``multiline``. Unassigned characters pass: this Python does not know the newest rare names.
    """
    problems = []
    line, column = 1, 0
    for index, character in enumerate(text):
        column += 1
        what = _fault(text, index, multiline)
        if what is not None:
            place = f"第{line}行第{column}个字" if multiline else f"第{column}个字"
            problems.append(
                TextProblem(f"{label}{place}的位置{what}", index + 1, character)
            )
        if character == "\n":
            line, column = line + 1, 0
    return tuple(problems)


def _fault(text: str, index: int, multiline: bool) -> str | None:
    character = text[index]
    code = ord(character)
    if " " <= character <= "~" or (multiline and character in "\n\t"):
        return None
    shown = f"U+{code:04X}"
    category = unicodedata.category(character)
    if code in (0x0A, 0x0D):
        return "有换行。这里只能写一行，请把换行删掉。"
    if category in ("Cc", "Cf", "Zl", "Zp") or character in _BLANK_LETTERS:
        name = _NAMES.get(code, "控制字符")
        return f"有一个看不见的字符（{name}，{shown}）。请把这一处前后的字删掉，重新输入一遍。"
    if category == "Co":
        return f"有一个别的电脑显示不出来的自造字（{shown}）。请换成标准字库里的字。"
    if category == "Cs" or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return f"有一个损坏的字符（{shown}）。请删掉重新输入。"
    if _is_selector(code) and not _may_be_varied(text, index):
        return f"有一个看不见的字符（字形选择符，{shown}）。请删掉这一处。"
    return None


def _is_selector(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _may_be_varied(text: str, index: int) -> bool:
    """A rare name's form is told by a selector after a Han character, an emoji's after a symbol."""
    before = text[index - 1] if index else " "
    return unicodedata.category(before) in ("Lo", "So", "Sm", "Po", "Nd", "Cn")


def normalise_newlines(text: str) -> str:
    """Every kind of line break as ``\\n``."""
    return _NEWLINES.sub("\n", text)


def clean_line(text: str, label: str = "文字", *, limit: int = 120) -> str:
    """One line (a title): trimmed, NFC; TextRefused with all faults. ``limit`` in characters."""
    stripped = text.strip()
    _refuse(check_characters(stripped, label), stripped, label, limit)
    return unicodedata.normalize("NFC", stripped)


def clean_text(text: str, label: str = "正文", *, limit: int = 100_000) -> str:
    """Several lines: plain line breaks, no space at line ends, NFC; TextRefused with all faults."""
    plain = normalise_newlines(text)
    _refuse(check_characters(plain, label, multiline=True), plain, label, limit)
    joined = "\n".join(line.rstrip() for line in plain.split("\n")).strip("\n")
    return unicodedata.normalize("NFC", joined)


def clean_name(text: str, label: str = "姓名", *, limit: int = 60) -> str:
    """A name as entered but for blanks around it: no normalisation, a rare form is the name."""
    stripped = text.strip()
    _refuse(check_characters(stripped, label), stripped, label, limit)
    return stripped


def _refuse(problems: tuple[TextProblem, ...], text: str, label: str, limit: int) -> None:
    count = length(text)
    if count > limit:
        message = f"{label}有{count}个字，最多{limit}个字，请删去{count - limit}个字。"
        problems = (*problems, TextProblem(message))
    if problems:
        raise TextRefused(problems)


def length(text: str) -> int:
    """Characters as people count them: marks and selectors belong to the one before."""
    return sum(1 for char in text if not unicodedata.category(char).startswith("M"))


def matching_key(text: str) -> str:
    """The key under which two spellings count as one: NFKC, lower case, no blanks or dots.

    For comparing only, never for storing or showing.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s·•・‧∙⋅]+", "", folded)


def lines(text: str) -> tuple[str, ...]:
    """The lines that say something, trimmed."""
    stripped = (line.strip() for line in normalise_newlines(text).split("\n"))
    return tuple(line for line in stripped if line)


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a pasted text: each line is one, without its indent of blanks."""
    return lines(text)


def excerpt(text: str, limit: int) -> str:
    """The beginning in at most ``limit`` characters, on one line, with ``…`` where cut."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: max(0, limit - 1)].rstrip() + "…"
