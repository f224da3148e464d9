"""What the repository carries is what the sources hold: the tests' real files, the product's own tables."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scripts.carry_facts import carry_all
from scripts.carry_places import carry_gazette, carry_townships
from tests.real_data import REAL
from tests.sources.shared import ROOT, SHARED, shared_path

FACTS = ROOT / "data" / "facts"
# Not copies: the words about them, the digests, and the shores, which `test_waters` measures again.
OURS = {"README.md", "plans/SHA256SUMS", "waters/gshhg_shores.csv"}
CARRIED = sorted(path.relative_to(REAL).as_posix() for path in REAL.rglob("*") if path.is_file())


def origin(name: str) -> Path:
    """Return the file of the sources that a carried one is a copy of."""
    folder, _, file = name.partition("/")
    if folder == "population":
        return shared_path(f"cases/204-raster-people-lost/{file}")
    top = "" if folder in {"plans", "places", "statistics"} else "real/"
    return shared_path(f"{top}{name}")


@pytest.mark.parametrize("name", sorted(set(CARRIED) - OURS))
def test_a_carried_file_is_that_of_the_sources(name: str) -> None:
    assert (REAL / name).read_bytes() == origin(name).read_bytes()


def test_the_digests_are_those_of_the_extracted_plan_tables() -> None:
    lines = (REAL / "plans" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256(shared_path(f"plans/{name}").read_bytes()).hexdigest() == digest, name


def test_the_products_tables_are_what_the_scripts_make_of_the_sources(tmp_path: Path) -> None:
    carry_all(SHARED, tmp_path)
    carry_townships(SHARED, tmp_path)
    carry_gazette(SHARED, tmp_path)
    made = sorted(tmp_path.glob("*.csv"))
    assert len(made) == 9 + 2
    for path in made:
        assert path.read_bytes() == (FACTS / path.name).read_bytes(), path.name
