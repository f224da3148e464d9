"""The default look of an exported layer: classes and colours, and the same as QGIS (QML) and OGC (SLD)."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree as Xml

import numpy as np

from geo.export_table import ExportTable, Shading
from layers.classify import classify
from layers.themes import Ramp, class_labels, ramp_colours

BORDER = "#8796a3"
POINT_BORDER = "#ffffff"
_SLD, _OGC = "http://www.opengis.net/sld", "http://www.opengis.net/ogc"


@dataclass(frozen=True)
class Symbol:
    """One row of the legend: ``low`` < value ≤ ``high`` for classes, or the ``text`` it is for."""

    colour: str
    label: str
    low: float | None = None
    high: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Symbols:
    """How a layer is drawn.

    ``nothing`` is the colour of what has no value, ``undefined`` its symbol where there are such rows.
    """

    shading: Shading
    geometry: str
    entries: tuple[Symbol, ...]
    nothing: str
    undefined: Symbol | None = None

    def colour_of(self, value: object) -> str:
        """Return the colour of a row by its value in the shaded column."""
        if self.shading.kind == "plain":
            return self.entries[0].colour
        if self.shading.kind == "categories":
            found = [one.colour for one in self.entries if one.text == value]
            return found[0] if found else self.nothing
        if value is None or not isinstance(value, (int, float, np.number)) or np.isnan(value):
            return self.nothing
        number = round(float(value), self.shading.decimals)
        for one in self.entries:
            if one.high is None or number <= one.high:
                return one.colour
        return self.entries[-1].colour if self.entries else self.nothing


def symbols_of(table: ExportTable) -> Symbols:
    """Return the default look of a layer: the same classes whichever format it leaves in."""
    shading, nothing = table.shading, table.undefined_colour
    if shading.kind == "plain":
        colour = next(iter(shading.colours.values()))
        return Symbols(shading, table.geometry, (Symbol(colour, table.title),), nothing)
    if shading.kind == "categories":
        entries = tuple(
            Symbol(colour, shading.labels.get(text, text), text=text)
            for text, colour in shading.colours.items()
        )
        return Symbols(shading, table.geometry, entries, nothing)
    values = np.asarray(table.values, dtype=np.float64)
    split = shading.ramp_id == "diverging"
    found = classify(values, shading.scheme, shading.k, decimals=shading.decimals, split_at_zero=split)
    if not found.k:
        return Symbols(shading, table.geometry, (), nothing, Symbol(nothing, shading.undefined))
    colours = ramp_colours(Ramp(shading.ramp_id, shading.ramp, nothing), found)
    labels = class_labels(found, shading.decimals)
    lows = [found.lowest, *found.breaks[:-1]]
    entries = tuple(
        Symbol(colour, label, low, high)
        for colour, label, low, high in zip(colours, labels, lows, found.breaks, strict=True)
    )
    undefined = Symbol(nothing, shading.undefined) if np.isnan(values).any() else None
    return Symbols(shading, table.geometry, entries, nothing, undefined)


def legend_html(symbols: Symbols) -> str:
    """Return the legend as HTML, highest class first; labels are escaped."""
    entries = [*reversed(symbols.entries), *([symbols.undefined] if symbols.undefined else [])]
    box = "width:14px;height:10px;border:1px solid #8796a3;display:inline-block;margin-right:6px"
    parts = [
        f'<span style="margin-right:14px;white-space:nowrap">'
        f'<span style="{box};background:{one.colour}"></span>'
        f"{escape(one.label)}</span>"
        for one in entries
    ]
    return f'<div style="font-size:12px;line-height:1.9">{" ".join(parts)}</div>'


def qml(symbols: Symbols, column: str) -> str:
    """Return the look as a QGIS layer style; ``column`` is what the shaded column is called in the file."""
    root = Xml.Element("qgis", {"version": "3.22.0", "styleCategories": "Symbology"})
    kind = symbols.shading.kind
    if kind == "plain":
        renderer = Xml.SubElement(root, "renderer-v2", {"type": "singleSymbol", "forceraster": "0"})
        holder = Xml.SubElement(renderer, "symbols")
        _qml_symbol(holder, "0", symbols.entries[0].colour, symbols.geometry)
    elif kind == "categories":
        renderer = Xml.SubElement(
            root, "renderer-v2", {"type": "categorizedSymbol", "attr": column, "forceraster": "0"}
        )
        listed = Xml.SubElement(renderer, "categories")
        holder = Xml.SubElement(renderer, "symbols")
        for number, one in enumerate(symbols.entries):
            Xml.SubElement(
                listed,
                "category",
                {"value": one.text or "", "label": one.label, "symbol": str(number), "render": "true"},
            )
            _qml_symbol(holder, str(number), one.colour, symbols.geometry)
    else:
        renderer = Xml.SubElement(root, "renderer-v2", {"type": "RuleRenderer", "forceraster": "0"})
        rules = Xml.SubElement(renderer, "rules", {"key": "sutu"})
        holder = Xml.SubElement(renderer, "symbols")
        for number, (one, condition) in enumerate(_conditions(symbols, column)):
            Xml.SubElement(
                rules,
                "rule",
                {"key": f"sutu{number}", "symbol": str(number), "label": one.label, "filter": condition},
            )
            _qml_symbol(holder, str(number), one.colour, symbols.geometry)
    Xml.SubElement(root, "layerGeometryType").text = {"point": "0", "line": "1", "polygon": "2"}[
        symbols.geometry
    ]
    return '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">\n' + Xml.tostring(
        root, encoding="unicode"
    )


def _conditions(symbols: Symbols, column: str) -> list[tuple[Symbol, str]]:
    """Return each class with the QGIS expression for its rows; values are rounded as people read them."""
    name = '"' + column.replace('"', '""') + '"'
    number = f"round({name}, {symbols.shading.decimals})"
    out = []
    for place, one in enumerate(symbols.entries):
        parts = [] if place == 0 else [f"{number} > {one.low!r}"]
        parts.append(f"{number} <= {one.high!r}")
        out.append((one, " AND ".join(parts)))
    if symbols.undefined is not None:
        out.append((symbols.undefined, f"{name} IS NULL"))
    return out


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},255"


def _qml_symbol(holder: Xml.Element, name: str, colour: str, geometry: str) -> None:
    kind = {"point": "marker", "line": "line", "polygon": "fill"}[geometry]
    symbol = Xml.SubElement(holder, "symbol", {"name": name, "type": kind, "alpha": "1"})
    of_layer = {"point": "SimpleMarker", "line": "SimpleLine", "polygon": "SimpleFill"}[geometry]
    layer = Xml.SubElement(symbol, "layer", {"class": of_layer, "enabled": "1", "pass": "0", "locked": "0"})
    settings = {
        "point": {
            **{"name": "circle", "color": _rgba(colour), "size": "2.4", "size_unit": "MM"},
            **{"outline_color": _rgba(POINT_BORDER), "outline_width": "0.3", "outline_style": "solid"},
        },
        "line": {"line_color": _rgba(colour), "line_width": "0.8", "line_style": "solid"},
        "polygon": {
            **{"color": _rgba(colour), "style": "solid", "outline_color": _rgba(BORDER)},
            **{"outline_width": "0.15", "outline_style": "solid", "outline_width_unit": "MM"},
        },
    }[geometry]
    options = Xml.SubElement(layer, "Option", {"type": "Map"})
    for key, value in settings.items():
        Xml.SubElement(options, "Option", {"name": key, "value": value, "type": "QString"})
        # QGIS before 3.18 reads these instead.
        Xml.SubElement(layer, "prop", {"k": key, "v": value})


def sld(symbols: Symbols, column: str, name: str) -> str:
    """Return the look as an OGC Styled Layer Descriptor 1.0.0, which GeoServer and others read."""
    Xml.register_namespace("", _SLD)
    Xml.register_namespace("ogc", _OGC)
    root = Xml.Element(f"{{{_SLD}}}StyledLayerDescriptor", {"version": "1.0.0"})
    named = Xml.SubElement(root, f"{{{_SLD}}}NamedLayer")
    Xml.SubElement(named, f"{{{_SLD}}}Name").text = name
    style = Xml.SubElement(named, f"{{{_SLD}}}UserStyle")
    Xml.SubElement(style, f"{{{_SLD}}}Title").text = name
    rules = Xml.SubElement(style, f"{{{_SLD}}}FeatureTypeStyle")
    for place, one in enumerate(symbols.entries):
        rule = Xml.SubElement(rules, f"{{{_SLD}}}Rule")
        Xml.SubElement(rule, f"{{{_SLD}}}Title").text = one.label
        _sld_filter(rule, column, _unrounded(one, symbols.shading.decimals), first=place == 0)
        _sld_symbol(rule, one.colour, symbols.geometry)
    if symbols.undefined is not None:
        rule = Xml.SubElement(rules, f"{{{_SLD}}}Rule")
        Xml.SubElement(rule, f"{{{_SLD}}}Title").text = symbols.undefined.label
        condition = Xml.SubElement(rule, f"{{{_OGC}}}Filter")
        null = Xml.SubElement(condition, f"{{{_OGC}}}PropertyIsNull")
        Xml.SubElement(null, f"{{{_OGC}}}PropertyName").text = column
        _sld_symbol(rule, symbols.undefined.colour, symbols.geometry)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _unrounded(one: Symbol, decimals: int) -> Symbol:
    """Return a class with limits for values as they are: SLD 1.0 cannot round them first."""
    half = 0.5 * 10.0**-decimals
    low, high = (
        None if limit is None else round(limit + half, decimals + 1) for limit in (one.low, one.high)
    )
    return Symbol(one.colour, one.label, low, high, one.text)


def _sld_filter(rule: Xml.Element, column: str, one: Symbol, *, first: bool) -> None:
    tests = []
    if one.text is not None:
        tests.append(("PropertyIsEqualTo", one.text))
    if one.low is not None and not first:
        tests.append(("PropertyIsGreaterThan", repr(one.low)))
    if one.high is not None:
        tests.append(("PropertyIsLessThanOrEqualTo", repr(one.high)))
    if not tests:
        return
    condition = Xml.SubElement(rule, f"{{{_OGC}}}Filter")
    holder = Xml.SubElement(condition, f"{{{_OGC}}}And") if len(tests) > 1 else condition
    for kind, value in tests:
        test = Xml.SubElement(holder, f"{{{_OGC}}}{kind}")
        Xml.SubElement(test, f"{{{_OGC}}}PropertyName").text = column
        Xml.SubElement(test, f"{{{_OGC}}}Literal").text = value


def _sld_symbol(rule: Xml.Element, colour: str, geometry: str) -> None:
    def set_colour(holder: Xml.Element, what: str, value: str, **more: str) -> None:
        part = Xml.SubElement(holder, f"{{{_SLD}}}{what}")
        key = "fill" if what == "Fill" else "stroke"
        for name, text in {key: value, **more}.items():
            Xml.SubElement(part, f"{{{_SLD}}}CssParameter", {"name": name.replace("_", "-")}).text = text

    if geometry == "polygon":
        symbol = Xml.SubElement(rule, f"{{{_SLD}}}PolygonSymbolizer")
        set_colour(symbol, "Fill", colour)
        set_colour(symbol, "Stroke", BORDER, stroke_width="0.4")
    elif geometry == "line":
        set_colour(Xml.SubElement(rule, f"{{{_SLD}}}LineSymbolizer"), "Stroke", colour, stroke_width="2")
    else:
        symbol = Xml.SubElement(rule, f"{{{_SLD}}}PointSymbolizer")
        graphic = Xml.SubElement(symbol, f"{{{_SLD}}}Graphic")
        mark = Xml.SubElement(graphic, f"{{{_SLD}}}Mark")
        Xml.SubElement(mark, f"{{{_SLD}}}WellKnownName").text = "circle"
        set_colour(mark, "Fill", colour)
        Xml.SubElement(graphic, f"{{{_SLD}}}Size").text = "7"
