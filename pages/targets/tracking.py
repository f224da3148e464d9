"""目标追踪: targets with an observed series against their line, and the regions' own targets side by side."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from analysis.palettes import region_colours
from analysis.tracking import Track, regional_targets, tracks
from data.builder.plan_states import UNDEFINED
from data.store.store import Store, open_store
from geo.region_tree import ECONOMIC_REGIONS
from layers.charts.tracking import regional_bars, track_chart
from layers.model import Provenance
from layers.words.tracking import path_words
from pages.shared import choices as state
from pages.shared import components
from pages.shared.cached import kept_by_version
from pages.shared.components import plain
from pages.targets.page import SOURCE
from reports.provenance import provenance
from reports.targets import STATE_WORDS, path_of, place, short_title, track_digits


@dataclass(frozen=True)
class Held:
    """The tracks, the regions' own targets, and the sources of the indicators used, by indicator."""

    tracks: list[Track]
    regional: pd.DataFrame
    sources: dict[str, list[str]]


@kept_by_version(2)
def held_tracks(store: Store) -> Held:
    """Return what the page shows; made once per data version."""
    found = tracks(store)
    used = {track.indicator for track in found if track.indicator is not None}
    sources = {name: list(store.facts(name)["source"].dropna().unique()) for name in used}
    return Held(found, regional_targets(store), sources)


def observed_table(track: Track) -> pd.DataFrame:
    """Return observed values and targets as people read them: one row per region and year."""
    digits = track_digits(track)
    seen = pd.DataFrame(
        {
            "地区": track.observed["name"],
            "年份": track.observed["year"].astype("int64"),
            "数值": track.observed["value"].round(digits),
            "类别": "实测" if track.origin != "own" else "规划所载现状值",
            "说明": track.observed["note"].fillna(""),
        }
    )
    goal = pd.DataFrame(
        {
            "地区": track.scope,
            "年份": track.targets["year"],
            "数值": track.targets["value"],
            "类别": "目标",
            "说明": [
                "；".join(part for part in (text, STATE_WORDS[state], reason) if isinstance(part, str))
                for text, state, reason in zip(
                    track.targets["text"], track.targets["state"], track.targets["reason"], strict=True
                )
            ],
        }
    )
    return pd.concat([seen, goal], ignore_index=True)


NO_TARGET, UNTOLD = "未设", "规划未写明"


def show_regions(rows: pd.DataFrame, origin: Provenance, data_version: str) -> None:
    """Draw every family of targets: what is counted, the three regions, and why nothing is judged."""
    st.caption("规划对苏南、苏中、苏北分别提出的目标。分母不同的各占一行，不合并、不相减、不排名。")
    for number, (family, part) in enumerate(rows.groupby("family", sort=False)):
        with st.container(border=True, key=f"family_{number}"):
            st.markdown(f"**{plain(family)}**　{plain(short_title(str(part['title'].iloc[0])))}")
            note = str(part["family_note"].iloc[0])
            if note:
                st.caption(plain(note))
            st.dataframe(family_table(part), hide_index=True, key=f"family_table_{number}")
            if (part["unit"] == "%").all():
                _bars(part, number)
            if (part["state"] == UNDEFINED).all():
                why = "、".join(dict.fromkeys(part["reason"].dropna()))
                st.caption(plain(f"{STATE_WORDS[UNDEFINED]}：{why}。"))
    notes = [f"来源：{origin.source_text}", f"数据版本：{data_version}", origin.notice]
    components.download("分区域目标", lambda: regional_table(rows), notes=notes, key="regional")


def family_table(part: pd.DataFrame) -> pd.DataFrame:
    """Return a family as a table: one row per target and denominator, a column per region."""
    lines = []
    for (text, denominator), group in part.groupby(["text", "denominator"], sort=False):
        cells = {
            name: "；".join(_cell(row) for row in group[group["region"] == code].to_dict("records"))
            or NO_TARGET
            for code, name in ECONOMIC_REGIONS.items()
        }
        lines.append(
            {"指标": text, "分母": denominator or UNTOLD, "年份": str(group["year"].iloc[0]), **cells}
        )
    return pd.DataFrame(lines)


def regional_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every regional target on a line of its own, with its place in the source."""
    return pd.DataFrame(
        {
            "组": rows["family"],
            "指标": rows["text"],
            "分母": rows["denominator"].replace("", UNTOLD),
            "单位": rows["unit"],
            "年份": rows["year"],
            "区域": rows["region"].map(ECONOMIC_REGIONS),
            "范围（原文）": rows["scope"],
            "目标（原文）": rows["value_text"],
            "状态": rows["state"].map(STATE_WORDS),
            "原因": rows["reason"].fillna(""),
            "规划": rows["title"],
            "说明": rows["note"].fillna(""),
            "原文位置": rows["seed_line"].map(place),
        }
    )


def _cell(row: dict[object, object]) -> str:
    """Return a target as written, with its scope where that is not the region itself."""
    name = ECONOMIC_REGIONS[str(row["region"])]
    scope = str(row["scope"])
    whole = scope in {name, f"{name}地区"} or "、" in scope or "以外" in scope
    return str(row["value_text"]) if whole else f"{row['value_text']}（{scope}）"


def _bars(part: pd.DataFrame, number: int) -> None:
    """Draw one chart per denominator: what is a share of different things has no axis in common."""
    groups = list(part.groupby(["text", "denominator"], sort=False))
    for column, ((text, denominator), group) in zip(st.columns(len(groups)), groups, strict=True):
        with column:
            if len(groups) > 1:
                st.caption(plain(f"{text}（分母：{denominator or UNTOLD}）"))
            drawn = group.assign(region_name=group["region"].map(ECONOMIC_REGIONS))
            components.chart(
                regional_bars(drawn, region_colours(), unit="%"), key=f"family_chart_{number}_{text}"
            )


VIEWS = {"series": "目标与实测", "regions": "分区域目标"}


def page() -> None:
    """Draw the page."""
    store = open_store()
    held = held_tracks(store)
    head = st.container(key="page_head")
    view = state.choose(
        "tracking", "内容", list(VIEWS), "series", widget=st.segmented_control, format_func=VIEWS.__getitem__
    )
    track = _choose(held) if view == "series" else None
    used = held.sources.get(track.indicator or "", []) if track is not None else []
    sources = provenance(store, [SOURCE, *used])
    with head:
        note = f"有数列的目标 {len(held.tracks)} 项，分区域目标 {len(held.regional['text'].unique())} 项"
        components.header("目标追踪", source=sources.source_text, note=note)
    if track is not None:
        _series(track, sources)
    else:
        show_regions(held.regional, sources, store.data_version)
    components.footer(sources, data_version=store.data_version)


def _choose(held: Held) -> Track:
    """Draw the list of targets and return the one chosen."""
    names = {track.id: f"{track.text}（{track.scope}）｜{short_title(track.title)}" for track in held.tracks}
    chosen = state.choose("track", "目标", list(names), next(iter(names)), format_func=names.__getitem__)
    return next(track for track in held.tracks if track.id == chosen)


def _series(track: Track, sources: Provenance) -> None:
    """Draw a target, the values observed, and the way between them."""
    left, right = st.columns([11, 9], gap="medium")
    with left:
        chart = track_chart(
            track.observed,
            track.targets,
            title=track.text,
            unit=track.unit,
            comparable=track.comparable,
            digits=track_digits(track),
        )
        components.chart(chart, key="track_chart")
        st.caption(
            "菱形为规划目标，圆点为实测值"
            + (
                "，虚线为从最近的实测值到目标的路径。"
                if track.comparable
                else "；两者口径不同，不连线、不判断。"
            )
        )
    with right:
        with st.container(border=True, key="track_words"):
            lines = [path_words(path) for path in path_of(track)]
            st.markdown("\n".join(f"- {plain(line)}" for line in lines) or "没有实测值。")
        if track.note:
            (st.info if track.comparable else st.warning)(plain(track.note), icon=":material/info:")
        for row in track.targets.to_dict("records"):
            st.caption(
                plain(
                    f"{row['year']} 年目标 {row['text']}：{STATE_WORDS[row['state']]}；"
                    f"{row['attribute'] if isinstance(row['attribute'], str) else '属性未注明'}；"
                    f"{place(row['seed_line'])}；{track.title}"
                )
            )
    table = observed_table(track)
    with st.expander("数据表", icon=":material/table:"):
        st.dataframe(table, hide_index=True, key="track_table")
        notes = [
            f"目标追踪：{track.text}（{track.scope}）",
            *lines,
            f"来源：{sources.source_text}",
            sources.notice,
        ]
        components.download(f"目标追踪_{track.text}", lambda: table, notes=notes, key="track")
