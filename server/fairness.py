"""The interpreter changes hands often: one visitor's long computation does not hold up another's page."""

from __future__ import annotations

import sys

SWITCH_SECONDS = 0.0005


def share_the_interpreter() -> None:
    """Let threads of this process take turns every half millisecond (Python's own choice is five).

    A page waits for its turn hundreds of times, after each short wait of its own; beside a thread that
    computes it would wait the whole interval each time.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
