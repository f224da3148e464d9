"""Standards against the store: every figure counted again, what is implied said, the plans' own words."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.given import gather
from analysis.standards import StandardsAnalysis, _facilities, prepare_standards
from data.registry.facility_models import load_standards
from data.store.store import Store
from geo.errors import RegistryError, StandardError, UnknownRegionError
from geo.standards import NO_CAPACITY, NO_FACILITIES, NOT_KEPT
from tests.data.passages import passages
from tests.oracles import standards_naive as naive
from tests.real_data import real_path

STANDARDS = load_standards()
HEADER = "指标表："


@pytest.fixture(scope="module")
def analysis(built_store: Store) -> StandardsAnalysis:
    return prepare_standards(gather(built_store))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_every_standard_has_its_words_in_the_table() -> None:
    assert set(passages("standards")) == set(STANDARDS)


@pytest.mark.parametrize("standard", STANDARDS)
def test_words_and_line_are_those_of_the_document(standard: str) -> None:
    entry, passage = STANDARDS[standard], passages("standards")[standard]
    assert entry.seed_line == passage.seed_line
    assert entry.text.startswith(HEADER) == passage.is_cell
    if passage.is_cell:
        figure = passage.words.removesuffix("左右")
        assert figure in {f"{entry.quantity:g}", f"{entry.quantity * 100:g}"}
        assert entry.text.endswith((figure, f"{figure}左右"))
    else:
        assert squeezed(entry.text) == passage.words


@pytest.mark.parametrize("standard", STANDARDS)
def test_plan_and_number_are_those_of_the_documents(standard: str) -> None:
    known = pd.read_csv(real_path("plans/facility_standards.csv"), dtype=str)
    pairs = set(zip(known["plan"], known["doc_no"], strict=True))
    assert (STANDARDS[standard].plan, STANDARDS[standard].doc_no) in pairs


@pytest.mark.parametrize("standard", STANDARDS)
def test_counted_again_by_a_loop(built_store: Store, analysis: StandardsAnalysis, standard: str) -> None:
    entry = STANDARDS[standard]
    rows = analysis.table(standard, level=entry.region_level).set_index("adcode")
    units, people = analysis.units[entry.region_level], analysis.people[entry.region_level][entry.group]
    prefix = 6 if entry.region_level == "county" else 4
    have = analysis.counted(standard)
    for adcode, row in rows.iterrows():
        unit = {"code": adcode, "people": people[adcode], **units.loc[adcode].to_dict()}
        least, most = naive.required(entry, unit)
        assert (row["required"], row["required_most"]) == pytest.approx((least, most))
        if pd.isna(row["provided"]):
            assert row["reason"] in {NO_FACILITIES, NO_CAPACITY, NOT_KEPT} and np.isnan(row["shortfall"])
            continue
        home = have[have["adcode"].astype(str).str[:prefix] == str(adcode)[:prefix]]
        assert row["provided"] == len(home) == row["implied"]
        assert row["shortfall"] == max(least - len(home), 0)


def test_the_store_holds_every_standard(built_store: Store) -> None:
    rows = built_store.table("facility_standard").set_index("id")
    assert set(rows.index) == set(STANDARDS)
    assert rows.loc["special_school_115", "type"] == "special_education_school"
    assert pd.isna(rows.loc["doctors_85", "type"])
    assert all(rows.loc[key, "doc_no"] == entry.doc_no for key, entry in STANDARDS.items())


def test_levels_add_up(analysis: StandardsAnalysis) -> None:
    for standard in ("township_health_centre_85", "elder_care_centre_98", "kindergarten_98"):
        counties = analysis.table(standard)
        for level in ("prefecture", "economic_region", "province"):
            rows = analysis.table(standard, level=level)  # type: ignore[arg-type]
            for column in ("required", "provided", "shortfall", "regions_short"):
                total = counties.loc[counties["applies"], column].sum(skipna=False)
                assert rows[column].sum(skipna=False) == pytest.approx(total, nan_ok=True)


def test_the_summary_is_the_sum_of_the_tables(analysis: StandardsAnalysis) -> None:
    rows = analysis.summary().set_index("standard")
    assert list(rows.index) == list(STANDARDS)
    for standard, row in rows.iterrows():
        table = analysis.table(str(standard))
        assert row["required"] == pytest.approx(table.loc[table["applies"], "required"].sum())
    assert rows.loc["maternal_child_85", "share_required"] == 0.8
    assert "special_school_115" in rows.loc["special_school_96", "contradicted_by"]
    assert pd.isna(rows.loc["kindergarten_98", "contradicted_by"])


@pytest.mark.parametrize("adcode", ["320682", "320500", "320N00"])
def test_a_part_of_the_province_sums_as_if_asked_for_alone(
    built_store: Store, analysis: StandardsAnalysis, adcode: str
) -> None:
    alone = prepare_standards(gather(built_store), within=adcode)
    pd.testing.assert_frame_equal(analysis.summary(adcode), alone.summary())
    with pytest.raises(UnknownRegionError, match="999999"):
        analysis.summary("999999")


def test_implied_facilities_are_told_and_counted_apart(analysis: StandardsAnalysis) -> None:
    row = analysis.table("township_health_centre_85", level="province").iloc[0]
    assert row["implied"] == row["provided"] > 0 and row["surveyed"] == 0
    assert any("乡镇卫生院" in note and "推定" in note for note in analysis.notes)
    assert any("527,293" in note for note in analysis.notes)


def test_names_and_levels_of_implied_hospitals_say_nothing(analysis: StandardsAnalysis) -> None:
    row = analysis.table("geriatric_hospital_85", level="province").iloc[0]
    assert np.isnan(row["provided"]) and row["reason"] == NO_FACILITIES and row["required"] == 69


def some_facilities() -> pd.DataFrame:
    rows = [
        ("徐州市老年医院", "hospital", "三级甲等", 300.0, "320311"),
        ("沛县老年医院", "hospital", "一级", np.nan, "320322"),
        ("沛县人民医院", "general_hospital", "二级", 800.0, "320322"),
        ("丰县养老院供养中心", "elder_care_home", None, 0.0, "320321"),
        ("省外医院", "hospital", "三级", 50.0, None),
    ]
    frame = pd.DataFrame(rows, columns=["name", "type", "level", "capacity", "adcode"])
    return frame.assign(precision="surveyed", source="x", id=[f"f{n}" for n in range(len(rows))])


def test_a_file_is_counted_by_name_level_and_capacity(built_store: Store) -> None:
    found = prepare_standards(gather(built_store, facilities=some_facilities()))
    county = found.table("geriatric_hospital_85").set_index("adcode")
    # A first-level hospital is none of the second; Quanshan is a district of subdistricts only.
    assert county.loc["320322", ["required", "provided", "shortfall"]].tolist() == [1, 0, 1]
    prefecture = found.table("geriatric_hospital_prefecture_85", level="prefecture").set_index("adcode")
    assert prefecture.loc["320300", ["provided", "surveyed", "shortfall"]].tolist() == [1, 1, 0]
    beds = found.table("hospital_beds_85").set_index("adcode")
    assert beds.loc["320322", "provided"] == 800.0 and beds.loc["320321", "provided"] == 0.0
    people = found.people["county"].loc["320322", "population"]
    assert beds.loc["320322", "shortfall"] == pytest.approx(people * 7.6 / 1000 - 800)
    assert found.table("county_support_98").set_index("adcode").loc["320321", "provided"] == 1.0
    kept = found.table("doctors_85")
    assert kept["provided"].isna().all() and set(kept["reason"]) == {NOT_KEPT}


def test_capacities_all_missing_are_unknown_not_zero(built_store: Store) -> None:
    bare = some_facilities().assign(capacity=np.nan)
    rows = prepare_standards(gather(built_store, facilities=bare)).table("hospital_beds_85")
    assert rows["provided"].isna().all() and set(rows["reason"]) == {NO_CAPACITY}


def test_no_facility_at_all_leaves_what_is_required(built_store: Store) -> None:
    found = prepare_standards(gather(built_store), origin="imported")
    rows = found.summary()
    assert rows["provided"].isna().all() and rows["required"].notna().all()
    assert any("没有这一来源" in note for note in found.notes)


def test_projected_people_follow_the_yearbook(built_store: Store) -> None:
    found = prepare_standards(gather(built_store), year=2024)
    assert found.projected and "推算" in found.population_text
    facts = built_store.facts("yearbook_population", level="prefecture").set_index(["adcode", "year"])[
        "value"
    ]
    before = prepare_standards(gather(built_store)).people["county"]["population"]
    for county, people in found.people["county"]["population"].items():
        home = f"{str(county)[:4]}00"
        factor = facts[home, 2024] / facts[home, 2020]
        assert people == pytest.approx(before[county] * factor, abs=0.51)
    assert any("推算值" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"year": 2040}, StandardError, "2035"),
        ({"within": "999999"}, UnknownRegionError, "999999"),
    ],
)
def test_bad_questions_are_refused(
    built_store: Store, options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        prepare_standards(gather(built_store), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("  per_people: 10000\n", "per_people：规则 per_population 需要此项"),
        ("  types: [kindergarten]\n", "没有设施类型“cats”"),
        ("  unit: 所\n", "threshold_people：规则 per_population 用不到此项"),
    ],
)
def test_a_faulty_registry_names_entry_and_field(tmp_path: Path, change: str, words: str) -> None:
    text = (
        "- id: one\n  subject: one\n  name: 一\n  plan: p\n  doc_no: 文号\n  seed_line: '001:1'\n"
        "  text: 原文\n  rule: per_population\n  quantity: 1\n  unit: 所\n"
        "  types: [kindergarten]\n  per_people: 10000\n"
    )
    put = {
        "  per_people: 10000\n": "",
        "  types: [kindergarten]\n": "  types: [cats]\n",
        "  unit: 所\n": "  unit: 所\n  threshold_people: 5\n",
    }[change]
    (tmp_path / "standards.yaml").write_text(text.replace(change, put), encoding="utf-8")
    with pytest.raises(RegistryError, match=words):
        load_standards(tmp_path)


def test_every_note_on_where_facilities_come_from_is_said(built_store: Store) -> None:
    """Real points in three counties of two prefectures, and an implied one: both are told, by their names."""

    def told(surveyed: list[str], implied: list[str]) -> list[str]:
        frame = pd.DataFrame(
            {"adcode": [*surveyed, *implied], "type": "general_hospital", "precision": "surveyed"}
        )
        frame.loc[len(surveyed) :, ["type", "precision"]] = ["township_health_centre", "implied"]
        store = SimpleNamespace(
            facilities=lambda: frame, region_table=built_store.region_table, folder=built_store.folder
        )
        return _facilities(gather(store), "auto", set(frame["type"]))[1]  # type: ignore[arg-type]

    placed, without = told(["320302", "320582", "320505"], ["320102"])
    assert placed.startswith("乡镇卫生院是按规划标准推定或以驻地代替的，不是实测")
    named = "南京、无锡、常州、南通、连云港、淮安、盐城、扬州、镇江、泰州、宿迁"
    assert without == f"导入的设施不含{named}：这些设区市的缺口可能只是缺少数据"
    every = [f"{code[:4]}02" for code in built_store.region_table("prefecture").index]
    assert told(every, []) == []
    assert told([], ["320102"]) == [placed]
