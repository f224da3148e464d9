"""The kinds of imports of the page 数据导入: what each asks, reads, shows and takes in, declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.builder.intake import Intake, facility_intake, indicator_intake, osm_intake
from data.faults import FaultReport
from data.ingest.templates import facility_template, indicator_template
from data.reader.files import look_at_osm_file
from data.reader.worker import Control
from data.store.store import Store, data_dir
from pages.imports.check import Checked, extract_found, facilities_found, indicators_found, keep_found
from pages.imports.form import Asked, Details, Kind, ask_about_facilities, missing_of_facilities


def check(store: Store, asked: Asked, control: Control | None = None) -> Checked:
    """Return what the file of a complete form holds, or what is wrong with it; writes nothing."""
    try:
        return asked.kind.check(store, asked, control)
    except FaultReport as report:
        return Checked.of_faults(report)


def _whole(shown: Callable[[Store, Any], Checked]) -> Callable[[Store, Asked, Control | None], Checked]:
    """Return a check that reads the whole file, as its import does, and shows what it found."""

    def check_whole(store: Store, asked: Asked, control: Control | None) -> Checked:
        found = asked.intake.find(store, control)
        return keep_found(shown(store, found.content), found)

    return check_whole


def _head_of_extract(_store: Store, asked: Asked, control: Control | None) -> Checked:
    """Look at the head of an extract only: reading it whole takes minutes, and its import does so."""
    assert asked.path is not None  # noqa: S101 - only complete forms are checked
    return extract_found(look_at_osm_file(asked.path, control))


def _facilities(path: Path, said: Details) -> Intake[Any]:
    return facility_intake(
        path, data_dir(), datum=said.datum, facility_type=said.facility_type, source=said.source
    )


KINDS = {
    kind.id: kind
    for kind in (
        Kind(
            "facilities",
            "设施",
            ("csv", "xlsx", "gpkg", "geojson", "json", "zip"),
            "page.facilities_mb",
            "CSV、XLSX（先下载表格填写）、GeoPackage、GeoJSON 或打包的 shapefile；每行（每个要素）一处设施。",
            _facilities,
            _whole(facilities_found),
            facility_template,
            ask_about_facilities,
            missing_of_facilities,
        ),
        Kind(
            "indicators",
            "指标",
            ("csv", "xlsx"),
            "page.indicators_mb",
            "CSV 或 XLSX（先下载表格填写）：每行一个地区、一个指标、一年和一个数值。",
            lambda path, _said: indicator_intake(path, data_dir()),
            _whole(indicators_found),
            indicator_template,
        ),
        Kind(
            "osm",
            "OpenStreetMap",
            ("pbf",),
            "page.osm_mb",
            "江苏省的 .osm.pbf 数据包：设施、路网、铁路和水系一次导入。"
            "超过 {megabytes} MB 的用命令 sutu import osm。",
            lambda path, _said: osm_intake(path, data_dir()),
            _head_of_extract,
        ),
    )
}
"""By id, in the order people see."""
