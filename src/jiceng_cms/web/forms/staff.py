"""Schemas of the small forms of the back office: create, correct, withdraw, a paper sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import colander

from jiceng_cms.locale import say
from jiceng_cms.web.forms import widgets
from jiceng_cms.web.forms.types import CleanString, LocalDate

#: (value, words) in the order in which they are shown.
Choices = Sequence[tuple[str, str]]


def _choice(name: str, title: str, choices: Choices, description: str = "") -> Any:
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=title,
        description=description,
        widget=widgets.Radios(values=tuple(choices)),
        validator=colander.OneOf([value for value, _ in choices]),
    )


def _text(name: str, title: str, description: str, limit: int, **kw: Any) -> Any:
    return colander.SchemaNode(
        CleanString(multiline=True, limit=limit),
        name=name,
        title=title,
        description=description,
        widget=widgets.TextArea(rows=4),
        **kw,
    )


def create_schema(kinds: Choices, parts: Choices = ()) -> Any:
    """``{"kind", "title", "part"}``: what is to be published; ``part`` "" for the whole unit."""
    schema = colander.SchemaNode(
        colander.Mapping(),
        _choice("kind", say("公开什么"), kinds),
        colander.SchemaNode(
            CleanString(limit=120),
            name="title",
            title=say("标题"),
            description=say("写清哪一年、什么事，例如“2026年第三季度财务收支”。以后还可以改。"),
        ),
    )
    if parts:
        schema.add(
            colander.SchemaNode(
                colander.String(),
                name="part",
                title=say("涉及的小组"),
                missing="",
                widget=widgets.Select(values=(("", say("全村（全社区）")), *parts)),
                validator=colander.OneOf([value for value, _ in parts]),
            )
        )
    return schema


def correction_schema() -> Any:
    """``{"kind": "typo" | "substance", "reason"}``."""
    return colander.SchemaNode(
        colander.Mapping(),
        _choice(
            "kind",
            say("要改的是什么"),
            (
                ("typo", say("错别字、漏字、排版：不改变意思，要由另一个人确认，公示期不重新算")),
                ("substance", say("金额、决定、日期、姓名、附件等内容：改后公示期从头算")),
            ),
        ),
        _text("reason", say("为什么更正"), say("居民会看到这句话。写清原来哪里不对。"), 500),
    )


def withdrawal_schema(reasons: Choices) -> Any:
    """``{"reason", "note"}``; ``reasons`` is the closed list."""
    return colander.SchemaNode(
        colander.Mapping(),
        _choice("reason", say("撤回的原因"), reasons),
        _text("note", say("向居民说明"), say("这段话会公开，不要写个人信息。说清之后怎么办。"), 500),
    )


def paper_signoff_schema(members: Choices, verdicts: Choices) -> Any:
    """``{"member", "verdict", "signed_on", "reason", "named", "code"}`` of one signed sheet."""
    return colander.SchemaNode(
        colander.Mapping(),
        colander.SchemaNode(
            CleanString(),
            name="code",
            title=say("纸上的校验码"),
            description=say("印在签署单右上角，用来确认签的就是这一稿。"),
            widget=widgets.TextInput(attributes={"autocomplete": "off"}),
        ),
        colander.SchemaNode(
            colander.String(),
            name="member",
            title=say("签署人"),
            widget=widgets.Select(values=(("", say("请选择")), *members)),
            validator=colander.OneOf([value for value, _ in members]),
        ),
        _choice("verdict", say("纸上的意见"), verdicts),
        colander.SchemaNode(LocalDate(), name="signed_on", title=say("签署日期")),
        _text("reason", say("纸上写的理由"), say("照原文抄录，没有写就空着。"), 1000, missing=""),
        colander.SchemaNode(
            colander.String(),
            name="named",
            title=say("公布时署名吗"),
            missing="no",
            widget=widgets.Select(values=(("no", say("不署名")), ("yes", say("要求署名")))),
            validator=colander.OneOf(("no", "yes")),
        ),
    )


def stand_in_schema(people: Choices) -> Any:
    """``{"person"}``: who approves in the approvers' place."""
    return colander.SchemaNode(
        colander.Mapping(),
        colander.SchemaNode(
            colander.String(),
            name="person",
            title=say("由谁代为审批"),
            widget=widgets.Select(values=(("", say("请选择")), *people)),
            validator=colander.OneOf([value for value, _ in people]),
        ),
    )
