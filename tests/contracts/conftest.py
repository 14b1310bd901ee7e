"""The oracle: search by reading every text, as slow and as plain as can be."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from jiceng_cms.core.clock import TZ
from jiceng_cms.search.analysis import is_ideograph, normalise, parse_query
from jiceng_cms.search.interface import Batch, SearchDocument, SearchQuery


def _is_run_char(char: str) -> bool:
    return char.isalnum() and not is_ideograph(char)


def stands_in(term: str, text: str) -> bool:
    """Whether ``term`` stands in ``text`` (both normalised), letters and digits in whole runs."""
    for match in re.finditer(f"(?={re.escape(term)})", text):
        before = text[match.start() - 1 : match.start()] if match.start() else ""
        after = text[match.start() + len(term) :][:1]
        if before and _is_run_char(before) and _is_run_char(term[0]):
            continue
        if after and _is_run_char(after) and _is_run_char(term[-1]):
            continue
        return True
    return False


class Oracle:
    """Holds documents in a dict and answers from a scan."""

    FACETS = ("unit", "kind", "year", "state")

    def __init__(self) -> None:
        self.documents: dict[str, SearchDocument] = {}
        self.cursor = 0

    def apply(self, batch: Batch) -> None:
        for key in batch.deletes:
            self.documents.pop(key, None)
        for document in batch.upserts:
            self.documents[document.key] = document
        self.cursor = batch.cursor

    @staticmethod
    def _fields(document: SearchDocument) -> list[str]:
        return [
            normalise(text)
            for text in (
                document.title,
                document.body,
                document.table,
                document.attachments,
                document.unit_name,
                document.number,
            )
        ]

    @staticmethod
    def _passes(document: SearchDocument, query: SearchQuery, but: str = "") -> bool:
        day = document.published_at.astimezone(TZ).date()
        return (
            (but == "unit" or not query.units or document.unit in query.units)
            and (but == "kind" or query.kind is None or document.kind == query.kind)
            and (but == "year" or query.year is None or document.year == query.year)
            and (but == "state" or query.state is None or document.state == query.state)
            and (query.since is None or day >= query.since)
            and (query.until is None or day <= query.until)
        )

    def search(self, query: SearchQuery) -> tuple[list[str], dict[str, dict[str, int]]]:
        """All keys in order, and the counts of each facet."""
        terms = [term.text for term in parse_query(query.text)]
        if not terms:
            return [], {}
        matching = [
            document
            for document in self.documents.values()
            if all(any(stands_in(term, f) for f in self._fields(document)) for term in terms)
        ]

        def order(document: SearchDocument) -> tuple[bool, float, str]:
            title = normalise(document.title)
            titled = query.sort == "relevance" and all(stands_in(t, title) for t in terms)
            return not titled, -(document.published_at.timestamp()), document.key

        chosen = sorted((d for d in matching if self._passes(d, query)), key=order)
        counts = {
            facet: dict(
                Counter(str(getattr(d, facet)) for d in matching if self._passes(d, query, facet))
            )
            for facet in self.FACETS
        }
        return [document.key for document in chosen], counts


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope="session")
def new_oracle() -> type[Oracle]:
    return Oracle
