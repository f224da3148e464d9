"""Which regions the comparison pages show; kept across pages and in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.peers import ProfileSet, load_profiles
from data.registry.index_models import load_profile_rules
from data.store.store import Store
from geo.region_tree import LEVEL_WORDS
from pages.shared import cached, choices
from pages.shared.cached import kept_by_version, region_choices

DEFAULTS = {"prefecture": ("320500", "320300"), "county": ("320682", "320685")}


@dataclass(frozen=True)
class CompareChoice:
    """What a comparison page shows: the level, and the regions in order."""

    level: str
    regions: tuple[str, ...]


@kept_by_version(6, spinner="正在汇总各地区指标…")
def profiles_of(store: Store, level: str) -> ProfileSet:
    """Return the profiles of a level, kept in memory per data version; do not change what it returns."""
    return load_profiles(store, level)


def choose_regions(store: Store, level: str) -> CompareChoice:
    """Draw the list of regions; with none chosen the page starts with two."""
    labels = region_choices(store, level)
    word, most = LEVEL_WORDS[level], load_profile_rules().most_regions
    name = f"compare_{level}"
    if choices.is_new(name):
        choices.put_many(name, DEFAULTS[level])
    chosen = choices.choose_many(
        name,
        f"选择{word}（1 至 {most} 个）",
        list(labels),
        format_func=labels.__getitem__,
        max_selections=most,
        placeholder="请选择",
        help="第一个是主角：加入相近地区、所属各县都按它来找。不选时显示示例。",
    )
    return CompareChoice(level, chosen or DEFAULTS[level])


def short_names(store: Store, level: str, codes: Sequence[str]) -> list[str]:
    """Return how the regions are called in charts; equal names carry their prefecture."""
    names = cached.region_table(store)["name"]
    plain = [str(names[code]) for code in codes]
    labels = region_choices(store, level)
    return [labels[code] if plain.count(name) > 1 else name for code, name in zip(codes, plain, strict=True)]
