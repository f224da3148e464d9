"""Imported OpenStreetMap data on disk: one facility file per extract, one road network, rail and waters.

Nodes and edges are two files of one network: both carry the digest of their extract, so that a pair from two
imports (a process killed between the two renames) is noticed and not computed with.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.ingest.osm_facilities import FACILITY_COLUMNS
from data.store.files import DAMAGED, damaged_import, in_words
from data.store.staging import StagedImport, imports_dir
from geo.errors import StoreError

STORED_COLUMNS = (*FACILITY_COLUMNS[:8], "adcode", *FACILITY_COLUMNS[8:])
"""Columns of a stored facility file: those of an extract and the county (None beyond the province)."""

FACILITY_FOLDER = "facilities"
NODES, EDGES = "network/nodes.parquet", "network/edges.parquet"
LAYERS = {name: f"osm/{name}.parquet" for name in ("rail", "rivers", "water")}

_DIGEST_KEY = b"sutu.extract"
_TEXT_COLUMNS = frozenset(STORED_COLUMNS) - {"capacity", "lon", "lat"}
_EDITION = re.compile(r"[-_.](latest|\d{6}|\d{8}|\d{4}-\d{2}-\d{2})$")
_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, eq=False)
class NetworkSource:
    """Frames of nodes and edges as ``geo.network.build_network`` takes them, and what identifies them."""

    nodes: pd.DataFrame
    edges: pd.DataFrame
    name: str
    digest: str


def extract_name(file_name: str) -> str:
    """Return the name under which an extract's facilities are kept, the same for every edition of it.

    ``jiangsu-latest.osm.pbf`` and ``jiangsu-260310.osm.pbf`` are both ``jiangsu``: the later import takes the
    earlier one's place. A name without Latin letters or digits becomes a short digest.
    """
    stem = file_name.lower().removesuffix(".pbf").removesuffix(".osm")
    plain = _UNSAFE.sub("-", _EDITION.sub("", stem)).strip("-")[:60]
    return plain or hashlib.sha256(stem.encode()).hexdigest()[:12]


def facility_file(name: str) -> str:
    """Return the file below ``imports/`` for the facilities of the extract ``name`` (of ``extract_name``)."""
    return f"{FACILITY_FOLDER}/osm-{name}.parquet"


def facility_files(data_dir: Path) -> list[Path]:
    """Return the facility files of earlier OpenStreetMap imports."""
    return sorted((imports_dir(data_dir) / FACILITY_FOLDER).glob("osm-*.parquet"))


def read_facility_file(path: Path) -> pd.DataFrame:
    """Return a stored facility file (``STORED_COLUMNS``); ``StoreError`` when it is damaged."""
    with damaged_import(path):
        return pd.read_parquet(path, columns=list(STORED_COLUMNS))


def stage_facilities(data_dir: Path, file: str, frame: pd.DataFrame) -> StagedImport:
    """Stage facilities (``STORED_COLUMNS``, sorted by id) for ``imports/``."""
    ordered = frame[list(STORED_COLUMNS)].sort_values("id", ignore_index=True)
    schema = pa.schema(
        [(name, pa.string() if name in _TEXT_COLUMNS else pa.float64()) for name in STORED_COLUMNS]
    )
    table = pa.Table.from_pandas(ordered, schema=schema, preserve_index=False).replace_schema_metadata(None)
    return StagedImport.stage(data_dir, file, lambda path: pq.write_table(table, path))


def stage_network(
    data_dir: Path, nodes: pd.DataFrame, edges: pd.DataFrame, digest: str
) -> list[StagedImport]:
    """Stage a network for ``imports/``, both files marked with the digest of their extract."""
    staged = []
    for file, frame in ((NODES, nodes), (EDGES, edges)):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _DIGEST_KEY: digest.encode()})
        staged.append(StagedImport.stage(data_dir, file, _writer(table)))
    return staged


def _writer(table: pa.Table) -> Any:
    return lambda path: pq.write_table(table, path, compression="zstd")


def stage_layer(data_dir: Path, layer: str, frame: gpd.GeoDataFrame) -> StagedImport:
    """Stage a layer of lines or areas (``rail``, ``rivers``, ``water``) for ``imports/``."""
    return StagedImport.stage(data_dir, LAYERS[layer], lambda path: frame.to_parquet(path, index=False))


def load_imported_network(data_dir: Path) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return (nodes, edges) of the imported road network, or None when nobody imported one.

    Columns and types are those of ``data.ingest.osm_network.OsmNetwork``. ``StoreError`` when a file is
    missing or damaged, or when the two come from different imports.
    """
    paths = [imports_dir(data_dir) / file for file in (NODES, EDGES)]
    if not any(path.exists() for path in paths):
        return None
    folder = paths[0].parent
    remedy = f"请把它移走（mv {folder} {folder}.old），再重新运行 sutu import osm。"
    try:
        tables = [pq.ParquetFile(path).read() for path in paths]
        marks = {table.schema.metadata[_DIGEST_KEY] for table in tables}
    except DAMAGED as error:
        raise StoreError(f"已导入的路网 {folder} 已损坏（{in_words(error)}）。{remedy}") from error
    if len(marks) != 1:
        raise StoreError(f"已导入的路网 {folder} 不完整：结点和路段来自两次导入。{remedy}")
    nodes, edges = (table.to_pandas() for table in tables)
    return nodes, edges


def load_imported_layer(data_dir: Path, layer: str) -> gpd.GeoDataFrame | None:
    """Return an imported layer (``rail``, ``rivers``, ``water``) in EPSG:4490, or None when there is none."""
    path = imports_dir(data_dir) / LAYERS[layer]
    if not path.exists():
        return None
    with damaged_import(path):
        return gpd.read_parquet(path)
