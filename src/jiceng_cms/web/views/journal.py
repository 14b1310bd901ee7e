"""Reading what happened: all of it for the audit administration, one's own for everybody.

The journal is walked backwards from its end, a bounded stretch a page, so that no index of
persons is kept and no page looks at a million entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from ...core.clock import from_iso
from ...core.events import KINDS
from ...core.history import Kept
from ...core.ids import parse_pointer
from ...core.permissions import STAFF
from ...core.site import Site
from ...locale import both, say
from ...translog.log import log_size, read_entries
from .. import format as fmt
from ..office_pages import Cell, Finder, Line, OfficePage, Part
from ..pages import Link
from ..request import role_title
from ..urls import with_query
from .office import read_person, require_role
from .staff import staff_page

#: So many lines a page shows, and so many entries it looks at.
SHOWN, LOOKED = 50, 2000
#: Entries are read in stretches of so many.
STRETCH = 256


@dataclass(frozen=True)
class Told:
    """An event with its number in the log."""

    index: int
    event: dict[str, Any]


def history_of(site: Site, subject: str) -> Any:
    """The history that keeps the events about a subject; None where it is gone."""
    kind, _, rest = subject.partition(":")
    code, _, id = rest.partition("/")
    if kind == "record":
        unit = site.units.get(code)
        for section in unit.sections.values() if unit is not None else ():
            record = section.records.get(id)
            if record is not None:
                return record.history
        return None
    if kind in ("unit", "roles", "body") and code != "site":
        unit = site.units.get(code)
        return unit.history if unit is not None else None
    return site.history


def backwards(request: Any, before: int) -> Iterator[Told]:
    """The events of the log before an index, newest first; at most LOOKED are looked at."""
    stop = max(0, before - LOOKED)
    while before > stop:
        start = max(stop, before - STRETCH)
        for entry in reversed(list(read_entries(request.db, start, before - start))):
            subject, number = parse_pointer(entry.pointer)
            history = history_of(request.site, subject)
            found = history.get(number) if history is not None else None
            if found is not None:
                yield Told(entry.index, Kept(number, *found).event())
        before = start


def _page(
    request: Any, wanted: Callable[[dict[str, Any]], bool], query: dict[str, str]
) -> tuple[list[Told], Link | None]:
    """The events that are wanted, and the way to earlier ones."""
    size = log_size(request.db)
    asked = str(request.GET.get("before", ""))
    before = min(size, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 16 else size
    found: list[Told] = []
    reached = before
    for told in backwards(request, before):
        reached = told.index
        if wanted(told.event):
            found.append(told)
            if len(found) == SHOWN:
                break
    else:
        reached = max(0, before - LOOKED)
    older = Link(say("再往前看"), with_query(request.path, **query, before=reached)) if reached else None
    return found, older


def _line(request: Any, told: Told) -> Line:
    event = told.event
    at = from_iso(event["at"])
    kind = KINDS.get(event["kind"])
    actor = {"system": say("系统"), "operator": say("命令行")}.get(event["actor"])
    role = {"timer": say("到期自动"), "operator": say("命令行"), "account": say("本人的账号")}.get(event["role"])
    unit = request.site.units.get(event["unit"])
    return Line(
        (
            Cell(both(kind.zh_CN, kind.en) if kind else event["kind"], note=str(event["details"].get("comment", ""))),
            Cell(fmt.moment(at)),
            Cell(actor or request.site.person_name(event["actor"], at), note=role or role_title(event["role"])),
            Cell(_about(request, event["subject"]), note=unit.name if unit is not None else ""),
            Cell(say("第 {n} 号", n=told.index)),
        )
    )


_HEAD = (say("办了什么"), say("时间"), say("谁"), say("对什么"), say("存证"))


def _about(request: Any, subject: str) -> str:
    kind, _, rest = subject.partition(":")
    if kind == "person":
        return str(request.site.person_name(rest))
    if kind == "account":
        account = request.site.accounts.get(rest)
        return say("{name}的账号", name=request.site.person_name(account.person) if account is not None else rest)
    return _WORDS.get(kind, say("其他"))


_WORDS = {
    "record": say("一份材料"), "unit": say("单位"), "roles": say("角色"), "body": say("机构"), "site": say("全站"),
    "definition": say("办事流程"), "entity": say("集体经济组织"), "token": say("接口凭证"),
}  # fmt: skip


@view_config(route_name="activity", request_method="GET", permission=STAFF, unfinished=True)
def activity(request: Any) -> Response:
    """我的操作记录."""
    person, login = request.account.person, request.account.login
    found, older = _page(
        request, lambda e: e["actor"] == person or e["subject"] == f"account:{login}", {}
    )
    part = Part(
        lines=(say("几秒钟以内办的可能还没有列出来。有不是您办的，请马上改密码并告诉系统管理员。"),),
        head=_HEAD,
        rows=tuple(_line(request, told) for told in found),
        empty=say("这一段里没有您的操作。"),
        links=(older,) if older is not None else (),
    )
    page = OfficePage(say("我的操作记录"), (part,), back=Link(say("我的账号"), "/staff/account"))
    return staff_page(request, page)


@view_config(route_name="journal", request_method="GET", permission=STAFF)
def journal(request: Any) -> Response:
    """Everything that happened, newest first, for the audit administration."""
    require_role(request, "audit")
    query = {name: str(request.GET.get(name, ""))[:60].strip() for name in ("q", "kind", "unit")}
    person, notice = "", ""
    if query["q"]:
        try:
            person = read_person(request.site, query["q"])
        except Exception as error:
            notice = getattr(error, "message", "")

    def wanted(event: dict[str, Any]) -> bool:
        return (
            (not person or person in (event["actor"], event["details"].get("person")))
            and (not query["kind"] or event["kind"] == query["kind"])
            and (not query["unit"] or event["unit"] == query["unit"])
        )

    found, older = _page(request, wanted, query) if not notice else ([], None)
    kinds = [("", say("全部")), *((k.name, both(k.zh_CN, k.en)) for k in sorted(KINDS.values(), key=lambda k: k.zh_CN))]
    units = [("", say("全部")), *((u.code, u.name) for u in list(request.site.units.values())[:500])]
    choices = (("kind", say("哪一种"), tuple(kinds), query["kind"]), ("unit", say("哪个单位"), tuple(units), query["unit"]))
    part = Part(
        finder=Finder(request.path, say("谁（姓名）"), query["q"], choices),
        head=_HEAD,
        rows=tuple(_line(request, told) for told in found),
        empty=say("这一段里没有。"),
        links=(older,) if older is not None else (),
    )
    page = OfficePage(
        say("全站的操作记录"), (part,), notice=notice, bad=bool(notice),
        explain=(say("每一行都在存证日志里有一条，谁也不能改、不能删。"),),
    )
    return staff_page(request, page)


def includeme(config: Any) -> None:
    """Routes of the pages here."""
    config.add_route("activity", "/staff/activity")
    config.add_route("journal", "/staff/journal")
