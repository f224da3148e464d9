"""What the server does before its first reader comes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pandas as pd
import pytest

from data.registry import load_registry
from layers.assets import PUBLISHER
from pages.indicators.choice import Subject
from pages.navigation import PAGES
from server import rehearsal
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


def test_at_each_level_the_map_that_is_listed_first_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    year = int(load_registry().setting("default_year"))
    both = ("prefecture", "county")
    rows = [
        ("county only", ("county",), (year,)),
        ("another year", both, (year - 1,)),
        ("both", both, (year - 1, year)),
        ("last", both, (year,)),
    ]
    listed = pd.DataFrame(rows, columns=["id", "levels", "years"])
    asked: list[tuple[str, str, int]] = []

    def layers(_store: object, _registry: object, subjects: list[Subject], _style: object) -> list[object]:
        asked.extend((one.id, one.level, one.year) for one in subjects)
        return [object()]

    monkeypatch.setattr(rehearsal.cached, "indicators", lambda _store: listed)
    monkeypatch.setattr(rehearsal, "layers_of", layers)
    monkeypatch.setattr(rehearsal, "theme", lambda *_given, **_named: None)
    monkeypatch.setattr(rehearsal, "labels_for", lambda *_: None)
    rehearsal._first_maps(None)  # type: ignore[arg-type]
    assert asked == [("both", "prefecture", year), ("county only", "county", year)]
    listed = listed.iloc[:1]
    rehearsal._first_maps(None)  # type: ignore[arg-type]
    assert asked[2:] == [("county only", "county", year)]
