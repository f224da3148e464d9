"""The controls of the page 综合指数, and the specification they amount to."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data.registry.index_models import MOST_PARTS, IndexPart, IndexSpec, load_index_examples
from data.saved_indices import list_indices
from data.store import Store, data_dir
from layers.composite_words import AGGREGATIONS, NORMALISATIONS, WEIGHTINGS
from pages import cached
from pages.composite_spec import KEPT_PARTS, LEVELS, NOTE, SPEC, load

_START = "ci_start"


def starts() -> dict[str, IndexSpec]:
    """Return what one may start from: the packaged examples, and what people saved, by how it is listed."""
    found = {f"示例｜{name}": spec for name, spec in load_index_examples().items()}
    return found | {f"已存｜{one.spec.name}（{one.key[:4]}）": one.spec for one in list_indices(data_dir())}


def controls(store: Store) -> IndexSpec | None:
    """Draw the controls and return the specification; None as long as no component is chosen."""
    offered = starts()

    def opened() -> None:
        chosen = offered.get(st.session_state[_START])
        if chosen is not None:
            load(chosen)

    left, right = st.columns([3, 2])
    with left:
        st.selectbox(
            "打开示例或已存的指数",
            list(offered),
            index=None,
            placeholder="当前指数",
            key=_START,
            on_change=opened,
        )
    with right:
        name = st.text_input("名称", key="ci_name", max_chars=60)
    columns = st.columns([3, 2, 2])
    with columns[0]:
        level = st.segmented_control(
            "层级", list(LEVELS), key="ci_level", format_func=LEVELS.__getitem__, required=True
        )
    entries = cached.indicators(store)
    fits = _fitting(entries, str(level))
    years = sorted({year for found in fits["years"] for year in found}, reverse=True)
    with columns[1]:
        year = st.selectbox("年份", years, key="ci_year")
    with columns[2]:
        base = st.selectbox(
            "基期（算发展指数）",
            [None, *(one for one in years if one < year)],
            key="ci_base",
            format_func=lambda one: "不算" if one is None else str(one),
        )
    names = dict(zip(fits["id"], fits["name"], strict=True))
    _drop_unknown(list(names))
    chosen = st.multiselect(
        "组成指标（只列有好坏方向的指标）",
        list(names),
        key="ci_parts",
        format_func=names.__getitem__,
        max_selections=MOST_PARTS,
        placeholder="请选择指标",
    )
    methods = _methods()
    weights = _weights(chosen, names) if methods["weighting"] == "expert" else {}
    if not chosen:
        return None
    kept = st.session_state.get(KEPT_PARTS, {})
    parts = tuple(_part(kept.get(one), one, weights.get(one)) for one in chosen)
    spec = IndexSpec(
        name=name.strip() or "未命名指数",
        level="prefecture" if level == "prefecture" else "county",
        year=int(year),
        base_year=base,
        note=st.session_state.get(NOTE, ""),
        parts=parts,
        **methods,  # type: ignore[arg-type]
    )
    st.session_state[SPEC] = spec
    return spec


def _fitting(entries: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return the indicators that an index of a level can take: those with a better end."""
    kept = st.session_state.get(KEPT_PARTS, {})
    turned = [key for key, part in kept.items() if part.direction is not None]
    directed = (entries["direction"] != "neutral") | entries["id"].isin(turned)
    return entries[directed & entries["levels"].map(lambda levels: level in levels)]


def _drop_unknown(offered: Sequence[str]) -> None:
    """Keep of what was chosen only what the level offers."""
    st.session_state["ci_parts"] = [one for one in st.session_state["ci_parts"] if one in offered]


def _methods() -> dict[str, str]:
    columns = st.columns(3)
    told = (
        ("归一化", "ci_norm", NORMALISATIONS, "normalisation"),
        ("赋权", "ci_weighting", WEIGHTINGS, "weighting"),
        ("合成", "ci_agg", AGGREGATIONS, "aggregation"),
    )
    found = {}
    for column, (label, key, words, field) in zip(columns, told, strict=True):
        with column:
            found[field] = str(st.selectbox(label, list(words), key=key, format_func=words.__getitem__))
    return found


def _weights(chosen: Sequence[str], names: dict[str, str]) -> dict[str, float]:
    """Draw one number per component and return the weights as shares; their sum is judged by the method."""
    columns = st.columns(4)
    found = {}
    for number, one in enumerate(chosen):
        st.session_state.setdefault(f"ci_w_{one}", 0.0)
        with columns[number % 4]:
            label = names[one].partition("（")[0]
            found[one] = st.number_input(
                f"{label}（%）", 0.0, 100.0, step=1.0, key=f"ci_w_{one}", format="%.4g"
            )
    total = sum(found.values())

    def spread() -> None:
        for one in chosen:
            share = found[one] / total if total > 0 else 1 / len(chosen)
            st.session_state[f"ci_w_{one}"] = 100 * share

    left, right = st.columns([3, 2], vertical_alignment="center")
    left.markdown(f"权重合计 **{total:.4g}%**")
    right.button("按比例调到 100%", on_click=spread, disabled=not chosen or abs(total - 100) < 1e-4)
    return {one: value / 100 for one, value in found.items()}


def _part(kept: IndexPart | None, indicator: str, weight: float | None) -> IndexPart:
    """Return a component; what a file said of its direction, target or year stays."""
    base = kept or IndexPart(id=indicator)
    return base.model_copy(update={"weight": weight if weight is not None else base.weight})
