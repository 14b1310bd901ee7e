"""Signed notes by the text of C2SP signed-note: a text and Ed25519 signature lines below it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

#: Signature type of Ed25519 in key ids and encoded keys.
_ED25519 = b"\x01"

#: More signature lines than this are refused (the specification asks for at least 16).
MAX_SIGNATURES = 100

#: A longer note is refused before it is looked at.
MAX_NOTE = 1_000_000

_DASH = "\N{EM DASH} "


class NoteError(ValueError):
    """A note or key that is malformed, or a note that no known key has signed."""


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"not base64: {text[:80]!r}") from error
    if _b64(data) != text:
        raise NoteError(f"not base64: {text[:80]!r}")
    return data


def check_name(name: str) -> str:
    """``name`` if it may name a key; NoteError if it is empty or has a space or a plus sign."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise NoteError(f"{name!r} can't name a key")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise NoteError(f"{name!r} can't name a key") from error
    return name


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that tell keys of one name apart."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


@dataclass(frozen=True)
class Verifier:
    """A public key and its name."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != 32:
            raise NoteError("an Ed25519 key has 32 bytes")

    @property
    def id(self) -> bytes:
        """The key id, four bytes."""
        return key_id(self.name, self.public)

    def encode(self) -> str:
        """The verifier key ``NAME+ID+KEY`` as other programs read it."""
        return f"{self.name}+{self.id.hex()}+{_b64(_ED25519 + self.public)}"

    @classmethod
    def decode(cls, text: str) -> Verifier:
        """Read a verifier key; NoteError when it is malformed or of another kind."""
        name, _, rest = text.partition("+")
        shown, _, encoded = rest.partition("+")
        key = _unb64(encoded)
        if key[:1] != _ED25519:
            raise NoteError("a verifier key must be of type Ed25519")
        verifier = cls(name, key[1:])
        if shown != verifier.id.hex():
            raise NoteError("the id in the verifier key doesn't belong to the key")
        return verifier

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this key made ``signature`` over ``text``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, repr=False)
class Signer:
    """A private key and its name. Its ``repr`` never shows the key."""

    name: str
    seed: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.seed) != 32:
            raise NoteError("an Ed25519 key has 32 bytes")

    def __repr__(self) -> str:
        return f"<Signer {self.name}>"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self._key.public_key().public_bytes_raw())

    def encode(self) -> str:
        """The signer key ``PRIVATE+KEY+NAME+ID+KEY`` as other programs read it: a secret."""
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{_b64(_ED25519 + self.seed)}"

    @classmethod
    def decode(cls, text: str) -> Signer:
        """Read a signer key; NoteError (which doesn't repeat the key) when it is malformed."""
        fields = text.split("+", 4)
        if len(fields) != 5 or fields[:2] != ["PRIVATE", "KEY"]:
            raise NoteError("not a signer key")
        try:
            key = _unb64(fields[4])
        except NoteError:
            raise NoteError("not a signer key") from None
        if key[:1] != _ED25519:
            raise NoteError("a signer key must be of type Ed25519")
        signer = cls(fields[2], key[1:])
        if fields[3] != signer.verifier.id.hex():
            raise NoteError("the id in the signer key doesn't belong to the key")
        return signer

    def sign(self, text: str) -> bytes:
        """The signature over ``text``, 64 bytes; the same each time (RFC 8032)."""
        return self._key.sign(text.encode())


@dataclass(frozen=True)
class SignatureLine:
    """One signature as it stands in a note."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {_b64(self.id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """An opened note: ``verified`` lines were made by known keys, ``unknown`` lines were not
    looked at and mean nothing."""

    text: str
    verified: tuple[SignatureLine, ...]
    unknown: tuple[SignatureLine, ...] = ()


def _check_text(text: str) -> None:
    if any(c < " " and c != "\n" for c in text):
        raise NoteError("a note must not hold control characters")


def sign_note(text: str, *signers: Signer, others: Sequence[SignatureLine] = ()) -> str:
    """``text`` with a signature line of each signer; ``others`` are lines made elsewhere.

    NoteError unless the text ends in a newline and holds no other control character.
    """
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends in a newline")
    _check_text(text)
    lines = [SignatureLine(s.name, s.verifier.id, s.sign(text)) for s in signers]
    return text + "\n" + "".join(str(line) for line in [*lines, *others])


def parse_note(note: str | bytes) -> tuple[str, list[SignatureLine]]:
    """(text, signature lines), nothing verified yet; NoteError when malformed."""
    if len(note) > MAX_NOTE:
        raise NoteError("the note is too long")
    if isinstance(note, bytes):
        try:
            note = note.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoteError("a note is UTF-8") from error
    _check_text(note)
    cut = note.rfind("\n\n")
    if cut < 0 or not note.endswith("\n"):
        raise NoteError("a note is a text, an empty line and signature lines")
    text, below = note[: cut + 1], note[cut + 2 : -1]
    if not below:
        raise NoteError("the note has no signature")
    # not splitlines(): it also splits at characters that may stand inside a name
    rows = below.split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    lines = []
    for row in rows:
        name, space, encoded = row.removeprefix(_DASH).partition(" ")
        if not row.startswith(_DASH) or not space:
            raise NoteError(f"not a signature line: {row[:80]!r}")
        data = _unb64(encoded)
        if len(data) < 5:
            raise NoteError(f"the signature by {name!r} is too short")
        lines.append(SignatureLine(check_name(name), data[:4], data[4:]))
    return text, lines


def open_note(note: str | bytes, *verifiers: Verifier) -> Note:
    """The note, verified by at least one of the known keys.

    Lines by unknown keys are kept apart and ignored, also where they share the name or the id
    (not both) with a known key. NoteError when the note is malformed, when a known key's line
    doesn't verify, or when there is none.
    """
    text, lines = parse_note(note)
    known = {(v.name, v.id): v for v in verifiers}
    verified: dict[tuple[str, bytes], SignatureLine] = {}
    unknown = []
    for line in lines:
        verifier = known.get((line.name, line.id))
        if verifier is None:
            unknown.append(line)
        elif (line.name, line.id) not in verified:  # a repeated line says nothing new
            if not verifier.verifies(text, line.signature):
                raise NoteError(f"the signature by {line.name!r} is wrong")
            verified[line.name, line.id] = line
    if not verified:
        raise NoteError("no known key has signed the note")
    return Note(text, tuple(verified.values()), tuple(unknown))
