"""Pages as they leave the renderer: override by name, CSP-clean HTML, static files."""

import dataclasses
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.router import Router

from jiceng_cms.web import pages
from jiceng_cms.web.charts import Bar, bars
from jiceng_cms.web.tables import Paragraph, TableBlock
from jiceng_cms.web.theming import TemplateMissing, Theme, default_theme

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
EVIL = '<script>alert(1)</script>"\'&'
CONTACT = pages.Contact(EVIL, EVIL, "0000-8812345", EVIL, EVIL, EVIL, EVIL)
MARKS = (pages.mark_on_display(3, 15), pages.mark_published_late(8), pages.Mark(EVIL, "seal"))
LISTED = (pages.Listed(EVIL, "/r", EVIL, date(2026, 11, 20), EVIL, "/u", MARKS),)
PROOF = pages.Proof("recorded", 10234, NOW, EVIL, "/proof")
FILES = (pages.File(EVIL, "/f", 34816, EVIL, EVIL, EVIL),)
EDITIONS = (
    pages.EditionLine(2, date(2026, 11, 20), "/e2", EVIL, "/d", True),
    pages.EditionLine(1, date(2026, 11, 15), "/e1"),
)
BODY = (Paragraph(EVIL), TableBlock(EVIL, (EVIL, "金额（元）"), ((EVIL, "12"), ("合计", "12"))))
FILTERS = (pages.Filter(EVIL, (pages.Choice(EVIL, "/", 3, True), pages.Choice("乙", "/b"))),)
LINKS = (pages.Link(EVIL, "/", EVIL),)
PAGER = pages.Pager(2, 3, 1205, "/p1", "/p3")
GROUPS = (pages.UnitGroup(EVIL, LINKS, "/g"),)

RECORD = pages.RecordPage(
    EVIL, EVIL, "/u", EVIL, "/k", NOW, BODY, MARKS, EVIL, date(2026, 11, 1), EVIL, EVIL,
    (EVIL,), FILES,
    (pages.Step(EVIL, NOW, EVIL, EVIL, EVIL), pages.Step(EVIL, date(2026, 9, 6), now=True)),
    PROOF, (pages.Sibling("事前", EVIL, "/s"), pages.Sibling("事中", EVIL, "/s", here=True)),
    CONTACT, (EVIL,), EDITIONS, "/print", LINKS, "/staff",
)  # fmt: skip
PAGES: list[Any] = [
    pages.HomePage(EVIL, LISTED, GROUPS, "/all", EVIL, "/owed", as_of=NOW),
    pages.HomePage("空", ()),
    pages.HomePage("多", LISTED, (pages.UnitGroup("镇", LINKS * 60),)),
    pages.UnitsPage(EVIL, EVIL, GROUPS),
    pages.UnitsPage("找", EVIL, ()),
    pages.UnitPage(
        EVIL, "990101100201", (pages.KindCount(EVIL, "/k", 41),), LISTED, "/all", LINKS, CONTACT,
        (pages.Responsible(EVIL, EVIL, "1"),), EVIL, True, LISTED,
        pages.MoneySummary(EVIL, (EVIL,), bars(EVIL, (Bar(EVIL, Decimal(3)),)), "/m"),
        EVIL, LINKS, LINKS,
    ),
    pages.UnitPage("新村", "990101100202", (), (), "/all"),
    pages.ListPage(EVIL, LISTED, FILTERS, PAGER, LINKS, EVIL, "/clear", LINKS, NOW),
    pages.ListPage("空", (), FILTERS, pages.Pager(1, 1, 0), clear_url="/clear"),
    RECORD,
    dataclasses.replace(RECORD, proof=pages.Proof("waiting"), rendered=None, files=(), steps=()),
    pages.EditionPage(EVIL, EVIL, "/u", EVIL, 1, 2, "/c", NOW, NOW, EVIL, BODY, FILES, PROOF, "/d", EDITIONS),
    pages.DifferencePage(
        EVIL, EVIL, "/r", EVIL, "/u", EDITIONS[1], EDITIONS[0],
        (pages.DifferenceRow(EVIL, (pages.Part("旧", "del"), pages.Part(EVIL, "ins"), pages.Part("同"))),),
        True, "/one",
    ),
    pages.DifferencePage("同", "甲", "/r", "乙", "/u", EDITIONS[1], EDITIONS[0], (), False, "/two"),
    pages.WithdrawnPage(EVIL, EVIL, "/u", EVIL, NOW, NOW, EVIL, EVIL, EVIL, EVIL, PROOF, CONTACT, "/s"),
    pages.SearchPage(
        EVIL,
        (pages.Hit((pages.Span(EVIL, True),), "/r", EVIL, EVIL, date(2026, 1, 2), (pages.Span(EVIL, True),), MARKS),),
        FILTERS, PAGER, keep=(("unit", EVIL),), scope=EVIL, scope_all_url="/search",
    ),
    pages.SearchPage(EVIL, advice=LINKS),
    pages.SearchPage("路" * 10_000, error=EVIL),
    pages.SearchPage(""),
    pages.message(404),
    pages.message(500, reference=EVIL, links=LINKS),
    pages.VerifyPage(10235, EVIL, NOW, EVIL, EVIL),
    pages.TextPage(EVIL, BODY, EVIL),
    pages.PrintPage(EVIL, EVIL, EVIL, NOW, BODY, "https://x/u", "/qr", "/qr2", PROOF, EVIL, 2, EVIL, EVIL,
                    CONTACT, FILES, "a3", pages.Link(EVIL, "/a4"), "/back", True),
]  # fmt: skip

SHELL = pages.Shell(
    EVIL,
    pages.Footer(EVIL, EVIL, "https://i/", EVIL, "https://p/", "/privacy", EVIL),
    demo=True,
    elder_url="/elder",
    query=EVIL,
)
STAFF = dataclasses.replace(
    SHELL, elder=True, account=pages.Account(EVIL, EVIL, EVIL, "/me", "/out", 3), csrf_token="tok"
)


@pytest.fixture(scope="module")
def theme() -> Theme:
    return Theme()


class _Outline(HTMLParser):
    """What a browser under our CSP and a screen reader would make of a page."""

    VOID = frozenset({"meta", "link", "input", "img", "br", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"twice the same attribute: {tag} {names}")
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.faults.append(f"<{tag} /> does not close in HTML")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"stray </{tag}>")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def outline(html: str) -> _Outline:
    parser = _Outline()
    parser.feed(html)
    parser.close()
    return parser


@pytest.mark.parametrize("shell", [SHELL, STAFF], ids=["resident", "staff"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.template)
def test_a_page_is_well_formed_csp_clean_and_never_runs_what_it_shows(
    theme: Theme, page: Any, shell: pages.Shell
) -> None:
    html = theme.render(page.template, page, shell)
    seen = outline(html)
    assert html.startswith("<!DOCTYPE html>\n<html")
    assert not seen.faults
    assert not seen.open
    for tag, attrs in seen.tags:
        assert "style" not in attrs, tag
        assert not [name for name in attrs if name.startswith("on")], tag
        for name in ("href", "src", "action"):
            assert not (attrs.get(name) or "").startswith(("javascript:", "data:", "//")), tag
    assert "<style" not in html
    assert all((it["src"] or "").startswith("/static/") for it in seen.all("script"))
    assert "alert(1)</script>" not in html
    # Nothing of the machinery reaches a reader.
    assert not re.search(r"\$\{|\btal:|\bmetal:|None<|&lt;span", html)
    assert len(html.encode()) < 100_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.template)
def test_a_page_can_be_found_ones_way_in(theme: Theme, page: Any) -> None:
    seen = outline(theme.render(page.template, page, SHELL))
    ids = [attrs["id"] for _, attrs in seen.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    assert len(seen.all("h1")) == 1
    assert len(seen.all("main")) == 1
    assert len(seen.all("title")) == 1
    assert seen.all("html")[0]["lang"] == "zh-CN"
    labelled = {attrs["for"] for attrs in seen.all("label")}
    for field in seen.all("input"):
        assert field.get("type") == "hidden" or field["id"] in labelled
    for attrs in (attrs for _, attrs in seen.tags):
        for name in ("aria-labelledby", "aria-describedby"):
            assert attrs.get(name) is None or attrs[name] in ids
        target = attrs.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids, target
    for image in seen.all("img"):
        assert image["alt"]
    for section in seen.all("nav"):
        assert section["aria-label"]


def test_only_the_form_that_changes_something_carries_the_token(theme: Theme) -> None:
    page = pages.message(404)
    assert "csrf_token" not in theme.render("message.pt", page, SHELL)
    seen = outline(theme.render("message.pt", page, STAFF))
    posts = [form for form in seen.all("form") if form.get("method") == "post"]
    assert [form["action"] for form in posts] == ["/out"]
    assert [i["value"] for i in seen.all("input") if i.get("name") == "csrf_token"] == ["tok"]


def test_the_elder_mode_is_one_class_on_the_root(theme: Theme) -> None:
    page = pages.message(404)
    assert outline(theme.render("message.pt", page, STAFF)).all("html")[0]["class"] == "elder"
    assert "class" not in outline(theme.render("message.pt", page, SHELL)).all("html")[0]


def test_a_difference_is_said_in_words_too(theme: Theme) -> None:
    page = next(it for it in PAGES if isinstance(it, pages.DifferencePage) and it.rows)
    for two in (True, False):
        html = theme.render(page.template, dataclasses.replace(page, two=two), SHELL)
        assert '<del><span class="hidden">［去掉］</span>旧' in html
        assert '<ins><span class="hidden">［新加］</span>' in html


def test_a_search_keeps_every_word_and_every_filter(theme: Theme) -> None:
    page = pages.SearchPage("路" * 10_000, error="太长", keep=(("unit", "9901"),))
    fields = {it.get("name"): it for it in outline(theme.render(page.template, page, SHELL)).all("input")}
    assert fields["q"]["value"] == "路" * 10_000
    assert fields["q"]["aria-invalid"] == "true"
    assert fields["unit"]["value"] == "9901"


def test_a_demo_says_so_on_every_page(theme: Theme) -> None:
    real = dataclasses.replace(SHELL, demo=False)
    for page in PAGES:
        assert "演示数据" in theme.render(page.template, page, SHELL)
        assert "演示数据" not in theme.render(page.template, page, real)


# --- folders --------------------------------------------------------------------------------


def site(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        kind, _, rest = name.partition("__")
        path = folder / kind / rest.replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_site_replaces_one_template_and_keeps_the_others(tmp_path: Path) -> None:
    own = site(tmp_path, templates__text_pt="<p>${page.title} 自己的</p>")
    theme = Theme([own])
    assert "公告 自己的" in theme.render("text.pt", pages.TextPage("公告", ()), SHELL)
    assert "回到首页" in theme.render("message.pt", pages.message(404), SHELL)


def test_a_site_replaces_the_frame_for_every_page(tmp_path: Path) -> None:
    layout = (default_theme() / "templates" / "layout.pt").read_text(encoding="utf-8")
    own = site(tmp_path, templates__layout_pt=layout.replace("跳到正文", "直接看正文"))
    assert "直接看正文" in Theme([own]).render("message.pt", pages.message(404), SHELL)


def test_what_a_template_loads_is_looked_for_in_the_sites_folder_first(tmp_path: Path) -> None:
    own = site(
        tmp_path,
        templates__text_pt='<p tal:define="own load: own.pt">${structure: own()}</p>',
        templates__own_pt="<b>自己的</b>",
    )
    assert "<b>自己的</b>" in Theme([own]).render("text.pt", pages.TextPage("公告", ()), SHELL)


def test_a_changed_template_is_seen_only_when_asked_for(tmp_path: Path) -> None:
    import os

    own = site(tmp_path, templates__text_pt="<p>甲</p>", static__site_css="a{}")
    fixed, live = Theme([own]), Theme([own], reload=True)
    page = pages.TextPage("公告", ())
    before = live.static("site.css")
    assert "甲" in fixed.render("text.pt", page, SHELL)
    assert "甲" in live.render("text.pt", page, SHELL)
    site(tmp_path, templates__text_pt="<p>乙</p>", static__site_css="b{}")
    os.utime(tmp_path / "templates" / "text.pt", (2_000_000_000, 2_000_000_000))
    assert "甲" in fixed.render("text.pt", page, SHELL)
    assert "乙" in live.render("text.pt", page, SHELL)
    assert live.static("site.css") != before == fixed.static("site.css")


@pytest.mark.parametrize("name", ["no.pt", "../templates/home.pt", "..", ".pt", "a\\b.pt"])
def test_only_templates_of_the_theme_can_be_named(theme: Theme, name: str) -> None:
    with pytest.raises(TemplateMissing):
        theme.template(name)


def test_a_theme_folder_that_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Theme([tmp_path / "none"])


# --- in an application ----------------------------------------------------------------------


@pytest.fixture
def app() -> Router:
    config = Configurator(settings={})
    config.include("jiceng_cms.web.theming")
    config.registry.shell_for = lambda request: dataclasses.replace(SHELL, query=request.path)
    config.add_route("page", "/page")
    config.add_view(
        lambda request: pages.TextPage("公告", ()), route_name="page", renderer="text.pt"
    )
    return config.make_wsgi_app()


def test_a_view_returns_a_page_and_names_its_template(app: Router) -> None:
    response = Request.blank("/page").get_response(app)
    assert response.content_type == "text/html"
    assert response.charset == "utf-8"
    assert ">公告</h1>" in response.text
    assert 'value="/page"' in response.text


def test_static_files_are_kept_a_year_under_their_own_hash_only(app: Router) -> None:
    address = app.registry.theme.static("site.css")
    named = Request.blank(address).get_response(app)
    assert named.status_int == 200
    assert named.content_type == "text/css"
    assert "max-age=31536000" in named.headers["Cache-Control"]
    plain = Request.blank(address.split("?")[0]).get_response(app)
    assert plain.headers["Cache-Control"] == "no-cache"
    assert plain.body == named.body
    again = Request.blank("/static/site.css", headers={"If-None-Match": f'"{plain.etag}"'})
    assert again.get_response(app).status_int == 304


@pytest.mark.parametrize("path", ["/static/none.css", "/static/../templates/home.pt", "/static/%2e%2e/__init__.py", "/static/"])
def test_nothing_outside_the_static_folder_is_served(app: Router, path: str) -> None:
    assert Request.blank(path).get_response(app).status_int == 404


# --- the look itself ------------------------------------------------------------------------


def _tokens(css: str, selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r"\s*\{([^}]*)\}", css)
    assert block
    return dict(re.findall(r"--([a-z]+):\s*(#[0-9a-f]{6})", block[1]))


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("selector", "least"), [(":root", 4.5), (".elder", 7.0)])
def test_every_ink_is_readable_on_every_surface(selector: str, least: float) -> None:
    css = (default_theme() / "static" / "site.css").read_text(encoding="utf-8")
    tokens = _tokens(css, ":root") | _tokens(css, selector)
    for ink in ("ink", "muted", "red", "link", "good", "warn", "late"):
        for surface in ("paper", "ground", "wash"):
            ratio = _contrast(tokens[ink], tokens[surface])
            assert ratio >= least, f"{ink} on {surface}: {ratio:.2f}"
    assert _contrast(tokens["edge"], tokens["paper"]) >= 3  # frames of fields


def test_the_whole_dress_of_a_page_is_light() -> None:
    static = default_theme() / "static"
    scripts = sum(path.stat().st_size for path in static.glob("*.js"))
    assert scripts < 60 * 1024
    assert sum(path.stat().st_size for path in static.iterdir()) < 200 * 1024


def test_style_sheets_fetch_nothing_from_elsewhere() -> None:
    for path in (default_theme() / "static").glob("*.css"):
        css = path.read_text(encoding="utf-8")
        assert "@import" not in css
        assert "url(" not in css
        assert "@font-face" not in css
