"""A clone alone passes its tests: what they read is in the repository, is made by them, or is a package."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_data import REAL, real_path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "tests" / "sources"
VARIABLE = "SUTU_SHARED"
# The name of the variable, the folder beside the checkout, a person's home: places outside.
OUTSIDE = re.compile(rf"{VARIABLE}|\.\./shared|^/(home|Users|root)/|^~/")


def programs() -> list[Path]:
    """Return the programs that must do with a clone: not those of the room of the sources."""
    found = [path for room in ("tests", "benchmarks", "scripts") for path in (ROOT / room).rglob("*.py")]
    return sorted(path for path in found if not path.is_relative_to(SOURCES) and path != Path(__file__))


def climbed(node: ast.expr) -> int | None:
    """Return how many folders an expression climbs above its own file; None when it does not start there."""
    match node:
        case ast.Call(func=ast.Name(id="Path"), args=[ast.Name(id="__file__")]):
            return 0
        case ast.Call(func=ast.Attribute(value=inner, attr="resolve" | "absolute")):
            return climbed(inner)
        case ast.Attribute(value=inner, attr="parent"):
            below, more = climbed(inner), 1
        case ast.Subscript(
            value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(n))
        ):
            below, more = climbed(inner), n + 1
        case _:
            return None
    return None if below is None else below + more


def ways_out(path: Path, text: str) -> Iterator[str]:
    """Yield what in a program reaches for a place outside the repository."""
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Constant(value=str(words)) if OUTSIDE.search(words):
                yield words
            case ast.ImportFrom(module=str(module)) if module.startswith("tests.sources"):
                yield module
            case ast.Attribute(value=ast.Name(id="ROOT"), attr="parent" | "parents"):
                yield "ROOT.parent"
            case ast.Attribute(attr="home" | "expanduser", value=base) if "Path" in ast.unparse(base):
                yield ast.unparse(node)
            case ast.Attribute() | ast.Subscript() if (climbed(node) or 0) > depth:
                yield ast.unparse(node)


def test_no_test_benchmark_or_script_reaches_outside() -> None:
    assert len(programs()) > 200
    found = {path: list(ways_out(path, path.read_text(encoding="utf-8"))) for path in programs()}
    assert {path: ways for path, ways in found.items() if ways} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Path(__file__).resolve().parents[2] / 'shared'",
        "Path(__file__).parent.parent.parent",
        "os.environ.get('SUTU_SHARED')",
        "open('../shared/README.md')",
        "from tests.sources.shared import shared_path",
        "ROOT.parent / 'shared'",
        "Path.home()",
        "Path('~/a').expanduser()",
    ],
)
def test_every_way_out_is_known(text: str) -> None:
    assert list(ways_out(ROOT / "tests" / "test_x.py", text))


def test_the_root_itself_is_inside() -> None:
    assert not list(ways_out(ROOT / "tests" / "test_x.py", "Path(__file__).resolve().parents[1] / 'data'"))


# ---- the carried files


def carried() -> list[str]:
    return sorted(path.relative_to(REAL).as_posix() for path in REAL.rglob("*") if path.is_file())


def test_the_carried_files_are_small_and_each_has_its_source_and_licence() -> None:
    assert sum((REAL / name).stat().st_size for name in carried()) < 1_000_000
    told = {}
    for line in real_path("README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            name, *rest = (cell.strip() for cell in line.strip("|").split("|"))
            told[name.strip("`")] = rest
    assert set(told) | {"README.md"} == set(carried())
    for name, (source, licence, use, change) in told.items():
        assert all((source, licence, use, change)), name


def test_every_carried_file_is_read() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in programs())
    for name in set(carried()) - {"README.md"}:
        spelt = re.sub(r"(census_)\d{4}", r"\1", name).removesuffix(".csv").rpartition("/")[2]
        assert spelt in text, name


def test_real_files_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert real_path("README.md").is_relative_to(ROOT)
    with pytest.raises(FileNotFoundError, match="tests/real/none"):
        real_path("none")


def test_nothing_of_the_tests_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    named = [*settings["packages"], *settings["py-modules"], *settings["package-data"]]
    assert not [name for name in named if name.startswith("tests")]


# ---- the room of the sources


def collected(*arguments: str, shared: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
    environment = {**os.environ, VARIABLE: str(shared)}
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_gate_does_not_collect_the_room_of_the_sources(tmp_path: Path) -> None:
    others = [
        f"--ignore={path}"
        for path in (ROOT / "tests").iterdir()
        if path not in (SOURCES, ROOT / "tests" / "test_groups.py")
    ]
    found = collected("tests", *others, shared=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "test_groups.py" in found.stdout and "sources" not in found.stdout


def test_the_room_of_the_sources_fails_without_them(tmp_path: Path) -> None:
    found = collected("tests/sources/test_documents.py", shared=tmp_path)
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"set {VARIABLE} to their folder" in found.stderr + found.stdout


def test_ci_runs_both_and_says_when_it_cannot(tmp_path: Path) -> None:
    """The gate runs without the sources in sight; what reads them runs where they are, or is missed aloud."""
    made = tmp_path / "clone"
    (made / ".ci").mkdir(parents=True)
    (made / ".ci" / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())
    (made / "Makefile").write_text(
        f"test:\n\t@echo gate [$${VARIABLE}]\ntest-sources:\n\t@echo sources [$${VARIABLE}]\n",
        encoding="utf-8",
    )
    # Below another make this one would tell which folder it enters.
    left_out = {VARIABLE, "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    environment = {key: value for key, value in os.environ.items() if key not in left_out}

    def said(**more: str) -> list[str]:
        run = ["bash", str(made / ".ci" / "run")]
        return subprocess.check_output(run, env=environment | more, text=True).splitlines()

    alone = said()
    assert alone[0] == "gate []" and len(alone) == 2 and "test-sources" in alone[1]
    assert said(**{VARIABLE: "/nowhere"})[1] == alone[1].replace("../shared", "/nowhere")
    assert said(**{VARIABLE: str(tmp_path)}) == ["gate []", f"sources [{tmp_path}]"]
    (tmp_path / "shared").mkdir()
    assert said() == ["gate []", "sources []"]
