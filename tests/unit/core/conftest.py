"""A village that the tests of a module share; each makes drafts of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.village import Village, open_village


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """A site with its people, open as long as the module's tests run."""
    made = open_village(tmp_path_factory.mktemp("village"))
    yield made
    made.close()


@pytest.fixture
def own_village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """A site for one test alone, which changes people or the clock."""
    made = open_village(tmp_path_factory.mktemp("own"))
    yield made
    made.close()
