"""What the table readers and their callers share: the bounds, a reading under way, and lists of faults."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from data.ingest.faults import Fault, FaultReport
from data.registry.limit_models import from_table, limit, limit_bytes

FORM_SHEET: Final = "填报"
"""The sheet of our forms that holds the data; preferred when a workbook has several."""

EXPORT_SHEETS: Final = ("字段", "来源", "说明")
"""The sheets that come with the rows in a workbook exported by this program."""

DEFINITION_SHEET: Final = "指标定义"
"""The sheet, of our forms and of exports, that defines indicators which the registry does not have."""

MAX_FAULTS: Final = 5_000
"""A file this wrong is not corrected line by line: beyond it faults are counted, not kept."""


@dataclass(frozen=True)
class Limits:
    """What a file may be at most; the table of limits (``limits.yaml``) where nothing else is said."""

    file_bytes: int = from_table("table.file_mb")
    unpacked_bytes: int = from_table("table.unpacked_mb")
    ratio: int = from_table("table.ratio")
    parts: int = from_table("table.parts")
    sheets: int = from_table("table.sheets")
    rows: int = from_table("table.rows")
    columns: int = from_table("table.columns")
    cells: int = from_table("table.cells")
    cell_chars: int = from_table("table.cell_chars")
    strings_bytes: int = from_table("table.shared_strings_mb")
    strings: int = from_table("table.strings")
    styles_bytes: int = from_table("table.styles_mb")
    index_bytes: int = from_table("table.index_mb")
    tags: int = from_table("table.tags")
    row_bytes: int = from_table("table.row_mb")
    tag_bytes: int = from_table("table.tag_kb")

    @classmethod
    def of_indicators(cls) -> "Limits":
        """Return the bounds of a table of indicators."""
        return cls(rows=limit("indicators.rows"), cells=limit("indicators.cells"))

    @classmethod
    def of_sites(cls, rows: int) -> "Limits":
        """Return the bounds of a table of at most ``rows`` candidate sites."""
        return cls(
            file_bytes=limit_bytes("sites.file_mb"),
            unpacked_bytes=limit_bytes("sites.unpacked_mb"),
            rows=rows,
            columns=limit("sites.columns"),
            cells=limit("sites.cells"),
        )


@dataclass(frozen=True)
class CellFault:
    """A fault found by a reader, which knows positions (column from 0) but no headers."""

    row: int | None
    column: int | None
    problem: str
    remedy: str


@dataclass
class Reading:
    """What a reader hands over: rows as they stand in the file, and faults that grow while rows are taken."""

    sheet: str | None
    rows: Iterator[tuple[int, list[str]]]
    faults: list[CellFault] = field(default_factory=list)
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)


class FaultList:
    """Collects faults of one file up to ``MAX_FAULTS`` and counts the rest."""

    def __init__(self, file: str, sheet: str | None) -> None:
        """Start empty for ``file`` and ``sheet``."""
        self.file = file
        self.sheet = sheet
        self.faults: list[Fault] = []
        self.uncounted = 0
        self._unreadable: set[tuple[int | None, str]] = set()

    def add(self, row: int | None, column: str | None, problem: str, remedy: str) -> None:
        """Add one fault, or count it when the list is full.

        A cell that could not be read has its fault already: what follows from its being empty is left out.
        """
        if column is not None and (row, column) in self._unreadable:
            return
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(self.file, self.sheet, row, column, problem, remedy))
        else:
            self.uncounted += 1

    def extend(self, faults: Sequence[Fault]) -> None:
        """Add faults made elsewhere, such as those of cells that could not be read."""
        for fault in faults:
            if fault.column is not None and fault.sheet == self.sheet:
                self._unreadable.add((fault.row, fault.column))
            if len(self.faults) < MAX_FAULTS:
                self.faults.append(fault)
            else:
                self.uncounted += 1

    def report(self) -> list[Fault]:
        """Return the faults in order of row, closed by the count of those not kept."""
        found = sorted(self.faults, key=lambda fault: (fault.sheet or "", fault.row or 0))
        if self.uncounted:
            problem = f"另有 {self.uncounted} 处问题未逐条列出"
            found.append(Fault(self.file, self.sheet, None, None, problem, "先改正已列出的问题，再导入一次"))
        return found

    def raise_if_any(self) -> None:
        """Raise ``FaultReport`` with everything found, if anything was."""
        if self.faults:
            raise FaultReport(self.report())


def fatal(
    file: str, problem: str, remedy: str, *, sheet: str | None = None, row: int | None = None
) -> FaultReport:
    """Return the report of a file that cannot be read further."""
    return FaultReport([Fault(file, sheet, row, None, problem, remedy)])
