"""The command line: the right words on the right stream, and an exit code that a script can rely on."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import cli
from commands import build as build_command
from commands import check as check_command
from commands import serve as serve_command
from commands.app import in_chinese
from commands.console import csv_text, plain
from data.builder import intake
from data.builder.build import BuildSummary
from data.store.store import Store, open_store
from data.store.versions import CURRENT
from geo.errors import StoreError
from geo.spreadsheet import harmless

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide" / "cli.md"
ENGLISH = re.compile(
    r"Usage|Options|Arguments|Commands|Error|Show this|required|default:|Missing|Invalid|Try '"
)


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, list(words))


def command_paths(app: typer.Typer, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the words of every command and group of the application."""
    for command in app.registered_commands:
        assert command.name is not None
        yield (*before, command.name)
    for group in app.registered_groups:
        assert group.name is not None and group.typer_instance is not None
        yield (*before, group.name)
        yield from command_paths(group.typer_instance, (*before, group.name))


PATHS = sorted(command_paths(cli.app))


def test_each_module_has_the_commands_that_it_is_listed_for() -> None:
    found: dict[str, set[str]] = {name: set() for name in cli.MODULES}
    for one in cli.app.registered_commands:
        found[one.callback.__module__.removeprefix("commands.")].add(one.name)
    for part in cli.app.registered_groups:
        for one in part.typer_instance.registered_commands:
            found[one.callback.__module__.removeprefix("commands.")].add(part.name)
    assert found == {name: set(commands) for name, commands in cli.MODULES.items()}


def test_the_name_of_a_command_leads_to_its_module() -> None:
    others = {"replay": "runs"}
    pairs = [(module, name) for module, names in cli.MODULES.items() for name in names]
    assert [(m, n) for m, n in pairs if m not in {n, f"{n}s", others.get(n)}] == []
    assert {path.stem for path in (ROOT / "commands").glob("*.py")} == {
        *cli.MODULES,
        *("__init__", "app", "console", "study"),
    }


@pytest.mark.parametrize("name", sorted({name for names in cli.MODULES.values() for name in names}))
def test_each_command_is_there_when_only_its_modules_are_loaded(name: str) -> None:
    found = CliRunner(env={"COLUMNS": "200"}).invoke(cli.build_app(name), [name, "--help"])
    assert found.exit_code == 0 and f"{name} " in found.stdout


def test_a_command_loads_only_its_own_modules() -> None:
    code = "import sys, cli; cli.build_app('import'); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert "commands.imports" in names and "commands.report" not in names
    assert not names & {"matplotlib", "altair", "ezdxf", "streamlit", "reportlab"}


# Help and usage


def test_the_commands_of_the_issue_are_there() -> None:
    assert {
        ("build",),
        ("check",),
        ("serve",),
        ("indicators",),
        ("query",),
        ("import", "indicators"),
        ("import", "boundaries"),
        ("template", "indicators"),
    } <= set(PATHS)


@pytest.mark.parametrize("path", [(), *PATHS], ids=" ".join)
def test_help_is_chinese_with_examples(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "用法：" in result.stdout
    assert ENGLISH.search(result.stdout) is None
    groups = {(), ("import",), ("template",)}
    assert path in groups or "示例" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_the_guide_describes_every_command_and_option(path: tuple[str, ...]) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert f"sutu {' '.join(path)}" in guide
    options = set(re.findall(r"--[a-z][a-z-]+", run(*path, "--help").stdout)) - {"--help"}
    missing = sorted(option for option in options if option not in guide)
    assert missing == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "没有命令“nothing”"),
        (["querry"], "没有命令“querry”（是不是 query）"),
        (["check", "--wrong"], "没有选项 --wrong"),
        (["query"], "缺少参数“指标”"),
        (["query", "population", "--year", "abc"], "--year：应为整数"),
        (["query", "population", "--year"], "选项 --year 后面要写值"),
        (["query", "population", "--level", "city"], "--level：“city”不在可选值之中"),
        (["query", "population", "more"], "多余的参数：more"),
        (["serve", "--port", "70000"], "--port：应不大于 65535"),
        (["template", "indicators"], "缺少选项 --out"),
        (["template", "indicators", "--out", "form.csv"], "--out：文件名应以 .xlsx 结尾"),
        (["import", "indicators", "no such file.csv"], "文件：没有文件 no such file.csv"),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese(data_env: Path, words: list[str], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "--help" in result.stderr
    assert ENGLISH.search(result.stderr) is None
    assert result.stdout == ""


def test_an_unknown_message_is_passed_on() -> None:
    assert in_chinese("Something new.") == "Something new."


def test_no_command_shows_the_help() -> None:
    result = run()
    assert result.exit_code == 2
    assert "sutu build" in result.output


# Without a store


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["indicators"], ["query", "population"]])
def test_without_a_store_the_remedy_is_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path / "nothing"))
    result = run(*words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "请运行 sutu build" in result.stderr
    assert not (tmp_path / "nothing").exists()


# sutu check


def test_check_prints_one_json_object(data_env: Path) -> None:
    result = run("check", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["ok"] is True
    assert report["regions"] == {
        "economic_region": 3,
        "prefecture": 13,
        "county": 95,
        "kinds": {"区": 55, "县级市": 21, "县": 19},
    }
    assert report["population_2020"]["province"] == 84_748_016
    assert (report["plan_documents"], report["plan_targets"]) == (24, 2513)
    assert report["problems"] == []
    assert set(report["readers"]) == {"network", "landlock"}
    assert result.stderr == ""


def test_check_in_words(data_env: Path) -> None:
    result = run("check")
    assert result.exit_code == 0
    assert "县（市、区）95（区 55、县级市 21、县 19）" in result.stdout
    assert "全省 84,748,016" in result.stdout
    assert "读取文件的进程：" in result.stdout
    assert result.stdout.rstrip().endswith("体检通过")


@pytest.mark.parametrize("words", [["check"], ["check", "--json"]])
def test_a_failed_check_exits_1_and_names_the_problems(
    data_env: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], built_store: Store
) -> None:
    from dataclasses import replace

    good = check_command.check_store(built_store)
    monkeypatch.setattr(check_command, "check_store", lambda _store: replace(good, problems=["甲", "乙"]))
    result = run(*words)
    assert result.exit_code == 1
    assert "发现 2 个问题" in result.stderr
    assert "· 甲" in result.stderr
    if "--json" in words:
        report = json.loads(result.stdout)
        assert (report["ok"], report["problems"]) == (False, ["甲", "乙"])


# sutu build


def test_build_of_a_store_up_to_date_says_so(data_env: Path, built_store: Store) -> None:
    result = run("build")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"数据库已是最新（数据版本 {built_store.data_version}）" in result.stderr


def test_build_shows_steps_and_a_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def build(folder: Path, *, progress: Any, only_if_stale: bool) -> BuildSummary:
        asked.update(folder=folder, only_if_stale=only_if_stale)
        progress("读取边界", 1, 8)
        return BuildSummary(
            "abc", "store-abc-1", True, rows={"fact": 21485}, seconds={"写入": 1.5, "体检": 2.5}, unmatched=3
        )

    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(build_command, "build_store", build)
    result = run("build", "--force")
    assert result.exit_code == 0
    assert asked == {"folder": tmp_path, "only_if_stale": False}
    assert result.stdout == ""
    for words in ("[1/8] 读取边界", "数据版本 abc", "21,485", "“体检”2.5 秒"):
        assert words in result.stderr


def test_a_build_that_fails_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_arguments: Any, **_settings: Any) -> BuildSummary:
        raise StoreError("磁盘已满 [red]不是标记[/red]")

    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(build_command, "build_store", build)
    result = run("build")
    assert result.exit_code == 1
    assert "错误：磁盘已满 [red]不是标记[/red]" in result.stderr


# sutu indicators, sutu query


def test_indicators_as_json(data_env: Path) -> None:
    entries = json.loads(run("indicators", "--json").stdout)
    assert len(entries) >= 60
    assert {tuple(entry) for entry in entries} == {
        ("id", "name", "unit", "direction", "levels", "years", "quality", "source")
    }
    population = next(entry for entry in entries if entry["id"] == "population")
    assert population["levels"][:4] == ["province", "economic_region", "prefecture", "county"]
    assert population["years"] == [2010, 2020]
    assert {entry["direction"] for entry in entries} <= {"higher_better", "lower_better", "neutral"}
    assert all(entry["years"] and entry["levels"] for entry in entries)


def test_indicators_as_a_table(data_env: Path) -> None:
    result = run("indicators")
    assert result.exit_code == 0
    assert "常住人口" in result.stdout
    assert "2000–2023" in result.stdout


def test_query_as_json_is_what_the_store_holds(data_env: Path, built_store: Store) -> None:
    rows = json.loads(
        run("query", "population", "--year", "2020", "--level", "county", "--format", "json").stdout
    )
    facts = built_store.facts("population", year=2020, level="county")
    assert [row["adcode"] for row in rows] == facts["adcode"].tolist()
    assert [row["value"] for row in rows] == facts["value"].tolist()
    assert all(isinstance(row["value"], int) for row in rows)
    assert {row["unit"] for row in rows} == {"人"}


def test_query_as_csv_is_read_back(data_env: Path, built_store: Store) -> None:
    result = run("query", "urbanisation_rate", "--year", "2020", "--level", "prefecture", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    facts = built_store.facts("urbanisation_rate", year=2020, level="prefecture")
    assert [float(row["value"]) for row in rows] == facts["value"].tolist()
    assert [row["name"] for row in rows] == facts["name"].tolist()


def test_an_undefined_value_is_null_with_its_reason(data_env: Path) -> None:
    words = ("query", "gdp", "--year", "2000", "--level", "prefecture", "--format")
    rows = {row["adcode"]: row for row in json.loads(run(*words, "json").stdout)}
    assert rows["320800"]["value"] is None
    assert rows["320800"]["status"] == "undefined"
    assert rows["320800"]["reason"]
    line = next(line for line in run(*words, "csv").stdout.splitlines() if line.startswith("320800"))
    assert line.split(",")[5] == ""
    assert rows["320800"]["reason"] in run(*words, "table").stdout


def test_query_as_a_table(data_env: Path) -> None:
    result = run("query", "常住人口", "--year", "2020", "--level", "province")
    assert result.exit_code == 0
    assert "常住人口（人），2020 年，省" in result.stdout
    assert "84,748,016" in result.stdout


def test_query_takes_the_latest_year_and_says_so(data_env: Path) -> None:
    result = run("query", "gdp", "--level", "prefecture", "--format", "json")
    assert {row["year"] for row in json.loads(result.stdout)} == {2023}
    assert "取最近的 2023 年" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query", "populaton"], "没有指标“populaton”。是不是：population"),
        (["query", "常住人囗"], "是不是：常住人口"),
        (["query", "qwxyzzy"], "用 sutu indicators 查看全部指标"),
        (["query", "population", "--year", "2015"], "没有 2015 年的数据；有：2010 2020"),
        (["query", "gdp", "--level", "county"], "“地区生产总值”在县一级没有数据"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(data_env: Path, words: list[str], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


# Rows on stdout


@given(st.text() | st.sampled_from(["=1+1", "\n=1", "\u3000=1", "'=1", "\t=1", "\r=1", "＝1"]))
def test_rows_on_stdout_are_guarded_as_downloads_are(text: str) -> None:
    read = list(csv.reader(io.StringIO(csv_text([{text: text}], [text]), newline="")))
    assert read == [[harmless(text)], [harmless(text)]]


def test_numbers_stay_numbers() -> None:
    assert (
        csv_text([{"a": -1.5, "b": None, "c": [2010, 2020]}], ["a", "b", "c"]) == "a,b,c\n-1.5,,2010 2020\n"
    )


def test_plain_values() -> None:
    import numpy as np
    import pandas as pd

    mixed = {1: [np.int64(2), np.float64("nan"), pd.NA, float("inf")], "a": (np.bool_(True), "x")}
    assert plain(mixed) == {"1": [2, None, None, None], "a": [True, "x"]}


# sutu template, sutu import


def test_the_form_is_written_once(tmp_path: Path) -> None:
    out = tmp_path / "表.xlsx"
    assert run("template", "indicators", "--out", str(out)).exit_code == 0
    sheets = openpyxl.load_workbook(out, read_only=True)
    assert "填报" in sheets.sheetnames
    sheets.close()
    again = run("template", "indicators", "--out", str(out))
    assert again.exit_code == 2
    assert "已存在；加 --force 覆盖" in again.stderr
    assert run("template", "indicators", "--out", str(out), "--force").exit_code == 0
    lost = run("template", "indicators", "--out", str(tmp_path / "no" / "表.xlsx"))
    assert lost.exit_code == 2
    assert "没有文件夹" in lost.stderr


def table(folder: Path, *lines: str) -> Path:
    path = folder / "表.csv"
    path.write_text("\n".join(("行政区划代码,指标,年份,数值,来源", *lines)) + "\n", encoding="utf-8")
    return path


def test_a_faulty_file_exits_1_lists_every_fault_and_changes_nothing(
    own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    before = {path for path in own_data_dir.rglob("*") if path.is_file()}
    path = table(tmp_path, "329999,常住人口,2021,5,统计局", "320100,常住人口,9999,x,统计局")
    result = run("import", "indicators", str(path))
    assert result.exit_code == 1
    assert result.stdout == ""
    for words in ("表.csv", "第 2 行", "第 3 行", "329999", "处理办法"):
        assert words in result.stderr
    assert {path for path in own_data_dir.rglob("*") if path.is_file()} == before


def test_an_import_is_in_the_store_afterwards(
    own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    before = open_store(own_data_dir)
    path = table(
        tmp_path, "320100,常住人口,2021,9423400,南京统计局", "320500,常住人口,2021,12847800,南京统计局"
    )
    result = run("import", "indicators", str(path), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["added"] == 2
    after = open_store(own_data_dir)
    assert after.data_version != before.data_version
    rows = json.loads(
        run("query", "常住人口", "--year", "2021", "--level", "prefecture", "--format", "json").stdout
    )
    assert {row["adcode"]: (row["value"], row["quality"]) for row in rows} == {
        "320100": (9_423_400, "imported"),
        "320500": (12_847_800, "imported"),
    }
    again = run("import", "indicators", str(path))
    assert again.exit_code == 0
    assert "没有改动" in again.stdout


def test_an_import_whose_build_fails_is_taken_back(
    own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))

    def build(_folder: Path, *, progress: Any, only_if_stale: bool = False, ahead: Any = None) -> None:
        if not only_if_stale:
            raise StoreError("构建没有成功")

    monkeypatch.setattr(intake, "build_store", build)
    before = (own_data_dir / CURRENT).read_text(encoding="utf-8")
    result = run("import", "indicators", str(table(tmp_path, "320100,常住人口,2021,9423400,统计局")))
    assert result.exit_code == 1
    assert "构建没有成功" in result.stderr
    assert (own_data_dir / CURRENT).read_text(encoding="utf-8") == before
    assert [path for path in (own_data_dir / "imports").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("datum", ["unknown", "火星"])
def test_a_datum_nobody_knows_is_refused(
    own_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, datum: str
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    path = tmp_path / "县界.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    result = run("import", "boundaries", str(path), "--datum", datum)
    assert result.exit_code == 1
    assert datum in result.stderr


# sutu serve


def test_serve_builds_first_and_then_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import app

    done: list[Any] = []
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(
        serve_command,
        "build_store",
        lambda folder, **settings: done.append((folder, settings["only_if_stale"])),
    )
    monkeypatch.setattr(serve_command, "require_free", lambda *_: None)
    monkeypatch.setattr(app, "serve", lambda host, port, names: done.append((host, port, list(names))))
    everywhere = ("--host", "0.0.0.0", "--port", "8080", "--name", "a.example", "--name", "10.1.2.3:80")
    assert run("serve").exit_code == 0
    assert run("serve", *everywhere).exit_code == 0
    monkeypatch.setenv("SUTU_ALLOWED_HOSTS", "b.example")
    assert run("serve", "--host", "::").exit_code == 0
    built = (tmp_path, True)
    assert done == [
        built,
        ("127.0.0.1", 8501, []),
        built,
        ("0.0.0.0", 8080, ["a.example", "10.1.2.3:80"]),
        built,
        ("::", 8501, []),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--host", "0.0.0.0"], "必须写明允许哪些名字"),
        (["--host", "::", "--port", "0"], "SUTU_ALLOWED_HOSTS"),
        (["--name", "http://a.example"], "“http://a.example”不是可用的主机名"),
        (["--host", "0.0.0.0", "--name", "*"], "不用通配符"),
        (["--name", "0.0.0.0"], "表示本机所有地址"),
    ],
)
def test_names_to_be_called_by_are_asked_for_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("SUTU_ALLOWED_HOSTS", raising=False)
    result = run("serve", *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "none").exists()


# As people run it


def test_as_a_program_of_its_own(built_data_dir: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "check", "--json"],
        check=False,
        capture_output=True,
        env={**os.environ, "SUTU_DATA_DIR": str(built_data_dir), "PYTHONIOENCODING": "utf-8"},
    )
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["ok"] is True
    assert ended.stderr == b""


def test_a_reader_that_goes_away_is_no_fault(built_data_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "query", "population", "--year", "2020", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "SUTU_DATA_DIR": str(built_data_dir), "PYTHONIOENCODING": "utf-8"},
    ) as program:
        assert program.stdout is not None and program.stderr is not None
        program.stdout.close()
        told = program.stderr.read()
    assert b"Traceback" not in told
