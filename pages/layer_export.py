"""图层导出: choose layers, see what they hold, and take them away as files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from data.layer_kinds import LayerInfo
from data.store import Store, open_store
from geo.errors import StoreError, SutuError
from pages import components
from pages.export_box import show_export
from pages.export_choice import ExportChoice, catalogue, choose_layers, choose_settings, explain
from pages.export_how import choose_how
from pages.export_preview import show_preview
from pages.origin import provenance

_SHAPES = {"point": "点", "line": "线", "polygon": "面"}


def page() -> None:
    """Draw the page."""
    store = open_store()
    components.header("图层导出", note="GIS 文件、表格、图件和离线网页地图，附口径、来源和许可")
    left, right = st.columns(2, gap="large")
    with left:
        layers = choose_layers(store)
        settings = choose_settings(layers)
    with right:
        choice = choose_how(store, layers, settings)
        show_export(store, choice)
    if layers:
        _show_chosen(store, choice)
    else:
        _show_catalogue(catalogue(store))
    components.footer(provenance(store, ()), data_version=store.data_version)


def _show_catalogue(layers: Sequence[LayerInfo]) -> None:
    """Draw the list of layers there are."""
    st.markdown(f"#### 图层目录　共 {len(layers)} 个")
    rows = [
        {
            "名称": info.title,
            "类别": info.group,
            "形状": _SHAPES[info.geometry],
            "行数": info.rows,
            "可设": "、".join(one.title for one in info.parameters),
            "代号": info.id,
            "口径": info.definition,
        }
        for info in layers
    ]
    st.dataframe(rows, hide_index=True, height=420, key="export_catalogue")


def _show_chosen(store: Store, choice: ExportChoice) -> None:
    """Draw preview, fields and first rows of each layer chosen."""
    tabs = st.tabs([components.plain(info.title) for info in choice.layers])
    for tab, info in zip(tabs, choice.layers, strict=True):
        with tab:
            try:
                show_preview(store, info, choice.settings[info.id], choice.clip)
            except StoreError:
                raise
            except SutuError as fault:
                explain(fault)
