"""Recomputes the log from its entries and names whatever doesn't fit, entry by entry.

Everything is built anew from the leaves and compared with the stored tiles, with the state, with
what was signed, and with the leaves that still stand in the storage's own transactions. Content
of records is compared by whoever knows records, and handed in as :class:`Claim`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core.events import JOURNAL_KEY
from . import merkle
from .checkpoint import Checkpoint, CheckpointError
from .differences import differences
from .log import LogError, Row, log_of
from .note import NoteError, Verifier
from .recompute import Recomputed
from .report import Claim, Findings, Problem, Report
from .state import SignedState

__all__ = ["Claim", "Problem", "Report", "verify_log"]


def verify_log(
    connection: Any,
    *,
    verifier: Verifier | None = None,
    note: str | None = None,
    recorded: SignedState | None = None,
    outbox: Iterable[tuple[bytes, Mapping[str, Any]]] | None = None,
    claims: Iterable[Claim] = (),
) -> Report:
    """Verify the log that ``connection`` sees.

    ``note`` is the published checkpoint and ``recorded`` what was last signed; beside a running
    sequencer read both *before* the connection's transaction begins, else they may be ahead of
    it. ``outbox`` gives (tid, metadata) of the storage's transactions from the first on. Damage
    is reported, never raised.
    """
    findings = Findings()
    try:
        log = log_of(connection)
        check = Recomputed(log, findings)
    except LogError:
        findings.add("log-missing", "数据库里没有日志。请先初始化，或换回原来的数据库。")
        return Report(0, merkle.EMPTY_ROOT, tuple(findings.problems))
    except Exception as error:  # a torn database raises whatever its bytes happen to spell
        findings.add("log-unreadable", f"日志的目录读不出来（{type(error).__name__}），请从备份恢复。")
        return Report(0, merkle.EMPTY_ROOT, tuple(findings.problems))
    signed = _signed_roots(findings, verifier, note, recorded)
    check.run(signed)
    if outbox is not None:
        _compare_outbox(findings, check, log.state.tid, outbox)
    _compare_claims(findings, check, claims)
    return Report(check.size, check.root, tuple(findings.problems), dict(findings.more))


def _signed_roots(
    findings: Findings,
    verifier: Verifier | None,
    note: str | None,
    recorded: SignedState | None,
) -> list[tuple[str, int, bytes]]:
    """(where it stands, size, root) of what was signed."""
    signed = []
    if note is not None and verifier is not None:
        try:
            shown = Checkpoint.open(note, verifier)
        except (NoteError, CheckpointError):
            findings.add("checkpoint-invalid", "已公布的检查点签名不对：被人改过，或不是用这把密钥签的。")
        else:
            if shown.origin != verifier.name:
                findings.add("checkpoint-invalid", f"已公布的检查点属于另一份日志：{shown.origin}。")
            signed.append(("已公布的检查点", shown.size, shown.root))
    if recorded is not None:
        signed.append(("上次签名的记录", recorded.size, recorded.root))
    return signed


def _compare_outbox(
    findings: Findings,
    check: Recomputed,
    reached: bytes,
    outbox: Iterable[tuple[bytes, Mapping[str, Any]]],
) -> None:
    """Compare with the leaves that the storage's transactions carried.

    A pack drops transactions, so an entry without one is no fault; a transaction up to
    ``reached`` without its entries is.
    """
    groups = itertools.groupby(check.rows(), key=lambda item: item[1][2])
    current: bytes | None = b""
    entries: list[tuple[int, Row]] = []
    for tid, extension in outbox:
        if tid > reached:
            break
        leaves = extension.get(JOURNAL_KEY, ())
        if not leaves:
            continue
        while current is not None and current < tid:
            current, group = next(groups, (None, iter(())))
            entries = list(group)
        found = entries if current == tid else []
        carried = [leaf for leaf, _ in leaves]
        if [row[0] for _, row in found] != carried:
            _name_differences(findings, leaves, found)
            continue
        for (index, row), (_, pointer) in zip(found, leaves, strict=True):
            if row[1] != pointer:
                text = f"编号 {index} 的条目指向 {row[1]}，原来是 {pointer}。"
                findings.add("pointer-altered", text, index, pointer)


def _name_differences(
    findings: Findings, leaves: Sequence[tuple[bytes, str]], found: Sequence[tuple[int, Row]]
) -> None:
    """Entries of one transaction that are not the leaves it carried."""
    told = differences([leaf for leaf, _ in leaves], [row[0] for _, row in found])
    for code, position in told:
        if code == "entry-missing":
            pointer = leaves[position][1]
            findings.add(code, f"{pointer} 的条目不在日志里。", None, pointer)
            continue
        index, row = found[position]
        texts = {
            "entry-altered": f"编号 {index} 的条目被改过。",
            "entry-inserted": f"编号 {index} 的条目没有来历。",
            "entry-moved": f"编号 {index} 的条目被换了位置。",
        }
        findings.add(code, texts[code], index, row[1])


def _compare_claims(
    findings: Findings, check: Recomputed, claims: Iterable[Claim]
) -> None:
    for claim in claims:
        index = claim.leaf_index
        if claim.problem:
            findings.add("record", claim.problem, index, claim.pointer)
        if index is None:
            continue
        row = check.row(index)
        if row is None:
            findings.add("pointer", f"{claim.pointer} 的条目 {index} 不在日志里。", index, claim.pointer)
        elif row[1] != claim.pointer:
            text = f"编号 {index} 的条目说的是 {row[1]}，不是 {claim.pointer}。"
            findings.add("pointer", text, index, claim.pointer)
