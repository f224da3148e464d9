"""Import an OpenStreetMap extract: facilities, road network, rail and waters, all of it or nothing.

An extract that holds no facilities leaves the facilities imported before as they are, and likewise for roads:
facilities and roads may come from different extracts. An object is known by its OpenStreetMap id; where two
extracts hold it, the one imported last counts.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from data.ingest.duplicates import Duplicates, find_duplicates
from data.ingest.facility_store import load_imported_facilities
from data.ingest.osm_access import plain_told
from data.ingest.osm_facilities import read_osm_facilities, scan_facilities
from data.ingest.osm_layers import read_osm_rail, read_osm_rivers, read_osm_water
from data.ingest.osm_network import OsmNetwork, read_osm_network, scan_network
from data.ingest.osm_notes import facility_notes, network_notes
from data.ingest.osm_source import check_extract, file_fault
from data.ingest.osm_store import (
    STORED_COLUMNS,
    extract_name,
    facility_file,
    facility_files,
    read_facility_file,
    stage_facilities,
    stage_layer,
    stage_network,
)
from data.ingest.summary import ImportSummary
from data.registry.osm_models import OsmMapping, load_osm_mapping
from data.store.staging import StagedImport, imports_dir
from data.store.versions import file_digest
from geo.crs import STORE_CRS
from geo.regions import assign_regions

__all__ = ["import_osm", "locate_facilities", "read_osm_facilities", "read_osm_network"]

Progress = Callable[[str, int, int], None]
"""Told what is being done (Chinese), and how many of how many steps are done."""

STEPS = ("读取设施", "读取路网", "读取铁路和水系", "核对位置", "写入")
_SAMPLE = 20_000


@dataclass(frozen=True)
class OsmSummary(ImportSummary):
    """The outcome of an import of an extract; ``rows`` counts facilities.

    ``details``: ``as_of``, ``by_type``, ``by_county`` (adcode, name, type, facilities), ``outside``,
    ``merges`` (type, kept, kept_name, merged, merged_name), ``duplicates`` (pairs that may be one facility,
    in the extract and across sources), ``unplaced``, ``network`` (ways, nodes, edges, length_km,
    missing_nodes, access: `AccessTold`) and ``layers`` (rows of rail, rivers, water).
    """

    def lines(self) -> list[str]:
        """Return the summary as Chinese lines."""
        counts = f"新增 {self.added}，更新 {self.updated}，未变 {self.unchanged}"
        facilities = f"设施 {self.rows} 处（{counts}）" if self.rows else "没有设施，此前导入的设施不变"
        roads = "" if self.details["network"]["edges"] else "；没有道路，此前导入的路网不变"
        return [f"{self.file}：{facilities}{roads}。", *self.notes]


@dataclass(frozen=True)
class Extract:
    """Everything of use in one extract.

    ``digest`` is the sha256 of the file; ``located`` are the facilities with their county
    (``STORED_COLUMNS``); ``merges`` and ``unplaced`` say what became of the others (``OsmFacilities``);
    ``duplicates`` are the pairs that may be one, in the extract and across sources.
    """

    name: str
    digest: str
    as_of: str | None
    located: pd.DataFrame
    merges: pd.DataFrame
    unplaced: tuple[str, ...]
    network: OsmNetwork
    layers: dict[str, gpd.GeoDataFrame]
    duplicates: Duplicates


def locate_facilities(frame: pd.DataFrame, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return facilities with the column ``adcode``: the county that covers each, None beyond the province.

    ``counties``: adcode and geometry in EPSG:4490. The columns become ``STORED_COLUMNS``.
    """
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=STORE_CRS)
    located = frame.reset_index(drop=True)
    located["adcode"] = assign_regions(points, counties).astype("str")
    return located[list(STORED_COLUMNS)]


def import_osm(
    path: Path,
    data_dir: Path,
    counties: gpd.GeoDataFrame,
    *,
    mapping: OsmMapping | None = None,
    rebuild: Callable[[], object] | None = None,
    progress: Progress | None = None,
) -> OsmSummary:
    """Read an extract and take what it holds into ``imports/`` below ``data_dir``; return what changed.

    ``counties`` are the county boundaries (adcode, name, geometry; EPSG:4490). ``rebuild`` builds the store
    anew; when it raises, the import is taken back. Raises ``FaultReport`` (and then nothing has changed) for
    a file that is no PBF, is cut short, holds neither facilities nor roads, or lies outside the province
    altogether.
    """
    extract = read_extract(path, data_dir, counties, mapping=mapping, progress=progress)
    return store_extract(extract, data_dir, counties, rebuild=rebuild, progress=progress)


def read_extract(
    path: Path,
    data_dir: Path,
    counties: gpd.GeoDataFrame,
    *,
    mapping: OsmMapping | None = None,
    progress: Progress | None = None,
) -> Extract:
    """Return what an extract holds; writes nothing. ``data_dir`` has what was imported before.

    Raises as `import_osm`.
    """
    rules = mapping or load_osm_mapping()
    tell = progress or _silent
    info = check_extract(path, max_bytes=rules.extract.max_bytes)
    tell(STEPS[0], 0, len(STEPS))
    facilities = scan_facilities(path, rules)
    tell(STEPS[1], 1, len(STEPS))
    network = scan_network(path, rules)
    tell(STEPS[2], 2, len(STEPS))
    layers = {
        "rail": read_osm_rail(path, rules),
        "rivers": read_osm_rivers(path, rules),
        "water": read_osm_water(path, rules),
    }
    tell(STEPS[3], 3, len(STEPS))
    located = locate_facilities(facilities.frame, counties)
    _require_something(path, located, network)
    _require_here(path, located, network, counties)
    return Extract(
        path.name,
        file_digest(path),
        info.as_of,
        located,
        facilities.merges,
        facilities.unplaced,
        network,
        layers,
        _duplicates(path.name, located, data_dir, counties),
    )


def store_extract(
    extract: Extract,
    data_dir: Path,
    counties: gpd.GeoDataFrame,
    *,
    rebuild: Callable[[], object] | None = None,
    progress: Progress | None = None,
) -> OsmSummary:
    """Take what an extract holds into ``imports/`` below ``data_dir``; return what changed."""
    tell = progress or _silent
    tell(STEPS[4], 4, len(STEPS))
    staged, changes, notes = _stage(extract, data_dir)
    with ExitStack() as stack:
        for item in staged:
            # Before the first is in place: when one cannot be, those after it are dropped too.
            stack.callback(item.rollback)
        for item in staged:
            stack.enter_context(item)
        if rebuild is not None:
            rebuild()
    tell("完成", len(STEPS), len(STEPS))
    notes += extract.duplicates.notes
    if extract.duplicates.found:
        notes.append(
            f"{extract.duplicates.found} 对设施可能是同一处（同类、相近、名称相似），都已保留，请核对。"
        )
    notes += facility_notes(extract.located, extract.merges, extract.unplaced)
    notes += network_notes(extract.network)
    return _summary(extract, counties, changes, notes=notes, staged=staged)


def _silent(_step: str, _done: int, _total: int) -> None:
    """Hear the progress, for those whom nobody asked."""


def _require_something(path: Path, located: pd.DataFrame, network: OsmNetwork) -> None:
    if located.empty and network.edges.empty:
        raise file_fault(
            path,
            "数据包里既没有对照表里的设施，也没有可通行的道路",
            "请确认是含设施或道路的 OpenStreetMap 数据包；设施类型见 osm_mapping.yaml",
        )


def _require_here(
    path: Path, facilities: pd.DataFrame, network: OsmNetwork, counties: gpd.GeoDataFrame
) -> None:
    """Refuse an extract of another place: one that has facilities or roads, but none in the province."""
    nodes = network.nodes
    # Every so many nodes are enough to tell whether a network comes near the province at all.
    sample = nodes.iloc[:: max(1, len(nodes) // _SAMPLE)]
    places = pd.concat([facilities[["lon", "lat"]], sample[["lon", "lat"]]], ignore_index=True)
    if facilities["adcode"].notna().any() or _any_inside(sample, counties):
        return
    west, south, east, north = counties.total_bounds
    (low_lon, low_lat), (high_lon, high_lat) = places.min(), places.max()
    raise file_fault(
        path,
        f"数据包的范围是东经 {low_lon:.2f}–{high_lon:.2f}°、北纬 {low_lat:.2f}–{high_lat:.2f}°，"
        f"没有任何设施或道路在江苏省内（东经 {west:.2f}–{east:.2f}°、北纬 {south:.2f}–{north:.2f}°）",
        "请改用江苏省的数据包",
    )


def _duplicates(file: str, located: pd.DataFrame, data_dir: Path, counties: gpd.GeoDataFrame) -> Duplicates:
    """Return the pairs with a facility of this extract that may be one; an earlier edition does not count."""
    others = load_imported_facilities(data_dir)
    replaced = imports_dir(data_dir) / facility_file(extract_name(file))
    if replaced.exists():
        others = others[~others["id"].isin(read_facility_file(replaced)["id"])]
    others = others[~others["id"].isin(located["id"])]
    places = sorted(counties["name"], key=lambda name: (-len(name), name))
    return find_duplicates(located, others=others, places=tuple(places))


def _any_inside(nodes: pd.DataFrame, counties: gpd.GeoDataFrame) -> bool:
    if nodes.empty:
        return False
    tree = shapely.STRtree(shapely.points(nodes["lon"], nodes["lat"]))
    return any(len(tree.query(shape, predicate="intersects")) for shape in counties.geometry)


@dataclass(frozen=True)
class _Changes:
    added: int = 0
    updated: int = 0
    unchanged: int = 0


def _stage(extract: Extract, data_dir: Path) -> tuple[list[StagedImport], _Changes, list[str]]:
    """Stage every file of the import; nothing is in place yet."""
    staged: list[StagedImport] = []
    changes = _Changes()
    notes: list[str] = []
    try:
        if len(extract.located):
            changes, notes = _stage_facilities(extract, data_dir, staged)
        if len(extract.network.edges):
            staged += stage_network(
                data_dir,
                extract.network.nodes,
                extract.network.edges,
                extract.digest,
                file=extract.name,
                as_of=extract.as_of,
            )
        staged += [stage_layer(data_dir, name, frame) for name, frame in extract.layers.items() if len(frame)]
    except BaseException:
        for item in staged:
            item.rollback()
        raise
    return staged, changes, notes


def _stage_facilities(
    extract: Extract, data_dir: Path, staged: list[StagedImport]
) -> tuple[_Changes, list[str]]:
    """Stage the facilities, and earlier extracts without the objects that this one holds too."""
    own = facility_file(extract_name(extract.name))
    notes, before = [], pd.DataFrame(columns=list(STORED_COLUMNS))
    for path in facility_files(data_dir):
        earlier = read_facility_file(path)
        if path.name == Path(own).name:
            before = earlier
            continue
        both = earlier["id"].isin(extract.located["id"])
        if both.any():
            rest = f"{Path(own).parent}/{path.name}"
            staged.append(stage_facilities(data_dir, rest, earlier[~both]))
            notes.append(f"{int(both.sum())} 处设施此前已随 {path.stem} 导入，以本次为准。")
    gone = len(set(before["id"]) - set(extract.located["id"]))
    if gone:
        notes.append(f"上一版数据包中的 {gone} 处设施在这一版里已没有，已一并移除。")
    staged.append(stage_facilities(data_dir, own, extract.located))
    return _compare(before, extract.located), notes


def _compare(before: pd.DataFrame, after: pd.DataFrame) -> _Changes:
    """Count the facilities that are new, changed and unchanged since the last import of this extract."""
    columns = [name for name in STORED_COLUMNS if name not in {"id", "as_of"}]
    old, new = (frame.set_index("id")[columns].astype(object) for frame in (before, after))
    common = new.index.intersection(old.index)
    one, other = new.loc[common], old.loc[common]
    same = ((one == other) | (one.isna() & other.isna())).all(axis=1)
    return _Changes(len(new) - len(common), int((~same).sum()), int(same.sum()))


def _summary(
    extract: Extract,
    counties: gpd.GeoDataFrame,
    changes: _Changes,
    *,
    notes: list[str],
    staged: list[StagedImport],
) -> OsmSummary:
    located, network = extract.located, extract.network
    names = counties.set_index("adcode")["name"]
    by_county = located.groupby(["adcode", "type"], sort=True).size().rename("facilities").reset_index()
    by_county.insert(1, "name", by_county["adcode"].map(names))
    return OsmSummary(
        kind="osm",
        file=extract.name,
        rows=len(located),
        added=changes.added,
        updated=changes.updated,
        unchanged=changes.unchanged,
        files=tuple(item.target.name for item in staged),
        notes=tuple(notes),
        details={
            "as_of": extract.as_of,
            "by_type": {kind: int(count) for kind, count in located["type"].value_counts().items()},
            "by_county": by_county.to_dict("records"),
            "outside": int(located["adcode"].isna().sum()),
            "merges": _records(extract.merges),
            "duplicates": _records(extract.duplicates.pairs),
            "unplaced": list(extract.unplaced),
            "network": {
                "ways": network.ways,
                "nodes": len(network.nodes),
                "edges": len(network.edges),
                "length_km": round(float(network.edges["length_m"].sum()) / 1000, 3),
                "missing_nodes": network.missing_nodes,
                "access": plain_told(network.told),
            },
            "layers": {name: len(frame) for name, frame in extract.layers.items()},
        },
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, missing ones None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
