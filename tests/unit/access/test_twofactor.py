"""Secrets that open for one login only, codes within the drift, recovery codes however typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.access.twofactor import TwoFactorPolicy, TwoFactors, tidy
from jiceng_cms.core.permissions import ROLES

NOON = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
FACTORS = TwoFactors(b"4" * 16 + b"d" * 16)


def test_a_sealed_secret_opens_for_its_login_and_key_alone() -> None:
    secret = FACTORS.new_secret()
    sealed = FACTORS.seal("clerk", secret)
    assert secret.encode() not in sealed
    assert FACTORS.open("clerk", sealed) == secret
    assert FACTORS.open("approver", sealed) is None
    assert TwoFactors(b"another secret of the site, long!").open("clerk", sealed) is None
    assert FACTORS.seal("clerk", secret) != sealed, "a fresh nonce each time"


@given(st.binary(max_size=80))
def test_bytes_that_are_no_sealed_secret_open_nothing(data: bytes) -> None:
    assert FACTORS.open("clerk", data) is None


@given(st.integers(0, 59), st.integers(-3, 3))
def test_a_code_is_good_one_step_before_and_after(second: int, off: int) -> None:
    secret, now = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", NOON + timedelta(seconds=second)
    here = int(now.timestamp()) // 30
    code = pyotp.TOTP(secret).generate_otp(here + off)
    expected = here + off if abs(off) <= 1 else None
    assert FACTORS.step(secret, code, now) == expected


@given(st.text(max_size=12))
def test_whatever_is_typed_is_a_code_or_none(text: str) -> None:
    step = FACTORS.step("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", text, NOON)
    assert step is None or len(tidy(text)) == 6


def test_recovery_codes_are_many_different_and_read_however_typed() -> None:
    codes = FACTORS.recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        kept = FACTORS.recovery_hash("clerk", code)
        assert len(kept) == 32
        assert FACTORS.recovery_hash("clerk", f" {code.upper().replace('-', ' ')} ") == kept
        assert FACTORS.recovery_hash("approver", code) != kept


def test_the_address_names_site_and_account() -> None:
    address = FACTORS.address("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "clerk", "青禾区基层公开")
    assert address.startswith("otpauth://totp/")
    assert "secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" in address
    assert ":clerk" in address or "%3Aclerk" in address


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TwoFactors(b"short")


def test_who_is_asked_for_a_second_factor_is_a_setting_and_privileged_roles_unless_said() -> None:
    privileged = {name for name, role in ROLES.items() if role.privileged}
    assert TwoFactorPolicy.from_settings({}).roles == privileged
    assert TwoFactorPolicy.from_settings({"access.two_factor.roles": "none"}).roles == frozenset()
    assert TwoFactorPolicy.from_settings({"access.two_factor.roles": "privileged, clerk"}).roles == privileged | {"clerk"}
    for wrong in ("everybody", "none clerk"):
        with pytest.raises(ValueError, match=r"access\.two_factor\.roles"):
            TwoFactorPolicy.from_settings({"access.two_factor.roles": wrong})
    policy = TwoFactorPolicy.from_settings({"access.two_factor.roles": "approver"})
    assert policy.asks(["clerk", "approver"])
    assert not policy.asks(["clerk"])
    assert not policy.asks([])
