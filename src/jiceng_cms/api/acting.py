"""What the caller may do with a record now, and what bars the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..access.tokens import scope_of
from ..core.domain import Moving
from ..core.errors import Forbidden
from ..core.moving import may_move, problems_of
from ..core.visibility import allowed
from ..core.workflow.definition import Definition, Signoff, Transition
from ..core.workflow.engine import settle, signoffs_of
from ..web.traversal import RecordContext
from ..web.views.work import looking
from .door import scopes

#: Checks of ways that do not exist for a record, rather than being barred for now.
_QUIET = {"is_public", "correction_open", "never_published"}

#: Roles in which the members of a body give their verdicts.
_SIGNERS = ("supervisor", "member", "approver", "approver_party")


def possible(
    request: Any, context: RecordContext, definition: Definition
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(what can be done now, what the role could do but is barred from now, with the reasons)."""
    open_now: list[dict[str, Any]] = []
    barred: list[dict[str, Any]] = []
    for found, why in (*_signoffs(request, context, definition), *_transitions(request, context, definition)):
        if why:
            barred.append({**found, "problems": why})
        else:
            open_now.append(found)
    return open_now, barred


def _signoffs(
    request: Any, context: RecordContext, definition: Definition
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    record, person = context.record, request.reader.person
    if "signoff" not in scopes(request) or request.reader.acts_at(context.unit) not in _SIGNERS:
        return
    audience = request.services.domain.content_types[record.type].audience(record.draft.data)
    run = settle(definition, record.run, request.today, audience)
    for signoff in signoffs_of(definition.states[run.state], audience):
        roster = run.roster(signoff.name)
        if roster is None or all(m.person != person for m in roster.members):
            continue
        if any(v.person == person for v in run.given(signoff.name)) or person in run.recused():
            continue
        why = []
        if signoff.name in run.lapsed:
            why.append("提意见的期限已经过了。")
        if person in record.authors:
            why.append("您写过这份材料，不能再对它提意见。")
        yield _signoff(signoff), why


def _signoff(signoff: Signoff) -> dict[str, Any]:
    return {"kind": "signoff", "name": signoff.name, "title": signoff.title["zh_CN"], "forward": True}


def _transitions(
    request: Any, context: RecordContext, definition: Definition
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    unit, record = context.unit, context.record
    ctx = looking(request)
    transitions = sorted(definition.transitions_from(record.run.state), key=lambda t: (not t.forward, t.back))
    for transition in transitions:
        if scope_of(transition) not in scopes(request):
            continue
        why: list[str] = []
        try:
            may_move(ctx, unit, record, definition, transition)
        except Forbidden as refusal:
            if refusal.code == "forbidden":
                continue
            why.append(refusal.message)
        moving = Moving(ctx, unit, record, definition, transition)
        stops = [p.text for p in problems_of(moving) if p.level == "stop"]
        if stops and _QUIET & set(transition.checks):
            continue
        yield _transition(transition), [*why, *stops]


def _transition(transition: Transition) -> dict[str, Any]:
    return {
        "kind": "transition", "name": transition.name, "title": transition.title["zh_CN"], "forward": transition.forward,
    }


def may_edit(request: Any, context: RecordContext) -> bool:
    """Whether the caller's role may write in the draft now."""
    return allowed(request.services.domain, request.site, request.reader, context.unit, context.record, "edit")
