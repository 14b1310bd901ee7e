"""党务公开 over the web: 提出 → 保密审查 → 审批 → 实施, for the public and for members only."""

from __future__ import annotations

from typing import Any

import pytest

from jiceng_cms.core.drafting import ClearAttachment, RemoveAttachment
from support.uploads import DOCX, PDF, send
from support.village import PASSWORD, SECTION, VILLAGE, Village, url


def _draft(village: Village, audience: str, clerk: Any) -> str:
    page = clerk.get(f"/u/{VILLAGE}/{SECTION}/new")
    form = page.form_with("title")
    form["deformField2"] = "party"
    form["title"] = "党费收缴情况"
    page = page.press(form).follow()
    assert "涉密和工作秘密不得录入" in page.words
    form = page.form_with("summary")
    form["summary"] = "上半年党费收齐了。"
    form["event_date"] = "2026-08-28"
    form["body"] = "全体党员按时交纳。"
    form["basis"] = "《中国共产党党务公开条例（试行）》第二十条"
    radios = next(k for k, fields in form.fields.items() for f in fields if audience in [o[0] for o in getattr(f, "options", [])])
    form[radios] = audience
    page = page.press(form, "done").follow()
    return str(page.request.path.split("/")[4])


def _to_approval(village: Village, audience: str) -> str:
    clerk = village.client("clerk")
    id = _draft(village, audience, clerk)
    page = clerk.act(clerk.get(url(id, "work")), "submit", status=200)
    assert "审核" in page.words
    reviewer = village.client("party2")
    assert "党费收缴情况" in reviewer.get("/staff").words
    page = reviewer.act(reviewer.get(url(id, "work")), "pass", status=422, comment="")
    assert "请写明" in page.words
    page = reviewer.act(page, "pass", status=200, comment="不涉密，必要，准确。")
    assert "审批" in page.words
    return id


def test_for_the_public_supervision_is_asked_and_the_warning_of_order_is_given(village: Village) -> None:
    clerk = village.client("clerk")
    id = _draft(village, "public", clerk)
    work = clerk.get(url(id, "work"))
    assert "先党内、后党外" in work.words
    assert clerk.act(work, "submit", status=200), "a warning stops nothing"
    # neither the approver nor the supervisors do what is the reviewer's
    for login in ("party", "supervisor", "approver"):
        page = village.client(login).get(url(id, "work"), expect_errors=True)
        assert page.status_int == 404 or "do-pass" not in page.forms
    reviewer = village.client("party2")
    reviewer.act(reviewer.get(url(id, "work")), "pass", status=200, comment="不涉密。")
    branch = village.client("party")
    page = branch.get(url(id, "work"))
    assert "监督委员会意见还不够" in page.words
    page = branch.act(page, "publish", status=422, password=PASSWORD)
    assert "还不够" in page.words
    for login in ("supervisor", "supervisor2"):
        member = village.client(login)
        member.act(member.get(url(id, "work")), "signoff-supervision", status=200, verdict="agree")
    branch.act(branch.get(url(id, "work")), "publish", status=200, password=PASSWORD)
    village.catch_up()
    page = village.client().get(url(id))
    assert "党费收缴情况" in page.words
    assert "保密审查通过" in page.words
    assert url(id) in village.client().get("/search", {"q": "党费".encode()}).text


def test_for_members_nobody_else_hears_of_it(village: Village) -> None:
    id = _to_approval(village, "branch")
    for login in ("supervisor", "approver", "subdistrict"):
        other = village.client(login)
        assert "党费收缴" not in other.get("/staff").words
        other.get(url(id, "work"), status=404)
    branch = village.client("party")
    page = branch.get(url(id, "work"))
    assert "signoff-supervision" not in page.text, "no supervision for what only members read"
    branch.act(page, "publish", status=200, password=PASSWORD)
    village.catch_up()
    member = village.client("party2")
    assert "只在党内公开" in member.get(url(id)).words
    _not_there(village, id, "党费收缴")
    village.move(id, "withdraw", "party", reason="wrong", note="数字错了。")
    village.catch_up()
    _not_there(village, id, "党费收缴")


def _not_there(village: Village, id: str, words: str) -> None:
    for login in ("", "supervisor", "approver", "subdistrict"):
        reader = village.client(login)
        for tail in ((), ("print",), ("qr",), ("editions", "1"), ("editions", "1", "proof"), ("editions", "1", "qr"), ("editions", "2", "difference")):
            reader.get(url(id, *tail), status=404)
        for page in ("/", f"/u/{VILLAGE}/", f"/u/{VILLAGE}/{SECTION}/", f"/u/{VILLAGE}/{SECTION}/?kind=party", "/staff", "/search?q=" + "%E5%85%9A%E8%B4%B9"):
            answer = reader.get(page, expect_errors=True)
            assert words not in answer.text, (login, page)
            assert id not in answer.text, (login, page)


def test_publishing_to_the_public_after_the_members_gives_no_warning(village: Village) -> None:
    first = village.draft(kind="party", audience="branch", matter="党费")
    village.move(first, "submit", "clerk")
    village.move(first, "pass", "party2", comment="不涉密。")
    village.move(first, "publish", "party")
    second = village.draft(kind="party", audience="public", matter="党费")
    page = village.client("clerk").get(url(second, "work"))
    assert "先党内、后党外" not in page.words
    village.move(second, "submit", "clerk")
    village.move(second, "pass", "party2", comment="不涉密。")
    village.sign(second, "supervisor")
    village.sign(second, "supervisor2")
    village.move(second, "publish", "party")
    village.catch_up()
    page = village.client().get(url(second))
    assert first not in page.text, "the public page does not lead to what members read"


@pytest.mark.parametrize("state", ["examine", "approve"])
def test_returned_with_remarks_to_the_clerk(village: Village, state: str) -> None:
    id = village.draft(kind="party", audience="branch", title="党费收缴情况")
    village.move(id, "submit", "clerk")
    if state == "approve":
        village.move(id, "pass", "party2", comment="不涉密。")
    who = village.client("party2" if state == "examine" else "party")
    page = who.act(who.get(url(id, "work")), "return", status=200, comment="人数请再核对。")
    assert "已办理" in page.words
    clerk = village.client("clerk")
    assert "人数请再核对" in clerk.get("/staff").words
    assert "人数请再核对" in clerk.get(url(id, "edit")).words


def test_the_examiner_does_not_approve(village: Village) -> None:
    from jiceng_cms.affairs.units.actions import GrantRole
    from support.village import OPERATOR

    village.services.actions.perform(GrantRole(VILLAGE, village.people["party2"], "approver_party", "任职文件"), OPERATOR)
    id = _to_approval(village, "branch")
    both = village.client("party2")
    token = both.get("/staff").form_with("role")["csrf_token"].value
    both.post("/staff/role", {"role": "approver_party", "csrf_token": token}, status=303)
    page = both.get(url(id, "work"))
    form = page.forms["do-publish"]
    form["password"] = PASSWORD
    page = form.submit(status=403)
    assert "已经审核过" in page.words


def test_a_file_that_only_members_read_stays_theirs_when_a_later_edition_is_for_everybody(village: Village) -> None:
    id = village.draft(kind="party", audience="branch", title="党费收缴情况")
    clerk = village.client("clerk")
    for name in ("名单.pdf", "总数.docx"):
        send(clerk, clerk.get(url(id, "work")), name, PDF if name.endswith("pdf") else DOCX)
    inner, outer = _cleared(village, id)
    _through(village, id, audience="branch")
    village.move(id, "correct", "clerk", kind="substance", reason="改为向社会公开。")
    village.edit(id, audience="public")
    village.do(RemoveAttachment(VILLAGE, SECTION, id, inner), "clerk")
    _through(village, id, audience="public")
    for login in ("", "supervisor", "clerk"):
        reader = village.client(login)
        reader.get(url(id, "files", outer), status=200)
        for tail in ((), ("view",)):
            reader.get(url(id, "files", inner, *tail), status=200 if login == "clerk" else 404)


def _cleared(village: Village, id: str) -> tuple[str, ...]:
    with village.reading() as site:
        files: tuple[str, ...] = site.units[VILLAGE].sections[SECTION].records[id].draft.attachments
    for file in files:
        village.do(ClearAttachment(VILLAGE, SECTION, id, file), "party2")
    return files


def _through(village: Village, id: str, audience: str) -> None:
    village.move(id, "submit", "clerk")
    village.move(id, "pass", "party2", comment="不涉密。")
    for login in ("supervisor", "supervisor2") if audience == "public" else ():
        village.sign(id, login)
    village.move(id, "publish", "party")
