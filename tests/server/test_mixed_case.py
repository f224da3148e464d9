"""One mixed case, roads for a part and lines for the rest: command, page, export, /ogc and briefing agree."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from typer.testing import CliRunner

from analysis.coverage import PARTLY, CoverageRequest
from analysis.left_out import STRAIGHT
from analysis.runs import list_runs
from cli import app as command_line
from data.ingest.osm import import_osm
from data.registry import load_registry
from data.store.store import Store, open_store
from layers.model import format_number
from pages.coverage.answers import coverage_answers
from reports.briefing import briefing, report_bytes
from reports.region import Briefings
from server.routes import routes
from tests.real_data import real_path
from tests.server.ogc_asking import items

pytestmark = pytest.mark.xdist_group("ogc")
TYPE, MODE, MINUTES, SUZHOU, GUSU = "community_health_centre", "walk", 15, "320500", "320508"


@pytest.fixture
def streets(built_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Give the commands, the pages and the server a store with the walkable streets of 姑苏区."""
    own = Path(shutil.copytree(built_data_dir, tmp_path / "streets"))
    store = open_store(own)
    import_osm(
        real_path("osm/gusu_walk.osm.pbf"),
        own,
        store.regions("county", zoom="full").reset_index(drop=True),
    )
    monkeypatch.setenv("SUTU_DATA_DIR", str(own))
    yield open_store(own)


def command(*arguments: object) -> str:
    """Return what a command prints."""
    told = CliRunner().invoke(command_line, [*map(str, arguments)])
    assert told.exit_code == 0, told.stderr
    return str(told.stdout)


def test_five_ways_to_ask_give_one_answer(streets: Store, tmp_path: Path, report_font: Path) -> None:
    asked = ("coverage", "--type", TYPE, "--mode", MODE, "--minutes", MINUTES, "--format", "json")
    rows = {row["adcode"]: row for row in json.loads(command(*asked))}
    gusu = rows[GUSU]
    assert 0.0 < gusu["population_coverage"] < 1.0
    assert 0 <= gusu["straight_population"] < gusu["population"]
    assert rows["320582"]["straight_population"] == rows["320582"]["population"]

    request = CoverageRequest(types=(TYPE,), mode=MODE)
    page = coverage_answers(streets, request, lambda _step: None)
    shown = page.table(MINUTES, "county", "population").set_index("adcode")
    for code, row in rows.items():
        for name in ("population", "covered_population", "straight_population", "edge_population"):
            assert shown.loc[code, name] == pytest.approx(row[name], abs=1.0), (code, name)
    assert PARTLY in page.analysis.method

    target = tmp_path / "regions.csv"
    settings = (f"type={TYPE}", f"mode={MODE}", f"minutes={MINUTES}", "level=county")
    options = [part for one in settings for part in ("--set", one)]
    command("export", "coverage.regions", *options, "--fields", "en", "--format", "csv", "--out", target)
    exported = {row["adcode"]: row for row in read_csv(target)}
    (run,) = list_runs(streets.folder.parent)
    told = items(Starlette(routes=routes()), f"run.{run.id}", limit=200)["features"]
    by_url = {one["properties"]["adcode"]: one["properties"] for one in told}
    assert exported.keys() == by_url.keys() == rows.keys()
    for code, row in rows.items():
        for name in ("population_coverage", "straight_population"):
            assert float(exported[code][name]) == pytest.approx(row[name], rel=1e-3, abs=1.0e-3), (code, name)
            assert by_url[code][name] == pytest.approx(row[name], rel=1e-3, abs=1.0e-3), (code, name)

    made = Briefings(streets, load_registry(), streets.folder.parent, report_font)
    text = report_bytes(briefing(made, GUSU), "html", made).decode()
    assert f"{format_number(100.0 * gusu['population_coverage'], 1)}%" in text
    straight = [note for note in page.analysis.notes if STRAIGHT in note]
    assert straight and all(f"{note}" in text for note in straight)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of an exported table."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))
