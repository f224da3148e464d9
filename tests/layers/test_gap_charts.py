"""The charts of gaps and tracks: valid by the schema, and of the figures they are given."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo.disparity import lorenz_curve
from geo.region_tree import CENTRAL, NORTH, SOUTH
from geo.spatial import contiguity, local_moran
from layers.charts import gap as gap_charts
from layers.charts import tracking as tracking_charts
from layers.themes import SPOT_WORDS, spot_layer
from layers.webmap import theme
from tests.layers.gap_worlds import gap, subject
from tests.layers.worlds import ORIGIN, UNDEFINED, ramp, squares

NAN = float("nan")
COLOURS = {SOUTH: "#111111", CENTRAL: "#222222", NORTH: "#333333"}
EVIL = "<b>'\"]</script>"


def course() -> pd.DataFrame:
    return pd.DataFrame(
        {"cv": [0.5, NAN, 0.3], "theil": [0.2, NAN, 0.1], "between_share": [0.5, NAN, 0.25]},
        index=[2005, 2010, 2020],
    )


def observed() -> pd.DataFrame:
    rows = [("320000", "江苏", 2010, 50.0, None), ("320000", "江苏", 2020, 60.0, "断点")]
    rows += [(SOUTH, EVIL, 2020, NAN, None)]
    return pd.DataFrame(rows, columns=["adcode", "name", "year", "value", "note"])


def goals() -> pd.DataFrame:
    return pd.DataFrame({"year": [2025], "value": [65.0], "text": [f"≥65{EVIL}"]})


def regional() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": "治理率",
            "denominator": "行政村数",
            "region": [SOUTH, CENTRAL, NORTH],
            "region_name": ["苏南", "苏中", "苏北"],
            "value": [90.0, 80.0, NAN],
            "value_text": ["90%", f"80%{EVIL}", "无"],
        }
    )


@functools.cache
def charts() -> dict[str, Any]:
    values = [300, 200, 150, NAN, 100, 90]
    groups = gap([300, 200, 150, 140, 100, 90]).theil.groups
    starts = pd.DataFrame(
        {"name": ["甲", EVIL], "group": [SOUTH, NORTH], "start": [10.0, 5.0], "growth": [0.02, 0.05]}
    )
    parts = course().assign(theil_weighted=NAN, between_share_weighted=NAN)
    track = functools.partial(
        tracking_charts.track_chart, observed(), goals(), title="率", unit="%", digits=1
    )
    beta = functools.partial(gap_charts.beta_scatter, colours=COLOURS, first=2005, unit="元")
    return {
        "strip": gap_charts.region_strip(gap(values), COLOURS, selected="320100"),
        "strip of a total": gap_charts.region_strip(gap(values, of=subject(additive=True)), COLOURS),
        "no strip": gap_charts.region_strip(gap([NAN] * 6), COLOURS),
        "course": gap_charts.measure_course(course(), {"cv": "变异系数"}, {2015: EVIL}, decimals=3),
        "no course": gap_charts.measure_course(course() * NAN, {"cv": "变异系数"}, {}, decimals=3),
        "parts": gap_charts.parts_course(parts, weighted=False),
        "no parts": gap_charts.parts_course(parts, weighted=True),
        "groups": gap_charts.group_parts(groups, pd.Series({SOUTH: "苏南"})),
        "no groups": gap_charts.group_parts(gap([5, 5, 5, 5, 5, 5]).theil.groups, pd.Series(dtype=str)),
        "beta": beta(starts, -0.03, 0.1),
        "beta without a line": beta(starts, NAN, NAN),
        "no beta": beta(starts.assign(growth=NAN), NAN, NAN),
        "curves": gap_charts.share_curves(
            {"2020 年": lorenz_curve([1, 2, 3]), "2010 年": lorenz_curve([1])},
            across="人口",
            up="收入",
            order="由低到高",
        ),
        "no curves": gap_charts.share_curves({"2020 年": lorenz_curve([1])}, across="", up="", order=""),
        "track": track(comparable=True),
        "track of another kind": track(comparable=False),
        "no track": tracking_charts.track_chart(
            observed().assign(value=NAN), goals(), title="率", unit="", comparable=True, digits=1
        ),
        "regional": tracking_charts.regional_bars(regional(), COLOURS, unit="%"),
        "no regional": tracking_charts.regional_bars(regional().assign(value=NAN), COLOURS, unit="%"),
    }


@pytest.mark.parametrize("name", ["strip", "beta", "regional"])
def test_regions_are_drawn_in_the_colours_given(name: str) -> None:
    told = json.dumps(charts()[name].to_dict())
    assert COLOURS[SOUTH] in told


@pytest.mark.parametrize("name", list(charts()))
def test_the_charts_are_valid(name: str) -> None:
    spec = charts()[name].to_dict()
    assert spec["description"]
    # What cannot be drawn says so; the rest draws marks.
    assert ("没有" in json.dumps(spec, ensure_ascii=False)) == name.startswith("no ")


def rows_of(name: str) -> list[dict[str, Any]]:
    return [row for rows in charts()[name].to_dict()["datasets"].values() for row in rows]


def test_the_strip_shows_every_member_and_the_regions_own_figures() -> None:
    rows = rows_of("strip")
    assert {row["name"] for row in rows if "adcode" in row} == set("甲乙丙戊己")
    own = {row["group"]: row["value"] for row in rows if "adcode" not in row and "group" in row}
    assert own == {"苏南": 250.0, "苏中": 150.0, "苏北": 95.0}
    assert any(row.get("text") == "全省" for row in rows)
    totals = rows_of("strip of a total")
    assert all("adcode" in row for row in totals)


def test_parts_add_up_to_the_index() -> None:
    rows = pd.DataFrame(rows_of("parts"))
    assert rows.groupby("year")["value"].sum().to_dict() == pytest.approx({2005: 0.2, 2020: 0.1})


def test_no_way_leads_to_a_target_of_another_kind() -> None:
    ways = [row for row in rows_of("track") if set(row) == {"year", "value"}]
    assert ways == [{"year": 2020, "value": 60.0}, {"year": 2025, "value": 65.0}]
    assert [row for row in rows_of("track of another kind") if set(row) == {"year", "value"}] == []


def test_text_of_the_data_stays_text() -> None:
    for name in ("course", "beta", "track", "regional"):
        assert "</script>" in json.dumps(charts()[name].to_dict()["datasets"])


def test_spots_are_a_layer_with_five_kinds() -> None:
    frame = squares(30)
    values = pd.Series([9.0] * 15 + [1.0] * 14 + [NAN], index=frame.index)
    found = local_moran(values, contiguity(frame), permutations=99, false_discovery=0.9)
    layer = spot_layer(
        frame,
        found,
        title="年限",
        unit="年",
        year=2020,
        decimals=1,
        direction="higher_better",
        provenance=ORIGIN,
        palette=ramp("qualitative"),
    )
    counts = {entry.label: entry.count for entry in layer.legend.entries}
    assert sum(counts.values()) == 30
    assert counts["无数据"] == 1
    assert counts[SPOT_WORDS["HH"]] == len(found.cluster("HH")) > 0
    assert counts[SPOT_WORDS["LL"]] == len(found.cluster("LL")) > 0
    hot = found.cluster("HH")[0]
    assert layer.style.colours[layer.frame["class_index"][hot]] == "#d55e00"
    assert layer.frame["class_index"].iloc[-1] == -1
    assert layer.style.undefined_colour == layer.legend.entries[-1].colour == UNDEFINED
    assert layer.frame["reason"].iloc[-1] == "没有数值"
    assert np.isnan(layer.frame["value"].iloc[-1])
    assert "假发现率 90%" in layer.legend.note
    rows = theme(layer).spec["legend"]["rows"]
    assert [row[1] for row in rows] == [*SPOT_WORDS.values(), "不显著", "无数据"]
