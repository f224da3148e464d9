"""Where a plan's target has an observed series, and the targets plans set for 苏南, 苏中 and 苏北 apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pandas as pd

from data.builder.plan_states import UNDEFINED, actual_bound, is_range, target_state
from data.builder.plans import normalise_text, normalise_unit
from data.registry import load_registry
from data.registry.plan_models import TrackedSeries, Tracking, load_tracking
from data.store.store import Store
from geo.errors import RegistryError
from geo.region_tree import ECONOMIC_REGIONS, PROVINCE, above
from layers.words import tracking as words
from layers.words.tracking import Path

OWN, MATCHED, REGISTERED = "own", "matched", "registered"
WHOLE = "全省"
_REGIONS = {name: code for code, name in ECONOMIC_REGIONS.items()}


@dataclass(frozen=True)
class Track:
    """A target and the observed values beside it.

    ``targets``: columns id, year, value, text, comparator, attribute, seed_line, state, reason; by year.
    ``observed``: columns adcode, name, year, value, note; the target's own ``region`` first, then the regions
    above it or, for the province, the economic regions. ``origin``: own (values the plan itself gives),
    matched (an indicator of the same name and unit) or registered (``tracking.yaml``). ``comparable`` False:
    the two are set side by side only, ``note`` says why.
    """

    id: str
    plan: str
    title: str
    text: str
    unit: str
    scope: str
    direction: str
    region: str
    indicator: str | None
    origin: str
    comparable: bool
    note: str
    targets: pd.DataFrame
    observed: pd.DataFrame

    @property
    def own(self) -> pd.DataFrame:
        """The observed values of the target's own region, by year."""
        rows = self.observed[self.observed["adcode"] == self.region]
        return rows.dropna(subset="value").sort_values("year")


def tracks(store: Store, tracking: Tracking | None = None) -> list[Track]:
    """Return every target with an observed series: registered ones, then matched, then the plans' own.

    Raises `RegistryError` when an entry of the registry names a target that no plan has, or an indicator or
    region that the store has not.
    """
    tracking = tracking or load_tracking()
    plans = _Plans(
        rows=_normalised(store.plan_targets()),
        titles=store.plan_documents().set_index("plan")["title"],
        judged=store.headline_targets().drop_duplicates("target_row").set_index("target_row"),
    )
    found = [_registered(store, entry, plans) for entry in tracking.series]
    taken = {(track.plan, normalise_text(track.text), track.scope) for track in found}
    found += [
        track
        for track in (*_matched(store, plans), *_own(plans))
        if (track.plan, normalise_text(track.text), track.scope) not in taken
    ]
    return found


@dataclass(frozen=True)
class _Plans:
    """The plans' rows with normalised texts, their titles, and the verdicts on headline targets by row."""

    rows: pd.DataFrame
    titles: pd.Series
    judged: pd.DataFrame


def _normalised(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        key=rows["indicator_text"].map(normalise_text),
        unit_key=rows["unit"].map(_unit_key),
        scope=rows["scope"].fillna(""),
    )


def _unit_key(unit: str | float | None) -> str:
    return normalise_unit(unit, load_registry().plan_synonyms)


def _registered(store: Store, entry: TrackedSeries, plans: _Plans) -> Track:
    rows = plans.rows
    targets = rows[
        (rows["plan"] == entry.plan)
        & (rows["key"] == normalise_text(entry.target))
        & (rows["scope"] == entry.scope)
        & (rows["kind"] == "target")
        & rows["value_num"].notna()
        & rows["year"].notna()
    ]
    if targets.empty:
        raise RegistryError(
            f"tracking.yaml：规划 {entry.plan} 没有范围为“{entry.scope}”的目标“{entry.target}”"
        )
    if entry.indicator not in store.indicators().index:
        raise RegistryError(f"tracking.yaml：没有指标“{entry.indicator}”（目标“{entry.target}”）")
    observed = _series(store, entry.indicator, entry.region)
    return _track(
        plans,
        targets,
        observed,
        region=entry.region,
        direction=entry.direction,
        indicator=entry.indicator,
        origin=REGISTERED,
        difference=entry.reason if entry.comparable == "different" else "",
        note=entry.reason,
    )


def _matched(store: Store, plans: _Plans) -> Iterable[Track]:
    """Give the province's targets that have the name and unit of an indicator in the store."""
    rows = plans.rows
    wanted = rows[
        (rows["kind"] == "target")
        & rows["value_num"].notna()
        & rows["year"].notna()
        & (rows["scope"] == WHOLE)
    ]
    groups = dict(list(wanted.groupby(["key", "unit_key"])))
    for name, row in store.indicators().iterrows():
        same = groups.get((normalise_text(str(row["name"])), _unit_key(str(row["unit"]))))
        if same is None or "province" not in row["levels"]:
            continue
        for _, targets in same.groupby("plan"):
            yield _track(
                plans,
                targets,
                _series(store, str(name), PROVINCE),
                region=PROVINCE,
                direction=str(row["direction"]),
                indicator=str(name),
                origin=MATCHED,
                note="按名称和单位自动对应",
            )


def _own(plans: _Plans) -> Iterable[Track]:
    """Give the targets whose plan gives actual values of two years or more, and a target after them."""
    known = plans.rows[plans.rows["value_num"].notna() & plans.rows["year"].notna()]
    keys = known[["plan", "key", "scope", "unit_key"]].fillna("").agg("\n".join, axis=1)
    actual_years = known["year"].where(known["kind"] == "actual").groupby(keys).agg(["nunique", "max"])
    target_year = known["year"].where(known["kind"] == "target").groupby(keys).max()
    able = actual_years.index[
        (actual_years["nunique"] >= 2) & (target_year > actual_years["max"]).fillna(False)
    ]
    for _, group in known[keys.isin(able)].groupby(keys, sort=False):
        actual, targets = (group[group["kind"] == kind] for kind in ("actual", "target"))
        own = plans.judged["direction"].reindex(targets["id"]).dropna()
        observed = pd.DataFrame(
            {
                "adcode": PROVINCE,
                "name": group["scope"].iloc[0],
                "year": actual["year"].astype("int64"),
                "value": actual["value_num"].astype("float64"),
                "note": actual["note"],
            }
        ).sort_values("year", ignore_index=True)
        yield _track(
            plans,
            targets,
            observed,
            region=PROVINCE,
            direction=str(own.iloc[0]) if len(own) else "neutral",
            indicator=None,
            origin=OWN,
            note="现状值为规划自己所载，不是统计数列",
        )


def _track(
    plans: _Plans,
    targets: pd.DataFrame,
    observed: pd.DataFrame,
    *,
    region: str,
    direction: str,
    indicator: str | None,
    origin: str,
    difference: str = "",
    note: str = "",
) -> Track:
    first = targets.iloc[0]
    table = pd.DataFrame(
        {
            "id": targets["id"],
            "year": targets["year"].astype("int64"),
            "value": targets["value_num"].astype("float64"),
            "text": targets["value_text"],
            "comparator": targets["comparator"],
            "attribute": targets["attribute"],
            "seed_line": targets["seed_line"],
        }
    ).sort_values("year", ignore_index=True)
    own = observed[observed["adcode"] == region].dropna(subset="value").sort_values("year")
    states = [_state(plans.judged, row, own, direction, difference) for row in table.to_dict("records")]
    table["state"], table["reason"] = zip(*states, strict=True)
    return Track(
        id=str(first["id"]),
        plan=str(first["plan"]),
        title=str(plans.titles[first["plan"]]),
        text=str(first["indicator_text"]),
        unit=str(first["unit"]) if isinstance(first["unit"], str) else "",
        scope=str(first["scope"]),
        direction=direction,
        region=region,
        indicator=indicator,
        origin=origin,
        comparable=not difference,
        note=note,
        targets=table,
        observed=observed,
    )


def _state(
    judged: pd.DataFrame, target: dict[object, object], own: pd.DataFrame, direction: str, difference: str
) -> tuple[str, str | None]:
    """Return state and reason of a target: the plans' own verdict where there is one, else by the series."""
    if difference:
        return UNDEFINED, f"口径不同，不判断：{difference}"
    if target["id"] in judged.index:
        row = judged.loc[[target["id"]]].iloc[0]
        return str(row["state"]), row["state_reason"] if isinstance(row["state_reason"], str) else None
    if is_range(str(target["text"])):
        return UNDEFINED, "目标是区间，没有单一的目标值"
    past = own[own["year"] <= int(str(target["year"]))]
    if past.empty:
        return UNDEFINED, "目标年以前没有实测值"
    value = float(past["value"].iloc[-1])
    return target_state(
        str(target["comparator"]),
        direction,
        float(str(target["value"])),
        value,
        actual_comparator=actual_bound("=", str(value)),
    )


def _series(store: Store, indicator: str, region: str) -> pd.DataFrame:
    """Return the series of a region and those it is read beside."""
    table = store.region_table()
    if region not in table.index:
        raise RegistryError(f"tracking.yaml：没有代码为“{region}”的地区")
    codes = [region, *(above(table, region) if region != PROVINCE else ECONOMIC_REGIONS)]
    facts = store.facts(indicator)
    facts = facts[facts["adcode"].isin(codes)]
    order = facts["adcode"].map({code: number for number, code in enumerate(codes)})
    rows = facts.assign(order=order, name=facts["short_name"]).sort_values(["order", "year"])
    notes = rows["note"].where(rows["note"].notna(), rows["reason"])
    return rows.assign(note=notes)[["adcode", "name", "year", "value", "note"]].reset_index(drop=True)


def regional_targets(store: Store, tracking: Tracking | None = None) -> pd.DataFrame:
    """Return the plans' targets for 苏南, 苏中 or 苏北, one row per target and region.

    Columns: family, family_note, denominator (what it is a share of; empty when no family names it), plan,
    title, text, unit, year (Int64), region (320S00 …), scope (the plan's words), value, value_text,
    comparator, attribute, state, reason, note, seed_line. Families come first, in the registry's order;
    members keep their own denominators, so that none is read against another's.
    """
    tracking = tracking or load_tracking()
    rows = _normalised(store.plan_targets())
    rows = rows[(rows["kind"] == "target") & rows["scope"].str.contains("|".join(_REGIONS))]
    families = {
        (member.plan, normalise_text(member.target)): (number, family, member)
        for number, family in enumerate(tracking.regional)
        for member in family.members
    }
    unknown = [key for key in families if key not in set(zip(rows["plan"], rows["key"], strict=True))]
    if unknown:
        raise RegistryError(f"tracking.yaml：没有这些分区域目标：{'、'.join(text for _, text in unknown)}")
    titles = store.plan_documents().set_index("plan")["title"]
    judged = store.headline_targets().set_index("target_row")
    found = []
    for row in rows.to_dict("records"):
        number, family, member = families.get((row["plan"], row["key"]), (len(families), None, None))
        state = judged.loc[row["id"]] if row["id"] in judged.index else None
        found += [
            {
                "order": number,
                "family": family.name if family else row["indicator_text"],
                "family_note": family.note if family else "",
                "denominator": member.denominator if member else "",
                "plan": row["plan"],
                "title": titles[row["plan"]],
                "text": row["indicator_text"],
                "unit": row["unit"],
                "year": row["year"],
                "region": code,
                "scope": row["scope"],
                "value": row["value_num"],
                "value_text": row["value_text"],
                "comparator": row["comparator"],
                "attribute": row["attribute"],
                "state": UNDEFINED if state is None else state["state"],
                "reason": "规划没有给出现状值" if state is None else state["state_reason"],
                "note": row["note"],
                "seed_line": row["seed_line"],
            }
            for code in regions_of(row["scope"])
        ]
    return pd.DataFrame(found).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def regions_of(scope: str) -> list[str]:
    """Return the economic regions a scope names; ``苏南以外`` is the other two."""
    named = [code for name, code in _REGIONS.items() if name in scope]
    if "以外" in scope:
        return [code for code in _REGIONS.values() if code not in named]
    return named


def judged(path: Path, able_share: float | None = None) -> Path:
    """Return a path with its `verdict`."""
    return replace(path, verdict=verdict(path, able_share))


def verdict(path: Path, able_share: float | None = None) -> str:
    """Return in one of `layers.words.tracking.VERDICTS` where a path stands; paces are compared as printed.

    A pace of at least ``able_share`` (by default that of ``tracking.yaml``) of the needed one is enough.
    """
    if path.state not in {words.MET, words.NOT_MET}:
        return words.UNDECIDED
    if path.state == words.MET:
        return words.REACHED if path.last_year >= path.target_year else words.EARLY
    if path.needed is None:
        return words.MISSED
    if path.pace is None:
        return words.ONE_YEAR
    share = load_tracking().able_share if able_share is None else able_share
    return _pace_verdict(path.pace, path.needed, path.decimals + 1, share)


def _pace_verdict(pace: float, needed: float, digits: int, share: float) -> str:
    one, other = round(pace, digits), round(needed, digits)
    if one == 0:
        return words.STILL
    # A need too small to print has a direction all the same.
    if (pace * needed if other == 0 else one * other) <= 0:
        return words.AGAINST
    if one == other:
        return words.EXACT
    return words.ABLE if abs(one) >= share * abs(other) else words.UNABLE
