"""The small demo site: every publication of six committees, from January 2024 to yesterday."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from random import Random
from typing import Any, cast

from . import (
    Change,
    CorrectionSpec,
    DemoPlan,
    Kind,
    PublicationSpec,
    SignoffSpec,
    Stage,
    TableSpec,
    Verdict,
    WithdrawalSpec,
)
from .bulk import bulk_plan
from .ledger import make_sheet, periods, recategorised
from .people import Office, demo_accounts, demo_persons, office_of
from .places import FIRST_COMMUNITY, FIRST_VILLAGE, load, places
from .texts import (
    Setting,
    Text,
    at,
    due_basis,
    due_of,
    event_days,
    fill,
    fill_table,
    load_texts,
    working,
)

__all__ = ["base_plan", "bulk_plan"]

FIRST_DAY = date(2024, 1, 1)
#: The first village and community account by month from here on, everyone by quarter before.
MONTHLY_FROM = date(2026, 1, 1)

_VERDICTS: dict[str, Verdict] = {"a": "agree", "r": "reserve", "o": "object"}
#: How long before publication the draft of one whose sign-offs lapse must have been handed in.
_LAPSE_DAYS = 16
#: (unit, last day of the period) -> days late; the rest is in time.
_LATE_SHEETS = {
    ("990101100203", date(2025, 6, 30)): 8,
    ("990101001002", date(2025, 12, 31)): 5,
    ("990101100202", date(2024, 9, 30)): 3,
    ("990101001001", date(2026, 5, 31)): 4,
}
#: Sheets that filed one expense wrongly at first: (wrong category, after how many days).
_CORRECTED_SHEETS = {
    ("990101100202", date(2025, 9, 30)): ("其他支出", 9),
    ("990101001001", date(2026, 4, 30)): ("其他支出", 6),
    ("990101100201", date(2026, 8, 31)): ("其他支出", 5),
}


def base_plan(today: date) -> DemoPlan:
    """The demo site as it stands on the morning of ``today`` (a day in Shanghai).

    The same day gives the same plan. Nothing in it happens on ``today`` or later; what is
    marked fresh in the texts lies a few days back, so that some is always on display.
    """
    names = {place.code: place.name for place in places()}
    offices: dict[str, Office] = {}
    found: list[PublicationSpec] = []
    told = []
    texts = load_texts()
    ledger = load("ledger.toml")
    for place in places():
        if place.kind not in ("village", "community"):
            told.append(place)
            continue
        office = offices[place.code] = office_of(place)
        told.append(replace(place, duties=office.duties))
        setting = Setting(place, office.head, office.overseer, names[place.parent or ""])
        found += _written(texts, setting, today)
        found += _sheets(ledger, setting, today)
    return DemoPlan(
        places=tuple(told),
        persons=demo_persons() + tuple(p for office in offices.values() for p in office.persons),
        bodies=tuple(body for office in offices.values() for body in office.bodies),
        accounts=demo_accounts() + tuple(a for office in offices.values() for a in office.accounts),
        publications=tuple(sorted(found, key=lambda p: (p.publish_at, p.key))),
    )


def _written(texts: tuple[Text, ...], setting: Setting, today: date) -> Iterator[PublicationSpec]:
    """The hand-written publications of one unit."""
    code = setting.place.code
    scope = "V" if setting.place.kind == "village" else "C"
    for text in texts:
        for use in text.uses:
            if use["u"] not in ("*", scope, code[-3:]) or text.scope not in ("*", scope):
                continue
            for event in event_days(use["on"], use.get("from", FIRST_DAY.year), today):
                publication = _publication(text, use, setting, event)
                if publication.publish_at < at(today, 0):
                    yield _until(publication, today)


def _publication(
    text: Text, use: Mapping[str, Any], setting: Setting, event: date
) -> PublicationSpec:
    code = setting.place.code
    words = setting.words(event) | {k: v for k, v in use.items() if isinstance(v, str)}
    key = f"{code}-{text.id}-{event.isoformat()}"
    minutes = Random(key)
    day = working(event + timedelta(days=use["lag"]))
    signoffs = _signoffs(use) if text.audience == "public" else ()
    lapses = text.audience == "public" and len(signoffs) < 2
    drafted = max(event, day - timedelta(days=_LAPSE_DAYS if lapses else 4))
    title = fill(text.title, words, event)
    summary = fill(text.summary, words, event)
    body = fill(text.body, words, event)
    tables = tuple(fill_table(table, words, event) for table in text.tables)
    correct = use.get("correct")
    for right, wrong in (correct or {}).get("before", ()):
        body = body.replace(right, wrong)
    due = due_of(text.due, event)
    base = PublicationSpec(
        key=key,
        unit=code,
        kind=cast(Kind, text.kind),
        title=title,
        item=text.item,
        subject=fill(text.subject, words, event),
        part=words["part"] if words["part"] in setting.place.parts else "",
        event_date=event,
        due_date=due,
        due_basis=due_basis(text.due, "党务" if text.kind == "party" else words["affairs"]),
        drafted_at=at(
            drafted, 540 + minutes.randrange(20) if drafted == event else 20 + minutes.randrange(90)
        ),
        publish_at=at(day, 65 + minutes.randrange(400)),
        summary=summary,
        body=tuple(body.split("\n")),
        tables=tables,
        basis=tuple(fill(line, words, event) for line in text.basis),
        matter=f"{code}-{text.matter}" if text.matter else "",
        stage=cast(Stage, text.stage),
        audience="branch" if text.audience == "branch" else "public",
        signoffs=signoffs,
        attachments=tuple((name, _file_kind(name)) for name in use.get("attach", ())),
    )
    if correct:
        base = replace(base, correction=_correction(base, correct))
    if withdraw := use.get("withdraw"):
        when = at(working(day + timedelta(days=withdraw["after"])), 120)
        base = replace(base, withdrawal=WithdrawalSpec(when, withdraw["code"], withdraw["note"]))
    return base


def _correction(base: PublicationSpec, correct: Mapping[str, Any]) -> CorrectionSpec:
    def put_right(text: str) -> str:
        for wrong, right in correct["replace"]:
            text = text.replace(wrong, right)
        return text

    tables = tuple(
        TableSpec(
            put_right(t.caption), t.header, tuple(tuple(map(put_right, row)) for row in t.rows)
        )
        for t in base.tables
    )
    candidates = (
        (Change("title", put_right(base.title)), base.title),
        (Change("summary", put_right(base.summary)), base.summary),
        (Change("body", tuple(map(put_right, base.body))), base.body),
        (Change("tables", tables), base.tables),
    )
    local = base.publish_at + timedelta(days=correct["after"])
    when = at(working(local.date()), 200)
    changes = tuple(change for change, old in candidates if change.value != old)
    return CorrectionSpec(when, correct["kind"], correct["reason"], changes)


def _sheets(ledger: Mapping[str, Any], setting: Setting, today: date) -> Iterator[PublicationSpec]:
    """The sheets of income and expense of one unit; each opens with what the last one left."""
    code = setting.place.code
    often = code in (FIRST_VILLAGE, FIRST_COMMUNITY)
    first = FIRST_DAY if often else date(2024, 7, 1)
    opening = Decimal(Random(code).randrange(6_000_000, 14_000_000)) / 100
    village = setting.place.kind == "village"
    for since, until in periods(first, MONTHLY_FROM if often else None, today):
        key = f"{code}-sheet-{until.isoformat()}"
        rng = Random(key)
        sheet = make_sheet(ledger, setting, since, until, opening, rng)
        opening = sheet.sums.closing
        rule = "month" if since.month == until.month else "quarter"
        due = due_of(rule, until)
        late = _LATE_SHEETS.get((code, until), 0)
        day = due + timedelta(days=late) if late else due - timedelta(days=rng.randrange(2, 5))
        # in time even where the day falls on a weekend
        day = working(day) if late or working(day) <= due else day - timedelta(days=2)
        words = setting.words(until)
        publication = PublicationSpec(
            key=key,
            unit=code,
            kind="finance",
            title=sheet.title,
            item="财务收支明细",
            subject=words["entity"] if village else words["committee"],
            part="",
            event_date=until,
            due_date=due,
            due_basis=due_basis(rule, words["affairs"]),
            drafted_at=at(day - timedelta(days=4), 30 + rng.randrange(90)),
            publish_at=at(day, 65 + rng.randrange(400)),
            summary=sheet.summary,
            body=sheet.body,
            tables=sheet.tables,
            basis=(words["law"], *(("《农村集体经济组织财务公开规定》",) if village else ())),
            matter="",
            stage="",
            audience="public",
            signoffs=sheet.signoffs,
            attachments=((f"{sheet.title}.xlsx", "xlsx"),) if until.month in (6, 12) else (),
            ledger=sheet.sums,
        )
        if publication.publish_at < at(today, 0):
            yield _until(_filed_wrongly(publication, day), today)


def _filed_wrongly(publication: PublicationSpec, day: date) -> PublicationSpec:
    """The sheet with one expense in a wrong category and its correction, where one is due."""
    found = _CORRECTED_SHEETS.get((publication.unit, publication.event_date))
    if found is None:
        return publication
    wrong, after = found
    totals, right = publication.tables
    table, entry = recategorised(right, wrong)
    correction = CorrectionSpec(
        at(working(day + timedelta(days=after)), 150),
        "substance",
        f"“{entry}”这一笔错记在“{wrong}”，现改回原来的类别，金额和余额都没有变。",
        (Change("tables", (totals, right)),),
    )
    return replace(publication, tables=(totals, table), correction=correction)


def _until(publication: PublicationSpec, today: date) -> PublicationSpec:
    """The publication without what would happen to it on ``today`` or later."""
    now = at(today, 0)
    if publication.correction and publication.correction.when >= now:
        publication = replace(publication, correction=None)
    if publication.withdrawal and publication.withdrawal.when >= now:
        publication = replace(publication, withdrawal=None)
    return publication


def _signoffs(use: Mapping[str, Any]) -> tuple[SignoffSpec, ...]:
    """From ``sign`` (one letter for each supervisor, ``-`` for silence) and ``why``."""
    numbered = zip((1, 2, 3), use.get("sign", "aaa"), strict=True)
    return tuple(
        SignoffSpec(cast(Any, n), _VERDICTS[letter], "" if letter == "a" else use["why"])
        for n, letter in numbered
        if letter != "-"
    )


def _file_kind(name: str) -> Any:
    kind = PurePosixPath(name).suffix.removeprefix(".")
    if kind not in ("pdf", "docx", "xlsx"):
        raise ValueError(f"no such kind of attachment: {name!r}")
    return kind
