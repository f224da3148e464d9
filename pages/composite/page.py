"""综合指数: an index built from indicators and weights: map, ranks with their uncertainty, contributions."""

from __future__ import annotations

import streamlit as st

from analysis.composite import IndexAnalysis, compute_index, save_index
from data.registry.index_models import IndexSpec
from data.store.store import Store, data_dir, open_store
from geo.errors import CompositeError
from layers.words.profile import method_words
from pages.composite.controls import controls, encode, start
from pages.composite.results import origin_remarks, show
from pages.shared import choices, components
from pages.shared.cached import kept_by_version
from pages.shared.components import plain
from reports.provenance import provenance

_SAVED = "composite_saved"


@kept_by_version(32, spinner="正在计算综合指数…", keys={IndexSpec: encode})
def _analysis(store: Store, spec: IndexSpec) -> IndexAnalysis:
    return compute_index(store, spec)


def page() -> None:
    """Draw the page."""
    store = open_store()
    start()
    head = st.container(key="page_head")
    with st.container(key="composite_controls"):
        spec = controls(store)
    analysis = None
    if spec is None:
        st.info("请至少选一个组成指标。", icon=":material/info:")
    else:
        analysis = _computed(store, spec)
    origin = provenance(
        store,
        analysis.sources if analysis is not None else (),
        origin_remarks(store, analysis) if analysis is not None else (),
    )
    with head:
        components.header(
            "综合指数" if spec is None else f"综合指数：{spec.name}",
            year=str(spec.year) if spec is not None else "",
            unit="分" if spec is not None else "",
            source=origin.source_text,
            note=method_words(spec.normalisation, spec.weighting, spec.aggregation) if spec else "",
        )
    if analysis is not None and spec is not None:
        _saving(spec)
        show(store, analysis, origin)
        st.caption(
            "　".join(plain(f"说明：{one}。") for one in (*origin.remarks, *filter(None, [spec.note])))
        )
    components.footer(origin, data_version=store.data_version)


def _computed(store: Store, spec: IndexSpec) -> IndexAnalysis | None:
    """Return the index, or say what is wrong with it."""
    try:
        return _analysis(store, spec)
    except CompositeError as fault:
        st.warning(plain(str(fault)), icon=":material/rule:")
        return None


def _saving(spec: IndexSpec) -> None:
    """Draw the button that saves the index under its name, and put the index into the address."""
    saved = st.session_state.get(_SAVED, {})
    key = saved.get(encode(spec))
    choices.in_link("saved", key or "")
    choices.in_link("spec", "" if key else encode(spec))

    def save() -> None:
        made = save_index(data_dir(), spec)
        st.session_state[_SAVED] = {**saved, encode(spec): made}

    left, right = st.columns([1, 3], vertical_alignment="center")
    left.button(
        "保存这个指数", icon=":material/save:", on_click=save, disabled=key is not None, key="save_index"
    )
    if key is not None:
        right.caption(
            f"已保存为“{plain(spec.name)}”，编号 {key}。地址栏里的链接会打开它：composite?saved={key}"
        )
    else:
        right.caption("地址栏里的链接已包含全部设置；保存后链接更短，并列入“打开”清单，本机各用户可见。")
