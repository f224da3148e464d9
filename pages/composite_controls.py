"""The controls of the page 综合指数, and the specification they amount to."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data.registry.index_models import MOST_PARTS, IndexPart, IndexSpec, load_index_examples
from data.saved_indices import list_indices
from data.store import Store, data_dir
from pages import cached, state
from pages.composite_methods import choose_methods, choose_weights
from pages.composite_spec import KEPT_PARTS, LEVELS, LINKED, NOTE, SPEC, load

_START = "ci_start"


def starts() -> dict[str, IndexSpec]:
    """Return what one may start from: the packaged examples, and what people saved, by how it is listed."""
    found = {f"示例｜{name}": spec for name, spec in load_index_examples().items()}
    return found | {f"已存｜{one.spec.name}（{one.key[:4]}）": one.spec for one in list_indices(data_dir())}


def controls(store: Store) -> IndexSpec | None:
    """Draw the controls and return the specification; None as long as no component is chosen."""
    name = _named()
    level, year, base, fits = _scope(store)
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
    _tell_left_out(chosen, year, base)
    methods = choose_methods()
    weights = choose_weights(chosen, names) if methods["weighting"] == "expert" else {}
    if not chosen or year is None:
        return None
    kept = st.session_state.get(KEPT_PARTS, {})
    parts = tuple(_part(kept.get(one), one, weights.get(one)) for one in chosen)
    spec = IndexSpec(
        name=name.strip() or "未命名指数",
        level="prefecture" if level == "prefecture" else "county",
        year=year,
        base_year=base,
        note=st.session_state.get(NOTE, ""),
        parts=parts,
        **methods,  # type: ignore[arg-type]
    )
    st.session_state[SPEC] = spec
    return spec


def _tell_left_out(chosen: Sequence[str], year: int | None, base: int | None) -> None:
    """Say once what the address asked for and there is not."""
    asked: IndexSpec | None = st.session_state.pop(LINKED, None)
    if asked is None:
        return
    lost = [part.id for part in asked.parts if part.id not in chosen]
    if lost:
        state.fault(f"链接中的指标“{'、'.join(lost)}”在此不可用，已略去。")
    if asked.year != year:
        state.fault(f"链接中的年份“{asked.year}”无效或在此不可用，已改用 {year} 年。")
    if asked.base_year != base:
        state.fault(f"链接中的基期“{asked.base_year}”无效或在此不可用，已改用“{base or '不算'}”。")


def _named() -> str:
    """Draw what one may start from and the name of the index; return the name."""
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
        return st.text_input("名称", key="ci_name", max_chars=60)


def _scope(store: Store) -> tuple[str, int | None, int | None, pd.DataFrame]:
    """Draw level, year and base year; return them with the indicators that fit the level."""
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
    return str(level), year, base, fits


def _fitting(entries: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return the indicators that an index of a level can take: those with a better end."""
    kept = st.session_state.get(KEPT_PARTS, {})
    turned = [key for key, part in kept.items() if part.direction is not None]
    directed = (entries["direction"] != "neutral") | entries["id"].isin(turned)
    return entries[directed & entries["levels"].map(lambda levels: level in levels)]


def _drop_unknown(offered: Sequence[str]) -> None:
    """Keep of what was chosen only what the level offers."""
    st.session_state["ci_parts"] = [one for one in st.session_state["ci_parts"] if one in offered]


def _part(kept: IndexPart | None, indicator: str, weight: float | None) -> IndexPart:
    """Return a component; what a file said of its direction, target or year stays."""
    base = kept or IndexPart(id=indicator)
    return base.model_copy(update={"weight": weight if weight is not None else base.weight})
