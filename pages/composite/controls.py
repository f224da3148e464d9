"""The controls of the page 综合指数, and the specification they amount to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from analysis.composite import list_indices, read_index
from data.registry.index_models import MOST_PARTS, IndexPart, IndexSpec, load_index_examples
from data.store.store import Store, data_dir
from geo.errors import StoreError
from geo.region_tree import LEVEL_WORDS
from layers.words.profile import AGGREGATIONS, NORMALISATIONS, WEIGHTINGS
from pages.shared import cached, choices

LEVELS = {level: LEVEL_WORDS[level] for level in ("county", "prefecture")}
MOST_LINK = 8000
SPEC, KEPT_PARTS, NOTE = "composite_spec", "composite_parts", "composite_note"
"""Where the session keeps the specification, its components as they were loaded, and its note."""

LINKED = "composite_linked"
"""Where it keeps the specification of the address until it is told what of it there is not."""


def encode(spec: IndexSpec) -> str:
    """Return a specification as text for an address."""
    text = spec.model_dump_json(exclude_defaults=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str) -> IndexSpec | None:
    """Return the specification of an address; None when it is none."""
    if len(text) > MOST_LINK:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return IndexSpec.model_validate_json(raw)
    except (binascii.Error, ValueError, ValidationError):
        return None


def load(spec: IndexSpec) -> None:
    """Put a specification into the controls; only before they are drawn."""
    held = st.session_state
    held["ci_name"], held["ci_level"], held["ci_year"] = spec.name, spec.level, spec.year
    held["ci_base"], held["ci_parts"] = spec.base_year, [part.id for part in spec.parts]
    held["ci_norm"], held["ci_weighting"] = spec.normalisation, spec.weighting
    held["ci_agg"] = spec.aggregation
    for part in spec.parts:
        held[f"ci_w_{part.id}"] = round(100 * (part.weight or 0.0), 4)
    held[KEPT_PARTS] = {part.id: part for part in spec.parts}
    held[NOTE] = spec.note
    held[SPEC] = spec


def start() -> None:
    """Fill the controls on the first view: from the address, from what was built before, or an example."""
    if "ci_parts" in st.session_state:
        return
    if SPEC in st.session_state:
        load(st.session_state[SPEC])
        return
    first = next(iter(load_index_examples().values()))
    saved, text = choices.from_link("saved"), choices.from_link("spec")
    if saved:
        try:
            _load_linked(read_index(data_dir(), saved))
            return
        except StoreError as fault:
            choices.fault(f"链接中的综合指数打不开：{fault}已改用示例。")
    elif text:
        spec = decode(text)
        if spec is not None:
            _load_linked(spec)
            return
        choices.fault("链接中的综合指数无效，已改用示例。")
    load(first)


def _load_linked(spec: IndexSpec) -> None:
    load(spec)
    st.session_state[LINKED] = spec


def choose_methods() -> dict[str, str]:
    """Draw normalisation, weighting and aggregation; return what is chosen by field of `IndexSpec`."""
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


def choose_weights(chosen: Sequence[str], names: dict[str, str]) -> dict[str, float]:
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
        choices.fault(f"链接中的指标“{'、'.join(lost)}”在此不可用，已略去。")
    if asked.year != year:
        choices.fault(f"链接中的年份“{asked.year}”无效或在此不可用，已改用 {year} 年。")
    if asked.base_year != base:
        choices.fault(f"链接中的基期“{asked.base_year}”无效或在此不可用，已改用“{base or '不算'}”。")


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
