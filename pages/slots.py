"""The place of one solved question, shared by everybody who asks the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answers = TypeVar("Answers")
Tell = Callable[[str], None]
"""Told each step (Chinese) while there is something to wait for."""


class Slot(Generic[Answers]):
    """The place of one question: whoever comes first solves it, the others wait for that.

    A page keeps slots with ``st.cache_resource``, by all that the answer depends on.
    """

    def __init__(self) -> None:
        """Start without an answer."""
        self._lock = threading.Lock()
        self._answers: Answers | None = None

    def solved(self, solve: Callable[[], Answers], tell: Tell) -> Answers:
        """Return the answer, solved now when nobody has; nothing is kept of a ``solve`` that raises."""
        if self._answers is None and self._lock.locked():
            tell("等待同一计算完成")
        with self._lock:
            if self._answers is None:
                self._answers = solve()
            return self._answers
