"""Indicator tables come in whole or not at all, and every fault is named with its place and remedy."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest

from data.faults import FaultReport
from data.ingest.indicators import import_indicators, load_imported_indicators, load_imported_sources
from data.ingest.summary import ImportSummary
from data.ingest.templates import write_indicator_template
from data.regions.boundaries import load_region_codes
from data.registry import load_registry
from data.store.schema import TABLES, create_tables, insert_frame
from geo.errors import StoreError
from tests.data.faulty import BEDS, CASES, DEFINITION_HEADER, GOOD, HEADER, FaultyFile, csv_text, rubbish

LAST_YEAR = 2026
POPULATION, URBAN = (
    next(entry.id for entry in load_registry().indicators if entry.name == name)
    for name in ("常住人口", "城镇化率")
)


@pytest.fixture(scope="module")
def regions() -> pd.DataFrame:
    codes = load_region_codes()
    return codes[codes["valid_to"].isna()]


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _import(path: Path, data_dir: Path, regions: pd.DataFrame, **options: object) -> ImportSummary:
    return import_indicators(path, data_dir, load_registry(), regions, last_year=LAST_YEAR, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory, regions: pd.DataFrame) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    (folder / "var").mkdir()
    (folder / "var" / "CURRENT").write_text("{}", encoding="utf-8")
    first = folder / "earlier.csv"
    first.write_text(csv_text([("320106", "常住人口", "2021", "940000", "早先的来源", "")]), encoding="utf-8")
    _import(first, folder / "var", regions)
    return folder / "var"


@pytest.fixture
def data_dir(tmp_path: Path, furnished: Path) -> Path:
    """A data directory that already holds an import and something else."""
    return shutil.copytree(furnished, tmp_path / "var")


def test_there_are_more_than_thirty_ways_to_be_wrong() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_faulty_file_is_refused_with_places_and_changes_nothing(
    case: FaultyFile, tmp_path: Path, data_dir: Path, regions: pd.DataFrame
) -> None:
    path = case.write(tmp_path)
    before = _tree(data_dir)
    with pytest.raises(FaultReport) as caught:
        _import(path, data_dir, regions, rebuild=lambda: pytest.fail("a faulty file must not start a build"))
    assert _tree(data_dir) == before
    faults = caught.value.faults
    listing = str(caught.value)
    for expected in case.expected:
        hits = [
            fault
            for fault in faults
            if (fault.row, fault.column) == (expected.row, expected.column)
            and expected.problem in fault.problem
            and expected.remedy in fault.remedy
        ]
        assert hits, f"{expected} not in\n{listing}"
    assert len(faults) == len(case.expected), listing
    assert all(fault.file == path.name for fault in faults)


def _write(folder: Path, text: str | bytes, name: str = "表.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _values(folder: Path, source: str = "某局统计公报 2021") -> dict[tuple[str, str, int], float]:
    facts, _ = load_imported_indicators(folder)
    sources = load_imported_sources(folder).set_index("title")["id"]
    own = facts[facts["source"] == sources[source]]
    return {
        (row.adcode, row.indicator, row.year): row.value
        for row in own[["adcode", "indicator", "year", "value"]].itertuples()
    }


EXPECTED = {
    ("320102", POPULATION, 2021): 540000.0,
    ("320104", POPULATION, 2021): 730000.0,
    ("320105", URBAN, 2021): 98.5,
}


def test_a_good_file_becomes_facts_of_quality_imported(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    built: list[int] = []
    summary = _import(
        _write(tmp_path, csv_text(GOOD)),
        data_dir,
        regions,
        rebuild=lambda: built.append(len(_values(data_dir))),
    )
    assert built == [3], "the build must see the import"
    assert (summary.rows, summary.added, summary.updated, summary.unchanged) == (3, 3, 0, 0)
    assert _values(data_dir) == EXPECTED
    facts, indicators = load_imported_indicators(data_dir)
    assert tuple(facts.columns) == tuple(TABLES["fact"].columns)
    assert tuple(indicators.columns) == tuple(TABLES["indicator"].columns)
    assert tuple(load_imported_sources(data_dir).columns) == tuple(TABLES["source"].columns)
    assert set(facts["quality"]) == {"imported"}
    assert set(facts["status"]) == {"observed"}
    assert facts.set_index("adcode")["note"].dropna().to_dict() == {"320105": "初步"}


def test_imported_frames_pass_the_rules_of_the_store(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    _import(_filled_form(tmp_path, regions), data_dir, regions)
    connection = duckdb.connect()
    create_tables(connection)
    facts, indicators = load_imported_indicators(data_dir)
    frames = {"fact": facts, "indicator": indicators, "source": load_imported_sources(data_dir)}
    for name, frame in frames.items():
        assert insert_frame(connection, name, frame) == len(frame) > 0
    connection.close()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("表.csv", csv_text(GOOD).encode("utf-8-sig")),
        ("表.csv", csv_text(GOOD).encode("gb18030")),
        ("表.csv", csv_text(GOOD).replace("\n", "\r\n").encode()),
        ("表.csv", csv_text(GOOD).replace("\n", "\r").encode()),
        ("表.csv", ("\n\n" + csv_text(GOOD) + "\n,,,,,\n").encode()),
        ("表.csv", csv_text(GOOD, delimiter=";").encode()),
        ("表.tsv", csv_text(GOOD, delimiter="\t").encode()),
        ("表.txt", csv_text(GOOD, delimiter="\t").encode("gbk")),
        ("表.CSV", csv_text(GOOD, ("adcode", "indicator", "year", "value", "source", "note")).encode()),
        ("表.csv", csv_text(GOOD, (" 行政区划代码 ", "指标名称", "年度", "值", "数据来源", "说明")).encode()),
        ("表.csv", csv_text(GOOD).replace("540000", '"540,000"').encode()),
        (
            "表.csv",
            csv_text(GOOD)
            .replace("540000", "５４００００")
            .replace("2021,98.5", "２０２１年,98.5%")
            .encode(),
        ),
        ("表.csv", csv_text(GOOD).replace("常住人口", POPULATION).encode()),
        (
            "表.csv",
            csv_text(
                [("玄武区", "", *GOOD[0][1:]), *(("", *row) for row in GOOD[1:])], ("地区", *HEADER)
            ).encode(),
        ),
        ("表.csv", csv_text([(*row, "x") for row in GOOD], (*HEADER, "经办人")).encode()),
    ],
)
def test_many_ways_to_write_the_same_table(
    name: str, content: bytes, data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    _import(_write(tmp_path, content, name), data_dir, regions)
    assert _values(data_dir) == EXPECTED


def test_what_is_read_generously_or_left_out_is_said(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    rows = [("玄武区", "", *GOOD[0][1:3], "５４００００", *GOOD[0][4:], "某人")]
    path = _write(tmp_path, csv_text(rows, ("地区", *HEADER, "经办人")))
    notes = "\n".join(_import(path, data_dir, regions).notes)
    assert "1 行没有代码，已按地区名称匹配" in notes
    assert "1 个数值写成全角" in notes
    assert "“经办人”列不属于本表，未导入" in notes


def test_workbook_numbers_come_as_they_are_shown(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        HEADER,
        (320102, "常住人口", 2021, 540000.0, "甲", None),
        (320105.0, "城镇化率", 2021, 0.985, "甲", ""),
    ):
        sheet.append(row)
    sheet["D3"].number_format = "0.0%"
    sheet.append(["320104", "常住人口", "2021", "730000", "甲"])
    hidden = book.create_sheet("旧表")
    hidden.append(["别的内容"])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "表.xlsx")
    summary = _import(tmp_path / "表.xlsx", data_dir, regions)
    assert _values(data_dir, "甲") == EXPECTED
    assert any("旧表" in note and "未读取" in note for note in summary.notes)


def test_no_value_with_a_reason_is_undefined(data_dir: Path, tmp_path: Path, regions: pd.DataFrame) -> None:
    path = _write(tmp_path, csv_text([("320102", "常住人口", "2022", "", "甲", "该区未公布")]))
    _import(path, data_dir, regions)
    facts, _ = load_imported_indicators(data_dir)
    row = facts[facts["year"] == 2022].iloc[0]
    assert (row["status"], row["reason"], row["note"]) == ("undefined", "该区未公布", None)
    assert pd.isna(row["value"])


def test_the_same_file_again_changes_nothing(data_dir: Path, tmp_path: Path, regions: pd.DataFrame) -> None:
    path = _write(tmp_path, csv_text(GOOD))
    _import(path, data_dir, regions)
    before = _tree(data_dir)
    renamed = path.rename(path.with_name("另存.csv"))
    summary = _import(
        renamed, data_dir, regions, rebuild=lambda: pytest.fail("nothing changed, nothing to build")
    )
    assert _tree(data_dir) == before
    assert not summary.changed
    assert (summary.added, summary.updated, summary.unchanged) == (0, 0, 3)


def test_a_correction_replaces_its_values_and_leaves_the_rest(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    _import(_write(tmp_path, csv_text(GOOD)), data_dir, regions)
    rows = [
        (*GOOD[1][:3], "731000", *GOOD[1][4:]),
        GOOD[2],
        ("320106", "常住人口", "2021", "1", "某局统计公报　2021", ""),
    ]
    summary = _import(_write(tmp_path, csv_text(rows)), data_dir, regions)
    assert (summary.added, summary.updated, summary.unchanged) == (1, 1, 1)
    assert any("1 个被这次的数值取代" in note for note in summary.notes)
    assert _values(data_dir) == {
        **EXPECTED,
        ("320104", POPULATION, 2021): 731000.0,
        ("320106", POPULATION, 2021): 1.0,
    }
    assert len(load_imported_sources(data_dir)) == 2, "another source keeps its own facts"
    assert _values(data_dir, "早先的来源") == {("320106", POPULATION, 2021): 940000.0}


def test_a_failed_build_takes_every_source_back(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    _import(_write(tmp_path, csv_text(GOOD)), data_dir, regions)
    before = _tree(data_dir)
    rows = [(*GOOD[0][:3], "1", *GOOD[0][4:]), ("320102", "常住人口", "2021", "2", "新来源", "")]

    def fail() -> None:
        assert _tree(data_dir) != before, "the build runs on the new files"
        raise StoreError("构建失败")

    with pytest.raises(StoreError, match="构建失败"):
        _import(_write(tmp_path, csv_text(rows)), data_dir, regions, rebuild=fail)
    assert _tree(data_dir) == before


def test_values_beside_others_are_named(data_dir: Path, tmp_path: Path, regions: pd.DataFrame) -> None:
    existing = pd.DataFrame(
        {
            "adcode": ["320102", "320104", "320105"],
            "indicator": [POPULATION, POPULATION, URBAN],
            "year": [2021, 2021, 2020],
            "source": ["census_2020"] * 3,
            "value": [539000.0, 73.0, 90.0],
        }
    )
    summary = _import(_write(tmp_path, csv_text(GOOD)), data_dir, regions, existing=existing)
    notes = "\n".join(summary.notes)
    assert "2 个数值在库内已有其他来源" in notes
    assert "其中 1 个与已有数值相差 5 倍以上" in notes
    assert "320104 2021 年：730000 与 73" in notes


def _filled_form(folder: Path, regions: pd.DataFrame) -> Path:
    """Write the form, fill it in as a person would, and return it."""
    path = folder / "指标填报.xlsx"
    write_indicator_template(path, load_registry(), regions)
    book = openpyxl.load_workbook(path)
    for row in (*GOOD, ("320100", "每千人床位数", "2021", "7.5", "某局统计公报 2021", "")):
        book["填报"].append([row[0], None, *row[1:]])
    headers = [cell.value for cell in book["指标定义"][1]]
    definition = dict(zip(DEFINITION_HEADER, BEDS, strict=True))
    book["指标定义"].append([definition.get(str(header)) for header in headers])
    book.save(path)
    return path


def test_the_form_filled_in_goes_straight_in(data_dir: Path, tmp_path: Path, regions: pd.DataFrame) -> None:
    summary = _import(_filled_form(tmp_path, regions), data_dir, regions)
    assert summary.added == 4
    assert _values(data_dir) == {**EXPECTED, ("320100", "beds_per_1000", 2021): 7.5}
    _, indicators = load_imported_indicators(data_dir)
    row = indicators.set_index("id").loc["beds_per_1000"]
    assert (row["name"], row["unit"], row["direction"]) == ("每千人床位数", "张/千人", "higher_better")
    assert summary.details["new_indicators"] == ["beds_per_1000"]


def test_the_empty_form_is_deterministic_and_lists_every_region_and_indicator(
    tmp_path: Path, regions: pd.DataFrame
) -> None:
    registry = load_registry()
    write_indicator_template(tmp_path / "a.xlsx", registry, regions)
    write_indicator_template(tmp_path / "b.xlsx", registry, regions)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["填报", "指标定义", "指标清单", "行政区划代码", "说明"]
    codes = [row[0] for row in book["行政区划代码"].iter_rows(min_row=2, values_only=True)]
    assert codes == sorted(regions.loc[regions["level"] != "unallocated", "adcode"])
    names = {row[0] for row in book["指标清单"].iter_rows(min_row=2, values_only=True)}
    assert names == {entry.name for entry in registry.indicators}
    assert book["填报"].column_dimensions["A"].width > 10
    assert [
        str(rule.sqref) for rule in book["填报"].data_validations.dataValidation if rule.type == "list"
    ] == [
        "A2:A5001",
        "C2:C5001",
    ]


def test_a_new_indicator_beside_its_values_in_csv(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    header = (*HEADER, "单位", "方向", "口径")
    rows = [
        ("320100", "每千人托位数", "2022", "3.2", "甲", "", "个/千人", "正向", "托位数除以常住人口"),
        ("320200", "每千人托位数", "2022", "3.4", "甲", "", "个/千人", "", ""),
    ]
    _import(_write(tmp_path, csv_text(rows, header)), data_dir, regions)
    _, indicators = load_imported_indicators(data_dir)
    entry = indicators[indicators["name"] == "每千人托位数"].iloc[0]
    assert entry["id"].startswith("user_")
    assert sorted(_values(data_dir, "甲").values()) == [3.2, 3.4]
    # A second file may use it without defining it again.
    _import(
        _write(tmp_path, csv_text([("320300", "每千人托位数", "2022", "2.9", "乙", "")])), data_dir, regions
    )
    assert sorted(_values(data_dir, "乙").values()) == [2.9]
    assert load_imported_indicators(data_dir)[1]["id"].tolist() == [entry["id"]]


def test_a_definition_that_others_use_cannot_be_changed(
    data_dir: Path, tmp_path: Path, regions: pd.DataFrame
) -> None:
    header = (*HEADER, "单位", "方向", "口径")
    first = ("320100", "床位", "2022", "3.2", "甲", "", "张", "正向", "床位")
    _import(_write(tmp_path, csv_text([first], header)), data_dir, regions)
    other = _write(
        tmp_path, csv_text([("320100", "床位", "2022", "3", "乙", "", "万张", "正向", "床位")], header)
    )
    with pytest.raises(FaultReport, match="单位写的是“万张”"):
        _import(other, data_dir, regions)


def test_hundred_megabytes_of_rubbish_are_refused_in_little_memory(tmp_path: Path) -> None:
    """Refused by size, and, when the bound is lifted, by the first bytes: never by reading it all."""
    path = rubbish(tmp_path / "表.csv")
    script = (
        "import sys, tracemalloc\n"
        "from pathlib import Path\n"
        "from data.faults import FaultReport\n"
        "from data.ingest.reading import Limits\n"
        "from data.ingest.tabular import read_table\n"
        "tracemalloc.start()\n"
        "for limits in (Limits(), Limits(file_bytes=10**9)):\n"
        "    try:\n"
        "        read_table(Path(sys.argv[1]), limits=limits)\n"
        "    except FaultReport as report:\n"
        "        print(report.faults[0].problem)\n"
        "print(tracemalloc.get_traced_memory()[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    by_size, by_content, peak = done.stdout.splitlines()
    assert "超过上限" in by_size
    assert "二进制" in by_content
    assert int(peak) < 20_000_000


def test_a_file_without_read_permission_is_a_fault(
    tmp_path: Path, data_dir: Path, regions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path, csv_text(GOOD))
    opened = Path.open

    def refuse(self: Path, *args: Any, **options: Any) -> Any:
        # Permission bits do not stop a privileged user, and the tests may run as one.
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FaultReport, match="没有读取这个文件的权限"):
        _import(path, data_dir, regions)


def test_a_symbolic_link_is_followed(tmp_path: Path, data_dir: Path, regions: pd.DataFrame) -> None:
    path = _write(tmp_path, csv_text(GOOD), "真.csv")
    link = tmp_path / "链.csv"
    link.symlink_to(path)
    assert _import(link, data_dir, regions).added == 3


def test_a_damaged_import_is_named_not_ignored(data_dir: Path) -> None:
    stored = next((data_dir / "imports" / "indicators").glob("*.parquet"))
    stored.write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(StoreError, match=r"已损坏.*重新导入原表"):
        load_imported_indicators(data_dir)


def test_an_empty_data_directory_has_no_imports(tmp_path: Path) -> None:
    facts, indicators = load_imported_indicators(tmp_path)
    assert facts.empty
    assert indicators.empty
    assert tuple(facts.columns) == tuple(TABLES["fact"].columns)
    assert load_imported_sources(tmp_path).empty
