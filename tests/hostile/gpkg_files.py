"""GeoPackages made statement by statement: endless views, generated columns, names that are SQL."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from tests.hostile.case import Scene

_APPLICATION = 0x47504B47  # "GPKG"
TABLES = {
    "gpkg_spatial_ref_sys": (
        "srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,"
        " organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT"
    ),
    "gpkg_contents": (
        "table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT, description TEXT,"
        " last_change TEXT, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER"
    ),
    "gpkg_geometry_columns": (
        "table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,"
        " srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL"
    ),
    "gpkg_extensions": (
        "table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,"
        " scope TEXT NOT NULL"
    ),
}
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
)
_ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT "


def point(lon: float, lat: float) -> bytes:
    """Return a point as a GeoPackage holds it (WGS 84)."""
    return b"GP\x00\x01" + struct.pack("<i", 4326) + b"\x01" + struct.pack("<Idd", 1, lon, lat)


def quoted(name: str) -> str:
    """Return a name as SQL has it in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def geopackage(
    path: Path,
    *,
    table: str = "places",
    columns: str = "name TEXT, type TEXT",
    rows: Iterable[Sequence[object]] = (
        (118.8, 32.05, "医院", "hospital"),
        (118.9, 32.1, "药店", "pharmacy"),
    ),
    srs: str = WGS84,
    statements: Iterable[str] = (),
    schema: Iterable[tuple[str, str, str]] = (),
) -> None:
    """Write a GeoPackage of points.

    ``rows`` are lon, lat and the stored columns. ``statements`` run at the end; ``schema`` (type, name, SQL)
    is written into ``sqlite_master`` as it is, whatever SQLite would say to it.
    """
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute("PRAGMA user_version = 10300")
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("BEGIN")
        for name, described in TABLES.items():
            database.execute(f"CREATE TABLE {name} ({described})")
        put = "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, 'EPSG', ?, ?, '')"
        database.execute(put, ("WGS 84", 4326, 4326, srs))
        database.execute(put, ("x", -1, -1, "undefined"))
        database.execute(put, ("x", 0, 0, "undefined"))
        database.execute(f"CREATE TABLE {quoted(table)} (fid INTEGER PRIMARY KEY, geom POINT, {columns})")
        database.execute(
            "INSERT INTO gpkg_contents VALUES (?, 'features', ?, '', '2024-01-01T00:00:00.000Z',"
            " 118, 31, 120, 33, 4326)",
            (table, table),
        )
        database.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'POINT', 4326, 0, 0)", (table,)
        )
        stored = [(point(row[0], row[1]), *row[2:]) for row in rows]  # type: ignore[arg-type]
        if stored:
            marks = ", ".join("?" * len(stored[0]))
            database.executemany(f"INSERT INTO {quoted(table)} VALUES (NULL, {marks})", stored)
        database.execute("COMMIT")
        for sql in statements:
            database.execute(sql)
        if schema:
            database.execute("PRAGMA writable_schema = ON")
            add = "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, 0, ?)"
            for kind, name, sql in schema:
                database.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
                database.execute(add, (kind, name, name, sql))


def rewrite(path: Path, name: str, sql: str) -> None:
    """Put other SQL in the place of a table's own, its rows as they are."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))


def as_view(path: Path, name: str, select: str) -> None:
    """Write a GeoPackage one of whose own tables is a view."""
    statements = [f"DROP TABLE {name}", f"CREATE VIEW {name} AS {select}"]
    geopackage(path, statements=statements)


def endless_contents(path: Path, _scene: Scene) -> None:
    """Make the list of layers a view without an end."""
    select = (
        _ENDLESS
        + "'places' AS table_name, 'features' AS data_type, 'p' || n AS identifier, '' AS description,"
        " '2024-01-01' AS last_change, 118 AS min_x, 31 AS min_y, 120 AS max_x,"
        " 33 AS max_y, 4326 AS srs_id FROM c"
    )
    as_view(path, "gpkg_contents", select)


def endless_geometry_columns(path: Path, _scene: Scene) -> None:
    """Make the list of geometry columns a view without an end."""
    select = (
        _ENDLESS + "'places' AS table_name, 'geom' AS column_name, 'POINT' AS geometry_type_name,"
        " 4326 AS srs_id, 0 AS z, 0 AS m FROM c"
    )
    as_view(path, "gpkg_geometry_columns", select)


def endless_extensions(path: Path, _scene: Scene) -> None:
    """Make the list of extensions a view without an end."""
    select = (
        _ENDLESS + "'places' AS table_name, 'geom' AS column_name, 'x' || n AS extension_name,"
        " 'd' AS definition, 'read-write' AS scope FROM c"
    )
    as_view(path, "gpkg_extensions", select)


def endless_reference_systems(path: Path, _scene: Scene) -> None:
    """Make the list of reference systems a view without an end."""
    select = (
        _ENDLESS + "'s' AS srs_name, n AS srs_id, 'EPSG' AS organization, n AS organization_coordsys_id,"
        " 'undefined' AS definition, '' AS description FROM c"
    )
    as_view(path, "gpkg_spatial_ref_sys", select)


def endless_search(path: Path, _scene: Scene) -> None:
    """Make the list of reference systems a view that never gives a row."""
    as_view(path, "gpkg_spatial_ref_sys", _ENDLESS.replace("SELECT 1 ", "SELECT -9e9 ") + (
        "'s' AS srs_name, n AS srs_id, 'EPSG' AS organization, n AS organization_coordsys_id,"
        " 'undefined' AS definition, '' AS description FROM c WHERE n > 9e15"
    ))  # fmt: skip


def endless_layer(path: Path, _scene: Scene) -> None:
    """Make the layer itself a view without an end."""
    as_view(path, "places", _ENDLESS + "n AS fid, NULL AS geom, 'x' AS name, 'hospital' AS type FROM c")


def endless_ogr_contents(path: Path, _scene: Scene) -> None:
    """Add the count of features that GDAL keeps as a view without an end."""
    view = (
        "CREATE VIEW gpkg_ogr_contents AS " + _ENDLESS + "'places' AS table_name, n AS feature_count FROM c"
    )
    geopackage(path, statements=[view])


def generated_text(path: Path, _scene: Scene, *, megabytes: int = 100, rows: int = 40) -> None:
    """Add a column whose text is made when it is read."""
    made = f"name TEXT GENERATED ALWAYS AS (printf('%.*c', {megabytes * 1_000_000}, 'x')) VIRTUAL"
    geopackage(
        path, columns="type TEXT", rows=[(118 + number / 1000, 32, "hospital") for number in range(rows)]
    )
    # Changed afterwards: SQLite would make the text for every row that is put in.
    rewrite(path, "places", f"CREATE TABLE places (fid INTEGER PRIMARY KEY, geom POINT, {made}, type TEXT)")


def generated_gigabyte(path: Path, scene: Scene) -> None:
    """Add a column whose text is nearly as long as SQLite allows."""
    generated_text(path, scene, megabytes=999, rows=4)


def many_rows(path: Path, _scene: Scene, *, rows: int = 400_000) -> None:
    """Write very many features, without a fault."""
    rows_of = (
        (118.6 + number % 2000 / 1000, 31.5 + number // 2000 / 80, f"设施{number}", "pharmacy")
        for number in range(rows)
    )
    geopackage(path, rows=rows_of)


def many_columns(path: Path, _scene: Scene) -> None:
    """Write a layer of nearly as many columns as SQLite allows, on many rows."""
    names = ", ".join(f"c{number} TEXT" for number in range(1_900))
    rows = ((118.8, 32.05, "医院", "hospital", *["x"] * 1_900) for _ in range(2_000))
    geopackage(path, columns=f"name TEXT, type TEXT, {names}", rows=rows)


def many_layers(path: Path, _scene: Scene) -> None:
    """Write five thousand layers."""
    statements = ["BEGIN"]
    for number in range(5_000):
        statements += [
            f"CREATE TABLE t{number} (fid INTEGER PRIMARY KEY, geom POINT)",
            f"INSERT INTO gpkg_contents SELECT 't{number}', 'features', 't{number}', '', last_change, 0, 0,"
            " 1, 1, 4326 FROM gpkg_contents LIMIT 1",
            f"INSERT INTO gpkg_geometry_columns VALUES ('t{number}', 'geom', 'POINT', 4326, 0, 0)",
        ]
    geopackage(path, statements=[*statements, "COMMIT"])


def text_not_utf8(path: Path, _scene: Scene) -> None:
    """Write text that is no UTF-8 into an attribute, as GBK programs do."""
    geopackage(path, statements=["UPDATE places SET name = CAST(x'd2bdd4ba' AS TEXT)"])


def column_not_utf8(path: Path, _scene: Scene) -> None:
    """Write a column name that is no UTF-8."""
    geopackage(
        path, columns="name TEXT, type TEXT, qqqq TEXT", rows=[(118.8, 32.05, "医院", "hospital", "x")]
    )
    path.write_bytes(path.read_bytes().replace(b"qqqq", b"\xd2\xbd\xd4\xba"))


def layer_not_utf8(path: Path, _scene: Scene) -> None:
    """Write a layer name that is no UTF-8."""
    geopackage(path, table="qqqq")
    path.write_bytes(path.read_bytes().replace(b"qqqq", b"\xd2\xbd\xd4\xba"))
