"""Briefings: what they say is what the store says, changes when it does, and prints in all three forms."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import shapely
from docx import Document

from analysis.coverage import IMPLIED_POINTS, NO_ROADS, SCARCE
from analysis.gaps import compare_years, load_gap
from data.registry import load_registry
from data.store.store import Store
from layers.figure import require_glyphs
from reports.briefing import SECTIONS, briefing, report_bytes
from reports.document import Bullets, Figure, Heading, Paragraph, Report, ReportError, Table
from reports.people import county_map, summary
from reports.plans import quality, states_sentence
from reports.provenance import provenance
from reports.region import Briefings
from reports.services import coverage_notes

PLACES = {"320500": 4, "320300": 4, "320682": 5, "320N00": 4, "320000": 3}
"""The regions that briefings are made of, and how many figures each has."""


@pytest.fixture(scope="module")
def made(built_store: Store, report_font: Path, tmp_path_factory: pytest.TempPathFactory) -> Briefings:
    return Briefings(
        built_store, load_registry(), tmp_path_factory.mktemp("data"), report_font, day="2024 年 1 月 1 日"
    )


@pytest.fixture(scope="module")
def reports(made: Briefings) -> dict[str, Report]:
    return {code: briefing(made, code) for code in PLACES}


class Changed(Briefings):
    """The same store with one value other than it is."""

    def change(self, indicator: str, adcode: str, year: int, value: float) -> None:
        self.changes = {indicator: (adcode, year, value)}

    def facts(self, indicator: str) -> pd.DataFrame:  # type: ignore[override]
        frame = self.store.facts(indicator)
        if indicator in self.changes:
            adcode, year, value = self.changes[indicator]
            frame.loc[(frame["adcode"] == adcode) & (frame["year"] == year), "value"] = value
        return frame


def sentences(report: Report) -> list[str]:
    found: list[str] = []
    for block in report.blocks:
        if isinstance(block, Paragraph):
            found.append(block.text)
        elif isinstance(block, Bullets):
            found += block.items
    return found


@pytest.mark.parametrize("adcode", PLACES)
def test_every_section_is_there_and_every_figure_has_its_source(
    reports: dict[str, Report], made: Briefings, adcode: str
) -> None:
    report = reports[adcode]
    name = "江苏省" if adcode == "320000" else made.name(adcode)
    assert report.title == f"{name}发展与公共服务简报"
    firsts = [heading.text for heading in report.headings if heading.level == 1]
    assert [text[0] for text in firsts] == list("一二三四五六七八")
    assert len(firsts) == len(SECTIONS)
    shown = [block for block in report.blocks if isinstance(block, Figure | Table)]
    assert len([block for block in shown if isinstance(block, Figure)]) == PLACES[adcode]
    assert all(block.source for block in shown)
    assert made.store.data_version in "".join(sentences(report))
    require_glyphs(made.font, report.texts)
    assert any("推定点位" in text for text in sentences(report))


def test_the_last_section_says_the_notice_of_the_office(
    made: Briefings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.plans.internal_notice", lambda: "本处内部图")
    said = [text for block in quality(made, "320682") if isinstance(block, Bullets) for text in block.items]
    borders = [text for text in said if text.startswith("边界：")]
    assert len(borders) == 1
    assert borders[0].endswith("本处内部图。")
    assert "未经审核" not in borders[0]


@pytest.mark.parametrize(
    ("adcode", "level", "counties", "outlined", "red"),
    [
        ("320300", "prefecture", 10, {"320300"}, None),
        ("320682", "county", 7, {"320682"}, "320682"),
        ("320N00", "economic_region", 37, {"320300", "320700", "320800", "320900", "321300"}, None),
    ],
)
def test_a_map_has_the_borders_of_its_level_as_fine_as_a_prefecture_needs(  # noqa: PLR0917 - five are what is tried
    made: Briefings,
    monkeypatch: pytest.MonkeyPatch,
    adcode: str,
    level: str,
    counties: int,
    outlined: set[str],
    red: str | None,
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "reports.people.figure_bytes",
        lambda layer, _kind, **more: asked.update(more, layer=layer) or b"",
    )
    county_map(made, adcode, level)
    frame = asked["layer"].frame
    assert (len(frame), set(asked["outlines"].index), asked["selected"]) == (counties, outlined, red)
    for drawn, kind in (
        (frame, "county"),
        (asked["outlines"], level if level != "economic_region" else "prefecture"),
    ):
        wanted = made.store.regions(kind, zoom="prefecture").loc[drawn.index]
        assert shapely.equals_identical(drawn.geometry, wanted.geometry).all()
        coarse = made.store.regions(kind, zoom="province").loc[drawn.index]
        assert not shapely.equals_identical(drawn.geometry, coarse.geometry).any()


def test_the_summary_says_what_the_store_says(made: Briefings, reports: dict[str, Report]) -> None:
    population = made.store.facts("population", year=2020).set_index("adcode")["value"]
    said = sentences(reports["320500"])
    wanted = f"2020 年苏州市常住人口 {population['320500'] / 1e4:,.1f} 万人，在 13 个设区市中居第 1 位"
    assert said[0].startswith(wanted)
    rate = made.store.facts("urbanisation_rate", year=2020, level="county").set_index("adcode")["value"]
    rank = int((rate > rate["320682"]).sum()) + 1
    assert any(
        f"城镇化率为 {rate['320682']:.2f}%，在 95 个县（市、区）中居第 {rank} 位" in text
        for text in sentences(reports["320682"])
    )


@pytest.mark.parametrize(
    ("indicator", "year", "value", "wanted"),
    [
        (
            "population",
            2020,
            1.0e7,
            "2010—2020 年苏州市常住人口由 1,046.0 万人下降到 1,000.0 万人，下降 46.0 万人",
        ),
        ("population", 2020, 10459890.0, "2010—2020 年苏州市常住人口持平，都是 1,046.0 万人。"),
        ("population", 2010, float("nan"), "2010—2020 年苏州市常住人口的变化无法判断：2010 年没有数值"),
        ("population", 2020, 5.0e6, "2020 年苏州市常住人口 500.0 万人，在 13 个设区市中居第 7 位"),
    ],
)
def test_a_sentence_changes_when_its_fact_changes(
    made: Briefings, indicator: str, year: int, value: float, wanted: str
) -> None:
    other = Changed(made.store, made.registry, made.data_dir, made.font)
    other.change(indicator, "320500", year, value)
    items = next(block for block in summary(other, "320500") if isinstance(block, Bullets)).items
    before = next(block for block in summary(made, "320500") if isinstance(block, Bullets)).items
    assert any(item.startswith(wanted) for item in items), items[:2]
    assert not any(item.startswith(wanted) for item in before)
    assert items[2:] == before[2:]


def test_the_gap_in_the_report_is_that_of_the_engine(made: Briefings, reports: dict[str, Report]) -> None:
    found = compare_years(load_gap(made.store, "gdp_per_head", "prefecture"), 2023, 2005)
    for code in ("320500", "320300", "320N00"):
        table = next(
            block for block in reports[code].blocks if isinstance(block, Table) and "差距" in block.caption
        )
        rows = {row[1]: row for row in table.rows if row[0] == "人均地区生产总值"}
        for year, analysis in (("2005", found.then), ("2023", found.now)):
            assert analysis is not None
            assert rows[year][3] == f"{analysis.measures['south_north_ratio'].value:.2f}"
            assert rows[year][5] == f"{analysis.theil.total:.4f}"
        said = "".join(sentences(reports[code]))
        assert "二手" in said and "2020" in said
        assert f"的 {found.now.measures['south_north_ratio'].value:.2f} 倍" in said


def test_the_three_forms_print_the_same(made: Briefings, reports: dict[str, Report]) -> None:
    report = reports["320682"]
    word = Document(io.BytesIO(report_bytes(report, "docx", made)))
    told = "\n".join(paragraph.text for paragraph in word.paragraphs)
    page = report_bytes(report, "html", made).decode()
    for text in sentences(report):
        assert text in told
        assert text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
    assert len(word.tables) == page.count("<table>") == sum(isinstance(b, Table) for b in report.blocks)
    entries = dict(p.text.split("\t") for p in word.paragraphs if "\t" in p.text)
    assert list(entries) == [heading.text for heading in report.headings]
    assert all(entries.values())


@pytest.mark.parametrize("adcode", PLACES)
def test_a_briefing_has_four_to_six_pages(made: Briefings, reports: dict[str, Report], adcode: str) -> None:
    pdf = report_bytes(reports[adcode], "pdf", made)
    assert 4 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 6


def test_the_province_stands_beside_its_regions_and_above_nobody(reports: dict[str, Report]) -> None:
    report = reports["320000"]
    said = sentences(report)
    assert said[0] == "2020 年全省常住人口 8,474.8 万人。"
    assert not any("居第" in text or "与全省" in text or "比全省" in text for text in said[:6])
    census, prefectures = [block for block in report.blocks if isinstance(block, Table)][:2]
    assert census.headers[-3:] == ("苏南", "苏中", "苏北")
    assert len(prefectures.rows) == 13 and prefectures.rows[0][0] == "南京市"
    ranks = [int(row[1].partition("（")[2].rstrip("）")) for row in prefectures.rows]
    assert sorted(ranks) == list(range(1, 14))


def test_regions_without_a_briefing_are_refused(made: Briefings) -> None:
    for code, told in (("3207UN", "没有简报"), ("999999", "没有行政区划代码")):
        with pytest.raises(ReportError, match=told):
            briefing(made, code)
    with pytest.raises(ReportError, match="不能输出“odt”"):
        report_bytes(briefing_stub(made), "odt", made)  # type: ignore[arg-type]


def briefing_stub(made: Briefings) -> Report:
    return Report("甲", "", "", provenance(made.store, []), (Heading("一"),))


def test_states_of_targets_are_counted() -> None:
    rows = pd.DataFrame({"state": ["met", "met", "not_met", "undefined"]})
    assert (
        states_sentence("目标", rows)
        == "目标共 4 项，按基期值判断：已达到 2 项、未达到 1 项、无法判定 1 项。"
    )
    assert states_sentence("目标", rows.iloc[:1]) == "目标共 1 项，按基期值判断：已达到 1 项。"
    assert states_sentence("目标", rows.iloc[:0]) == "目标没有。"


def test_every_note_on_coverage_is_told_of_what_it_is_true_of() -> None:
    """Two kinds of places in a prefecture of three counties; the notes on another prefecture stay away."""
    counties = ["320302", "320303", "320305"]
    regions = {"320300": "徐州市", "320100": "南京市"}
    names = pd.DataFrame({"name": list(regions.values()), "level": "prefecture"}, index=list(regions))

    def kind(name: str, *notes: str, at: list[str]) -> Any:
        facilities = pd.DataFrame({"adcode": at})
        return SimpleNamespace(name=name, analysis=SimpleNamespace(notes=notes, facilities=facilities))

    shared = (f"3 {SCARCE}：空白", IMPLIED_POINTS, "徐州市 5 人不在格网内", "南京市 7 人不在格网内")
    made: Any = SimpleNamespace(
        coverages=[
            kind("医院", f"{NO_ROADS}，估算", *shared, at=["320302", "320305"]),
            kind("学校", *shared, "学校有重复", at=["320303"]),
        ],
        inside=lambda _code: counties,
        above=lambda code: ["320300", "320000"] if code in counties else ["320000"],
        table=names,
    )
    assert coverage_notes(made, "320300") == [
        f"医院：{NO_ROADS}，时间按直线距离 × 绕行系数估算（见口径）",
        "3 个县（市、区）中没有点位的：医院 1 个、学校 2 个，空白可能是数据缺失",
        "徐州市 5 人不在格网内",
        "学校：学校有重复",
    ]
