"""设施覆盖: its figures are those of the engine and of the command line, and nothing is solved twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import analysis.coverage
from analysis.coverage import PARTLY, CoverageRequest
from analysis.runs import list_runs, read_result, result_digest
from cli import app as command_line
from data.builder.build import build_store
from data.ingest.osm import import_osm
from data.registry.facility_models import load_facility_types
from data.store.store import Store, open_store
from geo.clusters import uncovered_clusters
from geo.coverage import GROUPS, cumulative_curve
from layers.charts.coverage import percent
from layers.geopackage import geopackage_bytes
from pages.coverage import map as coverage_map
from pages.coverage.answers import CoverageAnswers, coverage_answers
from pages.coverage.choice import CoverageChoice
from pages.coverage.downloads import figures_table, gis_layers
from pages.coverage.map import map_theme, region_layer
from pages.coverage.panels import clusters_table, compared, gap_words, sensitivity_rows, urban_rural
from pages.shared import study
from pages.shared.cached import cell_size_m, region_frame, regions_inside
from tests.made_once import RUNS
from tests.pages.running import assert_calm, link, start, text_of
from tests.real_data import real_path

pytestmark = pytest.mark.xdist_group("coverage_page")
MODULE = "pages.coverage.page"


@pytest.fixture(scope="module")
def folder(built_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with the facilities of Xuzhou imported."""
    own = Path(shutil.copytree(built_data_dir, tmp_path_factory.mktemp("coverage") / "data", ignore=RUNS))
    take_in("osm/xuzhou_facilities.osm.pbf", own)
    build_store(own)
    return own


@pytest.fixture
def streets(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the page at a data directory that has the walkable streets of 姑苏区 besides."""
    own = Path(shutil.copytree(folder, tmp_path / "streets"))
    take_in("osm/gusu_walk.osm.pbf", own)
    monkeypatch.setenv("SUTU_DATA_DIR", str(own))
    return own


def take_in(extract: str, folder: Path) -> None:
    counties = open_store(folder).regions("county", zoom="full").reset_index(drop=True)
    import_osm(real_path(extract), folder, counties)


@pytest.fixture(autouse=True)
def environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SUTU_DATA_DIR", str(folder))
    yield


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return open_store(folder)


def command(*arguments: object) -> list[dict[str, Any]]:
    """Return the rows that ``sutu coverage`` prints."""
    line = ["coverage", *map(str, arguments), "--format", "json"]
    result = CliRunner().invoke(command_line, line)
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    assert isinstance(rows, list)
    return rows


def choice_of(facility: str = "general_hospital", **changes: object) -> CoverageChoice:
    asked = {"mode": "drive", "within": "320000", "origin": "auto"}
    request = CoverageRequest(
        types=analysis.coverage.covered_types([facility]),
        **{name: changes.pop(name, default) for name, default in asked.items()},  # type: ignore[arg-type]
    )
    kind = load_facility_types()[facility]
    rest = {
        "minutes": 30.0,
        "group": "population",
        "level": "county",
        "region": None,
        "view": "surface",
        "places": 10,
    }
    return CoverageChoice(request, kind, **{**rest, **changes})  # type: ignore[arg-type]


def solved(store: Store, choice: CoverageChoice) -> CoverageAnswers:
    return coverage_answers(store, choice.request, lambda _step: None)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in app.metric}


# The same figures as elsewhere -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        ("general_hospital", "drive", 30, "population", "county", "320000"),
        ("elder_care_centre", "ebike", 15, "age_65_plus", "prefecture", "320000"),
        ("township_health_centre", "straight", 40, "rural", "economic_region", "320000"),
        ("library", "walk", 15, "age_6_14", "province", "320000"),
        ("hospital", "straight", 15, "population", "county", "320300"),
    ],
)
def test_the_table_is_the_one_of_the_command_line(
    store: Store, asked: tuple[str, str, float, str, str, str]
) -> None:
    assert_same_as_command(store, *asked)


def test_walking_over_real_streets_is_the_same_on_the_page_and_by_command(streets: Path) -> None:
    asked = ("community_health_centre", "walk", 15, "age_80_plus", "county", "320508")
    (row,) = assert_same_as_command(open_store(streets), *asked)
    assert 0.0 < row["population_coverage"] < 1.0


def assert_same_as_command(store: Store, *asked: Any) -> list[dict[str, Any]]:
    """Assert that the page's table has the rows that the command prints, and return those."""
    facility, mode, minutes, group, level, within = asked
    choice = choice_of(facility, mode=mode, minutes=float(minutes), group=group, level=level, within=within)
    shown = figures_table(store, choice, solved(store, choice)).set_index("代码")
    rows = command(
        *("--type", facility, "--mode", mode, "--minutes", minutes),
        *("--group", group, "--by", level, "--within", within),
    )
    assert set(shown.index) == {row["adcode"] for row in rows}
    for row in rows:
        own = shown.loc[row["adcode"]]
        assert own["人口"] == row["population"] and own["覆盖人口"] == row["covered_population"]
        assert own["覆盖面积（平方公里）"] == row["covered_area_km2"]
        for column, key in (("人口覆盖率（%）", "population_coverage"), ("面积覆盖率（%）", "area_coverage")):
            if row[key] is None:
                assert np.isnan(own[column])
            else:
                assert own[column] == row[key] * 100.0
        assert own["近省界"] == ("是" if row["edge"] else "")
    return rows


def test_xuzhou_has_its_ten_counties_and_the_imported_hospitals(store: Store) -> None:
    choice = choice_of("hospital", mode="straight", minutes=15.0, within="320300")
    answers = solved(store, choice)
    assert len(figures_table(store, choice, answers)) == 10
    assert not answers.analysis.implied
    assert study.banner(answers.analysis) is None
    assert answers.analysis.facilities["adcode"].str.startswith("3203").all()


def test_the_figures_beside_the_map_are_those_of_the_command_line() -> None:
    app = start(MODULE, facility="general_hospital", mode="drive", minutes="30", group="age_65_plus")
    (row,) = command(
        *("--type", "general_hospital", "--mode", "drive", "--minutes", 30),
        *("--group", "age_65_plus", "--by", "province"),
    )
    shown = metrics(app)
    assert shown["人口覆盖率"] == percent(row["population_coverage"])
    assert shown["面积覆盖率"] == percent(row["area_coverage"])
    assert shown["覆盖人口"] == f"{row['covered_population'] / 1e4:,.2f} 万人"
    assert shown["未覆盖人口"] == f"{(row['population'] - row['covered_population']) / 1e4:,.2f} 万人"
    assert shown["平均 / 中位分钟"] == f"{row['mean_minutes']:.1f} / {row['median_minutes']:.1f}"


def test_a_region_looked_at_shows_its_own_figures() -> None:
    app = start(MODULE, region="320302", minutes="20")
    rows = command("--type", "general_hospital", "--mode", "drive", "--minutes", 20, "--by", "county")
    row = next(row for row in rows if row["adcode"] == "320302")
    assert metrics(app)["人口覆盖率"] == percent(row["population_coverage"])
    assert "鼓楼区" in text_of(app)


# The slider ------------------------------------------------------------------------------------------------


def test_moving_the_slider_solves_nothing_and_gives_the_figures_of_the_engine(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = start(MODULE, minutes="30")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the travel times were solved again")

    monkeypatch.setattr(analysis.coverage.CoverageAnalysis, "_solve", refuse)
    monkeypatch.setattr("pages.coverage.answers.prepare_coverage", refuse)
    answers = solved(store, choice_of())
    for minutes in (10, 45, 120, 1):
        app.slider(key="choice_minutes").set_value(minutes).run()
        assert_calm(app)
        row = answers.analysis.table(float(minutes), level="province").iloc[0]
        assert metrics(app)["人口覆盖率"] == percent(row["population_coverage"])
        assert link(app)["minutes"] == str(minutes)


def test_the_threshold_changes_one_image_and_leaves_the_other(store: Store) -> None:
    themes = [
        map_theme(store, choice, solved(store, choice), region_layer(store, choice, solved(store, choice)))
        for choice in (choice_of(minutes=30.0), choice_of(minutes=31.0))
    ]
    before, after = ({image["name"]: image["url"] for image in theme.overlays["images"]} for theme in themes)
    assert before["minutes"] == after["minutes"] and before["threshold"] != after["threshold"]
    assert themes[0].overlays["points"] == themes[1].overlays["points"]
    assert themes[0].spec["shapes"] == themes[1].spec["shapes"]


def test_answers_are_shared_and_kept(store: Store) -> None:
    choice = choice_of()
    assert solved(store, choice) is solved(store, choice_of(minutes=50.0))
    answers = solved(store, choice)
    assert answers.table(30.0, "county", "population") is answers.table(30.0, "county", "population")
    assert answers.minutes_png() is answers.minutes_png()


# What else the panels say ----------------------------------------------------------------------------------


def test_clusters_are_those_of_the_engine_for_every_group(store: Store) -> None:
    answers = solved(store, choice_of())
    analysis = answers.analysis
    for group in GROUPS:
        own = answers.clusters(20.0, group)
        truth = uncovered_clusters(
            analysis.cells, analysis.travel, 20.0, cell_size_m=cell_size_m(store), group=group
        )
        pd.testing.assert_frame_equal(own.table, truth.table, check_dtype=False)
        assert (own.label == truth.label).all()


def test_the_clusters_hold_everybody_who_is_not_covered(store: Store) -> None:
    choice = choice_of(minutes=20.0, group="age_60_plus")
    answers = solved(store, choice)
    province = answers.table(20.0, "province", "age_60_plus").iloc[0]
    rows = clusters_table(store, choice, answers)
    assert rows.iloc[:, 1].sum() == province["population"] - province["covered_population"]
    assert rows["位次"].tolist() == list(range(1, len(rows) + 1))


def test_curves_pass_through_the_table(store: Store) -> None:
    choice = choice_of(minutes=37.0)
    answers = solved(store, choice)
    for adcode in compared(store, choice):
        curve = answers.curve(adcode, "population").set_index("minutes")
        level = store.region_table().loc[adcode, "level"]
        row = answers.table(37.0, level, "population").set_index("adcode").loc[adcode]
        assert curve.loc[37.0, "population_coverage"] == row["population_coverage"]
        truth = cumulative_curve(answers.analysis.profile("population"), adcode, [37.0])
        assert curve.loc[37.0, "area_coverage"] == truth["area_coverage"].iloc[0]


def test_sensitivity_is_around_the_figure_itself(store: Store) -> None:
    choice = choice_of(region="320302", minutes=30.0)
    answers = solved(store, choice)
    rows = sensitivity_rows(store, choice, answers)
    assert len(rows) == 9 and set(rows["adcode"]) == {"320302"}
    own = rows[(rows["speed_factor"] == 1.0) & (rows["threshold_minutes"] == 30.0)].iloc[0]
    table = answers.table(30.0, "county", "population").set_index("adcode")
    assert own["population_coverage"] == table.loc["320302", "population_coverage"]
    faster = rows[(rows["speed_factor"] == 1.2) & (rows["threshold_minutes"] == 30.0)].iloc[0]
    longer = rows[(rows["speed_factor"] == 1.0) & (rows["threshold_minutes"] == 36.0)].iloc[0]
    assert faster["population_coverage"] == pytest.approx(longer["population_coverage"], abs=1e-9)


def test_gaps_name_the_best_and_the_worst(store: Store) -> None:
    answers = solved(store, choice_of())
    rows = answers.table(30.0, "economic_region", "population").set_index("adcode")
    best = rows["population_coverage"].idxmax()
    words = gap_words(rows.reset_index())
    assert words.startswith(f"最高 {rows.loc[best, 'name']} {percent(rows.loc[best, 'population_coverage'])}")
    both = urban_rural(choice_of(), answers, "economic_region").set_index("adcode")
    assert (
        both.loc[best, "urban_coverage"]
        == (
            answers.table(30.0, "economic_region", "urban")
            .set_index("adcode")
            .loc[best, "population_coverage"]
        )
    )
    assert gap_words(rows.reset_index().iloc[:1]).startswith("不能比较")


def test_gaps_name_all_that_share_an_end() -> None:
    rows = pd.DataFrame(
        {
            "adcode": ["320300", "320200", "320100", "320400"],
            "name": ["丙市", "乙市", "甲市", "丁市"],
            "population_coverage": [1.0, 0.5, 1.0, np.nan],
        }
    )
    assert (
        gap_words(rows) == "最高 甲市、丙市 100.0%，最低 乙市 50.0%，相差 50.0 个百分点，最高是最低的 2.00 倍"
    )
    assert gap_words(rows.assign(population_coverage=0.5)) == "4 个地区相同，都是 50.0%"


@pytest.mark.parametrize(
    ("panel", "within"),
    [
        *((panel, "320000") for panel in ("curve", "people", "gaps", "equity", "sensitivity", "table")),
        ("equity", "320300"),
        ("curve", "320302"),
        ("equity", "320302"),
    ],
)
def test_every_panel_draws_for_province_prefecture_and_county(panel: str, within: str) -> None:
    app = start(MODULE, coverage_panel=panel, within=within, map_view="regions")
    assert link(app)["coverage_panel"] == panel
    assert metrics(app)["人口覆盖率"].endswith("%")


@pytest.mark.parametrize("group", [*(["all"]), *(key for key in GROUPS if key != "population")])
def test_every_group_draws(group: str) -> None:
    assert metrics(start(MODULE, group=group))["人口覆盖率"].endswith("%")


# What must be said -----------------------------------------------------------------------------------------


def test_implied_facilities_are_said_to_be_so() -> None:
    app = start(MODULE, facility="general_hospital")
    (banner,) = [box.value.replace("\\", "") for box in app.warning]
    assert "推定点位 95 处" in banner and "不是实测位置" in banner and "数据导入" in banner


def test_a_straight_line_is_called_one(store: Store) -> None:
    straight = solved(store, choice_of(mode="straight")).analysis
    words = coverage_map.subtitle(choice_of(mode="straight"), straight)
    assert "直线距离 × 1.3，4.8 公里/小时" in words and "阈值 30 分钟" in words and "推定" in words
    walked = solved(store, choice_of(mode="walk")).analysis
    assert "按步行速度估算，直线距离" in coverage_map.subtitle(choice_of(mode="walk"), walked)


def test_a_road_is_called_one_and_its_source_is_named(streets: Path) -> None:
    store = open_store(streets)
    choice = choice_of("community_health_centre", mode="walk", within="320508", minutes=15.0)
    roads = solved(store, choice).analysis
    assert roads.travel.method == "network"
    # Some cells of the district lie off its streets: the map's line says so, and calls the rest roads.
    assert roads.travel.straight.any() and not roads.travel.straight.all()
    assert f"步行，路网{PARTLY}" in coverage_map.subtitle(choice, roads)
    assert "直线距离" not in coverage_map.subtitle(choice, roads)
    origin = study.origin_of(store, roads)
    assert "OpenStreetMap" in origin.source_text and "人口普查" in origin.source_text


def test_a_mode_without_roads_of_its_own_goes_straight_and_says_so(streets: Path) -> None:
    app = run(facility="general_hospital", mode="drive")
    assert not app.error
    assert "没有导入路网（已导入的道路都不通行小汽车）" in text_of(app)


def test_the_unreachable_are_reported_apart(store: Store) -> None:
    choice = choice_of("hospital", mode="straight", minutes=15.0, within="320000")
    answers = solved(store, choice)
    row = answers.table(15.0, "province", "population").iloc[0]
    assert row["unreachable_population"] > 1e6
    app = start(MODULE, facility="hospital", mode="straight", minutes="15")
    assert metrics(app)["不可达人口"] == f"{row['unreachable_population'] / 1e4:,.2f} 万人"
    assert any("没有点位" in note for note in study.notes(store, answers.analysis))


def test_people_near_the_border_are_told() -> None:
    rows = command("--type", "general_hospital", "--mode", "drive", "--minutes", 30, "--by", "county")
    people = sum(row["edge_population"] for row in rows)
    everybody = sum(row["population"] for row in rows)
    assert 0 < people < everybody and sum(row["edge"] for row in rows)
    told = f"{people:,.0f} 人（{people / everybody:.1%}）住在离省界不到 30 分钟路程处，省外没有给出设施"
    assert told in text_of(start(MODULE, mode="drive", minutes="30"))


def test_a_question_without_an_answer_keeps_the_controls() -> None:
    app = run(facility="general_hospital", origin="imported")
    assert len(app.error) == 1 and "没有类型为 general_hospital 的设施" in app.error[0].value.replace(
        "\\", ""
    )
    app.selectbox(key="choice_origin").set_value("implied").run()
    assert_calm(app)
    assert metrics(app)["人口覆盖率"].endswith("%")


def run(**address: str) -> AppTest:
    """Return the page after its first run, whatever it says."""
    script = (
        "from pages.shared import choices\n"
        "from pages.coverage.page import page\nchoices.begin()\npage()\nchoices.finish()\n"
    )
    app = AppTest.from_string(script, default_timeout=60)
    for name, text in address.items():
        app.query_params[name] = text
    return app.run()


def test_another_type_brings_its_own_threshold_and_mode() -> None:
    app = start(MODULE, facility="general_hospital")
    app.selectbox(key="choice_facility").set_value("township_health_centre").run()
    kind = load_facility_types()["township_health_centre"]
    assert app.slider(key="choice_minutes").value == kind.minutes
    assert app.selectbox(key="choice_mode").value == kind.mode


def test_a_link_opens_the_same_view() -> None:
    asked = {
        "facility": "elder_care_centre",
        "mode": "ebike",
        "group": "age_65_plus",
        "within": "320300",
        "minutes": "22",
        "map_view": "regions",
        "level": "county",
        "region": "320312",
        "origin": "implied",
        "places": "5",
        "coverage_panel": "gaps",
    }
    assert link(start(MODULE, **asked)) == asked


# To take away ----------------------------------------------------------------------------------------------


def test_a_recorded_run_is_replayed_with_the_same_numbers(folder: Path) -> None:
    app = start(
        MODULE, facility="elder_care_centre", mode="ebike", minutes="20", group="rural", level="prefecture"
    )
    button = next(button for button in app.button if button.label == "记录本次计算")
    button.click().run()
    assert_calm(app)
    run = list_runs(folder)[0]
    assert run.id in text_of(app)
    result = CliRunner().invoke(command_line, ["replay", run.id])
    assert result.exit_code == 0, result.stderr
    assert "完全一致" in result.stderr
    rows = command(
        *("--type", "elder_care_centre", "--mode", "ebike", "--minutes", 20),
        *("--group", "rural", "--by", "prefecture"),
    )
    by_command = list_runs(folder)[0]
    assert by_command.id != run.id and by_command.digest == run.digest
    assert by_command.parameters == run.parameters
    assert result_digest(read_result(folder, run)) == run.digest and len(rows) == 13


def test_the_number_of_a_run_goes_when_the_question_changes() -> None:
    app = start(MODULE)
    next(button for button in app.button if button.label == "记录本次计算").click().run()
    assert "运行编号" in text_of(app)
    app.slider(key="choice_minutes").set_value(33).run()
    assert "运行编号" not in text_of(app)


def test_the_geopackage_holds_the_figures_and_the_facilities(store: Store, tmp_path: Path) -> None:
    choice = choice_of(level="prefecture")
    answers = solved(store, choice)
    path = tmp_path / "own.gpkg"
    path.write_bytes(geopackage_bytes(gis_layers(store, choice, answers)))
    out = tmp_path / "command.gpkg"
    result = CliRunner().invoke(
        command_line,
        [
            *("coverage", "--type", "general_hospital", "--mode", "drive", "--minutes", "30"),
            *("--by", "prefecture", "--format", "gpkg", "--out", str(out)),
        ],
    )
    assert result.exit_code == 0, result.stderr
    for layer in ("coverage", "facilities"):
        own, other = (gpd.read_file(file, layer=layer) for file in (path, out))
        assert own.crs == other.crs and len(own) == len(other) > 0
        pd.testing.assert_frame_equal(
            pd.DataFrame(own.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
        )
        assert own.geometry.geom_equals(other.geometry).all()


def test_regions_inside_are_those_below_in_the_region_table(store: Store) -> None:
    table = store.region_table()
    assert regions_inside(store, "320000", "county") == table.index[table["level"] == "county"].tolist()
    assert regions_inside(store, "320300", "county") == [
        code for code in table.index[table["level"] == "county"] if code.startswith("3203")
    ]
    assert regions_inside(store, "320300", "prefecture") == ["320300"]
    assert regions_inside(store, "320302", "province") == []


@pytest.mark.parametrize(
    ("within", "zoom"),
    [("320000", "province"), ("320S00", "province"), ("320300", "prefecture"), ("320302", "county")],
)
def test_borders_are_as_fine_as_what_is_looked_at(store: Store, within: str, zoom: str) -> None:
    drawn = region_frame(store, within, "county")
    wanted = store.regions("county", zoom=zoom).loc[drawn.index]
    assert len(drawn) == {"320000": 95, "320S00": 39, "320300": 10, "320302": 1}[within]
    assert shapely.equals_identical(drawn.geometry, wanted.geometry).all()
    for other in {"province", "prefecture", "county"} - {zoom}:
        borders = store.regions("county", zoom=other).loc[drawn.index].geometry
        assert not shapely.equals_identical(drawn.geometry, borders).any()


def test_every_note_of_the_page_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis: Any = SimpleNamespace(notes=("甲", "乙", "甲"))
    monkeypatch.setattr(study, "store_meta", lambda _store: {"population_note": "格网为推算"})
    store: Any = None
    assert study.notes(store, analysis) == ["甲", "乙", "格网为推算"]
    monkeypatch.setattr(study, "store_meta", lambda _store: {})
    assert study.notes(store, analysis) == ["甲", "乙"]
