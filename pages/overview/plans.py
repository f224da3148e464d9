"""The section of the page 总览 on the plans: in which state their headline targets are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from data.registry import load_registry
from data.store.check import target_state_counts
from data.store.store import Store
from layers.charts.tracking import state_bars
from pages.shared.cached import kept_by_version
from pages.shared.components import plain
from reports.targets import STATE_WORDS, headline_table, short_title, state_colours, with_unit

PERIODS = {
    "十三五": ("“十三五”目标的完成情况", "2020 年完成值对照 2020 年目标"),
    "十四五": ("“十四五”目标的起点", "2020 年基期值对照 2025 年目标；未达到的正是规划期要做的事"),
}
PAST = "十三五"


@dataclass(frozen=True)
class PeriodStates:
    """What is shown of one planning period; ``missed`` has a line per target of `PAST` that was not met."""

    plans: int
    total: int
    words: str
    chart: Any
    missed: tuple[str, ...]


def plan_states(store: Store) -> None:
    """Draw the states of the headline targets by plan, one chart per planning period."""
    for column, (period, (title, remark)) in zip(st.columns(2, gap="medium"), PERIODS.items(), strict=True):
        states = period_states(store, period)
        with column:
            st.markdown(f"**{plain(title)}**")
            st.caption(plain(f"{states.plans} 个规划 {states.total} 项：{states.words}。{remark}。"))
            st.altair_chart(states.chart, theme=None, key=f"states_{period}")
            if states.missed:
                with st.container(key="overview_missed"):
                    st.markdown(f"**“{period}”未达到的 {len(states.missed)} 项**")
                    st.markdown("\n".join(f"- :small[{plain(line)}]" for line in states.missed))


@kept_by_version(4)
def period_states(store: Store, period: str) -> PeriodStates:
    """Return what is shown of a period; made once per data version."""
    counts = target_state_counts(store).rename(columns=STATE_WORDS)
    longest = int(counts["total"].max())
    part = counts[counts["period"] == period]
    part = part.set_index(part["title"].map(short_title))[list(STATE_WORDS.values())]
    totals = part.sum()
    return PeriodStates(
        plans=len(part),
        total=int(totals.sum()),
        words="，".join(f"{word} {count} 项" for word, count in totals.items()),
        chart=state_bars(part, state_colours(load_registry()), longest=longest),
        missed=missed_lines(store) if period == PAST else (),
    )


def missed_lines(store: Store) -> tuple[str, ...]:
    """Return a line for every target of the period that is over which was not met."""
    targets = headline_table(store)
    missed = targets[(targets["period"] == PAST) & (targets["state"] == "not_met")]
    lines = []
    for row in missed.to_dict("records"):
        done, target = (with_unit(row[f"{side}_text"], row["unit"]) for side in ("base", "target"))
        lines.append(f"{row['indicator_text']}：完成 {done}，目标 {target}（{row['short']}）")
    return tuple(lines)
