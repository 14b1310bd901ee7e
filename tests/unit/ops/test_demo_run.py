"""The demo is made by the real actions: it fits its log, and every role has something to do."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pypdfium2
import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.access.passwords import Passwords
from jiceng_cms.affairs.disclosures.schema import disclosure_schema, from_json, to_json
from jiceng_cms.affairs.domain import make_domain
from jiceng_cms.app import open_services
from jiceng_cms.core.clock import TZ, from_iso
from jiceng_cms.core.history import kept
from jiceng_cms.core.site import site_of
from jiceng_cms.ops.demo.files import make_docx, make_file, make_pdf, make_xlsx
from jiceng_cms.ops.demo.plan import base_plan
from jiceng_cms.ops.demo.run import DemoResult, NotForDemo, new_password, run_demo
from jiceng_cms.ops.demo.steps import office_time
from jiceng_cms.ops.setup import install_site
from jiceng_cms.ops.verifying import verify
from jiceng_cms.ops.worker import Worker
from jiceng_cms.web.services import Services

from .conftest import read_only, settings_of

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FIRST = "990101100201"


def open_site(home: Path, origin: str = "demo/run") -> Services:
    settings = settings_of(home)
    install_site(settings, make_domain(), title="演示", origin=origin)
    return open_services(settings)


def fill(services: Services, **more: Any) -> DemoResult:
    return run_demo(
        services.store, lambda clock: make_domain(clock=clock), Passwords(), password="bamboo-rowing-7", now=NOW, **more
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, DemoResult]]:
    services = open_site(tmp_path_factory.mktemp("demo"))
    yield services, fill(services)
    services.close()


@pytest.fixture
def records(demo: tuple[Services, DemoResult]) -> Iterator[list[Any]]:
    with demo[0].store.reading() as connection:
        yield [
            r
            for unit in site_of(connection).units.values()
            for section in unit.sections.values()
            for r in section.records.values()
        ]


def test_every_publication_of_the_plan_became_what_the_plan_says(records: list[Any]) -> None:
    plan = base_plan(NOW.astimezone(TZ).date()).publications
    public = [r for r in records if r.editions]
    assert len(public) == len(plan)
    assert sum(r.standing == "withdrawn" for r in public) == sum(bool(p.withdrawal) for p in plan)
    assert sum(len(r.editions) == 2 for r in public) == sum(bool(p.correction) for p in plan)
    published = {(r.unit, r.editions[1].content()["data"]["title"], r.editions[1].published_at) for r in public}
    # several steps may share a moment: the clock stands or goes forward
    late = timedelta(minutes=1)
    for p in plan:
        assert any(
            unit == p.unit and title == p.title and abs(at - p.publish_at) < late for unit, title, at in published
        ), p.key


def test_time_only_goes_forward_in_each_history(records: list[Any]) -> None:
    for record in records:
        times = [from_iso(k.event()["at"]) for k in kept(record.history)]
        assert all(a <= b for a, b in itertools.pairwise(times))
        assert times[-1] <= NOW


def test_sign_offs_are_given_in_the_hours_of_an_office(records: list[Any]) -> None:
    hours = [
        from_iso(k.event()["at"]).astimezone(TZ).hour
        for record in records
        for k in kept(record.history)
        if k.event()["kind"] == "signoff.given"
    ]
    assert len(hours) > 500
    assert sum(8 <= h < 18 for h in hours) / len(hours) > 0.95


def test_the_data_is_what_the_form_would_have_given(demo: tuple[Services, DemoResult], records: list[Any]) -> None:
    with demo[0].store.reading() as connection:
        units = site_of(connection).units
        for record in records:
            data = record.editions[1].data() if record.editions else record.draft.data
            schema = disclosure_schema(units[record.unit], record.kind)
            form = from_json(data)
            cstruct = schema.serialize({k: v for k, v in form.items() if k in schema})
            assert to_json(schema.deserialize(cstruct)) == data, record.key


def test_every_role_finds_something_to_do(records: list[Any]) -> None:
    waiting = [r for r in records if not r.editions]
    assert {r.run.state for r in waiting} >= {"draft", "review", "examine"}
    assert any(r.run.remark for r in waiting)
    given = {len(r.run.verdicts) for r in waiting if r.run.state == "review"}
    assert given >= {0, 1, 2}
    assert any(v.verdict == "object" for r in waiting for v in r.run.verdicts)
    assert any(r.unit == FIRST for r in waiting)


def test_the_site_agrees_with_its_log_and_is_found(demo: tuple[Services, DemoResult]) -> None:
    services, result = demo
    worker = Worker(services)
    assert worker.step_all()
    worker.stop()
    settings = services.settings
    found = verify(lambda: read_only(settings), settings, make_domain())
    assert found.problems == ()
    assert found.records == result.records
    assert found.files > 20
    assert services.engine.count() > 250


def test_accounts_open_with_the_one_password(demo: tuple[Services, DemoResult]) -> None:
    services, result = demo
    shown = {login for login, _ in result.accounts}
    assert shown >= {
        "clerk", "bookkeeper", "approver", "party", "supervisor", "supervisor2", "supervisor3",
        "subdistrict", "inspector", "lawyer", "system", "security", "audit",
    }
    with services.store.reading() as connection:
        site = site_of(connection)
        assert services.passwords.verify(site.accounts["clerk"].password, "bamboo-rowing-7")
        assert not services.passwords.verify(site.accounts["clerk"].password, "bamboo-rowing-8")
        for login, role in (("clerk", "clerk"), ("inspector", "inspector"), ("subdistrict", "subdistrict")):
            for code in (FIRST, "990101001001"):
                assert role in site.roles_of(login, site.units[code], NOW, [])


def test_only_an_empty_demo_site_is_filled(demo: tuple[Services, DemoResult], tmp_path: Path) -> None:
    with pytest.raises(NotForDemo, match="已经有单位"):
        fill(demo[0])
    real = open_site(tmp_path, origin="gongkai.example.org/log")
    with pytest.raises(NotForDemo, match="不是演示站点"):
        fill(real)
    with real.store.reading() as connection:
        assert len(site_of(connection).units) == 0
    real.close()


def test_a_large_site_goes_through_the_same_actions(tmp_path: Path) -> None:
    services = open_site(tmp_path)
    heard: list[tuple[int, int, str]] = []
    result = fill(services, units=5, records=60, progress=lambda *said: heard.append(said))
    assert (result.units, result.records) == (5, 60)
    assert heard[-1][:2] == (60, 60)
    settings = services.settings
    found = verify(lambda: read_only(settings), settings, make_domain())
    assert found.problems == ()
    assert (found.records, found.editions) == (60, 60)
    services.close()


def test_passwords_are_long_readable_and_never_the_same() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(p) >= 12 and p.isascii() for p in made)


# ------------------------------------------------------------------ files

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=80)


@given(st.lists(WORDS, min_size=1, max_size=60))
def test_a_pdf_opens_and_has_all_its_pages(lines: list[str]) -> None:
    document = pypdfium2.PdfDocument(make_pdf(lines))
    try:
        assert 1 <= len(document) <= 5
    finally:
        document.close()


def test_a_pdf_holds_its_text() -> None:
    document = pypdfium2.PdfDocument(make_pdf(["护栏图纸", "舒𤩽核对"]))
    page = document[0]
    text = page.get_textpage()
    found = text.get_text_range()
    for part in (text, page, document):
        part.close()
    assert "护栏图纸" in found
    assert "舒□核对" in found


def test_a_word_document_opens_with_title_text_and_table() -> None:
    document = Document(io.BytesIO(make_docx("方案 <一>", ["第一段"], [["项目", "金额"], ["水泵", "3,900.00"]])))
    assert [p.text for p in document.paragraphs][:2] == ["方案 <一>", "第一段"]
    assert document.tables[0].cell(1, 1).text == "3,900.00"


def test_a_workbook_holds_every_cell_as_text() -> None:
    with zipfile.ZipFile(io.BytesIO(make_xlsx([["=1+1", "支出 & 收入"]]))) as file:
        assert file.testzip() is None
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    assert [t.text for t in sheet.iter() if t.tag.endswith("}t")] == ["=1+1", "支出 & 收入"]


def test_the_same_file_has_the_same_bytes() -> None:
    for kind in ("pdf", "docx", "xlsx"):
        assert make_file(kind, "一", ["二"], [["三"]]) == make_file(kind, "一", ["二"], [["三"]])


@given(st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
def test_office_time_stays_on_its_day_and_in_opening_hours(moment: datetime) -> None:
    found = office_time(moment).astimezone(TZ)
    assert found.date() == moment.astimezone(TZ).date()
    assert 8 <= found.hour < 18


def test_details_of_events_name_fields_and_never_values(records: list[Any]) -> None:
    for record in records[:50]:
        for k in kept(record.history):
            assert record.title() not in json.dumps(k.event(), ensure_ascii=False)
