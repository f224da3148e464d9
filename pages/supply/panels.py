"""The figures beside the map of the page 供需匹配, and the panels below it."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from data.store.store import Store
from geo.coverage import GROUPS
from geo.region_tree import LEVEL_CHOICES, parent_names
from layers.charts.coverage import percent
from layers.charts.services import group_chart, lorenz_chart
from layers.model import Layer, format_number, readable
from pages.shared import cached, components, study
from pages.shared.choices import choose_panel
from pages.supply.answers import SupplyAnswers
from pages.supply.choice import SupplyChoice
from pages.supply.map import subtitle


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
            "依据": ["直线估算" if one else "路网" for one in rows["straight"]],
            "说明": rows["reason"].fillna(""),
        }
    ).reset_index(drop=True)


def figures_table(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> pd.DataFrame:
    """Return the access of the level shown as people read it: best first."""
    rows = answers.analysis.table(level=choice.level).sort_values(
        ["access", "adcode"], ascending=[False, True], na_position="last"
    )
    parents = parent_names(cached.region_table(store))
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
            "按直线估算人口": rows["straight_population"],
            f"最低十分之一（{unit}）": rows["lowest_access"],
            f"中位（{unit}）": rows["median_access"],
            "基尼系数": rows["gini"],
            "省界附近人口": rows["edge_population"],
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
        f"{choice.title}，{LEVEL_CHOICES[choice.level]}",
        subtitle(choice, answers),
        analysis.method_text,
        f"来源：{origin.source_text}",
        *analysis.notes,
        f"边界：{origin.boundary}；坐标系：{origin.crs}；数据版本：{store.data_version}",
        origin.permission,
    ]
    name = f"{choice.title}_{choice.request.minutes:g}分钟"
    components.download(
        f"{name}_{LEVEL_CHOICES[choice.level]}",
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


_LOADS = 200


def show_figures(choice: SupplyChoice, answers: SupplyAnswers) -> None:
    """Draw the figures of the region looked at."""
    analysis = answers.analysis
    row = analysis.region(choice.focus)

    def number(column: str) -> str:
        return "—" if pd.isna(row[column]) else format_number(float(row[column]), answers.decimals)

    pairs = [
        [
            ("可及性", number("access"), f"{analysis.unit}；Σ（可及性 × 人口）÷ Σ 人口"),
            ("基尼系数", _gini(row["gini"]), "0 为人人相同，1 为一人独占；按人口加权"),
        ],
        [
            (
                "无服务人口",
                readable(float(row["unserved_population"]), "人", 0),
                "服务范围内没有任何供给，可及性为 0",
            ),
            ("无服务占比", percent(row["unserved_share"]), "无服务人口 ÷ 该人群总数"),
        ],
        [
            ("中位可及性", number("median_access"), "一半的人不超过此数"),
            ("最低十分之一", number("lowest_access"), "可及性最低的十分之一人口不超过此数"),
        ],
    ]
    with st.container(key="coverage_figures"):
        name, unit = components.plain(row["name"]), components.plain(analysis.unit)
        within = f"{choice.request.minutes:g} 分钟内"
        st.markdown(f"**{name}**　{components.plain(choice.demand_name)}，{within}，{unit}")
        for pair in pairs:
            for column, (label, value, tip) in zip(st.columns(2), pair, strict=True):
                column.metric(label, value, help=tip)
        if isinstance(row["reason"], str):
            st.caption(components.plain(f"无法计算：{row['reason']}"))


def _gini(value: float) -> str:
    return "—" if pd.isna(value) else format_number(value, 3)


def show_notes(store: Store, answers: SupplyAnswers) -> None:
    """Say what a reader must know of the figures."""
    analysis = answers.analysis
    given = analysis.base.given_notes
    own = [note for note in analysis.notes if note not in given]
    study.show_notes([*own, *_reached(answers), *given, cached.store_meta(store).get("population_note", "")])


def _reached(answers: SupplyAnswers) -> list[str]:
    result, unit = answers.analysis.result, answers.analysis.supply_unit
    lost = result.supply_lost
    total, used = format_number(float(result.supply.sum()), 0), format_number(result.supply_used, 0)
    words = f"供给合计 {total} {unit}，有人可及的 {used} {unit}，全部分配到人（Σ 可及性 × 需求 = Σ 供给）"
    return [words] + ([f"{format_number(lost, 0)} {unit}的供给在服务范围内没有需求"] if lost > 0 else [])


def show_panels(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> None:
    """Draw the panel that is chosen."""
    panels: dict[str, tuple[str, Callable[[Store, SupplyChoice, SupplyAnswers], None]]] = {
        "fairness": ("公平", _fairness),
        "load": ("设施负荷", _load),
        "table": ("数据表", _table),
    }
    panel = choose_panel("supply_panel", panels, "fairness")
    panels[panel][1](store, choice, answers)


def _fairness(_store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> None:
    analysis = answers.analysis
    row = analysis.region(choice.focus)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            f"**{components.plain(row['name'])}的洛伦兹曲线**　{components.plain(choice.demand_name)}"
        )
        picture = lorenz_chart(answers.lorenz(choice.focus), float(row["gini"]), name=str(row["name"]))
        components.chart(picture, key="supply_lorenz")
    with right:
        st.markdown("**各人群的可及性**　同一供给、同一需求，按各人群居住地加权")
        groups = analysis.groups(choice.focus)
        groups["who"] = groups["group"].map(GROUPS)
        picture = group_chart(groups, unit=analysis.unit, decimals=answers.decimals)
        components.chart(picture, key="supply_groups")


def _load(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> None:
    rows = load_table(store, choice, answers)
    st.caption(
        components.plain(
            f"共 {len(rows)} 处，供需比最低（最拥挤）的在前；加权需求是服务范围内的人口按距离衰减的合计。"
            + (f"只列前 {_LOADS} 处，全部见下载。" if len(rows) > _LOADS else "")
        )
    )
    show_frame(
        rows.head(_LOADS), {rows.columns[2]: 0, "加权需求（人）": 0, rows.columns[4]: answers.decimals}
    )


def _table(store: Store, choice: SupplyChoice, answers: SupplyAnswers) -> None:
    rows = figures_table(store, choice, answers)
    show_frame(rows, {"人口": 0, "无服务人口": 0, "无服务占比（%）": 1})
