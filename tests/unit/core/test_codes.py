"""Unit codes and credit codes: what is refused, what only warns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core.codes import (
    check_unit_code,
    check_uscc,
    chinese_number,
    parse_unit_code,
)


def test_a_unit_code_has_three_parts() -> None:
    code = parse_unit_code(" ９９０１０１ 100 201 ")
    assert (code.code, code.county, code.township, code.committee) == (
        "990101100201", "990101", "100", "201",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("990101100201", "village"),
        ("990101001001", "community"),
        ("990101001000", "subdistrict"),
        ("990101100000", "township"),
        ("990101000000", "district"),
        ("990101100999", None),
    ],
)
def test_the_digits_hint_at_a_kind(code: str, kind: str | None) -> None:
    assert parse_unit_code(code).kind_hint == kind
    for claimed in ("village", "community", "subdistrict", "township", "district"):
        checked = check_unit_code(code, claimed)
        assert checked.ok  # a hint never refuses
        assert bool(checked.warnings) == (kind is not None and claimed != kind)


@pytest.mark.parametrize(
    ("code", "words"),
    [("99010110020", "11位"), ("9901011002011", "13位"), ("99010110020A", "数字"), ("090101100201", "0 开头"), ("", "数字")],
)
def test_wrong_unit_codes_are_refused_in_words(code: str, words: str) -> None:
    checked = check_unit_code(code)
    assert not checked.ok
    assert words in checked.errors[0]
    with pytest.raises(ValueError, match=words):
        parse_unit_code(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("54110105ME000001XW", "village"), ("55110105ME000001XR", "community"), ("91350100M000100Y43", None), ("91110000101623741K", None)],
)
def test_good_credit_codes_pass_without_a_word(code: str, kind: str | None) -> None:
    checked = check_uscc(code.lower(), kind)
    assert checked.ok
    assert checked.warnings == ()
    assert checked.code == code


def test_collectives_are_known_and_a_wrong_check_digit_only_warns() -> None:
    checked = check_uscc("N2110105MF00000010")
    assert checked.ok
    assert all("开头" not in warning for warning in checked.warnings)
    wrong = check_uscc("54110105ME000001XA", "village")
    assert wrong.ok
    assert any("校验码" in warning for warning in wrong.warnings)


def test_the_prefix_of_the_other_kind_and_an_unknown_one_warn() -> None:
    assert any("居民委员会" in w for w in check_uscc("54110105ME000001XW", "community").warnings)
    assert any("不常见" in w for w in check_uscc("88110105ME000001XW").warnings)


@pytest.mark.parametrize(
    ("code", "words"),
    [("54110105ME000001X", "17位"), ("54110105MI000001XW", "第10位"), ("5411A105ME000001XW", "区划")],
)
def test_impossible_credit_codes_are_refused(code: str, words: str) -> None:
    checked = check_uscc(code)
    assert not checked.ok
    assert words in checked.errors[0]


@given(st.text(max_size=40), st.sampled_from(["village", "community", "", "x"]))
def test_no_text_breaks_the_checks(text: str, kind: str) -> None:
    for checked in (check_unit_code(text, kind), check_uscc(text, kind)):
        assert checked.ok or checked.errors[0].endswith("。")


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (35, "三十五"), (101, "一百零一"), (110, "一百一十"), (1005, "一千零五"), (1010, "一千零一十"), (1259, "一千二百五十九")],
)
def test_articles_are_counted_in_chinese(number: int, words: str) -> None:
    assert chinese_number(number) == words


def test_numbers_out_of_reach_are_refused() -> None:
    for number in (0, -1, 10_000):
        with pytest.raises(ValueError):
            chinese_number(number)
