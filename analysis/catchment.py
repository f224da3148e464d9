"""One question of supply and demand, the same for the page, the command line and the replay of a run.

`CatchmentRequest` says what is asked; `prepare_catchment` finds people, facilities and network as the
coverage analysis does; `CatchmentAnalysis` solves the floating catchments once and answers every group and
level.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.coverage import CoverageAnalysis, CoverageRequest, Engine, Origin, prepare_coverage
from analysis.given import Given
from analysis.left_out import WATER_RULE, edge_notes, people_by_region, people_where, road_notes
from analysis.repeats import find_repeats
from data.registry.rule_models import load_catchment_rules
from geo.catchment import METHOD_NAMES, CatchmentResult, Method, access_table, floating_catchment
from geo.coverage import GROUPS
from geo.decay import Decay, DecayKind, equal_zones, make_decay
from geo.edge import edge_cells, search_radii_m
from geo.errors import CatchmentError
from geo.reach import Reach, grid_reach, network_reach
from geo.reach_parts import partitioned_reach
from geo.region_tree import PROVINCE, Level, inside, prefectures_of
from geo.snapping import Snap, snap_points

Measure = Literal["count", "capacity"]

MEASURES: dict[Measure, str] = {"count": "设施数", "capacity": "设施规模"}

TABLE_COLUMNS = (
    "adcode",
    "name",
    "level",
    "population",
    "access",
    "unit",
    "unserved_population",
    "unserved_share",
    "straight_population",
    "lowest_access",
    "median_access",
    "gini",
    "edge_population",
    "edge",
    "reason",
)
FACILITY_COLUMNS = (
    "id",
    "name",
    "type",
    "adcode",
    "precision",
    "supply",
    "weighted_demand",
    "ratio",
    "unit",
    "straight",
    "reason",
)
_PER: dict[Measure, tuple[float, str]] = {"count": (100_000.0, "十万人"), "capacity": (1_000.0, "千人")}


@dataclass(frozen=True)
class CatchmentRequest:
    """What is asked of one run.

    ``types``, ``levels``, ``mode``, ``origin`` as those of ``CoverageRequest``. ``minutes``: the catchment.
    ``demand``: the group of people who compete for the supply. ``measure``: facilities count as one each, or
    by their capacity. ``steps`` and ``width`` replace the defaults of the decay. ``within``: region whose
    people are told of; demand and supply beyond it compete all the same. ``engine`` and ``scheduler``: where
    it runs; with ``dask`` by prefectures, the same but for rounding (see ``geo.reach_parts``).
    """

    types: tuple[str, ...]
    minutes: float
    mode: str = "straight"
    levels: tuple[str, ...] = ()
    origin: Origin = "auto"
    within: str = PROVINCE
    measure: Measure = "count"
    method: Method = "2sfca"
    decay: DecayKind = "step"
    steps: tuple[tuple[float, float], ...] | None = None
    width: float | None = None
    demand: str = "population"
    engine: Engine = "local"
    scheduler: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes back; the scheduler, which says only where, is left out.

        The pieces of ``engine="dask"`` give the same here as on workers, so a run can be done again without.
        """
        steps = None if self.steps is None else [list(step) for step in self.steps]
        plain = {"types": list(self.types), "levels": list(self.levels), "steps": steps, "scheduler": None}
        return {**dataclasses.asdict(self), **plain}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CatchmentRequest:
        """Return the request a run recorded."""
        steps = values["steps"]
        tuples = {
            "types": tuple(values["types"]),
            "levels": tuple(values["levels"]),
            "steps": None if steps is None else tuple((limit, weight) for limit, weight in steps),
        }
        return cls(**{**values, **tuples})


@dataclass(frozen=True, eq=False)
class CatchmentAnalysis:
    """A prepared question. ``base`` holds facilities, mode, network; ``cells`` the people of the whole
    province (columns of the grid); ``supply`` one value per facility of ``base.facilities`` that has one.

    ``given_notes`` are sentences (Chinese) on what went in, ``unit`` what access is counted in.
    """

    request: CatchmentRequest
    base: CoverageAnalysis
    cells: pd.DataFrame
    facilities: pd.DataFrame
    supply: NDArray[np.float64]
    decay: Decay
    cell_size_m: float
    supply_unit: str
    given_notes: tuple[str, ...]
    _tables: dict[tuple[str, Level], pd.DataFrame] = field(init=False, default_factory=dict, repr=False)

    @property
    def unit(self) -> str:
        """The unit of access, like 张/千人."""
        return f"{self.supply_unit}/{_PER[self.request.measure][1]}"

    @property
    def per(self) -> float:
        """How many people access is told for: 1,000 with capacities, 100,000 with counts."""
        return _PER[self.request.measure][0]

    @property
    def implied(self) -> bool:
        """Whether any of the facilities is at a place nobody surveyed."""
        return self.base.implied

    @property
    def method_text(self) -> str:
        """The method in words: steps, decay, travel."""
        name = METHOD_NAMES[self.request.method]
        if self.request.method == "2sfca" and self.request.decay != "none":
            name = f"增强型{name}"
        return f"{name}，{self.decay.text}；{self.base.method_words(partly=bool(self.straight.any()))}"

    @cached_property
    def result(self) -> CatchmentResult:
        """The access of every cell; solved once."""
        people = self.cells[self.request.demand].to_numpy(dtype=np.float64)
        return floating_catchment(self._reach, people, self.supply, method=self.request.method)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences that the reader must see (Chinese): on what went in, and whom the roads leave out."""
        mine = self.cells_of(self.request.within)
        people = self.cells[self.request.demand].to_numpy(dtype=np.float64)[mine]
        told = self._repeated()
        if self._snapped is not None:
            straight, everybody = people_where(people, self.straight[mine])
            off = {"设施": (int((~self._snapped[1].found).sum()), len(self.facilities))}
            told += road_notes(self.base.mode, straight_people=straight, people=everybody, off_road=off)
        told += self._by_water()
        reach = f" {self.request.minutes:g} 分钟路程"
        told += edge_notes(*people_where(people, self.edge_cells[mine]), reach, competing=True)
        return (*self.given_notes, *told)

    def _by_water(self) -> list[str]:
        """Return what must be said where straight lines are stopped by water."""
        waters, mode = self.base.mode.waters, self.base.mode
        if waters is None or not (self.base.network is None or self.straight.any()):
            return []
        near = waters.near(self._facilities_xy, self.request.minutes * mode.straight_m_per_minute)
        return (
            [f"{len(near)} 个设施中有 {near.sum()} 个的服务范围临长江或大湖：{WATER_RULE}"]
            if near.any()
            else []
        )

    def _repeated(self) -> list[str]:
        """Return what must be said of facilities that may be one, and the access without the repeated."""
        repeats = find_repeats(self.facilities, self.base.regions)
        if not repeats.extra:
            return repeats.words(len(self.facilities))
        kept = ~self.facilities["id"].isin(repeats.extra).to_numpy()
        once = dataclasses.replace(self, facilities=repeats.once(self.facilities), supply=self.supply[kept])
        within = self.request.within
        now, then = (float(one.region(within)["access"]) for one in (self, once))
        without = (
            f"，供给 {once.supply.sum():,.0f} {self.supply_unit}（现计 {self.supply.sum():,.0f}），"
            f"全区可及性 {then:,.4g} {self.unit}（现为 {now:,.4g}）"
        )
        return repeats.words(len(self.facilities), without)

    @cached_property
    def edge_cells(self) -> NDArray[np.bool_]:
        """Which cells lie so near the border that people or facilities beyond it could share in what they
        reach: whoever lives there is unknown, whatever facilities are given.
        """
        base = self.base
        radius = search_radii_m(base.mode, self.request.minutes, base.network, self.straight)
        return edge_cells(self._cells_xy, base.border, radius)

    @cached_property
    def straight(self) -> NDArray[np.bool_]:
        """Which cells have times of a straight line: those off the roads, and those that reach a facility off
        them.
        """
        if self._snapped is None:
            return np.ones(len(self.cells), dtype=bool)
        cells_at, facilities_at = self._snapped
        found: NDArray[np.bool_] = ~cells_at.found | self._reach.touched(~facilities_at.found)
        return found

    @cached_property
    def _snapped(self) -> tuple[Snap, Snap] | None:
        """Where cells and facilities join the roads."""
        if self.base.network is None:
            return None
        facilities_at = snap_points(self.base.network, self._facilities_xy, exact=True)
        return snap_points(self.base.network, self._cells_xy), facilities_at

    @property
    def _facilities_xy(self) -> NDArray[np.float64]:
        return self.facilities[["x", "y"]].to_numpy(dtype=np.float64)

    @property
    def _cells_xy(self) -> NDArray[np.float64]:
        return self.cells[["x", "y"]].to_numpy(dtype=np.float64)

    @cached_property
    def _reach(self) -> Reach:
        facilities, cells = self._facilities_xy, self._cells_xy
        if self.request.engine == "dask":
            return partitioned_reach(
                facilities,
                cells,
                prefectures_of(self.cells["adcode"]),
                cell_size_m=self.cell_size_m,
                mode=self.base.mode,
                decay=self.decay,
                network=self.base.network,
                scheduler=self.request.scheduler,
            )
        if self.base.network is not None and self._snapped is not None:
            cells_at = self._snapped[0]
            return network_reach(self.base.network, facilities, cells, decay=self.decay, cells_snap=cells_at)
        return grid_reach(
            facilities, cells, cell_size_m=self.cell_size_m, mode=self.base.mode, decay=self.decay
        )

    def table(self, *, level: Level = "county", group: str | None = None) -> pd.DataFrame:
        """Return the access of the people of ``group`` (default: those who ask) in every region of ``level``
        inside the request's; columns ``TABLE_COLUMNS``, access in ``unit``.
        """
        whom = self.request.demand if group is None else group
        if (whom, level) not in self._tables:
            found = access_table(
                self.result, self.cells, self.base.regions, group=whom, level=level, straight=self.straight
            )
            for column in ("access", "lowest_access", "median_access"):
                found[column] *= self.per
            people = self.cells[whom].to_numpy(dtype=np.float64)
            near = people_by_region(
                self.cells["adcode"], people, self.edge_cells, self.base.regions, found["adcode"]
            )
            found = found.assign(unit=self.unit, edge_population=near, edge=near > 0.0)[list(TABLE_COLUMNS)]
            whole = found["adcode"].isin(inside(self.base.regions, self.request.within))
            self._tables[whom, level] = found[whole].reset_index(drop=True)
        return self._tables[whom, level].copy()

    def region(self, adcode: str, *, group: str | None = None) -> pd.Series:
        """Return the row of one region inside the request's; access in ``unit``."""
        level = cast(Level, self.base.regions.loc[adcode, "level"])
        rows = self.table(level=level, group=group).set_index("adcode", drop=False)
        return cast(pd.Series, rows.loc[adcode])

    def groups(self, adcode: str) -> pd.DataFrame:
        """Return the access of every group of people in one region: ``TABLE_COLUMNS`` and ``group``."""
        rows = [self.region(adcode, group=group).to_dict() | {"group": group} for group in GROUPS]
        return pd.DataFrame(rows).astype({"reason": object})

    def facility_table(self) -> pd.DataFrame:
        """Return what every facility offers and who asks it, ``FACILITY_COLUMNS``; ``ratio`` in ``unit``,
        ``straight``: no road is near it.
        """
        result = self.result
        return self.facilities[["id", "name", "type", "adcode", "precision"]].assign(
            supply=self.supply,
            weighted_demand=result.weighted_demand,
            ratio=result.ratio * self.per,
            unit=self.unit,
            straight=True if self._snapped is None else ~self._snapped[1].found,
            reason=result.reason,
        )[list(FACILITY_COLUMNS)]

    def cell_table(self) -> pd.DataFrame:
        """Return the access of every cell of the request's region: ``cell_id``, ``x``, ``y`` (metres of
        ``ALBERS``), ``adcode``, ``population`` (those who ask), ``access`` and its ``unit``, ``straight``
        (times of a straight line).
        """
        mine = self.cells_of(self.request.within)
        people = self.cells.loc[mine, ["cell_id", "x", "y", "adcode", self.request.demand]]
        return people.rename(columns={self.request.demand: "population"}).assign(
            access=self.result.access[mine] * self.per, unit=self.unit, straight=self.straight[mine]
        )

    def cells_of(self, adcode: str) -> NDArray[np.bool_]:
        """Return which cells lie in a region."""
        return np.asarray(self.cells["adcode"].isin(inside(self.base.regions, adcode)))


def prepare_catchment(given: Given, request: CatchmentRequest) -> CatchmentAnalysis:
    """Return the analysis of a request; nothing is solved yet.

    Raises as ``analysis.coverage.prepare_coverage``, and ``CatchmentError`` for a bad decay or catchment,
    and for capacities that are missing altogether, or in units that cannot be added.
    """
    longest = load_catchment_rules().longest_minutes
    if not 0.0 < request.minutes <= longest:
        raise CatchmentError(f"服务范围应大于 0、不超过 {longest:g} 分钟，收到 {request.minutes:g}。")
    decay = decay_of(request.decay, request.minutes, steps=request.steps, width=request.width)
    base = prepare_coverage(
        given,
        CoverageRequest(
            types=request.types,
            mode=request.mode,
            levels=request.levels,
            origin=request.origin,
            within=request.within,
            search_minutes=request.minutes,
        ),
    )
    chosen, supply, unit, notes = _supply(base.facilities, request.measure)
    return CatchmentAnalysis(
        request=request,
        base=base,
        # People beyond the request's region compete too.
        cells=base.cells if request.within == PROVINCE else given.cells,
        facilities=chosen,
        supply=supply,
        decay=decay,
        cell_size_m=given.tables.cell_size_m,
        supply_unit=unit,
        given_notes=(*base.given_notes, *notes),
    )


def decay_of(
    kind: DecayKind,
    minutes: float,
    *,
    steps: tuple[tuple[float, float], ...] | None = None,
    width: float | None = None,
) -> Decay:
    """Return a decay; zones that are not given are equal ones, weighed as ``catchment_rules.yaml`` says."""
    zones = steps or equal_zones(minutes, load_catchment_rules().step_weights)
    return make_decay(kind, minutes, steps=zones, width=width)


def _supply(
    facilities: pd.DataFrame, measure: Measure
) -> tuple[pd.DataFrame, NDArray[np.float64], str, list[str]]:
    """Return the facilities that offer something known, how much, in which unit, and what must be said."""
    if measure == "count":
        return facilities, np.ones(len(facilities)), "处", []
    capacity = facilities["capacity"].to_numpy(dtype=np.float64)
    known = np.isfinite(capacity)
    if not known.any():
        raise CatchmentError(
            f"{len(facilities)} 处设施都没有规模，不能按规模计算。请导入带“规模”的设施表，或改按设施数计算。"
        )
    chosen = facilities[known].reset_index(drop=True)
    units = sorted({str(unit) for unit in chosen["capacity_unit"].dropna() if str(unit)})
    if len(units) > 1:
        raise CatchmentError(f"规模的单位不同（{'、'.join(units)}），不能相加。请只选一类设施。")
    notes = []
    if not known.all():
        notes.append(f"{int((~known).sum())} 处设施没有规模，未计入供给（不是按零计算）")
    zero = int((capacity[known] == 0.0).sum())
    if zero:
        notes.append(f"{zero} 处设施的规模为零，不提供服务")
    return chosen, capacity[known], units[0] if units else "个", notes
