"""What a program must not get at: other people's rights, other villages, what is not for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from webtest import TestApp

from jiceng_cms.access.accounts import DisableAccount
from jiceng_cms.access.tokens import CreateToken, RevokeToken, new_token, tokens_of
from jiceng_cms.affairs.units.actions import EndRole
from jiceng_cms.core.errors import Forbidden, Invalid, NeedsReauthentication
from jiceng_cms.core.history import kept as events
from support.programs import NEW, Program, path_of, program, token_of
from support.village import COMMUNITY, OPERATOR, OTHER_VILLAGE, VILLAGE, Village


def kept(village: Village) -> list[Any]:
    with village.reading() as site:
        return [(t.id, t.login, t.scopes, t.revoked_at) for t in tokens_of(site).values()]


def test_only_a_hash_of_a_token_lies_in_the_database(village: Village) -> None:
    text = token_of(village, "clerk")
    secret = text.rpartition("_")[2].encode()
    for file in village.services.settings.home.rglob("*"):
        if file.is_file():
            assert secret not in file.read_bytes(), file


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer jct_x", "Basic Y2xlcms6eA==", "bearer\u00a0x", "Bearer " + "a" * 9000, "Token {text}", "Bearer {text}x", "Bearer {wrong}"],
)
def test_a_bad_token_opens_nothing_not_even_what_is_public(village: Village, header: str) -> None:
    text = token_of(village, "clerk")
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    sent = {"Authorization": header.format(text=text, wrong=wrong)}
    refused = program(village).call("GET", "/units", headers=sent, status=401)
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_ends_by_its_date_by_revocation_and_with_its_account(village: Village) -> None:
    old, lost, gone = (program(village, "clerk", days=1), program(village, "clerk"), program(village, "clerk2"))
    for one in (old, lost, gone):
        one.get("/token")
    lost.call("DELETE", "/token", status=204)
    lost.get("/token", status=401)
    village.services.actions.perform(DisableAccount("clerk2", reason="调离"), OPERATOR)
    gone.get("/token", status=401)
    village.clock.advance(days=1)
    old.get("/token", status=401)


def test_a_role_that_was_taken_away_takes_the_token_with_it(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    village.services.actions.perform(EndRole(VILLAGE, village.people["clerk"], "clerk", "调离"), OPERATOR)
    clerk.get(path_of(record), status=404)
    clerk.call("PUT", path_of(record), {"data": NEW["data"]}, headers={"If-Match": '"x"'}, status=404)
    assert clerk.call("POST", f"/units/{VILLAGE}/records", NEW, status=403).json["code"] == "forbidden"
    assert clerk.draft(unit=COMMUNITY)["state"] == "draft", "the role at the other unit holds"


def test_a_scope_is_never_exceeded(village: Village) -> None:
    record = program(village, "clerk").draft()
    reader = program(village, "clerk", "read")
    refused = reader.call("POST", f"/units/{VILLAGE}/records", NEW, status=403)
    assert refused.json["scope"] == "draft"
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert reader.get(path_of(record)).json["actions"] == []
    program(village, "clerk", "read", "draft").move(record, "submit", status=403)
    program(village, "clerk").move(record, "submit")
    for login in ("supervisor", "supervisor2"):
        program(village, login).sign(record)
    approver = program(village, "approver", "read", "submit")
    assert [a["name"] for a in approver.get(path_of(record)).json["actions"]] == ["return"]
    assert approver.move(record, "publish", status=403).json["scope"] == "publish"
    program(village, "approver", "publish").call(
        "POST", f"{path_of(record)}/transitions/publish", {}, headers={"If-Match": approver.tag(record)}
    )


def test_a_person_makes_tokens_for_nobody_else_and_no_stronger_than_the_role(village: Village) -> None:
    def make(as_login: str, login: str, role: str, *scopes: str, fresh: bool = True, second: bool = True) -> str:
        made = new_token()
        return village.do(CreateToken(login, role, scopes, made.id, made.digest, second_factor=second), as_login, fresh=fresh)

    for who in ("system", "security", "approver"):
        with pytest.raises(Forbidden):
            make(who, "clerk", "clerk", "read")
    with pytest.raises(Invalid):
        make("clerk", "clerk", "approver", "read")
    with pytest.raises(Invalid):
        make("clerk", "clerk", "clerk", "read", "publish")
    with pytest.raises(Invalid):
        make("clerk", "clerk", "clerk", "everything")
    for fresh, second in ((False, True), (True, False)):
        with pytest.raises(NeedsReauthentication):
            make("approver", "approver", "approver", "publish", fresh=fresh, second=second)
    id = make("approver", "approver", "approver", "publish")
    with pytest.raises(Forbidden):
        village.do(RevokeToken("approver", id), "clerk")
    village.do(RevokeToken("approver", id), "security")
    assert kept(village)[0][3] is not None


def test_the_ids_of_another_village_lead_nowhere(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    for code in (OTHER_VILLAGE, COMMUNITY, "990101100299"):
        there = {**record, "unit": code}
        clerk.get(path_of(there), status=404)
        clerk.call("PUT", path_of(there), {"data": NEW["data"]}, headers={"If-Match": clerk.tag(record)}, status=404)
    clerk.call("POST", f"/units/{OTHER_VILLAGE}/records", NEW, status=403)
    with village.reading() as site:
        assert not site.units[OTHER_VILLAGE].sections


@pytest.mark.parametrize(
    "extra",
    [
        {"id": "k7m2q9xw"}, {"unit": OTHER_VILLAGE}, {"standing": "published"}, {"authors": []}, {"created_by": "x"},
        {"data": {**NEW["data"], "published_at": "2020-01-01"}}, {"data": {**NEW["data"], "late_days": 0}},  # type: ignore[dict-item]
    ],
)
def test_what_is_not_the_callers_to_say_is_refused(village: Village, extra: dict[str, Any]) -> None:
    clerk = program(village, "clerk")
    clerk.call("POST", f"/units/{VILLAGE}/records", {**NEW, **extra}, status=422)
    record = clerk.draft()
    body = {"data": NEW["data"], **extra}
    clerk.call("PUT", path_of(record), body, headers={"If-Match": clerk.tag(record)}, status=422)


def test_cookies_mean_nothing_to_the_api_and_tokens_nothing_to_the_pages(village: Village) -> None:
    browser = village.client("clerk")
    record = program(village, "clerk").draft()
    browser.get(f"/api/v1{path_of(record)}", status=404)
    browser.post_json(f"/api/v1/units/{VILLAGE}/records", NEW, status=401)
    text = token_of(village, "clerk")
    app = TestApp(village.app)
    app.get(f"{record['url']}/work", headers={"Authorization": f"Bearer {text}"}, status=303)
    app.post(f"{record['url']}/do/submit", headers={"Authorization": f"Bearer {text}"}, status=403)


@pytest.mark.parametrize("path", ["/../../../u/{unit}/disclosures/{id}/work", "/%2e%2e/%2e%2e/u/{unit}/disclosures/{id}/edit", "//u/{unit}/", "/units/.."])
def test_no_way_leads_from_the_api_to_views_that_know_no_scopes(village: Village, path: str) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    clerk.get(path.format(**record), status=404)
    clerk.call("POST", path.format(**record), {}, status=404)


def test_many_bad_tokens_are_slowed_and_good_ones_go_on(village: Village) -> None:
    good, bad = program(village, "clerk"), Program(village, "jct_nothing")
    statuses = {bad.get("/units", status=401 if n < 30 else 429).status_int for n in range(35)}
    assert statuses == {401, 429}
    good.get("/token")
    village.clock.advance(minutes=2)
    bad.get("/units", status=401)


def test_what_is_not_there_and_what_is_not_for_me_answer_alike(village: Village) -> None:
    record = program(village, "clerk").draft()
    resident = program(village)
    hidden = resident.get(path_of(record), status=404).json
    missing = resident.get(f"/units/{VILLAGE}/records/zzzzzzzz", status=404).json
    for told in (hidden, missing):
        del told["request"]
    assert hidden == missing
    # the supervisor acts at this village and sees no draft of the Party; the answer is the same
    party = village.draft(kind="party", audience="branch")
    member = program(village, "supervisor")
    body, match = {"name": "supervision", "verdict": "agree"}, {"If-Match": '"x"'}
    for id in (party, "zzzzzzzz"):
        member.call("POST", f"/units/{VILLAGE}/records/{id}/signoffs", body, headers=match, status=404)


def test_the_journal_tells_that_a_token_acted_and_which(village: Village) -> None:
    clerk = program(village, "clerk")
    record = clerk.draft()
    id = clerk.get("/token").json["id"]
    with village.reading() as site:
        history = site.units[VILLAGE].sections["disclosures"].records[record["id"]].history
        assert next(events(history)).event()["request"].startswith(f"api-{id}-")


def test_a_long_life_is_refused(village: Village) -> None:
    made = new_token()
    with pytest.raises(Invalid):
        village.do(CreateToken("clerk", "clerk", ("read",), made.id, made.digest, days=timedelta(days=400).days), "clerk")
