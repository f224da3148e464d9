"""What every comparison measures alike: wall seconds, processor seconds, and the peak of memory."""

import resource
import time
from pathlib import Path


class Clock:
    """Seconds of named steps, by the wall and by the processor.

    The processor's are what remains comparable on a machine that others use too.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        """Begin anew: what lies between steps is not counted."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def step(self, name: str) -> None:
        """End a step that began with the last one, or with ``start``."""
        self.seconds[name] = time.perf_counter() - self._wall
        self.cpu_seconds[name] = time.process_time() - self._cpu
        self.start()


def peak_mb() -> float:
    """Return the peak of this process's resident memory in MB.

    ``getrusage`` would count the parent's memory at the time of the fork as well.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
