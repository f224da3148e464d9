"""规划目标: every target of the plans, searched and judged; pairs of base and target; contradictions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data.registry import load_registry
from data.store.store import Store, open_store
from layers.assets import own_folder
from pages.shared import choices as state
from pages.shared import components
from pages.shared.cached import kept_by_version
from pages.shared.components import plain
from pages.targets.panels import (
    contradiction_cards,
    contradictions_shown,
    explain_states,
    headline_shown,
    rows_shown,
    show_detail,
    show_table,
)
from reports.provenance import provenance
from reports.targets import (
    KIND_WORDS,
    NOT_JUDGED,
    STATE_WORDS,
    Search,
    contradiction_table,
    headline_table,
    plan_names,
    row_table,
    state_colours,
)

VIEWS = {"headline": "主要指标", "rows": "全部条目", "contradictions": "规划间的矛盾"}
STATE_CODES = {word: code for code, word in STATE_WORDS.items()} | {NOT_JUDGED: "not_judged"}
KIND_CODES = {word: code for code, word in KIND_WORDS.items()}
FILTERS = ("q", "plan", "state", "period", "kind", "attribute", "scope", "domain")
SOURCE = "plans_14fyp"


@kept_by_version(4, copied=True)
def tables(store: Store) -> dict[str, pd.DataFrame]:
    """Return the tables of the three views, and the plans' names; made once per data version."""
    return {
        "headline": headline_table(store),
        "rows": row_table(store),
        "contradictions": contradiction_table(store),
        "plans": plan_names(store),
    }


def page() -> None:
    """Draw the page."""
    store = open_store()
    with st.container(key="target_page"):
        st.html(own_folder() / "targets.css")
    held = tables(store)
    colours = state_colours(load_registry())
    head = st.container(key="page_head")
    view = state.choose(
        "view", "内容", list(VIEWS), "headline", widget=st.segmented_control, format_func=VIEWS.__getitem__
    )
    frame = held[view]
    if view == "contradictions":
        contradiction_cards(frame)
        shown = contradictions_shown(frame)
    else:
        search = _controls(view, frame, held["plans"])
        frame = search.apply(frame)
        _summary(view, frame, len(held[view]))
        shown = headline_shown(frame) if view == "headline" else rows_shown(frame)
        ids = tuple(frame["target_row" if view == "headline" else "id"])
        show_table(shown, key=f"table_{view}", colours=colours, on_pick=lambda at: _open(ids[at]))
        if view == "headline":
            explain_states(held["headline"])
    sources = provenance(store, [SOURCE])
    with head:
        components.header(
            "规划目标",
            source=sources.source_text,
            note=f"{len(held['plans'])} 个规划，{len(held['rows']):,} 行",
        )
    name = f"规划目标_{VIEWS[view]}"
    notes = [
        f"规划目标：{VIEWS[view]}",
        f"来源：{sources.source_text}",
        f"数据版本：{store.data_version}",
        sources.notice,
    ]
    components.download(name, lambda: shown, notes=notes, key="targets")
    show_detail(held)
    components.footer(sources, data_version=store.data_version)


def _open(row: str) -> None:
    st.session_state["target_row"] = row


def _controls(view: str, frame: pd.DataFrame, plans: pd.DataFrame) -> Search:
    """Draw the search and the filters of a view; return what they ask for."""
    box = st.container(key="target_filters")
    first, second, third = box.columns((2, 2, 1))
    with first:
        text = state.type_text("q", "搜索", placeholder="指标、规划、文号、说明……多个词用空格分开")
    with second:
        codes = {short: str(plan) for plan, short in plans["short"].items()}
        plan = state.choose_many("plan", "规划", list(codes), code=codes.__getitem__)
    with third:
        words = [word for word in STATE_CODES if (frame["state_word"] == word).any()]
        chosen = state.choose_many("state", "状态", words, code=STATE_CODES.__getitem__)
    choices = [("short", plan), ("state_word", chosen)]
    offered = frame[frame["short"].isin(plan)] if plan else frame
    columns = box.columns(4)
    with columns[0]:
        if view == "headline":
            choices.append(("period", state.choose_many("period", "规划期", _values(frame["period"]))))
        else:
            kinds = state.choose_many("kind", "类别", list(KIND_CODES), code=KIND_CODES.__getitem__)
            choices.append(("kind_word", kinds))
    for column, name, label in zip(
        columns[1:], ("attribute", "scope", "domain"), ("属性", "范围", "领域"), strict=True
    ):
        with column:
            choices.append((name, state.choose_many(name, label, _values(offered[name]))))
    return Search(text, tuple(choices))


def _values(column: pd.Series) -> Sequence[str]:
    """Return the distinct values of a column, the most frequent first."""
    return list(column.value_counts().index)


def _summary(view: str, frame: pd.DataFrame, total: int) -> None:
    """Say in words how many rows are shown and in which states."""
    counts = frame["state_word"].value_counts()
    parts = "　".join(f"{word} **{counts[word]:,}**" for word in STATE_CODES if word in counts)
    left, right = st.columns((4, 1), vertical_alignment="center")
    with left.container(gap=None):
        st.markdown(f"{plain(VIEWS[view])} **{len(frame):,}** / {total:,} 项　{parts}")
        st.caption("点选一行，看它的全文、文号、出处和判定")
    right.button("清除筛选", on_click=state.clear, args=FILTERS, disabled=len(frame) == total)
