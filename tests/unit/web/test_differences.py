"""Differences: each side reads as its edition, figures stay whole, nothing unchanged is listed."""

from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.web.differences import BY_SENTENCE, difference, parts
from jiceng_cms.web.pages import DifferenceRow, Part
from jiceng_cms.web.tables import BulletList, Heading, Paragraph, TableBlock

texts = st.text(alphabet="甲乙丙一二12.,。；\n a", max_size=40)


def sides(run: tuple[Part, ...]) -> tuple[str, str]:
    row = DifferenceRow("", run)
    return "".join(p.text for p in row.old), "".join(p.text for p in row.new)


@given(texts, texts)
def test_each_side_reads_as_its_edition(old: str, new: str) -> None:
    assert sides(parts(old, new)) == (old, new)


@given(texts, texts)
def test_long_texts_lose_nothing_either(old: str, new: str) -> None:
    filler = "上文没有改动。" * (BY_SENTENCE // 7 + 1)
    run = parts(filler + old, filler + new)
    assert sides(run) == (filler + old, filler + new)


def test_a_figure_is_shown_whole() -> None:
    assert parts("补偿 26.5 平方米", "补偿 62.5 平方米") == (
        Part("补偿 "), Part("26.5", "del"), Part("62.5", "ins"), Part(" 平方米"),
    )  # fmt: skip


def test_a_single_character_kept_between_two_changes_goes_with_them() -> None:
    assert parts("分两次补清", "共三次补清")[:2] == (Part("分两", "del"), Part("共三", "ins"))
    assert parts("一月二号", "五月六号") == (
        Part("一月二", "del"), Part("五月六", "ins"), Part("号"),
    )  # fmt: skip


HEAD = ("户主", "面积", "金额")
OLD = (
    Paragraph("第一段。"),
    Paragraph("按丈量面积分两次补清。"),
    TableBlock("补偿", HEAD, (("甲", "45", "3600"), ("乙", "26.5", "5000"))),
)


def test_only_the_changed_cell_of_a_table_is_listed() -> None:
    new = (*OLD[:2], TableBlock("补偿", HEAD, (("甲", "45", "3600"), ("乙", "62.5", "5000"))))
    assert difference((), (), OLD, new) == (
        DifferenceRow("补偿，第 2 行，面积", (Part("26.5", "del"), Part("62.5", "ins"))),
    )


def test_fields_and_lines_that_came_or_went_say_so() -> None:
    new = (OLD[0], OLD[2], Heading("附则"), BulletList(("不补开荒地",)))
    names = [
        row.name
        for row in difference([("标题", "甲"), ("期限", "十天")], [("标题", "乙")], OLD, new)
    ]
    assert names == ["标题", "期限", "第 2 段（去掉）", "小标题（新加）", "第 1 条（新加）"]


def test_equal_editions_have_no_rows() -> None:
    assert difference([("标题", "甲")], [("标题", "甲")], OLD, OLD) == ()


def test_a_wholly_new_text_is_not_shredded() -> None:
    rows = difference((), (), (Paragraph("修路一事。"),), (Paragraph("Ａ完全不同的说法"),))
    assert [part.kind for part in rows[0].parts] == ["del", "ins"]


@given(
    st.lists(texts, max_size=6),
    st.lists(texts, max_size=6),
)
def test_the_rows_hold_every_text_that_differs(old: list[str], new: list[str]) -> None:
    rows = difference((), (), map(Paragraph, old), map(Paragraph, new))
    if sorted(old) != sorted(new):
        gone = [text for text in old if text not in new]
        listed = ["".join(p.text for p in row.old) for row in rows]
        assert all(text in listed for text in gone if text)
