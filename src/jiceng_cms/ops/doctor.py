"""What may be wrong with a site on its machine: files, modes, keys, the log, the calendar."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..access.secret import BadSecret, require_secrets
from ..affairs.domain import make_domain
from ..core.calendar import CalendarError
from ..core.clock import TZ, local_date
from ..core.rules import RuleError
from ..core.site import site_of
from ..core.workflow.definition import DefinitionError
from ..store import Store
from ..store.evolution import pending
from ..translog.log import LogError, log_of
from ..translog.note import NoteError
from ..translog.state import (
    KeyFileError,
    StateUnreadable,
    load_or_create_key,
    read_checkpoint,
    read_signed,
)
from ..web.services import Settings

#: Days before the end of the last known calendar year from which the next one is asked for.
CALENDAR_NOTICE = timedelta(days=60)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what is so, or what is wrong and what to do."""

    ok: bool
    text: str
    #: true as it stands, and something to see to before long
    soon: bool = False


def examine(settings: Settings, *, running: bool, now: datetime) -> list[Finding]:
    """Look at everything; nothing is changed."""
    found = list(_home(settings))
    found += _domain(settings, now)
    if all(f.ok for f in found[:2]):
        found += _database(settings)
    socket = settings.socket_file
    if running:
        found.append(Finding(True, "网站正在运行，能接受命令。"))
    else:
        found.append(Finding(True, "网站现在没有运行。" + (f"{socket} 是上次留下的，启动时会换掉。" if socket.exists() else "")))
    return found


def _private(path: Path, what: str) -> Finding:
    if not path.exists():
        return Finding(False, f"{what} {path} 不在。请从备份找回；新站点请先运行 jiceng init。")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        fit = "700" if path.is_dir() else "600"
        return Finding(False, f"{what} {path} 别人也能看（{mode:o}）。请执行 chmod {fit} {path}。")
    return Finding(True, f"{what} {path} 只有自己能看。")


def _home(settings: Settings) -> Iterator[Finding]:
    yield _private(settings.home, "数据目录")
    yield _private(settings.secret_file, "站点密钥")
    yield _private(settings.key_file, "签名密钥")
    if settings.secret_file.exists():
        try:
            require_secrets({"site.secret": settings.secret_file.read_text(encoding="ascii", errors="replace")}, ["site.secret"])
        except BadSecret:
            yield Finding(False, "站点密钥不合用：太短，或者像是示例。请从备份找回。")
    if settings.secure:
        yield Finding(True, "登录只在 HTTPS 下有效。")
    else:
        yield Finding(True, "登录不要求 HTTPS（session.secure=false）：只适合自己电脑上试用。")


def _domain(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        domain = make_domain(workflow_folders=settings.workflow_folders, rule_files=settings.rule_files)
    except (DefinitionError, RuleError, CalendarError) as error:
        yield Finding(False, f"流程、规则或者日历文件有错：{error}")
        return
    yield Finding(True, f"流程 {len(domain.definitions)} 个，规则 {len(domain.rules.ids)} 条，都能用。")
    for day in (local_date(now), local_date(now + CALENDAR_NOTICE)):
        if day.year not in domain.calendar.years:
            # the State Council tells the next year's holidays late in the year
            soon = day.year > local_date(now).year
            text = f"没有 {day.year} 年的工作日历，到时候期限会算不准。请按国务院的放假通知补上 calendar/{day.year}.toml。"
            yield Finding(soon, text, soon)
            return
    yield Finding(True, f"工作日历有 {'、'.join(map(str, sorted(domain.calendar.years)))} 年。")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        store = Store.open(settings.database, read_only=True, pool_size=4)
    except Exception as error:
        # whatever a damaged file makes the storage raise is the finding
        yield Finding(False, f"数据库打不开（{type(error).__name__}）。请从备份恢复。")
        return
    try:
        with store.reading() as connection:
            site = site_of(connection)
            left = pending(site.evolution)
            yield Finding(
                not left,
                "数据库和程序是同一代。" if not left else f"数据库比程序旧，还有 {len(left)} 步升级没有做。请运行 jiceng evolve。",
            )
            size, origin = log_of(connection).state.size, site.origin
    except (KeyError, LogError):
        yield Finding(False, "数据库里没有站点。请先运行 jiceng init，或者换回原来的数据库。")
        return
    finally:
        store.close()
    yield from _signed(settings, size, origin)


def _signed(settings: Settings, size: int, origin: str) -> Iterator[Finding]:
    try:
        if settings.key_file.exists():
            load_or_create_key(settings.key_file, origin)
        signed = read_signed(settings.state_file)
        note = read_checkpoint(settings.state_file)
    except (KeyFileError, StateUnreadable, NoteError) as error:
        yield Finding(False, f"存证的文件不对：{error}")
        return
    if signed is None or note is None:
        yield Finding(size == 0 or signed is None, f"日志有 {size} 条，还没有签过名；启动网站就会签。")
        return
    when = f"{signed.time.astimezone(TZ):%Y-%m-%d %H:%M:%S}"
    yield Finding(
        signed.size <= size,
        f"日志有 {size} 条，{when} 签到第 {signed.size} 条。"
        if signed.size <= size
        else f"日志只有 {size} 条，{when} 却签到过第 {signed.size} 条：像是放回了旧的备份，请先核对。",
    )
