"""Reports over many corridors: by family, overlaps, high-speed coverage of counties, people near stations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analysis.corridors import SURVEYED, Corridors, Scope, stations_of
from analysis.networks import load_network
from data.registry.corridor_models import StageName, load_corridor_routes, load_corridor_rules
from data.registry.mode_models import load_modes
from geo.crs import ALBERS, STORE_CRS
from geo.errors import CorridorError
from geo.region_tree import COUNTY_CITY_KINDS, prefecture_of
from geo.travel import TravelResult, nearest_facility_network, nearest_facility_straight

MODE = "drive"
_HSR_TARGET = "高速铁路县(市)覆盖率"
_STARTED: StageName = "十四五开工"
_SERVED, _BUILDING, _STARTING = "现状有高铁或动车线路", "在建线路经过", "十四五开工线路经过"


def family_counts(corridors: Corridors) -> pd.DataFrame:
    """Return structures, drawn and undrawn, by family in the order of the registry.

    Columns family, name, group, colour, shape, structures, drawn, undrawn.
    """
    table = corridors.table
    rows = []
    for key, family in corridors.families.items():
        own = table[table["family"] == key]
        drawn = int(own["drawn"].sum())
        rows.append(
            {
                "family": key,
                "name": family.name,
                "group": family.group,
                "colour": family.colour,
                "shape": family.shape,
                "structures": len(own),
                "drawn": drawn,
                "undrawn": len(own) - drawn,
            }
        )
    return pd.DataFrame(rows)


def undrawn(corridors: Corridors) -> pd.DataFrame:
    """Return the structures that are not drawn: id, name, family, plan, doc_no, seed_line, reason."""
    table = corridors.table
    columns = ["id", "name", "family", "plan", "doc_no", "seed_line", "reason"]
    return table.loc[~table["drawn"], columns].reset_index(drop=True)


def by_county(corridors: Corridors, keys: Collection[str], scope: Scope = "passed") -> pd.DataFrame:
    """Return how many of the corridors ``keys``, and of how many plans, touch each county.

    Index adcode (every county, ascending); columns name, prefecture, corridors, plans, named (their names).
    """
    held: Counter[str] = Counter()
    plans: dict[str, set[str]] = {}
    names: dict[str, list[str]] = {}
    for key in keys:
        row = corridors.table.loc[key]
        for code in corridors.counties(key, scope):
            held[code] += 1
            plans.setdefault(code, set()).add(str(row["plan"]))
            names.setdefault(code, []).append(str(row["name"]))
    regions = corridors.sums.regions
    codes = sorted(corridors.everywhere)
    return pd.DataFrame(
        {
            "name": [str(regions.loc[code, "name"]) for code in codes],
            "prefecture": [str(regions.loc[prefecture_of(code), "name"]) for code in codes],
            "corridors": [held[code] for code in codes],
            "plans": [len(plans.get(code, ())) for code in codes],
            "named": ["、".join(names.get(code, [])) for code in codes],
        },
        index=codes,
    )


def plan_overlap(corridors: Corridors, keys: Collection[str], scope: Scope = "passed") -> pd.DataFrame:
    """Return, for each pair of plans, how many counties the corridors of both touch (and on the diagonal,
    of one): a square frame by plan.
    """
    touched: dict[str, set[str]] = {}
    for key in keys:
        plan = str(corridors.table.loc[key, "plan"])
        touched.setdefault(plan, set()).update(corridors.counties(key, scope))
    plans = sorted(touched)
    return pd.DataFrame(
        [[len(touched[one] & touched[other]) for other in plans] for one in plans], index=plans, columns=plans
    )


def compare(corridors: Corridors, one: str, other: str, scope: Scope = "passed") -> dict[str, Any]:
    """Return the counties two corridors share and those of one alone; shared by union (Jaccard)."""
    first, second = corridors.counties(one, scope), corridors.counties(other, scope)
    both, union = first & second, first | second
    return {
        "shared": sorted(both),
        "only_one": sorted(first - second),
        "only_other": sorted(second - first),
        "jaccard": len(both) / len(union) if union else math.nan,
    }


@dataclass(frozen=True)
class HsrCoverage:
    """High-speed coverage of the counties and county-level cities: an estimate from the lines' statuses.

    ``counties``: adcode, name, prefecture, state, line, for all 县（市）. ``shares``: estimated share by
    what counts as served. ``targets``: what the plan states, by year (percent).
    """

    counties: pd.DataFrame
    shares: dict[str, float]
    targets: dict[int, float]
    notes: tuple[str, ...] = field(default=())


def hsr_coverage(corridors: Corridors) -> HsrCoverage:
    """Return which 县（市） lie on lines with high-speed or D-train stations, now, in building, or started.

    Stations by line are those of ``corridor_routes.yaml``, put together by this project from the lines'
    public routes: the result is an estimate beside the plan's own 70 % (2020) and 90 % (2025).
    """
    regions = corridors.sums.regions
    cities = regions[regions["kind"].isin(COUNTY_CITY_KINDS) & (regions["level"] == "county")]
    codes = {
        str(name): str(code) for column in ("name", "short_name") for code, name in cities[column].items()
    }
    found: dict[str, tuple[int, str]] = {}
    states = (_SERVED, _BUILDING, _STARTING)
    for route in load_corridor_routes():
        stage = _stage(corridors, route.line)
        for station in route.stations if stage is not None else ():
            served = codes.get(station)
            if served is not None and stage is not None and stage < found.get(served, (9, ""))[0]:
                found[served] = (stage, route.line)
    rows = []
    for code, row in cities.sort_index().iterrows():
        stage_line = found.get(str(code))
        rows.append(
            {
                "adcode": str(code),
                "name": str(row["name"]),
                "prefecture": str(regions.loc[prefecture_of(str(code)), "name"]),
                "state": "没有线路经过" if stage_line is None else states[stage_line[0]],
                "line": "" if stage_line is None else stage_line[1],
                "stage": len(states) if stage_line is None else stage_line[0],
            }
        )
    frame = pd.DataFrame(rows)
    shares = {
        "2020": float((frame["stage"] <= 0).mean()),
        "2025_building": float((frame["stage"] <= 1).mean()),
        "2025_started": float((frame["stage"] <= 2).mean()),
    }
    notes = (
        "按线路状态估算：线路经停的县（市）由本项目按公开走向整理，不是规划原文。",
        "2025 年分两种口径：在建线路建成；再加十四五开工的线路（开工不等于建成）。",
    )
    return HsrCoverage(frame, shares, _targets(corridors), notes)


def _stage(corridors: Corridors, line: str) -> int | None:
    """Return 0 for a line in service, 1 in building, 2 started in the period, None for later ones."""
    table, rules = corridors.table, load_corridor_rules()
    rows = table[(table["name"] == line) & (table["plan"] == "railway")]
    stages = []
    for row in rows.itertuples():
        if row.status == "existing":
            stages.append(0)
        elif row.status == "under_construction":
            stages.append(1)
        elif rules.stage_of(str(row.status), str(row.period)) == _STARTED:
            stages.append(2)
    return min(stages, default=None)


def _targets(corridors: Corridors) -> dict[int, float]:
    """Return the plan's own figures by year, in percent."""
    targets = corridors.store.plan_targets()
    own = targets[(targets["plan"] == "railway") & (targets["indicator_text"] == _HSR_TARGET)]
    known = own[own["value_num"].notna() & own["year"].notna()]
    return {int(year): float(value) for year, value in zip(known["year"], known["value_num"], strict=True)}


@dataclass(frozen=True)
class StationAccess:
    """People within minutes of a corridor's stations, and how it was measured.

    ``places``: the stations, columns ``analysis.corridors.STATION_HEADERS``.
    """

    places: pd.DataFrame
    people: dict[float, float]
    method: str
    mode: str
    notes: tuple[str, ...]

    @property
    def stations(self) -> int:
        """How many stations there are."""
        return len(self.places)

    @property
    def surveyed(self) -> int:
        """How many of them stand where an imported station does."""
        return int((self.places["precision"] == SURVEYED).sum())


def station_access(
    corridors: Corridors, key: str, data_dir: Path, minutes: tuple[float, ...] | None = None
) -> StationAccess:
    """Return the modelled people within ``minutes`` of the stations of a rail corridor, by car.

    By default they are those of ``corridor_rules.yaml``.
    A station stands where `analysis.corridors` puts it.

    Over the imported road network where there is one, else straight × detour ÷ speed; a cell is within when
    its minutes ≤ the threshold. ``CorridorError`` when the corridor has no place in the province.
    """
    stops = stations_of(corridors, key)
    if stops.empty:
        raise CorridorError(f"“{corridors.find(key)['name']}”在省内没有可定位的站点，无法计算通行时间。")
    points = gpd.GeoSeries(gpd.points_from_xy(stops["lon"], stops["lat"]), crs=STORE_CRS).to_crs(ALBERS)
    xy = np.column_stack([points.x, points.y])
    limits = load_corridor_rules().station_minutes if minutes is None else minutes
    travel = _travel(corridors, xy, data_dir, max(limits))
    people = corridors.cells["population"].to_numpy(dtype="float64")
    within = {
        limit: float(people[travel.reachable & (np.nan_to_num(travel.minutes, nan=np.inf) <= limit)].sum())
        for limit in limits
    }
    schematic = int((stops["precision"] != SURVEYED).sum())
    where = f"{schematic} 处站点按所在城镇驻地示意" if schematic else "站点均为导入的同名火车站"
    notes = (where, "人口为推算格网")
    return StationAccess(stops, within, travel.method_name, load_modes()[MODE].name, notes)


def _travel(corridors: Corridors, xy: np.ndarray, data_dir: Path, limit: float) -> TravelResult:
    mode = corridors.tables.on_land(load_modes()[MODE])
    cells = corridors.cells[["x", "y"]].to_numpy()
    roads = load_network(data_dir, mode)
    if roads is None:
        return nearest_facility_straight(xy, cells, mode=mode, max_minutes=limit)
    return nearest_facility_network(roads.network, xy, cells, max_minutes=limit)


def rail_projects(corridors: Corridors) -> pd.DataFrame:
    """Return the railway plan's lines, crossings and spurs with stage, period and prefectures.

    Columns id, name, family, family_name, status, period, stage, doc_no, seed_line, prefectures (adcodes).
    """
    families = [key for key, family in corridors.families.items() if family.timeline]
    table, rules = corridors.table, load_corridor_rules()
    own = table[(table["plan"] == "railway") & table["family"].isin(families)]
    rows = []
    for row in own.itertuples():
        key, period = str(row.id), row.period if isinstance(row.period, str) else ""
        rows.append(
            {
                "id": key,
                "name": row.name,
                "family": row.family,
                "family_name": corridors.families[str(row.family)].name,
                "status": row.status,
                "period": period,
                "stage": rules.stage_of(str(row.status), period),
                "doc_no": row.doc_no,
                "seed_line": row.seed_line,
                "prefectures": corridors.prefectures(key, "passed"),
            }
        )
    return pd.DataFrame(rows)
