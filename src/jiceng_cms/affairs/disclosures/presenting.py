"""How a disclosure is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ...core.text import lines
from ...locale import both, joined, say
from ...web import format as fmt
from ...web.presenting import Presented
from ...web.tables import Block, Paragraph, TableBlock
from .schema import AUDIENCES, CHANNELS, STAGES, from_json, kind_title, to_json


class DisclosurePresenter:
    """Draws disclosures of every kind."""

    def present(self, data: Mapping[str, Any], unit_kind: str) -> Presented:
        """See :class:`~jiceng_cms.web.presenting.Presenter`."""
        body: list[Block] = [Paragraph(line) for line in lines(data.get("body", ""))]
        for table in data.get("tables", ()):
            head = tuple(table["header"])
            body.append(TableBlock(table["caption"], head, tuple(tuple(row) for row in table["rows"])))
        return Presented(
            title=data.get("title", ""),
            summary=tuple(lines(data.get("summary", ""))),
            body=tuple(body),
            basis=tuple(data.get("basis", ())),
            tell_facts=lambda: self._facts(data),
            tell_fields=lambda: self._fields(data),
        )

    def _facts(self, data: Mapping[str, Any]) -> list[tuple[str, str]]:
        facts: list[tuple[str, str]] = []
        if data.get("item"):
            facts.append((say("公开事项"), data["item"]))
        if data.get("subject"):
            facts.append((say("公开主体"), data["subject"]))
        if data.get("part"):
            facts.append((say("涉及范围"), data["part"]))
        if data.get("event_date"):
            facts.append((say("发生日期"), fmt.day(date.fromisoformat(data["event_date"]))))
        if data.get("due_date"):
            facts.append((say("应当公布"), fmt.day(date.fromisoformat(data["due_date"]))))
        if data.get("due_basis"):
            facts.append((say("为什么是这一天"), data["due_basis"]))
        if data.get("audience"):
            facts.append((say("公开范围"), both(*AUDIENCES[data["audience"]])))
        if data.get("channels"):
            facts.append((say("公开渠道"), joined("、", (say(CHANNELS[c]) for c in data["channels"]))))
        return facts

    def _fields(self, data: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
        fields: list[tuple[str, tuple[str, ...]]] = [(say("标题"), (data.get("title", ""),))]
        fields += [(label, (value,)) for label, value in self._facts(data)]
        fields.append((say("两句话说明"), tuple(lines(data.get("summary", "")))))
        fields.append((say("正文"), tuple(lines(data.get("body", "")))))
        for number, table in enumerate(data.get("tables", ()), 1):
            rows = [table["caption"], "　".join(table["header"]), *("　".join(row) for row in table["rows"])]
            fields.append((say("表{n}", n=number), tuple(rows)))
        fields.append((say("公开依据"), tuple(data.get("basis", ()))))
        return fields

    def kind_title(self, kind: str, unit_kind: str) -> str:
        """See :class:`~jiceng_cms.web.presenting.Presenter`."""
        return kind_title(kind, unit_kind)

    def stage_title(self, stage: str) -> str:
        """See :class:`~jiceng_cms.web.presenting.Presenter`."""
        return both(*STAGES[stage]) if stage else ""

    def to_json(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """See :func:`.schema.to_json`."""
        return to_json(data)

    def from_json(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """See :func:`.schema.from_json`."""
        return from_json(data)

    def warning(self, kind: str) -> str:
        """Party items: what must never be entered."""
        return say("涉密和工作秘密不得录入。一般先党内、后党外公开。") if kind == "party" else ""
