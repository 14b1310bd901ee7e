"""The English catalogue is complete, and values filled into a message stay values."""

import ast
import pickle
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from chameleon import PageTemplate
from hypothesis import given
from hypothesis import strategies as st

import jiceng_cms
from jiceng_cms.locale import (
    LOCALES,
    Text,
    both,
    catalogue,
    joined,
    say,
    template_translator,
    translator,
)
from jiceng_cms.web import format as fmt
from jiceng_cms.web.forms.rendering import OVERLAY
from jiceng_cms.web.theming import default_theme

_HAN = re.compile("[\u3400-\u9fff]")
_CALL = re.compile(r"\b_\('((?:[^'\\]|\\.)*)'")
_PLACE = re.compile(r"\{(\w+)[|}]")
_MARKUP = re.compile(r"<!--.*?-->|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL)
_SPOKEN = re.compile(r'\s(?:alt|aria-label|placeholder|title)="([^"]*)"')
_VALUE = re.compile(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
#: Sheets for the wall are Chinese in every language of the interface.
_ON_PAPER = {"print.pt", "staff_handover.pt"}


def own_words(template: str) -> Iterator[str]:
    """Each piece of a template's own text and of its spoken attributes, values and all."""
    for mark in _MARKUP.findall(template):
        if not mark.startswith("<!--"):
            yield from _SPOKEN.findall(mark)
    for text in _MARKUP.split(template):
        yield re.sub(r"\s+", " ", text).strip()


def template_texts() -> dict[str, str]:
    """Each text that a template wants translated -> the template's name."""
    found: dict[str, str] = {}
    for path in sorted((default_theme() / "templates").glob("*.pt")):
        if path.name in _ON_PAPER:
            continue
        source = path.read_text("utf-8")
        found.update(dict.fromkeys(_CALL.findall(source), path.name))
        found.update({w: path.name for w in own_words(source) if _HAN.search(w) and "${" not in w})
    for path in sorted(Path(OVERLAY).glob("*.pt")):
        found.update(dict.fromkeys(_CALL.findall(path.read_text("utf-8")), path.name))
    return found


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(Path(jiceng_cms.__file__).parent.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def said_texts() -> dict[str, str]:
    """Each text that a module says with say() or joined() of this package -> the module's name."""
    found: dict[str, str] = {}
    for path, tree in modules():
        ours = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] == "locale"
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ours & {"say", "joined"}:
                text = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
                if isinstance(text, str) and (_HAN.search(text) or text in "，；。、"):
                    found[text] = path.name
    return {text: name for text, name in found.items() if text}


def test_every_text_of_templates_and_views_has_its_english() -> None:
    wanted = {**template_texts(), **said_texts()}
    assert len(wanted) > 300
    missing = {text: name for text, name in wanted.items() if text not in catalogue("en")}
    assert not missing


def test_no_template_mixes_its_own_words_with_values() -> None:
    """Other languages put the words around a value in another order: such a text says _()."""
    for path in sorted((default_theme() / "templates").glob("*.pt")):
        if path.name not in _ON_PAPER:
            mixed = [w for w in own_words(path.read_text("utf-8")) if "${" in w and _HAN.search(_VALUE.sub("", w))]
            assert not mixed, path.name


def test_no_english_without_a_use_and_no_chinese_or_markup_in_it() -> None:
    constants = {
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    wanted = template_texts()
    # titles in what was published come from the definitions of workflows
    flows = "".join(p.read_text("utf-8") for p in Path(jiceng_cms.__file__).parents[2].glob("workflows/*.toml"))
    for chinese, english in catalogue("en").items():
        assert chinese in wanted or chinese in constants or f'"{chinese}"' in flows, chinese
        assert not _HAN.search(english.replace("修路", ""))
        assert not re.search("[<>&]", english)


def test_both_languages_name_the_same_values() -> None:
    for chinese, english in catalogue("en").items():
        assert set(_PLACE.findall(chinese)) == set(_PLACE.findall(english)), chinese


def test_chinese_is_its_own_translation_and_values_are_filled_in() -> None:
    _ = translator("zh_CN")
    assert _("上移") == "上移"
    assert _("最多 {n} 个字", n=120) == "最多 120 个字"
    assert translator("en")("最多 {n} 个字", n=120) == "At most 120 characters"
    assert translator("en")("没有人译过的话") == "没有人译过的话"


def test_a_text_is_chinese_until_it_is_said_in_another_language() -> None:
    text = say("公示至{day}", day=fmt.day(date(2026, 9, 30)))
    assert text == "公示至2026年9月30日"
    assert f"{text}" == text
    assert text.said("en") == "On display until 30 September 2026"
    assert translator("en")(text) == "On display until 30 September 2026"
    assert translator("zh_CN")(text) == text


def test_one_and_many_have_their_words() -> None:
    assert fmt.days(1).said("en") == "1 day"
    assert fmt.days(8).said("en") == "8 days"


def test_texts_are_joined_in_the_readers_language() -> None:
    parts = joined("，", [say("{n}人同意", n=2), "", both("经办人", "Clerk"), "张三"])
    assert parts == "2人同意，经办人，张三"
    assert parts.said("en") == "2 agreed, Clerk, 张三"


def test_what_is_stored_is_the_plain_chinese() -> None:
    for text in (say("{n} 天", n=3), both("经办人", "Clerk"), joined("；", ["甲", "乙"])):
        stored = pickle.loads(pickle.dumps(text))
        assert type(stored) is str
        assert stored == text


def test_a_template_says_texts_and_its_own_words_and_leaves_content_alone() -> None:
    template = PageTemplate(
        '<p title="搜索">首页 <b>${text}</b><i>${content}</i></p>',
        implicit_i18n_translate=True,
        implicit_i18n_attributes={"title"},
    )
    names = {"text": say("首页"), "content": "首页"}
    english = template.render(translate=template_translator("en"), **names)
    assert english == '<p title="Search">Home <b>Home</b><i>首页</i></p>'
    chinese = template.render(translate=template_translator("zh_CN"), **names)
    assert chinese == '<p title="搜索">首页 <b>首页</b><i>首页</i></p>'


@given(st.text())
def test_a_value_never_becomes_a_place_or_a_format(value: str) -> None:
    assert translator("zh_CN")("账号：{login}", login=value) == f"账号：{value}"
    assert translator("en")("账号：{login}", login=value) == f"Account: {value}"
    assert say("账号：{login}", login=value).said("en") == f"Account: {value}"


def test_attributes_of_values_cannot_be_reached() -> None:
    assert translator("zh_CN")("{n.__class__} {0}", n=1) == "{n.__class__} {0}"


def test_an_unknown_language_is_an_error() -> None:
    assert LOCALES == ("zh_CN", "en")
    with pytest.raises(ValueError, match="unknown locale"):
        translator("xx")
    with pytest.raises(ValueError, match="unknown locale"):
        Text.said(say("甲"), "xx")
