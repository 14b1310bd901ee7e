"""An OpenID Connect provider on 127.0.0.1: Authlib's server classes behind waitress.

It follows the village's clock and can be told to misbehave in one way at a time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode
from joserfc.jwk import KeySet, OctKey, RSAKey
from waitress.server import create_server
from webob import Request, Response

from jiceng_cms.core.clock import Clock

CLIENT, SECRET = "jiceng-qinghe", "9f2c4b7a1e8d3f6059c2a7b4e1d8f306"
BACK = "http://localhost/login/oidc/back"


class Client(ClientMixin):
    client_id = CLIENT

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return BACK

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == BACK

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    code: str
    user: str
    redirect_uri: str
    scope: str
    nonce: str
    auth_time: int | None
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int | None:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Request(OAuth2Request):
    def __init__(self, request: Request) -> None:
        super().__init__(request.method, request.url, headers=dict(request.headers))
        self._args = dict(request.GET)
        self._form = dict(parse_qsl(request.body.decode()))
        self.payload = BasicOAuth2Payload({**self._args, **self._form})

    @property
    def args(self) -> dict[str, str]:
        return self._args

    @property
    def form(self) -> dict[str, str]:
        return self._form


@dataclass
class Provider:
    """Who is logged in there, and what it should do wrong."""

    clock: Clock
    #: who sits at the browser, and since when the provider knows them; asked anew by prompt=login
    user: str = "person-1"
    since: int | None = None
    #: claims that replace what is true
    claims: dict[str, Any] = field(default_factory=dict)
    #: signs in place of the provider's key
    forge: Callable[[dict[str, Any]], str] | None = None
    ignores_prompt: bool = False
    discovery: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    #: paths that were asked for, and the parameters of the last authorization
    asked: list[str] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.codes: dict[str, Code] = {}
        self._oauth = self._make()
        self._server: Any = create_server(self.app, host="127.0.0.1", port=0, threads=2)
        self.issuer = f"http://127.0.0.1:{self._server.effective_port}"
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.close()
        self._thread.join(timeout=5)

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def change_key(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "2", "use": "sig"})

    def settings(self, **more: str) -> dict[str, str]:
        """The site's settings for this provider."""
        own = {"issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET, "title": "省统一身份认证", **more}
        return {"access.origins": "http://localhost", **{f"oidc.{name}": value for name, value in own.items()}}

    # ------------------------------------------------------------------ the wire

    def app(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        if self.down:
            return Response("<h1>Bad gateway</h1>", status=502)
        match request.path:
            case "/.well-known/openid-configuration":
                urls = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
                told = {"issuer": self.issuer, **{n: f"{self.issuer}/{p}" for n, p in urls.items()}, **self.discovery}
                return Response(json=told)
            case "/jwks":
                return Response(json={"keys": [self.key.as_dict(private=False)]})
            case "/authorize":
                self.last = dict(request.GET)
                if not self.ignores_prompt and request.GET.get("prompt") == "login":
                    self.since = self.now
                try:
                    grant = self._oauth.get_consent_grant(_Request(request), self.user)
                except OAuth2Error as error:
                    return Response(json=dict(error.get_body()), status=400)
                return self._oauth.create_authorization_response(_Request(request), grant_user=self.user, grant=grant)
            case "/token":
                return self._oauth.create_token_response(_Request(request))
        return Response(status=404)

    def authorize(self, url: str) -> str:
        """What the browser does there: where the provider sends it back to."""
        import requests

        with requests.Session() as session:
            session.trust_env = False
            with session.get(url, allow_redirects=False, timeout=10) as answer:
                assert answer.status_code == 302, answer.text
                return str(answer.headers["Location"])

    # ------------------------------------------------------------------ the protocol

    def _make(provider: Provider) -> AuthorizationServer:
        class Server(AuthorizationServer):
            def query_client(self, client_id: str) -> Client | None:
                return Client() if client_id == CLIENT else None

            def save_token(self, token: Any, request: Any) -> None:
                pass

            def send_signal(self, name: str, *args: Any, **kw: Any) -> None:
                pass

            def create_oauth2_request(self, request: Any) -> Any:
                return request

            def create_json_request(self, request: Any) -> Any:
                return request

            def handle_response(self, status: int, body: Any, headers: Any) -> Response:
                text = json.dumps(body) if isinstance(body, dict) else body or ""
                return Response(text, status=status, headerlist=[*headers], charset="utf-8")

        class Grant(AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

            def save_authorization_code(self, code: str, request: Any) -> None:
                data = request.payload.data
                provider.codes[code] = Code(
                    code, request.user, data["redirect_uri"], request.payload.scope, data.get("nonce", ""),
                    provider.since, data["code_challenge"], data["code_challenge_method"],
                )  # fmt: skip

            def query_authorization_code(self, code: str, client: Any) -> Code | None:
                return provider.codes.get(code)

            def delete_authorization_code(self, authorization_code: Code) -> None:
                del provider.codes[authorization_code.code]

            def authenticate_user(self, authorization_code: Code) -> str:
                return authorization_code.user

        class Claims(OpenIDCode):
            def exists_nonce(self, nonce: str, request: Any) -> bool:
                return any(code.nonce == nonce for code in provider.codes.values())

            def get_client_algorithm(self, client: Any) -> str:
                return "RS256"

            def get_encode_header(self, client: Any) -> dict[str, str]:
                return {"alg": "RS256", "kid": provider.key.kid}

            def resolve_client_private_key(self, client: Any) -> Any:
                return provider.key

            def get_compatible_claims(self, request: Any) -> dict[str, Any]:
                return {"iss": provider.issuer, "aud": [CLIENT], "iat": provider.now, "exp": provider.now + 300}

            def generate_user_info(self, user: str, scope: str) -> dict[str, Any]:
                return {"sub": user, **provider.claims}

            def encode_id_token(self, token: Any, request: Any) -> str:
                honest = super().encode_id_token(token, request)
                if provider.forge is None:
                    return str(honest)
                from joserfc import jwt

                return provider.forge(jwt.decode(honest, KeySet([provider.key])).claims)

        server = Server(scopes_supported=["openid"])
        server.register_token_generator("default", BearerTokenGenerator(lambda **kw: f"token-{len(provider.asked)}"))
        server.register_grant(Grant, [Claims(require_nonce=True), CodeChallenge(required=True)])
        return server


def signed_with_our_secret(claims: dict[str, Any]) -> str:
    """A token by somebody who knows what client and provider share."""
    from joserfc import jwt

    return jwt.encode({"alg": "HS256", "kid": "1"}, claims, OctKey.import_key(SECRET), ["HS256"])


def not_signed(claims: dict[str, Any]) -> str:
    """A token that says of itself that nobody signed it."""
    from base64 import urlsafe_b64encode

    parts = [json.dumps({"alg": "none", "kid": "1"}), json.dumps(claims)]
    return ".".join([urlsafe_b64encode(p.encode()).rstrip(b"=").decode() for p in parts]) + "."
