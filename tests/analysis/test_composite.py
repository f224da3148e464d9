"""Indices from specifications: examples hold, undefined stays undefined with names, saved ones come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.composite import FOLDER, compute_index, list_indices, read_index, save_index
from data.registry.index_models import IndexPart, IndexSpec, load_index_examples
from data.store.store import Store
from geo.errors import CompositeError, StoreError

EXAMPLES = load_index_examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_computed_and_says_it_is_one(built_store: Store, name: str) -> None:
    spec = EXAMPLES[name]
    analysis = compute_index(built_store, spec)
    assert "示例" in name and spec.note
    assert analysis.result.frame["score"].notna().sum() >= 13
    assert np.isclose(analysis.result.weights.sum(), 1.0)
    assert analysis.sources
    table = analysis.table()
    assert table["rank"].dropna().is_monotonic_increasing
    assert (table.dropna()["best"] <= table.dropna()["worst"]).all()


def test_a_county_without_a_component_has_no_index_and_the_reason_names_it(built_store: Store) -> None:
    spec = IndexSpec(
        name="十年变化",
        level="county",
        year=2020,
        parts=(IndexPart(id="urbanisation_change"), IndexPart(id="tap_water_share")),
    )
    frame = compute_index(built_store, spec).result.frame
    lost = frame[frame["score"].isna()]
    assert len(lost) > 0
    assert set(lost["reason"]) == {"城镇化率变化：没有数值"}


def test_two_years_stand_on_one_scale_and_what_is_not_comparable_says_so(built_store: Store) -> None:
    analysis = compute_index(built_store, EXAMPLES["基本公共服务水平指数（普查示例）"])
    assert analysis.progress is not None and analysis.now is not None and analysis.base is not None
    both = np.concatenate([analysis.now.parts.to_numpy(), analysis.base.parts.to_numpy()])
    assert np.nanmin(both, axis=0) == pytest.approx(0.0) and np.nanmax(both, axis=0) == pytest.approx(100.0)
    table = analysis.table()
    lost = table[table["progress"].isna()]
    assert len(lost) > 0 and (lost["progress_reason"] != "").all()
    assert (table[table["progress"].notna()]["progress_reason"] == "").all()


def test_a_neutral_indicator_needs_a_direction_and_another_year_may_be_given(built_store: Store) -> None:
    turned = IndexPart(id="population_65_plus_share", direction="lower_better", year=2010)
    spec = IndexSpec(name="年轻", level="prefecture", year=2020, parts=(turned,))
    found = compute_index(built_store, spec)
    assert found.indicators["year"].tolist() == [2010]
    youngest = built_store.facts("population_65_plus_share", year=2010, level="prefecture").set_index(
        "adcode"
    )
    assert found.result.frame["rank"].idxmin() == youngest["value"].idxmin()
    with pytest.raises(CompositeError, match="是中性指标"):
        compute_index(
            built_store, spec.model_copy(update={"parts": (IndexPart(id="population_65_plus_share"),)})
        )


@pytest.mark.parametrize("damage", ["{", "", '{"name": "别的"}'])
def test_a_damaged_index_is_written_anew_when_it_is_saved_again(tmp_path: Path, damage: str) -> None:
    spec = EXAMPLES["基本公共服务水平指数（示例权重）"]
    key = save_index(tmp_path, spec)
    (tmp_path / FOLDER / f"{key}.json").write_text(damage, encoding="utf-8")
    assert save_index(tmp_path, spec) == key
    assert read_index(tmp_path, key) == spec


def test_an_index_that_is_kept_already_is_left_as_it_is(tmp_path: Path) -> None:
    spec = EXAMPLES["基本公共服务水平指数（示例权重）"]
    path = tmp_path / FOLDER / f"{save_index(tmp_path, spec)}.json"
    before = path.stat()
    save_index(tmp_path, spec)
    assert path.stat().st_ino == before.st_ino and path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_saved_index_comes_back_under_its_key(tmp_path: Path) -> None:
    spec = EXAMPLES["基本公共服务水平指数（示例权重）"]
    key = save_index(tmp_path, spec)
    assert save_index(tmp_path, spec) == key
    assert read_index(tmp_path, key) == spec
    other = save_index(tmp_path, spec.model_copy(update={"name": "别名"}))
    assert other != key
    (tmp_path / FOLDER / "abcdefabcdef.json").write_text("{", encoding="utf-8")
    assert {one.key for one in list_indices(tmp_path)} == {key, other}
    for bad, told in (
        ("../../etc", "不是综合指数的编号"),
        ("000000000000", "没有编号为"),
        ("abcdefabcdef", "已损坏"),
    ):
        with pytest.raises(StoreError, match=told):
            read_index(tmp_path, bad)
