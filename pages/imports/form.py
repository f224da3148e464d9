"""The form of the page 数据导入: what is imported, from which file, and what must be said about it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from data.ingest.templates import write_facility_template, write_indicator_template
from data.regions.boundaries import load_region_codes
from data.registry import load_registry
from data.registry.facility_models import load_facility_types
from data.store.store import data_dir
from pages.shared import file_jobs
from pages.shared.downloads import XLSX_TYPE
from pages.shared.upload_files import DATUMS, keep_upload


@dataclass(frozen=True)
class Kind:
    """One kind of import: its name, the endings of its files, their size in MB at most, and a hint."""

    id: str
    name: str
    endings: tuple[str, ...]
    megabytes: int
    hint: str


KINDS = {
    "facilities": Kind(
        "facilities",
        "设施",
        ("csv", "xlsx", "gpkg", "geojson", "json", "zip"),
        50,
        "CSV、XLSX（先下载表格填写）、GeoPackage、GeoJSON 或打包的 shapefile；每行（每个要素）一处设施。",
    ),
    "indicators": Kind(
        "indicators",
        "指标",
        ("csv", "xlsx"),
        50,
        "CSV 或 XLSX（先下载表格填写）：每行一个地区、一个指标、一年和一个数值。",
    ),
    "osm": Kind(
        "osm",
        "OpenStreetMap",
        ("pbf",),
        256,
        "江苏省的 .osm.pbf 数据包：设施、路网、铁路和水系一次导入。超过 256 MB 的用命令 sutu import osm。",
    ),
}

_MAX_SOURCE = 120


@dataclass(frozen=True)
class Asked:
    """What the form says. ``path`` is the uploaded file on this machine, None without one."""

    kind: str
    path: Path | None
    facility_type: str | None = None
    datum: str = ""
    source: str | None = None

    @property
    def missing(self) -> str:
        """What must still be said before the file can be checked; empty when nothing."""
        if self.kind == "facilities" and not self.datum:
            return "请选择坐标基准：不知道时请向数据提供方核实，程序不猜测。"
        return ""

    @property
    def complete(self) -> bool:
        """Whether the file can be checked."""
        return self.path is not None and not self.missing

    @property
    def key(self) -> tuple[object, ...]:
        """What the result of a check depends on."""
        return (self.kind, str(self.path), self.facility_type, self.datum, self.source)


def ask(kind: Kind) -> Asked:
    """Draw the form and return what it says."""
    st.caption(kind.hint)
    _template(kind)
    path = _upload(kind)
    if kind.id != "facilities":
        return Asked(kind.id, path)
    types = load_facility_types()
    chosen = st.selectbox(
        "没有写明类型的行作哪一类设施",
        ["", *types],
        format_func=lambda key: types[key].name if key else "文件里都写明了类型",
        key="import_type",
    )
    datum = st.selectbox("坐标基准", list(DATUMS), format_func=DATUMS.__getitem__, key="import_datum")
    source = st.text_input(
        "来源名称",
        key="import_source",
        max_chars=_MAX_SOURCE,
        placeholder="缺省为文件名，如：省卫健委 2023 年名录",
    )
    return Asked(kind.id, path, chosen or None, datum, source.strip() or None)


def _template(kind: Kind) -> None:
    """Draw the button that gives the form to fill in."""
    if kind.id == "osm":
        return
    st.download_button(
        "下载待填表格",
        lambda: template(kind.id),
        f"{kind.name}.xlsx",
        XLSX_TYPE,
        key=f"import_template_{kind.id}",
        on_click="ignore",
        icon=":material/table:",
    )


def template(kind: str) -> bytes:
    """Return the form to fill in, as ``sutu template`` writes it."""
    codes = load_region_codes()
    current = codes[codes["valid_to"].isna()]
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        path = Path(folder) / "form.xlsx"
        if kind == "facilities":
            write_facility_template(path, load_facility_types(), current)
        else:
            write_indicator_template(path, load_registry(), current)
        return path.read_bytes()


def _upload(kind: Kind) -> Path | None:
    """Draw the uploader and return where the file is kept until it is imported or replaced."""
    turn = st.session_state.get("import_turn", 0)
    upload = st.file_uploader(
        "文件",
        type=list(kind.endings),
        max_upload_size=kind.megabytes,
        key=f"import_file_{kind.id}_{turn}",
        help=f"最大 {kind.megabytes} MB",
    )
    held = st.session_state.get("import_upload")
    if held is not None and (upload is None or held[0] != upload.file_id):
        file_jobs.drop("import")
        file_jobs.let_go(held[1].parent, remove=True)
        held = st.session_state["import_upload"] = None
    if upload is None:
        return None
    # The folder goes when the visitor does: one who comes back later hands the file over again.
    if held is None or not held[1].exists():
        kept = keep_upload(data_dir(), upload)
        # Held at once: what comes next may end this run for a newer one, and nobody would know of the copy.
        file_jobs.hold(kept.parent)
        held = st.session_state["import_upload"] = (upload.file_id, kept)
    path: Path = held[1]
    return path
