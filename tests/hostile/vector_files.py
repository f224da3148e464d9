"""GeoJSON and zipped shapefiles that are small and cost much, or are broken where nobody looks."""

from __future__ import annotations

import json
import random
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tests.hostile.case import Scene

WGS84_ESRI = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
_OPEN, _CLOSE = '{"type":"FeatureCollection","features":[', "]}"


def feature(properties: str, geometry: str = '{"type":"Point","coordinates":[118.8,32.05]}') -> str:
    """Return a feature of GeoJSON."""
    return '{"type":"Feature","properties":' + properties + ',"geometry":' + geometry + "}"


def geojson(path: Path, features: Iterable[str]) -> None:
    """Write features, one a line."""
    with path.open("w", encoding="utf-8") as handle:
        handle.write(_OPEN)
        for number, text in enumerate(features):
            handle.write(("," if number else "") + text + "\n")
        handle.write(_CLOSE)


def many_keys(path: Path, _scene: Scene) -> None:
    """Write a feature of 200,000 keys."""
    geojson(path, [feature("{" + ",".join(f'"k{number}":1' for number in range(200_000)) + "}")])


def keys_by_features(path: Path, _scene: Scene) -> None:
    """Write twenty thousand keys, spread over fifty features each of which has its own."""
    groups = ("{" + ",".join(f'"k{n}_{number}":1' for number in range(400)) + "}" for n in range(50))
    geojson(path, (feature(group) for group in groups))


def keys_on_all(path: Path, _scene: Scene) -> None:
    """Write fifty features of the same twenty thousand keys."""
    group = "{" + ",".join(f'"k{number}":1' for number in range(20_000)) + "}"
    geojson(path, (feature(group) for _ in range(50)))


def zigzag(path: Path, _scene: Scene, *, vertices: int = 500_000) -> None:
    """Write one polygon whose outline goes to and fro half a million times."""
    x = 118.0 + np.arange(vertices) / vertices
    y = np.where(np.arange(vertices) % 2, 32.0, 33.0)
    ring = ",".join(f"[{a:.6f},{b:.1f}]" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    closed = '{"type":"Polygon","coordinates":[[' + ring + ",[118.0,31.0],[118.000000,33.0]]]}"
    geojson(path, [feature('{"name":"甲","type":"hospital","adcode":"320102"}', closed)])


def many_points(path: Path, _scene: Scene, *, count: int = 400_000) -> None:
    """Write very many points, without a fault."""
    places = np.random.default_rng(3).uniform((118.6, 31.5), (120.6, 34.2), (count, 2)).tolist()
    lines = (
        feature(
            f'{{"name":"设施{n}","type":"pharmacy"}}', f'{{"type":"Point","coordinates":[{x:.4f},{y:.4f}]}}'
        )
        for n, (x, y) in enumerate(places)
    )
    geojson(path, lines)


def deep_nesting(path: Path, _scene: Scene) -> None:
    """Write a property of ten million brackets, each in the last."""
    deep = "[" * 10_000_000 + "]" * 10_000_000
    geojson(path, [feature('{"name":' + deep + "}")])


def deep_collections(path: Path, _scene: Scene) -> None:
    """Write geometry collections that hold each other thirty thousand deep."""
    head = '{"type":"GeometryCollection","geometries":['
    shape = head * 30_000 + '{"type":"Point","coordinates":[118,32]}' + "]}" * 30_000
    geojson(path, [feature('{"name":"甲","type":"hospital"}', shape)])


def long_text(path: Path, _scene: Scene) -> None:
    """Write one property of 150 MB."""
    geojson(path, [feature('{"name":"' + "x" * 150_000_000 + '"}')])


def long_number(path: Path, _scene: Scene) -> None:
    """Write a coordinate of twenty million digits."""
    geojson(path, [feature("{}", '{"type":"Point","coordinates":[118.' + "1" * 20_000_000 + ",32]}")])


def many_parts(path: Path, _scene: Scene) -> None:
    """Write one polygon of 300,000 holes in the same place."""
    hole = ",[[118,32],[118.1,32],[118.1,32.1],[118,32]]"
    shape = (
        '{"type":"Polygon","coordinates":[[[117,31],[119,31],[119,33],[117,33],[117,31]]'
        + hole * 300_000
        + "]}"
    )
    geojson(path, [feature('{"name":"甲","type":"hospital"}', shape)])


def escaped_surrogates(path: Path, _scene: Scene) -> None:
    """Write halves of characters, which JSON can say and UTF-8 cannot."""
    geojson(path, [feature(json.dumps({"name": "\ud800甲\udfff", "type": "hospital", "\ud800": 1}))])


def dbf(fields: list[tuple[bytes, bytes, int]], records: Iterable[bytes], count: int) -> Iterator[bytes]:
    """Yield a DBF: its header, then the records as they are."""
    size = 1 + sum(width for _, _, width in fields)
    yield struct.pack("<BBBBIHH20x", 3, 124, 1, 1, count, 32 + 32 * len(fields) + 1, size)
    for name, kind, width in fields:
        yield name[:10].ljust(11, b"\0") + kind + bytes(4) + bytes([width & 255, 0]) + bytes(14)
    yield b"\r"
    yield from records


def shp(points: list[tuple[float, float]]) -> tuple[bytes, bytes]:
    """Return a shapefile of points and its index."""
    body = b"".join(
        struct.pack(">ii", n, 10) + struct.pack("<idd", 1, *at) for n, at in enumerate(points, start=1)
    )
    index = b"".join(struct.pack(">ii", 50 + 14 * n, 10) for n in range(len(points)))

    def head(size: int) -> bytes:
        extent = struct.pack("<8d", 118, 31, 120, 33, 0, 0, 0, 0)
        return struct.pack(">i20xi", 9994, (100 + size) // 2) + struct.pack("<ii", 1000, 1) + extent

    return head(len(body)) + body, head(len(index)) + index


FIELDS = [(b"name", b"C", 20), (b"type", b"C", 20)]
RECORD = b" " + "医院".encode().ljust(20) + b"hospital".ljust(20)


def shapefile(
    path: Path, parts: dict[str, bytes | Iterable[bytes]], *, stem: str = "a", padding: int = 0
) -> None:
    """Write a zipped shapefile of two points, with these parts in the place of its own or beside them.

    ``padding`` bytes of noise beside them keep the ratio of unpacking within what is taken.
    """
    points, index = shp([(118.8, 32.05), (118.9, 32.1)])
    whole: dict[str, bytes | Iterable[bytes]] = {
        "shp": points,
        "shx": index,
        "dbf": b"".join(dbf(FIELDS, [RECORD, RECORD], 2)),
        "prj": WGS84_ESRI.encode(),
        "cpg": b"UTF-8",
    } | parts
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if padding:
            archive.writestr("noise.bin", random.Random(5).randbytes(padding), zipfile.ZIP_STORED)
        for extension, content in whole.items():
            name = extension if "." in extension else f"{stem}.{extension}"
            with archive.open(name, "w", force_zip64=True) as part:
                for block in [content] if isinstance(content, bytes) else content:
                    part.write(block)


def _blocks(byte: bytes, total: int) -> Iterator[bytes]:
    block = byte * (1 << 20)
    for _ in range(total >> 20):
        yield block


def one_byte_records(path: Path, _scene: Scene, *, total: int = 300_000_000) -> None:
    """Write a DBF of three hundred million records that are a mark of deletion and nothing else."""
    content = dbf([(b"name", b"C", 0)], _blocks(b" ", total), total)
    shapefile(path, {"dbf": content}, padding=total // 190)


def zeros(path: Path, _scene: Scene, *, total: int = 550_000_000) -> None:
    """Write a DBF of 550 MB of zeros below an honest header."""
    content = dbf(FIELDS, _blocks(b"\0", total), total // 41)
    shapefile(path, {"dbf": content}, padding=total // 190)


def wide_record(path: Path, _scene: Scene) -> None:
    """Write a DBF whose header says two thousand million records of 65,535 bytes."""
    head = struct.pack("<BBBBIHH20x", 3, 124, 1, 1, 2_000_000_000, 97, 65_535)
    shapefile(path, {"dbf": head + FIELDS[0][0].ljust(11, b"\0") + b"C" + bytes(20) + b"\r" + bytes(70_000)})


def said_parts(path: Path, _scene: Scene) -> None:
    """Write a polygon that says it has two thousand million points."""
    record = struct.pack("<i4dii", 5, 118, 31, 120, 33, 1, 2_000_000_000) + bytes(200)
    body = struct.pack(">ii", 1, len(record) // 2) + record
    extent = struct.pack("<8d", 118, 31, 120, 33, 0, 0, 0, 0)

    def head(size: int) -> bytes:
        return struct.pack(">i20xi", 9994, (100 + size) // 2) + struct.pack("<ii", 1000, 5) + extent

    index = head(8) + struct.pack(">ii", 50, len(record) // 2)
    one = b"".join(dbf(FIELDS, [RECORD], 1))
    shapefile(path, {"shp": head(len(body)) + body, "shx": index, "dbf": one})


def prj(text: str | bytes) -> object:
    """Return a maker of a shapefile with this text as its reference system."""

    def make(path: Path, _scene: Scene) -> None:
        shapefile(path, {"prj": text.encode() if isinstance(text, str) else text})

    return make


def field_not_utf8(path: Path, _scene: Scene) -> None:
    """Write a DBF whose field names and values are bytes of no encoding."""
    record = b" " + b"\xff\xfe\x81\x20".ljust(20) + b"hospital".ljust(20)
    content = b"".join(dbf([(b"n\xff\x81", b"C", 20), FIELDS[1]], [record, record], 2))
    shapefile(path, {"dbf": content})
