"""The door for OpenStreetMap extracts (PBF): is it whole, how old is it; and its ways as flat arrays.

libosmium picks the ways and looks up their nodes in C++, and writes them in its text format OPL; Arrow reads
that text back in batches. This is several times faster than visiting each node of each way from Python, and
keeps only the arrays in memory. Format: https://osmcode.org/opl-file-format/
"""

import io
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from data.faults import Fault, FaultReport
from data.registry.limit_models import MEGABYTE, exceeded, limit_bytes

_TIMESTAMP_KEYS = ("osmosis_replication_timestamp", "timestamp")
_REDO = "请重新下载完整的 .osm.pbf 数据包（sutu import osm --download 可断点续传并校验），再导入一次"


@dataclass(frozen=True)
class ExtractInfo:
    """An extract that can be read: file name, size in bytes, date of its data (``YYYY-MM-DD``) if stated."""

    name: str
    size: int
    as_of: str | None


def file_fault(path: Path, problem: str, remedy: str) -> FaultReport:
    """Return the report of one fault of the file as a whole, ready to be raised."""
    return FaultReport([Fault(path.name, None, None, None, problem, remedy)])


def _translate(path: Path, error: Exception) -> FaultReport:
    """Return what a reader's complaint means to the person who brought the file."""
    text = str(error)
    if "EOF" in text or "truncated" in text:
        return file_fault(path, "文件不完整，读到一半就结束了（可能是下载中断）", _REDO)
    if "BlobHeader" in text or "blob contains no data" in text or "invalid BlobHeader" in text:
        return file_fault(path, "不是 OpenStreetMap 的 PBF 文件", "请导入扩展名为 .osm.pbf 的数据包")
    if "feature" in text.lower() and "support" in text.lower():
        return file_fault(path, f"数据包用到了不支持的 PBF 特性（{text}）", "请改用普通的 .osm.pbf 数据包")
    return file_fault(path, f"文件已损坏，无法解码（{text}）", _REDO)


@contextmanager
def readable(path: Path) -> Iterator[osmium.io.File]:
    """Give the PBF file to read within the block; the reader's errors become a ``FaultReport`` in Chinese.

    The format is always PBF, whatever the file is called: the content of another format is refused.
    """
    try:
        yield osmium.io.File(str(path), "pbf")
    except RuntimeError as error:
        raise _translate(path, error) from error


def check_extract(path: Path, *, max_bytes: int | None = None) -> ExtractInfo:
    """Return what the header of the extract says.

    Raises ``FaultReport`` when the file is missing, empty, larger than ``max_bytes`` (the table of limits
    where not given) or no PBF. Whether the rest of the file is whole shows only while reading it: every
    reader of this package reports that.
    """
    if not path.is_file():
        raise file_fault(path, "没有这个文件", "请检查路径；也可以用 sutu import osm --download 下载")
    size = path.stat().st_size
    if size == 0:
        raise file_fault(path, "文件是空的", _REDO)
    most = limit_bytes("osm.file_mb") if max_bytes is None else max_bytes
    if size > most:
        raise FaultReport([exceeded("osm.file_mb", path.name, size / MEGABYTE, most=most / MEGABYTE)])
    with readable(path) as file:
        header = osmium.io.Reader(file, osmium.osm.NOTHING).header()
        stamp = next((value for key in _TIMESTAMP_KEYS if (value := header.get(key))), "")
    return ExtractInfo(path.name, size, stamp[:10] or None)


FIXED = 1e7
"""Positions are stored as OpenStreetMap stores them: integers of 1e-7 degree."""

_BLOCK_BYTES = 16 * 1024**2
_OPL = "opl,locations_on_ways=true,add_metadata=false"
# "Nn1x118.5y31.2,n2x..." becomes one line "1,118.5,31.2" per node; a node without a position "2,,".
_TO_CSV = bytes.maketrans(b"N,xy", b"\n\n,,")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{1,6})%")


@dataclass(frozen=True)
class WayTable:
    """Ways in file order. Way ``i`` has the nodes ``start[i]`` to ``start[i + 1]`` of the flat arrays.

    ``way_id`` int64[n]; ``tags``: per requested key the texts of the n ways, null where a way lacks it, still
    as OPL escapes them (``unescape``);
    ``start`` int64[n + 1]; ``node_id`` int64[m]; ``x``, ``y`` int32[m]: longitude and latitude (WGS 84) in
    1e-7 degree; ``located`` bool[m]: False for a node the extract does not hold (its x and y are 0).
    ``marked``: the tags of the nodes that ``WaySelection.nodes_with`` asks for, by node id, whether or not a
    selected way has them.
    """

    way_id: NDArray[np.int64]
    tags: dict[str, pa.ChunkedArray]
    start: NDArray[np.int64]
    node_id: NDArray[np.int64]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    located: NDArray[np.bool_]
    marked: dict[int, dict[str, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of ways."""
        return len(self.way_id)

    def way_of_node(self) -> NDArray[np.int32]:
        """Return for every entry of the flat arrays the number of its way."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.start))


@dataclass(frozen=True)
class WaySelection:
    """Which ways to read: those with ``value`` among ``values`` of ``key`` for any of the pairs.

    ``nodes_with``: nodes with this key are read too, for their tags.
    """

    wanted: dict[str, tuple[str, ...]]
    nodes_with: str | None = None

    @property
    def filters(self) -> list[osmium.BaseHandler]:
        """Return the C++ filters: ways with one of the wanted tags, and the wanted nodes."""
        ways = osmium.filter.TagFilter(
            *((key, value) for key, values in self.wanted.items() for value in values)
        )
        if self.nodes_with is None:
            return [osmium.filter.EntityFilter(osmium.osm.WAY), ways]
        nodes = osmium.filter.KeyFilter(self.nodes_with)
        nodes.enable_for(osmium.osm.NODE)
        ways.enable_for(osmium.osm.WAY)
        return [nodes, ways]


def _write_opl(path: Path, selection: WaySelection, out: Path) -> None:
    """Write the selected ways with their node positions to ``out``; raises ``FaultReport`` for a bad file."""
    with readable(path) as file:
        locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
        locations.ignore_errors()
        reader = osmium.io.Reader(file, osmium.osm.NODE | osmium.osm.WAY)
        with osmium.SimpleWriter(osmium.io.File(str(out), _OPL)) as writer:
            osmium.apply(reader, locations, *selection.filters, writer)


def _batches(opl: Path, others: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the ways of an OPL file as batches of three text columns: way, tags, nodes.

    Lines of nodes, which have four columns, are added to ``others``.
    """
    columns = ["way", "tags", "nodes"]
    if opl.stat().st_size == 0:
        return

    def set_aside(row: pa_csv.InvalidRow) -> str:
        others.append(row.text)
        return "skip"

    yield from pa_csv.open_csv(
        opl,
        read_options=pa_csv.ReadOptions(column_names=columns, block_size=_BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char=False, invalid_row_handler=set_aside),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
    )


def _text_bytes(column: pa.StringArray) -> bytes:
    """Return the values of a text column one after the other."""
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)
    first, last = offsets[column.offset], offsets[column.offset + len(column)]
    found: bytes = column.buffers()[2].slice(int(first), int(last - first)).to_pybytes()
    return found


def _parse_nodes(column: pa.StringArray) -> tuple[NDArray[np.int64], pa.Table]:
    """Return the number of nodes of each way, and the table (id, lon, lat) of all of them."""
    counts = pc.count_substring(column, "x").to_numpy(zero_copy_only=False).astype(np.int64)
    text = _text_bytes(column).translate(_TO_CSV, b"n")
    names = ["id", "lon", "lat"]
    if not counts.sum():
        return counts, pa.table({name: pa.array([], pa.float64()) for name in names})
    table = pa_csv.read_csv(
        io.BytesIO(text),
        read_options=pa_csv.ReadOptions(column_names=names),
        convert_options=pa_csv.ConvertOptions(
            column_types={"id": pa.int64(), "lon": pa.float64(), "lat": pa.float64()}
        ),
    )
    return counts, table


def _tag(column: pa.StringArray, key: str) -> pa.StringArray:
    """Return the value of ``key`` in each OPL tag list (``Tkey=value,key=value``), null where missing."""
    # Most ways lack most tags: a plain search first leaves the pattern few texts to look at.
    mentioned = pc.match_substring(column, f"{key}=")
    if not mentioned.true_count:
        return pa.nulls(len(column), pa.string())
    found = pc.extract_regex(column.filter(mentioned), rf"(?:^T|,){re.escape(key)}=(?P<value>[^,]*)")
    return pc.replace_with_mask(
        pa.nulls(len(column), pa.string()), mentioned, pc.struct_field(found, "value")
    )


def _seldom_tags(column: pa.StringArray, mark: str, keys: Sequence[str]) -> dict[str, pa.StringArray]:
    """Return the values of ``keys``, which all hold ``mark``, looked for only where it stands."""
    marked = pc.match_substring(column, mark)
    nothing = pa.nulls(len(column), pa.string())
    if not marked.true_count:
        return dict.fromkeys(keys, nothing)
    few = column.filter(marked)
    return {key: pc.replace_with_mask(nothing, marked, _tag(few, key)) for key in keys}


def _node_tags(lines: Sequence[str]) -> dict[int, dict[str, str]]:
    """Return the tags of nodes from their OPL lines (``n81 Tbarrier=gate,access=no x118.8 y32.0``)."""
    found = {}
    for line in lines:
        node, tags = line.split(" ")[:2]
        pairs = (pair.partition("=") for pair in tags[1:].split(","))
        found[int(node[1:])] = {unescape(key): unescape(value) for key, _, value in pairs}
    return found


def _fixed(degrees: pa.ChunkedArray) -> NDArray[np.int32]:
    """Return degrees as integers of 1e-7 degree, 0 where missing."""
    found: NDArray[np.int32] = np.rint(degrees.fill_null(0.0).to_numpy() * FIXED).astype(np.int32)
    return found


def unescape(text: str) -> str:
    """Return an OPL text as its author wrote it: ``%``, code point in hex, ``%`` becomes the character."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def read_ways(
    path: Path,
    selection: WaySelection,
    keys: Sequence[str],
    *,
    seldom: Mapping[str, Sequence[str]] | None = None,
    scratch: Path | None = None,
) -> WayTable:
    """Return the selected ways of an extract with the values of the tags ``keys``, in file order.

    ``seldom`` are further keys, by a piece of text that each holds and few ways have: they cost little.
    ``scratch`` is the folder for the intermediate text (about 40 bytes per node of the selected ways;
    default: the system's). Raises ``FaultReport`` when the file cannot be read to its end.
    """
    way_ids: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    nodes: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]] = []
    tags: dict[str, list[pa.StringArray]] = {key: [] for key in keys}
    rare = dict(seldom or {})
    tags |= {key: [] for few in rare.values() for key in few}
    others: list[str] = []
    with tempfile.TemporaryDirectory(prefix="sutu-osm-", dir=scratch) as folder:
        opl = Path(folder) / "ways.opl"
        _write_opl(path, selection, opl)
        for batch in _batches(opl, others):
            way_ids.append(pc.utf8_slice_codeunits(batch["way"], 1).cast(pa.int64()).to_numpy())
            for key in keys:
                tags[key].append(_tag(batch["tags"], key))
            for mark, few in rare.items():
                for key, found in _seldom_tags(batch["tags"], mark, few).items():
                    tags[key].append(found)
            count, table = _parse_nodes(batch["nodes"])
            counts.append(count)
            located = table["lon"].is_valid().to_numpy()
            nodes.append((table["id"].to_numpy(), _fixed(table["lon"]), _fixed(table["lat"]), located))
    return WayTable(
        way_id=_joined(way_ids, np.int64),
        tags={key: pa.chunked_array(parts, pa.string()) for key, parts in tags.items()},
        start=np.concatenate([[0], np.cumsum(_joined(counts, np.int64))]).astype(np.int64),
        node_id=_joined([part[0] for part in nodes], np.int64),
        x=_joined([part[1] for part in nodes], np.int32),
        y=_joined([part[2] for part in nodes], np.int32),
        located=_joined([part[3] for part in nodes], np.bool_),
        marked=_node_tags(others),
    )


def _joined(parts: list[NDArray[Any]], dtype: type) -> NDArray[Any]:
    """Return the parts as one array of ``dtype``, empty when there are none."""
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)
