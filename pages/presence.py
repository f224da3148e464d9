"""Whether the visitor of a session is still there: what somebody left behind is worked on no further."""

from __future__ import annotations

import threading
import time

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

GRACE_S = 10.0
"""A connection that breaks comes back within seconds; one that stays away this long is a visitor gone."""

_lock = threading.Lock()
_away_since: dict[str, float] = {}


def session() -> str:
    """Return the id of the session whose page is being drawn."""
    context = get_script_run_ctx()
    return "" if context is None else context.session_id


def is_connected(session_id: str) -> bool:
    """Return whether a session has a browser now; always so where no server runs."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session_id)


def is_gone(session_id: str) -> bool:
    """Return whether a session has had no browser for `GRACE_S` seconds, as far as it was asked about."""
    if is_connected(session_id):
        with _lock:
            _away_since.pop(session_id, None)
        return False
    with _lock:
        return time.monotonic() - _away_since.setdefault(session_id, time.monotonic()) >= GRACE_S


def forget(session_id: str) -> None:
    """Forget a session that nothing is kept for any more, and the uploads that the server holds for it."""
    with _lock:
        _away_since.pop(session_id, None)
    if Runtime.exists() and not Runtime.instance().is_active_session(session_id):
        Runtime.instance().uploaded_file_mgr.remove_session_files(session_id)
