"""click in Chinese: headings of help pages and what it says about wrong use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import click

_HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}


#: What click puts into the rows of options, and how it reads in Chinese.
_TERMS = (
    (re.compile(r"\[required\]"), "（必填）"),
    (re.compile(r"\[default: (.*?)\]"), r"（默认 \1）"),
    (re.compile(r"\[x>=(\d+)\]"), r"（不小于 \1）"),
    (re.compile(r"\[(\d+)<=x<=(\d+)\]"), r"（\1 到 \2）"),
    (re.compile(r"INTEGER RANGE|INTEGER"), "数字"),
    (re.compile(r"TEXT"), "文字"),
)


def _terms(text: str) -> str:
    for pattern, words in _TERMS:
        text = pattern.sub(words, text)
    return text


class _Formatter(click.HelpFormatter):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        args = args.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
        super().write_usage(prog, args, "用法：")

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{_HEADINGS.get(heading, heading)}：\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(_terms(first), _terms(second)) for first, second in rows], col_max, col_spacing)


class ChineseContext(click.Context):
    """Formats help in Chinese."""

    formatter_class = _Formatter


class _Chinese:
    context_class: type[click.Context] = ChineseContext

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option: click.Option | None = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = "显示这份说明"
        return option


class Command(_Chinese, click.Command):
    """A command."""


class Group(_Chinese, click.Group):
    """A group of commands; its own commands and groups are of these classes."""

    command_class = Command
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        rows = [(name, self.commands[name].get_short_help_str(60)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def wrong_use(error: click.ClickException) -> str:
    """What click found wrong, in a sentence."""
    return _reason(error) + "用 --help 看怎么写。"


def _reason(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"没有 {error.option_name} 这个选项。"
    if isinstance(error, click.MissingParameter):
        return f"还缺少 {_name(error.param)}。"
    if isinstance(error, click.BadParameter):
        return f"{_name(error.param)} 写得不对。"
    if isinstance(error, click.BadOptionUsage):
        return f"选项 {error.option_name} 后面要跟一个值。"
    if isinstance(error, click.FileError):
        return f"文件 {error.ui_filename} 打不开。"
    ctx: Any = getattr(error, "ctx", None)
    if error.message.startswith("No such command"):
        name = error.message.split("'")[1] if "'" in error.message else ""
        return f"没有 {name} 这个命令。"
    if error.message.startswith("Got unexpected extra argument"):
        return f"“{ctx.command_path if ctx else 'jiceng'}”后面多写了参数。"
    if error.message.startswith("Missing command"):
        return "还没有写要做什么。"
    return error.message


def _name(param: click.Parameter | None) -> str:
    if param is None:
        return "一个参数"
    return param.opts[0] if isinstance(param, click.Option) else str(param.human_readable_name)
