"""The plans' documents, read again: what registry and tests quote stands at the lines they name."""

from __future__ import annotations

import csv
import re
from importlib import resources

import pytest

from data.registry.facility_models import load_implied_rules, load_standards
from tests.data.passages import Passage, passages
from tests.sources.shared import document

STANDARDS = load_standards()
RULES = {rule.id: rule for rule in load_implied_rules() if rule.seed_line}
HEADER = "指标表："
KNOWN = [
    pytest.param(passage, id=f"{registry}-{entry}")
    for registry in ("standards", "implied")
    for entry, passage in passages(registry).items()
]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def around(seed_line: str) -> str:
    """Return the two lines before, the line and the two after it, without gaps."""
    number, line = seed_line.split(":")
    at = int(line) - 1
    return squeezed("".join(document(number)[max(at - 2, 0) : at + 3]))


def line_of(seed_line: str) -> str:
    number, line = seed_line.split(":")
    return document(number)[int(line) - 1].strip()


@pytest.mark.parametrize("passage", KNOWN)
def test_the_table_has_the_words_of_the_documents(passage: Passage) -> None:
    if passage.is_cell:
        assert line_of(passage.seed_line) == passage.words
    else:
        assert passage.words in around(passage.seed_line)


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_words_of_a_standard_stand_at_the_line_named(standard: str) -> None:
    entry = STANDARDS[standard]
    if entry.text.startswith(HEADER):
        wanted = {f"{entry.quantity:g}", f"{entry.quantity * 100:g}"}
        assert any(figure in line_of(entry.seed_line) for figure in wanted), line_of(entry.seed_line)
        assert any(entry.text.endswith((figure, f"{figure}左右")) for figure in wanted)
    else:
        assert squeezed(entry.text) in around(entry.seed_line)


def test_the_gazette_names_every_place_at_its_line() -> None:
    with (resources.files("data.facts") / "gazette_places.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 209
    for row in rows:
        assert line_of(row["seed_line"]) == row["name"]


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_rest_on_lines_of_the_plans(rule: str) -> None:
    assert passages("implied")[rule].words in around(RULES[rule].seed_line)
