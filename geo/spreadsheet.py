"""What a table file must not say: a text that a spreadsheet would run, and how it is written and read back.

Everything that writes CSV writes it with `write_rows`, and what reads our own CSV takes the guard off with
`unguarded`: one rule for both.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
"""What a formula begins with, also as wide and small as a Chinese keyboard writes it."""

MAYBE_RISKY = rf"[\t\r\n{SIGNS.replace('-', '')}-]"
"""Every risky text has one of these characters somewhere: a first sieve for whole columns."""

_BREAKS = ("\t", "\r", "\n")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: a risky one gets an apostrophe in front.

    So does one that begins with apostrophes and would be risky without them: what `unguarded` takes off
    again is then always ours.
    """
    return f"'{text}" if _is_risky(text) else text


def unguarded(text: str) -> str:
    """Return the text that `harmless` was given."""
    return text[1:] if text.startswith("'") and _is_risky(text[1:]) else text


def write_rows(out: TextIO, rows: Iterable[Iterable[Any]], *, ending: str = "\r\n") -> None:
    """Write rows as CSV, each text harmless, nothing for None; numbers stay numbers."""
    guarded = ([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    csv.writer(_Lines(out, ending), lineterminator="\r\n").writerows(guarded)


def write_harmless_rows(out: TextIO, rows: Iterable[Iterable[Any]]) -> None:
    """Write rows whose texts are harmless already: long layers are guarded column by column."""
    csv.writer(out, lineterminator="\r\n").writerows(rows)


@dataclass(frozen=True)
class _Lines:
    """A file whose lines end otherwise than csv writes them.

    Only a writer that ends its lines with both puts a text in quotes that holds one of them; what followed a
    bare return would else begin a row, and run.
    """

    out: TextIO
    ending: str

    def write(self, line: str) -> None:
        """Write one row."""
        self.out.write(line.removesuffix("\r\n") + self.ending)


def _is_risky(text: str) -> bool:
    """Return whether a text begins with a break, or with a sign after nothing that anybody sees."""
    bare = text.lstrip("'")
    if bare.startswith(_BREAKS):
        return True
    seen = next((char for char in bare if not _is_unseen(char)), "")
    return seen != "" and seen in SIGNS


def _is_unseen(char: str) -> bool:
    """Return whether a character is a space, a control character or a mark of direction, width and order."""
    return char.isspace() or unicodedata.category(char) in {"Cc", "Cf"}
