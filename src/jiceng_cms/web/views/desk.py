"""The desk: what waits for me, my drafts, what was published last, the role to act in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

from ...core.catalog import Row, class_of_edition
from ...core.handover import heir_of
from ...core.permissions import STAFF
from ...core.records import Record
from ...core.units import UNIT_KINDS, Unit
from ...core.visibility import work_listings
from ...core.workflow.engine import settle, signoffs_of, status
from ...locale import say, titled
from ..pages import Link, Listed
from ..presenting import presenter_of
from ..request import role_title
from ..staff_pages import (
    DraftLine,
    RoleChoice,
    StaffHome,
    WaitingItem,
)
from ..urls import record_url, section_url, unit_url
from .common import listed
from .staff import create_url, may_create, staff_page
from .work import audience_of, definition_of

#: How many lines of each unit's working lists a desk looks at.
MOST = 300


def my_units(request: Any) -> Iterator[Unit]:
    """The units at which the person holds the role acted in, and, where its reach says so, below."""
    site = request.site
    granted = [unit for unit, role in request.grants if role == request.acting_role and unit != "site"]
    seen: set[str] = set()
    for code in granted:
        unit = site.units[code]
        if code not in seen:
            seen.add(code)
            yield unit
        if UNIT_KINDS[unit.kind][3]:
            continue
        for other in site.units.values():
            if other.code not in seen and request.acting_role in request.reader.roles(other):
                seen.add(other.code)
                yield other


@view_config(route_name="staff", request_method="GET", permission=STAFF)
def home(request: Any) -> Response:
    """等我办的, 我的草稿, 本单位最近公布."""
    waiting: list[WaitingItem] = []
    drafts: list[DraftLine] = []
    newest: list[Listed] = []
    units = list(my_units(request))
    again = 0
    for unit in units:
        for name, section in unit.sections.items():
            for row, record, state in _working(request, unit, section):
                again += record.standing == "withdrawn"
                item = _waiting(request, unit, name, row, record, state)
                if item is not None:
                    waiting.append(item)
                mine = person_wrote(request, record) or heir_of(unit, record) == request.reader.person
                if mine and definition_of(request, record).roles_allowed(state, "edit"):
                    drafts.append(_draft_line(request, unit, name, record))
            listing = section.listings.get(class_of_edition("public"))
            if listing is not None:
                newest += listed(request, unit, name, listing.page(size=8), name_unit=len(units) > 1)
    waiting.sort(key=lambda w: (w.due or date.max, w.since))
    drafts.sort(key=lambda d: d.changed, reverse=True)
    newest.sort(key=lambda item: item.day, reverse=True)
    first = next((u for u in units if UNIT_KINDS[u.kind][3]), units[0] if units else None)
    drafting = [unit for unit in units if may_create(request, unit)][:12]
    roles = tuple(dict.fromkeys(role for _, role in request.grants))
    page = StaffHome(
        title=say("工作台"),
        unit=(say("{unit}等{n}个单位", unit=first.name, n=len(units)) if len(units) > 1 else first.name)
        if first
        else say("全站"),
        waiting=tuple(waiting[:100]),
        drafts=tuple(drafts[:50]),
        newest=tuple(newest[:10]),
        roles=tuple(RoleChoice(r, role_title(r), r == request.acting_role) for r in roles) if len(roles) > 1 else (),
        switch_url="/staff/role",
        create_url=create_url(drafting[0]) if drafting else "",
        create_more=tuple(Link(say("给{unit}起草", unit=unit.name), create_url(unit)) for unit in drafting[1:]),
        all_url=section_url(first.code, "disclosures") if first is not None else "",
        owed=say("有 {n} 份撤回以后还没有重新公布。", n=again) if again else "",
        owed_late=bool(again),
        links=_offices(request, first),
    )
    return staff_page(request, page)


def _offices(request: Any, unit: Unit | None) -> tuple[Link, ...]:
    """The other pages of somebody who acts in this role."""
    by_role = {
        "system": (Link(say("人员和账号"), "/staff/people"), Link(say("单位和机构"), "/staff/units")),
        "security": (
            Link(say("各单位的角色"), "/staff/units"), Link(say("全站的三类管理员"), "/staff/roles"),
            Link(say("人员和账号"), "/staff/people"),
        ),
        "audit": (Link(say("全站的操作记录"), "/staff/journal"), Link(say("各单位的角色"), "/staff/units")),
    }  # fmt: skip
    found = by_role.get(request.acting_role, ())
    if unit is not None and not found:
        found = (Link(say("谁能在这里做什么"), f"{unit_url(unit.code)}roles"),)
    return (*found, Link(say("我的账号"), "/staff/account"))


def person_wrote(request: Any, record: Record) -> bool:
    """Whether the person wrote in the present draft, or began it."""
    person = request.reader.person
    return person in record.authors or (record.created_by == person and not record.editions)


def _working(request: Any, unit: Unit, section: Any) -> Iterator[tuple[Row, Record, str]]:
    for _, state, listing in work_listings(request.services.domain, request.site, request.reader, unit, section):
        if state == "discarded":
            continue
        for row in listing.page(size=MOST):
            yield row, section.records[row.id], state


def _waiting(request: Any, unit: Unit, section: str, row: Row, record: Record, state: str) -> WaitingItem | None:
    """The record as something that waits for this person, or None."""
    definition = definition_of(request, record)
    run = settle(definition, record.run, request.today, audience_of(request, record))
    what = ""
    person, role = request.reader.person, request.acting_role
    if role in ("supervisor", "member"):
        for signoff in signoffs_of(definition.states[state], audience_of(request, record)):
            roster = run.roster(signoff.name)
            on_it = roster is not None and any(m.person == person for m in roster.members)
            given = any(v.person == person for v in run.given(signoff.name)) or person in run.recused()
            if on_it and not given and signoff.name not in run.lapsed:
                what = titled(signoff.title)
    if not what:
        for transition in definition.transitions_from(state):
            mine = role in transition.by or (record.run.stand_in and record.run.stand_in.person == person)
            if not transition.forward and not (record.standing == "withdrawn" and "reopen" in transition.effects):
                continue
            if not mine or (state == definition.initial and not record.run.remark and record.standing != "withdrawn"):
                continue
            if transition.approves and not all(
                status(run, s).opens for s in signoffs_of(definition.states[state], audience_of(request, record))
            ):
                continue
            what = titled(transition.title) if not record.run.remark else say("修改后再提交")
    clears = role in definition.roles_allowed(state, "clear_attachments")
    if not what and clears and any(record.attachments[a].added_by != person for a in record.uncleared()):
        what = say("核对附件")
    if not what:
        return None
    due = run.due.on if run.due else None
    return WaitingItem(
        title=row.title or say("（还没有标题）"),
        url=record_url(unit.code, section, record.id, "work"),
        what=what,
        unit=unit.name,
        since=row.day,
        due=due,
        late_days=max(0, (request.today - due).days) if due else 0,
    )


def _draft_line(request: Any, unit: Unit, section: str, record: Record) -> DraftLine:
    presenter = presenter_of(request, record.type)
    return DraftLine(
        title=record.title() or say("（还没有标题）"),
        url=record_url(unit.code, section, record.id, "work"),
        kind=f"{unit.name} {presenter.kind_title(record.kind, unit.kind)}",
        changed=record.draft.edited_at or record.created_at,
        note=say("退回修改：{remark}", remark=record.run.remark) if record.run.remark else "",
    )


@view_config(route_name="staff_role", request_method="POST", permission=STAFF)
def switch_role(request: Any) -> Response:
    """Act in another of one's roles from now on."""
    role = str(request.POST.get("role", ""))
    if role in {r for _, r in request.grants}:
        id = request.services.cookie.read(request.cookies)
        request.services.sessions.act_as(id, role, request.now)
    return HTTPSeeOther("/staff")
