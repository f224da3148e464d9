"""Checking by columns says what checking by rows says: the same faults in the same order, the same facts."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.faults import Fault
from data.ingest import reading
from data.ingest.indicator_definitions import Catalogue, Definition
from data.ingest.indicator_rows import FORM_COLUMNS, RowChecker
from data.ingest.matching import RegionMatcher
from data.ingest.reading import FaultList
from data.regions.boundaries import load_region_codes
from data.registry import load_registry
from tests.oracles.indicator_rows_naive import NaiveRowChecker

CODES = load_region_codes()
REGIONS = CODES[CODES["valid_to"].isna()]
REGISTRY = load_registry()
BEDS = Definition(
    "beds", "床位", "张", "neutral", "其他", "amount", "床位", minimum=5, maximum=90, levels=("prefecture",)
)
HEADERS = {column.key: column.header for column in FORM_COLUMNS}
CELLS = {
    "adcode": [
        "",
        "320100",
        "320102",
        "３２０１０２",
        "320000",
        "320106",
        "320999",
        "110000",
        "x",
        "3201021",
    ],
    "region": ["", "", "", "南京市", "玄武区", "鼓楼区", "鼓搂区", "无锡"],
    "indicator": ["", "常住人口", "population", "城镇化率", "床位", "beds", "ＢＥＤＳ", "常驻人口", "全无"],
    "unit": ["", "", "", "万人", "人", "%", "张"],
    "year": ["", "2020", "2020", "2020年", "２０２０", "1900", "2020-01-01"],
    "value": ["", "1", "1.0", "60", "６０", "-3", "98", "120", "1,234", "1,23", "5%", "nan", "9" * 17, "甲"],
    "source": ["", "甲", "甲", "甲 ", "乙", "census_2020", "丙" * 130],
    "note": ["", "", "没有公布", "初步"],
}
ROWS = st.fixed_dictionaries({key: st.sampled_from(cells) for key, cells in CELLS.items()})
PLAUSIBLE = st.fixed_dictionaries(
    {
        key: st.sampled_from([cells[0], *good])
        for key, cells, good in (
            ("adcode", ["320102"], ["320102", "320100"]),
            ("region", [""], [""]),
            ("indicator", ["常住人口"], ["床位"]),
            ("unit", [""], [""]),
            ("year", ["2020"], ["2021", "2020年"]),
            ("value", ["7"], ["7.0", "８", ""]),
            ("source", ["甲"], ["乙"]),
            ("note", [""], ["缺"]),
        )
    }
)


def _checked(
    kind: type[RowChecker] | type[NaiveRowChecker], frame: pd.DataFrame, told: list[Fault], *, risk: bool
) -> tuple[list[Fault], int, pd.DataFrame, list[str]]:
    faults = FaultList("表.csv", None)
    faults.extend(told)
    catalogue = Catalogue(REGISTRY, [BEDS])
    checker = kind(
        catalogue,
        RegionMatcher(REGIONS),
        last_year=2026,
        reserved_sources=frozenset({"census_2020"}),
        faults=faults,
    )
    found = checker.check(frame, HEADERS, decimal_comma_risk=risk)
    facts, notes = found if isinstance(found, tuple) else (found.frame, found.notes)
    return faults.faults, faults.uncounted, facts, notes


def _plain(facts: pd.DataFrame) -> list[list[object]]:
    return [[None if pd.isna(cell) else cell for cell in row] for row in facts.to_numpy(dtype=object)]


@pytest.mark.parametrize("cap", [5_000, 4, 0])
@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(ROWS | PLAUSIBLE, max_size=12),
    gaps=st.lists(st.integers(1, 3), min_size=12, max_size=12),
    unread=st.lists(st.tuples(st.integers(2, 12), st.sampled_from(sorted(HEADERS.values()))), max_size=3),
    risk=st.booleans(),
)
def test_columns_and_rows_agree(
    cap: int,
    rows: list[dict[str, str]],
    gaps: list[int],
    unread: list[tuple[int, str]],
    risk: bool,
) -> None:
    index = pd.Series(gaps[: len(rows)], dtype="int64").cumsum() + 1
    keys = [column.key for column in FORM_COLUMNS]
    texts = {key: [row.get(key, "") for row in rows] for key in keys}
    frame = pd.DataFrame(texts, index=pd.Index(index, dtype="int64"), dtype="str")
    told = [Fault("表.csv", None, row, column, "看不清", "重打") for row, column in unread]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MAX_FAULTS", cap)
        quick, naive = (_checked(kind, frame, told, risk=risk) for kind in (RowChecker, NaiveRowChecker))
    assert quick[:2] == naive[:2]
    assert _plain(quick[2]) == _plain(naive[2])
    assert quick[3] == naive[3]
    assert list(quick[2].columns) == list(naive[2].columns)
