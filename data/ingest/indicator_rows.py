"""The rows of an indicator table, checked column by column with every fault told, as facts.

Tables repeat their texts: each different one is read once, and what follows from pairs of them (a name
beside a code, a value for its indicator) is computed for whole columns. Only rows that have something wrong,
and of those only as many as are listed, are looked at one by one to word it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from data.ingest.cells import CellProblem, half_width, match_key, parse_number, parse_year, shown
from data.ingest.indicator_definitions import DEFINITION_COLUMNS, Catalogue, Definition
from data.ingest.matching import Column, RegionMatcher
from data.ingest.reading import DEFINITION_SHEET, FaultList
from geo.region_tree import LEVEL_NAMES

__all__ = [
    "FACT_COLUMNS",
    "FIRST_YEAR",
    "FORM_COLUMNS",
    "INLINE_COLUMNS",
    "CheckedRows",
    "IndicatorCells",
    "RowChecker",
]

FIRST_YEAR: Final = 1949
_MAX_SOURCE = 120


class IndicatorCells:
    """Reads the cells of indicator tables; each method raises ``CellProblem`` for what it cannot read."""

    def __init__(
        self,
        catalogue: Catalogue,
        matcher: RegionMatcher,
        *,
        last_year: int,
        reserved_sources: frozenset[str],
        decimal_comma_risk: bool,
    ) -> None:
        """Start; ``reserved_sources`` are the comparison forms of every built-in source's id and title."""
        self.catalogue = catalogue
        self.matcher = matcher
        self.last_year = last_year
        self.reserved = reserved_sources
        self.decimal_comma_risk = decimal_comma_risk

    def problems(self, texts: Mapping[str, str]) -> list[tuple[str, CellProblem]]:
        """Return everything wrong with a row (text by key of the form), each with the key of its column."""
        found: list[tuple[str, CellProblem]] = []

        def attempt(key: str, read: Callable[..., Any], *given: Any) -> Any:
            try:
                return read(*given)
            except CellProblem as problem:
                found.append((key, problem))
                return None

        adcode = attempt("adcode", self.matcher.match, texts["adcode"], texts["region"])
        definition = attempt("indicator", self.indicator, texts["indicator"])
        if definition is not None and texts["unit"]:
            attempt("unit", self.check_unit, texts["unit"], definition)
        attempt("year", self.year, texts["year"])
        attempt("value", self._value, texts, definition)
        attempt("source", self.source, texts["source"])
        if adcode is not None and definition is not None:
            attempt("adcode", self._check_level, adcode, definition)
        return found

    def indicator(self, text: str) -> Definition:
        """Return the indicator that a cell names."""
        if not text:
            raise CellProblem("没有写指标", "填写指标名称或标识")
        found = self.catalogue.find(text)
        if found is None:
            near = self.catalogue.nearest(text)
            hint = f"可能是“{near}”；若是新指标，" if near else ""
            remedy = f"{hint}在“{DEFINITION_SHEET}”工作表登记（CSV 则加 单位、方向、口径 三列）"
            raise CellProblem(f"没有名为“{shown(text)}”的指标", remedy)
        return found

    def check_unit(self, unit: str, definition: Definition) -> None:
        """Refuse a unit that is not the indicator's."""
        if match_key(unit) != match_key(definition.unit):
            problem = f"单位写的是“{shown(unit)}”，“{definition.name}”的单位是“{definition.unit}”"
            raise CellProblem(problem, f"把数值换算成“{definition.unit}”，单位也照此填写")

    def year(self, text: str) -> int:
        """Return the year that a cell states."""
        if not text:
            raise CellProblem("没有写年份", "填写四位年份，如 2020")
        return parse_year(text, FIRST_YEAR, self.last_year)

    def number(self, text: str, *, percent: bool) -> float:
        """Return the number that a cell states; ``percent`` where the indicator is measured in per cent."""
        return parse_number(text, percent=percent, decimal_comma_risk=self.decimal_comma_risk)

    def source(self, text: str) -> str:
        """Return the title of the source that a cell names."""
        title = half_width(text)
        if not title:
            raise CellProblem("没有写来源", "填写资料名称，如《××市统计年鉴 2023》")
        if len(title) > _MAX_SOURCE:
            raise CellProblem(
                f"来源有 {len(title)} 字，超过 {_MAX_SOURCE} 字", "只写资料名称，说明写到“备注”列"
            )
        if match_key(title) in self.reserved:
            problem = f"“{shown(title)}”是内置来源的名称"
            raise CellProblem(problem, "换一个来源名称，以便与内置数据分开")
        return title

    def _value(self, texts: Mapping[str, str], definition: Definition | None) -> None:
        """Refuse a value that is none, or that its indicator cannot have."""
        text = texts["value"]
        if not text:
            if texts["note"]:
                return
            raise CellProblem("没有数值", "填写数值；确实没有的，在“备注”列写明原因")
        number = self.number(text, percent=definition is None or definition.unit == "%")
        if definition is None:
            return
        low, high = definition.minimum, definition.maximum
        if low is not None and number < low:
            less = "负数" if low == 0 else f"{number:g}，小于 {low:g}"
            raise CellProblem(f"“{definition.name}”不能是{less}", "核对正负号和单位")
        if high is not None and number > high:
            problem = f"“{definition.name}”为 {number:g}{definition.unit}，大于 {high:g}{definition.unit}"
            raise CellProblem(problem, "核对数值、分子分母和单位")

    def _check_level(self, adcode: str, definition: Definition) -> None:
        """Refuse a region of a level that the indicator is not used for."""
        level = self.matcher.levels[adcode]
        if definition.levels and level not in definition.levels:
            wanted = "、".join(LEVEL_NAMES[name] for name in definition.levels)
            problem = f"{self.matcher.names[adcode]}是{LEVEL_NAMES[level]}，“{definition.name}”只用于{wanted}"
            raise CellProblem(problem, "改成适用层级的地区，或在指标定义里补上该层级")


FACT_COLUMNS: Final = (
    Column("adcode", "行政区划代码", ("区划代码", "地区代码", "代码", "code"), required=True),
    Column("region", "地区", ("地区名称", "行政区划", "行政区划名称")),
    Column("indicator", "指标", ("指标名称", "指标标识"), required=True),
    Column("year", "年份", ("年度", "年"), required=True),
    Column("value", "数值", ("值", "指标值"), required=True),
    Column("source", "来源", ("数据来源", "资料来源"), required=True),
    Column("note", "备注", ("说明",)),
)
INLINE_COLUMNS: Final = tuple(
    Column(column.key, column.header, column.aliases)
    for column in DEFINITION_COLUMNS
    if column.key not in {"name", "id"}
)
"""Columns in which a CSV, which has no second sheet, may define a new indicator beside its values."""

FORM_COLUMNS: Final = FACT_COLUMNS + INLINE_COLUMNS

_READ: Final = ("adcode", "region", "indicator", "unit", "year", "value", "source", "note")


@dataclass
class CheckedRows:
    """Facts that passed (``frame``: row, adcode, indicator, year, value, source title, note), and remarks."""

    frame: pd.DataFrame
    notes: list[str]


@dataclass(frozen=True)
class _Coded:
    """A column by its different texts, in order of appearance; ``codes`` says which one each row has."""

    codes: np.ndarray
    texts: list[str]

    @classmethod
    def of(cls, column: pd.Series) -> "_Coded":
        """Return a column of text by its different texts."""
        codes, texts = pd.factorize(column)
        return cls(codes.astype(np.int64), [str(text) for text in texts])

    def filled(self) -> np.ndarray:
        """Return which rows have a text that is not empty."""
        found: np.ndarray = np.array([bool(text) for text in self.texts], dtype=bool)[self.codes]
        return found


@dataclass(frozen=True)
class _Meant:
    """What the rows of a column mean: each a number of the list ``meanings``, -1 where it is a fault."""

    codes: np.ndarray
    meanings: list[Any]

    @property
    def wrong(self) -> np.ndarray:
        """Return which rows are at fault."""
        return self.codes < 0


def _meanings(keys: list[Any], codes: np.ndarray, read: Callable[[Any], Any]) -> _Meant:
    """Return what each row means, reading every different key once; equal meanings get one number."""
    numbers: dict[Any, int] = {}
    meant = np.full(len(keys), -1, dtype=np.int64)
    for place, key in enumerate(keys):
        try:
            value = read(key)
        except CellProblem:
            # Worded later, for the rows that are listed.
            continue
        meant[place] = numbers.setdefault(value, len(numbers))
    return _Meant(meant[codes], list(numbers))


def _pairs(left: _Coded, right: _Coded) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Return the different pairs of texts of two columns, and which one each row has."""
    width = len(right.texts)
    codes, found = pd.factorize(left.codes * width + right.codes)
    pairs = [(left.texts[pair // width], right.texts[pair % width]) for pair in found.tolist()]
    return pairs, codes


class RowChecker:
    """Checks every cell of every row; a row with a fault gives no fact, and all faults are told."""

    def __init__(
        self,
        catalogue: Catalogue,
        matcher: RegionMatcher,
        *,
        last_year: int,
        reserved_sources: frozenset[str],
        faults: FaultList,
    ) -> None:
        """Start; ``reserved_sources`` are the comparison forms of every built-in source's id and title."""
        self.catalogue = catalogue
        self.matcher = matcher
        self.last_year = last_year
        self.reserved = reserved_sources
        self.faults = faults
        self.full_width = 0
        self.by_name = 0

    def check(self, frame: pd.DataFrame, headers: dict[str, str], *, decimal_comma_risk: bool) -> CheckedRows:
        """Return the facts of ``frame`` (text, keys of ``FORM_COLUMNS``; index: row numbers)."""
        cells = IndicatorCells(
            self.catalogue,
            self.matcher,
            last_year=self.last_year,
            reserved_sources=self.reserved,
            decimal_comma_risk=decimal_comma_risk,
        )
        table = _Table(frame, headers, cells)
        self.by_name, self.full_width = table.by_name, table.full_width
        sound = np.flatnonzero(~table.wrong_rows())
        first = table.first_of_its_key(sound)
        repeated = first != sound
        self._report(table, sound[repeated], first[repeated])
        return CheckedRows(table.facts(sound[~repeated]), self._notes())

    def _notes(self) -> list[str]:
        notes = []
        if self.by_name:
            notes.append(f"{self.by_name} 行没有代码，已按地区名称匹配")
        if self.full_width:
            notes.append(f"{self.full_width} 个数值写成全角，已按半角读入")
        return notes

    def _report(self, table: "_Table", repeated: np.ndarray, first: np.ndarray) -> None:
        """Add the faults in order of rows: worded while the list takes them, the rest counted."""
        firsts = dict(zip(repeated.tolist(), first.tolist(), strict=True))
        wrong = np.union1d(np.flatnonzero(table.wrong_rows()), repeated)
        for done, place in enumerate(wrong.tolist()):
            if self.faults.full:
                self.faults.count(table.count_faults(wrong[done:], self.faults))
                self.faults.count(int((repeated >= place).sum()))
                return
            row = table.row(place)
            if place in firsts:
                self._duplicate(table, place, firsts[place])
                continue
            for key, problem in table.cells.problems(table.texts(place)):
                self.faults.add(row, table.headers[key], problem.problem, problem.remedy)

    def _duplicate(self, table: "_Table", place: int, first: int) -> None:
        values = table.numbers[[place, first]]
        same = "数值也相同" if values[0] == values[1] or np.isnan(values).all() else "数值不同"
        adcode, definition, year = table.meaning(place)
        what = f"{self.matcher.names[adcode]} {year} 年“{definition.name}”"
        problem = f"与第 {table.row(first)} 行重复（{what}，同一来源，{same}）"
        self.faults.add(table.row(place), None, problem, "每个地区、指标、年份、来源只留一行")


class _Table:
    """A table read column by column: what its cells mean, and ``wrong``, which cells are at fault.

    ``wrong`` has a mask of rows for each kind of fault with the key of its column; two may be of one column.
    """

    def __init__(self, frame: pd.DataFrame, headers: Mapping[str, str], cells: IndicatorCells) -> None:
        self.frame, self.headers, self.cells = frame, headers, cells
        self._rows = frame.index.to_numpy()
        text = {key: _Coded.of(frame[key]) for key in _READ if key != "note"}
        pairs, codes = _pairs(text["adcode"], text["region"])
        self.region = _meanings(pairs, codes, lambda pair: cells.matcher.match(*pair))
        self.by_name = int((~text["adcode"].filled() & ~self.region.wrong).sum())
        # Several texts may name one indicator, and so may the id: the definition itself is what they mean.
        self.indicator = _meanings(text["indicator"].texts, text["indicator"].codes, cells.indicator)
        self.year = _meanings(text["year"].texts, text["year"].codes, cells.year)
        self.source = _meanings(text["source"].texts, text["source"].codes, cells.source)
        self.numbers, wrong_value, self.full_width = self._numbers(text["value"])
        self.wrong: list[tuple[str, np.ndarray]] = [
            ("adcode", self.region.wrong),
            ("indicator", self.indicator.wrong),
            ("unit", self._wrong_units(text["unit"])),
            ("year", self.year.wrong),
            ("value", wrong_value),
            ("source", self.source.wrong),
            ("adcode", self._wrong_levels()),
        ]

    def row(self, place: int) -> int:
        """Return the number that a person counts for a row."""
        return int(self._rows[place])

    def texts(self, place: int) -> dict[str, str]:
        """Return the cells of a row."""
        return {key: str(self.frame[key].iloc[place]) for key in _READ}

    def meaning(self, place: int) -> tuple[str, Definition, int]:
        """Return region, indicator and year of a row without fault."""
        adcode, definition, year = (
            one.meanings[one.codes[place]] for one in (self.region, self.indicator, self.year)
        )
        return adcode, definition, year

    def wrong_rows(self) -> np.ndarray:
        """Return which rows have any fault."""
        found: np.ndarray = np.logical_or.reduce([mask for _, mask in self.wrong])
        return found

    def count_faults(self, places: np.ndarray, faults: FaultList) -> int:
        """Return how many faults the rows at some places have, without those of unreadable cells."""
        count = 0
        for key, mask in self.wrong:
            told = faults.unreadable_rows(self.headers[key])
            rows = self._rows[places[mask[places]]]
            count += len(rows) - int(np.isin(rows, list(told)).sum())
        return count

    def first_of_its_key(self, places: np.ndarray) -> np.ndarray:
        """Return, for rows without fault, the first row of the same region, indicator, year and source."""
        keys = np.zeros(len(places), dtype=np.int64)
        for one in (self.region, self.indicator, self.year, self.source):
            # Regions, indicators, years and sources of a table multiply to far less than 2**63.
            keys = keys * max(len(one.meanings), 1) + one.codes[places]
        codes, found = pd.factorize(keys)
        first = np.empty(len(found), dtype=np.int64)
        first[codes[::-1]] = places[::-1]
        return first[codes]

    def facts(self, places: np.ndarray) -> pd.DataFrame:
        """Return the facts of rows without fault."""

        def text(meant: _Meant, words: list[str]) -> pd.Series:
            return pd.Series(pd.array(words, dtype="str").take(meant.codes[places]))

        note = self.frame["note"].iloc[places].reset_index(drop=True)
        years = np.array(self.year.meanings, dtype=np.int64)
        return pd.DataFrame(
            {
                "row": self._rows[places],
                "adcode": text(self.region, self.region.meanings),
                "indicator": text(self.indicator, [one.id for one in self.indicator.meanings]),
                "year": years[self.year.codes[places]] if len(places) else years[:0],
                "value": self.numbers[places],
                "source": text(self.source, self.source.meanings),
                "note": note.where(note != "", None),
            }
        )

    def _per_indicator(self, values: list[Any], unknown: Any) -> np.ndarray:
        """Return a property of each row's indicator; ``unknown`` where the indicator is at fault."""
        # The last one stands where the code is -1.
        found: np.ndarray = np.array([*values, unknown])[self.indicator.codes]
        return found

    def _numbers(self, text: _Coded) -> tuple[np.ndarray, np.ndarray, int]:
        """Return the values (NaN where there is none), which are at fault, and how many are full-width."""
        known: list[Definition] = self.indicator.meanings
        percent = self._per_indicator([one.unit == "%" for one in known], unknown=True)
        codes, found = pd.factorize(text.codes * 2 + percent)
        numbers = np.full(len(found), np.nan)
        wide = np.zeros(len(found), dtype=bool)
        wrong = np.zeros(len(found), dtype=bool)
        for place, key in enumerate(found.tolist()):
            word = text.texts[key // 2]
            if not word:
                continue
            try:
                numbers[place] = self.cells.number(word, percent=bool(key % 2))
            except CellProblem:
                wrong[place] = True
            else:
                wide[place] = half_width(word) != word
        values, unread = numbers[codes], wrong[codes]
        nothing = ~text.filled() & (self.frame["note"] == "").to_numpy(dtype=bool)
        low = self._per_indicator([-np.inf if one.minimum is None else one.minimum for one in known], -np.inf)
        high = self._per_indicator([np.inf if one.maximum is None else one.maximum for one in known], np.inf)
        return values, unread | nothing | (values < low) | (values > high), int(wide[codes].sum())

    def _wrong_units(self, unit: _Coded) -> np.ndarray:
        """Return the rows whose unit is not that of their indicator."""
        asked = unit.filled() & ~self.indicator.wrong
        wrong = np.zeros(len(asked), dtype=bool)
        width = len(unit.texts)
        codes, found = pd.factorize(self.indicator.codes[asked] * width + unit.codes[asked])
        refused = np.zeros(len(found), dtype=bool)
        for place, pair in enumerate(found.tolist()):
            try:
                self.cells.check_unit(unit.texts[pair % width], self.indicator.meanings[pair // width])
            except CellProblem:
                refused[place] = True
        wrong[asked] = refused[codes]
        return wrong

    def _wrong_levels(self) -> np.ndarray:
        """Return the rows whose region is of a level that their indicator is not used for."""
        both = ~self.region.wrong & ~self.indicator.wrong
        levels = [self.cells.matcher.levels[adcode] for adcode in self.region.meanings]
        names = sorted(set(levels))
        fits = np.array(
            [[not one.levels or name in one.levels for name in names] for one in self.indicator.meanings],
            dtype=bool,
        ).reshape(len(self.indicator.meanings), len(names))
        places = np.array([names.index(level) for level in levels], dtype=np.int64)
        wrong = np.zeros(len(both), dtype=bool)
        wrong[both] = ~fits[self.indicator.codes[both], places[self.region.codes[both]]]
        return wrong
