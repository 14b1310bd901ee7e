"""The demo's content: it adds up, it can be run in order, and it says nothing about private people."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiceng_cms.core.clock import TZ
from jiceng_cms.core.codes import check_unit_code, check_uscc
from jiceng_cms.core.effects import WITHDRAWAL_REASONS
from jiceng_cms.core.people import BODY_KINDS
from jiceng_cms.core.permissions import ROLES
from jiceng_cms.core.text import check_characters
from jiceng_cms.core.units import UNIT_KINDS
from jiceng_cms.ops.demo import BodySpec, DemoPlan, PlaceSpec, PublicationSpec, TableSpec
from jiceng_cms.ops.demo.bulk import RUN
from jiceng_cms.ops.demo.people import OFFICE_ROLES
from jiceng_cms.ops.demo.places import FIRST_COMMUNITY, FIRST_VILLAGE
from jiceng_cms.ops.demo.plan import base_plan, bulk_plan
from jiceng_cms.ops.demo.texts import Setting, fill, load_texts
from jiceng_cms.privacy.scan import scan_fields

TODAY = date(2026, 11, 23)
#: From when the whole story has been told; earlier days see a part of it.
DAYS = st.dates(date(2026, 11, 1), date(2029, 12, 31))


@pytest.fixture(scope="module")
def plan() -> DemoPlan:
    return base_plan(TODAY)


def words_of(publication: PublicationSpec) -> Iterator[str]:
    """Everything that a reader of it may see, also after its correction."""
    yield from (publication.title, publication.summary, publication.item, publication.subject)
    yield from publication.body
    yield from publication.basis
    yield publication.due_basis
    yield from (name for name, _ in publication.attachments)
    yield from (s.reason for s in publication.signoffs)
    for table in tables_of(publication):
        yield from (table.caption, *table.header, *(cell for row in table.rows for cell in row))
    if publication.correction:
        yield publication.correction.reason
        for change in publication.correction.changes:
            if change.field == "body":
                yield from (str(p) for p in change.value)
            elif change.field != "tables":
                yield str(change.value)
    if publication.withdrawal:
        yield publication.withdrawal.note


def tables_of(publication: PublicationSpec) -> Iterator[TableSpec]:
    yield from publication.tables
    for change in publication.correction.changes if publication.correction else ():
        yield from (t for t in change.value if isinstance(t, TableSpec))


def number(cell: str) -> Decimal | None:
    text = cell.replace(",", "")
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def wrong_totals(table: TableSpec) -> list[str]:
    """Columns whose last row, a total, is not the sum of what is above it."""
    if table.rows[-1][0] != "合计":
        return []
    wrong = []
    for column, title in enumerate(table.header):
        total = number(table.rows[-1][column])
        if total is not None:
            parts = [number(row[column]) or Decimal(0) for row in table.rows[:-1]]
            if sum(parts) != total:
                wrong.append(f"{table.caption}/{title}: {sum(parts)} != {total}")
    return wrong


def local(publication: PublicationSpec) -> date:
    return publication.publish_at.astimezone(TZ).date()


def test_a_day_gives_the_same_plan_again(plan: DemoPlan) -> None:
    assert base_plan(TODAY) == plan
    assert base_plan(TODAY + timedelta(days=40)) != plan


def test_codes_and_credit_codes_are_unique_and_valid(plan: DemoPlan) -> None:
    codes = [place.code for place in plan.places]
    assert len(set(codes)) == len(codes) == 9
    credit = [p.uscc for p in plan.places] + [p.entity.uscc for p in plan.places if p.entity]
    assert len(set(credit)) == len(credit) == 12
    for place in plan.places:
        assert place.kind in UNIT_KINDS
        assert check_unit_code(place.code, place.kind).ok
        checked = check_uscc(place.uscc, place.kind)
        assert checked.ok
        assert not checked.warnings
        assert (place.parent is None) == (place.kind == "district")
        assert place.initials == "".join(s[0] for s in place.pinyin.split())
        assert re.fullmatch(r"0999-555\d{4}", place.phone)
        if place.kind == "village":
            assert place.entity
            assert place.uscc.startswith("54")
        if place.kind == "community":
            assert place.uscc.startswith("55")


def test_parents_come_before_their_children(plan: DemoPlan) -> None:
    seen: set[str | None] = {None}
    for place in plan.places:
        assert place.parent in seen
        seen.add(place.code)


def test_each_unit_has_its_bodies_and_the_two_terms_meet(plan: DemoPlan) -> None:
    persons = {person.id: person.name for person in plan.persons}
    assert len(persons) == len(plan.persons)
    kinds = defaultdict(list)
    for body in plan.bodies:
        assert body.kind in BODY_KINDS
        kinds[body.unit].append(body.kind)
        assert {seat.person for seat in body.seats} <= set(persons)
        for day in (date(2024, 1, 1), date(2026, 1, 14), date(2026, 1, 15), TODAY):
            held = [seat for seat in body.seats if seat.since <= day <= seat.until]
            assert len(held) == len({seat.person for seat in held})
            assert len(held) * 2 == len(body.seats)
            if body.kind == "supervision":
                assert [seat.post for seat in held] == ["主任", "委员", "委员"]
    assert len(kinds) == 6
    assert all(
        sorted(k) == ["assembly", "branch", "committee", "supervision"] for k in kinds.values()
    )


def test_rare_names_are_there(plan: DemoPlan) -> None:
    names = {person.name for person in plan.persons}
    assert "亓彧翀" in names
    assert any(0x20000 <= ord(c) <= 0x2A6DF for name in names for c in name)
    assert any("亓彧翀" in text for p in plan.publications for text in words_of(p))


def test_the_accounts_of_the_demo_reach_the_first_village_and_community(plan: DemoPlan) -> None:
    shown = {a.login: dict.fromkeys(a.grants) for a in plan.accounts if a.shown}
    assert set(shown) == {
        "clerk", "bookkeeper", "approver", "party", "party2", "supervisor", "supervisor2", "supervisor3",
        "subdistrict", "inspector", "lawyer", "system", "security", "audit",
    }  # fmt: skip
    codes = {place.code: place for place in plan.places}
    for grants in shown.values():
        for unit in (FIRST_VILLAGE, FIRST_COMMUNITY):
            above = {unit, codes[unit].parent, "990101000000"}
            assert any(
                at == unit or (ROLES[role].reach != "unit" and at in above) for role, at in grants
            )


def test_no_person_has_two_duties_that_exclude_each_other(plan: DemoPlan) -> None:
    logins = [account.login for account in plan.accounts]
    assert len(set(logins)) == len(logins)
    held = defaultdict(list)
    for account in plan.accounts:
        for role, unit in account.grants:
            assert role in ROLES
            held[account.person, unit].append(role)
    assert all(len(roles) == 1 for roles in held.values())
    for unit in {body.unit for body in plan.bodies}:
        roles = Counter(role for (_, at), (role,) in held.items() if at == unit)
        assert roles.keys() >= set(OFFICE_ROLES.values())
        assert roles["supervisor"] == 3
        overseers = {p for (p, at), (role,) in held.items() if at == unit and role == "supervisor"}
        seats = {b.kind: {s.person for s in b.seats} for b in plan.bodies if b.unit == unit}
        assert overseers == seats["supervision"]
        assert not overseers & (seats["committee"] | seats["branch"])


def test_every_kind_stage_audience_and_outcome_is_present(plan: DemoPlan) -> None:
    found = plan.publications
    assert {p.kind for p in found} == {"party", "affairs", "finance"}
    assert {p.stage for p in found} == {"事前", "事中", "事后", ""}
    assert {p.audience for p in found} == {"public", "branch"}
    assert {s.verdict for p in found for s in p.signoffs} == {"agree", "reserve", "object"}
    assert {p.correction.kind for p in found if p.correction} == {"typo", "substance"}
    assert {p.withdrawal.code for p in found if p.withdrawal} == {"wrong", "duplicate"}
    assert {p.withdrawal.code for p in found if p.withdrawal} <= set(WITHDRAWAL_REASONS)
    assert {kind for p in found for _, kind in p.attachments} == {"pdf", "docx", "xlsx"}
    assert any(p.audience == "public" and len(p.signoffs) < 2 for p in found)
    assert any(p.part for p in found)
    late = [p for p in found if local(p) > p.due_date]
    assert 10 <= len(late) <= len(found) // 8
    assert len(load_texts()) >= 60
    for unit, many in Counter(p.unit for p in found).items():
        assert many >= 25, unit


@given(DAYS)
@settings(max_examples=8, deadline=None)
def test_whenever_it_is_run_it_stays_in_order_and_has_something_fresh(today: date) -> None:
    publications = base_plan(today).publications
    assert len({p.key for p in publications}) == len(publications)
    for before, after in pairwise(publications):
        assert before.publish_at <= after.publish_at
    for p in publications:
        assert local(p) < today
        assert local(p).weekday() < 5
        assert p.drafted_at < p.publish_at
        assert p.event_date <= p.drafted_at.astimezone(TZ).date()
        assert p.event_date >= date(2023, 12, 1)
        for later in (p.correction, p.withdrawal):
            if later:
                assert p.publish_at < later.when
                assert later.when.astimezone(TZ).date() < today
    matters = defaultdict(list)
    for p in publications:
        if p.matter:
            matters[p.matter].append(p.stage)
    assert matters
    for stages in matters.values():
        assert stages == sorted(stages, key=["事前", "事中", "事后"].index)
    for unit in {p.unit for p in publications}:
        assert any(today - local(p) <= timedelta(days=15) for p in publications if p.unit == unit)


def test_money_adds_up_and_each_sheet_continues_the_last(plan: DemoPlan) -> None:
    balance: dict[str, tuple[date, Decimal]] = {}
    for p in sorted((p for p in plan.publications if p.ledger), key=lambda p: p.event_date):
        sums = p.ledger
        assert sums
        assert sums.opening + sums.income - sums.expense == sums.closing >= 0
        if p.unit in balance:
            until, closing = balance[p.unit]
            assert sums.since == until + timedelta(days=1)
            assert sums.opening == closing
        balance[p.unit] = (sums.until, sums.closing)
        totals, lines = p.tables
        assert [number(cell) for cell in totals.rows[0]] == [
            sums.opening, sums.income, sums.expense, sums.closing,
        ]  # fmt: skip
        assert number(lines.rows[-1][5]) == sums.income
        assert number(lines.rows[-1][6]) == sums.expense
        days = [row[1] for row in lines.rows[:-1]]
        assert days == sorted(days)
        assert days[0] >= sums.since.isoformat()
        assert days[-1] <= sums.until.isoformat()
    assert len(balance) == 6


def test_tables_are_even_and_their_totals_right(plan: DemoPlan) -> None:
    for p in plan.publications:
        for table in tables_of(p):
            assert {len(row) for row in table.rows} == {len(table.header)}, p.key
            assert not wrong_totals(table), p.key


def test_sums_in_the_summary_stand_in_the_tables(plan: DemoPlan) -> None:
    """A total that a summary speaks of is the table's total, where the text has a total."""
    seen = 0
    for p in plan.publications:
        if p.kind == "affairs" and p.tables and p.tables[0].rows[-1][0] == "合计":
            totals = {c for c in p.tables[0].rows[-1] if re.search(r"\.\d\d$", c)}
            told = set(re.findall(r"[\d,]+\.\d\d", p.summary + "".join(p.body)))
            if totals and told:
                seen += 1
                assert totals & told, p.key
    assert seen >= 5


def test_a_correction_changes_what_it_names_and_a_typo_no_figure(plan: DemoPlan) -> None:
    for p in plan.publications:
        if p.correction:
            assert p.correction.changes, p.key
            for change in p.correction.changes:
                assert change.value != getattr(p, change.field)
                if p.correction.kind == "typo":
                    old = (
                        "".join(p.body) if change.field == "body" else str(getattr(p, change.field))
                    )
                    new = "".join(map(str, change.value))
                    assert re.findall(r"\d", old) == re.findall(r"\d", new)


def test_signoffs_belong_to_public_items_and_doubts_have_reasons(plan: DemoPlan) -> None:
    for p in plan.publications:
        if p.audience == "branch":
            assert p.kind == "party"
            assert not p.signoffs
        elif len(p.signoffs) < 2:
            # the deadline of the supervision committee must have passed by then
            assert p.publish_at - p.drafted_at >= timedelta(days=14)
        for signoff in p.signoffs:
            assert bool(signoff.reason) == (signoff.verdict != "agree")


PRIVATE = {
    "identity number": r"(?<!\d)\d{17}[\dXx]|(?<!\d)\d{15}(?!\d)",
    "mobile number": r"(?<!\d)1[3-9]\d{9}(?!\d)",
    "bank card": r"(?<!\d)\d{16,19}(?!\d)",
    "landline": r"(?<!\d)0\d{2,3}[-\s]?\d{7,8}(?!\d)",
    "e-mail": r"@\w+\.",
    "licence plate": r"[京沪津渝浙苏皖鲁川粤][A-Z][A-Z0-9]{5}",
    "room": r"\d+(室|号房)",
    "illness": r"残疾|抑郁|癌|精神病|患有|确诊|艾滋",
    "minor": r"\d+岁的?(孩|男童|女童|学生)|困境儿童|孤儿",
}


def test_nothing_is_said_about_private_people(plan: DemoPlan) -> None:
    offices = {person.name for person in plan.persons}
    assert offices
    for p in plan.publications:
        # the gate that every one of them has to pass when the demo is made
        assert not scan_fields({str(n): text for n, text in enumerate(words_of(p))}), p.key
        for text in words_of(p):
            for what, pattern in PRIVATE.items():
                assert not re.search(pattern, text), (p.key, what, text)
            # nobody is named by title but those who hold an office
            for name in re.findall(r"(?:主任是|书记是)(\w{2,3})[，。]", text):
                assert name in offices, (p.key, name)


def test_texts_are_clean_and_nothing_is_left_open(plan: DemoPlan) -> None:
    for p in plan.publications:
        assert len(p.title) <= 60
        assert 2 <= len(re.findall("。", p.summary)) <= 4, p.key
        assert len(p.body) >= 2
        assert p.basis
        assert p.due_basis
        for text in words_of(p):
            assert not re.search(r"[{}|]|\n|None", text), (p.key, text)
            assert not re.search(r"操作成功|系统异常|参数错误|。。|，，", text)
            assert not check_characters(text), (p.key, text)


def test_a_text_names_parts_of_the_unit_that_it_is_about(plan: DemoPlan) -> None:
    parts = {place.code: set(place.parts) for place in plan.places}
    by_tail = {code[-3:]: found for code, found in parts.items() if found}
    named = [(use["u"], use["part"]) for text in load_texts() for use in text.uses if "part" in use]
    assert len(named) > 20
    for tail, part in named:
        assert part in by_tail[tail], (tail, part)


def test_the_books_agree_with_the_story_of_the_road(plan: DemoPlan) -> None:
    """Progress and final payment of the road at the first village, less the retention."""
    paid = [
        number(row[6])
        for p in plan.publications
        if p.unit == FIRST_VILLAGE and p.ledger
        for row in p.tables[1].rows
        if "路面硬化" in row[4] and row[6]
    ]
    result = next(
        p for p in plan.publications if p.unit == FIRST_VILLAGE and p.title.endswith("竣工结算结果")
    )
    agreed = number(result.tables[0].rows[-1][2])
    assert agreed == Decimal(208_000)
    assert sum(n for n in paid if n) == agreed * Decimal("0.95")


def test_an_unknown_field_is_an_error_and_not_left_in_the_text(plan: DemoPlan) -> None:
    setting = Setting(plan.places[-1], "甲", "乙", "鹭洄镇")
    words = setting.words(TODAY)
    assert fill("{d-1}到{d+8}，{road}", words, TODAY) == "2026年11月22日到2026年12月1日，渡口路"
    with pytest.raises(KeyError):
        fill("{nothing}", words, TODAY)


@pytest.mark.parametrize("on", [date(2025, 12, 31), date(2026, 1, 1)])
def test_the_law_of_the_day_is_cited(plan: DemoPlan, on: date) -> None:
    village = Setting(plan.places[-1], "甲", "乙", "鹭洄镇").words(on)["law"]
    community = Setting(plan.places[3], "甲", "乙", "枕溪街道").words(on)["law"]
    if on.year == 2025:
        assert "第三十条" in village
        assert "组织法" not in community
    else:
        assert "第三十五条" in village
        assert "第三十四条" in community


@given(units=st.integers(1, 60), records=st.integers(0, 120), seed=st.integers(0, 9))
@settings(max_examples=12, deadline=None)
def test_bulk_streams_valid_units_and_records_in_order(units: int, records: int, seed: int) -> None:
    made = list(bulk_plan(units, records, seed))
    places = [m for m in made if isinstance(m, PlaceSpec)]
    committees = [p for p in places if p.kind in ("village", "community")]
    found = [m for m in made if isinstance(m, PublicationSpec)]
    assert len(committees) == units
    assert len(found) == records
    own = {p.code for p in base_plan(date(2024, 3, 1)).places}
    codes = {p.code for p in places}
    assert len(codes) == len(places) == len({p.name for p in places})
    assert not codes & own
    seen = {"990101000000"}
    for place in places:
        assert place.parent in seen
        seen.add(place.code)
        assert check_unit_code(place.code, place.kind).ok
        assert not check_uscc(place.uscc, place.kind).warnings
    assert len({p.uscc for p in places}) == len(places)
    assert {b.unit for b in made if isinstance(b, BodySpec)} == {p.code for p in committees}
    assert len({p.key for p in found}) == records
    for before, after in pairwise(found):
        assert before.publish_at < after.publish_at
    for p in found:
        assert p.unit in codes
        assert p.event_date <= p.drafted_at.astimezone(TZ).date() < local(p) <= date(2026, 11, 20)
        for table in p.tables:
            assert not wrong_totals(table), p.key
        for text in words_of(p):
            assert not re.search(r"[{}|]", text)
            assert not any(re.search(pattern, text) for pattern in PRIVATE.values()), text


def test_bulk_is_the_same_for_a_seed_and_lazy() -> None:
    assert list(islice(bulk_plan(30, 400, 7), 300)) == list(islice(bulk_plan(30, 400, 7), 300))
    assert list(bulk_plan(3, 20, 7)) != list(bulk_plan(3, 20, 8))
    first = next(m for m in bulk_plan(40, 10**9, 1) if isinstance(m, PublicationSpec))
    assert local(first) == date(2024, 1, 2)


def test_bulk_keeps_runs_of_one_unit_together_and_serves_all_units() -> None:
    found = [m for m in bulk_plan(10, 10 * RUN * 2, 1) if isinstance(m, PublicationSpec)]
    assert set(Counter(p.unit for p in found).values()) == {RUN * 2}
    for start in range(0, len(found), RUN):
        assert len({p.unit for p in found[start : start + RUN]}) == 1


@pytest.mark.parametrize(("units", "records"), [(0, 1), (-1, 0), (12_001, 0), (5, -1)])
def test_bulk_refuses_what_it_cannot_make(units: int, records: int) -> None:
    with pytest.raises(ValueError):
        list(islice(bulk_plan(units, records, 1), 5))
