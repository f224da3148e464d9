"""Taking a person's file in, the same for the command line and for the page 数据导入.

An intake knows its file and its choices. `run_intake` holds the build lock from the reading of the file to
the end of the build that follows, so that no other import or build comes between; when anything goes wrong
the store and the earlier imports stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from data.build import ProgressCallback, build_store
from data.ingest.facilities import FacilityImport, import_facilities, read_facilities
from data.ingest.facility_store import load_imported_facilities
from data.ingest.indicators import CheckedIndicators, check_indicators, import_indicators
from data.ingest.osm import Progress, import_osm
from data.ingest.summary import ImportSummary
from data.locking import build_lock
from data.registry import load_registry
from data.store import Store, open_store

Rebuild = Callable[[], object]
Intake = Callable[[Store, Rebuild], ImportSummary]
"""Takes its file into ``imports/`` of the data directory it was made for, given the store as it is and what
rebuilds it.
"""


def run_intake(
    data_dir: Path,
    intake: Intake,
    *,
    progress: ProgressCallback | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> ImportSummary:
    """Run an intake under the build lock and return what it did; the store is built first when there is none.

    ``progress`` is told the steps of the builds, ``on_wait`` (Chinese) when another build is to be waited
    for. Raises ``FaultReport`` with every fault of the file, and what a build raises.
    """
    with build_lock(data_dir, on_wait=on_wait):
        build_store(data_dir, progress=progress, only_if_stale=True)
        return intake(open_store(data_dir), lambda: build_store(data_dir, progress=progress))


def indicator_intake(path: Path, data_dir: Path) -> Intake:
    """Return the intake of a table of indicators (CSV or XLSX); see `import_indicators`."""

    def take_in(store: Store, rebuild: Rebuild) -> ImportSummary:
        existing = store.query("SELECT adcode, indicator, year, source, value FROM fact")
        return import_indicators(
            path, data_dir, load_registry(), store.region_table(), existing=existing, rebuild=rebuild
        )

    return take_in


def check_indicator_file(path: Path, data_dir: Path, store: Store) -> CheckedIndicators:
    """Return what `indicator_intake` would take in, without writing; ``FaultReport`` with every fault."""
    return check_indicators(path, data_dir, load_registry(), store.region_table())


def facility_intake(
    path: Path,
    data_dir: Path,
    *,
    datum: str,
    facility_type: str | None = None,
    source: str | None = None,
    layer: str | None = None,
) -> Intake:
    """Return the intake of a list of facilities, a table or a spatial file; see `import_facilities`."""

    def take_in(store: Store, rebuild: Rebuild) -> ImportSummary:
        return import_facilities(
            path,
            data_dir,
            facility_type=facility_type,
            datum=datum,
            regions=store.regions(zoom="full"),
            source=source,
            layer=layer,
            rebuild=rebuild,
        )

    return take_in


def check_facility_file(
    path: Path,
    data_dir: Path,
    store: Store,
    *,
    datum: str,
    facility_type: str | None = None,
    source: str | None = None,
    layer: str | None = None,
) -> FacilityImport:
    """Return what `facility_intake` would take in, without writing; ``FaultReport`` with every fault."""
    return read_facilities(
        path,
        facility_type=facility_type,
        datum=datum,
        regions=store.regions(zoom="full"),
        source=source,
        layer=layer,
        others=load_imported_facilities(data_dir),
    )


def osm_intake(path: Path, data_dir: Path, *, progress: Progress | None = None) -> Intake:
    """Return the intake of an OpenStreetMap extract; ``progress`` is told its steps. See `import_osm`."""

    def take_in(store: Store, rebuild: Rebuild) -> ImportSummary:
        counties = store.regions("county", zoom="full").reset_index()
        return import_osm(path, data_dir, counties, rebuild=rebuild, progress=progress)

    return take_in
