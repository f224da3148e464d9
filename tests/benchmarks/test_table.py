"""The helpers of the benchmark table and of the map comparison: figures, not times."""

import io

import geopandas as gpd
import pandas as pd
import pytest
from rich.console import Console
from shapely.geometry import MultiPolygon, Polygon, box

from benchmarks.browser_times import Drawn, is_outside
from benchmarks.maps import plain_html, time_rows, vertex_count
from benchmarks.table import Row, beside, figure, numbers, report_rows, show, verdict


def test_the_ratio_is_the_peer_over_ours() -> None:
    row = beside("bytes", "B", 200.0, 900.0, goal=250.0)
    assert row.ratio == 4.5
    assert row.reached is True


def test_a_goal_that_is_missed_says_so() -> None:
    row = beside("switch", "s", 0.8, 3.0, goal=0.5)
    assert row.reached is False
    assert verdict(row) == "≤ 0.5 s，未达到"


@pytest.mark.parametrize(("ours", "peer"), [(0.0, 3.0), (2.0, None)])
def test_no_ratio_where_there_is_none(ours: float, peer: float | None) -> None:
    assert beside("x", "s", ours, peer).ratio is None


def test_a_row_survives_json() -> None:
    row = beside("switch", "s", 0.8, 3.0, goal=0.5)
    assert report_rows("any", {"rows": [row.as_dict()]}) == [row]


def test_reports_of_other_forms_become_rows() -> None:
    imported = [
        {"file": "f", "job": "network", "ours": {"seconds": 2.0}, "peer": {"seconds": 6.0}},
        {"file": "f", "job": "facilities", "ours": {"seconds": 2.0}, "peer": None},
    ]
    assert [row.ratio for row in report_rows("osm_import", imported)] == [3.0, None]
    coverage = {"ratios": {"a / b": 1.5}, "agreement": {"b: minutes": 0.5, "c: minutes": "different"}}
    assert report_rows("coverage", coverage) == [Row("a / b", ratio=1.5), Row("b: minutes", ours=0.5)]
    assert report_rows("new", {"whole": {"seconds": 2}}) == [Row("whole seconds", ours=2.0)]


def test_numbers_are_found_at_any_depth_and_nothing_else() -> None:
    report = {"a": {"b": 1, "ok": True, "text": "x"}, "list": [{"c": 2.5}, None]}
    assert numbers(report) == [("a b", 1.0), ("list 0 c", 2.5)]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "—"),
        (1234567.0, "B", "1,234,567 B"),
        (0.5, "s", "0.50 s"),
        (1e-13, "", "1e-13"),
        (0.0, "", "0.00"),
    ],
)
def test_figures_as_people_read_them(value: float | None, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_the_table_names_every_row_and_goal() -> None:
    out = io.StringIO()
    rows = [beside("first map", "s", 1.0, 4.0, goal=2.0), Row("alone", "s", 7.0)]
    show({"maps": rows}, ["a note"], console=Console(file=out, width=110))
    printed = out.getvalue()
    for text in ("maps", "first map", "4.00", "达到", "alone", "7.00", "a note"):
        assert text in printed


def test_vertices_count_the_closing_one_and_holes() -> None:
    ring = Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 2, 2).exterior])
    assert vertex_count([ring, MultiPolygon([box(5, 5, 6, 6), box(7, 7, 8, 8)])]) == 20


def test_the_median_stands_in_the_row() -> None:
    ours = (
        [Drawn(9.0, 8.0, 8.5), Drawn(1.0, 0.9, 1.1), Drawn(3.0, 2.9, 3.1), Drawn(2.0, 1.9, 2.1)],
        [0.2, 0.6, 0.3],
    )
    plain = ([Drawn(4.0, 3.8, 5.0)], [6.0])
    rows = {row.what: row for row in time_rows(ours, plain, Row("start", "s", 30.0))}
    first, again = (
        next(row for what, row in rows.items() if what.startswith(start) and "地图画出" in what and row.goal)
        for start in ("启动后第一次打开", "再次打开")
    )
    assert (first.ours, first.ratio, first.reached) == (8.0, 3.8 / 8.0, False)
    assert (again.ours, again.ratio, again.reached) == (1.9, 2.0, True)
    switch = next(row for what, row in rows.items() if what.startswith("切换指标"))
    assert (switch.ours, switch.ratio) == (0.3, 20.0)


def test_the_plain_map_asks_only_our_server() -> None:
    frame = gpd.GeoDataFrame(
        {"adcode": ["320102"], "name": ["玄武区"]}, geometry=[box(118, 32, 119, 33)], crs="EPSG:4490"
    )
    page = plain_html(frame, pd.Series({"320102": "#123456"})).decode()
    assert 'src="/leaflet.js"' in page
    assert "#123456" in page
    assert "https://" not in page.replace("https://leafletjs.com", "").replace(
        "https://openstreetmap.org", ""
    )


@pytest.mark.parametrize(
    ("url", "outside"),
    [
        ("http://127.0.0.1:8501/x", False),
        ("ws://127.0.0.1:8501/_stcore/stream", False),
        ("data:image/png;base64,AA", False),
        ("https://cdn.jsdelivr.net/x.js", True),
        ("http://127.0.0.1.example.org/", True),
    ],
)
def test_what_is_another_machine(url: str, outside: bool) -> None:
    assert is_outside(url) is outside
