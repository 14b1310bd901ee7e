"""Pages of the back office: each can be drawn, full and bare, in words, safe under the CSP."""

from __future__ import annotations

import dataclasses
import functools
import html
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import colander
import pytest

from jiceng_cms.locale import translator
from jiceng_cms.web import staff_pages as sp
from jiceng_cms.web.forms import Button, make_form, parse_controls
from jiceng_cms.web.forms.kept import pack
from jiceng_cms.web.forms.types import CleanString
from jiceng_cms.web.pages import Account, Link, Listed, Pager, Shell
from jiceng_cms.web.tables import Html
from jiceng_cms.web.theming import Theme

AT = datetime(2026, 11, 20, 2, 32, tzinfo=UTC)
DUE = sp.DueDay("监督审查期限", date(2026, 11, 30), ("11月28日是星期六，顺延到11月30日。",), 3)
SHELL = Shell(
    site_title="清溪县基层公开",
    csrf_token="tok-1",
    account=Account("周文娟", "经办人", "柳湾村", "/desk", "/logout", 2),
)
HOSTILE = '"><script>alert(1)</script>'


def action(**kw: Any) -> sp.ActionForm:
    values: dict[str, Any] = {
        "name": "submit",
        "title": "提交监督审查",
        "url": "/do/submit",
        "what_happens": "监督委员会有 5 天提出意见，其间不能再改。",
        "etag": "e1",
        "idempotency": "once-1",
    }
    return sp.ActionForm(**(values | kw))


def form_html() -> Html:
    node = colander.SchemaNode(
        colander.Mapping(), colander.SchemaNode(CleanString(limit=99), name="title", title="标题")
    )
    made = make_form(node, action="/x", buttons=(Button("save", "保存草稿"),), csrf_token="tok-1", draft_key="k")
    return Html(made.render())


def full(text: str) -> list[Any]:
    """Each page with everything on it; ``text`` stands wherever people's words stand."""
    check = (sp.Check("stop", text, "/e#a"), sp.Check("warn", text), sp.Check("ok", text))
    found = (sp.FoundPrivacy(text, "像身份证号码", "3701**********12", "请整个删掉。", "/e#b"),)
    rows = (sp.SignoffRow("主任", "反对", AT, text, "纸质签署，由村文书代录"), sp.SignoffRow("委员", "还没有"))
    return [
        sp.StaffHome(
            text, "柳湾村",
            (sp.WaitingItem(text, "/r", "监督审查", "柳湾村", date(2026, 11, 1), date(2026, 11, 9), 8),
             sp.WaitingItem(text, "/r", "审批", "柳湾村", date(2026, 11, 1))),
            (sp.DraftLine(text, "/d", "村务", AT, text),),
            (Listed(text, "/p", "村务", date(2026, 11, 2)),),
            (sp.RoleChoice("a", text, True), sp.RoleChoice("b", text)),
            "/switch", "/create", "/all", text, True,
        ),
        sp.RecordStaffPage(
            text, "柳湾村", "/u", "村务",
            (sp.Stage("起草", "past"), sp.Stage("监督审查", "now"), sp.Stage("公布", "next")),
            Html("<p>正文</p>"), facts=((text, text),), notice=text, lateness=text, due=DUE,
            checks=check, findings=found,
            attachments=(sp.Attachment(text, "/f", 9, clear=action(name="clear-1", title="已核对无个人信息")),
                         sp.Attachment("b.pdf", "/f", 9, cleared=text),
                         sp.Attachment("c.pdf", "/f", 9, waiting=text, remove=action(name="rm", title="删掉"))),
            upload=sp.UploadForm("/up", ".pdf", text, "e1", "once-2", error=text),
            signoffs=(sp.SignoffTable(text, text, rows, DUE, "/paper", "/sheet"),),
            actions=(action(comment="required", reauthenticate=True, blocked=text, error=text, typed=text),
                     action(name="sign", verdicts=(("agree", "同意"), ("object", "反对")), verdict="object",
                            comment="optional", danger=True)),
            edit_url="/e", history_url="/h", public_url="/p", links=(Link(text, "/l"),),
        ),
        sp.EditRecordPage(text, "柳湾村", "/u", "/r", form_html(), check, found, DUE, text, text),
        sp.ConflictPage(text, text, AT, (sp.ConflictField(text, text, text),), form_html(), "/t"),
        sp.DonePage(text, (text, text), (Link(text, "/d"),), DUE, "k"),
        sp.HistoryPage(text, text, "/r", (sp.HistoryRow(AT, text, text, text, text, text, text),), text,
                       Pager(1, 2, 60, None, "/2")),
        sp.LoginPage("/login", text, text, "/next", text),
        sp.ExpiredPage("/login", "/next", pack([("title", text)]), text, text),
        sp.ResumePage("/e", (("title", text), ("body", "甲\n乙"))),
        sp.SetPasswordPage("/once", text, (text,), AT, text),
        sp.CreateRecordPage(text, form_html(), (text,), text, Link(text, "/b"), (text,), text),
        sp.CorrectionStartPage(text, form_html()),
        sp.WithdrawPage(text, form_html()),
        sp.PaperSignoffPage(text, form_html()),
    ]


BARE: list[Any] = [
    sp.StaffHome("等我办的事", "柳湾村", (), (), ()),
    sp.RecordStaffPage("标题", "柳湾村", "/u", "村务", (), Html("")),
    sp.EditRecordPage("标题", "柳湾村", "/u", "/r", Html("")),
    sp.ConflictPage("标题", "李振国", AT, (), Html(""), "/t"),
    sp.DonePage("已公布", (), ()),
    sp.HistoryPage("经过", "标题", "/r", ()),
    sp.LoginPage("/login"),
    sp.SetPasswordPage("/once", "clerk", ()),
    sp.FormPage("标题", Html("")),
]


@functools.cache
def theme() -> Theme:
    """One for all tests: it compiles each template once, and holds nothing of a page."""
    return Theme(translator=translator)


def draw(page: Any, shell: Shell = SHELL) -> str:
    return theme().render(page.template, page, shell)


class Seen(HTMLParser):
    """The forms of a page with their fields, the ids, and what points to ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str | None], dict[str, str]]] = []
        self.ids: list[str] = []
        self.refs: list[str] = []
        self.attributes: set[str] = set()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(a)
        if tag == "form":
            self.forms.append((a, {}))
        elif a.get("name") and self.forms and tag in ("input", "textarea", "button"):
            self.forms[-1][1][a["name"] or ""] = a.get("value") or ""
        if a.get("id"):
            self.ids.append(a["id"] or "")
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.refs.extend((a.get(name) or "").split())


@pytest.mark.parametrize("page", full(HOSTILE), ids=lambda page: type(page).__name__)
def test_hostile_words_stay_words_and_nothing_runs_inline(page: Any) -> None:
    text = draw(page)
    seen = Seen(text)
    assert "alert(1)" in text
    assert "<script>" not in text
    assert not {a for a in seen.attributes if a.startswith("on") or a == "style"}
    assert "style" not in seen.tags


@pytest.mark.parametrize("page", full("村西水渠"), ids=lambda page: type(page).__name__)
def test_labels_lead_to_fields_ids_are_unique_and_one_title_is_on_the_page(page: Any) -> None:
    seen = Seen(draw(page))
    assert len(seen.ids) == len(set(seen.ids)), [i for i in seen.ids if seen.ids.count(i) > 1]
    assert set(seen.refs) <= set(seen.ids)
    assert seen.tags.count("h1") == 1
    assert seen.tags.count("main") == 1


@pytest.mark.parametrize("page", full("村西水渠"), ids=lambda page: type(page).__name__)
def test_every_form_that_changes_something_carries_the_token(page: Any) -> None:
    for attributes, fields in Seen(draw(page)).forms:
        if (attributes.get("method") or "get").lower() == "post":
            assert fields.get("csrf_token") == "tok-1", attributes


@pytest.mark.parametrize("page", [*full("村西水渠"), *BARE], ids=lambda page: type(page).__name__)
def test_nothing_but_chinese_is_read_out(page: Any) -> None:
    text = re.sub(r"<(script|style|template)\b.*?</\1>", "", draw(page), flags=re.DOTALL)
    words = html.unescape(re.sub(r"<[^>]*>", " ", text))
    # spoken attributes too
    words += " ".join(re.findall(r'(?:aria-label|title|placeholder|data-label)="([^"]*)"', text))
    allowed = re.compile(r"\b(PDF|Word|Excel|WPS|KB|MB|pdf|clerk|[abc]\.pdf)\b")
    assert not re.findall(r"[A-Za-z]{2,}", allowed.sub("", words))
    for phrase in ("操作成功", "系统异常", "参数错误", "提交失败"):
        assert phrase not in words


@pytest.mark.parametrize("page", full("Canal"), ids=lambda page: type(page).__name__)
def test_the_english_pages_translate_what_is_theirs(page: Any) -> None:
    shell = dataclasses.replace(SHELL, locale="en")
    chinese, english = draw(page), draw(page, shell)
    assert english != chinese
    assert 'lang="en"' in english


def test_an_action_posts_what_a_double_submit_and_a_stale_page_are_told_by() -> None:
    page = next(p for p in full("村西水渠") if isinstance(p, sp.RecordStaffPage))
    forms = {a.get("id"): fields for a, fields in Seen(draw(page)).forms}
    submit, sign = forms["do-submit"], forms["do-sign"]
    assert submit["etag"] == "e1"
    assert submit["idempotency"] == "once-1"
    assert {"comment", "password"} <= set(submit)
    assert {"comment", "verdict"} <= set(sign)
    assert "password" not in sign


def test_an_action_says_what_will_happen_and_keeps_what_was_typed() -> None:
    page = dataclasses.replace(
        BARE[1],
        actions=(
            action(comment="required", typed="单价要附三家报价", error="请写明理由。", verdict="object",
                   verdicts=(("agree", "同意"), ("object", "反对"))),
        ),
    )
    text = draw(page)
    assert "监督委员会有 5 天提出意见" in text
    assert ">提交监督审查</button>" in text
    assert "单价要附三家报价</textarea>" in text
    assert re.search(r'value="object"[^>]*checked', text)
    assert not re.search(r'value="agree"[^>]*checked', text)


def test_a_blocked_action_says_why_and_cannot_be_pressed() -> None:
    text = draw(dataclasses.replace(BARE[1], actions=(action(blocked="附件还没有核对。"),)))
    assert re.search(r"<button[^>]*disabled", text)
    assert "附件还没有核对。" in text


def test_the_step_at_hand_is_said_and_not_only_coloured() -> None:
    page = dataclasses.replace(BARE[1], stages=(sp.Stage("起草", "past"), sp.Stage("监督审查", "now")))
    text = draw(page)
    assert re.search(r'aria-current="step"><span>监督审查</span>', text)
    assert "（正在这一步）" in text


def test_empty_desks_say_what_belongs_there() -> None:
    assert "轮到您审查、审批或者修改时" in draw(BARE[0])


def test_what_was_typed_travels_through_the_login_and_opens_again() -> None:
    typed = [("title", '水渠 "二"'), ("body", "甲\n乙")]
    expired = draw(sp.ExpiredPage("/login", "/u/r/edit", pack(typed)))
    fields = Seen(expired).forms[-1][1]
    assert fields["kept"] == pack(typed)
    assert fields["next"] == "/u/r/edit"
    resumed = Seen(draw(sp.ResumePage("/u/r/edit", tuple(typed)))).forms[-1]
    assert resumed[0]["action"] == "/u/r/edit"
    posted = parse_controls(list(resumed[1].items()))
    assert posted.button == "restore"
    assert posted.fields == dict(typed)


def test_a_wrong_login_keeps_the_name_and_never_the_password() -> None:
    fields = Seen(draw(sp.LoginPage("/login", "clerk", "账号或者密码不对。"))).forms[-1][1]
    assert fields["login"] == "clerk"
    assert fields["password"] == ""
