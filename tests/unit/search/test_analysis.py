"""Normalising keeps every offset; grams and queries miss nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.search.analysis import Term, grams, is_ideograph, mark, normalise, parse_query, runs
from jiceng_cms.search.interface import QueryTooLong

ANY = st.text(max_size=40)
NEAR = st.text("村務务公开開一1２aＡé　 ,，。-“\n\u200b_\U00020bb7", max_size=25)


@given(st.one_of(ANY, NEAR))
def test_normalising_keeps_the_length_and_settles_at_once(text: str) -> None:
    normal = normalise(text)
    assert len(normal) == len(text)
    assert normalise(normal) == normal


@given(st.one_of(ANY, NEAR))
def test_each_character_is_normalised_by_itself(text: str) -> None:
    assert normalise(text) == "".join(normalise(char) for char in text)


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("村務公開", "村务公开"),
        ("ＫＱ－２０２４", "kq-2024"),
        ("甲\t乙\n丙　丁", "甲 乙 丙 丁"),
        ("薴", "苎"),  # two steps in the table
        ("İ", "İ"),  # its lower case has two characters
        ("㎡", "㎡"),  # would become two
        ("\uf907", "龟"),  # a compatibility ideograph, then simplified
        ("\x01\x1f\ud800", "   "),
        ("\U00020bb7", "\U00020bb7"),
    ],
)
def test_normalised(raw: str, normal: str) -> None:
    assert normalise(raw) == normal


def test_runs_change_at_ideographs_and_punctuation() -> None:
    assert list(runs("2023年第3季度kq-2024_a")) == ["2023", "年第", "3", "季度", "kq", "2024", "a"]


def test_grams_hold_pairs_single_characters_and_whole_runs() -> None:
    assert grams("2023年底a1") == {"2023", "年", "底", "年底", "a1"}
    assert grams("x" * 101) == set()


@given(NEAR, st.data())
def test_every_piece_of_a_text_has_its_grams_and_needle_there(
    text: str, data: st.DataObject
) -> None:
    """Any piece cut at the borders of runs of letters and digits is found: nothing is missed."""
    normal = normalise(text)

    def inside_run(at: int) -> bool:
        if not 0 < at < len(normal):
            return False
        pair = normal[at - 1 : at + 1]
        return all(c.isalnum() and not is_ideograph(c) for c in pair)

    cuts = [at for at in range(len(normal) + 1) if not inside_run(at)]
    start, end = sorted((data.draw(st.sampled_from(cuts)), data.draw(st.sampled_from(cuts))))
    term = Term.of(normal[start:end])
    assert set(term.grams) <= grams(normal)
    assert term.needle in mark(normal).encode()


def test_one_gram_is_an_exact_answer_and_two_are_not() -> None:
    assert Term.of("村").exact
    assert Term.of("村务").exact
    assert Term.of("2023").exact
    assert not Term.of("村务公").exact
    assert not Term.of("2023年").exact
    assert not Term.of("村 ").exact


def words(text: str) -> list[str]:
    return [term.text for term in parse_query(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("低保 公示", ["低保", "公示"]),
        ("　低保　低保 ", ["低保"]),
        ("《条例》 (草案)", ["条例", "草案"]),
        ("“应当 公开”", ["应当 公开"]),
        ("「應當公開」村", ["应当公开", "村"]),
        ('"没有后一半', ["没有后一半"]),
        ("水渠、路灯，1,234.50", ["水渠", "路灯", "1,234.50"]),
        ("PN-2024", ["pn-2024"]),
        ("张\u200b三\u202e", ["张三"]),
        ("* ? - “ ”", []),
        ("“。”", []),
    ],
)
def test_queries(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(max_size=100))
def test_any_query_is_read_or_refused(text: str) -> None:
    try:
        terms = parse_query(text)
    except QueryTooLong:
        return
    assert all(term.grams for term in terms)
    assert len({term.text for term in terms}) == len(terms) <= 12


def test_length_counts_after_trimming() -> None:
    assert len(parse_query(" " * 500 + "村" * 100 + "\n")) == 1
    with pytest.raises(QueryTooLong, match="最多 100 个字，现在有 10000 个字"):
        parse_query("村" * 10_000)


def test_twelve_words_are_fine_and_repeated_ones_count_once() -> None:
    twelve = "甲乙丙丁戊己庚辛壬癸子丑"
    assert len(words(" ".join(twelve * 3))) == 12
    with pytest.raises(QueryTooLong, match="最多查 12 个词，现在有 13 个词"):
        parse_query(" ".join(twelve + "寅"))
