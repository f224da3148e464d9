"""数据体检: what the stored tables say about themselves, what breaks a rule of the house, and sums to show.

The report is computed from the store alone, never from the inputs or from what the build believes it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq

from data.store.schema import STATES
from data.store.store import Store
from data.store.versions import ZOOMS, file_digest
from geo.crs import STORE_CRS
from geo.errors import StoreError
from geo.region_tree import PARENT_LEVEL, prefecture_of
from geo.regions import coverage_problems

EXPECTED_LEVELS = {"province": 1, "economic_region": 3, "prefecture": 13, "county": 95}
EXPECTED_KINDS = {"区": 55, "县级市": 21, "县": 19}
LEAST_CORRIDORS, LEAST_FAMILIES = 250, 12
EXPECTED_RAIL = {"hsr_6v6h": 12, "conventional_3v3h": 6}
POPULATION = "population"
CENSUS_YEAR = 2020
# A count is a whole number of people or households; anything beyond rounding is a fault.
_ADDITIVE_KINDS = ("count", "amount")


@dataclass(frozen=True)
class CheckReport:
    """The report of `check_store`; ``as_dict`` is what ``sutu check --json`` prints."""

    schema_version: int
    data_version: str
    regions: dict[str, Any]
    population_2020: dict[str, Any]
    indicators: int
    facts: int
    plan_documents: int
    plan_targets: int
    corridors: dict[str, Any]
    unmatched: list[dict[str, Any]]
    problems: list[str]

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong; rows that found no region are shown, not counted as wrong."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ``ok`` first."""
        return {"ok": self.ok, **asdict(self)}


def check_store(store: Store) -> CheckReport:
    """Check a store and return the report; the problems are Chinese sentences, in the order of the checks."""
    regions = store.region_table()
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _region_counts(regions),
        lambda: _parents(regions),
        lambda: _population(store),
        lambda: _additivity(store),
        lambda: _references(store),
        lambda: _reasons(store),
        lambda: _plans(store),
        lambda: _corridors(store),
        lambda: _files(store),
        lambda: _geometry(store, regions),
    )
    counts = regions["level"].value_counts()
    kinds = regions.loc[regions["level"] == "county", "kind"].value_counts()
    return CheckReport(
        schema_version=store.schema_version,
        data_version=store.data_version,
        regions={
            **{level: int(counts.get(level, 0)) for level in ("economic_region", "prefecture", "county")},
            "kinds": {kind: int(kinds.get(kind, 0)) for kind in EXPECTED_KINDS},
        },
        population_2020=_population_totals(store),
        indicators=_count(store, "indicator"),
        facts=_count(store, "fact"),
        plan_documents=_count(store, "plan_document"),
        plan_targets=_count(store, "plan_target"),
        corridors=_corridor_counts(store),
        unmatched=_unmatched(store),
        problems=[problem for check in checks for problem in check()],
    )


def _count(store: Store, table: str) -> int:
    return int(store.query(f'SELECT count(*) AS n FROM "{table}"')["n"].iloc[0])  # noqa: S608


def _unmatched(store: Store) -> list[dict[str, Any]]:
    frame = store.unmatched().astype(object)
    records = frame.where(frame.notna(), None).to_dict("records")
    return [{str(key): value for key, value in record.items()} for record in records]


def _corridor_counts(store: Store) -> dict[str, Any]:
    """Return how many structures there are and are drawn, of how many families; the undrawn by reason."""
    table = store.corridors()
    drawn = table[table["drawn"]]
    reasons = table.loc[~table["drawn"], "reason"].str.partition("：")[0].value_counts()
    return {
        "structures": len(table),
        "drawn": len(drawn),
        "families": int(drawn["family"].nunique()),
        "surveyed": int((drawn["precision"] == "实测").sum()),
        "undrawn": {str(reason): int(count) for reason, count in reasons.items()},
    }


def _region_counts(regions: pd.DataFrame) -> Iterator[str]:
    levels = regions["level"].value_counts()
    for level, expected in EXPECTED_LEVELS.items():
        if (found := int(levels.get(level, 0))) != expected:
            yield f"地区：{level} 应有 {expected} 个，实有 {found} 个"
    kinds = regions.loc[regions["level"] == "county", "kind"].value_counts()
    for kind, expected in EXPECTED_KINDS.items():
        if (found := int(kinds.get(kind, 0))) != expected:
            yield f"地区：{kind}应有 {expected} 个，实有 {found} 个"


def _parents(regions: pd.DataFrame) -> Iterator[str]:
    """A region's parent is of the level above; a county's or residual's code begins like its prefecture's."""
    level_of = regions["level"].to_dict()
    for region in regions.itertuples():
        if region.level == "province":
            continue
        expected = PARENT_LEVEL[str(region.level)]
        if level_of.get(region.parent) != expected:
            yield f"地区 {region.adcode} {region.name}：上级 {region.parent} 不是 {expected}"
        elif expected == "prefecture" and region.parent != prefecture_of(str(region.adcode)):
            yield f"地区 {region.adcode} {region.name}：代码与上级 {region.parent} 不一致"


def _census_population(store: Store) -> pd.DataFrame:
    return store.query(
        "SELECT adcode, level, parent, value FROM fact JOIN region USING (adcode) "
        "WHERE indicator = ? AND year = ? AND quality = 'official' ORDER BY adcode",
        [POPULATION, CENSUS_YEAR],
    )


def _population_totals(store: Store) -> dict[str, Any]:
    """Return the population of 2020 by level: whole persons; None where the store has none."""
    facts = _census_population(store)

    def total(level: str) -> int | None:
        """Return the people of a level; None when one of its regions has no figure."""
        values = facts.loc[facts["level"] == level, "value"]
        return int(values.sum()) if len(values) and values.notna().all() else None

    residual = facts[facts["level"] == "unallocated"]
    return {
        "province": total("province"),
        "sum_prefectures": total("prefecture"),
        "sum_counties": total("county"),
        "unallocated": {str(row.parent): int(row.value) for row in residual.itertuples()},  # type: ignore[arg-type]
    }


def _population(store: Store) -> Iterator[str]:
    totals = _population_totals(store)
    province, prefectures, counties = (
        totals[name] for name in ("province", "sum_prefectures", "sum_counties")
    )
    if province is None or prefectures is None or counties is None:
        yield f"{CENSUS_YEAR} 年人口：省、设区市或县（市、区）的数值不全"
        return
    unallocated = sum(totals["unallocated"].values())
    if not province == prefectures == counties + unallocated:
        yield (
            f"{CENSUS_YEAR} 年人口：全省 {province}，设区市合计 {prefectures}，"
            f"县（市、区）合计 {counties} 加未分配 {unallocated}，三者不等"
        )


def _additivity(store: Store) -> Iterator[str]:
    """Σ children = parent for every count, year and source in which parent and all children are defined."""
    broken = store.query(
        """
        WITH additive AS (
            SELECT f.indicator, f.year, f.source, r.adcode, r.level, r.parent, f.value
            FROM fact f JOIN region r USING (adcode) JOIN indicator i ON i.id = f.indicator
            WHERE list_contains(?, i.kind) AND f.quality <> 'imported'
        ), children AS (
            SELECT indicator, year, source, parent, count(*) AS held, count(value) AS defined,
                   sum(value) AS total
            FROM additive WHERE parent IS NOT NULL GROUP BY ALL
        ), expected AS (SELECT parent, count(*) AS n FROM region WHERE level <> 'unallocated' GROUP BY parent)
        SELECT p.indicator, p.year, p.adcode, p.value, c.total
        FROM additive p
        JOIN children c ON c.parent = p.adcode
            AND (c.indicator, c.year, c.source) = (p.indicator, p.year, p.source)
        JOIN expected e ON e.parent = p.adcode
        WHERE p.value IS NOT NULL AND c.defined = c.held AND c.held >= e.n
            AND abs(p.value - c.total) > greatest(0.001, abs(p.value) * 1e-9)
        ORDER BY ALL
        """,
        [list(_ADDITIVE_KINDS)],
    )
    for row in broken.itertuples():
        yield (
            f"指标 {row.indicator}，{row.year} 年：{row.adcode} 为 {row.value:.10g}，"
            f"下级合计为 {row.total:.10g}，不相等"
        )


_REFERENCES = (
    ("fact", "adcode", "region", "adcode"),
    ("fact", "indicator", "indicator", "id"),
    ("fact", "source", "source", "id"),
    ("zone", "county", "region", "adcode"),
    ("census_change", "county", "region", "adcode"),
    ("facility", "adcode", "region", "adcode"),
    ("plan_target", "plan", "plan_document", "plan"),
    ("headline_target", "target_row", "plan_target", "id"),
    ("headline_target", "base_row", "plan_target", "id"),
    ("target_contradiction", "row", "plan_target", "id"),
    ("corridor", "plan", "plan_document", "plan"),
    ("corridor_member", "corridor", "corridor", "id"),
    ("corridor_member", "adcode", "region", "adcode"),
    ("corridor_member", "line", "corridor", "id"),
)


def _references(store: Store) -> Iterator[str]:
    """Every reference names a row that is there."""
    for table, column, target, key in _REFERENCES:
        lost = store.query(
            f'SELECT DISTINCT "{column}" AS lost FROM "{table}" '  # noqa: S608
            f'WHERE "{column}" IS NOT NULL AND "{column}" NOT IN (SELECT "{key}" FROM "{target}") ORDER BY 1'
        )["lost"]
        if len(lost):
            shown = "、".join(lost.iloc[:5])
            yield f"表 {table} 的 {column} 有 {len(lost)} 个值不在表 {target} 中：{shown}"


def _reasons(store: Store) -> Iterator[str]:
    """Undefined is a result with a reason."""
    for table, state, reason in (("fact", "status", "reason"), ("headline_target", "state", "state_reason")):
        silent = store.query(
            f"SELECT count(*) AS n FROM \"{table}\" WHERE {state} = 'undefined' "  # noqa: S608
            f"AND coalesce(trim({reason}), '') = ''"
        )["n"].iloc[0]
        if silent:
            yield f"表 {table} 有 {silent} 行没有数值，也没有写明原因"


def _plans(store: Store) -> Iterator[str]:
    documents = store.plan_documents().set_index("plan")["target_rows"]
    held = store.plan_targets()["plan"].value_counts()
    for plan, stated in documents.items():
        if (found := int(held.get(plan, 0))) != stated:
            yield f"规划 {plan}：文件清单写 {stated} 行，库中有 {found} 行"


def _corridors(store: Store) -> Iterator[str]:
    """Enough structures of enough families are drawn, each of them once, and both networks are whole."""
    table = store.corridors()
    drawn = table[table["drawn"]]
    try:
        shapes = store.corridor_shapes()
    except StoreError as fault:
        yield str(fault)
        return
    if missing := sorted(set(drawn["id"]) ^ set(shapes.index)):
        yield f"通道走廊：{len(missing)} 个的图形与表不一致：{'、'.join(missing[:5])}"
    if bad := int((~shapes.geometry.is_valid | shapes.geometry.is_empty).sum()):
        yield f"通道走廊：{bad} 个的图形无效或为空"
    if len(drawn) < LEAST_CORRIDORS or drawn["family"].nunique() < LEAST_FAMILIES:
        yield (
            f"通道走廊：画出 {len(drawn)} 个、{drawn['family'].nunique()} 类，"
            f"应不少于 {LEAST_CORRIDORS} 个、{LEAST_FAMILIES} 类"
        )
    for family, expected in EXPECTED_RAIL.items():
        if (found := int((drawn["family"] == family).sum())) != expected:
            yield f"通道走廊：{family} 应有 {expected} 条，画出 {found} 条"


def _files(store: Store) -> Iterator[str]:
    """Every file of the catalogue is there, unchanged, and holds as many rows as stated."""
    catalogue = store.table("catalogue")
    for missing in sorted({f"regions_{zoom}" for zoom in ("full", *ZOOMS)} - set(catalogue["name"])):
        yield f"文件目录中没有 {missing}"
    for entry in catalogue.itertuples():
        path = store.folder / str(entry.path)
        if not path.is_file():
            yield f"文件 {entry.path} 不见了"
        elif file_digest(path) != entry.sha256:
            yield f"文件 {entry.path} 的内容与构建时不同"
        elif (rows := pq.read_metadata(path).num_rows) != entry.rows:
            yield f"文件 {entry.path} 应有 {entry.rows} 行，实有 {rows} 行"


def _geometry(store: Store, regions: pd.DataFrame) -> Iterator[str]:
    """Every region is drawn at every zoom, and counties tile the province without gap or overlap."""
    drawn = regions[regions["level"] != "unallocated"]
    for zoom in ("full", *ZOOMS):
        try:
            shapes: gpd.GeoDataFrame = store.regions(zoom=zoom)
        except StoreError as fault:
            yield str(fault)
            continue
        if missing := sorted(set(drawn.index) - set(shapes.index)):
            yield f"边界 {zoom}：缺少 {len(missing)} 个地区：{'、'.join(missing[:5])}"
        if shapes.crs != STORE_CRS:
            yield f"边界 {zoom}：坐标系不是 {STORE_CRS}"
        counties = shapes[shapes["level"] == "county"]
        yield from (f"边界 {zoom}：{problem}" for problem in coverage_problems(counties))


def fact_summary(store: Store) -> pd.DataFrame:
    """Return how many facts each source gave at which quality.

    Columns: source, title, publisher, quality, indicators (how many), first_year, last_year, facts, undefined
    (facts without a value), estimated, flagged (with a remark of their own); int64 counts. Order: official,
    imported, derived, secondary, then source.
    """
    return store.query(
        """
        SELECT f.source, s.title, s.publisher, f.quality,
               count(DISTINCT f.indicator) AS indicators, min(f.year) AS first_year, max(f.year) AS last_year,
               count(*) AS facts, count(*) FILTER (f.value IS NULL) AS undefined,
               count(*) FILTER (f.status = 'estimated') AS estimated,
               count(*) FILTER (f.flag IS NOT NULL) AS flagged
        FROM fact f LEFT JOIN source s ON s.id = f.source
        GROUP BY f.source, s.title, s.publisher, f.quality
        ORDER BY list_position(['official', 'imported', 'derived', 'secondary'], f.quality), f.source
        """
    )


def residuals(store: Store, indicator: str) -> pd.DataFrame:
    """Return the residuals (未分配) of an indicator: what a prefecture has beyond the sum of its counties.

    Columns: adcode, parent, prefecture (its name), year (int), value (float64), note. Order: year from the
    latest, then adcode.
    """
    return store.query(
        """
        SELECT f.adcode, r.parent, p.name AS prefecture, f.year, f.value, f.note
        FROM fact f JOIN region r USING (adcode) JOIN region p ON p.adcode = r.parent
        WHERE r.level = 'unallocated' AND f.indicator = ? AND f.value IS NOT NULL
        ORDER BY f.year DESC, f.adcode
        """,
        [indicator],
    )


def target_state_counts(store: Store) -> pd.DataFrame:
    """Return how many headline targets of each plan are met, not met and undefined, by period.

    Columns: plan, title, doc_no, period, met, not_met, undefined, total (int64). Order: period, then the
    order of the documents. A plan without headline targets in a period has no row there.
    """
    targets = store.headline_targets()
    counts = pd.crosstab([targets["plan"], targets["period"]], targets["state"])
    counts = counts.reindex(columns=list(STATES), fill_value=0).astype("int64").reset_index()
    counts["total"] = counts[list(STATES)].sum(axis=1)
    documents = store.plan_documents()[["plan", "title", "doc_no", "doc_order"]]
    merged = counts.merge(documents, on="plan", how="left")
    merged["early"] = merged["period"].ne("十三五")
    merged = merged.sort_values(["early", "doc_order"], ignore_index=True)
    return merged[["plan", "title", "doc_no", "period", *STATES, "total"]].rename_axis(columns=None)
