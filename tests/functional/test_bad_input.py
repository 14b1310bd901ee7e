"""What people and programs get wrong: each time a clear word, what was typed kept, nothing lost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from support.village import OPERATOR, OTHER_VILLAGE, PASSWORD, SECTION, VILLAGE, Village, url

LONG = "修水渠的经过写得很长，不能白写。" * 40


def draft_of(village: Village, id: str) -> dict[str, Any]:
    with village.reading() as site:
        return dict(site.units[VILLAGE].sections[SECTION].records[id].draft.data)


def pairs(form: Any, button: str = "save") -> list[tuple[str, str]]:
    """What a browser would send."""
    return [*[(n, v) for n, v in form.submit_fields() if n != "button"], ("button", button)]


def press(form: Any, button: str = "save", **kw: Any) -> Any:
    """Submit a form by a button of it."""
    return form.response.press(form, button, **kw)


def set_pair(fields: list[tuple[str, str]], name: str, value: str) -> list[tuple[str, str]]:
    return [(n, value if n == name else v) for n, v in fields]


def typed(page: Any, name: str) -> str:
    """What stands in a field of the page's form."""
    return str(page.form_with(name)[name].value)


def in_chinese(page: Any) -> str:
    """The words of a refusal: Chinese, and none of the phrases that say nothing."""
    words = page.words
    assert re.search(r"[\u4e00-\u9fff]", words)
    for phrase in ("操作成功", "系统异常", "参数错误", "Traceback", "Error", "Invalid"):
        assert phrase not in words
    return words


class TestForms:
    """The form of a draft."""

    @pytest.mark.parametrize(
        ("extra", "told"),
        [
            ([("sneaky", "x")], "没有的栏目“sneaky”"),
            ([("published_at", "2020-01-01")], "没有的栏目“published_at”"),
            ([("title", "第二个标题")], "送来了两次"),
            ([("__start__", "more:sequence")], "没有完整送到"),
            ([("__start__", "tables:sequence")], "“tables”送来了两次"),
            ([("__end__", "tables:sequence")], "没有完整送到"),
            ([("__start__", "a:mapping")] * 12, "没有完整送到|层次太多"),
            ([("__start__", "x:evil")], "没有完整送到"),
            ([("x" * 300, "y")], "没有完整送到"),
            ([(f"f{n}", "y") for n in range(10_000)], "超过 5,000 个"),
            ([("more", "字" * 1_000_001)], "超过 1,000,000 个字"),
            ([("etag", "7")], "没有完整送到"),
        ],
    )
    def test_a_form_that_is_not_ours(self, village: Village, extra: list[tuple[str, str]], told: str) -> None:
        id = village.draft()
        before = draft_of(village, id)
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        page = clerk.post(url(id, "edit"), pairs(form) + extra, expect_errors=True)
        assert page.status_int in (400, 422)
        assert re.search(told, in_chinese(page))
        assert draft_of(village, id) == before

    def test_an_unknown_field_costs_nothing_else_that_was_typed(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        fields = set_pair(pairs(clerk.get(url(id, "edit")).form_with("title")), "body", LONG)
        page = clerk.post(url(id, "edit"), [*fields, ("sneaky", "x")], status=422)
        assert typed(page, "body") == LONG

    def test_missing_fields_are_missing_and_said_before_submission(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        fields = [p for p in pairs(clerk.get(url(id, "edit")).form_with("title"), "done") if p[0] != "summary"]
        page = clerk.post(url(id, "edit"), fields, status=303).follow()
        assert "两句话说明" in page.words
        page = clerk.act(page, "submit", status=422)
        assert "还不能办" in page.words
        assert "两句话说明" in page.words

    @pytest.mark.parametrize("bad", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\u0007", "\ue000", "\u3164"])
    def test_hidden_characters_in_a_title(self, village: Village, bad: str) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        form["title"], form["body"] = f"水渠{bad}维修", LONG
        page = press(form, "save", status=422)
        assert "第3个字" in in_chinese(page)
        assert typed(page, "body") == LONG
        assert typed(page, "title") == f"水渠{bad}维修"
        assert draft_of(village, id)["title"] == "二组水渠维修"

    def test_values_that_are_too_long_or_no_date_or_number(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        form["title"], form["event_date"], form["display_days"] = "长" * 151, "上个月底", "十五"
        form["body"] = LONG
        page = press(form, "save", status=422)
        words = in_chinese(page)
        assert "3 处要改" in words
        assert "上个月底" in words
        assert typed(page, "event_date") == "上个月底"
        assert typed(page, "body") == LONG

    @pytest.mark.parametrize("etag", ["", "²", "-1", "9" * 5000, "1.0", "x"])
    def test_a_revision_number_that_is_none(self, village: Village, etag: str) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        fields = set_pair(pairs(clerk.get(url(id, "edit")).form_with("title")), "etag", etag)
        page = clerk.post(url(id, "edit"), set_pair(fields, "body", LONG), status=409)
        assert typed(page, "body") == LONG
        work = clerk.get(url(id, "work")).forms["do-submit"]
        clerk.post(url(id, "do", "submit"), set_pair(pairs(work), "etag", etag), status=409)
        with village.reading() as site:
            assert site.units[VILLAGE].sections[SECTION].records[id].run.state == "draft"

    def test_bytes_that_are_no_text(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        for kind in ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=klingon"):
            page = clerk.post(url(id, "edit"), b"title=%ff%fe&csrf_token=\xff", content_type=kind, expect_errors=True)
            assert page.status_int in (400, 403)
            in_chinese(page)
        for body in (b"", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", b"\x00" * 100):
            page = clerk.post(url(id, "edit"), body, content_type="multipart/form-data; boundary=x", expect_errors=True)
            assert page.status_int in (400, 403)
        page = clerk.post(url(id, "edit"), b"{}", content_type="application/json", expect_errors=True)
        assert page.status_int in (400, 403)

    def test_rare_names_go_all_the_way(self, village: Village) -> None:
        name = "亓彧翀𠮷𬭚𫍯"
        id = village.published(body=f"由{name}承办。")
        assert name in village.client().get(url(id)).words


class TestSessions:
    """A session that ends in the middle of a long form."""

    def test_what_was_typed_comes_back_after_signing_in_and_is_saved(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        form["body"] = LONG
        village.clock.advance(days=3)
        page = press(form, "save", status=403)
        assert "登录已经过期，您填的内容还在" in page.words
        login = page.form_with("password")
        login["login"], login["password"] = "clerk", "不对的密码"
        page = login.submit(status=403)
        login = page.form_with("password")
        login["login"], login["password"] = "clerk", PASSWORD
        page = login.submit(status=200)
        assert "您刚才填的内容都在" in page.words
        page = next(f for f in page.forms.values() if "body" in f.fields).submit("button", status=200)
        assert typed(page, "body") == LONG
        assert draft_of(village, id)["body"] != LONG, "nothing is saved before the person looked"
        press(page.form_with("body"), "save", status=303)
        assert draft_of(village, id)["body"] == LONG.strip()

    def test_signed_in_again_in_another_window(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        form["body"] = LONG
        clerk.reset()
        clerk.sign_in("clerk")
        page = press(form, "save", status=403)
        page = next(f for f in page.forms.values() if "body" in f.fields).submit("button", status=200)
        assert typed(page, "body") == LONG
        press(page.form_with("body"), "save", status=303)
        assert draft_of(village, id)["body"] == LONG.strip()

    def test_an_act_is_not_done_by_signing_in_again(self, village: Village) -> None:
        id = village.draft()
        village.move(id, "submit", "clerk")
        member = village.client("supervisor")
        form = member.get(url(id, "work")).forms["do-signoff-supervision"]
        form["verdict"], form["comment"] = "object", "花得太多，请说明。"
        village.clock.advance(days=1)
        page = form.submit(status=403)
        login = page.form_with("password")
        login["login"], login["password"] = "supervisor", PASSWORD
        page = login.submit(status=200)
        page = next(f for f in page.forms.values() if "verdict" in f.fields).submit("button", status=200)
        form = page.forms["do-signoff-supervision"]
        assert form["comment"].value == "花得太多，请说明。"
        assert form["verdict"].value == "object"
        with village.reading() as site:
            assert not site.units[VILLAGE].sections[SECTION].records[id].run.verdicts
        form.submit(status=200)
        with village.reading() as site:
            assert site.units[VILLAGE].sections[SECTION].records[id].run.verdicts[0].reason == "花得太多，请说明。"

    def test_a_kept_form_that_was_tampered_with(self, village: Village) -> None:
        for kept in ("{", "[]x", '[["a"]]', '[["csrf_token","x"]]', "[" * 100_000, '[["__start__","x:sequence"]]'):
            clerk = village.client()
            form = clerk.get("/login").form_with("password")
            fields = [*pairs(form)[:-1], ("kept", kept)]
            fields = set_pair(set_pair(fields, "login", "clerk"), "password", PASSWORD)
            page = clerk.post("/login", fields, expect_errors=True)
            assert page.status_int == 400
            in_chinese(page)


class TestTwoAtOnce:
    """The same form twice, two editors, and whatever changed meanwhile."""

    def test_a_double_submit_makes_one_record(self, village: Village) -> None:
        clerk = village.client("clerk")
        form = clerk.get(f"/u/{VILLAGE}/{SECTION}/new").form_with("title")
        form["title"] = "水渠维修公示"
        form["deformField2"] = "affairs"
        fields = pairs(form, "create")
        first = clerk.post(f"/u/{VILLAGE}/{SECTION}/new", fields, status=303)
        second = clerk.post(f"/u/{VILLAGE}/{SECTION}/new", fields, status=303)
        assert first.location == second.location
        with village.reading() as site:
            assert len(site.units[VILLAGE].sections[SECTION].records) == 1

    def test_a_double_submit_moves_once(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        fields = pairs(clerk.get(url(id, "work")).forms["do-submit"])
        for _ in range(2):
            assert "监督审查" in clerk.post(url(id, "do", "submit"), fields, status=200).words
        with village.reading() as site:
            record = site.units[VILLAGE].sections[SECTION].records[id]
            assert len(record.revisions) == 1

    def test_going_back_and_changing_the_form_is_not_taken_for_the_first_one(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        clerk.post(url(id, "edit"), set_pair(pairs(form), "body", "第一次写的。"), status=303)
        page = clerk.post(url(id, "edit"), set_pair(pairs(form), "body", "回去以后改的。"), status=409)
        assert "第一次写的" in page.words
        assert typed(page, "body") == "回去以后改的。"
        press(page.form_with("body"), "save", status=303)
        assert draft_of(village, id)["body"] == "回去以后改的。"

    def test_a_second_editor_is_told_sees_both_texts_and_decides(self, village: Village) -> None:
        id = village.draft()
        one, two = village.client("clerk"), village.client("clerk2")
        mine = one.get(url(id, "edit")).form_with("title")
        theirs = two.get(url(id, "edit")).form_with("title")
        theirs["body"] = "周经办先写好了。"
        press(theirs, "save", status=303)
        mine["body"] = "陈经办后来写的。"
        page = press(mine, "save", status=409)
        words = in_chinese(page)
        assert "周经办" in words
        assert "周经办先写好了" in words
        assert "陈经办后来写的" in words
        assert draft_of(village, id)["body"] == "周经办先写好了。"
        both = page.form_with("body")
        both["body"] = "周经办先写好了。陈经办后来写的。"
        press(both, "save", status=303)
        assert draft_of(village, id)["body"] == "周经办先写好了。陈经办后来写的。"

    def test_an_old_form_replayed_after_a_day(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        old = pairs(clerk.get(url(id, "edit")).form_with("title"))
        village.edit(id, body="新的正文。")
        page = clerk.post(url(id, "edit"), old, status=409)
        assert "别人刚改过" in page.words or "改过这份草稿" in page.words
        assert draft_of(village, id)["body"] == "新的正文。"

    def test_submitted_by_a_colleague_while_writing(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        form["body"] = LONG
        village.move(id, "submit", "clerk2")
        page = press(form, "save", status=409)
        assert "监督审查" in in_chinese(page)
        assert "取回" in page.words
        assert typed(page, "body") == LONG

    def test_a_transition_that_is_not_open_now(self, village: Village) -> None:
        id = village.draft()
        village.move(id, "submit", "clerk")
        approver = village.client("approver")
        form = approver.get(url(id, "work")).forms["do-return"]
        form["comment"] = "金额请再核对一遍。"
        village.move(id, "take_back", "clerk", comment="我再改改。")
        page = form.submit(status=409)
        words = in_chinese(page)
        assert "现在是“起草”" in words
        assert "金额请再核对一遍。" in words, "what was typed is not lost"

    def test_a_verdict_on_an_older_revision(self, village: Village) -> None:
        id = village.draft()
        village.move(id, "submit", "clerk")
        member = village.client("supervisor")
        form = member.get(url(id, "work")).forms["do-signoff-supervision"]
        form["verdict"], form["comment"] = "object", "花得太多。"
        village.move(id, "take_back", "clerk", comment="改一下。")
        village.edit(id, body="改过了。")
        village.move(id, "submit", "clerk")
        page = form.submit(status=409)
        assert "前一稿" in in_chinese(page)
        assert page.forms["do-signoff-supervision"]["comment"].value == "花得太多。"
        with village.reading() as site:
            assert not site.units[VILLAGE].sections[SECTION].records[id].run.verdicts

    def test_a_role_that_is_taken_away_meanwhile(self, village: Village) -> None:
        from jiceng_cms.affairs.units.actions import EndRole

        id = village.draft()
        clerk = village.client("clerk")
        form = clerk.get(url(id, "edit")).form_with("title")
        form["body"] = LONG
        village.services.actions.perform(EndRole(VILLAGE, village.people["clerk"], "clerk", "换届"), OPERATOR)
        page = press(form, "save", expect_errors=True)
        assert page.status_int in (403, 404)
        assert LONG in page.text, "what was typed can still be copied"
        assert "没有保存" in in_chinese(page)
        assert draft_of(village, id)["body"] == "水渠修好了，可以放水。"
        clerk.get(url(id, "work"), status=404)

    def test_nobody_approves_what_they_wrote(self, village: Village) -> None:
        from jiceng_cms.affairs.units.actions import GrantRole

        id = village.draft(kind="party", audience="branch")
        village.services.actions.perform(
            GrantRole(VILLAGE, village.people["clerk"], "approver_party", "任职文件"), OPERATOR
        )
        village.move(id, "submit", "clerk")
        village.move(id, "pass", "party2", comment="不涉密。")
        both = village.client("clerk")
        both.post("/staff/role", {"role": "approver_party", "csrf_token": both.get("/staff").form_with("role")["csrf_token"].value})
        page = both.get(url(id, "work"))
        form = page.forms["do-publish"]
        assert "不能再由您审批" in page.words
        form["password"] = PASSWORD
        page = form.submit(status=403)
        assert "不能再由您审批" in in_chinese(page)
        with village.reading() as site:
            assert site.units[VILLAGE].sections[SECTION].records[id].run.state == "approve"


class TestAddresses:
    """Addresses and words that were never ours."""

    def test_a_record_under_another_village(self, village: Village) -> None:
        id = village.published()
        village.catch_up()
        for login in ("", "clerk", "inspector"):
            page = village.client(login).get(url(id, unit=OTHER_VILLAGE), status=404)
            assert "这里没有您要找的" in in_chinese(page)
        clerk = village.client("clerk")
        form = clerk.get(f"/u/{VILLAGE}/{SECTION}/new").form_with("title")
        page = clerk.post(url(id, "edit", unit=OTHER_VILLAGE), pairs(form), status=404)
        in_chinese(page)

    @pytest.mark.parametrize(
        "query",
        ["水" * 10_000, "*", "?*[]{}()^~:\\/\"'", " ".join(f"词{n}" for n in range(1000)), "title:水 OR *:*", "\u202e水", "a AND (b", "水\x00渠"],
    )
    def test_strange_searches(self, village: Village, query: str) -> None:
        id = village.published()
        village.catch_up()
        resident = village.client()
        page = resident.get("/search", {"q": query.encode()}, expect_errors=True)
        assert page.status_int in (200, 400)
        in_chinese(page)
        kept = next(f for f in page.forms.values() if f["q"].value)["q"].value
        assert kept
        assert query.startswith(kept[:50].replace("\ufffd", "\x00")[:3])
        assert resident.get("/search", {"q": "水渠".encode()}).text.count(id)

    @pytest.mark.parametrize(
        "tail",
        [
            "?q=%E6%B0%B4&year=%C2%B2", "?q=%E6%B0%B4&page=0", "?q=%E6%B0%B4&page=99999999999999999999", "?q=%E6%B0%B4&unit=../..",
            "?q=%E6%B0%B4&kind=nothing&state=%27&sort=x", "?q=%ff", "?%00=1", "?q=%E6%B0%B4&page=%C2%B2", "?q=" + "%20" * 5000,
        ],
    )
    def test_strange_filters_of_the_search(self, village: Village, tail: str) -> None:
        village.catch_up()
        page = village.client().get(f"/search{tail}", expect_errors=True)
        assert page.status_int in (200, 400, 404)
        in_chinese(page)

    @pytest.mark.parametrize(
        "tail", ["?page=0", "?page=2", "?page=" + "0" * 5000 + "1", "?year=%C2%B2", "?year=x", "?kind=x", "?mark=x", "?page=%D9%A1"]
    )
    def test_strange_filters_of_a_list(self, village: Village, tail: str) -> None:
        village.published()
        page = village.client().get(f"/u/{VILLAGE}/{SECTION}/{tail}", expect_errors=True)
        assert page.status_int in (200, 404)

    def test_a_list_without_its_slash_keeps_any_query(self, village: Village) -> None:
        village.client().get(f"/u/{VILLAGE}/{SECTION}?path=1&code=2&section=3&kind=affairs", status=303)


