"""Draws fields with our own templates only, and helps them with labels, paths and errors.

13 of deform's templates carry inline script or style, which our CSP stops. The search path is
the folder ``overlay/`` and nothing else, so a widget without a template there is an error at
once and never an unsafe page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

import colander
from chameleon.utils import Markup
from deform import ZPTRendererFactory

from jiceng_cms.locale import template_translator, translator
from jiceng_cms.web.forms.messages import in_plain_chinese

OVERLAY: Final = Path(__file__).parent / "overlay"

_CHOOSE: Final = frozenset({"select", "radio_choice", "checkbox_choice", "file_upload"})
_GROUPS: Final = frozenset({"radio_choice", "checkbox_choice"})
#: their templates say how to write it
_TOLD_HOW: Final = frozenset({"dateinput", "moneyinput"})
_UNSAFE_ATTRIBUTE: Final = re.compile(r"(on\w+|style|src|href|action|formaction)\Z", re.IGNORECASE)

_templates: Final = ZPTRendererFactory([str(OVERLAY)], auto_reload=False)


@dataclass(frozen=True)
class Renderer:
    """What deform calls to draw a template: adds our helpers under the name ``f``."""

    gettext: Callable[..., str]
    #: says the Texts among labels, hints and choices
    say: Callable[..., str]
    #: deform asks for this; our texts are translated before they get here
    translate: None = None

    def __call__(self, template_name: str, **values: Any) -> Any:
        # Markup, since a field drawn inside another template must not be escaped again
        html = _templates(template_name, f=FieldHelp(values["field"]), _=self.gettext, translate=self.say, **values)
        return Markup(html)


@lru_cache(maxsize=8)
def renderer_for(locale: str) -> Renderer:
    return Renderer(translator(locale), template_translator(locale))


def has_template(name: str) -> bool:
    """Whether the overlay can draw the template ``name`` (no path, no asset spec)."""
    return name.isidentifier() and (OVERLAY / f"{name}.pt").is_file()


@dataclass(frozen=True)
class FieldHelp:
    """What a template asks about its field."""

    field: Any

    @property
    def kind(self) -> str:
        """hidden, structural, group (radios), checkbox, or field."""
        widget = self.field.widget
        if widget.hidden:
            return "hidden"
        if widget.template in ("mapping", "sequence"):
            return "structural"
        if widget.template in _GROUPS:
            return "group"
        return "checkbox" if widget.template == "checkbox" else "field"

    @property
    def label(self) -> str:
        title: str = self.field.title
        return title

    @property
    def errors(self) -> list[str]:
        return field_errors(self.field)

    @property
    def path(self) -> str:
        return path_of(self.field)

    @property
    def in_row(self) -> bool:
        return "row_index" in self.field.__dict__

    @property
    def described_by(self) -> str | None:
        oid = self.field.oid
        ids = [f"hint-{oid}"] if self.field.description else []
        ids += [f"error-{oid}"] if self.errors else []
        ids += [f"how-{oid}"] if self.field.widget.template in _TOLD_HOW else []
        return " ".join(ids) or None

    @property
    def invalid(self) -> str | None:
        return "true" if self.errors else None

    @property
    def most(self) -> int | None:
        """The greatest number of characters that the schema names, None when it names none."""
        limit: int | None = getattr(self.field.typ, "limit", None)
        return limit or next(_lengths(self.field.schema.validator), None)

    @property
    def attributes(self) -> dict[str, str]:
        return dict(getattr(self.field.widget, "attributes", None) or {})


def _lengths(validator: Any) -> Iterator[int]:
    if isinstance(validator, colander.Length) and validator.max is not None:
        yield validator.max
    for inner in getattr(validator, "validators", ()):
        yield from _lengths(inner)


def path_of(field: Any) -> str:
    """Where the field stands: names and row numbers from 0, joined by dots; root is ""."""
    parts: list[str] = []
    while field is not None and field.parent is not None:
        number = field.__dict__.get("row_index")
        parts.append(field.name if number is None else str(number))
        field = field.parent
    return ".".join(reversed(parts))


def field_errors(field: Any) -> list[str]:
    """The field's own messages in Chinese, each once."""
    if field.error is None:
        return []
    typed = field.cstruct if field.cstruct is not colander.null else ""
    chosen = field.widget.template in _CHOOSE
    said = [
        in_plain_chinese(message, title=str(field.title), typed=typed, chosen=chosen)
        for message in field.error.messages()
        if message
    ]
    return list(dict.fromkeys(said))


def check_attributes(attributes: dict[str, str]) -> None:
    """Refuses attributes that the CSP would stop, or that would lead elsewhere."""
    for name in attributes:
        if _UNSAFE_ATTRIBUTE.match(name):
            raise ValueError(f"a widget may not set the attribute {escape(name)}")
