"""Who may use a way, in which direction, and whom a barrier stops: tags read by the table of the registry.

The table is ``roads`` of ``osm_mapping.yaml``; docs/methods/osm.md shows it. Each distinct combination of
tags is looked at once. Meanings follow the OpenStreetMap wiki (Key:access, Key:oneway, Tag:route=ferry,
Key:ferry, Key:barrier).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data.ingest.osm_source import unescape
from data.ingest.osm_tags import UNDIRECTED, parse_oneway
from data.registry.osm_models import AccessRule, FerryCarriage, RoadRules

FERRY = "ferry"
"""The ``route`` value of a ferry, and the ``highway`` value of its edges."""

UNSTATED = -1
"""No tag says whether a mode may use a way: the road class decides."""

_FORWARD, _BACKWARD = ":forward", ":backward"
_DIRECTIONS = (_FORWARD, _BACKWARD)
_CONDITIONAL = ":conditional"
_SHOWN, _SHOWN_CHARS = 12, 40


@dataclass(frozen=True)
class AccessTold:
    """What was met in the access tags of an extract, for people to know.

    ``unknown_ways``: ways with an access value that neither ``allow`` nor ``deny`` has; ``unknown``: these
    (``key=value``) with the number of ways, the most frequent first, a dozen of them. ``conditional_ways``:
    ways with an access tag or a direction that depends on the hour, which is not applied. ``ferries``: ferry
    ways; ``silent_ferries``: those whose tags do not say whom they carry. ``barriers``: by mode, how many
    barriers on roads stop it; ``unknown_barriers``: kinds that the table lacks, with their number.
    """

    unknown_ways: int = 0
    unknown: tuple[tuple[str, int], ...] = ()
    conditional_ways: int = 0
    ferries: int = 0
    silent_ferries: int = 0
    barriers: tuple[tuple[str, int], ...] = ()
    unknown_barriers: tuple[tuple[str, int], ...] = ()


def plain_told(told: AccessTold) -> dict[str, Any]:
    """Return what was met as plain values, which JSON can hold."""
    return {
        name: [list(pair) for pair in value] if isinstance(value, tuple) else value
        for name, value in asdict(told).items()
    }


def told_of_plain(said: Mapping[str, Any]) -> AccessTold:
    """Return what ``plain_told`` made plain, each value of the type it must have."""
    return AccessTold(
        int(said["unknown_ways"]),
        _pairs(said["unknown"]),
        int(said["conditional_ways"]),
        int(said["ferries"]),
        int(said["silent_ferries"]),
        _pairs(said["barriers"]),
        _pairs(said["unknown_barriers"]),
    )


def _pairs(said: Any) -> tuple[tuple[str, int], ...]:
    return tuple((str(text), int(count)) for text, count in said)


@dataclass(frozen=True)
class WayAccess:
    """What the tags of a way say: per mode 1, 0 or ``UNSTATED`` in the order of the rules; the direction.

    ``oneway``: 1, -1 or 0, for the directed mode. ``unknown``: the access tags (``key=value``) that say
    nothing known. ``silent``: a ferry whose tags do not say whom it carries.
    """

    modes: tuple[int, ...]
    oneway: int
    unknown: tuple[str, ...]
    silent: bool


class AccessTable:
    """The rules of access, ready to be applied to the tags of ways and of barriers."""

    def __init__(self, rules: RoadRules) -> None:
        """Take the rules of the registry."""
        self._rules: RoadRules = rules
        self._meanings = dict.fromkeys(rules.allow, 1) | dict.fromkeys(rules.deny, 0)
        self._carries: dict[str, FerryCarriage] = {entry.mode: entry for entry in rules.ferry.carries}
        self._stops = {kind: row.stops for row in rules.barriers.table for kind in row.kinds}
        self._directed: AccessRule = next(rule for rule in rules.access if rule.directed)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the plain keys that `way` looks at."""
        named = ("highway", "route", "junction", "oneway", "motorroad", *self._rules.ferry.class_keys)
        return tuple(dict.fromkeys([*named, *self._rules.access_keys]))

    @property
    def seldom_keys(self) -> dict[str, tuple[str, ...]]:
        """Return further keys that `way` looks at, and those of conditions, by what they have in common."""
        keys = self._rules.access_keys
        return {
            "oneway:": tuple(f"oneway:{key}" for key in self._directed.keys),
            **{f"{direction}=": tuple(f"{key}{direction}" for key in keys) for direction in _DIRECTIONS},
            f"{_CONDITIONAL}=": self.conditional_keys,
        }

    @property
    def conditional_keys(self) -> tuple[str, ...]:
        """Return the keys of access and direction that depend on conditions; none is applied."""
        parts = ("", *_DIRECTIONS)
        keys = [f"{key}{part}" for key in self._rules.access_keys for part in parts]
        return tuple(f"{key}{_CONDITIONAL}" for key in [*keys, "oneway"])

    def way(self, tags: Mapping[str, str]) -> WayAccess:
        """Return what the tags of a road or ferry say."""
        directed = 0
        modes = []
        for rule in self._rules.access:
            base = self._tagged_direction(rule, tags) if rule.directed else 0
            verdict, direction = self._mode(rule, tags, base)
            modes.append(verdict)
            directed = direction if rule.directed else directed
        return WayAccess(tuple(modes), directed, self._unknown(tags), self._silent(tags))

    def barrier_stops(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Return the modes that a barrier with these tags stops."""
        return tuple(rule.mode for rule in self._rules.access if not self._passes(rule, tags))

    def knows_barrier(self, tags: Mapping[str, str]) -> bool:
        """Return whether the kind of the barrier is in the table."""
        return self._kind(tags) in self._stops

    def _kind(self, tags: Mapping[str, str]) -> str:
        return _first_part(tags[self._rules.barriers.key_name])

    def _passes(self, rule: AccessRule, tags: Mapping[str, str]) -> bool:
        stated, own = self._stated(rule, tags, "")
        if own or stated == 0:
            return stated == 1
        barriers = self._rules.barriers
        return not barriers.locked.holds(dict(tags)) and rule.mode not in self._stops.get(
            self._kind(tags), ()
        )

    def _meaning(self, tags: Mapping[str, str], key: str, direction: str) -> int:
        """Return what one key says of a direction: its own form for it first."""
        for name in (f"{key}{direction}", key):
            if name in tags:
                meaning = self._meanings.get(_first_part(tags[name]), UNSTATED)
                if meaning != UNSTATED:
                    return meaning
        return UNSTATED

    def _stated(self, rule: AccessRule, tags: Mapping[str, str], direction: str) -> tuple[int, bool]:
        """Return what the most specific key says, and whether that key is the mode's own."""
        for key in rule.keys:
            meaning = self._meaning(tags, key, direction)
            if meaning != UNSTATED:
                return meaning, key in rule.own
        return UNSTATED, False

    def _mode(self, rule: AccessRule, tags: Mapping[str, str], base: int) -> tuple[int, int]:
        """Return (verdict, direction) of a mode on a way that runs as ``base`` says (1, -1, 0)."""
        look = self._on_ferry if tags.get("route") == FERRY else self._on_road
        closed = tags.get("highway") in rule.closed
        ahead, back = (look(rule, tags, direction) for direction in _DIRECTIONS)
        # Where one direction is opened against the class, the other stays as the class has it.
        runs = [
            may_run and verdict != 0 and not (closed and verdict == UNSTATED and other == 1)
            for may_run, verdict, other in ((base >= 0, ahead, back), (base <= 0, back, ahead))
        ]
        if not any(runs):
            return 0, base
        open_ones = [verdict for verdict, runs_so in zip((ahead, back), runs, strict=True) if runs_so]
        return max(open_ones), int(runs[0]) - int(runs[1])

    def _on_road(self, rule: AccessRule, tags: Mapping[str, str], direction: str) -> int:
        stated, own = self._stated(rule, tags, direction)
        if own:
            return stated
        if tags.get("motorroad") == "yes" and rule.mode in self._rules.motorroad_denies:
            return 0
        return UNSTATED if stated == 1 and tags.get("highway") in rule.closed else stated

    def _on_ferry(self, rule: AccessRule, tags: Mapping[str, str], direction: str) -> int:
        stated, own = self._stated(rule, tags, direction)
        if own or stated == 0:
            return stated
        carries = self._carries[rule.mode]
        opened = any(self._meaning(tags, key, direction) == 1 for key in carries.opened_by)
        if opened or self._is_car_ferry(tags):
            return 1
        return UNSTATED if carries.untagged else 0

    def _is_car_ferry(self, tags: Mapping[str, str]) -> bool:
        ferry = self._rules.ferry
        return any(tags.get(key) in ferry.car_classes for key in ferry.class_keys)

    def _tagged_direction(self, rule: AccessRule, tags: Mapping[str, str]) -> int:
        """Return 1, -1 or 0: as tagged for the mode, else for all, else as implied by the kind of road."""
        for key in (*(f"oneway:{key}" for key in rule.keys), "oneway"):
            stated = parse_oneway(tags[key]) if key in tags else UNDIRECTED
            if stated != UNDIRECTED:
                return stated
        rules = self._rules
        implied = (
            tags.get("highway") in rules.oneway_highways or tags.get("junction") in rules.oneway_junctions
        )
        return int(implied)

    def _unknown(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Return the access tags whose value says nothing known."""
        names = [f"{key}{part}" for key in self._rules.access_keys for part in ("", *_DIRECTIONS)]
        given = ((name, _first_part(tags[name])) for name in names if name in tags)
        return tuple(f"{name}={text}" for name, text in given if text not in self._meanings)

    def _silent(self, tags: Mapping[str, str]) -> bool:
        """Return whether these are the tags of a ferry that do not say whom it carries."""
        if tags.get("route") != FERRY or self._is_car_ferry(tags):
            return False
        said = (self._meaning(tags, key, part) for key in self._rules.access_keys for part in _DIRECTIONS)
        return all(meaning == UNSTATED for meaning in said)


def _first_part(text: str) -> str:
    """Return the first of the values that a list (``a;b``) has."""
    return text.split(";", 1)[0].strip()


@dataclass(frozen=True)
class WaysAccess:
    """What the tags of n ways say: ``modes`` int8[n] per mode (1, 0, ``UNSTATED``), ``oneway`` int8[n]."""

    modes: dict[str, NDArray[np.int8]]
    oneway: NDArray[np.int8]
    told: AccessTold


def ways_access(columns: Mapping[str, pa.ChunkedArray], rules: RoadRules) -> WaysAccess:
    """Return what the tags of ways say; ``columns`` has a column for every key that `AccessTable` names."""
    table = AccessTable(rules)
    looked_at = [*table.keys, *(key for keys in table.seldom_keys.values() for key in keys)]
    conditional = set(table.conditional_keys)
    wanted = {key: columns[key] for key in dict.fromkeys(looked_at) if key not in conditional}
    code, combinations = distinct_combinations(wanted)
    found = [table.way(tags) for tags in combinations]
    verdicts = np.array([one.modes for one in found], dtype=np.int8).reshape(len(found), len(rules.access))
    directions = np.array([one.oneway for one in found], dtype=np.int8)
    return WaysAccess(
        {rule.mode: verdicts[code, column] for column, rule in enumerate(rules.access)},
        directions[code],
        _told(found, combinations, np.bincount(code, minlength=len(found)), _any_given(columns, conditional)),
    )


def _told(
    found: Sequence[WayAccess],
    combinations: Sequence[Mapping[str, str]],
    ways: NDArray[Any],
    conditional: int,
) -> AccessTold:
    unknown: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for one, tags, count in zip(found, combinations, ways.tolist(), strict=True):
        unknown.update(dict.fromkeys(one.unknown, count))
        totals["unknown"] += count if one.unknown else 0
        totals["ferries"] += count if tags.get("route") == FERRY else 0
        totals["silent"] += count if one.silent else 0
    return AccessTold(
        totals["unknown"], most_frequent(unknown), conditional, totals["ferries"], totals["silent"]
    )


def most_frequent(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the most frequent texts with their numbers: a dozen at most, short and fit to print."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    return tuple((_printed(text[:_SHOWN_CHARS]), count) for text, count in ordered)


def _printed(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _any_given(columns: Mapping[str, pa.ChunkedArray], keys: Iterable[str]) -> int:
    """Return how many ways have any of the keys."""
    given = [
        columns[key].is_valid().to_numpy()
        for key in sorted(keys)
        if columns[key].null_count < len(columns[key])
    ]
    return int(np.logical_or.reduce(given).sum()) if given else 0


def distinct_combinations(
    columns: Mapping[str, pa.ChunkedArray],
) -> tuple[NDArray[np.int64], list[dict[str, str]]]:
    """Return for every row the number of its combination of texts, and the combinations as tags."""
    rows = len(next(iter(columns.values())))
    code = np.zeros(rows, dtype=np.int64)
    given = {key: column for key, column in columns.items() if column.null_count < rows}
    for column in given.values():
        coded = column.combine_chunks().dictionary_encode()
        texts = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
        code = pd.factorize(code * (len(coded.dictionary) + 1) + texts)[0].astype(np.int64)
    # A row that stands for each combination: the last to be written.
    example = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.int64)
    example[code] = np.arange(rows)
    picked = {key: column.take(pa.array(example)).to_pylist() for key, column in given.items()}
    return code, [
        {key: unescape(texts[number]) for key, texts in picked.items() if texts[number] is not None}
        for number in range(len(example))
    ]
