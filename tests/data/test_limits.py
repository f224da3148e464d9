"""The table of limits: each number once, each with its sentence, an office's own numbers checked."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from data.ingest.reading import Limits
from data.ingest.vector_source import VectorLimits
from data.reader import files
from data.reader.sandbox import Bounds
from data.reader.worker import bound_id
from data.registry.environment import LIMITS
from data.registry.limit_models import LimitEntry, exceeded, limit, limit_bytes, load_limits
from data.registry.loading import load_yaml
from geo.errors import RegistryError

ROOT = Path(__file__).resolve().parents[2]
READER = "reader."
"""Limits of the processes that read: their ids are put together from door and bound."""

SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for room in ("data", "analysis", "exports", "pages")
    for path in (ROOT / room).rglob("*.py")
)


def _office(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    path = folder / "上限.yaml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv(LIMITS.name, str(path))
    return path


@pytest.mark.parametrize("limit_id", list(load_limits()))
def test_every_limit_is_documented_with_its_number(limit_id: str) -> None:
    entry = load_limits()[limit_id]
    text = (ROOT / "docs" / "methods" / "limits.md").read_text(encoding="utf-8")
    assert f"| `{limit_id}` | {entry.name} | {entry.value:,} {entry.unit} | {entry.description} |" in text


def test_nothing_is_documented_that_is_no_limit() -> None:
    text = (ROOT / "docs" / "methods" / "limits.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE)) == set(load_limits())


@pytest.mark.parametrize("limit_id", list(load_limits()))
def test_every_limit_has_a_sentence_of_its_own(limit_id: str) -> None:
    fault = exceeded(limit_id, "表.csv", 123456789)
    bound = f"{limit(limit_id):,}"
    assert bound in fault.problem
    assert "{" not in fault.problem
    assert fault.remedy
    assert str(fault).startswith("表.csv：")


@pytest.mark.parametrize("limit_id", [name for name in load_limits() if not name.startswith(READER)])
def test_every_limit_is_held_somewhere(limit_id: str) -> None:
    assert f'"{limit_id}"' in SOURCES


def test_every_limit_of_readers_is_held_at_some_door() -> None:
    doors = ("indicators", "facilities", "sites", "boundaries", "population", "osm")
    held = {bound_id(door, one.name) for door in doors for one in fields(Bounds)}
    assert held | {f"{READER}at_once", f"{READER}waiting"} == {
        one for one in load_limits() if one[:7] == READER
    }
    assert files.bounds_of("osm").wall_seconds == limit("reader.osm_wall_seconds")
    assert files.bounds_of("sites").wall_seconds == limit("reader.wall_seconds")


def test_what_was_not_counted_and_what_is_just_above_read_well() -> None:
    assert exceeded("vector.members", "a").problem == "压缩包里有不止 200 个文件，超过上限 200"
    assert exceeded("table.file_mb", "a", 50.2).problem == "文件有 50.2 MB，超过上限 50 MB"
    assert exceeded("raster.file_mb", "a", 4000.2).problem == "文件有 4,000.2 MB，超过上限 4,000 MB"
    assert exceeded("vector.features", "a", 3, most=2).problem == "有 3 个要素，超过上限 2"


def test_the_bounds_of_readers_are_those_of_the_table() -> None:
    assert Limits().file_bytes == limit("table.file_mb") * 1_000_000 == limit_bytes("table.file_mb")
    assert Limits.of_indicators().rows == limit("indicators.rows")
    assert Limits.of_sites(7).rows == 7
    assert VectorLimits().vertices == limit("vector.vertices")


def test_an_office_sets_its_own_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = limit("table.rows")
    path = _office(tmp_path, monkeypatch, "table.rows: 500\nvector.file_mb: 7\n")
    assert limit("table.rows") == Limits().rows == 500
    assert VectorLimits().file_bytes == 7_000_000
    assert limit("table.columns") == 500
    path.write_text("table.rows: 60\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert limit("table.rows") == 60
    path.write_text("# 都不改\n", encoding="utf-8")
    assert limit("table.rows") == packaged
    monkeypatch.delenv(LIMITS.name)
    assert limit("table.rows") == packaged


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("table.lines: 5\n", "没有这个上限"),
        ("table.rows: 很多\n", "应为整数"),
        ("table.rows: 1.5\n", "应为整数"),
        ("table.rows: true\n", "应为整数"),
        ("table.rows: 0\n", "应大于 0"),
        ("table.rows: -5\n", "应大于 0"),
        ("table.rows: 99999999999999\n", "不超过"),
        ("- table.rows\n", "应为“编号: 整数”的映射"),
        ("table.rows: [\n", "不是合法的 YAML"),
        ("table.rows: 1\ntable.rows: 2\n", "写了两次"),
    ],
)
def test_wrong_numbers_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    _office(tmp_path, monkeypatch, text)
    with pytest.raises(RegistryError, match=words) as caught:
        limit("table.rows")
    assert "上限.yaml" in str(caught.value)


def test_every_wrong_number_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _office(tmp_path, monkeypatch, "table.lines: 5\ntable.rows: 0\n")
    with pytest.raises(RegistryError) as caught:
        load_limits()
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_of_numbers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMITS.name, str(tmp_path / "没有.yaml"))
    with pytest.raises(RegistryError, match=r"没有\.yaml"):
        Limits()


def test_an_unknown_limit_is_an_error() -> None:
    with pytest.raises(RegistryError, match=r"table\.lines"):
        limit("table.lines")
    with pytest.raises(RegistryError, match="单位"):
        limit_bytes("table.rows")


def test_a_sentence_with_an_unknown_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    entry = {"id": "a.b", "name": "甲", "value": 1, "unit": "个", "description": "乙", "remedy": "丙"}
    lines = "\n  ".join(f"{key}: {value}" for key, value in entry.items())
    path.write_text(f"- {lines}\n  problem: 有 {{count}} 个\n", encoding="utf-8")
    with pytest.raises(RegistryError, match="found"):
        load_yaml(path, LimitEntry)
