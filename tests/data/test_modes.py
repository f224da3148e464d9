"""The modes of travel: what the registry says of each, and what it refuses."""

from pathlib import Path

import pytest
import yaml

from data.registry.mode_models import MODES, load_mode_entries, load_modes
from data.registry.osm_models import load_osm_mapping
from geo.errors import RegistryError

PACKAGED = Path(__file__).resolve().parents[2] / "data" / "registry" / MODES.name


def changed(tmp_path, change):
    """Write the packaged file with one change and return its folder."""
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    change(entries)
    (tmp_path / MODES.name).write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_the_four_modes_and_what_they_may_use():
    modes = load_modes()
    assert list(modes) == ["walk", "ebike", "drive", "straight"]
    assert [mode.has_network for mode in modes.values()] == [True, True, True, False]
    assert "motorway" not in modes["walk"].classes
    assert not modes["drive"].classes["motorway"].snap
    assert (modes["drive"].oneway, modes["walk"].oneway) == (True, False)
    assert "footway" not in modes["drive"].classes
    assert [mode.id for mode in modes.values() if "road" in mode.classes] == ["walk"]
    assert all(entry.note for entry in load_mode_entries())


def test_fifteen_minutes_on_foot_are_twelve_hundred_metres():
    walk = load_modes()["walk"]
    assert walk.access_m_per_minute == 80.0
    assert round(15 * walk.straight_m_per_minute) == 923


def test_every_road_that_is_imported_is_passable_for_somebody():
    passable = {kind for mode in load_modes().values() for kind in mode.classes}
    assert set(load_osm_mapping().roads.highways) <= passable


def test_scaling_changes_every_speed_and_nothing_else():
    walk = load_modes()["walk"]
    fast = walk.scaled(1.2)
    assert fast.access_kmh == pytest.approx(5.76)
    assert fast.ferry_kmh == pytest.approx(14.4)
    assert fast.straight_kmh == pytest.approx(5.76)
    assert fast.classes["steps"].speed_kmh == pytest.approx(2.88)
    assert (fast.detour_factor, fast.snap_limit_m, fast.id) == (walk.detour_factor, walk.snap_limit_m, "walk")
    assert load_modes()["straight"].scaled(2.0).ferry_kmh is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda e: e[0].update(straight_kmh=0),
            r"modes\.yaml，条目 walk（第 1 条），字段 straight_kmh：应大于 0",
        ),
        (lambda e: e[0].update(detour_factor=0.8), "字段 detour_factor：应不小于 1"),
        (lambda e: e[2]["roads"][0].update(speed_kmh=900), "应不大于 200"),
        (
            lambda e: e[1]["roads"].append({"highway": ["primary"], "speed_kmh": 5}),
            "道路等级 primary 写了两次",
        ),
        (lambda e: e[1].update(id="walk"), "与第 1 条重复"),
        (lambda e: e[0].pop("note"), "字段 note：缺少此项"),
        (lambda e: e[0].update(speed=3), "字段 speed：不认识此项"),
    ],
)
def test_a_faulty_entry_is_named(tmp_path, change, message):
    with pytest.raises(RegistryError, match=message):
        load_modes(changed(tmp_path, change))
