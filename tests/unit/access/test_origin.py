"""Requests from foreign pages change nothing; requests from our own pages go through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyramid.request import Request

from jiceng_cms.access.origin import ForeignOrigin, OriginCheck, origin_of, origin_tween_factory

HOST = "https://cun.example.org"


def problem(
    headers: dict[str, str], *, method: str = "POST", allowed: tuple[str, ...] = ()
) -> str | None:
    return OriginCheck(allowed).problem(method, headers, HOST)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": HOST},
        {"Origin": "HTTPS://Cun.Example.org:443"},
        {"Origin": HOST, "Sec-Fetch-Site": "same-origin"},
        {"Origin": HOST, "Referer": "https://evil.example/"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Referer": HOST + "/u/990101100201/disclosures/new?a=b"},
    ],
)
def test_our_own_pages(headers: dict[str, str]) -> None:
    assert problem(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "http://cun.example.org"},
        {"Origin": "https://cun.example.org:8443"},
        {"Origin": "https://cun.example.org.evil.example"},
        {"Origin": "https://evil-cun.example.org"},
        {"Origin": "https://cun.example.org@evil.example"},
        {"Origin": "https://evil.example https://cun.example.org"},
        {"Origin": "https://[::1"},
        {"Origin": "https://cun.example.org:99999"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Referer": HOST + "/"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Referer": "https://evil.example/?" + HOST},
        {"Referer": "https://cun.example.org.evil.example/"},
        {"Referer": "about:blank"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "post", "WHATEVER"])
def test_foreign_pages(headers: dict[str, str], method: str) -> None:
    assert problem(headers, method=method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "get"])
def test_links_from_anywhere_may_be_followed(method: str) -> None:
    assert (
        problem({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, method=method)
        is None
    )


def test_configured_origins_replace_the_host_that_the_request_names() -> None:
    allowed = ("https://gongkai.example.cn", "https://gongkai.example.cn:8443/")
    assert problem({"Origin": "https://gongkai.example.cn"}, allowed=allowed) is None
    assert problem({"Origin": "https://gongkai.example.cn:8443"}, allowed=allowed) is None
    assert problem({"Origin": HOST}, allowed=allowed), "a Host header is the sender's to choose"


@pytest.mark.parametrize(
    "entry", ["gongkai.example.cn", "https://", "ftp://a.example", "https://a.example/x"]
)
def test_a_senseless_setting_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"access\.origins"):
        OriginCheck.from_settings({"access.origins": f"https://good.example {entry}"})


@given(st.text(max_size=60))
def test_whatever_stands_in_origin_is_answered(text: str) -> None:
    if problem({"Origin": text}) is None:
        assert origin_of(text.strip()) == HOST


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://127.0.0.1:6543/login", "http://127.0.0.1:6543"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://A.example:443", "https://a.example"),
        ("https://user@a.example", None),
        ("javascript:alert(1)", None),
        ("//a.example", None),
        ("", None),
    ],
)
def test_one_spelling_of_an_origin(address: str, origin: str | None) -> None:
    assert origin_of(address) == origin


class _Registry:
    def __init__(self, **settings: str) -> None:
        self.settings = settings


def test_the_tween_refuses_before_anything_else_is_done() -> None:
    seen: list[Request] = []
    tween = origin_tween_factory(lambda request: seen.append(request), _Registry())
    foreign = Request.blank("/login", method="POST", headers={"Origin": "https://evil.example"})
    with pytest.raises(ForeignOrigin) as refused:
        tween(foreign)
    assert refused.value.code == 403
    assert "没有改动任何内容" in str(refused.value.detail)
    assert not seen
    ours = Request.blank("/login", method="POST", headers={"Origin": "http://localhost"})
    tween(ours)
    tween(Request.blank("/", headers={"Origin": "https://evil.example"}))
    assert [request.method for request in seen] == ["POST", "GET"]


def test_the_refusal_does_not_repeat_what_was_sent() -> None:
    tween = origin_tween_factory(lambda request: None, _Registry())
    request = Request.blank("/", method="POST", headers={"Origin": "https://evil.example/<script>"})
    with pytest.raises(ForeignOrigin) as refused:
        tween(request)
    assert "evil" not in refused.value.reason + str(refused.value.detail)
