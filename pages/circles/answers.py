"""The solved circles the page 15分钟服务圈 keeps between views, and what is drawn from them."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from analysis.circles import CircleAnalysis, CircleRequest, PointAnswer, prepare_circles
from analysis.given import gather
from analysis.palettes import ramp
from data.registry.facility_models import load_facility_types
from data.store.store import Store, data_dir
from geo.circles import TIERS, Tier, TierView
from geo.region_tree import Level
from layers.points import PointSet, facility_points
from layers.score_surface import score_image
from layers.surface import SurfaceGrid, surface_grid
from pages.shared.cached import roads
from pages.shared.regions import cell_size_m
from pages.shared.study_frame import Slot, Tell

_KEEP = 24


class CircleAnswers:
    """Solved circles and what is drawn from them, each made once; safe to share between threads."""

    def __init__(self, analysis: CircleAnalysis, cell_m: float) -> None:
        """Keep ``analysis``; its cells are squares of ``cell_m`` metres."""
        self.analysis = analysis
        self._cell_m = cell_m
        self._lock = threading.RLock()
        self._table = lru_cache(_KEEP)(analysis.table)
        self._services = lru_cache(_KEEP)(analysis.service_table)
        self._scores = lru_cache(4)(analysis.scores)
        self._image = lru_cache(4)(
            lambda tier: score_image(self.grid(), self.scores(tier), ramp("sequential"))
        )
        self._grid: SurfaceGrid | None = None
        self._points: PointSet | None = None
        self._at = lru_cache(_KEEP)(analysis.at)

    def table(self, level: Level, tier: TierView, group: str) -> pd.DataFrame:
        """Return the circles of every region of a level."""
        with self._lock:
            return self._table(level, tier, group)

    def services(self, level: Level, tier: TierView, group: str) -> pd.DataFrame:
        """Return every service of every region of a level."""
        with self._lock:
            return self._services(level, tier, group)

    def scores(self, tier: TierView) -> NDArray[np.float64]:
        """Return the score of every cell."""
        with self._lock:
            return self._scores(tier)

    def image(self, tier: TierView) -> bytes:
        """Return the scores as an image of `grid`."""
        with self._lock:
            return self._image(tier)

    def grid(self) -> SurfaceGrid:
        """Return which cell every pixel shows."""
        with self._lock:
            if self._grid is None:
                self._grid = surface_grid(self.analysis.cells, cell_size_m=self._cell_m)
            return self._grid

    def at(self, lon: float, lat: float, tier: TierView) -> PointAnswer:
        """Return what is missing at a place, in its own tier unless one is chosen."""
        given: Tier | None = next((one for one in TIERS if one == tier), None)
        with self._lock:
            return self._at(lon, lat, tier=given)

    def facilities(self) -> pd.DataFrame:
        """Return every facility that counts for a service, once."""
        return self.analysis.facilities()

    def points(self) -> PointSet | None:
        """Return these facilities for the map; None when there is none."""
        with self._lock:
            if self._points is None and self.analysis.coverages:
                names = {key: entry.name for key, entry in load_facility_types().items()}
                self._points = facility_points(self.facilities(), names)
            return self._points


@st.cache_resource(max_entries=3, show_spinner=False)
def _slot(folder: str, version: str, roads: tuple[int, ...], request: str) -> Slot[CircleAnswers]:
    return Slot()


def circles_of(store: Store, request: CircleRequest, tell: Tell) -> CircleAnswers:
    """Return the solved circles of a request, solved now when nobody asked before.

    ``tell`` is told each step (Chinese). Raises as ``analysis.circles.prepare_circles``; nothing is kept
    then.
    """
    folder = data_dir()

    def solve() -> CircleAnswers:
        return CircleAnswers(
            prepare_circles(gather(store, folder, progress=tell), request), cell_size_m(store)
        )

    slot = _slot(str(folder.resolve()), store.data_version, roads(folder), repr(request))
    return slot.solved(solve, tell)
