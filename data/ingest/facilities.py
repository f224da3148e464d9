"""Facilities from a person's table or spatial file: checked, put into CGCS2000 once, placed in their county.

Points beyond the province are kept, because people near the border use them. Nothing is merged: what may
stand twice, lie outside its stated county, or be in another datum than declared is reported.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.faults import FaultReport
from data.ingest.datum_check import KNOWN_SAMPLE, DatumReport, check_datum, sampled_names
from data.ingest.duplicates import Duplicates, NameReader, find_duplicates
from data.ingest.exported import EXPORTED_COLUMNS, datum_of, facilities_back, precision_of
from data.ingest.facility_rows import (
    FACILITY_FORM,
    FACILITY_FORM_COLUMNS,
    FacilityColumns,
    facility_ids,
    origins,
)
from data.ingest.facility_store import (
    FACILITY_COLUMNS,
    facility_source_id,
    load_imported_facilities,
    read_facility_table,
    table_file,
    write_facilities,
)
from data.ingest.facility_vector import read_vector_table
from data.ingest.matching import RegionMatcher, match_columns
from data.ingest.reading import FaultList
from data.ingest.summary import ImportSummary
from data.ingest.tabular import RawTable, read_table
from data.registry.facility_models import FacilityType, load_facility_types
from data.store.build_lock import build_lock
from data.store.staging import StagedImport, imports_dir
from geo.crs import STORE_CRS, Datum, parse_datum, to_cgcs2000
from geo.errors import DataFaultError
from geo.region_tree import inside
from geo.regions import locate

VECTOR_SUFFIXES: Final = (".gpkg", ".geojson", ".json", ".zip")
_SHOWN_DUPLICATES = 5
# What a row said of its county is checked and then of no further use.
_NOT_COMPARED = ["stated_adcode"]
_MAX_TITLE = 120


@dataclass(frozen=True)
class FacilityImport:
    """Facilities without a fault, and what a person should look at.

    ``frame``: ``FACILITY_COLUMNS`` (id, name, type, level, capacity, capacity_unit, lon, lat, adcode, source,
    precision, original_datum, as_of; positions in CGCS2000, adcode None beyond the province; address,
    stated_adcode, note, origin_id, origin_source), by id. ``duplicates``: pairs within the file and, where
    there are others, across sources (``data.ingest.duplicates``). ``datum``: how well the points fit their
    datum. ``misplaced`` counts points outside the county that their row states, ``outside`` points beyond the
    province.
    """

    frame: pd.DataFrame
    title: str
    duplicates: pd.DataFrame
    datum: DatumReport
    outside: int
    misplaced: int
    notes: tuple[str, ...]


def read_facilities(
    path: Path,
    *,
    facility_type: str | None,
    datum: str,
    regions: gpd.GeoDataFrame,
    types: Mapping[str, FacilityType] | None = None,
    source: str | None = None,
    layer: str | None = None,
    others: pd.DataFrame | None = None,
) -> FacilityImport:
    """Return the facilities of a CSV, XLSX, GeoPackage, GeoJSON or zipped shapefile.

    ``facility_type`` is the type of rows that name none (id of ``types``, by default the registry's).
    ``datum`` is what the coordinates are in: wgs84, cgcs2000, gcj02 or bd09; anything else raises
    ``DatumError`` with the reason. ``regions`` is the region table with geometry (EPSG:4490, adcode as column
    or index, levels down to counties). ``source`` is the title of the source (default: the file's name).
    Facilities that the program exported keep what was said of them: precision and original datum of their
    places, note, the list that they first came from, and in the list that they were exported from their id.
    All others count as surveyed.
    ``others`` are facilities already known (``STORED_COLUMNS``), to find duplicates across sources. Raises
    ``FaultReport`` with every fault; row numbers of spatial files count features from 1.
    """
    declared = parse_datum(datum)
    known = dict(types if types is not None else load_facility_types())
    if facility_type is not None and facility_type not in known:
        raise DataFaultError(f"没有设施类型“{facility_type}”；可选：{'、'.join(known)}。")
    title = _title(path, source)
    is_vector = path.suffix.lower() in VECTOR_SUFFIXES
    table, exported = facilities_back(
        read_vector_table(path, declared, layer=layer) if is_vector else read_table(path), declared
    )
    faults = FaultList(table.file, table.sheet)
    faults.extend(table.faults)
    rows, notes = _checked_rows(table, facility_type, known, regions, faults, title=title, exported=exported)
    faults.raise_if_any()
    # A long list weighs as much as all that is made of it: what has been read is let go.
    file, table_notes = table.file, table.notes
    del table
    placed = _placed(rows, declared, regions)
    del rows
    _refuse_elsewhere(file, placed, declared)
    own_source = facility_source_id(title)
    elsewhere = None if others is None else others[others["source"] != own_source]
    report = _datum_report(placed, declared, regions, elsewhere)
    outside, misplaced = int(placed["adcode"].isna().sum()), int(_misplaced(placed, regions).sum())
    stated = int(placed["stated_adcode"].notna().sum())
    frame = _frame(placed, title, facility_type, declared, known)
    duplicates = find_duplicates(frame, others=elsewhere, types=known, places=_places(regions))
    found = FacilityImport(frame, title, duplicates.pairs, report, outside, misplaced, ())
    return replace(found, notes=(*table_notes, *notes, *_remarks(found, duplicates, stated)))


def import_facilities(
    path: Path,
    data_dir: Path,
    *,
    facility_type: str | None,
    datum: str,
    regions: gpd.GeoDataFrame,
    types: Mapping[str, FacilityType] | None = None,
    source: str | None = None,
    layer: str | None = None,
    rebuild: Callable[[], object] | None = None,
) -> ImportSummary:
    """Check ``path`` and take its facilities into ``imports/facilities/``; return what changed.

    A file of the same source (and the same ``facility_type``) takes the earlier one's place as a whole: a
    list of facilities has no key by which single rows could be corrected. ``rebuild`` builds the store anew;
    when it raises, the import is taken back. Otherwise as ``read_facilities``.
    """
    found = read_facilities(
        path,
        facility_type=facility_type,
        datum=datum,
        regions=regions,
        types=types,
        source=source,
        layer=layer,
        others=load_imported_facilities(data_dir),
    )
    return store_facilities(found, data_dir, path.name, facility_type=facility_type, rebuild=rebuild)


def store_facilities(
    found: FacilityImport,
    data_dir: Path,
    file: str,
    *,
    facility_type: str | None = None,
    rebuild: Callable[[], object] | None = None,
) -> ImportSummary:
    """Take checked facilities (of ``file``) into ``imports/facilities/``; as `import_facilities`."""
    name = table_file(found.title, facility_type)
    # From here to the build nobody else may write: what is compared with must still be what is replaced.
    with build_lock(data_dir):
        target = imports_dir(data_dir) / name
        before = read_facility_table(target)[0] if target.exists() else None
        stored = found.frame.drop(columns=_NOT_COMPARED).reset_index(drop=True)
        unchanged = before is not None and stored.equals(before.drop(columns=_NOT_COMPARED))
        if not unchanged:
            obtained = f"导入自 {file}"
            write = partial(write_facilities, frame=found.frame, title=found.title, obtained=obtained)
            with StagedImport.stage(data_dir, name, write):
                if rebuild is not None:
                    rebuild()
    kept = 0 if before is None else int(stored["id"].isin(before["id"]).sum())
    return ImportSummary(
        kind="facilities",
        file=file,
        rows=len(stored),
        added=len(stored) - kept,
        unchanged=kept,
        files=() if unchanged else (name,),
        notes=(*found.notes, *_replaced(found.title, before, kept, unchanged=unchanged)),
        details=_details(found),
    )


def _replaced(title: str, before: pd.DataFrame | None, kept: int, *, unchanged: bool) -> list[str]:
    """Return the note that an earlier list was replaced, and how many of it are gone."""
    if before is None or unchanged:
        return []
    gone = len(before) - kept
    return [f"来源“{title}”此前导入的 {len(before)} 个设施已整份替换，其中 {gone} 个不在新文件里"]


def _title(path: Path, source: str | None) -> str:
    title = (source or path.stem).strip()
    if not title or len(title) > _MAX_TITLE:
        raise DataFaultError(f"来源名称应为 1 至 {_MAX_TITLE} 字。")
    return title


def _checked_rows(
    table: RawTable,
    facility_type: str | None,
    types: Mapping[str, FacilityType],
    regions: gpd.GeoDataFrame,
    faults: FaultList,
    *,
    title: str,
    exported: bool,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows as values (NaN or None where a fault was added), and notes."""
    form = (*FACILITY_FORM_COLUMNS, *EXPORTED_COLUMNS) if exported else FACILITY_FORM_COLUMNS
    matched = match_columns(table, form, faults, form=FACILITY_FORM)
    if len(matched.frame) == 0:
        faults.add(None, None, "只有表头，没有数据", "在表头下面逐行填写设施")
    if matched.missing:
        raise FaultReport(faults.report())
    check = FacilityColumns(matched.frame, matched.headers, faults)
    lon, lat = check.coordinates()
    count = len(matched.frame)
    columns = {
        "name": check.names(),
        "type": check.types(types, facility_type),
        "level": check.texts("level"),
        "capacity": check.capacities(),
        "capacity_unit": check.texts("capacity_unit"),
        "lon": lon,
        "lat": lat,
        "stated_adcode": check.stated(RegionMatcher(regions)),
        "address": check.texts("address"),
        "note": check.texts("note"),
        "as_of": check.dates(dt.date.today()),
        "precision": check.mapped("precision", precision_of) if exported else _all("surveyed", count),
        "stated_datum": check.mapped("datum", datum_of) if exported else _all("", count),
        "key": check.texts("key"),
        **origins(matched.frame, title, exported=exported),
    }
    rows = pd.DataFrame({name: _column(values) for name, values in columns.items()})
    return rows, [*matched.notes, *check.notes]


def _all(text: str, count: int) -> np.ndarray:
    return np.full(count, text, dtype=object)


def _column(values: np.ndarray) -> pd.Series:
    """Return an array as a column of its own dtype: text is not copied into another form of text."""
    return pd.Series(values, dtype=values.dtype)


def _counties(regions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return regions[regions["level"] == "county"]


def _places(regions: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Return the names of regions, the longest first, as facilities' names begin with them."""
    names = {str(name) for column in ("name", "short_name") for name in regions[column].dropna()}
    return tuple(sorted((name for name in names if len(name) >= 2), key=lambda name: (-len(name), name)))


def _placed(rows: pd.DataFrame, datum: Datum, regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the rows with positions in CGCS2000 (as given: given_lon, given_lat) and their county."""
    lon, lat = to_cgcs2000(rows["lon"], rows["lat"], datum)
    county = locate(lon, lat, _counties(regions), crs=STORE_CRS)
    return rows.assign(given_lon=rows["lon"], given_lat=rows["lat"], lon=lon, lat=lat, adcode=_column(county))


def _refuse_elsewhere(file: str, placed: pd.DataFrame, datum: Datum) -> None:
    if placed["adcode"].isna().all():
        middle = f"{placed['lon'].median():.3f}，{placed['lat'].median():.3f}"
        faults = FaultList(file, None)
        faults.add(
            None,
            None,
            f"全部 {len(placed)} 个点都不在江苏省内（中位坐标 {middle}）",
            f"核对坐标和坐标基准（声明为 {datum}），确认选对了文件",
        )
        faults.raise_if_any()


def _frame(
    placed: pd.DataFrame,
    title: str,
    facility_type: str | None,
    datum: Datum,
    types: Mapping[str, FacilityType],
) -> pd.DataFrame:
    """Return the facilities with ids, units and origin, by id; ``placed`` is used up column by column."""
    unit = placed["type"].map({key: entry.capacity_unit or None for key, entry in types.items()})
    given, stated = placed["capacity_unit"], placed["stated_datum"]
    ids = facility_ids(placed, f"t{table_file(title, facility_type).partition('-')[2][:8]}-")
    order = pc.sort_indices(pa.array(ids, type=pa.string())).to_numpy()
    made: dict[str, pd.Series | np.ndarray] = {
        "id": np.array(ids, dtype=object),
        "capacity_unit": given.where(given.notna(), unit.where(placed["capacity"].notna(), None)),
        "source": _all(facility_source_id(title), len(placed)),
        "original_datum": stated.where(stated != "", datum),
    }
    return pd.DataFrame(
        {
            name: _column(_plain(made.pop(name) if name in made else placed.pop(name))[order])
            for name in FACILITY_COLUMNS
        }
    )


def _plain(column: pd.Series | np.ndarray) -> np.ndarray:
    """Return a column as numbers, or as texts with None where there is none."""
    values = np.asarray(column)
    if values.dtype.kind == "f":
        return values
    values = np.array(values, dtype=object)
    missing = pd.isna(values)
    if missing.any():
        values[missing] = None
    return values


def _misplaced(placed: pd.DataFrame, regions: pd.DataFrame) -> pd.Series:
    """Return which rows state a region that does not hold their point."""
    (stated, wanted), (held, places) = (pd.factorize(placed[name]) for name in ("stated_adcode", "adcode"))
    # The last row and column stand for nothing stated, and for points in no county.
    fits = np.zeros((len(wanted) + 1, len(places) + 1), dtype=bool)
    fits[-1, :] = True
    for row, code in enumerate(wanted):
        fits[row, :-1] = pd.Index(places).isin(inside(regions, code))
    return pd.Series(~fits[stated, held], index=placed.index)


def _datum_report(
    placed: pd.DataFrame, datum: Datum, regions: gpd.GeoDataFrame, elsewhere: pd.DataFrame | None
) -> DatumReport:
    keys = known = None
    if elsewhere is not None and len(elsewhere):
        read = NameReader(_places(regions))
        known = sampled_names(elsewhere, KNOWN_SAMPLE)
        known = known[["lon", "lat"]].assign(key=_keys(known, read))
        chosen = sampled_names(placed)
        keys = pd.Series(None, index=placed.index, dtype=object)
        keys[chosen.index] = _keys(chosen, read)
    return check_datum(
        placed["given_lon"],
        placed["given_lat"],
        datum,
        stated=placed["stated_adcode"],
        counties=_counties(regions),
        keys=keys,
        known=known,
    )


def _keys(frame: pd.DataFrame, read: NameReader) -> list[str]:
    """Return what a facility is known by across sources: its name, without the places in front of it."""
    return [read(str(name)) for name in frame["name"].to_numpy(dtype=object)]


def _remarks(found: FacilityImport, duplicates: Duplicates, stated: int) -> list[str]:
    """Return the Chinese sentences on everything a person should look at."""
    notes = []
    if found.outside:
        notes.append(f"{found.outside} 个点在省外：予以保留，计入省界附近的可达性，不计入任何县（市、区）")
    if found.misplaced:
        share = found.misplaced / stated
        notes.append(f"{found.misplaced} 个点不在所填的县（市、区）内，占填写了地区的 {share:.1%}")
    if found.datum.suggested is not None:
        remedy = f"请核实后用 --datum {found.datum.suggested} 重新导入"
        notes.append(f"坐标基准可疑：{found.datum.reason}。{remedy}")
    pairs = found.duplicates
    notes += duplicates.notes
    if len(pairs):
        across = int((pairs["source_a"] != pairs["source_b"]).sum())
        where = f"本文件内 {len(pairs) - across}，与其他来源 {across}"
        notes.append(f"疑似重复 {len(pairs)} 对（{where}）：均已保留，请核对")
        for pair in pairs.head(_SHOWN_DUPLICATES).itertuples():
            notes.append(f"  {pair.name_a} / {pair.name_b}，相距 {pair.distance_m:.0f} 米")
        if len(pairs) > _SHOWN_DUPLICATES:
            notes.append(f"  ……另有 {len(pairs) - _SHOWN_DUPLICATES} 对")
    return notes


def _details(found: FacilityImport) -> dict[str, object]:
    counts = found.frame["type"].value_counts()
    return {
        "source": found.title,
        "types": {str(kind): int(counts[kind]) for kind in sorted(counts.index)},
        "outside": found.outside,
        "misplaced": found.misplaced,
        "mismatch_share": None if np.isnan(found.datum.mismatch_share) else found.datum.mismatch_share,
        "suggested_datum": found.datum.suggested,
        "duplicates": found.duplicates.astype(object)
        .where(found.duplicates.notna(), None)
        .to_dict("records"),
    }
