"""What the readers and their callers share: bounds, archives, a reading under way, and lists of faults."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from data.faults import Fault, FaultReport, faults_not_listed
from data.ingest.cells import shown
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


class CellFaults(list[CellFault]):
    """The faults a reader found: ``MAX_FAULTS`` of them are kept, those beyond are counted.

    Once it is ``full`` a reader need not word a fault: ``uncounted`` may be raised instead.
    """

    def __init__(self, faults: Iterable[CellFault] = ()) -> None:
        """Start with ``faults``."""
        super().__init__()
        self.uncounted = 0
        self.extend(faults)

    @property
    def full(self) -> bool:
        """Whether further faults are only counted."""
        return len(self) >= MAX_FAULTS

    def append(self, fault: CellFault, /) -> None:
        """Keep a fault, or count it."""
        if self.full:
            self.uncounted += 1
        else:
            super().append(fault)

    def extend(self, faults: Iterable[CellFault], /) -> None:
        """Keep or count each of several faults, and take over what another such list only counted."""
        self.uncounted += getattr(faults, "uncounted", 0)
        for fault in faults:
            self.append(fault)

    def __iadd__(self, faults: Iterable[CellFault], /) -> Self:  # type: ignore[override,misc]
        """Do what ``extend`` does."""
        self.extend(faults)
        return self


@dataclass
class Reading:
    """What a reader hands over: rows as they stand in the file, and faults that grow while rows are taken."""

    sheet: str | None
    rows: Iterator[tuple[int, list[str]]]
    faults: CellFaults = field(default_factory=CellFaults)
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

    @property
    def full(self) -> bool:
        """Whether further faults are only counted: their words need not be made."""
        return len(self.faults) >= MAX_FAULTS

    def add(self, row: int | None, column: str | None, problem: str, remedy: str) -> None:
        """Add one fault, or count it when the list is full.

        A cell that could not be read has its fault already: what follows from its being empty is left out.
        """
        if column is not None and (row, column) in self._unreadable:
            return
        if self.full:
            self.uncounted += 1
        else:
            self.faults.append(Fault(self.file, self.sheet, row, column, problem, remedy))

    def count(self, faults: int) -> None:
        """Count faults that are not kept; the list must be full, or nobody would learn what they are."""
        assert self.full or not faults  # noqa: S101 - a fault of the program, not of the file
        self.uncounted += faults

    def unreadable_rows(self, column: str) -> frozenset[int]:
        """Return the rows whose cell of a column has a fault already, so that ``add`` leaves it out."""
        return frozenset(row for row, name in self._unreadable if name == column and row is not None)

    def extend(self, faults: Sequence[Fault]) -> None:
        """Add faults made elsewhere, such as those of cells that could not be read."""
        for fault in faults:
            if fault.more:
                self.uncounted += fault.more
                continue
            if fault.column is not None and fault.sheet == self.sheet:
                self._unreadable.add((fault.row, fault.column))
            if self.full:
                self.uncounted += 1
            else:
                self.faults.append(fault)

    def report(self) -> list[Fault]:
        """Return the faults in order of row, closed by the count of those not kept."""
        found = sorted(self.faults, key=lambda fault: (fault.sheet or "", fault.row or 0))
        if self.uncounted:
            found.append(faults_not_listed(self.file, self.sheet, self.uncounted))
        return found

    def raise_if_any(self) -> None:
        """Raise ``FaultReport`` with everything found, if anything was."""
        if self.faults or self.uncounted:
            raise FaultReport(self.report())


def fatal(
    file: str, problem: str, remedy: str, *, sheet: str | None = None, row: int | None = None
) -> FaultReport:
    """Return the report of a file that cannot be read further."""
    return FaultReport([Fault(file, sheet, row, None, problem, remedy)])


RATIO_FROM_BYTES: Final = 5_000_000
"""Smaller members are not judged by their ratio: a short list of equal rows packs well in any honest file."""

_LOCAL_HEADER_BYTES = 30
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PACK_AGAIN = "用普通 zip 方式重新压缩，或重新取得该文件"


def check_entries(file: str, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a directory that no archiver writes: names given twice, members that share bytes, odd methods.

    What remains unpacks to at most the declared sizes, each byte of the archive once. Raises
    ``FaultReport``.
    """
    seen: set[str] = set()
    for member in members:
        if member.filename in seen:
            raise fatal(file, f"压缩包里有两个同名的文件“{shown(member.filename)}”", _PACK_AGAIN)
        seen.add(member.filename)
        if member.compress_type not in _METHODS:
            raise fatal(file, "压缩包已损坏或压缩方式不受支持", _PACK_AGAIN)
    end = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset < end:
            raise fatal(file, f"压缩包里的文件“{shown(member.filename)}”与另一个重叠", _PACK_AGAIN)
        end = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
    if end > archive.start_dir:
        raise fatal(file, "压缩包已损坏：文件超出了目录", _PACK_AGAIN)


def worst_ratio(members: Sequence[zipfile.ZipInfo]) -> float:
    """Return how many times its packed size the largest-growing big member unpacks to; 0 without big ones."""
    return max(
        (one.file_size / max(1, one.compress_size) for one in members if one.file_size > RATIO_FROM_BYTES),
        default=0.0,
    )


@dataclass(frozen=True)
class VectorLimits:
    """What a spatial file may be at most (the table of limits where nothing else is said); beyond it the file
    is refused before it is read.
    """

    file_bytes: int = from_table("vector.file_mb")
    unpacked_bytes: int = from_table("vector.unpacked_mb")
    compression_ratio: int = from_table("vector.ratio")
    members: int = from_table("vector.members")
    features: int = from_table("vector.features")
    vertices: int = from_table("vector.vertices")
    vertices_per_feature: int = from_table("vector.vertices_per_feature")
    fields: int = from_table("vector.fields")
    cells: int = from_table("vector.cells")
    text_chars: int = from_table("vector.text_chars")
    text_bytes: int = from_table("vector.text_mb")
    geometry_bytes: int = from_table("vector.geometry_mb")
    number_chars: int = from_table("vector.number_chars")
    depth: int = from_table("vector.depth")
    layers: int = from_table("vector.layers")
    schema_entries: int = from_table("vector.schema_entries")
    registered_rows: int = from_table("vector.registered_rows")
    registered_chars: int = from_table("vector.registered_chars")
    look_seconds: int = from_table("vector.look_seconds")
