"""The rows of an indicator table, checked one by one: slow, and in the order in which a person would."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from data.ingest.cells import CellProblem, half_width, match_key, parse_number, parse_year, shown
from data.ingest.indicator_definitions import Catalogue, Definition
from data.ingest.indicator_rows import FIRST_YEAR
from data.ingest.matching import RegionMatcher
from data.ingest.reading import DEFINITION_SHEET, FaultList
from geo.region_tree import LEVEL_NAMES


class NaiveRowChecker:
    """Checks every cell of every row; a row with a fault gives no fact, and all faults are kept."""

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
        self._regions: dict[tuple[str, str], str | CellProblem] = {}

    def check(
        self, frame: pd.DataFrame, headers: dict[str, str], *, decimal_comma_risk: bool
    ) -> tuple[pd.DataFrame, list[str]]:
        """Return the facts of ``frame`` (text, keys of ``FORM_COLUMNS``; index: row numbers)."""
        rows = []
        first: dict[tuple[Any, ...], tuple[int, float | None]] = {}
        for row, cells in zip(frame.index, frame.to_dict("records"), strict=True):
            texts = {str(key): str(value) for key, value in cells.items()}
            fact = self._fact(int(row), texts, headers, decimal_comma_risk)
            if fact is None:
                continue
            key = tuple(fact[name] for name in ("adcode", "indicator", "year", "source"))
            if key in first:
                self._duplicate(int(row), fact, first[key])
                continue
            first[key] = (int(row), fact["value"])
            rows.append(fact)
        columns = ["row", "adcode", "indicator", "year", "value", "source", "note"]
        return pd.DataFrame(rows, columns=columns), self._notes()

    def _notes(self) -> list[str]:
        notes = []
        if self.by_name:
            notes.append(f"{self.by_name} 行没有代码，已按地区名称匹配")
        if self.full_width:
            notes.append(f"{self.full_width} 个数值写成全角，已按半角读入")
        return notes

    def _duplicate(self, row: int, fact: dict[str, Any], first: tuple[int, float | None]) -> None:
        same = "数值也相同" if fact["value"] == first[1] else "数值不同"
        indicator = self.catalogue.by_id[fact["indicator"]].name
        what = f"{self.matcher.names[fact['adcode']]} {fact['year']} 年“{indicator}”"
        problem = f"与第 {first[0]} 行重复（{what}，同一来源，{same}）"
        self.faults.add(row, None, problem, "每个地区、指标、年份、来源只留一行")

    def _fact(
        self, row: int, texts: dict[str, str], headers: dict[str, str], decimal_comma_risk: bool
    ) -> dict[str, Any] | None:
        """Return the fact of one row, or None after adding everything wrong with it."""
        problems: list[tuple[str, CellProblem]] = []

        def attempt(key: str, read: Callable[..., Any], *given: Any) -> Any:
            try:
                return read(*given)
            except CellProblem as problem:
                problems.append((key, problem))
                return None

        adcode = attempt("adcode", self._region, texts["adcode"], texts["region"])
        definition = attempt("indicator", self._indicator, texts["indicator"])
        if definition is not None and texts["unit"]:
            attempt("unit", self._check_unit, texts["unit"], definition)
        year = attempt("year", self._year, texts["year"])
        value = attempt("value", self._value, texts, definition, decimal_comma_risk)
        source = attempt("source", self._source, texts["source"])
        if adcode is not None and definition is not None:
            attempt("adcode", self._check_level, adcode, definition)
        for key, problem in problems:
            self.faults.add(row, headers[key], problem.problem, problem.remedy)
        if problems:
            return None
        return {
            "row": row,
            "adcode": adcode,
            "indicator": definition.id,
            "year": year,
            "value": value,
            "source": source,
            "note": texts["note"] or None,
        }

    def _check_unit(self, unit: str, definition: Definition) -> None:
        if match_key(unit) != match_key(definition.unit):
            problem = f"单位写的是“{shown(unit)}”，“{definition.name}”的单位是“{definition.unit}”"
            raise CellProblem(problem, f"把数值换算成“{definition.unit}”，单位也照此填写")

    def _check_level(self, adcode: str, definition: Definition) -> None:
        level = self.matcher.levels[adcode]
        if definition.levels and level not in definition.levels:
            wanted = "、".join(LEVEL_NAMES[name] for name in definition.levels)
            problem = f"{self.matcher.names[adcode]}是{LEVEL_NAMES[level]}，“{definition.name}”只用于{wanted}"
            raise CellProblem(problem, "改成适用层级的地区，或在指标定义里补上该层级")

    def _region(self, code: str, name: str) -> str:
        key = (code, name)
        if key not in self._regions:
            try:
                self._regions[key] = self.matcher.match(code, name)
            except CellProblem as fault:
                self._regions[key] = fault
        found = self._regions[key]
        if isinstance(found, CellProblem):
            raise found
        self.by_name += not code
        return found

    def _indicator(self, text: str) -> Definition:
        if not text:
            raise CellProblem("没有写指标", "填写指标名称或标识")
        found = self.catalogue.find(text)
        if found is None:
            near = self.catalogue.nearest(text)
            hint = f"可能是“{near}”；若是新指标，" if near else ""
            remedy = f"{hint}在“{DEFINITION_SHEET}”工作表登记（CSV 则加 单位、方向、口径 三列）"
            raise CellProblem(f"没有名为“{shown(text)}”的指标", remedy)
        return found

    def _year(self, text: str) -> int:
        if not text:
            raise CellProblem("没有写年份", "填写四位年份，如 2020")
        return parse_year(text, FIRST_YEAR, self.last_year)

    def _value(
        self, texts: dict[str, str], definition: Definition | None, decimal_comma_risk: bool
    ) -> float | None:
        text = texts["value"]
        if not text:
            if texts["note"]:
                return None
            raise CellProblem("没有数值", "填写数值；确实没有的，在“备注”列写明原因")
        percent = definition is None or definition.unit == "%"
        number = parse_number(text, percent=percent, decimal_comma_risk=decimal_comma_risk)
        self.full_width += half_width(text) != text
        if definition is None:
            return number
        low, high = definition.minimum, definition.maximum
        if low is not None and number < low:
            less = "负数" if low == 0 else f"{number:g}，小于 {low:g}"
            problem = f"“{definition.name}”不能是{less}"
            raise CellProblem(problem, "核对正负号和单位")
        if high is not None and number > high:
            problem = f"“{definition.name}”为 {number:g}{definition.unit}，大于 {high:g}{definition.unit}"
            raise CellProblem(problem, "核对数值、分子分母和单位")
        return number

    def _source(self, text: str) -> str:
        title = half_width(text)
        if not title:
            raise CellProblem("没有写来源", "填写资料名称，如《××市统计年鉴 2023》")
        if len(title) > 120:
            raise CellProblem(f"来源有 {len(title)} 字，超过 {120} 字", "只写资料名称，说明写到“备注”列")
        if match_key(title) in self.reserved:
            problem = f"“{shown(title)}”是内置来源的名称"
            raise CellProblem(problem, "换一个来源名称，以便与内置数据分开")
        return title
