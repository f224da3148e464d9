"""The two views of the page 应配与缺口, and its tables: all standards, and one standard by region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from analysis.palettes import ramp_towards
from analysis.standards import StandardsAnalysis
from data.registry.facility_models import Standard
from data.store.store import Store
from geo.region_tree import LEVEL_NAMES, LEVELS, inside, parent_names
from geo.standards import KIND_NAMES, METHOD, RULE_NAMES
from layers.charts.base import bar_ranking
from layers.charts.coverage import percent
from layers.model import Layer, Provenance, format_number
from layers.themes import choropleth
from pages.shared import cached, choices, components
from pages.shared.cached import region_frame
from pages.standards.choice import ALL, VIEWS, StandardsChoice

SELECTED = "standards_overview"
_FIGURES = ("应配", "已配", "其中推定", "缺口")
_FIGURE_PX = 80  # a figure of six digits is never cut


def overview_table(analysis: StandardsAnalysis) -> pd.DataFrame:
    """Return one row per standard as people read it, indexed by its id."""
    rows = analysis.summary().set_index("standard")
    names = {key: entry.name for key, entry in analysis.standards.items()}
    against = rows["contradicted_by"].map(_naming(names), na_action="ignore")
    return pd.DataFrame(
        {
            "标准": rows["name"],
            "应配": rows["required"],
            "已配": rows["provided"],
            "其中推定": rows["implied"],
            "缺口": rows["shortfall"],
            "单位": rows["unit"],
            "文号": rows["doc_no"],
            "原文行": rows["seed_line"],
            "规则": rows["rule"].map(RULE_NAMES),
            "适用地区": rows["regions"],
            "达标地区（%）": rows["met_share"] * 100.0,
            "要求达标（%）": rows["share_required"] * 100.0,
            "说明": _told(rows["reason"].fillna(""), against.fillna("")),
        }
    )


def _naming(names: dict[str, str]) -> Callable[[str], str]:
    return lambda text: "；".join(names[key] for key in text.split("、"))


def _told(reason: pd.Series, against: pd.Series) -> list[str]:
    return [
        "　".join(part for part in (why, f"与“{other}”矛盾" if other else "") if part)
        for why, other in zip(reason, against, strict=True)
    ]


def show_overview(analysis: StandardsAnalysis) -> None:
    """Draw all standards, those that can be judged first; a row that is chosen opens its standard."""
    rows = overview_table(analysis)
    rows = rows.iloc[rows["缺口"].isna().to_numpy().argsort(kind="stable")]
    keys = list(rows.index)

    def picked() -> None:
        chosen = st.session_state[SELECTED]["selection"]["rows"]
        if chosen:
            choices.put("standard", keys[chosen[0]])

    st.dataframe(
        rows.assign(**{name: rows[name].map(_whole) for name in _FIGURES}),
        hide_index=True,
        height=560,
        column_config=number_columns(rows[["适用地区", "达标地区（%）"]])
        | {name: st.column_config.TextColumn(width=_FIGURE_PX) for name in _FIGURES},
        column_order=[str(name) for name in rows if name != "要求达标（%）"],
        key=SELECTED,
        on_select=picked,
        selection_mode="single-row",
    )


def _whole(value: float) -> str:
    return "未知" if pd.isna(value) else format_number(value, 0)


def region_table(store: Store, choice: StandardsChoice, analysis: StandardsAnalysis) -> pd.DataFrame:
    """Return one standard by region as people read it: the largest lack first."""
    rows = analysis.table(choice.standard, level=choice.level).sort_values(
        ["shortfall", "required", "adcode"], ascending=[False, False, True], na_position="last"
    )
    entry = analysis.standards[choice.standard]
    table = cached.region_table(store)
    base = {"per_population": "计算人口", "per_township": "乡镇（街道）数"}.get(entry.rule, "适用地区数")
    shown = {
        "代码": rows["adcode"],
        "地区": rows["name"],
        "所属": rows["adcode"].map(parent_names(table)).fillna(""),
        "适用": rows["applies"].map({True: "是", False: "否"}),
        base: rows["base"],
        f"应配（{entry.unit}）": rows["required"],
    }
    if entry.per_people_most:
        shown[f"应配上限（{entry.unit}）"] = rows["required_most"]
    shown |= {
        f"已配（{entry.unit}）": rows["provided"],
        "其中实测": rows["surveyed"],
        "其中推定": rows["implied"],
        f"缺口（{entry.unit}）": rows["shortfall"],
        "说明": rows["reason"].fillna(""),
    }
    return pd.DataFrame(shown).reset_index(drop=True)


def show_table(rows: pd.DataFrame, key: str) -> None:
    """Draw a table of whole numbers."""
    height = min(38 + 35 * len(rows), 520)
    st.dataframe(rows, hide_index=True, height=height, column_config=number_columns(rows), key=key)


def number_columns(rows: pd.DataFrame) -> dict[str, Any]:
    """Return how numbers are written: whole, thousands separated."""
    return {
        str(name): st.column_config.NumberColumn(format="%,.0f")
        for name in rows.select_dtypes("number").columns
    }


def contradiction_table(analysis: StandardsAnalysis) -> pd.DataFrame:
    """Return the standards that ask different things of the same regions, group by group."""
    rows = [
        _contradiction(number, analysis.standards[key])
        for number, group in enumerate(analysis.contradictions(), start=1)
        for key in group
    ]
    return pd.DataFrame(rows)


def _contradiction(number: int, entry: Standard) -> dict[str, object]:
    where = KIND_NAMES[entry.kinds] if entry.region_level == "county" else LEVEL_NAMES["prefecture"]
    return {
        "组": number,
        "标准": entry.name,
        "文号": entry.doc_no,
        "原文行": entry.seed_line,
        "适用于": where,
        "原文": entry.text,
    }


def show_figures(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Draw what is required, there and lacking in the region looked at, or in all."""
    entry = analysis.standards[choice.standard]
    parts = analysis.table(choice.standard)
    here = parts["adcode"].isin(inside(analysis.regions, choice.region or choice.within))
    told = parts[here & (parts["applies"] | parts["required"].isna())]
    sums = {name: told[name].sum(skipna=False) for name in ("required", "provided", "implied", "shortfall")}
    short = told["regions_short"].sum(skipna=False)
    met = float("nan") if pd.isna(short) or told.empty else 1.0 - short / len(told)
    goal = f"规划要求 {percent(entry.share)}；" if entry.share and "region" in entry.rule else ""
    pairs = [
        [
            (f"应配（{entry.unit}）", _whole(sums["required"]), components.plain(entry.text)),
            (f"已配（{entry.unit}）", _whole(sums["provided"]), "库中在这些地区的设施"),
        ],
        [
            (f"缺口（{entry.unit}）", _whole(sums["shortfall"]), "各地缺口之和；富余不抵缺口"),
            ("其中推定", _whole(sums["implied"]), "已配中按规划推定、不是实测的"),
        ],
    ]
    with st.container(key="coverage_figures"):
        name = analysis.regions.loc[choice.region or choice.within, "name"]
        st.markdown(f"**{components.plain(name)}**　{components.plain(choice.population)}")
        for pair in pairs:
            for column, (label, value, tip) in zip(st.columns(2), pair, strict=True):
                column.metric(label, value, help=tip)
        words = (
            f"{goal}适用地区 {len(told)} 个，已配齐 {percent(met)}" if len(told) else "这条标准不适用于此地区"
        )
        st.caption(components.plain(words))
        reasons = told["reason"].dropna()
        if len(reasons):
            st.caption(components.plain(f"无法判断：{reasons.iloc[0]}"))


def show_notes(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Say what a reader must know of the figures."""
    lines = [f"人口：{choice.population}", *(note for note in analysis.notes if note != METHOD)]
    if analysis.projected:
        lines.append(METHOD)
    lines += analysis.repeat_notes(None if choice.standard == ALL else choice.standard)
    with st.container(key="coverage_notes"):
        st.caption("\n".join(f"- {components.plain(line)}" for line in lines))


_HEIGHT, _RANKING_HEIGHT = 600, 372


def show_all(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Draw the overview of all standards."""
    rows = analysis.summary()
    judged = rows["shortfall"].notna()
    lacking = rows["shortfall"] > 0
    figures = [
        ("配置标准", f"{len(rows)} 条", f"出自 {rows['plan'].nunique()} 个规划，每条注明文号和原文行"),
        ("能判断的", f"{int(judged.sum())} 条", "库中有这一类设施的数据；其余只算应配，已配未知，不当作零"),
        ("有缺口的", f"{int(lacking.sum())} 条", "至少一个地区应配多于已配"),
        ("互相矛盾的", f"{len(analysis.contradictions())} 组", "同一件事、同一级地区，规划之间要求不同"),
    ]
    for column, (label, value, tip) in zip(st.columns(4), figures, strict=True):
        column.metric(label, value, help=tip)
    st.caption(
        components.plain("点一行，看这条标准在各地的应配、已配和缺口。合计中，一地的富余不抵另一地的缺口。")
    )
    show_overview(analysis)
    st.markdown("**规划之间的矛盾**　两者都保留，由使用者决定依哪一条")
    found = contradiction_table(analysis)
    st.dataframe(found, hide_index=True, height=38 + 35 * len(found), key="standards_contradictions")
    show_notes(choice, analysis)


def show_one(store: Store, choice: StandardsChoice, analysis: StandardsAnalysis, layer: Layer) -> None:
    """Draw one standard: its words, its figures, map, ranking and table."""
    entry = analysis.standards[choice.standard]
    where = f"{entry.doc_no}，原文 {entry.seed_line}"
    st.markdown(f"> {components.plain(entry.text)}　—— {components.plain(where)}")
    if entry.note:
        st.caption(components.plain(entry.note))
    left, right = st.columns([17, 10], gap="medium")
    with left:
        components.show_map(
            layer,
            "standards_map",
            height=_HEIGHT,
            selected=choice.region,
            on_click=components.look_at,
        )
    with right:
        show_figures(choice, analysis)
        _ranking(choice, layer)
    show_notes(choice, analysis)
    show_table(region_table(store, choice, analysis), "standards_regions")


def shown_column(choice: StandardsChoice, analysis: StandardsAnalysis) -> str:
    """Return what the map shows: where nothing is known of what is there, what is required."""
    rows = analysis.table(choice.standard, level=choice.level)
    return choice.view if rows[choice.view].notna().any() else "required"


def region_layer(
    store: Store, choice: StandardsChoice, analysis: StandardsAnalysis, origin: Provenance
) -> Layer:
    """Return the regions of the level shown with what they lack, must have or have."""
    entry = analysis.standards[choice.standard]
    column = shown_column(choice, analysis)
    rows = analysis.table(choice.standard, level=choice.level).set_index("adcode")
    values = rows[column].where(rows["applies"])
    reasons = rows["reason"].where(rows["applies"] | rows["required"].isna(), "这条标准不适用于此地区")
    direction = {"shortfall": "neutral", "required": "neutral", "provided": "higher_better"}[column]
    level = max(choice.level, entry.region_level, key=LEVELS.index)
    return choropleth(
        region_frame(store, choice.within, level),
        values,
        title=f"{VIEWS[column]}：{entry.name}",
        unit=entry.unit,
        year=str(choice.year),
        direction=direction,
        palette=ramp_towards(direction),
        reasons=reasons,
        decimals=0,
        provenance=origin,
    )


def _ranking(choice: StandardsChoice, layer: Layer) -> None:
    st.markdown(f"**{components.plain(layer.title.partition('：')[0])}排序**")
    picture = bar_ranking(layer, selected=choice.region)
    components.region_chart(picture, key="standards_ranking", height=_RANKING_HEIGHT)
