"""The built wheel is complete: it holds every module and data file, and starts where it alone is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: top-level data folder -> the package that it becomes
DATA = {
    "workflows": "jiceng_cms/default_workflows",
    "themes": "jiceng_cms/default_themes",
    "config": "jiceng_cms/default_config",
}

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    # without our environment: a PYTHONPATH would let the checkout answer for the wheel
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the build reads, so that the checkout gets no build products."""
    copy = tmp_path_factory.mktemp("source")
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")
    for name in ("src", *DATA):
        shutil.copytree(ROOT / name, copy / name, ignore=leave_out)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet",
        "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", out, source,
        cwd=out,
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheel, and this one's dependencies."""
    home = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    interpreter = home / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", interpreter,
        "install", "--quiet", "--no-index", "--no-deps", wheel,
        cwd=home,
    )  # fmt: skip
    # .pth files inside a folder that is added by a .pth file are not read, so the editable
    # install of the checkout does not come along
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return interpreter


def expected(source: Path) -> set[str]:
    """Each file of the source under the name that it must have in the wheel."""
    places = {source / "src" / "jiceng_cms": "jiceng_cms"}
    places |= {source / folder: package for folder, package in DATA.items()}
    return {
        f"{package}/{file.relative_to(folder).as_posix()}"
        for folder, package in places.items()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_nothing_is_left_out(source: Path, wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    missing = expected(source) - packed
    assert not missing, "setup.cfg names neither package nor pattern for these"


def test_nothing_else_is_packed(source: Path, wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed <= expected(source)


def test_it_imports_where_no_checkout_is(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", "import jiceng_cms; print(jiceng_cms.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])


def test_a_site_starts_from_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    jiceng = python.with_name("jiceng")
    environment = {"PATH": "/usr/bin:/bin", "JICENG_HOME": str(tmp_path / "home"), "PYTHONWARNINGS": "ignore"}

    def call(*words: str) -> str:
        done = subprocess.run([jiceng, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "/set-password/admin/" in call("init")
    checked = call("workflow", "check")
    assert "disclosure" in checked
    assert "disclosure-party" in checked
    # no sockets in unit tests: the application answers a request in the interpreter of the wheel
    program = (
        "import os, sys; from pathlib import Path\n"
        "from jiceng_cms.app import make_app, open_services\n"
        "from jiceng_cms.web.services import read_settings\n"
        "from webob import Request\n"
        "services = open_services(read_settings(None))\n"
        "answer = Request.blank('/').get_response(make_app(services))\n"
        "services.close()\n"
        "sys.stdout.buffer.write(answer.status.encode() + b'\\n' + answer.body)"
    )
    done = subprocess.run([python, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 OK")
    assert "想查什么" in done.stdout


@pytest.mark.parametrize("folder", sorted(DATA))
def test_the_data_folders_are_found(python: Path, tmp_path: Path, folder: str) -> None:
    program = (
        "import json, sys; from importlib import resources\n"
        "def names(folder, prefix=''):\n"
        "    for entry in folder.iterdir():\n"
        "        if entry.is_dir():\n"
        "            yield from names(entry, prefix + entry.name + '/')\n"
        "        else:\n"
        "            yield prefix + entry.name\n"
        "print(json.dumps([n for n in names(resources.files(sys.argv[1])) if '.pyc' not in n]))"
    )
    package = DATA[folder].replace("/", ".")
    found = set(json.loads(run(python, "-c", program, package, cwd=tmp_path)))
    there = {
        file.relative_to(ROOT / folder).as_posix()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert found == there
