"""The second factor: codes from a phone (TOTP, RFC 6238) and recovery codes on paper.

The secret that phone and server share is kept sealed with a key derived from the site's secret:
a stolen copy of the database makes no codes. Of recovery codes only hashes are kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..core.ids import ALPHABET
from ..core.permissions import ROLES
from .sessions import RandomBytes

#: Length of a step in seconds, and how many steps a phone's clock may be off.
STEP, DRIFT = 30, 1
#: How many recovery codes a person gets, and their length: 10 characters are some 49 bits.
RECOVERY_CODES, RECOVERY_LENGTH = 10, 10

_NONCE = 12
_DIGITS = re.compile(r"\d{6}", re.ASCII)


@dataclass(frozen=True)
class SecondFactor:
    """What an account keeps: the sealed secret and the hashes of recovery codes not used yet."""

    sealed: bytes
    recovery: tuple[bytes, ...]
    since: datetime


@dataclass(frozen=True)
class TwoFactorPolicy:
    """Of which roles a second factor is asked."""

    roles: frozenset[str]

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> TwoFactorPolicy:
        """Read ``access.two_factor.roles``: names of roles, ``privileged`` or ``none``.

        A site that says nothing asks it of all privileged roles. ValueError names a wrong word.
        """
        words = str(settings.get("access.two_factor.roles", "privileged")).replace(",", " ").split()
        roles: set[str] = set()
        for word in words:
            if word == "privileged":
                roles |= {name for name, role in ROLES.items() if role.privileged}
            elif word in ROLES:
                roles.add(word)
            elif word != "none" or len(words) > 1:
                raise ValueError(f"access.two_factor.roles: there is no role {word}")
        return cls(frozenset(roles))

    def asks(self, held: Iterable[str]) -> bool:
        """Whether somebody who holds these roles needs one."""
        return not self.roles.isdisjoint(held)


class TwoFactors:
    """Makes and checks secrets and codes. ``secret`` is the site's, at least 32 bytes."""

    def __init__(self, secret: bytes, random: RandomBytes = secrets.token_bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret for second factors is shorter than 32 bytes")
        self._random = random
        self._box = AESGCM(_derive(secret, b"jiceng totp secret"))
        self._recovery_key = _derive(secret, b"jiceng recovery code")

    def new_secret(self) -> str:
        """20 random bytes as 32 characters of base32."""
        return b32encode(self._random(20)).decode("ascii")

    def seal(self, login: str, secret: str) -> bytes:
        """The secret as it may be kept, good for this login alone."""
        nonce = self._random(_NONCE)
        return nonce + self._box.encrypt(nonce, secret.encode("ascii"), login.encode())

    def open(self, login: str, sealed: bytes) -> str | None:
        """The secret again; None where it was sealed with another key or for another login."""
        try:
            return self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], login.encode()).decode("ascii")
        except (InvalidTag, ValueError):
            return None

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        """The number of the step whose code this is, at most DRIFT steps off; None for none.

        The caller lets each step count once (:meth:`~.second_step.SecondSteps.use`).
        """
        typed = tidy(code)
        if _DIGITS.fullmatch(typed) is None:
            return None
        totp = pyotp.TOTP(secret)
        here = int(now.timestamp()) // STEP
        found = None
        for step in range(here - DRIFT, here + DRIFT + 1):
            if hmac.compare_digest(totp.generate_otp(step), typed):
                found = step
        return found

    def address(self, secret: str, login: str, issuer: str) -> str:
        """What the QR code says to the phone's program."""
        return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)

    def recovery_codes(self) -> tuple[str, ...]:
        """New codes as they are printed: ``7k2mq-9xwpa``."""
        made = []
        for _ in range(RECOVERY_CODES):
            # 8 random bytes for a code: what the remainder favours is below 10^-4 of a bit
            number, text = int.from_bytes(self._random(8), "big"), ""
            for _ in range(RECOVERY_LENGTH):
                number, digit = divmod(number, len(ALPHABET))
                text += ALPHABET[digit]
            made.append(f"{text[:5]}-{text[5:]}")
        return tuple(made)

    def recovery_hash(self, login: str, code: str) -> bytes:
        """What is kept of a recovery code, however it is typed: 32 bytes."""
        plain = tidy(code).replace("-", "").lower()
        text = f"{login}\0{plain}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._recovery_key, text, hashlib.sha256)


def tidy(code: str) -> str:
    """A code as it was meant: half width, no blanks."""
    return "".join(unicodedata.normalize("NFKC", code[:64]).split()).replace("－", "-")


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
