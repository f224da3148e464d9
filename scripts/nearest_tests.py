"""Which tests stand nearest to a module: those of its name, those that import it, else those of its room.

``python -m scripts.nearest_tests FILE …`` prints them; `make check` and `make mutants` run them.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("geo", "data", "layers", "analysis", "exports", "reports", "pages", "server", "commands")
_SINGLE = ("app", "cli")
# What is no Python has its tests by where it stands.
_OTHERS = {
    "data/registry": ("tests/data/test_registry.py", "tests/data/test_limits.py"),
    "docs": ("tests/test_docs_paths.py", "tests/data/test_environment.py"),
    "README.md": ("tests/test_docs_paths.py",),
    "CONTRIBUTING.md": ("tests/test_docs_paths.py",),
}


@functools.cache
def graph() -> grimp.ImportGraph:
    """Return who imports whom, tests included."""
    return grimp.build_graph(*ROOMS, "tests", cache_dir=None)


def module_of(path: Path) -> str:
    """Return the dotted name of a file (relative to the repository)."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def nearest(path: Path) -> list[Path]:
    """Return the test files nearest to a file, both relative to the repository; tests are their own."""
    if path.suffix != ".py":
        named = [tests for place, tests in _OTHERS.items() if path.as_posix().startswith(place)]
        return [Path(one) for tests in named for one in tests if (ROOT / one).exists()]
    if path.parts[0] == "tests":
        return _of_test(path)
    module = module_of(path)
    if module in _SINGLE:
        named = _below(Path("tests"), f"test_{module}*.py")
        # The import rules know rooms only: who starts what stands above them is found by its text.
        started = (path for path in (ROOT / "tests" / "server").glob("test_*.py") if _imports(path, module))
        return sorted({*named, *(path.relative_to(ROOT) for path in started)})
    if path.parts[0] not in ROOMS or not (ROOT / path).exists():
        return []
    known = module in graph().modules
    found = _named(module) | (_tests(graph().find_modules_that_directly_import(module)) if known else set())
    if not found:
        package = module.rpartition(".")[0]
        siblings = {one for one in graph().modules if one.startswith(f"{package}.")}
        found = _tests(other for one in siblings for other in graph().find_modules_that_directly_import(one))
    paths = sorted(Path(*one.split(".")).with_suffix(".py") for one in found)
    return paths or _below(Path("tests", path.parts[0]), "test_*.py")


def _of_test(path: Path) -> list[Path]:
    """Return a test file itself, or the tests that import what helps them."""
    if path.name.startswith("test_"):
        return [path] if (ROOT / path).exists() else []
    importers = graph().find_modules_that_directly_import(module_of(path)) if path.stem != "conftest" else ()
    return sorted(Path(*one.split(".")).with_suffix(".py") for one in _tests(importers))


def _named(module: str) -> set[str]:
    """Return the tests that a module's room has under its name."""
    room, *_, stem = module.split(".")
    start = f"tests.{room}."
    mirrored = (one for one in graph().modules if one.startswith(start))
    return {one for one in mirrored if one.rpartition(".")[2] == f"test_{stem}"}


def _tests(modules: Iterable[str]) -> set[str]:
    return {one for one in modules if one.startswith("tests.") and one.rpartition(".")[2].startswith("test_")}


def _imports(path: Path, module: str) -> bool:
    text = path.read_text(encoding="utf-8")
    return re.search(rf"^(import {module}|from {module} import)\b", text, re.MULTILINE) is not None


def _below(folder: Path, pattern: str) -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / folder).glob(pattern))


def main(arguments: list[str]) -> None:
    """Print the tests nearest to the files named."""
    for path in sorted({test for one in arguments for test in nearest(Path(one))}):
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
