"""``sutu import population``: a raster in, the store rebuilt on it; a faulty one leaves everything as it
was.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from data.store.store import open_store
from tests.test_cli import run


def _raster(path: Path, crs: str | None = "EPSG:4326") -> Path:
    values = np.tile(np.arange(1, 355, dtype=np.float32), (276, 1))
    place = Affine(1 / 60, 0, 116.2, 0, -1 / 60, 35.2)
    with rasterio.open(
        path, "w", driver="GTiff", width=354, height=276, count=1, dtype="float32", crs=crs, transform=place
    ) as target:
        target.write(values, 1)
    return path


def test_a_raster_becomes_the_pattern_of_the_store(
    own_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    before = open_store(own_data_dir).population_grid()
    result = run(
        "import", "population", str(_raster(own_data_dir / "人口.tif")), "--source", "试验栅格", "--json"
    )
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["kind"] == "population"
    told = summary["details"]
    assert told["source"] == "试验栅格"
    read = 276 * sum(range(1, 355))
    # The raster reaches beyond what is read: the extent of the province.
    assert 0.5 * read < told["people_placed"] + told["people_moved"] + told["people_outside"] <= read
    assert told["people_in_province"] == pytest.approx(told["people_placed"] + told["people_moved"], rel=0.01)
    assert f"{told['people_moved']:,.0f} 人所在处是水面或属邻县的格" in summary["notes"][-1]
    store = open_store(own_data_dir)
    after = store.population_grid()
    assert after["cell_id"].tolist() == before["cell_id"].tolist()
    assert after["population"].sum() == before["population"].sum()
    assert not after["population"].equals(before["population"])
    meta = dict(store.query("SELECT key, value FROM meta").to_numpy().tolist())
    assert meta["population_pattern"] == "raster"
    assert meta["population_source"] == "试验栅格"


def test_a_raster_of_one_run_says_what_became_of_its_people(
    own_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    asked = ("coverage", "--type", "general_hospital", "--minutes", "30", "--format", "json")
    result = run(*asked, "--population", str(_raster(own_data_dir / "人口.tif")))
    assert result.exit_code == 0, result.output
    assert "移到本县最近的格" in result.stderr
    assert sum(row["population"] for row in json.loads(result.stdout)) > 84_000_000


def test_a_raster_without_crs_is_named_and_changes_nothing(
    own_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTU_DATA_DIR", str(own_data_dir))
    before = open_store(own_data_dir).data_version
    result = run("import", "population", str(_raster(own_data_dir / "x.tif", crs=None)))
    assert result.exit_code == 1
    assert "x.tif：栅格没有坐标系信息" in result.stderr
    assert open_store(own_data_dir).data_version == before
    assert not (own_data_dir / "imports" / "population.parquet").exists()
