"""The English catalogue is complete, and values filled into a message stay values."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.locale import LOCALES, catalogue, translator
from jiceng_cms.web.forms.rendering import OVERLAY
from jiceng_cms.web.theming import default_theme

_CALL = re.compile(r"\b_\('((?:[^'\\]|\\.)*)'")
_PLACE = re.compile(r"\{(\w+)\}")


def texts() -> dict[str, str]:
    """Each text that a template wants translated -> the template's name."""
    found: dict[str, str] = {}
    for folder in (OVERLAY, default_theme() / "templates"):
        for path in sorted(Path(folder).glob("*.pt")):
            found.update(dict.fromkeys(_CALL.findall(path.read_text("utf-8")), path.name))
    return found


def test_every_text_of_every_template_has_its_english() -> None:
    wanted = texts()
    assert len(wanted) > 80
    missing = {text: name for text, name in wanted.items() if text not in catalogue("en")}
    assert not missing


def test_no_english_without_a_template_and_no_chinese_in_it() -> None:
    wanted = texts()
    for chinese, english in catalogue("en").items():
        assert chinese in wanted
        assert not re.search("[\u3400-\u9fff]", english)


def test_both_languages_name_the_same_values() -> None:
    for chinese, english in catalogue("en").items():
        assert set(_PLACE.findall(chinese)) == set(_PLACE.findall(english)), chinese


def test_chinese_is_its_own_translation_and_values_are_filled_in() -> None:
    say = translator("zh_CN")
    assert say("上移") == "上移"
    assert say("最多 {n} 个字", n=120) == "最多 120 个字"
    assert translator("en")("最多 {n} 个字", n=120) == "At most 120 characters"
    assert translator("en")("没有人译过的话") == "没有人译过的话"


@given(st.text())
def test_a_value_never_becomes_a_place_or_a_format(value: str) -> None:
    assert translator("zh_CN")("账号：{login}", login=value) == f"账号：{value}"
    assert translator("en")("账号：{login}", login=value) == f"Account: {value}"


def test_attributes_of_values_cannot_be_reached() -> None:
    assert translator("zh_CN")("{n.__class__} {0}", n=1) == "{n.__class__} {0}"


def test_an_unknown_language_is_an_error() -> None:
    assert LOCALES == ("zh_CN", "en")
    with pytest.raises(ValueError, match="unknown locale"):
        translator("xx")
