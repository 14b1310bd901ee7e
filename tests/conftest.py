"""What all tests share: which of them can run here, and no network in unit tests."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
UNIT = ROOT / "tests" / "unit"

#: Debian's golang-golang-x-mod-dev puts the sources of the verifiers here.
GO_PATH = Path("/usr/share/gocode")

#: A slow machine is no failure: figures of time belong to `make bench`.
settings.register_profile("jiceng", deadline=None, print_blob=True)
settings.load_profile("jiceng")


def everything_is_required() -> bool:
    """Whether a missing browser or Go is a failure and no reason to skip."""
    return os.environ.get("JICENG_REQUIRE_ALL") == "1"


def find_chromium() -> str | None:
    """The browser to drive: `$JICENG_CHROMIUM`, else Debian's."""
    named = os.environ.get("JICENG_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


def find_go() -> str | None:
    """The `go` command, if the sources of golang.org/x/mod lie where Debian puts them."""
    if not (GO_PATH / "src" / "golang.org" / "x" / "mod" / "sumdb" / "tlog").is_dir():
        return None
    return shutil.which("go")


def find_shared() -> Path | None:
    """The folder of real texts beside the checkout; only some machines have it."""
    folder = ROOT.parent / "shared"
    return folder if folder.is_dir() else None


def why_not(item_marks: set[str]) -> str | None:
    """The first thing that a test with these marks needs and this machine lacks."""
    if "browser" in item_marks and find_chromium() is None:
        return "needs chromium (tests/need-tools installs it)"
    if "go" in item_marks and find_go() is None:
        return "needs golang-go and golang-golang-x-mod-dev (tests/need-tools installs them)"
    if "shared" in item_marks and find_shared() is None:
        return "needs the folder `shared` beside the checkout"
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors; the one that webob 1.8 causes by being imported is not ours to mend."""
    config.addinivalue_line("filterwarnings", "ignore:'cgi' is deprecated:DeprecationWarning")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what can't run here; with JICENG_REQUIRE_ALL=1 fail instead, but for `shared`."""
    marks = {mark.name for mark in item.iter_markers()}
    reason = why_not(marks)
    if reason is None:
        return
    if everything_is_required() and "shared" not in reason:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser, for tests with the mark `browser`."""
    path = find_chromium()
    assert path is not None, "the test lacks the mark `browser`"
    return path


@pytest.fixture(scope="session")
def go() -> str:
    """Path of the `go` command, for tests with the mark `go`."""
    path = find_go()
    assert path is not None, "the test lacks the mark `go`"
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real texts, for tests with the mark `shared`."""
    path = find_shared()
    assert path is not None, "the test lacks the mark `shared`"
    return path


def _only_unix(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *args: Any) -> Any:
        if self.family != socket.AF_UNIX:
            self.close()  # a library that does not expect this error would leave it open
            raise AssertionError(f"a unit test called socket.{name}{args!r}: no network here")
        return original(self, *args)

    return guarded


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests neither call out nor listen; a Unix socket in a folder of their own is fine."""
    if not request.path.is_relative_to(UNIT):
        return
    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, _only_unix(name, getattr(socket.socket, name)))
