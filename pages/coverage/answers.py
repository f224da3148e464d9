"""What the page 设施覆盖 asks of a solved analysis: images, tables, clusters, curves; each made once."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.coverage import CoverageAnalysis, CoverageRequest, prepare_coverage
from analysis.given import Given
from analysis.palettes import ramp
from data.registry.rule_models import load_coverage_rules
from geo.clusters import ClusterResult, uncovered_clusters
from geo.coverage import cumulative_curve
from geo.region_tree import Level
from layers.overlays import PointSet
from layers.surface import SurfaceGrid, minutes_image, surface_grid, threshold_image
from pages.shared.kept_answers import KeptPictures, drawn_once, kept_answers, named_points

_ANSWERS = 32


class CoverageAnswers(KeptPictures):
    """A solved analysis and everything drawn from it; safe to share between threads and users.

    Nothing here depends on the threshold except what the methods compute for one; each answer is kept.
    """

    def __init__(self, analysis: CoverageAnalysis, cell_size_m: float, seconds: float) -> None:
        """Keep ``analysis``, whose travel times are solved; ``seconds`` is what that took."""
        super().__init__()
        self.analysis = analysis
        self.cell_size_m = cell_size_m
        self.seconds = seconds

    @drawn_once(_ANSWERS)
    def table(self, minutes: float, level: Level, group: str) -> pd.DataFrame:
        """Return the coverage of the regions of a level."""
        return self.analysis.table(minutes, level=level, group=group)

    @drawn_once()
    def grid(self) -> SurfaceGrid:
        """Return which cell every pixel shows."""
        return surface_grid(self.analysis.cells, cell_size_m=self.cell_size_m)

    @drawn_once()
    def minutes_png(self) -> bytes:
        """Return the minutes to the nearest facility, as an image of `grid`."""
        return minutes_image(
            self.grid(),
            self.analysis.travel,
            ramp=ramp("sequential_reversed"),
            limits=load_coverage_rules().map_minutes,
        )

    @drawn_once(_ANSWERS)
    def threshold_png(self, minutes: float) -> bytes:
        """Return what a threshold leaves uncovered, as an image of `grid`."""
        return threshold_image(self.grid(), self.analysis.travel, minutes)

    @drawn_once(_ANSWERS)
    def curve(self, adcode: str, group: str) -> pd.DataFrame:
        """Return the cumulative curve at every whole minute, which every threshold of the page is."""
        minutes = range(int(self.analysis.travel.max_minutes) + 1)
        return cumulative_curve(self.analysis.profile(group), adcode, list(minutes))

    @drawn_once()
    def points(self) -> PointSet:
        """Return the facilities for the map."""
        return named_points(self.analysis.facilities)

    @drawn_once(_ANSWERS)
    def clusters(self, minutes: float, group: str) -> ClusterResult:
        """Return the clusters that a threshold leaves uncovered.

        Counties go in as numbers in the order of their codes: grouping 200,000 texts takes far longer.
        """
        codes, numbered = self._numbered()
        found = uncovered_clusters(
            numbered, self.analysis.travel, minutes, cell_size_m=self.cell_size_m, group=group
        )
        table = found.table.assign(adcode=codes[found.table["adcode"].to_numpy(dtype="int64")])
        return ClusterResult(table, found.label)

    @drawn_once()
    def _numbered(self) -> tuple[NDArray[np.object_], pd.DataFrame]:
        cells = self.analysis.cells
        numbers, codes = pd.factorize(cells["adcode"], sort=True)
        return codes.to_numpy(dtype=object), cells.assign(adcode=numbers)


@kept_answers(4)
def coverage_answers(given: Given, request: CoverageRequest) -> CoverageAnswers:
    """Return the solved analysis of a request. Raises as ``analysis.coverage.prepare_coverage``."""
    started = time.perf_counter()
    analysis = prepare_coverage(given, request)
    given.progress("计算到最近设施的通行时间")
    _ = analysis.travel
    seconds = time.perf_counter() - started
    answers = CoverageAnswers(analysis, given.tables.cell_size_m, seconds)
    given.progress("绘制通行时间面")
    answers.minutes_png()
    return answers
