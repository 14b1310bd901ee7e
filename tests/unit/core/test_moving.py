"""Moving records: definitions that were pinned, calendars that lack, two people at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jiceng_cms.affairs.domain import default_workflows, make_domain
from jiceng_cms.affairs.units.actions import CloseUnit, EndRole, GrantRole, SaveBody, SaveUnit
from jiceng_cms.core.actions import ActionService, timer
from jiceng_cms.core.calendar import Calendar
from jiceng_cms.core.drafting import CreateRecord, SaveDraft
from jiceng_cms.core.errors import (
    ChecksFailed,
    Forbidden,
    Invalid,
    NeedsReauthentication,
    NotFound,
    NotNow,
    Refused,
    Stale,
)
from jiceng_cms.core.moving import MoveRecord
from jiceng_cms.core.records import Record
from jiceng_cms.core.signing import GiveVerdict, SettleRun
from jiceng_cms.core.units import ParentSpan
from jiceng_cms.store.locks import LocalLocks
from jiceng_cms.store.runner import Runner
from support.village import (
    COMMUNITY,
    DISCLOSURE,
    OPERATOR,
    OTHER_VILLAGE,
    SECTION,
    TOWNSHIP,
    VILLAGE,
    Village,
)


@contextmanager
def record(village: Village, id: str, unit: str = VILLAGE) -> Iterator[Record]:
    with village.reading() as site:
        yield site.units[unit].sections[SECTION].records[id]


def state(village: Village, id: str, unit: str = VILLAGE) -> str:
    with record(village, id, unit) as found:
        return found.run.state


def submitted(village: Village, unit: str = VILLAGE) -> str:
    id = village.draft(unit=unit)
    village.move(id, "submit", "clerk", unit)
    return id


def signed(village: Village) -> str:
    id = submitted(village)
    for login in ("supervisor", "supervisor2"):
        village.sign(id, login)
    return id


class TestPinned:
    def test_a_run_goes_on_by_the_definition_under_which_it_began(self, own_village: Village, tmp_path: Path) -> None:
        village = own_village
        old = submitted(village)
        village.sign(old, "supervisor")
        village.sign(old, "supervisor2")
        text = (default_workflows() / "disclosure.toml").read_text(encoding="utf-8")
        (tmp_path / "disclosure.toml").write_text(
            text.replace('quorum = "majority"', 'quorum = "all"').replace("version = 1", "version = 2"), encoding="utf-8"
        )
        services = village.services
        services.domain = make_domain(clock=village.clock, workflow_folders=[tmp_path])
        services.actions.domain = services.domain
        village.move(old, "publish", "approver")
        assert state(village, old) == "published"
        new = submitted(village)
        village.sign(new, "supervisor")
        village.sign(new, "supervisor2")
        with pytest.raises(ChecksFailed, match="3人中要有3人"):
            village.move(new, "publish", "approver")
        with village.reading() as site:
            assert sorted(d.version for d in site.definitions.values()) == [1, 2]


class TestDeadlines:
    def test_a_year_without_a_calendar_refuses_in_a_sentence_and_keeps_the_draft(self, own_village: Village) -> None:
        village = own_village
        id = village.draft()
        village.services.domain.calendar = Calendar([])
        with pytest.raises(Refused, match=r"算不出这一步的期限：.*2026") as caught:
            village.move(id, "submit", "clerk")
        assert not isinstance(caught.value, Forbidden)
        with record(village, id) as found:
            assert found.run.state == "draft"
            assert found.draft.data["title"] == DISCLOSURE["title"]
            assert len(found.revisions) == 0

    def test_publication_opens_after_the_last_day_and_nobody_publishes_but_a_person(self, own_village: Village) -> None:
        village = own_village
        id = submitted(village)
        with record(village, id) as found:
            assert found.run.due is not None
            due = found.run.due.on
        village.clock.set(village.clock.now().replace(month=due.month, day=due.day, hour=15, minute=59))
        with pytest.raises(ChecksFailed, match="3人中要有2人提意见"):
            village.move(id, "publish", "approver")
        village.clock.advance(minutes=1)
        village.services.actions.perform(SettleRun(VILLAGE, SECTION, id), timer())
        assert state(village, id) == "review", "time opens the way and no more"
        with pytest.raises(NotNow, match="期限"):
            village.sign(id, "supervisor")
        village.move(id, "publish", "approver")
        with record(village, id) as found:
            edition = found.edition()
            assert edition is not None
            assert edition.content()["signoffs"][0]["lapsed"] is True

    def test_only_the_timer_settles(self, village: Village) -> None:
        id = submitted(village)
        with pytest.raises(Forbidden):
            village.do(SettleRun(VILLAGE, SECTION, id), "approver")

    def test_settling_too_early_changes_and_stores_nothing(self, village: Village) -> None:
        id = submitted(village)
        before = village.services.store.last_transaction()
        village.services.actions.perform(SettleRun(VILLAGE, SECTION, id), timer())
        assert village.services.store.last_transaction() == before

    def test_a_township_without_supervision_waits_for_nobody(self, own_village: Village) -> None:
        village = own_village
        for login in ("clerk2", "approver"):
            role = "clerk" if login == "clerk2" else "approver"
            village.do(GrantRole(TOWNSHIP, village.people[login], role, "任职"), "security")
        id = village.draft("clerk2", TOWNSHIP, "finance")
        village.move(id, "submit", "clerk2", TOWNSHIP)
        with record(village, id, TOWNSHIP) as found:
            assert found.run.due is None
        village.move(id, "publish", "approver", TOWNSHIP)
        assert state(village, id, TOWNSHIP) == "published"


class TestRefusals:
    def test_a_step_that_is_not_open_now(self, village: Village) -> None:
        id = village.draft()
        with pytest.raises(NotNow, match=r"起草.*公布"):
            village.move(id, "publish", "approver")
        with pytest.raises(NotFound):
            village.move(id, "explode", "clerk")

    def test_the_version_that_was_seen_is_the_one_that_moves(self, village: Village) -> None:
        id = village.draft()
        village.edit(id, "clerk2", summary="改过的说明。\n花了三千元。")
        with pytest.raises(Stale, match="周经办"):
            village.do(MoveRecord(VILLAGE, SECTION, id, "submit", 1), "clerk")

    def test_publishing_asks_for_the_password_again(self, village: Village) -> None:
        id = signed(village)
        action = MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id))
        with pytest.raises(NeedsReauthentication):
            village.do(action, "approver", fresh=False)
        village.do(action, "approver")

    def test_a_return_needs_its_remarks_and_voids_what_was_signed(self, village: Village) -> None:
        id = signed(village)
        with pytest.raises(Invalid):
            village.move(id, "return", "approver")
        village.move(id, "return", "approver", comment="金额写清楚一点")
        with record(village, id) as found:
            assert (found.run.state, found.run.verdicts, found.run.remark) == ("draft", (), "金额写清楚一点")

    @pytest.mark.parametrize("data", [{}, {"reason": "because", "note": "说明一下"}, {"reason": "wrong"}, {"reason": "wrong", "note": "说明", "colour": "red"}])
    def test_a_withdrawal_takes_its_reason_from_the_list_and_speaks_chinese(self, village: Village, data: dict[str, str]) -> None:
        id = village.published()
        with pytest.raises(Invalid) as caught:
            village.move(id, "withdraw", "approver", **data)
        assert all(not any(c.isascii() and c.isalpha() for c in text) for text in caught.value.fields.values())
        assert state(village, id) == "published"

    def test_another_villages_people_and_residents_find_nothing(self, village: Village) -> None:
        id = village.draft(unit=COMMUNITY)
        with pytest.raises(Forbidden):
            village.move(id, "submit", "inspector", COMMUNITY)  # a role that only looks
        with pytest.raises(NotFound):
            village.do(MoveRecord(OTHER_VILLAGE, SECTION, id, "submit", 1), "clerk")
        with pytest.raises(NotFound):
            village.do(MoveRecord(VILLAGE, SECTION, id, "submit", 1), "clerk")
        with pytest.raises(NotFound):
            village.do(MoveRecord(COMMUNITY, SECTION, id, "submit", 1), "audit")


class TestSameFormTwice:
    def test_a_token_does_its_work_once(self, village: Village) -> None:
        action = CreateRecord(VILLAGE, "disclosure", "affairs", dict(DISCLOSURE), token="t-create-once")
        first = village.do(action, "clerk")
        assert village.do(action, "clerk") == first
        with pytest.raises(Forbidden, match="不是您打开的"):
            village.do(action, "clerk2")

    def test_saving_what_stands_there_already_stores_nothing(self, village: Village) -> None:
        id = village.draft()
        before = village.services.store.last_transaction()
        action = SaveDraft(VILLAGE, SECTION, id, 1, dict(DISCLOSURE), token="t-save-same")
        assert village.do(action, "clerk") == id
        assert village.services.store.last_transaction() == before


class TestAtTheSameMoment:
    """Another process, with locks of its own, commits between a check and its commit."""

    def beside(self, village: Village, meanwhile: Callable[[ActionService], Any]) -> tuple[ActionService, list[int]]:
        """A service whose first try is overtaken by ``meanwhile`` after its check and work."""
        store, domain = village.services.store, village.services.domain
        other = ActionService(Runner(store.db, LocalLocks()), domain)
        tries: list[int] = []

        class Overtaken(Runner):
            def run(self, unit: str, work: Any) -> Any:
                def slow(connection: Any, journal: Any) -> Any:
                    result = work(connection, journal)
                    tries.append(len(tries))
                    if len(tries) == 1:
                        meanwhile(other)
                    return result

                return super().run(unit, slow)

        return ActionService(Overtaken(store.db, LocalLocks()), domain), tries

    def test_a_role_taken_back_while_its_holder_publishes_stops_the_publication(self, own_village: Village) -> None:
        village = own_village
        id = signed(village)
        end = EndRole(VILLAGE, village.people["approver"], "approver", "免职")
        service, _ = self.beside(village, lambda other: other.perform(end, village.as_("security")))
        with pytest.raises((Forbidden, NotFound)):
            service.perform(MoveRecord(VILLAGE, SECTION, id, "publish", village.version(id)), village.as_("approver"))
        assert state(village, id) == "review"

    def test_two_last_signers_both_count(self, village: Village) -> None:
        id = submitted(village)
        mine, theirs = (GiveVerdict(VILLAGE, SECTION, id, "supervision", 1, "agree") for _ in range(2))
        service, tries = self.beside(village, lambda other: other.perform(theirs, village.as_("supervisor2")))
        service.perform(mine, village.as_("supervisor"))
        assert len(tries) == 2, "the first try met a conflict"
        with record(village, id) as found:
            assert len(found.run.verdicts) == 2
        village.move(id, "publish", "approver")

    def test_a_verdict_never_lands_on_a_text_that_was_taken_back_meanwhile(self, village: Village) -> None:
        id = submitted(village)
        back = MoveRecord(VILLAGE, SECTION, id, "take_back", village.version(id), "改一处")
        service, _ = self.beside(village, lambda other: other.perform(back, village.as_("clerk")))
        with pytest.raises(Refused):
            service.perform(GiveVerdict(VILLAGE, SECTION, id, "supervision", 1, "agree"), village.as_("supervisor"))
        with record(village, id) as found:
            assert found.run.verdicts == ()

    def test_a_unit_closed_while_its_first_draft_is_made_gets_none(self, own_village: Village) -> None:
        village = own_village
        close = CloseUnit(COMMUNITY, village.clock.now().date(), (VILLAGE,))
        service, _ = self.beside(village, lambda other: other.perform(close, OPERATOR))
        with pytest.raises(NotNow, match="撤销"):
            service.perform(CreateRecord(COMMUNITY, "disclosure", "affairs", dict(DISCLOSURE)), village.as_("clerk"))

    def test_a_committee_renewed_while_a_text_is_handed_in_gives_the_new_roster(self, own_village: Village) -> None:
        village = own_village
        id = village.draft()
        renew = SaveBody(VILLAGE, "supervision", "监督委员会", ())
        service, _ = self.beside(village, lambda other: other.perform(renew, OPERATOR))
        service.perform(MoveRecord(VILLAGE, SECTION, id, "submit", 1), village.as_("clerk"))
        with record(village, id) as found:
            assert found.run.rosters[0].members == ()

    def test_two_editors_of_one_version_never_overwrite_each_other(self, village: Village) -> None:
        id = village.draft()
        theirs = SaveDraft(VILLAGE, SECTION, id, 1, {**DISCLOSURE, "summary": "乙写的"})
        service, _ = self.beside(village, lambda other: other.perform(theirs, village.as_("clerk2")))
        with pytest.raises(Stale, match="周经办") as caught:
            service.perform(SaveDraft(VILLAGE, SECTION, id, 1, {**DISCLOSURE, "summary": "甲写的"}), village.as_("clerk"))
        assert caught.value.current["summary"] == "乙写的"


class TestClosedUnit:
    @pytest.fixture
    def closed(self, own_village: Village) -> tuple[Village, str, str]:
        """A village that was closed, with a publication and with a draft."""
        public, draft = own_village.published(), own_village.draft(title="没公布的草稿")
        successor = CloseUnit(VILLAGE, own_village.clock.now().date(), (OTHER_VILLAGE,))
        own_village.services.actions.perform(successor, OPERATOR)
        return own_village, public, draft

    def test_nothing_new_begins_there(self, closed: tuple[Village, str, str]) -> None:
        village, _, draft = closed
        with pytest.raises(NotNow, match="撤销"):
            village.draft()
        with pytest.raises(NotNow, match="撤销"):
            village.edit(draft, title="再改改")
        with pytest.raises(NotNow, match="撤销"):
            village.move(draft, "submit", "clerk")

    def test_what_is_public_may_be_corrected_and_withdrawn(self, closed: tuple[Village, str, str]) -> None:
        village, public, _ = closed
        village.move(public, "correct", "clerk", kind="substance", reason="金额写错了")
        village.edit(public, summary="修了二组的水渠。\n一共花了三千二百元。")
        village.move(public, "submit", "clerk")
        for login in ("supervisor", "supervisor2"):
            village.sign(public, login)
        village.move(public, "publish", "approver")
        village.move(public, "withdraw", "approver", reason="wrong", note="核对以后再公布")
        with record(village, public) as found:
            assert (len(found.editions), found.standing) == (2, "withdrawn")

    def test_the_successors_people_may_do_so_too(self, closed: tuple[Village, str, str]) -> None:
        village, public, _ = closed
        for login in ("subdistrict", "party2"):
            with pytest.raises(Refused):
                village.do(MoveRecord(VILLAGE, SECTION, public, "withdraw", village.version(public), "", {"reason": "wrong", "note": "核对"}), login, role="approver")
        village.do(GrantRole(OTHER_VILLAGE, village.people["party2"], "approver", "任职"), "security")
        village.do(
            MoveRecord(VILLAGE, SECTION, public, "withdraw", village.version(public), "", {"reason": "wrong", "note": "核对以后再公布"}),
            "party2", role="approver",
        )
        with record(village, public) as found:
            assert found.standing == "withdrawn"

    def test_a_unit_is_closed_once_and_not_before_its_day(self, closed: tuple[Village, str, str]) -> None:
        village, _, _ = closed
        today = village.clock.now().date()
        act = village.services.actions.perform
        with pytest.raises(NotNow):
            act(CloseUnit(VILLAGE, today, ()), OPERATOR)
        with pytest.raises(Invalid, match="还没有到"):
            act(CloseUnit(COMMUNITY, today.replace(year=today.year + 1), ()), OPERATOR)
        with pytest.raises(Invalid, match="还没有登记"):
            act(CloseUnit(COMMUNITY, today, ("990101999999",)), OPERATOR)


def test_nobody_is_put_above_its_own_parent(own_village: Village) -> None:
    above = (ParentSpan(VILLAGE, own_village.clock.now().date()),)
    with pytest.raises(Invalid, match="不能反过来"):
        own_village.services.actions.perform(SaveUnit(TOWNSHIP, "township", "柳溪镇", parents=above), OPERATOR)
