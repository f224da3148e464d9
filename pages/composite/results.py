"""What the page 综合指数 shows of an index: map, ranks, contributions, weights, table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from analysis.composite import IndexAnalysis
from analysis.palettes import categories
from data.registry import load_registry
from data.registry.rule_models import load_statistics_rules
from data.store.store import Store
from layers.charts.profile import contribution_chart, rank_range_chart, shown_value
from layers.model import Layer, Provenance
from layers.themes import choropleth
from layers.words.profile import (
    NORMALISATIONS,
    WEIGHTINGS,
    equalisation_sentence,
    firmness_sentence,
    leaders_sentence,
    method_words,
    progress_sentence,
)
from pages.composite.controls import LEVELS
from pages.shared import cached, choices, components
from pages.shared.cached import labels_for, level_frame, ramp_of, region_choices
from pages.shared.choices import choose_panel
from pages.shared.components import plain

_CONTRIBUTIONS_SHOWN = 40


def show_contributions(table: pd.DataFrame, analysis: IndexAnalysis) -> None:
    """Draw what each component gives to the scores."""
    known = table.dropna(subset=["rank"]).head(_CONTRIBUTIONS_SHOWN)
    names = analysis.indicators["name"].str.partition("（")[0].to_dict()
    labels = dict(zip(known["adcode"], known["name"], strict=True))
    brought = analysis.result.contributions.loc[list(labels)].rename(index=labels, columns=names)
    rows = brought.rename_axis("region").reset_index().melt("region", var_name="part", value_name="points")
    rows = rows.assign(shown=[shown_value(value, 2) for value in rows["points"]])
    components.chart(
        contribution_chart(rows, list(labels.values()), list(names.values()), categories()), key="parts"
    )
    more = int(table["rank"].notna().sum()) - len(known)
    even = "几何平均的贡献按对数份额分摊。" if analysis.spec.aggregation == "geometric" else ""
    st.caption(
        f"各段相加为得分。{even}{f'只画前 {len(known)} 个地区，其余 {more} 个见数据表。' if more else ''}"
    )


def show_weights(analysis: IndexAnalysis) -> None:
    """Draw the weights of the components."""
    spec = analysis.spec
    frame = pd.DataFrame(
        {
            "组成指标": analysis.indicators["name"],
            "单位": analysis.indicators["unit"],
            "年份": analysis.indicators["year"],
            "方向": analysis.indicators["direction"].map({"higher_better": "正向", "lower_better": "逆向"}),
            "权重": [
                f"{weight:.2%}" for weight in analysis.result.weights.reindex(analysis.indicators.index)
            ],
        }
    )
    st.dataframe(frame, hide_index=True)
    combos = analysis.sensitivity.combinations
    st.markdown(
        f"本指数：{method_words(spec.normalisation, spec.weighting, spec.aggregation)}。"
        f"位次范围取自 {'、'.join(NORMALISATIONS[key] for key in dict.fromkeys(combos['normalisation']))}"
        f" × {'、'.join(WEIGHTINGS[key] for key in dict.fromkeys(combos['weighting']))} × 算术、几何平均，"
        "以及每次去掉一个指标。"
    )


def show_table(store: Store, table: pd.DataFrame, analysis: IndexAnalysis, origin: Provenance) -> None:
    """Draw the index of every region as a table, to take away."""
    shown = pd.DataFrame(
        {
            "代码": table["adcode"],
            "地区": table["name"],
            "得分": table["score"].round(2),
            "位次": table["rank"].astype("Int64"),
            "最好位次": table["best"].astype("Int64"),
            "位次中位数": table["median"],
            "最差位次": table["worst"].astype("Int64"),
        }
    )
    if analysis.progress is not None:
        shown[f"较{analysis.spec.base_year}年"] = table["progress"].round(2)
        shown["不能比较的原因"] = table["progress_reason"]
    for key, name in analysis.indicators["name"].items():
        shown[f"{name}贡献"] = analysis.result.contributions[str(key)].reindex(table["adcode"]).round(2).array
    shown["没有指数的原因"] = table["reason"]
    st.dataframe(shown, hide_index=True, height=480)
    spec = analysis.spec
    notes = [
        f"{spec.name}，{spec.year} 年，{method_words(spec.normalisation, spec.weighting, spec.aggregation)}",
        *([spec.note] if spec.note else []),
        f"来源：{origin.source_text}",
        f"数据版本：{store.data_version}",
        origin.permission,
    ]
    components.download(spec.name, lambda: shown, notes=notes, key="composite")


def layer_of(store: Store, analysis: IndexAnalysis, origin: Provenance) -> Layer:
    """Return the index as a layer."""
    registry = load_registry()
    spec = analysis.spec
    row = pd.Series({"kind": "ratio", "direction": "higher_better"})
    return choropleth(
        level_frame(store, spec.level),
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
        firmness_sentence(
            table, len(analysis.sensitivity.ranks), firm_share=load_statistics_rules().firm_share
        ),
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
    selected = choices.choose(
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
            on_click=components.look_at,
        )
    with right:
        _ranks(table, analysis, selected or None)
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "parts": ("各项贡献", lambda: show_contributions(table, analysis)),
        "weights": ("权重与方法", lambda: show_weights(analysis)),
        "table": ("数据表", lambda: show_table(store, table, analysis, origin)),
    }
    panel = choose_panel("panel", panels, "parts")
    panels[panel][1]()


def _ranks(table: pd.DataFrame, analysis: IndexAnalysis, selected: str | None) -> None:
    st.markdown("**位次及其不确定性**")
    picture = rank_range_chart(table, selected=selected)
    components.region_chart(picture, key="rank_ranges", height=460, box="rank_box")
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
