"""People's files, read by readers, so many at a time: called in place of the functions of `data.ingest`.

Each function gives what its namesake there gives, and raises what it raises; beyond that ``FaultReport`` when
reading took more than a reader may use, ``ReaderBusyError`` when too many files wait, and
``ReaderStoppedError`` when it was called off.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pyarrow as pa

from data.ingest.boundaries import CheckedBoundaries
from data.ingest.datum_check import DatumReport
from data.ingest.duplicates import Duplicates
from data.ingest.facilities import VECTOR_SUFFIXES, FacilityImport
from data.ingest.indicator_definitions import Definition
from data.ingest.indicators import CheckedIndicators
from data.ingest.osm import Extract
from data.ingest.osm_access import told_of_plain
from data.ingest.osm_network import OsmNetwork
from data.ingest.osm_source import ExtractInfo, file_fault
from data.ingest.osm_store import NetworkSource
from data.ingest.population import PopulationPattern
from data.ingest.sites import Site, SiteFile
from data.reader import forms
from data.reader.answers import Answer, texts
from data.reader.orders import Family, Given, Order, driver_of
from data.reader.sandbox import Bounds, Walls
from data.reader.worker import Control, bound_id, run
from data.registry.environment import LIMITS
from data.registry.limit_models import limit
from data.store.staging import imports_dir
from geo.errors import ReaderBusyError, ReaderStoppedError

_BOUNDS: Final = ("memory_mb", "cpu_seconds", "wall_seconds", "temporary_mb", "result_mb", "files")
_turns: dict[tuple[int, int], Turns] = {}


def turns() -> Turns:
    """Return the queue that all files of this process go through."""
    size = limit("reader.at_once"), limit("reader.waiting")
    return _turns.setdefault(size, Turns(*size))


def bounds_of(door: str) -> Bounds:
    """Return what a reader of a door may use: the door's own limits, else those of all readers."""
    return Bounds(**{name: limit(bound_id(door, name)) for name in _BOUNDS})


def read_indicators(
    path: Path, data_dir: Path, regions: gpd.GeoDataFrame, control: Control | None = None
) -> CheckedIndicators:
    """Return the facts of a table; ``regions`` is the region table. See `check_indicators`."""
    options = {"data_dir": str(data_dir.resolve())}
    reads = (imports_dir(data_dir),)
    answer = _read("indicators", path, options, {"rows": forms.FACTS}, control, regions, reads=reads)
    definitions = tuple(Definition.from_dict(dict(one)) for one in answer.said["definitions"])
    return CheckedIndicators(forms.frame(answer.tables["rows"]), definitions, texts(answer.said["notes"]))


def read_facility_file(
    path: Path,
    data_dir: Path | None,
    regions: gpd.GeoDataFrame,
    *,
    datum: str,
    facility_type: str | None = None,
    source: str | None = None,
    layer: str | None = None,
    control: Control | None = None,
) -> FacilityImport:
    """Return the facilities of a file; ``data_dir`` has those known already. See `read_facilities`."""
    options = {
        "data_dir": None if data_dir is None else str(data_dir.resolve()),
        "datum": datum,
        "facility_type": facility_type,
        "source": source,
        "layer": layer,
    }
    reads = () if data_dir is None else (imports_dir(data_dir),)
    answer = _read("facilities", path, options, forms.FACILITY_FILE, control, regions, reads=reads)
    said = answer.said
    return FacilityImport(
        frame=forms.frame(answer.tables["frame"]),
        title=str(said["title"]),
        duplicates=forms.frame(answer.tables["duplicates"]),
        datum=DatumReport(**said["datum"]),
        outside=int(said["outside"]),
        misplaced=int(said["misplaced"]),
        notes=texts(said["notes"]),
    )


def read_site_file(
    path: Path, regions: gpd.GeoDataFrame, *, datum: str, control: Control | None = None
) -> SiteFile:
    """Return the candidate sites of a file. See `read_sites`."""
    answer = _read("sites", path, {"datum": datum}, {"sites": forms.SITES}, control, regions)
    rows = answer.tables["sites"].to_pydict()
    sites = (Site(*row) for row in zip(rows["name"], rows["lon"], rows["lat"], strict=True))
    return SiteFile(tuple(sites), texts(answer.said["notes"]))


def read_boundary_file(
    path: Path,
    datum: str,
    *,
    layer: str | None = None,
    source: str | None = None,
    source_date: str | None = None,
    control: Control | None = None,
) -> CheckedBoundaries:
    """Return the boundaries of a file. See `read_boundaries`."""
    options = {"datum": datum, "layer": layer, "source": source, "source_date": source_date}
    answer = _read("boundaries", path, options, {"frame": forms.BOUNDARIES}, control)
    return CheckedBoundaries(forms.shapes(answer.tables["frame"]), texts(answer.said["notes"]))


def read_population_file(
    path: Path,
    regions: gpd.GeoDataFrame,
    *,
    scale_to_census: bool = True,
    source: str | None = None,
    control: Control | None = None,
) -> PopulationPattern:
    """Return the people of a raster by cell. See `read_population`."""
    options = {"scale_to_census": scale_to_census, "source": source}
    answer = _read("population", path, options, {"people": forms.PEOPLE}, control, regions, family="raster")
    rows = answer.tables["people"].to_pandas()
    facts = {str(key): str(value) for key, value in answer.said["facts"].items()}
    sums = {str(key): float(value) for key, value in answer.said["sums"].items()}
    return PopulationPattern(rows.set_index("cell_id")["people"], facts, sums, texts(answer.said["notes"]))


def read_osm_file(
    path: Path, data_dir: Path, counties: gpd.GeoDataFrame, control: Control | None = None
) -> Extract:
    """Return what an extract holds. See `read_extract`."""
    options = {"data_dir": str(data_dir.resolve())}
    reads = (imports_dir(data_dir),)
    answer = _read("osm", path, options, forms.OSM, control, counties, family="none", reads=reads)
    found, said = answer.tables, answer.said
    network = OsmNetwork(
        found["nodes"].to_pandas(),
        forms.edges(found["edges"]),
        int(said["ways"]),
        int(said["missing_nodes"]),
        int(said["dropped_loops"]),
        told_of_plain(said["access"]),
    )
    return Extract(
        path.name,
        str(said["digest"]),
        None if said["as_of"] is None else str(said["as_of"]),
        forms.frame(found["located"]),
        forms.frame(found["merges"]),
        texts(said["unplaced"]),
        network,
        {name: forms.shapes(found[name]) for name in ("rail", "rivers", "water")},
        Duplicates(forms.frame(found["duplicates"]), int(said["duplicates"]), texts(said["duplicate_notes"])),
    )


def look_at_osm_file(path: Path, control: Control | None = None) -> ExtractInfo:
    """Return what the head of an extract says. See `check_extract`."""
    answer = _read("osm_look", path, {}, {}, control, family="none", door="osm")
    as_of = answer.said["as_of"]
    return ExtractInfo(path.name, path.stat().st_size, None if as_of is None else str(as_of))


def read_network_file(path: Path, control: Control | None = None) -> NetworkSource:
    """Return the roads of an extract. See `read_osm_network`."""
    answer = _read("network", path, {}, forms.ROADS, control, family="none", door="osm")
    nodes, edges = answer.tables["nodes"].to_pandas(), forms.edges(answer.tables["edges"])
    return NetworkSource(nodes, edges, path.name, str(answer.said["digest"]))


def walls() -> Walls:
    """Return what stands around readers on this machine."""
    found = _read("walls", Path(__file__), {}, {}, None, family="none", door="sites").said["walls"]
    return Walls(str(found["network"]), int(found["landlock"]))


def _own_limits() -> tuple[Path, ...]:
    """Return the file of the office's own limits, which a reader must be able to read too."""
    named = LIMITS.value()
    return (Path(named),) if named else ()


def _read(  # noqa: PLR0917 - what every job has
    job: str,
    path: Path,
    options: Mapping[str, Any],
    schemas: Mapping[str, pa.Schema],
    control: Control | None,
    regions: gpd.GeoDataFrame | None = None,
    *,
    family: Family = "vector",
    door: str | None = None,
    reads: tuple[Path, ...] = (),
) -> Answer:
    """Let a reader do a job, after those who came before."""
    control = control or Control()
    if not path.is_file():
        raise file_fault(path, "文件不存在或不是普通文件", "核对文件路径")
    spatial = path.suffix.lower() in VECTOR_SUFFIXES or job == "boundaries"
    driver = {"vector": driver_of(path) if spatial else None, "raster": "GTiff", "none": None}[family]
    order = Order(
        job,
        str(path.resolve()),
        options,
        door or job,
        bounds_of(door or job),
        family if spatial or family != "vector" else "none",
        driver,
        tuple(str(one.resolve()) for one in (*reads, *_own_limits())),
    )

    def ahead(count: int) -> None:
        control.tell(f"排队等候，前面还有 {math.ceil(count)} 个文件", 0, 1)

    with turns().turn(ahead, control.wanted):
        control.tell("正在读取文件", 0, 1)
        return run(order, Given(regions), schemas, control)


_LOOK_SECONDS = 0.2


class Turns:
    """A queue of bounded length in front of a bounded number of places."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        """Open with all places free."""
        self.at_once, self.most_waiting = at_once, most_waiting
        self._lock = threading.Condition()
        self._waiting: deque[object] = deque()
        self._running = 0

    @contextmanager
    def turn(self, tell: Callable[[int], None], wanted: Callable[[], bool]) -> Iterator[None]:
        """Hold a place for the body, after those who came before.

        ``tell`` is told how many are ahead whenever that changes; ``wanted`` is asked now and then whether
        anybody still waits for this one. Raises ``ReaderBusyError`` when too many wait already, and
        ``ReaderStoppedError`` when this one is not wanted any more.
        """
        self._queue(tell, wanted)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._lock.notify_all()

    def _queue(self, tell: Callable[[int], None], wanted: Callable[[], bool]) -> None:
        me = object()
        told = 0
        with self._lock:
            free = self._running < self.at_once and not self._waiting
            if not free and len(self._waiting) >= self.most_waiting:
                raise ReaderBusyError(
                    f"同时读取的文件太多（{len(self._waiting)} 个在排队），请过一两分钟再试。"
                )
            self._waiting.append(me)
            try:
                while self._waiting[0] is not me or self._running >= self.at_once:
                    ahead = self._waiting.index(me) + self._running
                    if ahead != told:
                        told = ahead
                        tell(ahead)
                    self._lock.wait(_LOOK_SECONDS)
                    if not wanted():
                        raise ReaderStoppedError("已取消，没有写入任何内容。")
                self._running += 1
            finally:
                self._waiting.remove(me)
                self._lock.notify_all()

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return len(self._waiting)

    @property
    def running(self) -> int:
        """How many are being read."""
        with self._lock:
            return self._running
