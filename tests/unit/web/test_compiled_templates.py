"""Templates that were compiled once are found again by the next start."""

from __future__ import annotations

from pathlib import Path

import pytest
from chameleon.zpt.template import PageTemplate

from jiceng_cms.web.pages import Shell
from jiceng_cms.web.theming import Theme

SHELL = Shell(site_title="青石镇公开")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A site's own theme with one template that loads another."""
    templates = tmp_path / "own" / "templates"
    templates.mkdir(parents=True)
    (tmp_path / "own" / "static").mkdir()
    (templates / "greeting.pt").write_text(
        '<p tal:define="parts load: parts_of_ours.pt">${page}<b metal:use-macro="parts.macros[\'one\']" /></p>', encoding="utf-8"
    )
    (templates / "parts_of_ours.pt").write_text('<i metal:define-macro="one">${page}</i>', encoding="utf-8")
    return tmp_path / "own"


def drawn(own: Path, kept: Path) -> str:
    theme = Theme([own])
    theme.keep_compiled_in(kept)
    return theme.render("greeting.pt", "您好<", SHELL)


def test_the_next_start_compiles_nothing(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Theme([own]).render("greeting.pt", "您好<", SHELL)
    assert "<p>您好&lt;<i>您好&lt;</i></p>" in plain
    assert drawn(own, tmp_path / "kept") == plain
    monkeypatch.setattr(PageTemplate, "parse", lambda *_: pytest.fail("compiled again"))
    assert drawn(own, tmp_path / "kept") == plain


def test_a_changed_template_is_compiled_again(own: Path, tmp_path: Path) -> None:
    drawn(own, tmp_path / "kept")
    (own / "templates" / "greeting.pt").write_text("<p>再见</p>", encoding="utf-8")
    assert "<p>再见</p>" in drawn(own, tmp_path / "kept")


def test_what_another_release_compiled_is_removed(own: Path, tmp_path: Path) -> None:
    old = tmp_path / "kept" / "0123456789ab"
    old.mkdir(parents=True)
    (old / "greeting.py").write_text("raise SystemExit")
    assert "您好&lt;" in drawn(own, tmp_path / "kept")
    assert not old.exists()


def test_without_a_place_to_write_pages_are_drawn_all_the_same(own: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file is in the way")
    assert "您好&lt;" in drawn(own, tmp_path / "kept")
