"""The view 分区域目标 of the page 目标追踪: the regions' targets, each beside what it is a share of."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.tracking import UNDEFINED
from geo.gaps import CENTRAL, NORTH, SOUTH
from layers.model import Provenance
from layers.tracking_charts import regional_bars
from pages import components
from pages.components import plain
from pages.target_parts import STATE_WORDS, place, short_title

REGIONS = {SOUTH: "苏南", CENTRAL: "苏中", NORTH: "苏北"}
NO_TARGET, UNTOLD = "未设", "规划未写明"


def show_regions(rows: pd.DataFrame, origin: Provenance, data_version: str) -> None:
    """Draw every family of targets: what is counted, the three regions, and why nothing is judged."""
    st.caption("规划对苏南、苏中、苏北分别提出的目标。分母不同的各占一行，不合并、不相减、不排名。")
    for number, (family, part) in enumerate(rows.groupby("family", sort=False)):
        with st.container(border=True, key=f"family_{number}"):
            st.markdown(f"**{plain(family)}**　{plain(short_title(str(part['title'].iloc[0])))}")
            note = str(part["family_note"].iloc[0])
            if note:
                st.caption(plain(note))
            st.dataframe(family_table(part), hide_index=True, key=f"family_table_{number}")
            if (part["unit"] == "%").all():
                _bars(part, number)
            if (part["state"] == UNDEFINED).all():
                why = "、".join(dict.fromkeys(part["reason"].dropna()))
                st.caption(plain(f"{STATE_WORDS[UNDEFINED]}：{why}。"))
    notes = [f"来源：{origin.source_text}", f"数据版本：{data_version}", origin.notice]
    components.download("分区域目标", lambda: regional_table(rows), notes=notes, key="regional")


def family_table(part: pd.DataFrame) -> pd.DataFrame:
    """Return a family as a table: one row per target and denominator, a column per region."""
    lines = []
    for (text, denominator), group in part.groupby(["text", "denominator"], sort=False):
        cells = {
            name: "；".join(_cell(row) for row in group[group["region"] == code].to_dict("records"))
            or NO_TARGET
            for code, name in REGIONS.items()
        }
        lines.append(
            {"指标": text, "分母": denominator or UNTOLD, "年份": str(group["year"].iloc[0]), **cells}
        )
    return pd.DataFrame(lines)


def regional_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every regional target on a line of its own, with its place in the source."""
    return pd.DataFrame(
        {
            "组": rows["family"],
            "指标": rows["text"],
            "分母": rows["denominator"].replace("", UNTOLD),
            "单位": rows["unit"],
            "年份": rows["year"],
            "区域": rows["region"].map(REGIONS),
            "范围（原文）": rows["scope"],
            "目标（原文）": rows["value_text"],
            "状态": rows["state"].map(STATE_WORDS),
            "原因": rows["reason"].fillna(""),
            "规划": rows["title"],
            "说明": rows["note"].fillna(""),
            "原文位置": rows["seed_line"].map(place),
        }
    )


def _cell(row: dict[object, object]) -> str:
    """Return a target as written, with its scope where that is not the region itself."""
    name = REGIONS[str(row["region"])]
    scope = str(row["scope"])
    whole = scope in {name, f"{name}地区"} or "、" in scope or "以外" in scope
    return str(row["value_text"]) if whole else f"{row['value_text']}（{scope}）"


def _bars(part: pd.DataFrame, number: int) -> None:
    """Draw one chart per denominator: what is a share of different things has no axis in common."""
    groups = list(part.groupby(["text", "denominator"], sort=False))
    for column, ((text, denominator), group) in zip(st.columns(len(groups)), groups, strict=True):
        with column:
            if len(groups) > 1:
                st.caption(plain(f"{text}（分母：{denominator or UNTOLD}）"))
            drawn = group.assign(region_name=group["region"].map(REGIONS))
            components.chart(regional_bars(drawn, unit="%"), key=f"family_chart_{number}_{text}")
