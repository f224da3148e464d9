"""Points: facilities as one GeoJSON layer for one canvas; those nobody surveyed are told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from layers.model import format_number

PRECISIONS = {"surveyed": "实测点位", "seat": "以驻地代替的点位", "implied": "推定点位"}
"""Precisions of a position, and what people read; all but the first are drawn as rings."""

_PLACES = 5
_MAX_TEXT = 120


@dataclass(frozen=True)
class PointSet:
    """Facilities ready to send: GeoJSON (RFC 7946) as bytes, the digest they are known by, and how many.

    ``counts`` is by precision, in the order of ``PRECISIONS``, without those that do not occur.
    """

    content: bytes
    key: str
    counts: dict[str, int]


def facility_points(facilities: pd.DataFrame, type_names: Mapping[str, str]) -> PointSet:
    """Return the facilities as one GeoJSON collection of points.

    ``facilities``: columns of the table ``facility`` (``lon``, ``lat`` in EPSG:4490). Every feature carries
    ``kind`` (a key of ``PRECISIONS``), ``name``, and ``lines``: type with precision, level and capacity. They
    are plain texts, which the browser shows as texts: nothing in them is ever markup. Positions have 5
    decimals (1 m). Rows keep their order.
    """
    features = [_feature(row, type_names) for row in facilities.to_dict("records")]
    collection = {"type": "FeatureCollection", "features": features}
    content = json.dumps(collection, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    found = facilities["precision"].value_counts()
    counts = {kind: int(found[kind]) for kind in PRECISIONS if kind in found}
    return PointSet(content, hashlib.sha256(content).hexdigest()[:16], counts)


def _feature(row: dict[Any, Any], type_names: Mapping[str, str]) -> dict[str, Any]:
    kind = str(row["precision"])
    name, what = str(row["name"]), type_names.get(str(row["type"]), str(row["type"]))
    lines = [f"{what} · {PRECISIONS.get(kind, kind)}"]
    if _known(row.get("level")):
        lines.append(f"等级：{row['level']}")
    if _known(row.get("capacity")):
        unit = f" {row['capacity_unit']}" if _known(row.get("capacity_unit")) else ""
        lines.append(f"规模：{format_number(float(row['capacity']), 0)}{unit}")
    return {
        "type": "Feature",
        "properties": {"kind": kind, "name": name[:_MAX_TEXT], "lines": [line[:_MAX_TEXT] for line in lines]},
        "geometry": {
            "type": "Point",
            "coordinates": [round(float(row["lon"]), _PLACES), round(float(row["lat"]), _PLACES)],
        },
    }


def _known(value: Any) -> bool:
    return bool(pd.notna(value)) and str(value).strip() != ""
