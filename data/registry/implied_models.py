"""The model of ``implied.yaml``: which facilities the plans' own standards imply, and where they are put."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data.registry.loading import entries_of
from data.registry.models import Entry, Identifier, Text

Place = Literal["county_seat", "township", "gazette", "airport"]


class ImpliedRule(Entry):
    """One kind of built-in facility.

    ``place``: at every county seat; at every township whose name ends in one of ``endings``; where the
    gazette names one of ``named_type``; at every airport. ``name_suffix`` follows the name of the county or
    township. ``source`` is an id of ``sources.yaml``; ``seed_line`` the line that the rule rests on.
    """

    id: Identifier
    type: Identifier
    level: str = ""
    place: Place
    endings: tuple[Text, ...] = ()
    named_type: str = ""
    name_suffix: str = ""
    precision: Literal["implied", "seat"]
    source: Identifier
    seed_line: Annotated[str, Field(pattern=r"^(\d{3}:\d+)?$")] = ""
    rule: Text

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.endings) != (self.place == "township"):
            raise ValueError("place 为 township 时必须写 endings（名称末字），其他不写")
        if bool(self.named_type) != (self.place == "gazette"):
            raise ValueError("place 为 gazette 时必须写 named_type，其他不写")
        if bool(self.name_suffix) != (self.place in {"county_seat", "township"}):
            raise ValueError("place 为 county_seat 或 township 时必须写 name_suffix，其他不写")
        return self


IMPLIED = entries_of("implied.yaml", ImpliedRule)


def load_implied_rules(folder: Path | None = None) -> tuple[ImpliedRule, ...]:
    """Return the rules of ``implied.yaml``; ``RegistryError`` (Chinese) when it is missing or faulty."""
    return IMPLIED.load(folder)
