"""What the store holds, in a few small tables: facts by source and quality, residuals, the plans' states."""

from __future__ import annotations

import pandas as pd

from data.schema import STATES
from data.store import Store


def fact_summary(store: Store) -> pd.DataFrame:
    """Return how many facts each source gave at which quality.

    Columns: source, title, publisher, quality, indicators (how many), first_year, last_year, facts, undefined
    (facts without a value), estimated, flagged (with a remark of their own); int64 counts. Order: official,
    imported, derived, secondary, then source.
    """
    return store.query(
        """
        SELECT f.source, s.title, s.publisher, f.quality,
               count(DISTINCT f.indicator) AS indicators, min(f.year) AS first_year, max(f.year) AS last_year,
               count(*) AS facts, count(*) FILTER (f.value IS NULL) AS undefined,
               count(*) FILTER (f.status = 'estimated') AS estimated,
               count(*) FILTER (f.flag IS NOT NULL) AS flagged
        FROM fact f LEFT JOIN source s ON s.id = f.source
        GROUP BY f.source, s.title, s.publisher, f.quality
        ORDER BY list_position(['official', 'imported', 'derived', 'secondary'], f.quality), f.source
        """
    )


def residuals(store: Store, indicator: str) -> pd.DataFrame:
    """Return the residuals (未分配) of an indicator: what a prefecture has beyond the sum of its counties.

    Columns: adcode, parent, prefecture (its name), year (int), value (float64), note. Order: year from the
    latest, then adcode.
    """
    return store.query(
        """
        SELECT f.adcode, r.parent, p.name AS prefecture, f.year, f.value, f.note
        FROM fact f JOIN region r USING (adcode) JOIN region p ON p.adcode = r.parent
        WHERE r.level = 'unallocated' AND f.indicator = ? AND f.value IS NOT NULL
        ORDER BY f.year DESC, f.adcode
        """,
        [indicator],
    )


def target_state_counts(store: Store) -> pd.DataFrame:
    """Return how many headline targets of each plan are met, not met and undefined, by period.

    Columns: plan, title, doc_no, period, met, not_met, undefined, total (int64). Order: period, then the
    order of the documents. A plan without headline targets in a period has no row there.
    """
    targets = store.headline_targets()
    counts = pd.crosstab([targets["plan"], targets["period"]], targets["state"])
    counts = counts.reindex(columns=list(STATES), fill_value=0).astype("int64").reset_index()
    counts["total"] = counts[list(STATES)].sum(axis=1)
    documents = store.plan_documents()[["plan", "title", "doc_no", "doc_order"]]
    merged = counts.merge(documents, on="plan", how="left")
    merged["early"] = merged["period"].ne("十三五")
    merged = merged.sort_values(["early", "doc_order"], ignore_index=True)
    return merged[["plan", "title", "doc_no", "period", *STATES, "total"]].rename_axis(columns=None)
