"""What the page 数据导入 shows of a checked file: every fault in a table, or what would go in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import streamlit as st

from data.builder.intake import Found
from data.faults import FAULT_COLUMNS, FaultReport
from data.ingest.facilities import FacilityImport
from data.ingest.indicators import CheckedIndicators
from data.ingest.osm_source import ExtractInfo
from data.registry.facility_models import load_facility_types
from data.store.store import Store
from pages.shared import cached, components

_FAULT_ORDER = ("行", "列", "问题", "处理办法", "工作表", "文件")
_SHOWN = 200
_KEPT_ROWS = 100_000
"""What a longer file holds is not kept in the server's memory: it is read again when it goes in."""

_PAIRS = {
    "name_a": "名称",
    "name_b": "疑似同一处",
    "type_a": "类型",
    "source_a": "来源",
    "source_b": "另一来源",
    "distance_m": "相距（米）",
}


@dataclass(frozen=True)
class Checked:
    """The outcome of a check: faults, or tables of what would go in, by title; and what was noticed.

    Of a long table only what is shown is kept, and ``totals`` says how many rows it has. ``found`` is what
    goes in, where the check has read the whole file and it is not too long to be kept for a visitor.
    """

    headline: str
    faults: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    warning: str | None = None
    found: Found[Any] | None = None

    @property
    def ready(self) -> bool:
        """Whether the file can be imported."""
        return self.faults is None

    @classmethod
    def of_faults(cls, report: FaultReport) -> Checked:
        """Return the outcome of a file with faults."""
        rows = pd.DataFrame(report.as_rows(), columns=list(FAULT_COLUMNS))
        return cls(f"数据有 {report.total} 处问题，未写入任何内容。改正后重新选择文件。", rows)


def keep_found(checked: Checked, found: Found[Any]) -> Checked:
    """Return the outcome with what goes in, where that is not too long to be kept for a visitor."""
    kept = max(checked.totals.values(), default=0) <= _KEPT_ROWS
    return replace(checked, found=found if kept else None)


def facilities_found(store: Store, found: FacilityImport) -> Checked:
    """Return what a list of facilities holds."""
    frame = found.frame
    types = {key: entry.name for key, entry in load_facility_types().items()}
    names = cached.region_table(store)["name"]
    where = frame["adcode"].map(names).fillna("省外")
    kinds = frame["type"].map(types)
    counts = pd.DataFrame({"地区": where, "类型": kinds}).value_counts().rename("数量").reset_index()
    first = frame.head(_SHOWN)
    rows = pd.DataFrame(
        {
            "名称": first["name"],
            "类型": kinds.head(_SHOWN),
            "等级": first["level"],
            "规模": first["capacity"],
            "县（市、区）": where.head(_SHOWN),
            "经度": first["lon"],
            "纬度": first["lat"],
        }
    )
    listed = "设施（坐标已换算为 CGCS2000）"
    tables = {"按地区和类型": counts, listed: rows}
    if len(found.duplicates):
        tables["疑似重复（均保留，请核对）"] = found.duplicates[list(_PAIRS)].rename(columns=_PAIRS).round(0)
    suggested = found.datum.suggested
    warning = f"坐标基准可疑：{found.datum.reason}" if suggested is not None else None
    headline = f"没有错误：{len(frame)} 处设施，来源“{found.title}”。"
    return Checked(headline, tables=tables, totals={listed: len(frame)}, notes=found.notes, warning=warning)


def indicators_found(store: Store, found: CheckedIndicators) -> Checked:
    """Return what a table of indicators holds."""
    rows = found.rows.head(_SHOWN)
    names = cached.region_table(store)["name"]
    known = cached.indicators(store)["name"]
    defined = {item.id: item.name for item in found.definitions}
    shown = pd.DataFrame(
        {
            "代码": rows["adcode"],
            "地区": rows["adcode"].map(names),
            "指标": rows["indicator"].map(lambda key: defined.get(key, known.get(key, key))),
            "年份": rows["year"],
            "数值": rows["value"],
            "来源": rows["source"],
        }
    )
    headline = f"没有错误：{len(found.rows)} 个数值，{found.rows['indicator'].nunique()} 个指标"
    headline += f"，其中新定义 {len(defined)} 个。" if defined else "。"
    listed = "将要导入的数值"
    return Checked(headline, tables={listed: shown}, totals={listed: len(found.rows)}, notes=found.notes)


def extract_found(info: ExtractInfo) -> Checked:
    """Return what the head of an extract of OpenStreetMap says."""
    when = f"，数据日期 {info.as_of}" if info.as_of else ""
    return Checked(
        f"数据包可以读取：{info.size / 1e6:,.1f} MB{when}。",
        notes=("内容在导入时逐项核对：不在江苏省内、没有设施也没有道路、或不完整的数据包会被退回",),
    )


def show(found: Checked) -> None:
    """Draw the outcome of a check."""
    faults = found.faults
    if faults is not None:
        st.error(components.plain(found.headline), icon=":material/error:")
        # What to do stands in sight: a column without an entry takes no room from it.
        order = [name for name in _FAULT_ORDER if (faults[name] != "").any()]
        height = min(38 + 35 * len(faults), 420)
        st.dataframe(faults, hide_index=True, height=height, column_order=order)
        components.download("导入问题清单", lambda: faults, notes=(), key="import_faults")
        return
    st.success(components.plain(found.headline), icon=":material/check_circle:")
    if found.warning:
        st.warning(components.plain(found.warning), icon=":material/wrong_location:")
    for note in found.notes:
        st.markdown(f"- {components.plain(note)}")
    for title, table in found.tables.items():
        total = found.totals.get(title, len(table))
        more = f"（前 {_SHOWN} 行，共 {total} 行）" if total > _SHOWN else f"（{total} 行）"
        with st.expander(components.plain(title + more), expanded=len(found.tables) == 1):
            st.dataframe(table.head(_SHOWN), hide_index=True, height=min(38 + 35 * len(table), 320))
