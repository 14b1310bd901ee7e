"""Every page that each role can reach: whole, in Chinese, without script of its own, and only read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from support.browser import Browser
from support.uploads import PDF, send
from support.village import OTHER_VILLAGE, STAFF, VILLAGE, Village, open_village, url

ROLES = ("", *STAFF, "subdistrict", "inspector", "system", "security", "audit")

#: English that people know as it is, file kinds, and our own prefixes of document numbers.
ALLOWED = {
    "pdf", "docx", "xlsx", "jpg", "png", "txt", "csv", "icp", "qr", "mb", "kb", "gk", "json",
    "sqc", "signed-note", "tlog-checkpoint", "tlog-tiles", "sha", "merkle", "ed", "rfc", "tlog", "key", "log", "checkpoint", "demo", "test", "english",
}
#: Kinds of files, and the logins and spellings of the village that these pages tell of.
ALLOWED |= {"doc", "xls", "wps", "et", "ofd", "ods", "heic", "zip"}
ALLOWED |= {"clerk", "approver", "party", "supervisor", "subdistrict", "inspector", "system", "security", "audit"}
ALLOWED |= {"shiqiao", "sq", "yangshuwa", "ysw", "liuyin", "ly"}
ALLOWED |= {"totp", "zhang", "san"}
_LATIN = re.compile(r"[A-Za-z][A-Za-z'-]+")
#: Links whose target says again what the present page says: followed once, from one page.
_TOGGLES = ("/elder", "/language")


def _publish_party(village: Village, audience: str, **changes: Any) -> str:
    id = village.draft(kind="party", audience=audience, **changes)
    village.move(id, "submit", "clerk")
    village.move(id, "pass", "party2", comment="不涉密，必要，准确。")
    if audience == "public":
        village.sign(id, "supervisor")
        village.sign(id, "supervisor2", "object", "应当先在党内公开。")
    return id


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """A village with a record in every state of both workflows."""
    village = open_village(Path(tmp_path_factory.mktemp("crawl")) / "home")
    clerk = village.client("clerk")
    id = village.draft(title="附件齐全的一份", matter="二组水渠", stage="after")
    page = send(clerk, clerk.get(url(id, "work")), "决算.pdf", PDF, status=303)
    helper = village.client("clerk2")
    page = helper.get(url(id, "work"))
    next(f for f in page.forms.values() if f.action.endswith("/clear")).submit(status=303)
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2", "object", "第三组也应当修。")
    answer = clerk.get(url(id, "work"))
    clerk.act(answer, "answer-1", comment="第三组明年修。", status=200)
    village.move(id, "publish", "approver")

    village.draft(title="还在起草")
    returned = village.draft(title="退回修改")
    village.move(returned, "submit", "clerk")
    village.move(returned, "return", "approver", comment="金额请再核对。")
    village.move(village.draft(title="正在审查"), "submit", "clerk")
    corrected = village.published(title="更正过", matter="二组水渠", stage="before")
    village.move(corrected, "correct", "clerk", kind="substance", reason="金额写少了。")
    village.edit(corrected, summary="修了二组的水渠。\n一共花了三千二百元。", tables=[
        {"caption": "明细", "header": ["项目", "金额"], "rows": [["水泥", "3,200.00"]]}])
    village.move(corrected, "submit", "clerk")
    village.sign(corrected, "supervisor")
    village.sign(corrected, "supervisor2")
    village.move(corrected, "publish", "approver")
    opened = village.published(title="更正起草中")
    village.move(opened, "correct", "clerk", kind="typo", reason="错别字。")
    withdrawn = village.published(title="撤回的")
    village.move(withdrawn, "withdraw", "approver", reason="wrong", note="抄错了。")
    again = village.published(title="撤回后重新起草")
    village.move(again, "withdraw", "approver", reason="wrong", note="抄错了。")
    village.move(again, "redraft", "clerk")
    village.move(village.draft(title="作废的"), "discard", "clerk", comment="重复了。")

    village.draft(kind="party", audience="branch", title="党务起草")
    village.move(village.draft(kind="party", audience="branch", title="党务审核"), "submit", "clerk")
    _publish_party(village, "public", title="党务审批")
    for audience in ("branch", "party"):
        party = _publish_party(village, audience, title={"branch": "本支部公开", "party": "党内公开"}[audience])
        village.move(party, "publish", "party")
    village.catch_up()
    yield village
    village.close()


@dataclass
class Crawl:
    """A walk over all that one reader reaches."""

    village: Village
    browser: Browser
    seen: dict[str, int] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def ids(self) -> frozenset[str]:
        """The ids of people and records."""
        return frozenset(self.village.people.values()) | frozenset(_ids(self.village))

    def wrote(self) -> Any:
        """Changes whenever anything is written."""
        return self.village.services.store.last_transaction()

    def walk(self, *starts: str) -> None:
        waiting = [(start, "") for start in starts]
        before = self.wrote()
        while waiting:
            path, source = waiting.pop()
            key = self.key(path)
            if key in self.seen or len(self.seen) > 1500:
                continue
            answer = self.browser.get(path, expect_errors=True)
            self.seen[key] = answer.status_int
            where = f"{path} (from {source or 'the start'})"
            if answer.status_int >= 500 or (answer.status_int == 404 and source):
                self.found.append(f"{answer.status_int}: {where}")
            if answer.status_int in (301, 302, 303):
                waiting.append((self.own(answer.location, path) or "/", path))
            elif answer.content_type == "text/html" and answer.status_int < 500:
                self.found += [f"{problem}: {where}" for problem in problems_of(answer, self.ids())]
                waiting += [(link, path) for link in self.links(answer, path)]
            head = self.browser.head(path, expect_errors=True)
            if (head.status_int, head.body) != (answer.status_int, b""):
                self.found.append(f"HEAD {head.status_int}: {where}")
            if self.wrote() != before:
                self.found.append(f"wrote: {where}")
                before = self.wrote()

    def key(self, path: str) -> str:
        """Addresses that differ in what they come back to are one; so are queries in any order."""
        parts = urlsplit(path)
        query = sorted((n, v) for n, v in parse_qsl(parts.query) if n not in ("next", "on"))
        return f"{parts.path}?{query}"

    def own(self, link: str, path: str) -> str:
        whole = urldefrag(urljoin(f"http://localhost{path}", link)).url
        parts = urlsplit(whole)
        if parts.netloc not in ("localhost", "localhost:80") or parts.scheme != "http":
            return ""
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def links(self, answer: Any, path: str) -> Iterator[str]:
        html = answer.html
        for tag, attribute in (("a", "href"), ("link", "href"), ("img", "src"), ("script", "src")):
            for element in html.find_all(tag):
                link = self.own(element.get(attribute) or "", path) if element.get(attribute) else ""
                if link:
                    yield link
        for form in html.find_all("form"):
            if (form.get("method") or "get").lower() == "get":
                yield self.own(f"{form.get('action') or path}?q=%E6%B0%B4%E6%B8%A0", path)


def problems_of(answer: Any, known: frozenset[str] = frozenset()) -> Iterator[str]:
    """What is wrong with a page whoever reads it; ``known`` ids of ours may happen to be all letters."""
    html: BeautifulSoup = answer.html
    if not (html.html and html.html.get("lang") == "zh-CN"):
        yield "no lang"
    if not (html.title and html.title.get_text(strip=True)):
        yield "no title"
    if len(html.find_all("h1")) != 1:
        yield f"{len(html.find_all('h1'))} h1"
    if html.find("style") or any(not s.get("src") for s in html.find_all("script")):
        yield "inline style or script"
    ids: list[str] = []
    for element in html.find_all(True):
        bad = [a for a in element.attrs if a == "style" or a.startswith("on")]
        if bad:
            yield f"attribute {bad} of {element.name}"
        for attribute in ("href", "src", "action"):
            if str(element.get(attribute) or "").strip().lower().startswith(("javascript:", "data:")):
                yield f"{attribute} {element.get(attribute)[:30]}"
        if element.get("id"):
            ids.append(element["id"])
    yield from {f"id {i} twice" for i in ids if ids.count(i) > 1}
    for element in html.find_all("a", href=re.compile("^#.")):
        if element["href"][1:] not in ids:
            yield f"link to {element['href']} that is not here"
    for element in html.find_all(("script", "style", "template", "code", "pre", "kbd")):
        element.extract()
    for element in html.find_all(class_=re.compile("code|root|digest")):
        element.extract()
    for word in html.find_all(lang="en"):
        word.extract()
    english = {w.lower() for w in _LATIN.findall(re.sub(r"校验码：\S+|\S*\d\S*|\S+[/+]\S*|https?://\S+", " ", html.get_text(" ")))} - ALLOWED - known
    if english:
        yield f"English {sorted(english)}"
    for banned in ("操作成功", "系统异常", "参数错误", "None", "deformField"):
        if banned in html.get_text(" "):
            yield f"says {banned}"


@pytest.mark.slow
@pytest.mark.parametrize("login", ROLES)
def test_whatever_a_role_reaches_is_whole_and_writes_nothing(full: Village, login: str) -> None:
    full.catch_up()
    browser = full.client(login)
    crawl = Crawl(full, browser)
    forms = [url(id, "edit") for id in _ids(full)] if login.startswith("clerk") else []
    crawl.walk("/", "/units", "/search?q=%E6%B0%B4", "/verify", "/staff", f"/u/{VILLAGE}/", f"/u/{OTHER_VILLAGE}/", *forms)
    assert not crawl.found, "\n".join(crawl.found)
    pages = [path for path, status in crawl.seen.items() if status == 200]
    assert len(pages) > 30
    if login in STAFF:
        assert any("/work" in page for page in pages)
        assert any("/history" in page for page in pages)
    if login == "clerk":
        assert any("/edit" in page for page in pages)


@pytest.mark.slow
@pytest.mark.parametrize("login", ["", "clerk", "supervisor", "inspector", "audit"])
def test_every_address_of_every_record_answers_without_a_fault(full: Village, login: str) -> None:
    """Also those that no page of this reader links to: nothing answers with a fault of ours."""
    browser = full.client(login)
    crawl = Crawl(full, browser)
    tails = (
        (), ("work",), ("edit",), ("history",), ("print",), ("qr",), ("paper",), ("sheet",), ("work-edition",),
        ("do", "publish"), ("signoff", "supervision"), ("answer", "0"), ("recuse",), ("stand-in",), ("attach",), ("autosave",),
        ("editions", "1"), ("editions", "2"), ("editions", "2", "difference"), ("editions", "1", "difference"),
        ("editions", "1", "proof"), ("editions", "1", "qr"), ("files",), ("editions",),
    )
    before = crawl.wrote()
    for id in _ids(full):
        for tail in tails:
            answer = browser.get(url(id, *tail), expect_errors=True)
            assert answer.status_int < 500, url(id, *tail)
            if answer.content_type == "text/html" and answer.status_int != 303:
                assert not list(problems_of(answer, crawl.ids())), url(id, *tail)
    assert crawl.wrote() == before


def _ids(village: Village) -> list[str]:
    with village.reading() as site:
        return list(site.units[VILLAGE].sections["disclosures"].records)
