"""Every file of the registry is read in one way, and every entry and field of it by something, or it is gone.

What is read is looked up in the code of the program and in the facts that it is built from; an entry that
speaks of nothing there (a misspelt place, a setting nobody asks for) is a fault of the registry.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from pydantic import BaseModel

from data.reader.sandbox import Bounds
from data.reader.worker import bound_id
from data.registry import load_registry
from data.registry.corridor_models import load_corridor_families
from data.registry.files import FILES, require_sound
from data.registry.setting_models import SETTINGS_READ
from geo.errors import RegistryError
from tests.data.registry_reads import CODE, ROOT, Reads, nested, shipped_modules

REGISTRY = ROOT / "data" / "registry"
METHODS = ROOT / "docs" / "methods"

EXPLAINS = {
    *(("Count", field) for field in ("name", "unit", "note")),
    ("HorizonRule", "rule"),
    ("LineName", "basis"),
    ("ModeEntry", "note"),
    ("PlanSynonym", "reason"),
}
"""Fields that tell who edits a file why an entry stands there: the program does not read them, people do."""

DOCUMENTED = {
    *(("Setting", field) for field in ("name", "unit", "description")),
    *(("LimitEntry", field) for field in ("name", "description")),
    ("Standard", "year"),
}
"""Fields whose reader is the documentation: tests compare it with them word by word."""

STORED = {
    *(("Source", one) for one in ("doc_no", "quality", "obtained")),
    *(("CensusChange", one) for one in ("name_2020", "effective")),
}
"""Fields that go into a table of the store by its column's name."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the packaged registry that a test may spoil."""
    for path in REGISTRY.glob("*.yaml"):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


@cache
def modules() -> tuple[ast.Module, ...]:
    return tuple(shipped_modules())


@cache
def texts_in_code() -> frozenset[str]:
    """Return every text that stands by itself in the program."""
    nodes = (node for module in modules() for node in ast.walk(module))
    return frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


def asked_of(*names: str) -> set[str]:
    """Return the texts that calls of these functions or methods are given first."""
    return {
        node.args[0].value
        for module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and node.args
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in names
        and isinstance(node.args[0], ast.Constant)
    }


# ---- one way in


def test_every_yaml_file_is_one_of_the_files() -> None:
    assert {path.name for path in REGISTRY.glob("*.yaml")} == set(FILES)


def test_files_are_read_in_one_place() -> None:
    readers = {"load_yaml", "load_yaml_object", "read_yaml", "safe_load", "CSafeLoader"}
    found = {}
    for path in (path for room in CODE for path in (ROOT / room).rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {getattr(node, "attr", getattr(node, "id", "")) for node in nodes}
        if names & readers:
            found[path.name] = names & readers
    # What a person brings along is no file of the registry: numbers of an office, an index.
    assert found.pop("limit_models.py") == {"read_yaml"}
    assert found.pop("index_models.py") == {"load_yaml_object"}
    assert set(found) == {"loading.py"}


@pytest.mark.parametrize("file", sorted(FILES))
def test_an_unknown_key_is_refused_in_words(file: str, folder: Path) -> None:
    content = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    (content[0] if isinstance(content, list) else content)["farbe"] = "rot"
    (folder / file).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RegistryError, match=rf"{re.escape(file)}，条目 .*farbe：不认识此项"):
        FILES[file].load(folder)
    with pytest.raises(RegistryError, match=rf"登记表有误[\s\S]*{re.escape(file)}，条目"):
        require_sound(folder)


def test_no_model_within_an_entry_takes_unknown_keys() -> None:
    models = set().union(*(nested(file.model) for file in FILES.values()))
    assert len(models) > len(FILES)
    assert [model.__name__ for model in models if model.model_config.get("extra") != "forbid"] == []


def test_the_faults_of_all_files_come_at_once(folder: Path) -> None:
    for file in ("modes.yaml", "tracking.yaml", "zones.yaml"):
        (folder / file).write_text("- 3\n", encoding="utf-8")
    with pytest.raises(RegistryError) as caught:
        require_sound(folder)
    assert all(file in str(caught.value) for file in ("modes.yaml", "tracking.yaml", "zones.yaml"))


def test_every_file_is_documented() -> None:
    table = re.findall(
        r"^\| `(\w+\.yaml)`", (METHODS / "registry.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(table) == sorted(FILES)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rules: rules["rail_stages"].pop(), "rail_stages 应恰好写"),
        (lambda rules: rules["rail_stages"][0].update(to_year=2015), "from_year 要早于 to_year"),
        (lambda rules: rules["stage_rules"].pop(), "stage_rules 恰好最后一条不写"),
        (lambda rules: rules["stage_rules"].insert(0, {"stage": "既有"}), "stage_rules 恰好最后一条不写"),
        (lambda rules: rules["stage_rules"][0].update(status="远景"), "字段 stage_rules.0.status：只能是"),
        (lambda rules: rules.update(same_station_m=0), "字段 same_station_m：应大于 0"),
    ],
)
def test_rules_of_corridors_are_checked(
    change: Callable[[dict[str, Any]], object], expected: str, folder: Path
) -> None:
    path = folder / "corridor_rules.yaml"
    rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(rules)
    path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RegistryError, match=expected):
        FILES["corridor_rules.yaml"].load(folder)


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        ("coverage_rules.yaml", {"map_minutes": [5, 15, 10]}, "字段 map_minutes：应由小到大、互不相同"),
        ("coverage_rules.yaml", {"map_minutes": list(range(1, 10))}, "字段 map_minutes：太长，至多 8 个"),
        ("coverage_rules.yaml", {"search_minutes": 0}, "字段 search_minutes：应大于 0"),
        ("coverage_rules.yaml", {"export_minutes": []}, "字段 export_minutes：太短"),
        ("catchment_rules.yaml", {"step_weights": [0.5, 0.9]}, "字段 step_weights：应由近到远不增"),
        ("siting_rules.yaml", {"added": [1, 2]}, "added 应从 0 开始"),
        ("siting_rules.yaml", {"spacing_km": 4}, "spacings_km 里应有缺省的 spacing_km"),
        ("statistics_rules.yaml", {"significant_p": 1}, "字段 significant_p：应小于 1"),
        ("statistics_rules.yaml", {"firm_share": -0.1}, "字段 firm_share：应不小于 0"),
        ("import_checks.yaml", {"duplicate_unnamed_m": 151}, "duplicate_unnamed_m 不能大于 duplicate_m"),
        ("import_checks.yaml", {"boundary_area_ratio": [1.5, 2]}, "boundary_area_ratio.0：应小于 1"),
        ("corridor_rules.yaml", {"station_minutes": []}, "字段 station_minutes：太短"),
        ("corridor_rules.yaml", {"track_detour": 0.9}, "字段 track_detour：应不小于 1"),
        ("tracking.yaml", {"able_share": 1.1}, "字段 able_share：应不大于 1"),
        ("overview.yaml", {"cards": []}, "字段 cards：太短"),
        ("overview.yaml", {"mapped": ["gdp", "gdp"]}, "mapped 里“gdp”写了两次"),
        ("profiles.yaml", {"end_share": 0.6}, "字段 end_share：应不大于 0.5"),
        ("profiles.yaml", {"indicators": [{"id": "gdp", "group": "经济"}] * 2}, "indicators 里“gdp”写了两次"),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    file: str, change: dict[str, Any], expected: str, folder: Path
) -> None:
    content = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    (folder / file).write_text(yaml.safe_dump(content | change, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RegistryError, match=re.escape(expected)):
        FILES[file].load(folder)


# ---- settings


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": "class_color"}, "条目 class_color：没有这项设置"),
        ({"id": "class_color"}, "条目 undefined_colour：缺少此项"),
        ({"value": "grey"}, "条目 undefined_colour，字段 value：格式不对"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(change: dict, expected: str, folder: Path) -> None:
    path = folder / "settings.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    next(entry for entry in entries if entry["id"] == "undefined_colour").update(change)
    path.write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RegistryError, match=expected):
        load_registry(folder)


def test_every_setting_is_asked_for() -> None:
    assert asked_of("setting") == set(SETTINGS_READ) == {one.id for one in load_registry().settings}


@pytest.mark.parametrize("setting", load_registry().settings, ids=lambda one: one.id)
def test_every_setting_is_documented_as_it_stands(setting: Any) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in METHODS.glob("*.md"))
    line = f"- `{setting.id}`（{setting.name}，现为 {setting.value}{setting.unit}）：{setting.description}。"
    assert line in text


def rows_in_code() -> list[tuple[object, ...]]:
    """Return every list of constants in the program."""
    lists = (
        node for module in modules() for node in ast.walk(module) if isinstance(node, ast.List | ast.Tuple)
    )
    return [
        tuple(one.value for one in node.elts)
        for node in lists
        if all(isinstance(one, ast.Constant) for one in node.elts)
    ]


def test_neither_palettes_nor_words_of_the_office_stand_in_code_as_well() -> None:
    rows = {tuple(row) for one in load_registry().palettes for row in one.colours.values()}
    assert rows.isdisjoint({tuple(str(part).lower() for part in row) for row in rows_in_code()})
    for one in ("internal_notice", "undefined_colour"):
        assert load_registry().setting(one) not in texts_in_code()


def shipped_texts() -> dict[str, str]:
    """Return what travels beside the code and is no registry: templates, scripts, styles, page settings."""
    endings = {".html", ".js", ".css", ".toml", ".txt", ".svg", ".xml"}
    files = (path for room in CODE for path in (ROOT / room).rglob("*") if path.suffix in endings)
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_no_template_or_script_writes_out_what_the_office_sets() -> None:
    texts = shipped_texts()
    assert {"server/ogc/templates/_base.html", "layers/assets/overlays.js"} <= set(texts)
    words = ["未经审核不得公开", str(load_registry().setting("undefined_colour"))]
    assert [(path, word) for path, text in texts.items() for word in words if word in text.lower()] == []
    licence = {"exports/package_texts.py"}
    found = {path.relative_to(ROOT).as_posix() for room in CODE for path in (ROOT / room).rglob("*.py")}
    written = {path for path in found if words[0] in (ROOT / path).read_text(encoding="utf-8")}
    assert written == licence, "the terms of a package quote the law; all others ask the settings"


# ---- entries


def facts(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "facts" / f"{name}.csv", dtype=str, keep_default_na=False)


def entries(file: str) -> Any:
    return FILES[file].load()


def unread_palettes() -> list[str]:
    """The page of indicators offers all but those of categories; these must be asked for."""
    asked = asked_of("palette", "ramp")
    return [one.id for one in entries("palettes.yaml") if one.kind == "qualitative" and one.id not in asked]


def unread_counts() -> list[str]:
    used = {one.compute.numerator for one in entries("indicators.yaml")}
    used |= {one.compute.denominator for one in entries("indicators.yaml")}
    return [one.id for one in entries("counts.yaml") if one.id not in used | texts_in_code()]


def unread_groups() -> list[str]:
    columns = {year: set(facts(f"census_{year}").columns) for year in (2010, 2020)}
    return [
        f"{one.total} {one.year}"
        for one in entries("count_groups.yaml")
        if not {one.total, *one.parts} <= columns[one.year]
    ]


def unread_sources() -> list[str]:
    """Return sources that the list of sources in the documentation does not tell as they are."""
    text = (METHODS / "registry.md").read_text(encoding="utf-8")
    return [
        one.id
        for one in entries("sources.yaml")
        if f"- `{one.id}`：{one.title}。{one.publisher}。许可：{one.licence}。" not in text
    ]


def unread_census(file: str, code: str, year: Callable[[Any], int]) -> list[str]:
    known = {number: set(facts(f"census_{number}")["code"]) for number in (2010, 2020)}
    return [getattr(one, code) for one in entries(file) if getattr(one, code) not in known[year(one)]]


def unread_corrections() -> list[str]:
    out = []
    for one in entries("census_corrections.yaml"):
        table = facts(f"census_{one.year}").set_index("code")
        if table.loc[one.adcode, one.column] != str(one.transcribed):
            out.append(f"{one.adcode} {one.column}")
    return out


def unread_series() -> list[str]:
    counts = {one.id: one for one in entries("counts.yaml")}
    codes = {"*", *facts("region_codes")["adcode"]}
    return [
        f"{one.series} {one.year}"
        for one in entries("series_flags.yaml")
        if one.series not in counts or one.year not in counts[one.series].years or one.adcode not in codes
    ]


def unread_headline() -> list[str]:
    told = set(zip(facts("plan_indicators")["plan"], facts("plan_indicators")["indicator"], strict=True))
    return [
        f"{table.plan} {one.text}"
        for table in entries("headline.yaml")
        for one in table.indicators
        if (table.plan, one.text) not in told
    ]


def unread_synonyms() -> list[str]:
    told = {one: set(facts("plan_indicators")[one]) for one in ("indicator", "unit")}
    return [text for one in entries("plan_synonyms.yaml") for text in one.texts if text not in told[one.of]]


def unread_tracking() -> list[str]:
    table, found = facts("plan_indicators"), entries("tracking.yaml")
    told = set(zip(table["plan"], table["indicator"], strict=True))
    known = {one.id for one in entries("indicators.yaml")}
    regions = set(facts("region_codes")["adcode"])
    out = [
        one.target
        for one in found.series
        if (one.plan, one.target) not in told or one.indicator not in known or one.region not in regions
    ]
    members = [one for family in found.regional for one in family.members]
    return [*out, *(one.target for one in members if (one.plan, one.target) not in told)]


def unread_families() -> list[str]:
    table = facts("spatial_structures")
    plans = {(row.kind, row.plan) for row in table.itertuples()} | {
        (row.kind, "") for row in table.itertuples()
    }
    kinds = set(table["kind"])
    return [
        f"{family.id} {kind}"
        for family in load_corridor_families().values()
        for kind in family.kinds
        if kind not in kinds
        or (family.plans and not any((kind, plan) in plans for plan in (*family.plans, "women-children")))
    ]


def structure_words() -> str:
    table = facts("spatial_structures")
    return "\n".join([*table["name"], *table["members"], *table["endpoints"], *table["description"]])


def unread_places() -> list[str]:
    told = structure_words() + "".join("".join(one.places) for one in entries("corridor_routes.yaml"))
    told += "".join(facts("rail_corridor_nodes")["node"]) + "".join(facts("culture_tourism_nodes")["name"])
    return [one.name for one in entries("corridor_places.yaml") if one.name not in told]


def unread_routes() -> list[str]:
    told = structure_words()
    return [one.line for one in entries("corridor_routes.yaml") if one.line not in told]


def unread_rules() -> list[str]:
    rules, table = entries("corridor_rules.yaml"), facts("spatial_structures")
    told = structure_words() + "".join(one.line for one in entries("corridor_routes.yaml"))
    out = [one.status for one in rules.horizons if one.status not in set(table["status"])]
    out += [
        period
        for one in rules.horizons
        for period in one.periods
        if not any(text.startswith(period) for text in table["period"])
    ]
    out += [
        period
        for one in rules.stage_rules
        for period in one.periods
        if not any(text.startswith(period) for text in table["period"])
    ]
    out += [one.plan for one in rules.plan_lines if one.plan not in set(table["plan"])]
    out += [one.word for one in rules.track_names if one.word not in told]
    out += [one.name for one in rules.rail_stages if one.name not in texts_in_code()]
    return [*out, *(one.text for one in rules.line_names if one.text not in told)]


def unread_profiles() -> list[str]:
    known = {one.id for one in entries("indicators.yaml")}
    return [
        one.id
        for one in entries("profiles.yaml").indicators
        if one.id not in known or not (one.shown or one.structure)
    ]


def unread_overview() -> list[str]:
    known = {one.id for one in entries("indicators.yaml")}
    return [name for _part, names in entries("overview.yaml") for name in names if name not in known]


def unread_indices() -> list[str]:
    known = {one.id for one in entries("indicators.yaml")}
    return [part.id for one in entries("indices.yaml") for part in one.parts if part.id not in known]


def unread_types() -> list[str]:
    """Return types that no source gives and nothing asks for: they would stand in every list, empty."""
    given = {rule.type for rule in entries("osm_mapping.yaml").facilities}
    given |= {rule.type for rule in entries("implied.yaml")}
    given |= {kind for one in entries("standards.yaml") for kind in one.types}
    given |= {kind for one in entries("service_circles.yaml") for kind in (*one.types, *one.unsorted)}
    given |= {one.broader for one in entries("facility_types.yaml") if one.broader}
    return [one.id for one in entries("facility_types.yaml") if one.id not in given | texts_in_code()]


def unread_mapping() -> list[str]:
    types = {one.id for one in entries("facility_types.yaml")}
    mapping = entries("osm_mapping.yaml")
    speeds = {value for mode in entries("modes.yaml") for road in mode.roads for value in road.highway}
    out = [rule.type for rule in mapping.facilities if rule.type not in types]
    return [*out, *(value for value in mapping.roads.highways if value not in speeds)]


def unread_modes() -> list[str]:
    """Return modes that nobody can ask for, and speeds of roads that are not taken in."""
    mapped = set(entries("osm_mapping.yaml").roads.highways)
    roads = {value for mode in entries("modes.yaml") for road in mode.roads for value in road.highway}
    out = [one.id for one in entries("modes.yaml") if one.id not in texts_in_code()]
    return [*out, *sorted(roads - mapped)]


def unread_implied() -> list[str]:
    types = {one.id for one in entries("facility_types.yaml")}
    gazette, sources = set(facts("gazette_places")["type"]), {one.id for one in entries("sources.yaml")}
    return [
        one.id
        for one in entries("implied.yaml")
        if one.type not in types
        or one.source not in sources
        or (one.named_type and one.named_type not in gazette)
        or any(not facts("townships")["name"].str.endswith(end).any() for end in one.endings)
    ]


def unread_limits() -> list[str]:
    """Return limits that no reader is bound by, and no check names."""
    jobs = asked_of("_read") | {
        keyword.value.value
        for module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "door" and isinstance(keyword.value, ast.Constant)
    }
    bound = {bound_id(job, one.name) for job in jobs for one in dataclasses.fields(Bounds)}
    return [one.id for one in entries("limits.yaml") if one.id not in bound | texts_in_code()]


def unread_fields() -> list[str]:
    return [one.id for one in entries("export_fields.yaml") if one.id not in texts_in_code()]


UNREAD: dict[str, Callable[[], list[str]]] = {
    "settings.yaml": lambda: sorted({one.id for one in entries("settings.yaml")} - asked_of("setting")),
    "palettes.yaml": unread_palettes,
    "counts.yaml": unread_counts,
    "count_groups.yaml": unread_groups,
    "sources.yaml": unread_sources,
    "zones.yaml": lambda: unread_census("zones.yaml", "zone_code", lambda one: one.year),
    "census_changes.yaml": lambda: unread_census("census_changes.yaml", "code_2010", lambda _: 2010),
    "census_flags.yaml": lambda: unread_census("census_flags.yaml", "county", lambda one: one.year),
    "census_corrections.yaml": unread_corrections,
    "series_flags.yaml": unread_series,
    "headline.yaml": unread_headline,
    "plan_synonyms.yaml": unread_synonyms,
    "tracking.yaml": unread_tracking,
    "corridor_families.yaml": unread_families,
    "corridor_places.yaml": unread_places,
    "corridor_routes.yaml": unread_routes,
    "corridor_rules.yaml": unread_rules,
    "profiles.yaml": unread_profiles,
    "overview.yaml": unread_overview,
    "indices.yaml": unread_indices,
    "facility_types.yaml": unread_types,
    "osm_mapping.yaml": unread_mapping,
    "modes.yaml": unread_modes,
    "implied.yaml": unread_implied,
    "limits.yaml": unread_limits,
    "export_fields.yaml": unread_fields,
}
"""By file: its entries that speak of nothing. A file that is not here is listed whole, see `LISTED`."""

LISTED = {"indicators.yaml", "standards.yaml", "service_circles.yaml"}
"""Files whose entries are all offered, computed and documented one by one; other tests walk them."""

NUMBERS = {
    "import_checks.yaml",
    "coverage_rules.yaml",
    "catchment_rules.yaml",
    "siting_rules.yaml",
    "statistics_rules.yaml",
}
"""Files that are one mapping of numbers: every field has its reader, see below."""


@pytest.mark.parametrize("file", sorted(FILES))
def test_every_entry_is_read(file: str) -> None:
    assert [file in group for group in (UNREAD, LISTED, NUMBERS)].count(True) == 1
    if file in UNREAD:
        assert UNREAD[file]() == []


# ---- fields


def test_every_field_is_read_or_said_to_explain() -> None:
    models = set().union(*(nested(file.model) for file in FILES.values()))
    found = Reads(models, list(modules())).found
    keys = {(model.__name__, field) for model in models for field in getattr(model, "KEY", ())}
    every = {(model.__name__, field) for model in models for field in model.model_fields}
    assert every >= EXPLAINS | DOCUMENTED | STORED
    assert sorted(every - found - keys - DOCUMENTED - STORED) == sorted(EXPLAINS)


def test_a_read_of_another_class_is_no_read() -> None:
    class Thing(BaseModel):
        name: str
        size: int
        colour: str

    code = """
def load_things() -> dict[str, Thing]: ...
def use(other: Place, things: tuple["Thing", ...]) -> None:
    print(other.name)
    print([one.size for one in things])
    for key, one in load_things().items():
        print(key, one.colour)
"""
    assert Reads({Thing}, [ast.parse(code)]).found == {("Thing", "size"), ("Thing", "colour")}
