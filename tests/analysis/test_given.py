"""What a run is made of is gathered once: how often the store is entered for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis.circles import CircleRequest, prepare_circles
from analysis.coverage import CoverageRequest, prepare_coverage
from analysis.given import gather
from cli import app
from data.store.store import Store, open_store

HOSPITALS = CoverageRequest(types=("general_hospital",))


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return a counter of the methods of the store that are called from outside it, from now on."""
    calls: Counter[str] = Counter()
    depth = [0]

    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Store, *args: Any, **options: Any) -> Any:
            if depth[0] == 0:
                calls[name] += 1
            depth[0] += 1
            try:
                return method(self, *args, **options)
            finally:
                depth[0] -= 1

        return call

    for name, method in vars(Store).items():
        if callable(method) and not name.startswith("_"):
            monkeypatch.setattr(Store, name, counted(name, method))
    return calls


def test_the_command_coverage_enters_the_store_once_for_each_thing(
    own_data_dir: Path, monkeypatch: pytest.MonkeyPatch, entered: Counter[str]
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    open_store()
    entered.clear()
    result = CliRunner().invoke(app, ["coverage", "--type", "general_hospital", "--minutes", "30"])
    assert result.exit_code == 0, result.output
    assert entered == dict.fromkeys(("region_table", "population_grid", "facilities", "facts", "regions"), 1)


def test_all_services_of_a_circle_share_what_is_gathered(
    built_store: Store, tmp_path: Path, entered: Counter[str]
) -> None:
    prepare_circles(gather(built_store, tmp_path), CircleRequest(within="320300"))
    # The borders come in two: those that a facility's distance to the edge needs, and the full ones.
    assert entered == {"region_table": 1, "population_grid": 1, "facilities": 1, "regions": 2}


def test_a_second_run_of_the_same_reads_nothing(
    built_store: Store, tmp_path: Path, entered: Counter[str]
) -> None:
    given = gather(built_store, tmp_path)
    first = prepare_coverage(given, HOSPITALS)
    entered.clear()
    second = prepare_coverage(given, HOSPITALS)
    assert not entered and second.notes == first.notes
    assert second.table(30.0).equals(first.table(30.0))


def test_what_is_handed_over_stands_in_place_of_the_store(
    built_store: Store, tmp_path: Path, entered: Counter[str]
) -> None:
    own = built_store.facilities().query("type == 'general_hospital'").head(3)
    people = built_store.population_grid().query("adcode == '320102'")
    entered.clear()
    given = gather(built_store, tmp_path, facilities=own, cells=people)
    found = prepare_coverage(given, HOSPITALS)
    assert list(found.facilities["id"]) == list(own["id"]) and len(found.cells) == len(people)
    assert not given.of_the_store and gather(built_store).of_the_store
    assert not {"facilities", "population_grid", "facts"} & set(entered)


def test_roads_and_times_lie_where_the_store_does(built_store: Store, built_data_dir: Path) -> None:
    assert gather(built_store).data_dir.resolve() == built_data_dir.resolve()
