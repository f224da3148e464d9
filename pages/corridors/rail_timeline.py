"""铁路时序: the railway plan's projects by stage and period, as a timeline and by prefecture."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.corridor_reports import rail_projects
from analysis.corridors import Corridors
from data.registry.corridor_models import RailStage, load_corridor_rules
from data.store.store import open_store
from layers.charts.corridor import prefecture_chart, project_chart, timeline_chart
from layers.words.corridor import STATUS_NAMES
from pages.corridors.answers import corridors_of
from pages.shared import choices, components
from reports.provenance import provenance


def stages() -> dict[str, RailStage]:
    """Return the stages by name, in the registry's order."""
    return {stage.name: stage for stage in load_corridor_rules().rail_stages}


def stage_rows(shown: pd.DataFrame) -> pd.DataFrame:
    """Return the projects by stage and family: stage, family, projects, names, order."""
    order = {name: number for number, name in enumerate(dict.fromkeys(shown["family_name"]))}
    grouped = (
        shown.groupby(["stage", "family_name"], sort=False)["name"].agg(["size", "、".join]).reset_index()
    )
    grouped.columns = pd.Index(["stage", "family", "projects", "names"])
    return grouped.assign(order=grouped["family"].map(order))


def project_rows(shown: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return one bar per project in the order of stages: name, family, stage, start, end, firm; its tip."""
    known = stages()
    ordered = shown.assign(at=shown["stage"].map(list(known).index)).sort_values(
        ["at", "family"], kind="stable"
    )
    return pd.DataFrame(
        {
            "name": ordered["name"],
            "family": ordered["family_name"],
            "stage": ordered["stage"],
            "period": ordered["period"].where(ordered["period"] != "", ordered["status"].map(STATUS_NAMES)),
            "start": ordered["stage"].map(lambda stage: known[stage].from_year),
            "end": ordered["stage"].map(lambda stage: known[stage].to_year),
            "firm": ordered["stage"].map(lambda stage: known[stage].begun),
            "where": ordered["prefectures"].map(lambda codes: "、".join(str(names[code]) for code in codes)),
            "source": ordered["doc_no"] + "　" + ordered["seed_line"],
        }
    )


def prefecture_rows(shown: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return how many projects touch each prefecture, by stage."""
    long = shown.explode("prefectures").dropna(subset="prefectures")
    grouped = (
        long.groupby(["prefectures", "stage"]).size().reset_index(name="projects").sort_values("prefectures")
    )
    return grouped.assign(prefecture=grouped["prefectures"].map(names))[["prefecture", "stage", "projects"]]


def table_rows(shown: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return the projects as a table to read and take away."""
    return pd.DataFrame(
        {
            "项目": shown["name"],
            "类别": shown["family_name"],
            "状态": shown["status"].map(STATUS_NAMES),
            "期限": shown["period"],
            "阶段": shown["stage"],
            "设区市": shown["prefectures"].map(lambda codes: "、".join(str(names[code]) for code in codes)),
            "文号": shown["doc_no"],
            "原文行号": shown["seed_line"],
        }
    )


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
        picked = choices.choose_many(
            "rail_families", "类别", list(families), format_func=families.__getitem__
        )
    with columns[1]:
        within = choices.choose_many("rail_stages", "阶段", list(stages()))
    with columns[2]:
        prefectures = {"": "全省", **{str(code): str(names[code]) for code in sorted(found.sums.counties_of)}}
        where = str(
            choices.choose("rail_where", "设区市", list(prefectures), "", format_func=prefectures.__getitem__)
        )
    shown = rows[
        (rows["family"].isin(picked) | (not picked))
        & (rows["stage"].isin(within) | (not within))
        & rows["prefectures"].map(lambda codes: not where or where in codes)
    ]
    view = choices.choose(
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
    known = stages()
    colours = [found.families[key].colour for key in dict.fromkeys(shown["family"])]
    if view == "stages":
        components.chart(
            timeline_chart(stage_rows(shown), list(known), families, colours), key="rail_stages_chart"
        )
        _counts(shown)
    elif view == "projects":
        components.chart(
            project_chart(
                project_rows(shown, names),
                list(known),
                families,
                colours,
                years=(
                    min(one.from_year for one in known.values()),
                    max(one.to_year for one in known.values()),
                ),
            ),
            key="rail_projects",
        )
        st.caption("横条的位置只表示阶段（续建、开工、规划、研究），原文没有各项目的起止年；浅色为尚未开工。")
    elif view == "prefectures":
        components.chart(prefecture_chart(prefecture_rows(shown, names), list(known)), key="rail_prefectures")
        st.caption("一个项目经过几个设区市，就在每个市各计一次；范围由示意线求得。")
    table = table_rows(shown, names)
    if view == "table":
        st.dataframe(table, hide_index=True, height=560)
    notes = ["铁路时序", "苏政办发〔2021〕76号"]
    components.download("铁路时序", lambda: table, notes=notes, key="rail_file")


def _counts(shown: pd.DataFrame) -> None:
    counts = shown["stage"].value_counts().reindex(list(stages())).dropna().astype(int)
    for column, (stage, number) in zip(st.columns(len(counts)), counts.items(), strict=True):
        column.metric(str(stage), f"{number} 个")
