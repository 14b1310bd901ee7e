"""Checkpoints by the text of C2SP tlog-checkpoint: what a log says that it holds."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from .merkle import HASH_SIZE
from .note import Signer, Verifier, open_note, sign_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointError(ValueError):
    """A text that is not a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """``origin`` names the log, ``root`` is the hash of its tree of ``size`` leaves."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.origin, *self.extensions)
        if not all(lines) or any("\n" in line for line in lines):
            raise CheckpointError("origin and extension lines are single lines with text")
        if self.size < 0 or len(self.root) != HASH_SIZE:
            raise CheckpointError("a checkpoint has a size of at least 0 and a hash of 32 bytes")

    @property
    def text(self) -> str:
        """The text to be signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))

    def sign(self, signer: Signer) -> str:
        """The signed checkpoint as it is served."""
        return sign_note(self.text, signer)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint; CheckpointError for any other spelling of it."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise CheckpointError("a checkpoint has three lines or more, none of them empty")
        origin, size, encoded, *extensions = lines[:-1]
        if not _SIZE.fullmatch(size):
            raise CheckpointError(f"not a size: {size[:40]!r}")
        try:
            root = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise CheckpointError(f"not a hash: {encoded[:80]!r}") from error
        found = cls(origin, int(size), root, tuple(extensions))
        if found.text != text:
            raise CheckpointError("the hash is spelled in another way than its own")
        return found

    @classmethod
    def open(cls, note: str | bytes, *verifiers: Verifier) -> Checkpoint:
        """Verify and read a signed checkpoint; NoteError or CheckpointError."""
        return cls.parse(open_note(note, *verifiers).text)
