"""A briefing on a region as a file: Word, PDF or HTML; the page's button and the command make the same."""

from __future__ import annotations

from collections.abc import Callable

from geo.region_tree import LEVEL_WORDS, PROVINCE
from reports.document import Format, Report, ReportError, make_report
from reports.docx import docx_bytes
from reports.html import html_bytes
from reports.pdf import render_pdf
from reports.people import people_and_economy, summary
from reports.plans import quality, targets
from reports.provenance import provenance
from reports.region import Briefings
from reports.services import coverage, standards
from reports.standing import gaps, strengths

Progress = Callable[[str, float], None]
SECTIONS = {
    "要点": summary,
    "人口与经济": people_and_economy,
    "长处与短板": strengths,
    "区域差距": gaps,
    "设施覆盖": coverage,
    "应配与缺口": standards,
    "规划目标": targets,
    "数据质量": quality,
}


def briefing(made: Briefings, adcode: str, progress: Progress | None = None) -> Report:
    """Return the briefing on a prefecture, a county, an economic region or the province.

    ``progress`` is told (section, fraction done). Raises `ReportError` for any other region.
    """
    level = made.require(adcode)
    tell = progress or (lambda _section, _done: None)
    blocks = []
    for number, (section, make) in enumerate(SECTIONS.items()):
        tell(section, number / (len(SECTIONS) + 1))
        blocks += make(made, adcode)
    tell("排版", len(SECTIONS) / (len(SECTIONS) + 1))
    sources = {key for found in made.profiles(level).indicators["source"] for key in found}
    parents = [made.name(code) for code in reversed(made.above(adcode)) if code != PROVINCE]
    where = f"{'　'.join(parents)}　" if parents else ""
    return make_report(
        f"{made.table['name'].to_dict()[adcode]}发展与公共服务简报",
        f"{where}{LEVEL_WORDS[level]}　代码 {adcode}",
        made.day,
        provenance(made.store, sorted(sources)),
        blocks,
    )


def report_bytes(report: Report, form: Format, made: Briefings) -> bytes:
    """Return a report as a file of the form docx, pdf or html; `ReportError` for any other.

    The pages in the contents of the Word file are those of the PDF until Word counts them anew.
    """
    if form == "html":
        return html_bytes(report)
    if form not in {"docx", "pdf"}:
        raise ReportError(f"不能输出“{form}”格式；可用：docx、pdf、html")
    content, pages = render_pdf(report, font=made.font)
    return content if form == "pdf" else docx_bytes(report, pages)
