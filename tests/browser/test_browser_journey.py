"""The whole way of a disclosure in real Chromium: drafted, signed, published, read, corrected, withdrawn."""

from __future__ import annotations

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from support.uploads import PDF, XLSX
from support.village import PASSWORD, VILLAGE, url

from .conftest import PHONE, Meet, Person, Served

pytestmark = pytest.mark.browser

TITLE = "二组水渠维修的开支"
TABLE = "序号\t日期\t摘要\t支出（元）\n1\t2026-08-20\t水泥十二袋\t３６０．００\n2\t2026-08-26\t挖掘机台班\t2640\n合计\t\t\t3,000.00"


def id_in(page: Page) -> str:
    """The record's id, from the address of one of its pages."""
    return page.url.split("/disclosures/")[1].split("/")[0]


def draft(clerk: Person) -> str:
    """The clerk writes a draft with a table and leaves the saving to the page; gives its id."""
    page = clerk.page
    page.clock.install()
    page.get_by_role("link", name="起草一份公开").click()
    page.get_by_label("村务").check()
    page.get_by_label("标题").fill(TITLE)
    clerk.press("开始填写")
    page.get_by_label("事情发生的日期").fill("2026-08-28")
    page.get_by_label("两句话说明").fill("二组的水渠修好了，可以放水。\n一共花了三千元。")
    page.get_by_label("正文").fill("由村民亓彧翀等人义务出工。")
    page.get_by_label("公开依据").fill("《中华人民共和国村民委员会组织法》第三十五条")
    clerk.press("添加表格")
    expect(page.get_by_label("表的名称")).to_be_focused()
    page.get_by_label("表的名称").fill("开支明细")
    page.get_by_label("表的内容").fill(TABLE)
    page.clock.fast_forward(21_000)
    expect(page.get_by_role("status")).to_contain_text("已保存")
    id = id_in(page)
    page.reload()  # what the page saved by itself is there, and nothing asks whether to leave
    expect(page.get_by_label("正文")).to_have_value("由村民亓彧翀等人义务出工。")
    expect(page.get_by_role("cell", name="2,640.00")).to_be_visible()
    clerk.press("保存并去提交")
    return id


def attach(person: Person, name: str, media_type: str, data: bytes) -> None:
    """Add a file on the working page."""
    person.page.get_by_label("加一个附件").set_input_files({"name": name, "mimeType": media_type, "buffer": data})
    person.press("上传这个文件")
    expect(person.page.get_by_role("link", name=name).first).to_be_visible()


def agree(member: Person, path: str) -> None:
    """A member signs."""
    page = member.open(path)
    page.get_by_label("同意", exact=True).check()
    member.press("提交我的意见")
    expect(page.get_by_role("heading", level=1)).to_have_text("您的意见已经记下")


def publish(approver: Person, path: str) -> None:
    """The approver gives the password once more and publishes."""
    page = approver.open(path)
    page.get_by_label("您的登录密码").first.fill(PASSWORD)
    approver.press("公布")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")


def test_from_draft_to_withdrawal(served: Served, people: Meet) -> None:
    clerk = people(served)
    clerk.sign_in("clerk")
    id = draft(clerk)
    record, work = url(id), url(id, "work")
    attach(clerk, "水渠维修决算.pdf", "application/pdf", PDF)
    expect(clerk.page.get_by_text("是您上传的，要由另一个人核对。")).to_be_visible()
    submit = clerk.page.get_by_role("button", name="提交监督审查", exact=True)
    expect(submit).to_be_disabled()

    second = people(served)
    second.sign_in("clerk2")
    second.open(work)
    second.press("已核对无个人信息")
    expect(second.page.get_by_text("周经办，2026年9月1日")).to_be_visible()

    clerk.open(work)
    clerk.press("提交监督审查")
    expect(clerk.page.get_by_text("现在是“监督审查”。")).to_be_visible()

    by_phone = people(served, viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    by_phone.sign_in("supervisor")
    by_phone.page.get_by_role("link", name=TITLE).tap()
    agree(by_phone, work)
    at_desk = people(served)
    at_desk.sign_in("supervisor2")
    agree(at_desk, work)

    approver = people(served)
    approver.sign_in("approver")
    approver.page.get_by_role("link", name=TITLE).click()
    approver.expects.add(403)
    approver.page.get_by_label("您的登录密码").fill("不对的密码")
    approver.press("公布")
    expect(approver.page.get_by_role("alert")).to_contain_text("密码不对")
    publish(approver, work)
    served.village.catch_up()

    resident = people(served, viewport=PHONE, is_mobile=True, has_touch=True)
    page = resident.open("/")
    page.get_by_label("想查什么").fill("水渠 亓彧翀")
    page.get_by_role("search").get_by_role("button", name="搜索").tap()
    page.get_by_role("link", name=TITLE).tap()
    expect(page).to_have_url(served.address + record)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(page.get_by_text("今日公布，共 15 日")).to_be_visible()
    expect(page.get_by_text("360.00")).to_be_visible()
    expect(page.get_by_text("3人中2人同意")).to_be_visible()
    expect(page.get_by_text("已存证", exact=True)).to_be_visible()
    page.get_by_text("存证的指纹").tap()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载核对用的材料").tap()
    assert download.value.path().stat().st_size > 500
    with page.expect_download() as download:
        page.get_by_role("listitem").filter(has_text="水渠维修决算.pdf").get_by_role("link").last.tap()
    assert download.value.path().read_bytes() == PDF
    page.get_by_role("link", name="打印张贴用的版面").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    sheet = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    words = "".join(part.get_textpage().get_text_bounded() for part in sheet)
    assert len(sheet) == 1
    assert "二组的水渠修好了" in words
    assert "3,000.00" in words
    sheet.close()

    page = at_desk.open(url(id, "history"))
    for who in ("陈经办", "周经办", "孙监督", "李审批"):
        expect(page.get_by_role("cell", name=who).first).to_be_visible()

    correct(served, clerk, id)
    for member in (by_phone, at_desk):
        agree(member, work)
    publish(approver, work)
    served.village.catch_up()
    page = resident.open(record)
    expect(page.get_by_text("已更正").first).to_be_visible()
    page.get_by_role("link", name="比较改了什么").tap()
    expect(page.locator(".compare ins").first).to_contain_text("二百")
    expect(page.locator(".compare del").first).to_be_visible()

    withdraw(approver, work)
    served.village.catch_up()
    resident.expects.add(410)
    page = resident.open(record)
    expect(page.get_by_text("已撤回", exact=True)).to_be_visible()
    expect(page.get_by_text("单据要重新核对")).to_be_visible()
    assert TITLE not in page.content()
    page.get_by_label("搜索公开内容").fill("水渠")
    page.get_by_role("button", name="搜索").tap()
    expect(page.get_by_text("没有找到")).to_be_visible()


def correct(served: Served, clerk: Person, id: str) -> None:
    """The clerk opens a correction, changes a sum and submits it."""
    page = clerk.open(url(id, "work"))
    form = page.locator("#do-correct")
    form.get_by_label("改后公示期从头算").check()
    form.get_by_label("为什么更正").fill("漏了一张运费单据。")
    form.get_by_role("button").click()
    page.get_by_label("两句话说明").fill("二组的水渠修好了。\n一共花了三千二百元。")
    clerk.press("保存并去提交")
    attach(clerk, "补充单据.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", XLSX)
    page.get_by_role("listitem").filter(has_text="补充单据.xlsx").get_by_role("button", name="移除这个附件").click()
    expect(page.get_by_role("link", name="补充单据.xlsx")).to_have_count(0)
    clerk.press("提交监督审查")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")


def withdraw(approver: Person, work: str) -> None:
    """The approver withdraws with a reason of the closed list."""
    page = approver.open(work)
    form = page.locator("#do-withdraw")
    form.get_by_label("内容有重大差错").check()
    form.get_by_label("向居民说明").fill("单据要重新核对，核对以后再公布。")
    form.get_by_label("您的登录密码").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")


def test_without_script_everything_works_by_buttons(served: Served, people: Meet) -> None:
    clerk = people(served, java_script_enabled=False)
    page = clerk.sign_in("clerk")
    page.get_by_role("link", name="起草一份公开").click()
    page.get_by_label("财务").check()
    page.get_by_label("标题").fill("八月收支")
    clerk.press("开始填写")
    page.get_by_label("两句话说明").fill("八月收了三千元，\n支了两千元。")
    page.get_by_label("事情发生的日期").fill("2026-08-31")
    clerk.press("添加表格")
    clerk.press("添加表格")
    expect(page.get_by_label("表的名称")).to_have_count(2)
    expect(page.get_by_label("两句话说明")).to_have_value("八月收了三千元，\n支了两千元。")
    page.get_by_label("表的名称").nth(0).fill("支出")
    page.get_by_label("表的内容").nth(0).fill("项目\t金额\n路灯\t2000")
    page.get_by_label("表的名称").nth(1).fill("收入")
    page.get_by_label("表的内容").nth(1).fill("项目\t金额\n发包\t3000")
    page.get_by_role("button", name="上移").nth(1).click()
    expect(page.get_by_label("表的名称").nth(0)).to_have_value("收入")
    clerk.press("添加表格")
    page.get_by_role("button", name="删除").nth(2).click()
    expect(page.get_by_label("表的名称")).to_have_count(2)
    clerk.press("保存并去提交")
    id = id_in(page)
    clerk.press("提交监督审查")
    expect(page.get_by_text("现在是“监督审查”。")).to_be_visible()
    for login in ("supervisor", "supervisor2"):
        member = people(served, java_script_enabled=False)
        member.sign_in(login)
        agree(member, url(id, "work"))
    approver = people(served, java_script_enabled=False)
    approver.sign_in("approver")
    publish(approver, url(id, "work"))
    served.village.catch_up()
    resident = people(served, java_script_enabled=False)
    page = resident.open(f"/u/{VILLAGE}/")
    page.get_by_role("link", name="八月收支").click()
    tables = page.get_by_role("table")
    expect(tables.nth(0)).to_contain_text("收入")
    expect(tables.nth(1)).to_contain_text("2,000.00")
    page.get_by_text("存证的指纹").click()
    expect(page.get_by_role("link", name="下载核对用的材料")).to_be_visible()


def test_a_second_editor_is_told_and_what_was_typed_comes_back(served: Served, people: Meet) -> None:
    id = served.village.draft()
    first, second = people(served), people(served)
    first.expects.add(409)
    for person, login in ((first, "clerk"), (second, "clerk2")):
        person.sign_in(login)
        person.open(url(id, "edit"))
    second.page.get_by_label("正文").fill("第二个人写的。")
    second.press("保存草稿")
    first.page.get_by_label("正文").fill("第一个人写的。")
    first.press("保存草稿")
    page = first.page
    expect(page.get_by_role("heading", level=1)).to_have_text("这份草稿刚被别人改过")
    expect(page.get_by_text("第二个人写的。").first).to_be_visible()
    expect(page.get_by_label("正文")).to_have_value("第一个人写的。")
    page.get_by_label("正文").fill("两个人写的都在。")
    first.press("保存并去提交")
    expect(page.get_by_text("两个人写的都在。")).to_be_visible()


def test_leaving_unsaved_words_is_asked_about_and_a_copy_is_offered(served: Served, people: Meet) -> None:
    id = served.village.draft()
    clerk = people(served)
    clerk.sign_in("clerk")
    page = clerk.page
    page.clock.install()
    clerk.open(url(id, "edit"))
    clerk.context.set_offline(True)
    page.get_by_label("正文").fill("断网的时候写的。")
    page.clock.fast_forward(21_000)
    expect(page.get_by_role("status")).to_contain_text("先留在这台电脑上")
    clerk.complaints[:] = [line for line in clerk.complaints if "INTERNET_DISCONNECTED" not in line]
    clerk.context.set_offline(False)
    asked: list[str] = []

    def leave(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    page.on("dialog", leave)
    page.close(run_before_unload=True)
    clerk.page = clerk.context.new_page()
    page = clerk.open(url(id, "edit"))
    assert asked == ["beforeunload"]
    expect(page.get_by_text("没有保存的内容")).to_be_visible()
    clerk.press("恢复没保存的内容")
    expect(page.get_by_label("正文")).to_have_value("断网的时候写的。")
