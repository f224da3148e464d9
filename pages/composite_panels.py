"""The panels below the map of the page 综合指数: contributions, weights, table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.composite_index import IndexAnalysis
from data.store import Store
from layers.composite_words import (
    NORMALISATIONS,
    WEIGHTINGS,
    method_words,
)
from layers.model import Provenance
from layers.profile_charts import contribution_chart, shown_value
from pages import components
from pages.palettes import categories

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
