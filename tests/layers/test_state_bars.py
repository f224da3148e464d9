"""The stacked bars: what is drawn adds up, nothing is drawn for zero, and the ink can be read."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.charts.tracking import ink_on, state_bars

COLOURS = {"已达到": "#0072b2", "未达到": "#d55e00", "无法判定": "#999999"}
COUNTS = st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=1, max_size=6)


def _frame(rows: list[tuple[int, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLOURS), index=[f"规划{n}" for n in range(len(rows))])


def _drawn(frame: pd.DataFrame) -> tuple[dict, pd.DataFrame]:
    spec = state_bars(frame, COLOURS, longest=120).to_dict()
    (data,) = spec["datasets"].values()
    return spec, pd.DataFrame(data, columns=["label", "state", "count", "order", "end", "start", "middle"])


@settings(deadline=None, max_examples=30)
@given(COUNTS)
def test_parts_lie_end_to_end_and_add_up(rows: list[tuple[int, ...]]) -> None:
    frame = _frame(rows)
    _, parts = _drawn(frame)
    assert (parts["count"] > 0).all()
    for label in frame.index:
        mine = parts[parts["label"] == label].sort_values("start")
        assert mine["count"].sum() == frame.loc[label].sum()
        edges = [(row.start, row.end) for row in mine.itertuples()]
        assert not edges or edges[0][0] == 0
        assert all(left[1] == right[0] for left, right in pairwise(edges))
        assert [state for state in COLOURS if frame.loc[label, state]] == list(mine["state"])


def test_bars_follow_the_order_given_and_share_the_scale() -> None:
    spec, _ = _drawn(_frame([(1, 2, 3), (0, 0, 4)]))
    bars, numbers = spec["layer"]
    assert bars["encoding"]["y"]["sort"] == ["规划0", "规划1"]
    assert bars["encoding"]["x"]["scale"]["domain"] == [0, 120]
    assert bars["encoding"]["color"]["scale"]["range"] == list(COLOURS.values())
    assert numbers["encoding"]["text"]["field"] == "count"


def test_a_description_says_every_count_in_words() -> None:
    spec, _ = _drawn(_frame([(1, 0, 3)]))
    assert spec["description"] == "规划0：已达到 1 项，无法判定 3 项"


@pytest.mark.parametrize("colour", COLOURS.values())
def test_numbers_stand_out_from_their_bar(colour: str) -> None:
    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
