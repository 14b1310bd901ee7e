"""Commands that make, fill, serve and look after a site."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from types import FrameType
from typing import Any

import click
from persistent.timestamp import TimeStamp

from ..affairs.domain import make_domain
from ..core.clock import SystemClock
from ..store import Store
from ..translog.log import log_of
from ..web.services import Services, SettingsError
from .chinese import Command
from .context import Failed, Site, WrongUse, opened
from .demo.run import new_password, run_demo
from .http import make_server
from .setup import evolve as evolve_store
from .setup import install_site, new_origin
from .socket import AdminServer, Say, SocketTaken
from .worker import Worker

#: The longest body of a request that the server takes in, in bytes, unless the settings say more.
MAX_BODY = 64 * 1024 * 1024


@click.command(cls=Command)
@click.option("--demo", is_flag=True, help="建成演示站点：页面写明“演示数据”，以后也不能变成正式站点")
@click.option("--title", help="站点名称；不写就用配置里的 jiceng.title")
@click.option("--origin", help="日志的名称，全世界唯一，例如 gongkai.example.org/log；不写就随机取一个")
@click.pass_obj
def init(site: Site, demo: bool, title: str | None, origin: str | None) -> None:
    """建一个新站点，给出首位安全管理员的一次性链接。

    Makes a new site and prints the first administrator's one-time link.
    """
    if site.in_server or site.server_runs():
        raise Failed("这里的站点正在运行，不能重建。要另建一个，请换一个空的 JICENG_HOME。")
    if origin is not None and origin.startswith("demo/") != demo:
        raise WrongUse("演示站点的日志名称以 demo/ 开头，正式站点的不能这样开头。")
    if origin is not None and (not origin.strip() or any(c.isspace() or c == "+" for c in origin)):
        raise WrongUse("日志名称里不能有空格和加号。")
    settings = site.settings
    domain = make_domain(workflow_folders=settings.workflow_folders, rule_files=settings.rule_files)
    issued = install_site(
        settings, domain, title=title or settings.title, origin=origin or new_origin(demo)
    )
    site.say(f"站点建好了，数据在 {settings.home}。")
    site.say(f"首位安全管理员的登录名是 {issued.login}。请在 7 天内打开下面的地址设置密码，只能用一次：")
    site.say(f"  http(s)://您的网址{issued.path}")
    site.say("其他人的账号用 jiceng user add 开设。签名密钥和站点密钥在 keys/ 里，请另外备份，不要给别人。")


@click.command(cls=Command)
@click.option("--units", type=click.IntRange(1, 12000), help="建多少个村和社区（做大站点用）")
@click.option("--records", type=click.IntRange(0), default=0, help="公布多少份材料（和 --units 一起用）")
@click.option("--seed", type=int, default=1, help="同样的数给出同样的内容")
@click.pass_obj
def demo(site: Site, units: int | None, records: int, seed: int) -> None:
    """给演示站点放进演示数据，只在空站点上。

    Fills an empty demo site through the real actions.
    """
    if site.in_server or site.server_runs():
        raise Failed("放演示数据时不能有服务在运行。请先停下 jiceng serve，再试一次。")
    if records and units is None:
        raise WrongUse("写了 --records，还要写 --units。")
    given = os.environ.get("JICENG_DEMO_PASSWORD", "")
    password = given or new_password()
    with opened(site.settings) as services:
        if given and (problems := services.password_checker.problems(given)):
            raise WrongUse("JICENG_DEMO_PASSWORD 不合用：" + "".join(problems))
        with site.progress("准备") as advance:
            result = run_demo(
                services.store,
                lambda clock: make_domain(
                    clock=clock, workflow_folders=site.settings.workflow_folders, rule_files=site.settings.rule_files
                ),
                services.passwords,
                password=password, now=SystemClock().now(), units=units, records=records, seed=seed,
                progress=advance,
            )
        worker = Worker(services)
        try:
            with site.progress("编制搜索索引") as advance:
                done = worker.step_all(heard=advance)
        finally:
            worker.stop()
        if not done:
            raise Failed("；".join(t.text for t in worker.status().troubles))
    site.say(f"演示数据放好了：{result.units} 个单位，{result.records} 份材料。可以用这些账号登录：")
    for login, what in result.accounts:
        site.say(f"  {login:<12} {what}")
    site.say(f"密码都是：{'（JICENG_DEMO_PASSWORD 里的）' if given else password}")


# ------------------------------------------------------------------ serving


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise WrongUse(f"--listen {listen} 看不懂。请写成 127.0.0.1:6543 这样。")
    return host.strip("[]"), int(port)


@click.command(cls=Command)
@click.option("--listen", default="127.0.0.1:6543", show_default="127.0.0.1:6543", help="在哪个地址和端口上服务")
@click.pass_obj
def serve(site: Site, listen: str) -> None:
    """启动网站，同时办存证、搜索和到期的事。

    Serves the site, with its worker and its admin socket.
    """

    from ..app import make_app

    host, port = _address(listen)
    if site.in_server:
        raise WrongUse("网站已经在运行了。")
    if site.server_runs():
        raise Failed("这个站点已经有一个服务在运行了。")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    signal.signal(signal.SIGTERM, _leave)
    with opened(site.settings) as services:
        services.theme.keep_compiled_in(site.settings.home / "cache" / "templates")
        worker = Worker(services)
        services.troubles = worker.troubles
        admin = AdminServer(site.settings.socket_file, _in_process(site, services, worker))
        try:
            app = make_app(services)
            server = make_server(app, host=host, port=port, **server_settings(site.settings.raw))
        except OSError as error:
            worker.stop()
            raise Failed(f"{listen} 用不了（{error.strerror}）。可能别的程序占着这个端口，请换一个。") from error
        except BaseException:
            worker.stop()
            raise
        try:
            admin.start()
            worker.start()
            site.say(f"网站在 http://{listen} 运行。按 Ctrl+C 停下。")
            sys.stdout.flush()
            server.run()  # returns after SystemExit or KeyboardInterrupt in this thread
        except SocketTaken:
            raise Failed("这个站点已经有一个服务在运行了。") from None
        finally:
            admin.stop()
            worker.stop()
            server.close()


def server_settings(raw: Any) -> dict[str, Any]:
    """Settings of the HTTP server from ``server.*``; a proxy's headers count only where one is
    named."""
    try:
        chosen: dict[str, Any] = {
            "threads": int(raw.get("server.threads", 8)),
            "max_request_body_size": int(raw.get("server.max_body", MAX_BODY)),
            "connection_limit": int(raw.get("server.connections", 200)),
        }
    except ValueError:
        raise SettingsError("server.threads、server.max_body、server.connections 要写成数字。") from None
    chosen |= {
        "ident": None,
        "max_request_header_size": 32 * 1024,
        "clear_untrusted_proxy_headers": True,
        "expose_tracebacks": False,
    }
    if proxy := raw.get("server.trusted_proxy", ""):
        chosen["trusted_proxy"] = proxy
        chosen["trusted_proxy_headers"] = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    return chosen


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _in_process(site: Site, services: Services, worker: Worker) -> Any:
    from .cli import run

    def do(argv: Sequence[str], say: Say) -> int:
        return run(argv, Site(site.settings, site.config, services, worker, say), say)

    return do


@click.command(cls=Command)
def worker() -> None:
    """单机站点不用单独运行：jiceng serve 里面就有。

    Not needed here: `jiceng serve` runs the worker itself.
    """
    raise WrongUse("单机站点的存证、搜索和到期办理都在 jiceng serve 里面，不用单独运行。")


# ------------------------------------------------------------------ looking after


@click.command(cls=Command)
@click.pass_obj
def evolve(site: Site) -> None:
    """把旧版本的数据库升级到现在的程序。

    Brings an older database to the present shape.
    """
    if site.in_server or site.server_runs():
        raise Failed("升级时不能有服务在运行。请先停下 jiceng serve，备份，再升级。")
    if not site.settings.secret_file.exists():
        raise SettingsError(f"{site.settings.home} 里还没有站点。请先运行 jiceng init。")
    store = Store.open(site.settings.database)
    try:
        done = evolve_store(store)
    finally:
        store.close()
    for step in done:
        site.say(f"做完：{step.title}（{step.name}）")
    site.say("数据库已经是最新的。" if not done else f"一共做了 {len(done)} 步。")


@click.command(cls=Command)
@click.option("--days", type=click.IntRange(0), default=1, help="最近几天的旧状态留着不压缩")
@click.pass_obj
def pack(site: Site, days: int) -> None:
    """压缩数据库，去掉不再需要的旧状态；没有存证的一笔都不动。

    Packs the database, never past what the log has taken in.
    """
    site.forward(["pack", "--days", str(days)])
    with site.open() as (services, worker):
        worker.step_all()
        if (waiting := worker.status().waiting):
            raise Failed(f"还有 {waiting} 条没有存证，现在不能压缩。请先看 jiceng doctor 说哪里不对。")
        until = pack_time(services.store, timedelta(days=days))
        services.store.db.pack(until)
    site.say(f"压缩到 {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(until))} 为止。")


def pack_time(store: Store, keep: timedelta) -> float:
    """Up to when a pack may go: ``keep`` ago, and never past what the sequencer committed.

    The leaves of a transaction wait in its metadata until they are in the log; a pack drops
    that metadata.
    """
    with store.reading() as connection:
        reached = TimeStamp(log_of(connection).state.tid).timeTime()
    # a float of seconds may round up past the transaction
    return float(min(time.time() - keep.total_seconds(), reached - 0.001))


COMMANDS = (init, demo, serve, worker, evolve, pack)
