"""The Word renderer: real headings, contents, captions, page numbers, tables that can be edited."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from reports.document import (
    ACCENT,
    CONTENTS,
    HEAD,
    INK,
    LINE,
    MUTED,
    SEAL,
    TEXT_WIDTH_CM,
    Bullets,
    Figure,
    Heading,
    Paragraph,
    Report,
    Table,
)

# What Chinese offices have; where it is missing, Word and LibreOffice take another Chinese typeface.
_LATIN, _CHINESE = "微软雅黑", "微软雅黑"
# Lines of a set height: Chinese typefaces differ by a tenth in theirs, and a page must hold the same in all.
_LINE, _SMALL_LINE = Pt(16.5), Pt(13)
_FIXED = datetime(2000, 1, 1, tzinfo=UTC)


def docx_bytes(report: Report, pages: Mapping[str, int] | None = None) -> bytes:
    """Return the report as a Word file.

    ``pages`` (page by heading) fills the table of contents until Word updates it; headings it does not name
    are listed without a page. No time is written into the file: equal reports give equal documents.
    """
    document = Document()
    _set_up(document, report)
    _title(document, report)
    _contents(document, report, pages or {})
    bookmarks = iter(range(1, len(report.headings) + 1))
    for block in report.blocks:
        if isinstance(block, Heading):
            _heading(document, block, next(bookmarks))
        elif isinstance(block, Paragraph):
            _paragraph(document, block)
        elif isinstance(block, Bullets):
            for item in block.items:
                document.add_paragraph(item, style="List Bullet")
        elif isinstance(block, Table):
            _table(document, block)
        else:
            _figure(document, block)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _set_up(document: Any, report: Report) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21.0 - TEXT_WIDTH_CM) / 2)
    section.top_margin, section.bottom_margin = Cm(2.0), Cm(1.8)
    for name, size, colour, bold in (
        ("Normal", 10.5, INK, False),
        ("List Bullet", 10.5, INK, False),
        ("Title", 22, INK, True),
        ("Heading 1", 15, ACCENT, True),
        ("Heading 2", 12, INK, True),
        ("Caption", 9.5, INK, True),
    ):
        _font(document.styles[name], size, colour, bold)
    normal = document.styles["Normal"].paragraph_format
    normal.space_after, normal.line_spacing = Pt(5), _LINE
    document.styles["Title"].paragraph_format.line_spacing = 1.0
    for name, before, after in (("Heading 1", 12, 5), ("Heading 2", 8, 3), ("Caption", 5, 3)):
        layout = document.styles[name].paragraph_format
        layout.space_before, layout.space_after, layout.keep_with_next = Pt(before), Pt(after), True
        layout.line_spacing = 1.0
    properties = document.core_properties
    properties.title, properties.subject = report.title, report.subtitle
    properties.author, properties.language, properties.comments = (
        "苏图",
        "zh-CN",
        report.provenance.permission,
    )
    properties.created = properties.modified = _FIXED
    _language(document)
    _footer(document, section, report)


def _language(document: Any) -> None:
    """Say that the text is Chinese of the mainland: by this a program chooses the shape of its signs."""
    defaults = document.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for old in defaults.findall(qn("w:lang")):
        defaults.remove(old)
    defaults.append(_element("lang", val="en-US", eastAsia="zh-CN", bidi="ar-SA"))
    for old in document.settings.element.findall(qn("w:themeFontLang")):
        old.set(qn("w:val"), "zh-CN")
        old.set(qn("w:eastAsia"), "zh-CN")


def _font(style: Any, size: float, colour: str, bold: bool) -> None:
    font = style.font
    font.name, font.size, font.bold, font.italic = _LATIN, Pt(size), bold, False
    font.color.rgb = RGBColor.from_string(colour)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), _CHINESE)


def _title(document: Any, report: Report) -> None:
    title = document.add_paragraph(report.title, style="Title")
    title.paragraph_format.space_after = Pt(2)
    _small(document, f"{report.subtitle}　{report.date}", MUTED)
    _small(document, report.provenance.permission, SEAL)


def _small(document: Any, text: str, colour: str, size: float = 9.0) -> Any:
    paragraph = document.add_paragraph()
    run = paragraph.add_run(text)
    run.font.size, run.font.color.rgb = Pt(size), RGBColor.from_string(colour)
    paragraph.paragraph_format.space_after, paragraph.paragraph_format.line_spacing = Pt(3), _SMALL_LINE
    return paragraph


def _element(tag: str, /, **attributes: str) -> Any:
    made = OxmlElement(f"w:{tag}")
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    return made


def _field(paragraph: Any, code: str, shown: str) -> None:
    """Add a field with the text it shows until it is updated."""
    begin = _element("fldChar", fldCharType="begin")
    paragraph.add_run()._r.append(begin)
    instruction = _element("instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = f" {code} "
    paragraph.add_run()._r.append(instruction)
    paragraph.add_run()._r.append(_element("fldChar", fldCharType="separate"))
    paragraph.add_run(shown)
    paragraph.add_run()._r.append(_element("fldChar", fldCharType="end"))


def _contents(document: Any, report: Report, pages: Mapping[str, int]) -> None:
    """Add the table of contents: one field whose entries link to the headings and name their pages."""
    head = document.add_paragraph()
    run = head.add_run(CONTENTS)
    run.font.size, run.font.bold = Pt(12), True
    headings = report.headings
    paragraph = None
    for number, heading in enumerate(headings, start=1):
        paragraph = document.add_paragraph()
        layout = paragraph.paragraph_format
        layout.left_indent, layout.space_after = Cm(0.7 * (heading.level - 1)), Pt(1)
        layout.tab_stops.add_tab_stop(Cm(TEXT_WIDTH_CM), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
        if number == 1:
            paragraph.add_run()._r.append(_element("fldChar", fldCharType="begin", dirty="true"))
            code = _element("instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = r' TOC \o "1-2" \h \z \u '
            paragraph.add_run()._r.append(code)
            paragraph.add_run()._r.append(_element("fldChar", fldCharType="separate"))
        _entry(paragraph, heading.text, number, pages.get(heading.text))
    if paragraph is not None:
        paragraph.add_run()._r.append(_element("fldChar", fldCharType="end"))


def _entry(paragraph: Any, text: str, number: int, page: int | None) -> None:
    link = _element("hyperlink", anchor=_bookmark(number), history="1")
    paragraph._p.append(link)
    before = len(paragraph.runs)
    paragraph.add_run(f"{text}\t")
    _field(paragraph, rf"PAGEREF {_bookmark(number)} \h", "" if page is None else str(page))
    for run in paragraph.runs[before:]:
        link.append(run._r)


def _bookmark(number: int) -> str:
    return f"_Toc{number:08d}"


def _heading(document: Any, block: Heading, number: int) -> None:
    paragraph = document.add_heading(block.text, level=block.level)
    if block.new_page:
        paragraph.paragraph_format.page_break_before = True
    start = _element("bookmarkStart", id=str(number), name=_bookmark(number))
    paragraph._p.insert(1 if paragraph._p.pPr is not None else 0, start)
    paragraph._p.append(_element("bookmarkEnd", id=str(number)))


def _paragraph(document: Any, block: Paragraph) -> None:
    if block.kind == "body":
        document.add_paragraph(block.text)
    else:
        _small(document, block.text, SEAL if block.kind == "notice" else MUTED)


def _caption(document: Any, word: str, number: int, caption: str) -> None:
    paragraph = document.add_paragraph(style="Caption")
    paragraph.add_run(f"{word} ")
    _field(paragraph, rf"SEQ {word} \* ARABIC", str(number))
    paragraph.add_run(f"　{caption}")


def _table(document: Any, block: Table) -> None:
    _caption(document, "表", block.number, block.caption)
    table = document.add_table(rows=1, cols=len(block.headers))
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, share in zip(table.columns, block.shares, strict=True):
        column.width = Cm(TEXT_WIDTH_CM * share)
    _borders(table)
    for _ in block.rows:
        table.add_row()
    cells = [(block.headers, True), *((row, False) for row in block.rows)]
    for line, (texts, head) in zip(table.rows, cells, strict=True):
        layout = line._tr.get_or_add_trPr()
        layout.append(_element("cantSplit"))
        if head:
            layout.append(_element("tblHeader"))
        for number, (cell, text) in enumerate(zip(line.cells, texts, strict=True)):
            cell.width = Cm(TEXT_WIDTH_CM * block.shares[number])
            _cell(cell, text, head=head, right=number in block.numeric)
    _source(document, block.source)


def _cell(cell: Any, text: str, *, head: bool, right: bool) -> None:
    paragraph = cell.paragraphs[0]
    run = paragraph.add_run(text)
    run.font.size, run.font.bold = Pt(9), head
    layout = paragraph.paragraph_format
    layout.space_after, layout.space_before, layout.line_spacing = Pt(1.5), Pt(1.5), _SMALL_LINE
    layout.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    if head:
        cell._tc.get_or_add_tcPr().append(_element("shd", val="clear", color="auto", fill=HEAD))


def _borders(table: Any) -> None:
    borders = _element("tblBorders")
    for side in ("top", "bottom", "insideH"):
        borders.append(_element(side, val="single", sz="4", space="0", color=LINE))
    table._tbl.tblPr.append(borders)


def _source(document: Any, text: str) -> None:
    _small(document, f"来源：{text}", MUTED, 8.0)


def _figure(document: Any, block: Figure) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.line_spacing = 1.0
    picture = paragraph.add_run().add_picture(io.BytesIO(block.png), width=Cm(block.width_cm))
    properties = picture._inline.docPr
    properties.set("descr", block.alt)
    properties.set("title", block.caption)
    _caption(document, "图", block.number, block.caption)
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    _source(document, block.source)


def _footer(document: Any, section: Any, report: Report) -> None:
    paragraph = section.footer.paragraphs[0]
    paragraph.style = document.styles["Normal"]
    paragraph.paragraph_format.tab_stops.add_tab_stop(Cm(TEXT_WIDTH_CM), WD_TAB_ALIGNMENT.RIGHT)
    paragraph.add_run(f"{report.title}　{report.provenance.permission}\t第 ")
    _field(paragraph, "PAGE", "1")
    paragraph.add_run(" 页，共 ")
    _field(paragraph, "NUMPAGES", "1")
    paragraph.add_run(" 页")
    for run in paragraph.runs:
        run.font.size, run.font.color.rgb = Pt(8), RGBColor.from_string(MUTED)
