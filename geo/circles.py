"""15-minute life circles: which of a list of services a place reaches, each within its own time.

Town and country have thresholds and modes of their own (tiers) and are never measured by each other's. A
place's score is the weight of the services within reach over the weight of the services measured; a
region's is that of its people, which is Σ weight × people in reach over Σ weight × people. A service without
any facility is not measured: it is undefined with a reason, and counts neither for nor against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.coverage_profile import GROUPS, UNIT
from geo.errors import CircleError, CoverageError, UnknownRegionError
from geo.modes import quantise_minutes
from geo.region_tree import Level, region_hierarchy

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Tier = Literal["urban", "rural"]
TierView = Literal["all", "urban", "rural"]

TIERS: dict[Tier, str] = {"urban": "城镇", "rural": "乡村"}
"""Tiers of a circle: the column of the cell frame that counts their people, and what people read."""

NOT_ASKED = "该层级不要求此项服务"
NOTHING_MEASURED = "没有任何一项服务有设施数据"
NOBODY = "没有该层级的居民"

TABLE_COLUMNS = (
    "adcode",
    "name",
    "level",
    "tier",
    "population",
    "score",
    "complete_population",
    "complete_share",
    "missing",
    "missing_population",
    "straight_population",
    "services",
    "undefined",
    "reason",
)
SERVICE_COLUMNS = (
    "adcode",
    "name",
    "level",
    "tier",
    "service",
    "population",
    "covered_population",
    "coverage",
    "reason",
)


@dataclass(frozen=True, eq=False)
class ServiceReach:
    """One service in one tier: its threshold, its weight, and the minutes from every cell.

    ``minutes``: float64 per cell, NaN where unreachable; None when the service cannot be measured, which
    ``reason`` explains (Chinese). ``straight``: bool per cell, the minutes are those of a straight line
    (None: unknown, told of nobody).
    """

    service: str
    tier: Tier
    threshold_minutes: float
    minutes: FloatArray | None
    weight: float = 1.0
    reason: str | None = None
    straight: NDArray[np.bool_] | None = None

    @property
    def met(self) -> NDArray[np.bool_]:
        """Whether each cell reaches the service in time (minutes ≤ threshold); none when not measured."""
        if self.minutes is None:
            raise CircleError(f"服务“{self.service}”没有可用的通行时间：{self.reason}。")
        limit = float(quantise_minutes(self.threshold_minutes))
        return np.less_equal(self.minutes, limit, where=~np.isnan(self.minutes), out=_none(self.minutes))


def _none(values: FloatArray) -> NDArray[np.bool_]:
    return np.zeros(len(values), dtype=bool)


@dataclass(frozen=True, eq=False)
class CircleProfile:
    """The people of every county within reach of every service, by tier, as exact whole numbers of ``UNIT``.

    ``counties``: adcodes in ascending order; ``people[tier]``, ``straight[tier]`` (to some measured service
    their minutes are those of a straight line), ``complete[tier]`` (reach every measured
    service) and ``covered[tier, service]``: int64 per county. ``regions`` as of
    ``geo.region_tree.region_hierarchy``.
    """

    group: str
    reaches: tuple[ServiceReach, ...]
    regions: pd.DataFrame
    counties: NDArray[np.object_]
    people: dict[Tier, IntArray]
    straight: dict[Tier, IntArray]
    complete: dict[Tier, IntArray]
    covered: dict[tuple[Tier, str], IntArray]

    @property
    def services(self) -> list[str]:
        """The services in the order given, each once."""
        return list(dict.fromkeys(reach.service for reach in self.reaches))

    def members(self, level: Level) -> dict[str, IntArray]:
        """Return, for each region of a level in the order of ``regions``, the numbers of its counties."""
        owner = self.regions[level].reindex(pd.Index(self.counties)).to_numpy()
        names = self.regions.index[self.regions["level"] == level]
        return {str(adcode): np.flatnonzero(owner == adcode) for adcode in names}

    def measured(self, tiers: Sequence[Tier]) -> list[ServiceReach]:
        """Return the services of some tiers that could be measured."""
        return [reach for reach in self.reaches if reach.tier in tiers and reach.minutes is not None]


def tier_people(cells: pd.DataFrame, tier: Tier, group: str = "population") -> IntArray:
    """Return the people of a tier in every cell, as whole numbers of ``UNIT`` (int64).

    ``urban`` and ``rural`` are counted in the cells. The other groups are not counted by tier: a cell's are
    shared out as its whole population is, an estimate. Raises ``CircleError`` for missing columns or people
    below zero.
    """
    if group not in GROUPS:
        raise CircleError(f"没有“{group}”这一人群；可选：{'、'.join(GROUPS)}。")
    missing = [name for name in ("adcode", *TIERS, group) if name not in cells]
    if missing:
        raise CircleError(f"人口格网缺少列：{'、'.join(missing)}。")
    own = cells[tier].to_numpy(dtype=np.float64)
    if group in TIERS:
        people = own if group == tier else np.zeros(len(own))
    elif group == "population":
        people = own
    else:
        both = cells["urban"].to_numpy(dtype=np.float64) + cells["rural"].to_numpy(dtype=np.float64)
        share = np.divide(own, both, out=np.zeros(len(own)), where=both > 0.0)
        people = cells[group].to_numpy(dtype=np.float64) * share
    if not (np.isfinite(people) & (people >= 0.0)).all():
        raise CircleError("人口格网中有缺失或为负的人数。请检查人口数据。")
    return np.rint(people / UNIT).astype(np.int64)


def build_circles(
    cells: pd.DataFrame,
    reaches: Sequence[ServiceReach],
    regions: pd.DataFrame,
    *,
    group: str = "population",
) -> CircleProfile:
    """Return the sums by county that every table is made of.

    ``cells``: ``adcode``, ``urban``, ``rural`` and the group's column, in the order of the minutes of
    ``reaches``. ``regions``: as for ``geo.coverage_profile.build_profile``. Raises ``CircleError`` for no
    service, a service given twice in a tier, or another number of minutes than of cells;
    ``UnknownRegionError`` for cells of an unknown county.
    """
    _require_reaches(reaches, len(cells))
    hierarchy = region_hierarchy(regions)
    counties = np.sort(hierarchy.index[hierarchy["level"] == "county"].to_numpy(dtype=object))
    codes, names = pd.factorize(cells["adcode"])
    code = np.append(pd.Index(counties).get_indexer(pd.Index(names)), -1)[codes]
    if (code < 0).any():
        raise UnknownRegionError("人口格网中有不认识的县级代码。请与区划表核对。")
    people: dict[Tier, IntArray] = {}
    straight: dict[Tier, IntArray] = {}
    complete: dict[Tier, IntArray] = {}
    covered: dict[tuple[Tier, str], IntArray] = {}
    for tier in TIERS:
        here = tier_people(cells, tier, group)
        people[tier] = _by_county(code, here, len(counties))
        every, by_line = np.ones(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool)
        for reach in reaches:
            if reach.tier == tier and reach.minutes is not None:
                met = reach.met
                every &= met
                by_line |= False if reach.straight is None else reach.straight
                covered[tier, reach.service] = _by_county(code[met], here[met], len(counties))
        complete[tier] = _by_county(code[every], here[every], len(counties))
        straight[tier] = _by_county(code[by_line], here[by_line], len(counties))
    return CircleProfile(group, tuple(reaches), hierarchy, counties, people, straight, complete, covered)


def _require_reaches(reaches: Sequence[ServiceReach], cells: int) -> None:
    if not reaches:
        raise CircleError("没有指定服务。请至少选一项。")
    keys = [(reach.tier, reach.service) for reach in reaches]
    if len(set(keys)) != len(keys):
        raise CircleError("同一层级的一项服务只能给出一次。")
    for reach in reaches:
        if not reach.weight > 0.0:
            raise CircleError(f"服务“{reach.service}”的权重应大于 0，收到 {reach.weight:g}。")
        if reach.minutes is not None and len(reach.minutes) != cells:
            raise CoverageError(
                f"服务“{reach.service}”的通行时间有 {len(reach.minutes)} 个，格网有 {cells} 格，应一一对应。"
            )


def _by_county(code: IntArray, people: IntArray, counties: int) -> IntArray:
    """Return the exact sum of whole numbers per county."""
    order = np.argsort(code, kind="stable")
    totals = np.concatenate([[0], np.cumsum(people[order])])
    ends = np.searchsorted(code[order], np.arange(counties + 1))
    found: IntArray = totals[ends[1:]] - totals[ends[:-1]]
    return found


def cell_scores(
    cells: pd.DataFrame, reaches: Sequence[ServiceReach], *, tier: TierView = "all"
) -> FloatArray:
    """Return the score of every cell, from 0 to 1 (float64); NaN where nobody of the tier lives or nothing
    is measured.

    In ``all`` a cell with people of both tiers has the mean of both scores, weighted by its people.
    """
    _require_reaches(reaches, len(cells))
    reached, possible = np.zeros(len(cells)), np.zeros(len(cells))
    for one in _tiers(tier):
        people = tier_people(cells, one) * UNIT
        for reach in reaches:
            if reach.tier == one and reach.minutes is not None:
                reached += np.where(reach.met, people * reach.weight, 0.0)
                possible += people * reach.weight
    found: FloatArray = np.divide(reached, possible, out=np.full(len(cells), np.nan), where=possible > 0.0)
    return found


def cell_missing(
    cells: pd.DataFrame, reaches: Sequence[ServiceReach], *, tier: TierView = "all"
) -> NDArray[np.object_]:
    """Return, per cell, which measured services people of it do not reach in time (a tuple of ids in order).

    Empty where nothing is missing; None where nobody of the tier lives or nothing is measured, so that a cell
    has a score exactly where it has a tuple, and the score 1 exactly where that is empty.
    """
    _require_reaches(reaches, len(cells))
    services = list(dict.fromkeys(reach.service for reach in reaches))
    lacks = np.zeros((len(cells), len(services)), dtype=bool)
    known = np.zeros(len(cells), dtype=bool)
    for one in _tiers(tier):
        lives = tier_people(cells, one) > 0.0
        for reach in reaches:
            if reach.tier == one and reach.minutes is not None:
                lacks[:, services.index(reach.service)] |= lives & ~reach.met
                known |= lives
    kinds, which = np.unique(lacks, axis=0, return_inverse=True)
    names = np.empty(len(kinds), dtype=object)
    for number, kind in enumerate(kinds):
        names[number] = tuple(services[at] for at in np.flatnonzero(kind))
    found: NDArray[np.object_] = names[which.ravel()]
    found[~known] = None
    return found


def _tiers(view: TierView) -> tuple[Tier, ...]:
    if view == "all":
        return tuple(TIERS)
    if view not in TIERS:
        raise CircleError(f"没有“{view}”这一层级；可选：all、{'、'.join(TIERS)}。")
    return (view,)


def service_table(profile: CircleProfile, *, level: Level = "county", tier: TierView = "all") -> pd.DataFrame:
    """Return one row per region of ``level`` and service, with the columns of ``SERVICE_COLUMNS``.

    ``coverage``: people who reach the service within their tier's threshold over the people of the tiers
    that ask for it, summed, never averaged. NaN with a ``reason`` where the service has no facility or the
    region nobody.
    """
    tiers, names = _tiers(tier), profile.regions["name"]
    rows = []
    for adcode, members in profile.members(level).items():
        for service in profile.services:
            row = {"adcode": adcode, "name": names[adcode], "level": level, "tier": tier, "service": service}
            rows.append(row | _service_figures(profile, service, tiers, members))
    table = pd.DataFrame(rows, columns=list(SERVICE_COLUMNS))
    return table.assign(reason=_objects([row["reason"] for row in rows]))


def _service_figures(
    profile: CircleProfile, service: str, tiers: Sequence[Tier], members: IntArray
) -> dict[str, object]:
    """Return the people of a region who are to reach a service, and those who do."""
    own = [reach for reach in profile.reaches if reach.service == service and reach.tier in tiers]
    known = [reach for reach in own if reach.minutes is not None]
    people = sum(int(profile.people[reach.tier][members].sum()) for reach in known) * UNIT
    near = sum(int(profile.covered[reach.tier, service][members].sum()) for reach in known) * UNIT
    if not known:
        reason: str | None = own[0].reason if own else NOT_ASKED
        return {"population": np.nan, "covered_population": np.nan, "coverage": np.nan, "reason": reason}
    return {
        "population": people,
        "covered_population": near,
        "coverage": near / people if people > 0.0 else np.nan,
        "reason": None if people > 0.0 else NOBODY,
    }


def circle_table(profile: CircleProfile, *, level: Level = "county", tier: TierView = "all") -> pd.DataFrame:
    """Return one row per region of ``level`` with the columns of ``TABLE_COLUMNS``.

    ``score``: Σ weight × people in reach over Σ weight × people, over the measured services and the tiers of
    ``tier``. ``straight_population``: people whose minutes to some measured service are those of a straight
    line. ``complete_population``: people who reach every measured service of their tier. ``missing``: the
    service that most people lack (of equals the first in the order given; None when nobody lacks any), and
    ``missing_population`` how many. ``services``: how many services were measured; ``undefined``: the ids of
    those that were not, joined by ``~``. NaN with a ``reason`` where nothing was measured or nobody lives.
    """
    tiers, names = _tiers(tier), profile.regions["name"]
    asked = [reach for reach in profile.reaches if reach.tier in tiers]
    measured = profile.measured(tiers)
    known = [service for service in profile.services if any(one.service == service for one in measured)]
    unknown = dict.fromkeys(reach.service for reach in asked if reach.service not in known)
    rows = []
    for adcode, members in profile.members(level).items():
        row = {"adcode": adcode, "name": names[adcode], "level": level, "tier": tier}
        row |= _circle_figures(profile, measured, known, tiers, members)
        rows.append(row | {"services": len(known), "undefined": "~".join(unknown)})
    table = pd.DataFrame(rows, columns=list(TABLE_COLUMNS))
    return table.assign(
        reason=_objects([row["reason"] for row in rows]), missing=_objects([row["missing"] for row in rows])
    )


def _circle_figures(
    profile: CircleProfile,
    measured: Sequence[ServiceReach],
    known: Sequence[str],
    tiers: Sequence[Tier],
    members: IntArray,
) -> dict[str, object]:
    """Return the figures of one region from the sums of its counties."""
    people = {tier: int(profile.people[tier][members].sum()) for tier in tiers}
    near = {
        (one.tier, one.service): int(profile.covered[one.tier, one.service][members].sum())
        for one in measured
    }
    possible = sum(one.weight * people[one.tier] * UNIT for one in measured)
    reached = sum(one.weight * near[one.tier, one.service] * UNIT for one in measured)
    # Tiers in which nothing was measured have nobody whose circle could be called complete.
    counted = {one.tier for one in measured}
    everybody = sum(people[tier] for tier in counted) * UNIT
    complete = sum(int(profile.complete[tier][members].sum()) for tier in counted) * UNIT
    lacking = {
        service: sum(people[one.tier] - near[one.tier, service] for one in measured if one.service == service)
        for service in known
    }
    worst = max(lacking, key=lambda service: lacking[service], default=None)
    if worst is not None and lacking[worst] == 0:
        worst = None
    total = sum(people.values()) * UNIT
    by_line = sum(int(profile.straight[tier][members].sum()) for tier in counted) * UNIT
    reason = None if possible > 0.0 else (NOTHING_MEASURED if not measured else NOBODY)
    return {
        "population": total,
        "score": reached / possible if possible > 0.0 else np.nan,
        "complete_population": complete if measured else np.nan,
        "complete_share": complete / everybody if everybody > 0.0 else np.nan,
        "missing": worst,
        "missing_population": lacking[worst] * UNIT if worst is not None else (0.0 if measured else np.nan),
        "straight_population": by_line if measured else np.nan,
        "reason": reason,
    }


def _objects(values: Sequence[object]) -> pd.Series:
    """Return values as they are: pandas would turn a None among texts into NaN."""
    return pd.Series(list(values), dtype=object)
