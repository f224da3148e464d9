"""One report, three renderers: headings, contents, captions, page numbers, tables; texts are only texts."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from docx import Document
from docx.oxml.ns import qn
from fontTools.ttLib import TTFont
from PIL import Image

from geo.peers import spines
from layers.charts import profile as profile_charts
from layers.charts.profile import Mark, spine_frames
from layers.fonts import FontError
from layers.model import Provenance
from reports import figures as report_figures
from reports.document import Bullets, Figure, Heading, Paragraph, Report, ReportError, Table, make_report
from reports.docx import docx_bytes
from reports.html import html_bytes
from reports.pdf import render_pdf

ORIGIN = Provenance(("测试来源",), "测试边界 2020 年", "内部测试图")
NASTY = "<script>alert(1)</script> & =1+1"
NAN = float("nan")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(out, "PNG")
    return out.getvalue()


def sample() -> Report:
    table = Table(
        "表格", ("地区", "数值"), (("甲市", "1,234"), (NASTY, "无数据")), "测试来源", (3.0, 1.0), (1,)
    )
    figure = Figure("图形", picture(), 8.0, 4.0, "测试来源", "一个图形")
    return make_report(
        "甲市简报",
        "设区市",
        "2024 年 1 月 1 日",
        ORIGIN,
        [
            Heading("一、要点"),
            Bullets(("第一句。", NASTY)),
            figure,
            Heading("二、表", new_page=True),
            Heading("小节", 2),
            Paragraph("正文。"),
            Paragraph("注。", "note"),
            table,
            figure,
            table,
        ],
    )


def test_figures_and_tables_are_numbered_apart() -> None:
    titles = [block.title for block in sample().blocks if isinstance(block, Figure | Table)]
    assert titles == ["图 1　图形", "表 1　表格", "图 2　图形", "表 2　表格"]
    with pytest.raises(ReportError, match="列数不同"):
        make_report("甲", "", "", ORIGIN, [Table("坏", ("一", "二"), (("只有一格",),), "来源")])


def test_word_has_headings_contents_captions_page_numbers_and_tables() -> None:
    content = docx_bytes(sample(), {"一、要点": 1, "二、表": 2})
    document = Document(io.BytesIO(content))
    headings = [(p.style.name, p.text) for p in document.paragraphs if p.style.name.startswith("Heading")]
    assert headings == [("Heading 1", "一、要点"), ("Heading 1", "二、表"), ("Heading 2", "小节")]
    captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
    assert captions == ["图 1　图形", "表 1　表格", "图 2　图形", "表 2　表格"]
    xml = document.element.xml
    codes = [node.text.strip() for node in document.element.iter(qn("w:instrText"))]
    assert r'TOC \o "1-2" \h \z \u' in codes
    assert [code for code in codes if code.startswith("SEQ")] == [
        rf"SEQ {word} \* ARABIC" for word in ("图", "表", "图", "表")
    ]
    anchors = re.findall(r'w:hyperlink w:anchor="(\w+)"', xml)
    assert anchors == re.findall(r'w:bookmarkStart [^>]*w:name="(\w+)"', xml)
    assert [f"PAGEREF {anchor} \\h" in codes for anchor in anchors] == [True] * 3
    entries = [p.text for p in document.paragraphs if "\t" in p.text]
    assert entries == ["一、要点\t1", "二、表\t2", "小节\t"]
    footer = document.sections[0].footer._element
    assert {"PAGE", "NUMPAGES"} == {node.text.strip() for node in footer.iter(qn("w:instrText"))}
    table = document.tables[0]
    assert [cell.text for row in table.rows for cell in row.cells] == [
        "地区",
        "数值",
        "甲市",
        "1,234",
        NASTY,
        "无数据",
    ]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [docPr.get("descr") for docPr in document.element.iter(qn("wp:docPr"))] == ["一个图形"] * 2
    assert "来源：测试来源" in [p.text for p in document.paragraphs]
    assert ORIGIN.notice in [p.text for p in document.paragraphs]
    assert docx_parts(content) == docx_parts(docx_bytes(sample(), {"一、要点": 1, "二、表": 2}))


def docx_parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_pdf_says_on_which_page_each_heading_is_and_embeds_the_font(report_font: Path) -> None:
    content, pages = render_pdf(sample(), font=report_font)
    assert content.startswith(b"%PDF")
    assert pages == {"一、要点": 1, "二、表": 2, "小节": 2}
    assert len(re.findall(rb"/Type /Page\b", content)) == 2
    assert b"/FontFile2" in content
    assert render_pdf(sample(), font=report_font)[0] == content


def test_pdf_refuses_a_character_the_font_lacks(report_font: Path) -> None:
    report = make_report("甲", "", "", ORIGIN, [Paragraph("\U0001f600")])
    with pytest.raises(FontError, match="缺少"):
        render_pdf(report, font=report_font)


def test_html_holds_everything_and_runs_nothing() -> None:
    text = html_bytes(sample()).decode()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; =1+1" in text
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert text.count("data:image/png;base64,") == 2
    assert [f"#s{n}" in text for n in (1, 2)] == [True, True]
    for words in ("图 1　图形", "表 2　表格", "来源：测试来源", ORIGIN.notice):
        assert words in text


def _frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    codes = ["a", "b", "c"]
    matrix = pd.DataFrame({"up": [1.0, 2.0, 3.0], "same": [1.0] * 3, "free": [5.0, NAN, 7.0]}, index=codes)
    directions = {"up": "lower_better", "same": "higher_better", "free": "neutral"}
    indicators = pd.DataFrame(
        {
            "id": list(matrix.columns),
            "name": ["甲指标（注）", "乙指标", "丙指标"],
            "unit": "%",
            "year": 2020,
            "decimals": 1,
            "direction": list(directions.values()),
        }
    )
    marks = [
        Mark("全省", "province", {"up": 9.0, "free": 6.0}),
        Mark("甲市", "region", dict(matrix.loc["a"]), "a"),
        Mark("乙市", "region", dict(matrix.loc["b"]), "b"),
    ]
    return spine_frames(spines(matrix, directions), indicators, marks)


def test_the_spine_frames_place_by_direction_and_leave_out_what_has_no_place() -> None:
    bars, dots = _frames()
    assert list(bars["label"]) == ["甲指标", "乙指标", "丙指标 ○"]
    assert (bars.loc[0, "worst"], bars.loc[0, "best"]) == ("3.0", "1.0")
    assert bars.loc[1, "reason"] != ""
    own = dots[(dots["name"] == "甲市") & (dots["id"] == "up")].iloc[0]
    assert (own["position"], own["standing"], own["shown"]) == (1.0, "第 1 位 / 3", "1.0")
    assert set(dots[dots["name"] == "乙市"]["id"]) == {"up"}
    assert dots[dots["kind"] == "province"]["position"].tolist() == [-0.03, 0.5]


def test_the_charts_of_profiles_and_indices_are_valid() -> None:
    bars, dots = _frames()
    ranks = pd.DataFrame(
        {
            "adcode": ["1", "2", "3"],
            "name": ["同名", "同名", "无"],
            "rank": [1.0, 1.0, NAN],
            "best": [1.0, 1.0, NAN],
            "q1": [1.0, 1.0, NAN],
            "median": [1.5, 1.0, NAN],
            "q3": [2.0, 1.0, NAN],
            "worst": [2.0, 1.0, NAN],
            "shown": ["50.0", "50.0", "无数据"],
        }
    )
    parts = pd.DataFrame(
        {"region": ["甲", "甲"], "part": ["一", "二"], "points": [1.0, 2.0], "shown": ["1", "2"]}
    )
    for chart in (
        profile_charts.spine_chart(bars, dots, ["甲市", "乙市"]),
        profile_charts.rank_range_chart(ranks, selected="2"),
        profile_charts.contribution_chart(parts, ["甲"], ["一", "二"], ["#111111"] * 8),
    ):
        spec = chart.to_dict(validate=True)
        assert spec["config"]["font"] == "Sutu Sans" and spec["description"]
    held = profile_charts.rank_range_chart(ranks).to_dict()["datasets"]
    labels = [row["label"] for row in next(iter(held.values()))]
    assert len(labels) == len(set(labels)) == 2


def test_the_figures_of_a_report_are_pictures_in_the_packaged_typeface(report_font: Path) -> None:
    bars, dots = _frames()
    lines = pd.DataFrame(
        {"name": ["甲市"] * 3 + ["全省"] * 3, "year": [2018, 2019, 2020] * 2, "value": range(6)}
    )
    goals = pd.DataFrame({"year": [2025], "value": [9.0], "text": ["9 以上"]})
    tracks = {
        comparable: report_figures.track_png(
            lines, goals, label="指标", comparable=comparable, font=report_font, size_cm=(10, 5)
        )
        for comparable in (True, False)
    }
    # What is of another kind has no way to the target.
    assert tracks[True] != tracks[False]
    found = [
        report_figures.spine_png(
            bars, dots[dots["name"] != "乙市"], "甲市", font=report_font, size_cm=(12, 6)
        ),
        report_figures.lines_png(
            lines, label="指标", font=report_font, size_cm=(10, 5), break_year=2019.5, break_text="断点"
        ),
        *tracks.values(),
        report_figures.bars_png(
            pd.DataFrame({"name": ["甲市", "全省"], "value": [1.0, NAN]}),
            label="指标",
            decimals=1,
            font=report_font,
            size_cm=(10, 4),
        ),
    ]
    for png in found:
        image = Image.open(io.BytesIO(png))
        assert image.format == "PNG" and image.convert("L").getextrema()[0] < 120
    with pytest.raises(FontError):
        report_figures.bars_png(
            pd.DataFrame({"name": ["\U0001f600"], "value": [1.0]}),
            label="指标",
            decimals=1,
            font=report_font,
            size_cm=(10, 4),
        )


def test_the_font_at_hand_is_a_plain_one(report_font: Path) -> None:
    with TTFont(report_font, lazy=True) as opened:
        assert "glyf" in opened and "fvar" not in opened
