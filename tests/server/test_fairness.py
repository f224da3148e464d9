"""The server shares its interpreter and its memory from its start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

import app as application
from pages.shared import memory, presence
from server.fairness import SWITCH_SECONDS
from tests.loops import run_apart


@pytest.fixture
def interval() -> Iterator[float]:
    kept = sys.getswitchinterval()
    yield kept
    sys.setswitchinterval(kept)


def test_the_server_starts_with_short_turns_and_notes_its_loop(
    interval: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(application, "prepare_assets", lambda _tell: None)
    monkeypatch.setattr(application, "install", lambda _fonts: None)
    monkeypatch.setattr(application, "rehearse", lambda: None)
    # What Streamlit is told holds for the whole process, other tests included.
    monkeypatch.setattr(application.streamlit_config, "set_option", lambda *_told: None)
    monkeypatch.setattr(presence, "serve_on", lambda _loop: asked.append("loop"))
    monkeypatch.setattr(memory, "return_large_blocks", lambda: asked.append("blocks"))

    async def start() -> float:
        async with application._lifespan(application.app):
            return sys.getswitchinterval()

    assert interval > SWITCH_SECONDS
    assert run_apart(start()) == pytest.approx(SWITCH_SECONDS)
    assert asked == ["loop", "blocks"]
