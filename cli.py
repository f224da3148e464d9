"""The ``sutu`` command: the jobs of the application without a browser."""

from __future__ import annotations

import typer

from commands import (
    catchment,
    circles,
    compare,
    corridors,
    coverage,
    facilities,
    gaps,
    imports,
    osm,
    population,
    query,
    report,
    serve,
    siting,
    standards,
    store,
    templates,
)
from commands.chinese import examples, group

GROUPS = (
    store,
    serve,
    query,
    imports,
    osm,
    templates,
    facilities,
    population,
    coverage,
    catchment,
    standards,
    circles,
    siting,
    gaps,
    compare,
    report,
    corridors,
)
"""The modules of commands, in the order of the help."""


def build_app() -> typer.Typer:
    """Return the application with every group of commands."""
    app = group(
        "苏图：江苏规划地理数据平台。离线运行，每个数字都有来源。",
        name="sutu",
        epilog=examples("sutu build", "sutu serve", "sutu query population --year 2020 --level prefecture"),
    )
    for module in GROUPS:
        module.register(app)
    return app


app = build_app()


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
