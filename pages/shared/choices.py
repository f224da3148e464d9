"""Choices: controls whose values are kept across pages and stand in the address of the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from geo.region_tree import LEVEL_CHOICES

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


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&])")


def plain(text: object) -> str:
    """Return a text escaped, so that Streamlit's Markdown shows it letter by letter on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


@dataclass(frozen=True)
class ViewState:
    """The choices every page shares: the year, the level of regions, the region looked at (or None)."""

    year: int
    level: str
    region: str | None


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

    ``years`` ascending, ``levels`` as in `LEVEL_CHOICES`; ``regions`` maps the adcodes that may be looked at
    to their names. What was chosen elsewhere and is not on offer here stays chosen for the pages that have
    it.
    """
    with st.sidebar.container(key="shared_controls"):
        year = choose("year", "年份", list(reversed(years)), nearest_year(kept("year", default_year), years))
        offered = [level for level in LEVEL_CHOICES if level in levels]
        level = choose(
            "level",
            "层级",
            offered,
            default_level if default_level in offered else offered[0],
            format_func=LEVEL_CHOICES.__getitem__,
        )
        region = choose(
            "region",
            "地区",
            ["", *regions],
            "",
            format_func=lambda adcode: regions.get(adcode, "未选择"),
        )
    return ViewState(int(year), str(level), region or None)


SEPARATOR = "~"
"""Between several choices in an address; browsers leave it as it is."""

MAX_TEXT = 100
_FILTERS = "filters_kept"


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
    in_link(name, SEPARATOR.join(code(option) for option in chosen))
    return chosen


def type_text(name: str, label: str, **settings: Any) -> str:
    """Draw a text field for ``name`` and return what was typed, at most `MAX_TEXT` characters."""
    kept, key = _kept(), f"text_{name}"
    if key not in st.session_state:
        st.session_state[key] = kept.get(name, from_link(name) or "")[:MAX_TEXT]
    text = str(st.text_input(label, key=key, max_chars=MAX_TEXT, **settings)).strip()
    kept[name] = text
    in_link(name, text)
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
    kept: dict[str, Any] = st.session_state.setdefault(_FILTERS, {})
    return kept


def _options_in_address(
    name: str, label: str, options: Sequence[str], code: Callable[[str], str]
) -> list[str]:
    """Return the options the address names; a name that is none is told to the reader."""
    text = from_link(name)
    if not text:
        return []
    by_code = {code(option): option for option in options}
    parts = text.split(SEPARATOR)
    for part in parts:
        if part not in by_code:
            fault(f"链接中的{label}“{part}”无效，已略去。")
    return list(dict.fromkeys(by_code[part] for part in parts if part in by_code))
