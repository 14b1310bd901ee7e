"""The server starts with good secrets or not at all."""

from __future__ import annotations

import pytest

from jiceng_cms.access.secret import BadSecret, new_secret, require_secrets

NAMES = ("access.secret", "feeds.secret")


def test_new_ones_are_good_and_distinct() -> None:
    settings = {name: new_secret() for name in NAMES}
    found = require_secrets(settings, NAMES)
    assert {name: value.decode() for name, value in found.items()} == settings
    assert len({new_secret() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "is missing"),
        ("   ", "is missing"),
        ("3f9ac27d10be", "needs 32"),
        ("change-me-3f9ac27d10be8846aa0192c3d4e5", "example"),
        ("CHANGEME3f9ac27d10be8846aa0192c3d4e5", "example"),
        ("请修改3f9ac27d10be8846aa0192c3d4e5f6071829", "example"),
        ("ab" * 32, "repeats"),
    ],
)
def test_a_bad_one_is_named_with_the_way_to_a_good_one(value: str | None, reason: str) -> None:
    settings = {"access.secret": new_secret()}
    if value is not None:
        settings["feeds.secret"] = value
    with pytest.raises(BadSecret, match=reason) as refused:
        require_secrets(settings, NAMES)
    assert str(refused.value).startswith("feeds.secret ")
    assert "token_hex" in str(refused.value)
    assert value is None or not value.strip() or value not in str(refused.value)


def test_the_same_secret_twice_is_refused() -> None:
    one = new_secret()
    with pytest.raises(BadSecret, match="same as another"):
        require_secrets(dict.fromkeys(NAMES, one), NAMES)
