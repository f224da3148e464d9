"""供需匹配 and 应配与缺口 in a real browser without network: surface, regions, figures, tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from analysis.catchment import CatchmentAnalysis, CatchmentRequest, prepare_catchment
from analysis.given import gather
from analysis.standards import prepare_standards
from data.store.store import Store
from layers.model import format_number
from tests.browser.harness import Window, fills

ASKED = {"facility": "general_hospital", "mode": "drive", "minutes": "30"}


@pytest.fixture(scope="module")
def analysis(built_store: Store, tmp_path_factory: pytest.TempPathFactory) -> CatchmentAnalysis:
    request = CatchmentRequest(types=("general_hospital",), minutes=30.0, mode="drive")
    return prepare_catchment(gather(built_store, tmp_path_factory.mktemp("engine")), request)


def metric(page: Page, label: str) -> Locator:
    found = page.get_by_test_id("stMetric").filter(has_text=label)
    return found.get_by_test_id("stMetricValue")


def test_the_surface_and_a_click_on_a_county(window: Window, analysis: CatchmentAnalysis) -> None:
    page = window.open("supply-demand", **ASKED)
    frame = window.map()
    frame.wait_for_selector('[data-overlays]:not([data-overlays=""])')
    image = frame.locator("img.sutu-surface-access")
    assert image.count() == 1 and image.evaluate("node => node.complete && node.naturalWidth > 0")
    assert frame.locator(".leaflet-container").get_attribute("data-facilities") == "95"
    legend = frame.locator(".sutu-legend").inner_text()
    assert "处/十万人" in legend and "没有服务" in legend
    expect(metric(page, "基尼系数")).to_have_text(f"{analysis.region('320000')['gini']:.3f}")
    frame.locator('path[data-adcode="320921"]').dispatch_event("click")
    expect(metric(page, "基尼系数")).to_have_text(f"{analysis.region('320921')['gini']:.3f}")
    page.wait_for_url("**region=320921**")


def test_another_method_moves_the_figures_and_the_table_says_the_same(
    window: Window, built_store: Store, tmp_path: Path
) -> None:
    request = CatchmentRequest(
        types=("general_hospital",), minutes=30.0, mode="drive", method="3sfca", decay="gaussian"
    )
    truth = prepare_catchment(gather(built_store, tmp_path), request).table().set_index("adcode")["access"]
    page = window.open("supply-demand", **ASKED, method="3sfca", supply_view="regions")
    assert len(fills(window.map())) == 95
    page.get_by_role("button", name="下载", exact=False).first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载 CSV").first.click()
    text = Path(waiting.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    found = {row["代码"]: row["可及性（处/十万人）"] for row in rows if row["代码"] in truth.index}
    assert len(found) == 95
    assert all(float(found[code]) == pytest.approx(value, rel=1e-9) for code, value in truth.items())
    assert "三步移动搜索法" in text and "内部工作图" in text


def test_a_standard_on_the_map(window: Window, built_store: Store) -> None:
    rows = prepare_standards(gather(built_store)).table("township_health_centre_85").set_index("adcode")
    page = window.open("standards", standard="township_health_centre_85")
    expect(metric(page, "缺口")).to_have_text(f"{rows.loc[rows['applies'], 'shortfall'].sum():,.0f}")
    frame = window.map()
    assert len(fills(frame)) == 95
    frame.locator('path[data-adcode="320382"]').dispatch_event("click")
    expect(metric(page, "缺口")).to_have_text(format_number(float(rows.loc["320382", "shortfall"]), 0))
    page.wait_for_url("**region=320382**")
    assert page.get_by_test_id("stAlert").filter(has_text="推定").count() == 1


def test_all_standards_lead_to_one(window: Window) -> None:
    page = window.open("standards")
    expect(metric(page, "配置标准")).to_have_text("55 条")
    box = page.get_by_role("combobox", name="标准").first
    box.click()
    box.fill("常住人口达20万人")
    page.get_by_role("option", name="常住人口达20万人的县（市、区）1所特殊教育学校", exact=False).click()
    page.wait_for_url("**standard=special_school_115**")
    expect(page.get_by_text("均建有1所特殊教育学校", exact=False).first).to_be_visible()
    expect(metric(page, "应配")).to_have_text("95")
