"""Trees and proofs against RFC 6962 written down once more, recursively."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiceng_cms.translog import merkle
from jiceng_cms.translog.merkle import ProofError


def sha(data):
    return hashlib.sha256(data).digest()


def mth(leaves):
    """RFC 6962, 2.1."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    k = cut(len(leaves))
    return sha(b"\1" + mth(leaves[:k]) + mth(leaves[k:]))


def cut(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m, leaves):
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = cut(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, whole):
    """RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = cut(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def leaves_of(size):
    return [b"leaf %d" % i for i in range(size)]


def reader(leaves):
    def read(level, index):
        part = leaves[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "only complete subtrees are read"
        return mth(part)

    return read


sizes = st.integers(1, 140)


@given(st.lists(st.binary(max_size=40), max_size=80))
def test_root_is_that_of_the_recursive_definition(leaves):
    frontier = merkle.tree_of(merkle.leaf_hash(leaf) for leaf in leaves)
    assert merkle.root_of(frontier) == mth(leaves)
    assert merkle.root(len(leaves), reader(leaves)) == mth(leaves)
    assert merkle.frontier_of(len(leaves), reader(leaves)) == frontier


@given(sizes, st.data())
def test_inclusion_proof_is_the_audit_path_and_checks(size, data):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, reader(leaves))
    assert proof == path(index, leaves)
    merkle.check_inclusion(index, size, merkle.leaf_hash(leaves[index]), proof, mth(leaves))


@given(sizes, st.data())
def test_changed_inclusion_proof_is_refused(size, data):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    leaf, root = merkle.leaf_hash(leaves[index]), mth(leaves)
    proof = path(index, leaves)
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index)) if size > 1 else 1
    wrong = [
        (other, size, leaf, proof, root),
        (index, size, merkle.leaf_hash(b"other"), proof, root),
        (index, size, leaf, [*proof, root], root),
        (index, size, leaf, proof, sha(root)),
        (-1, size, leaf, proof, root),
        (size, size, leaf, proof, root),
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong.append((index, size, leaf, [*proof[:at], sha(b"x"), *proof[at + 1 :]], root))
        wrong.append((index, size, leaf, proof[:-1], root))
    for arguments in wrong:
        with pytest.raises(ProofError):
            merkle.check_inclusion(*arguments)


@given(sizes, st.data())
def test_consistency_proof_is_the_subproof_and_checks(new, data):
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, reader(leaves))
    assert proof == subproof(old, leaves, True)
    merkle.check_consistency(old, mth(leaves[:old]), new, mth(leaves), proof)


@given(sizes, st.data())
def test_history_that_was_rewritten_has_no_consistency_proof(new, data):
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new))
    changed = data.draw(st.integers(0, old - 1))
    before = [b"another" if i == changed else leaf for i, leaf in enumerate(leaves[:old])]
    proof = subproof(old, leaves, True)
    for arguments in [
        (old, mth(before), new, mth(leaves), proof),
        (old, mth(leaves[:old]), new, sha(b"other"), proof),
        (old, mth(leaves[:old]), new, mth(leaves), [*proof, sha(b"more")]),
        *([(old, mth(leaves[:old]), new, mth(leaves), proof[:-1])] if proof else []),
        (0, mth([]), new, mth(leaves), proof),
        (new + 1, mth(leaves), new, mth(leaves), proof),
    ]:
        with pytest.raises(ProofError):
            merkle.check_consistency(*arguments)


def test_no_proof_of_what_is_not_there():
    for index, size in [(0, 0), (3, 3), (-1, 3)]:
        with pytest.raises(ValueError, match="has no leaf"):
            merkle.inclusion_proof(index, size, reader(leaves_of(3)))
    for old, new in [(0, 3), (4, 3)]:
        with pytest.raises(ValueError, match="no proof leads"):
            merkle.consistency_proof(old, new, reader(leaves_of(3)))
