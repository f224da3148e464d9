"""The parts every page is made of: header, footer, definition, map, downloads; texts are never markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import folium
import geopandas as gpd
import pandas as pd
import streamlit as st
from streamlit_folium import st_folium

from data.registry.environment import TIANDITU_KEY
from layers.charts.base import PICK
from layers.model import Layer, Provenance
from layers.published import PUBLISHER
from layers.webmap import base_map, theme
from pages.shared import state
from pages.shared.downloads import download, download_figure
from pages.shared.map_first import map_first
from pages.shared.plain_text import plain

__all__ = [
    "chart",
    "clicked_region",
    "definition",
    "download",
    "download_figure",
    "draw_map",
    "draw_region_map",
    "footer",
    "header",
    "look_at",
    "plain",
    "region_chart",
    "show_map",
]


def header(title: str, *, year: str = "", unit: str = "", source: str = "", note: str = "") -> None:
    """Draw the head of a page: its title, and year, unit and source in one line below."""
    with st.container(key="page_header"):
        st.title(plain(title), anchor=False)
        parts = [
            f"{year} 年" if year else "",
            f"单位：{unit}" if unit else "",
            f"来源：{source}" if source else "",
        ]
        line = "　".join(plain(part) for part in (*parts, note) if part)
        if line:
            st.caption(line)
    state.show_faults()


def footer(provenance: Provenance, *, data_version: str = "") -> None:
    """Draw the foot of a page: CRS, origin of the borders, data version, and the notice on publishing."""
    with st.container(key="page_footer"):
        parts = [f"坐标系：{provenance.crs}", f"边界：{provenance.boundary}"]
        if data_version:
            parts.append(f"数据版本：{data_version}")
        st.caption("　".join(plain(part) for part in parts))
        st.caption(f"**{plain(provenance.permission)}**")


def definition(*indicators: pd.Series, sources: Sequence[Sequence[str]], label: str = "口径与来源") -> None:
    """Draw the button that opens definition, computation and sources of one or several indicators."""
    direction = {"higher_better": "正向（越高越好）", "lower_better": "逆向（越低越好）", "neutral": "中性"}
    quality = {"official": "官方公布", "derived": "推算", "secondary": "二手转录", "imported": "用户导入"}
    with st.popover(label, icon=":material/menu_book:"):
        for indicator, titles in zip(indicators, sources, strict=True):
            st.markdown(f"##### {plain(indicator['name'])}（{plain(indicator['unit'])}）")
            rows = {
                "口径": indicator["definition"],
                "分子": indicator["numerator"],
                "分母": indicator["denominator"],
                "方向": direction.get(indicator["direction"], indicator["direction"]),
                "质量": quality.get(indicator["quality"], indicator["quality"]),
                "来源": "；".join(titles),
                "说明": indicator["note"],
            }
            for name, text in rows.items():
                if isinstance(text, str) and text:
                    st.markdown(f"**{name}**　{plain(text)}")


def chart(picture: Any, *, key: str, on_select: Callable[[], None] | None = None) -> None:
    """Draw an Altair chart as wide as there is room; ``on_select`` is called when a selection is made in it.

    The specification is not checked against the schema again on every view (that takes longer than all
    else); the tests do so once.
    """
    spec = picture.to_dict(validate=False)
    if on_select is None:
        st.vega_lite_chart(spec=spec, theme=None, key=key)
    else:
        st.vega_lite_chart(spec=spec, theme=None, key=key, on_select=on_select)


def region_chart(picture: Any, *, key: str, height: int, box: str = "ranking_box") -> None:
    """Draw a chart by region in a box of its own; what is clicked in it is the region looked at."""

    def picked() -> None:
        chosen = st.session_state[key]["selection"].get(PICK) or []
        if chosen:
            look_at(chosen[0]["adcode"])

    with st.container(height=height, key=box):
        chart(picture, key=key, on_select=picked)


def look_at(adcode: str) -> None:
    """Choose the region looked at; only in a callback."""
    state.put("region", adcode)


def clicked_region(key: str, layer: Layer) -> str | None:
    """Return the region of ``layer`` that was clicked on the map ``key``; None when none was."""
    adcode = (st.session_state.get(key) or {}).get("adcode")
    return adcode if isinstance(adcode, str) and adcode in layer.frame.index else None


def show_map(
    layer: Layer,
    key: str,
    *,
    height: int = 560,
    selected: str | None = None,
    labels: gpd.GeoDataFrame | None = None,
    link: str | None = None,
    on_click: Callable[[str], None] | None = None,
) -> str | None:
    """Draw ``layer`` and return the adcode clicked last (None: none yet).

    The map named ``key`` stays what it is when layer or selection change: only what it shows is replaced.
    ``on_click`` is called with the adcode before the page is drawn again.
    """

    def clicked() -> None:
        adcode = clicked_region(key, layer)
        if on_click is not None and adcode is not None:
            on_click(adcode)

    shown = theme(layer, selected=selected, labels=labels, publish=PUBLISHER.publish)
    with map_first(shown.spec["token"]):
        answer = draw_map(shown, key, height=height, on_change=clicked, link=link)
    return (answer or {}).get("adcode")


def draw_region_map(shown: folium.FeatureGroup, key: str, layer: Layer, *, height: int) -> None:
    """Draw what is ``shown`` on the map ``key``; a clicked region of ``layer`` is the one looked at."""

    def clicked() -> None:
        adcode = clicked_region(key, layer)
        if adcode is not None:
            look_at(adcode)

    draw_map(shown, key, height=height, on_change=clicked)


def draw_map(
    shown: folium.FeatureGroup,
    key: str,
    *,
    height: int,
    on_change: Callable[[], None],
    link: str | None = None,
) -> dict[str, Any] | None:
    """Draw what is ``shown`` on the map ``key``, which stays; return what it said last (None: nothing yet).

    ``on_change`` is called before the page is drawn again; ``link`` names a map that moves along.
    """
    answer: dict[str, Any] | None = st_folium(
        base_map(height=height, link=link, tianditu_key=TIANDITU_KEY.value()),
        key=key,
        height=height,
        use_container_width=True,
        returned_objects=[],
        feature_group_to_add=shown,
        on_change=on_change,
    )
    return answer
