"""A person's own tokens: made with the password, shown once, ended with a button."""

from __future__ import annotations

import re

from support.programs import Program
from support.village import PASSWORD, Village

PAGE = "/staff/account/tokens"


def _tick(form: object, values: tuple[str, ...]) -> None:
    for fields in form.fields.values():  # type: ignore[attr-defined]
        for field in fields:
            if getattr(field, "_value", None) in values and hasattr(field, "checked"):
                field.checked = True


def test_a_clerk_makes_a_token_uses_it_and_ends_it(village: Village) -> None:
    clerk = village.client("clerk")
    form = clerk.get(PAGE).form_with("title")
    form["title"] = "报账软件"
    _tick(form, ("read", "draft"))
    if "password" in form.fields:
        form["password"] = PASSWORD
    shown = form.submit("button", status=200)
    text = re.search(r"jct_[0-9a-z]{10}_[A-Za-z0-9_-]{43}", shown.text)
    assert text is not None
    program = Program(village, text.group())
    assert program.get("/token").json["scopes"] == ["read", "draft"]
    assert program.draft()["state"] == "draft"
    page = clerk.get(PAGE)
    assert text.group() not in page.text
    assert "报账软件" in page.words
    revoke = next(f for f in page.forms.values() if f.action.endswith("/revoke"))
    assert "已作废" in revoke.submit(status=303).follow().words
    program.get("/token", status=401)


def test_publishing_tokens_ask_for_a_bound_phone(village: Village) -> None:
    approver = village.client("approver")
    form = approver.get(PAGE).form_with("title")
    form["title"] = "公布"
    _tick(form, ("publish",))
    if "password" in form.fields:
        form["password"] = PASSWORD
    page = form.submit("button", status=403)
    assert "手机验证码" in page.words
    assert "jct_" not in page.text
