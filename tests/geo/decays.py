"""Decays of every kind, by a name and a catchment."""

from geo.decay import Decay, DecayKind, equal_zones, make_decay

WEIGHTS = (1.0, 0.68, 0.22)


def decay_of(kind: DecayKind, minutes: float) -> Decay:
    """Return a decay; that of steps has three equal zones."""
    return make_decay(kind, minutes, steps=equal_zones(minutes, WEIGHTS) if kind == "step" else None)
