"""Marks stand on the raw text, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.search.analysis import normalise
from jiceng_cms.search.highlight import highlight, snippet

TEXT = st.text("村務务公开開a1Ａ .\n<é", max_size=30)
TERMS = st.lists(st.text("村务公开a1", min_size=1, max_size=3), max_size=3)


@given(TEXT, TERMS)
def test_parts_join_to_the_raw_text(raw: str, terms: list[str]) -> None:
    parts = highlight(raw, terms)
    assert "".join(text for text, _ in parts) == raw
    assert all(text for text, _ in parts)


@given(TEXT, TERMS)
def test_only_what_matches_is_marked(raw: str, terms: list[str]) -> None:
    for text, hit in highlight(raw, terms):
        assert not hit or any(term in normalise(text) for term in terms)


def test_traditional_and_wide_characters_are_marked_as_written() -> None:
    assert highlight("看村務公開欄", ["村务公开"]) == (
        ("看", False),
        ("村務公開", True),
        ("欄", False),
    )
    assert highlight("ＫＱ－１", ["kq-1"]) == (("ＫＱ－１", True),)


def test_overlapping_and_touching_marks_are_one() -> None:
    assert highlight("甲乙丙丁", ["甲乙", "乙丙", "丁"]) == (("甲乙丙丁", True),)


def test_letters_and_digits_are_marked_as_whole_runs_only() -> None:
    assert highlight("12023年、2023年", ["2023年"]) == (("12023年、", False), ("2023年", True))
    assert highlight("a1b1", ["1"]) == (("a1b1", False),)


def test_nothing_to_mark() -> None:
    assert highlight("", ["村"]) == ()
    assert highlight("村", []) == (("村", False),)
    assert snippet([("", None), (" \n", None)], ["村"]) == ()


def test_a_snippet_shows_the_words_in_their_sentence() -> None:
    raw = "前" * 200 + "\n\n  機耕路已修好" + "后" * 200
    parts = snippet([("别的", None), (raw, None)], ["机耕路"], width=60)
    assert ("機耕路", True) in parts
    assert parts[0] == ("…", False)
    assert parts[-1] == ("…", False)
    assert "\n" not in "".join(text for text, _ in parts)
    assert sum(len(text) for text, _ in parts) < 70


def test_a_snippet_without_a_match_is_the_beginning() -> None:
    assert snippet([("", None), ("第一段\n文字", None), ("后一栏", None)], ["无"]) == (
        ("第一段 文字", False),
    )


def test_a_phrase_longer_than_the_snippet_is_shown_whole() -> None:
    phrase = "长" * 90
    assert ("长" * 90, True) in snippet([("前" + phrase, None)], [phrase], width=40)
