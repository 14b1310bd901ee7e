"""Signing in through somebody else's OpenID Connect provider, such as a province's unified identity.

Authorization code flow with PKCE. Nothing of a login under way is kept on the server: what must
fit together later travels in a sealed cookie of the same browser. The server fetches from the
configured issuer's own origin and from nowhere else (ENGINEERING S12).
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests.adapters import HTTPAdapter

from .csrf import same
from .origin import OriginCheck, origin_of
from .secret import require_secrets
from .sessions import RandomBytes, random_token

#: Signatures that only the provider can make: no `none`, and no HMAC with a shared secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
#: How far the two clocks may be apart.
SKEW = timedelta(seconds=60)
#: From the button to the way back: time enough to look for a phone and scan a code.
PATIENCE = timedelta(minutes=10)
#: How long what the provider says of itself is kept, and how long its silence.
KEEP, SILENCE = timedelta(hours=1), timedelta(seconds=20)
#: Keys are asked for again at most so often, however many tokens name one that we don't know.
KEYS_AGAIN = timedelta(seconds=60)
#: Seconds for connecting, between two packets and for a whole answer; bytes of an answer.
TIMEOUT, DEADLINE, MOST = (3.05, 5.0), 10.0, 256 * 1024

_NONCE = 12
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


class OidcError(Exception):
    """A login that went wrong; ``message`` is Chinese for the person, ``reason`` for the operator."""

    def __init__(self, message: str, reason: str, kind: Literal["away", "refused"] = "refused") -> None:
        super().__init__(reason)
        self.message = message
        self.reason = reason
        #: ``away``: the provider can't be reached or speaks nonsense; trying later may help
        self.kind = kind


AWAY = "现在连不上统一身份认证。请过几分钟再试；一直这样，请告诉系统管理员。"
NOT_FITTING = "统一身份认证送回来的凭据对不上，没有登录。请回到登录页重新来一次；还不行，请告诉系统管理员。"
NOT_FRESH = "统一身份认证没有让您重新登录一次，不能算本人刚刚确认过。请再试一次；还不行，请告诉系统管理员。"


@dataclass(frozen=True)
class OidcSettings:
    """Which provider, and who we are to it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    #: where residents and staff reach this site: redirects lead back there and nowhere else
    origins: frozenset[str]
    title: str = "统一身份认证"
    #: the claim that names the account
    claim: str = "sub"
    #: whether the provider asks for a second factor itself
    second_factor: bool = False

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> OidcSettings | None:
        """Read ``oidc.*``; None for a site without ``oidc.issuer``.

        Raises ValueError or BadSecret that names the setting at fault. The issuer speaks HTTPS;
        plain HTTP is taken for a provider on this machine alone.
        """

        def read(name: str, default: str = "") -> str:
            return str(settings.get(f"oidc.{name}", default)).strip()

        issuer = read("issuer")
        if not issuer:
            return None
        parts = urlsplit(issuer)
        origin = origin_of(issuer)
        if origin is None or parts.query or parts.fragment or not _safe(origin):
            raise ValueError(f"oidc.issuer = {issuer}: expected like https://id.example.org")
        if not read("client_id"):
            raise ValueError("oidc.client_id is missing")
        secret = require_secrets(settings, ["oidc.client_secret"])["oidc.client_secret"].decode()
        origins = OriginCheck.from_settings(settings).allowed
        if not origins:
            # taken from the request's Host, a stranger could choose where the code is sent
            raise ValueError("oidc.issuer needs access.origins, which says where people come back to")
        second = read("second_factor", "false").lower()
        if second not in ("true", "false"):
            raise ValueError(f"oidc.second_factor = {second}: expected true or false")
        return cls(
            issuer, read("client_id"), secret, origins, read("title") or cls.title, read("claim") or cls.claim,
            second == "true",
        )


@dataclass(frozen=True)
class Journey:
    """What a browser takes along to the provider and back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    next_path: str
    begun: int
    #: the account that must come back, where somebody who is signed in confirms a grave step
    confirms: str = ""


@dataclass(frozen=True)
class Proof:
    """Whom the provider recognised."""

    subject: str
    #: when that person last showed who they are, aware UTC; None where the provider does not tell
    at: datetime | None
    second_factor: bool


@dataclass(frozen=True)
class _Provider:
    """What the provider says of itself."""

    authorize: str
    token: str
    jwks: str
    auth_method: str


class OidcClient:
    """Speaks with one provider; safe to use from any thread. ``secret`` is the site's."""

    def __init__(self, settings: OidcSettings, secret: bytes, random: RandomBytes = secrets.token_bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret for logins under way is shorter than 32 bytes")
        self.settings = settings
        self._random = random
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"jiceng oidc journey").derive(secret)
        self._box = AESGCM(key)
        origin = origin_of(settings.issuer)
        assert origin is not None, "OidcSettings has looked"
        self._origin = origin
        self._lock = Lock()
        self._provider: tuple[_Provider, datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None
        self._silent: datetime | None = None

    # ------------------------------------------------------------------------ there

    def begin(self, now: datetime, origin: str, path: str, next_path: str, confirms: str = "") -> tuple[str, str]:
        """``(address to go to, cookie to take along)``.

        ``path`` is our own address for the way back, under ``origin`` where that is one of the
        site's, else under the site's first. ``confirms`` is the account of somebody signed in who
        must show again who they are. Raises OidcError.
        """
        origins = self.settings.origins
        base = origin if origin in origins else min(origins)
        provider = self._discover(now)
        state, nonce, verifier = (random_token(self._random) for _ in range(3))
        back, moment = f"{base}{path}", int(now.timestamp())
        journey = Journey(state, nonce, verifier, back, next_path if len(next_path) <= 1500 else "/staff", moment, confirms)
        more: dict[str, Any] = {"prompt": "login", "max_age": 0} if confirms else {}
        with self._session(provider, journey.redirect_uri) as session:
            url, _ = session.create_authorization_url(
                provider.authorize, state=journey.state, nonce=journey.nonce, code_verifier=journey.verifier, **more
            )
        return str(url), self._seal(journey)

    def _seal(self, journey: Journey) -> str:
        nonce = self._random(_NONCE)
        plain = json.dumps(asdict(journey)).encode()
        return urlsafe_b64encode(nonce + self._box.encrypt(nonce, plain, None)).decode("ascii")

    # ------------------------------------------------------------------------ and back

    def journey(self, cookie: str | None, state: str, now: datetime) -> Journey | None:
        """The journey that this browser began and this address ends; None for any other."""
        try:
            sealed = urlsafe_b64decode((cookie or "").encode("ascii"))
            found = Journey(**json.loads(self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)))
        except (InvalidTag, ValueError):
            return None
        age = now.timestamp() - found.begun
        if not -SKEW.total_seconds() <= age < PATIENCE.total_seconds():
            return None
        return found if same(found.state, state) else None

    def finish(self, journey: Journey, code: str, now: datetime) -> Proof:
        """Exchange the code; raises OidcError unless everything fits."""
        provider = self._discover(now)
        try:
            with self._session(provider, journey.redirect_uri) as session:
                got = session.fetch_token(
                    provider.token, grant_type="authorization_code", code=code, code_verifier=journey.verifier
                )
        except AuthlibBaseError as refusal:  # the code was used before, is too old, is not ours
            raise OidcError(NOT_FITTING, f"the provider refused the code: {_tidy(refusal.error)}") from None
        except (requests.RequestException, ValueError) as fault:
            raise OidcError(AWAY, f"token endpoint: {type(fault).__name__}", "away") from None
        id_token, access = got.get("id_token"), got.get("access_token")
        if not isinstance(id_token, str):
            raise OidcError(NOT_FITTING, "the answer holds no id_token")
        return self._proof(self._claims(provider, journey, id_token, access, now), journey, now)

    def _claims(
        self, provider: _Provider, journey: Journey, id_token: str, access: Any, now: datetime
    ) -> Mapping[str, Any]:
        token = self._verified(provider, id_token, now)
        wanted = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        known = {"nonce": journey.nonce, "client_id": self.settings.client_id}
        if isinstance(access, str):
            known["access_token"] = access
        claims: Any = CodeIDToken(token.claims, token.header, wanted, known)
        try:
            claims.validate(now=int(now.timestamp()), leeway=int(SKEW.total_seconds()))
        except (JoseError, AuthlibBaseError, TypeError, ValueError) as fault:
            raise OidcError(NOT_FITTING, f"id_token: {_tidy(str(fault))}") from None
        return dict(claims)

    def _verified(self, provider: _Provider, id_token: str, now: datetime) -> jwt.Token:
        """The token, signed by a key of the provider's; keys that changed are fetched again."""
        for again in (False, True):
            keys = self._keyset(provider, now, again=again)
            try:
                return jwt.decode(id_token, keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError, KeyError, TypeError) as fault:
                if again:
                    raise OidcError(NOT_FITTING, f"id_token: {type(fault).__name__} {_tidy(str(fault))}") from None
        raise AssertionError("the second round returns or raises")

    def _proof(self, claims: Mapping[str, Any], journey: Journey, now: datetime) -> Proof:
        subject = claims.get(self.settings.claim)
        if not isinstance(subject, str) or not subject.strip() or len(subject) > 255 or not subject.isprintable():
            raise OidcError(NOT_FITTING, f"id_token: no usable claim {self.settings.claim}")
        told = claims.get("auth_time")
        at = None
        if isinstance(told, int | float) and not isinstance(told, bool) and abs(told - now.timestamp()) < 1e9:
            at = datetime.fromtimestamp(int(told), UTC)
            if at > now + SKEW:
                raise OidcError(NOT_FITTING, "id_token: auth_time lies in the future")
            at = min(at, now)
        if journey.confirms and (at is None or at.timestamp() < journey.begun - SKEW.total_seconds()):
            raise OidcError(NOT_FRESH, f"id_token: auth_time {told!r:.40} is not fresh")
        methods = claims.get("amr")
        # a provider that says by which means the person came in is taken at its word
        second = self.settings.second_factor and methods != ["pwd"]
        return Proof(subject, at, second)

    # ------------------------------------------------------------------------ what is fetched

    def _discover(self, now: datetime) -> _Provider:
        with self._lock:
            if self._provider is not None and _lasts(self._provider[1], now, KEEP):
                return self._provider[0]
            if self._silent is not None and _lasts(self._silent, now, SILENCE):
                raise OidcError(AWAY, "the provider was silent a moment ago", "away")
            try:
                provider = self._read(self._get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"))
            except OidcError:
                self._silent = now
                raise
            self._provider, self._silent = (provider, now), None
            return provider

    def _read(self, told: dict[str, Any]) -> _Provider:
        if told.get("issuer") != self.settings.issuer:
            raise OidcError(AWAY, "discovery: another issuer than oidc.issuer", "away")
        urls = [told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        origins = [origin_of(url) if isinstance(url, str) else None for url in urls]
        # the browser may be sent to another host of the provider's, we go to the issuer's alone
        if origins[0] is None or not _safe(origins[0]) or origins[1:] != [self._origin] * 2:
            raise OidcError(AWAY, f"discovery: endpoints are not at {self._origin}", "away")
        methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return _Provider(str(urls[0]), str(urls[1]), str(urls[2]), method)

    def _keyset(self, provider: _Provider, now: datetime, *, again: bool) -> KeySet:
        with self._lock:
            if self._keys is not None and _lasts(self._keys[1], now, KEYS_AGAIN if again else KEEP):
                return self._keys[0]
            found = self._get(provider.jwks).get("keys")
            usable = [
                key
                for key in (found if isinstance(found, list) else ())
                if isinstance(key, dict) and key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig"
            ]
            try:
                keys = KeySet.import_key_set({"keys": usable})
            except (JoseError, ValueError, KeyError, TypeError) as fault:
                raise OidcError(AWAY, f"keys: {type(fault).__name__}", "away") from None
            self._keys = (keys, now)
            return keys

    def _get(self, url: str) -> dict[str, Any]:
        try:
            with self._session() as session:
                answer = session.get(url, withhold_token=True)
                told = answer.json() if answer.status_code == 200 else None
        except (requests.RequestException, ValueError) as fault:
            raise OidcError(AWAY, f"{url}: {type(fault).__name__}", "away") from None
        if not isinstance(told, dict):
            raise OidcError(AWAY, f"{url}: answered {answer.status_code} and no JSON object", "away")
        return told

    def _session(self, provider: _Provider | None = None, redirect_uri: str | None = None) -> Any:
        """A client that reaches the issuer's origin and nothing else."""
        session: Any = OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret,
            token_endpoint_auth_method=provider.auth_method if provider is not None else None,
            scope="openid",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
        session.trust_env = False  # no proxy and no .netrc of whoever started the server
        session.max_redirects = 0
        session.adapters.clear()
        session.mount(f"{self._origin}/", _Bounded())
        return session


class _Bounded(HTTPAdapter):
    """Waits so long and reads so much, whatever the other side does."""

    def send(self, request: Any, *args: Any, **kw: Any) -> requests.Response:
        kw.update(stream=True, timeout=TIMEOUT)
        began, body = time.monotonic(), bytearray()
        response = super().send(request, *args, **kw)
        try:
            for piece in response.iter_content(1024):
                body += piece
                if len(body) > MOST or time.monotonic() - began > DEADLINE:
                    raise requests.exceptions.ContentDecodingError("too long or too slow")
        except BaseException:
            response.close()
            raise
        response._content = bytes(body)
        return response


def _safe(origin: str) -> bool:
    """HTTPS, or a provider on this machine."""
    return origin.startswith("https://") or urlsplit(origin).hostname in _LOOPBACK


def _lasts(since: datetime, now: datetime, span: timedelta) -> bool:
    # a clock that was set back must not keep anything for longer
    return since <= now < since + span


def _tidy(text: Any) -> str:
    """What somebody else's server said, fit for a line of a log."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:200])
