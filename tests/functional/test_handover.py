"""A change of committee: old roles end, seats are filled, drafts pass on, the list is printed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from jiceng_cms.affairs.units.actions import SavePerson
from jiceng_cms.affairs.units.handover import HandOver
from jiceng_cms.core.errors import Forbidden, NeedsReauthentication, Refused
from jiceng_cms.core.handover import Succession
from jiceng_cms.ops.verifying import _roles
from support.village import COMMUNITY, OPERATOR, OTHER_VILLAGE, VILLAGE, Village

URL = f"/u/{VILLAGE}/handover"


@pytest.fixture
def newcomer(village: Village) -> str:
    """Somebody who was registered and holds nothing yet."""
    village.people["newcomer"] = village.services.actions.perform(SavePerson("何新任"), OPERATOR)
    return village.people["newcomer"]


def fill(village: Village, browser: Any, **heirs: str) -> Any:
    """The form with its grounds, and a successor for each login."""
    form = browser.get(URL).forms["form"]
    form["reason"], form["since"] = "选举结果公告 2 号", "2026-09-01"
    roles = {"clerk": "clerk", "clerk2": "clerk", "approver": "approver", "supervisor": "supervisor"}
    for login, name in heirs.items():
        form[f"heir_{village.people[login]}_{roles[login]}"] = name
    return form


def held(village: Village, unit: str = VILLAGE) -> set[tuple[str, str]]:
    with village.reading() as site:
        now = village.clock.now()
        return {(site.person_name(g.person), g.role) for g in site.units[unit].roles.grants if g.holds(now)}


def test_the_old_ones_leave_this_minute_and_the_new_ones_begin(village: Village, newcomer: str) -> None:
    id = village.draft("clerk", title="没写完的水渠")
    clerk, approver, security = village.client("clerk"), village.client("approver"), village.client("security")
    page = security.get(URL)
    assert "没写完的水渠" in page.words
    form = fill(village, security, clerk="何新任", approver="李审批", supervisor="亓彧翀")
    form["body_committee"] = "主任 李审批\n委员 何新任"
    form["not_a_relative"] = True
    sheet = form.submit("button", status=303).follow()
    assert held(village) == {("何新任", "clerk"), ("李审批", "approver"), ("亓彧翀", "supervisor")}
    assert ("陈经办", "clerk") in held(village, COMMUNITY), "only this unit changes"
    clerk.get(f"/u/{VILLAGE}/disclosures/{id}/work", status=404)
    assert approver.get("/staff", status=200)

    for word in ("移交清单", "石桥村", "选举结果公告 2 号", "陈经办", "何新任", "没写完的水渠", "公章", "监交人", "（暂缺）"):
        assert word in sheet.words
    assert "2026年9月11日" in sheet.words, "ten days from the new term's first day"
    assert "第二十四条" in sheet.words or "第24条" in sheet.words
    with village.reading() as site:
        unit = site.units[VILLAGE]
        seats = {(s.post, site.person_name(s.person), s.until) for s in unit.bodies["committee"].seats}
        assert seats == {
            ("副主任", "李审批", date(2026, 8, 31)), ("主任", "李审批", None), ("委员", "何新任", None),
        }  # fmt: skip
        assert list(_roles(unit.roles, unit.history, "石桥村")) == []
    assert "选举结果公告 2 号" in security.get(URL).words


def test_drafts_wait_on_the_successors_desk(village: Village) -> None:
    id = village.draft("clerk", title="没写完的水渠")
    village.do(_plan(village, ("clerk", "clerk", "clerk2"), ("clerk2", "clerk", "clerk2")), "security")
    assert "没写完的水渠" in village.client("clerk2").get("/staff").html.find("main").text
    village.edit(id, "clerk2", title="接着写的水渠")
    trail = village.client("clerk2").get(f"/u/{VILLAGE}/disclosures/{id}/history").html.find("table").text
    assert "陈经办" in trail, "who wrote it before stays"


def _plan(village: Village, *known: tuple[str, str, str]) -> HandOver:
    """Every present role with its successor: those in ``known``, nobody for the rest."""
    heirs = {(village.people[a], role): village.people[b] for a, role, b in known}
    with village.reading() as site:
        grants = [(g.person, g.role) for g in site.units[VILLAGE].roles.grants if g.holds(village.clock.now())]
    steps = tuple(Succession(p, role, heirs.get((p, role), "")) for p, role in grants)
    return HandOver(VILLAGE, date(2026, 9, 1), None, "公告", steps, ())


def test_a_list_that_is_no_longer_todays_is_refused_and_nothing_changes(village: Village) -> None:
    plan = _plan(village)
    short = HandOver(VILLAGE, plan.since, None, "公告", plan.roles[1:], ())
    before = held(village)
    with pytest.raises(Refused, match="刚刚有人改过"):
        village.do(short, "security")
    assert held(village) == before


@pytest.mark.parametrize("login", ["system", "audit", "clerk", "approver"])
def test_nobody_but_the_security_administration_carries_it_out(village: Village, login: str) -> None:
    before = held(village)
    with pytest.raises(Forbidden):
        village.do(_plan(village), login)
    browser = village.client(login)
    assert "form" not in browser.get(URL).forms
    token = browser.get("/staff/account").form_with("csrf_token")["csrf_token"].value
    browser.post(URL, {"csrf_token": token, "reason": "x", "since": "2026-09-01"}, status=403)
    assert held(village) == before


def test_it_asks_for_the_password_given_just_now(village: Village) -> None:
    with pytest.raises(NeedsReauthentication):
        village.do(_plan(village), "security", fresh=False)


def test_new_people_who_clash_stop_all_of_it(village: Village) -> None:
    security = village.client("security")
    before = held(village)
    form = fill(village, security, clerk="亓彧翀", supervisor="亓彧翀")
    form["not_a_relative"] = True
    page = form.submit("button", status=403)
    assert "不能同时担任" in page.words
    form = fill(village, security)
    form["body_committee"] = "主任 孙监督"
    assert "不能同时在村（居）民委员会和监督委员会" in form.submit("button", status=403).words
    form = fill(village, security, clerk="卫安全")
    assert "不能给自己授权" in form.submit("button", status=403).words
    assert held(village) == before
    with village.reading() as site:
        assert site.units[VILLAGE].handovers == ()


def test_a_name_that_cant_be_read_is_told_beside_its_field(village: Village) -> None:
    form = fill(village, village.client("security"), clerk="没这个人")
    form["body_branch"] = "王书记"
    page = form.submit("button", status=422)
    assert "没有登记叫“没这个人”的人" in page.words
    assert "看不出职务和姓名" in page.words
    assert page.forms["form"]["reason"].value == "选举结果公告 2 号"


def test_supervisors_declare_anew(village: Village) -> None:
    form = fill(village, village.client("security"), supervisor="亓彧翀")
    assert "先请本人声明" in form.submit("button", status=422).words


def test_a_term_that_has_not_begun_waits(village: Village) -> None:
    form = fill(village, village.client("security"))
    form["since"] = "2026-09-02"
    assert "还没有开始" in form.submit("button", status=422).words


def test_other_units_and_residents_see_nothing_of_it(village: Village) -> None:
    village.do(_plan(village), "security")
    village.client().get(f"{URL}-list", {"n": "1"}, status=303)
    security = village.client("security")
    security.get(f"{URL}-list", {"n": "1"}, status=200)
    for odd in ("0", "2", "x", "-1", "９"):
        security.get(f"{URL}-list", {"n": odd.encode()}, status=404)
    village.client("clerk2").get(f"/u/{OTHER_VILLAGE}/handover", status=404)
