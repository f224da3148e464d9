"""What the page 目标追踪 shows, kept in memory per data version; do not change what it returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from data.store import Store
from data.tracking import Track, regional_targets, tracks
from pages.target_parts import STATE_WORDS
from pages.tracking_paths import track_digits


@dataclass(frozen=True)
class Held:
    """The tracks, the regions' own targets, and the sources of the indicators used, by indicator."""

    tracks: list[Track]
    regional: pd.DataFrame
    sources: dict[str, list[str]]


@st.cache_resource(max_entries=2, show_spinner=False)
def held_tracks(_store: Store, version: str) -> Held:
    """Return what the page shows; made once per data version."""
    found = tracks(_store)
    used = {track.indicator for track in found if track.indicator is not None}
    sources = {name: list(_store.facts(name)["source"].dropna().unique()) for name in used}
    return Held(found, regional_targets(_store), sources)


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
