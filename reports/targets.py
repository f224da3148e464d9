"""Targets in the words people read: tables of the plans, and a tracked target's paths."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.palettes import categories
from analysis.tracking import Track, judged
from data.registry import Registry
from data.store.store import Store
from layers.words.tracking import Path

STATE_WORDS = {"met": "已达到", "not_met": "未达到", "undefined": "无法判定"}
NOT_JUDGED = "不作判定"
KIND_WORDS = {"target": "目标值", "actual": "现状值", "forecast": "预测值"}
DIRECTION_WORDS = {"higher_better": "越高越好", "lower_better": "越低越好", "neutral": "中性"}
COMPARATOR_WORDS = {
    "=": "等于",
    ">=": "不低于",
    ">": "高于",
    "<=": "不高于",
    "<": "低于",
    "~": "约",
    "cum": "规划期累计",
}
NO_ATTRIBUTE = "未注明"
_TITLE_NOISE = re.compile(r"江苏省人民政府办公厅关于|江苏省|“十四五”|（.*?）")


@dataclass(frozen=True)
class Search:
    """What to keep: an empty choice keeps all; every word of ``text`` must occur somewhere in the row."""

    text: str = ""
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of ``frame`` (with a column ``haystack``) that match, in the same order."""
        keep = np.ones(len(frame), dtype=bool)
        for column, wanted in self.choices:
            if wanted:
                keep &= frame[column].isin(wanted).to_numpy()
        for word in fold(self.text).split():
            keep &= frame["haystack"].str.contains(word, regex=False).to_numpy()
        return frame[keep]


def fold(text: str) -> str:
    """Return a text by which a search is indifferent to widths and case."""
    return unicodedata.normalize("NFKC", text).casefold()


def short_title(title: str) -> str:
    """Return a plan's title without what all 24 have in common."""
    return _TITLE_NOISE.sub("", title) or title


def place(seed_line: str) -> str:
    """Return where a row stands in the source documents: ``001:123`` is 文件001 第123行."""
    document, _, line = seed_line.partition(":")
    return f"文件{document} 第{line}行"


def with_unit(value: object, unit: object) -> str:
    """Return a value as written, followed by its unit unless the plan wrote it there already."""
    text = str(value)
    return text if not isinstance(unit, str) or not unit or unit in text else f"{text} {unit}"


def plan_names(store: Store) -> pd.DataFrame:
    """Return the plans by id, in the order of their documents: columns title, short, doc_no."""
    documents = store.plan_documents().set_index("plan")
    return documents.assign(short=documents["title"].map(short_title))[["title", "short", "doc_no"]]


def headline_table(store: Store) -> pd.DataFrame:
    """Return the headline targets with plan names, words for their codes, and the place of target and base.

    Columns of ``headline_target`` plus short, title, doc_no, state_word, direction_word, place, base_place,
    haystack; ``attribute`` says 未注明 where the plan says nothing.
    """
    frame = _with_plan(store.headline_targets(), store)
    lines = store.plan_targets().set_index("id")["seed_line"].map(place)
    frame["place"] = frame["target_row"].map(lines)
    frame["base_place"] = frame["base_row"].map(lines)
    frame["state_word"] = frame["state"].map(STATE_WORDS)
    frame["direction_word"] = frame["direction"].map(DIRECTION_WORDS)
    frame["attribute"] = frame["attribute"].fillna(NO_ATTRIBUTE)
    columns = ("indicator_text", "domain", "scope", "unit", "base_text", "target_text", "state_reason")
    return _with_haystack(frame, columns)


def row_table(store: Store) -> pd.DataFrame:
    """Return every row of the plans with plan names, words for its codes, its place and its state.

    Columns of ``plan_target`` plus short, title, doc_no, kind_word, state_word (不作判定 for rows that are no
    headline target), state_reason, place, haystack.
    """
    frame = _with_plan(store.plan_targets(), store)
    judged = store.headline_targets().drop_duplicates("target_row").set_index("target_row")
    frame["state_word"] = frame["id"].map(judged["state"].map(STATE_WORDS)).fillna(NOT_JUDGED)
    frame["state_reason"] = frame["id"].map(judged["state_reason"])
    frame["kind_word"] = frame["kind"].map(KIND_WORDS)
    frame["attribute"] = frame["attribute"].fillna(NO_ATTRIBUTE)
    frame["place"] = frame["seed_line"].map(place)
    return _with_haystack(
        frame, ("indicator_text", "domain", "scope", "unit", "value_text", "note", "seed_line")
    )


def contradiction_table(store: Store) -> pd.DataFrame:
    """Return the targets that contradict each other, by ``group_id``, with plan names, note and place."""
    frame = _with_plan(store.contradictions(), store)
    rows = store.plan_targets().set_index("id")
    for column in ("unit", "note", "comparator"):
        frame[column] = frame["row"].map(rows[column])
    frame["place"] = frame["row"].map(rows["seed_line"].map(place))
    return frame


def _with_plan(frame: pd.DataFrame, store: Store) -> pd.DataFrame:
    return frame.join(plan_names(store), on="plan")


def _with_haystack(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return the frame with a column of everything a search looks through, folded."""
    searched = frame[[*columns, "title", "doc_no"]].fillna("")
    text = searched.agg("\n".join, axis=1)
    return frame.assign(haystack=text.map(fold))


def state_colours(registry: Registry) -> dict[str, str]:
    """Return the colour of each state's word, from the registry."""
    return dict(zip(STATE_WORDS.values(), categories(registry), strict=False))


_MOST_DIGITS = 2


def track_digits(track: Track) -> int:
    """Return the decimals of a track's values: those its targets are written with, one at least."""
    written = [str(value).partition(".")[2] for value in (*track.targets["value"], *track.own["value"])]
    return max(1, min(_MOST_DIGITS, max((len(part.rstrip("0")) for part in written), default=0)))


def path_of(track: Track) -> list[Path]:
    """Return the path to each target of a track; none without an observed value before it."""
    found = []
    for row in track.targets.to_dict("records"):
        own = track.own[track.own["year"] <= row["year"]]
        if own.empty:
            continue
        first, last = own.iloc[0], own.iloc[-1]
        found.append(
            judged(
                Path(
                    name=f"{track.scope}{track.text}",
                    unit=track.unit,
                    decimals=track_digits(track),
                    first_year=int(first["year"]),
                    first=float(first["value"]),
                    last_year=int(last["year"]),
                    last=float(last["value"]),
                    target_year=int(row["year"]),
                    target=float(row["value"]),
                    target_text=_target_text(str(row["text"]), track.unit),
                    state=str(row["state"]),
                    reason=row["reason"] if isinstance(row["reason"], str) else None,
                )
            )
        )
    return found


def _target_text(text: str, unit: str) -> str:
    """Return a target as written, with its unit unless the plan wrote it there."""
    return text if not unit or unit in text else f"{text}{unit}" if unit == "%" else f"{text} {unit}"
