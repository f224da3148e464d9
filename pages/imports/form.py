"""The form of the page 数据导入: what is imported, from which file, and what must be said about it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from data.builder.intake import Intake
from data.reader.worker import Control
from data.registry.facility_models import load_facility_types
from data.registry.limit_models import limit
from data.store.store import Store, data_dir
from pages.imports.check import Checked
from pages.shared import file_jobs
from pages.shared.components import XLSX_TYPE
from pages.shared.file_jobs import DATUMS, keep_upload

_MAX_SOURCE = 120


@dataclass(frozen=True)
class Details:
    """What is said of a file beside the file: type of rows that name none, datum, name of the source."""

    facility_type: str | None = None
    datum: str = ""
    source: str | None = None


def _nothing_asked() -> Details:
    return Details()


def _nothing_missing(_details: Details) -> str:
    return ""


@dataclass(frozen=True)
class Kind:
    """One kind of import: its name, the endings of its files, the limit on their size, and a hint.

    The limit is an id of ``limits.yaml``; ``{megabytes}`` in the hint stands for its number.

    ``intake`` is how a file with its details goes in, ``check`` tells what it holds (raises ``FaultReport``);
    ``template`` writes the form to fill in, where there is one; ``ask`` draws what else must be said, and
    ``missing`` tells what is not said yet.
    """

    id: str
    name: str
    endings: tuple[str, ...]
    size_limit: str
    hint: str
    intake: Callable[[Path, Details], Intake[Any]]
    check: Callable[[Store, Asked, Control | None], Checked]
    template: Callable[[Path], None] | None = None
    ask: Callable[[], Details] = _nothing_asked
    missing: Callable[[Details], str] = _nothing_missing

    @property
    def megabytes(self) -> int:
        """How large a file may be, as the office says now."""
        return limit(self.size_limit)


@dataclass(frozen=True)
class Asked:
    """What the form says. ``path`` is the uploaded file on this machine, None without one."""

    kind: Kind
    path: Path | None
    details: Details = Details()

    @property
    def missing(self) -> str:
        """What must still be said before the file can be checked; empty when nothing."""
        return self.kind.missing(self.details)

    @property
    def complete(self) -> bool:
        """Whether the file can be checked."""
        return self.path is not None and not self.missing

    @property
    def key(self) -> tuple[object, ...]:
        """What the result of a check depends on."""
        return (self.kind.id, str(self.path), self.details)

    @property
    def intake(self) -> Intake[Any]:
        """How the file of a complete form goes in."""
        assert self.path is not None  # noqa: S101 - only complete forms are taken in
        return self.kind.intake(self.path, self.details)


def draw_form(kind: Kind) -> Asked:
    """Draw the form and return what it says."""
    st.caption(kind.hint.format(megabytes=kind.megabytes))
    if kind.template is not None:
        st.download_button(
            "下载待填表格",
            lambda: template(kind),
            f"{kind.name}.xlsx",
            XLSX_TYPE,
            key=f"import_template_{kind.id}",
            on_click="ignore",
            icon=":material/table:",
        )
    path = _upload(kind)
    return Asked(kind, path, kind.ask())


def ask_about_facilities() -> Details:
    """Draw what must be said of a list of facilities."""
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
    return Details(chosen or None, datum, source.strip() or None)


def missing_of_facilities(details: Details) -> str:
    """Return what is not said yet of a list of facilities."""
    return "" if details.datum else "请选择坐标基准：不知道时请向数据提供方核实，程序不猜测。"


def template(kind: Kind) -> bytes:
    """Return the form to fill in, as ``sutu template`` writes it."""
    assert kind.template is not None  # noqa: S101 - its button is drawn for such kinds only
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        path = Path(folder) / "form.xlsx"
        kind.template(path)
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
