"""The models of the plan registry: headline targets, which way is better, and the series beside them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from data.registry.loading import entries_of, mapping_of
from data.registry.models import Adcode, Direction, Entry, Identifier, Text

PlanId = Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]


class HeadlineIndicator(Entry):
    """One indicator of a plan's main table, by the text of the plan.

    ``base`` names the row of the actual value when the plan words it otherwise. ``incomparable`` says why
    the actual value cannot be held against the target although both are numbers.
    """

    KEY: ClassVar[tuple[str, ...]] = ("text",)

    text: Text
    direction: Direction
    base: str = ""
    incomparable: str = ""


class HeadlineTable(Entry):
    """A plan's table of main indicators (or, where it has none, the paragraph that stands for one)."""

    KEY: ClassVar[tuple[str, ...]] = ("plan", "table")

    plan: PlanId
    table: Text
    period: Literal["十三五", "十四五"]
    base_year: int = Field(ge=2000, le=2050)
    target_year: int = Field(ge=2000, le=2050)
    indicators: Annotated[tuple[HeadlineIndicator, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> HeadlineTable:
        texts = [entry.text for entry in self.indicators]
        twice = sorted({text for text in texts if texts.count(text) > 1})
        if twice:
            raise ValueError(f"indicators 里“{'、'.join(twice)}”写了两次，请删去一处")
        if self.base_year > self.target_year:
            raise ValueError("base_year 不能晚于 target_year")
        return self


class PlanSynonym(Entry):
    """Different wordings of one indicator, or spellings of one unit, so that rows of plans can be compared.

    The first of ``texts`` stands for all of them; of a unit it may be empty: then they mean no unit.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    of: Literal["indicator", "unit"] = "indicator"
    texts: Annotated[tuple[str, ...], Field(min_length=2)]
    reason: Text

    @model_validator(mode="after")
    def _texts_told(self) -> Self:
        if not all(self.texts[1:] if self.of == "unit" else self.texts):
            raise ValueError("texts 里不能有空的写法；只有单位的第一项可以为空，表示没有单位")
        return self


def _faults_of_synonyms(entries: tuple[PlanSynonym, ...]) -> list[str]:
    """Return texts that two entries claim, or one entry twice."""
    counted = Counter((entry.of, text) for entry in entries for text in entry.texts)
    return [
        f"条目 {entry.id}，字段 texts：“{text}”写了两次，请删去一处"
        for entry in entries
        for text in dict.fromkeys(entry.texts)
        if counted[entry.of, text] > 1
    ]


PLAN_SYNONYMS = entries_of("plan_synonyms.yaml", PlanSynonym, _faults_of_synonyms)


class TrackedSeries(Entry):
    """A target of a plan (by its own words) and the indicator and region whose series stands beside it.

    ``comparable``: ``same`` lets the target be judged by the series; ``different`` sets the two side by side
    only, and ``reason`` says what differs.
    """

    plan: PlanId
    target: Text
    scope: Text
    indicator: Identifier
    region: Adcode
    direction: Direction
    comparable: Literal["same", "different"]
    reason: str = ""

    @model_validator(mode="after")
    def _difference_told(self) -> Self:
        if self.comparable == "different" and not self.reason:
            raise ValueError("comparable 为 different 时要写 reason：差在哪里")
        return self


class RegionalMember(Entry):
    """One target of a family, by the plan's words, and what it is a share of."""

    plan: PlanId
    target: Text
    denominator: Text


class RegionalFamily(Entry):
    """Targets of one matter whose denominators may differ."""

    id: Identifier
    name: Text
    note: str = ""
    members: Annotated[tuple[RegionalMember, ...], Field(min_length=1)]


class Tracking(Entry):
    """The whole file; a target is in reach from ``able_share`` of the needed pace on."""

    able_share: Annotated[float, Field(gt=0, le=1, strict=False)]
    series: tuple[TrackedSeries, ...] = ()
    regional: tuple[RegionalFamily, ...] = ()


TRACKING = mapping_of("tracking.yaml", Tracking)


def load_tracking(folder: Path | None = None) -> Tracking:
    """Return the registry of tracked targets; `RegistryError` names file, entry and field of every fault."""
    return TRACKING.load(folder)
