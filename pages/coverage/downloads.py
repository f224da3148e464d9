"""What may be taken away from the page 设施覆盖: files, and a run on record that can be done again."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import streamlit as st

from data.store.store import Store
from geo.crs import STORE_CRS
from geo.region_tree import LEVEL_CHOICES, parent_names
from layers.geopackage import GPKG_TYPE, geopackage_bytes
from layers.model import Layer
from pages.coverage.answers import CoverageAnswers
from pages.coverage.choice import CoverageChoice
from pages.coverage.map import subtitle
from pages.shared import cached, components
from pages.shared.study import notes

FACILITY_COLUMNS = ["id", "name", "type", "level", "capacity", "adcode", "source", "precision", "lon", "lat"]
HEADERS = {
    "adcode": "代码",
    "name": "地区",
    "population": "人口",
    "covered_population": "覆盖人口",
    "population_coverage": "人口覆盖率（%）",
    "area_km2": "面积（平方公里）",
    "covered_area_km2": "覆盖面积（平方公里）",
    "area_coverage": "面积覆盖率（%）",
    "mean_minutes": "平均分钟",
    "median_minutes": "中位分钟",
    "unreachable_population": "不可达人口",
    "straight_population": "按直线估算人口",
    "edge_population": "省界附近人口",
    "edge": "近省界",
    "reason": "无法计算的原因",
}


def figures_table(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> pd.DataFrame:
    """Return the coverage of the level shown as people read it: best first, ratios in per cent."""
    rows = answers.table(choice.minutes, choice.level, choice.group)
    rows = rows.sort_values(["population_coverage", "adcode"], ascending=[False, True], na_position="last")
    parents = parent_names(cached.region_table(store))
    shown = rows[list(HEADERS)].assign(
        population_coverage=rows["population_coverage"] * 100.0,
        area_coverage=rows["area_coverage"] * 100.0,
        edge=rows["edge"].map({True: "是", False: ""}),
    )
    table = shown.rename(columns=HEADERS).reset_index(drop=True)
    table.insert(2, "所属", rows["adcode"].map(parents).fillna("").to_numpy())
    return table


def show_downloads(store: Store, choice: CoverageChoice, answers: CoverageAnswers, layer: Layer) -> None:
    """Draw the buttons that give the figures, and regions with facilities as a GeoPackage."""
    origin = layer.provenance
    lines = [
        f"{choice.kind.name}覆盖，{LEVEL_CHOICES[choice.level]}",
        subtitle(choice, answers.analysis),
        f"来源：{origin.source_text}",
        *notes(store, answers.analysis),
        f"边界：{origin.boundary}；坐标系：{origin.crs}；数据版本：{store.data_version}",
        origin.permission,
    ]
    name = f"{choice.kind.name}覆盖_{choice.minutes:g}分钟_{LEVEL_CHOICES[choice.level]}"
    components.download(name, lambda: figures_table(store, choice, answers), notes=lines, key="coverage")
    st.download_button(
        "下载 GeoPackage",
        lambda: geopackage_bytes(gis_layers(store, choice, answers), "；".join(lines)),
        f"{name}.gpkg",
        GPKG_TYPE,
        key="coverage_gpkg",
        on_click="ignore",
        icon=":material/layers:",
    )
    if choice.view == "regions":
        components.download_figure(layer, cached.regions(store, "prefecture"), key="coverage_figure")


def gis_layers(store: Store, choice: CoverageChoice, answers: CoverageAnswers) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the GeoPackage, named and made as those that ``sutu coverage`` writes."""
    rows = answers.table(choice.minutes, choice.level, choice.group)
    shapes = store.regions(zoom="full")[["geometry"]]
    facilities = answers.analysis.facilities
    places = gpd.points_from_xy(facilities["lon"], facilities["lat"])
    return {
        "coverage": gpd.GeoDataFrame(rows.join(shapes, on="adcode"), geometry="geometry", crs=STORE_CRS),
        "facilities": gpd.GeoDataFrame(facilities[FACILITY_COLUMNS], geometry=places, crs=STORE_CRS),
    }
