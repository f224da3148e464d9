"""Choropleths: what is undefined stays visible, ranks follow the direction, colours follow the classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.registry import load_registry
from layers.themes import DIRECTIONS, Ramp, ThemeError, choropleth, pooled_classes, ranks
from tests.layers.worlds import ORIGIN, UNDEFINED, layer, ramp, squares

NAN = float("nan")


def test_an_undefined_region_keeps_its_reason_and_a_legend_row() -> None:
    frame = squares(4)
    reasons = pd.Series({frame.index[1]: "2010年与2020年的范围不能对应：并入别区"})
    made = layer([1.0, NAN, 3.0, NAN], frame=frame, reasons=reasons)
    assert made.frame["class_index"].tolist() == [0, -1, 1, -1]
    assert made.frame["reason"].tolist() == ["", "2010年与2020年的范围不能对应：并入别区", "", "无数据"]
    last = made.legend.entries[-1]
    assert (last.class_index, last.label, last.count) == (-1, "无数据", 2)
    assert last.colour == made.style.undefined_colour == UNDEFINED
    assert made.legend.note == "无数据：2010年与2020年的范围不能对应"
    assert made.text(NAN) == "无数据"


def test_a_region_without_a_row_is_undefined_too() -> None:
    frame = squares(3)
    made = choropleth(
        frame,
        pd.Series({frame.index[0]: 5.0}),
        title="指标",
        unit="人",
        year=2020,
        direction="neutral",
        provenance=ORIGIN,
        palette=ramp(),
    )
    assert made.frame["value"].isna().tolist() == [False, True, True]
    assert sum(entry.count for entry in made.legend.entries) == 3


def test_all_regions_undefined_gives_a_map_without_classes() -> None:
    made = layer([NAN, NAN])
    assert made.style.k == 0
    assert [entry.class_index for entry in made.legend.entries] == [-1]


@pytest.mark.parametrize(
    ("direction", "best"), [("higher_better", [3, 1, 1, NAN]), ("lower_better", [1, 2, 2, NAN])]
)
def test_rank_one_is_the_best_and_equal_values_share_a_rank(direction: str, best: list[float]) -> None:
    values = pd.Series([1.0, 7.0, 7.0, NAN])
    np.testing.assert_array_equal(ranks(values, direction).to_numpy(), best)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30))
def test_legend_rows_run_from_the_highest_class_down_and_count_every_region(values: list[float]) -> None:
    made = layer(values, decimals=2)
    order = [entry.class_index for entry in made.legend.entries]
    assert order == sorted(order, reverse=True)
    assert sum(entry.count for entry in made.legend.entries) == len(values)
    assert len(made.style.colours) == len(made.style.breaks) == len(set(made.style.colours))


@pytest.mark.parametrize(
    "palette", [entry.id for entry in load_registry().palettes if entry.kind != "qualitative"]
)
@pytest.mark.parametrize("k", range(2, 10))
def test_every_palette_of_the_registry_serves_every_number_of_classes(palette: str, k: int) -> None:
    made = layer(list(np.linspace(-30, 50, 60)), palette=ramp(palette), k=k, scheme="equal_interval")
    assert made.style.k == k
    assert len(set(made.style.colours)) == k
    assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in made.style.colours)


def test_every_direction_has_a_palette_in_the_registry() -> None:
    registry = load_registry()
    assert {registry.palette(registry.palette_towards(name)).kind for name in DIRECTIONS} == {"sequential"}


def test_a_diverging_palette_turns_at_zero() -> None:
    made = layer([-20.0, -10.0, -5.0, -1.0, 2.0, 30.0], palette=ramp("diverging"), k=4, decimals=0)
    assert 0.0 in made.style.breaks
    for limit, colour in zip(made.style.breaks, made.style.colours, strict=True):
        red, blue = int(colour[1:3], 16), int(colour[5:7], 16)
        assert red > blue if limit <= 0 else blue > red, "orange below zero, purple above"


def test_only_gains_take_only_the_side_of_gains() -> None:
    made = layer([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], palette=ramp("diverging"), k=5, decimals=0)
    red = [int(colour[1:3], 16) for colour in made.style.colours]
    blue = [int(colour[5:7], 16) for colour in made.style.colours]
    assert all(b > r for r, b in zip(red, blue, strict=True)), "purple, never orange"


def test_two_years_share_their_classes() -> None:
    frame = squares(4)
    early, late = pd.Series([1.0, 2, 3, 4], frame.index), pd.Series([5.0, 6, 7, 8], frame.index)
    like = pooled_classes([early, late], "equal_interval", 4, decimals=1)
    made = [layer(list(values), frame=frame, like=like) for values in (early, late)]
    assert made[0].style == made[1].style
    assert [row.count for row in made[0].legend.entries] == [0, 0, 2, 2]


def test_labels_read_as_limits() -> None:
    made = layer([0.0, 1234.5, 9999.0], decimals=0, k=3)
    assert [entry.label for entry in made.legend.entries] == ["1,234 – 9,999", "0 – 1,234", "0"]


def test_what_does_not_fit_is_refused() -> None:
    frame = squares(2)
    with pytest.raises(ThemeError, match="不在地图上：999999"):
        choropleth(
            frame,
            pd.Series({"999999": 1.0}),
            title="",
            unit="",
            year=1,
            direction="neutral",
            provenance=ORIGIN,
            palette=ramp(),
        )
    with pytest.raises(ThemeError, match="重复：320101"):
        layer([1.0, 2.0], frame=squares(2, codes=["320101", "320101"]))
    with pytest.raises(ThemeError, match="方向“up”无效"):
        layer([1.0], direction="up")
    with pytest.raises(ThemeError, match="没有 9 级"):
        Ramp("short", {3: ramp().colours[3]}, UNDEFINED).take(9)
