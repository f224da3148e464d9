"""供需匹配 and 应配与缺口: real facilities of Xuzhou, the same figures on the page and by the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from analysis.catchment import CatchmentRequest, prepare_catchment
from analysis.coverage import covered_types
from analysis.given import gather
from analysis.run_kinds import rerun
from analysis.runs import list_runs, result_digest
from analysis.standards import prepare_standards
from cli import app as command_line
from data.builder.build import build_store
from data.ingest.osm import import_osm
from data.registry.facility_models import load_facility_types
from data.store.store import Store, open_store
from layers.charts.base import bar_ranking
from layers.charts.services import group_chart, lorenz_chart
from pages.standards import panels as standards_tables
from pages.standards import panels as standards_views
from pages.standards.choice import StandardsChoice
from pages.supply import map as supply_map
from pages.supply import panels as supply_tables
from pages.supply.answers import SupplyAnswers
from pages.supply.choice import SupplyChoice
from tests.made_once import RUNS
from tests.pages.running import SCRIPT, link, start, text_of
from tests.real_data import real_path

pytestmark = pytest.mark.xdist_group("supply_pages")
SUPPLY, STANDARDS = "pages.supply.page", "pages.standards.page"
XUZHOU = {"within": "320300", "origin": "imported"}


@pytest.fixture(scope="module")
def folder(built_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with the facilities of Xuzhou imported."""
    own = Path(shutil.copytree(built_data_dir, tmp_path_factory.mktemp("supply") / "data", ignore=RUNS))
    counties = open_store(own).regions("county", zoom="full").reset_index(drop=True)
    import_osm(real_path("osm/xuzhou_facilities.osm.pbf"), own, counties)
    build_store(own)
    return own


@pytest.fixture(autouse=True)
def environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(folder))


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return open_store(folder)


def command(*arguments: object) -> list[dict[str, Any]]:
    result = CliRunner().invoke(command_line, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def metrics(app: Any) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in app.metric}


def choice_of(facility: str = "hospital", **changes: Any) -> SupplyChoice:
    request = CatchmentRequest(
        types=covered_types([facility]), minutes=30.0, mode="drive", within="320300", origin="imported"
    )
    rest = {"level": "county", "region": None, "view": "surface", **changes}
    return SupplyChoice(request, load_facility_types()[facility], **rest)


@pytest.fixture(scope="module")
def answers(store: Store, folder: Path) -> SupplyAnswers:
    """Return the answer to `choice_of`."""
    return SupplyAnswers(prepare_catchment(gather(store, folder), choice_of().request))


# 供需匹配 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facility", ["hospital", "school", "park", "sports"])
def test_access_in_xuzhou_is_the_same_on_the_page_and_by_the_command(
    store: Store, folder: Path, facility: str
) -> None:
    rows = command(
        *("catchment", "--type", facility, "--minutes", 30, "--mode", "drive", "--within", "320300"),
        *("--origin", "imported"),
    )
    answers = SupplyAnswers(prepare_catchment(gather(store, folder), choice_of(facility).request))
    shown = supply_tables.figures_table(store, choice_of(facility), answers).set_index("代码")
    assert len(rows) == 10
    for row in rows:
        told = shown.loc[row["adcode"]]
        assert told["可及性（处/十万人）"] == row["access"]
        assert told["无服务人口"] == row["unserved_population"]
        assert told["基尼系数"] == pytest.approx(row["gini"], nan_ok=True)
    whole = answers.analysis.region("320300")
    app = start(SUPPLY, facility=facility, minutes="30", mode="drive", level="county", **XUZHOU)
    assert metrics(app)["可及性"] == f"{whole['access']:,.{answers.decimals}f}"
    assert metrics(app)["无服务占比"] == f"{whole['unserved_share'] * 100:.1f}%"
    assert "推定点位" not in text_of(app)


def test_every_choice_stands_in_the_address_and_opens_again() -> None:
    asked = {
        "facility": "hospital",
        "minutes": "45",
        "mode": "straight",
        "demand": "age_65_plus",
        "method": "3sfca",
        "measure": "count",
        "supply_view": "regions",
        "level": "prefecture",
        "supply_panel": "load",
        **XUZHOU,
    }
    app = start(SUPPLY, **asked)
    assert asked.items() <= link(app).items()
    assert "三步移动搜索法" in text_of(app) and "65岁及以上" in text_of(app)


def test_a_region_looked_at_has_its_own_figures(answers: SupplyAnswers) -> None:
    app = start(SUPPLY, facility="hospital", minutes="30", mode="drive", region="320311", **XUZHOU)
    row = answers.analysis.region("320311")
    assert metrics(app)["基尼系数"] == f"{row['gini']:.3f}"
    assert "泉山区" in text_of(app)


def test_a_run_is_recorded_and_gives_the_same_again(folder: Path, store: Store) -> None:
    app = start(SUPPLY, facility="hospital", minutes="30", mode="drive", **XUZHOU)
    [button] = [one for one in app.button if one.label == "记录本次计算"]
    button.click().run()
    run = next(one for one in list_runs(folder) if one.kind == "catchment")
    assert run.id in text_of(app)
    assert result_digest(rerun(gather(store, folder), run)) == run.digest


def test_no_capacity_is_said_and_is_no_exception() -> None:
    app = AppTest.from_string(SCRIPT.format(module=SUPPLY), default_timeout=60)
    for name, text in {"facility": "hospital", "measure": "capacity", **XUZHOU}.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    assert "没有规模" in app.error[0].value


def test_implied_facilities_are_told_above_the_map() -> None:
    app = start(SUPPLY, facility="general_hospital", origin="implied")
    assert any("推定点位 95 处" in box.value for box in app.warning)


def test_the_map_holds_surface_points_and_key(store: Store, answers: SupplyAnswers) -> None:
    choice = choice_of()
    layer = supply_map.region_layer(store, choice, answers)
    theme = supply_map.map_theme(store, choice, answers, layer)
    assert [image["name"] for image in theme.overlays["images"]] == ["access"]
    assert sum(theme.overlays["points"]["counts"].values()) == len(answers.analysis.facilities)
    assert "没有服务" in theme.overlays["legend"]["unreachable"]
    assert len(theme.overlays["legend"]["classes"]) == len(answers.classes.breaks)
    flat = supply_map.map_theme(store, choice_of(view="regions"), answers, layer)
    assert flat.overlays["images"] == [] and flat.overlays["legend"] is None


def test_charts_are_valid_vega(store: Store, answers: SupplyAnswers) -> None:
    choice = choice_of(region="320311")
    groups = answers.analysis.groups("320311").assign(who="某人群")
    charts = (
        lorenz_chart(answers.lorenz("320311"), 0.4, name="泉山区"),
        lorenz_chart(answers.lorenz("320311").iloc[:0], float("nan"), name="泉山区"),
        group_chart(groups, unit="处/十万人", decimals=2),
        bar_ranking(supply_map.region_layer(store, choice, answers)),
    )
    for drawn in charts:
        described = drawn.to_dict(validate=True)
        assert {"layer", "mark", "hconcat", "vconcat"} & set(described), "something is drawn"


def test_the_load_of_facilities_is_ordered_by_crowding(store: Store, answers: SupplyAnswers) -> None:
    rows = supply_tables.load_table(store, choice_of(), answers)
    ratio = rows["供需比（处/十万人）"].dropna()
    assert len(rows) == len(answers.analysis.facilities) and ratio.is_monotonic_increasing
    assert set(rows["位置"]) == {"实测"}


# 应配与缺口 -------------------------------------------------------------------------------------------------


def standards_choice(standard: str, **changes: Any) -> StandardsChoice:
    rest = {
        "year": 2020,
        "origin": "auto",
        "within": "320000",
        "level": "prefecture",
        "region": None,
        "view": "shortfall",
        **changes,
    }
    return StandardsChoice(standard, **rest)


def test_one_standard_is_the_same_on_the_page_and_by_the_command(store: Store) -> None:
    rows = command("standards", "--standard", "township_health_centre_85", "--by", "prefecture")
    choice = standards_choice("township_health_centre_85")
    shown = standards_tables.region_table(store, choice, prepare_standards(gather(store))).set_index("代码")
    assert len(rows) == 13
    for row in rows:
        told = shown.loc[row["adcode"]]
        assert [told[name] for name in ("应配（所）", "已配（所）", "其中推定", "缺口（所）")] == [
            row[name] for name in ("required", "provided", "implied", "shortfall")
        ]
    app = start(STANDARDS, standard="township_health_centre_85", level="prefecture")
    assert metrics(app)["应配（所）"] == f"{sum(row['required'] for row in rows):,.0f}"
    assert metrics(app)["缺口（所）"] == f"{sum(row['shortfall'] for row in rows):,.0f}"
    assert "苏政办发〔2021〕85号" in text_of(app) and "003:1018" in text_of(app)
    assert any("推定" in box.value for box in app.warning)


def test_a_prefecture_has_the_figures_of_its_counties(store: Store) -> None:
    asked = {"standard": "township_health_centre_85", "level": "prefecture", "region": "320200"}
    rows = prepare_standards(gather(store)).table("township_health_centre_85")
    rows = rows[rows["adcode"].str.startswith("3202") & rows["applies"]]
    app = start(STANDARDS, **asked)
    assert metrics(app)["缺口（所）"] == f"{rows['shortfall'].sum():,.0f}"
    share = 1.0 - rows["regions_short"].sum() / len(rows)
    assert f"适用地区 {len(rows)} 个，已配齐 {share * 100:.1f}%" in text_of(app)
    away = start(STANDARDS, standard="elder_university_98", region="320102")
    assert "这条标准不适用于此地区" in text_of(away)


def test_all_standards_with_their_contradictions() -> None:
    app = start(STANDARDS)
    assert metrics(app)["配置标准"] == "55 条"
    tables = [table.value for table in app.dataframe]
    assert len(tables[0]) == 55 and {"文号", "应配", "已配", "缺口"} <= set(tables[0])
    assert {"苏政办发〔2021〕96号", "苏政办发〔2021〕115号"} <= set(tables[1]["文号"])
    assert "未知" in set(tables[0]["缺口"])


def test_projected_people_are_named_an_estimate() -> None:
    app = start(STANDARDS, standard="kindergarten_98", standard_year="2030", level="province")
    assert "2030 年推算人口（估计）" in text_of(app) and "外推" in text_of(app)
    assert metrics(app)["已配（所）"] == "未知"
    assert link(app)["standard_year"] == "2030"


def test_imported_facilities_take_the_place_of_implied_ones(store: Store) -> None:
    found = prepare_standards(gather(store), origin="imported")
    assert (found.facilities["precision"] == "surveyed").all()
    assert any("徐州" not in note and "南京" in note for note in found.notes)
    app = start(STANDARDS, standard="county_halls_88", origin="imported", within="320300")
    assert "徐州市" in text_of(app) or metrics(app)


def test_regions_beyond_the_standard_are_hatched_with_the_reason(store: Store) -> None:
    choice = standards_choice("elder_university_98", level="county", view="required")
    analysis = prepare_standards(gather(store))
    origin = standards_views.Provenance(("x",), "y", "z")
    layer = standards_views.region_layer(store, choice, analysis, origin)
    away = layer.frame[layer.frame["value"].isna()]
    assert len(away) == 55 and set(away["reason"]) == {"这条标准不适用于此地区"}
    assert standards_views.shown_column(standards_choice("doctors_85"), analysis) == "required"
