"""Passwords: hashing with argon2id, and the rules a new one must keep.

Length counts, composition does not, unless a site turns the stricter profile on for its staff
(`composition` and `max_age_days`).
"""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from itertools import pairwise

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

#: longest password taken, in characters: hashing must not become a way to keep the server busy
MAX_LENGTH = 256

#: What one hash costs: 32 MiB and three passes, above the published minimum for argon2id. Four
#: at a time are 128 MiB, which a small machine with a million records still has.
TIME_COST, MEMORY_KIB, LANES = 3, 32 * 1024, 1

#: How few characters may remain when common words are taken out of a password.
_MIN_OWN = 4
#: Shorter words than this are no sign of a common password; they stand in good ones too.
_MIN_WORD = 4
_YEAR = re.compile(r"(?:19|20)\d\d")


class HashingBusy(Exception):
    """All places for hashing were taken for too long; nothing was decided about the password."""

    def __init__(self) -> None:
        super().__init__("这会儿登录的人太多，请过半分钟再试。")


def normalise(password: str) -> str:
    """The form that is counted and hashed: NFKC, so that full-width typing makes no difference."""
    return unicodedata.normalize("NFKC", password)


def _encoded(password: str) -> bytes:
    # a program may send half a surrogate pair: that is a wrong password and no crash
    return normalise(password).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class PasswordRules:
    """What a new password must keep."""

    #: in characters after normalisation
    min_length: int = 12
    #: how many of lower case, upper case, digits, others must occur; 0 asks for none
    composition: int = 0
    #: a password older than this must be changed at login; None: never by age alone
    max_age_days: int | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> PasswordRules:
        """Read `access.password.profile`, then `.min_length`, `.composition`, `.max_age_days`.

        The profile is `asvs` (length counts) or `dengbao` (three kinds of characters, a new one
        each 90 days); the single numbers win over it. Raises ValueError that names the setting
        when one is not a sensible word or number.
        """
        name = str(settings.get("access.password.profile", "asvs")).strip()
        if name not in PROFILES:
            raise ValueError(f"access.password.profile = {name}: expected {' or '.join(PROFILES)}")
        base = PROFILES[name]
        age = _number(settings, "access.password.max_age_days", base.max_age_days or 0, 0, 3650)
        return cls(
            min_length=_number(settings, "access.password.min_length", base.min_length, 8, 64),
            composition=_number(settings, "access.password.composition", base.composition, 0, 4),
            max_age_days=age or None,
        )

    def must_change(self, changed: datetime, now: datetime) -> bool:
        """Whether a password set at `changed` is too old at `now` (both aware)."""
        if self.max_age_days is None:
            return False
        return now - changed > timedelta(days=self.max_age_days)


#: The rules by name. Graded protection (GB/T 22239) asks for complexity and regular change.
PROFILES: dict[str, PasswordRules] = {
    "asvs": PasswordRules(),
    "dengbao": PasswordRules(min_length=10, composition=3, max_age_days=90),
}


def _number(settings: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = str(settings.get(name, default)).strip()
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ValueError(f"{name} = {text}: expected a whole number from {low} to {high}")
    return int(text)


def load_common() -> frozenset[str]:
    """The words that occur in common passwords, lower case, from the list beside this module."""
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


class PasswordChecker:
    """Says what is wrong with a new password, in sentences for the person who typed it."""

    def __init__(self, rules: PasswordRules, common: Iterable[str] | None = None) -> None:
        self.rules = rules
        words = load_common() if common is None else common
        self._words = frozenset(word.casefold() for word in words if len(word) >= _MIN_WORD)
        self._longest = max((len(word) for word in self._words), default=0)

    def problems(self, password: str, about: Iterable[str] = ()) -> list[str]:
        """Every fault of `password`, an empty list when it may be used.

        `about` are words that belong to the person and are easy to guess: the login, the name,
        the telephone number, the name of the unit.
        """
        typed = normalise(password)
        found = []
        if any(unicodedata.category(char) == "Cc" for char in typed):
            found.append("密码里有看不见的控制字符，请重新输入，不要粘贴带换行的文字。")
        if len(typed) < self.rules.min_length:
            found.append(
                f"密码只有 {len(typed)} 个字符，至少要 {self.rules.min_length} 个。"
                "可以把几个不相干的词连起来，好记又难猜。"
            )
        if (length := max(len(typed), len(password))) > MAX_LENGTH:
            found.append(f"密码有 {length} 个字符，最多 {MAX_LENGTH} 个，请缩短一些。")
        if self._lacks_kinds(typed):
            found.append(
                "密码里字符的种类太少：小写字母、大写字母、数字、其他符号，"
                f"至少要有其中 {self.rules.composition} 种。"
            )
        if found:
            return found
        folded = typed.casefold()
        own = _without(folded, about)
        if own is not None and self._left_over(own) < _MIN_OWN:
            found.append("密码里主要是用户名、姓名、电话或单位名称，很容易猜到，请换一个。")
        elif _is_monotonous(folded):
            found.append("密码是重复或者连着的字符，很容易猜到，请换一个。")
        elif self._left_over(folded) < _MIN_OWN:
            found.append(
                "密码是很多人都在用的词或数字拼起来的，很容易猜到，请加上几个别人想不到的词。"
            )
        return found

    def _lacks_kinds(self, typed: str) -> bool:
        kinds = {
            "lower" if char.islower() else
            "upper" if char.isupper() else
            "digit" if char.isdecimal() else
            "other"
            for char in typed
        }  # fmt: skip
        return len(kinds) < self.rules.composition

    def _left_over(self, text: str) -> int:
        """The fewest characters that remain when common words and years are cut out of `text`.

        Each position is looked at once with every length of word: at most 256 x 24 look-ups.
        """
        best = [0] * (len(text) + 1)
        for end in range(1, len(text) + 1):
            least = best[end - 1] + 1
            for length in range(_MIN_WORD, min(self._longest, end) + 1):
                if text[end - length : end] in self._words:
                    least = min(least, best[end - length])
            if end >= 4 and _YEAR.fullmatch(text, end - 4, end):
                least = min(least, best[end - 4])
            best[end] = least
        return best[-1]


def _without(text: str, about: Iterable[str]) -> str | None:
    """`text` with the person's own words taken out, or None when none of them is in it."""
    words = sorted({normalise(word).casefold().strip() for word in about}, key=len, reverse=True)
    rest = text
    for word in words:
        # a single character or two letters stand in any text by chance; a Chinese name does not
        if len(word) >= (3 if word.isascii() else 2):
            rest = rest.replace(word, "")
    return None if rest == text else rest


def _is_monotonous(text: str) -> bool:
    """Few different characters, a short piece over and over, or a run like abcdefg or 7654321."""
    if len(set(text)) < 5:
        return True
    if any(
        text == (text[:size] * (len(text) // size + 1))[: len(text)]
        for size in range(1, len(text) // 2 + 1)
    ):
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    in_a_run = sum(step in (1, -1, 0) for step in steps)
    return len(steps) - in_a_run < _MIN_OWN


class Passwords:
    """Hashes and verifies, a few at a time.

    One instance serves all threads of a process. `parallel` hashes run at once and the others
    wait up to `patience` seconds: strangers who keep the login busy can then neither take all
    the memory nor all the threads.
    """

    def __init__(
        self,
        *,
        parallel: int = 4,
        patience: float = 3.0,
        hasher: argon2.PasswordHasher | None = None,
        token: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._hasher = hasher or argon2.PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES, type=argon2.Type.ID
        )
        self._places = threading.BoundedSemaphore(parallel)
        self._patience = patience
        # nobody knows what this hash was made of, so nothing matches it
        self._nobody = self._hasher.hash(token(32))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self._patience):
            raise HashingBusy
        try:
            yield
        finally:
            self._places.release()

    def hash(self, password: str) -> str:
        """The encoded argon2id hash of `password`; raises HashingBusy."""
        with self._place():
            return self._hasher.hash(_encoded(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one that `stored` was made of; raises HashingBusy.

        `stored` is None for a login that does not exist or has no password yet: the same work is
        done then, so that the time of the answer does not tell which logins exist.
        """
        typed = _encoded(password[: MAX_LENGTH + 1])
        with self._place():
            try:
                matches = self._hasher.verify(stored or self._nobody, typed)
            except InvalidHashError:
                self._refuse_slowly(typed)
                return False
            except VerificationError:
                return False
        return matches and bool(stored) and len(password) <= MAX_LENGTH

    def _refuse_slowly(self, typed: bytes) -> None:
        try:
            self._hasher.verify(self._nobody, typed)
        except VerificationError:
            pass

    def needs_rehash(self, stored: str) -> bool:
        """Whether `stored` was made with other costs than today's, or can't be read.

        To be asked after a login that succeeded, when the password is at hand.
        """
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True
