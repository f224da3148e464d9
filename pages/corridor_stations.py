"""The stations of a railway on the page 通道走廊: how many stand at a real station, and where each stands."""

from __future__ import annotations

import streamlit as st

from data.corridor_reports import StationAccess
from data.corridor_stations import STATION_HEADERS
from data.store import Store
from pages.corridor_store import access_of


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
