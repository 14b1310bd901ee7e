"""Signing in and out, links that set a password once, accounts that are closed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from jiceng_cms.access.accounts import SET_PASSWORD, DisableAccount, IssueLink
from jiceng_cms.access.onetime import issue
from support.village import OPERATOR, PASSWORD, Village, url

NEW = "槐花开的时候大家一起唱戏"


def _sign_in(browser: Any, login: str, password: str, **kw: Any) -> Any:
    form = browser.get("/login").form_with("password")
    form["login"], form["password"] = login, password
    return form.submit(**kw)


def _session(browser: Any, village: Village) -> str:
    return str(browser.cookies.get(village.services.cookie.name, ""))


def test_readers_have_no_session_and_leave_no_trace(village: Village) -> None:
    reader = village.client()
    for path in ("/", "/units", "/search?q=x", "/verify"):
        assert "Set-Cookie" not in reader.get(path).headers
    assert not reader.cookies


def test_a_login_gets_a_new_session_whatever_cookie_came_with_it(village: Village) -> None:
    name = village.services.cookie.name
    browser = village.client()
    planted = "A" * 43
    browser.set_cookie(name, planted)
    _sign_in(browser, "clerk", PASSWORD, status=303)
    first = _session(browser, village)
    assert first
    assert first != planted
    stolen = village.client()
    stolen.set_cookie(name, planted)
    assert stolen.get("/staff", status=303).location.endswith("/login?next=/staff")
    again = village.client()
    again.set_cookie(name, first)
    assert again.get("/staff", status=200)
    form = again.get("/staff").form_with("csrf_token")
    again.post("/logout", {"csrf_token": form["csrf_token"].value}, status=303)
    assert browser.get("/staff", status=303), "signed out is signed out, wherever the cookie still lies"


def test_the_cookie_is_kept_from_scripts_and_other_sites(village: Village) -> None:
    browser = village.client()
    header = _sign_in(browser, "clerk", PASSWORD, status=303).headers["Set-Cookie"]
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in header
    assert "Domain" not in header
    with_tls = village.services.cookie.__class__(secure=True)
    assert with_tls.name.startswith("__Host-")
    assert "Secure" in with_tls.header("x")[1]


def test_after_signing_out_the_back_button_finds_nothing(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    page = clerk.get(url(id, "edit"))
    assert page.headers["Cache-Control"] == "no-store"
    old = _session(clerk, village)
    next(f for f in page.forms.values() if f.action == "/logout").submit(status=303)
    assert not _session(clerk, village)
    clerk.set_cookie(village.services.cookie.name, old)
    clerk.get(url(id, "edit"), status=303)
    page = clerk.post(url(id, "edit"), page.form_with("title").submit_fields(), status=403)
    assert "登录已经过期" in page.words


def test_sessions_end_when_unused_and_in_any_case(village: Village) -> None:
    clerk = village.client("clerk")
    village.clock.advance(minutes=59)
    clerk.get("/staff", status=200)
    village.clock.advance(minutes=61)
    clerk.get("/staff", status=303)
    clerk = village.client("clerk")
    for _ in range(15):
        village.clock.advance(minutes=50)
        clerk.get("/staff", expect_errors=True)
    clerk.get("/staff", status=303)


def test_a_disabled_account_loses_access_at_once(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    form = clerk.get(url(id, "work")).forms["do-submit"]
    village.services.actions.perform(DisableAccount("clerk", reason="离任"), OPERATOR)
    clerk.get("/staff", status=303)
    clerk.get(url(id), status=404)
    form.submit(status=403)
    with village.reading() as site:
        assert site.units["990101100201"].sections["disclosures"].records[id].run.state == "draft"
    page = _sign_in(village.client(), "clerk", PASSWORD, status=403)
    assert "用户名或密码不对" in page.words


def test_a_stranger_cannot_tell_which_logins_exist(village: Village) -> None:
    def plain(page: Any) -> str:
        text = re.sub(r'value="[^"]{20,}"', "", page.text)
        return text.replace("clerk", "NAME").replace("nobody", "NAME").replace("security", "NAME")

    village.services.actions.perform(DisableAccount("security", reason="离任"), OPERATOR)
    pages = [plain(_sign_in(village.client(), login, "不对的密码不对的密码", status=403)) for login in ("clerk", "nobody", "security")]
    assert pages[0] == pages[1] == pages[2]
    browser = village.client()
    links = [plain(browser.get(f"/set-password/{login}/{'A' * 43}", status=410)) for login in ("clerk", "nobody", "security")]
    assert links[0] == links[1] == links[2]


def test_many_wrong_passwords_are_stopped_also_with_the_right_one_and_not_for_others(village: Village) -> None:
    browser = village.client()
    statuses = [_sign_in(browser, "clerk", f"猜一猜{n}", expect_errors=True).status_int for n in range(7)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    page = _sign_in(browser, "clerk", PASSWORD, status=429)
    assert "试的次数太多" in page.words
    assert _sign_in(village.client(), "clerk2", PASSWORD, status=303)
    elsewhere = village.client()
    elsewhere.extra_environ["REMOTE_ADDR"] = "203.0.113.9"
    assert _sign_in(elsewhere, "clerk", PASSWORD, status=303), "nobody is locked out from afar"
    village.clock.advance(minutes=20)
    assert _sign_in(browser, "clerk", PASSWORD, status=303)
    unknown = village.client()
    for n in range(6):
        last = _sign_in(unknown, "nobody", f"猜一猜{n}", expect_errors=True)
    assert last.status_int == 429, "those that do not exist are counted alike"


def test_wrong_passwords_at_an_act_are_counted_too(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2")
    approver = village.client("approver")
    page = approver.get(url(id, "work"))
    for n in range(8):
        page = approver.act(page, "publish", status=403, password=f"猜{n}")
    page = approver.act(page, "publish", status=403, password=PASSWORD)
    with village.reading() as site:
        assert site.units["990101100201"].sections["disclosures"].records[id].run.state == "review"


def test_a_link_sets_a_password_once_and_ends_all_sessions(village: Village) -> None:
    token, link = issue(SET_PASSWORD, village.clock.now(), timedelta(hours=24))
    village.services.actions.perform(IssueLink("clerk", link, reason="忘记密码"), OPERATOR)
    old = village.client("clerk")
    browser = village.client()
    path = f"/set-password/clerk/{token}"
    page = browser.get(path, status=200)
    assert "Referrer-Policy" in page.headers
    for first, second, told in (
        (NEW, NEW + "x", "不一样"), ("短", "短", "至少"), ("陈经办陈经办陈经办陈经办", "陈经办陈经办陈经办陈经办", ""), ("123456789012", "123456789012", ""),
    ):
        form = browser.get(path).form_with("password2")
        form["password"], form["password2"] = first, second
        refused = form.submit(status=400)
        assert told in refused.words
        assert first not in refused.text
    form = browser.get(path).form_with("password2")
    form["password"], form["password2"] = NEW, NEW
    fields = form.submit_fields()
    browser.post(path, fields, status=303)
    old.get("/staff", status=303)
    assert _sign_in(village.client(), "clerk", PASSWORD, status=403)
    assert _sign_in(village.client(), "clerk", NEW, status=303)
    assert browser.get(path, status=410)
    page = browser.post(path, [(n, PASSWORD if n.startswith("password") else v) for n, v in fields], status=410)
    assert _sign_in(village.client(), "clerk", NEW, status=303)


def test_a_link_is_for_its_account_and_its_time(village: Village) -> None:
    token, link = issue(SET_PASSWORD, village.clock.now(), timedelta(hours=24))
    village.services.actions.perform(IssueLink("clerk", link, reason="忘记密码"), OPERATOR)
    browser = village.client()
    browser.get(f"/set-password/clerk2/{token}", status=410)
    browser.get(f"/set-password/clerk/{token[:-1]}", status=410)
    village.clock.advance(hours=25)
    browser.get(f"/set-password/clerk/{token}", status=410)


@pytest.mark.parametrize("login", ["CLERK", "  clerk ", "clerk\x00", "x" * 5000, "' OR 1=1", "亓", ""])
def test_strange_names_at_the_door(village: Village, login: str) -> None:
    page = _sign_in(village.client(), login, PASSWORD, expect_errors=True)
    assert page.status_int in ((303,) if login.strip().lower() == "clerk" else (403,))


def test_acting_in_a_role_that_one_does_not_hold(village: Village) -> None:
    clerk = village.client("clerk")
    token = clerk.get("/staff").form_with("csrf_token")["csrf_token"].value
    for role in ("approver", "operator", "timer", "system", "", "clerk' --"):
        clerk.post("/staff/role", {"role": role, "csrf_token": token}, status=303)
        assert "经办人的身份" in clerk.get("/staff").words
