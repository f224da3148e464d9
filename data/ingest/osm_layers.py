"""Rail lines, rivers and waters of an OpenStreetMap extract: what maps draw, not what anybody travels on."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.ingest.osm_facilities import facility_name, read_objects
from data.ingest.osm_source import FIXED, WaySelection, WayTable, check_extract, read_ways, unescape
from data.registry.osm_models import LineRules, OsmMapping, load_osm_mapping
from geo.crs import STORE_CRS, to_albers


def _texts(ways: WayTable, key: str) -> list[str | None]:
    return [None if text is None else unescape(text) for text in ways.tags[key].to_pylist()]


def _lines_of_ways(ways: WayTable) -> tuple[np.ndarray, np.ndarray]:
    """Return (lines, number of the way of each); a way with nodes outside the extract falls into parts."""
    at = np.flatnonzero(ways.located)
    way = ways.way_of_node()[at]
    starts = np.ones(len(at), dtype=np.bool_)
    starts[1:] = (way[1:] != way[:-1]) | (np.diff(at) > 1)
    part = np.cumsum(starts) - 1
    long_enough = np.bincount(part)[part] > 1 if len(part) else starts
    at, way, part = at[long_enough], way[long_enough], part[long_enough]
    _, first, part = np.unique(part, return_index=True, return_inverse=True)
    positions = np.column_stack([ways.x[at], ways.y[at]]) / FIXED
    return shapely.linestrings(positions, indices=part), way[first]


def _read_lines(path: Path, rules: LineRules, scratch: Path | None) -> gpd.GeoDataFrame:
    """Return the ways that ``rules`` select: columns of `read_osm_rail`."""
    keys = dict.fromkeys([rules.tag, "name", *(test.key_name for test in rules.none_of)])
    ways = read_ways(path, WaySelection({rules.tag: rules.wanted}), list(keys), scratch=scratch)
    tags = pd.DataFrame({key: _texts(ways, key) for key in keys}, dtype=object)
    unwanted = np.zeros(len(tags), dtype=np.bool_)
    for test in rules.none_of:
        unwanted |= tags[test.key_name].isin(test.values).to_numpy()
    lines, way = _lines_of_ways(ways)
    wanted = ~unwanted[way]
    lines, way = lines[wanted], way[wanted]
    return gpd.GeoDataFrame(
        {
            "id": [f"osm-w{ident}" for ident in ways.way_id[way]],
            "name": tags["name"].to_numpy()[way],
            "kind": tags[rules.tag].to_numpy()[way],
        },
        geometry=lines,
        crs=STORE_CRS,
    )


def read_osm_rail(
    path: Path, mapping: OsmMapping | None = None, *, scratch: Path | None = None
) -> gpd.GeoDataFrame:
    """Return the running lines of railways, metros and trams (no yards or sidings).

    Columns ``id`` (``osm-w123``; a line cut by the extract's border has several rows), ``name`` (may be
    missing), ``kind`` (the ``railway`` value), geometry LineString in EPSG:4490. Raises ``FaultReport`` for a
    file that is no PBF or is cut short.
    """
    rules = mapping or load_osm_mapping()
    check_extract(path, max_bytes=rules.extract.max_bytes)
    return _read_lines(path, rules.rail, scratch)


def read_osm_rivers(
    path: Path, mapping: OsmMapping | None = None, *, scratch: Path | None = None
) -> gpd.GeoDataFrame:
    """Return the centre lines of rivers and canals; columns and errors as of ``read_osm_rail``."""
    rules = mapping or load_osm_mapping()
    check_extract(path, max_bytes=rules.extract.max_bytes)
    return _read_lines(path, rules.rivers, scratch)


def read_osm_water(path: Path, mapping: OsmMapping | None = None) -> gpd.GeoDataFrame:
    """Return the water areas of at least the registry's ``min_area_m2``, largest first.

    Columns ``id`` (``osm-w123``, ``osm-r123``), ``name`` (may be missing), ``area_km2`` (measured in Albers),
    geometry MultiPolygon in EPSG:4490. ``attrs["left_out"]`` is the number of smaller ones. Raises
    ``FaultReport`` for a file that is no PBF or is cut short.
    """
    rules = mapping or load_osm_mapping()
    check_extract(path, max_bytes=rules.extract.max_bytes)
    keys = dict.fromkeys(test.key_name for test in rules.water.any_of)
    found = read_objects(path, list(keys), lambda tags: any(test.holds(tags) for test in rules.water.any_of))
    areas = np.flatnonzero(shapely.get_dimensions(found.geometry) == 2)
    frame = gpd.GeoDataFrame(
        {
            "id": [f"osm-{found.kind[number]}{found.ident[number]}" for number in areas],
            "name": [facility_name(found.tags[number]) for number in areas],
        },
        geometry=found.geometry[areas],
        crs=STORE_CRS,
    )
    frame.insert(2, "area_km2", to_albers(frame).area / 1e6)
    large = frame["area_km2"] * 1e6 >= rules.water.min_area_m2
    kept = frame[large].sort_values(["area_km2", "id"], ascending=[False, True]).reset_index(drop=True)
    kept.attrs["left_out"] = int((~large).sum())
    return kept
