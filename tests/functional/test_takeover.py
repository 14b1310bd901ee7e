"""What one administrator alone can't do: act as somebody else, or make one body into another."""

from __future__ import annotations

from datetime import date

import pytest

from jiceng_cms.access.accounts import CreateAccount, DisableAccount
from jiceng_cms.affairs.units.actions import SaveBody
from jiceng_cms.core.errors import Invalid, Refused, SeparationOfDuties
from jiceng_cms.core.people import Seat
from jiceng_cms.core.signing import NameStandIn, Recuse
from support.village import SECTION, VILLAGE, Village


def test_nobody_gets_a_second_account_behind_their_back(village: Village) -> None:
    second = CreateAccount("li-approver", village.people["approver"])
    with pytest.raises(Refused, match="已经有账号 approver 了"):
        village.do(second, "system")
    with village.reading() as site:
        assert "li-approver" not in site.accounts
    village.do(DisableAccount("approver", "换登录名"), "system")
    village.do(second, "system")


def test_a_body_stays_of_its_kind(village: Village) -> None:
    seat = Seat(village.people["approver"], "委员", date(2024, 1, 1))
    with pytest.raises(Invalid, match="不能改成另一种"):
        village.do(SaveBody(VILLAGE, "branch", "监督委员会", (seat,), "supervision"), "system")


def test_nobody_names_himself_to_approve(village: Village) -> None:
    since = date(2024, 1, 1)
    seats = tuple(Seat(village.people[who], "委员", since) for who in ("party", "clerk2"))
    village.do(SaveBody(VILLAGE, "branch", "党支部委员会", seats), "system")
    id = village.draft()
    village.move(id, "submit", "clerk")
    village.do(Recuse(VILLAGE, SECTION, id, "工程是我家亲戚做的"), "approver")
    named = NameStandIn(VILLAGE, SECTION, id, village.people["clerk2"], "九月一日两委会议")
    with pytest.raises(SeparationOfDuties, match="不能指定自己"):
        village.do(named, "clerk2")
    village.do(named, "clerk")
