"""The tree of units as dated data: parents, successors, the roles that reach down and never up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core.people import Grant
from jiceng_cms.core.permissions import ROLES
from jiceng_cms.core.units import (
    MAX_DEPTH,
    UNIT_KINDS,
    ParentSpan,
    Unit,
    ancestors,
    children,
    roles_at,
)

NOW = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
TODAY = date(2026, 9, 1)
SINCE = date(2020, 1, 1)
CODES = [f"9901010000{n:02d}" for n in range(8)]


def tree(parents: dict[str, str | None]) -> dict[str, Unit]:
    units = {code: Unit(code, "village", code) for code in parents}
    for code, above in parents.items():
        units[code].parents = (ParentSpan(above, SINCE),) if above else ()
    return units


def grant(unit: Unit, person: str, role: str, **more: Any) -> None:
    unit.roles.grants = (*unit.roles.grants, Grant(person, role, datetime(2020, 1, 1, tzinfo=UTC), "", "", **more))


def roles(units: dict[str, Unit], code: str, person: str) -> frozenset[str]:
    return roles_at(units, units[code], person, NOW, TODAY, [])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="planet"):
        Unit("990101100201", "planet", "")


@given(st.dates(date(2023, 1, 1), date(2026, 12, 31)))
def test_the_unit_above_is_that_of_the_day(day: date) -> None:
    unit = Unit(CODES[0], "village", "")
    merged = date(2025, 7, 1)
    unit.parents = (ParentSpan("old", date(2024, 1, 1), date(2025, 6, 30)), ParentSpan("new", merged))
    wanted = None if day < date(2024, 1, 1) else "old" if day < merged else "new"
    assert unit.parent(day) == wanted


parents = st.fixed_dictionaries({code: st.none() | st.sampled_from(CODES) for code in CODES})


@given(parents)
def test_the_walk_up_ends_whatever_the_data_say(above: dict[str, str | None]) -> None:
    """Also in a circle, which bad data may hold: no unit is met twice, and none is its own ancestor."""
    units = tree(above)
    for code in CODES:
        met = [u.code for u in ancestors(units, code, TODAY)]
        assert len(met) == len(set(met)) <= MAX_DEPTH
        assert code not in met
        if met:
            assert met[0] == above[code]


@given(parents)
def test_children_are_those_who_name_the_unit_as_their_parent(above: dict[str, str | None]) -> None:
    units = tree(above)
    for code in CODES:
        assert {u.code for u in children(units, code, TODAY)} == {c for c, a in above.items() if a == code}


@given(above=parents, at=st.sampled_from(CODES), role=st.sampled_from(sorted(set(ROLES) - {"system", "security", "audit"})))
def test_a_role_holds_where_it_was_granted_and_below_only_where_it_reaches_down(
    above: dict[str, str | None], at: str, role: str
) -> None:
    units = tree(above)
    grant(units[at], "p", role)
    for code in CODES:
        below = at in [u.code for u in ancestors(units, code, TODAY)]
        wanted = code == at or (below and ROLES[role].reach == "below")
        assert (role in roles(units, code, "p")) == wanted
        assert roles(units, code, "somebody else") == frozenset()


def test_self_government_is_not_run_from_above() -> None:
    units = tree({"top": None, "low": "top"})
    for role in ("approver", "approver_party", "supervisor", "confidentiality", "member"):
        grant(units["top"], "p", role)
    assert roles(units, "low", "p") == frozenset()


def test_an_ended_role_and_one_that_has_not_begun_are_none() -> None:
    units = tree({"a": None})
    grant(units["a"], "p", "clerk", until=NOW)
    assert roles(units, "a", "p") == frozenset()
    units["a"].roles.grants = (Grant("p", "clerk", datetime(2026, 9, 2, tzinfo=UTC), "", ""),)
    assert roles(units, "a", "p") == frozenset()


def test_everything_that_was_looked_at_is_handed_over_to_be_held() -> None:
    units = tree({"top": None, "mid": "top", "low": "mid"})
    held: list[Any] = []
    roles_at(units, units["low"], "p", NOW, TODAY, held)
    for unit in units.values():
        assert unit in held, "where it stands in the tree decides"
        assert unit.roles in held


class TestClosedUnits:
    def test_roles_of_the_successor_hold_at_the_closed_unit_and_not_the_other_way(self) -> None:
        units = tree({"old": None, "new": None})
        grant(units["new"], "p", "approver")
        grant(units["old"], "q", "approver")
        assert roles(units, "old", "p") == frozenset()
        units["old"].closed_on, units["old"].successors = date(2026, 1, 1), ("new",)
        assert roles(units, "old", "p") == {"approver"}
        assert roles(units, "new", "q") == frozenset()

    def test_what_stands_above_the_successor_reaches_down_too_and_successors_follow_on(self) -> None:
        units = tree({"old": None, "new": None, "newest": "top", "top": None})
        for here, after in (("old", "new"), ("new", "newest")):
            units[here].closed_on, units[here].successors = date(2026, 1, 1), (after,)
        grant(units["top"], "p", "inspector")
        assert roles(units, "old", "p") == {"inspector"}

    def test_units_that_name_each_other_as_successors_end_nowhere(self) -> None:
        units = tree({"a": None, "b": None})
        for here, after in (("a", "b"), ("b", "a")):
            units[here].closed_on, units[here].successors = date(2026, 1, 1), (after, "nowhere")
        grant(units["b"], "p", "clerk")
        assert roles(units, "a", "p") == {"clerk"}


def test_a_village_calls_its_affairs_otherwise_than_a_community() -> None:
    assert Unit("1", "village", "").affairs_name() == "村务"
    assert Unit("1", "community", "").affairs_name() == "居务"
    assert {kind for kind, row in UNIT_KINDS.items() if row[3]} == {"village", "community"}
