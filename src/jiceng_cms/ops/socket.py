"""The admin socket: commands that change things reach the running server through it.

A Unix socket of mode 0600 in a folder of mode 0700: whoever may write the site's files may use
it, nobody else. The client sends one line ``{"argv": [...]}``; the server answers with lines
``{"out": text}`` and at last ``{"exit": code}``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

#: The longest request in bytes.
MAX_REQUEST = 64 * 1024

#: How long a client may take to send its line, in seconds.
PATIENCE = 10.0

Say = Callable[[str], None]

#: Runs a command: (argv, say) -> exit code.
Run = Callable[[Sequence[str], Say], int]


class SocketTaken(Exception):
    """Another server answers on this socket."""


class Broken(Exception):
    """The server went away in the middle of a command: what it did is not known."""


class AdminServer:
    """Serves the socket in a thread, one command after another."""

    def __init__(self, path: Path, run: Run) -> None:
        self.path, self._run = path, run
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; :class:`SocketTaken` where another server does. A dead one's file is replaced."""
        if answers(self.path):
            raise SocketTaken(str(self.path))
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.parent.chmod(0o700)
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # nobody can connect before listen(), and by then the file has its mode
        listener.bind(_short(self.path))
        os.chmod(self.path, 0o600)
        listener.listen(8)
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="admin", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and remove the file; a command that runs is waited for."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(timeout=30)
        listener.close()
        self.path.unlink(missing_ok=True)

    def _serve(self, listener: socket.socket) -> None:
        while self._listener is not None:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                try:
                    self._answer(client)
                except OSError as error:
                    log.warning("admin socket: the client went away: %s", error)
                except Exception:
                    log.exception("admin socket")

    def _answer(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        argv = _read_request(client)

        def say(text: str) -> None:
            # whoever asked may have left; what was begun is finished all the same
            with contextlib.suppress(OSError):
                _send(client, {"out": text})

        if argv is None:
            say("请求看不懂。请用同一版本的 jiceng 命令。")
            _send(client, {"exit": 2})
            return
        if argv:
            log.info("admin socket: %s", " ".join(argv[:2]))
        code = self._run(argv, say) if argv else 0
        with contextlib.suppress(OSError):
            _send(client, {"exit": code})


def _short(path: Path) -> str:
    """The path, relative where the whole one is longer than a socket's address may be (108)."""
    whole = str(path)
    if len(os.fsencode(whole)) < 100:
        return whole
    near = os.path.relpath(path)
    return near if len(near) < len(whole) else whole


def _read_request(client: socket.socket) -> list[str] | None:
    data = b""
    while not data.endswith(b"\n"):
        part = client.recv(4096)
        if not part or len(data) > MAX_REQUEST:
            return None
        data += part
    try:
        argv = json.loads(data)["argv"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(argv, list) or not all(isinstance(a, str) for a in argv):
        return None
    return argv


def _send(client: socket.socket, message: dict[str, Any]) -> None:
    client.sendall(json.dumps(message, ensure_ascii=False).encode() + b"\n")


def _connect(path: Path) -> socket.socket | None:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    try:
        client.connect(_short(path))
    except OSError:
        client.close()
        return None
    return client


def answers(path: Path) -> bool:
    """Whether a server listens and answers on this socket."""
    client = _connect(path)
    if client is None:
        return False
    with client:
        try:
            _send(client, {"argv": []})
            return b'"exit"' in client.recv(4096)
        except OSError:
            # it listens and is busy with a long command
            return True


def ask(path: Path, argv: Sequence[str], say: Say) -> int | None:
    """Let the running server do a command; its exit code, or None where no server answers.

    :class:`Broken` where the server dies before it says how the command ended.
    """
    client = _connect(path)
    if client is None:
        return None
    with client:
        _send(client, {"argv": list(argv)})
        client.settimeout(None)  # a rebuild of the index takes its time
        with client.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                message = json.loads(line)
                if "exit" in message:
                    return int(message["exit"])
                say(str(message.get("out", "")))
    raise Broken
