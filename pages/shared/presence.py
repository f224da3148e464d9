"""Whether the visitor of a session is still there: what somebody left behind is worked on no further."""

from __future__ import annotations

import asyncio
import threading
import time

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data.registry import load_registry

_SOON_S = 5.0

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_away_since: dict[str, float] = {}


def session() -> str:
    """Return the id of the session whose page is being drawn."""
    context = get_script_run_ctx()
    return "" if context is None else context.session_id


def is_connected(session_id: str) -> bool:
    """Return whether a session has a browser now; always so where no server runs."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session_id)


def grace_seconds() -> float:
    """Return how long a connection that broke may stay away: one that comes back does so within seconds."""
    return float(load_registry().setting("away_seconds"))


def is_gone(session_id: str) -> bool:
    """Return whether a session has had no browser for `grace_seconds`, as far as it was asked about."""
    if is_connected(session_id):
        with _lock:
            _away_since.pop(session_id, None)
        return False
    with _lock:
        return time.monotonic() - _away_since.setdefault(session_id, time.monotonic()) >= grace_seconds()


def serve_on(loop: asyncio.AbstractEventLoop) -> None:
    """Note the event loop of the server: its sessions end there and nowhere else."""
    global _loop  # noqa: PLW0603 - one for the process
    _loop = loop


def forget(session_id: str) -> None:
    """Forget a session that nothing is kept for any more, and let the server forget it too.

    Streamlit keeps a session for minutes after its visitor has left, uploads and all; who comes back finds
    the page by its link, and chooses the file again. Returns when that is done, or soon.
    """
    with _lock:
        _away_since.pop(session_id, None)
    if not Runtime.exists() or _loop is None or _loop.is_closed():
        return
    ended = threading.Event()

    def end() -> None:
        try:
            if not Runtime.instance().is_active_session(session_id):
                Runtime.instance().close_session(session_id)
        finally:
            ended.set()

    _loop.call_soon_threadsafe(end)
    ended.wait(_SOON_S)
