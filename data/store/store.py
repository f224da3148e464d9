"""The store as everybody reads it: typed queries on an immutable version; a newer one is noticed at once."""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import pandas as pd

from data.store.files import DAMAGED, disk_is_full, in_words, is_disk_fault
from data.store.schema import SCHEMA_VERSION, TABLES
from data.store.versions import (
    CORRIDOR_STRIPS,
    CORRIDORS,
    DATABASE,
    POPULATION_GRID,
    REMEDY,
    ZOOMS,
    Marks,
    Pointer,
    data_dir,
    find_damage,
    marks,
    read_pointer,
    share_folder,
)
from geo.errors import StoreError, UnknownIndicatorError, UnknownRegionError
from geo.region_tree import TABLE_LEVELS

__all__ = ["Store", "connect", "data_dir", "open_store"]

# When several sources give a value for one region and year, the first of these is shown.
_PRECEDENCE = (
    "CASE quality WHEN 'official' THEN 0 WHEN 'imported' THEN 1 WHEN 'derived' THEN 2 ELSE 3 END, source"
)
_LEVEL_ORDER = f"list_position({list(TABLE_LEVELS)}, level)"


def connect(path: Path, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file: the only place that does.

    Readers cannot reach any other file or the network through SQL. Raises `StoreError` when the file is
    missing, broken or held by a writer.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if read_only:
        config["enable_external_access"] = "false"
        config["lock_configuration"] = "true"
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as fault:
        if disk_is_full(fault):
            raise StoreError(
                f"无法写入数据库文件 {path}：{in_words(fault)}。请腾出空间后再试一次。"
            ) from fault
        raise StoreError(f"无法打开数据库文件 {path}：{in_words(fault)}。{REMEDY}") from fault


class Store:
    """One version of the data, open for reading; safe to share between threads.

    Every query runs on a cursor of its own, and every frame returned belongs to the caller. NULL is NaN in
    text and number columns alike. ``boundary_source`` and ``boundary_date`` are what a map with these
    boundaries must say; ``boundary_imported`` is whether an office's own file stands in for the packaged
    one. Raises `StoreError` when the folder is missing or of another schema version.
    """

    def __init__(self, folder: Path) -> None:
        """Open the store in ``folder`` (one `store-…` folder, not the data directory)."""
        self.folder = folder
        if not (folder / DATABASE).is_file():
            raise StoreError(f"数据库目录 {folder} 不完整：缺少 {DATABASE}。{REMEDY}")
        try:
            mark = share_folder(folder)
        except OSError as fault:
            raise StoreError(f"无法读取数据库目录 {folder}：{in_words(fault)}。{REMEDY}") from fault
        self._release = weakref.finalize(self, os.close, mark)
        self._lock = threading.Lock()
        self._frames: dict[str, gpd.GeoDataFrame] = {}
        try:
            self._connection = connect(folder / DATABASE)
        except StoreError:
            self._release()
            raise
        meta = self._meta()
        if meta.get("schema_version") != str(SCHEMA_VERSION):
            self.close()
            raise StoreError(
                f"数据库结构版本为 {meta.get('schema_version', '未知')}，程序需要 {SCHEMA_VERSION}。{REMEDY}"
            )
        self.schema_version: int = SCHEMA_VERSION
        self.data_version: str = meta.get("data_version", "")
        self.built_at: str = meta.get("built_at", "")
        self.boundary_source: str = meta.get("boundary_source", "")
        self.boundary_date: str = meta.get("boundary_date", "")
        self.boundary_imported: bool = meta.get("boundary_imported") == "yes"

    def _meta(self) -> dict[str, str]:
        try:
            return dict(self.query("SELECT key, value FROM meta").itertuples(index=False, name=None))
        except (duckdb.Error, StoreError) as fault:
            self.close()
            raise StoreError(f"数据库 {self.folder} 不是本程序的数据库：{fault}。{REMEDY}") from fault

    def close(self) -> None:
        """Close the connection and let a later build remove this version."""
        self._connection.close()
        self._release()

    def query(self, sql: str, parameters: Sequence[Any] | None = None) -> pd.DataFrame:
        """Return the rows of one read-only statement; values are bound as ``?`` parameters.

        Raises `StoreError` when the database file was damaged since it was opened.
        """
        try:
            with self._lock:
                cursor = self._connection.cursor()
            try:
                frame = cursor.execute(sql, parameters).df()
            finally:
                cursor.close()
        except duckdb.Error as fault:
            if not is_disk_fault(fault):
                raise
            raise StoreError(f"数据库 {self.folder} 无法读取：{in_words(fault)}。{REMEDY}") from fault
        # A text column that is NULL throughout would come as objects; give it the type it has otherwise.
        empty = [name for name in frame.columns if frame[name].dtype == object and frame[name].isna().all()]
        return frame.astype(dict.fromkeys(empty, "str")) if empty else frame

    def table(self, name: str) -> pd.DataFrame:
        """Return a whole table of the schema in stored order; `StoreError` for any other name."""
        if name not in TABLES:
            raise StoreError(f"没有名为 {name} 的表")
        return self.query(f'SELECT * FROM "{name}" ORDER BY rowid')  # noqa: S608

    # Regions

    def region_table(self, level: str | None = None) -> pd.DataFrame:
        """Return the regions of a level (None: all) without geometry: index adcode, columns of ``region``.

        Order: level from the province down, then adcode. `UnknownRegionError` for an unknown level.
        """
        _require_level(level)
        frame = self.query(
            f"SELECT * FROM region WHERE ? IS NULL OR level = ? ORDER BY {_LEVEL_ORDER}, adcode",  # noqa: S608
            [level, level],
        )
        return frame.set_index("adcode", drop=False).rename_axis(None)

    def regions(self, level: str | None = None, *, zoom: str = "province") -> gpd.GeoDataFrame:
        """Return the regions of a level with geometry (EPSG:4490): index adcode, columns of ``region``.

        ``zoom`` chooses how far the borders are simplified: for the whole province on the screen, one
        ``prefecture`` or one ``county``; ``full`` is the unsimplified border. Regions without geometry
        (未分配) are not in it.
        """
        _require_level(level)
        shapes = self._shapes(zoom)
        table = self.region_table(level)
        table = table[table.index.isin(shapes.index)]
        geometry = shapes.loc[table.index, "geometry"]
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(geometry, crs=shapes.crs), crs=shapes.crs)

    def _shapes(self, zoom: str) -> gpd.GeoDataFrame:
        """Return adcode and geometry of one zoom class, read once."""
        if zoom not in (*ZOOMS, "full"):
            raise StoreError(f"没有“{zoom}”这一级的边界；可用：{'、'.join((*ZOOMS, 'full'))}")
        with self._lock:
            if zoom not in self._frames:
                with self._reading("边界文件", f"regions_{zoom}") as path:
                    frame = gpd.read_parquet(path, columns=["adcode", "geometry"])
                    self._frames[zoom] = frame.set_index("adcode")
            return self._frames[zoom]

    @contextmanager
    def _reading(self, what: str, name: str) -> Iterator[Path]:
        """Give the path of a parquet file; whatever reading it raises becomes a `StoreError`."""
        path = self.folder / f"{name}.parquet"
        try:
            if not path.is_file():
                raise FileNotFoundError(errno.ENOENT, "no file")
            yield path
        except DAMAGED as fault:
            raise StoreError(f"{what} {path} 无法读取：{in_words(fault)}。{REMEDY}") from fault

    # Indicators and facts

    def indicators(self) -> pd.DataFrame:
        """Return every indicator: index id, columns of ``indicator``, and lists ``levels`` and ``years``.

        The lists name where defined values exist: ``levels`` from the province down, ``years`` upward.
        """
        frame = self.table("indicator")
        held = self.query(
            "SELECT indicator, list(DISTINCT level) AS levels, list(DISTINCT year ORDER BY year) AS years "
            "FROM fact JOIN region USING (adcode) WHERE value IS NOT NULL GROUP BY indicator"
        ).set_index("indicator")
        levels = {
            key: [level for level in TABLE_LEVELS if level in set(value)]
            for key, value in held["levels"].items()
        }
        years = {key: [int(year) for year in value] for key, value in held["years"].items()}
        frame["levels"] = [levels.get(key, []) for key in frame["id"]]
        frame["years"] = [years.get(key, []) for key in frame["id"]]
        return frame.set_index("id", drop=False).rename_axis(None)

    def indicator(self, indicator_id: str) -> pd.Series:
        """Return one row of `indicators`; `UnknownIndicatorError` when there is none."""
        frame = self.indicators()
        if indicator_id not in frame.index:
            raise UnknownIndicatorError(f"没有指标“{indicator_id}”；可用 sutu indicators 查看全部指标")
        row = frame.loc[indicator_id]
        assert isinstance(row, pd.Series)  # noqa: S101 - ids are the primary key, so it is one row
        return row

    def facts(
        self,
        indicator: str,
        *,
        year: int | None = None,
        level: str | None = None,
        source: str | None = None,
        every_source: bool = False,
    ) -> pd.DataFrame:
        """Return the facts of an indicator with the regions' names.

        Columns: adcode, name, short_name, level, parent, economic_region, indicator, year, source, value
        (float64, NaN when undefined), status, quality, flag, note, reason. Order: level from the province
        down, adcode, year. One row per region and year: where several sources have it, official comes
        before imported, derived and secondary, unless ``source`` names one or ``every_source`` asks for
        all. Raises `UnknownIndicatorError`; an indicator without a fact for the year or level gives an
        empty frame. Without a ``level`` the residuals (未分配) are in it too.
        """
        _require_level(level)
        known = self.query("SELECT 1 FROM indicator WHERE id = ?", [indicator])
        if known.empty:
            raise UnknownIndicatorError(f"没有指标“{indicator}”；可用 sutu indicators 查看全部指标")
        one = (
            ""
            if every_source
            else (f"QUALIFY row_number() OVER (PARTITION BY adcode, year ORDER BY {_PRECEDENCE}) = 1")
        )
        return self.query(
            "SELECT adcode, name, short_name, level, parent, economic_region, "  # noqa: S608
            "indicator, year, source, value, status, quality, flag, note, reason "
            "FROM fact JOIN region USING (adcode) "
            "WHERE indicator = ? AND (? IS NULL OR year = ?) AND (? IS NULL OR level = ?) "
            "AND (? IS NULL OR source = ?) "
            f"{one} ORDER BY {_LEVEL_ORDER}, adcode, year, {_PRECEDENCE}",
            [indicator, year, year, level, level, source, source],
        )

    def fact_matrix(self, indicators: Sequence[str], *, year: int, level: str) -> pd.DataFrame:
        """Return values by region and indicator: index adcode (all of the level), one float64 column each.

        A fact that is missing or undefined is NaN.
        """
        index = self.region_table(level).index
        columns = {
            name: self.facts(name, year=year, level=level).set_index("adcode")["value"].reindex(index)
            for name in indicators
        }
        return pd.DataFrame(columns, index=index, dtype="float64")

    def series(self, indicator: str, adcode: str) -> pd.DataFrame:
        """Return one region's facts of an indicator through the years, columns as `facts`, one row per year.

        Raises `UnknownRegionError` or `UnknownIndicatorError`.
        """
        if self.query("SELECT 1 FROM region WHERE adcode = ?", [adcode]).empty:
            raise UnknownRegionError(f"没有行政区划代码为“{adcode}”的地区")
        frame = self.facts(indicator)
        return frame[frame["adcode"] == adcode].reset_index(drop=True)

    # Facilities and people

    def facilities(self) -> pd.DataFrame:
        """Return every facility, imported and implied alike: columns of ``facility``, by id."""
        return self.table("facility")

    def population_grid(self) -> pd.DataFrame:
        """Return the modelled population cells: columns of ``geo.population.CELL_COLUMNS``, by cell_id.

        Raises `StoreError` when the file is missing or cannot be read.
        """
        with self._reading("人口格网", POPULATION_GRID) as path:
            return pd.read_parquet(path)

    # Corridors

    def corridors(self) -> pd.DataFrame:
        """Return every structure of the plans in their order, drawn or not: columns of ``corridor``."""
        return self.table("corridor")

    def corridor_members(self, corridor: str | None = None) -> pd.DataFrame:
        """Return the members of one corridor, or of all (None), in order: columns of ``corridor_member``."""
        return self.query(
            "SELECT * FROM corridor_member WHERE ? IS NULL OR corridor = ? ORDER BY rowid",
            [corridor, corridor],
        )

    def corridor_shapes(self) -> gpd.GeoDataFrame:
        """Return the geometry of the corridors that are drawn: index id, EPSG:4490.

        Raises `StoreError` when the file is missing or cannot be read.
        """
        with self._reading("通道走廊文件", CORRIDORS) as path:
            return gpd.read_parquet(path).set_index("id")

    def corridor_strips(self) -> pd.DataFrame:
        """Return the counties each drawn line runs through: corridor, from_km, to_km, adcode (None outside).

        Raises `StoreError` when the file is missing or cannot be read.
        """
        with self._reading("通道走廊文件", CORRIDOR_STRIPS) as path:
            return pd.read_parquet(path)

    # Plans, sources and reports

    def plan_documents(self) -> pd.DataFrame:
        """Return the plans in the order of their documents: columns of ``plan_document``."""
        return self.table("plan_document")

    def plan_targets(self) -> pd.DataFrame:
        """Return every base value, target and forecast as the plans write it: columns of ``plan_target``."""
        return self.table("plan_target")

    def headline_targets(self) -> pd.DataFrame:
        """Return the headline targets with base, target and state: columns of ``headline_target``."""
        return self.table("headline_target")

    def contradictions(self) -> pd.DataFrame:
        """Return targets that contradict each other, by ``group_id``: columns of ``target_contradiction``."""
        return self.table("target_contradiction")

    def sources(self) -> pd.DataFrame:
        """Return the sources of the facts: columns of ``source``."""
        return self.table("source")

    def zones(self) -> pd.DataFrame:
        """Return the census zones folded into counties: columns of ``zone``."""
        return self.table("zone")

    def census_changes(self) -> pd.DataFrame:
        """Return the boundary changes between the censuses of 2010 and 2020: columns of ``census_change``."""
        return self.table("census_change")

    def unmatched(self) -> pd.DataFrame:
        """Return the rows of the sources that found no region: columns of ``unmatched``."""
        return self.table("unmatched")


def _require_level(level: str | None) -> None:
    if level is not None and level not in TABLE_LEVELS:
        raise UnknownRegionError(f"没有“{level}”这一级；可用：{'、'.join(TABLE_LEVELS)}")


@dataclass(frozen=True)
class _Held:
    """An open store, what ``CURRENT`` said, and how its files looked when they were found whole."""

    pointer: Pointer
    store: Store
    marks: Marks | None


_open: dict[Path, _Held] = {}
_open_lock = threading.Lock()


def open_store(folder: Path | None = None) -> Store:
    """Return the current store of a data directory (default: `data_dir`); cheap enough for every page view.

    The same object as before while ``CURRENT`` names the same store and nothing in it was touched, a new one
    as soon as a build has replaced it; the earlier object stays usable for whoever still holds it. Raises
    `StoreError` with the remedy when there is no store, ``CURRENT`` is damaged, the schema is another, or a
    file is not as it was built; the next call after a build that mended it returns the new store.
    """
    folder = (folder or data_dir()).resolve()
    with _open_lock:
        pointer = read_pointer(folder)
        held, seen = _open.get(folder), marks(folder / pointer.store)
        if held is None or held.pointer != pointer or held.marks is None or held.marks != seen:
            _open.pop(folder, None)
            store = _whole_store(folder, pointer, held)
            _open[folder] = held = _Held(pointer, store, seen)
        return held.store


def _whole_store(folder: Path, pointer: Pointer, held: _Held | None) -> Store:
    """Return the store that ``pointer`` names, its files compared with what the build wrote."""
    if pointer.schema_version != SCHEMA_VERSION:
        raise StoreError(f"数据库结构版本为 {pointer.schema_version}，程序需要 {SCHEMA_VERSION}。{REMEDY}")
    if damage := find_damage(folder / pointer.store):
        raise StoreError("；".join(damage) + f"。{REMEDY}")
    if held is not None and held.pointer == pointer:
        return held.store
    return Store(folder / pointer.store)
