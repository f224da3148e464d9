"""Stations of rail corridors: the imported station of the place's name, or the town with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.corridor_reports import station_access
from analysis.corridors import (
    NONE_IMPORTED,
    NONE_NAMED,
    SCHEMATIC,
    STATION_HEADERS,
    SURVEYED,
    Corridors,
    match_stations,
    station_base,
    stations_of,
)
from data.store.store import Store
from exports.catalogue import make_layer

HUNING = "railway-002-3903-3"


def place(name: str, adcode: str, text: str = "") -> dict[str, Any]:
    return {"name": name, "text": text or name, "adcode": adcode, "lon": 120.0, "lat": 32.0}


def station(number: int, name: str, adcode: str, **more: Any) -> dict[str, Any]:
    held = {
        "id": f"s{number}",
        "type": "railway_station",
        "name": name,
        "adcode": adcode,
        "lon": 120.5,
        "lat": 32.5,
        "precision": "surveyed",
    }
    return held | more


def found(places: list[dict[str, Any]], stations: list[dict[str, Any]]) -> list[dict[Any, Any]]:
    table = match_stations(pd.DataFrame(places), pd.DataFrame(stations, columns=list(station(0, "", ""))))
    assert list(table.columns) == list(STATION_HEADERS)
    return table.to_dict("records")


def test_the_station_of_the_name_is_taken_and_said_to_be_surveyed() -> None:
    [one] = found([place("如皋", "320682", "如皋市")], [station(1, "如皋站", "320682")])
    assert (one["lon"], one["lat"], one["precision"], one["station"]) == (120.5, 32.5, SURVEYED, "如皋站")
    assert one["reason"] is None


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("苏州北站", "苏州北"),
        ("如皋火车站", "如皋"),
        ("如皋 站（北广场）", "如皋"),
        ("沛县站", "沛县"),
        ("站", ""),
        ("", ""),
    ],
)
def test_names_of_stations(name: str, base: str) -> None:
    assert station_base(name) == base


def test_a_direction_is_taken_only_where_the_name_itself_is_not_and_only_one() -> None:
    home = [place("如皋", "320682")]
    both = [station(1, "如皋南站", "320682"), station(2, "如皋站", "320682", lon=120.6)]
    assert found(home, both)[0]["station"] == "如皋站"
    assert found(home, both[:1])[0]["station"] == "如皋南站"
    several = [both[0], station(3, "如皋西站", "320682")]
    [one] = found(home, several)
    assert (one["lon"], one["precision"], one["station"]) == (120.0, SCHEMATIC, None)
    assert one["reason"] == "有如皋南站、如皋西站，原文没有写明是哪一座"


def test_two_of_one_name_are_one_station_only_when_they_lie_together() -> None:
    home = [place("如皋", "320682")]
    near = [station(2, "如皋站", "320682", lon=120.503), station(1, "如皋火车站", "320682")]
    assert found(home, near)[0]["lon"] == 120.5
    far = [station(1, "如皋站", "320682"), station(2, "如皋站", "320682", lat=32.6)]
    [one] = found(home, far)
    assert one["precision"] == SCHEMATIC and "2 处，相距 11.1 公里" in one["reason"]


def test_none_of_the_name_none_elsewhere_none_at_all() -> None:
    home = [place("如皋", "320682")]
    assert found(home, [station(1, "海安站", "320682")])[0]["reason"] == NONE_NAMED
    assert found(home, [station(1, "如皋站", "320685")])[0]["reason"] == NONE_NAMED
    assert found(home, [])[0]["reason"] == NONE_IMPORTED
    for bad in (
        {"precision": "implied"},
        {"type": "bus_station"},
        {"lon": np.nan},
        {"adcode": None},
    ):
        [one] = found(home, [station(1, "如皋站", "320682") | bad])
        assert (one["precision"], one["reason"]) == (SCHEMATIC, NONE_IMPORTED)
    assert found(home, [station(1, "如皋站", "320682"), station(2, None, "320682")])[0]["station"] == "如皋站"  # type: ignore[arg-type]


def test_a_prefecture_looks_into_all_its_counties() -> None:
    stations = [station(1, "苏州站", "320508"), station(2, "苏州站", "320106", lon=118.7)]
    [one] = found([place("苏州", "320500")], stations)
    assert (one["station"], one["lon"]) == ("苏州站", 120.5)
    [county] = found([place("滨海", "320922", "滨海县")], [station(1, "滨海县站", "320922")])
    assert county["station"] == "滨海县站"


@pytest.fixture
def with_station(built_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    own = built_store.facilities()
    extra = pd.DataFrame([station(1, "无锡站", "320213", lon=120.30, lat=31.59)])
    monkeypatch.setattr(
        type(built_store), "facilities", lambda _self: pd.concat([own, extra], ignore_index=True)
    )
    return built_store


def test_the_corridor_its_minutes_and_its_layer_use_the_station(
    with_station: Store, built_data_dir: Path
) -> None:
    corridors = Corridors(with_station)
    rows = stations_of(corridors, HUNING).set_index("place")
    assert rows.loc["无锡", ["lon", "lat", "precision", "station"]].tolist() == [
        120.30,
        31.59,
        SURVEYED,
        "无锡站",
    ]
    assert set(rows["precision"].drop("无锡")) == {SCHEMATIC}
    assert set(rows["reason"].drop("无锡")) == {NONE_NAMED}
    access = station_access(corridors, HUNING, built_data_dir)
    assert (access.stations, access.surveyed) == (5, 1)
    assert access.notes[0].startswith("4 处站点按所在城镇驻地示意")
    table = make_layer(with_station, built_data_dir, "corridors.nodes", {})
    frame = table.frame()
    nodes = frame[frame["station"].notna()]
    assert set(nodes["station"]) == {"无锡站"} and set(nodes["place_precision"]) == {SURVEYED}
    assert set(zip(nodes.geometry.x, nodes.geometry.y, strict=True)) == {(120.30, 31.59)}
    assert HUNING in set(nodes["corridor"])
    others = frame[frame["station"].isna()]
    assert set(others["place_precision"]) == {SCHEMATIC}


def test_without_imported_stations_all_is_schematic(built_store: Store, built_data_dir: Path) -> None:
    rows = stations_of(Corridors(built_store), HUNING)
    assert list(rows.columns) == list(STATION_HEADERS)
    assert rows.index.tolist() == list(range(5))
    access = station_access(Corridors(built_store), HUNING, built_data_dir)
    assert (access.stations, access.surveyed) == (5, 0)
    assert set(access.places["reason"]) == {NONE_IMPORTED}
