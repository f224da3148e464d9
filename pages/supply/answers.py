"""The solved questions that the page 供需匹配 keeps between views, shared by everybody who asks the same."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.catchment import CatchmentAnalysis, CatchmentRequest, prepare_catchment
from analysis.given import Given
from analysis.palettes import ramp
from geo.catchment import lorenz_curve
from layers.overlays import PointSet
from layers.surface import AccessClasses, SurfaceGrid, access_classes, access_image, surface_grid
from pages.shared.kept_answers import KeptPictures, drawn_once, kept_answers, named_points


class SupplyAnswers(KeptPictures):
    """A solved analysis with its surface; made once, safe to share between threads and users."""

    def __init__(self, analysis: CatchmentAnalysis) -> None:
        """Solve ``analysis`` and draw what the map needs; ``seconds`` is what solving took."""
        super().__init__()
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
        self.points: PointSet = named_points(analysis.facilities)

    @drawn_once(None)
    def lorenz(self, adcode: str) -> pd.DataFrame:
        """Return the Lorenz curve of access over the people who ask in one region."""
        mine = self.analysis.cells_of(adcode)
        people = self.analysis.cells.loc[mine, self.analysis.request.demand].to_numpy()
        return lorenz_curve(self.analysis.result.access[mine], people)


@kept_answers(4)
def supply_answers(given: Given, request: CatchmentRequest) -> SupplyAnswers:
    """Return the solved question. Raises as ``prepare_catchment``."""
    analysis = prepare_catchment(given, request)
    given.progress("匹配供给与需求")
    return SupplyAnswers(analysis)
