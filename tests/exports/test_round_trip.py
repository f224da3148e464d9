"""What is exported can be imported again: every row, each field that an importer keeps, the same place."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from data.faults import FaultReport
from data.ingest.boundaries import stage_boundaries
from data.ingest.cells import half_width
from data.ingest.facilities import import_facilities, read_facilities
from data.ingest.facility_store import facility_source_id, load_imported_facilities
from data.ingest.indicator_definitions import (
    DEFINITION_COLUMNS,
    DIRECTIONS,
    KINDS,
    Catalogue,
    Definition,
    definition_rows,
    read_definitions,
    value_bounds,
)
from data.ingest.indicator_store import source_id
from data.ingest.indicators import check_indicators, import_indicators, load_imported_indicators
from data.ingest.reading import FaultList
from data.registry import load_registry
from data.store.store import Store
from exports.catalogue import make_layer
from exports.formats import FORMATS, Options
from exports.package import export
from geo.crs import TARGETS
from geo.export_table import ExportTable
from geo.region_tree import LEVEL_OF_WORD
from tests.data import facility_world
from tests.data.faulty import HEADER as INDICATOR_HEADER

ROUNDED_DEGREES = {
    # GeoJSON is written with seven decimals, as RFC 7946 advises: half of the last is 6 mm.
    "geojson": 0.5e-7,
    # Tables give a row's place in the file's coordinates with eight decimals; read for GCJ-02 and BD-09 only.
    "csv": 0.5e-8,
    "xlsx": 0.5e-8,
}
"""How far a degree may be from the one exported, by what the format says; the others write every digit."""

INVERSE_DEGREES = 1e-9
"""What the iterated inverse of GCJ-02 and BD-09 may leave (0.1 mm)."""

SHEET_DEGREES = 0.5e-13
"""Numbers of a workbook are written with 16 significant digits: a longitude with 13 decimals."""

DOUBLE_DEGREES = 1e-11
"""The last digits of a double after a projection and back (a micrometre)."""


@dataclass(frozen=True)
class Held:
    """The built store with other facilities or facts in it, as an import and a build would put them there."""

    store: Store
    frame: pd.DataFrame

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def facilities(self) -> pd.DataFrame:
        return self.frame

    def facts(self, indicator: str, *, year: int, level: str) -> pd.DataFrame:
        at = self.frame["adcode"].map(self.store.region_table()["level"])
        asked = (self.frame["indicator"] == indicator) & (self.frame["year"] == year) & (at == level)
        return self.frame[asked]


def written(layer: ExportTable, folder: Path, form: str, target: str, naming: str = "title") -> Path:
    """Export a layer and return its file."""
    out = folder / ("图层.zip" if form == "shp" else f"图层{FORMATS[form].suffix}")
    export([layer], out, Options(form, TARGETS[target], naming))  # type: ignore[arg-type]
    return out


def datum_of(target: str) -> Any:
    """Return what a person states of a file in that CRS."""
    return target if target in {"gcj02", "bd09"} else "cgcs2000"


def allowed(form: str, target: str) -> float:
    """Return how far a degree may be off after the way out and in again."""
    if datum_of(target) != "cgcs2000":
        # A step in encrypted coordinates is one in true ones, but for less than a hundredth.
        return ROUNDED_DEGREES.get(form, 0.0) * 1.01 + INVERSE_DEGREES
    if form == "geojson":
        return ROUNDED_DEGREES[form] + DOUBLE_DEGREES
    if target != "EPSG:4490":
        return DOUBLE_DEGREES
    # Tables have the columns 经度 and 纬度 with every digit that a number has there.
    return SHEET_DEGREES if form == "xlsx" else 0.0


# Boundaries


@pytest.fixture(scope="module")
def counties(built_store: Store, built_data_dir: Path) -> ExportTable:
    return make_layer(built_store, built_data_dir, "regions.county")


@pytest.mark.parametrize(
    ("form", "target", "naming"),
    [
        ("gpkg", "EPSG:4490", "title"),
        ("gpkg", "EPSG:4549", "name"),
        ("geojson", "EPSG:4490", "title"),
        ("shp", "EPSG:4490", "title"),
        ("shp", "gcj02", "title"),
    ],
)
def test_boundaries_come_back(
    counties: ExportTable, tmp_path: Path, form: str, target: str, naming: str
) -> None:
    path = written(counties, tmp_path, form, target, naming)
    staged = stage_boundaries(path, tmp_path / "data", datum_of(target), source="省界", source_date="2023")
    with staged:
        back = gpd.read_parquet(tmp_path / "data" / "imports" / "boundaries.parquet")
    before = counties.frame().sort_values("adcode", ignore_index=True)
    assert len(back) == 95
    assert back["adcode"].tolist() == before["adcode"].tolist()
    assert back["name"].tolist() == before["name"].tolist()
    assert set(zip(back["source"], back["source_date"], back["datum"], strict=True)) == {
        ("省界", "2023", datum_of(target))
    }
    assert staged.summary["notes"] == []
    for count in (shapely.get_num_geometries, shapely.get_num_coordinates):
        assert count(back.geometry.to_numpy()).tolist() == count(before.geometry.to_numpy()).tolist()
    for ours, theirs in zip(back.geometry, before.geometry, strict=True):
        one, other = shapely.get_coordinates(ours), shapely.get_coordinates(theirs)
        for here, there in ((one, other), (other, one)):
            assert cKDTree(there).query(here, p=np.inf)[0].max() <= allowed(form, target)


# Facilities

KEPT = [
    *("name", "type", "level", "capacity", "capacity_unit", "adcode", "precision", "original_datum", "as_of"),
    *("address", "note", "origin_id"),
]
LIST = "省图书馆名录"
HARD_NAMES = (
    "=1+1|cmd 馆",
    "-3号馆",
    "+86馆",
    "@馆",
    "＝甲＋乙馆",
    "“引号”'单'\"双\",逗号；分号",
    "<script>alert(1)</script>",
    "馆😀𠮷",
    "0012",
    "2023-06-30",
    "TRUE",
    "长" * 80,
)


@pytest.fixture(scope="module")
def facilities(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return facilities as the importer keeps them, some of them at places nobody surveyed."""
    path = tmp_path_factory.mktemp("form") / "设施.csv"
    digits = "118.80123456789012", "32.012345678901234"
    more = [
        (name, "图书馆", "国家一级", f"{place}.25", *digits, "320102", "", f"20{10 + place}", f"B{place}")
        for place, name in enumerate(HARD_NAMES)
    ]
    more.append(("小馆", "图书馆", "", "0.00001", "118.71", "32.01", "", "", "", "C1"))
    more.append(("省外馆", "图书馆", "", "10000000", "121.47", "31.23", "", "", "2023-06-30", "C2"))
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = [(f"'{row[0]}" if row[0][0] == "=" else row[0], *row[1:]) for row in more]
        csv.writer(out).writerows([facility_world.HEADER, *facility_world.GOOD, *rows])
    regions = facility_world.regions()
    found = read_facilities(path, facility_type=None, datum="wgs84", regions=regions, source=LIST).frame
    # A form may not hold a formula, an exported table guards what would be one, and so did we above.
    found["name"] = found["name"].str.removeprefix("'")
    found["precision"] = pd.Series(np.resize(["implied", "surveyed", "seat"], len(found)), dtype=object)
    assert sorted(HARD_NAMES) == sorted(set(found["name"]) & set(HARD_NAMES))
    notes = [None, "待核", '=1+1 初步，"核"', "<b>迁建</b>"]
    found["note"] = pd.Series(np.resize(np.array(notes, dtype=object), len(found)), dtype=object)
    return found.sort_values(["name", "lon"], ignore_index=True)


@dataclass(frozen=True)
class HeldList(Held):
    """The built store with the facilities of one list in it, and the title of the list."""

    def sources(self) -> pd.DataFrame:
        built = self.store.sources()
        own = {"id": facility_source_id(LIST), "title": LIST, "quality": "imported", "obtained": "名录.csv"}
        return pd.concat([built, pd.DataFrame([own])], ignore_index=True)


def facility_layer(store: Store, facilities: pd.DataFrame, folder: Path) -> ExportTable:
    """Return the layer of these facilities as a store would give it that has taken them in."""
    held = facilities.rename(columns={"original_datum": "datum"})
    return make_layer(HeldList(store, held), folder, "facilities")  # type: ignore[arg-type]


@pytest.mark.parametrize("naming", ["title", "name"])
@pytest.mark.parametrize("target", ["EPSG:4490", "gcj02"])
@pytest.mark.parametrize("form", ["gpkg", "geojson", "shp", "csv", "xlsx"])
def test_facilities_come_back(  # noqa: PLR0917 - three of them are what is tried
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame, form: str, target: str, naming: str
) -> None:
    path = written(facility_layer(built_store, facilities, tmp_path), tmp_path, form, target, naming)
    regions = facility_world.regions()
    found = read_facilities(path, facility_type=None, datum=datum_of(target), regions=regions)
    back = found.frame.sort_values(["name", "lon"], ignore_index=True)
    pd.testing.assert_frame_equal(back[KEPT], facilities[KEPT], check_exact=True)
    off = (back[["lon", "lat"]] - facilities[["lon", "lat"]]).abs().to_numpy().max()
    assert off <= allowed(form, target)
    # The county that a row states is the one that it was found in.
    assert back["stated_adcode"].equals(facilities["adcode"])
    assert set(back["origin_source"]) == {LIST}
    assert back["id"].is_unique
    assert not set(back["id"]) & set(facilities["id"])
    assert (found.outside, found.misplaced, found.datum.suggested) == (1, 0, None)
    assert not [note for note in found.notes if "未导入" in note]


@pytest.mark.parametrize("form", ["gpkg", "shp", "csv", "xlsx"])
def test_facilities_that_come_back_into_their_list_are_the_same_ones(
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame, form: str
) -> None:
    layer = facility_layer(built_store, facilities, tmp_path)
    data_dir, regions = tmp_path / "var", facility_world.regions()
    answers = [
        import_facilities(
            written(layer, tmp_path, form, "EPSG:4490"),
            data_dir,
            facility_type=None,
            datum="cgcs2000",
            regions=regions,
            source=LIST,
        )
        for _ in range(2)
    ]
    back = load_imported_facilities(data_dir).sort_values(["name", "lon"], ignore_index=True)
    columns = [*KEPT, "id", "source", "origin_source"]
    pd.testing.assert_frame_equal(back[columns], facilities[columns], check_exact=True)
    assert [(one.added, one.unchanged, len(one.files)) for one in answers] == [
        (len(back), 0, 1),
        (0, len(back), 0),
    ]


def test_a_row_that_was_added_or_stands_twice_gets_an_id_of_its_own(
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame
) -> None:
    path = written(facility_layer(built_store, facilities, tmp_path), tmp_path, "csv", "EPSG:4490")
    head, first, *rest = path.read_text(encoding="utf-8-sig").splitlines()
    own = first.split(",")[0]
    added = [first, first.removeprefix(own), first.replace(own, "t00000000-000000000000", 1)]
    path.write_text("\n".join([head, first, *rest, *added, ""]), encoding="utf-8")
    regions = facility_world.regions()
    back = read_facilities(path, facility_type=None, datum="cgcs2000", regions=regions, source=LIST).frame
    assert back["id"].is_unique
    assert len(back) == len(facilities) + 3
    assert set(facilities["id"]) < set(back["id"])
    assert "t00000000-000000000000" not in set(back["id"])


def test_a_first_origin_outlives_the_second_list(
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame
) -> None:
    regions, frame = facility_world.regions(), facilities
    for title in ("第二份", "第三份"):
        path = written(facility_layer(built_store, frame, tmp_path), tmp_path, "gpkg", "EPSG:4490")
        frame = read_facilities(
            path, facility_type=None, datum="cgcs2000", regions=regions, source=title
        ).frame
        path.unlink()
    assert set(frame["origin_source"]) == {LIST}
    assert sorted(frame["origin_id"].dropna()) == sorted(facilities["origin_id"].dropna())


def test_places_in_encrypted_coordinates_are_not_taken_for_true_ones(
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame
) -> None:
    layer = facility_layer(built_store, facilities, tmp_path)
    gpkg = written(layer, tmp_path, "gpkg", "gcj02")
    with pytest.raises(FaultReport, match="没有坐标系信息"):
        read_facilities(gpkg, facility_type=None, datum="cgcs2000", regions=facility_world.regions())
    zone = written(layer, tmp_path, "shp", "EPSG:4549")
    back = read_facilities(zone, facility_type=None, datum="wgs84", regions=facility_world.regions()).frame
    back = back.sort_values(["name", "lon"], ignore_index=True)
    assert np.allclose(back[["lon", "lat"]], facilities[["lon", "lat"]], rtol=0, atol=DOUBLE_DEGREES)


def test_a_precision_that_is_none_is_a_fault(
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame
) -> None:
    layer = facility_layer(built_store, facilities, tmp_path)
    path = written(layer, tmp_path, "csv", "EPSG:4490")
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",seat,", ",大概,", 1), encoding="utf-8")
    with pytest.raises(FaultReport, match=r"“大概”不是点位精度.*surveyed") as told:
        read_facilities(path, facility_type=None, datum="cgcs2000", regions=facility_world.regions())
    assert len(told.value.faults) == 1


def test_a_datum_that_is_none_is_a_fault(
    built_store: Store, tmp_path: Path, facilities: pd.DataFrame
) -> None:
    path = written(facility_layer(built_store, facilities, tmp_path), tmp_path, "csv", "EPSG:4490")
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace(",wgs84,", ",北京54,", 1), encoding="utf-8")
    with pytest.raises(FaultReport, match=r"“北京54”不是坐标基准.*cgcs2000") as told:
        read_facilities(path, facility_type=None, datum="cgcs2000", regions=facility_world.regions())
    assert len(told.value.faults) == 1


# Indicators

TITLES = ("某局统计公报 2020", "=另一份《年鉴》, 第2卷")
FACTS = (
    ("320102", "常住人口", "2020", "540000", TITLES[0], ""),
    ("320104", "常住人口", "2020", "730000.125", TITLES[0], '=1+1 初步，"核"'),
    ("320105", "常住人口", "2020", "", TITLES[0], "尚未公布"),
    ("320106", "常住人口", "2020", "0.00001234", TITLES[1].removeprefix("="), "-"),
    ("320111", "常住人口", "2020", "123456789012.5", TITLES[1].removeprefix("="), ""),
    ("320100", "常住人口", "2020", "9300000", TITLES[0], ""),
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, built_store: Store) -> Path:
    """Return a data directory with values imported from two sources."""
    folder = tmp_path_factory.mktemp("values")
    path = folder / "表.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = [(*row[:5], f"'{row[5]}" if row[5].startswith("=") else row[5]) for row in FACTS]
        csv.writer(out).writerows([INDICATOR_HEADER, *rows])
    import_indicators(path, folder / "var", load_registry(), built_store.region_table())
    return folder / "var"


@pytest.mark.parametrize("naming", ["title", "name"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(("level", "count"), [("county", 5), ("prefecture", 1)])
def test_indicators_come_back(  # noqa: PLR0917 - four of them are what is tried
    built_store: Store, imported: Path, tmp_path: Path, form: str, naming: str, level: str, count: int
) -> None:
    facts, _ = load_imported_indicators(imported)
    held = Held(built_store, facts)
    settings = {"level": level, "year": "2020"}
    layer = make_layer(held, imported, "indicator.population", settings)  # type: ignore[arg-type]
    path = written(layer, tmp_path, form, "EPSG:4490", naming)
    found = check_indicators(path, imported, load_registry(), built_store.region_table())
    before = held.facts("population", year=2020, level=level).sort_values("adcode", ignore_index=True)
    back = found.rows.sort_values("adcode", ignore_index=True)
    assert len(back) == len(before) == count
    for name in ("adcode", "indicator", "year"):
        assert back[name].tolist() == before[name].tolist()
    assert back["source"].map(source_id).tolist() == before["source"].tolist()
    pd.testing.assert_series_equal(back["value"], before["value"], check_exact=True)
    why = before["note"].where(before["value"].notna(), before["reason"])
    assert back["note"].fillna("").tolist() == why.fillna("").tolist()
    assert any(f"{layer.rows - count} 行没有数据" in note for note in found.notes)
    again = import_indicators(path, imported, load_registry(), built_store.region_table())
    assert (again.rows, again.added, again.updated, again.unchanged) == (count, 0, 0, count)
    assert again.files == ()


@pytest.mark.parametrize("naming", ["title", "name"])
def test_built_in_values_come_back_under_a_source_of_their_own(
    built_store: Store, built_data_dir: Path, tmp_path: Path, naming: str
) -> None:
    layer = make_layer(built_store, built_data_dir, "indicator.population", {"level": "county"})
    path = written(layer, tmp_path, "csv", "EPSG:4490", naming)
    regions = built_store.region_table()
    with pytest.raises(FaultReport, match="是内置来源的名称"):
        check_indicators(path, tmp_path / "var", load_registry(), regions)
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace(",census_2020,", ",普查复核,"), encoding="utf-8")
    back = check_indicators(path, tmp_path / "var", load_registry(), regions).rows.set_index("adcode")
    before = built_store.facts("population", year=2020, level="county").set_index("adcode")
    assert len(back) == 95
    assert back["value"].to_dict() == before["value"].to_dict()
    assert set(back["source"]) == {"普查复核"}


def test_a_source_that_was_imported_elsewhere_is_told_once(
    built_store: Store, imported: Path, tmp_path: Path
) -> None:
    facts, _ = load_imported_indicators(imported)
    layer = make_layer(Held(built_store, facts), imported, "indicator.population")  # type: ignore[arg-type]
    path = written(layer, tmp_path, "xlsx", "EPSG:4490")
    with pytest.raises(FaultReport) as told:
        check_indicators(path, tmp_path / "var", load_registry(), built_store.region_table())
    assert [fault.column for fault in told.value.faults] == ["来源", "来源"]
    assert "没有导入过编号为“import_" in str(told.value)
    assert "改为资料名称" in str(told.value)


WORDS = st.text(st.sampled_from("甲乙丙丁人口率床位%/()（），ab12"), min_size=1, max_size=12)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    name, unit = f"自编{draw(WORDS)}", half_width(draw(WORDS))
    kind = draw(st.sampled_from(sorted(KINDS.values())))
    bounds = sorted(draw(st.tuples(*[st.floats(-1e12, 1e12, allow_subnormal=False)] * 2)))
    low, high = value_bounds(half_width(name), unit, kind) if draw(st.booleans()) else tuple(bounds)
    levels = draw(st.sets(st.sampled_from(sorted(LEVEL_OF_WORD.values()))))
    return Definition(
        id=draw(st.from_regex(r"[a-z][a-z0-9_]{5,20}", fullmatch=True)),
        name=half_width(name),
        unit=unit,
        direction=draw(st.sampled_from(sorted(DIRECTIONS.values()))),
        domain=half_width(draw(WORDS)),
        kind=kind,
        definition=draw(WORDS),
        numerator=draw(st.just("") | WORDS),
        denominator=draw(st.just("") | WORDS),
        decimals=draw(st.integers(0, 6)),
        minimum=low,
        maximum=high,
        levels=tuple(sorted(levels)),
    )


@given(defined=definitions())
def test_a_definition_written_out_reads_back_the_same(defined: Definition) -> None:
    head, *rows = definition_rows([defined])
    assert head == tuple(column.header for column in DEFINITION_COLUMNS)
    keys = [column.key for column in DEFINITION_COLUMNS]
    faults = FaultList("表.xlsx", "指标定义")
    frame = pd.DataFrame(rows, columns=keys)
    found = read_definitions(frame, dict(zip(keys, head, strict=True)), Catalogue(load_registry()), faults)
    faults.raise_if_any()
    assert found == [defined]
