"""The panel 热点与冷点 of the page 区域差距: where like regions lie together, on the map and by name."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.store import Store
from layers.gap_words import moran_words, spot_words
from layers.model import Provenance
from layers.spots import SPOT_NAMES, spot_layer
from pages import cached, components, state
from pages.components import plain
from pages.gaps_choice import GapChoice
from pages.gaps_data import spots
from pages.palettes import ramp
from pages.region_layers import labels_for, region_frame

_HEIGHT = 520


def show_spots(store: Store, choice: GapChoice, origin: Provenance) -> None:
    """Draw the map of the spots, the sentences on them, and the table of those that are significant."""
    subject = choice.source.subject
    found = spots(store, choice.source, choice.year)
    names = cached.region_table(store)["name"]
    left, right = st.columns([11, 9], gap="medium")
    with right:
        st.markdown(plain(moran_words(found, subject, choice.year)))
        st.markdown(plain(spot_words(found, names)))
        if subject.level == "prefecture":
            st.caption("设区市只有 13 个，检验的把握很小；看集聚宜把层级换成县（市、区）。")
        table = found.table[found.table["significant"]]
        if len(table):
            regions = cached.region_table(store)
            parents = regions["parent"].reindex(table.index).map(names)
            shown = pd.DataFrame(
                {
                    "类型": table["quadrant"].map(SPOT_NAMES),
                    "地区": names.reindex(table.index),
                    "所属": parents,
                    "数值": table["value"].round(subject.decimals),
                    "邻居平均": table["lag"].round(subject.decimals),
                    "p": table["p_value"].round(4),
                }
            ).sort_values(["类型", "p"], kind="stable", ascending=[False, True])
            st.dataframe(shown, hide_index=True, height=min(38 + 35 * len(shown), 330), key="gap_spot_table")
    with left:
        layer = spot_layer(
            region_frame(store, subject.level),
            found,
            title=subject.name,
            unit=subject.unit,
            year=choice.year,
            decimals=subject.decimals,
            direction=subject.direction,
            provenance=origin,
            palette=ramp("qualitative"),
        )
        components.show_map(
            layer,
            "gap_map",
            height=_HEIGHT,
            selected=choice.region,
            labels=labels_for(store, subject.level),
            on_click=lambda adcode: state.put("region", adcode),
        )
