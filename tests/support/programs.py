"""Programs that use the API: a token for a login, and calls that read like sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from webtest import TestApp

from jiceng_cms.access.tokens import CreateToken, new_token, scopes_of_role

from .village import OPERATOR, STAFF, VILLAGE, Village

NEW = {
    "type": "disclosure",
    "data": {
        "title": "村道路灯维修", "kind": "affairs", "event_date": "2026-08-28",
        "summary": "换了六盏路灯。\n一共花了一千二百元。", "body": "路灯都亮了。",
    },
}


def token_of(village: Village, login: str, *scopes: str, days: int = 90, role: str = "") -> str:
    """A token made by the operator; every scope that the role allows by default."""
    role = role or STAFF.get(login, login)
    wanted = scopes or scopes_of_role(village.services.domain.definitions, role)
    made = new_token()
    village.services.actions.perform(CreateToken(login, role, wanted, made.id, made.digest, "测试", days), OPERATOR)
    return made.text


@dataclass
class Program:
    """A program at the API, with a token or without."""

    village: Village
    token: str = ""

    def call(
        self, method: str, path: str, body: Any = None, *, status: int | None = None, raw: bytes | None = None,
        headers: dict[str, str] | None = None, **query: Any,
    ) -> Any:
        """The response; ``status`` is what it must be (a good one by default)."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = raw if raw is not None else b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        if data:
            sent["Content-Type"] = "application/json"
        url = f"/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        app = TestApp(self.village.app)
        response = app.request(url, method=method, headers={**sent, **(headers or {})}, body=data, expect_errors=True)
        if status is None:
            assert response.status_int < 300, response.text
        else:
            assert response.status_int == status, f"{response.status} {response.text}"
        return response

    def get(self, path: str, **more: Any) -> Any:
        """GET."""
        return self.call("GET", path, **more)

    def draft(self, unit: str = VILLAGE, **changes: Any) -> dict[str, Any]:
        """A new draft."""
        body = {**NEW, "data": {**NEW["data"], **changes}}  # type: ignore[dict-item]
        found: dict[str, Any] = self.call("POST", f"/units/{unit}/records", body).json
        return found

    def tag(self, record: dict[str, Any]) -> str:
        """The record's present ETag."""
        return str(self.get(path_of(record)).headers["ETag"])

    def move(self, record: dict[str, Any], name: str, *, status: int | None = None, tag: str = "", key: str = "", **body: Any) -> Any:
        """A transition, on the present state."""
        headers = {"If-Match": tag or self.tag(record)}
        if key:
            headers["Idempotency-Key"] = key
        return self.call("POST", f"{path_of(record)}/transitions/{name}", body, headers=headers, status=status)

    def sign(self, record: dict[str, Any], verdict: str = "agree", *, status: int | None = None, **body: Any) -> Any:
        """A verdict, on the present state."""
        body = {"name": "supervision", "verdict": verdict, **body}
        return self.call("POST", f"{path_of(record)}/signoffs", body, headers={"If-Match": self.tag(record)}, status=status)


def path_of(record: dict[str, Any]) -> str:
    """The record's address in the API."""
    return f"/units/{record['unit']}/records/{record['id']}"


def program(village: Village, login: str = "", *scopes: str, **more: Any) -> Program:
    """A program that acts for a login, or for nobody."""
    return Program(village, token_of(village, login, *scopes, **more) if login else "")
