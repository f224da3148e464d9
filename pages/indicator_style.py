"""The controls of how values become classes and colours."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from data.registry import Registry
from layers.classify import MAX_CLASSES, SCHEMES
from pages import state
from pages.region_layers import DEFAULT_PALETTE

_MIN_CLASSES = 3


@dataclass(frozen=True)
class MapStyle:
    """How values become classes and colours; ``palette`` is a registry id or ``auto``, by direction."""

    scheme: str
    k: int
    palette: str


def choose_style(registry: Registry) -> MapStyle:
    """Draw the controls in the sidebar and return what is chosen."""
    names = {DEFAULT_PALETTE: "按指标方向自动选择"}
    names |= {
        entry.id: f"{entry.name}（{entry.use}）" for entry in registry.palettes if entry.kind != "qualitative"
    }
    with st.sidebar.expander("分级与配色", icon=":material/palette:"):
        methods = [scheme for scheme in SCHEMES if scheme != "manual"]
        scheme = state.choose(
            "scheme",
            "分级方法",
            methods,
            str(registry.setting("class_method")),
            format_func=SCHEMES.__getitem__,
        )
        k = state.choose(
            "classes",
            "分级数",
            list(range(_MIN_CLASSES, MAX_CLASSES + 1)),
            int(registry.setting("class_count")),
        )
        palette = state.choose("palette", "配色", list(names), DEFAULT_PALETTE, format_func=names.__getitem__)
    return MapStyle(str(scheme), int(k), str(palette))
