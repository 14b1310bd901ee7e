"""Sheets for the board and for signing."""

from __future__ import annotations

from pathlib import Path

from support.village import VILLAGE, Village, open_village, url


def test_lists_units_and_editions_print(village: Village) -> None:
    id = village.published()
    village.catch_up()
    resident = village.client()
    for path in (f"/u/{VILLAGE}/print", f"/u/{VILLAGE}/disclosures/print", url(id, "print"), url(id, "editions", "1", "print")):
        page = resident.get(path)
        assert "二组水渠维修" in page.words, path
        assert "0999-5550101" in page.words, path
    assert resident.get(f"/u/{VILLAGE}/qr").content_type == "image/svg+xml"
    assert "还没有公布过内容" in resident.get("/u/990101100202/print").words


def test_a_sheet_signed_on_paper_is_entered_by_somebody_who_did_not_write(village: Village) -> None:
    id = village.draft()
    village.move(id, "submit", "clerk")
    recorder = village.client("clerk2")
    sheet = recorder.get(url(id, "sheet"))
    assert "亓彧翀" in sheet.words
    assert "回执（撕下交签署人）" in sheet.words
    code = sheet.words.split("校验码：")[1][:8]
    page = recorder.get(url(id, "paper"))
    form = page.form_with("code")
    form["code"], form["signed_on"] = "AAAAAAAA", "2026-09-01"
    form["member"] = village.people["supervisor"]
    form["named"] = "yes"
    form[next(n for n in form.fields if n and n.startswith("deformField"))] = "agree"
    page = page.press(form, status=409)
    assert "对不上" in page.words
    form = page.form_with("code")
    form["code"] = code
    page = page.press(form, status=200)
    assert "纸质意见已经录入" in page.words
    # who wrote the draft may not enter it
    author = village.client("clerk")
    page = author.get(url(id, "paper"))
    form = page.form_with("code")
    form["code"], form["signed_on"] = code, "2026-09-01"
    form["member"] = village.people["supervisor2"]
    form[next(n for n in form.fields if n and n.startswith("deformField"))] = "agree"
    assert "要由另一个人代录" in page.press(form, status=403).words
    village.sign(id, "supervisor2")
    village.move(id, "publish", "approver")
    public = village.client().get(url(id)).words
    assert "纸质签署，由经办人代录" in public
    assert "亓彧翀" in public


def test_paper_bears_the_sites_own_address_whoever_asks(tmp_path: Path) -> None:
    village = open_village(tmp_path / "home", **{"access.origins": "https://gongkai.example.org http://localhost"})
    try:
        id = village.published()
        page = village.client().get(url(id, "print"), extra_environ={"HTTP_HOST": "evil.example"})
        assert "https://gongkai.example.org" in page.words
        assert "evil" not in page.text
    finally:
        village.close()


def test_a_withdrawn_title_leaves_the_home_page_before_the_board_has_looked(village: Village) -> None:
    id = village.published()
    village.catch_up()
    village.move(id, "withdraw", "approver", reason="wrong", note="金额抄错了，核对以后重新公布。")
    assert "二组水渠维修" not in village.client().get("/").words
