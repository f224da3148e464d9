"""图层导出: choose layers, see what they hold, and take them away as files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from data.store.store import Store, data_dir, open_store
from exports.atlas import sheet_options
from exports.catalogue import clip_to, make_layer
from exports.formats import SHEETS, Options, require_allowed
from exports.layers.kinds import Clip, LayerInfo
from exports.package import Exported, discard, run_export, safe_name
from exports.painting import preview_png
from exports.style import legend_html, symbols_of
from geo.crs import TARGETS
from geo.errors import StoreError, SutuError
from geo.export_table import ExportTable
from pages.exports.choice import ExportChoice, catalogue, choose_how, choose_layers, choose_settings, explain
from pages.shared import cached, components
from pages.shared.cached import kept_by_version
from reports.provenance import provenance

_ROWS = 20


@kept_by_version(12, spinner="正在准备预览…")
def _preview(
    store: Store, layer: str, settings: tuple[tuple[str, str], ...], clip: str
) -> tuple[ExportTable, bytes | None]:
    region = clip_to(store, clip) if clip else None
    table = make_layer(store, data_dir(), layer, dict(settings), clip=region)
    return table, preview_png(table, cached.regions(store, "prefecture"))


def show_preview(store: Store, info: LayerInfo, settings: dict[str, str], clip: str) -> None:
    """Draw picture, legend, definition, sources, columns and first rows; raises as `make_layer`."""
    table, picture = _preview(store, info.id, tuple(sorted(settings.items())), clip)
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


_DONE = "export_done"


def show_export(store: Store, choice: ExportChoice) -> None:
    """Draw the estimate, the button that makes the package, and the one that fetches it."""
    if not choice.layers:
        st.info("先选一个或几个图层。", icon=":material/layers:")
        return
    scope = "裁剪前约" if choice.clip else "约"
    size = f"{choice.bytes() / 1e6:,.1f} MB" if choice.bytes() >= 1e5 else "不到 0.1 MB"
    st.caption(f"{len(choice.layers)} 个图层，{scope} {choice.rows():,} 行，打包前约 {size}")
    asked = repr(choice)
    if st.button("生成导出包", type="primary", icon=":material/archive:", key="export_make"):
        discard(_finished(None))
        done = _make(store, choice)
        if done is not None:
            st.session_state[_DONE] = (asked, str(done.path), done)
    path = _finished(asked)
    if path is not None:
        done = st.session_state[_DONE][2]
        for warning in done.warnings:
            st.warning(components.plain(warning), icon=":material/info:")
        name = safe_name(choice.layers[0].title if len(choice.layers) == 1 else "苏图导出")
        st.download_button(
            f"下载（{done.bytes / 1e6:.1f} MB）",
            path.read_bytes,
            f"{name}.zip",
            "application/zip",
            key="export_fetch",
            on_click="ignore",
            icon=":material/download:",
        )


def _finished(asked: str | None) -> Path | None:
    """Return the finished package for what is ``asked`` (None: whatever there is)."""
    kept = st.session_state.get(_DONE)
    if kept is None or (asked is not None and kept[0] != asked):
        return None
    path = Path(kept[1])
    return path if path.is_file() else None


def _make(store: Store, choice: ExportChoice) -> Exported | None:
    """Make the package, showing how far it is; what cannot be done is said."""
    bar = st.progress(0.0, "开始")

    def tell(step: str, done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), f"{components.plain(step)}…")

    try:
        region = clip_to(store, choice.clip) if choice.clip else None
        options = _options(store, choice, region)
        require_allowed(options)
        return run_export(lambda: _tables(store, choice, region), options, tell)
    except StoreError:
        raise
    except SutuError as fault:
        explain(fault)
    finally:
        bar.empty()
    return None


def _tables(store: Store, choice: ExportChoice, region: Clip | None) -> list[ExportTable]:
    return [
        make_layer(store, data_dir(), info.id, choice.settings[info.id], clip=region)
        for info in choice.layers
    ]


def _options(store: Store, choice: ExportChoice, region: Clip | None) -> Options:
    sheet = None
    if choice.form.id in SHEETS:
        today = dt.datetime.now(dt.UTC).astimezone().date().isoformat()
        sheet = sheet_options(store, choice.page, choice.orientation, region, date=today)
    return Options(
        choice.form.id,
        TARGETS[choice.crs],
        choice.naming,  # type: ignore[arg-type]
        choice.approval or None,
        choice.publish,
        sheet,
    )
