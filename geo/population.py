"""The population grid: census counts of each county spread over square cells of land, to the person.

Without a measured pattern the spread is modelled in two parts. Urban people live around the places of their
county: each place takes a share by its weight and spreads it as a Gaussian whose radius follows from a
typical urban density, so that a bigger town reaches further. Rural people live evenly on land. With a
pattern (a population raster) people follow it, and the densest cells are the urban ones. Either way counts
become whole people by largest remainders, and every county keeps its census figures exactly. The grid shows
where people plausibly are; it observes nobody.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.crs import require_metric, to_albers
from geo.errors import PopulationError
from geo.land_cells import land_cells
from geo.placing import pattern_on_cells
from geo.regions import adcodes, assign_regions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Where urban people would take more than this share of a county, they fill the county.
_MOST_BUILT = 0.7
_RING_M = 250.0
_REACH_STEPS = 24

CHILD_GROUPS = ("under_3", "age_3_5", "age_6_14")
ELDERLY_GROUPS = ("age_60_plus", "age_65_plus", "age_80_plus")
CENSUS_COLUMNS = ("population", "urban", "rural", *CHILD_GROUPS, *ELDERLY_GROUPS)
"""Columns that the census frame must have and the cells get: whole people."""

CELL_COLUMNS = ("cell_id", "x", "y", "adcode", "area_km2", *CENSUS_COLUMNS)
"""Columns of the grid, in order."""


def build_population_grid(
    counties: gpd.GeoDataFrame,
    census: pd.DataFrame,
    places: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame | None,
    *,
    resolution_m: float,
    urban_density_per_km2: float,
) -> pd.DataFrame:
    """Return the modelled grid: one row per cell of land, ``CELL_COLUMNS``, ascending by cell_id.

    ``counties``: polygons with adcode (column or index). ``census``: indexed by adcode, ``CENSUS_COLUMNS``
    in whole people; rows of other regions are ignored. ``places``: points with a ``weight`` > 0; a county
    without places spreads its urban people evenly. ``water``: polygons nobody lives on. All in any CRS.
    ``resolution_m``: the side of a cell. ``urban_density_per_km2``: people per km² of a typical built-up
    area, which decides how far a town's people reach from its centre.

    Cells are those of ``geo.land_cells`` (x, y in metres, ``ALBERS``; area_km2 is land). Per county each
    column adds up to the census; per cell urban + rural = population, the groups of children and of 60+
    together are at most population, 80+ ≤ 65+ ≤ 60+. The same input gives the same cells whatever its
    order. Raises ``PopulationError``.
    """
    metric = _sorted_counties(counties)
    codes = adcodes(metric).to_numpy()
    counts = _checked_census(census, codes)
    cells = land_cells(metric, None if water is None else to_albers(water), resolution_m)
    county = _numbers(cells)
    weight = _urban_weight(
        cells, county, counts["urban"].to_numpy(), _placed(places, metric), urban_density_per_km2
    )
    key = cells["cell_id"].to_numpy()
    urban = spread_to_whole(counts["urban"].to_numpy(), county, weight, key)
    area = cells["area_km2"].to_numpy()
    rural = spread_to_whole(counts["rural"].to_numpy(), county, area, key)
    return _with_groups(cells, counts, county, urban, rural)


def grid_from_pattern(
    counties: gpd.GeoDataFrame,
    census: pd.DataFrame,
    pattern: pd.Series,
    water: gpd.GeoDataFrame | None,
    *,
    resolution_m: float,
    scale_to_census: bool = True,
) -> pd.DataFrame:
    """Return a grid that follows a measured pattern: ``pattern`` is people (≥ 0) by cell_id of this
    resolution. People on cells that the grid lacks go to the nearest cell of the county that holds their
    centre (`geo.placing`), those of no county are left out.

    With ``scale_to_census`` each county keeps its census figures and the pattern only says where; otherwise
    each county has the people of the pattern (rounded), and its census shares of every group. Urban people
    are those of the densest cells. Columns, order and laws as ``build_population_grid``.
    ``PopulationError`` when a county with people has none in the pattern.
    """
    metric = _sorted_counties(counties)
    codes = adcodes(metric).to_numpy()
    counts = _checked_census(census, codes)
    cells = land_cells(metric, None if water is None else to_albers(water), resolution_m)
    county = _numbers(cells)
    people = pattern_on_cells(pattern, metric, cells, resolution_m).people
    sums = np.bincount(county, weights=people, minlength=len(codes)).astype(np.float64)
    lost = codes[(sums <= 0) & (counts["population"].to_numpy() > 0)]
    if len(lost):
        named = "、".join(str(code) for code in lost[:10])
        raise PopulationError(
            f"人口栅格在 {len(lost)} 个县（市、区）没有人口：{named}。请检查栅格的范围和坐标系。"
        )
    if not scale_to_census:
        counts = _scaled_counts(counts, sums)
    key = cells["cell_id"].to_numpy()
    population = spread_to_whole(counts["population"].to_numpy(), county, people, key)
    urban = _densest(population, counts["urban"].to_numpy(), county, cells)
    return _with_groups(cells, counts, county, urban, population - urban)


def _sorted_counties(counties: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(
        {"adcode": adcodes(counties).to_numpy()}, geometry=counties.geometry.to_numpy(), crs=counties.crs
    )
    return to_albers(frame.sort_values("adcode", ignore_index=True))


def _numbers(cells: pd.DataFrame) -> IntArray:
    """Return the number of each cell's county in ascending order of codes: every county has a cell."""
    return pd.factorize(cells["adcode"], sort=True)[0].astype(np.int64)


def _checked_census(census: pd.DataFrame, codes: NDArray[np.object_]) -> pd.DataFrame:
    """Return the counts of the counties as int64 in the order of ``codes``; refuse counts that contradict
    themselves.
    """
    absent = [column for column in CENSUS_COLUMNS if column not in census.columns]
    if absent:
        raise PopulationError(f"人口数据缺少列：{'、'.join(absent)}。")
    missing = [str(code) for code in codes if code not in census.index]
    if missing:
        raise PopulationError(f"人口数据缺少 {len(missing)} 个县（市、区）：{'、'.join(missing[:10])}。")
    counts: pd.DataFrame = census.reindex(codes)[list(CENSUS_COLUMNS)]
    values = counts.to_numpy(dtype=np.float64)
    problems = [
        f"{codes[row]} 的 {CENSUS_COLUMNS[column]} 不是非负整数"
        for row, column in np.argwhere(~(np.isfinite(values) & (values >= 0) & (values == np.round(values))))
    ]
    if not problems:
        problems = _contradictions(counts)
    if problems:
        raise PopulationError(f"人口数据有 {len(problems)} 处不自洽：" + "；".join(problems[:10]) + "。")
    return counts.astype(np.int64)


def _contradictions(counts: pd.DataFrame) -> list[str]:
    parts = counts[[*CHILD_GROUPS, "age_60_plus"]].sum(axis=1)
    rules = {
        "城镇与乡村之和不等于常住人口": counts["urban"] + counts["rural"] != counts["population"],
        "少儿与老年人口之和超过常住人口": parts > counts["population"],
        "65 岁及以上多于 60 岁及以上": counts["age_65_plus"] > counts["age_60_plus"],
        "80 岁及以上多于 65 岁及以上": counts["age_80_plus"] > counts["age_65_plus"],
    }
    return [f"{code} {text}" for text, wrong in rules.items() for code in counts.index[wrong]]


def _placed(places: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return x, y, weight and county number of the places that lie in one, in an order of their own."""
    metric = to_albers(places)
    require_metric(metric)
    weight = metric["weight"].to_numpy(dtype=np.float64)
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise PopulationError("居民点的权重必须是大于零的数。")
    xy = shapely.get_coordinates(metric.geometry.to_numpy())
    frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "weight": weight})
    home = assign_regions(metric, counties)
    frame["county"] = pd.Index(counties["adcode"]).get_indexer(pd.Index(home))
    return frame[home.notna().to_numpy()].sort_values(["county", "x", "y", "weight"], ignore_index=True)


def _urban_weight(
    cells: pd.DataFrame, county: IntArray, urban: IntArray, places: pd.DataFrame, density: float
) -> FloatArray:
    """Return the share of its county's urban people that each cell draws.

    ``places`` has x, y, weight and the number of its county. Each place fills as much land as its people
    take at the typical density, so a town at a shore or a border reaches further the other way, not denser.
    """
    area = cells["area_km2"].to_numpy()
    weight = area.copy()
    xy = cells[["x", "y"]].to_numpy()
    order = np.argsort(county, kind="stable")
    starts = np.searchsorted(county[order], np.arange(len(urban) + 1))
    for number, total in enumerate(urban):
        own = order[starts[number] : starts[number + 1]]
        here = places[places["county"] == number]
        if total == 0 or here.empty:
            continue
        share = here["weight"].to_numpy() / here["weight"].sum()
        built = min(total / density, _MOST_BUILT * area[own].sum())
        distance2 = ((xy[own, None, :] - here[["x", "y"]].to_numpy()) ** 2).sum(axis=2)
        kernel = np.exp(-distance2 / _reach2(distance2, area[own], built * share)) * area[own, None]
        weight[own] = (kernel / kernel.sum(axis=0)) @ share
    return weight


def _reach2(distance2: FloatArray, area: FloatArray, target: FloatArray) -> FloatArray:
    """Return, per place, the squared radius (m²) at which its Gaussian fills ``target`` km² of the cells'
    land.

    The filled land grows with the radius: halving the interval of its logarithm. A place alone on a plain has
    π r² = target. Cells are taken together by rings of distance, which the radius hardly feels.
    """
    ring = np.sqrt(distance2) // _RING_M
    rings = int(ring.max()) + 1
    places = distance2.shape[1]
    slot = (ring + np.arange(places) * rings).astype(np.int64)
    land = np.bincount(slot.ravel(), weights=np.repeat(area, places), minlength=places * rings)
    land = land.reshape(places, rings)
    away2 = ((np.arange(rings) + 0.5) * _RING_M) ** 2
    low = np.log(target * 1e6 / np.pi / 4)
    high = np.full(places, np.log(distance2.max() * 100 + 1e12))
    for _ in range(_REACH_STEPS):
        middle = (low + high) / 2
        filled = (land * np.exp(-away2 / np.exp(middle)[:, None])).sum(axis=1)
        enough = filled >= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    found: FloatArray = np.exp(high)
    return found


def _with_groups(
    cells: pd.DataFrame, counts: pd.DataFrame, county: IntArray, urban: IntArray, rural: IntArray
) -> pd.DataFrame:
    """Return the grid: age groups spread over the people of each cell, nobody counted in two groups that
    exclude.
    """
    key = cells["cell_id"].to_numpy()
    grid = cells.assign(population=urban + rural, urban=urban, rural=rural)

    def take(group: str, people: IntArray, turn: int) -> IntArray:
        # Another lot for each group: the same cells should not win every time.
        return spread_to_whole(counts[group].to_numpy(), county, people.astype(np.float64), key * 16 + turn)

    left = grid["population"].to_numpy().copy()
    for turn, group in enumerate((*CHILD_GROUPS, "age_60_plus"), start=1):
        grid[group] = take(group, left, turn)
        left -= grid[group].to_numpy()
    for turn, (group, outer) in enumerate(
        (("age_65_plus", "age_60_plus"), ("age_80_plus", "age_65_plus")), start=8
    ):
        grid[group] = take(group, grid[outer].to_numpy(), turn)
    return grid[list(CELL_COLUMNS)]


def _scaled_counts(counts: pd.DataFrame, sums: FloatArray) -> pd.DataFrame:
    """Return counts of the size of the pattern in the shares of the census; whole, and as consistent."""
    population = np.round(sums).astype(np.int64)
    factor = population / np.maximum(counts["population"].to_numpy(), 1)
    # Rounded down: parts that fitted into the whole still do.
    scaled: pd.DataFrame = counts.apply(lambda column: np.floor(column.to_numpy() * factor).astype(np.int64))
    scaled["population"] = population
    scaled["urban"] = np.minimum(np.round(counts["urban"].to_numpy() * factor).astype(np.int64), population)
    scaled["rural"] = population - scaled["urban"]
    return scaled


def _densest(population: IntArray, urban: IntArray, county: IntArray, cells: pd.DataFrame) -> IntArray:
    """Return the urban people of each cell: cells are taken from the densest down until the county has its
    count.
    """
    density = population / cells["area_km2"].to_numpy()
    order = np.lexsort((cells["cell_id"].to_numpy(), -density, county))
    ordered = population[order]
    before = np.cumsum(ordered) - ordered
    first = np.searchsorted(county[order], np.arange(len(urban)))
    before -= before[first][county[order]]
    result = np.zeros_like(population)
    result[order] = np.clip(urban[county[order]] - before, 0, ordered)
    return result


# Remainders that differ by less come from the last digits of a sum, which no two machines share.
_REMAINDER_DECIMALS = 9
_LOT_BITS = np.uint64(33)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def spread_to_whole(totals: IntArray, group: IntArray, weight: FloatArray, key: IntArray) -> IntArray:
    """Return whole numbers (int64, one per entry) that add up to ``totals[g]`` over the entries of each
    group ``g``.

    Hamilton's method: each entry gets the whole part of its quota ``totals[g] × weight / Σ weight``, and
    those with the largest remainders one more, so no entry is off its quota by one or more, and with whole
    weights and a total of at most their sum none exceeds its weight. Equal remainders go by a scattering of
    ``key`` (an id per entry), not by position, and not by the order of the entries. ``weight`` is finite
    and not negative; an entry of weight 0 gets 0. ``PopulationError`` when a group has a total but no
    weight.
    """
    sums = np.bincount(group, weights=weight, minlength=len(totals))
    empty = (sums <= 0) & (totals > 0)
    if empty.any():
        raise PopulationError(f"有 {int(empty.sum())} 组人口没有可以分布的格。")
    safe = np.where(sums > 0, sums, 1.0)
    quota = weight * (totals / safe)[group]
    whole = np.floor(np.round(quota, _REMAINDER_DECIMALS)).astype(np.int64)
    remainder = np.round(quota - whole, _REMAINDER_DECIMALS)
    left = totals - np.bincount(group, weights=whole, minlength=len(totals)).astype(np.int64)
    order = _ranked(group, remainder, key)
    first = np.searchsorted(group[order], np.arange(len(totals)))
    place = np.arange(len(group)) - first[group[order]]
    whole[order[(place < left[group[order]]) & (remainder[order] > 0)]] += 1
    return _settled(whole, totals, group, weight, order)


def _settled(
    whole: IntArray, totals: IntArray, group: IntArray, weight: FloatArray, order: IntArray
) -> IntArray:
    """Return the numbers with the last one or two people placed whom rounding of the remainders left over."""
    left = totals - np.bincount(group, weights=whole, minlength=len(totals)).astype(np.int64)
    for g in np.flatnonzero(left):
        members = order[(group[order] == g) & (weight[order] > 0)]
        step = 1 if left[g] > 0 else -1
        able = members if step > 0 else members[whole[members] > 0][::-1]
        whole[able[: abs(left[g])]] += step
    return whole


def _ranked(group: IntArray, remainder: FloatArray, key: IntArray) -> IntArray:
    """Return the order of the entries by group, then falling remainder, then the scattering of their keys."""
    rank = np.round((1.0 - remainder) * 10**_REMAINDER_DECIMALS).astype(np.uint64) << _LOT_BITS
    rank |= _scattered(key) >> (np.uint64(64) - _LOT_BITS)
    order = np.argsort(rank, kind="stable")
    # Sorting small numbers again, stably, is a matter of counting; three keys at once take three times as
    # long.
    small = group[order].astype(np.uint16 if group.max(initial=0) < 2**16 else np.int64)
    return order[np.argsort(small, kind="stable")]


def _scattered(key: IntArray) -> NDArray[np.uint64]:
    """Return a fixed mixing of the keys: neighbours' values are far apart, as if drawn by lot."""
    mixed = key.astype(np.uint64) * _MIX
    mixed ^= mixed >> np.uint64(31)
    return mixed * _MIX
