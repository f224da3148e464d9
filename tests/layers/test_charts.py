"""Charts: valid by the schema, their colours those of the map, texts of the data only texts."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from layers.charts import base as charts
from layers.model import Layer
from layers.themes import pooled_classes
from tests.layers.worlds import layer, squares

NAN = float("nan")
VALUES = [*np.random.default_rng(3).normal(10, 5, 30).round(2), NAN]


@functools.cache
def _all() -> dict[str, Any]:
    one, two = layer(VALUES), layer(VALUES[::-1], title="另一指标")
    years = pd.DataFrame(
        {
            "name": ["甲", "甲", "乙"],
            "year": [2010, 2020, 2020],
            "value": [1.0, 2.0, NAN],
            "note": ["", "断点", None],
        }
    )
    above = pd.DataFrame({"name": ["甲县", "某市"], "value": [3.0, -4.0]})
    return {
        "ranking": charts.bar_ranking(one, selected="320103"),
        "histogram": charts.histogram(one, marks=[("全省", 9.0), ("无", NAN)]),
        "series": charts.time_series(years, title="指标", unit="%", decimals=1),
        "scatter": charts.scatter(one, two, selected="320103"),
        "paired": charts.paired_dots(one, two, selected="320103"),
        "comparison": charts.comparison_bars(above, decimals=1),
        "empty": charts.histogram(layer([NAN, NAN])),
        "empty scatter": charts.scatter(layer([NAN, 1.0]), layer([1.0, NAN])),
        "empty pair": charts.paired_dots(layer([NAN, 1.0]), layer([1.0, NAN])),
    }


@pytest.mark.parametrize("name", _all())
def test_every_chart_is_valid_in_our_typeface_and_described(name: str) -> None:
    spec = _all()[name].to_dict(validate=True)
    assert spec["config"]["font"] == "Sutu Sans"
    assert len(spec["description"]) >= 5
    assert spec == _all()[name].to_dict(validate=False) | {"$schema": spec["$schema"]}


def _data(chart: Any) -> list[dict[str, Any]]:
    """Return the rows of a chart's largest dataset."""
    return max(chart.to_dict()["datasets"].values(), key=len)


def test_a_ranking_lists_every_region_best_first_and_the_undefined_last() -> None:
    made = layer([3.0, NAN, 9.0], direction="lower_better")
    rows = _data(charts.bar_ranking(made))
    assert [row["adcode"] for row in rows] == ["320101", "320103", "320102"]
    assert [row["shown"] for row in rows] == ["3.0", "9.0", "无数据"]


def test_bars_have_the_colours_of_their_classes() -> None:
    made = layer(VALUES)
    rows = {row["adcode"]: row["colour"] for row in _data(charts.bar_ranking(made))}
    for adcode, number in made.frame["class_index"].items():
        assert rows[adcode] == (made.style.colours[number] if number >= 0 else "#FFFFFF")


def test_the_histogram_counts_every_value_and_its_bands_are_the_classes() -> None:
    made: Layer = layer(VALUES)
    datasets = charts.histogram(made).to_dict()["datasets"].values()
    bars = next(rows for rows in datasets if "count" in rows[0])
    bands = next(rows for rows in datasets if "colour" in rows[0])
    assert sum(row["count"] for row in bars) == 30
    assert [row["colour"] for row in bands] == list(made.style.colours)
    assert [row["high"] for row in bands[:-1]] == list(made.style.breaks[:-1])


def test_bands_of_classes_shared_with_another_year_end_with_the_values() -> None:
    frame = squares(6)
    wide = pooled_classes([pd.Series(np.arange(101.0))], "equal_interval", 5, decimals=0)
    made = layer([30.0, 35.0, 36.0, 41.0, 50.0, 55.0], frame=frame, like=wide, decimals=0)
    datasets = charts.histogram(made).to_dict()["datasets"].values()
    bands = next(rows for rows in datasets if "colour" in rows[0])
    assert [(row["low"], row["high"]) for row in bands] == [(30.0, 40.0), (40.0, 55.0)]
    assert [row["colour"] for row in bands] == list(made.style.colours[1:3])


def test_names_of_the_data_stay_text() -> None:
    evil = "'];alert(1);//\\"
    frame = squares(2, names=[evil, "<b>乙</b>"])
    spec = charts.bar_ranking(layer([1.0, 2.0], frame=frame)).to_dict()
    expression = spec["layer"][0]["encoding"]["y"]["axis"]["labelExpr"]
    table = expression.removesuffix("[datum.label]")[1:-1]
    assert json.loads(table) == {"320101": evil, "320102": "<b>乙</b>"}


def test_names_at_the_ends_of_lines_keep_apart() -> None:
    at = charts._apart(pd.Series([10.0, 10.1, 30.0, 10.05]), 2.0)
    assert np.diff(np.sort(at)).min() >= 2.0
    assert at.rank().tolist() == pd.Series([10.0, 10.1, 30.0, 10.05]).rank().tolist()
    assert at[2] == 30.0
