"""What collections there are: every layer of the catalogue, indicators by level, and recorded runs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from data.registry.environment import OGC_RUNS
from data.store.store import Store, data_dir
from exports.catalogue import layer_list
from exports.layers.kinds import LayerInfo
from exports.layers.runs import RunLayer, newest_runs, run_layers

GRID, COVERAGE_CELLS = "population_grid", "coverage.cells"


@dataclass(frozen=True)
class Collection:
    """One collection.

    ``settings`` of its layer, all of them; ``years``: those an indicator has at this level, newest first,
    none for other layers; ``run``: the recorded run it is of.
    """

    info: LayerInfo
    title: str
    settings: Mapping[str, str] = field(default_factory=dict)
    years: tuple[int, ...] = ()
    run: RunLayer | None = None

    @property
    def of_cells(self) -> bool:
        """Whether its items are cells of the population grid, of which there are tiles."""
        return self.info.id in {GRID, COVERAGE_CELLS} or (
            self.run is not None and self.run.part.cells is not None
        )


def collections(store: Store) -> dict[str, Collection]:
    """Return the collections by id.

    A layer that has levels has one collection for each; other settings are their defaults. After the layers
    come the newest recorded runs, unless ``SUTU_OGC_RUNS=off``.
    """
    return _collections(store, recorded())


def recorded() -> tuple[str, ...]:
    """Return the ids of the runs that are offered; the collections change with them."""
    if OGC_RUNS.is_off():
        return ()
    return tuple(newest_runs(data_dir()))


@functools.lru_cache(maxsize=4)
def _collections(store: Store, runs: tuple[str, ...]) -> dict[str, Collection]:
    out: dict[str, Collection] = {}
    years = _years(store)
    for info in layer_list(store):
        defaults = {one.name: one.default for one in info.parameters}
        levels = next((one for one in info.parameters if one.name == "level"), None)
        if levels is None:
            out[info.id] = Collection(info, info.title, defaults)
            continue
        for level, name in levels.options.items():
            settings = {**defaults, "level": level}
            known: tuple[int, ...] = ()
            if "year" in defaults:
                known = years.get((info.id, level), ())
                if not known:
                    continue
                settings["year"] = str(known[0])
            out[f"{info.id}.{level}"] = Collection(info, f"{info.title}（{name}）", settings, known)
    if runs:
        for key, one in run_layers(store, data_dir()).items():
            out[key] = Collection(one.info, one.info.title, run=one)
    return out


def _years(store: Store) -> dict[tuple[str, str], tuple[int, ...]]:
    found = store.query(
        "SELECT indicator, level, list(DISTINCT year ORDER BY year DESC) AS years "
        "FROM fact JOIN region USING (adcode) GROUP BY indicator, level"
    )
    return {
        (f"indicator.{row['indicator']}", str(row["level"])): tuple(int(year) for year in row["years"])
        for row in found.to_dict("records")
    }
