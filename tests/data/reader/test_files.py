"""Every door through a reader of its own gives what its functions give in this process, faults too."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from data.faults import FaultReport
from data.ingest.boundaries import read_boundaries
from data.ingest.facilities import read_facilities
from data.ingest.indicators import check_indicators
from data.ingest.osm import read_extract
from data.ingest.osm_network import read_osm_network
from data.ingest.population import read_population
from data.ingest.sites import read_sites
from data.reader import files
from data.reader.files import Turns
from data.reader.sandbox import Walls
from data.registry import load_registry
from data.store.store import Store
from geo.errors import DataFaultError, ReaderBusyError, ReaderStoppedError
from layers.fonts import ROOMS
from tests.data.faulty import GOOD, changed, csv_text
from tests.data.osm_files import World
from tests.data.test_boundary_import import _frame as official_counties
from tests.data.test_boundary_import import _write as write_boundaries
from tests.data.test_population import _raster as write_raster
from tests.real_data import real_path

ROOT = Path(files.__file__).resolve().parents[2]
FACILITIES = (
    "名称,类型,等级,规模,经度,纬度,行政区划代码\n"
    "甲医院,综合医院,三级,500,118.7969,32.0603,320102\n甲 医院,综合医院,,,118.7970,32.0603,\n"
    "乙药店,药店,,,117.2,34.26,320102\n"
)


@pytest.fixture(scope="module")
def regions(built_store: Store) -> gpd.GeoDataFrame:
    return built_store.regions(zoom="full")


def text_file(folder: Path, text: str, name: str = "甲.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Assert that two frames hold the same, whichever way they hold missing text."""
    left, right = (frame.astype(object).where(frame.notna(), None) for frame in (one, other))
    pd.testing.assert_frame_equal(left, right, check_dtype=False)


def test_facilities(regions: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = text_file(tmp_path, FACILITIES)
    asked = {"datum": "gcj02", "facility_type": None, "source": "名录"}
    here = read_facilities(path, regions=regions, **asked)
    there = files.read_facility_file(path, tmp_path, regions, **asked)
    same(here.frame, there.frame)
    same(here.duplicates, there.duplicates)
    assert len(here.duplicates) == 1
    assert (here.title, here.datum, here.outside, here.misplaced, here.notes) == (
        there.title,
        there.datum,
        there.outside,
        there.misplaced,
        there.notes,
    )


@pytest.mark.parametrize("ending", ["gpkg", "geojson"])
def test_facilities_of_spatial_files(regions: gpd.GeoDataFrame, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"点.{ending}"
    points = gpd.points_from_xy([118.7, 118.8], [32.0, 32.1])
    gpd.GeoDataFrame({"名称": ["甲", "乙"]}, geometry=points, crs=4326).to_file(path)
    asked = {"datum": "wgs84", "facility_type": "hospital"}
    there = files.read_facility_file(path, None, regions, **asked)
    same(read_facilities(path, regions=regions, **asked).frame, there.frame)


def test_indicators(regions: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = text_file(tmp_path, csv_text(GOOD))
    here = check_indicators(path, tmp_path, load_registry(), pd.DataFrame(regions.drop(columns="geometry")))
    there = files.read_indicators(path, tmp_path, regions)
    same(here.rows, there.rows)
    assert (here.definitions, here.notes) == (there.definitions, there.notes)


def test_sites(regions: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = text_file(tmp_path, "名称,经度,纬度\n甲,118.8,32.05\n,118.9,32.06\n")
    assert files.read_site_file(path, regions, datum="bd09") == read_sites(
        path, datum="bd09", regions=regions
    )


def test_boundaries(tmp_path: Path) -> None:
    path = write_boundaries(tmp_path, official_counties())
    here = read_boundaries(path, "cgcs2000", source="测绘院")
    there = files.read_boundary_file(path, "cgcs2000", source="测绘院")
    assert here.frame.geometry.geom_equals_exact(there.frame.geometry, 0.0).all()
    assert there.frame.crs == here.frame.crs and here.notes == there.notes
    same(
        pd.DataFrame(here.frame.drop(columns="geometry")), pd.DataFrame(there.frame.drop(columns="geometry"))
    )


def test_population(regions: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "people.tif")
    here = read_population(path, load_registry(), regions.reset_index(drop=True))
    there = files.read_population_file(path, regions)
    pd.testing.assert_series_equal(here.people, there.people, check_names=False, check_index_type=False)
    assert (here.facts, here.sums, here.notes) == (there.facts, there.sums, there.notes)


def test_an_extract(built_store: Store, tmp_path: Path) -> None:
    counties = built_store.regions("county", zoom="full").reset_index()
    path = real_path("osm/xuzhou_facilities.osm.pbf")
    here, there = read_extract(path, tmp_path, counties), files.read_osm_file(path, tmp_path, counties)
    for name in ("located", "merges"):
        same(getattr(here, name), getattr(there, name))
    same(here.duplicates.pairs, there.duplicates.pairs)
    assert (here.duplicates.found, here.duplicates.notes) == (there.duplicates.found, there.duplicates.notes)
    assert len(there.located) == 451
    assert (here.digest, here.as_of, here.unplaced) == (there.digest, there.as_of, there.unplaced)
    assert set(here.layers) == set(there.layers)
    assert files.look_at_osm_file(path).size == path.stat().st_size


def test_what_the_tags_of_roads_said(built_store: Store, tmp_path: Path) -> None:
    counties = built_store.regions("county", zoom="full").reset_index()
    nodes = {1: (118.79, 32.03), 2: (118.8, 32.03, {"barrier": "bollard"}), 3: (118.81, 32.03)}
    ways = {1: ((1, 2), {"highway": "primary", "access": "居民"}), 2: ((2, 3), {"route": "ferry"})}
    path = World(nodes, ways).write(tmp_path / "told.osm.pbf")
    here, there = read_extract(path, tmp_path, counties), files.read_osm_file(path, tmp_path, counties)
    assert there.network.told == here.network.told
    assert there.network.told.unknown == (("access=居民", 1),)
    same(here.network.nodes, there.network.nodes)
    same(here.network.edges, there.network.edges)


def test_roads() -> None:
    path = real_path("osm/gusu_walk.osm.pbf")
    nodes, edges = read_osm_network(path)
    found = files.read_network_file(path)
    pd.testing.assert_frame_equal(nodes, found.nodes)
    pd.testing.assert_frame_equal(edges, found.edges)


def test_faults_are_the_same_here_and_there(regions: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = text_file(tmp_path, csv_text(changed(3, "数值", "约73万")))
    plain = pd.DataFrame(regions.drop(columns="geometry"))
    with pytest.raises(FaultReport) as here:
        check_indicators(path, tmp_path, load_registry(), plain)
    with pytest.raises(FaultReport) as there:
        files.read_indicators(path, tmp_path, regions)
    assert there.value.faults == here.value.faults


def test_a_file_that_is_none_is_said(regions: gpd.GeoDataFrame, tmp_path: Path) -> None:
    for path in (tmp_path / "无.csv", tmp_path):
        with pytest.raises(FaultReport, match="不存在或不是普通文件"):
            files.read_site_file(path, regions, datum="wgs84")


VRT = (
    "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{source}</SrcDataSource>{sql}"
    "</OGRVRTLayer></OGRVRTDataSource>"
)


@pytest.mark.parametrize("lead", ["{}", "{}\n", '{"type":"FeatureCollection","features":[]}', ""])
def test_a_virtual_file_opens_nothing(regions: gpd.GeoDataFrame, tmp_path: Path, lead: str) -> None:
    """The way in that this package closes: a VRT in a file that calls itself GeoJSON."""
    source, target = tmp_path / "at_hand.gpkg", tmp_path / "planted.pth"
    gpd.GeoDataFrame(geometry=gpd.points_from_xy([118.8], [32.0]), crs=4326).to_file(source)
    sql = f"<SrcSQL>VACUUM INTO '{target}'</SrcSQL>"
    path = text_file(tmp_path, lead + VRT.format(source=source, sql=sql), "点.geojson")
    with pytest.raises(DataFaultError):
        files.read_facility_file(path, None, regions, datum="wgs84", facility_type="hospital")
    assert not target.exists()


def test_the_walls_stand_around_real_readers() -> None:
    around = files.walls()
    assert around.network == "namespace" and around.landlock >= 1
    assert around.words() == f"没有网络，只能读写自己的文件（Landlock {around.landlock}）"


def test_what_a_system_does_not_give_is_said() -> None:
    words = Walls("none", 0).words()
    assert "不给独立的网络空间" in words and "没有 Landlock" in words


OPENERS = {
    "check_extract",
    "check_indicators",
    "import_boundaries",
    "import_facilities",
    "import_indicators",
    "import_osm",
    "import_population_raster",
    "list_layers",
    "read_boundaries",
    "read_csv_rows",
    "read_extract",
    "read_facilities",
    "read_osm_network",
    "read_population",
    "read_sites",
    "read_table",
    "read_vector",
    "read_vector_table",
    "read_xlsx_rows",
    "scan_network",
    "stage_boundaries",
}


def test_nobody_else_opens_what_people_hand_over() -> None:
    """Pages, commands and analyses go through ``data.reader``; only its jobs call what opens a file."""
    guilty = []
    for folder in (*ROOMS, "commands"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT).as_posix()
            if inner.startswith(("data/ingest/", "data/reader/jobs/")):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("data.ingest"):
                    guilty += [f"{inner}: {one.name}" for one in node.names if one.name in OPENERS]
    assert guilty == []


def always() -> bool:
    return True


class Visitor:
    """Somebody with a file: takes a turn in a thread of its own, and holds it until it is let go."""

    def __init__(self, turns: Turns, order: list[str], name: str) -> None:
        self.told: list[int] = []
        self.heard = threading.Event()
        self.inside = threading.Event()
        self.go = threading.Event()
        self.wanted = True
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self._wait, args=(turns, order, name))
        self.thread.start()

    def _wait(self, turns: Turns, order: list[str], name: str) -> None:
        try:
            with turns.turn(self._tell, lambda: self.wanted):
                order.append(name)
                self.inside.set()
                assert self.go.wait(60)
        except Exception as fault:
            self.fault = fault

    def _tell(self, ahead: int) -> None:
        self.told.append(ahead)
        self.heard.set()

    def await_told(self, ahead: int) -> None:
        """Wait until it was told last that so many are ahead."""
        for _ in range(6000):
            if self.told[-1] == ahead:
                return
            threading.Event().wait(0.01)
        raise AssertionError(self.told)

    def leave(self) -> None:
        self.go.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


def test_they_are_served_in_the_order_in_which_they_came() -> None:
    turns, order = Turns(1, 10), []
    first = Visitor(turns, order, "a")
    assert first.inside.wait(60)
    others = []
    for name in "bcd":
        others.append(Visitor(turns, order, name))
        assert others[-1].heard.wait(60)
    assert turns.waiting == 3 and turns.running == 1
    assert [one.told[0] for one in others] == [1, 2, 3]
    for ahead, one in zip((3, 2, 1, 1), (first, *others), strict=True):
        assert one.inside.wait(60)
        assert turns.running == 1
        others[-1].await_told(ahead)
        one.leave()
    assert order == list("abcd")
    assert others[-1].told == [3, 2, 1]
    assert turns.running == turns.waiting == 0


def test_no_more_than_its_number_are_inside() -> None:
    turns, order = Turns(2, 10), []
    inside = [Visitor(turns, order, name) for name in "ab"]
    assert all(one.inside.wait(60) for one in inside)
    third = Visitor(turns, order, "c")
    assert third.heard.wait(60) and not third.inside.is_set()
    inside[1].leave()
    assert third.inside.wait(60)
    for one in (inside[0], third):
        one.leave()


def test_whoever_is_called_off_leaves_the_queue() -> None:
    turns, order = Turns(1, 10), []
    first, second, third = (Visitor(turns, order, name) for name in ("a", "b", "c"))
    assert first.inside.wait(60) and second.heard.wait(60) and third.heard.wait(60)
    second.wanted = False
    second.thread.join(60)
    assert isinstance(second.fault, ReaderStoppedError)
    first.leave()
    assert third.inside.wait(60)
    third.leave()
    assert order == ["a", "c"]


def test_a_full_queue_refuses_in_words() -> None:
    turns, order = Turns(1, 1), []
    first, second = Visitor(turns, order, "a"), None
    assert first.inside.wait(60)
    second = Visitor(turns, order, "b")
    assert second.heard.wait(60)
    with pytest.raises(ReaderBusyError, match="同时读取的文件太多"), turns.turn(lambda _ahead: None, always):
        pass
    first.leave()
    second.leave()


def test_a_fault_inside_gives_the_place_back() -> None:
    turns = Turns(1, 1)
    with pytest.raises(ZeroDivisionError), turns.turn(lambda _ahead: None, always):
        raise ZeroDivisionError
    with turns.turn(lambda _ahead: None, always):
        assert turns.running == 1
