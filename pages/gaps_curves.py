"""The panel of curves of the page 区域差距: Lorenz, and how the indicator leans by the rank of another."""

from __future__ import annotations

import streamlit as st

from data.store import Store
from geo.disparity import Measure, concentration_curve, concentration_index, lorenz_curve
from geo.gaps import GapComparison
from layers.gap_charts import share_curves
from layers.gap_words import short
from layers.model import format_number
from pages import cached, components, state
from pages.components import plain
from pages.gaps_choice import GapChoice

SELF = "self"


def show_curves(store: Store, choice: GapChoice, found: GapComparison) -> None:
    """Draw the Lorenz curves of both years, and beside them the concentration curve by another indicator."""
    now, then = found.now, found.then
    by_people = now.weight_name != ""
    across = "人口" if by_people else "地区数"
    name = short(now.subject.name)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**洛伦兹曲线**")
        curves = {
            f"{one.year} 年": lorenz_curve(
                one.frame["value"], one.frame["weight"] if one.weight_name else None
            )
            for one in (now, then)
            if one is not None
        }
        components.chart(share_curves(curves, across=across, up=name, order="由低到高"), key="gap_lorenz")
        measure = now.measures["gini_weighted" if by_people else "gini"]
        words = f"基尼系数 {format_number(measure.value, 3)}" if measure.defined else str(measure.reason)
        st.caption(plain(f"{now.year} 年{words}。曲线离对角线越远，差距越大。"))
    with right:
        _concentration(store, choice, found, across, name)


def _concentration(store: Store, choice: GapChoice, found: GapComparison, across: str, name: str) -> None:
    now = found.now
    indicators = cached.indicators(store)
    offered = [
        str(row["id"])
        for _, row in indicators.iterrows()
        if now.subject.level in row["levels"] and now.year in row["years"] and row["id"] != now.subject.id
    ]
    if not offered:
        st.info(f"{now.year} 年没有可以用来排列的其他指标。", icon=":material/info:")
        return
    preferred = [one for one in ("gdp_per_head", "urbanisation_rate") if one in offered]
    names = {key: short(str(indicators["name"][key])) for key in offered}
    order = str(
        state.choose(
            "rank_by",
            "集中曲线：按哪个指标由低到高排列",
            offered,
            preferred[0] if preferred else offered[0],
            format_func=names.__getitem__,
        )
    )
    ranking = cached.facts(store, order, year=now.year, level=now.subject.level).set_index("adcode")["value"]
    weights = now.frame["weight"] if now.weight_name else None
    values, ranked = now.frame["value"], ranking.reindex(now.frame.index)
    curve = concentration_curve(values, ranked, weights)
    components.chart(
        share_curves({f"{now.year} 年": curve}, across=across, up=name, order=f"按{names[order]}由低到高"),
        key="gap_concentration",
    )
    st.caption(plain(lean_words(concentration_index(values, ranked, weights), name, names[order])))


def lean_words(index: Measure, name: str, order: str) -> str:
    """Return which end the indicator leans to, by the index as printed."""
    if not index.defined:
        return f"集中指数没有定义：{index.reason}。"
    shown = round(index.value, 3)
    number = format_number(index.value, 3)
    if shown == 0:
        return f"集中指数 {number}：{name}与{order}的高低无关。"
    side = "高" if shown > 0 else "低"
    return f"集中指数 {number}：{order}{side}的地区{name}占得多。"
