"""Vector tiles: what the library and GDAL read is what was put in."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.tiles import tile_box
from server.ogc.tiling import EXTENT, vector_tile

TILE = (10, 853, 412)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
values = st.none() | st.booleans() | st.integers(0, 2**40) | st.floats(0, 1e9) | texts


def squares(steps: list[tuple[int, int]], side: int = 60) -> np.ndarray:
    """Squares by their north-western corner in steps of the tile (down counts), in metres."""
    west, _, _, north = tile_box(*TILE)
    step = (tile_box(*TILE)[2] - west) / EXTENT
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]])
    placed = np.array(steps)[:, None, :] + corners
    return np.stack([west + placed[..., 0] * step, north - placed[..., 1] * step], axis=-1)


def decoded(content: bytes) -> list[dict[str, Any]]:
    told = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
    assert list(told) == ["cells"]
    assert (told["cells"]["extent"], told["cells"]["version"]) == (EXTENT, 2)
    features: list[dict[str, Any]] = told["cells"]["features"]
    return features


def area(ring: list[list[int]]) -> float:
    """The surveyor's formula, as the specification of vector tiles has it."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2


@given(
    rows=st.lists(st.tuples(st.integers(-70, 4_100), st.integers(-70, 4_100), values), min_size=1, max_size=9)
)
@settings(max_examples=60)
def test_what_is_decoded_is_what_was_encoded(rows: list[tuple[int, int, Any]]) -> None:
    ids = np.arange(len(rows), dtype=np.int64) * 10**9
    places = [(x, y) for x, y, _ in rows]
    content = vector_tile(
        "cells", ids, squares(places), {"value": [one for *_, one in rows]}, tile_box(*TILE)
    )
    found = decoded(content)
    assert [one["id"] for one in found] == ids.tolist()
    for one, (x, y, value) in zip(found, rows, strict=True):
        (ring,) = one["geometry"]["coordinates"]
        assert sorted(map(tuple, ring[:4])) == sorted([(x, y), (x + 60, y), (x + 60, y + 60), (x, y + 60)])
        assert area(ring) == 3_600
        assert one["properties"] == ({} if value is None else {"value": value})
        assert isinstance(one["properties"].get("value"), bool) == isinstance(value, bool)


def test_gdal_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "412.mvt"
    told = {"people": [0, 12, 7], "minutes": [1.5, float("nan"), 3.25], "near": ["甲", None, "丙"]}
    rings = squares([(0, 0), (4_090, 10), (-30, 2_000)])
    path.write_bytes(vector_tile("cells", np.array([5, 6, 7]), rings, told, tile_box(*TILE)))
    zoom, column, row = TILE
    frame = pyogrio.read_dataframe(f"MVT:{path}", X=column, Y=row, Z=zoom, CLIP="NO")
    assert frame.crs.to_epsg() == 3857
    assert frame["mvt_id"].tolist() == [5, 6, 7]
    assert frame["people"].tolist() == told["people"]
    assert frame["minutes"].tolist() == pytest.approx(told["minutes"], nan_ok=True)
    assert frame["near"].fillna("").tolist() == ["甲", "", "丙"]
    assert frame.is_valid.all()
    for shape, ring in zip(frame.geometry, rings, strict=True):
        np.testing.assert_allclose(shape.bounds, (*ring.min(axis=0), *ring.max(axis=0)), atol=1e-3)
