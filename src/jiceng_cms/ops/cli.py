"""The command line: ``jiceng``. Exit 0 done, 1 a check failed or was refused, 2 wrong use."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..core.calendar import CalendarError
from ..core.errors import Refused
from ..core.rules import RuleError
from ..core.workflow.definition import DefinitionError
from ..store import Busy, OutOfTries
from ..store.evolution import PendingEvolution
from ..translog.sequencer import LogDiverged
from ..translog.state import KeyFileError, SequencerBusy
from ..web.services import SettingsError
from . import commands, commands_site
from .chinese import Group, wrong_use
from .context import Failed, Site, WrongUse
from .demo.run import NotForDemo
from .setup import SiteExists
from .socket import Broken, Say

#: What a person can mend: the text is told as it is, without a traceback.
_TOLD = (Failed, NotForDemo, DefinitionError, RuleError, CalendarError, KeyFileError, SequencerBusy, LogDiverged)


@click.group(cls=Group, name="jiceng")
@click.option(
    "-c", "--config", "config", metavar="FILE", envvar="JICENG_CONFIG", type=click.Path(path_type=Path),
    help="配置文件；不写就用 JICENG_CONFIG，再没有就用默认值",
)
@click.pass_context
def main_group(ctx: click.Context, config: Path | None) -> None:
    """基层公开平台的命令。一个站点的数据都在 $JICENG_HOME（默认 var/）。

    Runs a site of jiceng_cms: make it, serve it, look after it.
    """
    # inside a running server the open site is handed in
    ctx.obj = ctx.obj or Site.at(config)


for _command in (*commands_site.COMMANDS, *commands.COMMANDS):
    main_group.add_command(_command)


def run(argv: Sequence[str], site: Site | None = None, say: Say = click.echo) -> int:
    """Run a command and give its exit code; ``site`` is the open one inside a server."""
    code, text = 1, ""
    try:
        result: Any = main_group.main(
            args=list(argv), prog_name="jiceng", standalone_mode=False, obj=site
        )
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        text = "已停下。"
    except WrongUse as error:
        code, text = 2, str(error)
    except click.ClickException as error:
        code, text = 2, wrong_use(error)
    except SettingsError as error:
        code, text = 2, str(error)
    except Refused as error:
        text = error.message
    except _TOLD as error:
        text = str(error)
    except SiteExists as error:
        text = f"{error} 里已经有站点了，没有动它。要另建一个，请换一个空的 JICENG_HOME。"
    except PendingEvolution as error:
        text = f"数据库比程序旧，请先运行 jiceng evolve。要做的：{error}"
    except Broken:
        text = "服务在办理时停了，不知道办到哪一步。请先查看结果，再决定要不要重办。"
    except (Busy, OutOfTries):
        text = "这个单位现在有很多人在办，没有轮到。请过一会儿再试。"
    say(text)
    return code


def main() -> None:
    """Entry point of ``jiceng``."""
    os.umask(0o077)  # whatever a command writes is its owner's
    sys.exit(run(sys.argv[1:], say=lambda text: click.echo(text, err=True)))
