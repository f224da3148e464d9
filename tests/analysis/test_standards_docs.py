"""Every standard is documented, with its number and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.registry.facility_models import load_standards

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "methods" / "standards.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("standard", load_standards())
def test_every_standard_is_documented(standard: str) -> None:
    entry = load_standards()[standard]
    [row] = [line for line in TEXT.splitlines() if line.startswith(f"| `{standard}` |")]
    assert entry.name in row
    assert f"| {entry.doc_no} | {entry.seed_line} | {entry.year or '—'} |" in row
