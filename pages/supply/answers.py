"""The solved questions that the page 供需匹配 keeps between views, shared by everybody who asks the same."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from analysis.catchment import CatchmentAnalysis, CatchmentRequest, prepare_catchment
from analysis.given import gather
from analysis.palettes import ramp
from data.registry.facility_models import load_facility_types
from data.store.store import Store, data_dir
from geo.catchment import lorenz_curve
from layers.points import PointSet, facility_points
from layers.score_surface import AccessClasses, access_classes, access_image
from layers.surface import SurfaceGrid, surface_grid
from pages.shared.cached import roads
from pages.shared.study_frame import Slot, Tell

_ANSWERS = 4


class SupplyAnswers:
    """A solved analysis with its surface; made once, safe to share between threads and users."""

    def __init__(self, analysis: CatchmentAnalysis) -> None:
        """Solve ``analysis`` and draw what the map needs; ``seconds`` is what solving took."""
        started = time.perf_counter()
        self.analysis = analysis
        _ = analysis.result
        self.seconds = time.perf_counter() - started
        mine = analysis.cells_of(analysis.request.within)
        self.access: NDArray[np.float64] = analysis.result.access[mine] * analysis.per
        self.people = analysis.cells.loc[mine, analysis.request.demand].to_numpy(dtype=np.float64)
        whole = float(analysis.region(analysis.request.within)["access"])
        self.decimals = 2 if whole >= 1.0 else 3
        self.classes: AccessClasses = access_classes(
            self.access, decimals=self.decimals, ramp=ramp("sequential")
        )
        self.grid: SurfaceGrid = surface_grid(
            analysis.cells.loc[mine, ["x", "y"]], cell_size_m=analysis.cell_size_m
        )
        self.png = access_image(self.grid, self.classes)
        names = {key: entry.name for key, entry in load_facility_types().items()}
        self.points: PointSet = facility_points(analysis.facilities, names)
        self._lock = threading.Lock()
        self._curves: dict[str, pd.DataFrame] = {}

    def lorenz(self, adcode: str) -> pd.DataFrame:
        """Return the Lorenz curve of access over the people who ask in one region."""
        with self._lock:
            if adcode not in self._curves:
                mine = self.analysis.cells_of(adcode)
                people = self.analysis.cells.loc[mine, self.analysis.request.demand].to_numpy()
                self._curves[adcode] = lorenz_curve(self.analysis.result.access[mine], people)
            return self._curves[adcode]


@st.cache_resource(max_entries=_ANSWERS, show_spinner=False)
def _slot(folder: str, version: str, marks: tuple[int, ...], request: str) -> Slot[SupplyAnswers]:
    return Slot()


def supply_answers(store: Store, request: CatchmentRequest, tell: Tell) -> SupplyAnswers:
    """Return the solved question, solved now when nobody asked before.

    ``tell`` is told each step (Chinese). Raises as ``prepare_catchment``; nothing is kept then.
    """
    folder = data_dir()

    def solve() -> SupplyAnswers:
        analysis = prepare_catchment(gather(store, folder, progress=tell), request)
        tell("匹配供给与需求")
        return SupplyAnswers(analysis)

    slot = _slot(str(folder.resolve()), store.data_version, roads(folder), repr(request))
    return slot.solved(solve, tell)
