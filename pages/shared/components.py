"""The parts every page is made of: header, footer, map, downloads, notices; texts are never markup."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import folium
import geopandas as gpd
import pandas as pd
import streamlit as st
from streamlit_folium import st_folium

from data.registry.environment import DATA_DIR, TIANDITU_KEY
from data.store.versions import REMEDY, data_dir, has_pointer
from geo.errors import StoreError
from layers.assets import PUBLISHER
from layers.charts.base import PICK
from layers.figure import MEDIA_TYPES as FIGURE_TYPES
from layers.figure import figure_bytes
from layers.fonts import installed
from layers.model import Layer, Provenance
from layers.tables import csv_bytes, xlsx_bytes
from layers.webmap import base_map, theme
from pages.shared import choices
from pages.shared.choices import plain
from pages.shared.map_first import map_first

__all__ = [
    "XLSX_TYPE",
    "broken",
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
    "store_missing",
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
    choices.show_faults()


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
    choices.put("region", adcode)


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


XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(name: str, table: Callable[[], pd.DataFrame], *, notes: Sequence[str], key: str) -> None:
    """Draw two buttons that give ``table()`` as CSV and XLSX, made only when asked for.

    ``name`` is the file's name without ending; ``notes`` (title, source, notice) go below the data.
    """
    file = _file_name(name)
    with st.container(horizontal=True):
        st.download_button(
            "下载 CSV",
            lambda: csv_bytes(table(), notes),
            f"{file}.csv",
            "text/csv",
            key=f"{key}_csv",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "下载 XLSX",
            lambda: xlsx_bytes(table(), notes),
            f"{file}.xlsx",
            XLSX_TYPE,
            key=f"{key}_xlsx",
            on_click="ignore",
            icon=":material/table:",
        )


def download_figure(layer: Layer, outlines: gpd.GeoDataFrame, *, key: str) -> None:
    """Draw the buttons that give ``layer`` as a static map, drawn only when asked for."""
    fonts = installed()
    if fonts is None:
        st.caption("字体尚未就绪，暂不能导出图件。")
        return
    file = _file_name(f"{layer.title}_{layer.year}")
    with st.container(horizontal=True):
        for kind in FIGURE_TYPES:
            st.download_button(
                f"下载 {kind.upper()}",
                functools.partial(
                    figure_bytes, layer, kind, font=fonts.regular, labels=outlines, outlines=outlines
                ),
                f"{file}.{kind}",
                FIGURE_TYPES[kind],
                key=f"{key}_{kind}",
                on_click="ignore",
                icon=":material/image:",
            )


def _file_name(name: str) -> str:
    return re.sub(r'[\\/:*?"<>|\s]+', "_", name)


def store_missing(fault: StoreError) -> None:
    """Say that there is no data, or that it is damaged, and what to do about it.

    What a build does not mend (a saved run, a full disk) says its own remedy.
    """
    if REMEDY not in str(fault):
        st.error(plain(fault), icon=":material/error:")
        return
    damaged = has_pointer(data_dir())
    header("数据库需要修复" if damaged else "还没有可用的数据")
    st.error(plain(fault), icon=":material/database_off:")
    st.markdown(
        f"请在服务器上运行下面的命令{'修复' if damaged else '生成'}数据库，完成后刷新本页，不必重启服务："
    )
    st.code("sutu build", language="bash")
    st.markdown(
        "构建不需要互联网，一般不超过一分钟；已导入的数据、保存的方案和运行记录都不受影响。"
        f"若数据目录不在默认位置，请先设置环境变量 `{DATA_DIR}`。"
    )


def broken(number: str) -> None:
    """Say that the page could not be drawn for a reason that is not the reader's."""
    st.error(
        "这一页没能显示，问题已记入服务器日志。请刷新重试；若仍如此，请把下面的编号告诉系统管理员。",
        icon=":material/error:",
    )
    st.code(number, language=None)
