"""How a facility's position came about, in words: on the legend of maps, in tips, tables and files."""

from __future__ import annotations

PRECISIONS = {"surveyed": "实测点位", "seat": "以驻地代替的点位", "implied": "推定点位"}
"""Precisions of a position, and what people read; all but the first are drawn as rings."""

LEGEND = {"surveyed": "实测设施", "seat": "以驻地代替的设施", "implied": "推定设施（非实测）"}
"""What the legend of a map calls facilities of each precision."""
