"""How many files are read at the same time: the others wait in the order in which they came, and are told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from geo.errors import ReaderBusyError, ReaderStoppedError

_LOOK_SECONDS = 0.2


class Turns:
    """A queue of bounded length in front of a bounded number of places."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        """Open with all places free."""
        self.at_once, self.most_waiting = at_once, most_waiting
        self._lock = threading.Condition()
        self._waiting: deque[object] = deque()
        self._running = 0

    @contextmanager
    def turn(self, tell: Callable[[int], None], wanted: Callable[[], bool]) -> Iterator[None]:
        """Hold a place for the body, after those who came before.

        ``tell`` is told how many are ahead whenever that changes; ``wanted`` is asked now and then whether
        anybody still waits for this one. Raises ``ReaderBusyError`` when too many wait already, and
        ``ReaderStoppedError`` when this one is not wanted any more.
        """
        self._queue(tell, wanted)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._lock.notify_all()

    def _queue(self, tell: Callable[[int], None], wanted: Callable[[], bool]) -> None:
        me = object()
        told = 0
        with self._lock:
            free = self._running < self.at_once and not self._waiting
            if not free and len(self._waiting) >= self.most_waiting:
                raise ReaderBusyError(
                    f"同时读取的文件太多（{len(self._waiting)} 个在排队），请过一两分钟再试。"
                )
            self._waiting.append(me)
            try:
                while self._waiting[0] is not me or self._running >= self.at_once:
                    ahead = self._waiting.index(me) + self._running
                    if ahead != told:
                        told = ahead
                        tell(ahead)
                    self._lock.wait(_LOOK_SECONDS)
                    if not wanted():
                        raise ReaderStoppedError("已取消，没有写入任何内容。")
                self._running += 1
            finally:
                self._waiting.remove(me)
                self._lock.notify_all()

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return len(self._waiting)

    @property
    def running(self) -> int:
        """How many are being read."""
        with self._lock:
            return self._running
