"""Rasters that declare more than they hold end with a sentence before GDAL opens them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from data.faults import FaultReport
from data.ingest import population
from data.ingest.tiff_check import check_tiff
from data.registry.environment import LIMITS
from tests.geo.worlds import packaged_counties

PLAIN = {256: 100, 257: 100, 258: 32, 259: 1, 277: 1, 278: 10, 339: 3}


def _tiff(folder: Path, tags: dict[int, int], *, following: int = 0, big: bool = False) -> Path:
    """Write a TIFF of one directory and no pixels."""
    entry, counter, place = ("<HHQQ", "<Q", 16) if big else ("<HHII", "<H", 8)
    head = struct.pack("<2sHHHQ", b"II", 43, 8, 0, place) if big else struct.pack("<2sHI", b"II", 42, place)
    entries = b"".join(
        struct.pack(entry, tag, 16 if big else 4, 1, value) for tag, value in sorted(tags.items())
    )
    path = folder / "人口.tif"
    tail = struct.pack("<Q" if big else "<I", following)
    path.write_bytes(head + struct.pack(counter, len(tags)) + entries + tail)
    return path


def _problem(path: Path) -> str:
    with pytest.raises(FaultReport) as caught:
        check_tiff(path)
    assert caught.value.faults[0].remedy
    return caught.value.faults[0].problem


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({256: 2_000_000, 257: 2_000_000, 322: 256, 323: 256}, "宽 2,000,000"),
        ({257: 2_000_000}, "高 2,000,000"),
        ({256: 500_000, 257: 500_000, 322: 16, 323: 16}, "分成了 976,562,500 块"),
        ({256: 500_000, 257: 500_000, 278: 250_000}, "500,000 MB"),
        ({256: 20_000, 257: 20_000, 278: 6_250}, "500 MB"),
        ({256: 20_000, 257: 20_000, 278: 20_000}, "1,600 MB"),
        ({322: 30_000, 323: 30_000}, "3,600 MB"),
        ({277: 60_000}, "损坏"),
        ({256: 0}, "损坏"),
        ({278: 0}, "损坏"),
        ({322: 0, 323: 16}, "损坏"),
        ({259: 7}, "压缩方式（编号 7）"),
        ({259: 34887}, "压缩方式（编号 34887）"),
    ],
)
def test_what_a_directory_declares_is_bounded(
    tmp_path: Path, tags: dict[int, int], problem: str, big: bool
) -> None:
    assert problem in _problem(_tiff(tmp_path, {**PLAIN, **tags}, big=big))
    check_tiff(_tiff(tmp_path, PLAIN, big=big))


def test_directories_in_a_circle_and_beyond_the_end_are_damage(tmp_path: Path) -> None:
    assert "损坏" in _problem(_tiff(tmp_path, PLAIN, following=8))
    assert "损坏" in _problem(_tiff(tmp_path, PLAIN, following=4_000_000_000))


def test_too_many_directories_are_refused(tmp_path: Path) -> None:
    path = _tiff(tmp_path, PLAIN)
    one = path.read_bytes()[8:-4]
    data = b"II*\x00" + struct.pack("<I", 8)
    for number in range(100):
        following = 8 + (number + 1) * (len(one) + 4)
        data += one + struct.pack("<I", following if number < 99 else 0)
    path.write_bytes(data)
    assert "目录超过上限 64 个" in _problem(path)


@pytest.mark.parametrize("cut", [5, 9, 20, 60])
def test_a_cut_file_is_damage(tmp_path: Path, cut: int) -> None:
    path = _tiff(tmp_path, PLAIN)
    path.write_bytes(path.read_bytes()[:cut])
    assert "损坏" in _problem(path)


def test_a_long_tag_is_refused(tmp_path: Path) -> None:
    path = _tiff(tmp_path, {**PLAIN, 42112: 0})
    data = path.read_bytes().replace(
        struct.pack("<HHII", 42112, 4, 1, 0), struct.pack("<HHII", 42112, 2, 9**9, 8)
    )
    path.write_bytes(data)
    assert "标签有" in _problem(path)


def _raster(folder: Path, transform: Affine, shape: tuple[int, int] = (60, 60), **options: object) -> Path:
    path = folder / "人口.tif"
    settings = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "float32",
        "crs": 4326,
        "transform": transform,
        **options,
    }
    with rasterio.open(path, "w", height=shape[0], width=shape[1], **settings) as raster:
        raster.write(np.ones(shape, dtype="float32"), 1)
    return path


def _read(path: Path) -> object:
    return population._count(path, packaged_counties().to_crs(population.ALBERS), 1000.0)


def _reading(path: Path) -> str:
    with pytest.raises(FaultReport) as caught:
        _read(path)
    return caught.value.faults[0].problem


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, 0.0, 1e-320])
@pytest.mark.parametrize("place", [0, 2, 4, 5])
def test_no_place_of_pixels_is_a_traceback(tmp_path: Path, value: float, place: int) -> None:
    numbers = [0.1, 0.0, 116.0, 0.0, -0.1, 36.0]
    numbers[place] = value
    path = _raster(tmp_path, Affine(0.1, 0.0, 116.0, 0.0, -0.1, 36.0))
    old = struct.pack("<3d", 0.1, 0.1, 0.0), struct.pack("<6d", 0, 0, 0, 116.0, 36.0, 0)
    new = (
        struct.pack("<3d", numbers[0], -numbers[4], 0.0),
        struct.pack("<6d", 0, 0, 0, numbers[2], numbers[5], 0),
    )
    data = path.read_bytes()
    assert data.count(old[0]) == data.count(old[1]) == 1
    path.write_bytes(data.replace(old[0], new[0]).replace(old[1], new[1]))
    # Zero is a place as well, only elsewhere; whatever else it is, it is told.
    assert _reading(path)


def test_pixels_to_read_are_bounded_before_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _raster(tmp_path, Affine(0.02, 0.0, 116.0, 0.0, -0.02, 36.0), (300, 300))
    assert _read(path)
    numbers = tmp_path / "上限.yaml"
    monkeypatch.setenv(LIMITS.name, str(numbers))
    numbers.write_text("raster.pixels_read: 1000\n", encoding="utf-8")
    assert "个像元，超过上限 1,000" in _reading(path)
    numbers.write_text("raster.pixels_unpacked: 1000\n", encoding="utf-8")
    assert "要解压" in _reading(path)
    numbers.write_text("raster.file_mb: 1\n", encoding="utf-8")
    assert _read(path)
    with path.open("ab") as handle:
        handle.truncate(1_100_000)
    assert "1.1 MB，超过上限 1 MB" in _reading(path)


def test_files_beside_a_raster_are_not_read(tmp_path: Path) -> None:
    path = _raster(tmp_path, Affine(0.02, 0.0, 116.0, 0.0, -0.02, 36.0), (300, 300))
    alone = _read(path).people
    for name in ("人口.tif.aux.xml", "人口.aux.xml", "人口.tfw", "人口.tif.ovr", "人口.tif.msk", "人口.prj"):
        (tmp_path / name).write_text("<PAMDataset><SRS>EPSG:3857</SRS></PAMDataset>")
    before = sorted(tmp_path.iterdir())
    assert _read(path).people.equals(alone)
    assert sorted(tmp_path.iterdir()) == before
