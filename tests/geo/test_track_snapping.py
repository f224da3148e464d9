from __future__ import annotations

from functools import partial

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.crs import ALBERS, STORE_CRS
from geo.errors import CrsError
from geo.track_snapping import Tracks, snap_to_tracks

X, Y = 100_000.0, 3_600_000.0


def tracks(*named: tuple[str | None, list[tuple[float, float]]]) -> Tracks:
    lines = [shapely.LineString([(X + x, Y + y) for x, y in points]) for _, points in named]
    return Tracks(gpd.GeoDataFrame({"name": [name for name, _ in named]}, geometry=lines, crs=ALBERS))


snap = partial(snap_to_tracks, max_offset_m=12_000.0, max_detour=1.6)


def at(*points: tuple[float, float]) -> np.ndarray:
    return np.array([(X + x, Y + y) for x, y in points])


BENT = ("京沪高速铁路", [(0, 1_000), (20_000, 9_000), (40_000, 1_000), (80_000, 1_000)])


def test_a_corridor_takes_the_way_of_the_tracks_of_its_name() -> None:
    here = tracks(BENT, ("别的铁路", [(0, 0), (80_000, 0)]))
    snapped = snap(at((0, 0), (40_000, 0), (80_000, 0)), here, ["京沪高速"])
    assert snapped.complete
    assert snapped.names_found == ("京沪高速铁路",)
    expected = 2 * np.hypot(20_000, 8_000)
    assert snapped.stretches[0].metres == pytest.approx(expected)
    assert snapped.stretches[1].metres == pytest.approx(40_000)
    assert (X + 20_000, Y + 9_000) in {tuple(point) for point in snapped.xy}


def test_names_that_match_nothing_leave_it_schematic_and_say_so() -> None:
    snapped = snap(at((0, 0), (40_000, 0)), tracks(BENT, (None, [(0, 0), (9, 9)])), ["陇海"])
    assert not snapped.complete
    assert snapped.names_found == ()
    assert "陇海" in snapped.stretches[0].reason
    assert snapped.xy.tolist() == at((0, 0), (40_000, 0)).tolist()


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (((0, 0), (40_000, 30_000)), "公里，超过 12 公里"),
        (((0, 0), (200_000, 0)), "公里，超过 12 公里"),
    ],
)
def test_a_place_far_from_the_tracks_is_reported(places: tuple[tuple[float, float], ...], said: str) -> None:
    snapped = snap(at(*places), tracks(BENT), ["京沪"])
    assert not snapped.complete
    assert said in snapped.stretches[0].reason


def test_a_gap_is_bridged_only_when_it_is_small() -> None:
    def cut(gap: float) -> Tracks:
        return tracks(("某铁路", [(0, 0), (20_000, 0)]), ("某铁路", [(20_000 + gap, 0), (40_000, 0)]))

    ends = at((0, 0), (40_000, 0))
    assert snap(ends, cut(40), ["某铁路"]).complete
    far = snap(ends, cut(4_000), ["某铁路"])
    assert not far.complete
    assert "走不通" in far.stretches[0].reason


def test_a_long_way_round_is_no_match_and_one_stretch_may_match_alone() -> None:
    loop = tracks(("环线", [(0, 0), (0, 60_000), (40_000, 60_000), (40_000, 0), (60_000, 0)]))
    snapped = snap(at((0, 0), (40_000, 0), (60_000, 0)), loop, ["环线"])
    assert [stretch.metres is not None for stretch in snapped.stretches] == [False, True]
    assert not snapped.complete


def test_tracks_are_in_metres() -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["a"]}, geometry=[shapely.LineString([(119, 32), (120, 33)])], crs=STORE_CRS
    )
    with pytest.raises(CrsError):
        Tracks(frame)
