"""What is exported on the page 图层导出, and how: layers and their settings, format, CRS, clip, paper."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from data.store.store import Store
from exports.catalogue import layer_list
from exports.formats import FORMATS, SHEETS, Format, estimated_bytes
from exports.layers.kinds import LayerInfo
from exports.sheet import ORIENTATIONS, PAGES_MM
from geo.crs import TARGETS
from geo.errors import SutuError
from geo.region_tree import listed_names
from pages.shared import cached, choices, components
from pages.shared.cached import kept_by_version

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


@kept_by_version(2)
def catalogue(store: Store) -> list[LayerInfo]:
    """Return the layers of this version of the data."""
    return layer_list(store)


def choose_layers(store: Store) -> tuple[LayerInfo, ...]:
    """Draw the choice of layers: a group, then a searchable list."""
    found = catalogue(store)
    by_id = {info.id: info for info in found}
    groups = list(dict.fromkeys(info.group for info in found))
    group = choices.choose("export_group", "类别", [GROUP_ALL, *groups], GROUP_ALL)
    kept = st.session_state.get("many_layers", [])
    offered = [info.id for info in found if group in {GROUP_ALL, info.group} or info.id in kept]
    chosen = choices.choose_many(
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
                out[info.id][one.name] = choices.choose(
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


NAMING = {"title": "中文字段名", "name": "英文字段名"}
USE = {"internal": "内部使用", "publish": "公开出版"}
_WHOLE = ""


def choose_how(
    store: Store, layers: tuple[LayerInfo, ...], settings: dict[str, dict[str, str]]
) -> ExportChoice:
    """Draw format, CRS, clip, names of fields and use, and return everything chosen."""
    form = FORMATS[
        choices.choose(
            "format",
            "格式",
            list(FORMATS),
            "gpkg",
            format_func=lambda key: f"{FORMATS[key].name}　{FORMATS[key].about}",
        )
    ]
    offered = [key for key, one in TARGETS.items() if _fits(form, one.kind)]
    crs = choices.choose(
        "crs", "坐标系", offered, "EPSG:4490", format_func=lambda key: f"{key}　{TARGETS[key].name}"
    )
    clip = choices.choose(
        "clip",
        "裁剪到",
        [_WHOLE, *_regions(store)],
        _WHOLE,
        format_func=lambda key: _regions(store).get(key, "全省"),
    )
    page, orientation = _choose_sheet() if form.id in SHEETS else ("A4", "portrait")
    naming = choices.choose(
        "fields", "字段名", list(NAMING), "title", widget=st.segmented_control, format_func=NAMING.__getitem__
    )
    use = choices.choose(
        "use", "用途", list(USE), "internal", widget=st.segmented_control, format_func=USE.__getitem__
    )
    approval = (
        choices.type_text("approval", "审图号", placeholder="如 苏S(2023)5号") if use == "publish" else ""
    )
    return ExportChoice(
        layers, settings, form, crs, clip, naming, use == "publish", approval, page, orientation
    )


def _choose_sheet() -> tuple[str, str]:
    """Draw the choice of paper and orientation, which only map sheets have."""
    left, right = st.columns(2)
    with left:
        page = choices.choose("page", "图幅", list(PAGES_MM), "A4", widget=st.segmented_control)
    with right:
        orientation = choices.choose(
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
    return listed_names(table, table.index[table["level"].isin(["prefecture", "county"])])
