"""A browser without script, over WebTest."""

from __future__ import annotations

import re
from typing import Any

from webtest import TestApp, TestResponse

from .village import PASSWORD, words


class Page(TestResponse):
    """A response whose forms are those that a browser would send: none inside ``<template>``."""

    def _parse_forms(self) -> None:
        whole = self.testbody if hasattr(self, "testbody") else self.text
        bare = re.sub(r"(?s)<template.*?</template>", "", self.text)
        if bare != whole:
            self.text = bare
            if hasattr(self, "_use_unicode"):
                del self._use_unicode
        super()._parse_forms()

    @property
    def words(self) -> str:
        """The text of the page."""
        return words(self.text)

    def form_with(self, field: str) -> Any:
        """The form that has a field of this name."""
        return next(f for f in self.forms.values() if field in f.fields)

    def press(self, form: Any, button: str = "", **kw: Any) -> Page:
        """Submit by the button of this value (the first button by default)."""
        if "button" not in form.fields:
            return form.submit(**kw)
        values = [b.value_if_submitted() if hasattr(b, "value_if_submitted") else b._value for b in form.fields["button"]]
        wanted = button or values[0]
        last = len(values) - 1 - values[::-1].index(wanted)
        return form.submit("button", index=last, **kw)


class Browser(TestApp):
    """One person at one browser."""

    RequestClass = TestApp.RequestClass

    def __init__(self, app: Any) -> None:
        super().__init__(app, extra_environ={"HTTP_ORIGIN": "http://localhost", "HTTP_HOST": "localhost"})
        self.RequestClass = type("Request", (TestApp.RequestClass,), {"ResponseClass": Page})

    def sign_in(self, login: str, password: str = PASSWORD) -> Page:
        """Sign in and come to the desk."""
        form = self.get("/login").form_with("password")
        form["login"], form["password"] = login, password
        return form.submit(status=303).follow()

    def act(self, page: Page, name: str, *, status: int | None = None, **fields: str) -> Page:
        """Send the form of an action on a record's working page."""
        form = page.forms[f"do-{name}"]
        for field, value in fields.items():
            _set(form, field, value)
        return form.submit(status=status)


def _set(form: Any, name: str, value: str) -> None:
    if name in form.fields:
        form[name] = value
        return
    # a choice stands under a name of its own inside a rename marker: find it by its value
    for key, fields in form.fields.items():
        if key and key.startswith("deformField") and any(
            value in [o[0] for o in getattr(f, "options", [])] for f in fields
        ):
            form[key] = value
            return
    raise AssertionError(f"no field {name} in the form: {list(form.fields)}")
