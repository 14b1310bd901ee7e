"""Commitments: one spelling for one value, and no digest without its salt."""

import hashlib
import json
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.core import commitments

plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
values = st.recursive(plain, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=12)
salts = st.binary(min_size=16, max_size=16)


@given(st.dictionaries(st.text(), values))
def test_canonical_form_means_the_same_and_ignores_the_order_of_keys(value):
    data = commitments.canonical(value)
    assert json.loads(data) == value
    assert commitments.canonical(dict(reversed(value.items()))) == data


def test_canonical_example():
    assert commitments.canonical({"标题": "公示", "b": (1, 2), "a": None}) == (
        '{"a":null,"b":[1,2],"标题":"公示"}'.encode()
    )


@pytest.mark.parametrize("value", [Decimal("1.50"), {1: 2}, 2**60, b"x", float("nan"), "\ud800"])
def test_what_json_does_not_know_is_an_error(value):
    with pytest.raises(ValueError):
        commitments.canonical(value)


@given(salts, st.binary())
def test_commitment_is_sha256_of_salt_and_data(salt, data):
    commitment = commitments.commit(salt, data)
    assert commitment == hashlib.sha256(salt + data).digest()
    assert commitments.matches(commitment, salt, data)
    assert not commitments.matches(commitment, salt, data + b"x")
    assert not commitments.matches(commitment, bytes(16) if salt != bytes(16) else b"1" * 16, data)


@pytest.mark.parametrize("salt", [b"", b"x" * 15, b"x" * 17])
def test_salt_of_another_length_is_refused(salt):
    with pytest.raises(ValueError, match="16 bytes"):
        commitments.commit(salt, b"data")
    assert not commitments.matches(hashlib.sha256(salt + b"data").digest(), salt, b"data")


def test_salts_are_fresh_and_their_source_can_be_given():
    assert len(commitments.new_salt()) == 16
    assert commitments.new_salt() != commitments.new_salt()
    assert commitments.new_salt(lambda n: b"s" * n) == b"s" * 16


@given(st.binary(max_size=70))
def test_base64url_survives_and_has_no_padding(data):
    text = commitments.b64(data)
    assert not set(text) & set("=+/")
    assert commitments.unb64(text) == data


@pytest.mark.parametrize("text", ["A", "AA==", "A+A", "A/AA", "AB", "AA\n", " AA", "文"])
def test_other_spellings_of_base64_are_refused(text):
    with pytest.raises(ValueError, match="base64url"):
        commitments.unb64(text)


@given(values)
def test_the_fast_way_writes_the_bytes_of_rfc_8785(value):
    assert commitments.canonical(value) == rfc8785.dumps(value)
