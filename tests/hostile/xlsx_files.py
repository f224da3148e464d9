"""Workbooks whose parts unpack to far more than a table."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.hostile.case import Scene

_HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = b"http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = b"http://schemas.openxmlformats.org/package/2006/content-types"
_KIND = b"application/vnd.openxmlformats-officedocument.spreadsheetml"
_BLOCK = 1 << 20
_HEADER = ("行政区划代码", "指标", "年份", "数值", "来源", "备注")

Part = bytes | Iterable[bytes]


def _text_cell(text: str) -> bytes:
    return b'<c t="inlineStr"><is><t>' + text.encode() + b"</t></is></c>"


HEADER_ROW = b"<row>" + b"".join(_text_cell(text) for text in _HEADER) + b"</row>"
GOOD_ROW = b"<row>" + b"".join(map(_text_cell, ("320102", "population", "2021", "5", "公报"))) + b"</row>"


def repeated(piece: bytes, total: int) -> Iterator[bytes]:
    """Yield ``piece`` again and again, in large blocks, until ``total`` bytes are out."""
    block = piece * max(1, _BLOCK // len(piece))
    for _ in range(-(-total // len(block))):
        yield block


def sheet(rows: Part, *, after: bytes = b"") -> Iterator[bytes]:
    """Yield a worksheet of these rows."""
    yield _HEAD + b'<worksheet xmlns="' + _MAIN + b'"><sheetData>'
    yield from [rows] if isinstance(rows, bytes) else rows
    yield b"</sheetData>" + after + b"</worksheet>"


def _styles(more: Iterable[bytes] = ()) -> Iterator[bytes]:
    yield (
        _HEAD
        + b'<styleSheet xmlns="'
        + _MAIN
        + b'"><fonts><font/></fonts><fills><fill><patternFill/></fill></fills>'
    )
    yield b"<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf/>"
    yield from more
    yield b"</cellXfs></styleSheet>"


def _content_types(more: Iterable[bytes] = ()) -> Iterator[bytes]:
    yield _HEAD + b'<Types xmlns="' + _TYPES + b'"><Default Extension="xml" ContentType="application/xml"/>'
    package = b"application/vnd.openxmlformats-package.relationships+xml"
    yield b'<Default Extension="rels" ContentType="' + package + b'"/>'
    for name, kind in (
        ("workbook", b".sheet.main"),
        ("worksheets/sheet1", b".worksheet"),
        ("styles", b".styles"),
    ):
        yield b'<Override PartName="/xl/' + name.encode() + b'.xml" ContentType="' + _KIND + kind + b'+xml"/>'
    yield from more
    yield b"</Types>"


def _workbook(more: Iterable[bytes] = (), sheets: int = 1) -> Iterator[bytes]:
    yield _HEAD + b'<workbook xmlns="' + _MAIN + b'" xmlns:r="' + _OFFICE + b'"><sheets>'
    for number in range(1, sheets + 1):
        yield f'<sheet name="s{number}" sheetId="{number}" r:id="rId{number}"/>'.encode()
    yield b"</sheets>"
    yield from more
    yield b"</workbook>"


def _relations(sheets: int = 1, more: bytes = b"") -> Iterator[bytes]:
    yield _HEAD + b'<Relationships xmlns="' + _RELS + b'">'
    for number in range(1, sheets + 1):
        kind = (_OFFICE + b"/worksheet").decode()
        target = f"worksheets/sheet{number}.xml"
        yield f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'.encode()
    yield b'<Relationship Id="st" Type="' + _OFFICE + b'/styles" Target="styles.xml"/>' + more
    yield b"</Relationships>"


def book(path: Path, parts: Mapping[str, Part]) -> None:
    """Write a workbook of a header only, with these parts in the place of its own or beside them."""
    root = (
        _HEAD + b'<Relationships xmlns="' + _RELS + b'"><Relationship Id="rId1" Type="' + _OFFICE
        + b'/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )  # fmt: skip
    whole: dict[str, Part] = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": root,
        "xl/workbook.xml": _workbook(),
        "xl/_rels/workbook.xml.rels": _relations(),
        "xl/styles.xml": _styles(),
        "xl/worksheets/sheet1.xml": sheet(HEADER_ROW),
    } | dict(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, content in whole.items():
            with archive.open(name, "w", force_zip64=True) as part:
                for block in [content] if isinstance(content, bytes) else content:
                    part.write(block)


def styles(path: Path, _scene: Scene) -> None:
    """Write 280 MB of cell styles."""
    book(path, {"xl/styles.xml": _styles(repeated(b"<xf/>", 280_000_000))})


def defined_names(path: Path, _scene: Scene) -> None:
    """Write 250 MB of names of ranges."""
    names = repeated(b'<definedName name="a">s1!$A$1</definedName>', 250_000_000)

    def more() -> Iterator[bytes]:
        yield b"<definedNames>"
        yield from names
        yield b"</definedNames>"

    book(path, {"xl/workbook.xml": _workbook(more())})


def content_types(path: Path, _scene: Scene) -> None:
    """Write 250 MB of types of parts."""
    more = repeated(b'<Override PartName="/a" ContentType="application/xml"/>', 250_000_000)
    book(path, {"[Content_Types].xml": _content_types(more)})


def relations(path: Path, _scene: Scene) -> None:
    """Write 250 MB of relations of the workbook."""
    more = b'<Relationship Id="x" Type="' + _OFFICE + b'/theme" Target="t.xml"/>'
    book(path, {"xl/_rels/workbook.xml.rels": _relations(more=more * (250_000_000 // len(more)))})


def shared_strings(path: Path, _scene: Scene) -> None:
    """Write 95 MB of empty shared strings."""
    kind = _OFFICE + b"/sharedStrings"
    more = b'<Relationship Id="ss" Type="' + kind + b'" Target="sharedStrings.xml"/>'
    override = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + _KIND + b'.sharedStrings+xml"/>'

    def strings() -> Iterator[bytes]:
        yield _HEAD + b'<sst xmlns="' + _MAIN + b'">'
        yield from repeated(b"<si><t/></si>", 95_000_000)
        yield b"</sst>"

    parts = {
        "[Content_Types].xml": _content_types([override]),
        "xl/_rels/workbook.xml.rels": _relations(more=more),
        "xl/sharedStrings.xml": strings(),
    }
    book(path, parts)


def many_sheets(path: Path, _scene: Scene) -> None:
    """Write twenty thousand sheets in the workbook's list, all of them one part."""
    one = (_OFFICE + b"/worksheet").decode()
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{one}" Target="worksheets/sheet1.xml"/>'
        for number in range(1, 20_001)
    )
    rels = _HEAD + b'<Relationships xmlns="' + _RELS + b'">' + links.encode() + b"</Relationships>"
    book(path, {"xl/workbook.xml": _workbook(sheets=20_000), "xl/_rels/workbook.xml.rels": rels})


def many_sheet_parts(path: Path, _scene: Scene) -> None:
    """Write as many sheets as an archive may have parts, each with rows that are all blank."""
    blank = b"".join(sheet(b"<row/>" * 1_000))
    parts: dict[str, Part] = {f"xl/worksheets/sheet{number}.xml": blank for number in range(1, 1_990)}
    parts |= {"xl/workbook.xml": _workbook(sheets=1_989), "xl/_rels/workbook.xml.rels": _relations(1_989)}
    book(path, parts)


def far_cells(path: Path, _scene: Scene, *, column: str = "XFD", rows: int = 100_000) -> None:
    """Write rows whose only cell stands in the last column: every row is made whole in memory."""
    cells = (f'<row r="{n}"><c r="{column}{n}"><v>1</v></c></row>'.encode() for n in range(2, rows))

    def body() -> Iterator[bytes]:
        yield HEADER_ROW
        batch = []
        for cell in cells:
            batch.append(cell)
            if len(batch) == 10_000:
                yield b"".join(batch)
                batch = []
        yield b"".join(batch)

    book(path, {"xl/worksheets/sheet1.xml": sheet(body())})


def beyond_last_column(path: Path, scene: Scene) -> None:
    """Write rows whose only cell stands in a column that no workbook has (ZZZ)."""
    far_cells(path, scene, column="ZZZ")


def far_row(path: Path, _scene: Scene) -> None:
    """Write a row that says it is the two thousand millionth."""
    row = HEADER_ROW + b'<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>'
    book(path, {"xl/worksheets/sheet1.xml": sheet(row)})


def formulas(path: Path, _scene: Scene) -> None:
    """Write 900,000 rows of a formula."""

    def body() -> Iterator[bytes]:
        yield HEADER_ROW
        yield from repeated(b"<row><c><f>1+1</f><v>2</v></c></row>", 900_000 * 36)

    book(path, {"xl/worksheets/sheet1.xml": sheet(body())})


def merges(path: Path, _scene: Scene) -> None:
    """Write merged ranges between the rows, where no workbook has them, and half a million behind them."""
    merge = b'<mergeCell ref="A1:B2"/>'

    def body() -> Iterator[bytes]:
        yield HEADER_ROW
        yield from repeated(b"<row/>" + merge, 200_000_000)

    after = b"<mergeCells>" + merge * 200_000 + b"</mergeCells>"
    book(path, {"xl/worksheets/sheet1.xml": sheet(body(), after=after)})


def blank_rows(path: Path, _scene: Scene) -> None:
    """Write 280 MB of rows without a cell."""
    book(path, {"xl/worksheets/sheet1.xml": sheet(repeated(b"<row/>", 280_000_000))})


def deep_elements(path: Path, _scene: Scene) -> None:
    """Write fifty million bytes of elements that are each within the last."""
    book(path, {"xl/styles.xml": _styles(repeated(b"<a>", 50_000_000))})


def long_attribute(path: Path, _scene: Scene) -> None:
    """Write an attribute of 200 MB."""
    name = repeated(b"x", 200_000_000)

    def more() -> Iterator[bytes]:
        yield b'<definedNames><definedName name="'
        yield from name
        yield b'">1</definedName></definedNames>'

    book(path, {"xl/workbook.xml": _workbook(more())})


def external_links(path: Path, scene: Scene) -> None:
    """Write a workbook whose relations and formulas lead to an address."""
    url = scene.url.encode()
    outside = b'" Target="' + url + b'/linked.xlsx" TargetMode="External"/>'
    kinds = (b"/externalLinkPath", b"/externalLink", b"/hyperlink", b"/attachedTemplate", b"/image")
    links = b"".join(
        b'<Relationship Id="e%d" Type="' % n + _OFFICE + kind + outside for n, kind in enumerate(kinds)
    )
    inner = _HEAD + b'<Relationships xmlns="' + _RELS + b'">' + links + b"</Relationships>"
    name = (
        b'<definedNames><definedName name="d">\''
        + url
        + b"/[linked.xlsx]s'!$A$1</definedName></definedNames>"
    )
    parts = {
        "xl/workbook.xml": _workbook(
            [b'<externalReferences><externalReference r:id="e1"/></externalReferences>', name]
        ),
        "xl/_rels/workbook.xml.rels": _relations(more=links),
        "xl/worksheets/_rels/sheet1.xml.rels": inner,
        "xl/worksheets/sheet1.xml": sheet(HEADER_ROW + GOOD_ROW),
    }
    book(path, parts)


def linked_sheet(path: Path, scene: Scene) -> None:
    """Write a workbook whose only sheet is said to lie at an address."""
    rels = (
        _HEAD + b'<Relationships xmlns="' + _RELS + b'"><Relationship Id="rId1" Type="' + _OFFICE
        + b'/worksheet" Target="' + scene.url.encode() + b'/sheet1.xml" TargetMode="External"/>'
        + b"</Relationships>"
    )  # fmt: skip
    book(path, {"xl/_rels/workbook.xml.rels": rels})


def outer_entity(path: Path, scene: Scene) -> None:
    """Write a sheet with a DTD that lies at an address."""
    dtd = b'<!DOCTYPE worksheet SYSTEM "' + scene.url.encode() + b'/x.dtd">'
    body = b"".join(sheet(HEADER_ROW + GOOD_ROW)).replace(_HEAD, _HEAD + dtd)
    book(path, {"xl/worksheets/sheet1.xml": body})
