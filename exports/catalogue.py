"""The catalogue of layers that can leave the house: what there is, what can be chosen, and each as a table.

A kind of layer is one `LayerKind`: it lists its layers and makes one as an `ExportTable`. A new kind is one
more entry in `KINDS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data.store.store import Store
from exports.layers import corridors as layers_corridors
from exports.layers import coverage as layers_coverage
from exports.layers import grid as layers_grid
from exports.layers import places as layers_places
from exports.layers import regions as layers_regions
from exports.layers import services as layers_services
from exports.layers.kinds import Clip, LayerInfo, LayerKind, LayerRequest
from geo.errors import ExportError, UnknownRegionError
from geo.export_table import ExportTable
from geo.region_tree import inside

__all__ = [
    "KINDS",
    "LayerInfo",
    "LayerKind",
    "clip_to",
    "find_layer",
    "layer_list",
    "make_asked",
    "make_layer",
]

KINDS: tuple[LayerKind, ...] = (
    *layers_regions.KINDS,
    *layers_places.KINDS,
    *layers_grid.KINDS,
    *layers_coverage.KINDS,
    *layers_services.KINDS,
    *layers_corridors.KINDS,
)
"""Every kind of layer, in the order people see."""


@dataclass(frozen=True)
class Asked:
    """A layer and the settings it is wanted with: every parameter has a value."""

    info: LayerInfo
    settings: dict[str, str]


def layer_list(store: Store) -> list[LayerInfo]:
    """Return every layer of this version of the data, kind by kind."""
    return [info for kind in KINDS for info in kind.list_layers(store)]


def find_layer(store: Store, wanted: str) -> LayerInfo:
    """Return the layer of that id, or with that title, or the indicator of that id.

    Raises ``ExportError`` that names near ones.
    """
    layers = layer_list(store)
    by_id = {info.id: info for info in layers}
    for key in (wanted, f"indicator.{wanted}"):
        if key in by_id:
            return by_id[key]
    titled = [info for info in layers if info.title == wanted]
    if len(titled) == 1:
        return titled[0]
    shown = wanted[:60]
    near = difflib.get_close_matches(shown, [*by_id, *(info.title for info in layers)], n=4, cutoff=0.5)
    hint = f"是不是：{'、'.join(near)}？" if near else ""
    raise ExportError(f"没有图层“{shown}”。{hint}用 sutu layers 查看全部图层。")


def ask_for_layer(info: LayerInfo, settings: Mapping[str, str], *, strict: bool = True) -> Asked:
    """Return the layer with its settings: those given, the defaults for the rest.

    Raises ``ExportError`` for a setting the layer does not have (unless not ``strict``: then it is left
    out) and for a value that is not on offer.
    """
    known = {one.name: one for one in info.parameters}
    unknown = [name for name in settings if name not in known]
    if unknown and strict:
        offered = "、".join(known) or "没有可设的项"
        raise ExportError(f"图层 {info.id} 没有设置“{'、'.join(unknown)}”；可设：{offered}。")
    out = {name: one.default for name, one in known.items()}
    for name, value in settings.items():
        if name in known:
            out[name] = known[name].checked(info, value)
    return Asked(info, out)


def make_layer(
    store: Store,
    data_dir: Path,
    layer: str,
    settings: Mapping[str, str] | None = None,
    *,
    clip: Clip | None = None,
    strict: bool = True,
) -> ExportTable:
    """Return a layer as a table with all that is said about it.

    ``layer`` and ``settings`` as `find_layer` and `ask_for_layer` take them; ``clip`` keeps what lies in one
    region. Raises ``ExportError`` also when the year has no data or nothing is left.
    """
    asked = ask_for_layer(find_layer(store, layer), settings or {}, strict=strict)
    return make_asked(LayerRequest(store, data_dir, asked.info, asked.settings, clip))


def make_asked(request: LayerRequest) -> ExportTable:
    """Return the layer of a request whose settings are complete, without looking through the catalogue.

    Raises ``ExportError`` when the year has no data or nothing is left.
    """
    kind = next(kind for kind in KINDS if kind.owns(request.info.id))
    table = kind.make(request)
    if table.rows == 0:
        where = f"在{request.clip.name}范围内" if request.clip is not None else ""
        raise ExportError(f"图层 {table.title} {where}没有任何要素，没有可导出的内容。")
    return table


def clip_to(store: Store, adcode: str) -> Clip:
    """Return the region to keep; ``UnknownRegionError`` when the code matches no region with a border."""
    regions = store.region_table()
    if adcode not in regions.index or regions.loc[adcode, "level"] == "unallocated":
        raise UnknownRegionError(
            f"裁剪代码“{adcode[:20]}”不是有边界的地区。请用六位行政区划代码，如 320500（苏州市）。"
        )
    shape = store.regions(str(regions.loc[adcode, "level"]), zoom="full").geometry.loc[adcode]
    return Clip(adcode, str(regions.loc[adcode, "name"]), frozenset(inside(regions, adcode)), shape)
