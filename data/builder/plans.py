"""The plans: their documents, every base value and target as written, headline targets, contradictions.

Pairing is by plan, indicator text, scope and unit, all normalised; what the texts cannot tell stands in
``registry/headline.yaml``. A pair that cannot be compared stays in the table, undefined, with its reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pandas as pd

from data.builder.plan_states import UNDEFINED, actual_bound, is_range, target_state
from data.registry import Registry
from data.registry.plan_models import HeadlineIndicator, HeadlineTable, PlanSynonym
from data.store.schema import TABLES
from geo.errors import RegistryError

__all__ = [
    "PlanTables",
    "Row",
    "build_plan_tables",
    "contradictions",
    "headline_targets",
    "normalise_text",
    "normalise_unit",
    "read_documents",
    "read_targets",
    "target_state",
]

_YEAR = re.compile(r"(?:\d{4}-)?(\d{4})")


@dataclass(frozen=True)
class PlanTables:
    """The four plan tables, each with the columns of the schema."""

    plan_document: pd.DataFrame
    plan_target: pd.DataFrame
    headline_target: pd.DataFrame
    target_contradiction: pd.DataFrame


def build_plan_tables(registry: Registry, facts: Traversable | Path | None = None) -> PlanTables:
    """Return the plan tables from the packaged CSV files (or those in ``facts``) and the registry.

    Raises `RegistryError` when a plan has no document, a document's number of rows is another than it
    states, or the registry names targets that are not there.
    """
    folder = facts if facts is not None else resources.files("data.facts")
    documents, targets = read_documents(folder), read_targets(folder)
    _check_documents(documents, targets)
    return PlanTables(
        plan_document=documents,
        plan_target=targets,
        headline_target=headline_targets(targets, registry.headline, registry.plan_synonyms),
        target_contradiction=contradictions(targets, registry.plan_synonyms),
    )


def read_documents(folder: Traversable | Path) -> pd.DataFrame:
    """Return the table ``plan_document`` from ``plan_documents.csv``, in file order."""
    frame = _read(folder / "plan_documents.csv")
    frame = frame.rename(columns={"doc_title": "title", "indicator_rows": "target_rows"})
    frame["target_rows"] = frame["target_rows"].astype("int64")
    frame["doc_order"] = range(1, len(frame) + 1)
    return frame[list(TABLES["plan_document"].columns)]


def read_targets(folder: Traversable | Path) -> pd.DataFrame:
    """Return the table ``plan_target`` from ``plan_indicators.csv``: every row, in file order, verbatim.

    ``id`` is the plan and the running number of the row within it. ``year`` is the year, or the last one of
    a period (2021-2025 is 2025); rows without a year, or for every year (每年), have none.
    """
    frame = _read(folder / "plan_indicators.csv").rename(
        columns={"indicator": "indicator_text", "year": "year_text"}
    )
    number = frame.groupby("plan").cumcount() + 1
    frame["id"] = frame["plan"] + "-" + number.map("{:03d}".format)
    years = frame["year_text"].map(_last_year, na_action="ignore")
    frame["year"] = pd.to_numeric(years).astype("Int64")
    frame["value_num"] = pd.to_numeric(frame["value_num"])
    return frame[list(TABLES["plan_target"].columns)]


def _read(file: Traversable | Path) -> pd.DataFrame:
    """Return a packaged CSV as text, an empty cell as missing; nothing else is read as missing."""
    with file.open("rb") as handle:
        return pd.read_csv(handle, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")


def _last_year(text: str) -> int | None:
    match = _YEAR.fullmatch(text)
    return int(match.group(1)) if match else None


def _check_documents(documents: pd.DataFrame, targets: pd.DataFrame) -> None:
    """Raise `RegistryError` unless every plan's rows are as many as its document states."""
    stated = documents.set_index("plan")["target_rows"]
    held = targets["plan"].value_counts()
    faults = [
        f"规划 {plan}：文件清单写 {stated.get(plan, 0)} 行，指标表里有 {held.get(plan, 0)} 行"
        for plan in sorted(set(stated.index) | set(held.index))
        if stated.get(plan, 0) != held.get(plan, 0)
    ]
    if faults:
        raise RegistryError("plan_documents.csv 与 plan_indicators.csv 不符：\n" + "\n".join(faults))


Row = dict[str, Any]
"""A row of a plan table: column to value, None where the cell is empty."""


def normalise_text(text: str) -> str:
    """Return an indicator text by which equal indicators compare equal.

    Widths are folded (NFKC); blanks, quotation marks, commas and a closing （正文） or （专栏） are dropped.
    """
    folded = re.sub(r"[\s“”\"‘’'《》、,，]", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"\((正文|专栏)\)$", "", folded)


def normalise_unit(unit: str | float | None, synonyms: Sequence[PlanSynonym]) -> str:
    """Return a unit by which equal units compare equal, also those that the registry says are the same.

    No unit is an empty text.
    """
    folded = _folded_unit(unit)
    for entry in synonyms:
        if entry.of == "unit" and folded in map(_folded_unit, entry.texts):
            return _folded_unit(entry.texts[0])
    return folded


def _folded_unit(unit: str | float | None) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", unit)) if isinstance(unit, str) else ""


def headline_targets(
    plan_target: pd.DataFrame, tables: Sequence[HeadlineTable], synonyms: Sequence[PlanSynonym] = ()
) -> pd.DataFrame:
    """Return the table ``headline_target``: one row per target row of the main tables, in registry order.

    ``plan_target`` has the columns of that table. Raises `RegistryError` listing every entry that names no
    target row, or several that cannot be told apart.
    """
    targets, actuals = _by_text(plan_target, synonyms)
    faults: list[str] = []
    headline: list[Row] = []
    for table in tables:
        for entry in table.indicators:
            try:
                chosen = _target_rows(targets.get((table.plan, normalise_text(entry.text)), []), table, entry)
            except RegistryError as fault:
                faults.append(str(fault))
                continue
            found = actuals.get((table.plan, normalise_text(entry.base or entry.text)), [])
            headline += [_pair(table, entry, target, _find_base(found, table, target)) for target in chosen]
    if faults:
        raise RegistryError("\n".join(faults))
    frame = pd.DataFrame(headline, columns=list(TABLES["headline_target"].columns))
    return frame.astype({"base_year": "Int64", "target_year": "Int64"})


def _by_text(
    plan_target: pd.DataFrame, synonyms: Sequence[PlanSynonym]
) -> tuple[dict[tuple[str, str], list[Row]], ...]:
    """Return targets and actual values by plan and normalised text, each row a dict with None for missing.

    ``unit_key`` is the normalised unit.
    """
    frame = plan_target.astype(object)
    frame["unit_key"] = frame["unit"].map(partial(normalise_unit, synonyms=synonyms))
    targets: dict[tuple[str, str], list[Row]] = {}
    actuals: dict[tuple[str, str], list[Row]] = {}
    for row in frame.where(frame.notna(), None).to_dict("records"):
        group = {"target": targets, "actual": actuals}.get(row["kind"])
        if group is not None:
            group.setdefault((row["plan"], normalise_text(row["indicator_text"])), []).append(row)  # type: ignore[arg-type]
    return targets, actuals


def _target_rows(rows: Sequence[Row], table: HeadlineTable, entry: HeadlineIndicator) -> list[Row]:
    """Return an entry's target rows: one per scope and unit; a table's row comes before one of the text."""
    where = f"headline.yaml，条目 {table.plan}/{table.table}，指标“{entry.text}”"
    found = [row for row in rows if row["year"] == table.target_year and row["indicator_text"] == entry.text]
    if not found:
        raise RegistryError(f"{where}：规划里没有 {table.target_year} 年的这一目标")
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        groups.setdefault((row["scope"] or "", row["unit_key"]), []).append(row)
    targets = []
    for group in groups.values():
        chosen = [row for row in group if row["attribute"]] or group
        if len(chosen) > 1:
            places = "、".join(row["seed_line"] for row in chosen)
            raise RegistryError(f"{where}：有 {len(chosen)} 行目标分不清，出处 {places}")
        targets += chosen
    return targets


@dataclass(frozen=True)
class _Base:
    """The actual value found for a target, and why it cannot be compared (None when it can)."""

    row: Row | None
    reason: str | None


def _find_base(rows: Sequence[Row], table: HeadlineTable, target: Row) -> _Base:
    """Return the actual value that belongs to a target: of the same scope and unit, and of the base year.

    A row that differs in one of the three is returned with the difference as the reason; rows of a table come
    before rows of the text, rows with a number before rows without.
    """
    if not rows:
        return _Base(None, "规划没有给出现状值")

    def differs(row: Row) -> tuple[bool, ...]:
        return (
            (row["scope"] or "") != (target["scope"] or ""),
            row["unit_key"] != target["unit_key"],
            row["year"] != table.base_year,
        )

    best = min(rows, key=lambda row: (differs(row), not row["attribute"], row["value_num"] is None))
    scope, unit, year = differs(best)
    if scope:
        return _Base(best, f"现状值的范围是“{best['scope']}”，目标是“{target['scope']}”，两者不能比较")
    if unit:
        return _Base(best, f"现状值的单位是“{best['unit']}”，目标是“{target['unit']}”，两者不能比较")
    if year:
        return _Base(
            best, f"现状值是 {best['year_text']} 年的，不是基期 {table.base_year} 年的，两者不能比较"
        )
    return _Base(best, None)


def _pair(table: HeadlineTable, entry: HeadlineIndicator, target: Row, base: _Base) -> Row:
    """Return one row of ``headline_target``."""
    state, reason = _state(table, entry, target, base)
    actual = base.row
    return {
        "id": f"h-{target['id']}",
        "plan": table.plan,
        "indicator_text": target["indicator_text"],
        "unit": target["unit"],
        "scope": target["scope"],
        "attribute": target["attribute"],
        "domain": target["domain"],
        "period": table.period,
        "plan_table": table.table,
        "base_year": actual and actual["year"],
        "base_value": actual and actual["value_num"],
        "base_text": actual and actual["value_text"],
        "base_row": actual and actual["id"],
        "target_year": target["year"],
        "target_value": target["value_num"],
        "target_text": target["value_text"],
        "comparator": target["comparator"],
        "target_row": target["id"],
        "direction": entry.direction,
        "state": state,
        "state_reason": reason,
    }


def _state(
    table: HeadlineTable, entry: HeadlineIndicator, target: Row, base: _Base
) -> tuple[str, str | None]:
    """Return state and reason of a pair."""
    reason = _target_fault(target) or entry.incomparable or _base_fault(table, target, base)
    if reason:
        return UNDEFINED, reason
    assert base.row is not None  # noqa: S101 - a missing base is a fault of the base
    return target_state(
        target["comparator"],
        entry.direction,
        target["value_num"],
        base.row["value_num"],
        actual_comparator=actual_bound(base.row["comparator"], base.row["value_text"]),
    )


def _target_fault(target: Row) -> str | None:
    """Return why a target cannot be held against anything, or None."""
    text = target["value_text"]
    if target["value_num"] is None:
        return f"目标为定性表述（“{text}”），没有数值"
    return f"目标是区间（“{text}”），没有单一的目标值" if is_range(text) else None


def _base_fault(table: HeadlineTable, target: Row, base: _Base) -> str | None:
    """Return why a target cannot be held against its base, or None."""
    if base.row is None:
        return base.reason
    text = base.row["value_text"]
    if base.row["value_num"] is None:
        return f"规划中的现状值为“{text}”，没有数值"
    if base.reason is not None:
        return base.reason
    if is_range(text):
        return f"现状值是区间（“{text}”），没有单一的数值"
    both_cumulative = target["comparator"] == "cum" and base.row["comparator"] == "cum"
    if both_cumulative and table.base_year != table.target_year:
        return "现状值和目标是两个规划期各自的累计数，不能比较"
    return None


def contradictions(plan_target: pd.DataFrame, synonyms: Sequence[PlanSynonym]) -> pd.DataFrame:
    """Return the table ``target_contradiction``: targets for one thing that give different numbers.

    One thing is: same indicator text (normalised, or wordings that the registry declares the same), scope,
    year and unit. Ranges and targets without a number or a year contradict nothing. Rows keep the order of
    the plans; groups are numbered by it.
    """
    wordings = [entry for entry in synonyms if entry.of == "indicator"]
    same = {
        normalise_text(text): normalise_text(entry.texts[0]) for entry in wordings for text in entry.texts
    }
    known = set(plan_target["indicator_text"].map(normalise_text))
    unused = [text for entry in wordings for text in entry.texts if normalise_text(text) not in known]
    if unused:
        raise RegistryError(f"plan_synonyms.yaml：规划里没有指标“{'”“'.join(unused)}”")
    targets = plan_target[
        (plan_target["kind"] == "target")
        & plan_target["value_num"].notna()
        & plan_target["year"].notna()
        & ~plan_target["value_text"].map(is_range)
    ]
    keys = pd.DataFrame(
        {
            "text": targets["indicator_text"].map(normalise_text).map(lambda text: same.get(text, text)),
            "scope": targets["scope"].fillna(""),
            "year": targets["year"],
            "unit": targets["unit"].map(partial(normalise_unit, synonyms=synonyms)),
        }
    )
    groups = targets.groupby([keys["text"], keys["scope"], keys["year"], keys["unit"]], sort=False)
    rows = [
        {
            "group_id": f"c-{number:03d}",
            "row": row["id"],
            **{
                name: row[name]
                for name in TABLES["target_contradiction"].columns
                if name not in ("group_id", "row")
            },
        }
        for number, group in enumerate(
            (group for _, group in groups if group["value_num"].min() < group["value_num"].max()), start=1
        )
        for _, row in group.iterrows()
    ]
    return pd.DataFrame(rows, columns=list(TABLES["target_contradiction"].columns))
