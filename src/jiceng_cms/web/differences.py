"""What changed between two editions, as rows of kept, added and removed words.

Lines (a field, a paragraph, a row of a table) are aligned first, then compared by characters;
long texts by sentences, so that the cost stays bounded. Reading a row without its additions gives
the earlier edition, without its removals the later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from jiceng_cms.web.pages import DifferenceRow, Part
from jiceng_cms.web.tables import Block, BulletList, Heading, Paragraph

#: Above this many characters on either side texts are compared by sentences.
BY_SENTENCE = 1_000
#: Two lines with less in common than this are one removed and one added.
ALIKE = 0.35


@dataclass(frozen=True)
class Line:
    """One place of an edition; ``cells`` (column, text) where it is a row of a table."""

    name: str
    text: str
    cells: tuple[tuple[str, str], ...] = ()


def lines(blocks: Iterable[Block]) -> list[Line]:
    """The body of an edition as named lines."""
    found: list[Line] = []
    paragraphs = points = 0
    for block in blocks:
        if isinstance(block, Paragraph):
            paragraphs += 1
            found.append(Line(f"第 {paragraphs} 段", block.text))
        elif isinstance(block, Heading):
            found.append(Line("小标题", block.text))
        elif isinstance(block, BulletList):
            for item in block.items:
                points += 1
                found.append(Line(f"第 {points} 条", item))
        else:
            name = block.caption.strip() or "表格"
            found.append(Line("表名", block.caption))
            found.append(Line(f"{name}，表头", "　".join(block.head)))
            for number, row in enumerate(block.rows, 1):
                cells = tuple(zip(block.head, row, strict=False))
                found.append(Line(f"{name}，第 {number} 行", "　".join(row), cells))
    return found


def parts(old: str, new: str) -> tuple[Part, ...]:
    """``old`` and ``new`` as kept, removed and added pieces, in reading order."""
    if old == new:
        return (Part(old),) if old else ()
    one, two = _units(old, new)
    run: list[Part] = []
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    for operation, a, b, c, d in matcher.get_opcodes():
        gone, come = "".join(one[a:b]), "".join(two[c:d])
        if operation == "equal":
            run.append(Part(gone))
            continue
        if gone:
            run.append(Part(gone, "del"))
        if come:
            run.append(Part(come, "ins"))
    return _whole_figures(run)


def _units(old: str, new: str) -> tuple[list[str], list[str]]:
    # A figure stays whole: 26.5 becomes 62.5, not "2 moved behind the 6".
    pattern = (
        r"[^。！？；\n]*[。！？；\n]?"
        if max(len(old), len(new)) > BY_SENTENCE
        else r"[0-9０-９][0-9０-９.,．，]*|[A-Za-z]+|."
    )
    unit = re.compile(pattern, re.DOTALL)
    return ([x for x in unit.findall(old) if x], [x for x in unit.findall(new) if x])


def _whole_figures(run: Sequence[Part]) -> tuple[Part, ...]:
    """Join neighbours of a kind; within a change, first all that went, then all that came.

    A kept piece of one character between two changes only makes a puzzle of them.
    """
    out: list[Part] = []
    gone = come = ""
    for index, part in enumerate(run):
        single = (
            part.kind == "same"
            and len(part.text) == 1
            and 0 < index < len(run) - 1
            and bool(gone or come)
        )
        if part.kind == "del" or single:
            gone += part.text
        if part.kind == "ins" or single:
            come += part.text
        if part.kind == "same" and not single:
            _flush(out, gone, come)
            gone = come = ""
            out.append(part)
    _flush(out, gone, come)
    return tuple(out)


def _flush(out: list[Part], gone: str, come: str) -> None:
    if gone:
        out.append(Part(gone, "del"))
    if come:
        out.append(Part(come, "ins"))


def rows(old: Sequence[Line], new: Sequence[Line]) -> tuple[DifferenceRow, ...]:
    """The rows that differ, named by their place in the later edition where it has one."""
    matcher = SequenceMatcher(
        None, [line.text for line in old], [line.text for line in new], autojunk=False
    )
    found: list[DifferenceRow] = []
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation == "equal":
            continue
        for one, two in zip_longest(old[a:b], new[c:d]):
            found.extend(_pair(one, two))
    return tuple(found)


def _pair(one: Line | None, two: Line | None) -> list[DifferenceRow]:
    if one is None:
        assert two is not None
        return [DifferenceRow(f"{two.name}（新加）", (Part(two.text, "ins"),))] if two.text else []
    if two is None:
        return [DifferenceRow(f"{one.name}（去掉）", (Part(one.text, "del"),))] if one.text else []
    if one.cells and two.cells and [c for c, _ in one.cells] == [c for c, _ in two.cells]:
        changed = [
            DifferenceRow(f"{two.name}，{column}", parts(before, after))
            for (column, before), (_, after) in zip(one.cells, two.cells, strict=True)
            if before != after
        ]
        # A row of which little is left reads better whole.
        if len(changed) * 2 <= len(two.cells):
            return changed
    if (
        not one.text
        or not two.text
        or SequenceMatcher(None, one.text, two.text).quick_ratio() < ALIKE
    ):
        pieces = [Part(one.text, "del"), Part(two.text, "ins")]
        return [DifferenceRow(two.name, tuple(piece for piece in pieces if piece.text))]
    return [DifferenceRow(two.name, parts(one.text, two.text))]


def difference(
    old_fields: Sequence[tuple[str, str]],
    new_fields: Sequence[tuple[str, str]],
    old_body: Iterable[Block],
    new_body: Iterable[Block],
) -> tuple[DifferenceRow, ...]:
    """All that differs: fields (标题, 日期: compared by name, in the later order), then the body."""
    before, after = dict(old_fields), dict(new_fields)
    names = [*after, *(name for name in before if name not in after)]
    fields = tuple(
        DifferenceRow(name, parts(before.get(name, ""), after.get(name, "")))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )
    return fields + rows(lines(old_body), lines(new_body))
