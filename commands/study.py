"""What the commands that study access share: options, files read for one run, and their output."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import geopandas as gpd
import pandas as pd
import typer

from analysis.coverage import CoverageAnalysis, CoverageRequest, covered_types
from analysis.given import Given, gather
from analysis.run_kinds import RunKind
from analysis.runs import record_run
from commands.console import Format as Shown
from commands.console import csv_text, errors, plain, print_rows
from data.ingest.osm_store import NetworkSource
from data.ingest.population import store_population
from data.ingest.sites import Site
from data.reader.files import read_facility_file, read_network_file, read_population_file, read_site_file
from data.regions.population import make_population_grid
from data.registry import load_registry
from data.registry.rule_models import load_coverage_rules
from data.store.store import Store, data_dir
from geo.crs import STORE_CRS
from geo.errors import CoverageError, StoreError


class Mode(StrEnum):
    """How people travel."""

    straight = "straight"
    walk = "walk"
    ebike = "ebike"
    drive = "drive"


class By(StrEnum):
    """The regions of the answer."""

    county = "county"
    prefecture = "prefecture"
    economic_region = "economic_region"
    province = "province"


class Output(StrEnum):
    """How the answer is written."""

    table = "table"
    json = "json"
    csv = "csv"
    gpkg = "gpkg"


class Origin(StrEnum):
    """Which facilities of the store count."""

    auto = "auto"
    imported = "imported"
    implied = "implied"


class Engine(StrEnum):
    """Where it runs."""

    local = "local"
    dask = "dask"


class Datum(StrEnum):
    """The datum of a file's coordinates."""

    wgs84 = "wgs84"
    cgcs2000 = "cgcs2000"
    gcj02 = "gcj02"
    bd09 = "bd09"


Types = Annotated[list[str], typer.Option("--type", help="设施类型，可重复；任一类型可达即算覆盖。")]
Minutes = Annotated[float, typer.Option("--minutes", help="时间阈值（分钟），恰好等于也算覆盖。")]
ModeOption = Annotated[Mode, typer.Option(help="出行方式；没有路网时按直线距离估算并注明。")]
Levels = Annotated[list[str] | None, typer.Option("--level", help="只计这些等级的设施，可重复。")]
Group = Annotated[str, typer.Option(help="人群：all、under_3、age_65_plus、urban、rural 等。")]
ByOption = Annotated[By, typer.Option(help="按哪一级地区汇总。")]
Within = Annotated[str, typer.Option(help="只计此地区的居民（行政区划代码）。")]
OriginOption = Annotated[Origin, typer.Option(help="用导入的设施、推定的设施，或自动选择。")]
FacilityFile = Annotated[Path | None, typer.Option(help="用此文件的设施，不导入。")]
DatumOption = Annotated[Datum | None, typer.Option(help="所给文件的坐标基准。")]
PopulationFile = Annotated[Path | None, typer.Option(help="用此栅格（GeoTIFF）的人口分布。")]
NetworkFile = Annotated[Path | None, typer.Option(help="用此 OSM 文件（.osm.pbf）的路网。")]
SearchMinutes = Annotated[float, typer.Option(help="搜索半径（分钟），阈值不能超过它。")]
SEARCH_MINUTES = load_coverage_rules().search_minutes
EngineOption = Annotated[Engine, typer.Option(help="本机计算，或 dask 分区计算。")]
Scheduler = Annotated[str | None, typer.Option(help="dask 调度器地址，如 tcp://127.0.0.1:8786。")]
Form = Annotated[Output, typer.Option("--format", help="输出格式。")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出，同 --format json。")]
OutFile = Annotated[Path | None, typer.Option(help="写入文件（json、csv）；gpkg 必须给出。")]


def require_usage(
    form: Output,
    out: Path | None,
    *,
    datum: Datum | None = None,
    files: Sequence[Path | None] = (),
    engine: Engine = Engine.local,
    scheduler: str | None = None,
) -> None:
    """Refuse options that do not go together; ``files`` are those whose coordinates need a datum."""
    if form is Output.gpkg and out is None:
        raise typer.BadParameter("gpkg 格式要用 --out 指明文件", param_hint="--out")
    if form is Output.table and out is not None:
        raise typer.BadParameter(
            "表格只能显示在屏幕上；写入文件请用 json、csv 或 gpkg", param_hint="--format"
        )
    if datum is None and any(path is not None for path in files):
        raise typer.BadParameter(
            "请用 --datum 指明坐标基准：wgs84、cgcs2000、gcj02 或 bd09", param_hint="--datum"
        )
    if scheduler is not None and engine is not Engine.dask:
        raise typer.BadParameter("--scheduler 只与 --engine dask 合用", param_hint="--scheduler")


def coverage_request(
    types: Sequence[str],
    mode: Mode,
    levels: Sequence[str] | None,
    *,
    origin: Origin,
    within: str,
    reach: float,
    engine: Engine,
    scheduler: str | None,
) -> CoverageRequest:
    """Return what the options of coverage and siting ask for; ``reach`` is how far is searched (minutes).

    Raises for an unknown type.
    """
    return CoverageRequest(
        types=covered_types(types),
        mode=mode.value,
        levels=tuple(levels or ()),
        origin=origin.value,
        within=within,
        search_minutes=reach,
        engine=engine.value,
        scheduler=scheduler,
    )


def read_given(
    store: Store,
    *,
    facilities: Path | None,
    datum: Datum | None,
    kind: str,
    population: Path | None = None,
    network: Path | None = None,
) -> Given:
    """Return what the run is made of, read from the files that are given where they are; steps go to stderr.

    Rows of facilities without a type are of ``kind``. Raises as the readers of the files do.
    """
    return gather(
        store,
        data_dir(),
        facilities=given_facilities(store, facilities, datum and datum.value, kind),
        cells=given_population(store, population),
        network=given_network(network),
        progress=errors().print,
    )


def say_notes(notes: Sequence[str]) -> None:
    """Write what the reader must know on stderr."""
    for note in notes:
        errors().print(f"说明：{note}", markup=False)


def record(store: Store, kind: RunKind, asked: Mapping[str, Any], rows: pd.DataFrame, started: float) -> None:
    """Write a run down and say its number; ``started`` as `time.perf_counter` gave it."""
    run = record_run(
        data_dir(),
        kind=kind.id,
        parameters=asked,
        data_version=store.data_version,
        result=rows,
        seconds=time.perf_counter() - started,
    )
    errors().print(f"运行编号 {run.id}（sutu replay {run.id} 可重算）", markup=False)


@dataclass(frozen=True)
class Sheet:
    """How rows are written: ``headers`` by column; ``screen`` the columns that fit there, ``readable`` the
    row as people read it.
    """

    title: str
    headers: dict[str, str]
    screen: Sequence[str]
    readable: Callable[[dict[str, Any]], dict[str, Any]]


def write_rows(
    rows: pd.DataFrame,
    sheet: Sheet,
    form: Output,
    out: Path | None,
    *,
    package: Callable[[Path], None] | None = None,
) -> None:
    """Write rows on stdout or into ``out``; ``package`` writes the GeoPackage there.

    Raises ``StoreError`` when the file cannot be written.
    """
    found = records(rows)
    if form is Output.gpkg:
        if out is None or package is None:
            raise typer.BadParameter("这一结果不能写成 gpkg", param_hint="--format")
        package(out)
        errors().print(f"已写入 {out}", markup=False)
    elif out is None and form is Output.table:
        shown = {key: sheet.headers[key] for key in sheet.screen}
        print_rows([sheet.readable(row) for row in found], shown, Shown.table, title=sheet.title)
    elif out is None:
        print_rows(found, sheet.headers, Shown(form.value))
    elif form is Output.csv:
        write_text(out, csv_text(found, list(sheet.headers)), spreadsheet=True)
    else:
        write_json(out, found)


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column."""
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def write_json(out: Path, value: Any) -> None:
    """Write a value as JSON into a file, as `write_text`."""
    write_text(out, json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_text(out: Path, text: str, *, spreadsheet: bool = False) -> None:
    """Write a text into a file, whole, and say so; ``spreadsheet`` marks it as UTF-8 for such programs.

    Raises ``StoreError`` when it cannot be written.
    """
    try:
        out.write_text(("\ufeff" if spreadsheet else "") + text, encoding="utf-8")
    except OSError as fault:
        raise StoreError(f"无法写入 {out}：{fault.strerror}。请检查目录和权限。") from fault
    errors().print(f"已写入 {out}", markup=False)


def formatted(row: Mapping[str, Any], forms: Mapping[str, str]) -> dict[str, str | None]:
    """Return the columns of ``forms`` as text; what has no value stays missing."""
    return {key: form.format(row[key]) if pd.notna(row[key]) else None for key, form in forms.items()}


def given_facilities(
    store: Store, path: Path | None, datum: str | None, facility_type: str
) -> pd.DataFrame | None:
    """Return the facilities of a file (columns of the table ``facility`` that an analysis needs), or None.

    Rows that name no type are of ``facility_type``. Raises as `read_facility_file`.
    """
    if path is None or datum is None:
        return None
    found = read_facility_file(
        path, None, store.regions(zoom="full"), datum=datum, facility_type=facility_type
    )
    return found.frame.reset_index(drop=True)


def given_sites(store: Store, path: Path | None, datum: str | None) -> tuple[Site, ...]:
    """Return the candidate sites of a file, none without one. Raises as `read_site_file`."""
    if path is None or datum is None:
        return ()
    return read_site_file(path, store.regions(zoom="full"), datum=datum).sites


def given_population(store: Store, path: Path | None) -> pd.DataFrame | None:
    """Return the population cells that follow a raster, scaled to the census, or None.

    The raster passes the same checks as an import, in a folder of its own that is removed again; what became
    of its people goes to stderr. Raises as `read_population_file`.
    """
    if path is None:
        return None
    registry, regions = load_registry(), store.regions(zoom="full").reset_index(drop=True)
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        found = read_population_file(path, store.regions(zoom="full"))
        say_notes(store_population(found, Path(folder), path.name).notes)
        return make_population_grid(registry, regions, Path(folder)).frame


def given_network(path: Path | None) -> NetworkSource | None:
    """Return the roads of an OpenStreetMap extract, or None. Raises as `read_network_file`."""
    if path is None:
        return None
    return read_network_file(path)


def write_geopackage(rows: pd.DataFrame, store: Store, analysis: CoverageAnalysis, out: Path) -> None:
    """Write the regions with their figures and the facilities as layers of one GeoPackage (EPSG:4490).

    The file appears whole or not at all. Raises ``CoverageError`` when it cannot be written.
    """
    write_regions(rows, store, analysis.facilities, out, layer="coverage")


def write_regions(
    rows: pd.DataFrame,
    store: Store,
    facilities: pd.DataFrame,
    out: Path,
    *,
    layer: str,
    more: Mapping[str, gpd.GeoDataFrame] | None = None,
) -> None:
    """Write rows by ``adcode`` as the ``layer`` of regions, and ``facilities``, as `write_geopackage`.

    ``more``: further layers by name (EPSG:4490), written before these.
    """
    if out.suffix.lower() != ".gpkg":
        raise CoverageError(f"GeoPackage 文件名应以 .gpkg 结尾，收到 {out.name}。")
    shapes = store.regions(zoom="full")[["geometry"]]
    regions = gpd.GeoDataFrame(rows.join(shapes, on="adcode"), geometry="geometry", crs=shapes.crs)
    columns = ["id", "name", "type", "level", "capacity", "adcode", "source", "precision", "lon", "lat"]
    points = gpd.GeoDataFrame(
        facilities[columns],
        geometry=gpd.points_from_xy(facilities["lon"], facilities["lat"]),
        crs=shapes.crs,
    )
    staged = out.with_name(f".{os.getpid()}-{out.name}")
    try:
        for name, frame in {**(more or {}), layer: regions, "facilities": points}.items():
            frame.to_file(staged, layer=name, driver="GPKG")
        staged.replace(out)
    except (OSError, RuntimeError) as fault:
        raise CoverageError(f"无法写入 {out}：{fault}。请检查目录和权限。") from fault
    finally:
        staged.unlink(missing_ok=True)


def site_points(sites: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return places (``lon``, ``lat`` in degrees, EPSG:4490) with their columns as points."""
    return gpd.GeoDataFrame(sites, geometry=gpd.points_from_xy(sites["lon"], sites["lat"]), crs=STORE_CRS)
