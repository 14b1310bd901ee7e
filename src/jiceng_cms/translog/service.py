"""What the served log knows of the sequencer's files: its key and the published checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from zope.interface import Interface, implementer

from .checkpoint import Checkpoint, CheckpointError
from .note import NoteError, Verifier, parse_note
from .state import StateUnreadable, checkpoint_file, read_checkpoint


class ILogService(Interface):
    """The utility under which the views find :class:`LogService`."""


@implementer(ILogService)
class LogService:
    """``verifier`` is the log's public key, ``state_file`` the one that its sequencer keeps."""

    def __init__(self, verifier: Verifier, state_file: Path) -> None:
        self.verifier = verifier
        self._state_file = state_file
        #: (state of the file, what it says): every page asks, and it changes now and then
        self._read: tuple[object, Checkpoint | None] | None = None

    def note(self) -> str | None:
        """The signed checkpoint, None before the first and where it can't be read."""
        try:
            return read_checkpoint(self._state_file)
        except StateUnreadable:
            return None

    def checkpoint(self) -> Checkpoint | None:
        """What the published checkpoint says, None before the first.

        A damaged file counts as none: nothing is called 已存证 on its word, and every page stays
        up. `jiceng journal verify` and the sequencer's start name the damage.
        """
        state, read = self._file_state(), self._read
        if read is not None and read[0] == state:
            return read[1]
        found = _parsed(self.note())
        # of a file that was replaced meanwhile: read again next time
        self._read = (state, found) if state == self._file_state() else None
        return found

    def damaged(self) -> bool:
        """Whether there is a published checkpoint and it can't be read."""
        return self._file_state() is not None and self.checkpoint() is None

    def _file_state(self) -> tuple[int, int, int] | None:
        """Changes with every checkpoint: the file is replaced, never written over."""
        try:
            found = os.stat(checkpoint_file(self._state_file))
        except FileNotFoundError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def size(self) -> int:
        """Number of entries under the published checkpoint: those that are 已存证."""
        checkpoint = self.checkpoint()
        return 0 if checkpoint is None else checkpoint.size


def _parsed(note: str | None) -> Checkpoint | None:
    try:
        return Checkpoint.parse(parse_note(note)[0]) if note is not None else None
    except (NoteError, CheckpointError):
        return None
