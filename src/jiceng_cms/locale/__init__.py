"""The words of the pages in another language, keyed by their Chinese.

Chinese is the source and complete by construction: ``_('上移')`` is its own text. ``en.toml``
maps each such text to English. What is missing there shows in Chinese, never as a bare key.

Code that builds a sentence with values says ``say("晚 {n} 天", n=8)``. That is a ``str`` in
Chinese which still knows its pattern, so nothing between it and the template needs to know the
reader's language: templates say it in the language of the page as they write it out. What
people wrote (titles, names, reasons) is a plain ``str`` and stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

LOCALES: Final = ("zh_CN", "en")

#: ``{n}``, or ``{n|day|days}`` for the word that goes with one and with many.
_PLACE: Final = re.compile(r"\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}")


@lru_cache(maxsize=8)
def catalogue(locale: str) -> dict[str, str]:
    """Chinese text -> text in ``locale``; empty for Chinese. Raises ValueError if unknown."""
    if locale not in LOCALES:
        raise ValueError(f"unknown locale {locale!r}")
    if locale == "zh_CN":
        return {}
    text = files(__name__).joinpath(f"{locale}.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["messages"])


class Text(str):
    """Chinese words that can be said in another language; everywhere else a ``str``."""

    source: str
    values: Mapping[str, object]
    #: what it is called in other languages, where it brings that along
    told: Mapping[str, str]

    def said(self, locale: str) -> str:
        """The words in ``locale``; in Chinese where that language has none."""
        if locale == "zh_CN":
            return str(self)
        pattern = self.told.get(locale) or catalogue(locale).get(self.source, self.source)
        return _fill(pattern, self.values, locale)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # what is stored is the Chinese, never the way that it was made
        return str, (str(self),)

    def __str__(self) -> str:
        return str.__str__(self)


class _Joined(Text):
    """Several texts with the same words between them."""

    parts: tuple[str, ...]

    def said(self, locale: str) -> str:
        return _said(self.values["between"], locale).join(_said(part, locale) for part in self.parts)


def _said(value: object, locale: str) -> str:
    return value.said(locale) if isinstance(value, Text) else str(value)


def _fill(pattern: str, values: Mapping[str, object], locale: str) -> str:
    """``pattern`` with its places filled. Only whole names are: a value can't reach attributes or
    formats, whatever it holds, and braces in a value stay what they are."""

    if not values:
        return pattern
    shape, names = _shape(pattern)
    if names is not None and values.keys() >= names:
        if locale == "zh_CN":
            return shape % values  # any value, a Text too, is its Chinese as a str
        return shape % {name: _said(value, locale) for name, value in values.items()}
    found = []
    for text, name, one, many in _pieces(pattern):
        if name not in values:
            found.append(text)
        elif one is not None:
            found.append(one if str(values[name]) == "1" else many)
        else:
            found.append(_said(values[name], locale))
    return "".join(found)


@lru_cache(maxsize=2048)
def _pieces(pattern: str) -> tuple[tuple[str, str, str | None, str], ...]:
    """(the piece itself, the name in it or "", word for one, word for many), in order."""
    found: list[tuple[str, str, str | None, str]] = []
    end = 0
    for match in _PLACE.finditer(pattern):
        found += [(pattern[end : match.start()], "", None, ""), (match[0], match[1], match[2], match[3] or "")]
        end = match.end()
    return (*found, (pattern[end:], "", None, ""))


def _text(kind: type[Any], chinese: str, source: str, values: Mapping[str, object], told: Mapping[str, str]) -> Any:
    made = kind(chinese)
    made.source, made.values, made.told = source, values, told
    return made


def say(source: str, **values: object) -> Text:
    """The words ``source`` with each ``{name}`` filled from ``values``, which may be Texts.

    A Text comes back as it is, so that a message from elsewhere can be said whatever it is.
    """
    if isinstance(source, Text):
        return source
    if not values:
        return _plain(source)
    made: Text = _text(Text, _fill(source, values, "zh_CN"), source, values, {})
    return made


@lru_cache(maxsize=2048)
def _shape(pattern: str) -> tuple[str, frozenset[str] | None]:
    """``pattern`` for the operator ``%`` and the names in it; None where a word goes with a number."""
    pieces = _pieces(pattern)
    if any(one is not None for _, _, one, _ in pieces):
        return "", None
    shape = "".join(f"%({name})s" if name else text.replace("%", "%%") for text, name, _, _ in pieces)
    return shape, frozenset(name for _, name, _, _ in pieces if name)


@lru_cache(maxsize=2048)
def _plain(source: str) -> Text:
    made: Text = _text(Text, source, source, {}, {})
    return made


def both(chinese: str, english: str) -> Text:
    """Words that bring their English along: titles of roles, states and reasons."""
    made: Text = _text(Text, chinese, chinese, {}, {"en": english} if english else {})
    return made


def titled(pair: Mapping[str, str]) -> Text:
    """The same for ``{"zh_CN": …, "en": …}`` of a data file."""
    return both(pair["zh_CN"], pair.get("en", ""))


def joined(between: str, parts: Iterable[str]) -> Text:
    """The non-empty ``parts``, with the words ``between`` them."""
    kept = tuple(part for part in parts if part)
    made: _Joined = _text(_Joined, str(between).join(kept), between, {"between": say(between)}, {})
    made.parts = kept
    return made


@lru_cache(maxsize=8)
def translator(locale: str) -> Callable[..., str]:
    """``_(text, **values)``: ``text`` in ``locale``, with ``{name}`` filled from ``values``."""
    messages = catalogue(locale)

    def translate(text: str, **values: object) -> str:
        if isinstance(text, Text):
            return text.said(locale)
        return _fill(messages.get(text, text), values, locale)

    return translate


_DOLLAR: Final = re.compile(r"\$\{(\w+)\}")


@lru_cache(maxsize=8)
def template_translator(locale: str) -> Callable[..., str]:
    """What Chameleon asks about each piece of a template's own text and each Text in it."""
    messages = catalogue(locale)

    def translate(text: str, mapping: Mapping[str, str] | None = None, **_: object) -> str:
        if isinstance(text, Text):
            return text.said(locale)
        found = messages.get(text, text)
        if mapping:
            return _DOLLAR.sub(lambda m: str(mapping.get(m[1], m[0])), found)
        return found

    def chinese(text: str, mapping: Mapping[str, str] | None = None, **_: object) -> str:
        return translate(text, mapping) if mapping else str(text)

    return translate if messages else chinese
