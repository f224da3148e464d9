"""Folders that all test processes of a run share: made once, whole, and a failure leaves nothing behind."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

# Pages and commands under test leave their runs and answers in the store that all share: a copy, which may be
# taken while another process writes there, leaves them behind.
RUNS = shutil.ignore_patterns("runs", "cache")


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return ``folder``, which the first process to ask makes: ``make`` is given a path where nothing is yet.

    The others wait for it. The folder appears complete or not at all; when ``make`` fails, or its process was
    killed, the next to ask starts from nothing and meets the same fault, not what the first one left.
    """
    staged = folder.with_name(f"{folder.name}-staged")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(staged, ignore_errors=True)
            try:
                make(staged)
                staged.rename(folder)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
    return folder
