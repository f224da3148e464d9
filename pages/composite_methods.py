"""The controls of the page 综合指数 on how components count: methods, and the weights people give."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from layers.composite_words import AGGREGATIONS, NORMALISATIONS, WEIGHTINGS


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
