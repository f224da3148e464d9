"""The composition root: one ASGI application of the pages, our own web assets and the health check."""

from __future__ import annotations

import asyncio
import os
import tomllib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import streamlit as st
from rich.console import Console
from starlette.middleware import Middleware
from streamlit import config as streamlit_config

from data.registry.environment import ALLOWED_HOSTS
from data.store.store import data_dir
from layers.fonts import FontSet, Progress, install, prepare_fonts, texts
from pages.shared import memory, presence
from server.hosts import Allowed, allowed_at, configured
from server.middleware import HostGuard, ShellMiddleware
from server.rehearsal import rehearse
from server.routes import routes
from server.static_files import StaticFilesInMemory, send_at_once
from server.uploads import TRUSTED_HEADERS, UploadGuard

_console = Console(highlight=False, soft_wrap=True)


def prepare_assets(progress: Progress | None = None) -> FontSet:
    """Return the web fonts, cutting them into the data directory's cache when they are not there yet."""
    return prepare_fonts(data_dir() / "cache", texts(), progress)


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    shown: list[str] = []

    def tell(step: str, _done: float) -> None:
        if not shown:
            _console.print("首次启动：正在生成中文网页字体，约需一分钟…")
        if step not in shown:
            shown.append(step)

    send_at_once(asyncio.get_running_loop())
    presence.serve_on(asyncio.get_running_loop())
    memory.return_large_blocks()
    allowed = _allowed()
    streamlit_config.set_option("server.allowedHosts", allowed.hosts())
    streamlit_config.set_option("server.trustedUserHeaders", TRUSTED_HEADERS)
    install(prepare_assets(tell))
    rehearse()
    memory.keep_what_is_loaded()
    _console.print(f"苏图已启动：{_shown_address(allowed)}")
    yield {}


def _allowed() -> Allowed:
    """Return what this server may be called, by where Streamlit is told to listen."""
    return allowed_at(streamlit_config.get_option("server.address") or "", configured())


def _shown_address(allowed: Allowed) -> str:
    """Return the address to tell: where it listens, or the first name when that is everywhere."""
    host, port = streamlit_config.get_option("server.address"), streamlit_config.get_option("server.port")
    if not allowed.own:
        host, port = allowed.names[0].host, allowed.names[0].port or port
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


app = st.App(
    Path(str(resources.files("pages"))) / "start" / "script.py",
    routes=routes(),
    middleware=[
        Middleware(HostGuard, allowed=_allowed),
        Middleware(ShellMiddleware),
        Middleware(UploadGuard),
        Middleware(StaticFilesInMemory),
    ],
    lifespan=_lifespan,
)


def settings() -> dict[str, Any]:
    """Return the packaged Streamlit settings as dotted names: theme, no telemetry, limits."""
    text = (Path(str(resources.files("pages"))) / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    return dict(_flatten(tomllib.loads(text)))


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows += _flatten(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


def serve(host: str, port: int, names: Iterable[str] = ()) -> None:
    """Serve the application until it is stopped; print its address once it answers.

    ``port`` 0 lets the system choose. ``names`` are answered to beside the address and the names in the
    environment. Raises `HostNameError` when a name is none or none is there to listen everywhere.
    """
    given = tuple(names)
    allowed_at(host, configured(given))
    # The application reads its names where `streamlit run app.py` finds them too.
    os.environ[ALLOWED_HOSTS.name] = ",".join([ALLOWED_HOSTS.value() or "", *given])
    app.run(config={**settings(), "server.address": host, "server.port": port})
