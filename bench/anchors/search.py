"""What search is compared with: a scan of all texts in memory, and Whoosh as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whoosh.analysis import NgramTokenizer
from whoosh.fields import ID, TEXT, Schema
from whoosh.index import create_in
from whoosh.query import And, Phrase, Term


class Scan:
    """Normalised texts in a list, newest first; every query reads them all for its top ten."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def top_ten(self, words: Sequence[str]) -> tuple[int, list[int]]:
        """How many match, and the first ten."""
        found = [i for i, text in enumerate(self._texts) if all(word in text for word in words)]
        return len(found), found[:10]


class StockWhoosh:
    """Pairs of characters with positions, phrase queries, Whoosh's own reader and collector."""

    def __init__(self, folder: Path, texts: Sequence[str]) -> None:
        index = create_in(
            str(folder), Schema(key=ID(stored=True), text=TEXT(NgramTokenizer(2, 2), phrase=True))
        )
        writer = index.writer(limitmb=512)
        for number, text in enumerate(texts):
            writer.add_document(key=str(number), text=text)
        writer.commit()
        self._searcher = index.searcher()

    def top_ten(self, words: Sequence[str]) -> tuple[int, list[int]]:
        """How many match, and the ten that it ranks first."""
        results: Any = self._searcher.search(And([self._phrase(word) for word in words]), limit=10)
        return len(results), [int(hit["key"]) for hit in results]

    @staticmethod
    def _phrase(word: str) -> Any:
        pairs = [word[i : i + 2] for i in range(len(word) - 1)]
        return Phrase("text", pairs) if len(pairs) > 1 else Term("text", pairs[0])

    def close(self) -> None:
        """Let go of the files."""
        self._searcher.close()
