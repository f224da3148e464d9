"""Files being read for sessions: once per question, called off by button or by leaving, none left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.reader.worker import Control
from geo.errors import ReaderStoppedError, StoreError, SutuError
from pages.shared import file_jobs, presence


@pytest.fixture(autouse=True)
def one_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this be the session ``a``, there until a test says otherwise; nothing is kept from other tests."""
    monkeypatch.setattr(presence, "session", lambda: "a")
    # A server that another test has started in this process does not know this session.
    monkeypatch.setattr(presence, "is_connected", lambda _session: True)
    monkeypatch.setattr(file_jobs, "_held", {})
    monkeypatch.setattr(file_jobs, "_SWEEP_S", 0.01)
    monkeypatch.setattr(presence, "grace_seconds", lambda: 0.0)
    yield
    file_jobs._held.clear()
    await_that(lambda: file_jobs._sweeper is None)


def await_that(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail when it does not within a minute."""
    for _ in range(6000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to hold")


class Work:
    """Work that goes on until it is let go or called off."""

    def __init__(self) -> None:
        self.calls = 0
        self.go = threading.Event()

    def __call__(self, control: Control) -> str:
        self.calls += 1
        control.tell("读到一半", 1, 2)
        while not self.go.wait(0.01):
            if not control.wanted():
                raise ReaderStoppedError("已取消，没有写入任何内容。")
        return "结果"


def test_a_question_is_read_once_however_often_the_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    work = Work()
    first = file_jobs.read("import", "k", work)
    assert file_jobs.read("import", "k", work) is first and not first.ended.is_set()
    await_that(lambda: first.share == 0.5)
    assert first.step == "读到一半"
    work.go.set()
    assert first.ended.wait(60) and first.result == "结果" and work.calls == 1
    assert file_jobs.read("import", "k", work) is first


def test_another_question_calls_the_first_one_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    first = file_jobs.read("import", "one", Work())
    other = Work()
    second = file_jobs.read("import", "two", other)
    assert first.ended.wait(60) and first.stopped
    other.go.set()
    assert second.ended.wait(60) and second.result == "结果"


def test_pages_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    works = Work(), Work()
    one, other = file_jobs.read("import", "k", works[0]), file_jobs.read("siting", "k", works[1])
    file_jobs.drop("siting")
    assert other.ended.wait(60) and other.stopped and not one.ended.is_set()
    works[0].go.set()
    assert one.ended.wait(60) and not one.stopped


def test_many_that_wait_ask_together_no_more_often_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    works = [Work() for _ in range(3)]
    assert file_jobs.under_way() == 0
    for number, work in enumerate(works):
        monkeypatch.setattr(presence, "session", lambda number=number: f"visitor {number}")
        file_jobs.read("import", "k", work)
    assert file_jobs.under_way() == 3
    for work in works:
        work.go.set()
    await_that(lambda: file_jobs.under_way() == 0)
    assert file_jobs.refresh_seconds(1) == file_jobs.refresh_seconds(2) == 0.5
    for many in range(2, 13):
        assert many / file_jobs.refresh_seconds(many) <= 4.0
    assert file_jobs.refresh_seconds(500) == 3.0, "nobody waits longer for news"


def test_the_button_calls_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    reading = file_jobs.read("import", "k", Work())
    file_jobs.call_off("import")
    assert reading.ended.wait(60) and reading.stopped
    file_jobs.drop("import")
    assert file_jobs.current("import") is None


def test_errors_are_kept_as_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)

    def told(_control: Control) -> None:
        raise StoreError("坏了")

    def broken(_control: Control) -> None:
        raise ZeroDivisionError

    assert str(file_jobs.read("import", 1, told).fault) == "坏了"
    fault = file_jobs.read("import", 2, broken).fault
    assert isinstance(fault, SutuError) and "程序内部错误" in str(fault)


def test_what_a_visitor_leaves_behind_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_jobs, "PATIENCE_S", 0.0)
    there, forgotten = threading.Event(), []
    there.set()
    monkeypatch.setattr(presence, "is_connected", lambda _session: there.is_set())
    monkeypatch.setattr(presence, "forget", forgotten.append)
    folder = tmp_path / "upload"
    folder.mkdir()
    file_jobs.hold(folder)
    reading = file_jobs.read("import", "k", Work())
    assert not reading.ended.wait(0.2) and folder.exists()
    there.clear()
    assert reading.ended.wait(60) and reading.stopped
    await_that(lambda: not folder.exists() and file_jobs._held == {} and forgotten == ["a"])


def test_a_short_absence_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    connected = [True]
    monkeypatch.setattr(presence, "grace_seconds", lambda: 10.0)
    monkeypatch.setattr(presence.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(presence, "is_connected", lambda _session: connected[0])
    monkeypatch.setattr(presence, "_away_since", {})
    assert not presence.is_gone("s")
    connected[0] = False
    assert not presence.is_gone("s")
    now[0] = 109.0
    assert not presence.is_gone("s")
    connected[0] = True
    assert not presence.is_gone("s")
    connected[0], now[0] = False, 120.0
    assert not presence.is_gone("s")
    now[0] = 130.0
    assert presence.is_gone("s")


def test_a_folder_that_was_taken_over_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    monkeypatch.setattr(presence, "is_connected", lambda _session: not gone.is_set())
    kept, removed = tmp_path / "kept", tmp_path / "removed"
    for folder in (kept, removed):
        folder.mkdir()
        file_jobs.hold(folder)
    file_jobs.let_go(kept)
    file_jobs.let_go(removed, remove=True)
    assert kept.exists() and not removed.exists()
    gone.set()
    await_that(lambda: file_jobs._sweeper is None)
    assert kept.exists()
