"""The fields of a disclosure, after the columns that real catalogues have (DOMAIN a.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import colander

from ...core.tables import Table
from ...locale import both, say
from ...web.forms import widgets
from ...web.forms.types import CleanString, Lines, LocalDate, PastedTable

KINDS: dict[str, tuple[str, str]] = {
    "party": ("党务公开", "Party affairs"),
    "affairs": ("村务（居务）公开", "Village or residents' affairs"),
    "finance": ("财务公开", "Finances"),
}

AUDIENCES: dict[str, tuple[str, str]] = {
    "public": ("社会（所有人）", "The public"),
    "party": ("党内", "Party members"),
    "branch": ("本支部", "This branch"),
}

STAGES: dict[str, tuple[str, str]] = {
    "": ("一次办完的事", "Done at once"),
    "before": ("事前", "Before"),
    "during": ("事中", "During"),
    "after": ("事后", "After"),
}

CHANNELS: dict[str, str] = {
    "web": say("本网站"),
    "board": say("公开栏"),
    "meeting": say("会议"),
    "broadcast": say("广播"),
    "letter": say("上门或信件"),
}

#: The longest period of display that a clerk may choose.
MAX_DISPLAY_DAYS = 3650


def kind_title(kind: str, unit_kind: str) -> str:
    """党务, 村务 or 居务, 财务: how a unit of this kind calls it."""
    if kind == "party":
        return say("党务")
    if kind == "finance":
        return say("财务")
    return {"village": say("村务"), "community": say("居务")}.get(unit_kind, say("政务"))


def _choices(table: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [(value, both(*titles)) for value, titles in table.items()]


def _node(type: Any, name: str, title: str, hint: str = "", **more: Any) -> colander.SchemaNode:
    return colander.SchemaNode(type, name=name, title=title, description=hint, **more)


def _table_node() -> colander.SchemaNode:
    node = colander.SchemaNode(colander.Mapping(unknown="raise"), name="table", title=say("表格"))
    node.add(_node(CleanString(limit=100), "caption", say("表的名称"), say("例如：2026年第三季度收支明细"), missing=""))
    node.add(
        _node(
            PastedTable(),
            "rows",
            say("表的内容"),
            say("从电子表格里选中、复制，粘贴到这里就行。第一行是栏目名称。"),
        )
    )
    return node


def disclosure_schema(unit: Any, kind: str) -> colander.SchemaNode:
    """The form of a disclosure of ``kind`` at ``unit``, in the order in which people think."""
    schema = colander.SchemaNode(colander.Mapping(unknown="raise"))
    schema.add(_node(CleanString(limit=150), "title", say("标题"), say("说清是什么时候的什么事，例如：2026年第三季度财务收支明细")))
    schema.add(
        _node(CleanString(limit=60), "item", say("公开事项"), say("清单里的事项名称，例如：财务收支、低保评议、工程项目"), missing="")
    )
    if kind == "party":
        schema.add(
            _node(
                colander.String(),
                "audience",
                say("公开范围"),
                say("一般先党内、后党外。涉密和工作秘密不得录入。"),
                widget=widgets.Radios(values=_choices(AUDIENCES)),
                validator=colander.OneOf(tuple(AUDIENCES)),
                default="public",
            )
        )
    parts = [("", say("全村（全社区）")), *((part, part) for part in unit.parts)]
    schema.add(
        _node(
            colander.String(),
            "part",
            say("涉及的小组或者小区"),
            widget=widgets.Select(values=parts),
            validator=colander.OneOf([value for value, _ in parts]),
            missing="",
        )
    )
    schema.add(_node(LocalDate(), "event_date", say("事情发生的日期"), say("开会、收支、完工的那一天；公布的时间由系统记录，不用填。")))
    schema.add(_node(LocalDate(), "due_date", say("应当公布的日期"), say("按清单或者规定，最晚哪一天公布。"), missing=colander.drop))
    schema.add(
        _node(CleanString(limit=200), "due_basis", say("为什么是这一天"), say("例如：每季度首月20日前公布上季度收支"), missing="")
    )
    schema.add(
        _node(
            CleanString(multiline=True, limit=300),
            "summary",
            say("两句话说明"),
            say("用大白话说：是什么事，花了多少钱或者定了什么。会显示在最上面。"),
        )
    )
    schema.add(_node(CleanString(multiline=True, limit=20_000), "body", say("正文"), say("一段一行，空行会去掉。"), missing=""))
    tables = colander.SchemaNode(
        colander.Sequence(), _table_node(), name="tables", title=say("表格"), missing=(),
        validator=colander.Length(max=10, max_err=say("最多放 10 张表，再多请拆成几份公布。")),
    )
    schema.add(tables)
    schema.add(
        _node(Lines(), "basis", say("公开依据"), say("一条一行，例如：《中华人民共和国村民委员会组织法》第三十五条"), missing=())
    )
    schema.add(_node(CleanString(limit=60), "subject", say("公开主体"), say("哪个机构公布，例如：石桥村村民委员会"), missing=""))
    schema.add(
        _node(
            colander.Set(),
            "channels",
            say("公开的渠道"),
            widget=widgets.Checkboxes(values=list(CHANNELS.items())),
            validator=colander.ContainsOnly(tuple(CHANNELS)),
            missing=(),
        )
    )
    schema.add(
        _node(
            CleanString(limit=40),
            "matter",
            say("同一件事的名称"),
            say("一件事分几次公布（事前、事中、事后）时，填同样的名称，会连在一起。例如：二组水渠维修"),
            missing="",
        )
    )
    schema.add(
        _node(
            colander.String(),
            "stage",
            say("这是哪个阶段"),
            widget=widgets.Radios(values=_choices(STAGES)),
            validator=colander.OneOf(tuple(STAGES)),
            missing="",
            default="",
        )
    )
    schema.add(
        _node(
            colander.Integer(),
            "display_days",
            say("公示多少天"),
            say("不填就按法定的最短天数；可以更长，不能更短。"),
            validator=colander.Range(
                min=1, max=MAX_DISPLAY_DAYS, min_err=say("至少 1 天。"), max_err=say("最多 {n} 天。", n=MAX_DISPLAY_DAYS)
            ),
            missing=colander.drop,
        )
    )
    return schema


def to_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the schema gives, as JSON data for draft and edition; empty values are left out."""
    result: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, date):
            result[name] = value.isoformat()
        elif name == "tables":
            result[name] = [
                {
                    "caption": table.get("caption", ""),
                    "header": list(table["rows"].header),
                    "rows": [list(row) for row in table["rows"].rows],
                }
                for table in value
                if isinstance(table.get("rows"), Table)
            ]
        elif name == "channels":
            result[name] = sorted(value)
        elif isinstance(value, tuple | list):
            result[name] = list(value)
        else:
            result[name] = value
    return {name: value for name, value in result.items() if value not in ("", [], None)}


def from_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """The other way: what the form draws."""
    result: dict[str, Any] = dict(data)
    for name in ("event_date", "due_date"):
        if result.get(name):
            result[name] = date.fromisoformat(result[name])
    result["tables"] = [
        {"caption": table.get("caption", ""), "rows": Table("", tuple(table["header"]), tuple(map(tuple, table["rows"])))}
        for table in data.get("tables", [])
    ]
    result["basis"] = tuple(data.get("basis", ()))
    result["channels"] = set(data.get("channels", ()))
    return result



