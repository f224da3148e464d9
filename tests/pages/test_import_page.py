"""数据导入: a file is shown before it goes in; imports run one at a time, whole or not at all."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from data.builder.intake import Intake, facility_intake, indicator_intake, run_intake
from data.faults import FAULT_COLUMNS, Fault, FaultReport
from data.ingest.summary import ImportSummary
from data.store.store import open_store
from geo.errors import DiskError, StoreError
from pages.imports import check as import_check
from pages.imports import form as import_form
from pages.imports import jobs as import_jobs
from pages.imports.form import Asked, Details, template
from pages.imports.jobs import Job, current, forget, start
from pages.imports.kinds import KINDS, check
from pages.shared.file_jobs import UPLOADS, keep_upload, safe_name
from tests.data.faulty import GOOD, changed, csv_text
from tests.pages.running import start as open_page
from tests.real_data import real_path

FACILITIES = (
    "名称,类型,经度,纬度,行政区划代码\n甲医院,综合医院,118.7969,32.0603,320102\n乙药店,药店,118.80,32.06,\n"
)
SUMMARY = ImportSummary("facilities", "甲.csv", 1, added=1, files=("facilities/x.parquet",))
NOTHING: Intake[None] = Intake(lambda _store, _control: None, lambda _found, _store, _rebuild: SUMMARY)


@pytest.fixture(autouse=True)
def environment(built_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(built_data_dir))
    monkeypatch.setattr(import_jobs, "_jobs", {})


class Uploaded(io.BytesIO):
    """A file as the uploader hands it over."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# Files --------------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_any_name_becomes_a_plain_file_name(name: str) -> None:
    safe = safe_name(name)
    assert safe == Path(safe).name and 0 < len(safe) <= 120
    assert not safe.startswith(".") and not set(safe) & set('/\\:*?"<>|\0\n')


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\表\\医院（2023）.xlsx", "医院（2023）.xlsx"),
        ("..", "upload"),
        ("a b;rm -rf.csv", "a_b_rm_-rf.csv"),
    ],
)
def test_names_keep_what_people_know_them_by(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_an_upload_is_kept_whole_in_a_folder_of_its_own(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    first = keep_upload(tmp_path, Uploaded("../甲.csv", content))
    second = keep_upload(tmp_path, Uploaded("甲.csv", b"x"))
    assert first.read_bytes() == content and second.read_bytes() == b"x"
    assert first.name == second.name == "甲.csv" and first.parent != second.parent
    assert first.resolve().is_relative_to(tmp_path / UPLOADS)


def test_an_upload_without_room_is_said_and_nothing_is_kept(tmp_path: Path) -> None:
    class Full(Uploaded):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(DiskError, match="磁盘已满"):
        keep_upload(tmp_path, Full("甲.csv", b"x"))
    assert list((tmp_path / UPLOADS).iterdir()) == []


def test_uploads_nobody_imported_are_removed_after_a_day(tmp_path: Path) -> None:
    old = keep_upload(tmp_path, Uploaded("旧.csv", b"x"))
    os.utime(old.parent, (1_000_000, 1_000_000))
    new = keep_upload(tmp_path, Uploaded("新.csv", b"x"))
    assert not old.exists() and new.exists()


# Jobs ---------------------------------------------------------------------------------------------------


def run_job(folder: Path, monkeypatch: pytest.MonkeyPatch, outcome: object) -> Job:
    """Run a job whose import has the given outcome, an error or a summary."""

    def imported(*_arguments: object, **_options: object) -> object:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(import_jobs, "run_intake", imported)
    kept = keep_upload(folder, Uploaded("甲.csv", b"x"))
    job = start(folder, kept.parent, kept.name, NOTHING)
    assert job.ended.wait(60)
    assert not kept.parent.exists()
    return job


def test_a_job_ends_with_its_summary_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run_job(tmp_path, monkeypatch, SUMMARY)
    assert job.summary is SUMMARY and job.failure is None
    assert current(tmp_path) is job
    forget(tmp_path)
    assert current(tmp_path) is None


def test_a_failure_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = FaultReport([Fault("甲.csv", None, 2, "经度", "不是数字", "改正")])
    faults = run_job(tmp_path, monkeypatch, report)
    assert faults.faults is report and "1 处问题" in str(faults.failure)
    forget(tmp_path)
    assert run_job(tmp_path, monkeypatch, StoreError("目录不可写")).failure == "目录不可写"
    forget(tmp_path)
    full = run_job(tmp_path, monkeypatch, OSError(28, "No space left on device"))
    assert "No space left" in str(full.failure)


def test_one_import_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def waiting(*_arguments: object, **_options: object) -> ImportSummary:
        assert go_on.wait(60)
        return SUMMARY

    monkeypatch.setattr(import_jobs, "run_intake", waiting)
    folders = [keep_upload(tmp_path, Uploaded(f"{n}.csv", b"x")).parent for n in range(2)]
    first = start(tmp_path, folders[0], "一.csv", NOTHING)
    forget(tmp_path)
    assert start(tmp_path, folders[1], "二.csv", NOTHING) is first
    assert current(tmp_path) is first and not first.ended.is_set()
    go_on.set()
    assert first.ended.wait(60) and first.summary is SUMMARY


def test_progress_stays_between_nothing_and_all() -> None:
    job = Job("甲.csv")
    for done, total, share in ((0, 0, 0.0), (1, 4, 0.25), (9, 4, 1.0)):
        job.tell("写入", done, total)
        assert job.share == share


def test_a_job_imports_what_the_command_would(own_data_dir: Path) -> None:
    kept = keep_upload(own_data_dir, Uploaded("设施.csv", FACILITIES.encode()))
    before = open_store(own_data_dir).data_version
    job = start(own_data_dir, kept.parent, kept.name, facility_intake(kept, own_data_dir, datum="wgs84"))
    assert job.ended.wait(600) and job.failure is None
    assert job.summary is not None and job.summary.added == 2
    store = open_store(own_data_dir)
    assert store.data_version != before
    surveyed = store.facilities().query("precision == 'surveyed'")
    assert set(surveyed["name"]) == {"甲医院", "乙药店"}


# Checks -------------------------------------------------------------------------------------------------


def test_a_faulty_list_of_facilities_shows_every_fault(built_data_dir: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "坏.csv", "名称,类型,经度,纬度\n甲,医馆,118.7,32\n乙,综合医院,abc,32\n")
    found = check(open_store(built_data_dir), Asked(KINDS["facilities"], path, Details(None, "wgs84")))
    assert not found.ready and found.faults is not None
    assert list(found.faults.columns) == list(FAULT_COLUMNS)
    assert set(found.faults["行"]) == {"2", "3"}
    assert "未写入任何内容" in found.headline


def test_a_good_list_is_shown_as_it_would_go_in(built_data_dir: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "好.csv", FACILITIES)
    found = check(
        open_store(built_data_dir), Asked(KINDS["facilities"], path, Details(None, "gcj02", "卫健委"))
    )
    assert found.ready and "2 处设施，来源“卫健委”" in found.headline
    rows = found.tables["设施（坐标已换算为 CGCS2000）"].set_index("名称")
    assert rows.loc["甲医院", "县（市、区）"] == "玄武区" and rows.loc["乙药店", "类型"] == "药店"
    assert 0.003 < 118.7969 - rows.loc["甲医院", "经度"] < 0.008
    assert found.tables["按地区和类型"]["数量"].sum() == 2


def test_of_a_long_list_only_what_is_shown_is_kept(
    built_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"设施{n},药店,{118.5 + n / 1000},32.05\n" for n in range(250))
    asked = Asked(
        KINDS["facilities"], write(tmp_path, "长.csv", "名称,类型,经度,纬度\n" + rows), Details(None, "wgs84")
    )
    found = check(open_store(built_data_dir), asked)
    (listed,) = found.totals
    assert found.totals[listed] == 250 and len(found.tables[listed]) == 200
    assert found.found is not None and len(found.found.content.frame) == 250
    monkeypatch.setattr(import_check, "_KEPT_ROWS", 100)
    assert check(open_store(built_data_dir), asked).found is None


def test_a_table_of_indicators_is_checked_without_writing(built_data_dir: Path, tmp_path: Path) -> None:
    store = open_store(built_data_dir)
    good = check(store, Asked(KINDS["indicators"], write(tmp_path, "好.csv", csv_text(GOOD))))
    assert good.ready and len(good.tables["将要导入的数值"]) == 3
    bad = check(
        store, Asked(KINDS["indicators"], write(tmp_path, "坏.csv", csv_text(changed(3, "数值", "约73万"))))
    )
    assert not bad.ready and bad.faults is not None and "约73万" in str(bad.faults["问题"].tolist())
    assert not (built_data_dir / "imports").exists()


def test_an_extract_is_told_from_rubbish(built_data_dir: Path, tmp_path: Path) -> None:
    store = open_store(built_data_dir)
    whole = real_path("osm/xuzhou_facilities.osm.pbf")
    assert check(store, Asked(KINDS["osm"], whole)).ready
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(b"not a pbf at all")
    assert not check(store, Asked(KINDS["osm"], cut)).ready


def test_the_forms_are_those_of_the_commands(built_data_dir: Path, tmp_path: Path) -> None:
    for kind in ("facilities", "indicators"):
        book = openpyxl.load_workbook(io.BytesIO(template(KINDS[kind])), read_only=True)
        assert "填报" in book.sheetnames
        book.close()


# The page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_page_opens_with_each_form(kind: str) -> None:
    app = open_page("pages.imports.page", import_kind=kind)
    assert "选好文件" in app.info[0].value
    assert bool([box for box in app.selectbox if box.label == "坐标基准"]) == (kind == "facilities")


def test_the_datum_must_be_said() -> None:
    assert "坐标基准" in Asked(KINDS["facilities"], Path("a.csv")).missing
    assert not Asked(KINDS["facilities"], Path("a.csv")).complete
    assert Asked(KINDS["facilities"], Path("a.csv"), Details(datum="bd09")).complete
    assert (
        Asked(KINDS["indicators"], Path("a.csv")).complete and not Asked(KINDS["indicators"], None).complete
    )


def test_the_outcome_of_an_import_is_shown_until_it_is_seen(built_data_dir: Path) -> None:
    job = import_jobs._jobs[built_data_dir.resolve()] = Job("甲.csv", summary=SUMMARY)
    job.ended.set()
    app = open_page("pages.imports.page")
    assert "读入 1 行，新增 1" in app.success[0].value.replace("\\", "")
    next(button for button in app.button if button.label == "知道了").click().run()
    assert not app.success and current(built_data_dir) is None


def test_faults_found_only_by_the_import_are_shown_as_a_table(built_data_dir: Path) -> None:
    report = FaultReport([Fault("<b>甲</b>.pbf", None, None, None, "没有*任何*道路", "换一个")])
    job = import_jobs._jobs[built_data_dir.resolve()] = Job("甲.pbf", faults=report, failure="x")
    job.ended.set()
    script = (
        "from pages.shared import choices\n"
        "from pages.imports.page import page\nchoices.begin()\npage()\nchoices.finish()\n"
    )
    app = AppTest.from_string(script, default_timeout=60).run()
    assert not app.exception and len(app.error) == 1
    frame = app.dataframe[0].value
    assert isinstance(frame, pd.DataFrame) and frame["问题"].tolist() == ["没有*任何*道路"]


def test_indicator_files_go_the_same_way_as_by_command(own_data_dir: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "表.csv", csv_text(GOOD))
    told: list[str] = []
    summary = run_intake(
        own_data_dir,
        indicator_intake(path, own_data_dir),
        progress=lambda step, _done, _all: told.append(step),
    )
    assert summary.added == 3 and "体检" in told
    facts = open_store(own_data_dir).query("SELECT count(*) AS n FROM fact WHERE quality = 'imported'")
    assert facts["n"].iloc[0] == 3


class _EndedError(Exception):
    """A newer run takes the place of this one: Streamlit ends a script where it touches the session."""


class _SessionThatEnds(dict[str, object]):
    def __setitem__(self, _key: str, _value: object) -> None:
        raise _EndedError


def test_a_copy_is_held_even_when_its_run_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, held = Uploaded("甲.csv", b"x"), list[Path]()
    monkeypatch.setattr(upload, "file_id", "1", raising=False)
    page = SimpleNamespace(session_state=_SessionThatEnds(), file_uploader=lambda *_a, **_k: upload)
    monkeypatch.setattr(import_form, "st", page)
    monkeypatch.setattr(import_form, "data_dir", lambda: tmp_path)
    monkeypatch.setattr(import_form.file_jobs, "hold", held.append)
    with pytest.raises(_EndedError):
        import_form._upload(KINDS["facilities"])
    assert held == list((tmp_path / UPLOADS).iterdir())


def test_how_large_an_upload_may_be_is_the_offices_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {kind.megabytes for kind in KINDS.values()} == {50, 256}
    (tmp_path / "上限.yaml").write_text("page.osm_mb: 500\n", encoding="utf-8")
    monkeypatch.setenv("SUTU_LIMITS", str(tmp_path / "上限.yaml"))
    assert (KINDS["osm"].megabytes, KINDS["facilities"].megabytes) == (500, 50)
    app = open_page("pages.imports.page", import_kind="osm")
    assert any("超过 500 MB 的用命令 sutu import osm。" in one.value for one in app.caption)
