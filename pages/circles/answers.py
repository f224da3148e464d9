"""The solved circles the page 15分钟服务圈 keeps between views, and what is drawn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.circles import CircleAnalysis, CircleRequest, PointAnswer, prepare_circles
from analysis.given import Given
from analysis.palettes import ramp
from geo.circles import TIERS, Tier, TierView
from geo.region_tree import Level
from layers.overlays import PointSet
from layers.surface import SurfaceGrid, score_image, surface_grid
from pages.shared.kept_answers import KeptPictures, drawn_once, kept_answers, named_points

_KEEP = 24


class CircleAnswers(KeptPictures):
    """Solved circles and what is drawn from them, each made once; safe to share between threads."""

    def __init__(self, analysis: CircleAnalysis, cell_m: float) -> None:
        """Keep ``analysis``; its cells are squares of ``cell_m`` metres."""
        super().__init__()
        self.analysis = analysis
        self._cell_m = cell_m

    @drawn_once(_KEEP)
    def table(self, level: Level, tier: TierView, group: str) -> pd.DataFrame:
        """Return the circles of every region of a level."""
        return self.analysis.table(level, tier, group)

    @drawn_once(_KEEP)
    def services(self, level: Level, tier: TierView, group: str) -> pd.DataFrame:
        """Return every service of every region of a level."""
        return self.analysis.service_table(level, tier, group)

    @drawn_once(4)
    def scores(self, tier: TierView) -> NDArray[np.float64]:
        """Return the score of every cell."""
        return self.analysis.scores(tier)

    @drawn_once(4)
    def image(self, tier: TierView) -> bytes:
        """Return the scores as an image of `grid`."""
        return score_image(self.grid(), self.scores(tier), ramp("sequential"))

    @drawn_once()
    def grid(self) -> SurfaceGrid:
        """Return which cell every pixel shows."""
        return surface_grid(self.analysis.cells, cell_size_m=self._cell_m)

    @drawn_once(_KEEP)
    def at(self, lon: float, lat: float, tier: TierView) -> PointAnswer:
        """Return what is missing at a place, in its own tier unless one is chosen."""
        given: Tier | None = next((one for one in TIERS if one == tier), None)
        return self.analysis.at(lon, lat, tier=given)

    def facilities(self) -> pd.DataFrame:
        """Return every facility that counts for a service, once."""
        return self.analysis.facilities()

    @drawn_once()
    def points(self) -> PointSet | None:
        """Return these facilities for the map; None when there is none."""
        return named_points(self.facilities()) if self.analysis.coverages else None


@kept_answers(3)
def circle_answers(given: Given, request: CircleRequest) -> CircleAnswers:
    """Return the solved circles of a request. Raises as ``analysis.circles.prepare_circles``."""
    return CircleAnswers(prepare_circles(given, request), given.tables.cell_size_m)
