"""Takes from this process what reading a stranger's file does not need."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Any

_MIB = 1 << 20
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_DUMPABLE = 4
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

#: Audited events (PEP 578) by which Python code reaches out of its process.
_REFUSED = (
    "socket.",
    "subprocess.",
    "os.fork",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.kill",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "shutil.",
    "urllib.",
    "ftplib.",
    "pty.",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Confined(Exception):
    """Something reached for what this process may not do."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise Confined(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        raise Confined(event)


def confine(*, memory: int, seconds: int) -> None:
    """Limit this process for good.

    ``memory``: MiB of address space; ``seconds`` of processor time. No file grows, no process is
    started, no core is dumped, no network is reached. Linux holds all of it also against native
    code, but where it gives an ordinary process no namespace: there only Python is kept from the
    network. A process of root is never kept from starting others by native code.
    """
    size = memory * _MIB
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc is not None:
        # a network of its own with nothing in it; where the system allows none, Python is watched
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if hasattr(resource, "RLIMIT_NPROC"):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if libc is not None:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    sys.addaudithook(_watch)
