"""What the page 规划目标 says beside its tables: how states come about, and where the plans contradict."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from pages.components import plain
from pages.target_parts import COMPARATOR_WORDS

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
