"""One composite index from a specification, for page and command alike; and indices saved under a name."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from data.registry.index_models import IndexSpec
from data.registry.limit_models import exceeded, limit
from data.store.files import disk_in_words, read_json, read_text
from data.store.store import Store
from geo.composite import CompositeResult, Part, Sensitivity, composite, equalisation, rank_ranges
from geo.errors import CompositeError, StoreError


@dataclass(frozen=True, eq=False)
class IndexAnalysis:
    """An index with everything it rests on.

    ``indicators``: index id; columns name, unit, direction (as used), decimals, year, quality. ``matrix``:
    regions by components. ``result`` is the index; ``sensitivity`` the ranks over all combinations.
    ``progress``: score now minus score in the base year on one scale (NaN where either is undefined), None
    without a base year, with ``base`` and ``now`` the two indices it is taken from. ``equalisation`` and its
    reason: see `geo.composite.equalisation`. ``sources`` are ids.
    """

    spec: IndexSpec
    regions: pd.DataFrame
    indicators: pd.DataFrame
    matrix: pd.DataFrame
    result: CompositeResult
    sensitivity: Sensitivity
    now: CompositeResult | None
    base: CompositeResult | None
    progress: pd.Series | None
    equalisation: float
    equalisation_reason: str
    sources: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Return one row per region, best first.

        Columns adcode, name, score, rank, reason, best, q1, median, q3, worst; with a base year progress and
        progress_reason.
        """
        found = self.result.frame.join(self.sensitivity.frame.drop(columns="combinations"))
        found.insert(0, "name", self.regions["name"])
        found.insert(0, "adcode", found.index)
        if self.progress is not None and self.base is not None:
            found["progress"] = self.progress
            found["progress_reason"] = self.base.frame["reason"].where(self.progress.isna(), "")
        return found.sort_values(["rank", "adcode"]).reset_index(drop=True)


def compute_index(store: Store, spec: IndexSpec) -> IndexAnalysis:
    """Return the index that ``spec`` describes.

    Raises `CompositeError` that lists every fault: unknown indicators, years without data at the level,
    neutral indicators without a direction, weights that do not sum to 1.
    """
    parts, indicators = _parts(store, spec)
    regions = store.region_table(spec.level)
    matrix, sources = _matrix(store, spec, indicators, None, regions.index)
    methods = {
        "normalisation": spec.normalisation,
        "weighting": spec.weighting,
        "aggregation": spec.aggregation,
    }
    result = composite(matrix, parts, **methods)  # type: ignore[arg-type]
    now = base = progress = None
    if spec.base_year is not None:
        earlier, _ = _matrix(store, spec, indicators, spec.base_year, regions.index)
        both = pd.concat([earlier, matrix], ignore_index=True)
        now = composite(matrix, parts, limits_of=both, **methods)  # type: ignore[arg-type]
        base = _named(composite(earlier, parts, limits_of=both, **methods), indicators)  # type: ignore[arg-type]
        progress = now.frame["score"] - base.frame["score"]
    equal, why = equalisation(result.frame["score"])
    return IndexAnalysis(
        spec=spec,
        regions=regions,
        indicators=indicators,
        matrix=matrix,
        result=_named(result, indicators),
        sensitivity=rank_ranges(matrix, parts),
        now=now,
        base=base,
        progress=progress,
        equalisation=equal,
        equalisation_reason=why,
        sources=sources,
    )


def _parts(store: Store, spec: IndexSpec) -> tuple[list[Part], pd.DataFrame]:
    """Return the components as the method takes them, and what the registry says of their indicators."""
    entries = store.indicators()
    faults: list[str] = []
    parts, rows = [], []
    for one in spec.parts:
        if one.id not in entries.index:
            faults.append(f"没有指标“{one.id}”，可用 sutu indicators 查看")
            continue
        entry = entries[entries.index == one.id].iloc[0]
        direction = one.direction or str(entry["direction"])
        if direction == "neutral":
            faults.append(f"“{entry['name']}”是中性指标，请用 direction 写明 higher_better 或 lower_better")
            continue
        year = one.year or spec.year
        for wanted in [year] if spec.base_year is None else [year, spec.base_year]:
            faults += _year_faults(store, one.id, str(entry["name"]), wanted, spec.level)
        parts.append(Part(one.id, direction, one.weight, one.target))  # type: ignore[arg-type]
        kept = {key: entry[key] for key in ("id", "name", "unit", "decimals", "quality")}
        rows.append({**kept, "direction": direction, "year": year})
    if spec.base_year is not None and spec.base_year >= spec.year:
        faults.append(f"基期 {spec.base_year} 年应早于 {spec.year} 年")
    if faults:
        raise CompositeError("综合指数无法计算：" + "；".join(faults) + "。")
    return parts, pd.DataFrame(rows).set_index("id", drop=False).rename_axis(None)


def _year_faults(store: Store, indicator: str, name: str, year: int, level: str) -> list[str]:
    facts = store.facts(indicator, level=level)
    years = sorted({int(one) for one in facts.loc[facts["value"].notna(), "year"]})
    if year in years:
        return []
    if not years:
        return [f"“{name}”在这一层级没有数据"]
    return [f"“{name}”没有 {year} 年的数据，有：{'、'.join(map(str, years))}"]


def _matrix(
    store: Store, spec: IndexSpec, indicators: pd.DataFrame, base_year: int | None, index: pd.Index
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the values of all components (in the base year, when given), and their sources."""
    columns, sources = {}, []
    for name, year in indicators["year"].to_dict().items():
        facts = store.facts(str(name), year=base_year or int(year), level=spec.level)
        columns[name] = facts.set_index("adcode")["value"].reindex(index)
        sources += list(facts["source"].dropna().unique())
    return pd.DataFrame(columns, index=index, dtype="float64"), tuple(dict.fromkeys(sources))


def _named(result: CompositeResult, indicators: pd.DataFrame) -> CompositeResult:
    """Return the result with the indicators' names, not their ids, in the reasons people read."""
    reasons = result.frame["reason"]
    for key, name in indicators["name"].items():
        reasons = reasons.str.replace(rf"(^|；){key}：", rf"\g<1>{name}：", regex=True)
    return CompositeResult(
        result.frame.assign(reason=reasons),
        result.parts,
        result.contributions,
        result.weights,
        result.part_reasons,
    )


FOLDER = "indices"
_KEY = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class SavedIndex:
    """A saved index and the key a link names it by."""

    key: str
    spec: IndexSpec


def save_index(data_dir: Path, spec: IndexSpec) -> str:
    """Write an index and return its key; `StoreError` when it cannot be written or there are too many."""
    text = json.dumps(spec.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    folder = data_dir / FOLDER
    path = folder / f"{key}.json"
    if _same(path, text):
        return key
    if sum(1 for _ in folder.glob("*.json")) >= limit("kept.indices"):
        fault = exceeded("kept.indices", FOLDER)
        raise StoreError(f"{fault.problem}，请{fault.remedy}。")
    staged = folder / f".{key}-{os.getpid()}-{secrets.token_hex(4)}"
    with disk_in_words(f"保存综合指数：写入 {folder} "):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            staged.write_text(text, encoding="utf-8")
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
    return key


def _same(path: Path, text: str) -> bool:
    """Return whether the file holds this very index; a damaged one is written anew."""
    try:
        return read_text(path) == text
    except (OSError, ValueError):
        return False


def read_index(data_dir: Path, key: str) -> IndexSpec:
    """Return a saved index. Raises `StoreError` for a key of another form, none such, or a damaged file."""
    if not _KEY.fullmatch(key):
        raise StoreError(f"“{key}”不是综合指数的编号。")
    path = data_dir / FOLDER / f"{key}.json"
    try:
        return IndexSpec.model_validate(read_json(path))
    except FileNotFoundError as fault:
        raise StoreError(f"没有编号为 {key} 的综合指数，可能已被删去。") from fault
    except (OSError, ValueError, TypeError, ValidationError) as fault:
        raise StoreError(f"保存的综合指数 {path} 已损坏，无法打开。请删去该文件，重新保存。") from fault


def list_indices(data_dir: Path) -> list[SavedIndex]:
    """Return every readable saved index, by name."""
    found = []
    for path in sorted((data_dir / FOLDER).glob("*.json")):
        try:
            found.append(SavedIndex(path.stem, read_index(data_dir, path.stem)))
        except StoreError:
            continue
    return sorted(found, key=lambda one: (one.spec.name, one.key))
