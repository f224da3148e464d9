"""应配与缺口: what the plans' own standards require of every region, what is there, what is lacking."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from analysis.coverage import IMPLIED
from analysis.standards import StandardsAnalysis
from data.store.store import Store, open_store
from geo.errors import StoreError, SutuError
from geo.region_tree import LEVEL_CHOICES
from layers.assets import own_folder
from layers.model import Provenance
from pages.shared import components
from pages.standards.choice import ALL, StandardsChoice, choose_standards, standards_analysis
from pages.standards.panels import overview_table, region_layer, region_table, show_all, show_one
from reports.provenance import provenance

_TITLE = "应配与缺口"


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "coverage.css")
    store = open_store()
    head = st.container(key="page_head")
    choice = choose_standards(store)
    try:
        analysis = standards_analysis(store, year=choice.year, origin=choice.origin, within=choice.within)
    except StoreError:
        raise
    except SutuError as fault:
        with head:
            components.header(_TITLE)
        st.error(components.plain(str(fault)), icon=":material/error:")
        return
    origin = _origin(store, choice, analysis)
    with head:
        _head(store, choice, analysis, origin)
    _banner(choice, analysis)
    if choice.standard == ALL:
        show_all(choice, analysis)
    else:
        show_one(store, choice, analysis, region_layer(store, choice, analysis, origin))
    components.footer(origin, data_version=store.data_version)


def _origin(store: Store, choice: StandardsChoice, analysis: StandardsAnalysis) -> Provenance:
    """Return the sources: the plan (or plans), the people, the facilities counted."""
    frame = analysis.facilities if choice.standard == ALL else analysis.counted(choice.standard)
    people = ["census_2020", *(["jiangsu_yearbook"] if analysis.projected else [])]
    found = provenance(store, [*people, *frame["source"].dropna().unique()])
    plans = {entry.doc_no for key, entry in analysis.standards.items() if choice.standard in {ALL, key}}
    first = sorted(plans)[0] if len(plans) == 1 else f"{len(plans)} 个规划的配置标准"
    remarks = ("人口为推算值",) if analysis.projected else ()
    return replace(found, sources=(first, *found.sources), remarks=remarks)


def _head(store: Store, choice: StandardsChoice, analysis: StandardsAnalysis, origin: Provenance) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    everything = choice.standard == ALL
    title = _TITLE if everything else analysis.standards[choice.standard].name
    with left:
        components.header(title, source=origin.source_text, note=choice.population)
    with right, st.container(horizontal=True, horizontal_alignment="right", key="page_tools"):
        _method()
        with st.popover("下载", icon=":material/download:"):
            lines = [
                *(title, choice.population, *analysis.notes),
                *(
                    *analysis.repeat_notes(None if everything else choice.standard),
                    f"来源：{origin.source_text}",
                ),
                f"边界：{origin.boundary}；坐标系：{origin.crs}；数据版本：{store.data_version}",
                origin.permission,
            ]
            name = f"{_TITLE}_{'一览' if everything else title}_{LEVEL_CHOICES[choice.level]}"
            components.download(
                name,
                lambda: overview_table(analysis) if everything else region_table(store, choice, analysis),
                notes=lines,
                key="standards",
            )


def _banner(choice: StandardsChoice, analysis: StandardsAnalysis) -> None:
    """Say when what is counted was not surveyed."""
    frame = analysis.facilities if choice.standard == ALL else analysis.counted(choice.standard)
    implied = frame["precision"].isin(IMPLIED)
    if implied.any():
        st.warning(
            components.plain(
                f"已配中有 {int(implied.sum())} 处是按规划标准推定或以驻地代替的，"
                f"实测 {int((~implied).sum())} 处；"
                "推定的设施只用来演示方法，不能作为结论。导入真实设施：左侧“数据导入”页。"
            ),
            icon=":material/science:",
        )


def _method() -> None:
    """Draw the button that opens how the figures come about."""
    rows = {
        "应配": "标准写在哪一级就在哪一级计算：按人口、按地区、按达到人口规模的地区、按乡镇（街道）。"
        "设施数向上取整，床位、托位、人员不取整。",
        "已配": "库中这一类设施的数目或规模；按类型、名称和等级认定。实测与推定分开列出。",
        "缺口": "应配 − 已配，不低于零。上级的缺口是下级缺口之和：一地富余不抵另一地的缺口。",
        "未知": "库中没有这一类设施的数据时，已配和缺口为未知，不当作零。",
        "涉农区": "有镇或乡的区。“县（市）”为县和县级市。",
        "推算人口": "县级人口按所在设区市 2020 年以来的常住人口变化推算，年龄构成不变；是估计，不是统计数。",
    }
    with st.popover("口径", icon=":material/menu_book:"):
        for name, text in rows.items():
            st.markdown(f"**{name}**　{components.plain(text)}")
