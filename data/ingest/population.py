"""The door for population rasters (WorldPop, GHSL …): a GeoTIFF of people per pixel becomes people per cell
of the grid.

Only what lies over the province is read, in strips. The county that holds a pixel's centre has its people:
on the cell the centre falls in or, where that is water or another county's, on the county's nearest cell
(`geo.placing`).
Pixels coarser than a cell are divided first, and each part goes by its own centre. Nobody is lost without a
word: who was placed, moved and left out is counted and told.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from data.faults import Fault, FaultReport, raise_if_any
from data.ingest.cells import shown
from data.ingest.summary import ImportSummary
from data.ingest.tiff_check import MAGIC, check_tiff
from data.ingest.vector_source import refuse
from data.regions.population import IMPORT_NAME, census_inputs, load_waters, write_pattern
from data.registry import Registry
from data.registry.import_models import load_import_checks
from data.registry.limit_models import MEGABYTE, exceeded, limit, limit_bytes
from data.store.staging import StagedImport, imports_dir
from geo.crs import ALBERS, STORE_CRS, is_store_crs, to_albers
from geo.land_cells import land_cells
from geo.placing import CellPlacer, Placed

FloatArray = NDArray[np.float64]

SUMS = ("people_in_province", "people_placed", "people_moved", "people_outside")
"""People of a raster: of pixels whose centre is in the province (`CellPlacer.home_at`); placed on the cell
that they lie on; moved to the nearest cell of their county; read, but outside the province and left out."""

_MAX_ASPECT = 20.0
_STRIP_PIXELS = 2_000_000
# Only the file itself is read: no statistics, overviews or world files that lie beside it.
_GDAL_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "USE_RRD": "NO",
    "GDAL_NUM_THREADS": "1",
    "GDAL_CACHEMAX": 512,
}
_AGAIN = "重新下载，或在 GIS 软件中另存为 GeoTIFF"


@dataclass(frozen=True)
class CountedPeople:
    """What a raster holds over the counties, by the cells of their grid.

    ``cells``: `land_cells` of the counties; ``placed``: people on them, by row, and what became of all that
    were read; ``in_province``: people of pixels whose centre has a county; ``parts``: into how many a
    pixel's side was cut; ``negative``: how many pixels are below 0 and not declared as no data.
    """

    cells: pd.DataFrame
    placed: Placed
    in_province: float
    parts: int
    negative: int

    @property
    def people(self) -> pd.Series:
        """The people of every cell, by cell_id."""
        return pd.Series(self.placed.people, index=self.cells["cell_id"])


@dataclass(frozen=True)
class PopulationPattern:
    """A raster without a fault: ``people`` (float64, above 0) by cell_id, what is said of it, and notes.

    ``facts``: ``source``, ``resolution_m`` (side of a cell, metres) and ``scale_to_census`` (yes or no).
    ``sums``: people of the raster, by ``SUMS``.
    """

    people: pd.Series
    facts: dict[str, str]
    sums: dict[str, float]
    notes: tuple[str, ...]


def read_population(
    path: Path,
    registry: Registry,
    regions: gpd.GeoDataFrame,
    *,
    scale_to_census: bool = True,
    source: str | None = None,
) -> PopulationPattern:
    """Return the people of ``path`` (GeoTIFF, one band, people per pixel) by cell of the population grid.

    ``regions`` is the region table with geometry. With ``scale_to_census`` every county keeps its census
    figures and the raster only says where people are; otherwise its own numbers count. Writes nothing. Raises
    ``FaultReport``: no GeoTIFF, no CRS, several bands, pixels over 5 km, not over Jiangsu, negative people,
    counties without anybody, or (unscaled) a total that is no population's.
    """
    resolution = float(registry.setting("population_resolution_m"))
    counties = to_albers(regions.loc[regions["level"] == "county", ["adcode", "geometry"]])
    counted = _count(path, counties, resolution)
    people = counted.people
    census = census_inputs(registry, regions)["population"]
    by_county = people.groupby(counted.cells["adcode"].to_numpy()).sum()
    names = regions.set_index("adcode")["name"]
    raise_if_any(_doubts(path.name, counted, by_county, census, names=names, scaled=scale_to_census))
    facts = {
        "source": source or f"导入自 {path.name}",
        "resolution_m": f"{resolution:g}",
        "scale_to_census": "yes" if scale_to_census else "no",
    }
    notes = (*_notes(by_county, census, scale_to_census), *_placing_notes(counted))
    return PopulationPattern(people[people > 0], facts, _sums(counted), notes)


def store_population(
    pattern: PopulationPattern, data_dir: Path, file: str, *, rebuild: Callable[[], object] | None = None
) -> ImportSummary:
    """Make ``pattern`` (of ``file``) the pattern of the population grid of ``data_dir``; return what changed.

    ``rebuild`` builds the store anew; when it raises, the import is taken back.
    """
    people, facts = pattern.people, {**pattern.facts, **pattern.sums}
    earlier = (imports_dir(data_dir) / IMPORT_NAME).exists()
    staged = StagedImport.stage(data_dir, IMPORT_NAME, lambda target: write_pattern(target, people, facts))
    with staged:
        if rebuild is not None:
            rebuild()
    return ImportSummary(
        kind="population",
        file=file,
        rows=len(people),
        added=0 if earlier else len(people),
        updated=len(people) if earlier else 0,
        files=(IMPORT_NAME,),
        notes=pattern.notes,
        details=facts,
    )


def import_population_raster(
    path: Path,
    data_dir: Path,
    registry: Registry,
    regions: gpd.GeoDataFrame,
    *,
    scale_to_census: bool = True,
    source: str | None = None,
    rebuild: Callable[[], object] | None = None,
) -> ImportSummary:
    """Read a raster and store it, both in this process: for files of our own. See `read_population`."""
    pattern = read_population(path, registry, regions, scale_to_census=scale_to_census, source=source)
    return store_population(pattern, data_dir, path.name, rebuild=rebuild)


def _count(path: Path, counties: gpd.GeoDataFrame, resolution: float) -> CountedPeople:
    """Return the people of the raster over ``counties`` (``ALBERS``) by cell of ``resolution`` metres.

    Raises ``FaultReport`` when the file is no GeoTIFF, cannot be placed or used, or is beyond the bounds.
    """
    _require_tiff(path)
    with warnings.catch_warnings(), rasterio.Env(**_GDAL_OPTIONS):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path.resolve(), driver="GTiff", sharing=False) as raster:
                window = _window(path.name, raster, counties)
                _check_work(path.name, raster, window, _parts(raster, resolution))
                return _sum_cells(raster, window, counties, resolution)
        except (FaultReport, MemoryError):
            raise
        except Exception as fault:
            # A damaged file can raise nearly anything inside the libraries.
            raise refuse(path.name, f"栅格无法读取：{shown(str(fault), 80)}", _AGAIN) from fault


def _require_tiff(path: Path) -> None:
    if not path.is_file():
        raise refuse(path.name, "文件不存在或不是普通文件", "核对文件路径")
    size = path.stat().st_size
    if size > limit_bytes("raster.file_mb"):
        raise FaultReport([exceeded("raster.file_mb", path.name, size / MEGABYTE)])
    with path.open("rb") as handle:
        if handle.read(4) not in MAGIC:
            raise refuse(path.name, "不是 GeoTIFF 文件", _AGAIN)
    check_tiff(path)


def _window(file: str, raster: rasterio.DatasetReader, counties: gpd.GeoDataFrame) -> Window:
    """Return the part of the raster over the counties; refuse a raster that cannot be placed or used."""
    if raster.crs is None:
        raise refuse(file, "栅格没有坐标系信息", "在 GIS 软件中定义坐标系后重新导出")
    if raster.transform.is_identity:
        raise refuse(file, "栅格没有地理参考（像元位置）", _AGAIN)
    if raster.count != 1:
        raise refuse(file, f"栅格有 {raster.count} 个波段，应只有一个（每像元人数）", "只导出总人口波段")
    if np.dtype(raster.dtypes[0]).kind not in "iuf":
        raise refuse(file, f"栅格的数据类型是 {raster.dtypes[0]}，不是数", _AGAIN)
    if not all(math.isfinite(value) for value in raster.transform):
        raise refuse(file, "栅格的像元位置不是有限的数", _AGAIN)
    pixel, most = _pixel_m(raster), load_import_checks().raster_pixel_m
    if pixel > most:
        raise refuse(
            file, f"像元约 {pixel / 1000:.1f} 公里，过粗", f"使用像元不超过 {most / 1000:g} 公里的栅格"
        )
    place = raster.transform
    if place.b or place.d or place.a <= 0 or place.e >= 0:
        raise refuse(file, "栅格不是正北朝上", "重采样为正北朝上的栅格后再导入")
    if max(place.a, -place.e) > _MAX_ASPECT * min(place.a, -place.e):
        raise refuse(file, "像元的长与宽相差过大", "重采样为方形像元后再导入")
    extent = transform_bounds(ALBERS.to_wkt(), raster.crs, *counties.total_bounds, densify_pts=41)
    left, right = ((x - place.c) / place.a for x in (extent[0], extent[2]))
    top, bottom = ((y - place.f) / place.e for y in (extent[3], extent[1]))
    first = max(0, math.floor(left)), max(0, math.floor(top))
    last = min(raster.width, math.ceil(right)), min(raster.height, math.ceil(bottom))
    if first[0] >= last[0] or first[1] >= last[1]:
        bounds = raster.bounds
        where = f"（{bounds.left:.6g}，{bounds.bottom:.6g}）至（{bounds.right:.6g}，{bounds.top:.6g}）"
        raise refuse(file, f"栅格范围 {where} 不在江苏", "换用覆盖江苏的栅格，并核对坐标系")
    return Window(first[0], first[1], last[0] - first[0], last[1] - first[1])


def _parts(raster: rasterio.DatasetReader, resolution: float) -> int:
    """Return into how many parts a pixel's side is cut: two to a cell's side, so that a pixel as large as a
    cell does not leave gaps.
    """
    return max(1, math.ceil(_pixel_m(raster) / (resolution / 2)))


def _check_work(file: str, raster: rasterio.DatasetReader, window: Window, parts: int) -> None:
    """Refuse, before a pixel is read, a window of too many pixels, or too many to unpack for it."""
    read = int(window.width) * int(window.height) * parts * parts
    if read > limit("raster.pixels_read"):
        raise FaultReport([exceeded("raster.pixels_read", file, read)])
    down, across = raster.block_shapes[0]
    rows = window.row_off % down + window.height
    columns = window.col_off % across + window.width
    unpacked = math.ceil(rows / down) * down * math.ceil(columns / across) * across
    if unpacked > limit("raster.pixels_unpacked"):
        raise FaultReport([exceeded("raster.pixels_unpacked", file, unpacked)])


def _pixel_m(raster: rasterio.DatasetReader) -> float:
    """Return the longer side of a pixel in metres, roughly."""
    crs = CRS.from_user_input(raster.crs)
    unit = 111_320.0 if crs.is_geographic else float(crs.axis_info[0].unit_conversion_factor)
    found: float = max(abs(raster.transform.a), abs(raster.transform.e)) * unit
    return found


def _sum_cells(
    raster: rasterio.DatasetReader, window: Window, counties: gpd.GeoDataFrame, resolution: float
) -> CountedPeople:
    """Add the pixels up by cell, strip by strip."""
    crs = CRS.from_user_input(raster.crs)
    transformer = Transformer.from_crs(STORE_CRS if is_store_crs(crs) else crs, ALBERS, always_xy=True)
    cells = land_cells(counties, to_albers(load_waters()), resolution)
    placer = CellPlacer(counties, cells, resolution)
    parts = _parts(raster, resolution)
    placed, in_province, negative = placer.nobody(), 0.0, 0
    for strip in _strips(raster, window, parts):
        negative += strip.negative
        x, y = transformer.transform(*strip.centres(raster.transform))
        if parts == 1:
            found = placer.place(x, y, strip.people)
            in_province += found.own + found.moved
        else:
            in_province += float(strip.people[placer.home_at(x, y) >= 0].sum())
            divided = strip.divided(parts)
            found = placer.place(*transformer.transform(*divided.centres(raster.transform)), divided.people)
        placed += found
    return CountedPeople(cells, placed, in_province, parts, negative)


@dataclass(frozen=True)
class _Strip:
    """Populated pixels, or parts of them: centres in columns and rows of the raster (a pixel is 1 × 1) and
    people, and how many pixels of the strip are negative.
    """

    column: FloatArray
    row: FloatArray
    people: FloatArray
    negative: int

    def centres(self, place: Affine) -> tuple[FloatArray, FloatArray]:
        """Return x and y of the centres in the CRS of the raster."""
        return place.c + place.a * self.column, place.f + place.e * self.row

    def divided(self, parts: int) -> "_Strip":
        """Return every pixel cut into ``parts`` × ``parts`` that share its people evenly."""
        offsets = (np.arange(parts) + 0.5) / parts - 0.5
        across, down = (grid.ravel() for grid in np.meshgrid(offsets, offsets))
        people = np.repeat(self.people / (parts * parts), parts * parts)
        column, row = (self.column[:, None] + across).ravel(), (self.row[:, None] + down).ravel()
        return _Strip(column, row, people, self.negative)


def _strips(raster: rasterio.DatasetReader, window: Window, parts: int) -> Iterator[_Strip]:
    """Yield the populated pixels of the window, as many at once as are ``_STRIP_PIXELS`` when divided."""
    height = max(1, _STRIP_PIXELS // max(1, int(window.width) * parts * parts))
    for top in range(int(window.row_off), int(window.row_off + window.height), height):
        rows = min(height, int(window.row_off + window.height) - top)
        strip = Window(int(window.col_off), top, int(window.width), rows)
        values = raster.read(1, window=strip, masked=True).astype(np.float64).filled(np.nan)
        row, column = np.nonzero(values > 0)
        people = values[row, column]
        yield _Strip(column + strip.col_off + 0.5, row + strip.row_off + 0.5, people, int((values < 0).sum()))


def _doubts(
    file: str,
    counted: CountedPeople,
    by_county: pd.Series,
    census: pd.Series,
    *,
    names: pd.Series,
    scaled: bool,
) -> list[Fault]:
    found = []
    if counted.negative:
        problem = f"江苏范围内有 {counted.negative:,} 个像元的人数为负"
        found.append(Fault(file, None, None, None, problem, "把负值登记为无数据值（nodata）后重新导出"))
    empty = [
        f"{code} {names[code]}" for code in census.index if census[code] > 0 and by_county.get(code, 0.0) <= 0
    ]
    if empty:
        problem = f"{len(empty)} 个县（市、区）在栅格里没有人口：{'、'.join(empty[:10])}"
        found.append(Fault(file, None, None, None, problem, "核对栅格的范围、坐标系和无数据值"))
    ratio = by_county.sum() / census.sum()
    # Beyond this factor a raster counts something else: density, households, thousands.
    most = load_import_checks().raster_people_ratio
    if not scaled and not empty and not 1 / most <= ratio <= most:
        problem = f"栅格在江苏的总人数是普查的 {ratio:.2f} 倍"
        remedy = "确认像元值是人数（不是密度或户数）；若只用其分布，选择“按普查数缩放”"
        found.append(Fault(file, None, None, None, problem, remedy))
    return found


def _notes(by_county: pd.Series, census: pd.Series, scaled: bool) -> list[str]:
    """Return what a person should know: how the raster's numbers stand to the census."""
    ratio = by_county / census
    total = by_county.sum() / census.sum()
    used = "只取其分布，各县人口仍为普查数" if scaled else "人口取栅格原值，年龄与城乡构成取普查"
    return [
        f"栅格计入江苏 {by_county.sum():,.0f} 人，为普查的 {total:.2f} 倍；{used}。",
        f"分县比值最低 {ratio.min():.2f}（{ratio.idxmin()}），最高 {ratio.max():.2f}（{ratio.idxmax()}）。",
    ]


def _sums(counted: CountedPeople) -> dict[str, float]:
    """Return the people of the raster by ``SUMS``: placed + moved + outside is all that was read."""
    placed = counted.placed
    figures = (counted.in_province, placed.own, placed.moved, placed.outside)
    return dict(zip(SUMS, (round(figure, 3) for figure in figures), strict=True))


def _placing_notes(counted: CountedPeople) -> list[str]:
    """Return what became of the people of the raster, to the person."""
    placed, parts = counted.placed, counted.parts
    whose = "像元" if parts == 1 else f"各份（像元较大，切成 {parts}×{parts} 份）的"
    return [
        f"栅格中，中心在江苏的像元共 {counted.in_province:,.0f} 人。按{whose}中心归县："
        f"{placed.own:,.0f} 人落在本县的格；"
        f"{placed.moved:,.0f} 人所在处是水面或属邻县的格，移到本县最近的格；"
        f"读取范围内另有 {placed.outside:,.0f} 人在省外，不计。"
    ]
