"""What the served log knows of the sequencer's files: its key and the published checkpoint."""

from __future__ import annotations

from pathlib import Path

from zope.interface import Interface, implementer

from .checkpoint import Checkpoint
from .note import Verifier, parse_note
from .state import read_checkpoint


class ILogService(Interface):
    """The utility under which the views find :class:`LogService`."""


@implementer(ILogService)
class LogService:
    """``verifier`` is the log's public key, ``state_file`` the one that its sequencer keeps."""

    def __init__(self, verifier: Verifier, state_file: Path) -> None:
        self.verifier = verifier
        self._state_file = state_file

    def note(self) -> str | None:
        """The signed checkpoint, None before the first."""
        return read_checkpoint(self._state_file)

    def checkpoint(self) -> Checkpoint | None:
        """What the published checkpoint says, None before the first."""
        note = self.note()
        return None if note is None else Checkpoint.parse(parse_note(note)[0])

    def size(self) -> int:
        """Number of entries under the published checkpoint: those that are 已存证."""
        checkpoint = self.checkpoint()
        return 0 if checkpoint is None else checkpoint.size
