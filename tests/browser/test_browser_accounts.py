"""Accounts in real Chromium: a new clerk's first day with a phone, and a form that outlived its session."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from jiceng_cms.affairs.units.actions import GrantRole
from support.village import OPERATOR, PASSWORD, SECTION, VILLAGE, Village, open_village, url

from . import conftest
from .conftest import Meet, Person, Served

pytestmark = pytest.mark.browser

LOGIN = "he.xin"
NEW = "新修的水渠一直流到晒谷场"
PHONE_PAGE = "/staff/account/two-factor"


@pytest.fixture
def strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A site that asks its clerks for a phone."""
    monkeypatch.setattr(conftest, "open_village", partial(open_village, **{"access.two_factor.roles": "clerk"}))
    with conftest.serving(tmp_path / "home") as site:
        yield site


def invite(served: Served, system: Person) -> str:
    """The system administrator registers a person; gives the link that the page shows."""
    page = system.sign_in("system")
    system.open("/staff/people")
    page.get_by_role("link", name="登记人员并开账号").click()
    page.get_by_label("姓名").fill("何新人")
    page.get_by_label("登录名").fill(LOGIN)
    system.press("开账号，生成登录链接")
    expect(page.get_by_role("heading", level=1)).to_have_text("登录链接已经生成")
    link = page.locator("#one-time-link").inner_text().strip()
    assert link.startswith(served.address + "/")
    return link


def choose_password(person: Person, link: str) -> None:
    """Open the link and set the password; the page for signing in comes next."""
    page = person.page
    page.goto(link)
    page.get_by_label("新密码").fill(NEW)
    page.get_by_label("再输入一次").fill(NEW)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url("**/login")


def give_password(person: Person, login: str, password: str) -> Page:
    """Fill the fields for signing in on whatever page shows them."""
    page = person.page
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(password)
    return person.press("登录")


def give_code(person: Person, code: str) -> Page:
    """The second step of signing in."""
    person.page.get_by_label("验证码").fill(code)
    return person.press("登录")


def sign_out(person: Person) -> None:
    """Sign out, and find the desk closed."""
    person.press("退出登录")
    expect(person.page.get_by_role("button", name="退出登录")).to_have_count(0)
    person.open("/staff")
    expect(person.page).to_have_url(f"{person.address}/login?next=/staff")


def code_now(village: Village, secret: str) -> str:
    """What the phone shows at the village's clock."""
    return pyotp.TOTP(secret).at(village.clock.now())


def test_an_invited_clerk_binds_a_phone_before_the_first_work(strict: Served, people: Meet) -> None:
    village = strict.village
    link = invite(strict, people(strict))
    with village.reading() as site:
        person = site.accounts[LOGIN].person
    village.services.actions.perform(GrantRole(VILLAGE, person, "clerk", "任职文件"), OPERATOR)

    clerk = people(strict)
    page = clerk.page
    choose_password(clerk, link)
    give_password(clerk, LOGIN, NEW)
    expect(page).to_have_url(strict.address + PHONE_PAGE)
    expect(page.get_by_text("您的角色登录时要有手机验证码，绑定以后才能继续办事。")).to_be_visible()
    clerk.open("/staff")
    expect(page).to_have_url(strict.address + PHONE_PAGE)

    clerk.press("开始绑定")
    picture = page.get_by_role("img", name="绑定手机用的二维码")
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    groups = page.locator("#secret").inner_text().split()
    assert {len(group) for group in groups} == {4}, "short groups, to be copied by hand"
    secret = "".join(groups)
    page.get_by_label("手机上显示的六位数字").fill(code_now(village, secret))
    clerk.press("绑定这部手机")
    expect(page.get_by_role("heading", level=1)).to_have_text("请抄下备用码")
    codes = page.locator("#recovery-codes").get_by_role("listitem").all_inner_texts()
    assert len({code.strip() for code in codes}) == 10

    page.get_by_role("link", name="已经抄好").click()
    clerk.open(PHONE_PAGE)
    expect(page.get_by_text("还有 10 个备用码没有用")).to_be_visible()
    shown = page.content()
    assert groups[0] not in shown
    assert not [code for code in codes if code.strip() in shown], "they are shown once"
    page.get_by_role("link", name="工作台").first.click()
    expect(page).to_have_url(strict.address + "/staff")
    expect(page.get_by_role("link", name="起草一份公开")).to_be_visible()

    sign_out(clerk)
    village.clock.advance(seconds=30)
    code = code_now(village, secret)
    give_password(clerk, LOGIN, NEW)
    give_code(clerk, code)
    expect(page).to_have_url(strict.address + "/staff")

    sign_out(clerk)
    clerk.expects.add(403)
    give_password(clerk, LOGIN, NEW)
    give_code(clerk, code)
    expect(page.get_by_role("alert")).to_have_text("验证码不对，或者已经用过了。请等手机上换成下一个，再输入。")
    village.clock.advance(seconds=30)
    give_code(clerk, code_now(village, secret))
    expect(page).to_have_url(strict.address + "/staff")


TYPED = {
    "标题": "二组水渠和三组机耕路维修的开支",
    "事情发生的日期": "2026-08-27",
    "两句话说明": "水渠和机耕路都修好了。\n一共花了五千二百元。",
    "正文": "\n\n".join(f"第{n}段：村民亓彧翀等人出工{n}天，“工具自带”，水泥 < 砂石。" for n in range(1, 41)),
    "公开依据": "《中华人民共和国村民委员会组织法》第三十条",
    "表的名称": "开支明细",
    "表的内容": "日期\t摘要\t支出（元）\n2026-08-20\t水泥\t360.00\n2026-08-26\t挖掘机台班\t4840.00",
}


def test_a_form_left_for_two_hours_is_finished_after_signing_in_again(served: Served, people: Meet) -> None:
    village = served.village
    id = village.draft()
    before = village.version(id)
    clerk = people(served)
    clerk.sign_in("clerk")
    page = clerk.open(url(id, "edit"))
    clerk.press("添加表格")
    for label, text in TYPED.items():
        page.get_by_label(label).first.fill(text)

    village.clock.advance(hours=2)
    clerk.expects.add(403)
    clerk.press("保存草稿")
    expect(page.get_by_role("heading", level=1)).to_have_text("登录已经过期，您填的内容还在")
    assert village.version(id) == before, "nothing is saved for somebody who is not signed in"
    give_password(clerk, "clerk", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("您刚才填的内容都在")
    clerk.press("打开刚才的表单")
    for label, text in TYPED.items():
        expect(page.get_by_label(label).first).to_have_value(text)
    assert village.version(id) == before, "the clerk looks at it first"

    with page.expect_navigation():  # the form stands at the address where saving leads
        clerk.press("保存草稿")
    clerk.open(url(id, "edit"))
    for label in ("标题", "两句话说明", "正文", "公开依据"):
        expect(page.get_by_label(label).first).to_have_value(TYPED[label])
    with village.reading() as site:
        data = site.units[VILLAGE].sections[SECTION].records[id].draft.data
    assert data["title"] == TYPED["标题"]
    assert data["summary"] == TYPED["两句话说明"]
    assert data["event_date"] == TYPED["事情发生的日期"]
    assert data["body"] == TYPED["正文"]
    assert data["basis"] == [TYPED["公开依据"]]
    assert "挖掘机台班" in str(data["tables"])
