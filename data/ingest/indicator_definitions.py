"""Indicators that a person's table may speak of: those of the registry, and those it defines itself."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import pandas as pd

from data.faults import FaultReport
from data.ingest.cells import CellProblem, Hints, half_width, match_key, number_text, parse_number, shown
from data.ingest.matching import Column
from data.ingest.reading import FaultList
from data.registry import Registry
from data.registry.limit_models import exceeded, limit
from geo.region_tree import LEVEL_OF_WORD

DEFINITION_COLUMNS: Final = (
    Column("name", "指标名称", ("指标", "indicator"), required=True),
    Column("id", "指标标识", ("标识",)),
    Column("unit", "单位", ("计量单位",), required=True),
    Column("direction", "方向", ("指标方向",), required=True),
    Column("definition", "口径", ("指标口径", "定义"), required=True),
    Column("domain", "领域", ("类别",)),
    Column("kind", "类型", ("指标类型",)),
    Column("numerator", "分子"),
    Column("denominator", "分母"),
    Column("decimals", "小数位", ("小数位数",)),
    Column("minimum", "最小值"),
    Column("maximum", "最大值"),
    Column("levels", "适用层级", ("层级",)),
)

DIRECTIONS: Final = {
    "正向": "higher_better",
    "越高越好": "higher_better",
    "逆向": "lower_better",
    "越低越好": "lower_better",
    "中性": "neutral",
}
KINDS: Final = {
    "数量": "amount",
    "比率": "ratio",
    "均值": "mean",
    "密度": "density",
    "变化": "change",
}
_CHANGE_WORDS = ("增长", "增速", "增减", "增幅", "变化")
_SHARE_ENDINGS = ("率", "比重", "占比", "比例")
_ID = re.compile(r"[a-z][a-z0-9_]{1,63}")


@dataclass(frozen=True)
class Definition:
    """One indicator as the import needs it; ``minimum`` and ``maximum`` bound its values where they can."""

    id: str
    name: str
    unit: str
    direction: str
    domain: str
    kind: str
    definition: str
    numerator: str = ""
    denominator: str = ""
    decimals: int = 2
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Definition":
        """Return the definition that ``as_dict`` wrote."""
        return cls(**{**content, "levels": tuple(content["levels"])})


def value_bounds(name: str, unit: str, kind: str) -> tuple[float | None, float | None]:
    """Return the smallest and largest possible value of an indicator, None where there is no bound.

    Only a change can be negative; a share (unit %, named 率、比重、占比 or 比例) cannot exceed 100, while a
    ratio of two different things (抚养比, 老少比) can.
    """
    if kind == "change":
        return None, None
    is_share = unit == "%" and kind == "ratio" and name.endswith(_SHARE_ENDINGS)
    return 0.0, 100.0 if is_share else None


class Catalogue:
    """The indicators known before a file is read, found by id or name."""

    def __init__(self, registry: Registry, imported: Iterable[Definition] = ()) -> None:
        """Take the registry's indicators and, behind them, those defined by earlier imports."""
        self.builtin: dict[str, Definition] = {}
        for entry in registry.indicators:
            low, high = value_bounds(entry.name, entry.unit, entry.kind)
            self.builtin[entry.id] = Definition(
                id=entry.id,
                name=entry.name,
                unit=entry.unit,
                direction=entry.direction,
                domain=entry.domain,
                kind=entry.kind,
                definition=entry.definition,
                numerator=entry.numerator,
                denominator=entry.denominator,
                decimals=entry.decimals,
                minimum=low,
                maximum=high,
            )
        self.imported = {item.id: item for item in imported if item.id not in self.builtin}
        self.by_id: dict[str, Definition] = {**self.imported, **self.builtin}
        self._by_name = {match_key(item.name): item.id for item in self.by_id.values()}
        self._hints = Hints(cutoff=0.6)

    def add(self, definition: Definition) -> None:
        """Make a definition of the file at hand known, in place of one imported earlier."""
        self.by_id[definition.id] = definition
        self._by_name[match_key(definition.name)] = definition.id

    def find(self, text: str) -> Definition | None:
        """Return the indicator whose id or name ``text`` is."""
        key = match_key(text)
        return self.by_id.get(key) or self.by_id.get(self._by_name.get(key, ""))

    def nearest(self, text: str) -> str | None:
        """Return the name of the indicator that reads most like ``text``; looked for a few texts only."""
        near = self._hints.nearest(text, self._by_name)
        return self.by_id[self._by_name[near]].name if near else None


def generated_id(name: str) -> str:
    """Return the id of an indicator that came without one: the same name always gives the same id."""
    return f"user_{hashlib.sha256(match_key(name).encode()).hexdigest()[:10]}"


def read_definitions(
    frame: pd.DataFrame, headers: dict[str, str], catalogue: Catalogue, faults: FaultList
) -> list[Definition]:
    """Return the indicators that the rows of ``frame`` define (text, keys of ``DEFINITION_COLUMNS``).

    Every wrong cell is added to ``faults`` under its header text; a row with a fault defines nothing. A row
    for an indicator of the registry is a fault unless it says the same unit. Raises ``FaultReport`` with what
    was found so far when there are more than may be.
    """
    if len(frame) > limit("indicators.definitions"):
        fault = exceeded("indicators.definitions", faults.file, len(frame))
        faults.add(None, None, fault.problem, fault.remedy)
        raise FaultReport(faults.report())
    found: dict[str, tuple[int, Definition]] = {}
    for row, cells in zip(frame.index, frame.to_dict("records"), strict=True):
        number = int(row)
        texts = {str(key): str(text) for key, text in cells.items()}
        known = catalogue.find(texts["id"] or texts["name"])
        if known is not None and known.id in catalogue.builtin:
            if match_key(texts["unit"]) != match_key(known.unit):
                problem = f"“{known.name}”是登记表里已有的指标，单位是“{known.unit}”"
                faults.add(number, headers["unit"], problem, "删去这一行；口径不同的指标请另起名称")
            continue
        definition = _DefinitionRow(number, texts, headers, faults).definition()
        if definition is None:
            continue
        earlier = found.get(definition.id)
        if earlier is not None and earlier[1] != definition:
            problem = f"指标“{shown(definition.name)}”与第 {earlier[0]} 行的定义不一致"
            faults.add(number, headers["name"], problem, "同一指标只定义一次")
            continue
        found.setdefault(definition.id, (number, definition))
    return [definition for _, definition in found.values()]


def definition_rows(definitions: Iterable[Definition]) -> list[tuple[str, ...]]:
    """Return the form's sheet of definitions, its head first: ``read_definitions`` reads the same back."""
    words = {
        key: {value: word for word, value in reversed(choices.items())}
        for key, choices in (("direction", DIRECTIONS), ("kind", KINDS), ("levels", LEVEL_OF_WORD))
    }
    rows = [tuple(column.header for column in DEFINITION_COLUMNS)]
    for one in definitions:
        texts = {
            **one.as_dict(),
            "direction": words["direction"][one.direction],
            "kind": words["kind"][one.kind],
            "decimals": str(one.decimals),
            "minimum": "" if one.minimum is None else number_text(one.minimum),
            "maximum": "" if one.maximum is None else number_text(one.maximum),
            "levels": "、".join(words["levels"][level] for level in one.levels),
        }
        rows.append(tuple(texts[column.key] for column in DEFINITION_COLUMNS))
    return rows


class _DefinitionRow:
    """One row of definitions under way: each reader method returns a value or adds a fault."""

    def __init__(self, row: int, texts: dict[str, str], headers: dict[str, str], faults: FaultList) -> None:
        self.row, self.texts, self.headers, self.faults = row, texts, headers, faults
        self.sound = True

    def fault(self, key: str, problem: str, remedy: str) -> None:
        """Add a fault of this row."""
        self.sound = False
        self.faults.add(self.row, self.headers[key], problem, remedy)

    def word(self, key: str, words: dict[str, str], default: str = "") -> str:
        """Return the value that a word of a list stands for; any other word is a fault."""
        text = match_key(self.texts[key])
        choices = {match_key(word): value for word, value in words.items()} | {v: v for v in words.values()}
        if text and text not in choices:
            problem = f"“{shown(self.texts[key])}”不是可选的{self.headers[key]}"
            self.fault(key, problem, f"从 {'、'.join(words)} 中选一个")
        return choices.get(text, default)

    def number(self, key: str) -> float | None:
        """Return a number, None where the cell is empty; a text is a fault."""
        try:
            return parse_number(self.texts[key]) if self.texts[key] else None
        except CellProblem as fault:
            self.fault(key, fault.problem, fault.remedy)
            return None

    def identifier(self) -> str:
        """Return the id as written, or one made from the name."""
        text = half_width(self.texts["id"]).lower()
        if text and not _ID.fullmatch(text):
            remedy = "用小写字母开头，只含小写字母、数字和下划线；也可留空"
            self.fault("id", f"标识“{shown(text)}”不合规", remedy)
        return text or generated_id(self.texts["name"])

    def levels(self) -> tuple[str, ...]:
        """Return the levels named; an unknown one is a fault."""
        words = [word for word in re.split(r"[、,，;；/\s]+", self.texts["levels"]) if word]
        unknown = [word for word in words if word not in LEVEL_OF_WORD]
        if unknown:
            remedy = f"从 {'、'.join(LEVEL_OF_WORD)} 中选，几个层级用顿号隔开；也可留空"
            self.fault("levels", f"“{shown(unknown[0])}”不是可选的层级", remedy)
        return tuple(sorted({LEVEL_OF_WORD[word] for word in words if word in LEVEL_OF_WORD}))

    def decimals(self) -> int:
        """Return the decimals to show."""
        number = self.number("decimals")
        if number is not None and number not in range(7):
            self.fault("decimals", f"小数位 {number:g} 不在 0—6 之间", "填写 0 到 6 的整数")
        return 2 if number is None else int(number)

    def definition(self) -> Definition | None:
        """Return the definition of the row, or None after adding what is wrong with it."""
        for column in DEFINITION_COLUMNS:
            if column.required and not self.texts[column.key]:
                self.fault(column.key, f"新指标缺少{column.header}", f"填写{column.header}")
        name, unit = half_width(self.texts["name"]), half_width(self.texts["unit"])
        kind = self.word("kind", KINDS, default=_default_kind(name, unit))
        low, high = value_bounds(name, unit, kind)
        minimum, maximum = self.number("minimum"), self.number("maximum")
        if minimum is not None and maximum is not None and minimum > maximum:
            self.fault("minimum", "最小值大于最大值", "核对两个值")
        result = Definition(
            id=self.identifier(),
            name=name,
            unit=unit,
            direction=self.word("direction", DIRECTIONS),
            domain=half_width(self.texts["domain"]) or "其他",
            kind=kind,
            definition=self.texts["definition"],
            numerator=self.texts["numerator"],
            denominator=self.texts["denominator"],
            decimals=self.decimals(),
            minimum=low if minimum is None else minimum,
            maximum=high if maximum is None else maximum,
            levels=self.levels(),
        )
        return result if self.sound else None


def _default_kind(name: str, unit: str) -> str:
    """Return the kind of an indicator whose definition does not say it."""
    if any(word in name for word in _CHANGE_WORDS):
        return "change"
    return "ratio" if unit in {"%", "‰"} else "amount"
