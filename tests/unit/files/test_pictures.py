"""Pictures of pages: drawn once, bounded, forgotten, never tried again and again."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

from jiceng_cms.files.pictures import MOST_PAGES, Pictures
from jiceng_cms.files.sandbox import Sandbox


class Draws(Sandbox):
    """Draws a page of 1,000 bytes; a file of so many pages."""

    def __init__(self, pages: int) -> None:
        super().__init__()
        self.pages = pages
        self.asked: list[tuple[int, int]] = []

    def draw(self, file: BinaryIO, family: str, first: int, last: int) -> list[bytes]:
        self.asked.append((first, last))
        return [b"%d" % n + b"." * 998 for n in range(first, min(last, self.pages) + 1)]


def opened() -> Any:
    return io.BytesIO(b"file")


def test_neighbours_are_drawn_together_and_once(tmp_path: Path) -> None:
    draws = Draws(7)
    pictures = Pictures(tmp_path, b"secret", draws)
    for number in (2, 1, 5, 6, 7, 2):
        assert pictures.page("record:a", "f1", "pdf", number, opened) == b"%d" % number + b"." * 998
    assert draws.asked == [(1, 5), (6, 10)]
    assert pictures.page("record:a", "f1", "pdf", 0, opened) is None
    assert pictures.page("record:a", "f1", "pdf", MOST_PAGES + 1, opened) is None
    assert pictures.page("record:b", "f1", "pdf", 1, opened)
    assert len(draws.asked) == 3, "the file of another record is another file"


def test_what_can_not_be_drawn_is_left_alone_for_an_hour(tmp_path: Path) -> None:
    draws = Draws(0)
    pictures = Pictures(tmp_path, b"secret", draws)
    for _ in range(3):
        assert pictures.page("record:a", "f1", "pdf", 1, opened) is None
    assert len(draws.asked) == 1
    (mark,) = tmp_path.rglob("*.webp")
    old = mark.stat().st_mtime - 4000
    os.utime(mark, (old, old))
    draws.pages = 1
    assert pictures.page("record:a", "f1", "pdf", 1, opened)


def test_the_folder_tells_nothing_and_stays_small(tmp_path: Path) -> None:
    draws = Draws(50)
    pictures = Pictures(tmp_path, b"secret", draws, most=40_000)
    for record in range(20):
        for number in (1, 6):
            pictures.page(f"record:990101100201/{record}", "f1", "pdf", number, opened)
    kept = list(tmp_path.rglob("*.webp"))
    assert sum(path.stat().st_size for path in kept) <= 50_000
    assert not any("990101100201" in str(path) or "f1-" in path.name for path in kept)


def test_a_record_can_be_forgotten_and_the_folder_deleted(tmp_path: Path) -> None:
    import shutil

    draws = Draws(1)
    pictures = Pictures(tmp_path / "cache", b"secret", draws)
    for record in ("record:a", "record:b"):
        pictures.page(record, "f1", "image", 1, opened)
    pictures.forget("record:a")
    assert len(list(tmp_path.rglob("*.webp"))) == 1
    shutil.rmtree(tmp_path / "cache")
    assert pictures.page("record:b", "f1", "image", 1, opened)
