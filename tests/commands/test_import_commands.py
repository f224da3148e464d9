"""``sutu import indicators`` and ``facilities``: from the form to the store, and back when it fails."""

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from cli import app
from data.ingest.facility_store import load_imported_facilities
from data.ingest.indicators import check_indicators, load_imported_indicators
from data.registry import load_registry
from data.store.store import open_store
from geo.errors import StoreError
from tests.data.faulty import BEDS, DEFINITION_HEADER, GOOD, changed, csv_text

FACILITIES = (
    "名称,类型,经度,纬度,行政区划代码\n甲医院,综合医院,118.7969,32.0603,320102\n乙药店,药店,118.80,32.06,\n"
)


@pytest.fixture
def folder(own_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    return own_data_dir


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def _write(folder: Path, text: str, name: str = "表.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_indicators_reach_the_store_and_what_fails_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = open_store(folder).data_version
    code, out, err = run("import", "indicators", _write(tmp_path, csv_text(changed(3, "数值", "约73万"))))
    assert (code, out) == (1, "")
    assert "第 3 行，“数值”列：“约73万”不是数字" in "".join(err.split("\n"))
    assert open_store(folder).data_version == version

    code, out, err = run("import", "indicators", _write(tmp_path, csv_text(GOOD)), "--json")
    assert code == 0, err
    assert json.loads(out)["added"] == 3
    store = open_store(folder)
    assert store.data_version != version
    facts = store.query("SELECT adcode, value, quality FROM fact WHERE year = 2021 AND quality = 'imported'")
    assert dict(zip(facts["adcode"], facts["value"], strict=True)) == {
        "320102": 540000.0,
        "320104": 730000.0,
        "320105": 98.5,
    }
    assert (store.sources()["title"] == "某局统计公报 2021").sum() == 1

    # A build first clears what killed imports left behind; the copy to go back to must survive that.
    before, _ = load_imported_indicators(folder)

    def fail(*_arguments: object, **_options: object) -> None:
        raise StoreError("写不下去了")

    monkeypatch.setattr("data.builder.build._gather", fail)
    code, _, err = run("import", "indicators", _write(tmp_path, csv_text(changed(2, "数值", "1"))))
    assert code == 1
    assert "写不下去了" in err
    after, _ = load_imported_indicators(folder)
    pd.testing.assert_frame_equal(after, before)
    assert open_store(folder).data_version == store.data_version
    assert not list((folder / "imports").rglob(".*"))


def test_an_indicator_of_ones_own_goes_out_and_in_elsewhere_with_its_definition(
    folder: Path, tmp_path: Path
) -> None:
    form, out, elsewhere = tmp_path / "指标.xlsx", tmp_path / "出.xlsx", tmp_path / "别处"
    assert run("template", "indicators", "--out", form)[0] == 0
    book = openpyxl.load_workbook(form)
    headers = [str(cell.value) for cell in book["填报"][1]]
    values = (("320100", "7.5", ""), ("320200", "6.25", "=初步"), ("320300", "", "尚未公布"))
    for adcode, value, note in values:
        given = {
            **{"行政区划代码": adcode, "数值": value, "备注": note},
            **{"指标": BEDS[0], "年份": "2021", "来源": "某局统计公报 2021"},
        }
        book["填报"].append([given.get(header) for header in headers])
        # A text that is no formula: openpyxl takes what begins with an equals sign for one.
        book["填报"].cell(book["填报"].max_row, headers.index("备注") + 1).data_type = "s"
    headers = [str(cell.value) for cell in book["指标定义"][1]]
    defined = dict(zip(DEFINITION_HEADER, BEDS, strict=True))
    book["指标定义"].append([defined.get(header) for header in headers])
    book.save(form)
    assert run("import", "indicators", form)[0] == 0
    code, _, err = run("export", "indicator.beds_per_1000", "--format", "xlsx", "--out", out)
    assert code == 0, err
    store = open_store(folder)
    back = check_indicators(out, elsewhere, load_registry(), store.region_table())
    first = check_indicators(form, elsewhere, load_registry(), store.region_table())
    assert back.definitions == first.definitions
    columns = ["adcode", "indicator", "year", "value", "source", "note"]
    pd.testing.assert_frame_equal(back.rows[columns], first.rows[columns])
    told = openpyxl.load_workbook(out, read_only=True).sheetnames
    assert told[-1] == "指标定义"
    assert run("export", "indicator.population", "--format", "xlsx", "--out", tmp_path / "人口.xlsx")[0] == 0
    told = openpyxl.load_workbook(tmp_path / "人口.xlsx", read_only=True).sheetnames
    assert "指标定义" not in told


def test_facilities_reach_the_store_from_their_form(folder: Path, tmp_path: Path) -> None:
    form = tmp_path / "设施.xlsx"
    assert run("template", "facilities", "--out", form)[0] == 0
    book = openpyxl.load_workbook(form)
    headers = [str(cell.value) for cell in book["填报"][1]]
    given = {"名称": "甲医院", "类型": "综合医院", "经度": "118.7969", "纬度": "32.0603", "规模": "500"}
    book["填报"].append([given.get(header) for header in headers])
    book.save(form)
    code, out, err = run(
        "import", "facilities", form, "--datum", "cgcs2000", "--source", "测试名录", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["details"]["types"] == {"general_hospital": 1}
    table = open_store(folder).table("facility")
    row = table[table["name"] == "甲医院"].iloc[0]
    assert (row["type"], row["adcode"], row["capacity"], row["precision"]) == (
        "general_hospital",
        "320102",
        500.0,
        "surveyed",
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ((), 2, "--datum"),
        (("--datum", "unknown"), 1, "不能猜测"),
        (("--datum", "wgs84", "--type", "no_such"), 2, "没有设施类型"),
    ],
)
def test_usage_of_import_facilities(
    options: tuple[str, ...], code: int, message: str, folder: Path, tmp_path: Path
) -> None:
    found, out, err = run("import", "facilities", _write(tmp_path, FACILITIES), *options)
    assert (found, out) == (code, "")
    assert message in err
    assert load_imported_facilities(folder).empty


def test_forms_are_not_overwritten_unasked(tmp_path: Path) -> None:
    for kind in ("indicators", "facilities"):
        path = tmp_path / f"{kind}.xlsx"
        assert run("template", kind, "--out", path)[0] == 0
        before = path.read_bytes()
        code, _, err = run("template", kind, "--out", path)
        assert (code, "--force" in err) == (2, True)
        assert path.read_bytes() == before
        assert run("template", kind, "--out", path, "--force")[0] == 0
