"""The whole way of a disclosure, by role, without script: draft, sign-off, publication, reading."""

from __future__ import annotations

from support.village import VILLAGE, Village, url


def test_from_the_clerks_draft_to_the_residents_screen(village: Village) -> None:
    clerk = village.client("clerk")
    page = clerk.get(f"/u/{VILLAGE}/disclosures/new")
    form = page.form_with("title")
    form["deformField2"] = "affairs"
    form["title"] = "二组水渠维修"
    page = page.press(form).follow()
    form = page.form_with("summary")
    form["summary"] = "二组的水渠修好了。一共花了三千元。"
    form["event_date"] = "2026-08-28"
    form["body"] = "由村民亓彧翀等人义务出工。"
    form["basis"] = "《中华人民共和国村民委员会组织法》第三十五条"
    page = page.press(form, "done").follow()
    assert "没有填应当公布的日期" in page.words
    page = clerk.act(page, "submit", status=200)
    assert "监督审查" in page.words
    work = page.html.find("a", string="回到这一份")["href"]
    record = work.removesuffix("/work")

    # nobody else knows of it yet
    assert village.client().get(record, status=404)
    assert "水渠" not in village.client().get(f"/u/{VILLAGE}/disclosures/").words

    for login in ("supervisor", "supervisor2"):
        member = village.client(login)
        desk = member.get("/staff")
        assert "二组水渠维修" in desk.words
        page = member.act(member.get(work), "signoff-supervision", status=200, verdict="agree")
        assert "已经记下" in page.words

    approver = village.client("approver")
    assert "二组水渠维修" in approver.get("/staff").words
    page = approver.act(approver.get(work), "publish", status=403, password="不对的密码")
    assert "密码不对" in page.words
    page = approver.act(page, "publish", status=200, password="石桥村的老槐树三百年了")
    assert "已经公布" in page.words

    village.catch_up()
    resident = village.client()
    page = resident.get(record)
    assert "二组水渠维修" in page.words
    assert "3人中2人同意" in page.words
    assert "已存证" in page.words
    assert "今日公布，共 15 日" in page.words
    assert "亓彧翀" in page.words
    for query in ("亓彧翀", "彧翀", "石桥村", "水渠維修"):
        found = resident.get("/search", {"q": query.encode()})
        assert record in found.text, query

    supervisor = village.client("supervisor3")
    trail = supervisor.get(f"{record}/history")
    assert "陈经办" in trail.words
    assert "李审批" in trail.words
    assert resident.get(f"{record}/history", status=303).location.endswith(f"/login?next={record}/history")


def test_a_draft_is_nothing_to_strangers_and_to_other_villages(village: Village) -> None:
    id = village.draft()
    for name in ("", "work", "edit", "history", "print", "qr", "editions/1"):
        path = url(id, *filter(None, [name]))
        assert village.client().get(path, expect_errors=True).status_int in (303, 404)
    other = url(id, unit="990101100202")
    assert village.client("clerk").get(other, status=404)


def test_a_withdrawn_publication_leaves_a_stub_and_its_duty(village: Village) -> None:
    id = village.published()
    village.catch_up()
    approver = village.client("approver")
    page = approver.get(url(id, "work"))
    page = approver.act(
        page, "withdraw", status=200, reason="wrong", note="金额抄错了，核对以后重新公布。", password="石桥村的老槐树三百年了"
    )
    assert "已撤回" in page.words
    village.catch_up()
    resident = village.client()
    stub = resident.get(url(id), status=410)
    assert "二组水渠维修" not in stub.words
    assert "金额抄错了" in stub.words
    assert url(id) not in resident.get("/search", {"q": "水渠".encode()}).text
    assert "水渠" not in resident.get(f"/u/{VILLAGE}/disclosures/").words
    assert "水渠好了" not in stub.words
    supervisor = village.client("supervisor")
    kept = supervisor.get(url(id, "work-edition"), {"n": "1"})
    assert "水渠修好了" in kept.words
    clerk = village.client("clerk")
    assert "重新起草" in clerk.get("/staff").words


def test_a_correction_is_a_new_edition_with_a_visible_difference(village: Village) -> None:
    id = village.published()
    village.clock.advance(days=4)
    village.move(id, "correct", "clerk", kind="substance", reason="金额写少了。")
    village.edit(id, summary="修了二组的水渠。\n一共花了三千二百元。")
    assert "三千元" in village.client().get(url(id)).words, "the first edition stays public meanwhile"
    village.move(id, "submit", "clerk")
    village.sign(id, "supervisor")
    village.sign(id, "supervisor2")
    village.move(id, "publish", "approver")
    village.catch_up()
    resident = village.client()
    page = resident.get(url(id))
    assert "三千二百元" in page.words
    assert "已更正" in page.words
    assert "今日公布，共 15 日" in page.words, "a changed sum restarts the period"
    assert "三千元" in resident.get(url(id, "editions", "1")).words
    difference = resident.get(url(id, "editions", "2", "difference"))
    assert "三千" in difference.words
    assert resident.get(url(id, "editions", "2"), status=303)


def test_a_member_is_named_only_where_that_member_signs_with_the_name(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    for login, signs in (("supervisor2", True), ("supervisor3", False)):
        member = village.client(login)
        form = member.get(url(id, "work")).forms["do-signoff-supervision"]
        form["verdict"], form["comment"], form["signed"] = "reserve", f"{login}要看单据", signs
        assert "已经记下" in form.submit(status=200).words
    village.move(id, "publish", "approver")
    page = village.client().get(url(id))
    assert "孙监督" in page.words
    assert "钱监督" not in page.words
