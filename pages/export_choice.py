"""What is to be exported on the page 图层导出: the layers and what can be set of each."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from data.catalogue import layer_list
from data.layer_kinds import LayerInfo
from data.store import Store
from geo.errors import SutuError
from layers.export_formats import Format, estimated_bytes
from pages import components, filters, state

GROUP_ALL = "全部类别"


@dataclass(frozen=True)
class ExportChoice:
    """What is to be exported, and how; ``settings`` by layer id."""

    layers: tuple[LayerInfo, ...]
    settings: dict[str, dict[str, str]]
    form: Format
    crs: str
    clip: str
    naming: str
    publish: bool
    approval: str
    page: str
    orientation: str

    def rows(self) -> int:
        """Return how many rows there are about, before clipping."""
        return sum(info.rows for info in self.layers)

    def bytes(self) -> int:
        """Return about how large the files will be before they are packed, without clipping."""
        return sum(
            estimated_bytes(info.rows, info.bytes_per_row, self.form, areas=info.geometry == "polygon")
            for info in self.layers
        )


@st.cache_resource(max_entries=2, show_spinner=False)
def _catalogue(_store: Store, version: str) -> list[LayerInfo]:
    return layer_list(_store)


def catalogue(store: Store) -> list[LayerInfo]:
    """Return the layers of this version of the data."""
    return _catalogue(store, store.data_version)


def choose_layers(store: Store) -> tuple[LayerInfo, ...]:
    """Draw the choice of layers: a group, then a searchable list."""
    found = catalogue(store)
    by_id = {info.id: info for info in found}
    groups = list(dict.fromkeys(info.group for info in found))
    group = state.choose("export_group", "类别", [GROUP_ALL, *groups], GROUP_ALL)
    kept = st.session_state.get("many_layers", [])
    offered = [info.id for info in found if group in {GROUP_ALL, info.group} or info.id in kept]
    chosen = filters.choose_many(
        "layers",
        "图层",
        offered if "many_layers" in st.session_state else list(by_id),
        format_func=lambda key: f"{by_id[key].group} ｜ {by_id[key].title}",
        placeholder="输入名称查找，可选多个",
        max_selections=12,
    )
    return tuple(by_id[key] for key in chosen)


def choose_settings(layers: tuple[LayerInfo, ...]) -> dict[str, dict[str, str]]:
    """Draw what can be set of each layer chosen."""
    out: dict[str, dict[str, str]] = {}
    for info in layers:
        out[info.id] = {}
        if not info.parameters:
            continue
        st.markdown(f"**{components.plain(info.title)}**")
        for column, one in zip(st.columns(len(info.parameters)), info.parameters, strict=True):
            with column:
                out[info.id][one.name] = state.choose(
                    f"{info.id}.{one.name}",
                    one.title,
                    list(one.options),
                    one.default,
                    format_func=one.options.__getitem__,
                )
    return out


def explain(fault: SutuError) -> None:
    """Say what is wrong with what was asked for."""
    st.error(components.plain(str(fault)), icon=":material/error:")
