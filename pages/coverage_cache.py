"""The solved analyses the page 设施覆盖 keeps between views, shared by everybody who asks the same."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from data.coverage import CoverageRequest, prepare
from data.store import Store, data_dir
from pages.cached import roads
from pages.coverage_answers import Answers
from pages.coverage_store import cell_size_m
from pages.slots import Slot, Tell

_ANALYSES = 4


@st.cache_resource(max_entries=_ANALYSES, show_spinner=False)
def _slot(folder: str, version: str, roads: tuple[int, ...], request: str) -> Slot[Answers]:
    return Slot()


def answers_to(store: Store, request: CoverageRequest, tell: Tell) -> Answers:
    """Return the solved analysis of a request, solved now when nobody asked before.

    ``tell`` is told each step (Chinese) while there is something to wait for. Raises as
    ``data.coverage.prepare``; nothing is kept then.
    """
    folder = data_dir()
    slot = _slot(str(folder.resolve()), store.data_version, roads(folder), repr(request))
    return slot.solved(lambda: _solve(store, folder, request, tell), tell)


def _solve(store: Store, folder: Path, request: CoverageRequest, tell: Tell) -> Answers:
    started = time.perf_counter()
    analysis = prepare(store, folder, request, progress=tell)
    tell("计算到最近设施的通行时间")
    _ = analysis.travel
    seconds = time.perf_counter() - started
    answers = Answers(analysis, cell_size_m(store), seconds)
    tell("绘制通行时间面")
    answers.minutes_png()
    return answers
