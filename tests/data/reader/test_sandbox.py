"""What a reader can still do once it has shut itself in: read its file, write its folder, and nothing else.

Each question is asked by a process of its own, as a process never gets back what it gave up.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from data.reader import orders, sandbox
from data.reader.sandbox import Bounds

ROOT = Path(__file__).resolve().parents[3]
BOUNDS = Bounds(600, 20, 60, 5, 5, 64)
SCRIPT = """
import json, os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from data.reader import sandbox
folder = Path({folder!r})
network = sandbox.leave_network()
sandbox.take_limits(sandbox.Bounds(*{bounds!r}))
import numpy, pandas
version = sandbox.leave_files(folder, read=(Path({file!r}),))
def told(what):
    try:
        return repr(what())
    except BaseException as fault:
        return type(fault).__name__
{questions}
print(json.dumps([network, version, answers]))
"""


def asked(tmp_path: Path, questions: str, *, file: Path | None = None) -> tuple[str, int, dict[str, str]]:
    """Return the walls around a process, and its answers to ``questions`` (lines that fill ``answers``)."""
    folder = tmp_path / "own"
    folder.mkdir(exist_ok=True)
    file = file or tmp_path / "file.csv"
    file.write_text("a,b\n", encoding="utf-8")
    values = (BOUNDS.memory_mb, BOUNDS.cpu_seconds, BOUNDS.wall_seconds, 5, 5, BOUNDS.files)
    script = SCRIPT.format(
        root=str(ROOT), folder=str(folder), bounds=values, file=str(file), questions=questions
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    network, version, answers = json.loads(done.stdout)
    return network, version, answers


def test_only_its_own_file_is_read_and_only_its_own_folder_written(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    questions = f"""
answers = {{
    "file": told(lambda: open({str(tmp_path / "file.csv")!r}).read()),
    "own": told(lambda: open(folder / "made.txt", "w").write("x")),
    "secret": told(lambda: open({str(secret)!r}).read()),
    "password": told(lambda: open("/etc/passwd").read()),
    "beside": told(lambda: open({str(tmp_path / "made.txt")!r}, "w")),
    "over": told(lambda: open({str(tmp_path / "file.csv")!r}, "w")),
    "library": told(lambda: open(numpy.__file__, "a")),
    "plant": told(lambda: open(Path(numpy.__file__).parents[1] / "planted.pth", "w")),
    "remove": told(lambda: os.unlink({str(secret)!r})),
    "list": told(lambda: os.listdir({str(tmp_path)!r})),
    "run": told(lambda: os.execv("/bin/true", ["true"])),
    "late": told(lambda: __import__("sqlite3").sqlite_version > ""),
}}
"""
    _, version, answers = asked(tmp_path, questions)
    assert version > 0, "this kernel has no Landlock"
    allowed = {name: answers.pop(name) for name in ("file", "own", "late")}
    assert allowed == {"file": "'a,b\\n'", "own": "1", "late": "True"}
    assert set(answers.values()) == {"PermissionError"}, answers
    assert secret.read_text(encoding="utf-8") == "secret" and not (tmp_path / "made.txt").exists()


def test_no_connection_leaves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        questions = f"""
import socket
def sent():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        return one.sendto(b"x", ("127.0.0.1", {port}))
answers = {{
    "tcp": told(lambda: socket.create_connection(("127.0.0.1", {port}), 2)),
    "far": told(lambda: socket.create_connection(("192.0.2.1", 80), 2)),
    "name": told(lambda: socket.getaddrinfo("example.invalid", 80)),
    "udp": told(sent),
}}
"""
        network, _, answers = asked(tmp_path, questions)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert network == "namespace", "this system gives no network of its own"
    assert set(answers.values()) <= {"PermissionError", "OSError", "gaierror"}, answers


def test_memory_files_and_sizes_are_bounded(tmp_path: Path) -> None:
    questions = """
def many():
    kept = [open(folder / f"{n}.txt", "w") for n in range(200)]
    return len(kept)
def long():
    with open(folder / "long.bin", "wb") as handle:
        for _ in range(10):
            handle.write(bytes(1_000_000))
answers = {
    "memory": told(lambda: numpy.ones(100_000_000)),
    "enough": told(lambda: len(numpy.ones(10_000_000))),
    "files": told(many),
    "size": told(long),
}
"""
    _, _, answers = asked(tmp_path, questions)
    assert answers == {
        "memory": "MemoryError",
        "enough": "10000000",
        "files": "OSError",
        "size": "OSError",
    }


def test_a_system_without_landlock_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox, "version", lambda: 0)
    assert sandbox.shut_in(read=[tmp_path], write=[tmp_path]) == 0
    (tmp_path / "still.txt").write_text("x", encoding="utf-8")


def library(family: orders.Family, allowed: str | None) -> set[str]:
    """Return the drivers that a process has which starts with the settings for one."""
    code = (
        "import pyogrio\nprint(sorted(pyogrio.list_drivers()))"
        if family == "vector"
        else "import rasterio\nwith rasterio.Env() as e: print(sorted(e.drivers()))"
    )
    environment = {"PATH": os.environ["PATH"], **orders.environment(family, allowed)}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.replace("'", '"')))


@pytest.mark.parametrize(
    ("family", "allowed"),
    [("vector", "GPKG"), ("vector", "GeoJSON"), ("vector", "ESRI Shapefile"), ("raster", "GTiff")],
)
def test_one_driver_is_registered(family: orders.Family, allowed: str) -> None:
    assert len(orders.known_drivers(family)) > 20
    assert library(family, allowed) == {allowed}


def test_a_job_without_maps_has_no_driver() -> None:
    assert orders.known_drivers("none") == frozenset()
    settings = orders.environment("none", None)
    assert set(settings["GDAL_SKIP"].split(",")) == orders.known_drivers("vector")


@pytest.mark.parametrize(
    ("content", "driver"),
    [
        (b"SQLite format 3\x00rest", "GPKG"),
        (b"PK\x03\x04rest", "ESRI Shapefile"),
        (b'{"type":', "GeoJSON"),
        (b"\xef\xbb\xbf \n{", "GeoJSON"),
        (b"{}<OGRVRTDataSource>", "GeoJSON"),
        (b"<OGRVRTDataSource>", None),
        (b"<?xml", None),
        (b"[1]", None),
        (b"", None),
        (b"\xff\xfe{\x00", None),
    ],
)
def test_the_first_bytes_name_the_driver(tmp_path: Path, content: bytes, driver: str | None) -> None:
    path = tmp_path / "any.gpkg"
    path.write_bytes(content)
    assert orders.driver_of(path) == driver
    assert orders.driver_of(tmp_path / "none") is None
