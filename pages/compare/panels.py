"""The panels of the comparison pages: ranks, years, similar regions, the counties within."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from analysis.peers import ProfileSet
from data.store.store import Store
from geo.region_tree import LEVEL_WORDS, PROVINCE, inside
from layers.charts.base import time_series
from layers.charts.profile import shown_value
from pages.compare.choice import CompareChoice, profiles_of, short_names
from pages.shared import cached, choices, components
from pages.shared.cached import region_choices
from pages.shared.components import plain
from reports.provenance import provenance
from reports.region import similar_of

Panel = Callable[[Store, ProfileSet, CompareChoice], None]


def rank_table(store: Store, profiles: ProfileSet, choice: CompareChoice) -> pd.DataFrame:
    """Return one row per indicator: the regions' values and ranks, and what they are held against."""
    names = short_names(store, choice.level, choice.regions)
    rows = []
    for indicator, one in profiles.spines.items():
        entry = profiles.indicators[profiles.indicators["id"] == indicator].iloc[0]
        decimals = int(entry["decimals"])
        row = {
            "类别": entry["group"],
            "指标": f"{str(entry['name']).partition('（')[0]}（{entry['unit']}）",
            "年份": int(entry["year"]),
        }
        for code, name in zip(choice.regions, names, strict=True):
            rank = one.ranks.to_dict()[code]
            row[name] = shown_value(profiles.value(code, indicator), decimals)
            row[f"{name}位次"] = "" if pd.isna(rank) else f"{int(rank)} / {one.among}"
        row["全省"] = shown_value(profiles.value(PROVINCE, indicator), decimals)
        neutral = one.direction == "neutral"
        row["最优（中性：最高）"] = shown_value(one.best, decimals)
        row["最差（中性：最低）"] = shown_value(one.worst, decimals)
        row["方向"] = {"higher_better": "正向", "lower_better": "逆向"}.get(one.direction, "中性")
        missing = [
            f"{name}：{profiles.reasons[indicator].to_dict()[code] or '没有数据'}"
            for code, name in zip(choice.regions, names, strict=True)
            if pd.isna(profiles.value(code, indicator))
        ]
        row["说明"] = "；".join([*missing, *(["位次从高到低"] if neutral else [])])
        rows.append(row)
    return pd.DataFrame(rows)


def ranks(store: Store, profiles: ProfileSet, choice: CompareChoice) -> None:
    """Draw the table of values and ranks, and its downloads."""
    table = rank_table(store, profiles, choice)
    st.dataframe(table, hide_index=True, height="content")
    sources = sorted({source for found in profiles.indicators["source"] for source in found})
    origin = provenance(store, sources)
    notes = [
        f"{LEVEL_WORDS[choice.level]}对比",
        f"来源：{origin.source_text}",
        f"数据版本：{store.data_version}",
        origin.permission,
    ]
    components.download(f"{LEVEL_WORDS[choice.level]}对比", lambda: table, notes=notes, key="compare")


def series(store: Store, profiles: ProfileSet, choice: CompareChoice) -> None:
    """Draw one indicator through the years for the regions and the province."""
    indicators = cached.indicators(store)
    offered = [key for key in profiles.indicators["id"] if len(indicators["years"].to_dict()[key]) > 1]
    names = dict(zip(profiles.indicators["id"], profiles.indicators["name"], strict=True))
    key = choices.choose("series", "指标", offered, offered[0], format_func=names.__getitem__)
    entry = indicators[indicators["id"] == key].iloc[0]
    labels = dict(zip(choice.regions, short_names(store, choice.level, choice.regions), strict=True))
    labels |= {PROVINCE: "全省"} if len(labels) < 6 else {}
    facts = cached.facts(store, str(key))
    rows = facts[facts["adcode"].isin(list(labels))]
    order = {code: number for number, code in enumerate(labels)}
    rows = rows.assign(
        name=rows["adcode"].map(labels), note=rows["flag"].fillna(""), order=rows["adcode"].map(order)
    ).sort_values(["order", "year"])
    chart = time_series(
        rows, title=str(entry["name"]), unit=str(entry["unit"]), decimals=int(entry["decimals"])
    )
    components.chart(chart, key="compare_series")
    if rows["note"].ne("").any():
        st.caption("圆圈标出口径或范围有变动的数值，指向它可看说明。")


def similar(store: Store, profiles: ProfileSet, choice: CompareChoice) -> None:
    """Say which regions are nearest in structure, each a button that adds it to the comparison."""
    labels = region_choices(store, choice.level)
    for code in choice.regions:
        st.markdown(plain(similar_of(profiles, code, labels)))
        found = profiles.similar(code)
        if found.empty:
            continue
        table = pd.DataFrame(
            {"地区": found["adcode"].map(labels), "结构距离（标准差）": found["distance"].round(2)}
        )
        st.dataframe(table, hide_index=True, width=420)
    first = profiles.similar(choice.regions[0], 1)
    if len(first) and first["adcode"].iloc[0] not in choice.regions and len(choice.regions) < 6:
        nearest = str(first["adcode"].iloc[0])
        st.button(
            f"把{labels[nearest]}加入对比",
            icon=":material/add:",
            on_click=choices.put_many,
            args=(f"compare_{choice.level}", (*choice.regions, nearest)),
        )
    st.caption("结构距离：各结构指标标准化后之差的均方根，0 为完全相同。结构相近不等于水平相同。")


def counties(store: Store, _profiles: ProfileSet, choice: CompareChoice) -> None:
    """Draw the counties of the first prefecture on every indicator of the profile."""
    lower = profiles_of(store, "county")
    table = cached.region_table(store)
    codes = inside(table, choice.regions[0], "county")
    name = table["name"].to_dict()[choice.regions[0]]
    st.markdown(f"**{plain(name)}所属 {len(codes)} 个县（市、区）**")
    rows = {
        "地区": [table["name"].to_dict()[code] for code in codes],
        **{
            f"{str(entry['name']).partition('（')[0]}（{entry['unit']}）": [
                shown_value(lower.value(code, str(key)), int(entry["decimals"])) for code in codes
            ]
            for key, entry in lower.indicators.iterrows()
        },
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")
    st.caption("县（市、区）没有地区生产总值数据。到“县域对比”可把其中几个放在一起看。")
