"""The button that writes down what a page shows, so that it can be computed again and compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analysis.run_kinds import RunKind
from analysis.runs import record_run
from data.store.store import Store, data_dir


def show_record(
    store: Store, kind: RunKind, asked: Mapping[str, Any], rows: Callable[[], pd.DataFrame], seconds: float
) -> None:
    """Draw the button that writes the run down; its number stays on the page while the question does.

    ``asked`` is the question, ``rows`` gives its answer, ``seconds`` is what solving it took.
    """
    name = f"{kind.id}_recorded"
    if st.button(
        "记录本次计算", icon=":material/history:", help="记下参数、数据版本和结果，可用 sutu replay 重算核对"
    ):
        started = time.perf_counter()
        result = rows()
        run = record_run(
            data_dir(),
            kind=kind.id,
            parameters=asked,
            data_version=store.data_version,
            result=result,
            seconds=seconds + time.perf_counter() - started,
        )
        st.session_state[name] = (asked, run.id)
    kept = st.session_state.get(name)
    if kept is not None and kept[0] == asked:
        st.caption(f"运行编号 `{kept[1]}`")
