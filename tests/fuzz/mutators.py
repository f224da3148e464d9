"""Ways to spoil a file, each by chance but from a seed. A new one is a function and a line at the end.

A mutator takes the bytes and a source of chance, and returns other bytes; it may return them as they are when
it finds nothing to spoil.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

Mutator = Callable[[bytes, Random], bytes]

_NUMBERS: Final = (0, 1, -1, 127, 255, 32_767, 65_535, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63))
_TEXTS: Final = (
    "", "0", "-0", "-1", "NaN", "inf", "-inf", "1e308", "1e-320", "1E400", "9" * 25, "0x10", "=1+1",
    "@SUM(A1)", "“", '"', "'", '""', "\ufeff", "\u200b", "\x00", "\u202e", "\U0010ffff", "\ud7ff", "\r", "\n",
    ",", ";", "\t", "长" * 300, "a" * 40_000, "(", "%s%n", "../../x", "1,234", "１２３", "2021-02-30",
    "320102", "320199",
)  # fmt: skip
_VALUES: Final = (
    None, True, False, 0, -1, 1e308, float("nan"), float("inf"), 2**64, "", "x" * 5_000, [], {}, [[]],
    {"": None}, [1], [1, 2], [None, None], ["a", "b"], [1e400, 2], [181, 91], [118.8, 32.0, 1, 2, 3],
    {"type": "Point"}, {"type": "Polygon", "coordinates": []},
    {"type": "GeometryCollection", "geometries": [None]},
)  # fmt: skip


# Bytes.


def flip(data: bytes, chance: Random) -> bytes:
    """Change one to eight bits."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if out:
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 4, 16, 64, 512, 4_096)))


def cut(data: bytes, chance: Random) -> bytes:
    """Leave out a piece, or all that follows."""
    start, end = _span(data, chance)
    return data[:start] + (b"" if chance.random() < 0.3 else data[end:])


def repeat(data: bytes, chance: Random) -> bytes:
    """Put a piece in several times."""
    start, end = _span(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 50)) + data[end:]


def swap(data: bytes, chance: Random) -> bytes:
    """Exchange two pieces."""
    (a, b), (c, d) = sorted((_span(data, chance), _span(data, chance)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def number(data: bytes, chance: Random) -> bytes:
    """Write a number at the edge of its kind over what stands there."""
    form = chance.choice("bhiqBHIQfd")
    order = chance.choice("<>")
    if form in "fd":
        packed = struct.pack(
            order + form, chance.choice((0.0, -0.0, float("nan"), float("inf"), 1e38, 1e-40))
        )
    else:
        size = struct.calcsize(form)
        packed = struct.pack(order + form.upper(), chance.choice(_NUMBERS) % 256**size)
    at = chance.randrange(len(data) + 1)
    return data[:at] + packed + data[at + len(packed) :]


def blank(data: bytes, chance: Random) -> bytes:
    """Write zeros, or all ones, over a piece."""
    start, end = _span(data, chance)
    return data[:start] + chance.choice((b"\0", b"\xff")) * (end - start) + data[end:]


# Text.

_TOKEN = re.compile(rb"-?\d+(?:\.\d+)?|[\"',;:\t\r\n]|[^\s\"',;:]+")


def token(data: bytes, chance: Random) -> bytes:
    """Put something else in the place of a number, a quote, a separator or a word."""
    tokens = list(_TOKEN.finditer(data[:2_000_000]))
    if not tokens:
        return data
    one = chance.choice(tokens)
    text = chance.choice(_TEXTS).encode("utf-8", "surrogatepass")
    return data[: one.start()] + text + data[one.end() :]


def exchange(data: bytes, chance: Random) -> bytes:
    """Exchange one separator for another, everywhere or once."""
    old, new = chance.sample((b",", b";", b"\t", b"\n", b"\r\n", b'"', b" ", "，".encode()), 2)
    return data.replace(old, new, chance.choice((-1, 1)))


def encoding(data: bytes, chance: Random) -> bytes:
    """Write the text, or a part of it, in another encoding."""
    text = data.decode("utf-8", errors="replace")
    other = chance.choice(("gb18030", "utf-16", "utf-8-sig", "latin-1", "big5", "utf-7"))
    if chance.random() < 0.5:
        return text.encode(other, errors="replace")
    at = chance.randrange(len(text) + 1)
    return text[:at].encode() + text[at:].encode(other, errors="replace")


def line(data: bytes, chance: Random) -> bytes:
    """Leave out a line, write it twice, or put it elsewhere."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    one = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.choice((0, 1, 2, 300))):
        lines.insert(chance.randrange(len(lines) + 1), one)
    return b"".join(lines)


# JSON.


def _places(node: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return every place of a tree as what holds it and the key there."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        found.append((node, key))
        _places(node[key], found)
    return found


def tree(data: bytes, chance: Random) -> bytes:
    """Change a JSON tree: another value, a key less, a key more, a part in the place of another."""
    try:
        root = json.loads(data)
        places = _places(root, [])
    except (ValueError, RecursionError):
        return data
    if not places:
        return data
    holder, key = chance.choice(places)
    what = chance.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1:
        other, where = chance.choice(places)
        # A copy, so that no tree comes to hold itself.
        holder[key] = json.loads(json.dumps(other[where])) if _stands(other, where) else None
    elif what == 2 and isinstance(holder, dict):
        holder[chance.choice(("", "type", "coordinates", "crs", "geometry", "id", "\x00", "名" * 99))] = (
            holder[key]
        )
    elif what == 3:
        for _ in range(chance.choice((1, 30, 400))):
            holder[key] = [holder[key]]
    else:
        holder[key] = chance.choice(_VALUES)
    return json.dumps(root, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _stands(holder: Any, key: Any) -> bool:
    with suppress(KeyError, IndexError):
        return holder[key] is not None
    return False


# Zip archives: what is spoilt is packed again, so that its sum is right.


def member(data: bytes, chance: Random) -> bytes:
    """Spoil a part of an archive, rename it, leave it out, or write it twice."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError, RuntimeError):
        return data
    if not parts:
        return data
    at = chance.randrange(len(parts))
    name, content = parts[at]
    what = chance.random()
    if what < 0.8:
        inner = chance.choice((*BYTES, *TEXT) if name.endswith((".xml", ".rels", ".prj", ".cpg")) else BYTES)
        parts[at] = name, inner(content, chance)
    elif what < 0.87:
        parts[at] = (
            chance.choice(("a.shp", "../x.dbf", "/x", "x" * 300, name.upper(), "目录/" + name)),
            content,
        )
    elif what < 0.94:
        del parts[at]
    else:
        parts.append((name + chance.choice(("", "x")), content))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts:
            info = zipfile.ZipInfo(part or "x")
            info.compress_type = zipfile.ZIP_DEFLATED
            with warnings.catch_warnings():
                # A name that stands twice is just what is wanted.
                warnings.simplefilter("ignore")
                archive.writestr(info, content)
    return packed.getvalue()


# SQLite.


def _literal(chance: Random) -> object:
    return chance.choice(
        (None, 0, -1, 2**63 - 1, 1e308, "", "x" * 5_000, b"\xff\xfe", b"GP\x00\x01", b"", "\x00", *_TEXTS)
    )


def cell(data: bytes, chance: Random) -> bytes:
    """Change one cell of a table or of the schema itself, by SQLite's own hand."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        path = Path(folder) / "a.sqlite"
        path.write_bytes(data)
        try:
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("PRAGMA writable_schema = ON")
                query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
                tables = [str(row[0]) for row in database.execute(query)]
                table = chance.choice([*tables, "sqlite_master", "sqlite_master"])
                names = [str(row[1]) for row in database.execute(f'PRAGMA table_info("{table}")')]
                rows = [row[0] for row in database.execute(f'SELECT rowid FROM "{table}" LIMIT 200')]
                if not names or not rows:
                    return data
                column, row = chance.choice(names), chance.choice(rows)
                value = _literal(chance)
                if table == "sqlite_master" and column == "sql" and chance.random() < 0.7:
                    old = database.execute(
                        "SELECT sql FROM sqlite_master WHERE rowid = ?", (row,)
                    ).fetchone()[0]
                    value = token(str(old or "").encode(), chance).decode("utf-8", "replace")
                database.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (value, row))
        except (sqlite3.Error, UnicodeError, OverflowError):
            return data
        return path.read_bytes()


def header(data: bytes, chance: Random) -> bytes:
    """Change a field of the first hundred bytes of a database."""
    at = chance.choice((16, 18, 19, 20, 21, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 92, 96))
    return data[:at] + struct.pack(">I", chance.choice(_NUMBERS) % 2**32) + data[at + 4 :]


# TIFF.


def tag(data: bytes, chance: Random) -> bytes:
    """Change number, kind, count or value of a tag of the first directory."""
    order = ">" if data[:2] == b"MM" else "<"
    if len(data) < 10:
        return data
    start = struct.unpack_from(order + "I", data, 4)[0]
    if start + 2 > len(data):
        return data
    entry = start + 2 + 12 * chance.randrange(max(1, struct.unpack_from(order + "H", data, start)[0]))
    if entry + 12 > len(data):
        return data
    out = bytearray(data)
    what = chance.randrange(5)
    value = chance.choice(_NUMBERS)
    if what == 0:
        struct.pack_into(
            order + "H", out, entry, chance.choice((256, 257, 258, 259, 277, 278, 322, 33550, 34735))
        )
    elif what == 1:
        struct.pack_into(order + "H", out, entry + 2, chance.randrange(20))
    elif what == 2:
        struct.pack_into(order + "I", out, entry + 4, value % 2**32)
    elif what == 3:
        struct.pack_into(order + "I", out, entry + 8, value % 2**32)
    else:
        # What the tag points at: pixel size, corner, keys, offsets.
        at = struct.unpack_from(order + "I", out, entry + 8)[0]
        if at + 8 <= len(out):
            number_there = chance.choice((float("nan"), float("inf"), 0.0, -1.0, 1e300, 5e-324))
            struct.pack_into(
                order + "d",
                out,
                at + 8 * chance.randrange(1 + min(3, (len(out) - at) // 8 - 1)),
                number_there,
            )
    return bytes(out)


BYTES: Final[tuple[Mutator, ...]] = (flip, cut, repeat, swap, number, blank)
TEXT: Final[tuple[Mutator, ...]] = (token, exchange, encoding, line)
BY_ENDING: Final[dict[str, tuple[Mutator, ...]]] = {
    ".csv": (*TEXT, token, token, *BYTES),
    ".txt": (*TEXT, token, token, *BYTES),
    ".xlsx": (member, member, member, *BYTES),
    ".zip": (member, member, member, *BYTES),
    ".geojson": (tree, tree, tree, tree, token, encoding, *BYTES),
    ".gpkg": (cell, cell, cell, header, *BYTES),
    ".tif": (tag, tag, tag, *BYTES),
    ".osm.pbf": BYTES,
}
"""The mutators of each kind of file; one that stands several times comes more often."""


def mutated(data: bytes, ending: str, chance: Random) -> bytes:
    """Return the bytes after one to three mutators of their kind."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(BY_ENDING[ending])(data, chance)
    return data
