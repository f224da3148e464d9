"""Indicator tables come in whole or not at all, and every fault is named with its place and remedy."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from data.boundaries import load_region_codes
from data.ingest.faults import FaultReport
from data.ingest.indicators import (
    import_indicators,
    load_imported_indicators,
    load_imported_sources,
)
from data.ingest.summary import ImportSummary
from data.registry import load_registry
from tests.data.faulty import BEDS, CASES, DEFINITION_HEADER, GOOD, HEADER, FaultyFile, csv_text, rubbish

LAST_YEAR = 2026


@pytest.fixture(scope="module")
def regions() -> pd.DataFrame:
    codes = load_region_codes()
    return codes[codes["valid_to"].isna()]


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _import(path: Path, data_dir: Path, regions: pd.DataFrame, **options: object) -> ImportSummary:
    return import_indicators(path, data_dir, load_registry(), regions, last_year=LAST_YEAR, **options)  # type: ignore[arg-type]


@pytest.fixture
def data_dir(tmp_path: Path, regions: pd.DataFrame) -> Path:
    """A data directory that already holds an import and something else."""
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "CURRENT").write_text("{}", encoding="utf-8")
    first = tmp_path / "earlier.csv"
    first.write_text(csv_text([("320106", "常住人口", "2021", "940000", "早先的来源", "")]), encoding="utf-8")
    _import(first, folder, regions)
    return folder


def test_there_are_more_than_thirty_ways_to_be_wrong() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_faulty_file_is_refused_with_places_and_changes_nothing(
    case: FaultyFile, tmp_path: Path, data_dir: Path, regions: pd.DataFrame
) -> None:
    path = case.write(tmp_path)
    before = _tree(data_dir)
    with pytest.raises(FaultReport) as caught:
        _import(path, data_dir, regions, rebuild=lambda: pytest.fail("a faulty file must not start a build"))
    assert _tree(data_dir) == before
    faults = caught.value.faults
    listing = str(caught.value)
    for expected in case.expected:
        hits = [
            fault
            for fault in faults
            if (fault.row, fault.column) == (expected.row, expected.column)
            and expected.problem in fault.problem
            and expected.remedy in fault.remedy
        ]
        assert hits, f"{expected} not in\n{listing}"
    assert len(faults) == len(case.expected), listing
    assert all(fault.file == path.name for fault in faults)
