"""A kernel that refuses to write on in the middle of a file: told in Chinese, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exports.formats import FORMATS, SHEETS
from exports.sheet import write_sheet
from tests.exports.export_worlds import sheet_options, table

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 60_000
# A sheet holds one drawing, not thousands of rows.
SHEET_LIMIT = 4_000
# The limit on the size of a file is the kernel's own refusal and needs no rights, unlike a small file system.
CHILD = """
import resource, signal, sys
from dataclasses import replace
from pathlib import Path
from geo.errors import ExportWriteError
from geo.crs import TARGETS
from exports.formats import Options
from exports.package import export
from tests.exports.export_worlds import sheet_options, table
form, out, limit, font = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
options = Options(form, TARGETS["EPSG:4490"])
if font:
    layer = table(["甲", "乙", "丙"])
    options = replace(options, sheet=sheet_options(Path(font)))
else:
    layer = table([f"{n * 7919 % 99991:05d}" * 12 for n in range(6_000)], chunk_rows=2_000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    export([layer], out, options)
except ExportWriteError as fault:
    print(fault)
    sys.exit(3)
"""


def refused(form: str, out: Path, limit: int, font: str = "") -> subprocess.CompletedProcess[str]:
    """Write a layer where no file may grow beyond ``limit`` bytes."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, form, str(out), str(limit), font],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.parametrize("form", [one for one in FORMATS if one not in SHEETS])
def test_a_write_that_is_refused_half_way_is_told_and_leaves_nothing(form: str, tmp_path: Path) -> None:
    out = tmp_path / ("图层.zip" if form == "shp" else f"图层{FORMATS[form].suffix}")
    out.write_bytes(b"before")
    told = refused(form, out, LIMIT)
    assert told.returncode == 3, told.stderr[-2000:]
    assert "请检查磁盘空间" in told.stdout
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_bytes() == b"before"


@pytest.mark.parametrize("form", SHEETS)
def test_a_sheet_that_is_refused_half_way_is_told_and_leaves_nothing(
    form: str, report_font: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / f"整张{FORMATS[form].suffix}", tmp_path / f"图件{FORMATS[form].suffix}"
    write_sheet(table(["甲", "乙", "丙"]), whole, sheet_options(report_font), approval=None)
    assert whole.stat().st_size > SHEET_LIMIT
    whole.unlink()
    out.write_bytes(b"before")
    told = refused(form, out, SHEET_LIMIT, str(report_font))
    assert told.returncode == 3, told.stderr[-2000:]
    assert "请检查磁盘空间" in told.stdout
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_bytes() == b"before"
