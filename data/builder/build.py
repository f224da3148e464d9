"""The build: every input read, the tables made, checked, written aside and published as one version.

The same inputs give the same data version and the same tables. A build that fails or is killed leaves the
previous version as it was.

Regions, the population grid, plans and corridors take most of a build's time. An import makes them while its
file is read by another process; a build takes them over when nothing they rest on has changed since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from data.builder.corridor_table import CorridorTables, build_corridors
from data.builder.facilities import build_facility_table, locate_townships
from data.builder.plans import PlanTables, build_plan_tables
from data.ingest.indicators import load_imported
from data.regions.boundaries import Boundaries, build_region_table, load_boundaries, simplify_regions
from data.regions.census import FactTables, build_facts, census_counts
from data.regions.population import PopulationGrid, make_population_grid
from data.registry import load_registry
from data.registry.facility_models import load_standards, standard_rows
from data.registry.files import require_sound
from data.store.build_lock import build_lock
from data.store.check import check_store
from data.store.files import disk_in_words
from data.store.publish import Contents, building_folder, publish, write_contents
from data.store.schema import SCHEMA_VERSION
from data.store.staging import remove_leftovers
from data.store.store import Store
from data.store.versions import (
    CORRIDOR_STRIPS,
    CORRIDORS,
    POPULATION_GRID,
    REMEDY,
    ZOOMS,
    find_damage,
    has_pointer,
    input_version,
    read_pointer,
)
from geo.errors import StoreError

__all__ = [
    "GROUND_STEPS",
    "BuildSummary",
    "Ground",
    "GroundAhead",
    "ProgressCallback",
    "build_store",
    "ground_version",
    "input_version",
    "is_current",
    "make_ground",
]

GROUND_STEPS: Final = ("读取登记表", "读取边界", "汇总地区", "推算人口格网", "整理规划", "整理通道走廊")
_BUILT_UPON: Final = ("indicators", "facilities")
"""Folders of imports that the ground does not depend on."""


@dataclass(frozen=True)
class Ground:
    """What a build begins with; ``version`` tells the inputs that it was made of (`ground_version`).

    ``facts`` are those that travel with the program.
    """

    version: str
    boundaries: Boundaries
    regions: gpd.GeoDataFrame
    files: dict[str, gpd.GeoDataFrame]
    facts: FactTables
    people: PopulationGrid
    plans: PlanTables
    corridors: CorridorTables

    def table(self) -> pd.DataFrame:
        """Return the regions without their shapes."""
        return pd.DataFrame(self.regions.drop(columns="geometry"))


def ground_version(data_dir: Path) -> str:
    """Return what the ground of ``data_dir`` would be made of now; raises as `input_version`."""
    return input_version(data_dir, without=_BUILT_UPON)


def make_ground(data_dir: Path, begin: Callable[[str], None] | None = None) -> Ground:
    """Return the ground for ``data_dir``; ``begin`` is told each of `STEPS`. Raises as `build_store`."""
    tell = begin or _silent
    version = ground_version(data_dir)
    tell(GROUND_STEPS[0])
    registry = load_registry()
    tell(GROUND_STEPS[1])
    boundaries = load_boundaries(data_dir)
    tell(GROUND_STEPS[2])
    regions = build_region_table(boundaries.frame)
    files = _region_files(regions)
    table = pd.DataFrame(regions.drop(columns="geometry"))
    census = census_counts(registry, table.sort_values("adcode", ignore_index=True))
    facts = build_facts(registry, table, census)
    if facts.problems:
        raise StoreError("随程序发布的数据不自洽，没有构建：\n" + "\n".join(facts.problems))
    tell(GROUND_STEPS[3])
    people = make_population_grid(registry, regions, data_dir, counts=census)
    tell(GROUND_STEPS[4])
    plans = build_plan_tables(registry)
    tell(GROUND_STEPS[5])
    corridors = build_corridors(data_dir, regions, files["regions_province"])
    return Ground(version, boundaries, regions, files, facts, people, plans, corridors)


def _silent(_step: str) -> None:
    """Hear the steps, for those whom nobody asked."""


def _region_files(regions: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the geometry of every region that has one, in full and for each zoom class."""
    frames = {"full": regions, **{zoom: simplify_regions(regions, zoom) for zoom in ZOOMS}}
    columns = ["adcode", "name", "level", "geometry"]
    return {
        f"regions_{zoom}": frame.loc[~frame.geometry.isna(), columns].reset_index(drop=True)
        for zoom, frame in frames.items()
    }


class GroundAhead:
    """The ground being made in a thread of its own, for a build that will want it."""

    def __init__(self, data_dir: Path) -> None:
        """Begin."""
        self._data_dir = data_dir
        self._made: Ground | None = None
        self._thread = threading.Thread(target=self._make, daemon=True, name="sutu-ground")
        self._thread.start()

    def _make(self) -> None:
        try:
            self._made = make_ground(self._data_dir)
        except Exception:
            # Whatever it is, the build meets it again, where it can be told.
            self._made = None

    def take(self) -> Ground | None:
        """Return the ground when it is made, None where it could not be."""
        self._thread.join()
        return self._made


ProgressCallback = Callable[[str, int, int], None]
"""Told what is being done (Chinese), and how many of how many steps are done."""

STEPS = (*GROUND_STEPS, "整理事实", "整理设施", "写入", "体检", "发布")
_ATTEMPTS = 3


@dataclass(frozen=True)
class BuildSummary:
    """The outcome of a build.

    ``rows`` counts the rows of each table, ``seconds`` is the duration of each step. ``built`` is False when
    the store was up to date and left alone; ``mended`` says what was damaged in the one before.
    """

    data_version: str
    store: str
    built: bool
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    unmatched: int = 0
    mended: tuple[str, ...] = ()


class _Steps:
    """Tells the caller each step, and times it."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress or (lambda _step, _done, _total: None)
        self._current: str | None = None
        self._since = 0.0

    def begin(self, step: str) -> None:
        """End the step under way and begin this one."""
        self._end()
        self._current, self._since = step, time.perf_counter()
        self._progress(step, STEPS.index(step), len(STEPS))

    def finish(self) -> None:
        """End the last step."""
        self._end()
        self._progress("完成", len(STEPS), len(STEPS))

    def wait(self, message: str) -> None:
        """Say what the build waits for before its first step."""
        self._progress(message, 0, len(STEPS))

    def _end(self) -> None:
        if self._current is not None:
            spent = time.perf_counter() - self._since
            self.seconds[self._current] = self.seconds.get(self._current, 0.0) + spent
        self._current = None


def is_current(data_dir: Path) -> bool:
    """Return whether the store of ``data_dir`` is whole, opens, and is what the inputs would give now."""
    return _state(data_dir)[0]


def _state(data_dir: Path) -> tuple[bool, tuple[str, ...]]:
    """Return whether the store is current, and what is damaged in it: a Chinese phrase each."""
    if not has_pointer(data_dir):
        return False, ()
    try:
        pointer = read_pointer(data_dir)
        if pointer.schema_version != SCHEMA_VERSION or pointer.data_version != input_version(data_dir):
            return False, ()
        if damage := find_damage(data_dir / pointer.store):
            return False, tuple(damage)
        store = Store(data_dir / pointer.store)
    except StoreError as fault:
        return False, (str(fault).replace(REMEDY, "").rstrip("。"),)
    store.close()
    return store.data_version == pointer.data_version, ()


def build_store(
    data_dir: Path,
    *,
    progress: ProgressCallback | None = None,
    only_if_stale: bool = False,
    ahead: GroundAhead | None = None,
) -> BuildSummary:
    """Build the store of ``data_dir`` and make it the current one; return what was built.

    One build at a time: a second one waits for the first. With ``only_if_stale`` a store that is up to date
    once the lock is held is left alone; one that is damaged is told (``progress``, ``mended``) and built
    anew. ``ahead`` is the ground that was begun before; one of other inputs is not used. Raises `StoreError`
    when the folder cannot be written, the disk is full or the result does not pass the check,
    `RegistryError` and `GeometryError` for faulty inputs; the previous version stays in each case.
    """
    steps = _Steps(progress)
    with build_lock(data_dir, on_wait=steps.wait), disk_in_words(f"在 {data_dir} 构建数据库"):
        current, damage = _state(data_dir)
        if only_if_stale and current:
            pointer = read_pointer(data_dir)
            return BuildSummary(pointer.data_version, pointer.store, built=False)
        for phrase in damage:
            steps.wait(f"发现损坏：{phrase}。重新构建")
        remove_leftovers(data_dir)
        for _ in range(_ATTEMPTS):
            version = input_version(data_dir)
            contents = _gather(data_dir, version, steps, ahead)
            # An import may have arrived while the inputs were read: then they are read again.
            if input_version(data_dir) == version:
                return replace(_write(data_dir, version, contents, steps), mended=damage)
        raise StoreError("构建期间导入的数据不断变化，无法得到一致的版本。请稍后再运行 sutu build。")


def _gather(data_dir: Path, version: str, steps: _Steps, ahead: GroundAhead | None = None) -> Contents:
    """Read every input and make the tables."""
    require_sound()
    ground = _ground(data_dir, steps, ahead)
    table = ground.table()
    steps.begin("整理事实")
    facts = _with_imports(ground.facts, data_dir, set(table["adcode"]))
    steps.begin("整理设施")
    facilities = build_facility_table(data_dir, ground.regions)
    facts = replace(
        facts,
        source=pd.concat([facts.source, facilities.source], ignore_index=True),
        unmatched=pd.concat([facts.unmatched, facilities.unmatched], ignore_index=True),
    )
    placed = locate_townships(ground.regions)["geonameid"].notna()
    meta = {"townships": str(len(placed)), "townships_located": str(int(placed.sum()))}
    tables = _tables(table, facts, ground.plans) | {
        "facility": facilities.facility,
        "facility_standard": pd.DataFrame(standard_rows(load_standards())),
        "corridor": ground.corridors.corridor,
        "corridor_member": ground.corridors.member,
    }
    files = ground.files | {
        POPULATION_GRID: ground.people.frame,
        CORRIDORS: ground.corridors.shapes,
        CORRIDOR_STRIPS: ground.corridors.strips,
    }
    return Contents(tables, files, _meta(version, ground.boundaries) | meta | ground.people.meta())


def _ground(data_dir: Path, steps: _Steps, ahead: GroundAhead | None) -> Ground:
    """Return the ground: the one begun before where it rests on what is there now, else a new one."""
    if ahead is not None:
        steps.begin(STEPS[0])
        made = ahead.take()
        if made is not None and made.version == ground_version(data_dir):
            for step in GROUND_STEPS[1:]:
                steps.begin(step)
            return made
    return make_ground(data_dir, steps.begin)


def _with_imports(facts: FactTables, data_dir: Path, adcodes: set[str]) -> FactTables:
    """Return the fact tables with what people imported.

    Indicators and sources of the registry stay as they are. An imported fact whose region or indicator is no
    longer known (the registry changed since) is reported as unmatched, not dropped and not fatal.
    """
    imported, definitions, sources = load_imported(data_dir)
    if sources.empty:
        return facts
    own = definitions[~definitions["id"].isin(facts.indicator["id"])]
    indicator = pd.concat([facts.indicator, own], ignore_index=True)
    lost_region = ~imported["adcode"].isin(adcodes)
    lost = imported[lost_region | ~imported["indicator"].isin(indicator["id"])]
    unmatched = pd.DataFrame(
        {
            "table_name": "fact",
            "source": lost["source"],
            "row": lost["year"].astype(str),
            "code": lost["adcode"],
            "name": lost["indicator"],
            "value": lost["value"].map("{:g}".format),
            "reason": lost_region[lost.index].map({True: "代码不是现行地区", False: "登记表里没有这个指标"}),
        }
    )
    return replace(
        facts,
        fact=pd.concat([facts.fact, imported.drop(lost.index)], ignore_index=True),
        indicator=indicator,
        source=pd.concat([facts.source, sources], ignore_index=True),
        unmatched=pd.concat([facts.unmatched, unmatched], ignore_index=True),
    )


def _tables(regions: pd.DataFrame, facts: FactTables, plans: PlanTables) -> dict[str, pd.DataFrame]:
    """Return the frames by table name, as the schema names them."""
    return {
        "region": regions,
        "indicator": facts.indicator,
        "fact": facts.fact,
        "zone": facts.zone,
        "census_change": facts.census_change,
        "source": facts.source,
        "unmatched": facts.unmatched,
        "plan_document": plans.plan_document,
        "plan_target": plans.plan_target,
        "headline_target": plans.headline_target,
        "target_contradiction": plans.target_contradiction,
    }


def _meta(version: str, boundaries: Boundaries) -> dict[str, str]:
    return {
        "schema_version": str(SCHEMA_VERSION),
        "data_version": version,
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "boundary_source": boundaries.source,
        "boundary_date": boundaries.date,
        "boundary_imported": "yes" if boundaries.imported else "no",
    }


def _write(data_dir: Path, version: str, contents: Contents, steps: _Steps) -> BuildSummary:
    """Write, check and publish a version."""
    with building_folder(data_dir) as building:
        steps.begin("写入")
        write_contents(building, contents)
        steps.begin("体检")
        store = Store(building)
        try:
            report = check_store(store)
        finally:
            store.close()
        if not report.ok:
            raise StoreError("构建结果没有通过体检，原有数据库保持不变：\n" + "\n".join(report.problems))
        steps.begin("发布")
        pointer = publish(data_dir, building, version)
    steps.finish()
    return BuildSummary(
        data_version=version,
        store=pointer.store,
        built=True,
        rows={name: len(frame) for name, frame in contents.tables.items()},
        seconds=steps.seconds,
        unmatched=len(contents.tables["unmatched"]),
    )
