"""From a tracked target to its paths: the series up to each target, as sentences and tables take it."""

from __future__ import annotations

from data.tracking import Track
from layers.tracking_words import Path

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
    return found


def _target_text(text: str, unit: str) -> str:
    """Return a target as written, with its unit unless the plan wrote it there."""
    return text if not unit or unit in text else f"{text}{unit}" if unit == "%" else f"{text} {unit}"
