"""What the server does before its first reader comes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from layers.assets import PUBLISHER
from pages.navigation import PAGES
from server.rehearsal import rehearse


def test_the_pages_are_there_and_the_first_maps_published(
    data_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    publish = PUBLISHER.publish
    monkeypatch.setattr(
        PUBLISHER, "publish", lambda *given, **named: published.append("piece") or publish(*given, **named)
    )
    rehearse()
    assert {spec.module for spec in PAGES} <= set(sys.modules)
    assert published, "the shapes of the first maps wait for the first reader"


def test_without_a_store_the_server_starts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    rehearse()
    assert list(tmp_path.iterdir()) == []


def test_streamlit_warns_again_afterwards(data_env: Path) -> None:
    warns = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    before = warns.level
    rehearse()
    assert warns.level == before
