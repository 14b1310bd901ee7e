"""The Merkle tree of RFC 6962 section 2.1: hashes, roots, proofs and their checks.

Nothing here stores anything. Trees are read through a :data:`HashReader`, which gives the root
of a *complete* subtree: ``read(level, index)`` is the hash over the leaves from
``index * 2**level`` up to ``(index + 1) * 2**level``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence

#: Length of every hash in bytes.
HASH_SIZE = 32

HashReader = Callable[[int, int], bytes]

#: Roots of the complete subtrees that a tree falls apart into, largest (leftmost) first.
Frontier = tuple[bytes, ...]


class ProofError(ValueError):
    """A proof that doesn't prove what it should."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf; its prefix 0 keeps it apart from that of a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


#: Root of the tree without leaves.
EMPTY_ROOT = hashlib.sha256(b"").digest()


def push(frontier: Frontier, size: int, leaf: bytes) -> Frontier:
    """The frontier after a leaf with hash ``leaf`` was added to a tree of ``size`` leaves."""
    hashes = list(frontier)
    while size & 1:
        leaf = node_hash(hashes.pop(), leaf)
        size >>= 1
    hashes.append(leaf)
    return tuple(hashes)


def root_of(frontier: Sequence[bytes]) -> bytes:
    """The root of the tree with this frontier."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def frontier_of(size: int, read: HashReader) -> Frontier:
    """The frontier of the tree of ``size`` leaves."""
    return tuple(_complete_subtrees(0, size, read))


def root(size: int, read: HashReader) -> bytes:
    """The root of the tree of ``size`` leaves."""
    return root_of(frontier_of(size, read))


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over ``hashes``, as many as a power of two, all of one level."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def tree_of(leaf_hashes: Iterable[bytes]) -> Frontier:
    """The frontier of the tree over these leaf hashes."""
    frontier: Frontier = ()
    for size, leaf in enumerate(leaf_hashes):
        frontier = push(frontier, size, leaf)
    return frontier


def _complete_subtrees(start: int, end: int, read: HashReader) -> list[bytes]:
    """Roots of the complete subtrees of the range; ``start`` is aligned to the largest."""
    hashes = []
    while start < end:
        level = (end - start).bit_length() - 1
        hashes.append(read(level, start >> level))
        start += 1 << level
    return hashes


def _range_root(start: int, end: int, read: HashReader) -> bytes:
    return root_of(_complete_subtrees(start, end, read))


def _split(count: int) -> int:
    """The largest power of two below ``count``: where RFC 6962 cuts a tree in two."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 6962, 2.1.1).

    ValueError when the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    path.reverse()
    return path


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """ProofError unless ``proof`` shows the leaf hash ``leaf`` at ``index`` under ``root``.

    The algorithm of RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    position, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        if position & 1 or position == last:
            found = node_hash(other, found)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            found = node_hash(found, other)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    if not hmac.compare_digest(found, root):
        raise ProofError(f"leaf {index} is not in this tree")


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """That the tree of ``new`` leaves begins with that of ``old`` (RFC 6962, 2.1.2).

    ValueError unless 0 < old <= new: about an empty tree there is nothing to prove.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from {old} to {new} leaves")
    start, end, path = 0, new, []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    if start:  # else the verifier already has this subtree: it is the old root
        path.append(_range_root(start, end, read))
    path.reverse()
    return path


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """ProofError unless ``proof`` shows that the new tree begins with the old one.

    The algorithm of RFC 9162, 2.1.4.2.
    """
    if not 0 < old <= new:
        raise ProofError(f"no proof leads from {old} to {new} leaves")
    if old == new:
        if proof or not hmac.compare_digest(old_root, new_root):
            raise ProofError("trees of one size must have one root")
        return
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofError("the proof is too short")
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    found_old = found_new = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if position & 1 or position == last:
            found_old = node_hash(other, found_old)
            found_new = node_hash(other, found_new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            found_new = node_hash(found_new, other)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    if not hmac.compare_digest(found_old, old_root):
        raise ProofError("the proof doesn't lead to the old root")
    if not hmac.compare_digest(found_new, new_root):
        raise ProofError("the proof doesn't lead to the new root")
