"""What the docs name exists: every module, folder and file of the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = "geo|data|layers|analysis|exports|reports|pages|commands|server|tests|benchmarks|scripts|docs"
_NAMED = re.compile(rf"(?<![\w./<-])(?:{ROOMS})/[\w./*-]*[\w*/](?![\w<])")
_LINKED = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
# Decisions and the list of changes speak of the house as it was then.
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if path.name != "CHANGELOG.md" and path.parent.name != "decisions"
)


def lost(text: str, folder: Path) -> list[str]:
    """Return what a document in ``folder`` names or links and the house does not have."""
    named = [name for name in _NAMED.findall(text) if not any(ROOT.glob(name.rstrip("/")))]
    linked = [name for name in _LINKED.findall(text) if not (folder / name).exists()]
    return named + linked


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_exists(document: str) -> None:
    path = ROOT / document
    assert lost(path.read_text(encoding="utf-8"), path.parent) == []


def test_what_does_not_exist_is_found() -> None:
    text = "`data/store/nowhere.py`, `geo/no_*.py`, `geo/crs.py`, [here](nowhere.md), [there](README.md)"
    assert lost(text, ROOT) == ["data/store/nowhere.py", "geo/no_*.py", "nowhere.md"]
    assert {"docs/architecture.md", "README.md"} <= set(DOCUMENTS)


def test_the_table_of_places_has_an_answer_to_each_question() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Where to change what")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 30
    places = [re.findall(r"`([^`]+)`", where) for _question, where in rows]
    assert all(places)
    assert [one for row in places for one in row if not (ROOT / one).exists()] == []
