"""Choices of one page beyond the shared ones: several at once, a search text; kept, and in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.shared import choices

SEPARATOR = "~"
"""Between several choices in an address; browsers leave it as it is."""

MAX_TEXT = 100
_KEPT = "filters_kept"


def choose_many(
    name: str, label: str, options: Sequence[str], *, code: Callable[[str], str] = str, **settings: Any
) -> tuple[str, ...]:
    """Draw a multiselect for the choice ``name`` and return what is chosen; nothing chosen means all.

    In the address the choice is ``name=code(a)~code(b)``. What the options do not offer is left out, and
    named in a message when the address asked for it.
    """
    kept, key = _kept(), f"many_{name}"
    if key not in st.session_state:
        wanted = kept.get(name)
        if wanted is None:
            wanted = _options_in_address(name, label, options, code)
        st.session_state[key] = [option for option in wanted if option in options]
    else:
        st.session_state[key] = [option for option in st.session_state[key] if option in options]
    chosen = tuple(st.multiselect(label, options, key=key, **{"placeholder": "全部", **settings}))
    kept[name] = chosen
    choices.in_link(name, SEPARATOR.join(code(option) for option in chosen))
    return chosen


def type_text(name: str, label: str, **settings: Any) -> str:
    """Draw a text field for ``name`` and return what was typed, at most `MAX_TEXT` characters."""
    kept, key = _kept(), f"text_{name}"
    if key not in st.session_state:
        st.session_state[key] = kept.get(name, choices.from_link(name) or "")[:MAX_TEXT]
    text = str(st.text_input(label, key=key, max_chars=MAX_TEXT, **settings)).strip()
    kept[name] = text
    choices.in_link(name, text)
    return text


def clear(*names: str) -> None:
    """Forget the choices ``names``; only in a callback, before the controls are drawn."""
    for name in names:
        _kept().pop(name, None)
        if f"many_{name}" in st.session_state:
            st.session_state[f"many_{name}"] = []
        if f"text_{name}" in st.session_state:
            st.session_state[f"text_{name}"] = ""


def is_new(name: str) -> bool:
    """Tell whether nothing was ever chosen for ``name``, here or by the address."""
    return name not in _kept() and f"many_{name}" not in st.session_state and name not in st.query_params


def put_many(name: str, chosen: Sequence[str]) -> None:
    """Choose several on a person's behalf; only in a callback, before the controls are drawn."""
    _kept()[name] = tuple(chosen)
    st.session_state[f"many_{name}"] = list(chosen)


def _kept() -> dict[str, Any]:
    """Return what was chosen earlier in this session, for the next time the page is drawn."""
    kept: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return kept


def _options_in_address(
    name: str, label: str, options: Sequence[str], code: Callable[[str], str]
) -> list[str]:
    """Return the options the address names; a name that is none is told to the reader."""
    text = choices.from_link(name)
    if not text:
        return []
    by_code = {code(option): option for option in options}
    parts = text.split(SEPARATOR)
    for part in parts:
        if part not in by_code:
            choices.fault(f"链接中的{label}“{part}”无效，已略去。")
    return list(dict.fromkeys(by_code[part] for part in parts if part in by_code))
