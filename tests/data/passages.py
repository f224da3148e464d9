"""What the plans' documents say at the lines our registry names, as a table: the documents are not carried.

`passages.csv` was read off the documents: the entry that rests on the words, the document and its line, and
the words as they stand there, without gaps and line breaks. `tests/sources` reads the documents again.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("passages.csv")
_FIGURE = re.compile(r"[\d.]+(左右)?")


class Passage(NamedTuple):
    """The words of one document that one entry of the registry rests on."""

    seed_line: str
    words: str

    @property
    def is_cell(self) -> bool:
        """Tell whether the words are a figure that stands alone in a line: the cell of a table."""
        return _FIGURE.fullmatch(self.words) is not None


def passages(registry: str) -> dict[str, Passage]:
    """Return the passages of a registry file by the entry's id."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return {
            row["entry"]: Passage(row["seed_line"], row["words"])
            for row in csv.DictReader(stream)
            if row["registry"] == registry
        }
