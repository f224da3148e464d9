"""Few files are read at once; the others wait in order, are told, and may be called off."""

from __future__ import annotations

import threading

import pytest

from data.reader.turns import Turns
from geo.errors import ReaderBusyError, ReaderStoppedError


def always() -> bool:
    return True


class Visitor:
    """Somebody with a file: takes a turn in a thread of its own, and holds it until it is let go."""

    def __init__(self, turns: Turns, order: list[str], name: str) -> None:
        self.told: list[int] = []
        self.heard = threading.Event()
        self.inside = threading.Event()
        self.go = threading.Event()
        self.wanted = True
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self._wait, args=(turns, order, name))
        self.thread.start()

    def _wait(self, turns: Turns, order: list[str], name: str) -> None:
        try:
            with turns.turn(self._tell, lambda: self.wanted):
                order.append(name)
                self.inside.set()
                assert self.go.wait(60)
        except Exception as fault:
            self.fault = fault

    def _tell(self, ahead: int) -> None:
        self.told.append(ahead)
        self.heard.set()

    def await_told(self, ahead: int) -> None:
        """Wait until it was told last that so many are ahead."""
        for _ in range(6000):
            if self.told[-1] == ahead:
                return
            threading.Event().wait(0.01)
        raise AssertionError(self.told)

    def leave(self) -> None:
        self.go.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


def test_they_are_served_in_the_order_in_which_they_came() -> None:
    turns, order = Turns(1, 10), []
    first = Visitor(turns, order, "a")
    assert first.inside.wait(60)
    others = []
    for name in "bcd":
        others.append(Visitor(turns, order, name))
        assert others[-1].heard.wait(60)
    assert turns.waiting == 3 and turns.running == 1
    assert [one.told[0] for one in others] == [1, 2, 3]
    for ahead, one in zip((3, 2, 1, 1), (first, *others), strict=True):
        assert one.inside.wait(60)
        assert turns.running == 1
        others[-1].await_told(ahead)
        one.leave()
    assert order == list("abcd")
    assert others[-1].told == [3, 2, 1]
    assert turns.running == turns.waiting == 0


def test_no_more_than_its_number_are_inside() -> None:
    turns, order = Turns(2, 10), []
    inside = [Visitor(turns, order, name) for name in "ab"]
    assert all(one.inside.wait(60) for one in inside)
    third = Visitor(turns, order, "c")
    assert third.heard.wait(60) and not third.inside.is_set()
    inside[1].leave()
    assert third.inside.wait(60)
    for one in (inside[0], third):
        one.leave()


def test_whoever_is_called_off_leaves_the_queue() -> None:
    turns, order = Turns(1, 10), []
    first, second, third = (Visitor(turns, order, name) for name in ("a", "b", "c"))
    assert first.inside.wait(60) and second.heard.wait(60) and third.heard.wait(60)
    second.wanted = False
    second.thread.join(60)
    assert isinstance(second.fault, ReaderStoppedError)
    first.leave()
    assert third.inside.wait(60)
    third.leave()
    assert order == ["a", "c"]


def test_a_full_queue_refuses_in_words() -> None:
    turns, order = Turns(1, 1), []
    first, second = Visitor(turns, order, "a"), None
    assert first.inside.wait(60)
    second = Visitor(turns, order, "b")
    assert second.heard.wait(60)
    with pytest.raises(ReaderBusyError, match="同时读取的文件太多"), turns.turn(lambda _ahead: None, always):
        pass
    first.leave()
    second.leave()


def test_a_fault_inside_gives_the_place_back() -> None:
    turns = Turns(1, 1)
    with pytest.raises(ZeroDivisionError), turns.turn(lambda _ahead: None, always):
        raise ZeroDivisionError
    with turns.turn(lambda _ahead: None, always):
        assert turns.running == 1
