"""The tables of the store: columns, types and rules, in one place; and how a frame becomes a table.

The DDL is generated from `TABLES`, so that the build, the check, the store and the tests read one
definition. Identifiers come only from here; values are always bound, through Arrow, never formatted into
SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow as pa

from data.store.files import is_disk_fault
from geo.errors import StoreError
from geo.region_tree import TABLE_LEVELS

SCHEMA_VERSION = 4
"""Raised when a table changes, or the way its rows are made: stores of another version are built anew."""

DIRECTIONS = ("higher_better", "lower_better", "neutral")
QUALITIES = ("official", "secondary", "derived", "imported")
STATUSES = ("observed", "estimated", "undefined")
STATES = ("met", "not_met", "undefined")
CORRIDOR_STATUSES = ("existing", "under_construction", "planned", "vision", "unstated")


@dataclass(frozen=True)
class Table:
    """One table: ordered columns with their SQL type and rule, and rules over the whole row."""

    columns: dict[str, str]
    key: tuple[str, ...] = ()
    checks: tuple[str, ...] = field(default=())

    def ddl(self, name: str) -> str:
        """Return the ``CREATE TABLE`` statement of this table under ``name``."""
        lines = [f'"{column}" {rule}' for column, rule in self.columns.items()]
        if self.key:
            lines.append("PRIMARY KEY (" + ", ".join(f'"{column}"' for column in self.key) + ")")
        lines += [f"CHECK ({check})" for check in self.checks]
        return f'CREATE TABLE "{name}" (\n  ' + ",\n  ".join(lines) + "\n)"


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


TEXT = "VARCHAR"
REQUIRED = "VARCHAR NOT NULL"
NUMBER = "DOUBLE"

TABLES: dict[str, Table] = {
    "region": Table(
        {
            "adcode": REQUIRED,
            "name": REQUIRED,
            "short_name": REQUIRED,
            "level": REQUIRED,
            "parent": TEXT,
            "kind": REQUIRED,
            "economic_region": TEXT,
            "valid_from": TEXT,
            "valid_to": TEXT,
            "predecessors": TEXT,
            "area_km2": NUMBER,
            "seat_lon": NUMBER,
            "seat_lat": NUMBER,
            "seat_source": TEXT,
        },
        key=("adcode",),
        checks=(
            "length(adcode) = 6",
            _one_of("level", TABLE_LEVELS),
            "area_km2 IS NULL OR area_km2 > 0",
            "(parent IS NULL) = (level = 'province')",
        ),
    ),
    "indicator": Table(
        {
            "id": REQUIRED,
            "name": REQUIRED,
            "unit": REQUIRED,
            "direction": REQUIRED,
            "domain": REQUIRED,
            "kind": REQUIRED,
            "definition": REQUIRED,
            "numerator": TEXT,
            "denominator": TEXT,
            "scale": NUMBER,
            "decimals": "INTEGER NOT NULL",
            "quality": REQUIRED,
            "source": REQUIRED,
            "note": TEXT,
        },
        key=("id",),
        checks=(_one_of("direction", DIRECTIONS), _one_of("quality", QUALITIES), "decimals BETWEEN 0 AND 6"),
    ),
    "fact": Table(
        {
            "adcode": REQUIRED,
            "indicator": REQUIRED,
            "year": "INTEGER NOT NULL",
            "source": REQUIRED,
            "value": NUMBER,
            "status": REQUIRED,
            "quality": REQUIRED,
            "flag": TEXT,
            "note": TEXT,
            "reason": TEXT,
        },
        key=("adcode", "indicator", "year", "source"),
        checks=(
            "length(adcode) = 6",
            "year BETWEEN 1949 AND 2100",
            _one_of("status", STATUSES),
            _one_of("quality", QUALITIES),
            "(value IS NULL) = (status = 'undefined')",
            "value IS NULL OR isfinite(value)",
            "value IS NOT NULL OR (reason IS NOT NULL AND length(reason) > 0)",
        ),
    ),
    "plan_document": Table(
        {
            "plan": REQUIRED,
            "doc_no": REQUIRED,
            "title": REQUIRED,
            "doc_order": "INTEGER NOT NULL",
            "target_rows": "INTEGER NOT NULL",
        },
        key=("plan",),
    ),
    "plan_target": Table(
        {
            "id": REQUIRED,
            "plan": REQUIRED,
            "domain": TEXT,
            "indicator_text": REQUIRED,
            "unit": TEXT,
            "scope": TEXT,
            "year_text": TEXT,
            "year": "INTEGER",
            "value_text": REQUIRED,
            "value_num": NUMBER,
            "comparator": TEXT,
            "kind": REQUIRED,
            "attribute": TEXT,
            "note": TEXT,
            "seed_line": REQUIRED,
        },
        key=("id",),
        checks=(
            _one_of("kind", ("target", "actual", "forecast")),
            "comparator IS NULL OR " + _one_of("comparator", ("=", ">=", ">", "<=", "<", "~", "cum")),
            "attribute IS NULL OR " + _one_of("attribute", ("约束性", "预期性")),
        ),
    ),
    "headline_target": Table(
        {
            "id": REQUIRED,
            "plan": REQUIRED,
            "indicator_text": REQUIRED,
            "unit": TEXT,
            "scope": TEXT,
            "attribute": TEXT,
            "domain": TEXT,
            "period": REQUIRED,
            "plan_table": REQUIRED,
            "base_year": "INTEGER",
            "base_value": NUMBER,
            "base_text": TEXT,
            "base_row": TEXT,
            "target_year": "INTEGER",
            "target_value": NUMBER,
            "target_text": REQUIRED,
            "comparator": TEXT,
            "target_row": REQUIRED,
            "direction": REQUIRED,
            "state": REQUIRED,
            "state_reason": TEXT,
        },
        key=("id",),
        checks=(
            _one_of("direction", DIRECTIONS),
            _one_of("state", STATES),
            "state <> 'undefined' OR (state_reason IS NOT NULL AND length(state_reason) > 0)",
        ),
    ),
    "target_contradiction": Table(
        {
            "group_id": REQUIRED,
            "indicator_text": REQUIRED,
            "scope": TEXT,
            "year": "INTEGER",
            "plan": REQUIRED,
            "value_text": REQUIRED,
            "value_num": NUMBER,
            "row": REQUIRED,
        },
        key=("group_id", "row"),
    ),
    "zone": Table(
        {
            "zone_code": REQUIRED,
            "name": REQUIRED,
            "county": REQUIRED,
            "year": "INTEGER NOT NULL",
            "reason": REQUIRED,
        },
        key=("zone_code", "year"),
    ),
    "census_change": Table(
        {
            "code_2010": REQUIRED,
            "name_2010": REQUIRED,
            "county": REQUIRED,
            "name_2020": REQUIRED,
            "change": REQUIRED,
            "comparable": REQUIRED,
            "effective": TEXT,
            "reason": REQUIRED,
        },
        key=("code_2010", "county"),
        checks=(_one_of("comparable", ("exact", "approximate", "none")),),
    ),
    "source": Table(
        {
            "id": REQUIRED,
            "title": REQUIRED,
            "publisher": TEXT,
            "doc_no": TEXT,
            "date": TEXT,
            "licence": TEXT,
            "quality": REQUIRED,
            "obtained": TEXT,
        },
        key=("id",),
        checks=(_one_of("quality", QUALITIES),),
    ),
    "unmatched": Table(
        {
            "table_name": REQUIRED,
            "source": REQUIRED,
            "row": TEXT,
            "code": TEXT,
            "name": TEXT,
            "value": TEXT,
            "reason": REQUIRED,
        },
    ),
    "facility": Table(
        {
            "id": REQUIRED,
            "name": REQUIRED,
            "type": REQUIRED,
            "level": TEXT,
            "capacity": NUMBER,
            "capacity_unit": TEXT,
            "lon": "DOUBLE NOT NULL",
            "lat": "DOUBLE NOT NULL",
            "adcode": TEXT,
            "source": REQUIRED,
            "precision": REQUIRED,
            "datum": REQUIRED,
            "as_of": TEXT,
            "address": TEXT,
            "note": TEXT,
            "origin_id": TEXT,
            "origin_source": TEXT,
        },
        key=("id",),
        checks=(
            _one_of("precision", ("surveyed", "seat", "implied")),
            _one_of("datum", ("wgs84", "cgcs2000", "gcj02", "bd09")),
            "lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90",
        ),
    ),
    "facility_standard": Table(
        {
            "id": REQUIRED,
            "name": REQUIRED,
            "type": TEXT,
            "region_level": REQUIRED,
            "rule": REQUIRED,
            "quantity": "DOUBLE NOT NULL",
            "unit": REQUIRED,
            "source_plan": REQUIRED,
            "doc_no": REQUIRED,
            "seed_line": REQUIRED,
            "text": REQUIRED,
            "note": TEXT,
        },
        key=("id",),
        checks=(
            _one_of("rule", ("per_population", "per_region", "per_region_above", "per_township")),
            "quantity > 0",
        ),
    ),
    "corridor": Table(
        {
            "id": REQUIRED,
            "position": "INTEGER NOT NULL",
            "name": REQUIRED,
            "family": REQUIRED,
            "kind": REQUIRED,
            "plan": REQUIRED,
            "doc_no": REQUIRED,
            "status": REQUIRED,
            "horizon": "INTEGER NOT NULL",
            "period": TEXT,
            "length_km": NUMBER,
            "speed_kmh": NUMBER,
            "description": TEXT,
            "seed_line": REQUIRED,
            "basis": TEXT,
            "shape": TEXT,
            "precision": TEXT,
            "drawn": "BOOLEAN NOT NULL",
            "reason": TEXT,
            "note": TEXT,
        },
        key=("id",),
        checks=(
            _one_of("status", CORRIDOR_STATUSES),
            "horizon IN (2020, 2025, 2035)",
            "shape IS NULL OR " + _one_of("shape", ("line", "area", "point")),
            "precision IS NULL OR " + _one_of("precision", ("示意", "实测")),
            "basis IS NULL OR " + _one_of("basis", ("plan", "project", "name")),
            "drawn = (shape IS NOT NULL AND precision IS NOT NULL)",
            "drawn OR (reason IS NOT NULL AND length(reason) > 0)",
        ),
    ),
    "corridor_member": Table(
        {
            "corridor": REQUIRED,
            "position": "INTEGER NOT NULL",
            "text": REQUIRED,
            "role": REQUIRED,
            "kind": REQUIRED,
            "name": REQUIRED,
            "adcode": TEXT,
            "level": TEXT,
            "lon": NUMBER,
            "lat": NUMBER,
            "on_axis": "BOOLEAN NOT NULL",
            "line": TEXT,
            "reason": TEXT,
            "note": TEXT,
        },
        key=("corridor", "position"),
        checks=(
            _one_of("kind", ("region", "town", "point", "outside", "province", "line", "none")),
            "(lon IS NULL) = (lat IS NULL)",
            "NOT on_axis OR lon IS NOT NULL",
            "kind <> 'none' OR (reason IS NOT NULL AND length(reason) > 0)",
        ),
    ),
    "run": Table(
        {
            "id": REQUIRED,
            "kind": REQUIRED,
            "parameters": REQUIRED,
            "data_version": REQUIRED,
            "result_file": TEXT,
            "started_at": REQUIRED,
            "seconds": NUMBER,
        },
        key=("id",),
    ),
    "catalogue": Table(
        {"name": REQUIRED, "path": REQUIRED, "rows": "INTEGER NOT NULL", "sha256": REQUIRED},
        key=("name",),
    ),
    "meta": Table({"key": REQUIRED, "value": REQUIRED}, key=("key",)),
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table of the schema, empty, in ``connection``."""
    for name, table in TABLES.items():
        connection.execute(table.ddl(name))


def insert_frame(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> int:
    """Append ``frame`` to table ``name`` in the frame's order; return the number of rows.

    The frame must have every column of the table and no other (order does not matter); NaN becomes NULL.
    Raises `StoreError` naming the table when columns differ or a row breaks one of the table's rules, and
    duckdb's own error when the disk is at fault.
    """
    table = TABLES[name]
    missing = [column for column in table.columns if column not in frame.columns]
    extra = [str(column) for column in frame.columns if column not in table.columns]
    if missing or extra:
        raise StoreError(f"表 {name} 的列不符：缺少 {missing or '无'}，多出 {extra or '无'}")
    arrow = pa.Table.from_pandas(frame[list(table.columns)], preserve_index=False)
    view = f"incoming_{name}"
    connection.register(view, arrow)
    try:
        columns = ", ".join(f'"{column}"' for column in table.columns)
        connection.execute(f'INSERT INTO "{name}" ({columns}) SELECT {columns} FROM "{view}"')  # noqa: S608
    except duckdb.Error as fault:
        if is_disk_fault(fault):
            raise
        raise StoreError(f"表 {name} 有不合规则的行：{fault}") from fault
    finally:
        connection.unregister(view)
    return len(frame)
