"""Imported facilities at rest, from tables and from OpenStreetMap alike, and the frames a build takes in."""

import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.ingest.cells import match_key
from data.ingest.osm_store import FACILITY_FOLDER, STORED_COLUMNS
from data.store.files import damaged_import
from data.store.staging import imports_dir

EXTRA_COLUMNS: Final = ("address", "stated_adcode", "note", "origin_id", "origin_source")
"""What tables say beyond an extract: ``origin_id`` and ``origin_source`` are the number of a facility in the
list that it first came from, and the title of that list where it is not the one it stands in now."""

FACILITY_COLUMNS: Final = (*STORED_COLUMNS, *EXTRA_COLUMNS)
_METADATA: Final = b"sutu"
_NUMBERS: Final = {"capacity", "lon", "lat"}
_SOURCE_COLUMNS: Final = ("id", "title", "publisher", "doc_no", "date", "licence", "quality", "obtained")
_SCHEMA = pa.schema([(name, pa.float64() if name in _NUMBERS else pa.string()) for name in FACILITY_COLUMNS])


def facility_source_id(title: str) -> str:
    """Return the id of a source of facilities, from its title in comparison form."""
    return f"facilities_{hashlib.sha256(match_key(title).encode()).hexdigest()[:16]}"


def table_file(title: str, facility_type: str | None) -> str:
    """Return the file below ``imports/`` of a source's facilities (of one type, where one was chosen)."""
    digest = hashlib.sha256(f"{match_key(title)}\0{facility_type or ''}".encode()).hexdigest()[:16]
    return f"{FACILITY_FOLDER}/table-{digest}.parquet"


def write_facilities(path: Path, frame: pd.DataFrame, title: str, obtained: str) -> None:
    """Write facilities (``FACILITY_COLUMNS``) by id, the title of their source beside them.

    Same content, same bytes.
    """
    ordered = frame[list(_SCHEMA.names)]
    if not ordered["id"].is_monotonic_increasing:
        ordered = ordered.sort_values("id", ignore_index=True)
    text = json.dumps({"title": title, "obtained": obtained}, ensure_ascii=False, sort_keys=True)
    table = pa.Table.from_pandas(ordered, schema=_SCHEMA, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({_METADATA: text.encode()}), path)


def read_facility_table(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the facilities of one file (``FACILITY_COLUMNS``), and title and origin of their source.

    Missing text is None, a missing number NaN; an extract, and a file of an earlier version, lack some of
    the extra columns. ``StoreError`` when the file is damaged.
    """
    with damaged_import(path):
        table = pq.ParquetFile(path).read()
        metadata = json.loads((table.schema.metadata or {}).get(_METADATA, b"{}"))
        names = [name for name in _SCHEMA.names if name in table.column_names or name in STORED_COLUMNS]
        # What another program or another kind of import wrote does not pass as this one.
        typed = table.select(names).cast(pa.schema([_SCHEMA.field(name) for name in names]))
        if typed["id"].null_count or typed["lon"].null_count or typed["lat"].null_count:
            raise ValueError("缺少编号或坐标")
        if metadata and not {"title", "obtained"} <= set(metadata):
            raise KeyError("title")
        columns = {name: column_values(typed.column(name)) for name in names}
    nothing = np.full(table.num_rows, None, dtype=object)
    frame = pd.DataFrame(
        {
            name: pd.Series(columns.get(name, nothing), dtype="float64" if name in _NUMBERS else "object")
            for name in FACILITY_COLUMNS
        }
    )
    return frame, metadata


def column_values(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column as numbers, or as texts (None where there is none) that share what is equal."""
    whole = column.combine_chunks()
    if not (pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type)):
        return np.asarray(whole.to_numpy(zero_copy_only=False))
    coded = whole.dictionary_encode()
    texts = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    return np.asarray(texts[coded.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)])


def _read_metadata(path: Path) -> dict[str, str]:
    """Return title and origin of the source of a file; ``StoreError`` when it is damaged."""
    with damaged_import(path):
        return dict(json.loads((pq.read_schema(path).metadata or {}).get(_METADATA, b"{}")))


def facility_tables(data_dir: Path) -> list[Path]:
    """Return the files of every import of facilities; hidden ones are imports under way."""
    return sorted((imports_dir(data_dir) / FACILITY_FOLDER).glob("[!.]*.parquet"))


def load_imported_facilities(data_dir: Path) -> pd.DataFrame:
    """Return every imported facility, from tables and from OpenStreetMap, by id.

    Columns: id (unique), name, type, level, capacity, capacity_unit, lon, lat (CGCS2000), adcode (None
    outside the province), source, precision, original_datum, as_of, and ``EXTRA_COLUMNS``. ``StoreError``
    when a file is damaged.
    """
    frames = [frame for frame, _ in map(read_facility_table, facility_tables(data_dir)) if len(frame)]
    if not frames:
        empty = pd.DataFrame({name: pd.Series(dtype=object) for name in FACILITY_COLUMNS})
        return empty.astype(dict.fromkeys(_NUMBERS, "float64"))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    # A file is in order of ids: of one file nothing is sorted again.
    return frame if frame["id"].is_monotonic_increasing else frame.sort_values("id", ignore_index=True)


def load_facility_sources(data_dir: Path) -> pd.DataFrame:
    """Return the sources of facilities that came from tables, as rows of the ``source`` table."""
    rows = {}
    for metadata in map(_read_metadata, facility_tables(data_dir)):
        if "title" in metadata:
            source = facility_source_id(metadata["title"])
            rows[source] = {
                **dict.fromkeys(_SOURCE_COLUMNS),
                "id": source,
                "title": metadata["title"],
                "quality": "imported",
                "obtained": metadata["obtained"],
            }
    return pd.DataFrame([rows[key] for key in sorted(rows)], columns=list(_SOURCE_COLUMNS))
