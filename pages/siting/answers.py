"""The solved sitings the page 选址优化 keeps between views, and what is drawn from them."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from analysis.given import Given
from analysis.palettes import ramp
from analysis.siting import SitingAnalysis, SitingRequest, group_comparison, minutes_of, prepare_siting
from analysis.siting_inputs import PLANNED
from data.registry.rule_models import load_coverage_rules
from geo.coverage import GROUPS
from geo.region_tree import Level
from geo.travel import TravelResult
from layers.overlays import PointSet
from layers.surface import SurfaceGrid, change_image, minutes_image, surface_grid, threshold_image
from pages.shared.kept_answers import KeptPictures, drawn_once, kept_answers, named_points

Which = Literal["before", "after"]
_KEEP = 16


class SitingAnswers(KeptPictures):
    """A solved siting and what is drawn from it, each made once; safe to share between threads."""

    def __init__(self, analysis: SitingAnalysis, cell_m: float, seconds: float) -> None:
        """Keep ``analysis``; its cells are squares of ``cell_m`` metres; solving it took ``seconds``."""
        super().__init__()
        self.analysis = analysis
        self.seconds = seconds
        self._cell_m = cell_m

    @drawn_once(_KEEP)
    def comparison(self, level: Level, group: str) -> pd.DataFrame:
        """Return before and after of the regions of a level."""
        return self.analysis.comparison(level, group)

    @drawn_once()
    def groups(self) -> pd.DataFrame:
        """Return before and after of every population group."""
        return group_comparison(self.analysis, list(GROUPS))

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
        return TravelResult(minutes, row, reach, ~reach, reach, "straight", found.mode.id, radius, nobody)

    @drawn_once()
    def change_png(self) -> bytes:
        """Return what the plan changes, as an image of `grid`."""
        ask = self.analysis.covered
        return change_image(self.grid(), ask("before"), ask("after"))

    @drawn_once(2)
    def minutes_png(self, which: Which) -> bytes:
        """Return the minutes before or after, as an image of `grid`."""
        return minutes_image(
            self.grid(),
            self.travel(which),
            ramp=ramp("sequential_reversed"),
            limits=load_coverage_rules().map_minutes,
        )

    @drawn_once(2)
    def threshold_png(self, which: Which) -> bytes:
        """Return what the threshold leaves uncovered, as an image of `grid`."""
        return threshold_image(self.grid(), self.travel(which), self.analysis.request.minutes)

    def points(self, which: Which) -> PointSet | None:
        """Return the facilities that stand before, or still stand after; planned ones are marked apart."""
        found = self.analysis.before if which == "before" else self.analysis.after
        frame = found.facilities[found.facilities["precision"] != PLANNED]
        return None if frame.empty else named_points(frame)


@st.cache_resource(max_entries=3, show_spinner=False)
def _grid(
    _cells: pd.DataFrame,
    cell_m: float,
    count: int,  # noqa: ARG001 - a key, as the next
    ends: tuple[float, ...],  # noqa: ARG001
) -> SurfaceGrid:
    """Return the grid of cells, which every plan of one region shares."""
    return surface_grid(_cells, cell_size_m=cell_m)


@kept_answers(6)
def siting_answers(given: Given, request: SitingRequest) -> SitingAnswers:
    """Return the solved siting of a request. Raises as ``analysis.siting.prepare_siting``."""
    started = time.perf_counter()
    analysis = prepare_siting(given, request)
    return SitingAnswers(analysis, given.tables.cell_size_m, time.perf_counter() - started)
