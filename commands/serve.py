"""``sutu serve``: the pages, on a store that is made first when it is missing or out of date."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.chinese import examples
from commands.console import build_progress
from data.build import build_store
from data.store import data_dir

HOST = "127.0.0.1"
PORT = 8501


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("serve", epilog=examples("sutu serve", "sutu serve --host 0.0.0.0 --port 8080"))(serve)


def serve(
    host: Annotated[str, typer.Option(help="监听的地址；0.0.0.0 表示本机所有地址。")] = HOST,
    port: Annotated[int, typer.Option(help="监听的端口；0 表示由系统选择。", min=0, max=65535)] = PORT,
) -> None:
    """启动网页。

    数据库不存在或已过期时先构建；不需要互联网。按 Ctrl+C 停止。
    """
    with build_progress() as progress:
        build_store(data_dir(), progress=progress, only_if_stale=True)
    # Streamlit takes a second to import; no other command needs it.
    import app  # noqa: PLC0415

    app.serve(host, port)
