"""The door for official county boundaries: a complete, gap-free set of the 95 counties takes the packaged
one's place.

Only the whole set is taken. A part would have to meet the packaged boundaries along its rim, which differ
by metres to hundreds of metres from any survey: gaps and overlaps on every shared edge.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.faults import Fault, raise_if_any
from data.ingest.cells import CellProblem, match_key, shown
from data.ingest.matching import RegionMatcher
from data.ingest.reading import FaultList
from data.ingest.summary import ImportSummary
from data.ingest.vector import read_vector, to_store_datum
from data.ingest.vector_source import refuse
from data.regions.boundaries import (
    IMPORT_NAME,
    load_imported_boundaries,
    load_packaged_boundaries,
    load_region_codes,
)
from data.registry.import_models import load_import_checks
from data.store.staging import StagedImport
from geo.crs import ALBERS, STORE_CRS, Datum, from_cgcs2000, parse_datum, to_albers, to_cgcs2000
from geo.regions import coverage_problems

CODE_HEADERS = (
    "adcode",
    "行政区划代码",
    "区划代码",
    "区划码",
    "代码",
    "xzqdm",
    "xzqhdm",
    "pac",
    "code",
    "dm",
    "gb",
)
"""Column names under which a county code is looked for, in this order."""

# What is narrower than this between two counties is no land of its own.
_SLIVER_M = 1.0
_MOVED_AREA_M2 = 1000.0
_DATUM_WORDS: dict[Datum, str] = {"cgcs2000": "WGS84/CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}


def import_boundaries(
    path: Path,
    data_dir: Path,
    datum: Datum,
    *,
    layer: str | None = None,
    source: str | None = None,
    source_date: str | None = None,
    rebuild: Callable[[], object] | None = None,
) -> ImportSummary:
    """Check ``path`` and make it the boundaries of ``data_dir``; return what happened.

    ``rebuild`` builds the store anew; when it raises, the import is taken back. Otherwise as
    ``stage_boundaries``.
    """
    checked = read_boundaries(path, datum, layer=layer, source=source, source_date=source_date)
    return store_boundaries(checked, data_dir, path.name, rebuild=rebuild)


@dataclass(frozen=True)
class CheckedBoundaries:
    """Boundaries without a fault.

    ``frame``: adcode, name (ours), source, source_date, datum, geometry (EPSG:4490, a valid coverage), by
    adcode. ``notes``: Chinese sentences on what was done to them.
    """

    frame: gpd.GeoDataFrame
    notes: tuple[str, ...]


def store_boundaries(
    checked: CheckedBoundaries,
    data_dir: Path,
    file: str,
    *,
    rebuild: Callable[[], object] | None = None,
) -> ImportSummary:
    """Make checked boundaries (of ``file``) those of ``data_dir``; return what happened.

    ``rebuild`` builds the store anew; when it raises, the import is taken back.
    """
    before = load_imported_boundaries(data_dir)
    staged = _stage(checked, data_dir)
    rows = len(checked.frame)
    with staged:
        if rebuild is not None:
            rebuild()
    counts = {"added": rows} if before is None else {"updated": rows}
    return ImportSummary(
        kind="boundaries",
        file=file,
        rows=rows,
        **counts,
        files=(IMPORT_NAME,),
        notes=checked.notes,
        details={key: staged.summary[key] for key in ("source", "source_date", "datum")},
    )


def _stage(checked: CheckedBoundaries, data_dir: Path) -> StagedImport:
    frame = checked.frame
    summary = {
        "rows": len(frame),
        **{key: str(frame[key].iloc[0]) for key in ("source", "source_date", "datum")},
        "notes": list(checked.notes),
    }
    return StagedImport.stage(data_dir, IMPORT_NAME, frame.to_parquet, summary=summary)


def stage_boundaries(
    path: Path,
    data_dir: Path,
    datum: Datum,
    *,
    layer: str | None = None,
    source: str | None = None,
    source_date: str | None = None,
) -> StagedImport:
    """Return the boundaries of ``path``, checked and staged for ``imports/``. As `read_boundaries`."""
    return _stage(read_boundaries(path, datum, layer=layer, source=source, source_date=source_date), data_dir)


def read_boundaries(
    path: Path,
    datum: Datum,
    *,
    layer: str | None = None,
    source: str | None = None,
    source_date: str | None = None,
) -> CheckedBoundaries:
    """Return the checked and normalised boundaries of ``path``; writes nothing.

    The file (GeoPackage, GeoJSON, zipped shapefile) holds one polygon feature for each of the 95 counties
    and a column of their codes (one of ``CODE_HEADERS``; text or whole numbers). ``datum`` is what its
    coordinates are in.

    Raises ``FaultReport`` with every fault: codes that are missing, unknown, former or duplicate; geometry
    that is broken or no polygon; another datum than stated (told by comparison with the packaged
    boundaries); areas beyond half or twice the packaged; gaps and overlaps over 1 m².
    """
    datum = parse_datum(datum)
    frame = read_vector(path, layer=layer, datum=datum)
    codes = _checked_codes(path.name, frame)
    _check_polygons(path.name, frame)
    counties = gpd.GeoDataFrame({"adcode": codes}, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    counties = counties.sort_values("adcode", ignore_index=True)
    packaged = load_packaged_boundaries()
    stored = to_store_datum(counties, datum, path.name)
    _check_place(path.name, stored, packaged, datum)
    raise_if_any(_area_faults(path.name, stored, packaged) + _tiling_faults(path.name, counties))
    matched, notes = _matched_edges(path.name, counties)
    if notes:
        stored = to_store_datum(matched, datum, path.name)
    names = load_region_codes().query("level == 'county' and valid_to.isna()").set_index("adcode")["name"]
    result = gpd.GeoDataFrame(
        {
            "adcode": stored["adcode"],
            "name": stored["adcode"].map(names),
            "source": source or f"导入自 {path.name}",
            "source_date": source_date or "未注明",
            "datum": datum,
        },
        geometry=stored.geometry,
        crs=STORE_CRS,
    )
    return CheckedBoundaries(result, tuple(notes))


def _checked_codes(file: str, frame: gpd.GeoDataFrame) -> pd.Series:
    """Return the adcode of every feature (index of ``frame``); raise every fault of codes and of the set."""
    column = _code_column(file, frame)
    current = load_region_codes().query("valid_to.isna()")
    counties = current[current["level"] == "county"].set_index("adcode")["name"]
    matcher = RegionMatcher(current)
    found = FaultList(file, None)
    codes: dict[object, str] = {}
    first: dict[str, int] = {}
    for row, (index, value) in enumerate(frame[column].items(), start=1):
        try:
            code = matcher.match_code(_code_text(value))
            if code not in counties.index:
                raise CellProblem(f"{code} 不是县（市、区）的代码", "只保留县级图斑，删去省、市级的")
            if code in first:
                raise CellProblem(
                    f"代码 {code} 与第 {first[code]} 个要素重复", "把同一县的图斑合并为一个多部件要素"
                )
        except CellProblem as problem:
            found.add(row, str(column), problem.problem, problem.remedy)
            continue
        first[code] = row
        codes[index] = code
    absent = [code for code in counties.index if code not in first]
    if absent:
        named = "、".join(f"{code} {counties[code]}" for code in absent[:20]) + (
            "等" if len(absent) > 20 else ""
        )
        remedy = "导入覆盖全省 95 个县（市、区）的完整边界；只换一部分会在接边处留下缝隙和重叠"
        found.add(None, str(column), f"缺少 {len(absent)} 个县（市、区）：{named}", remedy)
    found.raise_if_any()
    return pd.Series(codes).reindex(frame.index)


def _code_column(file: str, frame: gpd.GeoDataFrame) -> str:
    by_key = {
        match_key(str(column)): str(column) for column in frame.columns if column != frame.geometry.name
    }
    for header in CODE_HEADERS:
        if header in by_key:
            return by_key[header]
    columns = "、".join(shown(name) for name in list(by_key.values())[:20]) or "没有属性字段"
    raise refuse(file, f"没有行政区划代码字段（现有字段：{columns}）", "把六位代码所在的字段命名为 adcode")


def _code_text(value: object) -> str:
    """Return the text of a code cell; a whole number of a numeric field is its digits (no code starts with
    0).
    """
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _check_polygons(file: str, frame: gpd.GeoDataFrame) -> None:
    found = FaultList(file, None)
    for row, kind in enumerate(frame.geometry.geom_type, start=1):
        if kind not in ("Polygon", "MultiPolygon"):
            found.add(row, None, f"图形类型是 {kind}，不是面", "把边界线构成面后再导入")
    found.raise_if_any()


def _centres(shapes: np.ndarray) -> np.ndarray:
    """Return the centroids (metres, ALBERS) of shapes in CGCS2000 degrees."""
    found: np.ndarray = shapely.get_coordinates(
        gpd.GeoSeries(shapes, crs=STORE_CRS).to_crs(ALBERS).centroid.to_numpy()
    )
    return found


def _check_place(file: str, counties: gpd.GeoDataFrame, packaged: gpd.GeoDataFrame, datum: Datum) -> None:
    """Refuse boundaries that lie elsewhere than the packaged ones, naming the datum that would explain it.

    The median over 95 counties is taken: a county whose sea or lake is drawn differently moves its own
    middle only.
    """
    known = _centres(packaged.geometry.to_numpy())
    centres = _centres(counties.geometry.to_numpy())
    offset = float(np.median(np.hypot(*(centres - known).T)))
    # Two sources agree about a county's middle to well under this; datums differ by much more.
    most = load_import_checks().boundary_shift_m
    if offset <= most:
        return
    lon, lat = shapely.get_coordinates(
        gpd.GeoSeries(gpd.points_from_xy(*centres.T), crs=ALBERS).to_crs(STORE_CRS).to_numpy()
    ).T
    for other, word in _DATUM_WORDS.items():
        # Back to the file's own numbers, then read as the other datum.
        x, y = _reinterpreted(lon, lat, datum, other)
        points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=STORE_CRS).to_crs(ALBERS)
        distance = float(np.median(np.hypot(*(shapely.get_coordinates(points.to_numpy()) - known).T)))
        if distance <= most:
            problem = f"按声明的基准，边界整体偏移约 {offset:,.0f} 米；按 {word} 解读则与已有边界吻合"
            raise refuse(file, problem, f"核对数据的坐标基准；若确为 {word}，导入时改选它")
    raise refuse(
        file,
        f"边界与已有边界相差约 {offset / 1000:,.1f} 公里（各县中心距离的中位数）",
        "核对坐标系、投影带和区划代码是否对应",
    )


def _reinterpreted(
    lon: np.ndarray, lat: np.ndarray, declared: Datum, other: Datum
) -> tuple[np.ndarray, np.ndarray]:
    return to_cgcs2000(*from_cgcs2000(lon, lat, declared), other)


def _area_faults(file: str, counties: gpd.GeoDataFrame, packaged: gpd.GeoDataFrame) -> list[Fault]:
    ratio = to_albers(counties).geometry.area.to_numpy() / to_albers(packaged).geometry.area.to_numpy()
    # Sea, lakes and disputed mudflats change a county's area, but not by these factors.
    low, high = load_import_checks().boundary_area_ratio
    return [
        Fault(
            file,
            None,
            None,
            None,
            f"{code} {name} 的面积是已有边界的 {value:.2f} 倍",
            "核对该县的图形是否完整、代码是否对应",
        )
        for code, name, value in zip(counties["adcode"], packaged["name"], ratio, strict=True)
        if not low <= value <= high
    ]


def _tiling_faults(file: str, counties: gpd.GeoDataFrame) -> list[Fault]:
    remedy = "用拓扑检查工具消除缝隙和重叠后重新导出"
    return [Fault(file, None, None, None, problem, remedy) for problem in coverage_problems(counties)]


def _matched_edges(file: str, counties: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the counties with edges that match to the last bit, and a note when that moved anything.

    Gaps and overlaps are under a square metre by now: vertices of one side that the other lacks, rounding.
    This is done in the file's own CRS: a straight edge with a vertex on one side only is straight nowhere
    else.
    """
    shapes = counties.geometry.to_numpy()
    if shapely.coverage_is_valid(shapes):
        return counties, []
    metres_per_unit = 1.0 if counties.crs.is_projected else 1e5
    cleaned = shapely.coverage_clean(shapes, gap_width=_SLIVER_M / metres_per_unit)
    intact = shapely.is_valid(cleaned) & ~shapely.is_empty(cleaned)
    result = counties.set_geometry(gpd.GeoSeries(cleaned, index=counties.index, crs=counties.crs))
    change = np.abs(shapely.area(cleaned) / shapely.area(shapes) - 1.0)
    moved = float((change * to_albers(counties).geometry.area).max())
    if not (intact.all() and shapely.coverage_is_valid(cleaned) and moved < _MOVED_AREA_M2):
        raise refuse(file, "相邻县的公共边界不一致，无法自动对齐", "用拓扑工具对齐公共边界后重新导出")
    return result, [f"相邻县公共边界的顶点不完全一致，已自动对齐（面积变化最多 {moved:,.2f} m²）。"]
