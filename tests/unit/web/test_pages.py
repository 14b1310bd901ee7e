"""View models: marks in words, the sides of a difference, messages for people."""

import dataclasses
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.web import pages


def test_marks_say_the_day_of_display() -> None:
    assert pages.mark_on_display(6, 15).text == "公开中 6/15 日"
    assert pages.mark_on_display(0, 15).text == "公开中 今日公布，共 15 日"
    assert pages.mark_published_late(8).text == "逾期 8 天公布"
    assert pages.mark_overdue(3).text == "逾期 3 天未公布"


parts = st.lists(
    st.builds(pages.Part, st.text(max_size=5), st.sampled_from(["same", "ins", "del"])), max_size=8
)


@given(parts)
def test_each_side_of_a_difference_reads_as_its_edition(run: list[pages.Part]) -> None:
    row = pages.DifferenceRow("第 1 段", tuple(run))
    assert "".join(p.text for p in row.old) == "".join(p.text for p in run if p.kind != "ins")
    assert "".join(p.text for p in row.new) == "".join(p.text for p in run if p.kind != "del")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 418, 429, 500, 502, 503])
def test_every_status_gets_words_and_something_to_do(status: int) -> None:
    page = pages.message(status, reference="7f3a")
    assert page.status == status
    assert page.advice
    assert page.reference == "7f3a"
    for text in (page.title, page.what, *page.advice):
        assert not any(c.isascii() and c.isalpha() for c in text)
        assert not any(word in text for word in ("异常", "参数", "操作成功"))


def test_a_long_query_does_not_fill_the_title() -> None:
    assert len(pages.SearchPage("路" * 10_000).title) < 40
    assert pages.SearchPage("").title == "搜索"


def test_pages_are_frozen_values() -> None:
    for _, it in inspect.getmembers(pages, dataclasses.is_dataclass):
        assert it.__dataclass_params__.frozen, it
