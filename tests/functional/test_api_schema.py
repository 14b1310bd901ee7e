"""Schemathesis over the served document, as each role: no 5xx, and answers true to the document."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jiceng_cms.api.document import read_document
from support.programs import Program, program, token_of
from support.village import VILLAGE, Village, open_village

ROLES = ("", "clerk", "supervisor", "approver")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 12


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    made = open_village(Path(tmp_path_factory.mktemp("schema")) / "home")
    made.published()
    made.move(made.published(title="第二件"), "withdraw", "approver", reason="wrong", note="金额抄错了。")
    made.catch_up()
    yield made
    made.close()


def test_the_document_is_openapi() -> None:
    validate(read_document().data)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_answers_are_true_to_the_document(place: Village, role: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", place.app)
    headers = {"Authorization": f"Bearer {token_of(place, role)}"} if role else {}
    clerk, tried = program(place, "clerk"), Counter[str]()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/token" and operation.method.upper() == "DELETE" and role:
            continue  # the token is needed for the rest
        _try(place, operation, headers, clerk, tried)
    assert sum(count for key, count in tried.items() if key.endswith("2xx")) > 20, tried


def _try(place: Village, operation: Any, headers: dict[str, str], clerk: Program, tried: Counter[str]) -> None:
    """Some cases of one operation, most of them about a fresh draft or what is there."""
    dice = random.Random(7)
    fresh = clerk.draft()["id"]
    with place.reading() as site:
        ids = [fresh, fresh, *site.units[VILLAGE].sections["disclosures"].records]

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        _aim(case, dice, ids)
        path = case.path_parameters or {}
        known = path.get("code") == VILLAGE and path.get("id") in ids
        if operation.method.upper() != "GET" and known and dice.random() < 0.7:
            case.headers["If-Match"] = clerk.get(f"/units/{VILLAGE}/records/{path['id']}").headers["ETag"]
        case.headers.pop("Authorization", None)
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)
        tried[f"{operation.method.upper()} {operation.path} {response.status_code // 100}xx"] += 1

    check()


def _aim(case: Any, dice: random.Random, ids: list[str]) -> None:
    """Most cases are about what there is; the rest stays as it was made up."""
    path = case.path_parameters or {}
    if "code" in path and dice.random() < 0.8:
        path["code"] = VILLAGE
    if "id" in path and dice.random() < 0.8:
        path["id"] = dice.choice(ids)
    if "name" in path and dice.random() < 0.8:
        path["name"] = dice.choice(["submit", "return", "publish", "correct", "withdraw", "discard", "take_back"])

