"""The tables of the page 区域差距, as people read and download them."""

from __future__ import annotations

import pandas as pd

from geo.gaps import MEASURES, GapAnalysis, GapComparison
from layers.model import Provenance
from layers.words.gap import gap_sentences

_REGION_COLUMNS = {
    "short_name": "区域",
    "value": "区域数值",
    "n": "有数值的地区",
    "undefined": "无数值的地区",
    "low": "最低",
    "median": "中位",
    "high": "最高",
    "cv": "内部变异系数",
    "max_min": "内部极值比",
}


def measure_table(found: GapComparison) -> pd.DataFrame:
    """Return every measure with its parts, the earlier year beside it, and why one is undefined."""
    years = [found.now] if found.then is None else [found.now, found.then]
    rows = []
    for name, word in MEASURES.items():
        values = {f"{one.year} 年": one.measures[name].value for one in years}
        rows.append({"差距": word, **values, "无定义的原因": found.now.measures[name].reason or ""})
        if name.startswith("theil"):
            for part, label in (("between", "区域之间"), ("within", "区域内部")):
                values = {f"{one.year} 年": getattr(getattr(one, name), part) for one in years}
                rows.append({"差距": f"{word}：{label}", **values, "无定义的原因": ""})
    return pd.DataFrame(rows)


def region_table(now: GapAnalysis) -> pd.DataFrame:
    """Return the three regions with their own figures and how their members are spread."""
    table = now.regional[list(_REGION_COLUMNS)].rename(columns=_REGION_COLUMNS).reset_index(drop=True)
    decimals = dict.fromkeys(("区域数值", "最低", "中位", "最高"), now.subject.decimals)
    return table.round(decimals | {"内部变异系数": 4, "内部极值比": 3})


def value_table(found: GapComparison) -> pd.DataFrame:
    """Return the regions with their values, highest first, the earlier year beside it, and the reasons."""
    now, decimals = found.now, found.now.subject.decimals
    frame = pd.DataFrame(
        {
            "代码": now.frame.index,
            "地区": now.frame["name"],
            "区域": now.frame["group"].map(now.regional["short_name"]),
            f"{now.year} 年": now.frame["value"].round(decimals),
        }
    )
    if found.then is not None:
        frame[f"{found.then.year} 年"] = found.then.frame["value"].reindex(frame.index).round(decimals)
    frame["无数值的原因"] = now.frame["reason"].fillna("")
    return frame.sort_values([f"{now.year} 年", "代码"], ascending=[False, True], ignore_index=True)


def gap_notes(found: GapComparison, origin: Provenance) -> list[str]:
    """Return what goes below a table that is downloaded."""
    subject = found.now.subject
    return [
        f"区域差距：{subject.name}（{subject.unit}），{found.now.year} 年，{subject.level_word}",
        *gap_sentences(found).values(),
        f"权重：{found.now.weight_name or '不加权'}",
        f"来源：{origin.source_text}",
        origin.permission,
    ]
