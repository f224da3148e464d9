"""What the page 综合指数 shows of an index: map, ranks, contributions, weights, table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from data.composite_index import IndexAnalysis
from data.registry import load_registry
from data.store import Store
from layers.charts import PICK
from layers.composite_words import (
    equalisation_sentence,
    firmness_sentence,
    leaders_sentence,
    progress_sentence,
)
from layers.model import Layer, Provenance
from layers.profile_charts import rank_range_chart, shown_value
from layers.themes import choropleth
from pages import cached, components, state
from pages.components import plain
from pages.composite_panels import show_contributions, show_table, show_weights
from pages.composite_spec import LEVELS
from pages.coverage_store import region_choices
from pages.region_layers import labels_for, ramp_of, region_frame


def layer_of(store: Store, analysis: IndexAnalysis, origin: Provenance) -> Layer:
    """Return the index as a layer."""
    registry = load_registry()
    spec = analysis.spec
    row = pd.Series({"kind": "ratio", "direction": "higher_better"})
    return choropleth(
        region_frame(store, spec.level),
        analysis.result.frame["score"],
        title=spec.name,
        unit="分",
        year=spec.year,
        direction="higher_better",
        scheme=str(registry.setting("class_method")),
        k=int(registry.setting("class_count")),
        palette=ramp_of(registry, row, "auto"),
        reasons=analysis.result.frame["reason"],
        provenance=origin,
        decimals=1,
    )


def named_table(store: Store, analysis: IndexAnalysis) -> pd.DataFrame:
    """Return the table of the index with names that tell regions apart, and the score as text."""
    table = analysis.table()
    labels = region_choices(store, analysis.spec.level)
    return table.assign(name=table["adcode"].map(labels), shown=[shown_value(s, 1) for s in table["score"]])


def sentences(table: pd.DataFrame, analysis: IndexAnalysis) -> list[str]:
    """Return what the index says, in sentences."""
    spec = analysis.spec
    said = [
        leaders_sentence(table, LEVELS[spec.level]),
        firmness_sentence(table, len(analysis.sensitivity.ranks)),
        equalisation_sentence(analysis.equalisation, analysis.equalisation_reason),
    ]
    if analysis.progress is not None and spec.base_year is not None:
        said.append(progress_sentence(table, spec.year, spec.base_year))
    return said


def show(store: Store, analysis: IndexAnalysis, origin: Provenance) -> None:
    """Draw the map beside the ranks, and the panel that is chosen below."""
    table = named_table(store, analysis)
    spec = analysis.spec
    st.markdown(plain("".join(sentences(table, analysis))))
    selected = state.choose(
        "region",
        "突出显示",
        ["", *table["adcode"]],
        "",
        format_func=lambda code: region_choices(store, spec.level).get(code, "不突出"),
    )
    layer = layer_of(store, analysis, origin)
    left, right = st.columns([11, 10], gap="medium")
    with left:
        components.show_map(
            layer,
            "composite_map",
            height=560,
            selected=selected or None,
            labels=labels_for(store, spec.level),
            on_click=lambda code: state.put("region", code),
        )
    with right:
        _ranks(table, analysis, selected or None)
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "parts": ("各项贡献", lambda: show_contributions(table, analysis)),
        "weights": ("权重与方法", lambda: show_weights(analysis)),
        "table": ("数据表", lambda: show_table(store, table, analysis, origin)),
    }
    panel = state.choose(
        "panel",
        "下方显示",
        list(panels),
        "parts",
        widget=st.segmented_control,
        format_func=lambda key: panels[key][0],
        label_visibility="collapsed",
    )
    panels[panel][1]()


def _ranks(table: pd.DataFrame, analysis: IndexAnalysis, selected: str | None) -> None:
    st.markdown("**位次及其不确定性**")

    def picked() -> None:
        chosen = st.session_state["rank_ranges"]["selection"].get(PICK) or []
        if chosen:
            state.put("region", chosen[0]["adcode"])

    with st.container(height=460, key="rank_box"):
        components.chart(rank_range_chart(table, selected=selected), key="rank_ranges", on_select=picked)
    lost = int((analysis.sensitivity.combinations["reason"] != "").sum())
    st.caption(
        f"圆点为本指数的位次，线为 {len(analysis.sensitivity.ranks)} 种方法组合下位次的全距，粗条为中间一半"
        + (f"；另有 {lost} 种组合不适用，未计。" if lost else "。")
    )


def origin_remarks(store: Store, analysis: IndexAnalysis) -> list[str]:
    """Return what a reader must know of the figures an index is made of."""
    quality = set(analysis.indicators["quality"])
    entries = cached.indicators(store)
    names = [str(entries["name"].to_dict()[key]) for key in analysis.indicators["id"]]
    said = [f"由 {len(names)} 项指标合成，是分析工具，不是官方发布的指数"]
    said += ["含二手转录的经济数据"] if "secondary" in quality else []
    said += ["含由普查表推算的指标"] if "derived" in quality else []
    said += ["含用户导入的指标"] if "imported" in quality else []
    return said
