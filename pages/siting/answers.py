"""The solved sitings the page 选址优化 keeps between views, and what is drawn from them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from analysis.given import gather
from analysis.palettes import ramp
from analysis.siting import SitingAnalysis, SitingRequest, group_comparison, minutes_of, prepare_siting
from analysis.siting_edits import PLANNED
from data.registry.facility_models import load_facility_types
from data.store.store import Store, data_dir
from geo.coverage import GROUPS
from geo.region_tree import Level
from geo.travel import TravelResult
from layers.points import PointSet, facility_points
from layers.score_surface import change_image
from layers.surface import SurfaceGrid, minutes_image, surface_grid, threshold_image
from pages.shared.cached import roads
from pages.shared.regions import cell_size_m
from pages.shared.study_frame import Slot, Tell

Which = Literal["before", "after"]
_KEEP = 16


class SitingAnswers:
    """A solved siting and what is drawn from it, each made once; safe to share between threads."""

    def __init__(self, analysis: SitingAnalysis, cell_m: float, seconds: float) -> None:
        """Keep ``analysis``; its cells are squares of ``cell_m`` metres; solving it took ``seconds``."""
        self.analysis = analysis
        self.seconds = seconds
        self._cell_m = cell_m
        self._lock = threading.RLock()
        self._comparison = lru_cache(_KEEP)(analysis.comparison)
        self._kept: dict[str, object] = {}

    def comparison(self, level: Level, group: str) -> pd.DataFrame:
        """Return before and after of the regions of a level."""
        with self._lock:
            return self._comparison(level, group)

    def groups(self) -> pd.DataFrame:
        """Return before and after of every population group."""
        with self._lock:
            if "groups" not in self._kept:
                self._kept["groups"] = group_comparison(self.analysis, list(GROUPS))
            return self._kept["groups"]  # type: ignore[return-value]

    def grid(self) -> SurfaceGrid:
        """Return which cell every pixel shows."""
        cells = self.analysis.before.cells
        ends = cells[["x", "y"]].to_numpy()[[0, -1]].ravel().tolist()
        return _grid(cells, self._cell_m, len(cells), tuple(ends))

    def travel(self, which: Which) -> TravelResult:
        """Return the travel before or after; unreachable everywhere when there is no facility."""
        found = self.analysis.before if which == "before" else self.analysis.after
        if not found.facilities.empty:
            return found.travel
        minutes = minutes_of(found)
        nobody = np.zeros(0, dtype=np.int32)
        row = np.full(len(minutes), -1, dtype=np.int32)
        reach = np.zeros(len(minutes), dtype=bool)
        radius = found.request.search_minutes
        return TravelResult(minutes, row, reach, "straight", found.mode.id, radius, nobody)

    def change_png(self) -> bytes:
        """Return what the plan changes, as an image of `grid`."""
        ask = self.analysis.covered
        return self._image("change", lambda: change_image(self.grid(), ask("before"), ask("after")))

    def minutes_png(self, which: Which) -> bytes:
        """Return the minutes before or after, as an image of `grid`."""
        return self._image(
            f"minutes {which}",
            lambda: minutes_image(self.grid(), self.travel(which), ramp=ramp("sequential_reversed")),
        )

    def threshold_png(self, which: Which) -> bytes:
        """Return what the threshold leaves uncovered, as an image of `grid`."""
        limit = self.analysis.request.minutes
        return self._image(
            f"threshold {which}", lambda: threshold_image(self.grid(), self.travel(which), limit)
        )

    def _image(self, name: str, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            return self._kept[name]  # type: ignore[return-value]

    def points(self, which: Which) -> PointSet | None:
        """Return the facilities that stand before, or still stand after; planned ones are marked apart."""
        found = self.analysis.before if which == "before" else self.analysis.after
        frame = found.facilities[found.facilities["precision"] != PLANNED]
        if frame.empty:
            return None
        names = {key: entry.name for key, entry in load_facility_types().items()}
        return facility_points(frame, names)


@st.cache_resource(max_entries=3, show_spinner=False)
def _grid(_cells: pd.DataFrame, cell_m: float, count: int, ends: tuple[float, ...]) -> SurfaceGrid:
    """Return the grid of cells, which every plan of one region shares."""
    return surface_grid(_cells, cell_size_m=cell_m)


@st.cache_resource(max_entries=6, show_spinner=False)
def _slot(folder: str, version: str, roads: tuple[int, ...], request: str) -> Slot[SitingAnswers]:
    return Slot()


def siting_of(store: Store, request: SitingRequest, tell: Tell) -> SitingAnswers:
    """Return the solved siting of a request, solved now when nobody asked before.

    ``tell`` is told each step (Chinese). Raises as ``analysis.siting.prepare_siting``; nothing is kept then.
    """
    folder = data_dir()

    def solve() -> SitingAnswers:
        started = time.perf_counter()
        analysis = prepare_siting(gather(store, folder, cells=_people(store), progress=tell), request)
        return SitingAnswers(analysis, cell_size_m(store), time.perf_counter() - started)

    slot = _slot(str(folder.resolve()), store.data_version, roads(folder), repr(request))
    return slot.solved(solve, tell)


def _people(store: Store) -> pd.DataFrame:
    """Return the population grid, read once per data version."""
    return _read_people(store, store.data_version)


@st.cache_resource(max_entries=1, show_spinner=False)
def _read_people(_store: Store, version: str) -> pd.DataFrame:
    return _store.population_grid()
