"""``osm_mapping.yaml``: what a planner may get wrong in it is named by file, entry and field."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

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
