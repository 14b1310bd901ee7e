"""Pages as people meet them: by keyboard, enlarged, in the elder mode, with a screen reader."""

from __future__ import annotations

import re

import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from support.village import PASSWORD, VILLAGE, Village, url

from .conftest import Meet, Served

pytestmark = pytest.mark.browser

LONG = "石桥村二组、三组至村东头老槐树下连接线道路硬化及路肩排水边沟修复工程（含机耕桥桥面铺装）竣工决算和质量保证金预留情况以及村民代表评议结果的第二次公开"
#: a name outside the Basic Multilingual Plane
RARE = "𠮷𡈽𬀩"
LEDGER = {
    "caption": "逐笔明细",
    "header": ["序号", "日期", "凭证号", "类别", "摘要", "收入（元）", "支出（元）", "经手人", "证明人", "审批人", "审核", "附件"],
    "rows": [
        [str(n), f"2026-08-{n:02}", f"记-{n:03}", "公益支出", "机井水泵维修、闸阀更换和田间支渠清淤用工", "", f"{n * 311}.50", "甲", "乙", "丙", "3/3 通过", "发票"]
        for n in range(1, 19)
    ]
    + [["合计", "", "", "", "", "", "53,190.00", "", "", "", "", ""]],
}


def fill(village: Village) -> dict[str, str]:
    """Records of several kinds and states; gives the paths of pages by name."""
    long = village.published(title=LONG, body=f"义务出工的有{RARE}等人。", tables=[LEDGER], matter="道路硬化", stage="after")
    village.published(title="八月收支明细", tables=[LEDGER], body="")
    corrected = village.published(title="改过的一份")
    village.move(corrected, "correct", "clerk", kind="substance", reason="金额写少了。")
    village.edit(corrected, summary="修了二组的水渠。\n一共花了三千二百元。")
    village.move(corrected, "submit", "clerk")
    village.sign(corrected, "supervisor")
    village.sign(corrected, "supervisor2", "object", "价钱要再问一家。")
    gone = village.published(title="撤回的一份")
    village.move(gone, "withdraw", "approver", reason="wrong", note="金额抄错了，核对以后重新公布。")
    waiting = village.draft(title="等审查的一份")
    village.move(waiting, "submit", "clerk")
    draft = village.draft(title="没写完的一份", summary="", tables=[LEDGER])
    village.catch_up()
    return {
        "home": "/", "units": "/units", "unit": f"/u/{VILLAGE}/", "list": f"/u/{VILLAGE}/disclosures/",
        "record": url(long), "corrected": url(corrected), "withdrawn": url(gone), "print": url(long, "print"),
        "search": "/search?q=水渠", "nothing": "/search?q=飞机场", "verify": "/verify", "login": "/login",
        "missing": url("zzzzzzzz"), "work": url(draft, "work"), "edit": url(draft, "edit"),
        "new": f"/u/{VILLAGE}/disclosures/new", "desk": "/staff", "signing": url(waiting, "work"),
        "history": url(waiting, "history"),
    }


@pytest.fixture(scope="module")
def paths(shared_site: Served) -> dict[str, str]:
    """The pages of a village with something on each."""
    return fill(shared_site.village)


PUBLIC = ("home", "units", "unit", "list", "record", "corrected", "withdrawn", "print", "search", "nothing", "verify", "login", "missing")
STAFF = {"clerk": ("desk", "new", "edit", "work", "history"), "supervisor": ("desk", "signing"), "approver": ("desk", "signing")}


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [640, 320])
def test_enlarged_pages_do_not_scroll_sideways(
    shared_site: Served, paths: dict[str, str], people: Meet, width: int
) -> None:
    """1280 px at 200 % are 640 px to the page, at 400 % 320 px."""
    reader = people(shared_site, viewport={"width": width, "height": 640})
    reader.expects |= {404, 410}
    wide = {}
    for name in PUBLIC:
        if name != "print" and (over := sideways(reader.open(paths[name]))):
            wide[name] = over
    for login, names in STAFF.items():
        worker = people(shared_site, viewport={"width": width, "height": 640})
        worker.sign_in(login)
        for name in names:
            if over := sideways(worker.open(paths[name])):
                wide[f"{login} {name}"] = over
    assert wide == {}


def violations(page: Page) -> list[str]:
    """What axe finds wrong, one line a place."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("elder", [False, True])
def test_axe_finds_nothing_on_public_pages(
    shared_site: Served, paths: dict[str, str], people: Meet, elder: bool
) -> None:
    reader = people(shared_site)
    reader.expects |= {404, 410}
    if elder:
        reader.open("/elder?on=1")
    found = {name: lines for name in PUBLIC if (lines := violations(reader.open(paths[name])))}
    assert found == {}


def test_axe_finds_nothing_in_the_back_office(shared_site: Served, paths: dict[str, str], people: Meet) -> None:
    found = {}
    for login, names in STAFF.items():
        worker = people(shared_site)
        worker.sign_in(login)
        for name in names:
            if lines := violations(worker.open(paths[name])):
                found[f"{login} {name}"] = lines
    clerk = people(shared_site)
    clerk.expects.add(422)
    clerk.sign_in("clerk")
    page = clerk.open(paths["edit"])
    page.get_by_label("事情发生的日期").evaluate("box => { box.type = 'text'; box.value = '三十号'; }")
    page.get_by_label("公示多少天").fill("很久")
    clerk.press("保存草稿")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("有 2 处要改")
    if lines := violations(page):
        found["errors"] = lines
    page.get_by_role("alert").get_by_role("link").last.click()
    expect(page.get_by_label("公示多少天")).to_be_focused()
    assert found == {}


def test_the_elder_mode_is_large_and_stays(shared_site: Served, paths: dict[str, str], people: Meet) -> None:
    reader = people(shared_site, viewport={"width": 390, "height": 844})
    page = reader.open("/")
    page.get_by_role("link", name="大字版").click()
    for name in ("home", "unit", "list", "record", "search", "units"):
        page = reader.open(paths[name])
        small = page.evaluate(
            """() => Array.from(document.querySelectorAll('main *, aside *')).filter(node =>
                 Array.from(node.childNodes).some(c => c.nodeType === 3 && c.textContent.trim())
                 && node.offsetParent && !node.closest('.hidden')
                 && parseFloat(getComputedStyle(node).fontSize) < 22)
               .map(node => node.className + ' ' + node.textContent.trim().slice(0, 30))"""
        )
        assert small == [], name
        low = page.evaluate(
            """() => Array.from(document.querySelectorAll(
                 'button, input:not([type=hidden]), select, summary, .kinds a, .items__title a, .links a, .more a, .jump a, .pager a, .units a, .masthead a, .footer a, .filters a, .files a'))
               .filter(node => node.offsetParent && !node.closest('.hidden') && node.getBoundingClientRect().height < 59.5)
               .map(node => node.outerHTML.slice(0, 100) + ' ' + node.getBoundingClientRect().height)"""
        )
        assert low == [], name
        assert sideways(page) == 0, name
    page.get_by_role("link", name="回到普通版").click()
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") < 20


def outlined(page: Page) -> bool:
    """Whether what has the focus shows it."""
    return bool(
        page.evaluate(
            """() => { const style = getComputedStyle(document.activeElement);
                 return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 3; }"""
        )
    )


def focused(page: Page) -> str:
    """The words by which the focused element is known."""
    return str(
        page.evaluate(
            """() => { const node = document.activeElement;
                 const label = node.labels && node.labels[0];
                 return (label ? label.textContent : node.textContent || node.value || '').trim(); }"""
        )
    )


def tab_to(page: Page, words: str, most: int = 40) -> None:
    """Press Tab until the element of these words has the focus; each stop must show itself."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert outlined(page), f"no visible focus on {focused(page)!r}"
        if re.search(words, focused(page)):
            return
    raise AssertionError(f"no {words} within {most} presses of Tab")


def test_signing_in_and_searching_by_keyboard_alone(shared_site: Served, paths: dict[str, str], people: Meet) -> None:
    person = people(shared_site)
    page = person.open("/")
    page.keyboard.press("Tab")
    assert focused(page) == "跳到正文"
    expect(page.get_by_text("跳到正文")).to_be_in_viewport()
    page.keyboard.press("Enter")
    tab_to(page, "想查什么", most=1)
    page.keyboard.type("水渠")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search*")
    tab_to(page, "改过的一份|二组水渠维修|八月收支明细")
    page.keyboard.press("Enter")
    page.wait_for_url("**/disclosures/*")
    tab_to(page, "按什么规定公开")
    page.keyboard.press("Enter")
    expect(page.get_by_text("村民委员会组织法").first).to_be_visible()
    tab_to(page, "工作人员登录")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login*")
    tab_to(page, "账号")
    page.keyboard.type("clerk")
    tab_to(page, "密码", most=1)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff")
    tab_to(page, "没写完的一份")
    page.keyboard.press("Enter")
    page.wait_for_url("**/work")
    tab_to(page, "修改内容", most=80)
    page.keyboard.press("Enter")
    page.wait_for_url("**/edit")
    tab_to(page, "^标题")


def test_long_titles_rare_names_and_wide_tables_hold(shared_site: Served, paths: dict[str, str], people: Meet) -> None:
    reader = people(shared_site, viewport={"width": 390, "height": 844})
    page = reader.open(paths["record"])
    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
    expect(page.get_by_text(RARE)).to_be_visible()
    expect(page.get_by_text("合计：支出 53,190.00 元")).to_be_visible()
    assert sideways(page) == 0
    card = page.locator("table tbody tr").nth(2)
    expect(card.get_by_text("933.50")).to_be_visible()
    top = card.locator("th").bounding_box()
    below = card.locator("td").first.bounding_box()
    assert top is not None
    assert below is not None
    assert top["y"] < below["y"], "a card begins with what the money was for"
    page.set_viewport_size({"width": 1280, "height": 900})
    box = page.locator(".tablebox").first
    head = box.locator("thead th").first
    box.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(head).to_be_in_viewport()
    assert sideways(page) == 0


def test_printed_the_ledger_is_whole_and_black(shared_site: Served, paths: dict[str, str], people: Meet) -> None:
    reader = people(shared_site)
    page = reader.open(paths["record"] + "/print")
    sheet = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    words = re.sub(r"\s", "", "".join(part.get_textpage().get_text_bounded() for part in sheet))
    for n in range(1, 19):
        assert f"记-{n:03}" in words
    assert "53,190.00" in words
    assert RARE in words
    width, height = sheet[0].get_size()
    assert width > height, "twelve columns lie across the sheet"
    sheet.close()
