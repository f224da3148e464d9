"""Small files of ours, damaged or changed by hand: the module's own error, whatever the bytes are."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.composite import list_indices, read_index
from analysis.given import gather
from analysis.networks import cached_travel, content_key
from analysis.run_kinds import rerun
from analysis.runs import list_runs, list_scenarios, read_result, read_run, record_run, replay_scenario
from data.ingest.facility_store import load_imported_facilities
from data.ingest.indicator_store import load_sources
from data.ingest.osm_store import EDGES, NODES, load_imported_layer, load_imported_network
from data.ingest.sites import Site, keep_sites, kept_sites
from data.regions.boundaries import load_imported_boundaries
from data.regions.population import IMPORT_NAME as POPULATION
from data.regions.population import load_imported_pattern
from data.store.files import MOST_BYTES, read_json
from data.store.store import open_store
from geo.errors import SitingError, StoreError
from geo.travel import TravelResult
from tests.data.small_store import publish_small, regions

KEY = "0123456789ab"
RUN = "20250101-080000-1a2b3c"

# No regular file, no text, no JSON, too deep, too large, of other types.
CONTENTS: dict[str, bytes | None] = {
    "empty": b"", "binary": os.urandom(300), "half": b'{"name": "x', "deep": b"[" * 100_000,
    "deep-keys": b'{"a":' * 100_000, "huge": b" " * (40 * 1024**2), "list": b"[]", "null": b"null",
    "number": b"1e999", "long-number": b"9" * 10_000, "text": b'"text"', "object": b"{}",
    "wrong": b'{"id": [], "kind": 1, "parameters": [], "data_version": null, "digest": 1, "rows": "x", '
             b'"started_at": 1, "seconds": {}}',
    "folder": None,
}  # fmt: skip


def put(path: Path, content: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if content is None else path.write_bytes(content)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_damaged_file_ends_in_the_error_of_its_module(tmp_path: Path, name: str) -> None:
    content = CONTENTS[name]
    put(tmp_path / "indices" / f"{KEY}.json", content)
    with pytest.raises(StoreError, match="综合指数"):
        read_index(tmp_path, KEY)
    assert list_indices(tmp_path) == []
    put(tmp_path / "runs" / RUN / "run.json", content)
    with pytest.raises(StoreError, match="运行"):
        read_run(tmp_path, RUN)
    assert list_runs(tmp_path) == list_scenarios(tmp_path) == []
    put(tmp_path / "cache" / "candidates" / f"{KEY}0000.json", content)
    with pytest.raises(SitingError, match="候选点"):
        kept_sites(tmp_path, f"{KEY}0000")


def test_the_reader_is_bounded_and_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'"' + b"x" * (MOST_BYTES - 2) + b'"')
    assert len(read_json(path)) == MOST_BYTES - 2
    path.write_bytes(b'"' + b"x" * (MOST_BYTES - 1) + b'"')
    with pytest.raises(ValueError, match="超过"):
        read_json(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match="不是普通文件"):
        read_json(path)
    with pytest.raises(ValueError, match="不是普通文件"):
        read_json(Path("/dev/zero"))


@pytest.mark.parametrize(
    "value", [[["a", 1]], [["a", "x", 1]], [["a", 10**400, 1]], [["a", 1e999, 1]], [["a", 181, 1]], 7]
)
def test_candidates_that_are_no_places_are_refused(tmp_path: Path, value: object) -> None:
    key = keep_sites(tmp_path, [Site("某处", 118.0, 32.0)])
    (tmp_path / "cache" / "candidates" / f"{key}.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(SitingError, match="候选点"):
        kept_sites(tmp_path, key)


@pytest.mark.parametrize("kind", ["coverage", "catchment", "siting", "standards", "x" * 500])
@pytest.mark.parametrize(
    "asked", [{}, {"request": []}, {"request": {"coverage": 1, "edits": 3}}, {"request": {"types": 1e308}}]
)
def test_a_run_with_changed_parameters_is_not_computed_again(
    tmp_path: Path, kind: str, asked: dict[str, object]
) -> None:
    publish_small(tmp_path)
    run = record_run(tmp_path, kind=kind, parameters=asked, data_version="a", result=regions(), seconds=1)
    with pytest.raises((StoreError, SitingError), match="运行"):
        rerun(gather(open_store(tmp_path)), read_run(tmp_path, run.id))
    if kind == "siting":
        with pytest.raises(SitingError, match="已损坏"):
            replay_scenario(gather(open_store(tmp_path)), run)


@pytest.mark.parametrize(
    "spoil", [lambda p: p.write_bytes(b"PAR1"), Path.unlink, lambda p: (p.unlink(), p.mkdir())]
)
def test_a_damaged_result_is_told_with_a_way_out(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    run = record_run(tmp_path, kind="coverage", parameters={}, data_version="a", result=regions(), seconds=1)
    spoil(tmp_path / "runs" / run.id / "result.parquet")
    with pytest.raises(StoreError, match=r"无法读取.*重新计算"):
        read_result(tmp_path, run)


def test_runs_of_another_name_are_not_believed(tmp_path: Path) -> None:
    run = record_run(tmp_path, kind="coverage", parameters={}, data_version="a", result=regions(), seconds=1)
    (tmp_path / "runs" / run.id).rename(tmp_path / "runs" / RUN)
    with pytest.raises(StoreError, match="已损坏"):
        read_run(tmp_path, RUN)


# Imports


def other_columns(path: Path) -> None:
    pq.write_table(pa.table({"x": [1, 2]}), path)


def other_types(path: Path) -> None:
    """Write every column that any import has, all lists of text, with metadata that is wrong."""
    names = ("adcode", "name", "id", "lon", "lat", "cell_id", "people", "source", "source_date", "year")
    table = pa.table({name: [["x"], None] for name in names})
    metadata = {b"sutu": b'{"definitions": [3], "title": 1}', b"geo": b"[]"}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def deep_metadata(path: Path) -> None:
    metadata = dict.fromkeys((b"sutu", b"geo"), b"[" * 90_000)
    pq.write_table(pa.table({"x": [1]}).replace_schema_metadata(metadata), path)


SPOILT: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(b"PAR1" + b"\0" * 100), "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"no parquet"), "folder": Path.mkdir, "columns": other_columns,
    "types": other_types, "deep": deep_metadata, "loop": lambda path: path.symlink_to(path.name),
}  # fmt: skip
LOADERS: dict[str, Callable[[Path], object]] = {
    "facilities/table-a.parquet": load_imported_facilities,
    "facilities/osm-a.parquet": load_imported_facilities,
    "indicators/a.parquet": load_sources,
    "boundaries.parquet": load_imported_boundaries,
    POPULATION: lambda folder: load_imported_pattern(folder, 500.0),
    NODES: load_imported_network,
    EDGES: load_imported_network,
    "osm/rail.parquet": lambda folder: load_imported_layer(folder, "rail"),
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("spoil", SPOILT)
def test_a_damaged_import_is_named_with_the_command_that_helps(tmp_path: Path, name: str, spoil: str) -> None:
    path = tmp_path / "imports" / name
    path.parent.mkdir(parents=True)
    SPOILT[spoil](path)
    if spoil == "loop" and not name.startswith(("facilities/", "indicators/")):
        # A link that leads nowhere counts as no import where one file has a place of its own.
        assert LOADERS[name](tmp_path) is None
        return
    with pytest.raises(StoreError, match="导入") as told:
        LOADERS[name](tmp_path)
    # A network is two files of one import: they go together.
    moved = path.parent if name in {NODES, EDGES} else path
    assert f"mv {moved} {moved}.old" in str(told.value)
    moved.rename(f"{moved}.old")
    left = LOADERS[name](tmp_path)
    assert left is None or len(left) == 0  # type: ignore[arg-type]


def test_a_cached_answer_that_was_changed_is_solved_again(tmp_path: Path) -> None:
    solved = TravelResult(
        minutes=np.array([1.0, np.nan]), facility=np.array([0, -1], dtype=np.int32),
        reachable=np.array([True, False]), straight=np.array([False, False]), around=np.array([False, False]),
        method="network", mode="car", max_minutes=60.0, unplaced=np.array([], dtype=np.int32),
    )  # fmt: skip
    other = dataclasses.replace(solved, minutes=np.array([2.0, 3.0]), reachable=np.array([True, True]))
    one, two = content_key("one"), content_key("two")
    assert not cached_travel(tmp_path, one, lambda: solved)[1]
    found, held = cached_travel(tmp_path, one, lambda: other)
    assert held
    np.testing.assert_array_equal(found.minutes, solved.minutes)
    assert not cached_travel(tmp_path, two, lambda: other)[1]
    path = tmp_path / "cache" / "travel" / f"{one}.parquet"
    table = pq.read_table(path)
    spoilt: list[Callable[[], object]] = [
        lambda: pq.write_table(table.slice(0, 1), path),
        lambda: pq.write_table(table.replace_schema_metadata({b"sutu_travel": b"[" * 90_000}), path),
        lambda: pq.write_table(table.replace_schema_metadata({b"sutu_travel": b"[]"}), path),
        lambda: pq.write_table(table.drop(["minutes"]), path),
        lambda: path.write_bytes(path.read_bytes()[:40]),
        lambda: (path.unlink(), path.mkdir()),
    ]
    for number, spoil in enumerate(spoilt):
        spoil()
        assert (number, cached_travel(tmp_path, one, lambda: solved)[1]) == (number, False)
        assert cached_travel(tmp_path, one, lambda: other)[1]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "cache").write_text("a file", encoding="utf-8")
    assert cached_travel(tmp_path / "elsewhere", one, lambda: solved) == (solved, False)
