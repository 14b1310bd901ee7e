"""Forms: safe under the CSP, nothing typed is lost, every message is Chinese."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import colander
import deform
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiceng_cms.web.forms import (
    BadForm,
    Button,
    Form,
    FormInvalid,
    Limits,
    make_form,
    parse_controls,
)
from jiceng_cms.web.forms import types as t
from jiceng_cms.web.forms import widgets as w
from jiceng_cms.web.forms.kept import pack, unpack
from jiceng_cms.web.forms.messages import in_plain_chinese
from jiceng_cms.web.forms.rendering import OVERLAY, has_template
from jiceng_cms.web.forms.staff import (
    correction_schema,
    create_schema,
    paper_signoff_schema,
    withdrawal_schema,
)
from jiceng_cms.web.theming import default_theme

SAVE = (Button("save", "保存草稿"), Button("submit", "去提交", quiet=True))


def schema() -> Any:
    """A form with each widget that we draw, and rows within rows."""
    node = colander.SchemaNode
    note = node(t.CleanString(limit=50), name="note", title="说明")
    table = node(
        colander.Mapping(),
        node(t.CleanString(), name="caption", title="表名", missing=""),
        node(t.PastedTable(), name="text", title="表格内容"),
        node(colander.Sequence(), note, name="notes", title="附注", missing=()),
        name="table",
        title="表格",
    )
    return node(
        colander.Mapping(),
        node(t.CleanString(limit=120), name="title", title="标题", description="写清是什么事"),
        node(
            colander.String(),
            name="kind",
            title="类别",
            widget=w.Radios(values=(("party", "党务"), ("affairs", "村务"))),
            validator=colander.OneOf(["party", "affairs"]),
        ),
        node(
            colander.String(),
            name="part",
            title="小组",
            missing="",
            widget=w.Select(values=(("", "全村"), ("1", "第一组"))),
        ),
        node(
            colander.Set(),
            name="tags",
            title="标签",
            missing=(),
            widget=w.Checkboxes(values=(("a", "甲"), ("b", "乙"))),
        ),
        node(colander.Boolean(), name="open", title="面向社会", missing=False),
        node(t.LocalDate(), name="day", title="发生日期"),
        node(t.Money(), name="sum", title="金额", missing=None),
        node(t.Lines(), name="body", title="正文"),
        node(colander.String(), name="secret", title="口令", missing="", widget=w.Password()),
        node(colander.String(), name="token", missing="", widget=w.Hidden()),
        node(t.Upload(), name="file", title="文件", missing=None),
        node(
            colander.Mapping(),
            node(t.CleanString(), name="phone", title="电话", missing=""),
            name="contact",
            title="联系",
            missing=None,
        ),
        node(
            colander.Sequence(),
            table,
            name="tables",
            title="表格",
            missing=(),
            widget=w.Rows(item="表格", max_len=3),
        ),
    )


def form(**kw: Any) -> Form:
    kw = {"action": "/save", "buttons": SAVE, "csrf_token": "tok"} | kw
    return make_form(kw.pop("schema", None) or schema(), **kw)


class Page(HTMLParser):
    """Reads a form as a browser would: what it would post, which ids there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.refs: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.fields: list[tuple[str, str]] = []
        self._template = 0
        self._area: tuple[str, str] | None = None
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        self.tags.append((tag, a))
        if "id" in a:
            self.ids.append(a["id"] or "")
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.refs.extend((a.get(name) or "").split())
        if tag == "template":
            self._template += 1
        name = a.get("name")
        if self._template or not name or "disabled" in a:
            return
        if tag == "textarea":
            self._area = (name, "")
        elif tag == "select":
            self._select = name
        elif tag == "input" and a.get("type") not in ("file", "submit"):
            box = a.get("type") in ("radio", "checkbox")
            if not box or "checked" in a:
                self.fields.append((name, a.get("value") or ""))
        if tag == "option":
            raise AssertionError("an option has no name")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area = (self._area[0], self._area[1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._template -= 1
        elif tag == "textarea" and self._area is not None:
            name, text = self._area
            self.fields.append((name, text.removeprefix("\n")))
            self._area = None


def controls(**kw: str) -> list[tuple[str, object]]:
    """A whole valid post; keywords change single fields."""
    plain = {"title": "村西水渠", "day": "2026-09-30", "sum": "1,234.50", "body": "第一段\n第二段"}
    plain.update(kw)
    return [
        ("csrf_token", "tok"),
        *plain.items(),
        ("__start__", "kind:rename"),
        ("deformField3", "affairs"),
        ("__end__", "kind:rename"),
    ]


def rows(*tables: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("__start__", "tables:sequence")]
    for text in tables:
        found += [
            ("__start__", "table:mapping"),
            ("caption", "甲"),
            ("text", text),
            ("__end__", "table:mapping"),
        ]
    return [*found, ("__end__", "tables:sequence")]


def messages(items: Iterable[tuple[str, object]], **kw: Any) -> dict[str, str]:
    with pytest.raises(FormInvalid) as caught:
        form(**kw).validate(parse_controls(items))
    return {problem.path: problem.message for problem in caught.value.form.problems}


# --- safe under the CSP ---------------------------------------------------------------------

_DANGER = re.compile(r"<script|<style|\sstyle=|\son\w+=|javascript:|jquery|deform\.", re.IGNORECASE)


def test_no_template_of_ours_carries_script_or_style() -> None:
    templates = [*OVERLAY.glob("*.pt"), *(default_theme() / "templates").glob("staff_*.pt")]
    assert len(templates) > 25
    for path in templates:
        text = re.sub(r'<script src="\$\{static\([^)]*\)\}" defer="defer"></script>', "", path.read_text("utf-8"))
        assert not _DANGER.search(text), path.name


def test_a_drawn_form_with_everything_on_it_carries_none_either() -> None:
    made = form(appstruct={"title": "<script>alert(1)</script>", "tables": [{"text": "a\tb\n1\t2"}]})
    assert not re.search(r"<script|<style|\sstyle=|<[^>]*\son\w+=", made.render())
    assert "&lt;script&gt;" in made.render()


def test_a_widget_that_the_overlay_cannot_draw_is_refused_and_never_drawn_by_deform() -> None:
    ours = {"TextInputWidget", "TextAreaWidget", "HiddenWidget", "PasswordWidget", "SelectWidget",
            "RadioChoiceWidget", "CheckboxChoiceWidget", "CheckboxWidget", "MappingWidget",
            "FormWidget", "SequenceWidget", "FileUploadWidget", "DateInputWidget", "MoneyInputWidget"}
    refused = 0
    for name in dir(deform.widget):
        cls = getattr(deform.widget, name)
        if not (name.endswith("Widget") and isinstance(cls, type)) or name in ours:
            continue
        try:
            widget = cls()
        except TypeError:
            continue
        template = getattr(widget, "template", None)
        if template is None or has_template(template):
            continue
        refused += 1
        node = colander.SchemaNode(
            colander.Mapping(), colander.SchemaNode(colander.String(), name="x", widget=widget)
        )
        with pytest.raises(ValueError, match="no template of ours"):
            form(schema=node)
    assert refused > 5


@pytest.mark.parametrize("name", ["deform:templates/sequence.pt", "../overlay/form", "form.pt", ""])
def test_templates_are_found_by_plain_names_only(name: str) -> None:
    assert not has_template(name)


@pytest.mark.parametrize("attribute", ["onclick", "style", "formaction", "ONFOCUS"])
def test_a_widget_may_not_set_attributes_that_run_or_lead_away(attribute: str) -> None:
    widget = w.TextInput(attributes={attribute: "x"})
    node = colander.SchemaNode(
        colander.Mapping(), colander.SchemaNode(t.CleanString(), name="x", widget=widget)
    )
    with pytest.raises(ValueError, match="may not set"):
        form(schema=node)


@pytest.mark.parametrize("name", ["csrf_token", "etag", "button", "__start__", "a.b"])
def test_a_field_may_not_be_named_like_the_envelope(name: str) -> None:
    node = colander.SchemaNode(colander.Mapping(), colander.SchemaNode(t.CleanString(), name=name))
    with pytest.raises(ValueError, match="may not be called"):
        form(schema=node)


# --- what a person hears and sees -------------------------------------------------------------


def test_ids_are_unique_and_every_label_and_hint_leads_somewhere() -> None:
    made = form(appstruct={"title": "x", "tables": [{"text": "a\tb\n1\t2", "notes": ["一"]}, {"text": ""}]})
    page = Page(made.render())
    assert len(page.ids) == len(set(page.ids))
    assert set(page.refs) <= set(page.ids)


def test_errors_stand_beside_their_field_and_in_the_summary_and_typed_text_stays() -> None:
    made = form()
    with pytest.raises(FormInvalid):
        made.validate(parse_controls([*controls(day="2月30日", sum="约三千"), *rows("甲\t乙\n一")]))
    text = made.render()
    page = Page(text)
    assert 'role="alert"' in text
    for problem in made.problems:
        assert f'href="#{problem.oid}"' in text
        assert problem.oid in page.ids
    assert {p.path for p in made.problems} == {"day", "sum", "tables.0.text"}
    day = next(a for _, a in page.tags if a.get("name") == "day")
    assert day["type"] == "text"  # a date field would show nothing and lose what was typed
    assert day["value"] == "2月30日"
    assert f"error-{day['id']}" in (day["aria-describedby"] or "")
    assert day["aria-invalid"] == "true"
    posted = dict(page.fields)
    assert posted["sum"] == "约三千"
    assert posted["text"] == "甲\t乙\n一"
    assert "表格 1：" in text
    assert set(page.refs) <= set(page.ids)


def test_messages_of_the_domain_stand_beside_their_field_too() -> None:
    made = form(
        appstruct={"title": "x", "tables": [{"text": "a\tb\n1\t2"}]},
        errors={"tables.0.caption": "表名和第 2 张表重复。", "": "期末余额对不上。", "gone": "别的话。"},
    )
    said = {(p.path, p.message) for p in made.problems}
    assert ("tables.0.caption", "表名和第 2 张表重复。") in said
    assert {("", "期末余额对不上。"), ("", "别的话。")} <= said
    assert "表名和第 2 张表重复。" in made.render()


def test_passwords_are_never_drawn_again() -> None:
    made = form()
    made.keep(parse_controls(controls(secret="correct horse")))
    assert "correct horse" not in made.render()


def test_enter_presses_the_main_button_and_not_a_row_button() -> None:
    page = Page(form(appstruct={"tables": [{"text": ""}]}).render())
    buttons = [a["value"] for tag, a in page.tags if tag == "button" and a.get("type") == "submit"]
    assert buttons[0] == "save"


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")),
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1), max_size=3),
)
def test_whatever_is_typed_comes_back_as_it_was(body: str, tables: list[str]) -> None:
    made = form()
    made.keep(parse_controls([*controls(body=body), *rows(*tables)]))
    page = Page(made.render())
    assert [v for k, v in page.fields if k == "text"] == tables
    assert [v for k, v in page.fields if k == "body"] == [body.strip()]


def test_a_drawn_form_posts_back_to_the_same_data() -> None:
    data = {
        "title": "村西水渠", "kind": "party", "tags": {"a"}, "open": True, "day": date(2026, 9, 30),
        "sum": Decimal("1234.50"), "body": ("第一段", "第二段"), "contact": {"phone": "1"},
        "tables": [{"caption": "甲", "text": "项目\t金额\n石料\t1", "notes": ["一", "二"]}],
    }
    page = Page(form(appstruct=data).render())
    # a browser posts a select's choice, which Page does not read
    back = form().validate(parse_controls([*page.fields, ("part", "1")]))
    for name in ("title", "kind", "tags", "open", "day", "sum", "body", "contact"):
        assert back[name] == data[name]
    assert back["part"] == "1"
    assert back["tables"][0]["notes"] == ["一", "二"]
    assert back["tables"][0]["text"].rows == (("石料", "1"),)


# --- rows without JavaScript --------------------------------------------------------------------


def captions(made: Form) -> list[str]:
    return [v for k, v in Page(made.render()).fields if k == "text"]


@pytest.mark.parametrize(
    ("button", "texts"),
    [
        ("add:tables", ["一", "二", ""]),
        ("remove:tables.0", ["二"]),
        ("up:tables.1", ["二", "一"]),
        ("down:tables.0", ["二", "一"]),
        ("up:tables.0", ["一", "二"]),
        ("down:tables.1", ["一", "二"]),
        ("restore", ["一", "二"]),
    ],
)
def test_row_buttons_change_the_rows_and_keep_the_rest(button: str, texts: list[str]) -> None:
    made = form()
    posted = parse_controls([*controls(day="不懂"), *rows("一", "二"), ("button", button)])
    assert made.redraw(posted)
    assert captions(made) == texts
    assert not made.problems  # nothing is judged while somebody is still typing
    fields = dict(Page(made.render()).fields)
    assert fields["day"] == "不懂"
    assert fields["title"] == "村西水渠"


def test_rows_within_rows_and_the_greatest_number() -> None:
    made = form()
    assert made.redraw(parse_controls([*rows("一"), ("button", "add:tables.0.notes")]))
    assert [k for k, _ in Page(made.render()).fields].count("note") == 1
    made = form()
    assert made.redraw(parse_controls([*rows("一", "二", "三"), ("button", "add:tables")]))
    assert captions(made) == ["一", "二", "三"]


@pytest.mark.parametrize("button", ["save", "", "restored", "add:", "add:tables.0x/", "ADD:tables"])
def test_other_buttons_are_not_row_buttons(button: str) -> None:
    assert not form().redraw(parse_controls([*controls(), ("button", button)]))


@pytest.mark.parametrize(
    "button", ["remove:tables.9", "up:title.0", "add:title", "add:nowhere", "down:tables.x",
               "add:tables.0.text", "remove:tables", "remove:tables.99999", "add:tables.7.notes"]
)
def test_a_row_that_is_not_there_is_told(button: str) -> None:
    with pytest.raises(BadForm, match="已经不在了"):
        form().redraw(parse_controls([*controls(), *rows("一"), ("button", button)]))


def test_fewer_rows_than_needed_are_drawn_as_empty_ones_and_never_break() -> None:
    node = schema()
    node["tables"].widget = w.Rows(item="表格", min_len=2)
    assert len(captions(form(schema=node))) == 2
    made = form(schema=node)
    made.keep(parse_controls(controls()))
    made.render()


# --- what arrives --------------------------------------------------------------------------------

_BAD: dict[str, list[tuple[str, object]]] = {
    "end without start": [("__end__", "a:mapping")],
    "start without end": [("__start__", "a:mapping"), ("x", "1")],
    "other end": [("__start__", "a:mapping"), ("__end__", "a:sequence")],
    "unknown marker": [("__start__", "a:ignore"), ("__end__", "a:ignore")],
    "marker without kind": [("__start__", "a"), ("__end__", "a")],
    "twice": [("title", "1"), ("title", "2")],
    "twice in a mapping": [("__start__", "a:mapping"), ("x", "1"), ("x", "1"), ("__end__", "a:mapping")],
    "two mappings of a name": [("__start__", "a:mapping"), ("__end__", "a:mapping")] * 2,
    "two values for one choice": [("__start__", "k:rename"), ("p", "1"), ("q", "2"), ("__end__", "k:rename")],
    "token twice": [("csrf_token", "1"), ("csrf_token", "2")],
    "two buttons": [("button", "a"), ("button", "b")],
    "too deep": [("__start__", "a:sequence")] * 9 + [("__end__", "a:sequence")] * 9,
    "10,000 nested": [("__start__", "a:mapping")] * 10_000,
    "not text": [("title", 5)],
    "long name": [("n" * 300, "")],
    "long value": [("title", "字" * 1_000_001)],
    "upload as token": [("csrf_token", type("U", (), {"filename": "x"})())],
}


@pytest.mark.parametrize("name", _BAD)
def test_unreadable_forms_are_refused_in_chinese(name: str) -> None:
    with pytest.raises(BadForm) as caught:
        parse_controls(_BAD[name])
    assert re.search("[\u4e00-\u9fff]", caught.value.message)
    assert not re.search("[A-Za-z]{4,}", caught.value.message.replace("title", ""))


def test_limits_hold_exactly() -> None:
    few = Limits(fields=3, depth=1)
    assert len(parse_controls([(str(n), "") for n in range(3)], few).fields) == 3
    with pytest.raises(BadForm, match="格子超过 3 个"):
        parse_controls([(str(n), "") for n in range(4)], few)


def test_the_envelope_stands_apart_wherever_it_was_in_the_form() -> None:
    posted = parse_controls(
        [("etag", "e7"), ("__start__", "a:mapping"), ("button", "up:a.1"), ("x", "1"),
         ("__end__", "a:mapping"), ("csrf_token", "t"), ("idempotency", "i"), ("file", b"")]
    )
    assert posted.fields == {"a": {"x": "1"}}
    assert (posted.button, posted.etag, posted.idempotency) == ("up:a.1", "e7", "i")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["__start__", "__end__", "a", "b", "button"]),
            st.sampled_from(["a:mapping", "a:sequence", "a:rename", "b:mapping", "x"]),
        ),
        max_size=30,
    )
)
def test_any_order_of_markers_is_read_or_refused(items: list[tuple[str, object]]) -> None:
    try:
        posted = parse_controls(items)
    except BadForm:
        return
    made = form()
    try:
        made.validate(posted)
    except FormInvalid:
        made.render()


def test_unknown_fields_are_named_at_any_depth_and_the_rest_is_kept() -> None:
    made = form()
    items = [*controls(), ("is_admin", "1"), ("__start__", "tables:sequence"),
             ("__start__", "table:mapping"), ("text", "a\tb\n1\t2"), ("hack", "x"),
             ("__end__", "table:mapping"), ("__end__", "tables:sequence")]
    with pytest.raises(FormInvalid):
        made.validate(parse_controls(items))
    said = " ".join(p.message for p in made.problems)
    assert "“is_admin”" in said
    assert "“hack”" in said
    assert dict(Page(made.render()).fields)["title"] == "村西水渠"


_STRANGE: dict[str, list[tuple[str, object]]] = {
    "title": [("__start__", "title:mapping"), ("x", "1"), ("__end__", "title:mapping")],
    "body": [("body", type("Upload", (), {"filename": "x.pdf"})())],
    "tables": [("tables", "text")],
    "contact": [("contact", "text")],
    "tags": [("tags", "a")],
    "row": [("__start__", "tables:sequence"), ("x", "1"), ("__end__", "tables:sequence")],
    "tag": [
        ("__start__", "tags:sequence"),
        ("__start__", "x:mapping"),
        ("__end__", "x:mapping"),
        ("__end__", "tags:sequence"),
    ],
}


@pytest.mark.parametrize("name", _STRANGE)
def test_the_wrong_shape_is_told_and_breaks_nothing(name: str) -> None:
    made = form()
    kept = [pair for pair in controls() if pair[0] != name]
    with pytest.raises(FormInvalid):
        made.validate(parse_controls([*kept, *_STRANGE[name]]))
    assert any("样子不对" in p.message for p in made.problems)
    made.render()


def test_the_schema_refuses_unknown_fields_even_when_asked_directly() -> None:
    made = form()
    with pytest.raises(colander.UnsupportedFields):
        made._schema.deserialize({"zzz": "1"})


# --- drafts -----------------------------------------------------------------------------------------


def test_half_a_form_can_be_saved_and_what_is_there_must_be_readable() -> None:
    assert form().validate(parse_controls([("title", "水渠")]), draft=True)["title"] == "水渠"
    with pytest.raises(FormInvalid) as caught:
        form().validate(parse_controls([("title", "水渠"), ("day", "哪天")]), draft=True)
    assert [p.path for p in caught.value.form.problems] == ["day"]


def test_a_draft_may_be_short_but_not_too_long() -> None:
    node = colander.SchemaNode(
        colander.Mapping(),
        colander.SchemaNode(
            t.CleanString(),
            name="x",
            title="甲",
            validator=colander.All(colander.Length(5, 8), colander.Regex("^[^z]*$")),
        ),
    )
    assert form(schema=node).validate(parse_controls([("x", "ab")]), draft=True) == {"x": "ab"}
    for text in ("123456789", "z"):
        with pytest.raises(FormInvalid):
            form(schema=node).validate(parse_controls([("x", text)]), draft=True)


# --- every message is Chinese ---------------------------------------------------------------------

_HAN = re.compile("[\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{3,}")


def one(typ: Any, **kw: Any) -> Any:
    return colander.SchemaNode(
        colander.Mapping(), colander.SchemaNode(typ, name="x", title="数目", **kw)
    )


@pytest.mark.parametrize(
    ("node", "typed", "part"),
    [
        (one(colander.String()), "", "请填写“数目”"),
        (one(colander.Integer()), "三", "要填数字"),
        (one(colander.Decimal()), "三", "要填数字"),
        (one(colander.Integer(), validator=colander.Range(2, 5)), "1", "不能小于 2"),
        (one(colander.Integer(), validator=colander.Range(2, 5)), "9", "不能大于 5"),
        (one(colander.String(), validator=colander.Length(3)), "一", "至少要写 3 个字"),
        (one(colander.String(), validator=colander.Length(max=2)), "一二三", "最多 2 个字，现在是 3 个"),
        (one(colander.String(), validator=colander.OneOf(["a"])), "b", "选一项"),
        (one(colander.String(), validator=colander.NoneOf(["b"])), "b", "请换一个"),
        (one(colander.String(), validator=colander.Email()), "b", "电子邮箱"),
        (one(colander.String(), validator=colander.Regex("^a")), "b", "写法不对"),
        (one(colander.String(), validator=colander.url), "b", "网址"),
        (one(colander.String(), validator=colander.uuid), "b", "填得不对"),
        (one(colander.String(), validator=colander.Function(lambda v: False)), "b", "填得不对"),
        (one(colander.String(), validator=colander.Function(lambda v: "no good")), "b", "填得不对"),
        (one(colander.String(), validator=colander.luhnok), "b", "填得不对"),
        (one(colander.String(), validator=colander.Function(lambda v: "有两个空格")), "b", "有两个空格"),
        (one(colander.String(), validator=colander.All(colander.Length(3), colander.Email())), "b", "至少"),
        (one(colander.Boolean(true_choices=("y",), false_choices=("n",), false_val="n")), "q", None),
        (one(t.LocalDate()), "明天", "哪一天"),
        (one(t.LocalDate()), "2026年2月30日", "2026年2月没有30日"),
        (one(t.LocalDate()), "2026-13-01", "一年只有 12 个月"),
        (one(t.LocalDate()), "0026-01-01", "年份写的是 26"),
        (one(t.Money()), "3.5万", "请写到元"),
        (one(t.Money()), "1.234", "写到分"),
        (one(t.Money()), "12,34", "逗号的位置"),
        (one(t.Money()), "-5", "不能是负数"),
        (one(t.Money()), "9" * 20, "多按几个零"),
        (one(t.Money()), "很多", "多少钱"),
        (one(t.CleanString()), "标\u202e题", "看不见的字符"),
        (one(t.CleanString()), "标\u200b题", "零宽空格"),
        (one(t.CleanString(limit=3)), "一二三四", "最多3个字"),
        (one(t.PastedTable()), "甲\t乙\n一", "少1格"),
        (one(t.Lines()), "\n \n", "请填写"),
    ],
)
def test_each_error_is_said_in_chinese(node: Any, typed: str, part: str | None) -> None:
    try:
        form(schema=node).validate(parse_controls([("x", typed)]))
    except FormInvalid as caught:
        said = [p.message for p in caught.form.problems]
        text = html.unescape(caught.form.render())
    else:
        assert part is None
        return
    assert said
    for message in said:
        assert _HAN.search(message)
        assert not _WORD.search(re.sub(r"U\+\w+|https://|name@example\.cn", "", message)), message
        assert message in text
    assert part is None or any(part in message for message in said)


def test_every_sentence_that_colander_and_deform_know_becomes_chinese() -> None:
    """Every message id in the libraries' own sources, not only those that we thought of."""
    found = set()
    for module in (colander, deform.widget, deform.schema):
        assert module.__file__ is not None
        with open(module.__file__, encoding="utf-8") as source:
            found |= set(re.findall(r"""_\(\s*(?:'([^'\n]+)'|"([^"\n]+)")""", source.read()))
    ids = {one or other for one, other in found}
    assert len(ids) > 25
    for msgid in ids:
        message = colander._(msgid, mapping={"val": "甲", "min": 1, "max": 2, "choices": "乙"})
        for typed in ("abc", ["a"]):
            said = in_plain_chinese(message, title="标题", typed=typed)
            assert _HAN.search(said)
            assert not _WORD.search(said.replace("https", "").replace("name@example.cn", "")), msgid


# --- what people type --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["2026-09-30", "2026/9/30", "2026年9月30日", "２０２６年９月３０日", "2026.9.30", "20260930",
     " 2026 年 9 月 30 日 ", "２０２６－０９－３０", "2026年9月30号"],
)
def test_a_day_in_each_way_of_writing(text: str) -> None:
    assert t.read_date(text) == date(2026, 9, 30)


@given(st.dates(date(1949, 1, 1), date(2199, 12, 31)))
def test_every_day_is_read_from_what_the_form_draws(day: date) -> None:
    node = colander.SchemaNode(t.LocalDate(), name="x", title="日期")
    assert node.deserialize(node.serialize(day)) == day
    assert t.read_date(f"{day.year}年{day.month}月{day.day}日") == day


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,234.50", "1234.50"), ("１，２３４．５", "1234.50"), ("1234元", "1234.00"), ("￥1,234", "1234.00"),
     ("¥0.1", "0.10"), ("1234.", "1234.00"), ("１２３４．５０元", "1234.50"), ("5.100", "5.10"), ("-0", "0.00")],
)
def test_money_in_each_way_of_writing(text: str, amount: str) -> None:
    read = t.read_money(text)
    assert read == Decimal(amount)
    assert read.as_tuple().exponent == -2
    assert not read.is_signed()


@given(st.decimals("-999999999999.99", "999999999999.99", places=2))
def test_every_amount_is_read_from_what_the_form_draws(amount: Decimal) -> None:
    node = colander.SchemaNode(t.Money(negative=True), name="x", title="金额")
    assert node.deserialize(node.serialize(amount)) == amount


@given(st.text())
def test_reading_money_and_days_never_breaks(text: str) -> None:
    said = []
    for read in (t.read_money, t.read_date):
        try:
            read(text)
        except ValueError as error:
            said.append(str(error))
    assert all(_HAN.search(sentence) for sentence in said)


def test_names_are_kept_as_entered_and_other_text_is_composed() -> None:
    rare = "\U00020bb7\ufa11"  # 𠮷, and a compatibility form that NFC would change
    name = colander.SchemaNode(t.CleanString(as_entered=True), title="姓名")
    assert name.deserialize(f" {rare} ") == rare
    plain = colander.SchemaNode(t.CleanString(), title="标题")
    assert plain.deserialize("e\u0301") == "é"


def test_a_leading_empty_cell_is_not_lost_with_its_column() -> None:
    said = messages([*controls(), *rows("\t一月\t二月\n收入\t1\t2")])
    assert said["tables.0.text"] == "第1列没有列名，请在表头里补上。"


# --- a form that outlives its session --------------------------------------------------------------------


def test_what_was_typed_survives_a_login_without_old_tokens_and_passwords() -> None:
    items = [*controls(), *rows("甲\t乙\n一\t二"), ("etag", "e1"), ("password", "pw"), ("button", "save")]
    kept = unpack(pack(items))
    names = {name for name, _ in kept}
    assert not names & {"csrf_token", "password", "button"}
    made = form()
    assert made.redraw(parse_controls([*kept, ("csrf_token", "new"), ("button", "restore")]))
    assert captions(made) == ["甲\t乙\n一\t二"]
    assert dict(Page(made.render()).fields)["title"] == "村西水渠"


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '[["a"]]', '[["a","b","c"]]', '[["csrf_token","x"]]', '[["a",1]]', "[" * 100_000,
     '[["__start__","a:mapping"]]', '[["a","1"],["a","2"]]'],
)
def test_a_forged_copy_is_refused(text: str) -> None:
    with pytest.raises(BadForm):
        unpack(text)


# --- the small forms of the back office ----------------------------------------------------------------------


def test_the_small_forms_read_what_they_ask_for() -> None:
    def filled(node: Any, *items: tuple[str, object]) -> dict[str, Any]:
        return form(schema=node).validate(parse_controls(items))

    def chosen(name: str, value: str) -> list[tuple[str, object]]:
        return [("__start__", f"{name}:rename"), ("r", value), ("__end__", f"{name}:rename")]

    kinds = (("affairs", "村务"), ("finance", "财务"))
    assert filled(create_schema(kinds, (("g1", "第一组"),)), *chosen("kind", "finance"),
                  ("title", "第三季度收支"), ("part", "")) == {
        "kind": "finance", "title": "第三季度收支", "part": ""}
    assert filled(correction_schema(), *chosen("kind", "typo"), ("reason", "漏一个字"))["kind"] == "typo"
    assert filled(withdrawal_schema((("privacy", "有个人信息"),)), *chosen("reason", "privacy"),
                  ("note", "删掉后重发"))["note"] == "删掉后重发"
    sheet = filled(paper_signoff_schema((("m1", "主任"),), (("agree", "同意"),)),
                   ("code", "k7m2"), ("member", "m1"), *chosen("verdict", "agree"),
                   ("signed_on", "2026年11月20日"), ("reason", ""))
    assert sheet["signed_on"] == date(2026, 11, 20)
    assert sheet["reason"] == ""
    with pytest.raises(FormInvalid):
        filled(withdrawal_schema((("privacy", "有个人信息"),)), *chosen("reason", "other"), ("note", "x"))
