"""Accounts on the web: invitation, password, phone codes, sessions, and what must not work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from jiceng_cms.affairs.units.actions import EndRole
from jiceng_cms.core.history import kept
from support.browser import Browser
from support.village import OPERATOR, PASSWORD, VILLAGE, Village, open_village

NEW = "新修的水渠一直流到晒谷场"


def secret_on(page: Any) -> str:
    return "".join(page.html.find(id="secret").text.split())


def codes_on(page: Any) -> list[str]:
    return [li.text.strip() for li in page.html.find(id="recovery-codes").find_all("li")]


def bind_phone(village: Village, login: str, browser: Any = None) -> tuple[Any, str, list[str]]:
    """Somebody binds a phone: the browser, the secret, the recovery codes."""
    browser = browser or village.client(login)
    page = browser.get("/staff/account/two-factor")
    page = page.press(page.forms["form"]).follow()
    secret = secret_on(page)
    form = page.forms["form"]
    form["code"] = pyotp.TOTP(secret).at(village.clock.now())
    page = page.press(form, status=200)
    village.clock.advance(seconds=30)  # the next code counts again
    return browser, secret, codes_on(page)


def to_code_page(village: Village, login: str, password: str = PASSWORD) -> tuple[Any, Any]:
    """A new browser after the right password: it and the page that asks for the code."""
    browser = village.client()
    form = browser.get("/login").form_with("password")
    form["login"], form["password"] = login, password
    return browser, form.submit(status=200)


def give_code(page: Any, code: str, **kw: Any) -> Any:
    form = page.form_with("code")
    form["code"] = code
    return form.submit(**kw)


def events(village: Village, kind: str) -> list[dict[str, Any]]:
    with village.reading() as site:
        found = [k.event() for k in kept(site.history)]
    return [event for event in found if event["kind"] == kind]


# ------------------------------------------------------------------------------ invitation


def test_an_invited_person_sets_a_password_by_a_link_that_works_once(village: Village) -> None:
    system = village.client("system")
    page = system.get("/staff/people/new")
    form = page.forms["form"]
    form["title"], form["login"] = "何新人", "he.xin"
    shown = page.press(form, status=200)
    assert shown.headers["Cache-Control"] == "no-store"
    link = shown.html.find(id="one-time-link").text.strip()
    assert link not in system.get("/staff/people").text
    path = link.removeprefix("http://localhost")
    browser = village.client()
    for _ in range(2):  # opening it uses nothing up: chat programs fetch every link
        page = browser.get(path)
    form = page.form_with("password2")
    form["password"] = form["password2"] = NEW
    form.submit(status=303)
    assert browser.get(path, status=410)
    desk = browser.sign_in("he.xin", NEW)
    assert "何新人" in desk.words
    assert "没有角色" in desk.words
    assert len(events(village, "account.created")) > 1


def test_an_invitation_asks_for_the_password_after_a_while_and_keeps_what_was_typed(village: Village) -> None:
    system = village.client("system")
    page = system.get("/staff/people/new")
    village.clock.advance(minutes=20)
    form = page.forms["form"]
    form["title"], form["login"] = "何新人", "he.xin"
    page = page.press(form, status=422)
    form = page.forms["form"]
    assert form["title"].value == "何新人"
    form["password"] = "错的密码"
    page = page.press(form, status=403)
    form = page.forms["form"]
    form["password"] = PASSWORD
    page.press(form, status=200)


def test_a_login_that_is_taken_leaves_no_half_made_person(village: Village) -> None:
    system = village.client("system")
    with village.reading() as site:
        before = len(site.persons)
    page = system.get("/staff/people/new")
    form = page.forms["form"]
    form["title"], form["login"] = "何新人", "clerk"
    page = page.press(form, status=409)
    assert "已经有人用了" in page.words
    with village.reading() as site:
        assert len(site.persons) == before


@pytest.mark.parametrize("login", ["clerk", "approver", "subdistrict", "audit"])
def test_only_the_administrations_open_the_list_of_people(village: Village, login: str) -> None:
    browser = village.client(login)
    for path in ("/staff/people", "/staff/people/new", f"/staff/people/{village.people['clerk']}"):
        browser.get(path, status=403)


def test_a_disabled_account_ends_at_once_and_can_be_opened_again(village: Village) -> None:
    clerk = village.client("clerk")
    system = village.client("system")
    url = f"/staff/people/{village.people['clerk']}"
    form = _form_to(system.get(url), "disable-clerk")
    form["reason"] = "离任"
    form.submit("button", status=303)
    assert clerk.get("/staff", status=303).location.endswith("/login?next=/staff")
    page = clerk.get("/login").form_with("password")
    page["login"], page["password"] = "clerk", PASSWORD
    wrong = page.submit(status=403)
    nobody = clerk.get("/login").form_with("password")
    nobody["login"], nobody["password"] = "nobody", PASSWORD
    told = nobody.submit(status=403)
    assert _error(wrong) == _error(told)
    form = _form_to(system.get(url), "enable-clerk")
    form["reason"] = "又回来了"
    assert "one-time-link" in form.submit("button", status=200).text
    assert events(village, "account.disabled")[0]["details"]["comment"] == "离任"


def _form_to(page: Any, name: str) -> Any:
    link = page.html.find("a", href=re.compile(f"/{name}$"))["href"]
    return page.test_app.get(link).forms["form"]


def _error(page: Any) -> str:
    return str(page.html.find(class_="error-summary").text.strip())


# ------------------------------------------------------------------------------ password


def change(browser: Any, old: str, new: str, again: str = "", **kw: Any) -> Any:
    page = browser.get("/staff/account/password")
    form = page.forms["form"]
    form["password"], form["new"], form["again"] = old, new, again or new
    return page.press(form, **kw)


def test_changing_ones_password_needs_the_old_one_and_ends_other_sessions(village: Village) -> None:
    here, elsewhere = village.client("clerk"), village.client("clerk")
    assert "密码不对" in change(here, "不是这个密码呀", NEW, status=403).words
    assert "不一样" in change(here, PASSWORD, NEW, NEW + "了", status=422).words
    assert "至少要 12 个" in change(here, PASSWORD, "短", status=422).words
    assert elsewhere.get("/staff", status=200)
    change(here, PASSWORD, NEW, status=303)
    assert here.get("/staff", status=200)
    assert elsewhere.get("/staff", status=303)
    assert village.client().sign_in("clerk", NEW)
    assert "和现在的一样" in change(here, NEW, NEW, status=422).words


@pytest.fixture
def graded(tmp_path: Path) -> Iterator[Village]:
    made = open_village(tmp_path / "home", **{"access.password.profile": "dengbao"})
    yield made
    made.close()


def test_under_dengbao_an_old_password_leads_to_the_page_that_changes_it(graded: Village) -> None:
    clerk = graded.client("clerk")
    assert clerk.get("/staff", status=200)
    graded.clock.advance(days=91)
    clerk = graded.client()
    form = clerk.get("/login").form_with("password")
    form["login"], form["password"] = "clerk", PASSWORD
    form.submit(status=303)
    for path in ("/staff", f"/u/{VILLAGE}/disclosures/new"):
        assert clerk.get(path, status=303).location.endswith("/staff/account/password")
    assert "种类太少" in change(clerk, PASSWORD, "晒谷场边上的老水渠流到头", status=422).words
    change(clerk, PASSWORD, "Shuiqu晒谷场2026边上", status=303)
    assert clerk.get("/staff", status=200)


# ------------------------------------------------------------------------------ phone


def test_a_bound_phone_is_asked_for_at_login_and_its_code_counts_once(village: Village) -> None:
    _, secret, _ = bind_phone(village, "clerk")
    code = pyotp.TOTP(secret).at(village.clock.now())
    browser, page = to_code_page(village, "clerk")
    assert browser.get("/staff", status=303), "the password alone opens nothing"
    give_code(page, code, status=303)
    assert browser.get("/staff", status=200)
    other, page = to_code_page(village, "clerk")
    assert "已经用过" in give_code(page, code, status=403).words
    assert other.get("/staff", status=303)
    # nor does an earlier one that is still within the drift
    before = pyotp.TOTP(secret).at(village.clock.now().timestamp() - 30)
    give_code(page, before, status=403)


def test_a_code_typed_in_full_width_with_a_blank_is_the_same_code(village: Village) -> None:
    _, secret, _ = bind_phone(village, "clerk")
    code = pyotp.TOTP(secret).at(village.clock.now())
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code[:3]) + " " + code[3:]
    _, page = to_code_page(village, "clerk")
    give_code(page, wide, status=303)


def test_a_recovery_code_opens_once(village: Village) -> None:
    _, _, codes = bind_phone(village, "clerk")
    assert len(set(codes)) == 10
    browser, page = to_code_page(village, "clerk")
    give_code(page, codes[3].upper(), status=303)
    assert "还有 9 个备用码" in browser.get("/staff/account").words
    _, page = to_code_page(village, "clerk")
    give_code(page, codes[3], status=403)
    assert events(village, "two_factor.recovery_used")[0]["details"] == {"left": 9}


def test_guessing_codes_ends_the_half_login(village: Village) -> None:
    _, secret, _ = bind_phone(village, "clerk")
    _, page = to_code_page(village, "clerk")
    right = pyotp.TOTP(secret).at(village.clock.now())
    wrong = "000000" if right != "000000" else "111111"
    statuses = [give_code(page, wrong, expect_errors=True).status_int for _ in range(7)]
    assert set(statuses) <= {403, 429}
    village.clock.advance(minutes=4)
    assert "从账号和密码重新开始" in give_code(page, pyotp.TOTP(secret).at(village.clock.now()), status=403).words


def test_half_a_login_is_over_after_five_minutes(village: Village) -> None:
    _, secret, _ = bind_phone(village, "clerk")
    _, page = to_code_page(village, "clerk")
    village.clock.advance(minutes=6)
    give_code(page, pyotp.TOTP(secret).at(village.clock.now()), status=403)


def test_a_wrong_password_says_the_same_whether_or_not_there_is_a_phone(village: Village) -> None:
    bind_phone(village, "clerk")
    told = set()
    for login in ("clerk", "clerk2", "nobody"):
        form = village.client().get("/login").form_with("password")
        form["login"], form["password"] = login, "不是这个密码呀不是"
        told.add(_error(form.submit(status=403)))
    assert len(told) == 1


def test_binding_a_phone_ends_sessions_that_never_showed_a_code(village: Village) -> None:
    elsewhere = village.client("clerk")
    here, _, _ = bind_phone(village, "clerk")
    assert here.get("/staff", status=200)
    assert elsewhere.get("/staff", status=303)


def test_the_secret_is_neither_in_the_database_nor_kept_by_caches(village: Village) -> None:
    browser = village.client("clerk")
    page = browser.get("/staff/account/two-factor")
    page = page.press(page.forms["form"]).follow()
    secret = secret_on(page)
    picture = browser.get("/staff/account/two-factor.svg")
    assert picture.content_type == "image/svg+xml"
    assert picture.headers["Cache-Control"] == "no-store"
    form = page.forms["form"]
    form["code"] = pyotp.TOTP(secret).at(village.clock.now())
    shown = page.press(form, status=200)
    plain = [c.replace("-", "").encode() for c in codes_on(shown)]
    browser.get("/staff/account/two-factor.svg", status=404)
    for path in village.services.settings.home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret.encode() not in data, path
            assert not [c for c in plain if c in data], path


def test_publishing_asks_for_the_code_too(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    for member in ("supervisor", "supervisor2"):
        village.sign(id, member)
    approver, secret, _ = bind_phone(village, "approver")
    work = f"/u/{VILLAGE}/disclosures/{id}/work"
    page = approver.act(approver.get(work), "publish", status=403, password=PASSWORD, code="123")
    assert "验证码不对" in page.words
    code = pyotp.TOTP(secret).at(village.clock.now())
    page = approver.act(page, "publish", status=200, password=PASSWORD, code=code)
    assert "已经公布" in page.words


def test_a_lost_phone_is_reset_by_the_system_administration_and_nobody_else(village: Village) -> None:
    bind_phone(village, "clerk")
    url = f"/staff/people/{village.people['clerk']}"
    system = village.client("system")
    form = _form_to(system.get(url), "reset-clerk")
    form.submit("button", status=422)  # no reason
    form = _form_to(system.get(url), "reset-clerk")
    form["reason"] = "手机掉进水渠，本人到场"
    form.submit("button", status=303)
    assert village.client("clerk").get("/staff", status=200)
    security = village.client("security")
    assert security.get(url).html.find("a", href=re.compile("/reset-clerk$")) is None
    security.get(f"{url}/reset-clerk", status=403)
    token = security.get("/staff/account").form_with("csrf_token")["csrf_token"].value
    security.post(f"{url}/reset-clerk", {"csrf_token": token, "reason": "x"}, status=403)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Village]:
    made = open_village(tmp_path / "home", **{"access.two_factor.roles": "privileged"})
    yield made
    made.close()


def test_a_role_that_asks_for_a_phone_acts_only_after_one_is_bound(strict: Village) -> None:
    id = strict.draft()
    strict.move(id, "submit", "clerk")
    browser = Browser(strict.app)
    form = browser.get("/login").form_with("password")
    form["login"], form["password"] = "supervisor", PASSWORD
    form.submit(status=303)
    assert browser.get("/staff", status=303).location.endswith("/staff/account/two-factor")
    work = f"/u/{VILLAGE}/disclosures/{id}/work"
    assert browser.get(work, status=303)
    token = browser.get("/staff/account").form_with("csrf_token")["csrf_token"].value
    browser.post(f"/u/{VILLAGE}/disclosures/{id}/signoff/supervision", {"csrf_token": token}, status=403)
    bind_phone(strict, "supervisor", browser)
    assert browser.get(work, status=200)
    assert strict.client("clerk").get("/staff", status=200), "a clerk needs none"


# ------------------------------------------------------------------------------ sessions


def test_a_session_ended_from_elsewhere_stops_at_once(village: Village) -> None:
    here, elsewhere = village.client("clerk"), village.client("clerk")
    page = here.get("/staff/account")
    assert "就是现在这一处" in page.words
    form = next(f for f in page.forms.values() if "key" in f.fields)
    form.submit(status=303)
    assert elsewhere.get("/staff", status=303)
    assert here.get("/staff", status=200)
    assert events(village, "login.revoked")


def test_nobody_ends_another_persons_session(village: Village) -> None:
    clerk, other = village.client("clerk"), village.client("clerk2")
    (session,) = village.services.sessions.list("clerk2", village.clock.now())
    token = clerk.get("/staff/account").form_with("csrf_token")["csrf_token"].value
    clerk.post("/staff/account/sessions", {"csrf_token": token, "key": session.key}, status=303)
    assert other.get("/staff", status=200)


def test_my_activity_tells_what_i_did_and_nothing_of_others(village: Village) -> None:
    village.draft("clerk")
    village.draft("clerk2")
    clerk = village.client("clerk")
    village.catch_up()
    page = clerk.get("/staff/activity")
    assert "登录" in page.words
    assert "陈经办" in page.words
    assert "周经办" not in page.words.replace("周经办，以", "")


def test_what_somebody_did_stays_under_the_name_of_that_time(village: Village) -> None:
    id = village.draft()
    village.clock.advance(days=1)
    system = village.client("system")
    form = _form_to(system.get(f"/staff/people/{village.people['clerk']}"), "rename")
    form["title"] = "陈改名"
    form.submit("button", status=303)
    village.clock.advance(hours=1)
    village.edit(id, title="二组水渠维修（改）")
    trail = village.client("clerk").get(f"/u/{VILLAGE}/disclosures/{id}/history").html.find("table").text
    assert "陈经办" in trail
    assert "陈改名" in trail
    village.services.actions.perform(EndRole(VILLAGE, village.people["clerk"], "clerk", "离任"), OPERATOR)
    trail = village.client("inspector").get(f"/u/{VILLAGE}/disclosures/{id}/history").html.find("table").text
    assert "陈经办" in trail


def test_account_pages_speak_english_too_and_are_never_kept(village: Village) -> None:
    clerk = village.client("clerk")
    clerk.set_cookie("lang", "en")
    page = clerk.get("/staff/account")
    assert page.headers["Cache-Control"] == "no-store"
    assert "My account" in page.words
    assert not re.search("您在这些地方登录着|结束这一处", page.words)
