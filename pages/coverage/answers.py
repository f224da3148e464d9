"""What the page 设施覆盖 asks of a solved analysis: images, tables, clusters, curves; each made once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from analysis.coverage import CoverageAnalysis, CoverageRequest, prepare_coverage
from analysis.given import gather
from analysis.palettes import ramp
from data.registry.facility_models import load_facility_types
from data.store.store import Store, data_dir
from geo.clusters import ClusterResult, uncovered_clusters
from geo.coverage import cumulative_curve
from geo.region_tree import Level
from layers.points import PointSet, facility_points
from layers.surface import SurfaceGrid, minutes_image, surface_grid, threshold_image
from pages.shared.cached import roads
from pages.shared.regions import cell_size_m
from pages.shared.study_frame import Slot, Tell

P = ParamSpec("P")
T = TypeVar("T")
_ANSWERS = 32


class Answers:
    """A solved analysis and everything drawn from it; safe to share between threads and users.

    Nothing here depends on the threshold except what the methods compute for one; each answer is kept.
    """

    def __init__(self, analysis: CoverageAnalysis, cell_size_m: float, seconds: float) -> None:
        """Keep ``analysis``, whose travel times are solved; ``seconds`` is what that took."""
        self.analysis = analysis
        self.cell_size_m = cell_size_m
        self.seconds = seconds
        self._lock = threading.RLock()
        self._made: dict[Hashable, Any] = {}
        self.table = self._kept(self._table)
        self.grid = self._kept(self._grid)
        self.minutes_png = self._kept(
            lambda: minutes_image(self.grid(), analysis.travel, ramp=ramp("sequential_reversed"))
        )
        self.threshold_png = self._kept(
            lambda minutes: threshold_image(self.grid(), analysis.travel, minutes)
        )
        self.clusters = self._kept(self._clusters)
        self.points = self._kept(self._points)
        self.curve = self._kept(self._curve)

    def _kept(self, compute: Callable[P, T]) -> Callable[P, T]:
        """Return ``compute`` with its latest answers kept, one thread at a time."""
        held: Any = lru_cache(maxsize=_ANSWERS)(compute)

        def answer(*args: P.args, **kwargs: P.kwargs) -> T:
            with self._lock:
                found: T = held(*args, **kwargs)
                return found

        return answer

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` gave for ``key`` the first time."""
        with self._lock:
            if key not in self._made:
                while len(self._made) >= _ANSWERS:
                    self._made.pop(next(iter(self._made)))
                self._made[key] = make()
            found: T = self._made[key]
            return found

    def _table(self, minutes: float, level: Level, group: str) -> pd.DataFrame:
        return self.analysis.table(minutes, level=level, group=group)

    def _grid(self) -> SurfaceGrid:
        return surface_grid(self.analysis.cells, cell_size_m=self.cell_size_m)

    def _curve(self, adcode: str, group: str) -> pd.DataFrame:
        """Return the cumulative curve at every whole minute, which every threshold of the page is."""
        minutes = range(int(self.analysis.travel.max_minutes) + 1)
        return cumulative_curve(self.analysis.profile(group), adcode, list(minutes))

    def _points(self) -> PointSet:
        names = {key: entry.name for key, entry in load_facility_types().items()}
        return facility_points(self.analysis.facilities, names)

    def _clusters(self, minutes: float, group: str) -> ClusterResult:
        """Counties go in as numbers in the order of their codes: grouping 200,000 texts takes far longer."""
        codes, numbered = self.once("numbered", self._numbered)
        found = uncovered_clusters(
            numbered, self.analysis.travel, minutes, cell_size_m=self.cell_size_m, group=group
        )
        table = found.table.assign(adcode=codes[found.table["adcode"].to_numpy(dtype="int64")])
        return ClusterResult(table, found.label)

    def _numbered(self) -> tuple[NDArray[np.object_], pd.DataFrame]:
        cells = self.analysis.cells
        numbers, codes = pd.factorize(cells["adcode"], sort=True)
        return codes.to_numpy(dtype=object), cells.assign(adcode=numbers)


_ANALYSES = 4


@st.cache_resource(max_entries=_ANALYSES, show_spinner=False)
def _slot(folder: str, version: str, roads: tuple[int, ...], request: str) -> Slot[Answers]:
    return Slot()


def answers_to(store: Store, request: CoverageRequest, tell: Tell) -> Answers:
    """Return the solved analysis of a request, solved now when nobody asked before.

    ``tell`` is told each step (Chinese) while there is something to wait for. Raises as
    ``analysis.coverage.prepare``; nothing is kept then.
    """
    folder = data_dir()
    slot = _slot(str(folder.resolve()), store.data_version, roads(folder), repr(request))
    return slot.solved(lambda: _solve(store, folder, request, tell), tell)


def _solve(store: Store, folder: Path, request: CoverageRequest, tell: Tell) -> Answers:
    started = time.perf_counter()
    analysis = prepare_coverage(gather(store, folder, progress=tell), request)
    tell("计算到最近设施的通行时间")
    _ = analysis.travel
    seconds = time.perf_counter() - started
    answers = Answers(analysis, cell_size_m(store), seconds)
    tell("绘制通行时间面")
    answers.minutes_png()
    return answers
