"""The engine: quorums, rosters, deadlines, what time alone may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.core.calendar import Calendar, CalendarMissing
from jiceng_cms.core.people import Body, Member, Seat
from jiceng_cms.core.workflow.definition import Signoff
from jiceng_cms.core.workflow.engine import (
    due_of,
    freeze_rosters,
    needed_of,
    settle,
    signoffs_of,
    status,
)
from jiceng_cms.core.workflow.run import Due, Recusal, Roster, Run, Verdict

DOMAIN = make_domain()
REVIEW = DOMAIN.definitions["disclosure"].states["review"]
NOW = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
VERDICTS = ("agree", "reserve", "object")
PEOPLE = [f"p{n}" for n in range(8)]


def signoff(quorum: str | int = "majority") -> Signoff:
    return Signoff("supervision", {"zh_CN": "意见", "en": ""}, "supervision", quorum, VERDICTS, ())


def run_with(members: int, verdicts: dict[str, str], away: set[str] = frozenset()) -> Run:  # type: ignore[assignment]
    roster = Roster("supervision", "监督委员会", tuple(Member(p, p, "委员") for p in PEOPLE[:members]))
    return Run(
        "hash", "review", NOW, 1, (roster,),
        tuple(Verdict("supervision", p, v, "", NOW) for p, v in verdicts.items()),
        recusals=tuple(Recusal(p, "亲属", NOW) for p in sorted(away)),
    )


class TestQuorums:
    @pytest.mark.parametrize(
        ("quorum", "members", "needed"),
        [
            ("all", 3, 3), ("all", 1, 1), ("all", 0, 0),
            ("any", 3, 1), ("any", 0, 0),
            ("majority", 1, 1), ("majority", 2, 2), ("majority", 3, 2), ("majority", 4, 3), ("majority", 5, 3), ("majority", 0, 0),
            (1, 3, 1), (2, 3, 2), (5, 3, 3), (2, 0, 0),
        ],
    )
    def test_how_many_are_needed(self, quorum: str | int, members: int, needed: int) -> None:
        assert needed_of(quorum, members) == needed

    @given(st.integers(1, 200))
    def test_exactly_half_is_no_majority_and_one_less_than_needed_is_not_either(self, members: int) -> None:
        needed = needed_of("majority", members)
        assert 2 * needed > members >= 2 * (needed - 1)

    @given(
        members=st.integers(0, 7),
        verdicts=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(VERDICTS)),
        away=st.sets(st.sampled_from(PEOPLE)),
        quorum=st.sampled_from(["all", "any", "majority", 1, 2, 3]),
    )
    def test_the_recused_leave_the_denominator_and_the_absent_do_not(
        self, members: int, verdicts: dict[str, str], away: set[str], quorum: str | int
    ) -> None:
        verdicts = {p: v for p, v in verdicts.items() if p in PEOPLE[:members]}
        got = status(run_with(members, verdicts, away), signoff(quorum))
        staying = [p for p in PEOPLE[:members] if p not in away]
        given = [p for p in staying if p in verdicts]
        assert got.needed == needed_of(quorum, len(staying))
        assert got.given == len(given) == got.agree + got.reserve + got.object
        assert got.complete == (bool(staying) and len(given) >= got.needed)
        assert got.recused == members - len(staying)

    @given(st.lists(st.sampled_from(VERDICTS), min_size=2, max_size=3))
    def test_an_objection_counts_as_given_and_never_vetoes(self, verdicts: list[str]) -> None:
        got = status(run_with(3, dict(zip(PEOPLE, verdicts, strict=False))), signoff())
        assert got.opens

    def test_an_empty_committee_is_no_way_round_the_committee(self) -> None:
        nobody = status(run_with(0, {}), signoff("all"))
        assert not nobody.complete
        assert not status(run_with(2, {}, set(PEOPLE[:2])), signoff("any")).opens
        assert replace(nobody, lapsed=True).opens

    def test_where_no_such_body_is_asked_nothing_waits(self) -> None:
        assert status(Run("hash", "review", NOW, 1), signoff("all")).complete


class TestRosters:
    def body(self, *seats: Seat) -> Body:
        made = Body("990101100201", "supervision", "supervision", "村务监督委员会")
        made.seats = seats
        return made

    def test_only_those_in_office_that_day_are_on_it(self) -> None:
        day = date(2026, 9, 1)
        body = self.body(
            Seat("past", "委员", date(2020, 1, 1), day - timedelta(days=1)),
            Seat("last_day", "委员", date(2020, 1, 1), day),
            Seat("first_day", "委员", day),
            Seat("next", "委员", day + timedelta(days=1)),
        )
        (roster,) = freeze_rosters(REVIEW, "public", [body], {"first_day": "新来的"}, day)
        assert [(m.person, m.name) for m in roster.members] == [("last_day", "last_day"), ("first_day", "新来的")]
        assert roster.body == "村务监督委员会"

    def test_a_later_change_of_the_body_does_not_touch_a_frozen_roster(self) -> None:
        body = self.body(Seat("a", "委员", date(2020, 1, 1)))
        frozen = freeze_rosters(REVIEW, "public", [body], {}, date(2026, 9, 1))
        body.seats = ()
        assert [m.person for m in frozen[0].members] == ["a"]

    def test_a_party_item_for_members_only_asks_no_supervision(self) -> None:
        approve = DOMAIN.definitions["disclosure-party"].states["approve"]
        assert [s.name for s in signoffs_of(approve, "public")] == ["supervision"]
        assert signoffs_of(approve, "branch") == ()
        assert freeze_rosters(approve, "branch", [self.body(Seat("a", "", date(2020, 1, 1)))], {}, date(2026, 9, 1)) == ()


class TestDeadlines:
    def due(self, **changes: Any) -> Due | None:
        asked = {"calendar": DOMAIN.calendar, "on": date(2026, 9, 1), **changes}
        return due_of(REVIEW, DOMAIN.rules, asked["calendar"], "village", asked["on"])

    def test_a_deadline_says_its_rule_its_reason_and_the_versions_that_it_was_computed_with(self) -> None:
        due = self.due()
        assert due is not None
        assert due.rule == "disclosure.supervision_days"
        assert due.on == date(2026, 9, 7), "the fifth day is a Sunday"
        assert "星期日" in due.explanation[0]
        assert due.versions == (
            ("rules", DOMAIN.rules.digest[:16]), ("calendar", DOMAIN.calendar.table(2026).version),
        )

    def test_a_state_without_a_rule_has_none(self) -> None:
        draft = DOMAIN.definitions["disclosure"].states["draft"]
        assert due_of(draft, DOMAIN.rules, DOMAIN.calendar, "village", date(2026, 9, 1)) is None

    def test_a_year_without_a_calendar_is_never_guessed(self) -> None:
        with pytest.raises(CalendarMissing, match="2026"):
            self.due(calendar=Calendar([]))


class TestTime:
    """Time opens a way, it never walks it."""

    DUE = date(2026, 9, 6)

    def waiting(self, verdicts: int = 0) -> Run:
        run = run_with(3, dict.fromkeys(PEOPLE[:verdicts], "agree"))
        return replace(run, due=Due(self.DUE, "disclosure.supervision_days", ()))

    @given(days=st.integers(-400, 400), verdicts=st.integers(0, 3))
    def test_sign_offs_lapse_only_when_their_last_day_is_over(self, days: int, verdicts: int) -> None:
        definition = DOMAIN.definitions["disclosure"]
        before = self.waiting(verdicts)
        after = settle(definition, before, self.DUE + timedelta(days=days), "public")
        assert (after.lapsed == ("supervision",)) == (days > 0 and verdicts < 2)
        assert replace(after, lapsed=()) == before, "nothing else moves: no state, no verdict"
        assert status(after, REVIEW.signoffs["supervision"]).opens == (days > 0 or verdicts >= 2)

    @given(days=st.integers(1, 400))
    def test_settling_twice_is_settling_once(self, days: int) -> None:
        definition = DOMAIN.definitions["disclosure"]
        once = settle(definition, self.waiting(), self.DUE + timedelta(days=days), "public")
        assert settle(definition, once, self.DUE + timedelta(days=days + 1), "public") is once

    @given(days=st.integers(0, 400), name=st.sampled_from(sorted(DOMAIN.definitions)), data=st.data())
    def test_time_never_changes_a_state_of_any_workflow(self, days: int, name: str, data: st.DataObject) -> None:
        definition = DOMAIN.definitions[name]
        state = data.draw(st.sampled_from(sorted(definition.states)))
        run = replace(self.waiting(), state=state)
        assert settle(definition, run, self.DUE + timedelta(days=days), "public").state == state

    def test_a_deadline_that_is_only_overdue_lapses_nothing(self) -> None:
        definition = DOMAIN.definitions["disclosure-party"]
        run = replace(self.waiting(), state="examine")
        assert definition.states["examine"].deadline_then == "overdue"
        assert settle(definition, run, date(2027, 1, 1), "public") is run

    def test_a_run_without_a_deadline_waits_for_ever(self) -> None:
        run = replace(self.waiting(), due=None)
        assert settle(DOMAIN.definitions["disclosure"], run, date(2099, 1, 1), "public") is run


def test_entering_a_state_leaves_the_rest_of_the_round_behind() -> None:
    run = replace(run_with(3, {"p0": "agree"}), lapsed=("supervision",), remark="改一改", due=Due(date(2026, 9, 6), "r", ()))
    there = run.enter("published", NOW)
    assert (there.rosters, there.lapsed, there.due, there.remark) == ((), (), None, "")
    assert there.verdicts == run.verdicts, "who signed is still asked for: the approver must be another"
