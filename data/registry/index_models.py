"""The models of profiles and of composite indices, packaged or in people's own files."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data.registry.loading import entries_of, load_yaml_object, mapping_of
from data.registry.models import Entry, Identifier, Text
from geo.composite import Aggregation, Normalisation, Weighting
from geo.errors import RegistryError

MOST_PARTS = 30
MOST_BYTES = 64 * 1024

Number = Annotated[float, Field(strict=False, allow_inf_nan=False)]


class IndexPart(Entry):
    """One component: an indicator, its weight (for ``expert``), and what the registry's entry leaves open.

    ``direction`` overrides the indicator's own (a neutral one needs it), ``target`` is the value that counts
    as reached under ``target``, ``year`` is another year than that of the index.
    """

    id: Identifier
    weight: Number | None = None
    direction: Literal["higher_better", "lower_better"] | None = None
    target: Number | None = None
    year: Annotated[int, Field(ge=1900, le=2100)] | None = None


class IndexSpec(Entry):
    """A composite index: its name, its components and how they are put together.

    With ``base_year`` the index of that year is made too, on one scale with ``year``, and the change between
    them is the development index (发展指数).
    """

    KEY = ("name",)

    name: Annotated[Text, Field(max_length=60)]
    level: Literal["prefecture", "county"]
    year: Annotated[int, Field(ge=1900, le=2100)]
    base_year: Annotated[int, Field(ge=1900, le=2100)] | None = None
    normalisation: Normalisation = "min_max"
    weighting: Weighting = "equal"
    aggregation: Aggregation = "arithmetic"
    note: Annotated[str, Field(max_length=500)] = ""
    parts: Annotated[tuple[IndexPart, ...], Field(min_length=1, max_length=MOST_PARTS)]


INDICES = entries_of("indices.yaml", IndexSpec)


def load_index_examples(folder: Path | None = None) -> dict[str, IndexSpec]:
    """Return the packaged indices by name; raises ``RegistryError`` listing every fault."""
    return {entry.name: entry for entry in INDICES.load(folder)}


def load_index_file(path: Path) -> IndexSpec:
    """Return the index of a person's YAML file (one mapping).

    Raises ``RegistryError`` that lists every fault with its field; also for a file that is missing or larger
    than `MOST_BYTES`.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise RegistryError(f"{path.name}：读不出来（{error.strerror}）；请确认文件存在") from error
    if size > MOST_BYTES:
        raise RegistryError(
            f"{path.name}：文件有 {size:,} 字节，最多 {MOST_BYTES:,} 字节；请检查是否给错了文件"
        )
    return load_yaml_object(path, IndexSpec)


class ProfileIndicator(Entry):
    """One indicator of the profile, in the order of the page.

    ``group`` is the heading it stands under; ``shown`` whether the profile shows it, ``structure`` whether
    it counts in finding similar regions. A level that has no values of it leaves it out.
    """

    id: Identifier
    group: Text
    shown: bool = True
    structure: bool = False


class Profiles(Entry):
    """The whole file: the indicators, and how regions are told from their peers.

    ``end_share``: so large a part of the peers, the best and the last, makes a strength and a gap.
    ``most_regions`` are compared at once, ``similar_regions`` named.
    """

    KEY = ()

    end_share: Annotated[float, Field(gt=0, le=0.5, strict=False)]
    most_regions: Annotated[int, Field(gt=0, le=20)]
    similar_regions: Annotated[int, Field(gt=0)]
    indicators: Annotated[tuple[ProfileIndicator, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.id for one in self.indicators]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"indicators 里“{'、'.join(twice)}”写了两次，请删去一处")
        return self


PROFILES = mapping_of("profiles.yaml", Profiles)


def load_profile_rules(folder: Path | None = None) -> Profiles:
    """Return the indicators of the profile and its rules; raises ``RegistryError`` listing every fault."""
    return PROFILES.load(folder)
