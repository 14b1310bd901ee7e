"""The command line: exit codes, words, and the way of commands to a running server."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import transaction
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from jiceng_cms.access.accounts import SET_PASSWORD
from jiceng_cms.access.onetime import LinkState, check
from jiceng_cms.core.clock import SystemClock
from jiceng_cms.core.site import site_of
from jiceng_cms.ops import socket as admin
from jiceng_cms.ops.cli import run
from jiceng_cms.ops.commands_site import _in_process, pack_time, server_settings
from jiceng_cms.ops.context import Site, opened
from jiceng_cms.ops.worker import Worker
from jiceng_cms.translog.log import log_of
from jiceng_cms.web.services import SettingsError

from .conftest import SECTION, VILLAGE, build, read_only, settings_of

CSV = "代码,名称,类型,上级代码\n990101100000,鹭洄镇,镇,\n990101100201,石塝村,村,990101100000\n"
LINK = re.compile(r"/set-password/([a-z0-9.-]+)/(\S+)")

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JICENG_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("JICENG_CONFIG", raising=False)
    monkeypatch.delenv("JICENG_DEMO_PASSWORD", raising=False)
    return tmp_path / "var"


@pytest.fixture
def jiceng(home: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    def command(*argv: str) -> tuple[int, str]:
        code = run(argv)
        out, err = capfd.readouterr()
        return code, out + err

    return command


@pytest.fixture
def made(jiceng: Command, home: Path) -> Path:
    assert jiceng("init")[0] == 0
    return home


@pytest.fixture
def server(made: Path) -> Iterator[None]:
    """A running server, without its HTTP side."""
    settings = settings_of(made)
    with opened(settings) as services:
        worker = Worker(services)
        worker.start()
        listener = admin.AdminServer(settings.socket_file, _in_process(Site(settings), services, worker))
        listener.start()
        yield
        listener.stop()
        worker.stop()


def test_init_makes_a_private_home_and_a_link_that_opens_the_account(jiceng: Command, home: Path) -> None:
    code, said = jiceng("init", "--title", "岚汀区基层公开")
    assert code == 0
    link = LINK.search(said)
    assert link is not None
    for path, mode in ((home, 0o700), (home / "keys" / "site.secret", 0o600), (home / "keys" / "log.key", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    with read_only(settings_of(home)) as store, store.reading() as connection:
        site = site_of(connection)
        account = site.accounts[link[1]]
        assert check(account.link, SET_PASSWORD, link[2], SystemClock().now()) is LinkState.GOOD
        assert account.password == ""
        assert site.title == "岚汀区基层公开"
        assert site.roles.of(account.person, SystemClock().now()) == {"security"}
        assert not site.is_demo
    assert link[2].encode() not in (home / "Data.fs").read_bytes()


def test_init_never_touches_a_site_that_is_there(jiceng: Command, made: Path) -> None:
    before = (made / "Data.fs").read_bytes()
    code, said = jiceng("init")
    assert code == 1
    assert "已经有站点" in said
    assert (made / "Data.fs").read_bytes() == before


def test_a_real_site_is_never_filled_with_demo_data(jiceng: Command, made: Path) -> None:
    code, said = jiceng("demo")
    assert code == 1
    assert "不是演示站点" in said
    assert "init --demo" in said


def test_demo_prints_its_accounts_and_a_password(jiceng: Command, home: Path) -> None:
    assert jiceng("init", "--demo")[0] == 0
    code, said = jiceng("demo", "--units", "2", "--records", "4")
    assert code == 0
    assert "clerk" in said
    assert re.search(r"密码都是：[a-z-]{12,}", said)
    code, said = jiceng("search", "query", "村民")
    assert code == 0
    assert jiceng("journal", "verify")[0] == 0


def test_a_weak_demo_password_is_refused(
    jiceng: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jiceng("init", "--demo")
    monkeypatch.setenv("JICENG_DEMO_PASSWORD", "123456")
    code, said = jiceng("demo")
    assert code == 2
    assert "JICENG_DEMO_PASSWORD" in said


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("nosuch",), "没有 nosuch 这个命令"),
        (("init", "--colour"), "没有 --colour 这个选项"),
        (("user", "add"), "还缺少"),
        (("user", "add", "x", "--name", "某人", "--role", "king@990101100201"), "没有“king”这个角色"),
        (("user", "add", "x", "--name", "某人", "--role", "clerk"), "12 位数字"),
        (("init", "--origin", "demo/x"), "demo/"),
        (("init", "--origin", "a b"), "空格"),
        (("unit", "import", "nosuch.csv"), "写得不对"),
        (("demo", "--records", "5"), "--units"),
        (("serve", "--listen", "here"), "127.0.0.1:6543"),
        (("-c", "nosuch.ini", "doctor"), "没有配置文件"),
        (("workflow", "draw", "nosuch"), "没有“nosuch”这个流程"),
        (("worker",), "serve"),
        (("evolve",), "jiceng init"),
        (("pack",), "jiceng init"),
        (("journal", "verify"), "jiceng init"),
    ],
)
def test_wrong_use_ends_with_2_and_says_how_it_is_right(jiceng: Command, argv: tuple[str, ...], said: str) -> None:
    code, words = jiceng(*argv)
    assert code == 2
    assert said in words
    assert "Traceback" not in words
    assert "Error" not in words


def test_help_is_in_chinese(jiceng: Command) -> None:
    code, said = jiceng("user", "add", "--help")
    assert code == 0
    assert "用法：" in said
    assert "选项：" in said
    assert "（必填）" in said
    assert "Usage" not in said
    assert "[required]" not in said


def test_units_come_from_a_file_or_not_at_all(jiceng: Command, made: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(CSV + "12,,岛,\n990101100201,石塝村,村,\n", encoding="utf-8")
    code, said = jiceng("unit", "import", str(bad))
    assert code == 1
    assert "第 4 行" in said
    assert "第 5 行" in said
    assert "一个单位也没有存" in said
    with read_only(settings_of(made)) as store, store.reading() as connection:
        assert len(site_of(connection).units) == 0
    good = tmp_path / "good.csv"
    good.write_bytes(CSV.encode("gb18030"))
    assert jiceng("unit", "import", str(good))[0] == 0
    with read_only(settings_of(made)) as store, store.reading() as connection:
        assert [u.name for u in site_of(connection).units.values()] == ["鹭洄镇", "石塝村"]


def test_a_user_with_a_role_that_may_not_be_is_not_half_made(jiceng: Command, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text(CSV, encoding="utf-8")
    jiceng("unit", "import", str(file))
    both = ("--role", f"clerk@{VILLAGE}", "--role", f"supervisor@{VILLAGE}")
    code, said = jiceng("user", "add", "lu", "--name", "卢晓禾", *both)
    assert code == 1
    assert "监督委员会成员不能同时担任" in said
    with read_only(settings_of(made)) as store, store.reading() as connection:
        assert list(site_of(connection).accounts) == ["admin"]
    code, said = jiceng("user", "add", "lu", "--name", "卢晓禾", *both[:2], "--role", "system")
    assert code == 0
    assert LINK.search(said)
    assert jiceng("user", "add", "lu", "--name", "另一人")[0] == 1


def test_commands_reach_the_running_server(jiceng: Command, server: None, home: Path, tmp_path: Path) -> None:
    mode = stat.S_IMODE((home / "run" / "jiceng.sock").stat().st_mode)
    assert mode == 0o600
    file = tmp_path / "units.csv"
    file.write_text(CSV, encoding="utf-8")
    assert jiceng("unit", "import", str(file)) == (0, "登记了 2 个单位。\n")
    code, said = jiceng("user", "add", "lu", "--name", "卢晓禾", "--role", f"clerk@{VILLAGE}")
    assert code == 0
    assert LINK.search(said)
    code, said = jiceng("user", "add", "lu", "--name", "卢晓禾")
    assert code == 1
    assert "已经有人用了" in said
    assert jiceng("search", "rebuild")[0] == 0
    # these read beside the server
    assert jiceng("journal", "verify")[0] == 0
    assert "正在运行" in jiceng("doctor")[1]
    # and these may not be while it runs
    for argv in (("init",), ("demo",), ("evolve",), ("serve",)):
        assert jiceng(*argv)[0] == 1, argv


def test_without_a_server_a_left_over_socket_is_no_hindrance(jiceng: Command, made: Path) -> None:
    left = admin.socket.socket(admin.socket.AF_UNIX)
    left.bind(str(made / "run" / "jiceng.sock"))
    left.close()
    assert jiceng("user", "add", "lu", "--name", "卢晓禾")[0] == 0


def test_a_server_that_dies_in_the_middle_leaves_the_outcome_open(tmp_path: Path) -> None:
    def dies(argv: object, say: object) -> int:
        raise RuntimeError("dies")

    listener = admin.AdminServer(tmp_path / "run" / "s.sock", dies)
    listener.start()
    with pytest.raises(admin.Broken):
        admin.ask(tmp_path / "run" / "s.sock", ["pack"], lambda text: None)
    listener.stop()
    assert admin.ask(tmp_path / "run" / "s.sock", ["pack"], lambda text: None) is None


def test_nonsense_on_the_socket_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s.sock"
    listener = admin.AdminServer(path, lambda argv, say: 0)
    listener.start()
    for nonsense in (b"\n", b"{}\n", b'{"argv": 5}\n', b"\xff\n", b'{"argv": ["a", 1]}\n'):
        client = admin.socket.socket(admin.socket.AF_UNIX)
        client.connect(str(path))
        client.sendall(nonsense)
        with client.makefile("rb") as answer:
            assert b'"exit": 2' in answer.read()
        client.close()
    with pytest.raises(admin.SocketTaken):
        admin.AdminServer(path, lambda argv, say: 0).start()
    listener.stop()
    assert not path.exists()


def test_journal_verify_ends_with_1_and_names_what_was_changed(jiceng: Command, home: Path, tmp_path: Path) -> None:
    site = build(tmp_path)
    id = site.publish("二组道路硬化")
    site.worker.step_all()
    site.close()
    assert jiceng("journal", "verify")[0] == 0
    db = DB(FileStorage(str(home / "Data.fs"), blob_dir=str(home / "blobs")))
    manager = transaction.TransactionManager()
    connection = db.open(manager)
    edition = site_of(connection).units[VILLAGE].sections[SECTION].records[id].editions[1]
    edition.body = edition.body.replace("二组".encode(), "三组".encode())
    manager.commit()
    connection.close()
    db.close()
    code, said = jiceng("journal", "verify")
    assert code == 1
    assert f"石塝村（{VILLAGE}）的材料 {id}的第 1 版的内容被改过" in said


def test_a_pack_never_goes_past_the_log(jiceng: Command, home: Path, tmp_path: Path) -> None:
    from datetime import timedelta

    from persistent.timestamp import TimeStamp

    site = build(tmp_path)
    site.publish("还没存证的一份")
    site.worker.step_all()
    with site.services.store.reading() as connection:
        reached = TimeStamp(log_of(connection).state.tid).timeTime()
    waiting = site.publish("又一份")
    assert pack_time(site.services.store, timedelta(0)) < reached
    site.close()
    code, _ = jiceng("pack", "--days", "0")
    assert code == 0
    assert jiceng("journal", "verify")[0] == 0
    with read_only(settings_of(home)) as store, store.reading() as connection:
        assert waiting in site_of(connection).units[VILLAGE].sections[SECTION].records
    assert not list(home.glob("*.old"))


def test_doctor_names_keys_that_others_may_read(jiceng: Command, made: Path) -> None:
    assert jiceng("doctor")[0] == 0
    os.chmod(made / "keys" / "log.key", 0o644)
    code, said = jiceng("doctor")
    assert code == 1
    assert "chmod 600" in said


def test_workflows_are_checked_and_drawn(jiceng: Command, made: Path, tmp_path: Path) -> None:
    code, said = jiceng("workflow", "check")
    assert code == 0
    assert "没有问题" in said
    bad = tmp_path / "mine.toml"
    bad.write_text('id = "mine"\nextends = "disclosure"\n[transitions.publish]\nby = []\n', encoding="utf-8")
    code, said = jiceng("workflow", "check", str(bad))
    assert code == 1
    assert "mine" in said
    code, said = jiceng("workflow", "draw", "disclosure")
    assert code == 0
    assert "draft --> review : 提交监督审查（经办人、报账员）" in said


def test_a_proxy_counts_only_where_the_settings_name_it() -> None:
    plain = server_settings({})
    assert plain["clear_untrusted_proxy_headers"]
    assert "trusted_proxy" not in plain
    assert server_settings({"server.trusted_proxy": "127.0.0.1"})["trusted_proxy"] == "127.0.0.1"
    with pytest.raises(SettingsError, match="数字"):
        server_settings({"server.threads": "many"})
