"""An export killed half way: the file that was there stays, and the next export clears what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exports.formats import FORMATS, Options
from exports.package import export, workspace
from geo.crs import TARGETS
from tests.exports.export_worlds import table

ROOT = Path(__file__).resolve().parents[2]
# Rows come slowly, so that there is a middle to be killed in.
CHILD = """
import sys, time
from dataclasses import replace
from pathlib import Path
from geo.crs import TARGETS
from exports.formats import Options
from exports.package import export
from tests.exports.export_worlds import table
whole = table([f"{n}" for n in range(4_000)], chunk_rows=100)
def chunks():
    for number, chunk in enumerate(whole.chunks()):
        if number == 10:
            print("half way", flush=True)
        if number >= 10:
            time.sleep(1)
        yield chunk
export([replace(whole, chunks=chunks)], Path(sys.argv[1]), Options(sys.argv[2], TARGETS["EPSG:4490"]))
"""


@pytest.mark.parametrize("form", ["gpkg", "dxf", "xlsx", "csv"])
def test_a_killed_export_loses_nothing_and_leaves_nothing_for_long(form: str, tmp_path: Path) -> None:
    out = tmp_path / f"图层{FORMATS[form].suffix}"
    out.write_bytes(b"before")
    command = [sys.executable, "-c", CHILD, str(out), form]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "half way"
        with workspace(tmp_path / "b.csv"):
            assert len(list(tmp_path.glob(".sutu-export-*"))) == 2, "one that is in use is let be"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert out.read_bytes() == b"before"
    (left,) = tmp_path.glob(".sutu-export-*")
    long_ago = time.time() - 3_600
    os.utime(left, (long_ago, long_ago))
    export([table(["甲"])], out, Options(form, TARGETS["EPSG:4490"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, f"{out.name}.说明.txt"]
    assert out.read_bytes() != b"before"


def test_an_old_folder_that_is_still_in_use_stays(tmp_path: Path) -> None:
    with workspace(tmp_path / "a.csv") as mine:
        long_ago = time.time() - 3_600
        os.utime(mine, (long_ago, long_ago))
        with workspace(tmp_path / "b.csv"):
            assert mine.is_dir()
    assert list(tmp_path.iterdir()) == []
