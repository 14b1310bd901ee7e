"""Tokens from the operator's command line, and requests that are no text at all."""

from __future__ import annotations

from webtest import TestApp

from jiceng_cms.ops.cli import run
from jiceng_cms.ops.context import Site
from support.programs import Program
from support.village import Village


def jiceng(village: Village, *argv: str) -> tuple[int, list[str]]:
    """Exit code and lines of a command inside the running server."""
    said: list[str] = []
    site = Site(village.services.settings, services=village.services, worker=village.worker, say=said.append)
    return run(argv, site=site, say=said.append), said


def test_the_operator_makes_tokens_of_any_scope_and_the_last_line_is_the_token(village: Village) -> None:
    code, said = jiceng(village, "token", "create", "approver", "--scope", "all")
    assert code == 0
    shown = Program(village, said[-1]).get("/token").json
    assert shown["scopes"][-1] == "publish"
    code, said = jiceng(village, "token", "create", "clerk")
    assert Program(village, said[-1]).get("/token").json["scopes"] == ["read"]
    id = said[-1].split("_")[1]
    assert jiceng(village, "token", "revoke", "clerk", id)[0] == 0
    Program(village, said[-1]).get("/token", status=401)


def test_what_does_not_fit_is_refused_with_the_reason(village: Village) -> None:
    for argv in (["nobody"], ["clerk", "--scope", "publish"], ["clerk", "--role", "approver"], ["clerk", "--scope", "fly"]):
        code, said = jiceng(village, "token", "create", *argv)
        assert code == 1
        assert said
        assert "jct_" not in "".join(said)


def test_bytes_that_are_no_text_get_a_problem_document(village: Village) -> None:
    app = TestApp(village.app)
    for url in ("/api/v1/units/%ff", "/api/v1/search?q=%ff%fe"):
        refused = app.get(url, status=400)
        assert refused.content_type == "application/problem+json"
        assert refused.json["code"] == "bad_request"
