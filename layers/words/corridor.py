"""The state of a structure of the plans, in words: on the legend of the map, on pages and at the prompt."""

from __future__ import annotations

STATUS_NAMES = {
    "existing": "现状",
    "under_construction": "在建",
    "planned": "规划",
    "vision": "远景",
    "unstated": "原文未写状态",
}
"""By the store's word, in the order of the legend."""

IN_LEGEND = ("existing", "under_construction", "planned", "vision")
"""What has a row of its own on the legend; lines of no stated state are drawn as existing ones."""
