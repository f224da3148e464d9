"""铁路时序: the railway plan's projects by stage and period, as a timeline and by prefecture."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.corridor_analysis import Corridors
from data.corridor_reports import STAGES, rail_projects
from data.store import open_store
from layers.corridor_charts import prefecture_chart, project_chart, timeline_chart
from pages import components, filters, state
from pages.corridor_store import corridors_of
from pages.origin import provenance
from pages.rail_tables import prefecture_rows, project_rows, stage_rows, table_rows

_VIEWS = {"stages": "按阶段", "projects": "逐个项目", "prefectures": "按设区市", "table": "数据表"}


def page() -> None:
    """Draw the page."""
    store = open_store()
    found = corridors_of(store)
    rows = rail_projects(found)
    names = found.sums.regions["name"]
    with st.container(key="page_head"):
        components.header(
            "铁路时序",
            source="江苏省“十四五”铁路发展暨中长期路网布局规划　苏政办发〔2021〕76号",
            note=f"{len(rows)} 个项目，按原文的状态和期限",
        )
    columns = st.columns([3, 3, 2], vertical_alignment="bottom")
    families = {key: found.families[key].name for key in dict.fromkeys(rows["family"])}
    with columns[0]:
        picked = filters.choose_many(
            "rail_families", "类别", list(families), format_func=families.__getitem__
        )
    with columns[1]:
        stages = filters.choose_many("rail_stages", "阶段", list(STAGES))
    with columns[2]:
        prefectures = {"": "全省", **{str(code): str(names[code]) for code in sorted(found.sums.counties_of)}}
        where = str(
            state.choose("rail_where", "设区市", list(prefectures), "", format_func=prefectures.__getitem__)
        )
    shown = rows[
        (rows["family"].isin(picked) | (not picked))
        & (rows["stage"].isin(stages) | (not stages))
        & rows["prefectures"].map(lambda codes: not where or where in codes)
    ]
    view = state.choose(
        "rail_view",
        "显示",
        list(_VIEWS),
        "stages",
        widget=st.segmented_control,
        format_func=_VIEWS.__getitem__,
        label_visibility="collapsed",
    )
    if shown.empty:
        st.info("没有符合条件的项目，请放宽上面的选择。", icon=":material/info:")
    else:
        _show(str(view), found, shown, names)
    origin = provenance(store, ["苏政办发〔2021〕76号"], ["阶段按原文的状态和期限，不是工期"])
    components.footer(origin, data_version=store.data_version)


def _show(view: str, found: Corridors, shown: pd.DataFrame, names: pd.Series) -> None:
    families = list(dict.fromkeys(shown["family_name"]))
    colours = [found.families[key].colour for key in dict.fromkeys(shown["family"])]
    if view == "stages":
        components.chart(
            timeline_chart(stage_rows(shown), STAGES, families, colours), key="rail_stages_chart"
        )
        _counts(shown)
    elif view == "projects":
        components.chart(
            project_chart(project_rows(shown, names), STAGES, families, colours), key="rail_projects"
        )
        st.caption("横条的位置只表示阶段（续建、开工、规划、研究），原文没有各项目的起止年；浅色为尚未开工。")
    elif view == "prefectures":
        components.chart(prefecture_chart(prefecture_rows(shown, names), STAGES), key="rail_prefectures")
        st.caption("一个项目经过几个设区市，就在每个市各计一次；范围由示意线求得。")
    table = table_rows(shown, names)
    if view == "table":
        st.dataframe(table, hide_index=True, height=560)
    notes = ["铁路时序", "苏政办发〔2021〕76号"]
    components.download("铁路时序", lambda: table, notes=notes, key="rail_file")


def _counts(shown: pd.DataFrame) -> None:
    counts = shown["stage"].value_counts().reindex(STAGES).dropna().astype(int)
    for column, (stage, number) in zip(st.columns(len(counts)), counts.items(), strict=True):
        column.metric(str(stage), f"{number} 个")
