"""``osm_mapping.yaml``: what a planner may get wrong in it is named by file, entry and field."""

from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.registry.mode_models import load_mode_entries, load_modes
from data.registry.osm_models import OSM_MAPPING, load_osm_mapping
from geo.errors import RegistryError


def packaged() -> dict[str, Any]:
    return yaml.safe_load((resources.files("data.registry") / OSM_MAPPING.name).read_text(encoding="utf-8"))


def write(folder: Path, content: object) -> Path:
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (folder / OSM_MAPPING.name).write_text(text, encoding="utf-8")
    return folder


def test_a_changed_copy_is_taken(tmp_path: Path) -> None:
    content = packaged()
    content["facilities"].append(
        {"type": "cultural_centre", "all_of": [{"key": "amenity", "values": ["arts_centre"]}]}
    )
    mapping = load_osm_mapping(write(tmp_path, content))
    assert mapping.facilities[-1].type == "cultural_centre"
    rule = mapping.facility_rule({"amenity": "arts_centre"})
    assert rule is not None
    assert rule.type == "cultural_centre"


def _set(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


HOSPITAL_AGAIN = {
    "type": "clinic",
    "all_of": [{"key": "amenity", "values": ["hospital"]}, {"key": "x", "values": ["y"]}],
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            _set("facilities", 20, value=HOSPITAL_AGAIN),
            "第 21 条（clinic）永远轮不到：第 1 条（hospital）已包含它",
        ),
        (_set("facilities", 0, "all_of", value=[]), "all_of"),
        (_set("facilities", 0, "capacity_unit", value=""), "capacity_keys 与 capacity_unit"),
        (_set("facilities", 0, "type", value="Big Hospital"), "facilities.0.type"),
        (_set("facilities", 0, "colour", value="red"), "不认识此项"),
        (_set("roads", "allow", value=["yes", "no"]), "no 同时写在 allow 和 deny 里"),
        (_set("roads", "access", 1, "mode", value="walk"), "每种出行方式只写一条"),
        (_set("roads", "access", 1, "mode", value="fly"), "roads.access.1.mode"),
        (_set("roads", "oneway_highways", value=["autobahn"]), "autobahn 不在 highways 里"),
        (
            _set("roads", "access", 0, "closed", value=["autobahn"]),
            "walk 的 closed 里的 autobahn 不在 highways 里",
        ),
        (_set("roads", "access", 0, "directed", value=True), "有且只有一种方式写 directed"),
        (_set("roads", "access", 2, "directed", value=False), "有且只有一种方式写 directed"),
        (_set("roads", "ferry", "carries", 1, "mode", value="walk"), "ferry.carries 里每种出行方式只写一条"),
        (_set("roads", "ferry", "carries", 2, "opened_by", value=["hgv"]), "hgv 不是 access 里的标签"),
        (_set("roads", "barriers", "table", 1, "kinds", value=["gate"]), "路障 gate 写了两次"),
        (_set("roads", "barriers", "table", 1, "stops", value=["fly"]), "roads.barriers.table.1.stops"),
        (_set("extract", "url", value="file:///etc/passwd"), "extract.url"),
        (_set("extract", "max_bytes", value=0), "应大于 0"),
        (_set("water", "min_area_m2", value=-1), "应不小于 0"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], None], expected: str) -> None:
    content = packaged()
    change(content)
    with pytest.raises(RegistryError) as raised:
        load_osm_mapping(write(tmp_path, content))
    assert OSM_MAPPING.name in str(raised.value)
    assert expected in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="读不出来"):
        load_osm_mapping(tmp_path)


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "methods" / "osm.md").read_text(encoding="utf-8")
    for word in ("extract.url", "checksum_suffix", "max_bytes", "merge_below_m", "SUTU_OSM_EXTRACT_URL"):
        assert word in text


MODE_NAMES = {entry.id: entry.name for entry in load_mode_entries()}


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of the tables in a section of the document, without heads and rules."""
    text = (Path(__file__).parents[2] / "docs" / "methods" / "osm.md").read_text(encoding="utf-8")
    part = text.partition(f"\n#### {section}\n")[2]
    lines = part.partition("\n#")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [
        row
        for number, row in enumerate(rows)
        if row[0] != "---" and rows[number + 1 :][:1] != [["---"] * len(row)]
    ]


def listed(words: Iterable[str], sign: str = "") -> str:
    return "、".join(f"{sign}{word}{sign}" for word in words)


def test_the_document_has_the_table_of_access() -> None:
    roads = load_osm_mapping().roads
    expected = [
        [MODE_NAMES[rule.mode], listed(rule.own, "`"), listed(rule.general, "`"), listed(rule.closed)]
        for rule in roads.access
    ]
    assert rows_of("通行权") == [*expected, [listed(roads.allow), "可"], [listed(roads.deny), "否"]]


def test_the_document_has_the_table_of_ferries() -> None:
    roads = load_osm_mapping().roads
    own = {rule.mode: rule.own for rule in roads.access}
    assert rows_of("轮渡") == [
        [
            MODE_NAMES[entry.mode],
            "载" if entry.untagged else "不载",
            listed((*own[entry.mode], *entry.opened_by), "`"),
        ]
        for entry in roads.ferry.carries
    ]
    text = (Path(__file__).parents[2] / "docs" / "methods" / "osm.md").read_text(encoding="utf-8")
    assert roads.ferry.class_keys == ("ferry", "highway")
    assert f"`ferry` 标签（或轮渡线上的 `highway`）是 {listed(roads.ferry.car_classes)} 之一的" in text


def test_the_document_has_the_table_of_barriers() -> None:
    barriers = load_osm_mapping().roads.barriers
    assert rows_of("路障") == [
        [listed(row.kinds), listed(MODE_NAMES[mode] for mode in row.stops) or "不挡"]
        for row in barriers.table
    ]
    assert (barriers.key_name, barriers.locked.key_name, barriers.locked.values) == (
        "barrier",
        "locked",
        ("yes",),
    )


def test_closed_classes_are_those_a_mode_has_no_speed_on() -> None:
    roads, modes = load_osm_mapping().roads, load_modes()
    for rule in roads.access:
        assert set(rule.closed) == set(roads.highways) - set(modes[rule.mode].classes)


def test_the_directed_mode_is_the_one_that_heeds_one_way_roads() -> None:
    directed = [rule.mode for rule in load_osm_mapping().roads.access if rule.directed]
    assert directed == [mode.id for mode in load_modes().values() if mode.oneway]
