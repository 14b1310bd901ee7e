"""What lies outside the database: the key, what was last signed, the checkpoint as served.

A restored database can't take these along by accident; that is how a log that was set back is
noticed. Each file is replaced as a whole and flushed to disk before anything relies on it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .merkle import HASH_SIZE
from .note import NoteError, Signer


class StateUnreadable(ValueError):
    """The file of what was last signed is not what we wrote."""


class KeyFileError(Exception):
    """The key's file can't be used; says why and what to do."""


class SequencerBusy(Exception):
    """Another sequencer is at work on this log."""


@dataclass(frozen=True)
class SignedState:
    """What was last signed, or was about to be: nothing else may ever be signed at ``size``."""

    origin: str
    size: int
    root: bytes
    time: datetime

    def encode(self) -> bytes:
        """As JSON, to be read by people too."""
        value = {
            "origin": self.origin,
            "size": self.size,
            "root": base64.b64encode(self.root).decode("ascii"),
            "time": self.time.astimezone(UTC).isoformat(),
        }
        return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> SignedState:
        """Read what :meth:`encode` wrote; StateUnreadable for anything else."""
        try:
            value = json.loads(data)
            origin, size = value["origin"], value["size"]
            root = base64.b64decode(value["root"], validate=True)
            time = datetime.fromisoformat(value["time"])
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise StateUnreadable(str(error)) from error
        whole = isinstance(size, int) and not isinstance(size, bool) and size >= 0
        if not (isinstance(origin, str) and whole and len(root) == HASH_SIZE and time.tzinfo):
            raise StateUnreadable("a value is of the wrong kind")
        return cls(origin, size, root, time)


def checkpoint_file(state_file: Path) -> Path:
    """Where the signed checkpoint lies: beside the state."""
    return state_file.with_name("checkpoint")


def read_signed(state_file: Path) -> SignedState | None:
    """What was last signed, None when there is no file; StateUnreadable."""
    try:
        data = state_file.read_bytes()
    except FileNotFoundError:
        return None
    return SignedState.decode(data)


def read_checkpoint(state_file: Path) -> str | None:
    """The signed checkpoint as it is served, None when nothing was signed yet; StateUnreadable."""
    try:
        return checkpoint_file(state_file).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise StateUnreadable(str(error)) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file: after a crash it holds the old or the new bytes, and they are on disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # checkpoint and size are public
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def exclusive(state_file: Path) -> Iterator[None]:
    """Be the only sequencer of this log; SequencerBusy when there is one. Ends with the process."""
    state_file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(state_file.with_name(state_file.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SequencerBusy("另一个程序正在给这份日志存证，请先停下它再启动。") from None
        yield
    finally:
        os.close(handle)


def load_or_create_key(
    path: Path, name: str, random: Callable[[int], bytes] = secrets.token_bytes
) -> Signer:
    """The log's key, made when there is none yet; ``name`` is the log's origin.

    The file has mode 0600 and holds one line, the signer key of C2SP signed-note. KeyFileError
    when others may read it, when it is damaged or when it belongs to another log.
    """
    if not path.exists():
        _create_key(path, Signer(name, random(32)))
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        data = file.read(10_000)
    if mode & 0o077:
        raise KeyFileError(f"签名密钥 {path} 其他用户也能读写，请执行 chmod 600 后再启动。")
    try:
        signer = Signer.decode(data.decode("ascii", "replace").strip())
    except NoteError:
        raise KeyFileError(f"签名密钥 {path} 已损坏，请从备份中找回这个文件。") from None
    if signer.name != name:
        raise KeyFileError(f"签名密钥 {path} 属于日志 {signer.name}，不是 {name}，请换回原来的密钥。")
    return signer


def _create_key(path: Path, signer: Signer) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(signer.encode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        # a link fails where a rename would overwrite the key that another process just made
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
    _sync_folder(path.parent)
