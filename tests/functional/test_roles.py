"""Roles on the web: the table that says why, granting, taking back, three administrations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jiceng_cms.affairs.units.actions import GrantRole, SaveBody, SavePerson
from jiceng_cms.core.actions import Actor
from jiceng_cms.core.errors import Forbidden, Invalid, NeedsReauthentication, SeparationOfDuties
from jiceng_cms.core.people import LocalRoles, Seat
from jiceng_cms.core.units import ParentSpan
from jiceng_cms.ops.verifying import _roles
from support.village import OPERATOR, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Village

ROLES = f"/u/{VILLAGE}/roles"


def grant(village: Village, url: str = ROLES, browser: Any = None, status: int = 303, **fields: Any) -> Any:
    browser = browser or village.client("security")
    form = browser.get(url).forms["form"]
    for name, value in {"reason": "任职文件 3 号", **fields}.items():
        form[name] = value
    return form.submit("button", status=status)


def roles_of(village: Village, login: str, unit: str = VILLAGE) -> frozenset[str]:
    with village.reading() as site:
        return site.units[unit].roles.of(village.people[login], village.clock.now())


# ------------------------------------------------------------------------------ the table


def test_the_table_says_who_since_when_why_and_by_whom(village: Village) -> None:
    page = village.client("clerk").get(ROLES)
    for word in ("陈经办", "经办人", "任职文件", "2026年9月1日", "命令行"):
        assert word in page.words
    assert "吴干部" in page.words, "the township's officer reaches down to here"
    assert "在柳溪镇授予" in page.words
    assert "form" not in [f.id for f in page.forms.values()], "a clerk grants nothing"


@pytest.mark.parametrize(("login", "status"), [("supervisor", 200), ("subdistrict", 200), ("audit", 200), ("security", 200)])
def test_staff_and_overseers_see_it(village: Village, login: str, status: int) -> None:
    village.client(login).get(ROLES, status=status)


def test_to_residents_and_to_other_villages_it_is_not_there(village: Village) -> None:
    assert village.client().get(ROLES, status=303).location.endswith("/login?next=" + ROLES)
    village.client("clerk").get(f"/u/{OTHER_VILLAGE}/roles", status=404)


# ------------------------------------------------------------------------------ granting


def test_a_role_holds_at_once_and_ends_by_itself_on_its_day(village: Village) -> None:
    grant(village, person="王书记", role="bookkeeper", until="2026-09-03")
    assert "bookkeeper" in roles_of(village, "party")
    page = village.client("clerk").get(ROLES)
    assert "任职文件 3 号" in page.words
    assert "卫安全" in page.words
    village.clock.advance(days=2, hours=13)  # 3 September, 23:00 there
    assert "bookkeeper" in roles_of(village, "party")
    village.clock.advance(hours=1)
    assert "bookkeeper" not in roles_of(village, "party")


def test_a_role_taken_back_ends_this_minute(village: Village) -> None:
    approver = village.client("approver")
    id = village.draft()
    village.move(id, "submit", "clerk")
    work = f"/u/{VILLAGE}/disclosures/{id}/work"
    assert approver.get(work, status=200)
    security = village.client("security")
    link = f"/staff/roles/{VILLAGE}/{village.people['approver']}/approver"
    page = security.get(link)
    page = page.forms["form"].submit("button", status=422)
    form = page.forms["form"]
    form["reason"] = "离任"
    form.submit("button", status=303)
    assert approver.get(work, status=404)
    assert "离任" not in security.get(ROLES).words or "收回" in security.get(ROLES).words
    security.get(link, status=404)


def test_ending_the_last_role_ends_the_sessions(village: Village) -> None:
    inspector, security = village.client("inspector"), village.client("security")
    form = security.get(f"/staff/roles/{TOWNSHIP}/{village.people['inspector']}/inspector").forms["form"]
    form["reason"] = "调走"
    form.submit("button", status=303)
    assert village.services.sessions.list("inspector", village.clock.now()) == ()
    assert inspector.get("/staff", status=303)


def test_nobody_grants_to_themselves(village: Village) -> None:
    page = grant(village, person="卫安全", role="clerk", status=403)
    assert "不能给自己授权" in page.words
    assert "卫安全" in page.forms["form"]["person"].value, "what was typed is kept"


def test_the_system_administration_grants_nothing(village: Village) -> None:
    system = village.client("system")
    page = system.get(ROLES)
    assert "form" not in page.forms
    token = system.get("/staff/account").form_with("csrf_token")["csrf_token"].value
    fields = {"csrf_token": token, "person": "王书记", "role": "approver", "reason": "x"}
    for url in (ROLES, "/staff/roles"):
        system.post(url, fields, status=403)
    with pytest.raises(Forbidden):
        village.do(GrantRole(VILLAGE, village.people["party"], "approver", "x"), "system")
    with pytest.raises(Forbidden):  # nor by claiming another role
        village.do(GrantRole(VILLAGE, village.people["party"], "approver", "x"), "system", role="security")
    assert "approver" not in roles_of(village, "party")


def test_the_security_administration_opens_no_accounts_and_reads_no_journal(village: Village) -> None:
    security = village.client("security")
    security.get("/staff/people/new", status=403)
    security.get("/staff/journal", status=403)
    security.get(f"/staff/units/{VILLAGE}", status=403)


def test_the_three_administrations_are_three_persons(village: Village) -> None:
    page = grant(village, "/staff/roles", person="冯系统", role="audit", status=403)
    assert "不能由同一个人担任" in page.words


def test_granting_needs_the_password_given_just_now(village: Village) -> None:
    security = village.client("security")
    security.get(ROLES)
    village.clock.advance(minutes=11)
    page = grant(village, browser=security, person="王书记", role="clerk", status=422)
    assert "登录密码" in page.words
    with pytest.raises(NeedsReauthentication):
        village.do(GrantRole(VILLAGE, village.people["party"], "clerk", "x"), "security", fresh=False)


def test_a_supervisor_declares_to_be_no_near_relative(village: Village) -> None:
    page = grant(village, person="赵保密", role="supervisor", status=422)
    assert "请先请本人声明" in page.words
    grant(village, person="赵保密", role="supervisor", not_a_relative=True)
    assert "已声明不是" in village.client("clerk").get(ROLES).words
    with pytest.raises(Invalid):
        village.do(GrantRole(OTHER_VILLAGE, village.people["party2"], "supervisor", "x"), "security")


def test_a_supervisor_is_no_member_of_the_committee(village: Village) -> None:
    since = date(2024, 1, 1)
    seat = (Seat(village.people["party2"], "委员", since),)
    village.services.actions.perform(SaveBody(VILLAGE, "committee", "村民委员会", seat, "committee"), OPERATOR)
    with pytest.raises(SeparationOfDuties):
        village.do(GrantRole(VILLAGE, village.people["party2"], "supervisor", "x", not_a_relative=True), "security")


def test_a_name_that_two_people_bear_is_asked_about(village: Village) -> None:
    other = village.services.actions.perform(SavePerson("王书记"), OPERATOR)
    page = grant(village, person="王书记", role="clerk", status=422)
    assert f"王书记（{other}）" in page.words
    grant(village, person=f"王书记（{other}）", role="clerk")
    with village.reading() as site:
        assert "clerk" in site.units[VILLAGE].roles.of(other, village.clock.now())
    assert "没有登记叫" in grant(village, person="没这个人", role="clerk", status=422).words


def test_what_ends_a_role_is_verified(village: Village) -> None:
    """A grant whose end was moved in the database is found (ENGINEERING S15)."""
    grant(village, person="王书记", role="bookkeeper", until="2026-09-03")
    with village.reading() as site:
        unit = site.units[VILLAGE]
        assert list(_roles(unit.roles, unit.history, "石桥村")) == []
        *others, last = unit.roles.grants
        for until, fault in ((None, "没有授予过"), (last.until.replace(year=2030), "结束的日期")):
            moved = LocalRoles(VILLAGE)
            moved.grants = (*others, replace(last, until=until))
            (claim,) = _roles(moved, unit.history, "石桥村")
            assert fault in str(claim)
        gone = LocalRoles(VILLAGE)
        gone.grants = tuple(others)
        (claim,) = _roles(gone, unit.history, "石桥村")
        assert "又不见了" in str(claim)


# ------------------------------------------------------------------------------ units, audit


def test_the_system_administration_registers_a_unit_and_its_body(village: Village) -> None:
    system = village.client("system")
    form = system.get("/staff/units/new").forms["form"]
    form["code"], form["kind"], form["title"], form["parent"] = "990101100203", "village", "柳湾村", TOWNSHIP
    system.get(form.submit("button", status=303).location.removeprefix("http://localhost"))
    form = system.get("/staff/units/990101100203/bodies/new").forms["form"]
    form["kind"], form["title"], form["since"] = "committee", "村民委员会", "2026-08-01"
    form["seats"] = "主任 王书记\n副主任 赵保密"
    form.submit("button", status=303)
    with village.reading() as site:
        unit = site.units["990101100203"]
        assert unit.parents == (ParentSpan(TOWNSHIP, date(2026, 9, 1)),)
        assert [s.post for s in unit.bodies["committee"].seats] == ["主任", "副主任"]
    page = system.get("/staff/units/990101100203/bodies/committee")
    form = page.forms["form"]
    form["seats"], form["since"] = "主任 赵保密", "2026-09-01"
    village.clock.advance(minutes=30)
    page = form.submit("button", status=422)  # by then the password is asked
    form = page.forms["form"]
    form["password"] = "石桥村的老槐树三百年了"
    form.submit("button", status=303)
    with village.reading() as site:
        seats = site.units["990101100203"].bodies["committee"].seats
        assert [(s.post, s.until) for s in seats] == [
            ("主任", date(2026, 8, 31)), ("副主任", date(2026, 8, 31)), ("主任", None),
        ]  # fmt: skip


def test_a_line_of_seats_that_cant_be_read_is_named(village: Village) -> None:
    form = village.client("system").get(f"/staff/units/{VILLAGE}/bodies/committee").forms["form"]
    form["seats"], form["since"] = "王书记", "2026-09-01"
    assert "看不出职务和姓名" in form.submit("button", status=422).words


def test_the_audit_reads_everything_narrowed_by_person_kind_and_unit(village: Village) -> None:
    village.draft("clerk")
    village.do(GrantRole(VILLAGE, village.people["party"], "clerk", "x"), "security")
    village.catch_up()
    audit = village.client("audit")
    everything = audit.get("/staff/journal")
    assert "陈经办" in everything.html.find("table").text
    mine = audit.get("/staff/journal", {"q": "陈经办".encode()}).html.find("table").text
    assert "陈经办" in mine
    assert "卫安全" not in mine
    granted = audit.get("/staff/journal", {"kind": "role.granted"}).html.find("table").text
    assert "卫安全" in granted
    assert "起草" not in granted
    older = everything.html.find("a", string="再往前看")
    assert older is not None
    assert audit.get(older["href"]).html.find("table") is not None
    assert "没有登记叫" in audit.get("/staff/journal", {"q": "没这个人".encode()}).words
    for odd in ("-1", "9" * 30, "x", "0"):
        audit.get("/staff/journal", {"before": odd}, status=200)


def test_only_the_audit_reads_the_journal(village: Village) -> None:
    for login in ("clerk", "approver", "supervisor", "inspector", "system"):
        village.client(login).get("/staff/journal", status=403)


def test_the_masthead_names_role_and_unit_and_leads_to_the_switch(village: Village) -> None:
    village.services.actions.perform(GrantRole(OTHER_VILLAGE, village.people["clerk"], "bookkeeper", "代账"), OPERATOR)
    clerk = village.client("clerk")
    page = clerk.get("/staff")
    assert page.html.find(class_="account").find("a", string="换身份")["href"] == "/staff#roles"
    form = page.form_with("role")
    form["role"] = "bookkeeper"
    page = form.submit().follow()
    assert "杨树洼村报账员" in page.html.find(class_="account").text.replace("\n", "")
    actor = Actor(village.people["clerk"], "bookkeeper", "t")
    assert actor.role == "bookkeeper"
