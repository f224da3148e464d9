"""What a spatial file may be at most."""

from dataclasses import dataclass

from data.registry.limit_models import from_table


@dataclass(frozen=True)
class VectorLimits:
    """What a spatial file may be at most (the table of limits where nothing else is said); beyond it the file
    is refused before it is read.
    """

    file_bytes: int = from_table("vector.file_mb")
    unpacked_bytes: int = from_table("vector.unpacked_mb")
    compression_ratio: int = from_table("vector.ratio")
    members: int = from_table("vector.members")
    features: int = from_table("vector.features")
    vertices: int = from_table("vector.vertices")
    vertices_per_feature: int = from_table("vector.vertices_per_feature")
    fields: int = from_table("vector.fields")
    cells: int = from_table("vector.cells")
    text_chars: int = from_table("vector.text_chars")
    text_bytes: int = from_table("vector.text_mb")
    geometry_bytes: int = from_table("vector.geometry_mb")
    number_chars: int = from_table("vector.number_chars")
    depth: int = from_table("vector.depth")
    layers: int = from_table("vector.layers")
    schema_entries: int = from_table("vector.schema_entries")
    registered_rows: int = from_table("vector.registered_rows")
    registered_chars: int = from_table("vector.registered_chars")
    look_seconds: int = from_table("vector.look_seconds")
