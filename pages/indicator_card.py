"""The card of a region on the page 指标地图: its value, rank, change and how it stands to those above it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.store import Store
from layers.charts import comparison_bars
from layers.model import Layer, format_number
from pages import cached, state
from pages.components import chart, plain
from pages.indicator_choice import Subject
from pages.indicator_standing import Standing, standing

_ADDITIVE = {"count", "amount"}


def show_card(store: Store, subject: Subject, adcode: str, layer: Layer) -> None:
    """Draw the card of region ``adcode``."""
    found = standing(store, subject, adcode)
    with st.container(border=True, key="region_card"):
        place = f"　{plain(found.parent)}" if found.parent else ""
        st.markdown(f"#### {plain(found.name)}{place}")
        if pd.isna(found.value):
            st.warning(f"无数据：{plain(found.reason)}", icon=":material/block:")
        else:
            _show_value(found, subject, layer)
        if found.remark:
            st.caption(f"说明：{plain(found.remark)}")
        st.button("清除选择", key="clear_region", type="tertiary", on_click=state.put, args=("region", ""))


def _show_value(found: Standing, subject: Subject, layer: Layer) -> None:
    delta, basis = _change(found, layer)
    colour = {"higher_better": "normal", "lower_better": "inverse"}.get(str(subject.row["direction"]), "off")
    st.metric(
        plain(f"{layer.title}（{layer.unit}）"),
        format_number(found.value, layer.decimals),
        delta=delta,
        delta_color=colour,  # type: ignore[arg-type]
        delta_description=basis,
    )
    words = []
    if found.rank is not None:
        words.append(f"位次 **{found.rank}** / {found.among}")
    if found.rank_inside is not None and found.among_inside > 1:
        words.append(f"{plain(found.parent)}内 **{found.rank_inside}** / {found.among_inside}")
    st.markdown("　".join(words))
    above = found.above.dropna(subset="value")
    if above.empty:
        return
    if subject.row["kind"] in _ADDITIVE:
        shares = [
            f"占{plain(name)} **{found.value / value:.1%}**"
            for name, value in zip(above["name"], above["value"], strict=True)
            if value > 0
        ]
        st.markdown("　".join(shares))
        return
    rows = pd.concat([pd.DataFrame({"name": [found.name], "value": [found.value]}), above])
    chart(comparison_bars(rows, decimals=layer.decimals), key="card_chart")


def _change(found: Standing, layer: Layer) -> tuple[str | None, str | None]:
    """Return the change since the earlier year, with sign and unit, and the year it is counted from."""
    if found.earlier_year is None:
        return None, None
    difference = found.value - found.earlier
    sign = "+" if difference > 0 else ""
    unit = "个百分点" if layer.unit == "%" else f" {layer.unit}"
    # A hyphen, not a minus sign: Streamlit reads the direction of the arrow from it.
    number = format_number(difference, layer.decimals).replace("−", "-")
    return f"{sign}{number}{unit}", f"较 {found.earlier_year} 年"


def show_summary(store: Store, subject: Subject, layer: Layer) -> None:
    """Draw the card of all regions, as long as none is chosen."""
    values = layer.defined.sort_values("rank")
    facts = cached.facts(store, subject.id, year=subject.year, level="province")
    with st.container(border=True, key="region_card"):
        st.markdown(f"#### 全省概况　{plain(state.LEVELS[subject.level])}")
        if len(facts) and pd.notna(facts["value"].iloc[0]):
            total = format_number(float(facts["value"].iloc[0]), layer.decimals)
            st.metric(plain(f"江苏省（{layer.unit}）"), total)
        if len(values) > 1:
            by_value = values.sort_values("value")
            for word, row in (("最高", by_value.iloc[-1]), ("最低", by_value.iloc[0])):
                st.markdown(f"{word}　**{plain(row['name'])}**　{plain(layer.text(row['value'], unit=True))}")
            middle = float(values["value"].median())
            st.markdown(f"中位数　{plain(layer.text(middle, unit=True))}　共 {len(values)} 个地区有数据")
        missing = len(layer.frame) - len(values)
        if missing:
            st.markdown(f"无数据　{missing} 个地区（图上斜线，原因见提示与数据表）")
        st.caption("在地图或排名中点击一个地区查看详情。")
