"""The models of the plan registry: which targets are headline, which way is better, what they are held to."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from data.registry.models import Direction, Entry, Text

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
    """Different wordings of one indicator, so that targets of several plans can be compared."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    texts: Annotated[tuple[Text, ...], Field(min_length=2)]
    reason: Text
