"""Tables that the program itself exported, put back under the headings that the importers ask for.

An exported layer says more than a form does and names some of it otherwise. It is known by columns that no
form has; every other table passes unchanged.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

import pandas as pd

from data.faults import Fault, faults_not_listed
from data.ingest.cells import CellProblem, match_key, number_text, shown
from data.ingest.indicator_store import SOURCE_PREFIX
from data.ingest.matching import Column
from data.ingest.reading import MAX_FAULTS
from data.ingest.tabular import RawTable
from data.registry.export_models import load_export_fields
from geo.crs import Datum
from geo.export_table import PLACE_TITLES
from geo.spreadsheet import unguarded

EXPORTED_COLUMNS: Final = (
    Column("precision", "点位精度"),
    Column("datum", "原坐标基准"),
    Column("source", "来源"),
    Column("source_title", "来源名称"),
    Column("origin_id", "原编号"),
    Column("origin_source", "原来源"),
)
"""What only exported facilities say: how a place was found, and where they were taken from at first."""

PRECISIONS: Final = ("surveyed", "seat", "implied")
_DATUMS: Final = get_args(Datum)
_ENCRYPTED: Final = ("gcj02", "bd09")
_FACILITY_MARKS: Final = ("type_name", "precision", "precision_name", "datum")
_INDICATOR_MARKS: Final = ("indicator", "indicator_name", "status", "quality", "reason")
_SCIENTIFIC: Final = r"[+-]?\d+(\.\d*)?[eE][+-]?\d+"


def facilities_back(table: RawTable, datum: Datum) -> tuple[RawTable, bool]:
    """Return a table of facilities under the headings of the form, and whether the program exported it.

    What no form asks for is then under ``EXPORTED_COLUMNS``. An exported table has each place twice: in
    CGCS2000, and in the coordinates that the file was asked for. For GCJ-02 and BD-09 the latter count, as
    they do in a spatial file.
    """
    at = _positions(table.header)
    if any(mark not in at for mark in _FACILITY_MARKS):
        return table, False
    header = list(table.header)
    for column in EXPORTED_COLUMNS:
        if column.key in at:
            header[at[column.key]] = column.header
    if "grade" in at:
        header[at["grade"]] = "等级"
    # What only repeats another column in words is not told as left out.
    dropped = {at[name] for name in ("type_name", "precision_name")}
    given = [_position(header, titles) for titles in zip(*PLACE_TITLES, strict=True)]
    if datum in _ENCRYPTED and None not in given:
        for axis, place in zip(("lon", "lat"), given, strict=True):
            if axis in at:
                dropped.add(at[axis])
            header[int(place or 0)] = axis
    else:
        dropped |= {place for place in given if place is not None}
    cells = _plain_numbers(_unguarded(table), [at[name] for name in ("capacity",) if name in at])
    return _table(table, header, cells, dropped), True


def precision_of(text: str) -> str:
    """Return the precision that a cell states, ``surveyed`` where it is empty; raises ``CellProblem``."""
    if text and text not in PRECISIONS:
        raise CellProblem(f"“{shown(text)}”不是点位精度", f"从 {'、'.join(PRECISIONS)} 中选一个")
    return text or PRECISIONS[0]


def datum_of(text: str) -> str:
    """Return the datum that a cell states, empty where it is; raises ``CellProblem``."""
    if text and text not in _DATUMS:
        raise CellProblem(f"“{shown(text)}”不是坐标基准", f"从 {'、'.join(_DATUMS)} 中选一个")
    return text


def indicators_back(table: RawTable, titles: Mapping[str, str]) -> RawTable:
    """Return a table of values under the headings of the form; one that is no exported layer unchanged.

    ``titles`` are those of imported sources by id: an exported table names sources by id. Regions that have
    no fact at all stand in a layer for their shape, and are left out. Why a fact has no value becomes its
    note, as in the form. An imported source that is not known here goes by the title that the table gives it;
    without one it is a fault of the table.
    """
    at = _positions(table.header)
    if any(mark not in at for mark in _INDICATOR_MARKS) or "source" not in at:
        return table
    header, cells = list(table.header), _unguarded(table)
    if "value" not in at:
        # The column of values is headed by the name of the indicator.
        named = {match_key(text) for text in cells[at["indicator_name"]].unique()}
        found = [place for place, text in enumerate(header) if text and match_key(text) in named]
        if len(found) != 1:
            return table
        at["value"] = found[0]
    header[at["value"]] = "数值"
    cells = _plain_numbers(cells, [at["value"]])
    value, source, reason = (cells[at[name]] for name in ("value", "source", "reason"))
    there = (value != "") | (source != "") | (cells[at["status"]] != "")
    if "note" in at:
        note = cells[at["note"]]
        cells[at["note"]] = note.where((note != "") | (value != ""), reason)
    else:
        header[at["reason"]] = "备注"
    said = cells[at["source_title"]] if "source_title" in at else source
    known = {**_said_titles(source, said), **titles}
    cells[at["source"]] = source.map(lambda text: known.get(text, text))
    strange = sorted({text for text in source if text.startswith(SOURCE_PREFIX) and text not in known})
    faults = [
        Fault(
            *(table.file, table.sheet, None, header[at["source"]]),
            f"这里没有导入过编号为“{shown(text)}”的来源",
            "把该列改为资料名称（见导出的来源表）",
        )
        for text in strange[:MAX_FAULTS]
    ]
    if len(strange) > MAX_FAULTS:
        faults.append(faults_not_listed(table.file, table.sheet, len(strange) - MAX_FAULTS))
    left_out = int((~there).sum())
    notes = [f"{left_out} 行没有数据（导出时只有界线），未导入"] if left_out else []
    dropped = {at[name] for name in ("indicator_name", "source_title") if name in at}
    back = _table(table, header, cells[there], dropped)
    return replace(back, faults=(*table.faults, *faults), notes=(*table.notes, *notes))


def _said_titles(sources: pd.Series, titles: pd.Series) -> dict[str, str]:
    """Return the titles that a table gives its imported sources, by their ids."""
    pairs = zip(sources, titles, strict=True)
    return {
        one: title
        for one, title in pairs
        if one.startswith(SOURCE_PREFIX) and title and not title.startswith(SOURCE_PREFIX)
    }


def _positions(header: tuple[str, ...]) -> dict[str, int]:
    """Return the place of each exported column by its name in code, however the file heads it."""
    places = {match_key(text): place for place, text in reversed(list(enumerate(header)))}
    out = {}
    for name, one in load_export_fields().items():
        for text in (one.title, one.name, one.short):
            if match_key(text) in places:
                out[name] = places[match_key(text)]
                break
    return out


def _position(header: list[str], titles: tuple[str, ...]) -> int | None:
    return next((place for place, text in enumerate(header) if text in titles), None)


def _unguarded(table: RawTable) -> pd.DataFrame:
    """Return the cells without the apostrophe that a CSV puts in front of what would run as a formula."""
    cells = table.cells.copy()
    if table.delimiter is not None:
        for name in cells:
            guarded = cells[name].str.startswith("'")
            if guarded.any():
                cells[name] = cells[name].where(~guarded, cells[name].map(unguarded))
    return cells


def _plain_numbers(cells: pd.DataFrame, places: list[int]) -> pd.DataFrame:
    """Return the cells with exponents written out: refused in what people type, exact in what we wrote."""
    for place in places:
        written = cells[place].str.fullmatch(_SCIENTIFIC)
        if written.any():
            cells.loc[written, place] = [number_text(float(text)) for text in cells.loc[written, place]]
    return cells


def _table(table: RawTable, header: list[str], cells: pd.DataFrame, dropped: set[int]) -> RawTable:
    """Return the table with other headings and cells, without the columns at some places."""
    kept = [place for place in range(len(header)) if place not in dropped]
    cells = cells[kept].set_axis(range(len(kept)), axis="columns")
    return replace(table, header=tuple(header[place] for place in kept), cells=cells)
