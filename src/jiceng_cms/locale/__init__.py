"""The words of the pages in another language, keyed by their Chinese.

Chinese is the source and complete by construction: ``_('上移')`` is its own text. ``en.toml``
maps each such text to English. What is missing there shows in Chinese, never as a bare key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Final

LOCALES: Final = ("zh_CN", "en")

_PLACE: Final = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=8)
def catalogue(locale: str) -> dict[str, str]:
    """Chinese text -> text in ``locale``; empty for Chinese. Raises ValueError if unknown."""
    if locale not in LOCALES:
        raise ValueError(f"unknown locale {locale!r}")
    if locale == "zh_CN":
        return {}
    text = files(__name__).joinpath(f"{locale}.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["messages"])


@lru_cache(maxsize=8)
def translator(locale: str) -> Callable[..., str]:
    """``_(text, **values)``: ``text`` in ``locale``, with ``{name}`` filled from ``values``.

    Only whole names are filled in: a value can't reach attributes or formats, whatever it holds.
    """
    messages = catalogue(locale)

    def translate(text: str, **values: object) -> str:
        found = messages.get(text, text)
        if not values:
            return found
        return _PLACE.sub(lambda m: str(values[m[1]]) if m[1] in values else m[0], found)

    return translate
