"""The checks that the workflows of disclosures name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.domain import Check, Moving, Problem
from ...core.workflow.engine import settle, signoffs_of, status
from ...files.gate import file_findings
from ...locale import say, titled
from ...privacy import scan_fields
from .content import LABELS


def _data(m: Moving) -> Mapping[str, Any]:
    """The text that the transition is about: the frozen revision, or the draft before it."""
    revision = m.record.revision()
    if revision is not None and revision.number == m.record.run.revision and not m.definition.roles_allowed(
        m.record.run.state, "edit"
    ):
        return revision.data()
    return m.record.draft.data


def required_elements_present(m: Moving) -> Iterator[Problem]:
    """Every element that the content type requires is there."""
    yield from m.ctx.domain.content_types[m.record.type].missing(_data(m))


#: The field of the form by the beginning of the name under which its text was looked at.
_FIELDS = {"表": "tables", "公开依据": "basis", **{label: name for name, label in LABELS.items()}}


def _field_named(label: str) -> str:
    return next((name for start, name in _FIELDS.items() if label.startswith(start)), "")


def privacy_clear(m: Moving) -> Iterator[Problem]:
    """No ID, mobile or bank-card number in fields, cells, file names and the text of files."""
    texts = dict(m.ctx.domain.content_types[m.record.type].texts(_data(m)))
    for id in m.record.draft.attachments:
        name = m.record.attachments[id].filename
        texts[say("附件“{name}”的文件名", name=name if len(name) <= 20 else name[:20] + '…')] = name
    office = (m.unit.about.phone,) if m.unit.about.phone else ()
    for finding in scan_fields(texts, allowed_numbers=office):
        before = re.sub(r"\d", "●", texts[finding.field][max(0, finding.start - 10) : finding.start])
        where = f"{before.splitlines()[-1] if before.strip() else ''}{finding.excerpt_masked}"
        yield Problem(f"{finding.field}：{finding.reason}（“{where}”）", field=_field_named(finding.field))
    for found in file_findings(m.record, office):
        yield Problem(found)


def attachments_cleared(m: Moving) -> Iterator[Problem]:
    """A second person has looked at each attachment."""
    for id in m.record.uncleared():
        name = m.record.attachments[id].filename
        yield Problem(say("附件“{name}”还没有第二个人核对“无个人信息”。请同事、监督委员会成员或者审批人核对。", name=name))


def correction_fits(m: Moving) -> Iterator[Problem]:
    """A correction of a typing error changes no sum, decision, date, name or file."""
    correction, last = m.record.correction, m.record.edition()
    if correction is None or last is None:
        return
    content = last.content()
    type = m.ctx.domain.content_types[m.record.type]
    if last.audience == "public" and type.audience(m.record.draft.data) != "public":
        yield Problem(say("向社会公开过的内容，不能再改成只在党内公开。确实不该公开的，请办理撤回。"), field="audience")
        return
    files = tuple(f["id"] for f in content["attachments"])
    draft = m.record.draft
    if not type.changed(content["data"], draft.data) and files == draft.attachments:
        if m.record.standing == "published":
            yield Problem(say("更正稿和已公布的内容一样。请先改好，或者放弃更正。"))
        return
    if correction.kind != "typo":
        return
    fields = type.substantial(content["data"], draft.data)
    if fields or files != draft.attachments:
        yield Problem(
            say("这次改动了金额、日期、名称、附件或者较多文字，不能算“只改错别字”。请放弃这次更正，重新选“内容有变”，公示期会重新计算。")
        )


def members_first(m: Moving) -> Iterator[Problem]:
    """先党内后党外: only a warning."""
    data = _data(m)
    if m.ctx.domain.content_types[m.record.type].audience(data) != "public":
        return
    section = m.unit.sections[m.ctx.domain.content_types[m.record.type].section]
    siblings = section.matters.get(data.get("matter", ""), ())
    told = any(
        (edition := section.records[id].edition()) is not None and edition.audience in ("branch", "party")
        for id in siblings
    )
    if not told:
        yield Problem(say("党务一般先党内、后党外公开。这件事还没有在党内公开过，请确认。"), level="warn")


def signoffs_complete(m: Moving) -> Iterator[Problem]:
    """Enough verdicts were given, or the deadline has passed."""
    state = m.definition.states[m.record.run.state]
    audience = m.ctx.domain.content_types[m.record.type].audience(m.record.draft.data)
    run = settle(m.definition, m.record.run, m.ctx.today, audience)
    for signoff in signoffs_of(state, audience):
        got = status(run, signoff)
        if not got.opens:
            due = run.due
            until = say("；{month}月{day}日之后，没有意见也可以公布", month=due.on.month, day=due.on.day) if due else ""
            if got.members == got.recused:
                yield Problem(
                    say("{signoff}没有能提意见的成员（没有登记，或者都回避了），要等期限过后才能公布{until}。", signoff=titled(signoff.title), until=until)
                )
                continue
            yield Problem(
                say("{signoff}还不够：{members}人中要有{needed}人提意见，现在有{given}人{until}。", signoff=titled(signoff.title), members=got.members - got.recused, needed=got.needed, given=got.given, until=until)
            )


def objections_answered(m: Moving) -> Iterator[Problem]:
    """Every objection has its written answer."""
    answered = {(a.signoff, a.person) for a in m.record.run.answers}
    for verdict in m.record.run.verdicts:
        if verdict.verdict == "object" and (verdict.signoff, verdict.person) not in answered:
            yield Problem(say("有一条反对意见还没有书面答复。反对不妨碍公布，但是要先答复，意见和答复一起公开。"))


def is_public(m: Moving) -> Iterator[Problem]:
    """There is a published edition to withdraw."""
    if m.record.standing != "published":
        yield Problem(say("这份材料现在没有公开，不用撤回。"))


def correction_open(m: Moving) -> Iterator[Problem]:
    """A correction is being drafted on an edition that is still public."""
    if m.record.standing != "published":
        yield Problem(say("没有正在起草的更正。"))


def never_published(m: Moving) -> Iterator[Problem]:
    """Only what was never published may be discarded."""
    if m.record.editions:
        yield Problem(say("公布过的材料不能作废，只能更正或者撤回。"))


CHECKS: dict[str, Check] = {
    "required_elements_present": required_elements_present,
    "privacy_clear": privacy_clear,
    "attachments_cleared": attachments_cleared,
    "correction_fits": correction_fits,
    "members_first": members_first,
    "signoffs_complete": signoffs_complete,
    "objections_answered": objections_answered,
    "is_public": is_public,
    "correction_open": correction_open,
    "never_published": never_published,
}
