"""Verifies a whole site: the log, and every record against what the log committed to.

:func:`jiceng_cms.translog.verify.verify_log` recomputes the log from its leaves. Here each entry
is followed to the full event that it commits to, and each record, edition, revision and
attachment to the events; whatever does not fit is named with unit, record and edition. Nothing is
trusted but the leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ZODB.utils import p64, u64

from ..core import commitments
from ..core.clock import iso
from ..core.domain import Domain
from ..core.events import JOURNAL_KEY
from ..core.history import Kept
from ..core.ids import parse_pointer, pointer
from ..core.site import Site, site_of
from ..store import Store
from ..translog.log import LogError, log_of, read_entries
from ..translog.report import Claim
from ..translog.state import (
    KeyFileError,
    StateUnreadable,
    load_or_create_key,
    read_checkpoint,
    read_signed,
)
from ..translog.verify import verify_log
from ..web.services import Settings
from .verifying_records import record_problems, section_problems

#: heard(done, total, what is being done)
Heard = Callable[[int, int | None, str], None]

#: How many steps pass between two words of progress.
_EVERY = 200


@dataclass
class Tally:
    """What was looked at."""

    records: int = 0
    editions: int = 0
    files: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a verification found. ``waiting`` leaves were committed and are not in the log yet;
    ``more`` counts, by code, the problems that are not named one by one."""

    size: int
    root: bytes
    tid: bytes
    problems: tuple[str, ...]
    more: Mapping[str, int]
    records: int
    editions: int
    files: int
    waiting: int

    @property
    def ok(self) -> bool:
        """Whether everything fits."""
        return not self.problems


def verify(
    open_store: Callable[[], AbstractContextManager[Store]],
    settings: Settings,
    domain: Domain,
    heard: Heard = lambda done, total, what: None,
) -> Outcome:
    """Verify a site, also beside a server that writes: what was signed is read before the
    database is opened, so that it is never ahead of it."""
    found: list[str] = []
    recorded = note = verifier = None
    try:
        note = read_checkpoint(settings.state_file)
        recorded = read_signed(settings.state_file)
    except StateUnreadable as error:
        found.append(f"“上次签名”的记录读不出来（{error}）。")
    with open_store() as store:
        last = store.last_transaction()
        with store.reading() as connection:
            origin = site_of(connection).origin
            if settings.key_file.exists():
                try:
                    verifier = load_or_create_key(settings.key_file, origin).verifier
                except KeyFileError as error:
                    found.append(str(error))
            elif note is not None:
                found.append(f"签名密钥 {settings.key_file} 不在，检查点的签名没法核对。")
            tally = Tally()
            report = verify_log(
                connection,
                verifier=verifier,
                note=note,
                recorded=recorded,
                outbox=store.transactions(p64(0)),
                claims=claims(connection, domain, _pending(store, connection, last), tally, heard),
            )
    return Outcome(
        size=report.size,
        root=report.root,
        tid=last,
        problems=(*found, *(p.text for p in report.problems)),
        more=report.more,
        records=tally.records,
        editions=tally.editions,
        files=tally.files,
        waiting=tally.waiting,
    )


@dataclass(frozen=True)
class Waiting:
    """A leaf that was committed and is not in the log yet. ``sure``: the snapshot holds its event."""

    leaf: bytes
    pointer: str
    sure: bool


def _pending(store: Store, connection: Any, last: bytes) -> Iterator[Waiting]:
    try:
        reached = log_of(connection).state.tid
    except LogError:
        return
    for tid, extension in store.transactions(p64(u64(reached) + 1)):
        for leaf, where in extension.get(JOURNAL_KEY, ()):
            yield Waiting(leaf, where, tid <= last)


@dataclass
class _Walk:
    """Which events of each history were committed to: a bit for each number, or the numbers."""

    site: Site
    bits: dict[str, int] = field(default_factory=dict)
    shared: set[int] = field(default_factory=set)

    def owner(self, subject: str) -> tuple[str, Any]:
        """(name, history) of where the events about a subject are kept; None where it is gone."""
        kind, _, rest = subject.partition(":")
        code, _, id = rest.partition("/")
        if kind == "record":
            unit = self.site.units.get(code)
            for section in unit.sections.values() if unit is not None else ():
                record = section.records.get(id)
                if record is not None:
                    return subject, record.history
            return subject, None
        if kind in ("unit", "roles", "body") and code != "site":
            unit = self.site.units.get(code)
            return f"unit:{code}", unit.history if unit is not None else None
        return "site", self.site.history

    def mark(self, owner: str, number: int) -> bool:
        """Note a number as committed to; False where it was before."""
        if owner == "site":
            fresh = number not in self.shared
            self.shared.add(number)
            return fresh
        bits = self.bits.get(owner, 0)
        self.bits[owner] = bits | 1 << number
        return not bits >> number & 1

    def marked(self, owner: str, number: int) -> bool:
        """Whether some leaf commits to this event."""
        return number in self.shared if owner == "site" else bool(self.bits.get(owner, 0) >> number & 1)


def claims(
    connection: Any,
    domain: Domain,
    pending: Iterable[Waiting] = (),
    tally: Tally | None = None,
    heard: Heard = lambda done, total, what: None,
) -> Iterator[Claim]:
    """Everything in the database that does not fit what the log committed to."""
    tally = tally or Tally()
    site = site_of(connection)
    walk = _Walk(site)
    yield from _entries(connection, walk, heard)
    for waiting in pending:
        if waiting.sure:
            tally.waiting += 1
            yield from _event(walk, None, waiting.leaf, waiting.pointer)
        else:
            walk.mark(walk.owner(parse_pointer(waiting.pointer)[0])[0], parse_pointer(waiting.pointer)[1])
    yield from _definitions(site)
    yield from _unlogged(walk, "site", site.history, "站点的记录")
    yield from _roles(site.roles, site.history, "全站")
    for code, unit in site.units.items():
        where = f"{unit.name}（{code}）"
        yield from _unlogged(walk, f"unit:{code}", unit.history, f"{where}的记录")
        yield from _roles(unit.roles, unit.history, where)
        for section in unit.sections.values():
            listed: Counter[str] = Counter()
            for id, record in section.records.items():
                tally.records += 1
                if tally.records % _EVERY == 0:
                    heard(tally.records, None, "核对材料")
                subject = f"record:{code}/{id}"
                about = f"{where}的材料 {id}"
                try:
                    yield from _unlogged(walk, subject, record.history, about)
                    for problem in record_problems(domain, section, subject, record, tally, listed):
                        yield Claim(pointer(subject, 0), None, f"{about}{problem}")
                except Exception as error:
                    # what a damaged object raises is whatever its bytes spell: it is the finding
                    yield Claim(pointer(subject, 0), None, f"{about}读不出来（{type(error).__name__}：{error}）。")
                record._p_deactivate()
            for problem in section_problems(section, listed):
                yield Claim(pointer(f"unit:{code}", 0), None, f"{where}{problem}")


def _entries(connection: Any, walk: _Walk, heard: Heard) -> Iterator[Claim]:
    """Each entry of the log leads to a kept event that it commits to."""
    try:
        size = log_of(connection).state.size
        for entry in read_entries(connection, 0, size):
            if entry.index % _EVERY == 0:
                heard(entry.index, size, "核对日志指向的事件")
            yield from _event(walk, entry.index, entry.leaf, entry.pointer)
    except LogError:
        return  # verify_log names it


def _event(walk: _Walk, index: int | None, leaf: bytes, where: str) -> Iterator[Claim]:
    """The event behind a leaf is kept as it was committed to."""
    named = f"编号 {index} 的条目" if index is not None else "刚提交的条目"

    def wrong(text: str) -> Claim:
        return Claim(where, index, text)

    try:
        subject, number = parse_pointer(where)
        owner, history = walk.owner(subject)
        if history is None:
            yield wrong(f"{_told(subject)}不见了，{named}说它存在过（{where}）。")
            return
        fresh = walk.mark(owner, number)
        kept = history.get(number)
        if kept is None:
            yield wrong(f"{_told(subject)}的第 {number} 个事件不见了，{named}说它发生过。")
            return
        if not fresh:
            yield wrong(f"{_told(subject)}的第 {number} 个事件有两个条目。")
        event = Kept(number, *kept)
        if event.leaf != leaf:
            yield wrong(f"{_told(subject)}的第 {number} 个事件的存证和{named}不一样。")
            return
        if fault := _fault(event, subject):
            yield wrong(f"{_told(subject)}的第 {number} 个事件{fault}（{named}）。")
    except Exception as error:
        # a damaged object raises whatever its bytes spell: it is the finding
        yield wrong(f"{named}（{where}）指向的事件读不出来（{type(error).__name__}）。")


def _fault(kept: Kept, subject: str) -> str:
    """What of a kept event its own leaf contradicts, or ""."""
    leaf = json.loads(kept.leaf)
    if not commitments.matches(commitments.unb64(leaf["c"]), kept.salt, kept.body):
        return "的内容被改过，和存证的承诺对不上"
    event = kept.event()
    if event["subject"] != subject:
        return f"说的是 {event['subject']}"
    if "e" in leaf:
        edition = event.get("edition", {})
        told = (leaf["t"], leaf["k"], leaf["u"], leaf["r"], leaf["n"], leaf["o"], leaf["e"])
        meant = (
            event["at"], event["kind"], event["unit"], subject.rpartition("/")[2],
            edition.get("number"), event["role"], edition.get("c"),
        )
        if told != meant:
            return "和公开条目里写的不一样"
    return ""


def _told(subject: str) -> str:
    """A subject in words."""
    kind, _, rest = subject.partition(":")
    code, _, id = rest.partition("/")
    if kind == "record":
        return f"单位 {code} 的材料 {id}"
    words = {"unit": "单位", "roles": "角色名单", "body": "机构", "person": "人员", "account": "账号", "token": "接口令牌", "entity": "集体经济组织"}
    return f"{words.get(kind, kind)} {rest}" if rest else "站点"


def _unlogged(walk: _Walk, owner: str, history: Any, about: str) -> Iterator[Claim]:
    """Every kept event has its leaf."""
    for number in history:
        if not walk.marked(owner, number):
            text = f"{about}里的第 {number} 个事件没有存证，日志里没有它。"
            yield Claim(pointer(owner, number), None, text)


def _definitions(site: Site) -> Iterator[Claim]:
    """Each stored definition is the one that its name says."""
    for name, stored in site.definitions.items():
        right = hashlib.sha256(stored.source).hexdigest()
        if not name == stored.hash == right:
            text = f"流程 {stored.id}（{name[:12]}）存下来的内容和它的指纹不符。"
            yield Claim(pointer(f"definition:{name}", 0), None, text)


def _roles(roles: Any, history: Any, where: str) -> Iterator[Claim]:
    """Who holds which role, and until when, is what was granted and taken back."""
    told: dict[tuple[str, str], str] = {}
    for number, kept in history.items():
        event = Kept(number, *kept).event()
        if event["subject"] != roles.subject:
            continue
        who = (event["details"].get("person", ""), event["details"].get("role", ""))
        if event["kind"] == "role.granted":
            told[who] = event["details"].get("until", "")
        elif event["kind"] == "role.ended":
            told[who] = event["at"]
    stands = {(g.person, g.role): iso(g.until) if g.until is not None else "" for g in roles.grants}
    for who in sorted(told.keys() | stands.keys()):
        if told.get(who) == stands.get(who):
            continue
        person, role = who
        if who not in told or stands.get(who) == "":
            fault = "没有授予过"
        elif who not in stands or told[who] == "":
            fault = "授予过又不见了，没有收回的记录"
        else:
            fault = "结束的日期和授予、收回的记录不一样"
        yield Claim(pointer(roles.subject, 0), None, f"{where}的角色名单里，{person} 的 {role} {fault}。")
