"""A page over a damaged store says which file and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.data.small_store import publish_small

SCRIPT = Path(__file__).parents[2] / "pages" / "start" / "script.py"


def test_a_damaged_store_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    path = tmp_path / publish_small(tmp_path).store / "regions_county.parquet"
    path.write_bytes(path.read_bytes()[:100])
    app = AppTest.from_file(str(SCRIPT), default_timeout=120).run()
    assert [box.value for box in app.exception] == []
    assert app.title[0].value == "数据库需要修复"
    assert "regions" in app.error[0].value
    assert app.code[0].value == "sutu build"
