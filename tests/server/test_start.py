"""What the server sets once at its start: its loop, its memory, and what the look for garbage leaves out."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import app as application
from pages.shared import memory, presence
from tests.loops import run_apart


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_the_start_notes_the_loop_and_leaves_what_it_loaded_out_of_the_look_for_garbage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    loaded = [[number] for number in range(1000)]
    monkeypatch.setattr(application, "prepare_assets", lambda _tell: None)
    monkeypatch.setattr(application, "install", lambda _fonts: None)
    monkeypatch.setattr(application, "rehearse", lambda: asked.append("rehearsed"))
    # What Streamlit is told holds for the whole process, other tests included.
    monkeypatch.setattr(application.streamlit_config, "set_option", lambda *_told: None)
    monkeypatch.setattr(presence, "serve_on", lambda _loop: asked.append("loop"))
    monkeypatch.setattr(memory, "return_large_blocks", lambda: asked.append("blocks"))
    before = gc.get_freeze_count()

    async def start() -> int:
        async with application._lifespan(application.app):
            return gc.get_freeze_count()

    assert run_apart(start()) >= before + len(loaded)
    assert asked == ["loop", "blocks", "rehearsed"]


def test_no_run_of_a_page_looks_through_all_objects_at_its_end() -> None:
    assert application.settings()["runner.postScriptGC"] is False


def test_what_pages_make_in_circles_goes_by_itself_once_the_start_is_kept(unfrozen: None) -> None:
    memory.keep_what_is_loaded()

    class Circle:
        alive = 0

        def __init__(self) -> None:
            self.own = self
            type(self).alive += 1

        def __del__(self) -> None:
            type(self).alive -= 1

    most = 0
    for _ in range(100_000):
        Circle()
        most = max(most, Circle.alive)
    assert most < 50_000
