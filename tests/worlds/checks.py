"""All that is compared on a world: every method beside the oracle (``methods``), and the laws (``laws``).

What a method takes from another is the product's own answer to that, which another check compares: coverage,
circles, catchments and siting are judged given the product's minutes.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from tests.worlds import laws, methods
from tests.worlds.case import Case
from tests.worlds.tally import Tally
from tests.worlds.world import random_world

CHECKS: dict[str, Callable[[Case, Tally], None]] = {
    name.removeprefix("check_"): check
    for module in (methods, laws)
    for name, check in vars(module).items()
    if name.startswith("check_")
}


def judge(seed: int) -> Tally:
    """Return what was compared in the world of a number, and what differs; an error is a difference."""
    case, tally = Case(random_world(seed)), Tally()
    for name, check in CHECKS.items():
        tally.check = name
        try:
            check(case, tally)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            tally.fault(f"{type(error).__name__} at {last.filename}:{last.lineno}: {error}")
    return tally
