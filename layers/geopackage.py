"""The GIS file renderer: frames as layers of one GeoPackage, and what QGIS reads in it beside the rows."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd

GPKG_TYPE = "application/geopackage+sqlite3"
_STYLES = """
CREATE TABLE IF NOT EXISTS layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""
_METADATA = """
CREATE TABLE IF NOT EXISTS gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',
  metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS gpkg_metadata_reference (
  reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), md_file_id INTEGER NOT NULL,
  md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id))
"""
_COLUMNS = """
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
  mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name))
"""
_EXTENSIONS = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
  scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))
"""
QGIS_METADATA = "http://mrcc.com/qgis.dtd"


def geopackage_bytes(layers: Mapping[str, gpd.GeoDataFrame], description: str = "") -> bytes:
    """Return a GeoPackage with each frame as a layer of that name, in the CRS the frames have.

    ``description`` (sources, year, notice) goes into the description of every layer. Columns of lists or
    other objects than text are not supported. Raises ``ValueError`` when there is no layer.
    """
    if not layers:
        raise ValueError("a GeoPackage needs at least one layer")
    with tempfile.TemporaryDirectory(prefix="sutu-") as folder:
        path = Path(folder) / "layers.gpkg"
        for name, frame in layers.items():
            frame.to_file(path, layer=name, driver="GPKG", index=False, DESCRIPTION=description)
        return path.read_bytes()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def add_styles(path: Path, layer: str, description: str, qml: str, sld: str) -> None:
    """Put the default look of a layer into the GeoPackage, where QGIS finds it without being asked."""
    with _opened(path) as file:
        file.execute(_STYLES)
        file.execute(
            "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )
        file.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
            "styleName, styleQML, styleSLD, useAsDefault, description, owner) "
            "VALUES ('', '', ?, 'geom', ?, ?, ?, 1, ?, '')",
            [layer, layer[:30], qml, sld, description],
        )


def add_metadata(path: Path, layer: str, xml: str) -> None:
    """Put a layer's metadata (XML as QGIS has it) into ``gpkg_metadata``."""
    with _opened(path) as file:
        for statement in _METADATA.split(";"):
            file.execute(statement)
        _register(
            file,
            "gpkg_metadata",
            None,
            "gpkg_metadata",
            "http://www.geopackage.org/spec120/#extension_metadata",
        )
        _register(
            file,
            "gpkg_metadata_reference",
            None,
            "gpkg_metadata",
            "http://www.geopackage.org/spec120/#extension_metadata",
        )
        found = file.execute(
            "INSERT INTO gpkg_metadata (md_scope, md_standard_uri, mime_type, metadata) "
            "VALUES ('dataset', ?, 'text/xml', ?)",
            [QGIS_METADATA, xml],
        )
        file.execute(
            "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id) "
            "VALUES ('table', ?, ?)",
            [layer, found.lastrowid],
        )


def add_field_titles(path: Path, layer: str, titles: Mapping[str, tuple[str, str]]) -> None:
    """Put each column's other name and its definition (by column) into ``gpkg_data_columns``."""
    with _opened(path) as file:
        file.execute(_COLUMNS)
        _register(
            file,
            "gpkg_data_columns",
            None,
            "gpkg_schema",
            "http://www.geopackage.org/spec120/#extension_schema",
        )
        file.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, title, description) VALUES (?, ?, ?, ?)",
            [(layer, column, title, text) for column, (title, text) in titles.items()],
        )


def _register(file: sqlite3.Connection, table: str, column: str | None, name: str, definition: str) -> None:
    file.execute(_EXTENSIONS)
    held = file.execute(
        "SELECT 1 FROM gpkg_extensions WHERE table_name = ? AND extension_name = ?", [table, name]
    ).fetchone()
    if held is None:
        file.execute(
            "INSERT INTO gpkg_extensions VALUES (?, ?, ?, ?, 'read-write')", [table, column, name, definition]
        )
