"""The API by role: the same steps, rules and views as the pages, as JSON."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from typing import Any

import pytest
from webtest import TestApp

from jiceng_cms.ops.verifying import verify
from support.programs import NEW, Program, path_of, program
from support.village import COMMUNITY, VILLAGE, Village, url


def publish(village: Village, record: dict[str, Any], clerk: Program) -> dict[str, Any]:
    clerk.move(record, "submit")
    for login in ("supervisor", "supervisor2"):
        program(village, login).sign(record)
    found: dict[str, Any] = program(village, "approver").move(record, "publish").json
    return found


def names(record: dict[str, Any]) -> dict[str, bool]:
    return {action["name"]: action["forward"] for action in record["actions"]}


def test_a_program_takes_a_disclosure_from_the_first_word_to_the_public_and_corrects_it(village: Village) -> None:
    clerk, resident = program(village, "clerk"), program(village)
    record = clerk.draft()
    assert record["state"] == "draft"
    assert record["data"] == NEW["data"]
    assert names(record) == {"submit": True, "discard": False}
    resident.get(path_of(record), status=404)

    clerk.move(record, "submit")
    member = program(village, "supervisor")
    assert names(member.get(path_of(record)).json) == {"supervision": True}
    assert names(program(village, "approver").get(path_of(record)).json) == {"return": False}
    member.sign(record)
    program(village, "supervisor2").sign(record, "reserve", reason="请写明每盏多少钱。")
    approver = program(village, "approver")
    assert names(approver.get(path_of(record)).json) == {"publish": True, "return": False}
    published = approver.move(record, "publish").json
    assert published["standing"] == "published"
    assert published["editions"][0]["log_index"] is None

    village.catch_up()
    seen = resident.get(path_of(record)).json
    assert seen["title"] == "村道路灯维修"
    assert seen["actions"] == []
    assert seen["work"] is None
    edition = resident.get(f"{path_of(record)}/editions/1").json
    assert edition["log_index"] == seen["editions"][0]["log_index"] is not None
    salt = base64.urlsafe_b64decode(edition["salt"] + "==")
    digest = hashlib.sha256(salt + edition["content"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == edition["digest"] == seen["editions"][0]["digest"]
    proof = TestApp(village.app).get(seen["editions"][0]["url"] + "/proof").json
    assert proof["log"]["index"] == edition["log_index"]

    clerk.move(record, "correct", data={"kind": "substance", "reason": "灯的数目写少了。"})
    draft = clerk.get(path_of(record))
    changed = {**draft.json["data"], "summary": "换了八盏路灯。\n一共花了一千六百元。"}
    clerk.call("PUT", path_of(record), {"data": changed}, headers={"If-Match": draft.headers["ETag"]})
    assert resident.get(path_of(record)).json["state"] == "published", "that a correction is drafted does not show"
    again = publish(village, record, clerk)
    assert [e["number"] for e in again["editions"]] == [1, 2]
    assert resident.get(f"{path_of(record)}/editions/2").json["correction"]["reason"] == "灯的数目写少了。"
    village.catch_up()
    services = village.services
    report = verify(lambda: contextlib.nullcontext(services.store), services.settings, services.domain)
    assert report.ok, report.problems


def test_the_least_that_a_program_sends_is_enough_to_publish(village: Village) -> None:
    clerk = program(village, "clerk")
    least = {"title": "会议通知", "kind": "affairs", "event_date": "2026-08-30", "body": "九月五日开村民代表会议。"}
    record = clerk.call("POST", f"/units/{VILLAGE}/records", {"type": "disclosure", "data": least}, status=201).json
    assert record["data"]["summary"] == "九月五日开村民代表会议。"
    assert publish(village, record, clerk)["state"] == "published"


def test_a_write_names_the_state_that_it_was_decided_on(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    tag, body = clerk.tag(record), {"data": NEW["data"]}
    assert clerk.call("PUT", path_of(record), body, status=428).json["code"] == "precondition_required"
    clerk.call("PUT", path_of(record), body, headers={"If-Match": "*"}, status=428)
    saved = clerk.call("PUT", path_of(record), {"data": {**NEW["data"], "body": "改过。"}}, headers={"If-Match": tag})
    assert saved.headers["ETag"] != tag
    stale = clerk.call("PUT", path_of(record), body, headers={"If-Match": tag}, status=412).json
    assert stale["type"] == "urn:jiceng:problem:stale"
    clerk.call("POST", f"{path_of(record)}/transitions/submit", {}, status=428)
    clerk.move(record, "submit", tag=tag, status=412)
    assert clerk.get(path_of(record)).json["data"]["body"] == "改过。"
    clerk.move(record, "submit", tag="W/" + saved.headers["ETag"])


def test_a_tag_tells_nothing_and_is_not_a_digest_of_the_text(village: Village) -> None:
    clerk = program(village, "clerk")
    first, second = clerk.draft(), clerk.draft()
    assert clerk.tag(first) != clerk.tag(second), "the same words, two tags"
    id = village.published()
    record = {"unit": VILLAGE, "id": id}
    resident = program(village)
    before = resident.tag(record)
    village.move(id, "correct", "clerk", kind="substance", reason="金额写少了。")
    assert resident.tag(record) == before, "a correction in the making does not show"
    resident.call("GET", path_of(record), headers={"If-None-Match": before}, status=304)


def test_a_key_makes_a_step_happen_once(village: Village) -> None:
    clerk = program(village, "clerk")
    key = {"Idempotency-Key": "abc-1"}
    first = clerk.call("POST", f"/units/{VILLAGE}/records", NEW, headers=key).json
    second = clerk.call("POST", f"/units/{VILLAGE}/records", NEW, headers=key).json
    assert first["id"] == second["id"]
    other = {**NEW, "data": {**NEW["data"], "title": "另一件事"}}  # type: ignore[dict-item]
    problem = clerk.call("POST", f"/units/{VILLAGE}/records", other, headers=key, status=422).json
    assert problem["code"] == "idempotency_key_reused"
    again = program(village, "clerk2").call("POST", f"/units/{VILLAGE}/records", NEW, headers=key).json
    assert again["id"] != first["id"], "a key is its owner's"
    tag = clerk.tag(first)
    clerk.move(first, "submit", tag=tag, key="k2")
    assert clerk.move(first, "submit", tag=tag, key="k2").json["state"] == "review", "a lost answer is told again"
    clerk.call("POST", f"/units/{VILLAGE}/records", NEW, headers={"Idempotency-Key": "a b"}, status=400)


@pytest.mark.parametrize(
    ("raw", "status", "word"),
    [
        (b'{"type": "disclosure", "data": {"title": "a", "title": "b", "kind": "affairs"}}', 400, "写了两次"),
        (b'{"type": "disclosure", "data": {"title": NaN}}', 400, "NaN"),
        (b'{"type": "disclosure"', 400, "JSON"),
        (b"\xff\xfe", 400, "JSON"),
        (b'{"a":' * 100_000, 400, "JSON"),
        (b'{"type": "disclosure", "data": {"title": "\\ud800", "kind": "affairs"}}', 400, "JSON"),
        (b"[]", 422, "对象"),
        (b'{"type": "disclosure", "data": {"title": "a", "kind": "affairs", "number": "GK-1"}}', 422, "number"),
        (b'{"type": "disclosure", "data": {"title": "a", "kind": "affairs"}, "state": "published"}', 422, "state"),
        (b'{"type": "disclosure", "data": {"title": "a", "kind": "affairs", "event_date": "2026-02-30"}}', 422, ""),
        (b'{"type": "disclosure", "data": {"title": "a", "kind": "affairs", "part": "no such part"}}', 422, "part"),
        ('{"type": "disclosure", "data": {"title": "假‮标题", "kind": "affairs"}}'.encode(), 422, ""),
        (b'{"type": "disclosure", "data": {"title": "a", "kind": "affairs", "tables": [{"header": ["a"], "rows": [["1", "2"]]}]}}', 422, "表"),
        (b"{" + b" " * (8 * 1024 * 1024) + b"}", 413, "太大"),
    ],
)
def test_a_body_is_strict_json_by_the_document(village: Village, raw: bytes, status: int, word: str) -> None:
    problem = program(village, "clerk").call("POST", f"/units/{VILLAGE}/records", raw=raw, status=status)
    assert problem.content_type == "application/problem+json"
    assert word in problem.text


def test_what_was_withdrawn_answers_410_with_its_reason_and_never_its_title(village: Village) -> None:
    clerk = program(village, "clerk")
    record = publish(village, clerk.draft(), clerk)
    approver = program(village, "approver")
    note = {"reason": "wrong", "note": "金额抄错了，核对以后重新公布。"}
    assert approver.move(record, "withdraw", data=note).json["standing"] == "withdrawn"
    gone = program(village).get(path_of(record), status=410)
    assert gone.json["withdrawal"]["note"] == note["note"]
    assert "路灯" not in gone.text
    assert "路灯" in program(village, "inspector").get(path_of(record)).text
    program(village).get(f"{path_of(record)}/editions/1", status=410)


def test_a_refusal_names_its_rule(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft(body="联系电话13812345678。")
    blocked = clerk.get(path_of(record)).json["blocked"]
    assert [b["name"] for b in blocked] == ["submit"]
    failed = clerk.move(record, "submit", status=422).json
    assert failed["code"] == "checks_failed"
    assert failed["problems"] == blocked[0]["problems"]
    assert "13812345678" not in str(failed)
    clerk.move(record, "nowhere", status=404)
    clerk.move(record, "return", comment="改。", status=409)
    clerk.move(record, "discard", status=422)


def test_objections_are_answered_and_both_stand_in_the_edition(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    clerk.move(record, "submit")
    for login in ("supervisor", "supervisor2"):
        program(village, login).sign(record, "object", reason="六盏灯没有这么贵。")
    seen = clerk.get(path_of(record)).json
    for member in seen["work"]["signoffs"][0]["roster"]:
        if member["verdict"] == "object":
            body = {"name": "supervision", "person": member["person"], "text": "附上三家的报价。"}
            clerk.call("POST", f"{path_of(record)}/answers", body, headers={"If-Match": clerk.tag(record)})
    program(village, "supervisor3").call(
        "POST", f"{path_of(record)}/recusals", {"reason": "施工的是我弟弟。"}, headers={"If-Match": clerk.tag(record)}
    )
    program(village, "approver").move(record, "publish")
    told = program(village).get(f"{path_of(record)}/editions/1").json["signoffs"][0]
    assert told["recused"] == 1
    assert {r["answer"] for r in told["reasons"]} == {"附上三家的报价。"}


def test_files_come_and_go_and_are_cleared_by_a_second_person(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    app = TestApp(village.app)
    headers = {"Authorization": f"Bearer {clerk.token}"}
    where = f"/api/v1{path_of(record)}/attachments"
    files = [("file", "报价.txt", "一家一千二百元。".encode())]
    held = app.post(where, upload_files=files, headers=headers, status=201).json
    file = held["attachments"][0]
    assert (file["filename"], file["cleared"]) == ("报价.txt", False)
    assert app.get(file["url"], headers=headers).body.decode() == "一家一千二百元。"
    app.get(file["url"], status=404)
    clear = f"{path_of(record)}/attachments/{file['id']}/clearance"
    assert clerk.call("POST", clear, status=403).json["code"] == "separation_of_duties"
    program(village, "supervisor").call("POST", clear)
    record = publish(village, record, clerk)
    assert app.get(file["url"]).content_disposition.startswith("attachment")
    assert app.post(where, upload_files=files, headers=headers, status=409).json["code"] == "not_now"
    other = clerk.draft()
    where = f"/api/v1{path_of(other)}/attachments"
    spare = app.post(where, upload_files=files, headers=headers, status=201).json["attachments"][0]
    assert clerk.call("DELETE", f"{path_of(other)}/attachments/{spare['id']}").json["attachments"] == []
    bad = [("file", "a.txt", b"\0\1\2")]
    assert app.post(where, upload_files=bad, headers=headers, status=422).json["fields"]
    app.post(where, {"file": "text"}, headers=headers, status=415)
    app.post(where, {"x": "1"}, upload_files=files, headers=headers, status=422)


def test_history_is_whole_for_those_who_work_and_public_facts_for_everyone(village: Village) -> None:
    id = village.published()
    record = {"unit": VILLAGE, "id": id}
    staff = program(village, "supervisor").get(f"{path_of(record)}/history").json["items"]
    assert [e["kind"] for e in staff][:2] == ["record.created", "record.submitted"]
    assert staff[0]["person"] == "陈经办"
    public = program(village).get(f"{path_of(record)}/history").json["items"]
    assert [(e["kind"], e["role"], e["person"]) for e in public] == [("record.published", "approver", None)]
    assert "陈经办" not in str(public)


def test_units_and_search(village: Village) -> None:
    village.published()
    village.catch_up()
    resident = program(village)
    assert {u["code"] for u in resident.get("/units", q="sq").json["items"]} == {VILLAGE}
    assert resident.get(f"/units/{COMMUNITY}").json["kind"] == "community"
    resident.get("/units/990101100299", status=404)
    hits = resident.get("/search", q="水渠維修", unit="990101100000").json
    assert hits["total"] == 1
    assert hits["items"][0]["url"] == url(hits["items"][0]["id"])
    assert resident.get("/search", q="水渠", unit=COMMUNITY).json["total"] == 0
    resident.get("/search", status=400)
    resident.get("/search", q="水" * 500, status=400)


def test_the_documentation_is_ours_and_whole(village: Village) -> None:
    app = TestApp(village.app)
    document = app.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    page = app.get("/api/v1/docs")
    for path in document["paths"]:
        assert path in page.text
    assert "<script" not in page.text.replace('<script src="/static/', "")
    assert "http://" not in page.text.replace("http://localhost", "").replace("http://www.w3.org", "")


def test_no_path_of_the_document_is_without_a_view(village: Village) -> None:
    resident = program(village)
    api = village.app.registry.api_document
    for path in api.data["paths"]:
        real = path.format(code=VILLAGE, id="k7m2q9xw", file="k7m2q9", name="submit", n=1)
        allowed = set(api.methods("/api/v1" + path))
        for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - allowed:
            refused = resident.call(method, real, status=405)
            assert set(refused.headers["Allow"].split(", ")) == allowed, (method, path)
