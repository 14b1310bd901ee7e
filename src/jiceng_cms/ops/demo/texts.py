"""Reads the hand-written texts and fills them in for a unit and a day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from jiceng_cms.core.clock import TZ

from . import PlaceSpec, TableSpec
from .people import committee_name, overseers_name
from .places import load

FILES = ("texts_village.toml", "texts_community.toml", "texts_shared.toml")

_FIELD = re.compile(r"\{(\w+)(?:([+-])(\d+))?\}")
_AMENDED = date(2026, 1, 1)
_DUE_BASIS = {
    "5": "重大事项随时公布：形成之日起5天内（《岚汀区{affairs}公开目录》）",
    "10": "事项形成之日起10天内（《岚汀区{affairs}公开目录》）",
    "quarter": "一般事项每季度公布一次：下一季度首月20日前（《岚汀区{affairs}公开目录》）",
    "month": "财务往来较多，按月公布：次月10日前（《岚汀区{affairs}公开目录》）",
}


@dataclass(frozen=True)
class Text:
    """One hand-written text with its ``{fields}`` still open; ``scope`` is V, C or *."""

    id: str
    scope: str
    kind: str
    title: str
    item: str
    subject: str
    matter: str
    stage: str
    due: str
    audience: str
    summary: str
    body: str
    basis: tuple[str, ...]
    tables: tuple[TableSpec, ...]
    uses: tuple[Mapping[str, Any], ...]


def load_texts() -> tuple[Text, ...]:
    """Every text, in the order of the files."""
    found = []
    for file in FILES:
        scope = {"texts_village.toml": "V", "texts_community.toml": "C"}.get(file, "*")
        for row in load(file)["text"]:
            found.append(
                Text(
                    id=row["id"],
                    scope=scope,
                    kind=row.get("kind", "affairs"),
                    title=row["title"],
                    item=row["item"],
                    subject=row.get(
                        "subject", "{branch}" if row.get("kind") == "party" else "{committee}"
                    ),
                    matter=row.get("matter", ""),
                    stage=row.get("stage", ""),
                    due=row["due"],
                    audience=row.get("audience", "public"),
                    summary=row["summary"],
                    body=row["body"].strip(),
                    basis=tuple(row["basis"]),
                    tables=tuple(
                        TableSpec(
                            t["caption"],
                            tuple(t["head"].split("|")),
                            tuple(tuple(r.split("|")) for r in t["rows"]),
                        )
                        for t in row.get("table", ())
                    ),
                    uses=tuple(row["use"]),
                )
            )
    return tuple(found)


@dataclass(frozen=True)
class Setting:
    """What the texts say about a unit: its people and the office above it."""

    place: PlaceSpec
    head: str
    overseer: str
    upper: str

    def words(self, event: date) -> dict[str, str]:
        """The fields that a text may use at this unit about a matter of that day."""
        place, village = self.place, self.place.kind == "village"
        month = event.month
        following = _first_of_next_month(event)
        return {
            **dict(place.facts),
            "unit": place.name,
            "folk": "村民" if village else "居民",
            "affairs": "村务" if village else "居务",
            "committee": committee_name(place),
            "overseers": overseers_name(place),
            "branch": f"中共{place.name}支部委员会",
            "entity": place.entity.name if place.entity else committee_name(place),
            "head": self.head,
            "overseer": self.overseer,
            "upper": self.upper,
            "small": "组长" if village else "楼组长",
            "part": "",
            "year": str(event.year),
            "last_year": str(event.year - 1),
            "month": str(month),
            "quarter": quarter_name(event),
            "nm": f"{following.month}月",
            "law": disclosure_law(village, event),
            "consult": _consultation_law(village, event),
            "meeting": (
                "《中华人民共和国村民委员会组织法》关于村民代表会议的规定"
                if village
                else "《中华人民共和国城市居民委员会组织法》关于居民会议的规定"
            ),
        }


def disclosure_law(village: bool, on: date) -> str:
    """The article that orders disclosure, by the law of that day.

    村民委员会组织法 art. 30 (2018) and 35 (2025), 城市居民委员会组织法 art. 34 (2025); the
    residents' committees had no such article before 2026, so that a local list stands in.
    """
    if village:
        version, article = (
            ("2025年10月28日修改", "三十五") if on >= _AMENDED else ("2018年修正", "三十")
        )
        return f"《中华人民共和国村民委员会组织法》（{version}）第{article}条"
    if on >= _AMENDED:
        return "《中华人民共和国城市居民委员会组织法》（2025年10月28日修改）第三十四条"
    return "《岚汀区居务公开目录》"


def _consultation_law(village: bool, on: date) -> str:
    if on < _AMENDED:
        return "《关于加强城乡社区协商的意见》"
    name, article = ("村民委员会", "三十三") if village else ("城市居民委员会", "三十二")
    return f"《中华人民共和国{name}组织法》（2025年10月28日修改）第{article}条"


def chinese_date(day: date) -> str:
    """2026年9月30日."""
    return f"{day.year}年{day.month}月{day.day}日"


def quarter_name(day: date) -> str:
    """2026年第三季度."""
    return f"{day.year}年第{'一二三四'[(day.month - 1) // 3]}季度"


def fill(text: str, words: Mapping[str, str], event: date) -> str:
    """``text`` with its ``{fields}`` replaced, also those inside a value.

    ``{d}`` is the day of the event, ``{d-3}`` three days before. KeyError for an unknown field.
    """

    def replace(match: re.Match[str]) -> str:
        name, sign, days = match.groups()
        if name == "d":
            return chinese_date(event + timedelta(days=int(f"{sign or '+'}{days or 0}")))
        return words[name]

    while _FIELD.search(text):
        text = _FIELD.sub(replace, text)
    return text


def fill_table(table: TableSpec, words: Mapping[str, str], event: date) -> TableSpec:
    """The table with every cell filled; a row kept in one field is split at ``|``."""
    return TableSpec(
        fill(table.caption, words, event),
        table.header,
        tuple(tuple(fill("|".join(row), words, event).split("|")) for row in table.rows),
    )


def due_of(rule: str, event: date) -> date:
    """When a matter of that day must be published: ``5``, ``10`` days, ``quarter`` or ``month``."""
    if rule == "quarter":
        last = date(event.year, (event.month - 1) // 3 * 3 + 3, 1)
        return _first_of_next_month(last).replace(day=20)
    if rule == "month":
        return _first_of_next_month(event).replace(day=10)
    return event + timedelta(days=int(rule))


def due_basis(rule: str, affairs: str) -> str:
    """Why it is due on that day, in a sentence."""
    return _DUE_BASIS[rule].replace("{affairs}", affairs)


def event_days(when: str, first_year: int, today: date) -> Iterator[date]:
    """The days that ``on`` of a use means: one day, ``@N`` days ago, or ``yMM-DD`` each year."""
    if when.startswith("@"):
        yield today - timedelta(days=int(when[1:]))
    elif when.startswith("y"):
        month, day = (int(part) for part in when[1:].split("-"))
        for year in range(first_year, today.year + 1):
            yield date(year, month, day)
    else:
        yield date.fromisoformat(when)


def working(day: date) -> date:
    """That day, or the Monday after a weekend: offices publish on weekdays."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def at(day: date, minute: int) -> datetime:
    """``minute`` minutes past eight in the morning of ``day`` at the office, in UTC."""
    local = datetime.combine(day, time(8), TZ) + timedelta(minutes=minute)
    return local.astimezone(UTC)


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
