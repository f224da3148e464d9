"""The same computation in pieces, one after the other or side by side on workers of ``dask.distributed``."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.errors import CoverageError, ScaleError
from geo.modes import TravelMode
from geo.network import Network
from geo.points import metric_points
from geo.snapping import SAMPLE_SPACING_M, snap_points
from geo.travel import (
    Direction,
    TravelResult,
    require_facilities,
    search_minutes,
    solve_network,
    solve_straight,
    tie_rank,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Box = tuple[float, float, float, float]

_MARGIN_M = 1.0
"""Rounding of times and lengths stays far below a metre."""


@dataclass(frozen=True, eq=False)
class Partition:
    """One piece of the work, complete in itself: it can be sent to another machine.

    ``rows``: which of the caller's cells these are; ``cells``, ``facilities``: float64 (n, 2) in metres of
    ``ALBERS``; ``facility_rows``: which of the caller's facilities; ``rank``: their order of ties among
    themselves. ``network`` None: straight lines at ``mode``'s speed.
    """

    key: str
    rows: IntArray
    cells: FloatArray
    facilities: FloatArray
    facility_rows: IntArray
    rank: IntArray
    mode: TravelMode
    network: Network | None
    max_minutes: float
    direction: Direction


@dataclass(frozen=True, eq=False)
class PartitionResult:
    """Travel times of one piece, with rows of the caller's tables."""

    key: str
    rows: IntArray
    travel: TravelResult


def halo_m(mode: TravelMode, max_minutes: float, network: Network | None = None) -> float:
    """Return how far around its cells a piece must look, in metres, so that nothing within reach is missing.

    No trip of ``max_minutes`` leads farther as the crow flies than that many minutes at the fastest progress
    that any edge, the walk to the network or the straight line allows.
    """
    speed = mode.straight_m_per_minute
    if network is not None:
        speed = max(speed, network.max_speed)
    return max_minutes * speed + _MARGIN_M


def partition_cells(
    cells: FloatArray,
    keys: ArrayLike,
    facilities: FloatArray,
    rank: IntArray,
    *,
    mode: TravelMode,
    max_minutes: float,
    network: Network | None = None,
    direction: Direction = "to_facility",
) -> Iterator[Partition]:
    """Yield one piece per distinct key (the cells' prefecture), in ascending order of keys, one at a time.

    The halo holds every facility that a trip of ``max_minutes`` could reach, every edge such a trip could
    use, and every edge that could be the nearest of a cell or facility; so the pieces together give exactly
    what the whole would. ``keys``: one per cell. Raises ``CoverageError`` for another number of keys,
    missing keys, or an infinite search radius.
    """
    labels = pd.Series(np.asarray(keys, dtype=object))
    if len(labels) != len(cells) or labels.isna().any():
        raise CoverageError(
            f"分区代码应每格一个且不缺：格网 {len(cells)} 格，代码 {int(labels.notna().sum())} 个。"
        )
    if not np.isfinite(max_minutes):
        raise CoverageError("分区计算需要给定搜索半径（分钟）。")
    halo = halo_m(mode, max_minutes, network)
    code, names = pd.factorize(labels, sort=True)
    for number, key in enumerate(names):
        rows = np.flatnonzero(code == number)
        own = cells[rows]
        box = _grown(_box(own), halo)
        inside = np.flatnonzero(_within(facilities[:, 0], facilities[:, 1], box))
        part = None if network is None else subnetwork(network, _snap_box(box, network))
        yield Partition(
            key=str(key),
            rows=rows,
            cells=own,
            facilities=facilities[inside],
            facility_rows=inside,
            rank=np.argsort(np.argsort(rank[inside])),
            mode=mode,
            network=part,
            max_minutes=max_minutes,
            direction=direction,
        )


def solve_partition(partition: Partition) -> PartitionResult:
    """Return the travel times of one piece; ``facility`` and ``unplaced`` are rows of the caller's table."""
    network = partition.network
    if network is None:
        travel = solve_straight(
            partition.facilities, partition.cells, partition.mode, partition.max_minutes, partition.rank
        )
    else:
        travel = solve_network(
            network,
            snap_points(network, partition.facilities, exact=True),
            snap_points(network, partition.cells),
            partition.rank,
            max_minutes=partition.max_minutes,
            direction=partition.direction,
        )
    rows = np.append(partition.facility_rows, -1).astype(np.int32)
    named = replace(travel, facility=rows[travel.facility], unplaced=rows[travel.unplaced])
    return PartitionResult(partition.key, partition.rows, named)


def subnetwork(network: Network, box: Box) -> Network:
    """Return the part of a network whose edges touch a box (west, south, east, north; metres of ``ALBERS``).

    Nodes keep their order and everything that was found out about the whole, so that ties and isolated parts
    come out as they would there. Shares no memory that can change. May be empty.
    """
    start, end = network.edge_starts(), network.indices
    x, y = network.x, network.y
    touch = (np.maximum(x[start], x[end]) >= box[0]) & (np.minimum(x[start], x[end]) <= box[2])
    touch &= (np.maximum(y[start], y[end]) >= box[1]) & (np.minimum(y[start], y[end]) <= box[3])
    edge = np.flatnonzero(touch)
    is_kept = np.zeros(network.node_count, dtype=bool)
    is_kept[start[edge]] = True
    is_kept[end[edge]] = True
    kept = np.flatnonzero(is_kept)
    number = np.cumsum(is_kept, dtype=np.int32) - np.int32(1)
    count = np.bincount(number[start[edge]], minlength=len(kept))
    return Network(
        mode=network.mode,
        x=x[kept],
        y=y[kept],
        node_id=network.node_id[kept],
        indptr=np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        indices=number[end[edge]],
        minutes=network.minutes[edge],
        snappable=network.snappable[edge],
        major=network.major[kept],
        piece=network.piece[kept],
        isolated=network.isolated[kept],
        symmetric=network.symmetric,
    )


def _snap_box(box: Box, network: Network) -> Box:
    """Return the box grown by all that putting a place onto the network may look at."""
    return _grown(box, network.mode.snap_limit_m + 2.0 * SAMPLE_SPACING_M)


def _box(points: FloatArray) -> Box:
    """Return the bounding box of points."""
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _grown(box: Box, by: float) -> Box:
    """Return a box grown on all sides."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _within(x: FloatArray, y: FloatArray, box: Box) -> BoolArray:
    """Return which points lie in a box, its sides included."""
    return (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])


Task = Partition | Callable[[], Partition]
"""A piece of work, or something that a worker calls to get it (read its own file, for instance)."""


class Keyed(Protocol):
    """An answer that knows which piece it is of."""

    @property
    def key(self) -> str:
        """The key of the piece."""
        ...


Job = TypeVar("Job")
Answer = TypeVar("Answer", bound=Keyed)
Progress = Callable[[str, int], None]
"""Told the key of every finished piece, and how many are done."""

_CONNECT_SECONDS = 30
_ATTEMPTS = 5
"""How often a piece may lose its worker before it counts as the piece's own fault."""


def nearest_facility_partitioned(
    cells_xy: ArrayLike,
    partition_keys: ArrayLike,
    facilities_xy: ArrayLike,
    *,
    mode: TravelMode,
    max_minutes: float,
    network: Network | None = None,
    facility_ids: ArrayLike | None = None,
    direction: Direction = "to_facility",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> TravelResult:
    """Return what ``nearest_facility_network`` (or ``_straight``, without a network) would, bit for bit.

    ``partition_keys``: the prefecture of every cell. ``max_minutes``: search radius, which sets the halo
    and must be given. ``scheduler``: address of a ``dask.distributed`` scheduler ("tcp://host:port") whose
    workers have this package; None runs the pieces here, one after the other, in the memory of one. A
    worker that dies loses nothing: its pieces run again elsewhere. Raises as the unpartitioned functions
    do, and ``ScaleError`` when the scheduler cannot be reached or gives up.
    """
    facilities = metric_points(facilities_xy, "设施")
    cells = metric_points(cells_xy, "人口格网")
    radius = search_minutes(max_minutes)
    require_facilities(facilities, cells)
    travel_mode = mode if network is None else network.mode
    pieces = partition_cells(
        cells,
        partition_keys,
        facilities,
        tie_rank(facility_ids, len(facilities)),
        mode=travel_mode,
        max_minutes=radius,
        network=network,
        direction=direction,
    )
    asked = np.zeros(len(facilities), dtype=bool)
    results = run_tasks(_noting(pieces, asked), scheduler=scheduler, progress=progress)
    whole = gather(results, len(cells), travel_mode, radius, straight=network is None)
    if network is None:
        return whole
    return _with_far_facilities(whole, network, facilities, asked)


def _noting(pieces: Iterable[Partition], asked: NDArray[np.bool_]) -> Iterator[Partition]:
    """Yield the pieces, marking in ``asked`` which facilities any of them holds."""
    for piece in pieces:
        asked[piece.facility_rows] = True
        yield piece


def _with_far_facilities(
    whole: TravelResult, network: Network, facilities: NDArray[np.float64], asked: NDArray[np.bool_]
) -> TravelResult:
    """Return the result with the unplaced among the facilities too far for any piece to have looked at."""
    unplaced = np.zeros(len(facilities), dtype=bool)
    unplaced[whole.unplaced] = True
    rest = np.flatnonzero(~asked)
    if len(rest):
        unplaced[rest] = ~snap_points(network, facilities[rest], exact=True).found
    return replace(whole, unplaced=np.flatnonzero(unplaced).astype(np.int32))


def gather(
    results: Iterable[PartitionResult],
    cell_count: int,
    mode: TravelMode,
    max_minutes: float,
    *,
    straight: bool,
) -> TravelResult:
    """Return one result of ``cell_count`` cells from those of the pieces; cells of no piece are unreachable.

    ``straight``: there is no network.
    """
    minutes = np.full(cell_count, np.nan)
    facility = np.full(cell_count, -1, dtype=np.int32)
    reachable, by_line = np.zeros(cell_count, dtype=bool), np.full(cell_count, straight)
    around = np.zeros(cell_count, dtype=bool)
    unplaced: set[int] = set()
    for result in results:
        minutes[result.rows] = result.travel.minutes
        facility[result.rows] = result.travel.facility
        reachable[result.rows] = result.travel.reachable
        by_line[result.rows] = result.travel.straight
        around[result.rows] = result.travel.around
        unplaced.update(int(row) for row in result.travel.unplaced)
    return TravelResult(
        minutes=minutes,
        facility=facility,
        reachable=reachable,
        straight=by_line,
        around=around,
        method="straight" if straight else "network",
        mode=mode.id,
        max_minutes=max_minutes,
        unplaced=np.array(sorted(unplaced), dtype=np.int32),
    )


def run_tasks(
    tasks: Iterable[Task], *, scheduler: str | None = None, progress: Progress | None = None
) -> list[PartitionResult]:
    """Return the result of every task, in the order of their keys; tasks are taken up only as room is
    there.
    """
    return run_jobs(tasks, solve_task, scheduler=scheduler, progress=progress)


def run_jobs(
    jobs: Iterable[Job],
    solve: Callable[[Job], Answer],
    *,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[Answer]:
    """Return ``solve`` (a function of a module, which workers can import) of every job, as `run_tasks`."""
    finished = map(solve, jobs) if scheduler is None else _run_on_dask(jobs, solve, scheduler)
    results = []
    for result in finished:
        results.append(result)
        if progress is not None:
            progress(result.key, len(results))
    return sorted(results, key=lambda result: result.key)


def solve_task(task: Task) -> PartitionResult:
    """Return the result of a task, which is a piece or says where to get it."""
    return solve_partition(task if isinstance(task, Partition) else task())


def _run_on_dask(jobs: Iterable[Job], solve: Callable[[Job], Answer], scheduler: str) -> Iterator[Answer]:
    """Yield results as workers finish them, with at most two pieces per worker thread on their way.

    Pieces travel as arguments of their tasks, which the scheduler keeps until they are done: what a dying
    worker held can be sent again.
    """
    try:
        import dask  # noqa: PLC0415 - an optional dependency
        from distributed import Client, KilledWorker, as_completed  # noqa: PLC0415
    except ImportError as error:
        raise ScaleError("分布式计算需要 dask：请安装 sutu[scale]，或改用本机引擎。") from error
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ScaleError(
            f"连不上调度器 {scheduler}：{error}。请确认调度器已启动、地址与端口正确。"
        ) from error
    queue = iter(jobs)
    with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": "64 GB"}):
        threads = sum(client.nthreads().values())
        if threads == 0:
            raise ScaleError(f"调度器 {scheduler} 没有工作进程。请先启动 dask worker。")
        running = as_completed(loop=client.loop)
        for job in _take(queue, 2 * threads):
            running.add(client.submit(solve, job, pure=False, retries=_ATTEMPTS))
        for future in running:
            try:
                yield future.result()
            except KilledWorker as error:
                raise ScaleError(
                    "同一分区连续使多个工作进程退出，多半是内存不足。请减小分区或加大工作进程的内存。"
                ) from error
            for job in _take(queue, 1):
                running.add(client.submit(solve, job, pure=False, retries=_ATTEMPTS))


def _take(queue: Iterator[Job], count: int) -> Iterator[Job]:
    """Yield up to ``count`` jobs of the queue."""
    for _, job in zip(range(count), queue, strict=False):
        yield job
