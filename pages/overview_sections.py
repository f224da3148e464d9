"""The figures of the page 总览 as drawn: a card each, and regions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from data.store import Store
from pages.comparison import comparison
from pages.components import plain
from pages.overview_data import QUALITY_WORDS
from pages.overview_parts import Figure

QUALITY_COLOURS: dict[str, Literal["blue", "violet", "orange", "gray"]] = {
    "official": "blue",
    "derived": "violet",
    "secondary": "orange",
    "imported": "gray",
}
CARDS_PER_ROW = 4


def figure_cards(figures: Sequence[Figure]) -> None:
    """Draw a card per figure: value, change since the earlier year, year, source and quality."""
    for start in range(0, len(figures), CARDS_PER_ROW):
        columns = st.columns(CARDS_PER_ROW, gap="small")
        for column, figure in zip(columns, figures[start : start + CARDS_PER_ROW], strict=False):
            with column.container(
                border=True, height="stretch", gap="xsmall", key=f"figure_{figure.indicator}"
            ):
                _card(figure)


def _card(figure: Figure) -> None:
    note = f"。{figure.note}" if figure.note else ""
    st.metric(plain(figure.name), figure.text, help=plain(f"来源：{figure.source}{note}"))
    if figure.change:
        st.markdown(f":small[:gray[较{figure.earlier_year}年]　{plain(figure.change)}]")
    else:
        st.markdown(f":small[:gray[不作比较：{plain(figure.no_change_reason)}]]")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.badge(QUALITY_WORDS[figure.quality], color=QUALITY_COLOURS[figure.quality])
        parts = [f"{figure.year}年", figure.exact, figure.flag or "", figure.reason or ""]
        st.caption(plain(" · ".join(part for part in parts if part)), width="content")


def comparison_table(store: Store, regions: Sequence[str]) -> None:
    """Draw the comparison of regions, each row one indicator in one year."""
    table = comparison(store, regions)
    widths = {"指标": 162, "年份": 48} | dict.fromkeys(table.columns[2:], 66)
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            name: st.column_config.TextColumn(width=width, alignment="left" if name == "指标" else "right")
            for name, width in widths.items()
        },
    )
    st.caption("各区的比值是区内分子之和除以分母之和，不是各市比值的平均。")
    st.caption("点击地图上的地区，上面的各项数字即改为该地区的。")
