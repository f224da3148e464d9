"""A GeoPackage looked at by SQLite, bounded, before GDAL opens it: plain tables only, nothing that computes.

GDAL runs its own SQL on what the file declares. A view, a virtual table or a generated column in the place of
a table would make that SQL run what the file's author wrote, for as long and as large as it likes.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from data.faults import FaultReport
from data.ingest.cells import shown
from data.ingest.reading import VectorLimits, fatal
from data.registry.limit_models import MEGABYTE, exceeded

_STEPS_BETWEEN_LOOKS = 20_000
_EXPRESSION_DEPTH = 50
_COLUMNS = 600
_MIN_CELL_BYTES = 25_000_000
_RTREE = re.compile(r"CREATE VIRTUAL TABLE (\"?)rtree_.*\1 USING rtree ?\(", re.IGNORECASE | re.DOTALL)
_EXPORT_AGAIN = "在 GIS 软件中重新导出为 GeoPackage，只带需要的图层"
_GENERATED = (2, 3)
_NAMES = re.compile(r'"(?:[^"]|"")*"')
_COMPUTED = re.compile(r"\(.*\(|\bWHERE\b", re.IGNORECASE | re.DOTALL)


def gpkg_layers(file: str, path: Path, limits: VectorLimits) -> tuple[str, ...]:
    """Return the layers of a GeoPackage by name, after its declarations were found plain and small.

    Raises ``FaultReport``.
    """
    with _opened(file, path, limits) as database:
        schema = _schema(file, database, limits)
        _check_registers(file, database, schema, limits)
        query = (
            "SELECT c.table_name FROM gpkg_contents AS c JOIN sqlite_master AS m ON m.name = c.table_name"
            " WHERE c.data_type = 'features' AND m.type = 'table' ORDER BY c.table_name"
        )
        found = [str(row[0]) for row in database.execute(query).fetchmany(limits.layers + 1)]
        if len(found) > limits.layers:
            raise FaultReport([exceeded("vector.layers", file, most=limits.layers)])
        for layer in found:
            _check_columns(file, database, layer, limits)
        return tuple(found)


def check_layer(file: str, path: Path, layer: str, limits: VectorLimits) -> None:
    """Refuse a layer with too many features, values or bytes; raises ``FaultReport``."""
    with _opened(file, path, limits) as database:
        columns = _check_columns(file, database, layer, limits)
        table = _quoted(layer)
        rows = int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - quoted
        if rows > limits.features:
            raise FaultReport([exceeded("vector.features", file, rows, most=limits.features)])
        if rows * len(columns) > limits.cells:
            found = rows * len(columns)
            raise FaultReport([exceeded("vector.cells", file, found, most=limits.cells)])
        _check_lengths(file, database, layer, columns, limits)


@contextmanager
def _opened(file: str, path: Path, limits: VectorLimits) -> Iterator[sqlite3.Connection]:
    """Give a connection that reads this one file, runs for a bounded time and takes no long values."""
    until = time.monotonic() + limits.look_seconds
    late: list[bool] = []

    def look() -> int:
        late.extend([True] if time.monotonic() > until else [])
        return int(bool(late))

    try:
        # Immutable: a journal or write-ahead log that lies beside it is not read.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.text_factory = _text
            longest = max(limits.geometry_bytes, limits.text_chars, _MIN_CELL_BYTES)
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
            database.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, _EXPRESSION_DEPTH)
            database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            database.set_progress_handler(look, _STEPS_BETWEEN_LOOKS)
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA cell_size_check = ON")
            yield database
    except sqlite3.DataError as fault:
        # Longer than the longest value taken.
        most = max(limits.geometry_bytes, limits.text_chars) / MEGABYTE
        raise FaultReport([exceeded("vector.geometry_mb", file, most=most)]) from fault
    except (sqlite3.Error, UnicodeDecodeError) as fault:
        # SQLite's own complaint may quote a damaged name, which Python then fails to read.
        if late:
            raise FaultReport([exceeded("vector.look_seconds", file, most=limits.look_seconds)]) from fault
        raise fatal(file, "GeoPackage 已损坏，无法打开", "重新导出一份") from fault


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _schema(file: str, database: sqlite3.Connection, limits: VectorLimits) -> dict[str, tuple[str, str]]:
    """Return what the database declares (lower-case name: type and SQL) after a look at each."""
    lengths = "SELECT max(length(CAST(sql AS BLOB))), max(length(CAST(name AS BLOB))), count(*)"
    # The table of the schema is read by SQLite itself already, so a bound on its rows comes with the count.
    longest, name, count = database.execute(f"{lengths} FROM sqlite_master").fetchone()
    if count > limits.schema_entries:
        raise FaultReport([exceeded("vector.schema_entries", file, most=limits.schema_entries)])
    if max(longest or 0, name or 0) > limits.registered_chars:
        raise FaultReport([exceeded("vector.registered_chars", file, most=limits.registered_chars)])
    schema: dict[str, tuple[str, str]] = {}
    for kind, title, sql in database.execute("SELECT type, name, sql FROM sqlite_master"):
        if not isinstance(title, str) or title.lower() in schema:
            raise fatal(file, "GeoPackage 的数据库目录有误", _EXPORT_AGAIN)
        schema[title.lower()] = (str(kind), str(sql or ""))
        _check_entry(file, str(kind), title, str(sql or ""))
    return schema


def _check_entry(file: str, kind: str, title: str, sql: str) -> None:
    """Refuse a declaration that would compute while the file is read."""
    virtual = sql[:40].upper().lstrip().startswith("CREATE VIRTUAL")
    if virtual and not (title.lower().startswith("rtree_") and _RTREE.match(sql)):
        raise fatal(file, f"GeoPackage 里有虚拟表“{shown(title)}”", _EXPORT_AGAIN)
    if kind == "view" and title.lower().startswith(("gpkg_", "rtree_", "sqlite_")):
        raise fatal(file, f"“{shown(title)}”应是表，却是视图", _EXPORT_AGAIN)
    if kind == "index" and _COMPUTED.search(_NAMES.sub("", sql)):
        raise fatal(file, f"索引“{shown(title)}”含有表达式", _EXPORT_AGAIN)


def _check_registers(
    file: str, database: sqlite3.Connection, schema: dict[str, tuple[str, str]], limits: VectorLimits
) -> None:
    """Refuse tables of the format that are no plain tables, or hold more than such tables do."""
    if schema.get("gpkg_contents", ("", ""))[0] != "table":
        raise fatal(file, "GeoPackage 已损坏，无法打开", "重新导出一份")
    for name, (kind, _) in schema.items():
        if not name.startswith("gpkg_") or kind != "table":
            continue
        columns = _plain_columns(file, database, name)
        table, most = _quoted(name), limits.registered_rows
        counted = f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {most + 1})"  # noqa: S608 - quoted
        if int(database.execute(counted).fetchone()[0]) > most:
            raise FaultReport([exceeded("vector.registered_rows", file, most=most)])
        lengths = ", ".join(f"max(length(CAST({_quoted(one)} AS BLOB)))" for one in columns)
        longest = database.execute(f"SELECT {lengths} FROM {table}").fetchone()  # noqa: S608 - quoted
        if max(int(one or 0) for one in longest) > limits.registered_chars:
            raise FaultReport([exceeded("vector.registered_chars", file, most=limits.registered_chars)])


def _check_columns(file: str, database: sqlite3.Connection, layer: str, limits: VectorLimits) -> list[str]:
    columns = _plain_columns(file, database, layer)
    if len(columns) > limits.fields:
        raise FaultReport([exceeded("vector.fields", file, len(columns), most=limits.fields)])
    return columns


def _plain_columns(file: str, database: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a table; refuse one whose values are computed."""
    described: list[Any] = database.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchmany(_COLUMNS * 4)
    computed = [str(row[1]) for row in described if row[6] in _GENERATED]
    if computed:
        names = "、".join(shown(name) for name in computed[:5])
        raise fatal(file, f"表“{shown(table)}”有由算式生成的字段（{names}）", _EXPORT_AGAIN)
    if not described:
        raise fatal(file, f"表“{shown(table)}”没有字段", _EXPORT_AGAIN)
    return [str(row[1]) for row in described]


def _check_lengths(
    file: str, database: sqlite3.Connection, layer: str, columns: list[str], limits: VectorLimits
) -> None:
    """Refuse values that are too long one by one, or in all. A length in bytes comes without the value."""
    query = "SELECT lower(column_name) FROM gpkg_geometry_columns WHERE table_name = ?"
    shapes = {str(row[0]) for row in database.execute(query, (layer,)).fetchmany(2)}
    table = _quoted(layer)
    total = 0
    for column in columns:
        length = f"length(CAST({_quoted(column)} AS BLOB))"
        measured = f"SELECT max({length}), total({length}) FROM {table}"  # noqa: S608 - quoted
        longest, size = database.execute(measured).fetchone()
        if column.lower() in shapes:
            if (longest or 0) > limits.geometry_bytes:
                most = limits.geometry_bytes / MEGABYTE
                raise FaultReport([exceeded("vector.geometry_mb", file, longest / MEGABYTE, most=most)])
            continue
        if (longest or 0) > limits.text_chars:
            raise FaultReport([exceeded("vector.text_chars", file, longest, most=limits.text_chars)])
        total += int(size)
        if total > limits.text_bytes:
            most = limits.text_bytes / MEGABYTE
            raise FaultReport([exceeded("vector.text_mb", file, total / MEGABYTE, most=most)])
