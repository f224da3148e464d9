"""The section of the page 总览 on the data itself: what is loaded, how good it is, what is left over."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from data.store.check import check_store, fact_summary, residuals
from data.store.store import Store
from layers.model import format_number
from pages.shared.cached import kept_by_version
from pages.shared.components import plain

QUALITY_WORDS = {"official": "官方公布", "derived": "推算", "secondary": "二手转录", "imported": "用户导入"}

_QUALITIES = (
    "官方公布：普查资料原数。推算：由普查分组或长表抽样数推得，口径见各指标。"
    "二手转录：转录自统计年鉴，未逐年与原书核对。"
)


@dataclass(frozen=True)
class Loaded:
    """What the store holds: counts by name, the sources, sentences on residuals, rows without a region."""

    counts: dict[str, int]
    sources: pd.DataFrame
    residuals: tuple[str, ...]
    unmatched: pd.DataFrame


def data_state(store: Store, population: str) -> None:
    """Draw what is loaded: figures by source and quality, residuals, rows that found no region, the check."""
    held = loaded(store, population)
    with st.container(key="overview_loaded"):
        for column, (label, number) in zip(st.columns(len(held.counts)), held.counts.items(), strict=True):
            column.metric(label, format_number(number, 0))
    st.dataframe(held.sources, hide_index=True, height="content")
    st.caption(plain(_QUALITIES))
    for line in held.residuals:
        st.caption(plain(line))
    if len(held.unmatched):
        with st.expander("未匹配到地区的行"):
            st.dataframe(held.unmatched, hide_index=True)
    _check(store)


@kept_by_version(2)
def loaded(store: Store, population: str) -> Loaded:
    """Return what is said of the store; made once per data version."""
    summary, unmatched = fact_summary(store), store.unmatched()
    counts = {
        "指标": len(store.indicators()),
        "事实": int(summary["facts"].sum()),
        "无数值（有原因）": int(summary["undefined"].sum()),
        "规划文件": len(store.plan_documents()),
        "规划条目": len(store.plan_targets()),
        "未匹配到地区的行": len(unmatched),
    }
    return Loaded(counts, _sources(summary), tuple(residual_lines(store, population)), unmatched)


def _sources(summary: pd.DataFrame) -> pd.DataFrame:
    years = summary.apply(
        lambda row: (
            f"{row['first_year']}"
            if row["first_year"] == row["last_year"]
            else f"{row['first_year']}–{row['last_year']}"
        ),
        axis=1,
    )
    return pd.DataFrame(
        {
            "来源": summary["title"].fillna(summary["source"]),
            "质量": summary["quality"].map(QUALITY_WORDS),
            "年份": years,
            "指标数": summary["indicators"],
            "事实数": summary["facts"],
            "无数值": summary["undefined"],
            "带说明": summary["flagged"],
        }
    )


def residual_lines(store: Store, indicator: str) -> list[str]:
    """Return in words what prefectures have beyond their counties in the latest year."""
    frame = residuals(store, indicator)
    if frame.empty:
        return []
    frame = frame[frame["year"] == frame["year"].max()]
    parts = "，".join(f"{row.prefecture} {format_number(row.value, 0)} 人" for row in frame.itertuples())
    return [
        f"未分配：{frame['year'].iloc[0]} 年普查中，{parts}在分县资料里不属于任何县（市、区）（开发区单列），"
        "作为“未分配”单独保存，使县（市、区）之和加未分配等于设区市，设区市之和等于全省。"
    ]


def _check(store: Store) -> None:
    st.caption(plain(f"数据版本 {store.data_version}，构建于 {store.built_at}。没有通过体检的构建不会发布。"))
    with st.container(key="overview_check"):
        if not st.button("现在体检", icon=":material/fact_check:", help="重新核对库中全部数据，约需几秒"):
            return
        with st.spinner("正在体检…"):
            report = check_store(store)
        if report.ok:
            st.success("体检通过：没有发现问题。", icon=":material/check_circle:")
        for problem in report.problems:
            st.error(plain(problem), icon=":material/error:")
