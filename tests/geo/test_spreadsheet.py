"""The one guard of every CSV: no cell runs, what was guarded comes back, and nothing else writes CSV."""

from __future__ import annotations

import ast
import csv
import io
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.spreadsheet import MAYBE_RISKY, SIGNS, harmless, unguarded, write_rows
from layers.fonts import ROOMS

ROOT = Path(__file__).resolve().parents[2]
UNSEEN = " \t\r\n\v\f\x00\x1f\x85\xa0\u3000\u2003\u2028\u200b\u200e\u2060\ufeff"
TEXTS = st.text() | st.text(alphabet=f"'1甲a{SIGNS}{UNSEEN}", max_size=8)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", "'", "''", *UNSEEN, "\u3000 ", "'\u3000", "\ufeff\n", "'\ufeff "])
def test_a_text_that_begins_with_a_sign_is_guarded_whatever_nobody_sees_before_it(
    before: str, sign: str
) -> None:
    assert harmless(f"{before}{sign}1") == f"'{before}{sign}1"


@pytest.mark.parametrize("text", ["\ta", "\ra", "\na", "'\ta"])
def test_a_text_that_begins_with_a_break_is_guarded(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "1-2", "甲=乙", "2023-06-30", "'引'", "—", "−1.5", " 甲", "a@b", "　", "'"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(TEXTS)
def test_what_was_guarded_comes_back(text: str) -> None:
    assert unguarded(harmless(text)) == text


@given(TEXTS)
def test_no_text_is_left_that_a_spreadsheet_would_run(text: str) -> None:
    """Programs differ in what they skip before a formula: none is left under any of it."""
    for kinds in ((), ("Zs",), ("Zs", "Cc"), ("Zs", "Zl", "Zp", "Cc", "Cf")):
        left = harmless(text)
        while left and unicodedata.category(left[0]) in kinds:
            left = left[1:]
        assert not left.startswith(tuple(SIGNS))


@given(TEXTS)
def test_the_sieve_of_columns_lets_no_risky_text_through(text: str) -> None:
    if harmless(text) != text:
        assert re.search(MAYBE_RISKY, text)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=3), max_size=4))
def test_rows_read_back_through_the_guard(rows: list[list[str]]) -> None:
    for ending in ("\r\n", "\n"):
        out = io.StringIO(newline="")
        write_rows(out, rows, ending=ending)
        read = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
        assert [[unguarded(cell) for cell in row] for row in read] == rows
        assert read == [[harmless(cell) for cell in row] for row in rows]


def test_what_follows_a_bare_return_begins_no_row() -> None:
    out = io.StringIO(newline="")
    write_rows(out, [["馆\r=1+1", "馆\n=1+1"]], ending="\n")
    assert out.getvalue() == '"馆\r=1+1","馆\n=1+1"\n'


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    out = io.StringIO(newline="")
    write_rows(out, [[-1.5, None, 3]], ending="\n")
    assert out.getvalue() == "-1.5,,3\n"


def test_nothing_else_in_the_program_writes_csv() -> None:
    files = [ROOT / "app.py", ROOT / "cli.py"]
    for room in (*ROOMS, "commands"):
        files += (ROOT / room).rglob("*.py")
    writers = {
        str(path.relative_to(ROOT)): node.func.attr
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"writer", "DictWriter", "to_csv", "write_csv", "savetxt"}
        and ast.unparse(node.func.value) not in {"export_tables"}
    }
    assert writers == {"geo/spreadsheet.py": "writer"}
