"""Every import of the package goes upward in the list of layers, or stays where it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiceng_cms.layers import ASSEMBLY, FORBIDDEN, LAYERS, RESERVED, may_import

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "jiceng_cms"
NAME = "jiceng_cms"


def imported_names(source: str, module: tuple[str, ...], is_package: bool) -> Iterator[str]:
    """Full dotted names that `source` imports, wherever in the file, relative ones resolved.

    `module` is the dotted path of the file below the package, without `__init__`.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = (NAME, *module)
                up = node.level - (1 if is_package else 0)
                base = ".".join((*here[: len(here) - up], *filter(None, [node.module])))
            for alias in node.names:
                yield f"{base}.{alias.name}"


def faults(folder: str, names: Iterator[str] | list[str]) -> list[str]:
    """What is wrong with a module of `folder` that imports `names`."""
    found = []
    for name in names:
        parts = name.split(".")
        if parts[0] == NAME:
            if len(parts) == 1 or parts[1] in ("layers", "__init__"):
                continue
            if parts[1] in LAYERS:
                if folder not in ASSEMBLY and not may_import(folder, parts[1]):
                    found.append(f"{folder} may not import {name}")
            elif parts[1] in ASSEMBLY and folder != "ops" and folder not in ASSEMBLY:
                found.append(f"{folder} may not import the assembly {name}")
        elif parts[0] in FORBIDDEN.get(folder, ()):
            found.append(f"{folder} may not import {name}")
        for reserved, owner in RESERVED.items():
            if (name == reserved or name.startswith(reserved + ".")) and folder != owner:
                found.append(f"only {owner} may import {name}")
    return found


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_path(file: Path) -> tuple[str, ...]:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_upward(file: Path) -> None:
    module = module_path(file)
    folder = module[0] if module else "__init__"
    assert folder in LAYERS or folder in ASSEMBLY or folder == "layers"
    names = imported_names(file.read_text("utf-8"), module, file.name == "__init__.py")
    assert faults(folder, names) == []


def test_each_folder_has_a_place() -> None:
    folders = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert folders == set(LAYERS)


def test_the_page_for_newcomers_lists_the_same_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE)
    assert listed == [layer for layer in LAYERS if layer in listed]
    assert set(LAYERS) - set(listed) <= {"locale"}


# the checker itself must see what it is there to see


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("core", "from jiceng_cms.web import pages"),
        ("core", "import jiceng_cms.store.runner"),
        ("core", "from ..store import runner"),
        ("core", "from .. import store"),
        ("core", "def late():\n    from ..web.theming import Theme"),
        ("core", "from pyramid.view import view_config"),
        ("privacy", "from ..search.analysis import normalise"),
        ("translog", "import zodburi"),
        ("web", "from ZODB.DB import DB"),
        ("web", "from ZODB.FileStorage.FileStorage import FileStorage"),
        ("web", "from ..affairs.disclosures import schema"),
        ("web", "from ..app import includes"),
    ],
)
def test_a_downward_import_is_seen(folder: str, source: str) -> None:
    assert faults(folder, imported_names(source, (folder, "x"), False))


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("web", "from ..core.clock import Clock"),
        ("web", "from .forms import Form"),
        ("affairs", "from ..web.forms import Form"),
        ("ops", "from jiceng_cms import main"),
        ("ops", "from ..app import includes"),
        ("core", "from ..locale import _"),
        ("store", "import zodburi\nfrom ZODB.DB import DB"),
        ("search", "from jiceng_cms.core.ids import record_key"),
    ],
)
def test_an_upward_import_is_fine(folder: str, source: str) -> None:
    assert faults(folder, imported_names(source, (folder, "x"), False)) == []
