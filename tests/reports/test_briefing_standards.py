"""Standards and tracked targets in a briefing: counted again from the store, and changed with their facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.given import gather
from analysis.standards import prepare_standards
from analysis.tracking import Track
from data.registry import load_registry
from data.store.store import Store
from geo.region_tree import inside
from layers.words.tracking import path_words
from reports.document import Figure, Paragraph, Table
from reports.plans import targets, tracked
from reports.region import Briefings
from reports.services import basis_of, standards, standing
from reports.targets import path_of

CENTRE = "township_health_centre_85"


def briefings(store: Store, font: Path, folder: Path) -> Briefings:
    return Briefings(store, load_registry(), folder, font, day="2024 年 1 月 1 日")


@pytest.fixture(scope="module")
def made(built_store: Store, report_font: Path, tmp_path_factory: pytest.TempPathFactory) -> Briefings:
    return briefings(built_store, report_font, tmp_path_factory.mktemp("data"))


def texts(blocks: list) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def table_of(blocks: list) -> Table:
    return next(block for block in blocks if isinstance(block, Table))


def centres(store: Store, counts: dict[str, int]) -> pd.DataFrame:
    """Return so many surveyed township health centres by county, in the columns of the store."""
    one = store.facilities()
    one = one[one["type"] == "township_health_centre"].head(1)
    codes = [code for code, count in counts.items() for _ in range(count)]
    rows = one.loc[one.index.repeat(len(codes))].reset_index(drop=True)
    return rows.assign(adcode=codes, precision="surveyed", source="测试导入", name="卫生院")


@pytest.mark.parametrize("adcode", ["320682", "320N00"])
def test_the_sentence_counts_what_the_engine_finds(made: Briefings, built_store: Store, adcode: str) -> None:
    rows = prepare_standards(gather(built_store), within=adcode).summary()
    own = {
        key for key, entry in made.standards.standards.items() if adcode in inside(made.table, entry.within)
    }
    rows = rows[rows["standard"].isin(own) & ((rows["regions"] > 0) | rows["required"].isna())]
    judged = rows[rows["shortfall"].notna()]
    lacking = judged[judged["shortfall"] > 0]
    blocks = standards(made, adcode)
    said = texts(blocks)
    assert said[0].startswith(
        f"适用于{made.name(adcode)}的规划配置标准 {len(rows)} 条，能判断 {len(judged)} 条，"
        f"其中 {len(lacking)} 条有缺口"
    )
    worst = lacking.assign(part=lacking["shortfall"] / lacking["required"]).sort_values("part").iloc[-1]
    row = table_of(blocks).rows[0]
    assert row[0] == worst["name"] and worst["name"] in said[0]
    assert row[2:5] == tuple(
        f"{worst[key]:,.0f} {worst['unit']}" for key in ("required", "provided", "shortfall")
    )
    assert str(worst["doc_no"]) in row[1]
    assert f"不能判断的 {len(rows) - len(judged)} 条" in said[-1]


def test_implied_points_are_said_to_prove_nothing(made: Briefings) -> None:
    blocks = standards(made, "320500")
    notice = next(block for block in blocks if isinstance(block, Paragraph) and block.kind == "notice")
    assert "推定点位" in notice.text and "证明不了什么" in notice.text
    assert {row[5] for row in table_of(blocks).rows} <= {"推定", "无数据"}


def test_a_plan_of_one_county_binds_that_county_alone(made: Briefings) -> None:
    rugao = {key for key in made.standards.standards if key.endswith("_rugao")}
    assert rugao <= set(standing(made.standards, "320682").rows.index)
    for adcode in ("320600", "320000"):
        assert not rugao & set(standing(made.standards, adcode).rows.index)
    prefecture = standing(made.standards, "320682").rows.index
    assert not any("_prefecture_" in key for key in prefecture)


def test_imported_facilities_are_used_and_a_fact_changes_its_sentence(
    made: Briefings, built_store: Store, report_font: Path, tmp_path: Path
) -> None:
    need = made.standards.table(CENTRE).set_index("adcode")["required"]
    codes = [code for code in inside(made.table, "320500") if need.get(code, 0) > 0]
    full = {code: int(need[code]) for code in codes}
    short = {**full, codes[0]: full[codes[0]] - 1}
    said = {}
    for name, counts in (("full", full), ("short", short)):
        other = briefings(built_store, report_font, tmp_path)
        other.standards = prepare_standards(gather(built_store, facilities=centres(built_store, counts)))
        blocks = standards(other, "320500")
        said[name] = texts(blocks)
        assert basis_of(other.standards, CENTRE) == "导入"
        assert table_of(blocks).rows[0][5] == "导入"
        assert "推定" not in "".join(said[name])
    total = sum(full.values())
    assert "能判断的 1 条都没有缺口" in said["full"][0]
    assert f"应配 {total} 所、已配 {total - 1} 所，缺 1 所" in said["short"][0]
    # A prefecture without a single point: perhaps the data end there.
    other.standards = prepare_standards(gather(built_store, facilities=centres(built_store, full)))
    assert "没有一处导入的设施" in "".join(texts(standards(other, "320300")))
    assert "没有一处导入的设施" not in "".join(texts(standards(other, "320500")))


def test_nothing_known_is_no_shortfall(
    made: Briefings, built_store: Store, report_font: Path, tmp_path: Path
) -> None:
    other = briefings(built_store, report_font, tmp_path)
    other.standards = prepare_standards(gather(built_store, facilities=centres(built_store, {})))
    blocks = standards(other, "320682")
    assert texts(blocks)[0].endswith("都不能判断。")
    assert all(row[3:] == ("未知", "未知", "无数据") for row in table_of(blocks).rows)


def test_a_tracked_target_gets_its_sentence_and_chart(made: Briefings) -> None:
    blocks = targets(made, "320682")
    track = next(track for track in made.tracks if track.region == "320682")
    [path] = path_of(track)
    assert path_words(path) in texts(blocks)
    assert any(isinstance(block, Figure) and "实测与目标" in block.caption for block in blocks)
    risen = track.observed.assign(value=track.observed["value"].where(track.observed["year"] < 2020, 55.0))
    other = briefings(made.store, made.font, made.data_dir)
    other.tracks = [replace(track, observed=risen)]
    assert any(
        "2020 年为 55.00%" in text and "还差 12.00 个百分点" in text
        for text in texts(targets(other, "320682"))
    )


@pytest.mark.parametrize("adcode", ["320500", "320N00", "320000"])
def test_without_a_target_of_its_own_the_provinces_are_told_as_such(made: Briefings, adcode: str) -> None:
    blocks = tracked(made, adcode, set())
    table = table_of(blocks)
    assert "全省口径" in table.caption and not any(isinstance(block, Figure) for block in blocks)
    own = "" if adcode == "320000" else f"{made.name(adcode)}没有可与实测数列对照的专项目标；"
    of_province = [track for track in made.tracks if track.scope == "全省"]
    [said] = texts(blocks)
    assert said.startswith(own) and f"可对照的 {len(of_province)} 项" in said
    assert table.rows[0][4] == "方向相反"
    assert table.rows[0][3] == "−0.36／+0.14"


def test_no_tracks_at_all_leave_the_section_as_it_was(made: Briefings) -> None:
    other = briefings(made.store, made.font, made.data_dir)
    other.tracks = list[Track]()
    assert tracked(other, "320500", set()) == []
    assert tracked(other, "320682", {"如皋市"}) == []
