"""Makes a form from a colander schema: drawn by the overlay, checked, nothing typed lost.

A view does::

    form = make_form(schema, action=url, buttons=(Button("save", "保存草稿"),), csrf_token=token)
    posted = parse_controls(request.POST.items())         # BadForm: cannot be read at all
    if form.redraw(posted):                               # 添加一行: nothing is to be saved
        return form.render()
    try:
        data = form.validate(posted)
    except FormInvalid:
        return form.render()                              # with messages and all that was typed
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import colander
import deform

from jiceng_cms.web.forms import widgets
from jiceng_cms.web.forms.controls import ENVELOPE, Posted, change_rows, keep_known
from jiceng_cms.web.forms.rendering import (
    check_attributes,
    field_errors,
    has_template,
    path_of,
    renderer_for,
)

__all__ = ["Button", "Form", "FormInvalid", "Problem", "make_form", "relaxed"]


@dataclass(frozen=True)
class Button:
    """A submit button: ``name`` comes back as ``Posted.button``, ``title`` says what happens."""

    name: str
    title: str
    quiet: bool = False
    danger: bool = False


@dataclass(frozen=True)
class Problem:
    """One thing to mend. ``oid`` is the id of the field to go to, "" for the whole form."""

    path: str
    oid: str
    label: str
    message: str


class FormInvalid(Exception):
    """What was posted does not fit; ``form`` holds all of it, and the messages."""

    def __init__(self, form: Form) -> None:
        super().__init__("; ".join(problem.message for problem in form.problems))
        self.form = form


class Form:
    """One form of one request. See :func:`make_form`."""

    def __init__(self, root: Any, schema: Any) -> None:
        self._root = root
        self._schema = schema
        self._general: list[str] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is to be mended, in the order of the page."""
        general = [Problem("", "", "", message) for message in self._general]
        return (*general, *_walk_problems(self._root, ""))

    def validate(self, posted: Posted, *, draft: bool = False) -> dict[str, Any]:
        """The data as the schema's types give them.

        Raises FormInvalid; the form then draws what was typed with a message beside each field
        at fault. ``draft`` lets missing fields be missing (they are left out of the result):
        half a form can be saved, and what is there must be readable.
        """
        self.keep(posted)
        schema = relaxed(self._schema) if draft else self._schema
        data: dict[str, Any] = {}
        try:
            data = schema.deserialize(self._root.cstruct)
        except colander.Invalid as error:
            self._root.widget.handle_error(self._root, error)
        if self.problems:
            raise FormInvalid(self)
        return data

    def keep(self, posted: Posted) -> None:
        """Draw what was posted, unchecked: after a conflict or an expired session."""
        fields, strange = keep_known(self._schema, posted.fields)
        self._general.extend(strange)
        self._show(fields)

    def redraw(self, posted: Posted) -> bool:
        """Whether the button only changes the page; then the form shows what was typed.

        Those are the buttons of rows (add, remove, up, down) and ``restore``, with which
        ``forms.js`` brings back a copy kept on the computer. Raises BadForm when the button
        names a row that is not there.
        """
        if posted.button == "restore":
            self.keep(posted)
            return True
        fields, _ = keep_known(self._schema, posted.fields)
        changed = change_rows(self._schema, fields, posted.button)
        if changed is None:
            return False
        path, number = changed
        self._show(fields)
        for field in _walk(self._root):
            if path_of(field) == path and number >= 0:
                field.focus_row = number
        return True

    def _show(self, fields: dict[str, Any]) -> None:
        try:
            cstruct = self._root.deserialize(fields)
        except colander.Invalid as error:  # a widget that could not read its part
            self._root.widget.handle_error(self._root, error)
            cstruct = error.value
        self._root.cstruct = cstruct

    def add_errors(self, errors: Mapping[str, str]) -> None:
        """Put messages of the domain beside their fields (``tables.0.text``), "" on top."""
        left = dict(errors)
        for field in _walk(self._root):
            path = path_of(field)
            if path and path in left:
                field.error = colander.Invalid(field.schema, left.pop(path))
        self._general.extend(left.values())

    def render_fields(self) -> str:
        """The fields alone as safe HTML, for a form whose frame stands in a page's template."""
        return "".join(
            str(child.render_template(self._root.widget.item_template)) for child in self._root.children
        )

    def render(self) -> str:
        """The whole ``<form>`` as safe HTML."""
        problems = self.problems
        return str(self._root.serialize(problems=problems))


def make_form(
    schema: Any,
    *,
    action: str,
    buttons: Sequence[Button],
    csrf_token: str,
    appstruct: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    etag: str = "",
    idempotency: str = "",
    autosave_url: str = "",
    draft_key: str = "",
    formid: str = "form",
    first_field: int = 1,
    locale: str = "zh_CN",
) -> Form:
    """A form that draws ``appstruct`` and ``errors`` (by dotted path, "" for the whole).

    The first of ``buttons`` is also what the Enter key presses. ``autosave_url`` and
    ``draft_key`` (any text that is the same when this record's form is opened again) turn on
    saving and keeping by ``forms.js``. Forms that share a page have ``formid`` and
    ``first_field``, the number of the first field's id, of their own. Raises ValueError for a schema that cannot be drawn
    safely: a widget without a template of ours, a field named like one of the envelope's.
    """
    own = _strict(schema.clone())
    root = deform.Form(
        own,
        action=action,
        formid=formid,
        renderer=renderer_for(locale),
        counter=itertools.count(first_field),
        focus="off",
        chrome=_Chrome(
            tuple(buttons), csrf_token, etag, idempotency, autosave_url, draft_key
        ),
    )
    _prepare(root)
    root.set_appstruct(colander.null if appstruct is None else dict(appstruct))
    _make_rows(root)
    form = Form(root, own)
    if errors:
        form.add_errors(errors)
    return form


@dataclass(frozen=True)
class _Chrome:
    """What the form's template needs beside the fields."""

    buttons: tuple[Button, ...]
    csrf_token: str
    etag: str
    idempotency: str
    autosave_url: str
    draft_key: str


def relaxed(schema: Any) -> Any:
    """The same schema, in which every field may be missing (then it is left out) or short."""
    return _relax(schema.clone())


def _relax(node: Any) -> Any:
    node.validator = _without_minimum(node.validator)
    for child in node.children:
        if child.required and not isinstance(node.typ, colander.Sequence):
            child.missing = colander.drop
        _relax(child)
    return node


def _without_minimum(validator: Any) -> Any:
    if isinstance(validator, colander.Length):
        return None if validator.max is None else colander.Length(max=validator.max)
    if isinstance(validator, colander.All):
        inner = [_without_minimum(one) for one in validator.validators]
        return colander.All(*[one for one in inner if one is not None])
    return validator


def _strict(node: Any) -> Any:
    """Every mapping refuses unknown fields; no name may hide the envelope."""
    if isinstance(node.typ, colander.Mapping):
        node.typ = colander.Mapping(unknown="raise")
    for child in node.children:
        if child.name in ENVELOPE or child.name.startswith("__") or "." in child.name:
            raise ValueError(f"a field may not be called {child.name!r}")
        _strict(child)
    return node


def _prepare(field: Any) -> None:
    if field.schema.widget is None and isinstance(field.typ, colander.Sequence):
        field.widget = widgets.Rows()
    for template in (field.widget.template, getattr(field.widget, "item_template", None)):
        if template is not None and not has_template(template):
            raise ValueError(f"no template of ours draws {template!r} ({field.name!r})")
    check_attributes(getattr(field.widget, "attributes", None) or {})
    for child in field.children:  # prototypes of rows too
        _prepare(child)


def _make_rows(field: Any) -> None:
    """Make the rows of what was stored, so that each can be found by its path."""
    if isinstance(field.widget, widgets.Rows):
        field.widget.make_rows(field)
    for child in _below(field):
        _make_rows(child)


def _below(field: Any) -> list[Any]:
    """The children that are drawn: of rows the rows themselves, never their prototype."""
    if isinstance(field.widget, widgets.Rows):
        return list(getattr(field, "sequence_fields", None) or ())
    return list(field.children)


def _walk(field: Any) -> Iterator[Any]:
    """The field and all below it that is drawn."""
    yield field
    for child in _below(field):
        yield from _walk(child)


def _walk_problems(field: Any, row: str) -> Iterator[Problem]:
    """Problems with a label that says which row they mean: 表格 2：标题."""
    number = field.__dict__.get("row_index")
    if number is not None:
        rows = field.parent
        row = f"{rows.widget.item or field.title} {number + 1}"
        label = row
    elif field.parent is None:
        label = ""
    else:
        label = f"{row}：{field.title}" if row else str(field.title)
    for message in field_errors(field):
        yield Problem(path_of(field), field.oid if label else "", label, message)
    for child in _below(field):
        yield from _walk_problems(child, row)
