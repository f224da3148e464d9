"""The document model of a report: what it says and shows, whatever it is printed as.

Three renderers take it: `reports.docx`, `reports.pdf` and `reports.html`. The numbers of
figures and tables are given here, so that all three print the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from geo.errors import SutuError
from layers.model import Provenance

Format = Literal["docx", "pdf", "html"]
MEDIA_TYPES: dict[Format, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "html": "text/html",
}
CONTENTS = "目录"
INK, MUTED, ACCENT, SEAL, LINE, HEAD = "1E2933", "5A6B7B", "1F5A8A", "8C1D22", "C3CDD6", "EAF0F5"
TEXT_WIDTH_CM = 16.2
"""The width of the text on the page, which tables and figures fill."""


class ReportError(SutuError, ValueError):
    """A report cannot be made as asked: an unknown format, a region without a report."""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2; it stands in the table of contents, and may open a new page."""

    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``kind`` note is small and grey, notice stands out."""

    text: str
    kind: Literal["body", "note", "notice"] = "body"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: ``headers``, rows of texts, relative ``widths``, and its source; editable in Word.

    ``numeric`` are the columns set to the right. ``number`` is given by `Report`.
    """

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str
    widths: tuple[float, ...] = ()
    numeric: tuple[int, ...] = ()
    number: int = 0

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the width each column takes."""
        widths = self.widths or (1.0,) * len(self.headers)
        return tuple(width / sum(widths) for width in widths)

    @property
    def title(self) -> str:
        """The caption with its number."""
        return f"表 {self.number}　{self.caption}"


@dataclass(frozen=True)
class Figure:
    """A picture (PNG bytes), its width on the page, its source, and what it shows for who cannot see it."""

    caption: str
    png: bytes = field(repr=False)
    width_cm: float
    height_cm: float
    source: str
    alt: str
    number: int = 0

    @property
    def title(self) -> str:
        """The caption with its number."""
        return f"图 {self.number}　{self.caption}"


Block = Heading | Paragraph | Bullets | Table | Figure


@dataclass(frozen=True)
class Report:
    """A report: title, subtitle, origin, and its blocks with figures and tables numbered."""

    title: str
    subtitle: str
    date: str
    provenance: Provenance
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> tuple[Heading, ...]:
        """The headings in order."""
        return tuple(block for block in self.blocks if isinstance(block, Heading))

    @property
    def texts(self) -> list[str]:
        """Every text that is printed, for choosing fonts."""
        found = [self.title, self.subtitle, self.date, self.provenance.permission, CONTENTS]
        for block in self.blocks:
            if isinstance(block, Heading | Paragraph):
                found.append(block.text)
            elif isinstance(block, Bullets):
                found += block.items
            elif isinstance(block, Table):
                found += [
                    block.title,
                    block.source,
                    *block.headers,
                    *(cell for row in block.rows for cell in row),
                ]
            else:
                found += [block.title, block.source]
        return found


def make_report(
    title: str, subtitle: str, date: str, provenance: Provenance, blocks: Sequence[Block]
) -> Report:
    """Return the report of these blocks, its figures and tables numbered in order.

    Raises `ReportError` for a table with rows of another length than its headers.
    """
    figures = tables = 0
    numbered: list[Block] = []
    for block in blocks:
        if isinstance(block, Figure):
            figures += 1
            numbered.append(replace(block, number=figures))
        elif isinstance(block, Table):
            if any(len(row) != len(block.headers) for row in block.rows):
                raise ReportError(f"表“{block.caption}”有的行与表头的列数不同。")
            tables += 1
            numbered.append(replace(block, number=tables))
        else:
            numbered.append(block)
    return Report(title, subtitle, date, provenance, tuple(numbered))
