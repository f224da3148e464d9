"""What a page shows, kept across pages and in the address, so that a link opens the same view again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

LEVELS = {"county": "县（市、区）", "prefecture": "设区市", "economic_region": "经济区域", "province": "全省"}
"""The levels people may look at, from the finest, and their names."""

_KEPT, _LINK, _FAULTS, _READ = "state_kept", "state_link", "state_faults", "state_read"
# Choices shown only because the one that is kept is not on offer here.
_STOPGAP = "state_stopgap"


@dataclass(frozen=True)
class ViewState:
    """The choices every page shares: the year, the level of regions, the region looked at (or None)."""

    year: int
    level: str
    region: str | None


def begin() -> None:
    """Start a page view: forget the link and the faults of the one before; called by the entry script."""
    st.session_state[_LINK] = {}
    st.session_state[_FAULTS] = []
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
    kept, stopgap = _session(_KEPT, dict), _session(_STOPGAP, dict)
    key = f"choice_{name}"
    wanted = st.session_state.get(key)
    if key not in st.session_state:
        wanted = _from_address(name, label, options, code, kept)
    elif name in stopgap and stopgap[name] == wanted:
        wanted = kept.get(name)
    start = wanted if wanted in options else default
    st.session_state[key] = start
    value = widget(label, options, key=key, **settings)
    if value is None:
        # Some widgets let people unpick the choice; the view needs one.
        value = start
    if start != wanted and value == start and name in kept:
        stopgap[name] = value
    else:
        stopgap.pop(name, None)
        kept[name] = value
    _session(_LINK, dict)[name] = code(value)
    return value


def _from_address(
    name: str, label: str, options: Sequence[Any], code: Callable[[Any], str], kept: dict[str, Any]
) -> Any:
    """Return the option the address asks for on the first view, else what is kept (None: neither)."""
    read = _session(_READ, set)
    if name not in read and name in st.query_params:
        text = st.query_params[name]
        for option in options:
            if code(option) == text:
                read.add(name)
                kept[name] = option
                return option
        _session(_FAULTS, list).append(f"链接中的{label}“{text}”无效或在此不可用，已改用默认值。")
    read.add(name)
    return kept.get(name)


def in_link(name: str, text: str) -> None:
    """Put a page's own choice into the address as ``name=text``; an empty text leaves it out."""
    _session(_LINK, dict)[name] = text


def from_link(name: str) -> str | None:
    """Return what the address says of ``name`` on the first view, None when nothing or when it was read."""
    read = _session(_READ, set)
    if name in read:
        return None
    read.add(name)
    text = st.query_params.get(name)
    return str(text) if text is not None else None


def fault(text: str) -> None:
    """Have the page's head say what of the address could not be followed."""
    _session(_FAULTS, list).append(text)


def put(name: str, value: Any) -> None:
    """Choose on a person's behalf; only in a callback, before the controls are drawn."""
    _session(_KEPT, dict)[name] = value
    st.session_state[f"choice_{name}"] = value


def nearest_year(wanted: int | None, years: Sequence[int]) -> int:
    """Return the year to show for the one wanted: the last of ``years`` (ascending) not after it."""
    if wanted is None:
        return years[-1]
    earlier = [year for year in years if year <= wanted]
    return earlier[-1] if earlier else years[0]


def shared(
    years: Sequence[int],
    levels: Sequence[str],
    regions: dict[str, str],
    *,
    default_year: int,
    default_level: str,
) -> ViewState:
    """Draw the shared controls in the sidebar and return the view.

    ``years`` ascending, ``levels`` as in `LEVELS`; ``regions`` maps the adcodes that may be looked at to
    their names. What was chosen elsewhere and is not on offer here stays chosen for the pages that have it.
    """
    kept = _session(_KEPT, dict)
    with st.sidebar.container(key="shared_controls"):
        year = choose(
            "year", "年份", list(reversed(years)), nearest_year(kept.get("year", default_year), years)
        )
        offered = [level for level in LEVELS if level in levels]
        level = choose(
            "level",
            "层级",
            offered,
            default_level if default_level in offered else offered[0],
            format_func=LEVELS.__getitem__,
        )
        region = choose(
            "region",
            "地区",
            ["", *regions],
            "",
            format_func=lambda adcode: regions.get(adcode, "未选择"),
        )
    return ViewState(int(year), str(level), region or None)


def show_faults() -> None:
    """Say what of the address could not be followed."""
    for fault in _session(_FAULTS, list):
        st.warning(fault, icon=":material/link_off:")


def finish() -> None:
    """Write the view into the address, so that copying it shares the view."""
    link = _session(_LINK, dict)
    wanted = {name: text for name, text in link.items() if text != ""}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)
