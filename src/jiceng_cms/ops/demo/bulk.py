"""A large site for benchmarks, as a stream: many units, and records from the same texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast

from . import BodySpec, Kind, PlaceSpec, PublicationSpec, SignoffSpec, TableSpec
from .ledger import make_sheet
from .people import bulk_bodies
from .places import load, many_places
from .texts import Setting, Text, at, due_basis, due_of, fill, fill_table, load_texts, working

#: How many records of one unit follow one another, so that they can share a commit.
RUN = 20

_AMOUNT = re.compile(r"\d{1,3}(?:,\d{3})*\.\d\d(?!\d)")
_SURNAMES = (
    "卢贺汤顾舒邬蓝程沈温焦邢缪孟乔祝尹廖齐安伍柴施卓简石褚于胡涂樊葛姜费丁虞陆郁季钮仇储池骆支厉"
)
_GIVEN = "晓敏见松望翠启若知可宇砚采建小佩敬桂宝秀文红立玉长怀春有海金满阿兰广月思云丽涛荷伯永素爱连明新禾筠麓年屏恒岚柏均澄安之薇霖"
_SIGNED = tuple(SignoffSpec(cast(Any, n), "agree") for n in (1, 2, 3))


def bulk_plan(
    units: int,
    records: int,
    seed: int,
    *,
    first: date = date(2024, 1, 2),
    until: date = date(2026, 11, 20),
) -> Iterator[PlaceSpec | BodySpec | PublicationSpec]:
    """First the ``units`` (parents before children, each followed by its bodies), then the records.

    Records come in the order of ``publish_at``, from ``first`` to ``until``, in runs of up to
    RUN for one unit, all public, with no correction, withdrawal or attachment. Only the units
    are kept in memory, and one record at a time. A sheet adds up by itself, but does not
    continue an earlier one. The same arguments give the same stream. Raises ValueError for
    records without units and for more units than there are names.
    """
    if records < 0 or (records and not units):
        raise ValueError("records need at least one unit")
    rng = Random(f"bulk-{seed}")
    settings: list[Setting] = []
    parents: dict[str, str] = {}
    for place in many_places(units, seed):
        yield place
        if place.kind in ("village", "community"):
            yield from bulk_bodies(place)
            settings.append(Setting(place, _name(rng), _name(rng), parents[place.parent or ""]))
        else:
            parents[place.code] = place.name
    yield from _records(settings, records, rng, first, until)


def _records(
    settings: list[Setting], records: int, rng: Random, first: date, until: date
) -> Iterator[PublicationSpec]:
    texts = load_texts()
    ledger = load("ledger.toml")
    by_scope = {
        scope: [
            (text, use)
            for text in texts
            if text.scope in ("*", scope) and text.audience == "public"
            for use in text.uses
            if not use.get("correct", {}).get("before")
        ]
        for scope in "VC"
    }
    run = max(1, min(RUN, records // max(1, len(settings))))
    days = (until - first).days
    order: list[int] = []
    moment = at(first, 0)
    for serial in range(records):
        if serial % run == 0:
            if not order:
                order = list(range(len(settings)))
                rng.shuffle(order)
            setting = settings[order.pop()]
        # Integer division keeps the days in order and spreads them evenly.
        day = working(first + timedelta(days=serial * days // max(1, records)))
        # several thousand records may share one day: one second each keeps them in order
        opening = at(day, 65)
        moment = max(moment + timedelta(seconds=1), opening)
        village = setting.place.kind == "village"
        if rng.random() < 0.25:
            record = _sheet(ledger, setting, day, rng, serial)
        else:
            text, use = rng.choice(by_scope["V" if village else "C"])
            record = _record(text, use, setting, day, rng, serial)
        yield replace(record, publish_at=moment, drafted_at=moment - timedelta(days=4))


def _record(
    text: Text, use: Any, setting: Setting, day: date, rng: Random, serial: int
) -> PublicationSpec:
    event = day - timedelta(days=rng.randrange(5, 12))
    factor = Decimal(rng.randrange(6, 40)) / 10
    words = setting.words(event)
    words |= {key: value for key, value in use.items() if isinstance(value, str)}
    words["part"] = part = rng.choice(setting.place.parts)

    def told(line: str) -> str:
        return _scaled(fill(line, words, event), factor)

    filled = (fill_table(table, words, event) for table in text.tables)
    return PublicationSpec(
        key=f"{setting.place.code}-{serial}",
        unit=setting.place.code,
        kind=cast(Kind, text.kind),
        title=f"{told(text.title)}（{part}）" if rng.random() < 0.3 else told(text.title),
        item=text.item,
        subject=told(text.subject),
        part=part,
        event_date=event,
        due_date=due_of(text.due, event),
        due_basis=due_basis(text.due, "党务" if text.kind == "party" else words["affairs"]),
        drafted_at=at(event, 0),
        publish_at=at(day, 0),
        summary=told(text.summary),
        body=(
            *told(text.body).split("\n"),
            f"这件事由{words['committee']}的{_name(rng)}经办，{words['overseers']}的{_name(rng)}核对。",
        ),
        tables=tuple(
            TableSpec(
                t.caption, t.header, tuple(tuple(_scaled(c, factor) for c in r) for r in t.rows)
            )
            for t in filled
        ),
        basis=tuple(fill(line, words, event) for line in text.basis),
        matter="",
        stage="",
        audience="public",
        signoffs=_SIGNED,
    )


def _sheet(ledger: Any, setting: Setting, day: date, rng: Random, serial: int) -> PublicationSpec:
    # the last month that was over when the draft was written, four days before
    until = (day - timedelta(days=5)).replace(day=1) - timedelta(days=1)
    opening = Decimal(rng.randrange(3_000_000, 20_000_000)) / 100
    sheet = make_sheet(ledger, setting, until.replace(day=1), until, opening, rng)
    words = setting.words(until)
    return PublicationSpec(
        key=f"{setting.place.code}-{serial}",
        unit=setting.place.code,
        kind="finance",
        title=sheet.title,
        item="财务收支明细",
        subject=words["committee"],
        part="",
        event_date=until,
        due_date=due_of("month", until),
        due_basis=due_basis("month", words["affairs"]),
        drafted_at=at(until, 0),
        publish_at=at(day, 0),
        summary=sheet.summary,
        body=sheet.body,
        tables=sheet.tables,
        basis=(words["law"],),
        matter="",
        stage="",
        audience="public",
        signoffs=sheet.signoffs,
        ledger=sheet.sums,
    )


def _scaled(text: str, factor: Decimal) -> str:
    """Every sum in ``text`` times ``factor``: what added up before still adds up."""

    def times(match: re.Match[str]) -> str:
        return f"{Decimal(match[0].replace(',', '')) * factor:,.2f}"

    return _AMOUNT.sub(times, text)


def _name(rng: Random) -> str:
    return rng.choice(_SURNAMES) + "".join(rng.choices(_GIVEN, k=rng.choice((1, 2, 2, 2))))
