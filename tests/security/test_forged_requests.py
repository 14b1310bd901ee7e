"""What other sites, old sessions and hand-made requests can't do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from support.village import PASSWORD, SECTION, VILLAGE, Village, url

MINE = "http://localhost"


def _standing(village: Village) -> bytes:
    return village.services.store.last_transaction()


def _token(browser: Any) -> str:
    return str(browser.get("/staff").form_with("csrf_token")["csrf_token"].value)


class TestTokens:
    """Every unsafe request names its session's token."""

    @pytest.mark.parametrize("tail", [("edit",), ("autosave",), ("do", "submit"), ("attach",), ("recuse",), ("nothing",)])
    def test_without_or_with_another_ones_token_nothing_changes(self, village: Village, tail: tuple[str, ...]) -> None:
        id = village.draft()
        clerk, other = village.client("clerk"), village.client("clerk2")
        before = _standing(village)
        stranger = village.client()
        login_token = stranger.get("/login").form_with("password")["csrf_token"].value
        for token in ("", "x", _token(other), login_token, _token(clerk)[:-1]):
            fields = {"title": "被改的标题", "csrf_token": token} if token else {"title": "被改的标题"}
            page = clerk.post(url(id, *tail), fields, expect_errors=True)
            assert page.status_int == 403
        clerk.post("/logout", {}, status=403)
        clerk.post("/staff/role", {"role": "approver"}, status=403)
        assert _standing(village) == before
        assert clerk.get("/staff", status=200)

    def test_a_token_may_come_in_a_header_but_never_in_the_address(self, village: Village) -> None:
        id = village.draft()
        clerk = village.client("clerk")
        token = _token(clerk)
        clerk.post(f"{url(id, 'edit')}?csrf_token={token}", {"title": "x"}, status=403)
        page = clerk.post(url(id, "autosave"), {"title": "x"}, headers={"X-CSRF-Token": token}, expect_errors=True)
        assert page.status_int == 409, "refused for its old version, not for its token"

    def test_a_wrong_token_tells_nothing_of_what_exists(self, village: Village) -> None:
        id = village.draft()
        for login in ("", "subdistrict", "system"):
            browser = village.client(login)
            answers = {browser.post(address, {"a": "b"}, expect_errors=True).status_int for address in (url(id, "edit"), url("zzzzzzzz", "edit"))}
            assert answers == {403}


class TestOrigins:
    """A browser says where a form came from."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost.evil.example"},
            {"Origin": "http://localhost:81"}, {"Origin": "https://localhost"}, {"Origin": "http://localhost@evil.example"},
            {"Origin": MINE, "Sec-Fetch-Site": "cross-site"}, {"Origin": MINE, "Sec-Fetch-Site": "same-site"},
            {"Origin": MINE, "Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        ],
    )
    def test_a_foreign_form_with_the_right_token(self, place: Village, headers: dict[str, str]) -> None:
        id = place.draft()
        clerk = place.client("clerk")
        form = clerk.get(url(id, "work")).forms["do-submit"]
        before = _standing(place)
        page = clerk.post(url(id, "do", "submit"), form.submit_fields(), headers=headers, status=403)
        assert "不是从本网站的页面来的" in page.words
        assert _standing(place) == before
        sent = place.client().post("/login", {"login": "clerk", "password": PASSWORD}, headers=headers, status=403)
        assert "Set-Cookie" not in sent.headers or place.services.cookie.name + "=" not in sent.headers["Set-Cookie"]

    def test_a_request_that_says_nothing_of_its_origin(self, place: Village) -> None:
        id = place.draft()
        clerk = place.client("clerk")
        fields = clerk.get(url(id, "work")).forms["do-submit"].submit_fields()
        del clerk.extra_environ["HTTP_ORIGIN"]
        clerk.post(url(id, "do", "submit"), fields, status=403)
        clerk.post(url(id, "do", "submit"), fields, headers={"Referer": "https://evil.example/"}, status=403)
        clerk.post(url(id, "do", "submit"), fields, headers={"Referer": f"{MINE}{url(id, 'work')}"}, status=200)

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_other_methods_are_no_way_around(self, place: Village, method: str) -> None:
        id = place.published()
        clerk = place.client("clerk")
        before = _standing(place)
        page = clerk.request(url(id), method=method, headers={"Origin": "https://evil.example"}, expect_errors=True)
        assert page.status_int == 403
        page = clerk.request(url(id, "edit"), method=method, expect_errors=True)
        assert page.status_int == 403
        override = clerk.get(url(id, "work"), headers={"X-HTTP-Method-Override": "POST"}, expect_errors=True)
        assert override.status_int == 200
        assert _standing(place) == before

    def test_a_head_with_a_form_does_nothing(self, place: Village) -> None:
        id = place.draft()
        place.move(id, "submit", "clerk")
        recorder = place.client("clerk2")
        before = _standing(place)
        for tail in (("paper",), ("edit",), ("do", "take_back")):
            page = recorder.request(url(id, *tail), method="HEAD", body=b"comment=x&button=record", expect_errors=True)
            assert page.status_int in (200, 303, 404)
        recorder.request(f"/u/{VILLAGE}/{SECTION}/new", method="HEAD", body=b"title=x", status=200)
        assert _standing(place) == before


class TestRedirects:
    """Redirects lead only to paths of our own."""

    BAD = (
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/%0d%0aSet-Cookie:x=1",
        "/\r\nSet-Cookie: x=1", " //evil.example", "/\t/evil.example", "http:evil.example", "///evil.example", "data:text/html,x", "",
    )

    @pytest.mark.parametrize("bad", BAD)
    def test_next(self, place: Village, bad: str) -> None:
        browser = place.client()
        answers = [browser.get(f"{path}?{quote('next')}={quote(bad)}&to=en&on=1", status=303) for path in ("/elder", "/language")]
        form = browser.get(f"/login?next={quote(bad)}").form_with("password")
        form["login"], form["password"] = "clerk", PASSWORD
        answers.append(form.submit(status=303))
        answers.append(browser.get(f"/login?next={quote(bad)}", status=303))
        for answer in answers:
            location = answer.headers["Location"].removeprefix(MINE)
            assert location.startswith("/")
            assert not location.startswith(("//", "/\\"))
            assert "\r" not in location
            assert "\n" not in location
            assert "Set-Cookie: x" not in str(answer.headers)

    def test_a_forged_next_in_the_posted_form(self, place: Village) -> None:
        browser = place.client()
        form = browser.get("/login").form_with("password")
        fields = {"login": "clerk", "password": PASSWORD, "next": "//evil.example", "csrf_token": form["csrf_token"].value}
        assert browser.post("/login", fields, status=303).headers["Location"].removeprefix(MINE) == "/staff"


class TestAddresses:
    """Only what stands in the tree of addresses is found."""

    @pytest.mark.parametrize(
        "tail",
        [
            "@@work", "%40%40work", "../", "%2e%2e/%2e%2e/", "..%2f..%2fetc%2fpasswd", "%00", "work%00", "_p_jar", "__class__", "__dict__",
            "_p_jar/_db", "draft", "revisions", "editions/0", "editions/-1", "editions/01", "editions/%C2%B2", "editions/99999999999",
            "editions/1/__class__", "files/__class__", "files/..", "files/", "history/x", "a/" * 40, "x" * 4000, "*", "*traverse",
            "subscribers", "get", "keys", "work/work", "do", "do/", "do/__class__", "qr/qr", "work;x=1",
        ],
    )
    def test_strange_tails(self, place: Village, tail: str) -> None:
        id = place.published()
        for login in ("", "clerk"):
            browser = place.client(login)
            page = browser.get(f"{url(id)}/{tail}", expect_errors=True)
            assert page.status_int in (303, 400, 404) or (page.status_int == 200 and tail in ("work/work", "qr/qr", "history/x"))
            for secret in ("object at 0x", "persistent", "Traceback", "BTree"):
                assert secret not in page.text

    @pytest.mark.parametrize(
        "path",
        [
            "/u/", "/u/..", "/u/__class__/", "/u/99010110020/", "/u/9901011002010/", f"/u/{VILLAGE}/__class__", f"/u/{VILLAGE}/sections",
            f"/u/{VILLAGE}/{SECTION}/records", f"/u/{VILLAGE}/{SECTION}/_p_jar", f"/u/{VILLAGE}/{SECTION}/../../../", "/static/../../setup.cfg",
            "/static/%2e%2e/%2e%2e/layout.pt", "/static//etc/passwd", "/static/..%2f..%2fsetup.cfg", "/log/tile/../../keys", "/log/tile/x",
            "/" + "u/" * 40, "/" + "a" * 4000, "/%ff", "/%00", "/.git/config", "/Data.fs", "/set-password/clerk/x/y", "/-/", "/u/%F0%9F/",
        ],
    )
    def test_strange_paths(self, place: Village, path: str) -> None:
        page = place.client().get(path, expect_errors=True)
        assert page.status_int in (400, 404) or page.request.path in ("/", "/u/")
        assert "[metadata]" not in page.text
        assert "Traceback" not in page.text


def test_every_answer_carries_the_headers_of_safety(place: Village) -> None:
    id = place.published()
    place.catch_up()
    clerk = place.client("clerk")
    for browser in (place.client(), clerk):
        for path in ("/", "/login", "/search?q=x", url(id), url(id, "work"), url("zzzzzzzz"), "/static/x", "/-/live", "/log/checkpoint", url(id, "qr")):
            headers = browser.get(path, expect_errors=True).headers
            assert headers.get("X-Content-Type-Options") == "nosniff", path
            assert headers["Referrer-Policy"] == "same-origin"
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert "unsafe" not in policy
            assert "sandbox" in policy or "frame-ancestors 'none'" in policy
    assert clerk.get("/staff").headers["Cache-Control"] == "no-store"
    for path in ("/", url(id), "/search?q=x", f"/u/{VILLAGE}/"):
        assert "no-store" in clerk.get(path).headers["Cache-Control"], "a page with a name on it is nobody else's"


def test_an_address_that_is_no_text_carries_them_too(place: Village) -> None:
    answer = place.client().get("/%ff", status=400)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "网址不完整" in answer.text


def test_hosts_and_forwarding_headers_of_strangers_lead_nowhere(place: Village) -> None:
    browser = place.client()
    answer = browser.get("/staff", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}, status=303)
    assert "evil.example" not in answer.headers["Location"]
