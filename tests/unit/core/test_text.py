"""What people type: invisible characters are named, names stay as entered."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from jiceng_cms.core.text import (
    TextRefused,
    check_characters,
    clean_line,
    clean_name,
    clean_text,
    excerpt,
    length,
    lines,
    matching_key,
    paragraphs,
)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u202e", "文字方向控制符"),
        ("\u2066", "文字方向控制符"),
        ("\u200b", "零宽空格"),
        ("\ufeff", "零宽空格"),
        ("\u200d", "零宽连字"),
        ("\x00", "空字符"),
        ("\x1b", "控制字符"),
        ("\u00ad", "软连字符"),
        ("\u3164", "控制字符"),
        ("\U000e0041", "控制字符"),
        ("\t", "制表符"),
        ("\n", "换行"),
        ("\ue000", "自造字"),
        ("\ud800", "损坏"),
        ("\ufffe", "损坏"),
        (" \ufe0f", "字形选择符"),
    ],
)
def test_a_title_names_the_bad_character_and_its_place(character: str, name: str) -> None:
    with pytest.raises(TextRefused) as raised:
        clean_line(f"村道{character}硬化", "标题")
    assert name in raised.value.message
    assert f"标题第{2 + len(character)}个字" in raised.value.message
    assert "请" in raised.value.message


def test_many_faults_are_told_in_a_few_sentences() -> None:
    with pytest.raises(TextRefused) as raised:
        clean_line("\u200b村" * 40, "标题")
    assert "一共有40处" in raised.value.message
    assert len(raised.value.message) < 400
    assert len(raised.value.problems) == 40


def test_a_text_tells_line_and_column() -> None:
    with pytest.raises(TextRefused, match="正文第2行第3个字"):
        clean_text("第一行\n第二\u200b行")


def test_rare_names_pass_untouched() -> None:
    for name in ("𠮷田", "王\U0002ceff", "\U00031350某", "葛\U000e0100城", "阿依古丽·买买提", "\uf9dc某"):
        assert clean_name(f" {name} ") == name


def test_titles_are_nfc_and_names_are_not() -> None:
    decomposed = "Zu\u0308rich"
    assert clean_line(decomposed) == unicodedata.normalize("NFC", decomposed)
    assert clean_name(decomposed) == decomposed


def test_line_breaks_of_other_programs_become_plain() -> None:
    assert clean_text("一\r\n二\r三\v四\u2028五  \n\n") == "一\n二\n三\n四\n五"


def test_too_long_says_by_how_much() -> None:
    with pytest.raises(TextRefused, match="有125个字，最多120个字，请删去5个字"):
        clean_line("村" * 125, "标题")
    assert clean_line("村" * 120, "标题") == "村" * 120


def test_marks_do_not_count_as_characters() -> None:
    assert length("葛\U000e0100城") == 2
    assert length("Zu\u0308rich") == 6


@pytest.mark.parametrize(
    ("one", "other"),
    [("阿依古丽·买买提", "阿依古丽•买买提"), ("王 小二", "王小二"), ("Ａ区３号", "a区3号")],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert matching_key(one) == matching_key(other)


def test_lines_and_paragraphs_lose_only_blanks() -> None:
    assert lines("一、甲\r\n\n  二、乙  \n") == ("一、甲", "二、乙")
    assert paragraphs("\u3000\u3000首段。\n\n\u3000\u3000次段。") == ("首段。", "次段。")


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("一\n二", 10) == "一 二"
    assert excerpt("一二三四五六", 4) == "一二三…"


@given(st.text(max_size=60))
def test_whatever_passes_is_visible_stable_and_loses_nothing(text: str) -> None:
    try:
        cleaned = clean_line(text)
    except TextRefused:
        event("refused")
        return
    assert clean_line(cleaned) == cleaned
    assert cleaned == unicodedata.normalize("NFC", text.strip())
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") for char in cleaned)


@given(st.text(max_size=60))
def test_every_problem_points_at_its_character(text: str) -> None:
    for problem in check_characters(text, multiline=True):
        assert text[problem.position - 1] == problem.character


@given(st.text(max_size=200))
def test_a_cleaned_text_is_a_fixed_point(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except TextRefused:
        return
    assert clean_text(cleaned) == cleaned
