"""One choice: a control whose value is kept across pages and stands in the address of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared.plain_text import plain

_KEPT, _LINK, _FAULTS, _READ = "state_kept", "state_link", "state_faults", "state_read"
_SLOT, _TOLD = "state_slot", "state_told"

MAX_VALUE = 12_000
"""Characters of one value in an address; what is longer is no choice of ours."""

MAX_FAULTS, MAX_FAULT = 5, 200
"""So many messages about an address are shown, none longer than so many characters."""
# Choices shown only because the one that is kept is not on offer here.
_STOPGAP = "state_stopgap"


def begin() -> None:
    """Start a page view: forget the link and the faults of the one before; called by the entry script."""
    st.session_state[_LINK] = {}
    st.session_state[_FAULTS] = []
    st.session_state[_SLOT], st.session_state[_TOLD] = None, 0
    st.session_state.setdefault(_KEPT, {})
    st.session_state.setdefault(_READ, set())


def _session(name: str, empty: Callable[[], Any]) -> Any:
    """Return a value of the session, also in a page that runs without the entry script (in tests)."""
    return st.session_state.setdefault(name, empty())


def choose(
    name: str,
    label: str,
    options: Sequence[Any],
    default: Any,
    *,
    widget: Callable[..., Any] = st.selectbox,
    code: Callable[[Any], str] = str,
    **settings: Any,
) -> Any:
    """Draw a control for the choice ``name`` and return what is chosen: always one of ``options``.

    What was chosen before on any page is kept; where it is not among the options, ``default`` shows, without
    forgetting the choice. In the address the choice is ``name=code(option)``; an address that names no option
    gives ``default`` and a message (see `show_faults`). ``widget`` is called with label, options and key.
    """
    held, stopgap = _session(_KEPT, dict), _session(_STOPGAP, dict)
    key = f"choice_{name}"
    wanted = st.session_state.get(key)
    if key not in st.session_state:
        wanted = _from_address(name, label, options, code, held)
    elif name in stopgap and stopgap[name] == wanted:
        wanted = held.get(name)
    start = wanted if wanted in options else default
    st.session_state[key] = start
    value = widget(label, options, key=key, **settings)
    if value is None:
        # Some widgets let people unpick the choice; the view needs one.
        value = start
    if start != wanted and value == start and name in held:
        stopgap[name] = value
    else:
        stopgap.pop(name, None)
        held[name] = value
    _session(_LINK, dict)[name] = code(value)
    return value


def _from_address(
    name: str, label: str, options: Sequence[Any], code: Callable[[Any], str], held: dict[str, Any]
) -> Any:
    """Return the option the address asks for on the first view, else what is kept (None: neither)."""
    read = _session(_READ, set)
    text = None if name in read else _in_address(name)
    read.add(name)
    if text is not None:
        for option in options:
            if code(option) == text:
                held[name] = option
                return option
        fault(f"链接中的{label}“{text}”无效或在此不可用，已改用默认值。")
    return held.get(name)


def in_link(name: str, text: str) -> None:
    """Put a page's own choice into the address as ``name=text``; an empty text leaves it out."""
    _session(_LINK, dict)[name] = text


def from_link(name: str) -> str | None:
    """Return what the address says of ``name`` on the first view, None when nothing or when it was read."""
    read = _session(_READ, set)
    if name in read:
        return None
    read.add(name)
    return _in_address(name)


def _in_address(name: str) -> str | None:
    """Return what the address says of ``name``; what cannot be a choice is told and left out."""
    texts = [str(text) for text in st.query_params.get_all(name)]
    if not texts:
        return None
    if len(texts) > 1:
        fault(f"链接中的参数 {name} 写了 {len(texts)} 次，已用最后一次的。")
    text = texts[-1]
    if len(text) <= MAX_VALUE and all(char.isprintable() or char == " " for char in text):
        return text
    fault(f"链接中的参数 {name} 过长（最多 {MAX_VALUE} 个字符）或含有控制字符，已略去。")
    return None


def fault(text: str) -> None:
    """Have the page's head say what of the address could not be followed."""
    _session(_FAULTS, list).append(text if len(text) <= MAX_FAULT else f"{text[:MAX_FAULT]}……")


def kept(name: str, default: Any) -> Any:
    """Return what was last chosen for ``name`` on any page, or ``default``."""
    return _session(_KEPT, dict).get(name, default)


def put(name: str, value: Any) -> None:
    """Choose on a person's behalf; only in a callback, before the controls are drawn."""
    _session(_KEPT, dict)[name] = value
    st.session_state[f"choice_{name}"] = value


def show_faults() -> None:
    """Say here what of the address could not be followed, also what the page finds only further down."""
    st.session_state[_SLOT], st.session_state[_TOLD] = st.container(), 0
    _tell()


def _tell() -> None:
    """Say what was not said yet of the address, where the page's head has left room for it."""
    slot, told, said = st.session_state.get(_SLOT), _session(_FAULTS, list), st.session_state.get(_TOLD, 0)
    if slot is None:
        return
    for text in told[said:MAX_FAULTS]:
        slot.warning(plain(text), icon=":material/link_off:")
    more = len(told) - max(said, MAX_FAULTS)
    if more > 0:
        slot.warning(f"链接中还有 {more} 处无效，已略去。", icon=":material/link_off:")
    st.session_state[_TOLD] = len(told)


def finish() -> None:
    """Write the view into the address, so that copying it shares the view; say what came up late."""
    _tell()
    link = _session(_LINK, dict)
    wanted = {name: text for name, text in link.items() if text != ""}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def choose_panel(name: str, panels: Mapping[str, Sequence[Any]], default: str) -> str:
    """Draw the row of panels below a page's map and return the one chosen; only that one is computed.

    ``panels``: by key, what each begins with is its title.
    """
    return str(
        choose(
            name,
            "下方显示",
            list(panels),
            default,
            widget=st.segmented_control,
            format_func=lambda key: panels[key][0],
            label_visibility="collapsed",
        )
    )
