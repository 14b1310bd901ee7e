"""What every command works with: the settings, the open site, and where its words go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from zc.lockfile import LockError
from ZODB.POSException import POSError

from ..app import open_services
from ..store import Store
from ..web.services import Services, Settings, SettingsError, read_settings
from .socket import Say, answers, ask
from .worker import Worker

#: An open that fails beside a server that writes is tried so often.
TRIES = 5


class Failed(Exception):
    """A check failed or something may not be done now; the text says why and what to do."""


class WrongUse(Exception):
    """The command was called in a way that makes no sense."""


@dataclass
class Site:
    """The site of a command. Inside a running server ``services`` and ``worker`` are open."""

    settings: Settings
    config: Path | None = None
    services: Services | None = None
    worker: Worker | None = None
    say: Say = click.echo

    @classmethod
    def at(cls, config: Path | None) -> Site:
        """The site of a configuration file; defaults where there is none."""
        return cls(read_settings(config), config)

    @property
    def in_server(self) -> bool:
        """Whether this command runs inside a server."""
        return self.services is not None

    def server_runs(self) -> bool:
        """Whether another process serves this site."""
        return not self.in_server and answers(self.settings.socket_file)

    def forward(self, argv: Sequence[str]) -> bool:
        """Let a running server do this command; False where the command has to do it itself.

        Raises click's Exit with the server's code, so that nothing after it runs.
        """
        if self.in_server:
            return False
        code = ask(self.settings.socket_file, argv, self.say)
        if code is None:
            return False
        raise click.exceptions.Exit(code)

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[Services, Worker]]:
        """The open site: the server's, or opened for this command and followed to its end."""
        if self.services is not None and self.worker is not None:
            yield self.services, self.worker
            return
        with opened(self.settings) as services:
            worker = Worker(services)
            try:
                yield services, worker
                worker.step_all()
            finally:
                worker.stop()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store]:
        """The database, opened read-only; beside a server that writes, too."""
        store = self._open_read_only()
        try:
            yield store
        finally:
            store.close()

    def _open_read_only(self) -> Store:
        if not self.settings.secret_file.exists():
            raise SettingsError(f"{self.settings.home} 里还没有站点。请先运行 jiceng init。")
        for attempt in range(TRIES):
            try:
                return Store.open(self.settings.database, read_only=True, pool_size=8)
            except (POSError, OSError, EOFError, ValueError) as error:
                # the end of the file was being written while it was read
                if attempt + 1 == TRIES:
                    raise Failed(f"数据库打不开（{type(error).__name__}：{error}）。") from error
                time.sleep(0.2 * (attempt + 1))
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Any]:
        """``advance(done, total, what)``; draws a bar on a terminal and nothing elsewhere."""
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, disable=self.in_server or not console.is_terminal) as bar:
            task = bar.add_task(what, total=total)

            def advance(done: int, total: int | None = None, what: str = what) -> None:
                bar.update(task, completed=done, total=total or None, description=what)

            yield advance


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Services]:
    """The services of a site that no other process has open."""
    try:
        services = open_services(settings)
    except LockError:
        raise Failed(
            "数据库正被另一个程序使用，而它没有应答。请先停下它（例如另一个 jiceng 命令），再试一次。"
        ) from None
    try:
        yield services
    finally:
        services.close()
