"""The map first: what stands beside it is sent once the browser has drawn it.

A page's first view has the browser load the charts' scripts while the map's are still to run, on the same
thread. The map is what people open the page for, so the rest waits for its word, and not for long.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from layers.assets import ASSETS_URL

DRAWN_URL = f"{ASSETS_URL}/drawn"
# A browser that has never seen the page draws its map within about this time; later the rest comes anyway.
PATIENCE_S = 1.0
_TOKEN = re.compile(r"[0-9a-f]{16}")
_SEEN = "_map_drawn_once"


class Drawings:
    """Whom to tell that a map has been drawn; safe to share between threads.

    A map is known by the token of what it shows, so two readers of the same map may be told by one browser:
    the second then gets the rest of the page a little early, and nothing else.
    """

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._lock = threading.Lock()
        self._waiting: dict[str, list[threading.Event]] = defaultdict(list)

    @contextmanager
    def expected(self, token: str) -> Iterator[threading.Event]:
        """Give an event that is set when a browser says, from now on, that it has drawn ``token``."""
        event = threading.Event()
        with self._lock:
            self._waiting[token].append(event)
        try:
            yield event
        finally:
            with self._lock:
                self._waiting[token].remove(event)
                if not self._waiting[token]:
                    del self._waiting[token]

    def tell(self, token: str) -> int:
        """Tell those who wait for ``token``; return how many they are. What nobody awaits is not kept."""
        with self._lock:
            told = self._waiting.get(token, []) if _TOKEN.fullmatch(token) else []
            for event in told:
                event.set()
            return len(told)


DRAWINGS = Drawings()


@contextmanager
def map_first(token: str) -> Iterator[None]:
    """Send what the block sends; on the first map of a page load, then wait until it is drawn.

    Waits at most `PATIENCE_S` seconds, and not at all later: then the browser has what it needs.
    """
    if st.session_state.get(_SEEN):
        yield
        return
    with DRAWINGS.expected(token) as drawn:
        yield
        st.session_state[_SEEN] = True
        drawn.wait(PATIENCE_S)
