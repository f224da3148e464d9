"""What a kind of exportable layer consists of, and the helpers that make its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.given import Given, gather
from data.registry import load_registry
from data.registry.export_models import export_field
from data.store.store import Store
from geo.crs import STORE_CRS
from geo.errors import ExportError
from geo.export_table import ExportTable, Field, GeometryKind, Origin, Shading, with_short_names

IMPORTED_NOTE = "数据为用户导入"


@dataclass(frozen=True)
class Parameter:
    """One thing to choose: ``options`` (value to wording) and the ``default``."""

    name: str
    title: str
    options: dict[str, str]
    default: str

    def checked(self, info: LayerInfo, value: str) -> str:
        """Return the value, which may be given by its wording; ``ExportError`` when it is not on offer."""
        if value in self.options:
            return value
        for key, text in self.options.items():
            if text == value:
                return key
        offered = list(self.options)
        shown = "、".join(offered[:24]) + (" …" if len(offered) > 24 else "")
        if self.name == "year":
            raise ExportError(f"图层“{info.title}”没有 {value[:20]} 年的数据；有：{shown}。")
        raise ExportError(f"图层“{info.title}”的{self.title}不能是“{value[:40]}”；可选：{shown}。")


@dataclass(frozen=True)
class LayerInfo:
    """What the catalogue says of a layer. ``rows`` is how many it has with its defaults."""

    id: str
    title: str
    group: str
    geometry: GeometryKind
    rows: int
    definition: str
    parameters: tuple[Parameter, ...] = ()
    bytes_per_row: int = 400


@dataclass(frozen=True)
class Clip:
    """A region to keep: its code, name, the codes of it and all below it, and its shape (EPSG:4490)."""

    adcode: str
    name: str
    codes: frozenset[str]
    shape: shapely.Geometry


@dataclass(frozen=True)
class LayerRequest:
    """One layer as it is wanted."""

    store: Store
    data_dir: Path
    info: LayerInfo
    settings: dict[str, str]
    clip: Clip | None = None

    @property
    def given(self) -> Given:
        """What an analysis for the layer is made of."""
        return gather(self.store, self.data_dir)

    def keeps(self, adcodes: pd.Series) -> NDArray[np.bool_]:
        """Return which rows lie in the region asked for, by the codes they carry."""
        if self.clip is None:
            return np.ones(len(adcodes), dtype=bool)
        return adcodes.isin(self.clip.codes).to_numpy()


@dataclass(frozen=True)
class LayerKind:
    """One kind: which ids are its own (``prefix``), how to list its layers and to make one."""

    prefix: str
    list_layers: Callable[[Store], list[LayerInfo]]
    make: Callable[[LayerRequest], ExportTable]

    def owns(self, layer_id: str) -> bool:
        """Return whether a layer is of this kind."""
        return layer_id == self.prefix or layer_id.startswith(f"{self.prefix}.")


@dataclass(frozen=True)
class Words:
    """What is said of a layer beside its rows."""

    title: str
    definition: str
    sources: Iterable[str]
    year: str = ""
    unit: str = ""
    remarks: tuple[str, ...] = ()
    more_origins: tuple[Origin, ...] = field(default=())


def from_frame(
    request: LayerRequest,
    frame: gpd.GeoDataFrame,
    fields: Sequence[Field],
    words: Words,
    shading: Shading,
    *,
    geometry: GeometryKind,
    name_field: str = "name",
) -> ExportTable:
    """Return a frame that is in memory as a table of one chunk; columns other than ``fields`` stay behind."""
    columns = [one.name for one in fields]
    kept = gpd.GeoDataFrame(frame[[*columns, "geometry"]], crs=STORE_CRS).reset_index(drop=True)
    values = kept[shading.column].to_numpy(dtype=np.float64) if shading.kind == "classes" else None
    return table_of(
        request,
        lambda: [kept],
        len(kept),
        fields,
        words,
        shading=shading,
        geometry=geometry,
        name_field=name_field,
        values=values,
        every_row_placed=bool(kept.geometry.notna().all()),
    )


def table_of(
    request: LayerRequest,
    chunks: Callable[[], Iterable[gpd.GeoDataFrame]],
    rows: int,
    fields: Sequence[Field],
    words: Words,
    *,
    shading: Shading,
    geometry: GeometryKind,
    name_field: str = "name",
    values: NDArray[np.float64] | None = None,
    every_row_placed: bool = True,
) -> ExportTable:
    """Return the table whose rows come in ``chunks``, with its sources and borders from the store."""
    store, registry = request.store, load_registry()
    boundary = "，".join(part for part in (store.boundary_source, store.boundary_date) if part)
    clip = request.clip
    title = words.title if clip is None else f"{clip.name}{words.title}"
    return ExportTable(
        id=request.info.id,
        title=title,
        geometry=geometry,
        rows=rows,
        fields=with_short_names(fields),
        chunks=chunks,
        definition=words.definition,
        sources=(*origins(store, words.sources), *words.more_origins),
        boundary=boundary,
        data_version=store.data_version,
        notice=str(registry.setting("internal_notice")),
        undefined_colour=str(registry.setting("undefined_colour")),
        year=words.year,
        unit=words.unit,
        remarks=tuple(dict.fromkeys(text for text in words.remarks if text)),
        shading=shading,
        values=values,
        name_field=name_field,
        every_row_placed=every_row_placed,
    )


def origins(store: Store, sources: Iterable[str]) -> tuple[Origin, ...]:
    """Return what the store knows of sources (ids); one it does not know is told by its id."""
    table = store.sources().set_index("id")
    out = []
    for one in dict.fromkeys(str(source) for source in sources):
        if one in table.index:
            row = table.loc[one].fillna("")
            publisher, date = str(row["publisher"]), str(row["date"])
            out.append(Origin(str(row["title"]), publisher, date, str(row["licence"])))
        else:
            out.append(Origin(one))
    return tuple(out)


def source_titles(store: Store, sources: pd.Series) -> pd.Series:
    """Return the titles of sources by their ids; one that the store does not know goes by its id."""
    titles = store.sources().set_index("id")["title"]
    return sources.map(titles).fillna(sources)


def fields_of(*names: str) -> tuple[Field, ...]:
    """Return the registry's columns of these names."""
    return tuple(export_field(name) for name in names)


def classes(
    column: str, *, decimals: int, direction: str, ramp: str | None = None, undefined: str = "无数据"
) -> Shading:
    """Return the shading of numbers in classes, in the registry's palette for their direction.

    ``undefined`` is what it means that a row has no number.
    """
    registry = load_registry()
    ramp_id = ramp or registry.palette_towards(direction)
    colours = {int(k): tuple(row) for k, row in registry.palette(ramp_id).colours.items()}
    scheme, k = str(registry.setting("class_method")), int(registry.setting("class_count"))
    found = Shading("classes", column, decimals, direction, ramp_id, colours, undefined=undefined)
    return replace(found, scheme=scheme, k=k)


def plain(colour: str = "#8c96c6") -> Shading:
    """Return the shading in one colour."""
    return Shading(colours={"": colour})
