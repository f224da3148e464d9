"""The card of a region on the page 指标地图: its value, rank, change and how it stands to those above it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from data.store.store import Store
from geo.region_tree import LEVEL_CHOICES, above
from geo.rounding import levels
from layers.charts.base import comparison_bars
from layers.model import Layer, format_number
from layers.themes import ranks
from layers.words.gap import listed
from pages.indicators.choice import Subject
from pages.shared import cached, choices
from pages.shared.components import chart, plain


@dataclass(frozen=True)
class Standing:
    """One region's value among the others; NaN and None where there is nothing to say."""

    name: str
    parent: str
    value: float
    reason: str
    remark: str
    rank: int | None
    among: int
    rank_inside: int | None
    among_inside: int
    earlier_year: int | None
    earlier: float
    above: pd.DataFrame
    """Columns name and value: prefecture, economic region and province, from the nearest."""


def standing(store: Store, subject: Subject, adcode: str) -> Standing:
    """Return how region ``adcode`` stands in the subject's year, among the regions of its own level."""
    table = cached.region_table(store)
    region = table.loc[adcode]
    facts = cached.facts(store, subject.id)
    now = facts[facts["year"] == subject.year].set_index("adcode")
    peers = now[now["level"] == region["level"]]
    places = ranks(peers["value"], str(subject.row["direction"]))
    inside = peers[peers["parent"] == region["parent"]]
    places_inside = ranks(inside["value"], str(subject.row["direction"]))
    before = facts[(facts["adcode"] == adcode) & (facts["year"] < subject.year) & facts["value"].notna()]
    own = now[now.index == adcode].to_dict("records")
    fact = own[0] if own else {}
    higher = [code for code in above(table, adcode) if code in now.index]
    parent = region["parent"]
    return Standing(
        name=str(region["name"]),
        parent=str(table.loc[parent, "name"]) if parent in table.index else "",
        value=float(fact.get("value", float("nan"))),
        reason=_text(fact, "reason") or f"{subject.year} 年没有该地区的数据",
        remark="；".join(part for part in (_text(fact, "flag"), _text(fact, "note")) if part),
        rank=_place(places, adcode),
        among=int(places.notna().sum()),
        rank_inside=_place(places_inside, adcode) if region["level"] == "county" else None,
        among_inside=int(places_inside.notna().sum()),
        earlier_year=int(before["year"].iloc[-1]) if len(before) else None,
        earlier=float(before["value"].iloc[-1]) if len(before) else float("nan"),
        above=pd.DataFrame({"name": table.loc[higher, "name"], "value": now.loc[higher, "value"]}),
    )


def _text(fact: dict[Hashable, Any], column: str) -> str:
    value = fact.get(column)
    return value if isinstance(value, str) else ""


def _place(places: pd.Series, adcode: str) -> int | None:
    place = places.get(adcode)
    return None if place is None or pd.isna(place) else int(place)


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
        st.button("清除选择", key="clear_region", type="tertiary", on_click=choices.put, args=("region", ""))


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


def extreme_lines(values: pd.DataFrame, layer: Layer) -> list[str]:
    """Return which regions are highest and lowest, all where several are; one line when all are equal.

    ``values``: columns adcode, name and value (none NaN).
    """
    level = pd.Series(levels(values["value"]), index=values.index)
    if level.max() == 0:
        return [f"各地区相同　{plain(layer.text(values['value'].iloc[0], unit=True))}"]
    told = []
    for word, end in (("最高", level.max()), ("最低", 0)):
        rows = values[level == end].sort_values("adcode")
        tied = "（并列）" if len(rows) > 1 else ""
        text = layer.text(rows["value"].iloc[0], unit=True)
        told.append(f"{word}{tied}　**{plain(listed(rows['name'], 3))}**　{plain(text)}")
    return told


def show_summary(store: Store, subject: Subject, layer: Layer) -> None:
    """Draw the card of all regions, as long as none is chosen."""
    values = layer.defined.sort_values("rank")
    facts = cached.facts(store, subject.id, year=subject.year, level="province")
    with st.container(border=True, key="region_card"):
        st.markdown(f"#### 全省概况　{plain(LEVEL_CHOICES[subject.level])}")
        if len(facts) and pd.notna(facts["value"].iloc[0]):
            total = format_number(float(facts["value"].iloc[0]), layer.decimals)
            st.metric(plain(f"江苏省（{layer.unit}）"), total)
        if len(values) > 1:
            for line in extreme_lines(values, layer):
                st.markdown(line)
            middle = float(values["value"].median())
            st.markdown(f"中位数　{plain(layer.text(middle, unit=True))}　共 {len(values)} 个地区有数据")
        missing = len(layer.frame) - len(values)
        if missing:
            st.markdown(f"无数据　{missing} 个地区（图上斜线，原因见提示与数据表）")
        st.caption("在地图或排名中点击一个地区查看详情。")
