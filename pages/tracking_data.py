"""What the page 目标追踪 shows, kept in memory per data version; do not change what it returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from data.store import Store
from data.tracking import Track, regional_targets, tracks
from layers.tracking_words import Path
from pages.target_parts import STATE_WORDS

_MOST_DIGITS = 2


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


def track_digits(track: Track) -> int:
    """Return the decimals of a track's values: those its targets are written with, one at least."""
    written = [str(value).partition(".")[2] for value in (*track.targets["value"], *track.own["value"])]
    return max(1, min(_MOST_DIGITS, max((len(part.rstrip("0")) for part in written), default=0)))


def path_of(track: Track) -> list[Path]:
    """Return the path to each target of a track; none without an observed value before it."""
    found = []
    for row in track.targets.to_dict("records"):
        own = track.own[track.own["year"] <= row["year"]]
        if own.empty:
            continue
        first, last = own.iloc[0], own.iloc[-1]
        found.append(
            Path(
                name=f"{track.scope}{track.text}",
                unit=track.unit,
                decimals=track_digits(track),
                first_year=int(first["year"]),
                first=float(first["value"]),
                last_year=int(last["year"]),
                last=float(last["value"]),
                target_year=int(row["year"]),
                target=float(row["value"]),
                target_text=_target_text(str(row["text"]), track.unit),
                state=str(row["state"]),
                reason=row["reason"] if isinstance(row["reason"], str) else None,
            )
        )
    return found


def _target_text(text: str, unit: str) -> str:
    """Return a target as written, with its unit unless the plan wrote it there."""
    return text if not unit or unit in text else f"{text}{unit}" if unit == "%" else f"{text} {unit}"


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
