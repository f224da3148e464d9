"""Tables in text that are long, or wrong everywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data.regions.boundaries import load_region_codes
from data.registry import load_registry
from tests.hostile.case import Scene

INDICATOR_HEADER = "行政区划代码,指标,年份,数值,来源,备注\n"
FACILITY_HEADER = "名称,类型,经度,纬度\n"
_YEARS = range(1949, 2025)


def counties() -> list[str]:
    """Return the codes of the counties."""
    codes = load_region_codes()
    return sorted(codes.loc[codes["valid_to"].isna() & (codes["level"] == "county"), "adcode"])


def _lines(path: Path, header: str, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as handle:
        handle.write(header)
        handle.writelines(lines)


def ordinary_indicators(path: Path, _scene: Scene, *, rows: int = 300_000) -> None:
    """Write rows without a fault: every county, every year, known indicators, one source."""
    names = [item.id for item in load_registry().indicators]
    facts = itertools.product(names, _YEARS, counties())
    lines = (
        f"{code},{name},{year},{number % 89 + 1},公报,\n"
        for number, (name, year, code) in enumerate(itertools.islice(facts, rows))
    )
    _lines(path, INDICATOR_HEADER, lines)


def distinct_indicators(path: Path, _scene: Scene, *, rows: int = 299_000) -> None:
    """Write rows that each name an indicator of their own, which nobody knows."""
    _lines(path, INDICATOR_HEADER, (f"320102,自定指标{n:06d},2021,{n},公报,\n" for n in range(rows)))


def defined_indicators(path: Path, _scene: Scene, *, rows: int = 299_000) -> None:
    """Write rows that each define an indicator of their own, correctly."""
    header = INDICATOR_HEADER.strip() + ",单位,方向,口径\n"
    _lines(path, header, (f"320102,自定指标{n:06d},2021,{n},公报,,人,正向,甲\n" for n in range(rows)))


def wrong_everywhere(path: Path, _scene: Scene, *, rows: int = 299_000) -> None:
    """Write rows that are wrong in code, region, indicator, year, value, source and width."""
    header = "行政区划代码,地区,指标,年份,数值,来源,备注\n"
    long = "长" * 130
    _lines(
        path,
        header,
        (f"3201{n % 90:02d}9,无{n},无{n},19,x{n},{long[: 121 + n % 9]},,多\n" for n in range(rows // 3)),
    )


def formulas(path: Path, _scene: Scene, *, rows: int = 299_000) -> None:
    """Write ``=1,`` over and over: every cell a formula, in rows that a header allows."""
    _lines(path, "=1," * 40 + "\n", ("=1," * 40 + "\n" for _ in range(rows)))


def _positions(rows: int) -> np.ndarray:
    """Return positions all over the province's middle, always the same."""
    random = np.random.default_rng(13)
    return np.column_stack([random.uniform(118.6, 120.6, rows), random.uniform(31.5, 34.2, rows)])


def ordinary_facilities(path: Path, _scene: Scene, *, rows: int = 900_000) -> None:
    """Write facilities without a fault, strewn over the province."""
    kinds = ("hospital", "clinic", "pharmacy", "primary_school", "park", "library")
    lines = (
        f"设施{number},{kinds[number % 6]},{lon:.5f},{lat:.5f}\n"
        for number, (lon, lat) in enumerate(_positions(rows).tolist())
    )
    _lines(path, FACILITY_HEADER, lines)


def one_point(path: Path, _scene: Scene, *, rows: int = 20_000) -> None:
    """Write facilities that all stand on one point: their pairs grow with the square."""
    _lines(path, FACILITY_HEADER, (f"药店{number},pharmacy,118.8,32.05\n" for number in range(rows)))


def one_name_on_one_point(path: Path, _scene: Scene, *, rows: int = 20_000) -> None:
    """Write facilities of one name on one point: every pair of them is a duplicate."""
    _lines(path, FACILITY_HEADER, ("药店,pharmacy,118.8,32.05\n" for _ in range(rows)))


def within_100_m(path: Path, _scene: Scene, *, rows: int = 60_000) -> None:
    """Write facilities that all stand within a hundred metres."""
    places = 0.0005 * np.random.default_rng(7).random((rows, 2))
    lines = (
        f"药店{number},pharmacy,{118.8 + x:.7f},{32.05 + y:.7f}\n"
        for number, (x, y) in enumerate(places.tolist())
    )
    _lines(path, FACILITY_HEADER, lines)


def one_long_cell(path: Path, _scene: Scene) -> None:
    """Write a quote that never closes over forty megabytes."""
    path.write_text(INDICATOR_HEADER + '320102,"' + "甲乙丙丁戊己庚辛\n" * 1_600_000, encoding="utf-8")


def one_long_line(path: Path, _scene: Scene) -> None:
    """Write one row of twenty million cells."""
    path.write_bytes(INDICATOR_HEADER.encode() + b"," * 20_000_000 + b"\n")


def long_header(path: Path, _scene: Scene) -> None:
    """Write a header of a million columns."""
    path.write_text(",".join(f"列{number}" for number in range(1_000_000)) + "\n1\n", encoding="utf-8")
