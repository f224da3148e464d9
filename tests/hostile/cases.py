"""The table of hostile files: every row is one file at one door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.hostile import attack_files as attack
from tests.hostile import csv_files, gpkg_files, raster_files, vector_files, xlsx_files
from tests.hostile.case import Case, Kind, Scene

Make = Callable[[Path, Scene], object]
_QUICK: Final = True
_LONG_S: Final = 120.0
"""What is taken in builds the store anew, under a tracer: not how long that takes is asked there."""

_VRT = "OGRVRTDataSource"
_CURL = attack.address("/vsicurl/{url}/{name}.gpkg")


def _attacks() -> list[Case]:
    """Return the files that mean to write or to fetch, at every door that takes spatial files or rasters."""
    named: list[tuple[str, str, str, Make]] = [
        # The two attacks of the report.
        ("vrt_writes", "facilities", "a.geojson", attack.writes()),
        ("vrt_fetches", "facilities", "a.geojson", attack.fetches(_CURL)),
        # The same at the other doors.
        ("vrt_writes_boundaries", "boundaries", "a.geojson", attack.writes()),
        ("vrt_fetches_boundaries", "boundaries", "a.geojson", attack.fetches(_CURL)),
        ("vrt_writes_sites", "sites", "a.geojson", attack.writes()),
        ("vrt_fetches_sites", "sites", "a.geojson", attack.fetches(_CURL)),
        ("vrt_writes_indicators", "indicators", "a.csv", attack.writes()),
        ("vrt_writes_population", "population", "a.tif", attack.writes()),
        ("vrt_writes_osm", "osm", "a.osm.pbf", attack.writes()),
        # Under other names.
        ("vrt_json", "facilities", "a.json", attack.writes()),
        ("vrt_gpkg", "facilities", "a.gpkg", attack.writes()),
        ("vrt_gpkg_bare", "boundaries", "a.gpkg", attack.writes("")),
        ("vrt_kml", "boundaries", "a.kml", attack.writes()),
        ("vrt_csv", "facilities", "a.csv", attack.writes()),
        ("vrt_xlsx", "facilities", "a.xlsx", attack.writes()),
        ("vrt_zip", "facilities", "a.zip", attack.writes()),
        # In other clothes.
        ("vrt_bom", "facilities", "a.geojson", attack.writes("\ufeff{}")),
        ("vrt_white_space", "facilities", "a.geojson", attack.writes(" \n\t" * 20 + "{}")),
        ("vrt_list", "facilities", "a.geojson", attack.writes("[]")),
        ("vrt_comment", "facilities", "a.geojson", attack.writes("{}<!-- \u82cf -->\n")),
        ("vrt_declaration", "facilities", "a.geojson", attack.writes("{}<?xml version='1.0'?>")),
        ("vrt_in_string", "boundaries", "a.geojson", attack.within_string),
        ("vrt_union", "facilities", "a.geojson", attack.union),
        ("vrt_fetched_database", "facilities", "a.geojson", attack.fetched_database),
        ("vrt_utf16", "facilities", "a.geojson", attack.utf16),
        ("vrt_after_nul", "facilities", "a.geojson", attack.with_nul),
        ("gdalg_writes", "facilities", "a.geojson", attack.streamed_algorithm),
        ("gdalg_fetches", "facilities", "a.geojson", attack.streamed_fetch),
        # Over the sources of other drivers.
        *(
            (f"vrt_over_{name}", "facilities", "a.geojson", attack.fetches(attack.address(form)))
            for name, form in (
                ("http", "{url}/{name}.json"),
                ("csv", "CSV:/vsicurl/{url}/{name}.csv"),
                ("sqlite", "SQLITE:/vsicurl/{url}/{name}.sqlite"),
                ("wfs", "WFS:{url}/{name}"),
                ("oapif", "OAPIF:{url}/{name}"),
                ("vsizip", "/vsizip/vsicurl/{url}/{name}.zip"),
                ("vsicached", "/vsicached?file=/vsicurl/{url}/{name}.gpkg"),
                ("vsisubfile", "/vsisubfile/0_100,/vsicurl/{url}/{name}.gpkg"),
                ("gml", "GML:/vsicurl_streaming/{url}/{name}.gml"),
                ("elastic", "ES:{url}"),
                ("carto", "CSW:{url}"),
                ("inline", f"<{_VRT}><OGRVRTLayer name='y'><SrcDataSource>/vsicurl/{{url}}/{{name}}"
                 f"</SrcDataSource></OGRVRTLayer></{_VRT}>"),
            )
        ),
        # In a zip.
        ("zip_shp_is_vrt", "facilities", "a.zip", attack.in_zip("shp")),
        ("zip_shp_is_vrt_boundaries", "boundaries", "a.zip", attack.in_zip("shp")),
        ("zip_shp_is_vrt_sites", "sites", "a.zip", attack.in_zip("shp")),
        ("zip_shp_fetches", "facilities", "a.zip", attack.fetch_in_zip),
        ("zip_all_vrt", "facilities", "a.zip", attack.only_vrt_in_zip),
        # A database that does more than hold tables.
        ("gpkg_view_pixel", "facilities", "a.gpkg",
         attack.calling_view("gdal_get_pixel_value('/vsicurl/{url}/p.tif', 1, 'pixel', 0, 0)")),
        ("gpkg_view_geocode", "facilities", "a.gpkg",
         attack.calling_view("ogr_geocode('x')")),
        ("gpkg_view_layers", "facilities", "a.gpkg",
         attack.calling_view("ogr_datasource_load_layers('{victim}', 1)")),
        ("gpkg_view_extension", "facilities", "a.gpkg",
         attack.calling_view("load_extension('{canary}/x.so')")),
        ("gpkg_virtual_ogr", "facilities", "a.gpkg",
         attack.virtual_table("VirtualOGR", "'{vrt}', 0, 'x', 1")),
        ("gpkg_virtual_fetch", "facilities", "a.gpkg",
         attack.virtual_table("VirtualOGR", "'/vsicurl/{url}/v.gpkg'")),
        ("gpkg_virtual_shape", "facilities", "a.gpkg",
         attack.virtual_table("VirtualShape", "'{vrt}', 'UTF-8', 4326")),
        ("gpkg_schema_attach", "facilities", "a.gpkg", attack.attach_in_schema),
        # As a raster, as an extract, and as text of other kinds.
        ("raster_vrt", "population", "a.tif", attack.raster_xml),
        ("raster_vrt_behind_magic", "population", "a.tif", attack.raster_xml_behind_magic),
        ("raster_python", "population", "a.tif", attack.raster_python),
        ("osm_xml_entity", "osm", "a.osm.pbf", attack.osm_xml),
        ("gml_schema", "facilities", "a.geojson", attack.gml),
        ("gml_schema_gpkg", "boundaries", "a.gpkg", attack.gml),
        ("kml_link", "boundaries", "a.kml", attack.kml),
        ("esri_pages", "facilities", "a.json", attack.esri_pages),
        ("xlsx_outer_entity", "indicators", "a.xlsx", xlsx_files.outer_entity),
        ("xlsx_linked_sheet", "indicators", "a.xlsx", xlsx_files.linked_sheet),
    ]  # fmt: skip
    return [Case(name, door, file, make, Kind.attack, _QUICK, _LONG_S) for name, door, file, make in named]


def _baits() -> list[Case]:
    """Return honest files with something beside their data."""
    grid = "+proj=longlat +datum=WGS84 +nadgrids={url}/g.tif +no_defs"
    bound = (
        'BOUNDCRS[SOURCECRS[GEOGCRS["x",DATUM["x",ELLIPSOID["x",6378137,298.2]],CS[ellipsoidal,2],AXIS["a",north],'
        'AXIS["b",east],ANGLEUNIT["degree",0.0174532925199433]]],TARGETCRS[GEOGCRS["WGS 84",DATUM["x",'
        'ELLIPSOID["x",6378137,298.2]],CS[ellipsoidal,2],AXIS["a",north],AXIS["b",east],ANGLEUNIT["degree",'
        '0.0174532925199433]]],ABRIDGEDTRANSFORMATION["x",METHOD["NTv2"],PARAMETERFILE["f","{url}/g.gsb"]]]'
    )
    named: list[tuple[str, str, str, Make]] = [
        ("csv_beside_vrt", "facilities", "a.csv", attack.csv_beside_vrt),
        ("geojson_beside_vrt", "facilities", "a.geojson", attack.geojson_beside),
        # One object of features, the VRT a text in it: honest data that must be taken as such.
        (
            "string_before_features",
            "facilities",
            "a.geojson",
            attack.writes('{"a":"', '",' + attack.GOOD[1:]),
        ),
        ("string_vrt", "facilities", "a.geojson", attack.within_string),
        ("crs_url", "facilities", "a.geojson", attack.crs_url),
        ("crs_link", "facilities", "a.geojson", attack.crs_link),
        ("crs_name", "facilities", "a.geojson", attack.crs_name),
        ("crs_file", "facilities", "a.geojson", attack.crs_file),
        ("crs_grid", "facilities", "a.geojson", attack.crs_grid),
        ("references", "facilities", "a.geojson", attack.references),
        ("zip_vrt_beside", "facilities", "a.zip", attack.in_zip("a.vrt")),
        ("zip_dbf_is_vrt", "facilities", "a.zip", attack.in_zip("dbf")),
        ("zip_shx_is_vrt", "facilities", "a.zip", attack.in_zip("shx")),
        ("zip_prj_is_vrt", "facilities", "a.zip", attack.in_zip("prj")),
        ("prj_http", "facilities", "a.zip", attack.prj("{url}/a.prj")),
        ("prj_curl", "facilities", "a.zip", attack.prj("/vsicurl/{url}/a.prj")),
        ("prj_grid", "facilities", "a.zip", attack.prj(grid)),
        ("prj_bound", "facilities", "a.zip", attack.prj(bound)),
        ("srs_http", "facilities", "a.gpkg", attack.srs("{url}/a.prj")),
        ("srs_grid", "facilities", "a.gpkg", attack.srs(grid)),
        ("srs_bound", "facilities", "a.gpkg", attack.srs(bound)),
        ("gpkg_sql_name", "facilities", "a.gpkg", attack.sql_name),
        ("gpkg_sql_name_select", "facilities", "a.gpkg", attack.sql_name_select),
        ("gpkg_sql_column", "facilities", "a.gpkg", attack.sql_column),
        ("gpkg_triggers", "facilities", "a.gpkg", attack.triggers),
        ("gpkg_calling_column", "facilities", "a.gpkg", attack.calling_column),
        ("raster_beside", "population", "a.tif", attack.raster_beside),
        ("raster_metadata", "population", "a.tif", attack.raster_metadata),
        ("xlsx_external_links", "indicators", "a.xlsx", xlsx_files.external_links),
    ]
    return [Case(name, door, file, make, Kind.bait, _QUICK, _LONG_S) for name, door, file, make in named]


def _heavy() -> list[Case]:
    """Return the files that are small and cost much."""
    named: list[tuple[str, str, str, Make, bool]] = [
        ("xlsx_styles", "indicators", "a.xlsx", xlsx_files.styles, False),
        ("xlsx_styles_facilities", "facilities", "a.xlsx", xlsx_files.styles, False),
        ("xlsx_styles_sites", "sites", "a.xlsx", xlsx_files.styles, False),
        ("xlsx_defined_names", "indicators", "a.xlsx", xlsx_files.defined_names, False),
        ("xlsx_content_types", "indicators", "a.xlsx", xlsx_files.content_types, False),
        ("xlsx_relations", "indicators", "a.xlsx", xlsx_files.relations, False),
        ("xlsx_shared_strings", "indicators", "a.xlsx", xlsx_files.shared_strings, False),
        ("xlsx_many_sheets", "indicators", "a.xlsx", xlsx_files.many_sheets, False),
        ("xlsx_many_sheet_parts", "indicators", "a.xlsx", xlsx_files.many_sheet_parts, False),
        ("xlsx_far_cells", "indicators", "a.xlsx", xlsx_files.far_cells, False),
        ("xlsx_beyond_last_column", "indicators", "a.xlsx", xlsx_files.beyond_last_column, False),
        ("xlsx_far_row", "indicators", "a.xlsx", xlsx_files.far_row, False),
        ("xlsx_formulas", "indicators", "a.xlsx", xlsx_files.formulas, False),
        ("xlsx_formulas_facilities", "facilities", "a.xlsx", xlsx_files.formulas, False),
        ("xlsx_merges", "indicators", "a.xlsx", xlsx_files.merges, False),
        ("xlsx_blank_rows", "indicators", "a.xlsx", xlsx_files.blank_rows, False),
        ("xlsx_deep_elements", "indicators", "a.xlsx", xlsx_files.deep_elements, False),
        ("xlsx_long_attribute", "indicators", "a.xlsx", xlsx_files.long_attribute, False),
        ("csv_distinct_indicators", "indicators", "a.csv", csv_files.distinct_indicators, False),
        ("csv_wrong_everywhere", "indicators", "a.csv", csv_files.wrong_everywhere, False),
        ("csv_formulas", "indicators", "a.csv", csv_files.formulas, False),
        ("csv_formulas_facilities", "facilities", "a.csv", csv_files.formulas, False),
        ("csv_one_long_cell", "indicators", "a.csv", csv_files.one_long_cell, False),
        ("csv_one_long_line", "indicators", "a.csv", csv_files.one_long_line, False),
        ("csv_long_header", "indicators", "a.csv", csv_files.long_header, False),
        ("geojson_many_keys", "facilities", "a.geojson", vector_files.many_keys, False),
        ("geojson_keys_by_features", "facilities", "a.geojson", vector_files.keys_by_features, False),
        ("geojson_keys_on_all", "facilities", "a.geojson", vector_files.keys_on_all, False),
        ("geojson_zigzag", "facilities", "a.geojson", vector_files.zigzag, False),
        ("geojson_zigzag_boundaries", "boundaries", "a.geojson", vector_files.zigzag, False),
        ("geojson_deep_nesting", "facilities", "a.geojson", vector_files.deep_nesting, False),
        ("geojson_deep_collections", "facilities", "a.geojson", vector_files.deep_collections, False),
        ("geojson_long_text", "facilities", "a.geojson", vector_files.long_text, False),
        ("geojson_long_number", "facilities", "a.geojson", vector_files.long_number, False),
        ("geojson_many_holes", "facilities", "a.geojson", vector_files.many_parts, False),
        ("gpkg_endless_contents", "facilities", "a.gpkg", gpkg_files.endless_contents, False),
        ("gpkg_endless_contents_boundaries", "boundaries", "a.gpkg", gpkg_files.endless_contents, False),
        ("gpkg_endless_contents_sites", "sites", "a.gpkg", gpkg_files.endless_contents, False),
        ("gpkg_endless_geometry_columns", "facilities", "a.gpkg", gpkg_files.endless_geometry_columns, False),
        ("gpkg_endless_extensions", "facilities", "a.gpkg", gpkg_files.endless_extensions, False),
        ("gpkg_endless_srs", "facilities", "a.gpkg", gpkg_files.endless_reference_systems, False),
        ("gpkg_endless_search", "facilities", "a.gpkg", gpkg_files.endless_search, False),
        ("gpkg_endless_layer", "facilities", "a.gpkg", gpkg_files.endless_layer, _QUICK),
        ("gpkg_generated_100_mb", "facilities", "a.gpkg", gpkg_files.generated_text, False),
        ("gpkg_generated_1_gb", "facilities", "a.gpkg", gpkg_files.generated_gigabyte, False),
        ("gpkg_many_columns", "facilities", "a.gpkg", gpkg_files.many_columns, False),
        ("gpkg_many_layers", "facilities", "a.gpkg", gpkg_files.many_layers, False),
        ("dbf_one_byte_records", "facilities", "a.zip", vector_files.one_byte_records, False),
        ("dbf_one_byte_records_boundaries", "boundaries", "a.zip", vector_files.one_byte_records, False),
        ("dbf_zeros", "facilities", "a.zip", vector_files.zeros, False),
        ("dbf_wide_record", "facilities", "a.zip", vector_files.wide_record, _QUICK),
        ("shp_said_parts", "facilities", "a.zip", vector_files.said_parts, _QUICK),
        ("tiff_sparse_tiled", "population", "a.tif", raster_files.sparse_tiled, False),
        ("tiff_sparse_small_tiles", "population", "a.tif", raster_files.sparse_small_tiles, False),
        ("tiff_strip_5e8", "population", "a.tif", raster_files.sparse_strip, False),
        ("tiff_strip_2e9", "population", "a.tif", raster_files.sparse_strip_2e9, False),
        ("tiff_packed_strip_5e8", "population", "a.tif", raster_files.packed_strip, False),
        ("tiff_packed_strip_2e9", "population", "a.tif", raster_files.packed_strip_2e9, False),
    ]
    return [Case(name, door, file, make, Kind.heavy, quick) for name, door, file, make, quick in named]


def _legal() -> list[Case]:
    """Return the files that are large and right, with the time that their import may take."""
    ordinary = (csv_files.ordinary_indicators, csv_files.ordinary_facilities)
    return [
        Case("legal_300_000_indicators", "indicators", "a.csv", ordinary[0], Kind.legal, seconds=20),
        Case("legal_900_000_facilities", "facilities", "a.csv", ordinary[1], Kind.legal, seconds=60),
    ]


def _large() -> list[Case]:
    """Return the files of much that is right; what is taken builds the store anew within its time."""
    named: list[tuple[str, str, str, Make]] = [
        ("csv_defined_indicators", "indicators", "a.csv", csv_files.defined_indicators),
        ("csv_20_000_on_one_point", "facilities", "a.csv", csv_files.one_point),
        ("csv_one_name_on_one_point", "facilities", "a.csv", csv_files.one_name_on_one_point),
        ("csv_60_000_within_100_m", "facilities", "a.csv", csv_files.within_100_m),
        ("geojson_400_000_points", "facilities", "a.geojson", vector_files.many_points),
        ("gpkg_400_000_rows", "facilities", "a.gpkg", gpkg_files.many_rows),
        ("gpkg_400_000_rows_sites", "sites", "a.gpkg", gpkg_files.many_rows),
        ("gpkg_endless_ogr_contents", "facilities", "a.gpkg", gpkg_files.endless_ogr_contents),
    ]
    # Taken, they go all the way to a rebuilt store, for which a list of facilities has a minute.
    return [Case(name, door, file, make, Kind.large, seconds=60) for name, door, file, make in named]


BROKEN_PRJ: Final = {
    "prj_rubbish": b"\xff\xfe\x00\x81" * 20,
    "prj_cut": vector_files.WGS84_ESRI[:60].encode(),
    "prj_local": b'LOCAL_CS["x",LOCAL_DATUM["x",0],UNIT["x",1]]',
    "prj_unknown_projection": (
        f'PROJCS["x",{vector_files.WGS84_ESRI},PROJECTION["Nobody_Knows"],UNIT["Meter",1]]'.encode()
    ),
    "prj_no_unit": (
        b'PROJCS["x",GEOGCS["x",DATUM["x",SPHEROID["x",0,0]],PRIMEM["x",0]],PROJECTION["Mercator"]]'
    ),
    "prj_geocentric": b'GEOCCS["x",DATUM["x",SPHEROID["x",6378137,298]],PRIMEM["x",0],UNIT["m",1]]',
    "prj_empty": b"",
    "prj_name_not_utf8": vector_files.WGS84_ESRI.encode().replace(b"GCS_WGS_1984", b"\xd2\xbd\xd4\xba"),
    "prj_compound": (
        f'COMPD_CS["x",{vector_files.WGS84_ESRI},VERT_CS["x",VERT_DATUM["x",2005],UNIT["m",1]]]'.encode()
    ),
}


def _tracebacks() -> list[Case]:
    """Return files broken in ways that once ended in a traceback; some of them may be taken."""
    named: list[tuple[str, str, str, Make]] = [
        ("tiff_nan_transform", "population", "a.tif", raster_files.nan_transform),
        ("tiff_nan_corner", "population", "a.tif", raster_files.nan_corner),
        ("tiff_infinite_transform", "population", "a.tif", raster_files.infinite_transform),
        ("tiff_tiny_pixel", "population", "a.tif", raster_files.tiny_pixel),
        ("tiff_unknown_crs", "population", "a.tif", raster_files.unknown_crs),
        ("gpkg_text_not_utf8", "facilities", "a.gpkg", gpkg_files.text_not_utf8),
        ("gpkg_text_not_utf8_boundaries", "boundaries", "a.gpkg", gpkg_files.text_not_utf8),
        ("gpkg_column_not_utf8", "facilities", "a.gpkg", gpkg_files.column_not_utf8),
        ("gpkg_layer_not_utf8", "facilities", "a.gpkg", gpkg_files.layer_not_utf8),
        ("geojson_half_characters", "facilities", "a.geojson", vector_files.escaped_surrogates),
        ("dbf_not_utf8", "facilities", "a.zip", vector_files.field_not_utf8),
        *((name, "facilities", "a.zip", _with_prj(text)) for name, text in BROKEN_PRJ.items()),
    ]
    return [Case(name, door, file, make, Kind.traceback, _QUICK) for name, door, file, make in named]


def _with_prj(text: bytes) -> Make:
    return lambda path, _scene: vector_files.shapefile(path, {"prj": text})


CASES: Final = (*_attacks(), *_baits(), *_heavy(), *_large(), *_legal(), *_tracebacks())


def case(name: str) -> Case:
    """Return the case of this id; ``KeyError`` for none such."""
    return {item.id: item for item in CASES}[name]
