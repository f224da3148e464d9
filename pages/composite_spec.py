"""The index a person is building: its controls, kept in the session and in the address as one text."""

from __future__ import annotations

import base64
import binascii

import streamlit as st
from pydantic import ValidationError

from data.registry.index_models import IndexSpec, load_index_examples
from data.saved_indices import read_index
from data.store import Store, data_dir
from geo.errors import StoreError
from pages import state

LEVELS = {"county": "县（市、区）", "prefecture": "设区市"}
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


def start(store: Store) -> None:
    """Fill the controls on the first view: from the address, from what was built before, or an example."""
    if "ci_parts" in st.session_state:
        return
    if SPEC in st.session_state:
        load(st.session_state[SPEC])
        return
    first = next(iter(load_index_examples().values()))
    saved, text = state.from_link("saved"), state.from_link("spec")
    if saved:
        try:
            _load_linked(read_index(data_dir(), saved))
            return
        except StoreError as fault:
            state.fault(f"链接中的综合指数打不开：{fault}已改用示例。")
    elif text:
        spec = decode(text)
        if spec is not None:
            _load_linked(spec)
            return
        state.fault("链接中的综合指数无效，已改用示例。")
    load(first)


def _load_linked(spec: IndexSpec) -> None:
    load(spec)
    st.session_state[LINKED] = spec
