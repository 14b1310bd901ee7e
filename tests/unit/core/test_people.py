"""Seats and grants by their days, and who may not hold what beside what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.units.actions import EndRole, GrantRole, SaveBody, SavePerson
from jiceng_cms.core.errors import Forbidden, Invalid, NotFound, Refused, SeparationOfDuties
from jiceng_cms.core.people import Body, Grant, Seat
from support.village import OPERATOR, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Village

NOON = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
SINCE = date(2020, 1, 1)


@given(st.integers(-5, 5), st.integers(0, 5))
def test_a_grant_holds_from_its_first_to_before_its_last_moment(offset: int, length: int) -> None:
    grant = Grant("p", "clerk", NOON, "", "", NOON + timedelta(hours=length))
    assert grant.holds(NOON + timedelta(hours=offset)) == (0 <= offset < length)
    assert Grant("p", "clerk", NOON, "", "").holds(NOON + timedelta(hours=offset)) == (offset >= 0)


@given(st.integers(-5, 5), st.integers(0, 5))
def test_a_seat_is_held_up_to_and_with_its_last_day(offset: int, length: int) -> None:
    first = date(2026, 9, 1)
    body = Body("u", "supervision", "supervision", "")
    body.seats = (Seat("p", "委员", first, first + timedelta(days=length)),)
    assert bool(body.members(first + timedelta(days=offset))) == (0 <= offset <= length)


def test_a_body_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="club"):
        Body("u", "x", "club", "")


class TestGranting:
    """Supervision is in other hands than writing and approving (村民委员会组织法 37)."""

    @pytest.fixture
    def newcomer(self, village: Village) -> str:
        return village.services.actions.perform(SavePerson("新来的"), OPERATOR)

    def grant(self, village: Village, person: str, role: str, unit: str = VILLAGE) -> None:
        village.do(GrantRole(unit, person, role, "任职文件", not_a_relative=True), "security")

    @pytest.mark.parametrize("role", ["clerk", "bookkeeper", "approver", "approver_party"])
    def test_a_supervisor_is_granted_none_of_the_others(self, village: Village, newcomer: str, role: str) -> None:
        self.grant(village, newcomer, "supervisor")
        with pytest.raises(SeparationOfDuties, match="监督委员会成员"):
            self.grant(village, newcomer, role)

    @pytest.mark.parametrize("role", ["clerk", "bookkeeper", "approver", "approver_party"])
    def test_and_none_of_the_others_becomes_supervisor(self, village: Village, newcomer: str, role: str) -> None:
        self.grant(village, newcomer, role)
        with pytest.raises(SeparationOfDuties, match="请先收回"):
            self.grant(village, newcomer, "supervisor")
        village.do(EndRole(VILLAGE, newcomer, role, "换届"), "security")
        self.grant(village, newcomer, "supervisor")

    def test_elsewhere_is_another_matter(self, village: Village, newcomer: str) -> None:
        self.grant(village, newcomer, "supervisor")
        self.grant(village, newcomer, "clerk", OTHER_VILLAGE)

    def test_a_role_above_that_reaches_down_counts_both_ways(self, village: Village, newcomer: str) -> None:
        self.grant(village, newcomer, "supervisor")
        with pytest.raises(SeparationOfDuties):
            self.grant(village, newcomer, "bookkeeper", TOWNSHIP)
        second = village.services.actions.perform(SavePerson("又一位"), OPERATOR)
        self.grant(village, second, "bookkeeper", TOWNSHIP)
        with pytest.raises(SeparationOfDuties):
            self.grant(village, second, "supervisor")

    def test_a_seat_counts_like_the_role(self, village: Village, newcomer: str) -> None:
        seat = Seat(newcomer, "主任", SINCE)
        village.do(SaveBody(OTHER_VILLAGE, "supervision", "监督委员会", (seat,)), "system")
        with pytest.raises(SeparationOfDuties):
            self.grant(village, newcomer, "approver", OTHER_VILLAGE)
        other = village.services.actions.perform(SavePerson("经办"), OPERATOR)
        self.grant(village, other, "clerk", OTHER_VILLAGE)
        with pytest.raises(SeparationOfDuties):
            village.do(SaveBody(OTHER_VILLAGE, "supervision", "监督委员会", (Seat(other, "主任", SINCE),)), "system")

    def test_nobody_grants_to_oneself_and_administrations_do_not_mix(self, village: Village, newcomer: str) -> None:
        with pytest.raises(SeparationOfDuties, match="不能给自己"):
            self.grant(village, village.people["security"], "clerk")
        with pytest.raises(SeparationOfDuties, match="三类管理员"):
            self.grant(village, village.people["audit"], "system", "site")
        with pytest.raises(Invalid):
            self.grant(village, newcomer, "system", VILLAGE)
        with pytest.raises(Invalid):
            self.grant(village, newcomer, "clerk", "site")

    @pytest.mark.parametrize("login", ["clerk", "approver", "system", "audit", "subdistrict"])
    def test_only_security_grants(self, village: Village, newcomer: str, login: str) -> None:
        with pytest.raises(Forbidden):
            village.do(GrantRole(VILLAGE, newcomer, "clerk", "任职文件"), login)

    def test_twice_without_a_reason_or_to_a_stranger_is_refused(self, village: Village, newcomer: str) -> None:
        self.grant(village, newcomer, "clerk")
        with pytest.raises(Refused, match="已经有这个角色"):
            self.grant(village, newcomer, "clerk")
        with pytest.raises(Invalid, match="为什么授予"):
            village.do(GrantRole(VILLAGE, newcomer, "lawyer", " "), "security")
        with pytest.raises(NotFound):
            self.grant(village, "nobody", "clerk")

    def test_what_was_taken_is_gone_at_once_and_the_trace_stays(self, village: Village, newcomer: str) -> None:
        self.grant(village, newcomer, "clerk")
        village.do(EndRole(VILLAGE, newcomer, "clerk", "调走"), "security")
        with village.reading() as site:
            unit = site.units[VILLAGE]
            assert "clerk" not in unit.roles.of(newcomer, village.clock.now())
            assert [g.person for g in unit.roles.grants].count(newcomer) == 1
        with pytest.raises(NotFound):
            village.do(EndRole(VILLAGE, newcomer, "clerk", "调走"), "security")


class TestBodies:
    def save(self, village: Village, kind: str, *seats: Seat, **more: Any) -> None:
        village.do(SaveBody(OTHER_VILLAGE, kind, "机构", seats, **more), "system")

    def person(self, village: Village) -> str:
        return village.services.actions.perform(SavePerson("某人"), OPERATOR)

    @pytest.mark.parametrize(("first", "second"), [("committee", "supervision"), ("supervision", "committee")])
    def test_nobody_sits_on_both_committees_at_once(self, village: Village, first: str, second: str) -> None:
        person = self.person(village)
        self.save(village, first, Seat(person, "委员", SINCE))
        with pytest.raises(SeparationOfDuties, match="某人"):
            self.save(village, second, Seat(person, "委员", date(2030, 1, 1)))
        self.save(village, first, Seat(person, "委员", SINCE, date(2026, 8, 31)))
        self.save(village, second, Seat(person, "委员", date(2026, 9, 1)))
        self.save(village, second)

    def test_terms_members_and_parents_must_make_sense(self, village: Village) -> None:
        person = self.person(village)
        with pytest.raises(Invalid, match="任期"):
            self.save(village, "branch", Seat(person, "书记", date(2026, 2, 1), date(2026, 1, 1)))
        with pytest.raises(NotFound):
            self.save(village, "branch", Seat("nobody", "书记", SINCE))
        with pytest.raises(Invalid):
            self.save(village, "club")
        with pytest.raises(Invalid, match="下属委员会"):
            self.save(village, "sub", id="sub1")
