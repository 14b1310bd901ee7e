"""Units from a CSV file: any order, every fault by its row, nothing saved before all is right."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.units.importing import COLUMNS, UnitImport, decode, read_units
from jiceng_cms.core.units import ParentSpan

TODAY = date(2026, 9, 1)
HEAD = "代码,名称,类型,上级代码,起始日期,统一社会信用代码,小组"
DISTRICT = "990101000000,青禾区,区,,,,"
TOWNSHIP = "990101100000,柳溪镇,镇,990101000000,,,"
VILLAGE = "990101100201,石桥村,村,990101100000,2024-01-01,,一组、二组；三组"
COMMUNITY = "990101100001,柳荫社区,社区,990101100000,,,"
GOOD = (DISTRICT, TOWNSHIP, VILLAGE, COMMUNITY)


def read(*rows: str, head: str = HEAD, known: tuple[str, ...] = ()) -> UnitImport:
    return read_units("\n".join((head, *rows)), known, TODAY)


def faults(found: UnitImport) -> list[tuple[int, str]]:
    return [(p.row, p.text) for p in found.problems if p.stop]


@given(st.permutations(GOOD))
def test_a_good_file_is_read_in_any_order_and_parents_come_first(rows: list[str]) -> None:
    found = read(*rows)
    assert found.ok
    assert found.problems == ()
    order = [unit.code for unit in found.units]
    assert sorted(order) == sorted(row[:12] for row in GOOD)
    for unit in found.units:
        for span in unit.parents:
            assert order.index(span.code) < order.index(unit.code)


def test_a_row_says_everything_of_its_unit() -> None:
    village = next(u for u in read(*GOOD).units if u.code == "990101100201")
    assert (village.title, village.kind, village.parts) == ("石桥村", "village", ("一组", "二组", "三组"))
    assert village.parents == (ParentSpan("990101100000", date(2024, 1, 1)),)
    community = next(u for u in read(*GOOD).units if u.kind == "community")
    assert community.parents[0].since == TODAY, "without a date it begins today"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_files_of_every_spreadsheet_are_read(encoding: str) -> None:
    text = "\r\n".join((HEAD, *GOOD))
    assert read_units(decode(text.encode(encoding)), (), TODAY).ok


def test_bytes_that_are_no_text_are_told() -> None:
    with pytest.raises(ValueError, match="另存为"):
        decode(b"\xff\xff\x00\x81")


@pytest.mark.parametrize(
    ("rows", "row", "words"),
    [
        ((DISTRICT, "990101100000,柳溪镇,乡里,990101000000,,,"), 3, "类型“乡里”认不得"),
        ((DISTRICT, DISTRICT), 3, "与第 2 行重复"),
        ((DISTRICT, "９９０１０１００００００,青禾区,区,,,,"), 3, "与第 2 行重复"),
        (("99010110020,石桥村,村,,,,",), 2, "12位"),
        (("99010110020x,石桥村,村,,,,",), 2, "只能是数字"),
        (("990101100201,,村,,,,",), 2, "没有写名称"),
        (("990101100201,石\u200b桥村,村,,,,",), 2, "看不见的字符"),
        (("990101100201,石桥村,村,990101100000,,,",), 2, "990101100000 不在文件里"),
        (("990101100201,石桥村,村,,2024-13-01,,",), 2, "起始日期“2024-13-01”看不懂"),
        (("990101100201,石桥村,村,,去年,,",), 2, "起始日期“去年”看不懂"),
        (("990101100201,石桥村,村,,,1234,",), 2, "18位"),
        (("990101100201,石桥村,村,,,,一组,二组",), 2, "格子比栏目多"),
        (("990101100201,石桥村,村,990101100201,,,",), 2, "绕成了一圈"),
    ],
)
def test_a_fault_is_told_by_its_row_and_nothing_is_ready_to_save(rows: tuple[str, ...], row: int, words: str) -> None:
    found = read(*rows)
    assert not found.ok
    assert any(number == row and words in text for number, text in faults(found)), faults(found)
    assert all(text.endswith("。") for _, text in faults(found)), "whole sentences"


def test_every_fault_of_the_file_is_told_at_once_in_the_order_of_rows() -> None:
    found = read("1,甲,村,,,,", "990101100201,,村,,昨天,,", DISTRICT)
    assert [row for row, _ in faults(found)] == [2, 3, 3]


def test_a_faulty_parent_is_one_fault_and_not_one_for_each_child() -> None:
    found = read(DISTRICT, TOWNSHIP.replace("镇,990101000000", "镇区,990101000000"), VILLAGE, COMMUNITY)
    assert [row for row, _ in faults(found)] == [3]


def test_a_circle_names_the_rows_that_turn_in_it() -> None:
    found = read(
        DISTRICT,
        "990101100000,甲镇,镇,990101200000,,,",
        "990101200000,乙镇,镇,990101100000,,,",
    )
    assert [row for row, _ in faults(found)] == [3, 4]
    assert found.units == ()


def test_rows_are_counted_as_the_spreadsheet_counts_them() -> None:
    found = read(DISTRICT, "", ",,,,,,", '990101100000,"柳溪\n镇",镇,990101000000,,,', "1,坏,村,,,,")
    assert {row for row, _ in faults(found)} == {5, 6}


def test_empty_rows_and_empty_columns_at_the_end_are_passed_over() -> None:
    found = read(*(row + ",," for row in GOOD), ",,,,,,,,", "", head=HEAD + ",,")
    assert found.ok
    assert len(found.units) == 4


def test_a_parent_that_is_registered_already_need_not_be_in_the_file() -> None:
    assert read(VILLAGE, known=("990101100000",)).ok
    assert not read(VILLAGE).ok


@pytest.mark.parametrize(
    ("head", "words"),
    [("代码,名称", "缺少“类型”"), (HEAD + ",备注", "认不得“备注”"), (HEAD + ",名称", "“名称”这一栏写了两次"), ("code,name,type", "缺少“代码”")],
)
def test_headings_are_checked_first(head: str, words: str) -> None:
    found = read(VILLAGE, head=head)
    assert any(row == 1 and words in text for row, text in faults(found))


@pytest.mark.parametrize("text", ["", HEAD, HEAD + "\n\n,,,\n", HEAD + '\n990101100201,"石桥村,村'])
def test_a_file_without_units_or_with_a_broken_quote_is_no_success(text: str) -> None:
    found = read_units(text, (), TODAY)
    assert not found.ok
    assert found.units == ()


class TestWarnings:
    """Doubts are told and stop nothing: the certificate may really say so."""

    GOOD_USCC = "54990101MC0000000"

    def with_uscc(self, uscc: str) -> UnitImport:
        return read(f"990101100201,石桥村,村,,,{uscc},")

    def test_a_wrong_check_digit_warns(self) -> None:
        answers = {c: self.with_uscc(self.GOOD_USCC + c) for c in "0123456789ABCDEFGHJKLMNPQRTUWXY"}
        assert all(found.ok for found in answers.values())
        silent = [c for c, found in answers.items() if not found.problems]
        assert len(silent) == 1, "exactly one check digit is right"
        wrong = next(found for c, found in answers.items() if c != silent[0])
        assert "校验码" in wrong.problems[0].text
        assert wrong.problems[0].row == 2
        assert len(wrong.units) == 1

    def test_a_code_that_looks_like_another_kind_warns(self) -> None:
        found = read("990101100201,石桥社区,社区,,,,")
        assert found.ok
        assert "像是村的代码" in found.problems[0].text


def test_no_heading_is_said_twice() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)


@given(st.text(max_size=200))
def test_whatever_text_comes_it_is_answered_and_never_a_crash(text: str) -> None:
    found = read_units(HEAD + "\n" + text, (), TODAY)
    assert found.ok or faults(found)
    if not found.units:
        assert not found.ok
