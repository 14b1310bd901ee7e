"""A village for each test, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.village import Village, open_village


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    """A site with a village, a community, their people and accounts."""
    made = open_village(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """One village for all the tests of a module that change nothing that another one looks at."""
    made = open_village(Path(tmp_path_factory.mktemp("place")) / "home")
    yield made
    made.close()
