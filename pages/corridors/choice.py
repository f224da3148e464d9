"""The controls of the page 通道走廊: horizon, families as a legend tree, the corridor looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from analysis.corridors import Corridors
from data.registry.corridor_models import HORIZONS, CorridorFamily
from layers.words.corridor import STATUS_NAMES
from pages.shared import choices

BASES = {"plain": "空白", "count": "通道条数"}
SCOPES = {"passed": "示意线经过的县", "named": "原文列名的地区"}
_SEPARATOR, _NONE = "~", "none"
_KEPT = "corridor_families_kept"


@dataclass(frozen=True)
class CorridorChoice:
    """What the page shows: the horizon, the families, what is visible of them, the corridor looked at."""

    horizon: int
    families: tuple[str, ...]
    visible: tuple[str, ...]
    picked: str | None
    base: str
    scope: str


def choose_corridors_shown(found: Corridors) -> CorridorChoice:
    """Draw the controls and return what is chosen."""
    with st.sidebar.container(key="corridor_tree"):
        families = choose_families(found)
    with st.container(key="corridor_controls"):
        columns = st.columns([3, 2, 2, 4], vertical_alignment="bottom")
        with columns[0]:
            horizon = int(
                choices.choose(
                    "horizon", "时点（按状态显示线路）", list(HORIZONS), 2035, widget=st.select_slider
                )
            )
        with columns[1]:
            base = str(choices.choose("base", "底图", list(BASES), "plain", format_func=BASES.__getitem__))
        with columns[2]:
            scope = str(
                choices.choose("scope", "统计范围", list(SCOPES), "passed", format_func=SCOPES.__getitem__)
            )
        visible = visible_at(found, horizon, families)
        with columns[3]:
            picked = choose_corridor(found, visible)
    return CorridorChoice(horizon, families, visible, picked, base, scope)


def visible_at(found: Corridors, horizon: int, families: Sequence[str]) -> tuple[str, ...]:
    """Return the drawn corridors of the families that are there by a horizon, in the order of the list."""
    table = found.table
    shown = table["drawn"] & table["family"].isin(list(families)) & (table["horizon"] <= horizon)
    return tuple(str(key) for key in table.index[shown])


def label_of(found: Corridors, key: str) -> str:
    """Return a corridor's name with its family and status, as the list of choices shows it."""
    if not key:
        return "未选择（点图上的线，或在此查找）"
    row = found.table.loc[key]
    family = found.families[str(row["family"])].name
    return f"{row['name']}（{family}，{STATUS_NAMES[str(row['status'])]}）"


def choose_corridor(found: Corridors, visible: Sequence[str]) -> str | None:
    """Draw the list of corridors and return the one chosen; one chosen before stays on offer."""
    kept = choices.kept("corridor", "")
    drawn = [str(key) for key in found.table.index[found.table["drawn"]]]
    first = [kept] if kept in found.table.index and kept not in visible else []
    rest = [key for key in drawn if key not in set(visible) | set(first)]
    options = ["", *first, *visible, *rest]
    picked = choices.choose(
        "corridor", "通道", options, "", format_func=lambda key: label_of(found, str(key))
    )
    return str(picked) or None


def choose_families(found: Corridors) -> tuple[str, ...]:
    """Draw the families as a tree of boxes by group and return those that are ticked."""
    counts = found.table[found.table["drawn"]].groupby("family").size()
    offered = {key: family for key, family in found.families.items() if counts.get(key, 0)}
    shown = _start(offered, found.families)
    st.markdown("**图例：类别**")
    with st.container(horizontal=True):
        st.button("默认", on_click=_set, args=(first_shown(offered), tuple(offered)), key="tree_default")
        st.button("全部", on_click=_set, args=(tuple(offered), tuple(offered)), key="tree_all")
        st.button("清空", on_click=_set, args=((), tuple(offered)), key="tree_none")
    _swatches(offered)
    groups: dict[str, list[str]] = {}
    for key, family in offered.items():
        groups.setdefault(family.group, []).append(key)
    ticked: list[str] = []
    for group, keys in groups.items():
        held = sum(bool(st.session_state.get(_box(key), key in shown)) for key in keys)
        with st.expander(f"{group}（{held}/{len(keys)}）", expanded=held > 0, key=f"tree_{keys[0]}"):
            for key in keys:
                if _box(key) not in st.session_state:
                    st.session_state[_box(key)] = key in shown
                with st.container(key=f"swatch_{key}"):
                    on = st.checkbox(f"{offered[key].name}　{int(counts[key])}", key=_box(key))
                ticked += [key] if on else []
    st.session_state[_KEPT] = tuple(ticked)
    text = _SEPARATOR.join(ticked) if ticked else _NONE
    choices.in_link("families", "" if tuple(ticked) == first_shown(offered) else text)
    return tuple(ticked)


def first_shown(offered: dict[str, CorridorFamily]) -> tuple[str, ...]:
    """Return the families that the page opens with."""
    return tuple(key for key, family in offered.items() if family.first)


def _known(keys: Sequence[str], offered: dict[str, CorridorFamily]) -> tuple[str, ...]:
    return tuple(key for key in offered if key in keys)


def _box(key: str) -> str:
    return f"family_{key}"


def _start(offered: dict[str, CorridorFamily], known: dict[str, CorridorFamily]) -> tuple[str, ...]:
    """Return the families to begin with: those of the address, those of before, or the default."""
    text = choices.from_link("families")
    if text is None:
        return tuple(st.session_state.get(_KEPT, first_shown(offered)))
    parts = [] if text == _NONE else text.split(_SEPARATOR)
    for part in parts:
        if part not in known:
            choices.fault(f"链接中的类别“{part}”无效，已略去。")
    return _known(parts, offered)


def _set(wanted: Sequence[str], offered: Sequence[str]) -> None:
    for key in offered:
        st.session_state[_box(key)] = key in wanted


def _swatches(offered: dict[str, CorridorFamily]) -> None:
    """Give each family's box its colour; the registry holds colours to six hexadecimal digits."""
    rules = "".join(
        f".st-key-swatch_{key} {{ border-left: 12px solid {family.colour}; padding-left: 6px; }}"
        for key, family in offered.items()
    )
    st.html(f"<style>{rules}</style>")
