"""The tables of the page 供需匹配, and what may be taken away."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.store import Store
from layers.model import Layer
from pages import cached, components, state
from pages.supply_answers import SupplyAnswers
from pages.supply_choice import SupplyChoice
from pages.supply_map import subtitle


def load_table(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> pd.DataFrame:
    """Return the facilities in the region looked at as people read them: the most crowded first."""
    analysis = answers.analysis
    rows = analysis.facility_table()
    home = cached.region_table(store)["name"]
    mine = set(analysis.cells.loc[analysis.cells_of(choice.focus), "adcode"].unique())
    rows = rows[rows["adcode"].isin(mine)].sort_values(
        ["ratio", "id"], key=lambda column: column.where(column > 0) if column.name == "ratio" else column
    )
    origin = {"surveyed": "实测", "seat": "驻地代替", "implied": "推定"}
    return pd.DataFrame(
        {
            "设施": rows["name"],
            "县（市、区）": rows["adcode"].map(home),
            f"供给（{analysis.supply_unit}）": rows["supply"],
            "加权需求（人）": rows["weighted_demand"],
            f"供需比（{analysis.unit}）": rows["ratio"].where(rows["weighted_demand"] > 0),
            "位置": rows["precision"].map(origin),
            "说明": rows["reason"].fillna(""),
        }
    ).reset_index(drop=True)


def figures_table(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> pd.DataFrame:
    """Return the access of the level shown as people read it: best first."""
    rows = answers.analysis.table(level=choice.level).sort_values(
        ["access", "adcode"], ascending=[False, True], na_position="last"
    )
    parents = cached.region_table(store)["parent"].map(cached.region_table(store)["name"])
    unit = answers.analysis.unit
    return pd.DataFrame(
        {
            "代码": rows["adcode"],
            "地区": rows["name"],
            "所属": rows["adcode"].map(parents).fillna(""),
            "人口": rows["population"],
            f"可及性（{unit}）": rows["access"],
            "无服务人口": rows["unserved_population"],
            "无服务占比（%）": rows["unserved_share"] * 100.0,
            f"最低十分之一（{unit}）": rows["lowest_access"],
            f"中位（{unit}）": rows["median_access"],
            "基尼系数": rows["gini"],
            "无法计算的原因": rows["reason"].fillna(""),
        }
    ).reset_index(drop=True)


def show_frame(rows: pd.DataFrame, decimals: dict[str, int]) -> None:
    """Draw a table; numbers have three decimals unless ``decimals`` says otherwise."""
    config = {
        str(name): st.column_config.NumberColumn(format=f"%,.{decimals.get(str(name), 3)}f")
        for name in rows.select_dtypes("number").columns
    }
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 520), column_config=config)


def show_downloads(store: Store, choice: SupplyChoice, answers: SupplyAnswers, layer: Layer) -> None:
    """Draw the buttons that give the figures of regions and of facilities."""
    origin, analysis = layer.provenance, answers.analysis
    lines = [
        f"{choice.title}，{state.LEVELS[choice.level]}",
        subtitle(choice, answers),
        analysis.method_text,
        f"来源：{origin.source_text}",
        *analysis.notes,
        f"边界：{origin.boundary}；坐标系：{origin.crs}；数据版本：{store.data_version}",
        origin.permission,
    ]
    name = f"{choice.title}_{choice.request.minutes:g}分钟"
    components.download(
        f"{name}_{state.LEVELS[choice.level]}",
        lambda: figures_table(store, choice, answers),
        notes=lines,
        key="supply",
    )
    st.caption("各设施的供需比")
    components.download(
        f"{name}_设施", lambda: load_table(store, choice, answers), notes=lines, key="supply_load"
    )
    if choice.view == "regions":
        components.download_figure(layer, cached.regions(store, "prefecture"), key="supply_figure")
