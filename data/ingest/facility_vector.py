"""A spatial file of facilities as the same text table that CSV and XLSX give: one way of checking for all."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from data.ingest.cells import match_key, number_text
from data.ingest.facility_rows import FACILITY_FORM_COLUMNS
from data.ingest.reading import FaultList
from data.ingest.tabular import RawTable
from data.ingest.vector import read_vector, to_store_datum
from geo.crs import Datum, from_cgcs2000

_POSITION = ("lon", "lat")


def read_vector_table(path: Path, datum: Datum, *, layer: str | None = None) -> RawTable:
    """Return the features of a GeoPackage, GeoJSON or zipped shapefile as a text table.

    ``lon`` and ``lat`` are the position of each feature in ``datum`` (degrees); the place of an area or a
    group of points is a point on it, said in the notes. Attribute columns of the same meaning are left out:
    the geometry counts. Row numbers count features from 1. Raises ``FaultReport`` as ``read_vector`` and
    ``to_store_datum`` do, and for lines.
    """
    frame = read_vector(path, layer=layer, datum=datum)
    shapes = frame.geometry.to_numpy()
    faults = FaultList(path.name, None)
    for at in np.flatnonzero(shapely.get_dimensions(shapes) == 1):
        faults.add(int(at) + 1, None, "图形是线，不是点或面", "设施用点或面表示")
    faults.raise_if_any()
    areas = int((shapely.get_type_id(shapes) != 0).sum())
    points = shapely.point_on_surface(shapes)
    stored = to_store_datum(
        frame[[frame.geometry.name]].set_geometry(points, crs=frame.crs), datum, path.name
    )
    x, y = shapely.get_coordinates(stored.geometry.to_numpy()).T
    lon, lat = from_cgcs2000(x, y, datum)
    place = {
        header for column in FACILITY_FORM_COLUMNS if column.key in _POSITION for header in column.headers()
    }
    names = [
        str(name)
        for name in frame.columns
        if name != frame.geometry.name and match_key(str(name)) not in place
    ]
    # Column by column: only one of them stands as a list of Python's at any time.
    cells = pd.DataFrame(
        {
            **{at: _texts(frame[name]) for at, name in enumerate(names)},
            **{len(names) + at: _numbers(axis) for at, axis in enumerate((lon, lat))},
        }
    )
    cells.index = pd.RangeIndex(1, len(frame) + 1)
    notes = [f"{areas} 个面（或多点）取其内部一点为位置"] if areas else []
    return RawTable(
        file=path.name,
        sheet=None,
        header=(*names, "lon", "lat"),
        header_row=0,
        head=(),
        cells=cells,
        faults=(),
        delimiter=None,
        notes=tuple(notes),
    )


def _texts(column: pd.Series) -> pd.Series:
    """Return a column of attributes as text; in a column of text each different one is read once."""
    if isinstance(column.dtype, pd.StringDtype):
        codes, found = pd.factorize(column)
        texts = [*map(_text, found.tolist()), ""]
        return pd.Series(np.array(texts, dtype=object)[codes], dtype="str")
    return pd.Series([_text(value) for value in column], dtype="str")


def _numbers(values: np.ndarray) -> pd.Series:
    return pd.Series([repr(value) for value in values.tolist()], dtype="str")


def _text(value: Any) -> str:
    """Return an attribute as the text a table would show."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | np.integer | np.floating):
        return number_text(float(value))
    return " ".join(str(value).split())
