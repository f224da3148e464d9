"""One row of a plan in full: as written, where it stands, what it is held against and what contradicts it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages import choices
from pages.components import plain
from pages.target_parts import COMPARATOR_WORDS, with_unit

_ROW = "target_row"


def show_detail(held: Mapping[str, pd.DataFrame], colours: Mapping[str, str]) -> None:
    """Open the dialog of the row that was picked, or that the address names; nothing when there is none."""
    if _ROW not in st.session_state:
        st.session_state[_ROW] = choices.from_link("row")
    row = st.session_state[_ROW]
    rows = held["rows"].set_index("id")
    if not row:
        return
    if row not in rows.index:
        st.session_state[_ROW] = None
        st.warning(plain(f"链接中的条目“{row}”不存在。"), icon=":material/link_off:")
        return
    choices.in_link("row", row)
    title = plain(rows.loc[row, "indicator_text"])
    st.dialog(title, width="medium", on_dismiss=_close)(_detail)(row, rows, held, colours)


def _close() -> None:
    st.session_state[_ROW] = None


def _detail(
    row: str, rows: pd.DataFrame, held: Mapping[str, pd.DataFrame], colours: Mapping[str, str]
) -> None:
    entry = rows.loc[row]
    st.caption(plain(f"{entry['title']} · {entry['doc_no']} · {entry['place']}"))
    _lines(
        {
            "数值（原文）": with_unit(entry["value_text"], entry["unit"]),
            "年份": entry["year_text"],
            "类别": entry["kind_word"],
            "比较方式": COMPARATOR_WORDS.get(str(entry["comparator"])),
            "属性": entry["attribute"],
            "范围": entry["scope"],
            "领域": entry["domain"],
            "说明": entry["note"],
            "编号": row,
        }
    )
    headline = held["headline"]
    for _, pair in headline[(headline["target_row"] == row) | (headline["base_row"] == row)].iterrows():
        _pair(pair, colours)
    clashes = held["contradictions"]
    for group in clashes.loc[clashes["row"] == row, "group_id"]:
        st.markdown("**其他规划写法不同**")
        others = clashes[(clashes["group_id"] == group) & (clashes["row"] != row)]
        for _, other in others.iterrows():
            st.markdown(
                plain(
                    f"{other['short']}：{other['indicator_text']} {other['value_text']}（{other['place']}）"
                )
            )


def _pair(pair: pd.Series, colours: Mapping[str, str]) -> None:
    """Draw the judgement of a headline target: base, target, direction, state and reason."""
    with st.container(border=True):
        word = pair["state_word"]
        st.markdown(f"**判定（{plain(pair['period'])}）　{word}**")
        _lines(
            {
                "基期值": _value(pair, "base") or "规划没有给出",
                "目标值": _value(pair, "target"),
                "方向": pair["direction_word"],
                "原因": pair["state_reason"],
            }
        )


def _value(pair: pd.Series, side: str) -> str:
    """Return base or target as written, with unit, year and place."""
    text = pair[f"{side}_text"]
    if not isinstance(text, str):
        return ""
    year = pair[f"{side}_year"]
    where = pair["base_place" if side == "base" else "place"]
    parts = [f"{year} 年" if pd.notna(year) else "", str(where)]
    return f"{with_unit(text, pair['unit'])}（{'，'.join(part for part in parts if part)}）"


def _lines(rows: Mapping[str, object]) -> None:
    st.markdown(
        "  \n".join(
            f":gray[{name}]　{plain(text)}" for name, text in rows.items() if isinstance(text, str) and text
        )
    )
