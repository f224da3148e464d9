"""GeoTIFFs written tag by tag: small files of very large pictures."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

from tests.hostile.case import Scene

_SHORT, _LONG, _DOUBLE, _ASCII = 3, 4, 12, 2
_FORMS = {_SHORT: "H", _LONG: "I", _DOUBLE: "d"}
_GEO_KEYS = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
_DEFLATE = 8

Tag = tuple[int, list[float] | bytes]


def tiff(path: Path, tags: dict[int, Tag], data: bytes = b"") -> None:
    """Write a TIFF of these tags (number: type and values), ``data`` behind its header at byte 8."""
    start = 8 + len(data) + len(data) % 2
    place = start + 2 + 12 * len(tags) + 4
    entries, tail = b"", b""
    for number, (kind, values) in sorted(tags.items()):
        packed = (
            values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{_FORMS[kind]}", *values)
        )
        entries += struct.pack("<HHI", number, kind, len(values))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", place + len(tail))
            tail += packed + b"\0" * (len(packed) % 2)
    head = b"II*\x00" + struct.pack("<I", start) + data.ljust(start - 8, b"\0")
    path.write_bytes(head + struct.pack("<H", len(tags)) + entries + bytes(4) + tail)


def tags_of(
    width: int,
    height: int,
    *,
    block: tuple[int, int],
    tiled: bool,
    offsets: list[float],
    sizes: list[float],
    compression: int = 1,
    pixel: float | None = None,
    corner: tuple[float, float] = (116.0, 36.0),
    bits: int = 8,
) -> dict[int, Tag]:
    """Return the tags of a picture of people over the province, in degrees of WGS 84."""
    side = 6.5 / width if pixel is None else pixel
    layout: dict[int, Tag] = (
        {322: (_LONG, [block[0]]), 323: (_LONG, [block[1]]), 324: (_LONG, offsets), 325: (_LONG, sizes)}
        if tiled
        else {273: (_LONG, offsets), 278: (_LONG, [block[1]]), 279: (_LONG, sizes)}
    )
    return layout | {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [bits]),
        259: (_SHORT, [compression]),
        262: (_SHORT, [1]),
        277: (_SHORT, [1]),
        339: (_SHORT, [1 if bits < 32 else 3]),
        33550: (_DOUBLE, [side, side, 0.0]),
        33922: (_DOUBLE, [0.0, 0.0, 0.0, *corner, 0.0]),
        34735: (_SHORT, list(_GEO_KEYS)),
    }


def sparse_tiled(path: Path, _scene: Scene, *, side: int = 2_000_000, tile: int = 32_768) -> None:
    """Write a picture of two million by two million pixels without a single tile."""
    tiles = math.ceil(side / tile) ** 2
    none: list[float] = [0] * tiles
    tiff(path, tags_of(side, side, block=(tile, tile), tiled=True, offsets=none, sizes=none))


def sparse_small_tiles(path: Path, scene: Scene) -> None:
    """Write a sparse picture of the size a person may have (40,000 pixels to a side) and then some."""
    sparse_tiled(path, scene, side=200_000, tile=2_048)


def sparse_strip(path: Path, _scene: Scene, *, width: int = 50_000, height: int = 10_000) -> None:
    """Write one strip that is not there, of ``width`` × ``height`` bytes."""
    tiff(path, tags_of(width, height, block=(width, height), tiled=False, offsets=[0], sizes=[0]))


def sparse_strip_2e9(path: Path, scene: Scene) -> None:
    """Write one strip of two thousand million bytes that is not there."""
    sparse_strip(path, scene, width=50_000, height=40_000)


def packed_zeros(total: int) -> bytes:
    """Return ``total`` zeros packed (a multiple of 10,000,000), without packing each of them."""
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    # The last block is empty; the sum of Adler over zeros is 1, and how many there are.
    return first + again * (total // 10_000_000 - 1) + b"\x03\x00" + struct.pack(">HH", total % 65_521, 1)


def packed_strip(path: Path, _scene: Scene, *, width: int = 50_000, height: int = 10_000) -> None:
    """Write one strip of ``width`` × ``height`` zeros, packed a thousand times smaller."""
    data = packed_zeros(width * height)
    tags = tags_of(
        width,
        height,
        block=(width, height),
        tiled=False,
        offsets=[8],
        sizes=[len(data)],
        compression=_DEFLATE,
    )
    tiff(path, tags, data)


def packed_strip_2e9(path: Path, scene: Scene) -> None:
    """Write one packed strip of two thousand million zeros."""
    packed_strip(path, scene, width=50_000, height=40_000)


def small(path: Path, _scene: Scene, *, pixel: float | None = None, **more: Tag) -> None:
    """Write 200 × 200 pixels over the province, one person to each; ``more`` are tags (``t<number>``)."""
    data = b"\x01" * 40_000
    tags = tags_of(200, 200, block=(200, 200), tiled=False, offsets=[8], sizes=[40_000], pixel=pixel)
    tiff(path, tags | {int(name[1:]): tag for name, tag in more.items()}, data)


def nan_transform(path: Path, scene: Scene) -> None:
    """Write a pixel whose side is not a number."""
    small(path, scene, pixel=math.nan)


def nan_corner(path: Path, scene: Scene) -> None:
    """Write a corner that is not a number."""
    small(path, scene, t33922=(_DOUBLE, [0.0, 0.0, 0.0, math.nan, math.nan, 0.0]))


def infinite_transform(path: Path, scene: Scene) -> None:
    """Write a pixel whose side is infinite."""
    small(path, scene, pixel=math.inf)


def tiny_pixel(path: Path, scene: Scene) -> None:
    """Write a pixel whose side is the smallest number there is."""
    small(path, scene, pixel=5e-324)


def unknown_crs(path: Path, scene: Scene) -> None:
    """Write a reference system whose number nobody gave."""
    small(path, scene, t34735=(_SHORT, [*_GEO_KEYS[:-1], 60_000]))
