"""How a content type is drawn: what its package offers to the shared pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from .tables import Block


@dataclass(frozen=True)
class Presented:
    """A record's data, ready for a page: running text apart from the facts beside it."""

    title: str
    summary: tuple[str, ...]
    body: tuple[Block, ...]
    basis: tuple[str, ...]
    #: what :attr:`facts` and :attr:`fields` are, for those few pages that ask
    tell_facts: Callable[[], Iterable[tuple[str, str]]]
    tell_fields: Callable[[], Iterable[tuple[str, tuple[str, ...]]]]

    @cached_property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """(label, value) lines beside the text."""
        return tuple(self.tell_facts())

    @cached_property
    def fields(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(name, text) of every field, for a comparison of editions."""
        return tuple(self.tell_fields())


class Presenter(Protocol):
    """Draws the records of one content type."""

    def present(self, data: Mapping[str, Any], unit_kind: str) -> Presented:
        """A draft's or an edition's data for a page; anything may be missing in a draft."""
        ...

    def kind_title(self, kind: str, unit_kind: str) -> str:
        """What a kind is called at a unit of this kind: 党务, 村务, 居务, 财务."""
        ...

    def stage_title(self, stage: str) -> str:
        """事前, 事中, 事后, or ""."""
        ...

    def to_json(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the form's schema gives, as the JSON data of a draft."""
        ...

    def from_json(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON data of a draft, as the form draws it."""
        ...

    def warning(self, kind: str) -> str:
        """What the form of this kind says on top, or ""."""
        ...


def presenter_of(request: Any, type: str) -> Presenter:
    """The presenter of a content type."""
    found: Presenter = request.registry.presenters[type]
    return found
