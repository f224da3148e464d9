"""Targets with an observed series: pairs, states and what is kept apart; the regions' own targets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.tracking import Track, regional_targets, regions_of, tracks
from data.builder.plan_states import UNDEFINED
from data.registry.plan_models import TRACKING, Tracking, load_tracking
from data.store.store import Store
from geo.errors import RegistryError
from geo.region_tree import CENTRAL, NORTH, SOUTH


@pytest.fixture(scope="module")
def found(built_store: Store) -> dict[str, Track]:
    return {f"{track.text}/{track.scope}": track for track in tracks(built_store)}


def test_rugao_is_held_against_its_own_series(found: dict[str, Track], built_store: Store) -> None:
    track = found["城镇化率/如皋市"]
    facts = built_store.series("urbanisation_rate", "320682")
    assert track.own["value"].tolist() == facts["value"].tolist()
    assert track.observed["adcode"].unique().tolist() == ["320682", "320600", "320C00", "320000"]
    target = track.targets.iloc[0]
    assert (target["year"], target["value"], target["text"]) == (2025, 67.0, "67%左右")
    assert (target["state"], track.comparable) == ("not_met", True)


def test_other_denominators_are_never_judged(found: dict[str, Track]) -> None:
    for name in ("第三产业就业占比/全省", "劳动年龄人口平均受教育年限/全省"):
        track = found[name]
        assert not track.comparable
        assert set(track.targets["state"]) == {UNDEFINED}
        assert track.targets["reason"].str.contains("口径不同").all()
        # The series is shown by region all the same.
        assert track.observed["adcode"].unique().tolist() == ["320000", SOUTH, CENTRAL, NORTH]


def test_the_plans_own_values_keep_the_plans_verdict(found: dict[str, Track], built_store: Store) -> None:
    judged = built_store.headline_targets().set_index("target_row")
    own = [track for track in found.values() if track.origin == "own"]
    assert len(own) == 5
    for track in own:
        assert track.observed["year"].tolist() == [2015, 2020]
        for row in track.targets.to_dict("records"):
            assert row["state"] == judged["state"][row["id"]]
    school = found["高中阶段教育毛入学率/全省"].targets
    assert school["state"].tolist() == [UNDEFINED, "not_met"]
    assert "六普" in school["reason"].iloc[0]


def test_every_series_of_two_years_before_a_target_is_found(built_store: Store) -> None:
    """By a loop over the rows, texts as they are: no more and no fewer than the tracks."""
    rows = built_store.plan_targets().dropna(subset=["value_num", "year"])
    groups: dict[tuple[object, ...], dict[str, set[int]]] = {}
    for row in rows.to_dict("records"):
        # One plan writes （ ） once and ( ) another time.
        text = str(row["indicator_text"]).replace("（", "(").replace("）", ")")
        key = (row["plan"], text, row["scope"], row["unit"])
        groups.setdefault(key, {}).setdefault(row["kind"], set()).add(int(row["year"]))
    naive = {
        key[1]
        for key, kinds in groups.items()
        if len(kinds.get("actual", ())) >= 2 and max(kinds.get("target", {0})) > max(kinds.get("actual", {0}))
    }
    texts = {
        track.text.replace("（", "(").replace("）", ")")
        for track in tracks(built_store)
        if track.origin == "own"
    }
    assert texts == naive


def test_the_regions_targets_keep_their_denominators_apart(built_store: Store) -> None:
    table = regional_targets(built_store)
    sewage = table[table["family"] == "城市污水集中收集率"].set_index("region")
    assert sewage["value"].to_dict() == {SOUTH: 88.0, CENTRAL: 75.0, NORTH: 70.0}
    assert set(sewage["state"]) == {UNDEFINED}
    assert set(sewage["reason"]) == {"规划没有给出现状值"}
    rural = table[table["family"] == "农村生活污水治理率"]
    assert dict(zip(rural["region"], rural["denominator"], strict=True)) == {
        SOUTH: "自然村数",
        CENTRAL: "行政村数",
        NORTH: "行政村数",
    }
    rows = built_store.plan_targets()
    wanted = rows[rows["scope"].fillna("").str.contains("苏南|苏中|苏北") & (rows["kind"] == "target")]
    assert set(table["seed_line"]) == set(wanted["seed_line"])


@pytest.mark.parametrize(
    ("scope", "codes"),
    [
        ("苏南地区", [SOUTH]),
        ("苏中、苏北", [CENTRAL, NORTH]),
        ("苏南以外其他地区", [CENTRAL, NORTH]),
        ("苏南等有条件地区", [SOUTH]),
        ("全省", []),
    ],
)
def test_scopes(scope: str, codes: list[str]) -> None:
    assert regions_of(scope) == codes


SERIES = {
    "plan": "rugao-public-service",
    "target": "城镇化率",
    "scope": "如皋市",
    "indicator": "urbanisation_rate",
    "region": "320682",
    "direction": "higher_better",
    "comparable": "same",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "没有的目标"}, "没有范围为“如皋市”的目标"),
        ({"scope": "全省"}, "没有范围为“全省”的目标"),
        ({"indicator": "no_such"}, "没有指标“no_such”"),
        ({"region": "329999"}, "没有代码为“329999”的地区"),
    ],
)
def test_a_registry_that_does_not_fit_is_refused(
    built_store: Store, change: dict[str, str], words: str
) -> None:
    with pytest.raises(RegistryError, match=words):
        tracks(built_store, Tracking.model_validate({"able_share": 1, "series": [SERIES | change]}))


def test_a_faulty_file_is_named(tmp_path: Path, built_store: Store) -> None:
    (tmp_path / TRACKING.name).write_text("series:\n  - {plan: a, comparable: different}\n", encoding="utf-8")
    with pytest.raises(RegistryError, match=TRACKING.name):
        load_tracking(tmp_path)
    silent = {**SERIES, "comparable": "different"}
    with pytest.raises(ValueError, match="要写 reason"):
        Tracking.model_validate({"able_share": 1, "series": [silent]})
    family = {"id": "x", "name": "x", "members": [{"plan": "health", "target": "无", "denominator": "无"}]}
    with pytest.raises(RegistryError, match="没有这些分区域目标：无"):
        regional_targets(built_store, Tracking.model_validate({"able_share": 1, "regional": [family]}))


class _Named:
    """A store in which one indicator has the name and unit of a target of the province."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def indicators(self) -> pd.DataFrame:
        frame = self._store.indicators()
        frame.loc["gdp_tertiary_share", "name"] = "城镇污水处理率"
        return frame


def test_an_indicator_of_the_same_name_and_unit_is_matched(built_store: Store) -> None:
    found = [track for track in tracks(_Named(built_store)) if track.origin == "matched"]  # type: ignore[arg-type]
    assert {track.indicator for track in found} == {"gdp_tertiary_share"}
    assert found[0].comparable
    assert found[0].observed["adcode"].unique().tolist() == ["320000", SOUTH, CENTRAL, NORTH]


def test_every_entry_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "methods" / "tracking.md").read_text(encoding="utf-8")
    tracking = load_tracking()
    words = [entry.target for entry in tracking.series] + [family.name for family in tracking.regional]
    assert [word for word in words if word not in text] == []
