"""A fixture that fails leaves nothing behind: whoever asks next meets the same fault, or gets the folder."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.made_once import made_once

TESTS = Path(__file__).resolve().parent
WAITS = """
import sys, time
from pathlib import Path
from tests.made_once import made_once

def make(folder):
    folder.mkdir()
    print("half", flush=True)
    time.sleep(600)

made_once(Path(sys.argv[1]), make)
"""


class BrokenError(Exception):
    """What goes wrong half way."""


def breaks(folder: Path) -> None:
    folder.mkdir()
    (folder / "half").write_text("half", encoding="utf-8")
    raise BrokenError


def works(folder: Path) -> None:
    folder.mkdir()
    (folder / "whole").write_text("whole", encoding="utf-8")


def test_the_second_to_ask_meets_the_fault_of_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(BrokenError):
            made_once(tmp_path / "data", breaks)
        assert [path.name for path in tmp_path.iterdir()] == ["data.lock"]


def test_after_a_failure_the_folder_is_made_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(BrokenError):
        made_once(tmp_path / "data", breaks)
    assert [path.name for path in made_once(tmp_path / "data", works).iterdir()] == ["whole"]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    line = [sys.executable, "-c", WAITS, str(tmp_path / "data")]
    with subprocess.Popen(line, cwd=TESTS.parent, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.kill()
    assert (tmp_path / "data-staged").is_dir()
    assert [path.name for path in made_once(tmp_path / "data", works).iterdir()] == ["whole"]


def test_a_folder_is_made_once_for_all_who_ask_together(tmp_path: Path) -> None:
    made: list[Path] = []

    def slowly(folder: Path) -> None:
        made.append(folder)
        works(folder)
        time.sleep(0.2)

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda _: made_once(tmp_path / "data", slowly), range(4)))
    assert given == [tmp_path / "data"] * 4
    assert len(made) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.lock"]


def test_no_fixture_shares_a_folder_in_another_way() -> None:
    """A lock of a fixture's own, or a name beside the folders of single tests, is how one would begin."""
    ways = {"flock", "lockf", "getbasetemp"}
    # The shared store is built by the product, whose own lock and staging hold the same promise; the sites of
    # a siting run are kept by their content.
    known = {
        "analysis/test_siting.py": {"getbasetemp"},
        "conftest.py": {"getbasetemp"},
        "made_once.py": {"flock"},
    }
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & ways
        if names:
            found[path.relative_to(TESTS).as_posix()] = names
    assert found == known
