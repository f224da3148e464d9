"""The directories of a TIFF read as bytes and held against the limits before GDAL opens the file.

What a raster declares costs memory when it is opened (places of blocks) and when a block is read; the file
itself may be tiny, since blocks that are not there count as empty.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from data.faults import FaultReport
from data.ingest.reading import fatal
from data.registry.limit_models import MEGABYTE, exceeded, limit, limit_bytes

MAGIC: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""How a TIFF begins: either byte order, classic or BigTIFF."""

_AGAIN = "重新下载，或在 GIS 软件中另存为 GeoTIFF"
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS = 256, 257, 258, 259, 277, 278
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_BLOCK_PLACES = (273, 279, 324, 325)
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_COMPRESSIONS = {1, 5, 8, 32946, 32773, 50000}
"""None, LZW, Deflate (two codes), PackBits, ZSTD: what population rasters come in."""

_MOST_TAGS = 1_000
_MOST_SAMPLES = 64


def check_tiff(path: Path) -> None:
    """Refuse a TIFF that declares more than the limits: size, blocks, directories, long tags.

    Raises ``FaultReport``.
    """
    file = path.name
    try:
        with path.open("rb") as handle:
            for tags in _directories(file, handle, path.stat().st_size):
                _check_directory(file, tags)
    except FaultReport:
        raise
    except (struct.error, ValueError, OverflowError) as fault:
        raise _damaged(file) from fault


def _damaged(file: str) -> FaultReport:
    return fatal(file, "GeoTIFF 已损坏或不完整", _AGAIN)


def _directories(file: str, handle: BinaryIO, size: int) -> Iterator[dict[int, int]]:
    """Yield the whole-number tags (first value of each) of every directory."""
    head = handle.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in {b"+\x00", b"\x00+"}
    place = (
        struct.unpack_from(f"{order}Q", head, 8)[0] if big else struct.unpack_from(f"{order}I", head, 4)[0]
    )
    seen: set[int] = set()
    most = limit("raster.directories")
    while place:
        if place in seen or place >= size:
            raise _damaged(file)
        seen.add(place)
        if len(seen) > most:
            raise FaultReport([exceeded("raster.directories", file)])
        tags, place = _directory(file, handle, order, big=big, place=place, size=size)
        yield tags
    if not seen:
        raise _damaged(file)


def _directory(
    file: str, handle: BinaryIO, order: str, *, big: bool, place: int, size: int
) -> tuple[dict[int, int], int]:
    """Return the tags of the directory at ``place``, and the place of the next."""
    counter, entry, inline = ("Q", "HHQ8s", 8) if big else ("H", "HHI4s", 4)
    handle.seek(place)
    count = struct.unpack(f"{order}{counter}", handle.read(struct.calcsize(f"{order}{counter}")))[0]
    width = struct.calcsize(f"{order}{entry}")
    if count > _MOST_TAGS:
        raise _damaged(file)
    block = handle.read(count * width)
    tags: dict[int, int] = {}
    longest = limit_bytes("raster.tag_kb")
    for tag, kind, number, held in struct.iter_unpack(f"{order}{entry}", block):
        length = number * _TYPE_BYTES.get(kind, 1)
        if tag not in _BLOCK_PLACES and length > longest:
            raise FaultReport([exceeded("raster.tag_kb", file, length / 1000)])
        if length > inline:
            # Places of blocks are counted with the blocks; nothing may reach beyond the file.
            start = struct.unpack_from(f"{order}{'Q' if big else 'I'}", held)[0]
            if start + length > size:
                raise _damaged(file)
        elif number and kind in _WHOLE:
            tags[tag] = struct.unpack_from(f"{order}{_WHOLE[kind]}", held)[0]
            continue
        if tag == _BITS and number:
            tags[_BITS] = _first_short(handle, order, held, big=big)
    handle.seek(place + struct.calcsize(f"{order}{counter}") + count * width)
    tail = handle.read(8 if big else 4)
    following = struct.unpack(f"{order}{'Q' if big else 'I'}", tail)[0] if tail else 0
    return tags, int(following)


def _first_short(handle: BinaryIO, order: str, held: bytes, *, big: bool) -> int:
    """Return the first of several numbers that stand elsewhere in the file."""
    handle.seek(struct.unpack_from(f"{order}{'Q' if big else 'I'}", held)[0])
    return int(struct.unpack(f"{order}H", handle.read(2))[0])


def _check_directory(file: str, tags: dict[int, int]) -> None:
    width, height = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)
    for name, found in (("raster.width", width), ("raster.height", height)):
        if found > limit(name):
            raise FaultReport([exceeded(name, file, found)])
    compression = tags.get(_COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        problem = f"栅格的压缩方式（编号 {compression}）不接收"
        raise fatal(file, problem, "在 GIS 软件中另存为 LZW 或 Deflate 压缩的 GeoTIFF")
    samples = tags.get(_SAMPLES, 1)
    tiled = _TILE_WIDTH in tags
    across = tags.get(_TILE_WIDTH, width) if tiled else width
    down = tags.get(_TILE_HEIGHT, height) if tiled else min(tags.get(_ROWS, height), height)
    if min(width, height, across, down) < 1 or samples > _MOST_SAMPLES:
        raise _damaged(file)
    size = across * down * samples * max(8, tags.get(_BITS, 1)) / 8
    if size > limit_bytes("raster.block_mb"):
        raise FaultReport([exceeded("raster.block_mb", file, size / MEGABYTE)])
    blocks = -(-width // across) * -(-height // down) * samples
    if blocks > limit("raster.blocks"):
        raise FaultReport([exceeded("raster.blocks", file, blocks)])
