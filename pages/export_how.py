"""How layers are exported on the page 图层导出: format, CRS, clip, paper, names of fields and use."""

from __future__ import annotations

import streamlit as st

from data.layer_kinds import LayerInfo
from data.store import Store
from geo.export_crs import TARGETS
from layers.export_formats import FORMATS, SHEETS, Format
from layers.sheet import ORIENTATIONS, PAGES_MM
from pages import cached, filters, state
from pages.export_choice import ExportChoice

NAMING = {"title": "中文字段名", "name": "英文字段名"}
USE = {"internal": "内部使用", "publish": "公开出版"}
_WHOLE = ""


def choose_how(
    store: Store, layers: tuple[LayerInfo, ...], settings: dict[str, dict[str, str]]
) -> ExportChoice:
    """Draw format, CRS, clip, names of fields and use, and return everything chosen."""
    form = FORMATS[
        state.choose(
            "format",
            "格式",
            list(FORMATS),
            "gpkg",
            format_func=lambda key: f"{FORMATS[key].name}　{FORMATS[key].about}",
        )
    ]
    offered = [key for key, one in TARGETS.items() if _fits(form, one.kind)]
    crs = state.choose(
        "crs", "坐标系", offered, "EPSG:4490", format_func=lambda key: f"{key}　{TARGETS[key].name}"
    )
    clip = state.choose(
        "clip",
        "裁剪到",
        [_WHOLE, *_regions(store)],
        _WHOLE,
        format_func=lambda key: _regions(store).get(key, "全省"),
    )
    page, orientation = _choose_sheet() if form.id in SHEETS else ("A4", "portrait")
    naming = state.choose(
        "fields", "字段名", list(NAMING), "title", widget=st.segmented_control, format_func=NAMING.__getitem__
    )
    use = state.choose(
        "use", "用途", list(USE), "internal", widget=st.segmented_control, format_func=USE.__getitem__
    )
    approval = (
        filters.type_text("approval", "审图号", placeholder="如 苏S(2023)5号") if use == "publish" else ""
    )
    return ExportChoice(
        layers, settings, form, crs, clip, naming, use == "publish", approval, page, orientation
    )


def _choose_sheet() -> tuple[str, str]:
    """Draw the choice of paper and orientation, which only map sheets have."""
    left, right = st.columns(2)
    with left:
        page = state.choose("page", "图幅", list(PAGES_MM), "A4", widget=st.segmented_control)
    with right:
        orientation = state.choose(
            "orientation",
            "方向",
            list(ORIENTATIONS),
            "portrait",
            widget=st.segmented_control,
            format_func=ORIENTATIONS.__getitem__,
        )
    return page, orientation


def _fits(form: Format, kind: str) -> bool:
    return {
        "any": True,
        "degrees": kind in {"geographic", "datum"},
        "earth": kind == "geographic",
        "own": kind == "geographic",
    }[form.crs]


def _regions(store: Store) -> dict[str, str]:
    """Return the regions one can clip to: prefectures, then counties with their prefecture."""
    table = cached.region_table(store)
    names = table["name"]
    out = {str(code): str(name) for code, name in names[table["level"] == "prefecture"].items()}
    for code, row in table[table["level"] == "county"].iterrows():
        out[str(code)] = f"{row['name']}（{names[row['parent']]}）"
    return out
