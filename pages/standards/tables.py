"""The tables of the page 应配与缺口: all standards, one standard by region, contradictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from analysis.standards import StandardsAnalysis
from data.registry.standard_models import Standard
from data.store.store import Store
from geo.region_tree import LEVEL_NAMES, parent_names
from geo.standards import KIND_NAMES, RULE_NAMES
from layers.model import format_number
from pages.shared import cached, state
from pages.standards.choice import StandardsChoice

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
            state.put("standard", keys[chosen[0]])

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
