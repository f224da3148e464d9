"""The pydantic models of the registry files; each entry is frozen and refuses unknown fields."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Adcode = Annotated[str, Field(pattern=r"^\d{6}$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Direction = Literal["higher_better", "lower_better", "neutral"]
Quality = Literal["official", "secondary", "derived"]
IndicatorKind = Literal["count", "ratio", "mean", "density", "change", "amount"]
Comparable = Literal["exact", "approximate", "none"]

_TERM = re.compile(r"^(?:(?P<weight>-?\d+(?:\.\d+)?)\*)?(?P<column>[a-z][a-z0-9_]*)$")
_YEARS = re.compile(r"^(\d{4})-(\d{4})$")


def _expand_years(value: Any) -> Any:
    """``2000-2023`` stands for every year from 2000 to 2023."""
    match = _YEARS.match(value) if isinstance(value, str) else None
    if match:
        return tuple(range(int(match[1]), int(match[2]) + 1))
    return tuple(value) if isinstance(value, list) else value


def _tuple_values(value: Any) -> Any:
    """Return a mapping with its lists turned to tuples, which a strict model asks for."""
    if isinstance(value, dict):
        return {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    return value


Years = Annotated[tuple[int, ...], BeforeValidator(_expand_years), Field(min_length=1)]

_COMPUTE_FIELDS = {
    "count": {"numerator"},
    "amount": {"numerator"},
    "density": {"numerator"},
    "ratio": {"numerator", "denominator"},
    "mean": {"numerator", "denominator"},
    "change": {"of", "change"},
}


class Entry(BaseModel):
    """One entry of a registry file; ``KEY`` names the fields that must be unique together."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)
    KEY: ClassVar[tuple[str, ...]] = ("id",)

    @property
    def key(self) -> tuple[object, ...]:
        """Return the values of the ``KEY`` fields."""
        return tuple(getattr(self, field) for field in self.KEY)

    @model_validator(mode="before")
    @classmethod
    def _lists_to_tuples(cls, data: Any) -> Any:
        """A YAML list stands for a tuple, which a strict model would refuse."""
        return _tuple_values(data)


class Compute(Entry):
    """How an indicator follows from the counts, or from another indicator.

    ``numerator`` and ``denominator`` name counts (``counts.yaml``); ``of`` names the indicator a change is
    taken of, and ``change`` says how: as a difference, or as a percentage of the earlier value.
    """

    numerator: Identifier | None = None
    denominator: Identifier | None = None
    of: Identifier | None = None
    change: Literal["difference", "percent"] | None = None


class Indicator(Entry):
    """One indicator: what people read about it, and how it is computed."""

    id: Identifier
    name: Text
    unit: Text
    direction: Direction
    domain: Text
    kind: IndicatorKind
    definition: Text
    numerator: Text
    denominator: str = ""
    scale: float = Field(default=1.0, gt=0)
    decimals: int = Field(ge=0, le=6)
    quality: Quality
    source: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    years: Years
    compute: Compute
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = _COMPUTE_FIELDS[self.kind]
        given = {field for field, value in self.compute if value is not None}
        if given != needed:
            raise ValueError(f"kind 为 {self.kind} 时，compute 里应恰好写 {'、'.join(sorted(needed))}")
        if (self.kind in {"ratio", "mean"}) != bool(self.denominator):
            raise ValueError("kind 为 ratio 或 mean 时必须写 denominator（分母说明），其他 kind 不写")
        return self


class Count(Entry):
    """A quantity that may be added up over regions: what the numerators and denominators are made of.

    Either ``sum`` (columns of the source table, each with an optional weight, ``0.5*age_1_4_male``;
    ``extra`` adds columns that only one year has), or ``product`` (a published mean times its base).
    """

    id: Identifier
    name: Text
    unit: Text
    table: Literal["census", "economy"] = "census"
    sum: tuple[str, ...] = ()
    product: tuple[Identifier, ...] = ()
    extra: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    years: Years = (2010, 2020)
    status: Literal["observed", "estimated"] = "observed"
    note: str = ""

    @field_validator("extra", mode="before")
    @classmethod
    def _extra_tuples(cls, value: Any) -> Any:
        return _tuple_values(value)

    @model_validator(mode="after")
    def _terms_are_well_formed(self) -> Self:
        if bool(self.sum) == bool(self.product):
            raise ValueError("sum 和 product 必须且只能写一个")
        if self.product and len(self.product) != 2:
            raise ValueError("product 应为两列：平均数和它的基数")
        for term in (*self.sum, *(term for terms in self.extra.values() for term in terms)):
            if not _TERM.match(term):
                raise ValueError(f"“{term}”写法不对，应为 列名 或 权数*列名")
        return self

    def terms(self, year: int) -> tuple[tuple[float, str], ...]:
        """Return ``(weight, column)`` of each term of the sum in ``year``."""
        matches = [_TERM.match(term) for term in (*self.sum, *self.extra.get(year, ()))]
        return tuple((float(m["weight"] or 1), m["column"]) for m in matches if m is not None)

    def columns(self, year: int) -> tuple[str, ...]:
        """Return every column of the source table that the count reads in ``year``."""
        return self.product or tuple(column for _, column in self.terms(year))


class CountGroup(Entry):
    """Columns that together make up a published total, so that an empty cell among them can be deduced."""

    KEY: ClassVar[tuple[str, ...]] = ("total", "year")

    total: Identifier
    year: int
    parts: Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Source(Entry):
    """Where figures come from, who published them, under which licence, and how they were obtained."""

    id: Identifier
    title: Text
    publisher: Text
    doc_no: str = ""
    date: Text
    licence: Text
    quality: Quality
    obtained: Text


class Zone(Entry):
    """A census unit that is no county, and the county whose polygon holds it."""

    KEY: ClassVar[tuple[str, ...]] = ("zone_code", "year")

    zone_code: Adcode
    name: Text
    county: Adcode
    year: int
    kind: Literal["zone", "predecessor"]
    reason: Text


class CensusChange(Entry):
    """What became of a county-level unit of 2010 by 2020, and whether its figures still compare.

    A unit counts whole towards ``county``, unless ``change`` is ``part``: then only some of it went there.
    """

    KEY: ClassVar[tuple[str, ...]] = ("code_2010", "county")

    code_2010: Adcode
    name_2010: Text
    county: Adcode
    name_2020: Text
    change: Literal["renamed", "merged", "moved", "part"]
    comparable: Comparable
    effective: Text
    reason: Text


class CensusFlag(Entry):
    """A remark that travels with every census figure of a county in a year."""

    KEY: ClassVar[tuple[str, ...]] = ("county", "year")

    county: Adcode
    year: int
    flag: Text
    reason: Text


class CensusCorrection(Entry):
    """A cell of the transcribed census that is provably wrong, and the value the other cells prove."""

    KEY: ClassVar[tuple[str, ...]] = ("year", "adcode", "column")

    year: int
    adcode: Adcode
    column: Identifier
    transcribed: int
    corrected: int
    reason: Text


class SeriesFlag(Entry):
    """A remark on one value, or one break, of a yearly series."""

    KEY: ClassVar[tuple[str, ...]] = ("series", "adcode", "year")

    series: Identifier
    adcode: Adcode | Literal["*"]
    year: int
    flag: Text
    reason: Text


class Palette(Entry):
    """Colours for 3 to 9 classes, from the lowest class to the highest; of categories one list."""

    id: Identifier
    name: Text
    kind: Literal["sequential", "diverging", "qualitative"]
    use: Text
    colours: dict[int, tuple[Colour, ...]]

    @field_validator("colours", mode="before")
    @classmethod
    def _colour_tuples(cls, value: Any) -> Any:
        return _tuple_values(value)

    @model_validator(mode="after")
    def _one_colour_per_class(self) -> Self:
        if self.kind != "qualitative" and set(self.colours) != set(range(3, 10)):
            raise ValueError("colours 应给出 3 至 9 级")
        if self.kind == "qualitative" and len(self.colours) != 1:
            raise ValueError("类别的 colours 只写一列；用几个就取前几个")
        wrong = [k for k, colours in self.colours.items() if len(set(colours)) != k]
        if wrong:
            raise ValueError(f"colours 的第 {wrong[0]} 级应恰有 {wrong[0]} 个不同的颜色")
        return self

    @property
    def longest(self) -> tuple[str, ...]:
        """The colours of the most classes: of categories all of them, in order."""
        return self.colours[max(self.colours)]


class Setting(Entry):
    """A value that an office may change without touching code."""

    id: Identifier
    name: Text
    value: int | float | str
    unit: str = ""
    description: Text


_Listed = Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Overview(Entry):
    """The indicators of the page 总览: of its cards, its map (the first comes first) and its comparison."""

    KEY = ()

    cards: _Listed
    mapped: _Listed
    compared: _Listed

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for field, names in self:
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{field} 里“{'、'.join(twice)}”写了两次，请删去一处")
        return self
