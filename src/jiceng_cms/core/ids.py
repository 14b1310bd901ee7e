"""Identifiers: unit codes, record ids, and the subjects that events name."""

from __future__ import annotations

import re
import secrets

#: No 0/o, 1/l/i: an id is read aloud and typed from paper.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
RECORD_ID = re.compile(r"[2-9a-hjkmnp-z]{8}")
UNIT_CODE = re.compile(r"\d{12}")


def new_id(length: int = 8) -> str:
    """A random id of ``length`` characters, about 5 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def is_record_id(text: str) -> bool:
    """Whether ``text`` has the shape of a record's id."""
    return RECORD_ID.fullmatch(text) is not None


def is_unit_code(text: str) -> bool:
    """Whether ``text`` has the shape of a unit's code (12 ASCII digits)."""
    return text.isascii() and UNIT_CODE.fullmatch(text) is not None


def record_key(unit: str, record: str) -> str:
    """``"990101100201/k7m2q9xw"``: a record's name across units."""
    return f"{unit}/{record}"


def record_subject(unit: str, record: str) -> str:
    """The subject under which events name a record."""
    return f"record:{unit}/{record}"


def pointer(subject: str, number: int) -> str:
    """Where the full event lies: number ``number`` in the history of ``subject``."""
    return f"{subject}#{number}"


def parse_pointer(text: str) -> tuple[str, int]:
    """(subject, number) of a :func:`pointer`."""
    subject, _, number = text.rpartition("#")
    return subject, int(number)


def key_of_pointer(text: str) -> str | None:
    """The record's key in a pointer, or None where its subject is no record."""
    subject, _ = parse_pointer(text)
    kind, _, key = subject.partition(":")
    return key if kind == "record" else None
