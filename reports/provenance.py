"""The provenance of what a page shows, from what the store says of its sources and borders."""

from __future__ import annotations

from collections.abc import Iterable

from data.registry import load_registry
from data.store.store import Store
from layers.model import Provenance


def internal_notice() -> str:
    """Return what the office writes on maps without a 审图号."""
    return str(load_registry().setting("internal_notice"))


def provenance(store: Store, sources: Iterable[str], remarks: Iterable[str] = ()) -> Provenance:
    """Return the provenance of figures from ``sources`` (ids), with the origin and date of the borders."""
    titles = store.sources().set_index("id")["title"]
    meta = store.table("meta").set_index("key")["value"]
    boundary = "，".join(str(meta[key]) for key in ("boundary_source", "boundary_date") if meta.get(key))
    return Provenance(
        sources=tuple(dict.fromkeys(str(titles.get(source, source)) for source in sources)),
        boundary=boundary,
        notice=internal_notice(),
        remarks=tuple(dict.fromkeys(remark for remark in remarks if remark)),
    )
