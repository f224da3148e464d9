"""The panels of the page 通道走廊 that are tables: counties, high-speed coverage, plans, members, undrawn."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from analysis.corridor_reports import plan_overlap, undrawn
from analysis.corridors import RAIL_GROUP, Corridors
from data.store.store import Store
from pages.corridors.answers import coverage_of_counties, titles
from pages.corridors.card import show_stations
from pages.corridors.choice import CorridorChoice
from pages.shared import components

_MEMBER_ROLES = {
    "city": "通道城市",
    "end": "端点",
    "member": "成员",
    "route": "走向补出",
    "node": "节点",
    "name": "名称",
}


def show_counties(counts: pd.DataFrame) -> None:
    """Draw by how many structures each county is touched."""
    none = counts[counts["corridors"] == 0]
    top = int(counts["corridors"].max())
    st.markdown(
        f"最多的县（市、区）有 {top} 条通道；一条也没有的 {len(none)} 个"
        + (f"：{components.plain('、'.join(none['name']))}" if len(none) else "。")
    )
    rows = counts.sort_values(["corridors", "plans"], ascending=False, kind="stable").reset_index(
        names="代码"
    )
    rows = rows.rename(
        columns={
            "name": "地区",
            "prefecture": "设区市",
            "corridors": "通道数",
            "plans": "规划数",
            "named": "通道",
        }
    )
    st.dataframe(rows, hide_index=True, height=420)


def show_hsr(store: Store) -> None:
    """Draw the estimate of the counties that high-speed railways reach."""
    found = coverage_of_counties(store)
    now, later = (found.targets.get(year, math.nan) for year in (2020, 2025))
    figures = (
        (f"2020 年估算（规划 {now:g}%）", "2020"),
        (f"2025 年估算：在建线路建成（规划 {later:g}%左右）", "2025_building"),
        (f"2025 年估算：再加十四五开工（规划 {later:g}%左右）", "2025_started"),
    )
    for column, (label, key) in zip(st.columns(3), figures, strict=True):
        column.metric(label, f"{found.shares[key] * 100:.1f}%")
    st.caption("　".join(found.notes) + f"　分母：{len(found.counties)} 个县（市）。")
    rows = found.counties.sort_values(["stage", "adcode"])[["adcode", "name", "prefecture", "state", "line"]]
    rows = rows.rename(
        columns={
            "adcode": "代码",
            "name": "县（市）",
            "prefecture": "设区市",
            "state": "估算的状态",
            "line": "线路",
        }
    )
    st.dataframe(rows, hide_index=True, height=380)


def show_plans(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw in how many counties the structures of two plans meet."""
    names = titles(store)
    square = plan_overlap(found, choice.visible, choice.scope)  # type: ignore[arg-type]
    short = {
        key: names.get(key, key).removeprefix("江苏省").replace("“十四五”", "").replace("规划", "")
        for key in square.index
    }
    st.markdown("**两个规划的通道共同落在多少个县（市、区）**　对角线为该规划自己的")
    st.dataframe(square.rename(index=short, columns=short))


def show_members(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw the members of the structure that is chosen."""
    if choice.picked is None:
        st.info("请先选一条通道。", icon=":material/info:")
        return
    members = found.members_of(choice.picked)
    rows = members.assign(role=members["role"].map(lambda role: _MEMBER_ROLES.get(role, role)))
    rows = rows.assign(**{name: rows[name].fillna("") for name in ("adcode", "reason", "note")})
    rows = rows[["position", "text", "role", "name", "adcode", "reason", "note"]].rename(
        columns={
            "position": "次序",
            "text": "原文",
            "role": "作用",
            "name": "地点",
            "adcode": "代码",
            "reason": "未定位的原因",
            "note": "依据",
        }
    )
    st.dataframe(rows, hide_index=True)
    if found.families[str(found.table.loc[choice.picked, "family"])].group == RAIL_GROUP:
        show_stations(store, choice.picked)


def show_undrawn(store: Store, found: Corridors) -> None:
    """Draw the structures that could not be drawn, with the reason."""
    rows = undrawn(found)
    names = titles(store)
    counts = rows["reason"].str.partition("：")[0].value_counts()
    st.markdown("　".join(f"{components.plain(reason)} {count} 个" for reason, count in counts.items()))
    table = rows.assign(
        plan=rows["plan"].map(lambda key: names.get(str(key), str(key))),
        family=rows["family"].map(lambda key: found.families[str(key)].name),
    ).drop(columns="id")
    st.dataframe(
        table.rename(
            columns={
                "name": "名称",
                "family": "类别",
                "plan": "规划",
                "doc_no": "文号",
                "seed_line": "原文行号",
                "reason": "原因",
            }
        ),
        hide_index=True,
        height=420,
    )
