"""Whether points are in the datum they claim: told by the counties they should lie in, and by known places.

Read in the wrong datum, points in Jiangsu lie 0.5 to 1.1 km off: few leave their county, but those that do
all do so on one side. Two kinds of evidence are weighed, and only clear evidence is reported:

- counties: points whose stated county holds them under another datum but not under the declared one, against
  the reverse (exact sign test);
- places: facilities known from elsewhere under the same name and kind; the median distance to them is near
  zero in the right datum and the shift in a wrong one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.crs import ALBERS, STORE_CRS, Datum, to_cgcs2000
from geo.region_tree import lies_in
from geo.regions import locate

SIGNIFICANCE: Final = 0.01
LEAST_PAIRS: Final = 5
SEARCH_M: Final = 2_500.0
"""Twice the largest shift between two datums in Jiangsu: a known place further off is another place."""

TYPICAL_SHIFT_M: Final = 250.0
"""A median distance above this is a shift, not the scatter of gates and buildings."""

SAMPLE: Final = 50_000
"""So many points tell a shift from scatter as well as a million do: of more, every so many are looked at."""

KNOWN_SAMPLE: Final = 200_000
"""Of places known from elsewhere more are needed, because only those that stand in the file as well count."""

_CANDIDATES: Final[tuple[Datum, ...]] = ("wgs84", "gcj02", "bd09")
_NAMES: Final[Mapping[str, str]] = {
    "wgs84": "WGS84/CGCS2000",
    "cgcs2000": "WGS84/CGCS2000",
    "gcj02": "GCJ-02（高德、腾讯）",
    "bd09": "BD-09（百度）",
}


@dataclass(frozen=True)
class DatumReport:
    """How well points fit each datum.

    ``stated`` points name their county; ``county_fit`` is the share of them (of ``SAMPLE``, where they are
    more) inside it, by datum. ``pairs``
    are known places found again. ``suggested`` is the
    datum that fits clearly better than the ``declared`` one, or None; ``reason`` says why, in Chinese.
    """

    declared: Datum
    stated: int
    county_fit: dict[str, float] = field(default_factory=dict)
    pairs: int = 0
    suggested: Datum | None = None
    reason: str | None = None

    @property
    def mismatch_share(self) -> float:
        """Return the share of points outside their stated county as declared; NaN when none is stated."""
        return 1.0 - self.county_fit[_as_candidate(self.declared)] if self.stated else np.nan


def _as_candidate(datum: Datum) -> Datum:
    return "wgs84" if datum == "cgcs2000" else datum


def check_datum(
    lon: ArrayLike,
    lat: ArrayLike,
    declared: Datum,
    *,
    stated: pd.Series,
    counties: gpd.GeoDataFrame,
    keys: pd.Series | None = None,
    known: pd.DataFrame | None = None,
) -> DatumReport:
    """Return how well points fit their declared datum and the others.

    ``lon``, ``lat`` are the coordinates as given (degrees in ``declared``). ``stated`` is the adcode each
    point should lie in: a county, a prefecture (any of its counties) or None. ``counties`` has adcode and
    polygons in EPSG:4490. ``keys`` is what each point is known by (kind and name), None where nothing, and
    ``known`` has columns key, lon, lat (CGCS2000) of places known from elsewhere.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    declared_as = _as_candidate(declared)
    if stated.isna().all() and (keys is None or known is None or known.empty):
        return DatumReport(declared, stated=0)
    fits = _county_fits(x, y, stated, counties)
    distances = _known_distances(x, y, keys, known)
    report = DatumReport(
        declared=declared,
        stated=int(stated.notna().sum()),
        county_fit={datum: float(fit.mean()) for datum, fit in fits.items() if len(fit)},
        pairs=len(distances[declared_as]),
    )
    by_place = _better_by_places(declared_as, distances)
    by_county = _better_by_counties(declared_as, fits, report.stated)
    for found in (by_place, by_county):
        if found is not None:
            suggested, reason = found
            return DatumReport(**{**report.__dict__, "suggested": suggested, "reason": reason})
    return report


def _spread(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return ``places``, or ``most`` of them evenly spread."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


def sampled_names(frame: pd.DataFrame, most: int = SAMPLE) -> pd.DataFrame:
    """Return the facilities whose name stands once in ``frame``, ``most`` of them evenly spread.

    They are for ``keys`` and ``known`` of `check_datum`: reading a million names would take longer than all
    the rest.
    """
    once = frame["name"].notna() & ~frame["name"].duplicated(keep=False)
    return frame.iloc[_spread(np.flatnonzero(once), most)]


def _county_fits(
    x: NDArray[np.float64], y: NDArray[np.float64], stated: pd.Series, counties: gpd.GeoDataFrame
) -> dict[Datum, NDArray[np.bool_]]:
    """Return for each datum which of the points with a stated region (``SAMPLE`` of them) lie in it."""
    known = _spread(np.flatnonzero(stated.notna()), SAMPLE)
    wanted = stated.iloc[known].astype(str)
    fits: dict[Datum, NDArray[np.bool_]] = {}
    for datum in _CANDIDATES:
        located = locate(*to_cgcs2000(x[known], y[known], datum), counties, crs=STORE_CRS)
        hits = [code is not None and lies_in(code, want) for code, want in zip(located, wanted, strict=True)]
        fits[datum] = np.asarray(hits, dtype=bool)
    return fits


def _better_by_counties(
    declared: Datum, fits: dict[Datum, NDArray[np.bool_]], stated: int
) -> tuple[Datum, str] | None:
    """Return the datum that brings significantly more points into their county, and the sentence for it."""
    own = fits[declared]
    best: tuple[float, Datum, int, int] | None = None
    for datum, fit in fits.items():
        gained, lost = int((fit & ~own).sum()), int((own & ~fit).sum())
        if datum == declared or gained <= lost:
            continue
        # Loaded where it is needed: most files give it nothing to do, and every reader would wait for it.
        from scipy.special import bdtrc  # noqa: PLC0415

        # How likely so many, or more, would gain if each did by chance.
        chance = float(bdtrc(gained - 1, gained + lost, 0.5))
        if chance < SIGNIFICANCE and (best is None or (chance, -gained) < (best[0], -best[2])):
            best = (chance, datum, gained, lost)
    if best is None:
        return None
    _, datum, gained, lost = best
    drawn = f"从 {stated} 个填了地区的点中等距抽取 {len(own)} 个，" if len(own) < stated else ""
    reason = (
        f"{drawn}按声明的 {_NAMES[declared]} 解读，{1 - own.mean():.1%} 的点不在所填的县（市、区）内；"
        f"按 {_NAMES[datum]} 解读，有 {gained} 个点回到所填的县（市、区），{lost} 个离开"
    )
    return datum, reason


def _known_distances(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    keys: pd.Series | None,
    known: pd.DataFrame | None,
) -> dict[Datum, NDArray[np.float64]]:
    """Return for each datum the distances (metres) of the points to the known places of their key.

    Only keys that stand once on either side are used, and only places within ``SEARCH_M`` under some datum:
    the same pairs for every datum.
    """
    if keys is None or known is None or known.empty:
        return {datum: np.empty(0) for datum in _CANDIDATES}
    own = pd.DataFrame({"key": keys.to_numpy(), "at": np.arange(len(keys))}).dropna()
    pairs = own.drop_duplicates("key", keep=False).merge(
        known.drop_duplicates("key", keep=False), on="key", how="inner"
    )
    places = _metres(pairs["lon"].to_numpy(), pairs["lat"].to_numpy())
    at = pairs["at"].to_numpy()
    found = {
        datum: np.hypot(*(_metres(*to_cgcs2000(x[at], y[at], datum)) - places).T) for datum in _CANDIDATES
    }
    near = np.min(list(found.values()), axis=0) <= SEARCH_M
    return {datum: distance[near] for datum, distance in found.items()}


def _metres(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    points = gpd.GeoSeries.from_xy(lon, lat, crs=STORE_CRS).to_crs(ALBERS)
    return np.column_stack([points.x.to_numpy(), points.y.to_numpy()])


def _better_by_places(
    declared: Datum, distances: dict[Datum, NDArray[np.float64]]
) -> tuple[Datum, str] | None:
    """Return the datum that brings the points to the places of their name, and the sentence for it."""
    pairs = len(distances[declared])
    if pairs < LEAST_PAIRS:
        return None
    medians = {datum: float(np.median(found)) for datum, found in distances.items()}
    datum = min(medians, key=lambda name: medians[name])
    if datum == declared or medians[declared] < TYPICAL_SHIFT_M or medians[datum] > medians[declared] / 2:
        return None
    reason = (
        f"{pairs} 个设施与库内同名同类的设施相比，按声明的 {_NAMES[declared]} 解读相距中位数 "
        f"{medians[declared]:.0f} 米，按 {_NAMES[datum]} 解读为 {medians[datum]:.0f} 米"
    )
    return datum, reason
