"""``python -m benchmarks``: every comparison is found, and only the one that is asked for is loaded."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from benchmarks.__main__ import QUICK, comparisons

ROOT = Path(__file__).parents[2]
PEERS = (
    "access",
    "dask",
    "esda",
    "inequality",
    "libpysal",
    "networkx",
    "pandana",
    "playwright",
    "pyrosm",
    "spopt",
    "xlsxwriter",
)
RUN = f"""
import contextlib, io, runpy, sys
sys.argv = ["benchmarks", *sys.argv[1:]]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    runpy.run_module("benchmarks", run_name="__main__")
loaded = {{name.removeprefix("benchmarks.") for name in sys.modules if name.startswith("benchmarks.")}}
print([sorted(loaded), sorted(set({PEERS!r}) & set(sys.modules))])
"""


def loaded_by(*arguments: str) -> tuple[set[str], set[str]]:
    """Return the modules of the benchmarks and the peers that a run loads."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], check=True, cwd=ROOT, capture_output=True, text=True
    )
    modules, peers = ast.literal_eval(done.stdout.splitlines()[-1])
    return set(modules), set(peers)


def test_every_module_with_a_main_is_a_comparison() -> None:
    names = {module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - {"__main__"}
    found = {name for name in names if hasattr(importlib.import_module(f"benchmarks.{name}"), "main")}
    assert set(comparisons()) == found
    assert set(QUICK) <= found


@pytest.mark.parametrize("arguments", [("coverage", "--help"), ("catchment", "--help")])
def test_a_comparison_loads_no_peer_of_another(arguments: tuple[str, ...]) -> None:
    modules, peers = loaded_by(*arguments)
    assert modules & set(comparisons()) == {arguments[0]}
    assert not peers & {"playwright", "inequality", "esda", "libpysal", "spopt", "pyrosm", "xlsxwriter"}


def test_the_list_of_comparisons_loads_none() -> None:
    modules, peers = loaded_by("no-such-comparison")
    assert not modules & set(comparisons())
    assert not peers
