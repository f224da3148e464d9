"""Download buttons: tables and figures, made only when somebody asks for them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence

import geopandas as gpd
import pandas as pd
import streamlit as st

from layers.figure import MEDIA_TYPES as FIGURE_TYPES
from layers.figure import figure_bytes
from layers.fonts import installed
from layers.model import Layer
from layers.tables import csv_bytes, xlsx_bytes

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
