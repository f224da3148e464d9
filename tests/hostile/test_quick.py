"""Hostile files that are judged in a moment: every attack, and what is broken or heavy and small at once.

The files of a door are read by one process, watched from outside. The rest is ``python -m tests.attack``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fuzz.doors import DOORS
from tests.fuzz.verdict import Verdict
from tests.hostile.case import Case, Kind
from tests.hostile.cases import CASES
from tests.hostile.trace import misdeeds
from tests.hostile.watch import MAX_MB, Outcome, World, digests, judged, opened, run, strayed

QUICK = tuple(case for case in CASES if case.quick)
APART = (
    "vrt_writes",
    "vrt_fetches",
    "gdalg_",
    "crs_",
    "string_vrt",
    "zip_shp_is_vrt",
    "gpkg_v",
    "raster_vrt",
)
"""Of the attacks those that go the whole way through a process of their own; each start takes a second. The
rest is held by what looks at the content, with every driver of the library at hand."""

_PATIENCE_S = 300.0

pytestmark = pytest.mark.xdist_group("hostile")


@dataclass(frozen=True)
class Door:
    """What came of the quick files of a door, by id, and what was seen around them."""

    answers: dict[str, Verdict]
    outcome: Outcome
    strayed: list[str]
    changed: bool


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, built_data_dir: Path) -> Callable[[str], Door]:
    """Return what gives the answers of a door; its files are read once."""
    known: dict[str, Door] = {}

    def give(door: str) -> Door:
        if door not in known:
            with opened(tmp_path_factory.mktemp(f"hostile-{door}"), built_data_dir) as world:
                known[door] = _read(door, world)
        return known[door]

    return give


def _read(door: str, world: World) -> Door:
    world.fresh()
    cases = [case for case in QUICK if case.door == door]
    files, answers = world.folder / "files.jsonl", world.folder / "answers.jsonl"
    lines = (
        json.dumps({"id": case.id, "path": str(world.write(case)), "apart": case.id.startswith(APART)})
        for case in cases
    )
    files.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = digests(world.data), digests(world.folder / "files")
    args = [sys.executable, "-m", "tests.hostile.many", door, *map(str, (world.data, files, answers))]
    outcome = run(args, world, timeout=_PATIENCE_S)
    found = {}
    for line in answers.read_text(encoding="utf-8").splitlines() if answers.exists() else ():
        given = json.loads(line)
        found[given["id"]] = Verdict(tuple(given["wrong"]), given["said"], given["trace"])
    changed = (digests(world.data), digests(world.folder / "files")) != before
    return Door(found, outcome, strayed(world), changed)


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.id)
def test_a_hostile_file_is_refused_and_does_nothing(case: Case, read: Callable[[str], Door]) -> None:
    door = read(case.door)
    assert case.id in door.answers, f"not read to the end: {door.outcome.wrong}\n{door.outcome.err[-2000:]}"
    answer = door.answers[case.id]
    assert not answer.wrong, f"{answer.wrong}\n{answer.trace}"
    own = [line for line in door.strayed if f"/{case.id}" in line or f" {case.id}." in line]
    assert not own, "it wrote or fetched"
    if case.kind in {Kind.attack, Kind.heavy}:
        assert answer.said is not None, "it was taken"


@pytest.mark.parametrize("door", DOORS)
def test_nothing_is_left_of_hostile_files(door: str, read: Callable[[str], Door]) -> None:
    """Nothing written, fetched, left behind or changed, by whichever of the files; memory within bounds."""
    seen = read(door)
    assert seen.outcome.exit_code == 0
    assert not seen.strayed
    assert not seen.changed
    assert not seen.outcome.wrong
    assert seen.outcome.peak_mb < MAX_MB


def test_ids_are_names_of_their_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


def test_a_trace_tells_writes_connections_and_programs(tmp_path: Path) -> None:
    log = tmp_path / "strace.log"
    lines = (
        '7 openat(AT_FDCWD</w>, "/usr/lib/x.so", O_RDONLY|O_CLOEXEC) = 3</usr/lib/x.so>',
        '7 openat(AT_FDCWD</w>, "/w/tmp/a", O_RDWR|O_CREAT, 0600) = 3</w/tmp/a>',
        '7 openat(4</w/tmp>, "b", O_WRONLY|O_CREAT, 0600) = 5</w/tmp/b>',
        '7 openat(AT_FDCWD</w>, "/dev/null", O_WRONLY) = 5</dev/null>',
        '7 symlink("/elsewhere/a", "/w/tmp/input.gpkg") = 0',
        '7 connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = -1 ENOENT',
        f'7 execve("{sys.executable}", ["python"], 0x7ff) = 0',
        '7 openat(AT_FDCWD</w>, "canary/a.pth", O_RDWR|O_CREAT, 0600) = 3</w/canary/a.pth>',
        '7 rename("/w/tmp/a", "/site-packages/a.pth") = 0',
        "7 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80)}, 16) = 0",
        '7 execve("/w/tmp/evil", ["evil"], 0x7ff) = 0',
    )
    log.write_text("\n".join(lines), encoding="utf-8")
    found = misdeeds(log, [Path("/w/tmp")], Path("/w"))
    assert [line.partition(":")[0] for line in found] == ["openat", "rename", "connect", "execve"]


def _answer(**changes: object) -> Outcome:
    known = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_mb": 200.0, "exit_code": 1, "out": ""}
    text = "错误：数据有 1 处问题：\n1. a.csv：文件已损坏。处理办法：重新取得该文件。"
    return Outcome(**(known | {"err": text} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"exit_code": 0}, "exit code"),
        ({"exit_code": -9}, "exit code"),
        ({"seconds": 31.0}, "over 30"),
        ({"peak_mb": 1600.0}, "over 1,500"),
        ({"err": "Traceback (most recent call last):"}, "traceback"),
        ({"err": "cannot open file"}, "no sentence"),
    ],
)
def test_an_answer_is_judged(changes: dict[str, object], problem: str) -> None:
    heavy = next(case for case in CASES if case.kind is Kind.heavy)
    wrong = judged(heavy, _answer(**changes))
    assert problem in " ".join(wrong) if problem else not wrong


def test_the_watch_sees_what_is_written_fetched_and_left(tmp_path: Path, built_data_dir: Path) -> None:
    """A command that does all that no import may do is seen to do it."""
    with opened(tmp_path / "world", built_data_dir) as world:
        world.fresh()
        code = (
            "import os, socket, subprocess, sys, urllib.request\n"
            f"open({str(world.scene.canary / 'a.pth')!r}, 'w').close()\n"
            "open(os.path.join(os.environ['TMPDIR'], 'left'), 'w').close()\n"
            "held = bytearray(os.urandom(1 << 20) * 100)\n"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
            f"host, port = {world.listener.url.removeprefix('http://').split(':')!r}\n"
            "socket.create_connection((host, int(port))).sendall(b'GET /seen HTTP/1.1\\r\\n\\r\\n')\n"
            "import time; time.sleep(0.5)\n"
        )
        outcome = run([sys.executable, "-c", code], world, timeout=60)
        wrong = [*outcome.wrong, *strayed(world)]
    assert outcome.exit_code == 0, outcome.err
    assert outcome.peak_mb > 100
    assert any("left behind" in line for line in wrong)
    assert "written: a.pth" in wrong
    assert "fetched: GET /seen HTTP/1.1" in wrong
    assert any(line.startswith("left in TMPDIR: left") for line in wrong)


def test_the_watch_ends_what_takes_too_long(tmp_path: Path, built_data_dir: Path) -> None:
    with opened(tmp_path / "world", built_data_dir) as world:
        world.fresh()
        outcome = run([sys.executable, "-c", "while True: pass"], world, timeout=1.0)
    assert outcome.exit_code is None
    assert any("not done" in line for line in outcome.wrong)
