"""The plans: their documents, every base value and target as written, headline targets, contradictions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import pandas as pd

from data.builder.plan_pairs import contradictions, headline_targets
from data.builder.plan_states import target_state
from data.registry import Registry
from data.store.schema import TABLES
from geo.errors import RegistryError

__all__ = ["PlanTables", "build_plan_tables", "read_documents", "read_targets", "target_state"]

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
        headline_target=headline_targets(targets, registry.headline),
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
