"""The cells of one row of an indicator table: what each means, or what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from data.ingest.cells import CellProblem, half_width, match_key, parse_number, parse_year, shown
from data.ingest.indicator_definitions import Catalogue, Definition
from data.ingest.reading import DEFINITION_SHEET
from data.ingest.region_match import RegionMatcher
from geo.region_tree import LEVEL_NAMES

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
