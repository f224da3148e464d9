"""The parts of an unpacked shapefile held against each other before GDAL opens them, and the DBF's encoding.

Headers state sizes and the index states places: every one of them is checked against the bytes there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.faults import FaultReport
from data.ingest.reading import VectorLimits, fatal
from data.registry.limit_models import MEGABYTE, exceeded

_MAGIC = b"\x00\x00\x27\x0a"
_HEADER = 100
_RECORD_HEADER = 8
_DESCRIPTOR = 32
_END_OF_FIELDS = b"\x0d"
_TEXT_FIELD = b"C"
_SLACK_BYTES = 1_000_000
_SAMPLE_BYTES = 32_000_000
_CHUNK = 1 << 20
_CPG_BYTES = 1_000
_EXPORT_AGAIN = "在原软件中重新导出 shapefile，把各个文件一起压缩"


@dataclass(frozen=True)
class _Dbf:
    """What the header of a DBF says: how many records of which size, and the spans of its text columns."""

    records: int
    header_size: int
    record_size: int
    names: tuple[bytes, ...]
    spans: tuple[tuple[int, int], ...]


def check_shapefile(file: str, folder: Path, limits: VectorLimits) -> None:
    """Refuse a shapefile (``input.*`` in ``folder``) whose parts lie or are too large.

    ``file`` is its name to its owner. Raises ``FaultReport``.
    """
    dbf = _dbf_header(file, folder / "input.dbf", limits)
    shapes = _check_index(file, folder, limits)
    if shapes != dbf.records:
        raise fatal(file, f"有 {shapes:,} 个图形，却有 {dbf.records:,} 条属性", _EXPORT_AGAIN)
    prj = folder / "input.prj"
    if prj.exists() and prj.stat().st_size > limits.registered_chars:
        raise FaultReport([exceeded("vector.registered_chars", file, most=limits.registered_chars)])


def dbf_encoding(file: str, folder: Path, limits: VectorLimits) -> str:
    """Return the encoding that reads the DBF with the fewest broken characters; the .cpg decides a tie.

    A missing or wrong .cpg is common, and so are values cut in mid-character at 254 bytes, hence the count,
    which is taken over the first records only when there are many.
    """
    declared = ""
    cpg = folder / "input.cpg"
    if cpg.exists():
        with cpg.open("rb") as handle:
            declared = handle.read(_CPG_BYTES).decode("ascii", errors="replace").strip().lower()
    gbk_declared = any(word in declared for word in ("936", "gb"))
    broken = {"utf-8": 0, "gb18030": 0}
    for text in _texts(file, folder / "input.dbf", limits):
        for name in broken:
            broken[name] += text.decode(name, errors="replace").count("\ufffd")
    if broken["utf-8"] == broken["gb18030"]:
        return "CP936" if gbk_declared else "UTF-8"
    return "UTF-8" if broken["utf-8"] < broken["gb18030"] else "CP936"


def _dbf_header(file: str, path: Path, limits: VectorLimits) -> _Dbf:
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(_DESCRIPTOR)
        records = int.from_bytes(head[4:8], "little")
        header_size = int.from_bytes(head[8:10], "little")
        record_size = int.from_bytes(head[10:12], "little")
        described = handle.read(max(0, header_size - _DESCRIPTOR))
    names, spans, start = [], [], 1
    for at in range(0, len(described) - _DESCRIPTOR + 1, _DESCRIPTOR):
        one = described[at : at + _DESCRIPTOR]
        if one[:1] == _END_OF_FIELDS:
            break
        names.append(one[:11].split(b"\x00")[0])
        if one[11:12] == _TEXT_FIELD:
            spans.append((start, start + one[16]))
        start += one[16]
    held = header_size + records * record_size
    if not names or record_size < start or start < 2 or not held <= size <= held + _SLACK_BYTES:
        raise fatal(file, "属性表（.dbf）的表头与内容不符", _EXPORT_AGAIN)
    for name, found, most in (
        ("vector.features", records, limits.features),
        ("vector.fields", len(names), limits.fields),
        ("vector.cells", records * len(names), limits.cells),
    ):
        if found > most:
            raise FaultReport([exceeded(name, file, found, most=most)])
    return _Dbf(records, header_size, record_size, tuple(names), tuple(spans))


def _check_index(file: str, folder: Path, limits: VectorLimits) -> int:
    """Return the number of shapes; each must lie whole within the file, none may be counted twice."""
    size = (folder / "input.shp").stat().st_size
    index_size = (folder / "input.shx").stat().st_size
    for part in ("input.shp", "input.shx"):
        with (folder / part).open("rb") as handle:
            if handle.read(len(_MAGIC)) != _MAGIC:
                raise fatal(file, f"{part.replace('input', '')} 不是 shapefile 的文件", _EXPORT_AGAIN)
    shapes = (index_size - _HEADER) // _RECORD_HEADER
    if shapes > limits.features:
        raise FaultReport([exceeded("vector.features", file, shapes, most=limits.features)])
    if min(size, index_size) < _HEADER or (index_size - _HEADER) % _RECORD_HEADER:
        raise fatal(file, "图形索引（.shx）不完整", _EXPORT_AGAIN)
    index = np.fromfile(folder / "input.shx", dtype=">i4", offset=_HEADER).reshape(-1, 2).astype(np.int64) * 2
    places, lengths = index[:, 0], index[:, 1]
    if not shapes:
        return 0
    longest = int(lengths.max())
    if longest > limits.geometry_bytes:
        most = limits.geometry_bytes / MEGABYTE
        raise FaultReport([exceeded("vector.geometry_mb", file, longest / MEGABYTE, most=most)])
    beyond = (places < _HEADER) | (places + _RECORD_HEADER + lengths > size)
    held = lengths > 0
    if (beyond & held).any() or (lengths < 0).any() or int(lengths[held].sum()) > size:
        raise fatal(file, "图形索引（.shx）与图形（.shp）不符", _EXPORT_AGAIN)
    return int(shapes)


def _texts(file: str, path: Path, limits: VectorLimits) -> Iterator[bytes]:
    """Yield the field names and the text columns of the first records, each value ended by a line break."""
    dbf = _dbf_header(file, path, limits)
    yield b"\n".join(dbf.names)
    most = min(dbf.records, _SAMPLE_BYTES // dbf.record_size)
    step = max(1, _CHUNK // dbf.record_size)
    with path.open("rb") as handle:
        handle.seek(dbf.header_size)
        for first in range(0, most, step):
            count = min(step, most - first)
            block = np.frombuffer(handle.read(count * dbf.record_size), dtype=np.uint8)
            rows = block.reshape(count, dbf.record_size)
            for start, stop in dbf.spans:
                ends = np.full((count, 1), ord("\n"), dtype=np.uint8)
                yield np.hstack([rows[:, start:stop], ends]).tobytes()
