"""Signing in through a province's unified identity, against a provider that runs beside the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pyotp
import pytest

from jiceng_cms.access.accounts import CreateAccount, DisableAccount, LinkIdentity
from jiceng_cms.access.oidc import OidcSettings
from jiceng_cms.access.secret import BadSecret
from jiceng_cms.affairs.units.actions import GrantRole, SavePerson
from jiceng_cms.core.clock import FixedClock
from jiceng_cms.core.history import kept
from support.identity import Provider, not_signed, signed_with_our_secret
from support.village import OPERATOR, START, VILLAGE, Village, open_village, url


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider(FixedClock(START))
    yield made
    made.close()


@pytest.fixture
def village(tmp_path: Path, provider: Provider) -> Iterator[Village]:
    made = open_village(tmp_path / "home", clock=provider.clock, **provider.settings())
    newcomer(made)
    yield made
    made.close()


def newcomer(village: Village) -> None:
    """A second approver without a password, linked to the provider's person-1."""
    act = village.services.actions.perform
    village.people["liang"] = act(SavePerson("梁审批"), OPERATOR)
    act(CreateAccount("liang", village.people["liang"]), OPERATOR)
    act(GrantRole(VILLAGE, village.people["liang"], "approver", "任职文件"), OPERATOR)
    link(village, "liang", "person-1")


def link(village: Village, login: str, subject: str) -> None:
    issuer = village.services.oidc.settings.issuer
    village.services.actions.perform(LinkIdentity(login, issuer, subject, "本人到场"), OPERATOR)


def leave(browser: Any, path: str = "/login/oidc") -> str:
    """Press the button: the address at the provider."""
    return str(browser.get(path, status=303).headers["Location"])


def come_back(browser: Any, address: str, **kw: Any) -> Any:
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://localhost/login/oidc/back"
    return browser.get(f"{parts.path}?{parts.query}", **kw)


def log_in(village: Village, provider: Provider, path: str = "/login/oidc", browser: Any = None, **kw: Any) -> Any:
    browser = browser or village.client()
    return come_back(browser, provider.authorize(leave(browser, path)), **kw)


def events(village: Village, kind: str) -> list[dict[str, Any]]:
    with village.reading() as site:
        found = [k.event() for k in kept(site.history)]
    return [event for event in found if event["kind"] == kind]


def signed_in(browser: Any) -> bool:
    return bool(browser.get("/staff", expect_errors=True).status_int == 200)


# ------------------------------------------------------------------------------ the way there and back


def test_the_whole_way_from_the_login_page_to_the_desk(village: Village, provider: Provider) -> None:
    browser = village.client()
    page = browser.get("/login?next=/staff/account")
    button = page.html.find("a", string="用省统一身份认证登录")
    before = len(events(village, "login.succeeded"))
    there = leave(browser, button["href"])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == "http://localhost/login/oidc/back"
    assert "prompt" not in asked  # who is known there need not type again
    done = come_back(browser, provider.authorize(there), status=303)
    assert urlsplit(done.location).path == "/staff/account"
    cookies = list(done.headers.getall("Set-Cookie"))
    assert any(c.startswith("jiceng-oidc=;") and "Max-Age=0" in c for c in cookies)
    assert "梁审批" in done.follow().words
    assert len(events(village, "login.succeeded")) == before + 1


def test_nobody_gets_an_account_by_a_login_and_the_page_says_what_to_do(village: Village, provider: Provider) -> None:
    provider.user = "stranger-77"
    with village.reading() as site:
        before = set(site.accounts)
    browser = village.client()
    page = log_in(village, provider, browser=browser, status=403)
    assert "stranger-77" in page.words
    assert "系统管理员" in page.words
    with village.reading() as site:
        assert set(site.accounts) == before
    assert not signed_in(browser)


def test_an_administrator_links_and_unlinks_on_the_page_of_the_person(village: Village, provider: Provider) -> None:
    provider.user = "person-2"
    system = village.client("system")
    address = f"/staff/people/{village.people['clerk']}/identity-clerk"
    form = system.get(address).form_with("subject")
    form["subject"], form["reason"] = "person-2", "本人到场核对"
    assert form.submit("button").status_int == 303
    assert events(village, "account.identity_linked")[-1]["details"] == {"comment": "本人到场核对"}
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    assert signed_in(browser)
    form = system.get(address).form_with("subject")
    form["reason"] = "调走了"
    assert form.submit("button").status_int == 303
    assert not signed_in(browser)  # the session ended with the link
    log_in(village, provider, status=403)


def test_one_identity_opens_one_account(village: Village) -> None:
    from jiceng_cms.core.errors import Refused

    with pytest.raises(Refused, match="liang"):
        link(village, "clerk", "person-1")


def test_a_closed_account_stays_closed(village: Village, provider: Provider) -> None:
    village.services.actions.perform(DisableAccount("liang", "离任"), OPERATOR)
    browser = village.client()
    page = log_in(village, provider, browser=browser, status=403)
    assert "系统管理员" in page.words
    assert not signed_in(browser)


# ------------------------------------------------------------------------------ what must fit together


def test_a_foreign_state_or_another_browser_ends_nowhere(village: Village, provider: Provider) -> None:
    browser = village.client()
    back = provider.authorize(leave(browser))
    wrong = back.replace(provider.last["state"], "A" * 43)
    assert "登录页" in come_back(browser, wrong, status=403).words
    stranger = village.client()
    come_back(stranger, back, status=403)  # login CSRF: a code that somebody else fetched
    assert not signed_in(browser)
    assert not signed_in(stranger)
    assert "/token" not in provider.asked


def test_a_journey_ends_after_ten_minutes(village: Village, provider: Provider) -> None:
    browser = village.client()
    back = provider.authorize(leave(browser))
    village.clock.advance(minutes=10)
    come_back(browser, back, status=403)
    assert "/token" not in provider.asked


def test_a_code_counts_once(village: Village, provider: Provider) -> None:
    browser = village.client()
    there = leave(browser)
    cookie = browser.cookies["jiceng-oidc"]
    back = provider.authorize(there)
    come_back(browser, back, status=303)
    thief = village.client()
    thief.set_cookie("jiceng-oidc", cookie.strip('"'))
    page = come_back(thief, back, status=403)
    assert "对不上" in page.words
    assert provider.asked.count("/token") == 2  # it was the provider that refused
    assert not signed_in(thief)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another-nonce"},
        {"aud": ["another-client"]},
        {"aud": ["jiceng-qinghe", "another-client"]},  # without azp
        {"iss": "https://another.example.org"},
        {"exp": int(START.timestamp()) - 61},
        {"iat": int(START.timestamp()) + 3600},
        {"auth_time": int(START.timestamp()) + 3600},
        {"sub": ""},
        {"sub": ["person-1"]},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
def test_a_token_that_does_not_fit_opens_nothing(village: Village, provider: Provider, claims: dict[str, Any]) -> None:
    browser = village.client()
    provider.claims = claims
    page = log_in(village, provider, browser=browser, status=403)
    assert "对不上" in page.words
    assert "another" not in page.words
    assert not signed_in(browser)
    provider.claims = {}
    log_in(village, provider, browser=browser, status=303)


def test_clocks_may_be_a_minute_apart(village: Village, provider: Provider) -> None:
    now = int(START.timestamp())
    provider.claims = {"iat": now - 300, "exp": now - 30}
    log_in(village, provider, status=303)


@pytest.mark.parametrize("forge", [signed_with_our_secret, not_signed])
def test_only_the_providers_own_signature_counts(village: Village, provider: Provider, forge: Any) -> None:
    provider.forge = forge
    browser = village.client()
    log_in(village, provider, browser=browser, status=403)
    assert not signed_in(browser)


def test_keys_are_kept_and_fetched_again_when_they_change(village: Village, provider: Provider) -> None:
    log_in(village, provider, status=303)
    log_in(village, provider, status=303)
    assert provider.asked.count("/jwks") == provider.asked.count("/.well-known/openid-configuration") == 1
    provider.change_key()
    village.clock.advance(minutes=2)
    log_in(village, provider, status=303)
    assert provider.asked.count("/jwks") == 2


def test_tries_that_fail_are_counted_by_network(tmp_path: Path, provider: Provider) -> None:
    village = open_village(tmp_path / "few", clock=provider.clock, **provider.settings(), **{"access.rate.network": "2 per 15 minutes"})
    newcomer(village)
    provider.user = "stranger"
    for status in (403, 403, 429):
        log_in(village, provider, status=status)
    assert provider.asked.count("/token") == 2
    village.clock.advance(minutes=15)
    provider.user = "person-1"
    for _ in range(4):  # what succeeds takes nothing
        log_in(village, provider, status=303)
    village.close()


# ------------------------------------------------------------------------------ the provider misbehaves


def test_a_provider_that_is_down_is_said_in_plain_words_and_not_asked_again_at_once(village: Village, provider: Provider) -> None:
    provider.down = True
    browser = village.client()
    page = browser.get("/login/oidc", status=503)
    assert "过几分钟" in page.words
    browser.get("/login/oidc", status=503)
    assert len(provider.asked) == 1
    village.clock.advance(seconds=30)
    provider.down = False
    back = provider.authorize(leave(browser))
    provider.down = True
    assert "过几分钟" in come_back(browser, back, status=503).words
    # a password opens the door meanwhile
    village.client("clerk")


def test_nobody_listens_there(village: Village, provider: Provider) -> None:
    provider.close()
    assert "过几分钟" in village.client().get("/login/oidc", status=503).words


@pytest.mark.parametrize(
    "discovery",
    [
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"jwks_uri": "http://localhost:1/keys"},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "http://elsewhere.example.org/login"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"issuer": "https://elsewhere.example.org"},
        {"jwks_uri": None},
        {"more": "x" * 300_000},
    ],
    ids=lambda d: str(d)[:60],
)
def test_discovery_leads_nowhere_else(village: Village, provider: Provider, discovery: dict[str, Any]) -> None:
    provider.discovery = discovery
    assert "过几分钟" in village.client().get("/login/oidc", status=503).words


def test_who_cancels_there_comes_back_to_a_way_in(village: Village, provider: Provider) -> None:
    browser = village.client()
    leave(browser)
    state = parse_qs(urlsplit(leave(browser)).query)["state"][0]
    page = browser.get(f"/login/oidc/back?error=access_denied&error_description=%3Cscript%3E&state={state}", status=403)
    assert "取消" in page.words
    assert "script>" not in page.words
    assert page.html.find("a", string="回到登录页")


@pytest.mark.parametrize("path", ["https://evil.example.org/", "//evil.example.org", "/\\evil.example.org", "javascript:alert(1)", "/a\r\nX: y"])
def test_only_own_paths_are_led_to(village: Village, provider: Provider, path: str) -> None:
    done = log_in(village, provider, f"/login/oidc?next={quote(path, safe='')}", status=303)
    assert done.location == "http://localhost/staff"


def test_a_hosts_name_from_the_request_does_not_move_the_way_back(village: Village) -> None:
    browser = village.client()
    there = browser.get("/login/oidc", extra_environ={"HTTP_HOST": "evil.example.org"}, status=303).location
    assert parse_qs(urlsplit(there).query)["redirect_uri"] == ["http://localhost/login/oidc/back"]


# ------------------------------------------------------------------------------ second factor, freshness


def ready(village: Village) -> str:
    """A record that an approver may publish now."""
    id = village.draft()
    village.move(id, "submit", "clerk")
    for supervisor in ("supervisor", "supervisor2"):
        village.sign(id, supervisor)
    return id


def test_publishing_asks_to_log_in_there_again_and_comes_back_to_the_record(village: Village, provider: Provider) -> None:
    id = ready(village)
    provider.since = provider.now - 8 * 3600  # logged in there in the morning
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    page = browser.get(url(id, "work"))
    form = page.forms["do-publish"]
    assert "password" not in form.fields
    # whoever sends the form all the same is refused
    assert form.submit(status=403).status_int == 403
    confirm = page.html.find("a", string="到省统一身份认证确认是本人")
    there = leave(browser, confirm["href"])
    back = provider.authorize(there)
    assert (provider.last["prompt"], provider.last["max_age"]) == ("login", "0")
    done = come_back(browser, back, status=303)
    assert urlsplit(done.location).path == url(id, "work")
    page = browser.get(url(id, "work"))
    assert page.html.find("a", string="到省统一身份认证确认是本人") is None
    assert "公布" in page.forms["do-publish"].submit(status=200).words
    with village.reading() as site:
        assert site.units[VILLAGE].sections["disclosures"].records[id].standing == "published"


@pytest.mark.parametrize("since", [None, 600])
def test_a_provider_that_only_lets_through_proves_nothing_fresh(village: Village, provider: Provider, since: int | None) -> None:
    provider.since = since and provider.now - since
    provider.ignores_prompt = True
    id = ready(village)
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    page = browser.get(url(id, "work"))
    href = page.html.find("a", string="到省统一身份认证确认是本人")["href"]
    page = log_in(village, provider, href, browser, status=403)
    assert "重新登录" in page.words
    assert browser.get(url(id, "work")).html.find("a", string="到省统一身份认证确认是本人")


def test_another_person_confirms_nothing(village: Village, provider: Provider) -> None:
    link(village, "clerk", "person-2")
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    provider.user = "person-2"
    page = log_in(village, provider, "/login/oidc?confirm=1&next=/staff", browser, status=403)
    assert "不是现在登录的这个账号" in page.words
    assert "梁审批" in browser.get("/staff/account").words


def test_forms_of_the_administration_lead_there_too(village: Village, provider: Provider) -> None:
    act = village.services.actions.perform
    act(GrantRole("site", village.people["liang"], "system", "任职文件"), OPERATOR)
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    form = next(f for f in browser.get("/staff").forms.values() if "role" in f.fields)
    form["role"] = "system"
    form.submit()
    form = browser.get("/staff/people/new").form_with("login")
    form["title"], form["login"] = "新来的", "newcomer"
    refused = form.submit("button", status=403)
    with village.reading() as site:
        assert "newcomer" not in site.accounts
    href = refused.html.find("a", string="到省统一身份认证确认是本人")["href"]
    log_in(village, provider, href, browser, status=303)
    form = browser.get("/staff/people/new").form_with("login")
    form["title"], form["login"] = "新来的", "newcomer"
    form.submit("button", status=200)
    with village.reading() as site:
        assert "newcomer" in site.accounts


def test_without_a_password_there_is_none_to_change(village: Village, provider: Provider) -> None:
    browser = village.client()
    provider.since = provider.now
    log_in(village, provider, browser=browser, status=303)
    browser.get("/staff/account/password", status=404)


def test_a_bound_phone_is_asked_for_unless_the_provider_saw_to_it(village: Village, provider: Provider) -> None:
    browser = village.client()
    provider.since = provider.now
    log_in(village, provider, browser=browser, status=303)
    page = browser.get("/staff/account/two-factor")
    page = page.press(page.forms["form"]).follow()
    secret = "".join(page.html.find(id="secret").text.split())
    page.forms["form"]["code"] = pyotp.TOTP(secret).at(village.clock.now())
    page.press(page.forms["form"], status=200)
    village.clock.advance(seconds=30)
    browser = village.client()
    page = log_in(village, provider, browser=browser, status=200)
    assert not signed_in(browser)
    form = page.form_with("code")
    form["code"] = pyotp.TOTP(secret).at(village.clock.now())
    form.submit(status=303)
    assert signed_in(browser)


@pytest.mark.parametrize(("amr", "lets"), [(None, True), (["pwd", "otp"], True), (["pwd"], False)])
def test_a_provider_with_a_second_factor_spares_the_phone(tmp_path: Path, provider: Provider, amr: Any, lets: bool) -> None:
    settings = {**provider.settings(second_factor="true"), "access.two_factor.roles": "approver"}
    village = open_village(tmp_path / "home", clock=provider.clock, **settings)
    newcomer(village)
    provider.claims = {"amr": amr} if amr else {}
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    assert signed_in(browser) is lets  # else led to binding a phone first
    village.close()


def test_what_was_typed_outlives_a_session_also_without_a_password(village: Village, provider: Provider) -> None:
    link(village, "clerk", "person-2")
    provider.user = "person-2"
    browser = village.client()
    log_in(village, provider, browser=browser, status=303)
    id = village.draft()
    page = browser.get(url(id, "edit"))
    form = page.form_with("title")
    form["title"] = "三组路灯换了新的"
    village.clock.advance(hours=2)
    expired = form.submit("button", status=403)
    kept_page = expired.form_with("kept")
    log_in(village, provider, browser=browser, status=303)  # in another window
    resumed = kept_page.submit(status=200)
    again = resumed.press(resumed.form_with("title"), "restore")
    assert again.form_with("title")["title"].value == "三组路灯换了新的"


# ------------------------------------------------------------------------------ settings


GOOD = {
    "oidc.issuer": "https://id.example.org", "oidc.client_id": "jiceng", "oidc.client_secret": "9f2c4b7a1e8d3f6059c2a7b4e1d8f306",
    "access.origins": "https://gongkai.example.org",
}  # fmt: skip


def test_a_site_without_an_issuer_has_no_such_door(tmp_path: Path) -> None:
    village = open_village(tmp_path / "home")
    browser = village.client()
    browser.get("/login/oidc", status=404)
    browser.get("/login/oidc/back?state=x&code=y", status=404)
    assert "统一身份" not in browser.get("/login").words
    village.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc.issuer": "http://id.example.org"},
        {"oidc.issuer": "id.example.org"},
        {"oidc.issuer": "https://id.example.org/?a=b"},
        {"oidc.client_id": ""},
        {"oidc.client_secret": ""},
        {"oidc.client_secret": "short"},
        {"oidc.client_secret": "change-me-change-me-change-me-change-me"},
        {"oidc.second_factor": "perhaps"},
        {"access.origins": ""},
    ],
    ids=str,
)
def test_settings_that_are_not_safe_stop_the_start(wrong: dict[str, str]) -> None:
    assert OidcSettings.from_settings(GOOD) is not None
    with pytest.raises((ValueError, BadSecret), match=next(iter(wrong)).replace("access.origins", "oidc.issuer")):
        OidcSettings.from_settings({**GOOD, **wrong})


def test_the_secret_is_not_shown_with_the_settings() -> None:
    assert GOOD["oidc.client_secret"] not in repr(OidcSettings.from_settings(GOOD))
