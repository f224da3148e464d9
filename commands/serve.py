"""``sutu serve``: the pages, on a store that is made first when it is missing or out of date."""

from __future__ import annotations

import errno
import socket
from typing import Annotated

import typer

from commands.app import examples
from commands.console import build_progress
from data.builder.build import build_store
from data.registry.environment import ALLOWED_HOSTS
from data.store.store import data_dir
from geo.errors import SutuError
from server.hosts import allowed_at, configured

HOST = "127.0.0.1"
PORT = 8501
"""Where the pages answer when nothing else is said; `streamlit run app.py` has the same in its settings."""


class ServeError(SutuError, OSError):
    """The server cannot listen where it was told to."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    shared = "sutu serve --host 0.0.0.0 --port 8080 --name sutu.example.cn --name 10.1.2.3"
    app.command("serve", epilog=examples("sutu serve", shared))(serve)


def serve(
    host: Annotated[str, typer.Option(help="监听的地址；0.0.0.0 表示本机所有地址。")] = HOST,
    port: Annotated[int, typer.Option(help="监听的端口；0 表示由系统选择。", min=0, max=65535)] = PORT,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            help="浏览器可以用来访问的主机名或地址，可带端口，可重复；监听本机所有地址时必须写。"
            f"环境变量 {ALLOWED_HOSTS} 里的也算。",
        ),
    ] = None,
) -> None:
    """启动网页。

    数据库不存在或已过期时先构建；不需要互联网。只应答监听的地址和写明的名字。按 Ctrl+C 停止。
    """
    # A wrong name is told before a build of minutes, not after it.
    allowed_at(host, configured(names or ()))
    with build_progress() as progress:
        build_store(data_dir(), progress=progress, only_if_stale=True)
    require_free(host, port)
    # Streamlit takes a second to import; no other command needs it.
    import app  # noqa: PLC0415

    app.serve(host, port, names or ())


def require_free(host: str, port: int) -> None:
    """Raise `ServeError` when an address is taken, not allowed, or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                reason = f"端口 {port} 已被占用，请用 --port 换一个端口，或先停止占用它的程序"
            elif fault.errno == errno.EACCES:
                reason = f"没有权限使用端口 {port}，请用 --port 换一个 1024 以上的端口"
            else:
                reason = f"{host} 不是本机地址（{fault.strerror}），请用 --host 换一个地址"
            raise ServeError(f"无法在 {host}:{port} 启动：{reason}。") from fault
