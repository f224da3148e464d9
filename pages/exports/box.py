"""The box on the page 图层导出 that makes a package and hands it over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import streamlit as st

from data.store.store import Store, data_dir
from exports.atlas import sheet_options
from exports.catalogue import clip_to, make_layer
from exports.formats import SHEETS, Options, require_allowed
from exports.layers.kinds import Clip
from exports.package import Exported, discard, run_export, safe_name
from geo.errors import StoreError, SutuError
from geo.export_crs import TARGETS
from geo.export_table import ExportTable
from pages.exports.choice import ExportChoice, explain
from pages.shared import components

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
