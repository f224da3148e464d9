"""The command line in Chinese: what typer itself says in help texts and usage errors."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import typer
import typer.rich_utils
from rich.console import Console
from rich.text import Text
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from data.store.files import disk_is_full, in_words
from geo.errors import SutuError

EXIT_FAULT = 1
"""The data is at fault."""
EXIT_USAGE = 2
"""The command line is at fault."""

_WORDS = {
    "ARGUMENTS_PANEL_TITLE": "参数",
    "OPTIONS_PANEL_TITLE": "选项",
    "COMMANDS_PANEL_TITLE": "命令",
    "ERRORS_PANEL_TITLE": "错误",
    "DEFAULT_STRING": "[默认 {}]",
    "REQUIRED_LONG_STRING": "[必填]",
    "ENVVAR_STRING": "[环境变量 {}]",
}
for _name, _word in _WORDS.items():
    setattr(typer.rich_utils, _name, _word)

_HELP = "显示本帮助并退出。"
_OPTIONS = "[选项]"
_MESSAGES: tuple[tuple[str, str], ...] = (
    (r"No such command '(.*)'\.(?: Did you mean (.*)\?)?", r"没有命令“{0}”{1}"),
    (
        r"No such option: (\S+)(?: \(Possible options: (.*)\))?(?: Did you mean (.*)\?)?",
        r"没有选项 {0}{1}{2}",
    ),
    (r"Got unexpected extra argument\(?s?\)? \((.*)\)", r"多余的参数：{0}"),
    (r"Missing argument '(.*?)'\.?.*", r"缺少参数“{0}”"),
    (r"Missing option '(.*?)'\.?(?:\s*Choose from:\s*(.*))?", r"缺少选项 {0}{1}"),
    (r"Option '(.*)' requires an argument\.?", r"选项 {0} 后面要写值"),
    (r"Option '(.*)' does not take a value\.?", r"选项 {0} 后面不写值"),
    (r"Input should be a valid integer.*", r"应为整数"),
    (r"Input should be a valid number.*", r"应为数"),
    (r"Input should be less than or equal to (.*)", r"应不大于 {0}"),
    (r"Input should be greater than or equal to (.*)", r"应不小于 {0}"),
    (r"Input should be less than (.*)", r"应小于 {0}"),
    (r"Input should be greater than (.*)", r"应大于 {0}"),
    (r"(?:Value error, )?'(.*?)' is not one of (.*?)\.?", r"“{0}”不在可选值之中：{1}"),
    (r"Invalid value for '?(.*?)'?: (.*)", r"{0}：{1}"),
    (r"Invalid value: (.*)", r"{0}"),
)


def in_chinese(message: str) -> str:
    """Return a usage message of typer in Chinese; one that it is not known to say is returned as it is."""
    for pattern, chinese in _MESSAGES:
        if match := re.fullmatch(pattern, message.strip(), re.DOTALL):
            parts = [in_chinese(part) if part else "" for part in match.groups()]
            # What follows the first part is a suggestion, unless the sentence has a place for it.
            told = [*parts[:1], *(_suggestion(part) for part in parts[1:])]
            return chinese.format(*(parts if "：{1}" in chinese else told))
    return message


def _suggestion(text: str) -> str:
    unquoted = text.replace("'", "")
    return f"（是不是 {unquoted}）" if text else ""


def errors() -> Console:
    """Return the console of messages and progress: stderr."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


class _Chinese:
    """What groups and single commands share."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the ``--help`` option."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _HELP
        return option

    def get_usage(self, ctx: Any) -> str:
        """Return the line that shows how the command is written."""
        return str(super().get_usage(ctx)).replace("Usage: ", "用法：", 1)  # type: ignore[misc]


class Command(_Chinese, typer.core.TyperCommand):
    """One command."""


class Commands(_Chinese, typer.core.TyperGroup):
    """A group of commands: data at fault is a message and exit code 1, a wrong command line exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; an error of the house becomes its message, and so does a full disk."""
        try:
            return super().invoke(ctx)
        except SutuError as fault:
            raise told(str(fault)) from fault
        except Exception as fault:
            if not disk_is_full(fault):
                raise
            raise told(f"写不下去：{in_words(fault)}。请腾出空间后再运行一次。") from fault

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; what is wrong with it is told in Chinese."""
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        try:
            code = run()
        except NoArgsIsHelpError as shown:
            shown.show()
            sys.exit(EXIT_USAGE)
        except ClickException as fault:
            _show_usage_error(fault)
            sys.exit(fault.exit_code)
        except typer.Abort:
            errors().print("已中止。")
            sys.exit(EXIT_FAULT)
        sys.exit(code if isinstance(code, int) else 0)


def told(message: str) -> typer.Exit:
    """Show what is at fault and return what ends the command."""
    errors().print(Text(f"错误：{message}", style="red"))
    return typer.Exit(EXIT_FAULT)


def _show_usage_error(fault: ClickException) -> None:
    console = errors()
    console.print(Text(f"用法有误：{in_chinese(fault.format_message())}", style="red"))
    ctx = getattr(fault, "ctx", None)
    if ctx is not None:
        console.print(ctx.get_usage(), markup=False)
    console.print(f"加 --help 查看说明：{ctx.command_path if ctx else 'sutu'} --help", markup=False)


class App(typer.Typer):
    """A typer application whose commands speak Chinese."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """Return the decorator that adds a command; settings as typer has them."""
        return super().command(name, **{"cls": Command, "options_metavar": _OPTIONS, **settings})


def group(help_text: str, *, name: str | None = None, epilog: str | None = None) -> App:
    """Return an empty group of commands; without a command it shows its help."""
    return App(
        name=name,
        cls=Commands,
        help=help_text,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        options_metavar=_OPTIONS,
        subcommand_metavar="命令 [参数]…",
        pretty_exceptions_show_locals=False,
    )


def examples(*lines: str) -> str:
    """Return the closing words of a help text: one example per line."""
    return "[bold]示例[/bold]\n\n" + "\n\n".join(f"[cyan]{line}[/cyan]" for line in lines)
