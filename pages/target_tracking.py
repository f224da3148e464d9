"""目标追踪: targets with an observed series against their line, and the regions' own targets side by side."""

from __future__ import annotations

import streamlit as st

from data.store import open_store
from data.tracking import Track
from layers.model import Provenance
from layers.tracking_charts import track_chart
from layers.tracking_words import path_words
from pages import components, state
from pages.components import plain
from pages.origin import provenance
from pages.target_parts import STATE_WORDS, place, short_title
from pages.targets import SOURCE
from pages.tracking_data import Held, held_tracks, observed_table
from pages.tracking_paths import path_of, track_digits
from pages.tracking_regions import show_regions

VIEWS = {"series": "目标与实测", "regions": "分区域目标"}


def page() -> None:
    """Draw the page."""
    store = open_store()
    held = held_tracks(store, store.data_version)
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
