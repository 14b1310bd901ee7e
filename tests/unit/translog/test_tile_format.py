"""Tile addresses, tile data and entry bundles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.translog import merkle
from jiceng_cms.translog.tiles import (
    TileAddress,
    TilePathError,
    decode_bundle,
    encode_bundle,
    hash_in,
    join,
    split,
    widths,
)


def test_examples_of_the_specification():
    assert TileAddress(0, 1234067).path == "0/x001/x234/067"
    assert TileAddress(None, 5, 112).path == "entries/005.p/112"
    assert widths(70_000) == [112, 17, 1]
    assert widths(256) == [0, 1]


addresses = st.builds(
    TileAddress,
    st.none() | st.integers(0, 63),
    st.integers(0, 10**15),
    st.integers(1, 256),
)


@given(addresses)
def test_address_survives_its_path(address):
    assert TileAddress.parse(address.path) == address


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "0/0",
        "0/01",
        "00/001",
        "64/001",
        "-1/001",
        "data/001",
        "0/1000",
        "0/x000/001",
        "0/001/002",
        "0/x001",
        "0/x001/x002",
        "0/001.p/0",
        "0/001.p/01",
        "0/001.p/256",
        "0/001.p/",
        "0/001.p",
        "0/001/p/5",
        "0/001/",
        "/0/001",
        "0//001",
        "0/００１",
        "0/001.p/５",
        "0/001\n",
        "../0/001",
        "entries/001.p/300",
        "0/" + "x999/" * 50 + "999",
    ],
)
def test_malformed_path(path):
    with pytest.raises(TilePathError):
        TileAddress.parse(path)


@given(st.integers(0, 200_000), st.integers(0, 3), st.integers(0, 800), st.integers(1, 256))
def test_address_exists_when_the_tree_has_all_its_hashes(size, level, index, width):
    hashes = size // 256**level
    assert TileAddress(level, index, width).exists(size) == (index * 256 + width <= hashes)


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_bundle_gives_its_entries_back(leaves):
    data = encode_bundle(leaves)
    assert decode_bundle(data) == leaves
    for short in range(1, 3):
        if data and len(leaves[-1]) >= short:
            with pytest.raises(ValueError, match="cut short"):
                decode_bundle(data[:-short])


def test_entry_may_have_64_kib_less_one_byte():
    assert decode_bundle(encode_bundle([b"x" * 65535])) == [b"x" * 65535]
    with pytest.raises(ValueError, match="doesn't fit"):
        encode_bundle([b"x" * 65536])


@given(st.integers(0, 8), st.data())
def test_hash_in_a_tile_is_the_root_of_its_subtree(level, data):
    hashes = [merkle.leaf_hash(b"%d" % i) for i in range(256)]
    index = data.draw(st.integers(0, (256 >> level) - 1))
    part = hashes[index << level : (index + 1) << level]
    assert hash_in(join(hashes), level, index) == merkle.root_of(merkle.tree_of(part))
    with pytest.raises(ValueError, match="too short"):
        hash_in(join(hashes)[:-1], level, (256 >> level) - 1)


def test_tile_that_ends_within_a_hash():
    with pytest.raises(ValueError, match="within a hash"):
        split(b"x" * 33)
