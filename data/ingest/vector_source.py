"""What kind of spatial file a person handed over, told by its bytes, and made safe for the reader to open.

Three formats come in: GeoPackage, GeoJSON and a zipped shapefile. Everything else is refused before any of
the many drivers of GDAL sees it. What is opened is a private name in a temporary folder, never the name a
person chose.
"""

import errno
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.faults import Fault, FaultReport
from data.ingest.cells import shown
from data.ingest.geojson_check import check_geojson
from data.ingest.gpkg_check import gpkg_layers
from data.ingest.reading import VectorLimits, check_entries, worst_ratio
from data.ingest.shapefile_check import check_shapefile, dbf_encoding
from data.registry.limit_models import MEGABYTE, exceeded
from geo.errors import UnpackError

_CHUNK = 1 << 20
_GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")
_SHAPE_PARTS = ("shp", "shx", "dbf", "prj", "cpg")
_REQUIRED_PARTS = ("shp", "shx", "dbf")

_NOT_WRITTEN = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EFBIG: "超过系统允许的单个文件大小",
    errno.EROFS: "临时目录是只读的",
    errno.EACCES: "没有写临时目录的权限",
    errno.EIO: "磁盘读写出错",
}
_FORMATS = "请另存为 GeoPackage（.gpkg）、GeoJSON（.geojson）或 shapefile 压缩包（.zip）"
_KNOWN_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x00\x00\x27\x0a", "这是单独的 .shp 文件，缺少属性和坐标系"),
    (b"Rar!", "这是 RAR 压缩包"),
    (b"7z\xbc\xaf", "这是 7z 压缩包"),
    (b"\x1f\x8b", "这是 gzip 压缩文件"),
    (b"PAR1", "这是 Parquet 文件"),
    (b"<", "这是 XML 类文件（KML、GML 等）"),
    (b"\xd0\xcf\x11\xe0", "这是旧版 Office 文件"),
    (b"%PDF", "这是 PDF 文件"),
)


@dataclass(frozen=True)
class VectorSource:
    """A file ready to be opened: the private path (as GDAL takes it), the driver that must claim it, and what
    was found on the way.

    ``layers`` are the names a person may choose from; ``encoding`` is set for shapefiles only.
    """

    path: str
    driver: str
    layers: tuple[str, ...]
    encoding: str | None = None


def refuse(file: str, problem: str, remedy: str) -> FaultReport:
    """Return the report of a single fault of the whole file."""
    return FaultReport([Fault(file, None, None, None, problem, remedy)])


def prepare(path: Path, folder: Path, limits: VectorLimits, layer: str | None) -> VectorSource:
    """Return the source behind ``path``, told by content and laid out in ``folder`` (an empty temporary one).

    ``layer`` picks one shapefile of a zip that holds several. Raises ``FaultReport``, and ``UnpackError``
    when ``folder`` cannot hold what a zip unpacks to.
    """
    if not path.is_file():
        raise refuse(path.name, "文件不存在或不是普通文件", "核对文件路径")
    size = path.stat().st_size
    if size == 0:
        raise refuse(path.name, "文件是空的", "换一个有内容的文件")
    if size > limits.file_bytes:
        most = limits.file_bytes / MEGABYTE
        raise FaultReport([exceeded("vector.file_mb", path.name, size / MEGABYTE, most=most)])
    with path.open("rb") as handle:
        head = handle.read(100)
    if head.startswith(b"SQLite format 3\x00"):
        return _geopackage(path, folder, head, limits)
    if head.startswith(b"PK\x03\x04"):
        return _zipped_shapefile(path, folder, limits, layer)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return _geojson(path, folder, limits)
    what = next(
        (text for magic, text in _KNOWN_OTHERS if head.lstrip().startswith(magic)), "认不出这种文件格式"
    )
    raise refuse(path.name, what, _FORMATS)


def _link(path: Path, target: Path) -> Path:
    """Give the file a name of ours: the reader must not choose a driver by a name somebody else chose."""
    target.symlink_to(path.resolve())
    return target


def _geojson(path: Path, folder: Path, limits: VectorLimits) -> VectorSource:
    """Accept one GeoJSON object in UTF-8; the name tells GDAL the driver, so that no other looks at it."""
    check_geojson(path, limits)
    return VectorSource(f"GeoJSON:{_link(path, folder / 'input.geojson')}", "GeoJSON", ())


def _geopackage(path: Path, folder: Path, head: bytes, limits: VectorLimits) -> VectorSource:
    """Accept a database that says it is a GeoPackage and keeps its features in tables, not in views."""
    if head[68:72] not in _GEOPACKAGE_IDS:
        raise refuse(path.name, "这是 SQLite 数据库，但不是 GeoPackage", _FORMATS)
    # A copy is looked at and opened: nobody changes it in between, and no journal lies beside it.
    target = folder / "input.gpkg"
    with path.open("rb") as source, _writing(path.name, target), target.open("wb") as sink:
        shutil.copyfileobj(source, sink, _CHUNK)
    layers = gpkg_layers(path.name, target, limits)
    if not layers:
        raise refuse(path.name, "GeoPackage 中没有矢量图层", "导出时选择“要素”图层")
    return VectorSource(str(target), "GPKG", layers)


def _zipped_shapefile(path: Path, folder: Path, limits: VectorLimits, layer: str | None) -> VectorSource:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(path.name, archive, limits)
            stem, parts = _chosen_shapefile(path.name, members, layer)
            budget = limits.unpacked_bytes
            for extension, member in parts.items():
                budget -= _extract(path.name, archive, member, folder / f"input.{extension}", budget)
    except UnpackError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as fault:
        raise refuse(path.name, "压缩包已损坏或压缩方式不受支持", "用普通 zip 方式重新压缩") from fault
    check_shapefile(path.name, folder, limits)
    encoding = dbf_encoding(path.name, folder, limits)
    # The reader is told the encoding; a .cpg that contradicts it must not speak as well.
    (folder / "input.cpg").unlink(missing_ok=True)
    return VectorSource(str(folder / "input.shp"), "ESRI Shapefile", (stem,), encoding)


def _member_name(member: zipfile.ZipInfo) -> str:
    """Return the name as a person saw it: archivers on Chinese Windows write GBK without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


def _checked_members(
    file: str, archive: zipfile.ZipFile, limits: VectorLimits
) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """Return the files of the archive; refuse one that could overwrite, overflow or hide something."""
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) > limits.members:
        raise FaultReport([exceeded("vector.members", file, len(members), most=limits.members)])
    total = sum(m.file_size for m in members)
    packed = max(1, sum(m.compress_size for m in members))
    if total > limits.unpacked_bytes:
        most = limits.unpacked_bytes / MEGABYTE
        raise FaultReport([exceeded("vector.unpacked_mb", file, total / MEGABYTE, most=most)])
    ratio = max(total / packed, worst_ratio(members))
    if ratio > limits.compression_ratio:
        raise FaultReport([exceeded("vector.ratio", file, ratio, most=limits.compression_ratio)])
    check_entries(file, archive, members)
    named = []
    for member in members:
        name = _member_name(member).replace("\\", "/")
        inner = PurePosixPath(name)
        if inner.is_absolute() or ".." in inner.parts or ":" in inner.parts[0]:
            raise refuse(file, f"压缩包里有越界的路径“{shown(name)}”", "检查压缩包来源，重新压缩")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise refuse(file, f"压缩包里有符号链接“{shown(name)}”", "压缩原始文件而不是链接")
        if member.flag_bits & 0x1:
            raise refuse(file, "压缩包有密码", "去掉密码后重新压缩")
        if "__MACOSX" not in inner.parts and not inner.name.startswith("._"):
            named.append((inner, member))
    return named


def _chosen_shapefile(
    file: str, members: list[tuple[PurePosixPath, zipfile.ZipInfo]], layer: str | None
) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """Return the stem of the one shapefile meant and its parts by extension."""
    stems = sorted({str(inner.with_suffix("")) for inner, _ in members if inner.suffix.lower() == ".shp"})
    if not stems:
        raise refuse(file, "压缩包里没有 .shp 文件", _FORMATS)
    wanted = [stem for stem in stems if layer in (None, stem, PurePosixPath(stem).name)]
    if len(wanted) != 1:
        names = "、".join(shown(stem) for stem in stems[:10])
        problem = (
            f"压缩包里没有图层“{shown(layer or '')}”" if not wanted else f"压缩包里有 {len(stems)} 个图层"
        )
        raise refuse(file, problem, f"指定其中一个图层：{names}")
    stem = wanted[0]
    parts: dict[str, zipfile.ZipInfo] = {}
    for inner, member in members:
        extension = inner.suffix.lower().lstrip(".")
        if str(inner.with_suffix("")) == stem and extension in _SHAPE_PARTS:
            parts[extension] = member
    missing = [f".{extension}" for extension in _REQUIRED_PARTS if extension not in parts]
    if missing:
        raise refuse(file, f"shapefile 缺少 {'、'.join(missing)}", "把同名的各个文件一起压缩")
    return stem, parts


def _extract(file: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, budget: int) -> int:
    """Write one member and return its size; sizes in the archive's own list may lie, so bytes are counted."""
    written = 0
    with archive.open(member) as source:
        with _writing(file, target):
            sink = target.open("wb")
        try:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > budget:
                    raise refuse(
                        file, "压缩包解开后超过大小上限", "检查压缩包来源；正常的 shapefile 不会这样"
                    )
                with _writing(file, target):
                    sink.write(chunk)
        finally:
            # What is still in the buffer is written now, and may be refused now.
            with _writing(file, target):
                sink.close()
    return written


@contextmanager
def _writing(file: str, target: Path) -> Iterator[None]:
    """Tell a refusal to write from a fault of the archive: both are ``OSError``."""
    try:
        yield
    except OSError as fault:
        why = _NOT_WRITTEN.get(fault.errno or 0, fault.strerror or str(fault))
        raise UnpackError(
            f"解不开 {file}：写临时目录 {target.parent.parent} 时{why}。压缩包本身没有发现问题；"
            "请腾出空间，或用环境变量 TMPDIR 指定另一个目录后重新导入。"
        ) from fault
