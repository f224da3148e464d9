"""The ``sutu`` command: the jobs of the application without a browser."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from typing import Any, Final

from commands.app import App, examples, group, told
from geo.errors import SutuError

MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "build": ("build",),
    "check": ("check",),
    "serve": ("serve",),
    "indicators": ("indicators",),
    "query": ("query",),
    "imports": ("import",),
    "network": ("network",),
    "template": ("template",),
    "coverage": ("coverage",),
    "runs": ("runs", "replay"),
    "catchment": ("catchment",),
    "standards": ("standards",),
    "circles": ("circles",),
    "siting": ("siting",),
    "gaps": ("gaps",),
    "compare": ("compare",),
    "index": ("index",),
    "report": ("report",),
    "corridors": ("corridors", "corridor"),
    "layers": ("layers",),
    "export": ("export",),
    "atlas": ("atlas",),
}
"""The modules of commands and the commands that each has, in the order of the help."""


@functools.cache
def build_app(first: str | None = None) -> App:
    """Return the application with every command, or with what ``first`` needs when that is a command.

    Loading all of them takes seconds that an import or a query would wait for.
    """
    wanted = {name for name, commands in MODULES.items() if first in commands}
    # With a single command typer would take that command for the whole application: two are always there.
    names = [name for name in MODULES if not wanted or name in wanted | {"build", "check"}]
    made = group(
        "苏图：江苏规划地理数据平台。离线运行，每个数字都有来源。",
        name="sutu",
        epilog=examples("sutu build", "sutu serve", "sutu query population --year 2020 --level prefecture"),
    )
    for name in names:
        importlib.import_module(f"commands.{name}").register(made)
    return made


def __getattr__(name: str) -> Any:
    """Return the whole application as ``app``, made when it is asked for."""
    if name == "app":
        return build_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Run the command line."""
    try:
        application = build_app(next(iter(sys.argv[1:]), None))
    except SutuError as fault:
        # Options take defaults from the registry: one that is faulty shows here, before any command runs.
        sys.exit(told(str(fault)).exit_code)
    application()


if __name__ == "__main__":
    main()
