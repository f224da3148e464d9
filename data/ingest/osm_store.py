"""Imported OpenStreetMap data on disk: one facility file per extract, one road network, rail and waters.

Nodes and edges are two files of one network: both carry the digest of their extract, so that a pair from two
imports (a process killed between the two renames) is noticed and not computed with.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.ingest.osm_facilities import FACILITY_COLUMNS
from data.ingest.summary import ImportSummary
from data.store.files import DAMAGED, damaged_import, in_words
from data.store.staging import StagedImport, StagedRemoval, imports_dir
from geo.errors import StoreError

STORED_COLUMNS = (*FACILITY_COLUMNS[:8], "adcode", *FACILITY_COLUMNS[8:])
"""Columns of a stored facility file: those of an extract and the county (None beyond the province)."""

FACILITY_FOLDER = "facilities"
_NETWORK = "network"
NODES, EDGES = f"{_NETWORK}/nodes.parquet", f"{_NETWORK}/edges.parquet"
LAYERS = {name: f"osm/{name}.parquet" for name in ("rail", "rivers", "water")}

_DIGEST_KEY = b"sutu.extract"
_ABOUT_KEY = b"sutu.extract_about"
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


@dataclass(frozen=True)
class NetworkInfo:
    """What there is to say of the imported roads: the extract (None: imported before this was noted), its
    date, how many roads it drew, and their length.
    """

    file: str | None
    as_of: str | None
    nodes: int
    edges: int
    length_km: float
    ferries: int

    def line(self) -> str:
        """Return it as a sentence."""
        dated = f"，数据截至 {self.as_of}" if self.as_of else ""
        ferries = f"，其中轮渡 {self.ferries:,} 段" if self.ferries else ""
        return (
            f"{self.file or '来历没有记下的数据包'}{dated}：{self.nodes:,} 个结点，{self.edges:,} 个路段，"
            f"共 {self.length_km:,.0f} 公里{ferries}"
        )


@dataclass(frozen=True)
class NetworkRemoval(ImportSummary):
    """The outcome of taking the imported roads out."""

    def lines(self) -> list[str]:
        """Return the summary as Chinese lines."""
        if not self.changed:
            return ["没有导入的路网，没有改动。"]
        return [f"已移除路网：{self.file}。", *self.notes]


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
    data_dir: Path,
    nodes: pd.DataFrame,
    edges: pd.DataFrame,
    digest: str,
    *,
    file: str | None = None,
    as_of: str | None = None,
) -> list[StagedImport]:
    """Stage a network for ``imports/``, both files marked with the digest, name and date of their extract."""
    marks = {_DIGEST_KEY: digest.encode(), _ABOUT_KEY: json.dumps({"file": file, "as_of": as_of}).encode()}
    staged = []
    for name, frame in ((NODES, nodes), (EDGES, edges)):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **marks})
        staged.append(StagedImport.stage(data_dir, name, _writer(table)))
    return staged


def network_info(data_dir: Path) -> NetworkInfo | None:
    """Return what there is to say of the imported road network, or None when nobody imported one.

    ``StoreError`` when its files are missing or damaged.
    """
    paths = [imports_dir(data_dir) / file for file in (NODES, EDGES)]
    if not any(path.exists() for path in paths):
        return None
    try:
        nodes, edges = (pq.ParquetFile(path) for path in paths)
        about = json.loads((edges.schema_arrow.metadata or {}).get(_ABOUT_KEY, b"{}"))
        told = edges.read(columns=["length_m", "ferry"]).to_pandas()
        return NetworkInfo(
            file=about.get("file"),
            as_of=about.get("as_of"),
            nodes=nodes.metadata.num_rows,
            edges=len(told),
            length_km=round(float(told["length_m"].sum()) / 1000.0, 3),
            ferries=int(told["ferry"].sum()),
        )
    except DAMAGED as error:
        raise StoreError(
            f"已导入的路网 {paths[0].parent} 已损坏（{in_words(error)}）。{_remedy(paths[0])}"
        ) from error


def remove_network(
    data_dir: Path, info: NetworkInfo | None, rebuild: Callable[[], object] | None = None
) -> NetworkRemoval:
    """Take the imported roads out and return what that did; ``info`` is what `network_info` said of them.

    They go in one step, and come back when ``rebuild`` (what builds the store anew) raises.
    """
    if info is None:
        return NetworkRemoval("osm_network", _NETWORK, 0)
    with StagedRemoval(data_dir, _NETWORK):
        if rebuild is not None:
            rebuild()
    note = "此后的通行时间按直线距离 × 绕行系数估算；随同一数据包导入的设施、铁路和水系不变。"
    files = (Path(NODES).name, Path(EDGES).name)
    return NetworkRemoval(
        "osm_network", info.line(), info.edges, files=files, notes=(note,), details=asdict(info)
    )


def _remedy(path: Path) -> str:
    return f"请把它移走（mv {path.parent} {path.parent}.old），再重新运行 sutu import osm。"


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
    remedy = _remedy(paths[0])
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
