"""What a layer holds, shown before it is taken away: a picture, its columns, its first rows."""

from __future__ import annotations

import streamlit as st

from data.catalogue import clip_to, make_layer
from data.layer_kinds import LayerInfo
from data.store import Store, data_dir
from geo.export_table import ExportTable
from layers.export_preview import preview_png
from layers.export_style import legend_html, symbols_of
from pages import cached, components

_ROWS = 20


@st.cache_resource(max_entries=12, show_spinner="正在准备预览…")
def _preview(
    _store: Store, version: str, layer: str, settings: tuple[tuple[str, str], ...], clip: str
) -> tuple[ExportTable, bytes | None]:
    region = clip_to(_store, clip) if clip else None
    table = make_layer(_store, data_dir(), layer, dict(settings), clip=region)
    return table, preview_png(table, cached.regions(_store, "prefecture"))


def show_preview(store: Store, info: LayerInfo, settings: dict[str, str], clip: str) -> None:
    """Draw picture, legend, definition, sources, columns and first rows; raises as `make_layer`."""
    table, picture = _preview(store, store.data_version, info.id, tuple(sorted(settings.items())), clip)
    left, right = st.columns([4, 7], gap="medium")
    with left:
        if picture is None:
            st.info(
                f"共 {table.rows:,} 行，行数多，不作预览；裁剪到一个地区可以预览。", icon=":material/grid_on:"
            )
        else:
            st.image(picture)
            st.html(legend_html(symbols_of(table)))
    with right:
        st.markdown(f"**{components.plain(table.title)}**　{table.rows:,} 行　{len(table.fields)} 个字段")
        st.caption(components.plain(f"口径：{table.definition}"))
        if table.sources:
            st.caption(components.plain(f"来源：{table.source_text}"))
        for remark in table.remarks:
            st.caption(components.plain(f"注意：{remark}"))
        fields, rows = st.tabs(["字段", "前几行"])
        with fields:
            st.dataframe(
                [
                    {
                        "中文名": one.title,
                        "英文名": one.name,
                        "shapefile": one.short,
                        "单位": one.unit,
                        "含义": one.definition,
                    }
                    for one in table.fields
                ],
                hide_index=True,
                height=260,
            )
        with rows:
            first = next(iter(table.chunks())).head(_ROWS).drop(columns="geometry")
            names = {one.name: one.title for one in table.fields}
            st.dataframe(first.rename(columns=names), hide_index=True, height=260)
