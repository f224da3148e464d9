"""The button of the page 供需匹配 that writes a run down, so that it can be done again."""

from __future__ import annotations

import time

import streamlit as st

from data.runs import record_run
from data.store import Store, data_dir
from pages.supply_answers import SupplyAnswers
from pages.supply_choice import SupplyChoice

_RECORDED = "supply_recorded"


def show_record(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> None:
    """Draw the button; the number of the run stays on the page while the question does."""
    request = choice.request
    asked = {"request": request.as_dict(), "group": request.demand, "level": choice.level}
    if st.button(
        "记录本次计算", icon=":material/history:", help="记下参数、数据版本和结果，可用 sutu replay 重算核对"
    ):
        started = time.perf_counter()
        run = record_run(
            data_dir(),
            kind="catchment",
            parameters=asked,
            data_version=store.data_version,
            result=answers.analysis.table(level=choice.level),
            seconds=answers.seconds + time.perf_counter() - started,
        )
        st.session_state[_RECORDED] = (asked, run.id)
    kept = st.session_state.get(_RECORDED)
    if kept is not None and kept[0] == asked:
        st.caption(f"运行编号 `{kept[1]}`")
