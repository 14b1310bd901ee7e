"""Commands about accounts, units, search, the journal, workflows and the site's health."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import click

from ..access.accounts import account_of
from ..access.tokens import (
    LONGEST_LIFE,
    SCOPES,
    USUAL_LIFE,
    CreateToken,
    RevokeToken,
    new_token,
    scopes_of_role,
    tokens_of_account,
)
from ..affairs.domain import make_domain
from ..affairs.units.importing import decode, read_units
from ..core.actions import Context, perform_in
from ..core.clock import SystemClock, local_date
from ..core.permissions import ROLES
from ..core.site import site_of
from ..core.workflow.definition import Definition
from ..search.interface import IndexDamaged, QueryTooLong, SearchQuery
from ..search.whoosh_engine import WhooshEngine
from ..web.services import Services
from .chinese import Command, Group
from .context import Failed, Site, WrongUse
from .doctor import examine
from .setup import add_user, operator
from .verifying import verify

#: Units of one commit of an import: each has one leaf, and a commit takes 50.
_UNITS_PER_COMMIT = 40


@click.group(cls=Group)
def user() -> None:
    """账号：开设。"""


@user.command("add")
@click.argument("login")
@click.option("--name", required=True, help="这个人的姓名")
@click.option("--role", "roles", multiple=True, metavar="ROLE@UNIT", help="角色@单位代码，可以写几次；三类管理员不写单位")
@click.option("--reason", default="由运维人员开设", help="授予角色的依据，例如任职文件")
@click.pass_obj
def user_add(site: Site, login: str, name: str, roles: tuple[str, ...], reason: str) -> None:
    """开设账号并授予角色，给出设置密码的一次性链接。

    Opens an account with roles and prints its one-time link.
    """
    wanted = tuple(_role(text) for text in roles)
    argv = ["user", "add", login, "--name", name, "--reason", reason]
    site.forward([*argv, *(part for text in roles for part in ("--role", text))])
    with site.open() as (services, _):
        issued = add_user(services.actions, login, name, wanted, reason)
    site.say(f"账号 {issued.login} 开好了。请本人在 7 天内打开下面的地址设置密码，只能用一次：")
    site.say(f"  http(s)://您的网址{issued.path}")


def _role(text: str) -> tuple[str, str]:
    """(role, unit) of ``clerk@990101100201``; roles of the whole site come without a unit."""
    name, _, unit = text.partition("@")
    role = ROLES.get(name)
    if role is None:
        known = "、".join(f"{r.name}（{r.zh_CN}）" for r in ROLES.values())
        raise WrongUse(f"没有“{name}”这个角色。可用的有：{known}。")
    if role.reach == "site":
        if unit not in ("", "site"):
            raise WrongUse(f"{role.zh_CN}管全站，后面不写单位。")
        return name, "site"
    if not re.fullmatch(r"[0-9]{12}", unit):
        raise WrongUse(f"请写成 {name}@单位代码，单位代码是 12 位数字。")
    return name, unit


@click.group(cls=Group)
def token() -> None:
    """接口令牌：开出，列出，作废。"""


@token.command("create")
@click.argument("login", metavar="USER")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE",
    help=f"权限，可以写几次：{'、'.join(SCOPES)}；all 是这个身份用得上的全部；不写就是 read",
)
@click.option("--role", default="", help="以哪个身份办理；不写就用这个账号的第一个身份")
@click.option("--days", type=click.IntRange(1, LONGEST_LIFE.days), default=USUAL_LIFE.days, show_default=True, help="有效多少天")
@click.option("--title", default="", help="做什么用的")
@click.pass_obj
def token_create(site: Site, login: str, scopes: tuple[str, ...], role: str, days: int, title: str) -> None:
    """给一个账号开出接口令牌；令牌在最后一行，只显示这一次。

    Makes an API token for an account and prints it last.
    """
    argv = ["token", "create", login, "--role", role, "--days", str(days), "--title", title]
    site.forward([*argv, *(part for scope in scopes for part in ("--scope", scope))])
    with site.open() as (services, _):
        held = _roles_of_account(services, login)
        acting = role or next(iter(held), "")
        if not acting:
            raise Failed(f"账号 {login} 现在没有任何角色，开不出令牌。")
        wanted = tuple(part for text in scopes for part in text.replace(",", " ").split()) or ("read",)
        if "all" in wanted:
            wanted = scopes_of_role(services.domain.definitions, acting)
        made = new_token()
        services.actions.perform(CreateToken(login, acting, wanted, made.id, made.digest, title, days), operator())
    title_of = ROLES[acting].zh_CN if acting in ROLES else acting
    site.say(f"令牌 {made.id} 开好了：{title_of}，权限 {' '.join(wanted)}，有效 {days} 天。下面一行就是令牌，请收好，以后查不到：")
    site.say(made.text)


def _roles_of_account(services: Services, login: str) -> list[str]:
    """The roles that an account holds now, in the order in which they were granted."""
    with services.store.reading() as connection:
        root = site_of(connection)
        account = account_of(root, login)
        if account is None:
            raise Failed(f"没有 {login} 这个账号，或者已经停用。")
        now = services.domain.clock.now()
        held = []
        for unit, role in root.grants.get(account.person, ()):
            roles = root.roles if unit == "site" else root.units[unit].roles
            if role in roles.of(account.person, now):
                held.append(role)
        return list(dict.fromkeys(held))


@token.command("list")
@click.argument("login", metavar="USER")
@click.pass_obj
def token_list(site: Site, login: str) -> None:
    """列出一个账号的令牌；令牌本身查不到。

    Lists an account's tokens, never the secrets.
    """
    with site.reading() as store, store.reading() as connection:
        found = tokens_of_account(site_of(connection), login)
        now = SystemClock().now()
        for one in found:
            state = "能用" if one.good(now) else "已作废" if one.revoked_at else "已过期"
            until = local_date(one.expires_at)
            site.say(f"{one.id}  {state}  {one.role}  {' '.join(one.scopes)}  到 {until:%Y-%m-%d}  {one.title}".rstrip())
    site.say(f"一共 {len(found)} 个。")


@token.command("revoke")
@click.argument("login", metavar="USER")
@click.argument("id")
@click.pass_obj
def token_revoke(site: Site, login: str, id: str) -> None:
    """作废一个令牌，马上生效。

    Ends a token at once.
    """
    site.forward(["token", "revoke", login, id])
    with site.open() as (services, _):
        services.actions.perform(RevokeToken(login, id), operator())
    site.say(f"令牌 {id} 已经作废。")


@click.group(cls=Group)
def unit() -> None:
    """单位：从表格导入。"""


@unit.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path))
@click.pass_obj
def unit_import(site: Site, file: Path) -> None:
    """从 CSV 文件登记单位；先查完每一行，有一处不对就一个也不存。

    Registers units from a CSV file, after every row was checked.
    """
    site.forward(["unit", "import", str(file)])
    try:
        text = decode(file.read_bytes())
    except ValueError as error:
        raise Failed(str(error)) from error
    with site.open() as (services, _):
        with services.store.reading() as connection:
            known = list(site_of(connection).units.keys())
        found = read_units(text, known, local_date(services.domain.clock.now()))
        for problem in found.problems:
            site.say(f"第 {problem.row} 行{'' if problem.stop else '（提醒）'}：{problem.text}")
        if not found.ok:
            stops = sum(p.stop for p in found.problems)
            raise Failed(f"有 {stops} 处不对，一个单位也没有存。改好以后再导入一次。")
        actor = operator()
        for at in range(0, len(found.units), _UNITS_PER_COMMIT):
            part = found.units[at : at + _UNITS_PER_COMMIT]

            def save(ctx: Context, part: tuple = part) -> None:  # type: ignore[type-arg]
                for action in part:
                    perform_in(ctx, action)

            services.actions.perform_many("site", save, actor)
    site.say(f"登记了 {len(found.units)} 个单位。")


# ------------------------------------------------------------------ search


@click.group(cls=Group)
def search() -> None:
    """搜索：重建索引，查一查。"""


@search.command("rebuild")
@click.pass_obj
def search_rebuild(site: Site) -> None:
    """把搜索索引丢掉，从日志重新编制。

    Makes the search index again from the journal.
    """
    site.forward(["search", "rebuild"])
    with site.open() as (services, worker), site.progress("编制搜索索引") as advance:
        done = worker.rebuild_index(advance)
        count = services.engine.count()
    site.say(f"读了 {done} 条日志，能搜到 {count} 份材料。")


@search.command("query")
@click.argument("words", nargs=-1, required=True)
@click.option("--page", type=click.IntRange(1), default=1, help="第几页")
@click.pass_obj
def search_query(site: Site, words: tuple[str, ...], page: int) -> None:
    """像居民一样搜索。

    Searches as a resident does.
    """
    if not site.settings.index_folder.exists():
        raise Failed("还没有搜索索引。请先运行 jiceng search rebuild。")
    engine = WhooshEngine(site.settings.index_folder, readonly=True)
    try:
        found = engine.search(SearchQuery(" ".join(words), page=page))
    except QueryTooLong as error:
        raise Failed(str(error)) from error
    except IndexDamaged as error:
        raise Failed("搜索索引读不出来。请运行 jiceng search rebuild。") from error
    finally:
        engine.close()
    site.say(found.hint or f"找到 {found.total} 份（第 {found.page}/{max(1, found.pages)} 页）")
    for hit in found.hits:
        site.say(f"{hit.published_at:%Y-%m-%d}  {hit.unit_name}  {hit.title}  {hit.number}  {hit.url}")
        site.say("    " + "".join(f"【{t}】" if marked else t for t, marked in hit.snippet).replace("\n", " "))


# ------------------------------------------------------------------ journal


@click.group(cls=Group)
def journal() -> None:
    """日志：核对。"""


@journal.command("verify")
@click.pass_obj
def journal_verify(site: Site) -> None:
    """从头核对日志、签名和每一份材料，哪里对不上就说哪里。

    Verifies log, signatures and every record; names what does not fit.
    """
    settings = site.settings
    domain = make_domain(workflow_folders=settings.workflow_folders, rule_files=settings.rule_files)
    with site.progress("核对") as advance:
        report = verify(site.reading, settings, domain, advance)
    site.say(f"日志共 {report.size} 条，核对到提交 {report.tid.hex()} 为止，根 {report.root.hex()}。")
    if report.waiting:
        site.say(f"另有 {report.waiting} 条刚提交，还没有存证；材料本身已核对。")
    site.say(f"查了 {report.records} 份材料的 {report.editions} 个公布版本和 {report.files} 个附件。")
    if report.ok:
        site.say("全部相符。")
        return
    for problem in report.problems:
        site.say(f"不符：{problem}")
    for code, count in report.more.items():
        site.say(f"同类问题（{code}）另有 {count} 处没有列出。")
    raise Failed(f"有 {len(report.problems) + sum(report.more.values())} 处对不上。请保留现场，先备份，再查是谁动过数据库文件。")


# ------------------------------------------------------------------ workflows


@click.group(cls=Group)
def workflow() -> None:
    """流程文件：检查，画图。"""


def _definitions(site: Site, files: tuple[Path, ...]) -> dict[str, Definition]:
    """The site's definitions with ``files`` laid over them."""
    settings = site.settings
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        folders = (*settings.workflow_folders, Path(folder))
        return make_domain(workflow_folders=folders, rule_files=settings.rule_files).definitions


@workflow.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def workflow_check(site: Site, files: tuple[Path, ...]) -> None:
    """检查流程文件；不写文件就检查站点现在用的。

    Checks workflow files, by default those of the site.
    """
    names = {f.stem for f in files}
    for id, definition in sorted(_definitions(site, files).items()):
        if not names or id in names:
            site.say(
                f"{id}（{definition.title['zh_CN']}）第 {definition.version} 版：{len(definition.states)} 个状态，"
                f"{len(definition.transitions)} 种办理，指纹 {definition.hash[:12]}，没有问题。"
            )


@workflow.command("draw")
@click.argument("id")
@click.pass_obj
def workflow_draw(site: Site, id: str) -> None:
    """把一个流程画成图（Mermaid 文本）。

    Draws a workflow as Mermaid text.
    """
    definitions = _definitions(site, ())
    if id not in definitions:
        raise WrongUse(f"没有“{id}”这个流程。现有：{'、'.join(sorted(definitions))}。")
    for line in drawing(definitions[id]):
        site.say(line)


def drawing(definition: Definition) -> list[str]:
    """A Mermaid state diagram: states by title, ways by title and who may go them."""
    lines = ["stateDiagram-v2", f"    [*] --> {definition.initial}"]
    for name, state in definition.states.items():
        lines.append(f"    {name} : {state.title['zh_CN']}")
        if state.final:
            lines.append(f"    {name} --> [*]")
    for transition in definition.transitions.values():
        who = "、".join(ROLES[role].zh_CN for role in transition.by)
        for source in transition.sources:
            lines.append(f"    {source} --> {transition.target} : {transition.title['zh_CN']}（{who}）")
    return lines


# ------------------------------------------------------------------ health


@click.command(cls=Command)
@click.pass_obj
def doctor(site: Site) -> None:
    """查一查站点：文件、权限、密钥、存证、日历。

    Looks at files, permissions, keys, the log and the calendar.
    """
    findings = examine(site.settings, running=site.in_server or site.server_runs(), now=SystemClock().now())
    for finding in findings:
        site.say(f"{'！' if finding.soon else '✓' if finding.ok else '✗'} {finding.text}")
    bad = sum(not f.ok for f in findings)
    if bad:
        raise Failed(f"有 {bad} 处要处理。")


COMMANDS = (user, token, unit, search, journal, workflow, doctor)
