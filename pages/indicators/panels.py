"""The panels below the map of the page 指标地图: comparison, distribution, course, table, downloads."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from data.store.store import Store
from geo.region_tree import LEVEL_CHOICES, PROVINCE, above
from layers.charts.base import histogram, paired_dots, scatter, time_series
from layers.model import Layer
from pages.indicators.choice import Choice, Subject
from pages.shared import cached, components
from pages.shared.choices import choose_panel

_STATUS = {"observed": "观测", "estimated": "估计", "undefined": "无数据", "target": "目标"}
_QUALITY = {"official": "官方", "derived": "推算", "secondary": "二手", "imported": "导入"}
_ADDITIVE = {"count", "amount"}


def show_panels(store: Store, choice: Choice, layers: tuple[Layer, ...]) -> None:
    """Draw the panel that is chosen; the others are not computed."""
    panels: dict[str, tuple[str, Callable[[], None]]] = {
        "compare": ("对比", lambda: _comparison(choice, layers)),
        "distribution": ("分布", lambda: _distribution(store, choice, layers[0])),
        "series": ("历年变化", lambda: _series(store, choice, layers[0])),
        "table": ("数据表", lambda: _table(store, choice, layers[0])),
    }
    if len(layers) < 2:
        del panels["compare"]
    panel = choose_panel("panel", panels, next(iter(panels)))
    panels[panel][1]()


def _comparison(choice: Choice, layers: tuple[Layer, ...]) -> None:
    if choice.compare == "years":
        st.caption("灰点为较早年份，蓝点为较晚年份；按较晚年份的位次排列。")
        with st.container(height=520, key="paired_box"):
            components.chart(paired_dots(layers[0], layers[1], selected=choice.region), key="paired")
    else:
        components.chart(scatter(layers[0], layers[1], selected=choice.region), key="scatter")


def _distribution(store: Store, choice: Choice, layer: Layer) -> None:
    subject = choice.main
    facts = cached.facts(store, subject.id, year=subject.year).set_index("adcode")["value"]
    names = cached.region_table(store)["name"]
    marks = []
    region = choice.region
    if region is not None and region in facts.index and region in layer.frame.index:
        marks.append((str(names[region]), float(facts[region])))
    if PROVINCE in facts.index and subject.row["kind"] not in _ADDITIVE:
        marks.append(("全省", float(facts[PROVINCE])))
    components.chart(histogram(layer, marks=marks), key="distribution")


def _series(store: Store, choice: Choice, layer: Layer) -> None:
    subject = choice.main
    facts = cached.facts(store, subject.id)
    table = cached.region_table(store)
    codes = [choice.region] if choice.region is not None else []
    if not codes or subject.row["kind"] not in _ADDITIVE:
        codes += [code for code in _read_beside(table, codes[0] if codes else None) if code not in codes]
    rows = facts[facts["adcode"].isin(codes)].copy()
    rows["order"] = rows["adcode"].map({code: number for number, code in enumerate(codes)})
    remarks = rows["flag"].fillna("") + rows["note"].map(
        lambda note: f"：{note}" if isinstance(note, str) else ""
    )
    rows = rows.assign(note=remarks).sort_values(["order", "year"])
    if rows["value"].notna().sum() == 0:
        st.info("所选地区没有该指标的数据。", icon=":material/info:")
        return
    lines = time_series(rows, title=layer.title, unit=layer.unit, decimals=layer.decimals)
    components.chart(lines, key="series")
    if rows["note"].ne("").any():
        st.caption("圆圈标出口径或范围有变动的数值，指向它可看说明。")


def _read_beside(table: pd.DataFrame, adcode: str | None) -> list[str]:
    """Return the regions to compare with: those above one, or the province and the economic regions."""
    if adcode is None:
        return list(table.index[table["level"].isin(["province", "economic_region"])])
    return above(table, adcode)


def data_table(store: Store, subject: Subject, layer: Layer) -> pd.DataFrame:
    """Return what the map shows as people read it: one row per region, best rank first."""
    facts = cached.facts(store, subject.id, year=subject.year, level=subject.level).set_index("adcode")
    facts = facts.reindex(layer.frame.index)
    earlier = [year for year in subject.row["years"] if year < subject.year]
    frame = pd.DataFrame(
        {
            "代码": layer.frame.index,
            "地区": layer.frame["name"],
            "所属": layer.frame["parent_name"],
            f"{layer.title}（{layer.unit}）": layer.frame["value"].round(layer.decimals),
            "位次": layer.frame["rank"].astype("Int64"),
        }
    )
    if earlier:
        past = cached.facts(store, subject.id, year=earlier[-1], level=subject.level)
        before = past.set_index("adcode")["value"]
        frame[f"较{earlier[-1]}年"] = (layer.frame["value"] - before.reindex(frame.index)).round(
            layer.decimals
        )
    frame["状态"] = facts["status"].map(_STATUS).fillna("无数据")
    frame["质量"] = facts["quality"].map(_QUALITY).fillna("")
    frame["说明"] = [
        "；".join(part for part in parts if isinstance(part, str) and part)
        for parts in zip(layer.frame["reason"], facts["flag"], facts["note"], strict=True)
    ]
    return frame.sort_values(["位次", "代码"]).reset_index(drop=True)


def _table(store: Store, choice: Choice, layer: Layer) -> None:
    frame = data_table(store, choice.main, layer)
    number = f"%,.{layer.decimals}f"
    numbers = [name for name in frame.columns if name.startswith((layer.title, "较"))]
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(frame), 520),
        column_config={name: st.column_config.NumberColumn(format=number) for name in numbers},
        key="table",
    )


def show_downloads(store: Store, choice: Choice, layer: Layer) -> None:
    """Draw the buttons that give the data behind the page as a file."""
    origin = layer.provenance
    notes = [
        f"{layer.title}（{layer.unit}），{layer.year} 年，{LEVEL_CHOICES[choice.main.level]}",
        f"口径：{choice.main.row['definition']}",
        f"来源：{origin.source_text}",
        *origin.remarks,
        f"边界：{origin.boundary}；坐标系：{origin.crs}；数据版本：{store.data_version}",
        origin.permission,
    ]
    name = f"{layer.title}_{layer.year}_{LEVEL_CHOICES[choice.main.level]}"
    components.download(name, lambda: data_table(store, choice.main, layer), notes=notes, key="indicator")
