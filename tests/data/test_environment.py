"""Environment variables: one module names them, one page lists them, and nothing else reads any."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from data.registry.environment import DATA_DIR, OGC, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("geo", "data", "layers", "analysis", "exports", "reports", "pages", "server", "commands")
HOME = ROOT / "data" / "registry" / "environment.py"
PAGE = ROOT / "docs" / "guide" / "settings.md"
NAME = re.compile(r"SUTU_[A-Z_]+")
# They hand an environment on, to a reader of files and to this process itself.
HANDED_ON = {ROOT / "data" / "reader" / "worker.py", ROOT / "app.py"}


def sources() -> list[Path]:
    return [
        ROOT / "app.py",
        ROOT / "cli.py",
        *(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
    ]


def rows(heading: str) -> list[tuple[str, ...]]:
    """Return the rows of the first table of the page after ``heading``."""
    rest = PAGE.read_text(encoding="utf-8").split(heading, 1)[1]
    table = rest.split("|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.strip().splitlines()]


def test_the_page_of_the_docs_lists_what_the_program_reads_in_the_same_words() -> None:
    listed = rows("# 环境变量")
    assert listed == [(f"`{one.name}`", one.purpose, one.without) for one in VARIABLES]


def maintainers() -> set[str]:
    """Return what the page lists for maintainers, who set it for tests and scripts."""
    return {name.strip("`") for name, *_ in rows("维护者另有")}


def test_no_other_module_names_or_reads_a_variable() -> None:
    found = []
    for path in sources():
        if path == HOME:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            named = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
            if named and NAME.search(node.value):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} names {node.value[:60]}")
            reads = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
            if reads and path not in HANDED_ON:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} reads the environment")
    assert found == []


def names_in(paths: Iterable[Path]) -> set[str]:
    return {name for path in paths for name in NAME.findall(path.read_text(encoding="utf-8"))}


def test_whatever_text_names_a_variable_names_one_that_there_is() -> None:
    program = {one.name for one in VARIABLES}
    assert not program & maintainers()
    outside = [
        *(ROOT / "scripts").iterdir(),
        *(ROOT / "tests" / "sources").rglob("*.py"),
        ROOT / ".ci" / "run",
    ]
    assert names_in(path for path in outside if path.is_file()) - program == maintainers()
    assert names_in(sources()) == program
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile"]
    assert names_in(texts) == program | maintainers()


@pytest.mark.parametrize("text", ["off", " OFF ", "0", "no", "False"])
def test_a_switch_is_off_by_any_of_four_words(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OGC.name, text)
    assert OGC.is_off()


@pytest.mark.parametrize("text", ["", "on", "1", "x"])
def test_a_switch_is_on_otherwise(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OGC.name, text)
    assert not OGC.is_off()
    monkeypatch.delenv(OGC.name)
    assert not OGC.is_off()


def test_a_blank_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR.name, "  ")
    assert DATA_DIR.value() is None
    monkeypatch.setenv(DATA_DIR.name, " /srv/sutu ")
    assert DATA_DIR.value() == "/srv/sutu"
    assert f"{DATA_DIR}" == "SUTU_DATA_DIR"
