"""The PDF renderer: the report on A4 in the packaged Chinese typeface, with contents and page numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    LongTable,
    PageBreak,
    PageTemplate,
    TableStyle,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus.tableofcontents import TableOfContents

from layers.figure import require_glyphs
from reports.document import (
    ACCENT,
    CONTENTS,
    HEAD,
    INK,
    LINE,
    MUTED,
    SEAL,
    TEXT_WIDTH_CM,
    Block,
    Bullets,
    Figure,
    Heading,
    Paragraph,
    Report,
    Table,
)

_OPENING = "（《〈“‘「『【〔［([{"
_CLOSING = "）》〉”’」』】〕］)]}，。、；：！？…—,.;:!?%℃‰"
_PIECE = re.compile(
    rf"[{re.escape(_OPENING)}]*(?:[A-Za-z0-9_.,/+\-−–]+|.)[{re.escape(_CLOSING)}]*", re.DOTALL
)


def pieces(text: str) -> list[str]:
    """Return a text in the parts that a line must not split: numbers, words, signs with their neighbour."""
    return _PIECE.findall(text)


def broken_lines(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Return a text in lines at most ``width`` wide by ``measure``; a part wider than that is cut.

    Spaces at the turn of a line are dropped. Together the lines hold every other character, in order.
    """
    lines: list[str] = []
    line = ""
    for piece in pieces(text):
        if line and measure(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip(" ")
        while len(line) > 1 and measure(line.rstrip()) > width:
            cut = next((n for n in range(len(line) - 1, 0, -1) if measure(line[:n]) <= width), 1)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()]


_FONT = "SutuSans"
_TOP, _BOTTOM = 2.0 * cm, 1.8 * cm
_PAD = 3


def render_pdf(report: Report, *, font: Path) -> tuple[bytes, dict[str, int]]:
    """Return the report as a PDF file, and on which page each heading stands.

    ``font`` is a TrueType file with every character that is used; a missing one raises `FontError`. Equal
    reports give equal bytes.
    """
    require_glyphs(font, [*report.texts, "第页，共来源：•0123456789"])
    pdfmetrics.registerFont(TTFont(_FONT, str(font)))
    out = io.BytesIO()
    document = _Document(out, report)
    contents = TableOfContents(levelStyles=[_style(10, indent=0.7 * cm * level) for level in (0, 1)])
    contents.dotsMinLevel = 0
    story: list[Flowable] = [
        Text(escape(report.title), _style(22, after=4, leading=1.35)),
        Text(escape(f"{report.subtitle}　{report.date}"), _style(9, MUTED)),
        Text(escape(report.provenance.permission), _style(9, SEAL, after=8)),
        Text(CONTENTS, _style(12, after=2)),
        contents,
    ]
    story += _flow(report)
    document.multiBuild(story, canvasmaker=_NumberedCanvas)
    return out.getvalue(), document.pages


def _style(
    size: float,
    colour: str = INK,
    *,
    after: float = 4,
    before: float = 0,
    indent: float = 0,
    leading: float = 1.5,
    **more: Any,
) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}{colour}{after}{before}{indent}{leading}{sorted(more.items())}",
        fontName=_FONT,
        fontSize=size,
        leading=size * leading,
        textColor=HexColor(f"#{colour}"),
        spaceAfter=after,
        spaceBefore=before,
        leftIndent=indent,
        **more,
    )


class _Document(BaseDocTemplate):  # type: ignore[misc]  # the library has no types
    """The page, and a note of where each heading falls."""

    def __init__(self, out: io.BytesIO, report: Report) -> None:
        width = TEXT_WIDTH_CM * cm
        side = (A4[0] - width) / 2
        super().__init__(
            out,
            pagesize=A4,
            title=report.title,
            author="苏图",
            subject=report.subtitle,
            lang="zh-CN",
            invariant=1,
        )
        self.report = report
        self.pages: dict[str, int] = {}
        frame = Frame(side, _BOTTOM, width, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0)
        self.addPageTemplates([PageTemplate(frames=[frame], onPage=self._foot)])

    def _foot(self, canvas: Canvas, _document: Any) -> None:
        canvas.setFont(_FONT, 8)
        canvas.setFillColor(HexColor(f"#{MUTED}"))
        side = (A4[0] - TEXT_WIDTH_CM * cm) / 2
        canvas.drawString(side, 1.1 * cm, f"{self.report.title}　{self.report.provenance.permission}")

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - the name reportlab calls
        """Note the page of a heading, for the contents and the outline."""
        heading = getattr(flowable, "sutu_heading", None)
        if heading is None:
            return
        key = f"h{flowable.sutu_number}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(heading.text, key, heading.level - 1)
        self.notify("TOCEntry", (heading.level - 1, escape(heading.text), self.page, key))
        self.pages[heading.text] = self.page


class _NumberedCanvas(Canvas):  # type: ignore[misc]  # the library has no types
    """A canvas that knows how many pages there are before it writes them."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._waiting: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the name reportlab calls
        """Keep the page until the number of pages is known."""
        self._waiting.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write every page with its number."""
        for state in self._waiting:
            self.__dict__.update(state)
            self.setFont(_FONT, 8)
            self.setFillColor(HexColor(f"#{MUTED}"))
            side = (A4[0] + TEXT_WIDTH_CM * cm) / 2
            self.drawRightString(side, 1.1 * cm, f"第 {self._pageNumber} 页，共 {len(self._waiting)} 页")
            super().showPage()
        super().save()


def _flow(report: Report) -> list[Flowable]:
    found: list[Flowable] = []
    number = 0
    for block in report.blocks:
        if isinstance(block, Heading):
            number += 1
            found += [PageBreak()] if block.new_page else []
            found.append(_heading(block, number))
        else:
            found += _drawn(block)
    return found


def _heading(block: Heading, number: int) -> Flowable:
    size, colour, before = (15, ACCENT, 10) if block.level == 1 else (12, INK, 6)
    made = Text(
        escape(block.text), _style(size, colour, before=before, after=4, leading=1.35, keepWithNext=1)
    )
    made.sutu_heading, made.sutu_number = block, number
    return made


def _drawn(block: Block) -> list[Flowable]:
    if isinstance(block, Paragraph):
        size, colour = {"body": (10.5, INK), "note": (9, MUTED), "notice": (9, SEAL)}[block.kind]
        return [_text(block.text, _style(size, colour, leading=1.55))]
    if isinstance(block, Bullets):
        style = _style(10.5, indent=12, leading=1.55, bulletIndent=2)
        return [_text(item, style, bullet="•") for item in block.items]
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        picture = Image(io.BytesIO(block.png), block.width_cm * cm, block.height_cm * cm)
        return [KeepTogether([picture, _caption(block.title), _source(block.source)])]
    raise TypeError(type(block).__name__)


def _text(
    text: str, style: ParagraphStyle, *, bullet: str | None = None, width: float | None = None
) -> Flowable:
    """Return running text broken by the rules of Chinese typesetting."""
    room = (TEXT_WIDTH_CM * cm if width is None else width) - style.leftIndent
    lines = broken_lines(text, room, lambda part: float(pdfmetrics.stringWidth(part, _FONT, style.fontSize)))
    return Text("<br/>".join(escape(line) for line in lines), style, bulletText=bullet)


def _caption(text: str) -> Flowable:
    return Text(escape(text), _style(9.5, before=4, after=3))


def _source(text: str) -> Flowable:
    return _text(f"来源：{text}", _style(8, MUTED, before=2, after=6))


def _table(block: Table) -> list[Flowable]:
    def line(texts: tuple[str, ...]) -> list[Flowable]:
        left, right = _style(9, after=0, leading=1.3), _style(9, after=0, leading=1.3, alignment=TA_RIGHT)
        return [
            _text(
                text,
                right if number in block.numeric else left,
                width=block.shares[number] * TEXT_WIDTH_CM * cm - 2 * _PAD,
            )
            for number, text in enumerate(texts)
        ]

    rule = HexColor(f"#{LINE}")
    table = LongTable(
        [line(block.headers), *(line(row) for row in block.rows)],
        colWidths=[share * TEXT_WIDTH_CM * cm for share in block.shares],
        repeatRows=1,
        style=TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, 0), HexColor(f"#{HEAD}")),
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, rule),
                ("LINEABOVE", (0, 0), (-1, 0), 0.5, rule),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
                ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        ),
    )
    return [CondPageBreak(3.5 * cm), _caption(block.title), table, _source(block.source)]
