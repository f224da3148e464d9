"""The card of a corridor: what it is, who drew it, its members in order, and the figures along it."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from analysis.corridor_reports import StationAccess
from analysis.corridors import STATION_HEADERS, Corridors, Figure
from data.store.store import Store
from layers.model import format_number
from layers.words.corridor import STATUS_NAMES
from pages.corridors.answers import BASIS_NAMES, access_of, beside_of, titles
from pages.corridors.choice import SCOPES, CorridorChoice
from pages.shared import components


def station_words(access: StationAccess) -> str:
    """Return how many of the stations stand where an imported one does, and how many at their towns."""
    schematic = access.stations - access.surveyed
    parts = [(access.surveyed, "实测"), (schematic, "示意")]
    held = [(count, word) for count, word in parts if count]
    return held[0][1] if len(held) == 1 else "、".join(f"{word} {count} 处" for count, word in held)


def show_stations(store: Store, key: str) -> None:
    """Draw where each station of a railway stands: at an imported station, or at its town."""
    places = access_of(store, key).places
    st.markdown("**站点位置**　导入的同名火车站为实测，其余在城镇驻地示意")
    texts = {name: places[name].fillna("") for name in ("station", "reason")}
    shown = places.assign(**texts).rename(columns=STATION_HEADERS)
    st.dataframe(shown, hide_index=True, key="corridor_stations")


_RAIL = "铁路"
_DECIMALS = {"gdp": 1, "urbanisation_rate": 1}
_MOST_MEMBERS = 16


def show_card(store: Store, found: Corridors, choice: CorridorChoice) -> None:
    """Draw the card of the corridor chosen, or what to do to get one."""
    if choice.picked is None:
        st.markdown("##### 通道卡片")
        st.caption("点图上的线、点或面的边线，这里显示规划、文号、成员、状态和沿线数字。")
        _summary(found, choice)
        return
    key = choice.picked
    row = found.row(key)
    plain = components.plain
    st.markdown(f"##### {plain(row['name'])}")
    family = found.families[str(row["family"])]
    st.caption(
        f"{plain(family.name)}　{STATUS_NAMES[str(row['status'])]}　{int(row['horizon'])} 年图起显示　"
        f"**{plain(row['precision'])}**"
    )
    st.markdown(
        f"**{plain(titles(store).get(str(row['plan']), row['plan']))}**　{plain(row['doc_no'])}　"
        f"原文行号 {plain(row['seed_line'])}"
    )
    _facts(row)
    _members(found, key)
    _figures(found, key, choice.scope)
    _people(store, found, key)


def _summary(found: Corridors, choice: CorridorChoice) -> None:
    table = found.table.loc[list(choice.visible)]
    rows = [
        {"类别": found.families[str(name)].name, "显示": len(part)}
        for name, part in table.groupby("family", sort=False)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _facts(row: pd.Series) -> None:
    plain = components.plain
    facts = {
        "走向依据": BASIS_NAMES.get(str(row["basis"]), ""),
        "期限": row["period"],
        "里程": f"{row['length_km']:g} 公里（原文）" if pd.notna(row["length_km"]) else None,
        "内容": row["description"],
        "说明": row["note"],
    }
    for name, text in facts.items():
        if isinstance(text, str) and text:
            st.markdown(f"**{name}**　{plain(text)}")


def _members(found: Corridors, key: str) -> None:
    members = found.members_of(key)
    plain = components.plain
    texts = {
        "成员": members[
            members["role"].isin(["city", "member", "end", "name"]) & (members["kind"] != "line")
        ],
        "走向补出": members[members["role"] == "route"],
        "线路": members[members["kind"] == "line"],
        "节点": members[members["role"] == "node"],
    }
    for name, part in texts.items():
        if part.empty:
            continue
        words = list(dict.fromkeys(part["name"] if name == "成员" else part["text"]))
        if name == "线路":
            words = [f"{row.text}（{row.role}）" for row in part.itertuples()]
        more = f" 等 {len(words)} 个" if len(words) > _MOST_MEMBERS else ""
        joint = " → " if name == "成员" and found.table.loc[key, "shape"] == "line" else "、"
        st.markdown(f"**{name}**　{plain(joint.join(words[:_MOST_MEMBERS]))}{more}")


def figure_rows(figures: list[Figure]) -> pd.DataFrame:
    """Return figures as a table to read."""
    return pd.DataFrame(
        [
            {
                "指标": f"{figure.name}（{figure.year}）",
                "数值": (
                    "无数据"
                    if math.isnan(figure.value)
                    else f"{format_number(figure.value, _DECIMALS.get(figure.indicator, 0))} {figure.unit}"
                ),
                "占全省": "" if math.isnan(figure.share) else f"{figure.share * 100:.1f}%",
                "原因": figure.reason,
            }
            for figure in figures
        ]
    )


def _figures(found: Corridors, key: str, scope: str) -> None:
    counties = found.counties(key, scope)  # type: ignore[arg-type]
    st.markdown(f"**沿线数字**　{SCOPES[scope]}：{len(counties)} 个县（市、区）")
    rows = figure_rows(found.figures(key, scope))  # type: ignore[arg-type]
    if not rows["原因"].any():
        rows = rows.drop(columns="原因")
    st.dataframe(rows, hide_index=True)
    if found.table.loc[key, "shape"] == "line" and scope == "passed":
        st.caption("县级范围由示意线求得，是估计；按原文列名的范围请在上方切换。")


def _people(store: Store, found: Corridors, key: str) -> None:
    people = beside_of(store, key)
    text = "　".join(f"{distance:g} 公里内 {value / 1e4:,.0f} 万人" for distance, value in people.items())
    st.markdown(f"**两侧人口（推算格网）**　{text}")
    if found.families[str(found.table.loc[key, "family"])].group != _RAIL:
        return
    access = access_of(store, key)
    near = "　".join(f"{limit:g} 分钟内 {value / 1e4:,.0f} 万人" for limit, value in access.people.items())
    st.markdown(f"**{access.stations} 处站点（{station_words(access)}），{access.mode}**　{near}")
    st.caption(f"通行时间：{access.method}。{'；'.join(access.notes)}。")
