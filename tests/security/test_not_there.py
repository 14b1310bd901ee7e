"""What is not for a reader answers like what was never there (S6)."""

from __future__ import annotations

from typing import Any

import pytest

from support.uploads import PDF, send
from support.village import OTHER_VILLAGE, SECTION, VILLAGE, Village, url

MISSING = "zzzzzzzz"
#: Every tail that a record's address can have, of readers and of staff.
TAILS = (
    (), ("print",), ("qr",), ("work",), ("edit",), ("history",), ("paper",), ("sheet",), ("work-edition",), ("do", "submit"), ("signoff", "supervision"),
    ("answer", "0"), ("recuse",), ("stand-in",), ("attach",), ("autosave",), ("editions", "1"), ("editions", "1", "proof"), ("editions", "1", "qr"),
    ("editions", "2", "difference"), ("nothing",), ("editions",), ("files",),
)


def _shape(answer: Any, id: str) -> tuple[Any, ...]:
    """All of an answer but what depends on the request itself: its address, its tokens."""
    text = answer.text.replace(id, "ID")
    for form in answer.forms.values() if answer.content_type == "text/html" else ():
        for field in form.fields.get("csrf_token", ()):
            text = text.replace(str(field.value), "TOKEN")
    skipped = ("Set-Cookie", "Date")
    headers = sorted((n, v.replace(id, "ID")) for n, v in answer.headers.items() if n not in skipped)
    return answer.status_int, headers, text


@pytest.mark.parametrize("login", ["", "subdistrict", "inspector", "system", "audit", "supervisor"])
def test_a_draft_and_what_was_never_there_answer_alike(village: Village, login: str) -> None:
    """For whoever may not see the draft: byte for byte, by GET, HEAD and POST."""
    unit = OTHER_VILLAGE if login == "supervisor" else VILLAGE
    id = village.draft(unit=VILLAGE, kind="party", audience="branch")
    browser = village.client(login)
    readable = login in ("inspector",)
    for tail in TAILS:
        real, missing = url(id, *tail, unit=unit), url(MISSING, *tail, unit=unit)
        got = _shape(browser.get(real, expect_errors=True), id)
        if not readable:
            assert got == _shape(browser.get(missing, expect_errors=True), MISSING), real
            head = browser.head(real, expect_errors=True)
            assert head.status_int == browser.head(missing, expect_errors=True).status_int
            fields: dict[str, str] = {"comment": "说明", "title": "标题"}
            page = browser.get("/staff" if login else "/login")
            fields["csrf_token"] = page.form_with("csrf_token")["csrf_token"].value
            for sent in (fields, {"comment": "说明"}):
                posted = _shape(browser.post(real, sent, expect_errors=True), id)
                assert posted == _shape(browser.post(missing, sent, expect_errors=True), MISSING), real
                assert posted[0] in (403, 404)
    if not readable:
        assert id not in browser.get(f"/u/{unit}/{SECTION}/").text


def test_files_of_a_draft_are_not_there(village: Village) -> None:
    id = village.draft()
    clerk = village.client("clerk")
    send(clerk, clerk.get(url(id, "work")), "决算.pdf", PDF, status=303)
    with village.reading() as site:
        file = site.units[VILLAGE].sections[SECTION].records[id].draft.attachments[0]
    for login in ("", "system"):
        browser = village.client(login)
        for tail in ((), ("clear",), ("remove",)):
            real = browser.get(url(id, "files", file, *tail), expect_errors=True)
            missing = browser.get(url(MISSING, "files", file, *tail), expect_errors=True)
            assert _shape(real, id) == _shape(missing, MISSING)
            assert real.status_int == 404


def test_what_was_for_members_answers_like_nothing_to_all_others(village: Village) -> None:
    id = village.draft(kind="party", audience="branch")
    village.move(id, "submit", "clerk")
    village.move(id, "pass", "party2", comment="不涉密。")
    village.move(id, "publish", "party")
    village.catch_up()
    for login in ("", "supervisor", "subdistrict", "approver"):
        browser = village.client(login)
        for tail in TAILS:
            real = browser.get(url(id, *tail), expect_errors=True)
            assert _shape(real, id) == _shape(browser.get(url(MISSING, *tail), expect_errors=True), MISSING), (login, tail)
