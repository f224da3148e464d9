"""The tables of the page 规划目标 as people see them, and one row of a plan in full."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.shared import choices
from pages.shared.components import plain
from reports.targets import COMPARATOR_WORDS, NOT_JUDGED, STATE_WORDS, with_unit

_ROW = "target_row"


def show_detail(held: Mapping[str, pd.DataFrame]) -> None:
    """Open the dialog of the row that was picked, or that the address names; nothing when there is none."""
    if _ROW not in st.session_state:
        st.session_state[_ROW] = choices.from_link("row")
    row = st.session_state[_ROW]
    rows = held["rows"].set_index("id")
    if not row:
        return
    if row not in rows.index:
        st.session_state[_ROW] = None
        st.warning(plain(f"链接中的条目“{row}”不存在。"), icon=":material/link_off:")
        return
    choices.in_link("row", row)
    title = plain(rows.loc[row, "indicator_text"])
    st.dialog(title, width="medium", on_dismiss=_close)(_detail)(row, rows, held)


def _close() -> None:
    st.session_state[_ROW] = None


def _detail(row: str, rows: pd.DataFrame, held: Mapping[str, pd.DataFrame]) -> None:
    entry = rows.loc[row]
    st.caption(plain(f"{entry['title']} · {entry['doc_no']} · {entry['place']}"))
    _lines(
        {
            "数值（原文）": with_unit(entry["value_text"], entry["unit"]),
            "年份": entry["year_text"],
            "类别": entry["kind_word"],
            "比较方式": COMPARATOR_WORDS.get(str(entry["comparator"])),
            "属性": entry["attribute"],
            "范围": entry["scope"],
            "领域": entry["domain"],
            "说明": entry["note"],
            "编号": row,
        }
    )
    headline = held["headline"]
    for _, pair in headline[(headline["target_row"] == row) | (headline["base_row"] == row)].iterrows():
        _pair(pair)
    clashes = held["contradictions"]
    for group in clashes.loc[clashes["row"] == row, "group_id"]:
        st.markdown("**其他规划写法不同**")
        others = clashes[(clashes["group_id"] == group) & (clashes["row"] != row)]
        for _, other in others.iterrows():
            st.markdown(
                plain(
                    f"{other['short']}：{other['indicator_text']} {other['value_text']}（{other['place']}）"
                )
            )


def _pair(pair: pd.Series) -> None:
    """Draw the judgement of a headline target: base, target, direction, state and reason."""
    with st.container(border=True):
        word = pair["state_word"]
        st.markdown(f"**判定（{plain(pair['period'])}）　{word}**")
        _lines(
            {
                "基期值": _value(pair, "base") or "规划没有给出",
                "目标值": _value(pair, "target"),
                "方向": pair["direction_word"],
                "原因": pair["state_reason"],
            }
        )


def _value(pair: pd.Series, side: str) -> str:
    """Return base or target as written, with unit, year and place."""
    text = pair[f"{side}_text"]
    if not isinstance(text, str):
        return ""
    year = pair[f"{side}_year"]
    where = pair["base_place" if side == "base" else "place"]
    parts = [f"{year} 年" if pd.notna(year) else "", str(where)]
    return f"{with_unit(text, pair['unit'])}（{'，'.join(part for part in parts if part)}）"


def _lines(rows: Mapping[str, object]) -> None:
    st.markdown(
        "  \n".join(
            f":gray[{name}]　{plain(text)}" for name, text in rows.items() if isinstance(text, str) and text
        )
    )


_CLASH_WIDTHS = {"目标值（原文）": 118, "规划": 128, "指标（原文）": 262, "文号": 148, "原文位置": 130}
_QUOTED = re.compile(r"“[^”]*”|\d[\d.]*")


def reason_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return why targets cannot be judged and how many; reasons that differ only in a quotation are one."""
    reasons = frame.loc[frame["state"] == "undefined", "state_reason"]
    kinds = reasons.map(lambda text: _QUOTED.sub("…", text))
    counts = kinds.value_counts()
    return pd.DataFrame({"原因": counts.index, "项数": counts.to_numpy()})


def explain_states(frame: pd.DataFrame) -> None:
    """Draw what the states mean, and the reasons of those that cannot be judged."""
    with st.expander("状态是怎样判定的", icon=":material/help:"):
        st.markdown(
            "- **已达到**：规划自己给出的现状值已满足目标。“十三五”用 2020 年完成值，"
            "“十四五”用 2020 年基期值。\n"
            "- **未达到**：现状值不满足目标。对“十四五”目标，这表示规划起点时的距离，不是执行结果。\n"
            "- **无法判定**：没有现状值，目标没有数值，或两者口径不同、不能比较；每一项都写明原因。\n\n"
            "判定只看比较符和指标方向：越低越好的指标，现状值低于目标才算达到；"
            "不计算“完成百分比”，因为有的目标比现状更宽松，有的起点不为零，百分比会误导。"
        )
        st.dataframe(reason_counts(frame), hide_index=True, height="content")


def contradiction_cards(frame: pd.DataFrame) -> None:
    """Draw a card per contradiction: the same thing, with the numbers the plans give for it."""
    groups = frame["group_id"].nunique()
    st.markdown(
        f"**{groups}** 处：同一指标、同一范围、同一年份，不同规划（或同一规划的不同段落）写了不同的目标。"
        "各自原样保存，不作取舍。"
    )
    for _, group in frame.groupby("group_id", sort=False):
        first = group.iloc[0]
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{plain(first['indicator_text'])}**")
            st.caption(plain(f"{first['scope']} · {first['year']} 年 · 单位：{first['unit']}"))
            st.dataframe(
                contradictions_shown(group)[list(_CLASH_WIDTHS)],
                hide_index=True,
                height="content",
                column_config={
                    name: st.column_config.TextColumn(width=width) for name, width in _CLASH_WIDTHS.items()
                },
            )


def contradictions_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the contradicting targets with the columns people see."""
    return pd.DataFrame(
        {
            "组": frame["group_id"],
            "规划": frame["short"],
            "指标（原文）": frame["indicator_text"],
            "范围": frame["scope"],
            "年份": frame["year"],
            "目标值（原文）": frame["value_text"],
            "单位": frame["unit"],
            "比较方式": frame["comparator"].map(COMPARATOR_WORDS),
            "文号": frame["doc_no"],
            "原文位置": frame["place"],
        }
    )


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
