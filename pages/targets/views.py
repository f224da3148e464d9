"""The tables of the page 规划目标 as people see them: columns, words, and the state as a coloured word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from reports.targets import NOT_JUDGED, STATE_WORDS

TABLE_HEIGHT = 520
HEADLINE_COLUMNS = {
    "state_word": "状态",
    "indicator_text": "指标",
    "base": "基期值",
    "target": "目标值",
    "unit": "单位",
    "direction_word": "方向",
    "short": "规划",
    "attribute": "属性",
    "period": "规划期",
    "scope": "范围",
    "state_reason": "无法判定的原因",
    "doc_no": "文号",
    "place": "原文位置",
    "domain": "领域",
}
ROW_COLUMNS = {
    "state_word": "状态",
    "indicator_text": "指标",
    "value_text": "数值（原文）",
    "unit": "单位",
    "year_text": "年份",
    "kind_word": "类别",
    "short": "规划",
    "attribute": "属性",
    "scope": "范围",
    "domain": "领域",
    "note": "说明",
    "doc_no": "文号",
    "place": "原文位置",
}
WIDTHS = {
    "状态": 92,
    "指标": 215,
    "基期值": 120,
    "目标值": 118,
    "数值（原文）": 112,
    "单位": 62,
    "方向": 82,
    "属性": 76,
    "规划期": 70,
    "年份": 92,
    "类别": 76,
    "范围": 90,
    "规划": 170,
    "领域": 180,
    "文号": 165,
    "原文位置": 140,
    "说明": 320,
    "无法判定的原因": 320,
}
# How much of a state's colour its word is backed with: enough to tell it, pale enough to read on.
_TINT = 0.35


def dated(text: pd.Series, year: pd.Series) -> list[str]:
    """Return values as written with their year: ``≥98（2025）``; empty where there is no value."""
    return [
        "" if not isinstance(value, str) else value if pd.isna(when) else f"{value}（{when}）"
        for value, when in zip(text, year, strict=True)
    ]


def tint(colour: str) -> str:
    """Return ``#rrggbb`` mixed with white, so that dark text reads well on it."""
    channels = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * _TINT):02x}" for channel in channels)


def headline_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the headline targets with the columns people see, base and target with their years."""
    frame = frame.assign(
        base=dated(frame["base_text"], frame["base_year"]),
        target=dated(frame["target_text"], frame["target_year"]),
    )
    return frame[list(HEADLINE_COLUMNS)].rename(columns=HEADLINE_COLUMNS)


def rows_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the plans' rows with the columns people see."""
    return frame[list(ROW_COLUMNS)].rename(columns=ROW_COLUMNS)


def show_table(
    shown: pd.DataFrame, *, key: str, colours: Mapping[str, str], on_pick: Callable[[int], None]
) -> None:
    """Draw a table whose state is a coloured word; ``on_pick`` gets the position of a row that is chosen.

    A second click on the row that is chosen unpicks it in the table, yet means the same row again.
    """
    last = f"{key}_last"

    def picked() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        position = rows[0] if rows else st.session_state.get(last)
        st.session_state[last] = position
        if position is not None and position < len(shown):
            on_pick(position)

    words = [*STATE_WORDS.values(), NOT_JUDGED]
    drawn = shown.fillna("")
    drawn["状态"] = drawn["状态"].map(lambda word: [word])
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(width=width)
        for name, width in WIDTHS.items()
        if name in shown.columns
    }
    config["状态"] = st.column_config.MultiselectColumn(
        width=WIDTHS["状态"],
        pinned=True,
        options=words,
        color=[*(tint(colours[word]) for word in STATE_WORDS.values()), "#ffffff"],
    )
    st.dataframe(
        drawn,
        hide_index=True,
        height=TABLE_HEIGHT if len(drawn) > 13 else "content",
        column_config=config,
        key=key,
        on_select=picked,
        selection_mode="single-row",
    )
