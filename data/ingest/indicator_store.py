"""Imported indicators at rest: one Parquet file per source in ``imports/``, and the frames of a build."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.ingest.cells import match_key
from data.ingest.indicator_definitions import Definition
from data.store.files import damaged_import
from data.store.staging import imports_dir

FOLDER: Final = "indicators"
SOURCE_PREFIX: Final = "import_"
KEY: Final = ["adcode", "indicator", "year"]
_METADATA = b"sutu"
_SCHEMA = pa.schema(
    [
        ("adcode", pa.string()),
        ("indicator", pa.string()),
        ("year", pa.int64()),
        ("source", pa.string()),
        ("value", pa.float64()),
        ("status", pa.string()),
        ("quality", pa.string()),
        ("flag", pa.string()),
        ("note", pa.string()),
        ("reason", pa.string()),
    ]
)
_INDICATOR_COLUMNS = (
    "id",
    "name",
    "unit",
    "direction",
    "domain",
    "kind",
    "definition",
    "numerator",
    "denominator",
    "scale",
    "decimals",
    "quality",
    "source",
    "note",
)
_SOURCE_COLUMNS = ("id", "title", "publisher", "doc_no", "date", "licence", "quality", "obtained")


@dataclass(frozen=True)
class ImportedSource:
    """What was imported from one source.

    ``facts`` has the columns of the ``fact`` table, sorted by adcode, indicator and year; ``definitions`` are
    the indicators that the registry did not have; ``obtained`` says from which files.
    """

    title: str
    facts: pd.DataFrame
    definitions: tuple[Definition, ...]
    obtained: str

    @property
    def id(self) -> str:
        """Return the source's id: the same title always gives the same id."""
        return source_id(self.title)

    @property
    def file_name(self) -> str:
        """Return the name of its file in ``imports/``."""
        return f"{FOLDER}/{self.id.removeprefix(SOURCE_PREFIX)}.parquet"

    def same_content(self, other: "ImportedSource") -> bool:
        """Whether both hold the same facts and definitions, wherever they were read from."""
        return self.facts.equals(other.facts) and self.definitions == other.definitions


def source_id(title: str) -> str:
    """Return the id of an imported source, from its title in comparison form."""
    return f"{SOURCE_PREFIX}{hashlib.sha256(match_key(title).encode()).hexdigest()[:16]}"


def write_source(path: Path, source: ImportedSource) -> None:
    """Write a source's facts as Parquet, title and definitions in its metadata: same content, same bytes."""
    content = {
        "title": source.title,
        "obtained": source.obtained,
        "definitions": [definition.as_dict() for definition in source.definitions],
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    table = pa.Table.from_pandas(source.facts, schema=_SCHEMA, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({_METADATA: text.encode()}), path)


def read_source(path: Path) -> ImportedSource:
    """Return what ``write_source`` wrote; ``StoreError`` when the file is damaged or of another kind."""
    with damaged_import(path):
        stored = pq.ParquetFile(path).read()
        content: dict[str, Any] = json.loads((stored.schema.metadata or {})[_METADATA])
        table = stored.select(_SCHEMA.names).cast(_SCHEMA)
        definitions = tuple(Definition.from_dict(entry) for entry in content["definitions"])
        return ImportedSource(
            str(content["title"]), _frame(table.to_pandas()), definitions, str(content["obtained"])
        )


def load_sources(data_dir: Path) -> list[ImportedSource]:
    """Return everything imported into ``data_dir``, by file name."""
    # Hidden files are imports under way.
    paths = sorted((imports_dir(data_dir) / FOLDER).glob("[!.]*.parquet"))
    return [read_source(path) for path in paths]


def _frame(facts: pd.DataFrame) -> pd.DataFrame:
    """Return facts in table order and the one dtype per column that comparisons rely on."""
    ordered = facts[list(_SCHEMA.names)].sort_values(KEY, ignore_index=True)
    text = {name: "object" for name in _SCHEMA.names if name not in {"year", "value"}}
    typed = ordered.astype({**text, "year": "int64", "value": "float64"})
    for name in text:
        typed[name] = typed[name].where(typed[name].notna(), None)
    return typed


def fact_frames(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each source title of checked rows, in order, with its facts: columns of the ``fact`` table, in
    table order.

    A row without a value is ``undefined``, with its note as the reason.
    """
    ids = {title: source_id(title) for title in rows["source"].unique()}
    ordered = rows.sort_values(["source", *KEY], ignore_index=True)
    empty = ordered["value"].isna()
    note = ordered["note"].astype("object")
    note = note.where(note.notna(), None)
    facts = pd.DataFrame(
        {
            "adcode": ordered["adcode"].astype("object"),
            "indicator": ordered["indicator"].astype("object"),
            "year": ordered["year"].astype("int64"),
            "source": ordered["source"].map(ids).astype("object"),
            "value": ordered["value"].astype("float64"),
            "status": empty.map({True: "undefined", False: "observed"}).astype("object"),
            "quality": pd.Series("imported", index=ordered.index, dtype="object"),
            "flag": pd.Series([None] * len(ordered), dtype="object"),
            "note": note.where(~empty, None),
            "reason": note.where(empty, None),
        }
    )
    titles, firsts = np.unique(ordered["source"].to_numpy(dtype=object), return_index=True)
    for title, first, end in zip(titles, firsts, [*firsts[1:], len(facts)], strict=True):
        yield str(title), facts.iloc[first:end].reset_index(drop=True)


def merge_facts(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, int, int, int]:
    """Return ``old`` with the facts of ``new`` added or put in place of those with the same key.

    Also how many were added, how many were updated and how many stayed the same.
    """
    both = new.merge(old, on=KEY, how="left", suffixes=("", "_old"), indicator=True)
    known = both["_merge"] == "both"
    same = known.copy()
    for name in ("value", "status", "note", "reason"):
        left, right = both[name], both[f"{name}_old"]
        same &= (left == right) | (left.isna() & right.isna())
    keys = pd.MultiIndex.from_frame(new[KEY])
    kept = old[~pd.MultiIndex.from_frame(old[KEY]).isin(keys)]
    merged = _frame(pd.concat([kept, new], ignore_index=True)) if len(kept) else new
    return merged, int((~known).sum()), int((known & ~same).sum()), int(same.sum())


def empty_facts() -> pd.DataFrame:
    """Return no facts, with the columns of the ``fact`` table."""
    return _frame(_SCHEMA.empty_table().to_pandas())


def indicator_frame(sources: Sequence[ImportedSource]) -> pd.DataFrame:
    """Return the indicators that imports defined, as rows of the ``indicator`` table, one per id, by id."""
    rows: dict[str, dict[str, Any]] = {}
    for source in sources:
        for item in source.definitions:
            rows.setdefault(
                item.id,
                {
                    "id": item.id,
                    "name": item.name,
                    "unit": item.unit,
                    "direction": item.direction,
                    "domain": item.domain,
                    "kind": item.kind,
                    "definition": item.definition,
                    "numerator": item.numerator or None,
                    "denominator": item.denominator or None,
                    "scale": 1.0,
                    "decimals": item.decimals,
                    "quality": "imported",
                    "source": source.id,
                    "note": None,
                },
            )
    return pd.DataFrame([rows[key] for key in sorted(rows)], columns=list(_INDICATOR_COLUMNS))


def source_frame(sources: Sequence[ImportedSource]) -> pd.DataFrame:
    """Return the imported sources as rows of the ``source`` table, by id."""
    rows = [
        {
            "id": source.id,
            "title": source.title,
            "publisher": None,
            "doc_no": None,
            "date": None,
            "licence": None,
            "quality": "imported",
            "obtained": source.obtained,
        }
        for source in sources
    ]
    frame = pd.DataFrame(rows, columns=list(_SOURCE_COLUMNS))
    return frame.sort_values("id", ignore_index=True)
