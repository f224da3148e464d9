"""Partitions run one after the other here, or side by side on the workers of a ``dask.distributed``
scheduler.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import ScaleError
from geo.modes import TravelMode
from geo.network import Network
from geo.partition import Partition, PartitionResult, partition_cells, solve_partition
from geo.points import metric_points
from geo.snapping import snap_points
from geo.travel import Direction, TravelResult, require_facilities, require_overlap, search_minutes, tie_rank

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
    placed = sum(result.cells_placed for result in results)
    require_overlap(network, cells, placed=placed > 0, what="人口格网")
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
    require_overlap(network, facilities, placed=not unplaced.all(), what="设施")
    return TravelResult(
        whole.minutes,
        whole.facility,
        whole.reachable,
        whole.method,
        whole.mode,
        whole.max_minutes,
        np.flatnonzero(unplaced).astype(np.int32),
    )


def gather(
    results: Iterable[PartitionResult],
    cell_count: int,
    mode: TravelMode,
    max_minutes: float,
    *,
    straight: bool,
) -> TravelResult:
    """Return one result of ``cell_count`` cells from those of the pieces; cells of no piece are
    unreachable.
    """
    minutes = np.full(cell_count, np.nan)
    facility = np.full(cell_count, -1, dtype=np.int32)
    reachable = np.zeros(cell_count, dtype=bool)
    unplaced: set[int] = set()
    for result in results:
        minutes[result.rows] = result.travel.minutes
        facility[result.rows] = result.travel.facility
        reachable[result.rows] = result.travel.reachable
        unplaced.update(int(row) for row in result.travel.unplaced)
    return TravelResult(
        minutes=minutes,
        facility=facility,
        reachable=reachable,
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
