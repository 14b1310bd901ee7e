"""The disclosure as a content type: what lists, search and the privacy gate read of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.domain import ContentType, Problem, Snippet
from .schema import disclosure_schema

#: Fields that a disclosure must have when it is submitted, with what to say where one lacks.
REQUIRED: dict[str, str] = {
    "title": "还没有写标题。",
    "summary": "还没有写“两句话说明”。",
    "event_date": "还没有填事情发生的日期。",
    "due_basis": "填了应当公布的日期，还没有写为什么是这一天。",
}

#: Fields in which any change may change a sum, a decision, a date or a name.
_ALWAYS_SUBSTANTIAL = ("event_date", "due_date", "part", "audience", "matter", "stage", "subject", "display_days")

_NUMBER = re.compile(r"[0-9０-９][0-9０-９.,，．]*|[一二三四五六七八九十百千万亿零〇两]{2,}")


def missing(data: Mapping[str, Any]) -> Iterator[Problem]:
    """The required elements that a draft still lacks."""
    for name in ("title", "summary", "event_date"):
        if not data.get(name):
            yield Problem(REQUIRED[name], field=name)
    if not data.get("body") and not data.get("tables"):
        yield Problem("正文和表格都还空着，至少要有一样。", field="body")
    if data.get("due_date") and not data.get("due_basis"):
        yield Problem(REQUIRED["due_basis"], field="due_basis")
    if data.get("stage") and not data.get("matter"):
        yield Problem("选了事前、事中或者事后，还没有填“同一件事的名称”。", field="matter")
    if not data.get("basis"):
        yield Problem("还没有写公开依据，居民会问“凭什么”。", level="warn", field="basis")
    if not data.get("due_date"):
        yield Problem("没有填应当公布的日期，页面上就说不清有没有逾期。", level="warn", field="due_date")


#: The fields of running text, as people call them.
LABELS: dict[str, str] = {
    "title": "标题", "item": "公开事项", "due_basis": "为什么是这一天", "summary": "两句话说明",
    "body": "正文", "subject": "公开主体", "matter": "同一件事的名称",
}


def texts(data: Mapping[str, Any]) -> dict[str, str]:
    """Every text by a name that a person understands: fields, and cells by table, row and column."""
    found = {label: str(data[name]) for name, label in LABELS.items() if data.get(name)}
    for number, line in enumerate(data.get("basis", ()), 1):
        found[f"公开依据第{number}条"] = line
    for number, table in enumerate(data.get("tables", ()), 1):
        where = f"表{number}"
        if table["caption"]:
            found[f"{where}的名称"] = table["caption"]
        for column, cell in enumerate(table["header"], 1):
            found[f"{where}第{column}栏的栏目名"] = cell
        for row, cells in enumerate(table["rows"], 1):
            for column, cell in enumerate(cells, 1):
                if cell:
                    found[f"{where}第{row}行第{column}栏"] = cell
    return found


def snippet(data: Mapping[str, Any]) -> Snippet:
    """What search reads: running text, and tables as lines of cells."""
    body = [data.get("summary", ""), data.get("item", ""), data.get("body", ""), data.get("part", "")]
    body += [data.get("due_basis", ""), data.get("subject", ""), data.get("matter", ""), *data.get("basis", ())]
    tables = []
    for table in data.get("tables", ()):
        tables.append(table["caption"])
        tables.append(" ".join(table["header"]))
        tables += [" ".join(row) for row in table["rows"]]
    return Snippet("\n".join(filter(None, body)), "\n".join(filter(None, tables)))


def audience(data: Mapping[str, Any]) -> str:
    """Who editions are for; only Party disclosures have a choice."""
    return str(data.get("audience") or "public")


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the fields that differ."""
    return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))


def substantial(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of changed fields that no typing error explains.

    A number that changed is never a typing error; nor is a table of another shape, nor more than
    a fifth of a text.
    """
    found = []
    for name in changed(old, new):
        if name in _ALWAYS_SUBSTANTIAL:
            found.append(name)
            continue
        before, after = _flat(old.get(name)), _flat(new.get(name))
        if _NUMBER.findall(before) != _NUMBER.findall(after) or abs(len(before) - len(after)) > max(
            4, len(before) // 5
        ):
            found.append(name)
    return tuple(found)


def _flat(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(_flat(v) for v in value.values())
    if isinstance(value, list | tuple):
        return "\n".join(_flat(v) for v in value)
    return str(value)


DISCLOSURE = ContentType(
    name="disclosure",
    section="disclosures",
    title={"zh_CN": "公开事项", "en": "Disclosure"},
    number_prefix="GK",
    kinds=("affairs", "finance", "party"),
    schema=disclosure_schema,
    workflow=lambda kind: "disclosure-party" if kind == "party" else "disclosure",
    missing=missing,
    texts=texts,
    snippet=snippet,
    audience=audience,
    changed=changed,
    substantial=substantial,
)
